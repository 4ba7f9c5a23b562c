package optim

import "errors"

// SGDSettings are the settings of SGD. Zero means the default.
type SGDSettings struct {
	Momentum    float64 // μ, default 0
	Nesterov    bool    // look ahead along the momentum, which it needs
	WeightDecay float64 // λ of the penalty λ/2·‖w‖², default 0
	MaxNorm     float64 // largest global gradient norm, default no clipping
}

// NewSGD returns stochastic gradient descent, with the momentum of Polyak or
// Nesterov in the form of Sutskever, Martens, Dahl and Hinton, "On the
// importance of initialization and momentum in deep learning", ICML 2013, as
// torch.optim.SGD computes it:
//
//	g ← g·min(1, MaxNorm/‖g‖) + λ·w
//	b ← μ·b + g
//	w ← w − lr·b            (Polyak)
//	w ← w − lr·(g + μ·b)    (Nesterov)
//
// Its moment is "momentum", with μ = 0 there is none. A μ outside [0, 1),
// Nesterov without momentum, and a negative or non-finite setting are errors.
func NewSGD(set SGDSettings) (Optimizer, error) {
	var c checker
	r := &sgd{
		momentum: c.fraction("Momentum", set.Momentum, 0),
		nesterov: set.Nesterov,
		decay:    c.nonNegative("WeightDecay", set.WeightDecay),
	}
	if r.momentum == 0 {
		if set.Nesterov {
			return nil, errors.New("optim: SGD: Nesterov without Momentum: want Momentum > 0, 0.9 say")
		}
		return c.stepper("SGD", r, set.MaxNorm)
	}
	return c.stepper("SGD", r, set.MaxNorm, momentum)
}

type sgd struct {
	momentum, decay float32
	nesterov        bool
}

func (r *sgd) update(w, g []float32, m [maxMoments][]float32, _ int64, lr, scale float64) {
	rate, clip := float32(lr), float32(scale)
	b := m[0]
	switch {
	case b == nil:
		for i := range w {
			w[i] -= rate * (clip*g[i] + r.decay*w[i])
		}
	case r.nesterov:
		for i := range w {
			gi := clip*g[i] + r.decay*w[i]
			b[i] = r.momentum*b[i] + gi
			w[i] -= rate * (gi + r.momentum*b[i])
		}
	default:
		for i := range w {
			b[i] = r.momentum*b[i] + clip*g[i] + r.decay*w[i]
			w[i] -= rate * b[i]
		}
	}
}
