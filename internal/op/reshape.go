package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Reshape gives a copy of x another shape of the same size. Unlike Gorgonia's it shares no memory with x, which
// later ops of a run may overwrite.
func Reshape(x *G.Node, shape ...int) (*G.Node, error) {
	name := fmt.Sprintf("reshape{%v}", shape)
	if err := check(name, x); err != nil {
		return nil, err
	}
	from, to := x.Shape(), tensor.Shape(shape).Clone()
	for _, d := range shape {
		if d < 1 {
			return nil, fmt.Errorf("op: reshape of %v to %v: sizes must be positive", from, shape)
		}
	}
	if product(from) != product(to) {
		return nil, fmt.Errorf("op: reshape of %v to %v: %d numbers do not fill %d places", from, shape, product(from), product(to))
	}
	if slices.Equal(from, to) {
		return x, nil
	}
	return apply(spec{
		name:  name,
		shape: to,
		f32:   func(out []float32, in [][]float32) { copy(out, in[0]) },
		f64:   func(out []float64, in [][]float64) { copy(out, in[0]) },
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(Reshape(grad, from...)))
		},
	}, x)
}
