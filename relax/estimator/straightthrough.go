package estimator

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// StraightThrough takes the gradient of f at b for that with respect to the mean π of b or, with relax.STIdentity, to the
// logits:
//
//		ĝ = (∂π/∂ℓ)ᵀ·∇f(b)    relax.STSigmoid: π(1−π)·∇f(b) for bits, π∘(∇f − ⟨π, ∇f⟩) for one-hot vectors
//		ĝ = ∇f(b)             relax.STIdentity
//
//	  - Laws: Bernoulli and categorical; with relax.STIdentity, Bernoulli.
//	  - Bias: with relax.STSigmoid none if f is linear in each variable while the others are fixed. For one bit it is
//	    π(1−π)·(E f′(b) − f(1) + f(0)): if f = (b − t)² the mean is 2π(1−π)(π − t), which vanishes at π = t although the
//	    best π is 0 or 1. The identity rule leaves out the factor π(1−π) as well, a step size for each bit.
//	  - Work: f and its gradient at b: one evaluation.
//	  - Parameters: none.
//
// Its names are straightthrough and straightthrough-identity. Source: Bengio, Léonard and Courville (2013), "Estimating or
// propagating gradients through stochastic neurons for conditional computation", arXiv:1308.3432, for the identity rule;
// Cheng et al. (2019), arXiv:1910.02176, for its theory.
type StraightThrough struct {
	Rule relax.Rule
}

// Info describes the estimator.
func (s StraightThrough) Info() Info {
	info := Info{
		Name:        "straightthrough",
		Summary:     "gradient at the sample, taken for that at its mean",
		Source:      "Bengio et al. 2013, arXiv:1308.3432",
		Laws:        []Law{Bernoulli, Categorical},
		Evaluations: 1,
		Gradient:    true,
	}
	if s.Rule == relax.STIdentity {
		info.Name, info.Summary = "straightthrough-identity", "gradient at the sample, taken for that of the logit"
		info.Laws = []Law{Bernoulli}
	}
	return info
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (s StraightThrough) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters is empty.
func (s StraightThrough) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (s StraightThrough) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	if s.Rule != relax.STSigmoid && s.Rule != relax.STIdentity {
		return Estimate{}, fmt.Errorf("estimator: straightthrough: unknown rule %d", s.Rule)
	}
	p, err := validate(s, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	b := e.Of(p.sample(eps[0]))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	return p.atSample(b, func(slope *G.Node) (*G.Node, error) {
		if s.Rule == relax.STIdentity {
			return slope, nil
		}
		return p.throughMean(slope)
	})
}

// atSample evaluates f once, at b, and hands its gradient there to a rule that makes an estimate of it.
func (p Problem) atSample(b *G.Node, rule func(slope *G.Node) (*G.Node, error)) (Estimate, error) {
	f, err := p.evaluate(p.F, b)
	if err != nil {
		return Estimate{}, err
	}
	slope, err := gradient(f, b)
	if err != nil {
		return Estimate{}, err
	}
	grad, err := rule(slope)
	return Estimate{Value: f, Sample: b, Grad: grad}, err
}

// surrogate is the straight-through estimate with the gradient of s, a differentiable stand-in for b: (∂s/∂ℓ)ᵀ·∇f(b).
func (p Problem) surrogate(b, s *G.Node) (Estimate, error) {
	return p.atSample(b, func(slope *G.Node) (*G.Node, error) { return p.pullBack(slope, s) })
}

// temperature is a setting of a temperature as a node, where zero means the default.
func (p Problem) temperature(name string, setting, byDefault float64) (*G.Node, error) {
	if setting == 0 {
		setting = byDefault
	}
	τ, err := relax.Temperature(p.Logits, setting)
	if err != nil {
		return nil, fmt.Errorf("estimator: %s: %w", name, err)
	}
	return τ, nil
}
