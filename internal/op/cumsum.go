package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// CumSum is the running sum x_1 + … + x_k over the last axis: […, K] → […, K]. Differentiable any number of times.
func CumSum(x *G.Node) (*G.Node, error) { return cumSum(x, false) }

// cumSum adds up from the front or, reversed, from the back; each is the transpose of the other.
func cumSum(x *G.Node, reversed bool) (*G.Node, error) {
	name := fmt.Sprintf("cumsum{%t}", reversed)
	k, err := lastAxis(name, x)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  name,
		shape: x.Shape(),
		f32:   cumSumLoop[float32](k, reversed),
		f64:   cumSumLoop[float64](k, reversed),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(cumSum(grad, !reversed)))
		},
	}, x)
}

func cumSumLoop[T Float](k int, reversed bool) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		for i := 0; i < len(out); i += k {
			sum := 0.0
			for j := range k {
				at := i + j
				if reversed {
					at = i + k - 1 - j
				}
				sum += float64(in[0][at])
				out[at] = T(sum)
			}
		}
	}
}
