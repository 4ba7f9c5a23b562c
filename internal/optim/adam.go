package optim

import (
	"math"

	"relaxgo/internal/kernel"
)

// AdamSettings are the settings of Adam. Zero means the default.
type AdamSettings struct {
	Beta1       float64 // decay of the mean of g, default 0.9
	Beta2       float64 // decay of the mean of g², default 0.999
	Eps         float64 // added to the root, default 1e-8
	WeightDecay float64 // λ of the penalty λ/2·‖w‖², default 0
	MaxNorm     float64 // largest global gradient norm, default no clipping
}

// NewAdam returns Adam of Kingma and Ba, "Adam: a method for stochastic
// optimization", ICLR 2015, as torch.optim.Adam computes it:
//
//	g ← g·min(1, MaxNorm/‖g‖) + λ·w
//	m ← β₁·m + (1−β₁)·g
//	v ← β₂·v + (1−β₂)·g²
//	w ← w − lr·m̂ / (√v̂ + ε),  m̂ = m/(1−β₁ᵗ),  v̂ = v/(1−β₂ᵗ)
//
// Its moments are "m" and "v". A β outside [0, 1), an ε that is not positive,
// and a negative or non-finite setting are errors.
func NewAdam(set AdamSettings) (Optimizer, error) {
	return newAdam("Adam", set, false)
}

// AdamWSettings are the settings of AdamW. Zero means the default.
type AdamWSettings struct {
	Beta1       float64 // decay of the mean of g, default 0.9
	Beta2       float64 // decay of the mean of g², default 0.999
	Eps         float64 // added to the root, default 1e-8
	WeightDecay float64 // λ, default 0.01; without decay use Adam
	MaxNorm     float64 // largest global gradient norm, default no clipping
}

// NewAdamW returns Adam with the weight decay decoupled from the gradient,
// after Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR
// 2019, as torch.optim.AdamW computes it: Adam's update without the penalty,
// and
//
//	w ← w − lr·λ·w
//
// at the same time. Moments and errors are Adam's.
func NewAdamW(set AdamWSettings) (Optimizer, error) {
	if set.WeightDecay == 0 {
		set.WeightDecay = 0.01
	}
	return newAdam("AdamW", AdamSettings(set), true)
}

// adam is the rule of Adam and, with decoupled decay, of AdamW.
type adam struct {
	beta1, beta2, eps, decay float32
	decoupled                bool
}

func newAdam(name string, set AdamSettings, decoupled bool) (Optimizer, error) {
	var c checker
	r := &adam{
		beta1:     c.fraction("Beta1", set.Beta1, 0.9),
		beta2:     c.fraction("Beta2", set.Beta2, 0.999),
		eps:       c.positive("Eps", set.Eps, 1e-8),
		decay:     c.nonNegative("WeightDecay", set.WeightDecay),
		decoupled: decoupled,
	}
	return c.stepper(name, r, set.MaxNorm, firstMoment, secondMoment)
}

func (r *adam) update(w, g []float32, m [maxMoments][]float32, step int64, lr, scale float64) {
	args := kernel.AdamArgs{
		LR:    float32(lr),
		Beta1: r.beta1,
		Beta2: r.beta2,
		Eps:   r.eps,
		// The powers are of β as float32 has it: the weights of the running
		// average sum to 1−βᵗ for the β that it is computed with.
		C1:        float32(1 / (1 - math.Pow(float64(r.beta1), float64(step)))),
		C2:        float32(1 / (1 - math.Pow(float64(r.beta2), float64(step)))),
		GradScale: float32(scale),
	}
	switch {
	case r.decoupled:
		args.WeightDecay = r.decay
	case r.decay != 0:
		for i := range g {
			g[i] = args.GradScale*g[i] + r.decay*w[i]
		}
		args.GradScale = 1
	}
	kernel.Adam(w, g, m[0], m[1], args)
}
