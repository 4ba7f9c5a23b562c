package kernel

import "math"

// Softmax computes dst[i] = e^x[i] / Σ_j e^x[j] over one row, without overflow
// for any finite x. The slices have equal length; dst may be x. A row of −Inf
// alone has no softmax and gives NaN.
func Softmax(dst, x []float32) {
	x = x[:len(dst)]
	sum := use.expShifted(dst, x, use.max(x))
	use.scale(dst, 1/sum)
}

// LogSumExp returns ln Σ e^x[i] over one row, without overflow for any finite x.
// It is −Inf if x is empty.
func LogSumExp(x []float32) float32 {
	shift := use.max(x)
	if math.IsInf(float64(shift), 0) {
		return shift // x − shift would be NaN.
	}
	return shift + float32(math.Log(float64(use.sumExp(x, shift))))
}

// BernoulliNLL returns the negative log-likelihood of targets t under Bernoulli
// logits l, Σ softplus(l) − t·l over one row. Targets may be anything between 0
// and 1. The slices have equal length. No logit overflows.
func BernoulliNLL(l, t []float32) float32 { return use.bernoulliNLL(l, t[:len(l)]) }

// BernoulliNLLGrad computes the gradient of g times [BernoulliNLL] with respect
// to the logits, dst[i] = g·(σ(l[i]) − t[i]). The slices have equal length; dst
// may be l or t.
func BernoulliNLLGrad(dst, l, t []float32, g float32) {
	use.bernoulliNLLGrad(dst, l[:len(dst)], t[:len(dst)], g)
}

// expShiftedGo computes dst = e^(x−shift) and returns its sum.
func expShiftedGo(dst, x []float32, shift float32) float32 {
	var sum float32
	for i, v := range x {
		e := float32(exp(float64(v - shift)))
		dst[i] = e
		sum += e
	}
	return sum
}

// sumExpGo returns Σ e^(x−shift).
func sumExpGo(x []float32, shift float32) float32 {
	var sum float32
	for _, v := range x {
		sum += float32(exp(float64(v - shift)))
	}
	return sum
}

func bernoulliNLLGo(l, t []float32) float32 {
	var sum float64
	for i, v := range l {
		x := float64(v)
		sum += max(x, 0) - float64(t[i])*x + log1p(exp(-math.Abs(x)))
	}
	return float32(sum)
}

func bernoulliNLLGradGo(dst, l, t []float32, g float32) {
	for i, v := range l {
		dst[i] = g * (sigmoid(v) - t[i])
	}
}
