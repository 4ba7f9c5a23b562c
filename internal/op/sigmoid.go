package op

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

// The derivatives of σ are written in p = σ(−|x|), the smaller of the two probabilities, so that they keep their
// relative accuracy in both tails.
var sigmoidFunction = function{
	name: "sigmoid",
	at:   derivatives(sigmoid, sigmoid1, sigmoid2, sigmoid3),
	fast: func(k int) func(dst, x []float32) {
		switch k {
		case 0:
			return kernel.Sigmoid
		case 1:
			return fastSigmoid1
		}
		return nil
	},
}

// Sigmoid is σ(x) = 1/(1+e⁻ˣ), element by element; differentiable three times.
func Sigmoid(x *G.Node) (*G.Node, error) { return sigmoidFunction.node(x) }

func sigmoid1(x float64) float64 {
	p := sigmoid(-math.Abs(x))
	return p * (1 - p)
}

// sigmoid2 is σ′(1−2σ); 1−2σ(x) = −tanh(x/2).
func sigmoid2(x float64) float64 { return -sigmoid1(x) * math.Tanh(x/2) }

func sigmoid3(x float64) float64 {
	d := sigmoid1(x)
	return d * (1 - 6*d)
}

func fastSigmoid1(dst, x []float32) {
	for i, v := range x {
		dst[i] = -abs32(v)
	}
	kernel.Sigmoid(dst, dst)
	for i, p := range dst {
		dst[i] = p * (1 - p)
	}
}

func abs32(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }
