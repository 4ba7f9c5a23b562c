package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// DoubleCV adds to RLOO a control variate that is linear in each sample, with the gradients of f at the other samples:
//
//	ĝ = 1/K Σ_k [h_k − 1/(K−1) Σ_{j≠k} h_j]·∂log p(b_k)/∂ℓ + α·ḡ·∂π/∂ℓ
//	h_k = f(b_k) − α·ḡ_{−k}·(b_k − π),  ḡ = 1/K Σ_k ∇f̃(b_k),  ḡ_{−k} = 1/(K−1) Σ_{j≠k} ∇f̃(b_j)
//
// where π = E b and f̃ is Problem.Smooth. With α = 1 and linear f the estimate is exact; with α = 0 it is RLOO. The paper
// writes −α for α.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: none, whatever α. ḡ_{−k} is independent of b_k, so that E ḡ_{−k}·(b_k − π)·∂log p(b_k) = E ḡ·∂π, which the last
//     term returns; and given all samples but b_j, b_j − π has mean zero, so that h_j contributes nothing to the others.
//   - Work: K evaluations of f with their gradients; K more if f̃ is not f. f̃ must be differentiable.
//   - Parameters: α, 1 to begin with; Tuning is Σĝ², whose expectation is smallest where the
//     variance is.
//
// Source: Titsias and Shi (2022), "Double control variates for gradient estimation in discrete latent variable models",
// AISTATS, arXiv:2111.05300.
type DoubleCV struct {
	Samples int // K ≥ 2; zero: 2
}

// Info describes the estimator.
func (d DoubleCV) Info() Info {
	return Info{
		Name:        "doublecv",
		Summary:     "leave-one-out with a linear control variate from the gradients of f",
		Source:      "Titsias and Shi 2022, arXiv:2111.05300",
		Laws:        []Law{Bernoulli, Categorical},
		Unbiased:    true,
		Evaluations: samples(d.Samples, 2),
		Gradient:    true,
	}
}

// Noise is that of K draws of b: logistic or Gumbel, the logits' shape each.
func (d DoubleCV) Noise(p Problem) []noise.Spec { return p.sampleNoise(samples(d.Samples, 2)) }

// Parameters lists α, a scalar.
func (d DoubleCV) Parameters(Problem, uint64) []Parameter {
	return []Parameter{{Name: "alpha", Initial: []float64{1}}}
}

// Build adds the estimate to the graph.
func (d DoubleCV) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	k := samples(d.Samples, 2)
	if err := validateSamples("doublecv", k); err != nil {
		return Estimate{}, err
	}
	p, err := validate(d, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	α := params[0]
	var e op.Expr
	π := e.Of(p.mean())
	var bs, fs, slopes []*G.Node
	for _, ε := range eps {
		b := e.Of(p.sample(ε))
		f := e.Of(p.evaluate(p.F, b))
		smooth := f
		if p.Smooth != nil {
			smooth = e.Of(p.evaluate(p.Smooth, b))
		}
		if err := e.Err(); err != nil {
			return Estimate{}, err
		}
		bs, fs, slopes = append(bs, b), append(fs, f), append(slopes, e.Of(gradient(smooth, b)))
		if err := e.Err(); err != nil {
			return Estimate{}, err
		}
	}
	total := e.Of(sumOf(slopes))
	hs := make([]*G.Node, k)
	for i, b := range bs {
		others := e.Of(op.Scale(e.Of(op.Sub(total, slopes[i])), 1/float64(k-1)))
		linear := e.Of(op.SumEvent(e.Of(op.Mul(others, e.Of(op.Sub(b, π))))))
		hs[i] = e.Of(op.Sub(fs[i], e.Of(op.Mul(linear, α))))
	}
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	score := e.Of(p.leaveOneOut(hs, e.Of(meanOf(hs)), bs))
	known := e.Of(p.throughMean(e.Of(op.Scale(total, 1/float64(k)))))
	grad := e.Of(op.Add(score, e.Of(op.Mul(known, α))))
	return Estimate{Value: e.Of(meanOf(fs)), Sample: bs[0], Grad: grad, Tuning: e.Of(squares(grad))}, e.Err()
}
