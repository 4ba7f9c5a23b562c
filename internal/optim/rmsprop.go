package optim

import "math"

// RMSPropSettings are the settings of RMSProp. Zero means the default.
type RMSPropSettings struct {
	Alpha       float64 // decay of the mean of g², default 0.99
	Eps         float64 // added to the root, default 1e-8
	WeightDecay float64 // λ of the penalty λ/2·‖w‖², default 0
	MaxNorm     float64 // largest global gradient norm, default no clipping
}

// NewRMSProp returns RMSProp of Tieleman and Hinton, "Neural networks for
// machine learning", lecture 6.5, 2012, as torch.optim.RMSprop computes it:
//
//	g ← g·min(1, MaxNorm/‖g‖) + λ·w
//	v ← α·v + (1−α)·g²
//	w ← w − lr·g / (√v + ε)
//
// Its moment is "v". An α outside [0, 1), an ε that is not positive, and a
// negative or non-finite setting are errors.
func NewRMSProp(set RMSPropSettings) (Optimizer, error) {
	var c checker
	r := &rmsprop{
		alpha: c.fraction("Alpha", set.Alpha, 0.99),
		eps:   c.positive("Eps", set.Eps, 1e-8),
		decay: c.nonNegative("WeightDecay", set.WeightDecay),
	}
	return c.stepper("RMSProp", r, set.MaxNorm, secondMoment)
}

type rmsprop struct{ alpha, eps, decay float32 }

func (r *rmsprop) update(w, g []float32, m [maxMoments][]float32, _ int64, lr, scale float64) {
	rate, clip := float32(lr), float32(scale)
	v := m[0]
	for i := range w {
		gi := clip*g[i] + r.decay*w[i]
		v[i] = r.alpha*v[i] + (1-r.alpha)*gi*gi
		w[i] -= rate * gi / (float32(math.Sqrt(float64(v[i]))) + r.eps)
	}
}
