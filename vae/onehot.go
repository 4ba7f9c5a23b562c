package vae

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
)

// oneHotMethods train through one-hot vectors: at zero encoder outputs, all classes are equally probable.
func oneHotMethods() []Method {
	return []Method{
		{
			Name:        "gumbelsoftmax",
			Summary:     "one-hot vectors softened to the simplex, the Concrete distribution",
			Source:      "Maddison et al. 2017, Jang et al. 2017",
			Codes:       OneHot,
			Temperature: "0.5",
			posterior: func(s scope) (relax.Relaxation, error) {
				return relax.RelaxedCategorical{Logits: s.head, Temperature: s.temperature}, nil
			},
			relaxedKL: func(x sample) (*G.Node, error) { return relax.SampleKL(x.q, x.p, x.draw) },
		},
		{
			Name:        "stgumbelsoftmax",
			Summary:     "exact one-hot vectors with the gradient of the softened ones",
			Source:      "Jang et al. 2017",
			Codes:       OneHot,
			Temperature: "0.5",
			posterior: func(s scope) (relax.Relaxation, error) {
				return relax.RelaxedCategorical{Logits: s.head, Temperature: s.temperature, StraightThrough: true}, nil
			},
		},
		{
			Name:        "decoupled",
			Summary:     "exact one-hot vectors drawn at one temperature (-forward) with the gradient of another (-temperature)",
			Source:      "Shah et al. 2024",
			Codes:       OneHot,
			Temperature: "0.8",
			options:     []string{"forward"},
			posterior: func(s scope) (relax.Relaxation, error) {
				τf, err := relax.Temperature(s.head, s.Forward)
				return relax.DecoupledStraightThrough{Logits: s.head, Forward: τf, Backward: s.temperature}, err
			},
		},
		{
			Name:        "igr",
			Summary:     "Gaussian vectors that softmax++ takes to the simplex: invertible Gaussian reparameterisation",
			Source:      "Potapczynski et al. 2020",
			Codes:       OneHot,
			Temperature: "0.2",
			Caveat:      "the divergence counts the Gaussian vector behind the class, not the class alone",
			event:       gaussianEvent,
			posterior: func(s scope) (relax.Relaxation, error) {
				μ, σ, err := gaussian(s, uniformLargest, 1)
				return relax.InvertibleGaussian{Mu: μ, Sigma: σ, Temperature: s.temperature}, err
			},
		},
		{
			Name:    "logisticnormal",
			Summary: "Gaussian vectors that the softmax takes to the simplex, spread so wide that it is sharp",
			Source:  "Aitchison and Shen 1980",
			Codes:   OneHot,
			Caveat:  "the divergence counts the Gaussian vector behind the class, not the class alone",
			event:   gaussianEvent,
			posterior: func(s scope) (relax.Relaxation, error) {
				μ, σ, err := gaussian(s, uniformLargest, logisticNormalScale)
				return relax.LogisticNormal{Mu: μ, Sigma: σ}, err
			},
		},
		{
			Name:        "stickbreaking",
			Summary:     "Gaussian vectors that break a stick into the classes; exact class probabilities",
			Source:      "Potapczynski et al. 2020",
			Codes:       OneHot,
			Temperature: "0.1",
			event:       gaussianEvent,
			posterior: func(s scope) (relax.Relaxation, error) {
				μ, σ, err := gaussian(s, uniformStick, 1)
				return relax.StickBreaking{Mu: μ, Sigma: σ, Temperature: s.temperature}, err
			},
			relaxedKL:    closedKL,
			trainRelaxed: true,
		},
	}
}

// logisticNormalScale is the standard deviation of the logistic-normal prior: samples are then as sharp as those of the
// invertible Gaussian at temperature 1/10, so that exact classes cost little more.
const logisticNormalScale = 10

// gaussianEvent is a location and the logarithm of a scale for all classes but one.
func gaussianEvent(p plan) []int { return []int{p.Latent, 2 * (p.Classes - 1)} }

// gaussian cuts encoder outputs into locations and scales [B, N, K−1], which are those of the prior where the outputs
// are zero: locations is given in units of scale.
func gaussian(s scope, locations func(classes int) []float64, scale float64) (μ, σ *G.Node, err error) {
	k := s.Classes - 1
	var e op.Expr
	shift := e.Of(op.TensorLike(s.head, locations(s.Classes), k))
	all := e.Of(op.SpreadBatch(e.Of(op.SpreadBatch(shift, s.Latent)), s.head.Shape()[0]))
	μ = e.Of(op.Scale(e.Of(op.Add(e.Of(op.SliceLast(s.head, 0, k)), all)), scale))
	σ = e.Of(op.Exp(e.Of(op.Shift(e.Of(op.SliceLast(s.head, k, 2*k)), math.Log(scale)))))
	return μ, σ, e.Err()
}

// uniformLargest are the locations of K−1 standard normal variables for which each is the largest and positive with
// probability 1/K, and so none is positive with the same: Φ(−μ)^{K−1} = 1/K.
func uniformLargest(classes int) []float64 {
	μ := make([]float64, classes-1)
	for k := range μ {
		μ[k] = -distuv.UnitNormal.Quantile(math.Pow(float64(classes), -1/float64(classes-1)))
	}
	return μ
}

// uniformStick are those for which each piece is broken off with the probability that makes all classes equally
// probable: Φ(μ_k) = 1/(K−k).
func uniformStick(classes int) []float64 {
	μ := make([]float64, classes-1)
	for k := range μ {
		μ[k] = distuv.UnitNormal.Quantile(1 / float64(classes-k))
	}
	return μ
}
