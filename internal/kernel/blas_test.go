package kernel

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

// TestSgemm compares with gonum's own product.
func TestSgemm(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		r := newRand(10)
		const m, n, k = 13, 37, 21
		for _, tA := range []blas.Transpose{blas.NoTrans, blas.Trans, blas.ConjTrans} {
			for _, tB := range []blas.Transpose{blas.NoTrans, blas.Trans} {
				for _, alpha := range []float32{0, 1, -2.5} {
					for _, beta := range []float32{0, 1, 0.5} {
						a, b, c := normals(r, m*k), normals(r, k*n), normals(r, m*n)
						lda, ldb := k, n
						if tA != blas.NoTrans {
							lda = m
						}
						if tB != blas.NoTrans {
							ldb = k
						}
						got, want := slices.Clone(c), slices.Clone(c)
						BLAS{}.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, got, n)
						gonum.Implementation{}.Sgemm(tA, tB, m, n, k, alpha, a, lda, b, ldb, beta, want, n)
						for i := range want {
							// Two sums of k products of normal numbers in different orders.
							if diff := math.Abs(float64(got[i] - want[i])); !(diff <= 2*(k+1)*20*0x1p-24) {
								t.Fatalf("%c%c, alpha %v, beta %v: C[%d] = %v, want %v", tA, tB, alpha, beta, i, got[i], want[i])
							}
						}
					}
				}
			}
		}
	})
}

// TestSgemmDoesNotReadC holds when beta is zero.
func TestSgemmDoesNotReadC(t *testing.T) {
	nan := float32(math.NaN())
	for _, alpha := range []float32{0, 1, 2} {
		c := []float32{nan}
		BLAS{}.Sgemm(blas.NoTrans, blas.NoTrans, 1, 1, 1, alpha, []float32{3}, 1, []float32{5}, 1, 0, c, 1)
		if want := 15 * alpha; c[0] != want {
			t.Errorf("alpha %v: %v, want %v", alpha, c[0], want)
		}
	}
}
