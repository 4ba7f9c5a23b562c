package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
)

// SumAll adds all elements up: a scalar.
func SumAll(x *G.Node) (*G.Node, error) {
	if err := check("sum", x); err != nil {
		return nil, err
	}
	return sum(x, 0, x.Dims())
}

// MeanAll is the mean of all elements: a scalar.
func MeanAll(x *G.Node) (*G.Node, error) {
	if err := check("mean", x); err != nil {
		return nil, err
	}
	var e Expr
	return e.Node(e.Of(Scale(e.Of(SumAll(x)), 1/float64(x.Shape().TotalSize()))))
}

// SumEvent adds up each row: [B, …] → [B].
func SumEvent(x *G.Node) (*G.Node, error) {
	if err := check("sum", x); err != nil {
		return nil, err
	}
	return sum(x, 1, x.Dims())
}

// SumBatch adds the rows up: [B, …] → […].
func SumBatch(x *G.Node) (*G.Node, error) {
	if err := check("sum", x); err != nil {
		return nil, err
	}
	return sum(x, 0, 1)
}

// SumLast adds up over the last axis: […, K] → […].
func SumLast(x *G.Node) (*G.Node, error) {
	if err := check("sum", x); err != nil {
		return nil, err
	}
	return sum(x, x.Dims()-1, x.Dims())
}

// sum adds up over the axes from and before to. With no axis to sum over it is x itself.
func sum(x *G.Node, from, to int) (*G.Node, error) {
	shape := x.Shape()
	if from < 0 || from > shape.Dims() || to > shape.Dims() {
		return nil, fmt.Errorf("op: sum over axes %d to %d of a node of shape %v", from, to, shape)
	}
	if from >= to {
		return x, nil
	}
	outer, mid, inner := product(shape[:from]), product(shape[from:to]), product(shape[to:])
	rest := append(shape[:from].Clone(), shape[to:]...)
	f32 := sumLoop[float32](outer, mid, inner)
	if outer == 1 && inner > 1 {
		f32 = func(out []float32, in [][]float32) { kernel.ColumnSums(out, in[0], mid, inner) }
	}
	return apply(spec{
		name:  fmt.Sprintf("sum{%d:%d}", from, to),
		shape: rest,
		f32:   f32,
		f64:   sumLoop[float64](outer, mid, inner),
		diff: func(_ []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(spread(grad, from, in[0].Shape()[from:to])))
		},
	}, x)
}

// sumLoop adds in a fixed order. Long float32 sums are kept in float64, so that a sum over a batch or over
// pixels loses nothing.
func sumLoop[T Float](outer, mid, inner int) func(out []T, in [][]T) {
	if inner == 1 {
		return func(out []T, in [][]T) {
			for o := range outer {
				s := 0.0
				for _, v := range in[0][o*mid : (o+1)*mid] {
					s += float64(v)
				}
				out[o] = T(s)
			}
		}
	}
	return func(out []T, in [][]T) {
		for o := range outer {
			dst := out[o*inner : (o+1)*inner]
			clear(dst)
			for m := range mid {
				row := in[0][(o*mid+m)*inner:][:inner]
				for i, v := range row {
					dst[i] += v
				}
			}
		}
	}
}

func product(s tensor.Shape) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// SpreadAll repeats a scalar into the given shape.
func SpreadAll(x *G.Node, shape ...int) (*G.Node, error) {
	if err := check("spread", x); err != nil {
		return nil, err
	}
	if x.Dims() != 0 {
		return nil, fmt.Errorf("op: spread: shape %v where a scalar is needed", x.Shape())
	}
	return spread(x, 0, shape)
}

// SpreadEvent repeats each row's number over an event: [B] → [B, event…].
func SpreadEvent(x *G.Node, event ...int) (*G.Node, error) {
	if err := check("spread", x); err != nil {
		return nil, err
	}
	return spread(x, 1, event)
}

// SpreadBatch repeats an event for each of n rows: […] → [n, …].
func SpreadBatch(x *G.Node, n int) (*G.Node, error) {
	if err := check("spread", x); err != nil {
		return nil, err
	}
	return spread(x, 0, tensor.Shape{n})
}

// SpreadLast repeats each number n times along a new last axis: […] → […, n].
func SpreadLast(x *G.Node, n int) (*G.Node, error) {
	if err := check("spread", x); err != nil {
		return nil, err
	}
	return spread(x, x.Dims(), tensor.Shape{n})
}

// spread inserts the axes new before axis at and repeats along them: the transpose of sum.
func spread(x *G.Node, at int, axes tensor.Shape) (*G.Node, error) {
	shape := x.Shape()
	if at > shape.Dims() {
		return nil, fmt.Errorf("op: spread at axis %d of a node of shape %v", at, shape)
	}
	if len(axes) == 0 {
		return x, nil
	}
	for _, d := range axes {
		if d < 1 {
			return nil, fmt.Errorf("op: spread over %v: sizes must be positive", axes)
		}
	}
	outer, mid, inner := product(shape[:at]), product(axes), product(shape[at:])
	whole := append(append(shape[:at].Clone(), axes...), shape[at:]...)
	to := at + len(axes)
	return apply(spec{
		name:  fmt.Sprintf("spread{%d:%v}", at, axes),
		shape: whole,
		f32:   spreadLoop[float32](outer, mid, inner),
		f64:   spreadLoop[float64](outer, mid, inner),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(sum(grad, at, to)))
		},
	}, x)
}

func spreadLoop[T Float](outer, mid, inner int) func(out []T, in [][]T) {
	if inner == 1 {
		return func(out []T, in [][]T) {
			for o, v := range in[0] {
				row := out[o*mid : (o+1)*mid]
				for i := range row {
					row[i] = v
				}
			}
		}
	}
	return func(out []T, in [][]T) {
		for o := range outer {
			src := in[0][o*inner : (o+1)*inner]
			for m := range mid {
				copy(out[(o*mid+m)*inner:], src)
			}
		}
	}
}
