package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// ReinMax is a straight-through estimator of second order: where StraightThrough takes f(b) − E f for its linear
// approximation, this takes the trapezoid between b and the mean,
//
//	ĝ = 2·J(π_b)·∇f(b) − ½·J(π)·∇f(b),  π_b = ½(b + softmax(ℓ/τ)),  J(π) = diag π − ππᵀ
//
// and for bits, the case of two classes, ĝ = [2π_b(1−π_b) − ½π(1−π)]·∇f(b) with π_b = ½(b + σ(ℓ/τ)).
//
//   - Laws: Bernoulli and categorical.
//   - Bias: at τ = 1 none if f is quadratic in each variable while the others are fixed; otherwise what the trapezoid rule
//     leaves out.
//   - Work: f and its gradient at b: one evaluation.
//   - Parameters: none.
//
// The authors advise τ ≥ 1: a higher temperature means less variance and more bias.
//
// Source: Liu, Dong, Liu, Yu and Gao (2023), "Bridging discrete and backpropagation: straight-through and beyond",
// NeurIPS, arXiv:2304.08612.
type ReinMax struct {
	Temperature float64 // τ; zero: 1
}

// Info describes the estimator.
func (r ReinMax) Info() Info {
	return Info{
		Name:        "reinmax",
		Summary:     "straight-through of second order",
		Source:      "Liu et al. 2023, arXiv:2304.08612",
		Laws:        []Law{Bernoulli, Categorical},
		Evaluations: 1,
		Gradient:    true,
	}
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (r ReinMax) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters is empty.
func (r ReinMax) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (r ReinMax) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	p, err := validate(r, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	τ := e.Of(p.temperature("reinmax", r.Temperature, 1))
	b := e.Of(p.sample(eps[0]))
	tempered := e.Of(p.squash(e.Of(op.Div(p.Logits, τ))))
	middle := e.Of(op.Scale(e.Of(op.Add(b, tempered)), 0.5))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	return p.atSample(b, func(slope *G.Node) (*G.Node, error) {
		first := e.Of(op.Scale(e.Of(p.covary(middle, slope)), 2))
		second := e.Of(op.Scale(e.Of(p.throughMean(slope)), 0.5))
		return e.Node(e.Of(op.Sub(first, second)))
	})
}

// covary is J(π)·v for given probabilities: π(1−π)·v for bits and π∘(v − ⟨π, v⟩) for each one-hot vector.
func (p Problem) covary(π, v *G.Node) (*G.Node, error) {
	var e op.Expr
	weighted := e.Of(op.Mul(π, v))
	if p.Law == Bernoulli {
		return e.Node(e.Of(op.Mul(weighted, e.Of(op.OneMinus(π)))))
	}
	classes := p.Logits.Shape()[p.Logits.Dims()-1]
	inner := e.Of(op.SpreadLast(e.Of(op.SumLast(weighted)), classes))
	return e.Node(e.Of(op.Sub(weighted, e.Of(op.Mul(π, inner)))))
}
