package estimator

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// GumbelRao is STGumbelSoftmax with the gradient of the relaxation averaged over K samples of its noise given b:
//
//	ĝ = 1/K Σ_k (∂s_k/∂ℓ)ᵀ·∇f(b),  s_k = softmax((ℓ + g̃_k)/τ),  g̃_k = z̃_k − ℓ
//
// and likewise with σ and logistic noise for bits, the case of two classes. z̃_k is drawn from the law of z given b, see
// relax.Categorical.ReparameteriseGiven, and g̃_k is a constant to the gradient.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: that of STGumbelSoftmax at the same temperature, for every K: the mean over g̃ given b, and then b, is the mean
//     over the noise (Rao-Blackwell). The variance is lower, and decreases with K to that of E[· | b].
//   - Work: f and its gradient at b: one evaluation, whatever K is.
//   - Parameters: none.
//
// Source: Paulus, Maddison and Krause (2021), "Rao-Blackwellizing the straight-through Gumbel-softmax gradient
// estimator", ICLR, arXiv:2010.04838.
type GumbelRao struct {
	Samples     int     // K; zero: 10
	Temperature float64 // τ; zero: 2/3
}

// defaultRaoSamples is the smallest number in the experiments of Paulus et al. (2021).
const defaultRaoSamples = 10

// Info describes the estimator.
func (r GumbelRao) Info() Info {
	return Info{
		Name:        "gumbelrao",
		Summary:     "straight-through Gumbel-softmax, averaged over the noise given the sample",
		Source:      "Paulus et al. 2021, arXiv:2010.04838",
		Laws:        []Law{Bernoulli, Categorical},
		Evaluations: 1,
		Gradient:    true,
	}
}

// Noise is that of b, the logits' shape, and that of the K conditional samples, with an axis of K before it.
func (r GumbelRao) Noise(p Problem) []noise.Spec {
	specs := p.sampleNoise(1)
	for _, s := range specs {
		s.Shape = append([]int{samples(r.Samples, defaultRaoSamples)}, s.Shape...)
		specs = append(specs, s)
	}
	return specs
}

// Parameters is empty.
func (r GumbelRao) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (r GumbelRao) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	if r.Samples < 0 {
		return Estimate{}, fmt.Errorf("estimator: gumbelrao: %d samples; 0 means %d", r.Samples, defaultRaoSamples)
	}
	k := samples(r.Samples, defaultRaoSamples)
	p, err := validate(r, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	τ := e.Of(p.temperature("gumbelrao", r.Temperature, defaultTemperature))
	b := e.Of(p.sample(eps[0]))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	repeated := p // K batches under each other, as if they were one event
	repeated.Logits = e.Of(op.SpreadBatch(p.Logits, k))
	given := e.Of(repeated.reparameterisation().ReparameteriseGiven(e.Of(op.SpreadBatch(b, k)), eps[1]))
	y := e.Of(op.Div(e.Of(op.StraightThrough(given, repeated.Logits)), τ)) // (ℓ + g̃)/τ for constant g̃
	mean := e.Of(op.Scale(e.Of(op.SumBatch(e.Of(p.squash(y)))), 1/float64(k)))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	return p.surrogate(b, mean)
}
