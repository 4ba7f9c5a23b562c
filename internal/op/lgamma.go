package op

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	G "gorgonia.org/gorgonia"
)

var logGammaFunction = function{
	name: "lgamma",
	at: func(k int) func(float64) float64 {
		switch k {
		case 0:
			return func(x float64) float64 {
				v, _ := math.Lgamma(x)
				return v
			}
		case 1:
			return digamma
		}
		return polygamma(k - 1)
	},
}

// LogGamma is log Γ(x) for x > 0, element by element; differentiable any number of times.
func LogGamma(x *G.Node) (*G.Node, error) { return logGammaFunction.node(x) }

// polygamma is the n-th derivative of the digamma function, (−1)ⁿ⁺¹ n! ζ(n+1, x) with Hurwitz's zeta function.
func polygamma(n int) func(x float64) float64 {
	c := -1.0
	for i := 1; i <= n; i++ {
		c *= -float64(i)
	}
	return func(x float64) float64 { return c * mathext.Zeta(float64(n+1), x) }
}
