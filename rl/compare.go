package rl

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Standing is how an agent did in an environment over several seeds. The return of a seed is the mean of its final greedy
// episodes.
type Standing struct {
	Agent  string  `json:"agent"`
	Seeds  int     `json:"seeds"`
	Steps  int     `json:"steps"`  // of a run, the most
	Return float64 `json:"return"` // mean over seeds

	// Low and High are the 95 % confidence interval of the mean by Student's t; nil for a single seed.
	Low  *float64 `json:"low"`
	High *float64 `json:"high"`
	// IQM is the interquartile mean, that of the middle half of the seeds, counted in parts where the half cuts a seed.
	IQM            float64  `json:"iqm"`
	Sampled        float64  `json:"sampled"`         // mean return of the final sampled episodes
	Success        float64  `json:"success"`         // share of the final greedy episodes that reached their goal
	Reached        int      `json:"reached"`         // seeds whose training reached the threshold
	ThresholdSteps *float64 `json:"threshold_steps"` // until then, their median; nil if there are none
	GradLogVar     *float64 `json:"grad_logvar"`     // after training, mean; nil if it was not measured
	StepsPerSecond float64  `json:"steps_per_second"`
	WallSeconds    float64  `json:"wall_seconds"` // of a run, mean
	// Beats holds, for every other agent, the probability that a seed of this agent returns more than one of the other:
	// the share of pairs, equal ones counted half.
	Beats map[string]float64 `json:"beats"`
}

// Compare sums up the runs of agents that have at least one, in the order given.
func Compare(agents []string, runs map[string][]Summary) []Standing {
	var list []Standing
	for _, agent := range agents {
		of := runs[agent]
		if len(of) == 0 {
			continue
		}
		n := float64(len(of))
		s := Standing{Agent: agent, Seeds: len(of), Beats: map[string]float64{}}
		var thresholds, logvars []float64
		for _, r := range of {
			s.Steps = max(s.Steps, r.Steps)
			s.Sampled += r.Sampled.Return / n
			s.Success += r.Greedy.Success / n
			s.StepsPerSecond += r.StepsPerSecond / n
			s.WallSeconds += r.WallSeconds / n
			if r.ThresholdSteps != nil {
				thresholds = append(thresholds, float64(*r.ThresholdSteps))
			}
			if r.GradLogVar != nil {
				logvars = append(logvars, *r.GradLogVar)
			}
		}
		x := greedyReturns(of)
		s.Return, s.IQM = mean(x), interquartileMean(x)
		if len(x) > 1 {
			half := distuv.StudentsT{Mu: 0, Sigma: 1, Nu: n - 1}.Quantile(0.975) * stat.StdDev(x, nil) / math.Sqrt(n)
			s.Low, s.High = new(s.Return-half), new(s.Return+half)
		}
		if s.Reached = len(thresholds); s.Reached > 0 {
			s.ThresholdSteps = new(median(thresholds))
		}
		if len(logvars) == len(of) {
			s.GradLogVar = new(mean(logvars))
		}
		for _, other := range agents {
			if len(runs[other]) > 0 && other != agent {
				s.Beats[other] = improvement(x, greedyReturns(runs[other]))
			}
		}
		list = append(list, s)
	}
	return list
}

func greedyReturns(runs []Summary) []float64 {
	var x []float64
	for _, r := range runs {
		x = append(x, r.Greedy.Return)
	}
	return x
}

// interquartileMean weighs each of the sorted values by how much of its nth part lies in the middle half.
func interquartileMean(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	n := float64(len(x))
	sum := 0.0
	for i, v := range x {
		from, to := max(float64(i)/n, 0.25), min(float64(i+1)/n, 0.75)
		sum += 2 * v * max(0, to-from)
	}
	return sum
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// improvement is the probability that one of a exceeds one of b (Agarwal et al., "Deep reinforcement learning at the edge of
// the statistical precipice", NeurIPS 2021, arXiv:2108.13264).
func improvement(a, b []float64) float64 {
	wins := 0.0
	for _, x := range a {
		for _, y := range b {
			switch {
			case x > y:
				wins++
			case x == y:
				wins += 0.5
			}
		}
	}
	return wins / float64(len(a)*len(b))
}
