package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// TriSolve solves L·x = b for each row b of a matrix, or Lᵀ·x = b with trans: l [D, D], b [N, D] → [N, D]. Only the lower
// triangle of l is read; its diagonal must not contain zeros. Differentiable any number of times.
func TriSolve(l, b *G.Node, trans bool) (*G.Node, error) {
	name := fmt.Sprintf("trisolve{%t}", trans)
	n, err := square(name, l)
	if err != nil {
		return nil, err
	}
	if err := check(name, b); err != nil {
		return nil, err
	}
	if b.Dims() != 2 || b.Shape()[1] != n {
		return nil, fmt.Errorf("op: %s: matrix %v and right sides %v; [D, D] and [N, D] are needed", name, l.Shape(), b.Shape())
	}
	return apply(spec{
		name:  name,
		shape: b.Shape(),
		f32:   triSolve[float32](n, trans),
		f64:   triSolve[float64](n, trans),
		diff: func(need []bool, in G.Nodes, x, grad *G.Node) (G.Nodes, error) {
			var e Expr
			db := e.Of(TriSolve(in[0], grad, !trans))
			var dl *G.Node
			if need[0] { // −Σ db·xᵀ over the rows, transposed with trans
				first, second := db, x
				if trans {
					first, second = x, db
				}
				dl = e.Of(Neg(e.Of(LowerTriangle(e.Of(MatMul(first, second, true, false)), 0))))
			}
			return e.Nodes(dl, db)
		},
	}, l, b)
}

// triSolve substitutes forward, or backward with trans, and adds up in float64.
func triSolve[T Float](n int, trans bool) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		l := in[0]
		for r := 0; r < len(out); r += n {
			x, b := out[r:r+n], in[1][r:r+n]
			if trans {
				for i := n - 1; i >= 0; i-- {
					s := float64(b[i])
					for j := i + 1; j < n; j++ {
						s -= float64(l[j*n+i]) * float64(x[j])
					}
					x[i] = T(s / float64(l[i*n+i]))
				}
				continue
			}
			for i := range n {
				s := float64(b[i])
				for j := range i {
					s -= float64(l[i*n+j]) * float64(x[j])
				}
				x[i] = T(s / float64(l[i*n+i]))
			}
		}
	}
}
