package kernel

import "math"

// AdamArgs are the numbers of one step of Adam.
type AdamArgs struct {
	LR          float32 // step size
	Beta1       float32 // decay of the first moment
	Beta2       float32 // decay of the second moment
	Eps         float32 // added to the root of the second moment
	C1          float32 // 1/(1 − Beta1^t) at step t = 1, 2, …; 1 for no bias correction
	C2          float32 // 1/(1 − Beta2^t), likewise
	WeightDecay float32 // decoupled decay of AdamW; 0 for Adam
	GradScale   float32 // multiplies the gradient first, for clipping; 1 for none
}

// Adam makes one step of Adam, or of AdamW if a.WeightDecay is not zero, on the
// weights w with gradient g and moments m and v, in one pass over memory:
//
//	ĝ = GradScale·g
//	m = Beta1·m + (1−Beta1)·ĝ
//	v = Beta2·v + (1−Beta2)·ĝ²
//	w = w − LR·WeightDecay·w − LR·(C1·m)/(√(C2·v) + Eps)
//
// The four slices have equal length; g is not changed. See D. Kingma and J. Ba,
// Adam, arXiv:1412.6980, and I. Loshchilov and F. Hutter, Decoupled Weight Decay
// Regularization, arXiv:1711.05101.
func Adam(w, g, m, v []float32, a AdamArgs) {
	use.adam(w, g[:len(w)], m[:len(w)], v[:len(w)],
		a.GradScale, a.Beta1, 1-a.Beta1, a.Beta2, 1-a.Beta2, 1-a.LR*a.WeightDecay, a.LR*a.C1, a.C2, a.Eps)
}

func adamGo(w, g, m, v []float32, scale, beta1, gain1, beta2, gain2, keep, step, c2, eps float32) {
	for i := range w {
		gi := scale * g[i]
		m[i] = beta1*m[i] + gain1*gi
		v[i] = beta2*v[i] + gain2*gi*gi
		root := float32(math.Sqrt(float64(c2 * v[i])))
		w[i] = keep*w[i] - step*m[i]/(root+eps)
	}
}
