package op

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

var softplusFunction = function{
	name: "softplus",
	at:   derivatives(softplus, sigmoid, sigmoid1, sigmoid2, sigmoid3),
	fast: func(k int) func(dst, x []float32) {
		switch k {
		case 0:
			return kernel.Softplus
		case 1:
			return kernel.Sigmoid
		case 2:
			return fastSigmoid1
		}
		return nil
	},
}

// Softplus is log(1+eˣ) = max(x, 0) + log1p(e^{−|x|}), element by element; differentiable four times.
func Softplus(x *G.Node) (*G.Node, error) { return softplusFunction.node(x) }

// LogSigmoid is log σ(x) = −softplus(−x), element by element; finite for every finite x.
func LogSigmoid(x *G.Node) (*G.Node, error) {
	var e Expr
	return e.Node(e.Of(Neg(e.Of(Softplus(e.Of(Neg(x)))))))
}
