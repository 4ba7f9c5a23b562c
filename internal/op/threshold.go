package op

import G "gorgonia.org/gorgonia"

// Positive is 1 where x > 0 and 0 elsewhere; no gradient passes.
func Positive(x *G.Node) (*G.Node, error) {
	const name = "positive"
	if err := check(name, x); err != nil {
		return nil, err
	}
	return apply(spec{name: name, shape: x.Shape(), f32: positive[float32], f64: positive[float64], wrt: none(1)}, x)
}

func positive[T Float](out []T, in [][]T) {
	for i, v := range in[0] {
		if v > 0 {
			out[i] = 1
		} else {
			out[i] = 0
		}
	}
}

// OneHotMax marks the largest element along the last axis: 1 there and 0 elsewhere, […, K] → […, K]. Of equal
// elements the first wins, so that the result is one-hot always; no gradient passes.
func OneHotMax(x *G.Node) (*G.Node, error) {
	const name = "onehotmax"
	k, err := lastAxis(name, x)
	if err != nil {
		return nil, err
	}
	return apply(spec{name: name, shape: x.Shape(), f32: oneHotMax[float32](k), f64: oneHotMax[float64](k), wrt: none(1)}, x)
}

func oneHotMax[T Float](k int) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		clear(out)
		for i := 0; i < len(out); i += k {
			best := i
			for j := i + 1; j < i+k; j++ {
				if in[0][j] > in[0][best] {
					best = j
				}
			}
			out[best] = 1
		}
	}
}
