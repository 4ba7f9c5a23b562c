package op

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TensorLike is a constant tensor of the given shape in x's graph and of x's type; no gradient reaches x. The data, in
// row-major order, is copied.
func TensorLike(x *G.Node, data []float64, shape ...int) (*G.Node, error) {
	name := fmt.Sprintf("tensor{%v}", data) // all of it: equal names are one node
	if err := check("tensor", x); err != nil {
		return nil, err
	}
	for _, d := range shape {
		if d < 1 {
			return nil, fmt.Errorf("op: tensor of shape %v: sizes must be positive", shape)
		}
	}
	if len(data) != product(shape) {
		return nil, fmt.Errorf("op: tensor: %d numbers do not fill shape %v", len(data), shape)
	}
	f64 := slices.Clone(data)
	f32 := make([]float32, len(data))
	for i, v := range f64 {
		f32[i] = float32(v)
	}
	return apply(spec{
		name:  name,
		shape: tensor.Shape(shape).Clone(),
		f32:   func(out []float32, _ [][]float32) { copy(out, f32) },
		f64:   func(out []float64, _ [][]float64) { copy(out, f64) },
		fixed: true,
		wrt:   none(1),
	}, x)
}
