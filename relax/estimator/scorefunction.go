package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// ScoreFunction is the score-function estimator, REINFORCE, with a baseline c,
//
//	ĝ = (f(b) − c)·∂log p(b)/∂ℓ = (f(b) − c)·(b − π)
//
// where b ~ p(b | ℓ) and π = E b.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: none. ∂E f = Σ_b f·∂p = E f·∂log p, and E c·∂log p = c·∂Σ_b p = 0.
//   - Work: one evaluation of f, which need not be differentiable.
//   - Parameters: those of the baseline; Tuning is the baseline's squared error.
//
// Its names are score without a baseline, reinforce with a constant one and nvil with a learned one. Source: Williams
// (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement learning", Machine Learning
// 8; Mnih and Gregor (2014), arXiv:1402.0030, for nvil, here without their normalisation of the variance.
type ScoreFunction struct {
	Baseline Baseline // zero: none
	Hidden   int      // units of the learned baseline's hidden layer; zero: 100
}

// Info describes the estimator.
func (s ScoreFunction) Info() Info {
	info := Info{
		Name:        "score",
		Summary:     "score function without a baseline",
		Source:      "Williams 1992",
		Laws:        []Law{Bernoulli, Categorical},
		Unbiased:    true,
		Evaluations: 1,
	}
	switch s.Baseline {
	case ConstantBaseline:
		info.Name, info.Summary = "reinforce", "score function with a moving average as baseline"
	case LearnedBaseline:
		info.Name, info.Summary = "nvil", "score function with a baseline learned from the context"
		info.Source = "Mnih and Gregor 2014, arXiv:1402.0030"
	}
	return info
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (s ScoreFunction) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters lists those of the baseline.
func (s ScoreFunction) Parameters(p Problem, seed uint64) []Parameter {
	return s.Baseline.parameters(p, seed, s.Hidden)
}

// Build adds the estimate to the graph.
func (s ScoreFunction) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	if err := s.Baseline.validate(s.Info().Name, s.Hidden); err != nil {
		return Estimate{}, err
	}
	p, err := validate(s, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	b := e.Of(p.sample(eps[0]))
	f := e.Of(p.evaluate(p.F, b))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	centred, loss, err := s.Baseline.build(p, f, params)
	grad := e.Of(p.weighted(e.Of(centred, err), b))
	return Estimate{Value: f, Sample: b, Grad: grad, Tuning: loss}, e.Err()
}
