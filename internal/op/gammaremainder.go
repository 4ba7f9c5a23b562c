package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// LogGammaRemainder is w(x) = log Γ(e^x) − e^x·(x − 1), element by element: what Stirling's leading term leaves of log Γ(α)
// at α = e^x. It grows no faster than x, so that sums of it keep the digits that differences of log Γ lose. Differentiable
// any number of times.
func LogGammaRemainder(x *G.Node) (*G.Node, error) { return logGammaRemainder.node(x) }

// DigammaRemainder is w′(x) = e^x·(ψ(e^x) − x) for the w of LogGammaRemainder, element by element: a number between −1 and
// −½. Differentiable any number of times.
func DigammaRemainder(x *G.Node) (*G.Node, error) { return digammaRemainder.node(x) }

var (
	logGammaRemainder = function{name: "lgammaremainder", at: remainder}
	digammaRemainder  = function{
		name: "digammaremainder",
		at:   func(k int) func(float64) float64 { return remainder(k + 1) },
	}
)

// stirling holds the coefficients of α⁻¹, α⁻³, … in the expansion of w, B_2n/(2n(2n−1)); DLMF 5.11.1. From manyAlpha on
// they give all digits of w and of its first derivatives.
var stirling = [...]float64{1. / 12, -1. / 360, 1. / 1260, -1. / 1680, 1. / 1188, -691. / 360360, 1. / 156, -3617. / 122400}

const manyAlpha = 16

// remainder is the k-th derivative of w.
func remainder(k int) func(x float64) float64 {
	partitions := setPartitions(k)
	return func(x float64) float64 {
		α := math.Exp(x)
		if α >= manyAlpha {
			return remainderSeries(k, x, α)
		}
		// log Γ(α) = log Γ(1+α) − x, of which no term overflows as α vanishes; the k-th derivative of log Γ(1+e^x) is
		// Σ_j S(k, j)·αʲ·ψ⁽ʲ⁻¹⁾(1+α) with Stirling's numbers of the second kind.
		sum := -α * (x + float64(k-1))
		switch k {
		case 0:
			l, _ := math.Lgamma(1 + α)
			return sum + l - x
		case 1:
			sum--
		}
		for j, s := range partitions[1:] {
			if j == 0 {
				sum += α * digamma(1+α)
			} else {
				sum += s * math.Pow(α, float64(j+1)) * polygamma(j)(1+α)
			}
		}
		return sum
	}
}

// remainderSeries is the k-th derivative of −x/2 + ½ log 2π + Σ_n c_n·e^{−(2n−1)x}.
func remainderSeries(k int, x, α float64) float64 {
	sum := 0.
	for i := len(stirling) - 1; i >= 0; i-- {
		n := float64(2*i + 1)
		sum += stirling[i] * math.Pow(-n, float64(k)) * math.Pow(α, -n)
	}
	switch k {
	case 0:
		return sum - 0.5*x + 0.5*math.Log(2*math.Pi)
	case 1:
		return sum - 0.5
	}
	return sum
}

// digamma is ψ(x) for x > 0 to some 1e-15·max(1, |ψ|); mathext.Digamma is off by up to 6e-11. ψ(x) = ψ(x+1) − 1/x takes it to where
// the series holds.
func digamma(x float64) float64 {
	sum := 0.
	for ; x < manyAlpha; x++ {
		sum -= 1 / x
	}
	log := math.Log(x)
	return sum + log + remainderSeries(1, log, x)/x
}

// setPartitions lists S(k, 0), …, S(k, k), Stirling's numbers of the second kind: the ways to part k things into j sets.
func setPartitions(k int) []float64 {
	s := []float64{1}
	for range k {
		next := make([]float64, len(s)+1)
		for j := 1; j < len(next); j++ {
			next[j] = s[j-1]
			if j < len(s) {
				next[j] += float64(j) * s[j]
			}
		}
		s = next
	}
	return s
}
