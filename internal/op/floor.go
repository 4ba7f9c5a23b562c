package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

// Floor is the largest integer that is not above x, element by element; no gradient passes.
func Floor(x *G.Node) (*G.Node, error) {
	const name = "floor"
	if err := check(name, x); err != nil {
		return nil, err
	}
	return apply(spec{name: name, shape: x.Shape(), f32: floor[float32], f64: floor[float64], wrt: none(1)}, x)
}

func floor[T Float](out []T, in [][]T) {
	for i, v := range in[0] {
		out[i] = T(math.Floor(float64(v)))
	}
}
