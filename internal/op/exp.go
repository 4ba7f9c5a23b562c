package op

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

var expFunction = function{
	name: "exp",
	at:   func(int) func(float64) float64 { return math.Exp },
	fast: func(int) func(dst, x []float32) { return kernel.Exp },
}

// Exp is eˣ, element by element; differentiable any number of times.
func Exp(x *G.Node) (*G.Node, error) { return expFunction.node(x) }
