package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// DisARM, also U2G, is ARM with its noise integrated out, given the two samples:
//
//	ĝ = ½·(f(b⁺) − f(b⁻))·(b⁺ − b⁻)·σ(|ℓ|),  b⁺ = 1[u > σ(−ℓ)],  b⁻ = 1[u < σ(ℓ)]
//
// where u ~ U(0, 1).
//
//   - Laws: Bernoulli.
//   - Bias: none; it is the conditional expectation of ARM, and has no higher variance for that reason.
//   - Work: two evaluations of f, which need not be differentiable.
//
// Source: Dong, Mnih and Tucker (2020), "DisARM: an antithetic gradient estimator for binary latent variables", NeurIPS,
// arXiv:2006.10680; Yin, Ho, Yan, Qian and Zhou (2020), "Probabilistic best subset selection via gradient-based
// optimization", arXiv:2006.06448, for U2G.
type DisARM struct{}

// Info describes the estimator.
func (DisARM) Info() Info {
	return Info{
		Name:        "disarm",
		Summary:     "difference of two antithetic samples, their noise integrated out",
		Source:      "Dong, Mnih and Tucker 2020, arXiv:2006.10680",
		Laws:        []Law{Bernoulli},
		Unbiased:    true,
		Evaluations: 2,
	}
}

// Noise is one logistic input [B, D], logit u.
func (DisARM) Noise(p Problem) []noise.Spec { return p.noise(noise.Logistic, 1) }

// Parameters lists none.
func (DisARM) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (d DisARM) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	p, err := validate(d, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	x, err := p.antithetic(eps[0])
	difference := e.Of(op.SpreadEvent(e.Of(x.difference, err), p.event()...))
	side := e.Of(op.Mul(e.Of(op.Sub(x.plus, x.minus)), e.Of(op.Sigmoid(e.Of(p.magnitude())))))
	grad := e.Of(op.Scale(e.Of(op.Mul(difference, side)), 0.5))
	return Estimate{Value: x.mean, Sample: x.plus, Grad: grad}, e.Err()
}

// magnitude is |ℓ|.
func (p Problem) magnitude() (*G.Node, error) {
	var e op.Expr
	sign := e.Of(op.Affine(e.Of(op.Positive(p.Logits)), 2, -1))
	return e.Node(e.Of(op.Mul(sign, p.Logits)))
}
