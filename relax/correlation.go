package relax

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// Toeplitz is the d×d correlation matrix R_ij = ρ^|i−j|: neighbours have correlation ρ, and it fades with distance. It
// is an error unless −1 < ρ < 1.
func Toeplitz(d int, ρ float64) ([][]float64, error) {
	if d < 1 {
		return nil, fmt.Errorf("relax: a correlation matrix of size %d; 1 is the smallest", d)
	}
	if !(ρ > -1 && ρ < 1) {
		return nil, fmt.Errorf("relax: correlation %g; it must lie between −1 and 1", ρ)
	}
	r := make([][]float64, d)
	for i := range r {
		r[i] = make([]float64, d)
		for j := range r[i] {
			r[i][j] = math.Pow(ρ, math.Abs(float64(i-j)))
		}
	}
	return r, nil
}

// Cholesky is the lower triangular factor L of a correlation matrix R = LLᵀ, as a constant node [D, D] in the graph of
// like, for a Chol field. A matrix that is not square, symmetric, of unit diagonal and positive definite is an error.
func Cholesky(like *G.Node, r [][]float64) (*G.Node, error) {
	l, err := cholesky(r)
	if err != nil {
		return nil, err
	}
	n, err := op.TensorLike(like, l, len(r), len(r))
	if err != nil {
		return nil, fmt.Errorf("relax: correlation matrix: %w", err)
	}
	return n, nil
}

// CheckCorrelation is an error unless r is a correlation matrix that [Cholesky] takes.
func CheckCorrelation(r [][]float64) error {
	_, err := cholesky(r)
	return err
}

// cholesky is the factor of a validated matrix, row by row.
func cholesky(r [][]float64) ([]float64, error) {
	// Numbers that were printed and read again may differ in their last digits; a pivot L_ii² below smallest is what
	// rounding leaves of zero.
	const tolerance, smallest = 1e-9, 1e-12
	d := len(r)
	if d == 0 {
		return nil, fmt.Errorf("relax: the correlation matrix is empty")
	}
	l := make([]float64, d*d)
	for i, row := range r {
		if len(row) != d {
			return nil, fmt.Errorf("relax: row %d of the correlation matrix has %d numbers; %d rows need as many columns", i, len(row), d)
		}
		if !(math.Abs(row[i]-1) <= tolerance) {
			return nil, fmt.Errorf("relax: element (%d, %d) of the correlation matrix is %g; the diagonal must be 1, divide a covariance by the standard deviations", i, i, row[i])
		}
	}
	for i := range d {
		for j := range i + 1 {
			if !(math.Abs(r[i][j]-r[j][i]) <= tolerance) {
				return nil, fmt.Errorf("relax: elements (%d, %d) and (%d, %d) of the correlation matrix are %g and %g; it must be symmetric", i, j, j, i, r[i][j], r[j][i])
			}
			s := r[i][j]
			for k := range j {
				s -= l[i*d+k] * l[j*d+k]
			}
			switch {
			case j < i:
				l[i*d+j] = s / l[j*d+j]
			case s > smallest:
				l[i*d+i] = math.Sqrt(s)
			default:
				return nil, fmt.Errorf("relax: the correlation matrix is not positive definite: given the variables before it, variable %d has variance %.3g", i, s)
			}
		}
	}
	return l, nil
}

// LearnedCholesky maps a parameter w [D, D] to the Cholesky factor of a correlation matrix, for a Chol field whose
// correlations are learned. Row i is (w_i1, …, w_i,i−1, 1), scaled to unit length; what w holds on and above its
// diagonal has no effect. Every factor of positive definite correlation matrices is reached by one such w, the
// identity by zero.
func LearnedCholesky(w *G.Node) (*G.Node, error) {
	var e op.Expr
	below := e.Of(op.LowerTriangle(w, -1))
	squares := e.Of(op.SumLast(e.Of(op.Square(below))))
	scale := e.Of(op.Exp(e.Of(op.Scale(e.Of(op.Log1p(squares)), -0.5)))) // 1/√(1 + Σ w²), the diagonal
	if err := e.Err(); err != nil {
		return nil, fmt.Errorf("relax: LearnedCholesky: %w", err)
	}
	rows := e.Of(op.Mul(below, e.Of(op.SpreadLast(scale, w.Shape()[0]))))
	return e.Node(e.Of(op.Add(rows, e.Of(op.DiagonalMatrix(scale)))))
}
