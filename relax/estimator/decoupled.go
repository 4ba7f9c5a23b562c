package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// Decoupled is STGumbelSoftmax with one temperature for the sample and another for the gradient:
//
//	b = 1[ℓ/τf + ε > 0],         ĝ = (∂s/∂ℓ)ᵀ·∇f(b),  s = σ(ℓ/τb + ε)
//	b = onehot argmax(ℓ/τf + g),                      s = softmax(ℓ/τb + g)
//
// The temperatures divide the logits before the noise is added, so that b has the law of logits ℓ/τf.
//
//   - Laws: Bernoulli, which is the case of two classes, and categorical.
//   - Bias: that of a straight-through estimator; and unless τf = 1 Value is f under another law than p(b | ℓ).
//   - Work: f and its gradient at b: one evaluation.
//   - Parameters: none.
//
// Source: Shah, Yan, Mozer and Liu (2024), arXiv:2410.13331.
type Decoupled struct {
	Forward, Backward float64 // τf and τb; zero: 1
}

// Info describes the estimator.
func (d Decoupled) Info() Info {
	return Info{
		Name:        "decoupled",
		Summary:     "straight-through Gumbel-softmax with a temperature for samples and one for gradients",
		Source:      "Shah et al. 2024, arXiv:2410.13331",
		Laws:        []Law{Bernoulli, Categorical},
		Evaluations: 1,
		Gradient:    true,
	}
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (d Decoupled) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters is empty.
func (d Decoupled) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (d Decoupled) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	p, err := validate(d, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	τf := e.Of(p.temperature("decoupled", d.Forward, 1))
	τb := e.Of(p.temperature("decoupled", d.Backward, 1))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	if p.Law == Categorical {
		draw, err := relax.DecoupledStraightThrough{Logits: p.Logits, Forward: τf, Backward: τb}.Rsample(eps[0])
		if err != nil {
			return Estimate{}, err
		}
		return p.surrogate(draw.Hard, draw.Value)
	}
	b := e.Of(op.Positive(e.Of(op.Add(e.Of(op.Div(p.Logits, τf)), eps[0]))))
	s := e.Of(op.Sigmoid(e.Of(op.Add(e.Of(op.Div(p.Logits, τb)), eps[0]))))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	return p.surrogate(b, s)
}
