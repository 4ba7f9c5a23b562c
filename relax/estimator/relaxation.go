package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// defaultTemperature is that of the relaxations of package relax, near the best that Paulus et al. (2021) find for the
// straight-through Gumbel-softmax estimator.
const defaultTemperature = 2.0 / 3

// Relaxation differentiates the objective at a sample of the Concrete or Gumbel-softmax relaxation in place of b:
//
//	ĝ = ∂f̃(s)/∂ℓ,  s = σ((ℓ + ε)/τ) or softmax((ℓ + g)/τ)
//
// where f̃ is Problem.Smooth. Value and Sample are those of the discrete b that the same noise gives.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: it is the exact gradient of E f̃(s), another function of ℓ than E f(b). The two agree as τ → 0, where the
//     variance is infinite.
//   - Work: f̃ and its gradient at s, and f at b for Value: two evaluations.
//   - Parameters: none.
//
// Source: Maddison, Mnih and Teh (2017), "The Concrete distribution", ICLR, arXiv:1611.00712; Jang, Gu and Poole (2017),
// "Categorical reparameterization with Gumbel-softmax", ICLR, arXiv:1611.01144.
type Relaxation struct {
	Temperature float64 // τ; zero: 2/3
}

// Info describes the estimator.
func (r Relaxation) Info() Info {
	return Info{
		Name:        "relaxation",
		Summary:     "gradient of the Concrete or Gumbel-softmax relaxation",
		Source:      "Maddison et al. 2017, arXiv:1611.00712; Jang et al. 2017, arXiv:1611.01144",
		Laws:        []Law{Bernoulli, Categorical},
		Evaluations: 2,
		Gradient:    true,
		Smooth:      true,
	}
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (r Relaxation) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters is empty.
func (r Relaxation) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (r Relaxation) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	p, err := validate(r, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	draw, err := p.relaxed("relaxation", r.Temperature, eps[0])
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	f := e.Of(p.evaluate(p.F, draw.Hard))
	smooth := e.Of(p.evaluate(p.smooth(), draw.Value))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	return Estimate{Value: f, Sample: draw.Hard, Grad: e.Of(gradient(smooth, p.Logits))}, e.Err()
}

// STGumbelSoftmax draws b and takes the gradient of the relaxation that the same noise gives for that of b:
//
//		ĝ = (∂s/∂ℓ)ᵀ·∇f(b),  s = σ((ℓ + ε)/τ) or softmax((ℓ + g)/τ)
//
//	  - Laws: Bernoulli and categorical.
//	  - Bias: as with StraightThrough, and for linear f too unless τ → 0, because E s is not π. A small τ means less bias and
//	    more variance.
//	  - Work: f and its gradient at b: one evaluation.
//	  - Parameters: none.
//
// Source: Jang, Gu and Poole (2017), arXiv:1611.01144, section 2.2.
type STGumbelSoftmax struct {
	Temperature float64 // τ; zero: 2/3
}

// Info describes the estimator.
func (s STGumbelSoftmax) Info() Info {
	return Info{
		Name:        "stgumbelsoftmax",
		Summary:     "gradient at the sample, through the relaxation of the same noise",
		Source:      "Jang et al. 2017, arXiv:1611.01144, section 2.2",
		Laws:        []Law{Bernoulli, Categorical},
		Evaluations: 1,
		Gradient:    true,
	}
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (s STGumbelSoftmax) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters is empty.
func (s STGumbelSoftmax) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (s STGumbelSoftmax) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	p, err := validate(s, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	draw, err := p.relaxed("stgumbelsoftmax", s.Temperature, eps[0])
	if err != nil {
		return Estimate{}, err
	}
	return p.surrogate(draw.Hard, draw.Value)
}

// relaxed draws b and its relaxation at a temperature.
func (p Problem) relaxed(name string, temperature float64, eps *G.Node) (relax.Draw, error) {
	τ, err := p.temperature(name, temperature, defaultTemperature)
	if err != nil {
		return relax.Draw{}, err
	}
	if p.Law == Categorical {
		return relax.RelaxedCategorical{Logits: p.Logits, Temperature: τ}.Rsample(eps)
	}
	return relax.RelaxedBernoulli{Logits: p.Logits, Temperature: τ}.Rsample(eps)
}
