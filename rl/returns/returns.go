// Package returns computes what policy-gradient methods learn from, out of the rewards of a rollout: discounted and
// n-step returns and generalised advantages. They are functions of slices; no environment, network or graph appears.
//
// The package keeps two ends of an episode apart. After a terminated step nothing follows, so its return is its reward.
// After a truncated step the episode would have gone on, so its return is completed by the value of the last
// observation; taking it for a terminated one teaches that time limits are fatal (Pardo et al., Time Limits in
// Reinforcement Learning, 2018). The same holds where the rollout itself stops in the middle of an episode.
package returns

import (
	"fmt"
	"math"
)

// Rollout is a stretch of T consecutive steps of one environment. It may hold several episodes and parts of episodes.
//
// Slices that are not nil have length T. Results are written to dst, which has length T or is nil to be allocated, and
// returned. It may be any of the slices of the rollout, which then computes in place.
type Rollout struct {
	Reward     []float64 // r_t
	Terminated []bool    // the episode ended with step t and nothing follows; nil: never
	Truncated  []bool    // the episode was cut off after step t; nil: never
	Value      []float64 // V(s_t), of the observations in which the actions were taken; not used by Discounted

	// Bootstrap is the value of the observation that step t led to. It is used only where that observation is not
	// the next one of the rollout: where step t was truncated, and at the last step. Elsewhere, and where the step was
	// also terminated, it may hold anything. Nil stands for zeros: returns are those of the recorded rewards alone.
	Bootstrap []float64
}

// Discounted returns the discounted sums of rewards to the end of each episode,
//
//	G_t = r_t + γ·G_{t+1}
//
// where G_{t+1} is 0 after a terminated step and Bootstrap[t] after a truncated one and at the end of the rollout.
func (r Rollout) Discounted(dst []float64, gamma float64) ([]float64, error) {
	dst, err := r.prepare(dst, false, gamma)
	if err != nil {
		return nil, err
	}
	for t := len(dst) - 1; t >= 0; t-- {
		next := 0.0
		switch {
		case r.terminated(t):
		case r.cut(t):
			next = r.bootstrap(t)
		default:
			next = dst[t+1]
		}
		dst[t] = r.Reward[t] + float64(gamma*next)
	}
	return dst, nil
}

// NStep returns sums of n ≥ 1 rewards completed by a value,
//
//	G_t = r_t + γ·r_{t+1} + … + γⁿ⁻¹·r_{t+n-1} + γⁿ·V(s_{t+n})
//
// with fewer rewards where an episode or the rollout ends before: after k of them there follows 0 if the last step was
// terminated, and γᵏ times its Bootstrap otherwise.
func (r Rollout) NStep(dst []float64, gamma float64, n int) ([]float64, error) {
	if n < 1 {
		return nil, fmt.Errorf("returns: sums of %d rewards, want at least 1", n)
	}
	dst, err := r.prepare(dst, true, gamma)
	if err != nil {
		return nil, err
	}
	for t := range dst {
		last := t // step of the last reward
		for last-t < n-1 && !r.terminated(last) && !r.cut(last) {
			last++
		}
		sum := r.next(last)
		for k := last; k >= t; k-- {
			sum = r.Reward[k] + float64(gamma*sum)
		}
		dst[t] = sum // neither rewards nor values before t+1 are needed any more
	}
	return dst, nil
}

// GAE returns generalised advantages (Schulman et al., High-Dimensional Continuous Control Using Generalized Advantage
// Estimation, 2016): sums of the temporal differences δ to the end of each episode,
//
//	A_t = δ_t + γλ·A_{t+1}    δ_t = r_t + γ·V(s_{t+1}) - V(s_t)
//
// where A_{t+1} is 0 after the end of an episode and of the rollout, and V(s_{t+1}) is 0 after a terminated step and
// Bootstrap[t] after a truncated one and at the end of the rollout. With λ = 1 it is Discounted minus Value, with
// λ = 0 it is δ. A_t + V(s_t) is the λ-return, the usual target of the value.
func (r Rollout) GAE(dst []float64, gamma, lambda float64) ([]float64, error) {
	if !(lambda >= 0 && lambda <= 1) {
		return nil, fmt.Errorf("returns: λ is %v, want one from [0, 1]", lambda)
	}
	dst, err := r.prepare(dst, true, gamma)
	if err != nil {
		return nil, err
	}
	decay := float64(gamma * lambda)
	value, advantage := 0.0, 0.0 // of step t+1; kept aside because dst may be Value
	for t := len(dst) - 1; t >= 0; t-- {
		if r.terminated(t) {
			value, advantage = 0, 0
		} else if r.cut(t) {
			value, advantage = r.bootstrap(t), 0
		}
		here := r.Value[t]
		delta := r.Reward[t] + float64(gamma*value) - here
		advantage = delta + float64(decay*advantage)
		value = here
		dst[t] = advantage
	}
	return dst, nil
}

