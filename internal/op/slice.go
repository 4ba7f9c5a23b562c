package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// SliceLast is the elements from to to−1 along the last axis: […, K] → […, to−from]. Differentiable any number of
// times.
func SliceLast(x *G.Node, from, to int) (*G.Node, error) {
	name := fmt.Sprintf("slice{%d:%d}", from, to)
	k, err := lastAxis(name, x)
	if err != nil {
		return nil, err
	}
	if from < 0 || to > k || from >= to {
		return nil, fmt.Errorf("op: %s of a node of shape %v: a part that is not empty is needed", name, x.Shape())
	}
	return apply(spec{
		name:  name,
		shape: withLast(x, to-from),
		f32:   sliceLoop[float32](k, from, to),
		f64:   sliceLoop[float64](k, from, to),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(PadLast(grad, from, k-to, 0)))
		},
	}, x)
}

func sliceLoop[T Float](k, from, to int) func(out []T, in [][]T) {
	n := to - from
	return func(out []T, in [][]T) {
		for i := range len(out) / n {
			copy(out[i*n:(i+1)*n], in[0][i*k+from:])
		}
	}
}

// PadLast puts before and after elements, all of them fill, around the last axis: […, K] → […, before+K+after].
// Differentiable any number of times.
func PadLast(x *G.Node, before, after int, fill float64) (*G.Node, error) {
	name := fmt.Sprintf("pad{%d,%d,%g}", before, after, fill)
	k, err := lastAxis(name, x)
	if err != nil {
		return nil, err
	}
	if before < 0 || after < 0 {
		return nil, fmt.Errorf("op: %s: the numbers of new elements must not be negative", name)
	}
	return apply(spec{
		name:  name,
		shape: withLast(x, before+k+after),
		f32:   padLoop[float32](k, before, after, fill),
		f64:   padLoop[float64](k, before, after, fill),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(SliceLast(grad, before, before+k)))
		},
	}, x)
}

func padLoop[T Float](k, before, after int, fill float64) func(out []T, in [][]T) {
	n := before + k + after
	return func(out []T, in [][]T) {
		for i := range len(out) / n {
			row := out[i*n : (i+1)*n]
			for j := range row {
				row[j] = T(fill)
			}
			copy(row[before:before+k], in[0][i*k:])
		}
	}
}

// withLast is x's shape with another last axis.
func withLast(x *G.Node, n int) tensor.Shape {
	s := x.Shape().Clone()
	s[len(s)-1] = n
	return s
}
