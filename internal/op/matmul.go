package op

import (
	"fmt"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
)

// MatMul is the matrix product op(a)·op(b) of two matrices, each transposed first if asked; differentiable any
// number of times. The transposes cost nothing: no matrix is copied.
func MatMul(a, b *G.Node, transA, transB bool) (*G.Node, error) {
	name := fmt.Sprintf("matmul{%t,%t}", transA, transB)
	if err := check(name, a, b); err != nil {
		return nil, err
	}
	if a.Dims() != 2 || b.Dims() != 2 {
		return nil, fmt.Errorf("op: %s: shapes %v and %v; two matrices are needed", name, a.Shape(), b.Shape())
	}
	m, k := oriented(a.Shape(), transA)
	kb, n := oriented(b.Shape(), transB)
	if k != kb {
		return nil, fmt.Errorf("op: %s: inner sizes of %v and %v differ: %d and %d", name, a.Shape(), b.Shape(), k, kb)
	}
	return apply(spec{
		name:  name,
		shape: tensor.Shape{m, n},
		f32:   func(out []float32, in [][]float32) { gemm32(out, in[0], in[1], transA, transB, m, n, k) },
		f64:   func(out []float64, in [][]float64) { gemm64(out, in[0], in[1], transA, transB, m, n, k) },
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			var da, db *G.Node
			if need[0] {
				if transA {
					da = e.Of(MatMul(in[1], grad, transB, true)) // (grad·op(b)ᵀ)ᵀ
				} else {
					da = e.Of(MatMul(grad, in[1], false, !transB))
				}
			}
			if need[1] {
				if transB {
					db = e.Of(MatMul(grad, in[0], true, transA)) // (op(a)ᵀ·grad)ᵀ
				} else {
					db = e.Of(MatMul(in[0], grad, !transA, false))
				}
			}
			return e.Nodes(da, db)
		},
	}, a, b)
}

// oriented is the size of a matrix after an optional transpose.
func oriented(s tensor.Shape, trans bool) (rows, cols int) {
	if trans {
		return s[1], s[0]
	}
	return s[0], s[1]
}

func gemm32(c, a, b []float32, transA, transB bool, m, n, k int) {
	kernel.Gemm(transA, transB, m, n, k, a, stride(transA, m, k), b, stride(transB, k, n), false, c, n)
}

func gemm64(c, a, b []float64, transA, transB bool, m, n, k int) {
	blas64.Implementation().Dgemm(transpose(transA), transpose(transB), m, n, k,
		1, a, stride(transA, m, k), b, stride(transB, k, n), 0, c, n)
}

func transpose(trans bool) blas.Transpose {
	if trans {
		return blas.Trans
	}
	return blas.NoTrans
}

// stride is the row length of the stored matrix whose oriented size is rows×cols.
func stride(trans bool, rows, cols int) int {
	if trans {
		return rows
	}
	return cols
}
