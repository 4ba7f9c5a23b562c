package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// OneHot marks the position that each number names along a new last axis: […] → […, n]. The numbers are integers from 0
// to n−1, held as floats; any other is an error of the run. No gradient passes.
func OneHot(x *G.Node, n int) (*G.Node, error) {
	name := fmt.Sprintf("onehot{%d}", n)
	if err := check(name, x); err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, fmt.Errorf("op: %s: at least one position is needed", name)
	}
	return apply(spec{
		name:  name,
		shape: append(x.Shape().Clone(), tensor.Shape{n}...),
		f32:   oneHotLoop[float32](n),
		f64:   oneHotLoop[float64](n),
		wrt:   none(1),
	}, x)
}

func oneHotLoop[T Float](n int) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		clear(out)
		for i, v := range in[0] {
			out[i*n+rowNumber(v, n)] = 1
		}
	}
}
