package op

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

var logFunction = function{
	name: "log",
	at: func(k int) func(float64) float64 {
		if k == 0 {
			return math.Log
		}
		return powerDerivative(k, 0)
	},
	fast: firstOnly(kernel.Log),
}

// Log is the natural logarithm, element by element; differentiable any number of times.
func Log(x *G.Node) (*G.Node, error) { return logFunction.node(x) }

var log1pFunction = function{
	name: "log1p",
	at: func(k int) func(float64) float64 {
		if k == 0 {
			return math.Log1p
		}
		return powerDerivative(k, 1)
	},
	fast: firstOnly(kernel.Log1p),
}

// Log1p is log(1+x), accurate near zero, element by element; differentiable any number of times.
func Log1p(x *G.Node) (*G.Node, error) { return log1pFunction.node(x) }

// powerDerivative is the k-th derivative of log(x+shift): (−1)ᵏ⁻¹ (k−1)! (x+shift)⁻ᵏ.
func powerDerivative(k int, shift float64) func(float64) float64 {
	c := 1.0
	for i := 2; i <= k; i++ {
		c *= -float64(i - 1)
	}
	if k == 1 {
		return func(x float64) float64 { return 1 / (x + shift) }
	}
	return func(x float64) float64 { return c * math.Pow(x+shift, -float64(k)) }
}

// firstOnly is the fast form of a function that has a float32 kernel for its value alone.
func firstOnly(f func(dst, x []float32)) func(int) func(dst, x []float32) {
	return func(k int) func(dst, x []float32) {
		if k == 0 {
			return f
		}
		return nil
	}
}
