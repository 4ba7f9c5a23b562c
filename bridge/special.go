package bridge

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// digamma is ψ(x) for positive x to about 1e-15·max(1, |ψ|): the asymptotic series, DLMF 5.11.2, after raising x above 10.
// The shorter series of mathext.Digamma is off by up to 6e-11.
func digamma(x float64) float64 {
	var sum float64
	for ; x < 10; x++ {
		sum -= 1 / x
	}
	r := 1 / (x * x)
	series := r * (1./12 - r*(1./120-r*(1./252-r*(1./240-r*(1./132-r*(691./32760-r/12))))))
	return sum + math.Log(x) - 0.5/x - series
}

// trigamma is ψ′(x) = Σ_n 1/(x+n)² for positive x.
func trigamma(x float64) float64 { return mathext.Zeta(2, x) }

// inverseDigamma is the positive x with ψ(x) = y: Newton steps from Minka's starting point (Estimating a Dirichlet
// distribution, 2000, appendix C).
func inverseDigamma(y float64) float64 {
	x := -1 / (y - digamma(1))
	if y >= -2.22 {
		x = math.Exp(y) + 0.5
	}
	for range 20 {
		step := (digamma(x) - y) / trigamma(x)
		x -= step
		if math.Abs(step) <= 1e-15*x {
			break
		}
	}
	return x
}

// logBeta is log B(α) = Σ_k log Γ(α_k) − log Γ(Σ_k α_k).
func logBeta(alpha []float64) float64 {
	var sum, total float64
	for _, a := range alpha {
		l, _ := math.Lgamma(a)
		sum += l
		total += a
	}
	l, _ := math.Lgamma(total)
	return sum - l
}

// logSumExp is log Σ_k exp z_k.
func logSumExp(z []float64) float64 {
	top := math.Inf(-1)
	for _, v := range z {
		top = math.Max(top, v)
	}
	var sum float64
	for _, v := range z {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

// softmax is exp(z_k) / Σ_l exp(z_l) in place of z.
func softmax(z []float64) {
	norm := logSumExp(z)
	for k, v := range z {
		z[k] = math.Exp(v - norm)
	}
}

// center takes the mean off z in place: the zero-sum gauge of a vector of logits.
func center(z []float64) {
	var mean float64
	for _, v := range z {
		mean += v / float64(len(z))
	}
	for k := range z {
		z[k] -= mean
	}
}
