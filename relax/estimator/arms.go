package estimator

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// ARMS draws K samples that repel each other, so that they cover the two values of a bit better than independent ones, and
// corrects RLOO for their correlation ρ:
//
//	ĝ = 1/((1−ρ)(K−1)) Σ_k (f(b_k) − f̄)·(b_k − π)
//
// The K uniform numbers of a bit come from a Dirichlet copula: u_k = (1 − d_k)^{K−1} for exponential e_k and
// d_k = e_k/Σ_j e_j. With m = min(π, 1−π) the bits are b_k = 1[u_k < m] if m = π and 1[u_k > m] otherwise, and
//
//	1/(1−ρ) = (1 − m)/(1 − r^{K−1}),  r = max(2 − m^{−1/(K−1)}, 0)
//
// because P(u_j < m, u_k < m) = m·r^{K−1}.
//
//   - Laws: Bernoulli.
//   - Bias: none, because E[b_k − π | b_j] = ρ·(b_j − π) for k ≠ j, whatever f is.
//   - Work: K evaluations of f, which need not be differentiable.
//
// With two samples it is DisARM. Source: Dimitriev and Zhou (2021), "ARMS: antithetic-REINFORCE-multi-sample gradient for
// binary variables", ICML, arXiv:2105.14141.
type ARMS struct {
	Samples int // K ≥ 2; zero: 4
}

// Info describes the estimator.
func (a ARMS) Info() Info {
	return Info{
		Name:        "arms",
		Summary:     "several samples that repel each other",
		Source:      "Dimitriev and Zhou 2021, arXiv:2105.14141",
		Laws:        []Law{Bernoulli},
		Unbiased:    true,
		Evaluations: samples(a.Samples, 4),
	}
}

// Noise is K exponential inputs [B, D].
func (a ARMS) Noise(p Problem) []noise.Spec {
	return p.noise(noise.Exponential, samples(a.Samples, 4))
}

// Parameters lists none.
func (a ARMS) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (a ARMS) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	k := samples(a.Samples, 4)
	if err := validateSamples("arms", k); err != nil {
		return Estimate{}, err
	}
	p, err := validate(a, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	softplus := e.Of(op.Softplus(e.Of(p.magnitude()))) // −log m
	positive := e.Of(op.Positive(p.Logits))
	flip := e.Of(op.Affine(positive, -2, 1)) // −1 where m = 1−π
	total := e.Of(op.Log(e.Of(sumOf(eps))))
	var bs, fs []*G.Node
	for i := range eps {
		// log u = (K−1)·log(1−d), and 1−d is the share of the others: 1 minus the share of e_i would cancel.
		others := append(append([]*G.Node{}, eps[:i]...), eps[i+1:]...)
		rest := e.Of(op.Sub(e.Of(op.Log(e.Of(sumOf(others)))), total))
		logU := e.Of(op.Scale(rest, float64(k-1)))
		below := e.Of(op.Positive(e.Of(op.Neg(e.Of(op.Add(softplus, logU)))))) // 1[u < m]
		b := e.Of(op.Add(positive, e.Of(op.Mul(flip, below))))
		bs, fs = append(bs, b), append(fs, e.Of(p.evaluate(p.F, b)))
		if err := e.Err(); err != nil {
			return Estimate{}, err
		}
	}
	mean := e.Of(meanOf(fs))
	correction := e.Of(a.correction(softplus, e.Of(op.Sigmoid(e.Of(p.magnitude())))))
	grad := e.Of(op.Mul(correction, e.Of(p.leaveOneOut(fs, mean, bs))))
	return Estimate{Value: mean, Sample: bs[0], Grad: grad}, e.Err()
}

// correction is 1/(1−ρ), from −log m and 1−m.
func (a ARMS) correction(negLogM, complement *G.Node) (*G.Node, error) {
	n := float64(samples(a.Samples, 4) - 1)
	var e op.Expr
	// r is 0 where m^{−1/n} exceeds 2; the exponent stops there, so that it does not overflow.
	exponent := e.Of(op.Clamp(e.Of(op.Scale(negLogM, 1/n)), 0, math.Ln2))
	r := e.Of(op.Clamp(e.Of(op.Affine(e.Of(op.Exp(exponent)), -1, 2)), 0, 1))
	power := e.Of(op.Exp(e.Of(op.Scale(e.Of(op.Log(r)), n))))
	return e.Node(e.Of(op.Div(complement, e.Of(op.OneMinus(power)))))
}
