package kernel

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// BLAS is gonum's pure Go implementation with Sgemm computed by [Gemm]. Give it
// to gorgonia.Use to speed up every float32 matrix product of a graph.
type BLAS struct{ gonum.Implementation }

// Sgemm computes C = alpha·op(A)·op(B) + beta·C for row-major matrices; op(A)
// is m×k and op(B) is k×n. As in the reference BLAS, C is not read if beta is
// zero, and A and B are not read if alpha is zero.
func (impl BLAS) Sgemm(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if alpha != 1 || (beta != 0 && beta != 1) {
		impl.scaled(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)
		return
	}
	Gemm(tA != blas.NoTrans, tB != blas.NoTrans, m, n, k, a, lda, b, ldb, beta == 1, c, ldc)
}

// scaled handles any alpha and beta, which graphs seldom need, through a product
// in a matrix of its own.
func (BLAS) scaled(tA, tB blas.Transpose, m, n, k int, alpha float32, a []float32, lda int, b []float32, ldb int, beta float32, c []float32, ldc int) {
	if m == 0 || n == 0 {
		return
	}
	if alpha == 0 {
		k = 0
	}
	product := make([]float32, m*n)
	Gemm(tA != blas.NoTrans, tB != blas.NoTrans, m, n, k, a, lda, b, ldb, false, product, n)
	for i := range m {
		row := c[i*ldc : i*ldc+n]
		for j, p := range product[i*n : (i+1)*n] {
			if beta == 0 {
				row[j] = alpha * p
			} else {
				row[j] = alpha*p + beta*row[j]
			}
		}
	}
}
