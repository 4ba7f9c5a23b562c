package estimator

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/relax/noise"
)

// REBAR is the score function with the relaxed objective as control variate, c(z) = η·f̃(σ_λ(z)):
//
//	ĝ = [f(b) − c(z̃)]·∂log p(b)/∂ℓ + ∂c(z)/∂ℓ − ∂c(z̃)/∂ℓ
//
// where z = ℓ + noise is what b is the step function of, and z̃ is drawn from the law of z given b; see
// relax.Bernoulli.Reparameterise and relax.Categorical.Reparameterise. f̃ is Problem.Smooth. The relaxation is the
// modified one of the paper,
//
//	σ_λ(z) = σ(z/λ + ℓ·λ/(λ+1)) = σ((λ²+λ+1)/(λ(λ+1))·ℓ + logit(u)/λ)
//
// which tends to b as λ → 0 and to the mean π as λ → ∞, where the control variate becomes the constant f̃(π) of MuProp;
// plain σ(z/λ) forgets the logits there. For one-hot vectors softmax takes the place of σ, with the same limits.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: none, for any η and λ. Given b, z̃ is distributed as z, so E c(z̃)·∂log p(b)/∂ℓ = ∂E c(z) − E ∂c(z̃), where
//     the paths through z̃ are those at fixed noise.
//   - Work: f at b and f̃ at σ_λ(z) and σ_λ(z̃): three evaluations, two if Coupled. f̃ must be differentiable, twice for
//     tuning λ.
//   - Parameters: η, to begin with 1, and log λ, to begin with log ½, as in the program of Grathwohl et al.; Tuning is Σĝ².
//
// Source: Tucker, Mnih, Maddison, Lawson and Sohl-Dickstein (2017), "REBAR: low-variance, unbiased gradient estimates for
// discrete latent variable models", NeurIPS, arXiv:1703.07370, section 3.
type REBAR struct {
	Coupled bool // z̃ = z, from the same noise, and only the gradients differ: one noise input, one evaluation less
}

// Info describes the estimator.
func (r REBAR) Info() Info {
	return Info{
		Name:        "rebar",
		Summary:     "score function with the relaxed objective as control variate",
		Source:      "Tucker et al. 2017, arXiv:1703.07370, section 3",
		Laws:        []Law{Bernoulli, Categorical},
		Unbiased:    true,
		Evaluations: controlEvaluations(r.Coupled),
		Gradient:    true,
		Smooth:      true,
	}
}

// Noise is that of z and, unless they are coupled, of z̃: logistic or Gumbel, the logits' shape.
func (r REBAR) Noise(p Problem) []noise.Spec { return p.controlNoise(r.Coupled) }

// Parameters are the scalars η and log λ.
func (r REBAR) Parameters(Problem, uint64) []Parameter { return relaxationParameters() }

// Build adds the estimate to the graph.
func (r REBAR) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	p, err := validate(r, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	return p.control(p.relaxedObjective(params[0], params[1]), eps)
}

// controlNoise is that of z and of z̃, which coupling saves.
func (p Problem) controlNoise(coupled bool) []noise.Spec {
	if coupled {
		return p.sampleNoise(1)
	}
	return p.sampleNoise(2)
}

// controlEvaluations counts f(b), c(z) and c(z̃), the last two of which coupling makes one.
func controlEvaluations(coupled bool) int {
	if coupled {
		return 2
	}
	return 3
}

// relaxationParameters are those of relaxedObjective, in order.
func relaxationParameters() []Parameter {
	return []Parameter{
		{Name: "relaxation.eta", Initial: []float64{1}},
		{Name: "relaxation.loglambda", Initial: []float64{math.Log(0.5)}},
	}
}
