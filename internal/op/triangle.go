package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// LowerTriangle keeps a square matrix's elements on and below a diagonal and puts zeros elsewhere: the main diagonal
// for offset 0, the one below it for −1. Differentiable any number of times.
func LowerTriangle(x *G.Node, offset int) (*G.Node, error) {
	name := fmt.Sprintf("lowertriangle{%d}", offset)
	n, err := square(name, x)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  name,
		shape: x.Shape(),
		f32:   lowerTriangle[float32](n, offset),
		f64:   lowerTriangle[float64](n, offset),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(LowerTriangle(grad, offset)))
		},
	}, x)
}

func lowerTriangle[T Float](n, offset int) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		clear(out)
		for i := range n {
			width := min(max(i+1+offset, 0), n)
			copy(out[i*n:i*n+width], in[0][i*n:])
		}
	}
}

// Diagonal is the diagonal of a square matrix: [D, D] → [D]. Differentiable any number of times.
func Diagonal(x *G.Node) (*G.Node, error) {
	const name = "diagonal"
	n, err := square(name, x)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  name,
		shape: tensor.Shape{n},
		f32:   diagonal[float32](n),
		f64:   diagonal[float64](n),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(DiagonalMatrix(grad)))
		},
	}, x)
}

func diagonal[T Float](n int) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		for i := range n {
			out[i] = in[0][i*n+i]
		}
	}
}

// DiagonalMatrix is the matrix with the given diagonal and zeros elsewhere: [D] → [D, D]. Differentiable any number of
// times.
func DiagonalMatrix(x *G.Node) (*G.Node, error) {
	const name = "diagonalmatrix"
	if err := check(name, x); err != nil {
		return nil, err
	}
	if x.Dims() != 1 {
		return nil, fmt.Errorf("op: %s: shape %v; a vector is needed", name, x.Shape())
	}
	n := x.Shape()[0]
	return apply(spec{
		name:  name,
		shape: tensor.Shape{n, n},
		f32:   diagonalMatrix[float32](n),
		f64:   diagonalMatrix[float64](n),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(Diagonal(grad)))
		},
	}, x)
}

func diagonalMatrix[T Float](n int) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		clear(out)
		for i, v := range in[0] {
			out[i*n+i] = v
		}
	}
}

// square validates a square matrix and gives its size.
func square(name string, x *G.Node) (int, error) {
	if err := check(name, x); err != nil {
		return 0, err
	}
	if x.Dims() != 2 || x.Shape()[0] != x.Shape()[1] {
		return 0, fmt.Errorf("op: %s: shape %v; a square matrix is needed", name, x.Shape())
	}
	return x.Shape()[0], nil
}
