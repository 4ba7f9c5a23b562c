package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// MuProp takes the first-order expansion of f around the mean π = E b as control variate, whose part of the gradient is
// known:
//
//	ĝ = [f(b) − f̃(π) − ∇f̃(π)·(b − π) − c]·∂log p(b)/∂ℓ + ∇f̃(π)·∂π/∂ℓ
//
// where f̃ is Problem.Smooth and c a baseline, which is none unless Baseline says so.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: none. E ∇f̃(π)·(b − π)·∂log p(b) = ∇f̃(π)·∂π, which the last term returns.
//   - Work: f at b and f̃ with its gradient at π: two evaluations. f̃ must be differentiable.
//   - Parameters: those of the baseline; Tuning is its squared error as a prediction of what precedes it in the brackets.
//
// Source: Gu, Levine, Sutskever and Mnih (2016), "MuProp: unbiased backpropagation for stochastic neural networks", ICLR,
// arXiv:1511.05176.
type MuProp struct {
	Baseline Baseline // zero: none
	Hidden   int      // units of the learned baseline's hidden layer; zero: 100
}

// Info describes the estimator.
func (m MuProp) Info() Info {
	return Info{
		Name:        "muprop",
		Summary:     "score function with the expansion of f around the mean as control variate",
		Source:      "Gu et al. 2016, arXiv:1511.05176",
		Laws:        []Law{Bernoulli, Categorical},
		Unbiased:    true,
		Evaluations: 2,
		Gradient:    true,
		Smooth:      true,
	}
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (m MuProp) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters lists those of the baseline.
func (m MuProp) Parameters(p Problem, seed uint64) []Parameter {
	return m.Baseline.parameters(p, seed, m.Hidden)
}

// Build adds the estimate to the graph.
func (m MuProp) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	if err := m.Baseline.validate("muprop", m.Hidden); err != nil {
		return Estimate{}, err
	}
	p, err := validate(m, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	b := e.Of(p.sample(eps[0]))
	f := e.Of(p.evaluate(p.F, b))
	π := e.Of(p.mean())
	atMean := e.Of(p.evaluate(p.smooth(), π))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	slope := e.Of(gradient(atMean, π))
	linear := e.Of(op.SumEvent(e.Of(op.Mul(slope, e.Of(op.Sub(b, π))))))
	rest := e.Of(op.Sub(e.Of(op.Sub(f, atMean)), linear))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	centred, loss, err := m.Baseline.build(p, rest, params)
	grad := e.Of(op.Add(e.Of(p.weighted(e.Of(centred, err), b)), e.Of(p.throughMean(slope))))
	return Estimate{Value: f, Sample: b, Grad: grad, Tuning: loss}, e.Err()
}

// smooth is the objective where b is not discrete.
func (p Problem) smooth() Objective {
	if p.Smooth != nil {
		return p.Smooth
	}
	return p.F
}

// gradient is ∇f at b for each row, for f [B] that was built from b.
func gradient(f, b *G.Node) (*G.Node, error) {
	total, err := op.SumAll(f)
	if err != nil {
		return nil, err
	}
	grads, err := autodiff.Gradient(total, b)
	if err != nil {
		return nil, err
	}
	return grads[0], nil
}
