package vae

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/relax"
)

// Method is one way to train through a discrete latent code: a value of the -relax flag. Everything that differs
// between methods is here; the model, the loss, the training loop and the evaluation are the same for all.
type Method struct {
	Name    string
	Summary string // half a sentence for tables and help
	Source  string // where the method comes from

	// Categorical latents are one-hot vectors of Config.Classes classes; the others are bits.
	Categorical bool
	// Temperature is the default of Config.Temperature, empty for a method without one.
	Temperature string

	// posterior is the distribution that training samples from; the prior is the same with all logits zero.
	posterior func(logits, temperature *G.Node) relax.Relaxation
	// relaxedKL is the divergence between posterior and prior as they are sampled in training, per row; nil if the
	// samples are discrete, so that the discrete divergence is the only one.
	relaxedKL func(q, p relax.Relaxation, draw relax.Draw) (*G.Node, error)
}

// Methods lists all methods, in the order in which tables show them.
func Methods() []Method {
	return []Method{
		{
			Name:        "hardconcrete",
			Summary:     "bits stretched and clipped to [0, 1]: exact zeros and ones, gradients between",
			Source:      "Louizos et al. 2018",
			Temperature: "0.6667",
			posterior: func(ℓ, τ *G.Node) relax.Relaxation {
				return relax.HardConcrete{Logits: ℓ, Temperature: τ}
			},
			relaxedKL: func(q, p relax.Relaxation, _ relax.Draw) (*G.Node, error) {
				return relax.KL(q.(relax.HardConcrete).Concrete(), p.(relax.HardConcrete).Concrete())
			},
		},
		{
			Name:        "relaxedbernoulli",
			Summary:     "bits softened to (0, 1), the binary Concrete distribution",
			Source:      "Maddison et al. 2017, Jang et al. 2017",
			Temperature: "0.5",
			posterior: func(ℓ, τ *G.Node) relax.Relaxation {
				return relax.RelaxedBernoulli{Logits: ℓ, Temperature: τ}
			},
			relaxedKL: func(q, p relax.Relaxation, _ relax.Draw) (*G.Node, error) { return relax.KL(q, p) },
		},
		{
			Name:        "gumbelsoftmax",
			Summary:     "one-hot vectors softened to the simplex, the Concrete distribution",
			Source:      "Maddison et al. 2017, Jang et al. 2017",
			Categorical: true,
			Temperature: "0.5",
			posterior: func(ℓ, τ *G.Node) relax.Relaxation {
				return relax.RelaxedCategorical{Logits: ℓ, Temperature: τ}
			},
			relaxedKL: func(q, p relax.Relaxation, x relax.Draw) (*G.Node, error) { return relax.SampleKL(q, p, x) },
		},
		{
			Name:        "stgumbelsoftmax",
			Summary:     "exact one-hot vectors with the gradient of the softened ones",
			Source:      "Jang et al. 2017",
			Categorical: true,
			Temperature: "0.5",
			posterior: func(ℓ, τ *G.Node) relax.Relaxation {
				return relax.RelaxedCategorical{Logits: ℓ, Temperature: τ, StraightThrough: true}
			},
		},
		{
			Name:    "straightthrough",
			Summary: "exact bits with the gradient of their probabilities",
			Source:  "Bengio et al. 2013",
			posterior: func(ℓ, _ *G.Node) relax.Relaxation {
				return relax.StraightThroughBernoulli{Logits: ℓ}
			},
		},
	}
}

// MethodNames lists the names of all methods.
func MethodNames() []string {
	var names []string
	for _, m := range Methods() {
		names = append(names, m.Name)
	}
	return names
}

// method finds a method by name.
func method(name string) (Method, bool) {
	for _, m := range Methods() {
		if m.Name == name {
			return m, true
		}
	}
	return Method{}, false
}
