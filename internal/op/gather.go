package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// GatherRows picks rows of a table: table [V, …], index [B] → [B, …]. The index holds row numbers as floats of the
// table's type, exact up to 2²⁴ in float32; a number that is not the number of a row is an error of the run.
// Differentiable any number of times in the table: repeated rows add up.
func GatherRows(table, index *G.Node) (*G.Node, error) {
	const name = "gather"
	if err := check(name, table, index); err != nil {
		return nil, err
	}
	if table.Dims() < 2 || index.Dims() != 1 {
		return nil, fmt.Errorf("op: %s: table %v and index %v; [V, …] and [B] are needed", name, table.Shape(), index.Shape())
	}
	v, row := table.Shape()[0], table.Shape()[1:].Clone()
	return apply(spec{
		name:  name,
		shape: append(tensor.Shape{index.Shape()[0]}, row...),
		f32:   gather[float32](v, product(row)),
		f64:   gather[float64](v, product(row)),
		wrt:   []bool{true, false},
		diff: func(_ []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(scatterRows(grad, in[1], v)), nil)
		},
	}, table, index)
}

// scatterRows adds each row of g [B, …] to the row of a table [V, …] that index [B] names.
func scatterRows(g, index *G.Node, v int) (*G.Node, error) {
	row := g.Shape()[1:].Clone()
	return apply(spec{
		name:  fmt.Sprintf("scatter{%d}", v),
		shape: append(tensor.Shape{v}, row...),
		f32:   scatter[float32](v, product(row)),
		f64:   scatter[float64](v, product(row)),
		wrt:   []bool{true, false},
		diff: func(_ []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(GatherRows(grad, in[1])), nil)
		},
	}, g, index)
}

func gather[T Float](v, width int) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		for b, i := range in[1] {
			copy(out[b*width:(b+1)*width], in[0][rowNumber(i, v)*width:])
		}
	}
}

func scatter[T Float](v, width int) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		clear(out)
		for b, i := range in[1] {
			dst := out[rowNumber(i, v)*width:][:width]
			for j, g := range in[0][b*width : (b+1)*width] {
				dst[j] += g
			}
		}
	}
}

// rowNumber panics for what is not a row; operation.Do turns that into the run's error.
func rowNumber[T Float](i T, v int) int {
	f := float64(i)
	if f != math.Trunc(f) || f < 0 || f >= float64(v) {
		panic(fmt.Sprintf("index %v is not the number of one of %d rows", i, v))
	}
	return int(f)
}
