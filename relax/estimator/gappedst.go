package estimator

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// GappedST is STGumbelSoftmax whose noise is replaced, once b is drawn, by the smallest shift of the logits that makes b
// their maximum by a gap:
//
//	ĝ = (∂s/∂ℓ)ᵀ·∇f(b),  s = softmax((ℓ + m₁ − m₂)/τ)
//	m₁ = b∘(max ℓ − ⟨b, ℓ⟩),  m₂ = (1−b)∘max(ℓ + gap − max ℓ, 0)
//
// with m₁ and m₂ constant to the gradient. For bits, the case of two classes with logits ℓ and 0, it is s = σ(y/τ) with
// y = max(ℓ, gap) if b = 1 and y = min(ℓ, −gap) if b = 0.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: as with StraightThrough. The gradient has no randomness beside b, and so less variance than that of
//     STGumbelSoftmax.
//   - Work: f and its gradient at b: one evaluation.
//   - Parameters: none.
//
// Source: Fan, Chi, Rudnicky and Ramadge (2022), "Training discrete deep generative models via gapped straight-through
// estimator", ICML, arXiv:2206.07235.
type GappedST struct {
	Gap         float64 // zero: 1
	Temperature float64 // τ; zero: 1
}

// Info describes the estimator.
func (g GappedST) Info() Info {
	return Info{
		Name:        "gappedst",
		Summary:     "straight-through softmax of logits shifted apart",
		Source:      "Fan et al. 2022, arXiv:2206.07235",
		Laws:        []Law{Bernoulli, Categorical},
		Evaluations: 1,
		Gradient:    true,
	}
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (g GappedST) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters is empty.
func (g GappedST) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (g GappedST) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	gap := g.Gap
	if gap == 0 {
		gap = 1
	}
	if !(gap > 0 && gap < math.Inf(1)) {
		return Estimate{}, fmt.Errorf("estimator: gappedst: gap %g; a positive number is needed", gap)
	}
	p, err := validate(g, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	τ := e.Of(p.temperature("gappedst", g.Temperature, 1))
	b := e.Of(p.sample(eps[0]))
	shifted := e.Of(p.shiftApart(b, gap))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	y := e.Of(op.Div(e.Of(op.StraightThrough(shifted, p.Logits)), τ))
	s := e.Of(p.squash(y))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	return p.surrogate(b, s)
}

// shiftApart is ℓ + m₁ − m₂.
func (p Problem) shiftApart(b *G.Node, gap float64) (*G.Node, error) {
	var e op.Expr
	if p.Law == Bernoulli {
		sign := e.Of(op.Affine(b, 2, -1))
		return e.Node(e.Of(op.Mul(sign, e.Of(op.Clamp(e.Of(op.Mul(sign, p.Logits)), gap, math.Inf(1))))))
	}
	classes := p.Logits.Shape()[p.Logits.Dims()-1]
	best := e.Of(op.SumLast(e.Of(op.Mul(p.Logits, e.Of(op.OneHotMax(p.Logits))))))
	drawn := e.Of(op.SumLast(e.Of(op.Mul(p.Logits, b))))
	up := e.Of(op.Mul(b, e.Of(op.SpreadLast(e.Of(op.Sub(best, drawn)), classes))))
	excess := e.Of(op.Shift(e.Of(op.Sub(p.Logits, e.Of(op.SpreadLast(best, classes)))), gap))
	down := e.Of(op.Mul(e.Of(op.OneMinus(b)), e.Of(op.Clamp(excess, 0, math.Inf(1)))))
	return e.Node(e.Of(op.Sub(e.Of(op.Add(p.Logits, up)), down)))
}
