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
		eachRows(len(out)/k, k, func(lo, hi int) {
			clear(out[lo*k : hi*k])
			for i := lo * k; i < hi*k; i += k {
				row, best := in[0][i:i+k], 0
				for j, x := range row {
					if x > row[best] {
						best = j
					}
				}
				out[i+best] = 1
			}
		})
	}
}
