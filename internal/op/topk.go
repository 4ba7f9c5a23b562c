package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// TopK marks the k largest elements along the last axis: 1 there and 0 elsewhere, […, K] → […, K]. Of equal elements the
// first wins, so that exactly k are marked always; no gradient passes.
func TopK(x *G.Node, k int) (*G.Node, error) {
	name := fmt.Sprintf("topk{%d}", k)
	n, err := lastAxis(name, x)
	if err != nil {
		return nil, err
	}
	if k < 0 || k > n {
		return nil, fmt.Errorf("op: %s of %d elements", name, n)
	}
	return apply(spec{name: name, shape: x.Shape(), f32: topK[float32](n, k), f64: topK[float64](n, k), wrt: none(1)}, x)
}

func topK[T Float](n, k int) func(out []T, in [][]T) {
	order := make([]int, n)
	return func(out []T, in [][]T) {
		clear(out)
		for i := 0; i < len(out); i += n {
			largestFirst(order, in[0][i:i+n], k)
			for _, j := range order[:k] {
				out[i+j] = 1
			}
		}
	}
}
