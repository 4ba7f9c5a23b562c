package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// ARM, augment-REINFORCE-merge, evaluates f at two antithetic samples that share a uniform number for each bit:
//
//	ĝ = (f(b⁺) − f(b⁻))·(u − ½),  b⁺ = 1[u > σ(−ℓ)],  b⁻ = 1[u < σ(ℓ)]
//
// where u ~ U(0, 1).
//
//   - Laws: Bernoulli.
//   - Bias: none; it is the score-function estimate in u, averaged over u and 1 − u.
//   - Work: two evaluations of f, which need not be differentiable.
//
// DisARM at the same two samples has the same mean and never a higher variance. Source: Yin and Zhou (2019), "ARM:
// augment-REINFORCE-merge gradient for stochastic binary networks", ICLR, arXiv:1807.11143.
type ARM struct{}

// Info describes the estimator.
func (ARM) Info() Info {
	return Info{
		Name:        "arm",
		Summary:     "difference of two antithetic samples, weighted by their noise",
		Source:      "Yin and Zhou 2019, arXiv:1807.11143",
		Laws:        []Law{Bernoulli},
		Unbiased:    true,
		Evaluations: 2,
	}
}

// Noise is one logistic input [B, D], logit u.
func (ARM) Noise(p Problem) []noise.Spec { return p.noise(noise.Logistic, 1) }

// Parameters lists none.
func (ARM) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (a ARM) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	p, err := validate(a, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	x, err := p.antithetic(eps[0])
	difference := e.Of(op.SpreadEvent(e.Of(x.difference, err), p.event()...))
	centred := e.Of(op.Shift(e.Of(op.Sigmoid(eps[0])), -0.5)) // u − ½
	return Estimate{Value: x.mean, Sample: x.plus, Grad: e.Of(op.Mul(difference, centred))}, e.Err()
}

// A pair is two antithetic samples, each with the law of b, and f at both.
type pair struct {
	plus, minus      *G.Node // b⁺ = 1[ℓ + ε > 0] and b⁻ = 1[ℓ − ε > 0], [B, D]
	mean, difference *G.Node // of f at the two, [B]
}

// antithetic draws a pair of bits from logistic noise, which is symmetric.
func (p Problem) antithetic(ε *G.Node) (pair, error) {
	var e op.Expr
	plus := e.Of(p.sample(ε))
	minus := e.Of(p.sample(e.Of(op.Neg(ε))))
	f, g := e.Of(p.evaluate(p.F, plus)), e.Of(p.evaluate(p.F, minus))
	if err := e.Err(); err != nil {
		return pair{}, err
	}
	mean := e.Of(meanOf([]*G.Node{f, g}))
	return pair{plus: plus, minus: minus, mean: mean, difference: e.Of(op.Sub(f, g))}, e.Err()
}