// Standardize shifts and scales x to mean 0 and standard deviation 1, (x - mean)/(σ + 10⁻⁸) with σ² the mean squared
// deviation. Equal values come out as zeros. The result goes to dst, of the same length or nil, which may be x itself.
func Standardize(dst, x []float64) ([]float64, error) {
	if dst == nil {
		dst = make([]float64, len(x))
	}
	if len(dst) != len(x) {
		return nil, fmt.Errorf("returns: %d results for %d values", len(dst), len(x))
	}
	mean, variance := moments(x)
	deviation := math.Sqrt(variance) + 1e-8
	for i, v := range x {
		dst[i] = (v - mean) / deviation
	}
	return dst, nil
}

// ExplainedVariance returns 1 - Var(target - prediction)/Var(target): 1 for a perfect prediction, 0 for one as good as
// a constant, negative for a worse one. It is NaN if the targets are all equal or there are none.
func ExplainedVariance(prediction, target []float64) (float64, error) {
	if len(prediction) != len(target) {
		return 0, fmt.Errorf("returns: %d predictions of %d targets", len(prediction), len(target))
	}
	if len(target) == 0 {
		return math.NaN(), nil
	}
	residual := make([]float64, len(target))
	for i := range target {
		residual[i] = target[i] - prediction[i]
	}
	_, unexplained := moments(residual)
	_, total := moments(target)
	if total == 0 {
		return math.NaN(), nil
	}
	return 1 - unexplained/total, nil
}

// moments returns mean and mean squared deviation. Those of equal values are exact.
func moments(x []float64) (mean, variance float64) {
	if len(x) == 0 {
		return 0, 0
	}
	origin, n := x[0], float64(len(x))
	for _, v := range x {
		mean += (v - origin) / n
	}
	mean += origin
	for _, v := range x {
		d := v - mean
		variance += float64(d*d) / n
	}
	return mean, variance
}

// prepare checks the lengths of a rollout and its discount, and allocates dst if it is nil.
func (r Rollout) prepare(dst []float64, values bool, gamma float64) ([]float64, error) {
	if !(gamma >= 0 && gamma <= 1) {
		return nil, fmt.Errorf("returns: discount %v, want one from [0, 1]", gamma)
	}
	steps := len(r.Reward)
	if dst == nil {
		dst = make([]float64, steps)
	}
	for _, part := range []struct {
		name   string
		length int
		given  bool
	}{
		{"dst", len(dst), true},
		{"Terminated", len(r.Terminated), r.Terminated != nil},
		{"Truncated", len(r.Truncated), r.Truncated != nil},
		{"Value", len(r.Value), values},
		{"Bootstrap", len(r.Bootstrap), r.Bootstrap != nil},
	} {
		if part.given && part.length != steps {
			return nil, fmt.Errorf("returns: %d rewards and %s of length %d, want the same", steps, part.name, part.length)
		}
	}
	return dst, nil
}

func (r Rollout) terminated(t int) bool { return r.Terminated != nil && r.Terminated[t] }

// cut reports whether what follows step t is not in the rollout.
func (r Rollout) cut(t int) bool {
	return t == len(r.Reward)-1 || r.Truncated != nil && r.Truncated[t]
}

func (r Rollout) bootstrap(t int) float64 {
	if r.Bootstrap == nil {
		return 0
	}
	return r.Bootstrap[t]
}

// next returns the value of what follows step t.
func (r Rollout) next(t int) float64 {
	switch {
	case r.terminated(t):
		return 0
	case r.cut(t):
		return r.bootstrap(t)
	default:
		return r.Value[t+1]
	}
}
