package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// CensoredLogits is the log-weights of the points 0, …, m for the law of min(X, m) of a count X, along a new last axis:
// a·x + c(x) for x < m, and LogTail for m itself, […] → […, m+1]. Differentiable twice.
func CensoredLogits(a *G.Node, c Counts, m int) (*G.Node, error) {
	name := fmt.Sprintf("censored{%s,%d}", c.Name, m)
	if err := check(name, a); err != nil {
		return nil, err
	}
	if m < 1 {
		return nil, fmt.Errorf("op: %s: one point is no support", name)
	}
	tail, err := c.tail(name, m)
	if err != nil {
		return nil, err
	}
	head := c.logCarrier(m)
	return apply(spec{
		name:  name,
		shape: append(a.Shape().Clone(), tensor.Shape{m + 1}...),
		f32:   censoredLogits[float32](tail, head),
		f64:   censoredLogits[float64](tail, head),
		diff: func(_ []bool, in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(censoredGrad(in[0], out, grad, tail)))
		},
	}, a)
}

func censoredLogits[T Float](tail countTail, head []float64) func(out []T, in [][]T) {
	m := len(head)
	return func(out []T, in [][]T) {
		eachRows(len(in[0]), m+1, func(lo, hi int) {
			for i, a := range in[0][lo:hi] {
				a := float64(a)
				row := out[(lo+i)*(m+1) : (lo+i+1)*(m+1)]
				for x, c := range head {
					row[x] = T(float64(x)*a + c)
				}
				row[m] = T(tail.log(a))
			}
		})
	}
}

// censoredGrad is Σ_{x<m} x·g_x + μ·g_m for the mean μ of a count in the tail, given the op's result y: a […], y and g
// […, m+1] → […].
func censoredGrad(a, y, g *G.Node, tail countTail) (*G.Node, error) {
	m := len(tail.head)
	return apply(spec{
		name:  fmt.Sprintf("censoredgrad{%s,%d}", tail.Name, m),
		shape: a.Shape(),
		f32:   censoredGrads[float32](tail),
		f64:   censoredGrads[float64](tail),
		wrt:   []bool{true, false, true}, // y is a function of a
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			a, g := in[0], in[2]
			var e Expr
			var da, dg *G.Node
			if need[0] { // σ²·g_m
				last := e.Of(SumLast(e.Of(SliceLast(g, m, m+1))))
				da = e.Of(Mul(last, e.Of(tail.function().derivative(2, a, grad))))
			}
			if need[2] { // 0, …, m−1, μ
				points := make([]float64, m)
				for x := range points {
					points[x] = float64(x)
				}
				head := e.Of(LinesLast(grad, points, make([]float64, m)))
				last := e.Of(SpreadLast(e.Of(tail.function().derivative(1, a, grad)), 1))
				dg = e.Of(Add(e.Of(PadLast(head, 0, 1, 0)), e.Of(PadLast(last, m, 0, 0))))
			}
			return e.Nodes(da, nil, dg)
		},
	}, a, y, g)
}

func censoredGrads[T Float](tail countTail) func(out []T, in [][]T) {
	m := len(tail.head)
	return func(out []T, in [][]T) {
		eachRows(len(out), m+1, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				y, g := in[1][i*(m+1):(i+1)*(m+1)], in[2][i*(m+1):(i+1)*(m+1)]
				sum := tail.mean(float64(in[0][i]), float64(y[m])) * float64(g[m])
				for x, v := range g[:m] {
					sum += float64(x) * float64(v)
				}
				out[i] = T(sum)
			}
		})
	}
}
