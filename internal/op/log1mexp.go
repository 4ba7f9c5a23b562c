package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

var log1mExpFunction = function{
	name: "log1mexp",
	at: derivatives(
		func(x float64) float64 {
			if x > -math.Ln2 {
				return math.Log(-math.Expm1(x))
			}
			return math.Log1p(-math.Exp(x))
		},
		func(x float64) float64 { return -1 / math.Expm1(-x) },
		func(x float64) float64 { m := math.Expm1(-x); return -(m + 1) / (m * m) },
	),
}

// Log1mExp is log(1−eˣ) for x ≤ 0, element by element, accurate at both ends and −∞ at 0. Differentiable twice.
func Log1mExp(x *G.Node) (*G.Node, error) { return log1mExpFunction.node(x) }
