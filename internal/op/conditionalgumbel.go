package op

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

// ConditionalGumbel draws l + Gumbel noise, for log-probabilities l over the last axis, given that its largest element
// is the one that the one-hot vector b marks. g is independent Gumbel noise; all three are […, K].
//
//	z_b = g_b,  z_i = −log(e^{−g_i−l_i} + e^{−z_b}) = z_b − softplus(z_b − g_i − l_i)  for i ≠ b
//
// No other element reaches z_b, where rounding would let it either. Differentiable any number of times in l, at fixed
// b and g; no gradient reaches those. A row of b that is not one-hot is an error of the run.
//
// Source: Tucker et al. (2017), arXiv:1703.07370, appendix.
func ConditionalGumbel(l, b, g *G.Node) (*G.Node, error) {
	const name = "conditionalgumbel"
	if err := check(name, l, b, g); err != nil {
		return nil, err
	}
	k, err := lastAxis(name, l)
	if err != nil {
		return nil, err
	}
	if !sameShape(l, b) || !sameShape(l, g) {
		return nil, fmt.Errorf("op: %s: log-probabilities %v, sample %v and noise %v must have one shape",
			name, l.Shape(), b.Shape(), g.Shape())
	}
	return apply(spec{
		name:  name,
		shape: l.Shape(),
		f32:   conditionalGumbel(k, kernel.Softplus, math.Nextafter32),
		f64: conditionalGumbel(k, func(dst, x []float64) {
			for i, v := range x {
				dst[i] = softplus(v)
			}
		}, math.Nextafter),
		wrt: []bool{true, false, false},
		diff: func(_ []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			l, b, g := in[0], in[1], in[2]
			var e Expr
			top := e.Of(SpreadLast(e.Of(SumLast(e.Of(Mul(b, g)))), k))
			slope := e.Of(Sigmoid(e.Of(Sub(e.Of(Sub(top, g)), l))))
			return e.Nodes(e.Of(Mul(grad, e.Of(Mul(e.Of(OneMinus(b)), slope)))), nil, nil)
		},
	}, l, b, g)
}

func conditionalGumbel[T Float](k int, softplus func(dst, x []T), next func(x, towards T) T) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		l, b, g := in[0], in[1], in[2]
		for i := 0; i < len(out); i += k {
			top := g[i+marked(b[i:i+k])]
			for j := i; j < i+k; j++ {
				out[j] = top - g[j] - l[j]
			}
		}
		softplus(out, out)
		for i := 0; i < len(out); i += k {
			at := i + marked(b[i:i+k])
			top := g[at]
			below := next(top, T(math.Inf(-1)))
			for j := i; j < i+k; j++ {
				out[j] = min(top-out[j], below)
			}
			out[at] = top
		}
	}
}

// marked is the place of the one in a one-hot row. It panics for any other row; operation.Do turns that into the run's
// error.
func marked[T Float](row []T) int {
	at := slices.Index(row, 1)
	for j, v := range row {
		if at < 0 || j != at && v != 0 {
			panic(fmt.Sprintf("row %v of the sample is not one-hot", row))
		}
	}
	return at
}
