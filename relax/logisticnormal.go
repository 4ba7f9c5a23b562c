package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// LogisticNormal is the law of softmax(y_1, …, y_{K−1}, 0) for a Gaussian vector y: the additive log-ratio form, whose
// K−1 coordinates are free, so that the density exists. With parameters [B, N, K−1] each row holds N independent variables.
//
//		y_k = log z_k − log z_K = μ_k + σ_k ε_k,  ε standard normal
//
//	  - Value: z on the simplex over the last axis, [B, …, K]. Hard marks the largest element, Logit is log z.
//	  - LogProb: the density of z over its first K−1 coordinates, Σ_n Σ_{k<K} log N(y_k; μ_k, σ_k) − Σ_{k≤K} log z_k, computed
//	    from Logit.
//	  - Gradient: exact.
//
// It is the [InvertibleGaussian] of temperature 1 and δ = 1. Sharp one-hot vectors come from large σ, not from a
// temperature.
//
// Source: Aitchison and Shen (1980), Logistic-normal distributions: some properties and uses, Biometrika 67.
type LogisticNormal struct {
	Mu    *G.Node // μ [B, …, K−1]
	Sigma *G.Node // σ [B, …, K−1], positive
}

// Noise is one standard normal input of the parameters' shape.
func (d LogisticNormal) Noise() []noise.Spec { return d.Gaussian().Noise() }

// Rsample draws points of the simplex.
func (d LogisticNormal) Rsample(eps ...*G.Node) (Draw, error) {
	warm, err := d.invertible()
	if err != nil {
		return Draw{}, err
	}
	return warm.Rsample(eps...)
}

// LogProb is the log-density of Value, computed from Logit: [B].
func (d LogisticNormal) LogProb(x Draw) (*G.Node, error) {
	warm, err := d.invertible()
	if err != nil {
		return nil, err
	}
	return warm.LogProb(x)
}

// Discrete is the law of the one-hot vector; its LogProb is a density all the same, see [InvertibleGaussian].
func (d LogisticNormal) Discrete() Distribution {
	warm, err := d.invertible()
	if err != nil {
		return invalid{err}
	}
	return warm.Discrete()
}

// Gaussian is the law of y.
func (d LogisticNormal) Gaussian() Normal { return Normal(d) }

// invertible is the same distribution as the special case that it is.
func (d LogisticNormal) invertible() (InvertibleGaussian, error) {
	if err := d.Gaussian().validate(); err != nil {
		return InvertibleGaussian{}, err
	}
	one, err := op.ConstantLike(d.Mu, 1)
	return InvertibleGaussian{Mu: d.Mu, Sigma: d.Sigma, Temperature: one}, err
}
