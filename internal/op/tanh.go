package op

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

// tanh(x) = 2σ(2x) − 1, so its derivatives are those of σ, which are accurate in the tails.
var tanhFunction = function{
	name: "tanh",
	at: derivatives(
		math.Tanh,
		func(x float64) float64 { return 4 * sigmoid1(2*x) },
		func(x float64) float64 { return 8 * sigmoid2(2*x) },
		func(x float64) float64 { return 16 * sigmoid3(2*x) },
	),
	fast: func(k int) func(dst, x []float32) {
		switch k {
		case 0:
			return kernel.Tanh
		case 1:
			return fastTanh1
		}
		return nil
	},
}

// Tanh is the hyperbolic tangent, element by element; differentiable three times.
func Tanh(x *G.Node) (*G.Node, error) { return tanhFunction.node(x) }

func fastTanh1(dst, x []float32) {
	for i, v := range x {
		dst[i] = 2 * v
	}
	fastSigmoid1(dst, dst)
	for i := range dst {
		dst[i] *= 4
	}
}
