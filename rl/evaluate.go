package rl

import (
	"fmt"
	"math"
)

// Evaluation is the outcome of some episodes with a policy that does not learn.
type Evaluation struct {
	Episodes int     `json:"episodes"`
	Exact    bool    `json:"exact,omitempty"` // there is one episode from every start, and no chance: means are expectations
	Return   float64 `json:"return"`          // mean, not discounted
	Std      float64 `json:"std"`             // of the returns, dividing by the number of episodes
	Length   float64 `json:"length"`          // mean
	Success  float64 `json:"success"`
}

// summarize is the evaluation that episodes amount to.
func summarize(episodes []Played) Evaluation {
	v := Evaluation{Episodes: len(episodes)}
	n := float64(len(episodes))
	for _, e := range episodes {
		v.Return += e.Return
		v.Length += float64(e.Length)
		if e.Success {
			v.Success++
		}
	}
	v.Return, v.Length, v.Success = v.Return/n, v.Length/n, v.Success/n
	for _, e := range episodes {
		v.Std += (e.Return - v.Return) * (e.Return - v.Return) / n
	}
	v.Std = math.Sqrt(v.Std)
	return v
}

// evaluate plays n episodes that are the same in every evaluation of a purpose but for what the policy does. A greedy
// policy plays one episode from every start instead, where these can be counted.
func (p *player) evaluate(purpose string, n int, greedy bool, goal Goal) (Evaluation, error) {
	exact := greedy && p.starts != nil
	var episodes []episode
	var err error
	if exact {
		episodes, err = p.playStarts()
	} else {
		episodes, err = p.play(purpose, 0, n, greedy)
	}
	if err != nil {
		return Evaluation{}, fmt.Errorf("evaluation: %w", err)
	}
	var played []Played
	for i := range episodes {
		played = append(played, episodes[i].outcome(goal))
	}
	v := summarize(played)
	v.Exact = exact
	return v, nil
}

// gradientLogVar is the logarithm of the variance of the agent's gradient estimate over episodes played with the
// policy as it is, the mean over its parameters. Parameters that no episode touches, such as the weights of states that
// were not visited, have no variance and are left out; if all are, it is NaN.
//
// Source: Grathwohl et al. (2018), arXiv:1711.00123, appendix: the estimator is frozen every so often, and the sample
// log-variance over new episodes is averaged over parameters.
func gradientLogVar(a agent, p *player, counter, n int) (float64, error) {
	episodes, err := p.play("variance", counter, n, false)
	if err != nil {
		return 0, fmt.Errorf("variance of the gradient: %w", err)
	}
	var mean, squares []float64 // Welford's running mean and sum of squared deviations
	for k, e := range episodes {
		if p.interrupted != nil && p.interrupted() != nil {
			return 0, p.interrupted()
		}
		grad, err := a.gradient(e)
		if err != nil {
			return 0, fmt.Errorf("variance of the gradient: %w", err)
		}
		if mean == nil {
			mean, squares = make([]float64, len(grad)), make([]float64, len(grad))
		}
		for i, g := range grad {
			d := float64(g) - mean[i]
			mean[i] += d / float64(k+1)
			squares[i] += d * (float64(g) - mean[i])
		}
	}
	sum, touched := 0.0, 0
	for _, s := range squares {
		if s > 0 {
			sum += math.Log(s / float64(n-1))
			touched++
		}
	}
	return sum / float64(touched), nil
}
