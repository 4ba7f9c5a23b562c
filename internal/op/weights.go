package op

import (
	"crypto/sha256"
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// DotLast is Σ_k v_k·x_k over the last axis for constants v: […, K] → […]. Differentiable any number of times.
func DotLast(x *G.Node, v []float64) (*G.Node, error) {
	name := fmt.Sprintf("dot{%s}", digest(v))
	k, err := lastAxis(name, x)
	if err != nil {
		return nil, err
	}
	if k != len(v) {
		return nil, fmt.Errorf("op: dot: %d constants for a node of shape %v", len(v), x.Shape())
	}
	return apply(spec{
		name:  name,
		shape: x.Shape()[:x.Dims()-1].Clone(),
		f32:   dotLoop[float32](v),
		f64:   dotLoop[float64](v),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(LinesLast(grad, v, make([]float64, k))))
		},
	}, x)
}

func dotLoop[T Float](v []float64) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		eachRows(len(out), len(v), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				sum := 0.0
				for j, x := range in[0][i*len(v) : (i+1)*len(v)] {
					sum += v[j] * float64(x)
				}
				out[i] = T(sum)
			}
		})
	}
}

// LinesLast is v_k·x + b_k for constants v and b along a new last axis: […] → […, K]. Differentiable any number of times.
func LinesLast(x *G.Node, v, b []float64) (*G.Node, error) {
	name := fmt.Sprintf("lines{%s,%s}", digest(v), digest(b))
	if err := check(name, x); err != nil {
		return nil, err
	}
	if len(v) != len(b) || len(v) == 0 {
		return nil, fmt.Errorf("op: lines: %d slopes and %d intercepts", len(v), len(b))
	}
	return apply(spec{
		name:  name,
		shape: append(x.Shape().Clone(), tensor.Shape{len(v)}...),
		f32:   linesLoop[float32](v, b),
		f64:   linesLoop[float64](v, b),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(DotLast(grad, v)))
		},
	}, x)
}

func linesLoop[T Float](v, b []float64) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		eachRows(len(in[0]), len(v), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				x := float64(in[0][i])
				row := out[i*len(v) : (i+1)*len(v)]
				for j, slope := range v {
					row[j] = T(slope*x + b[j])
				}
			}
		})
	}
}

// digest names a list of constants: ops with different constants must have different hashes.
func digest(v []float64) string {
	return fmt.Sprintf("%d:%x", len(v), sha256.Sum256(fmt.Appendf(nil, "%v", v)))
}
