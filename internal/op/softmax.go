package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

// lastAxis validates the input of an op over the last axis, and gives that axis' size.
func lastAxis(name string, x *G.Node) (k int, err error) {
	if err := check(name, x); err != nil {
		return 0, err
	}
	if x.Dims() == 0 {
		return 0, fmt.Errorf("op: %s: a scalar has no last axis", name)
	}
	return x.Shape()[x.Dims()-1], nil
}

// Softmax is e^{x_k}/Σ_j e^{x_j} over the last axis: […, K] → […, K]. The largest element is subtracted first, row
// by row, so that no row overflows. Differentiable any number of times.
func Softmax(x *G.Node) (*G.Node, error) {
	k, err := lastAxis("softmax", x)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  "softmax",
		shape: x.Shape(),
		f32: func(out []float32, in [][]float32) {
			eachRows(len(out)/k, k, func(lo, hi int) { kernel.SoftmaxRows(out[lo*k:hi*k], in[0][lo*k:hi*k], k) })
		},
		f64: func(out []float64, in [][]float64) {
			for i := 0; i < len(out); i += k {
				softmaxRow(out[i:i+k], in[0][i:i+k])
			}
		},
		diff: func(_ []bool, _ G.Nodes, y, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(softmaxGrad(y, grad)))
		},
	}, x)
}

func softmaxRow(dst, x []float64) {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, v)
	}
	sum := 0.0
	for i, v := range x {
		dst[i] = math.Exp(v - top)
		sum += dst[i]
	}
	for i := range dst {
		dst[i] /= sum
	}
}

// softmaxGrad is the product of softmax's Jacobian diag(y) − yyᵀ with g: y∘(g − ⟨y, g⟩), over the last axis.
func softmaxGrad(y, g *G.Node) (*G.Node, error) {
	k, err := lastAxis("softmaxgrad", y)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  "softmaxgrad",
		shape: y.Shape(),
		f32:   softmaxGradLoop[float32](k),
		f64:   softmaxGradLoop[float64](k),
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			y, g := in[0], in[1]
			var e Expr
			var dy, dg *G.Node
			if need[0] { // h∘(g − ⟨y, g⟩) − g·⟨y, h⟩ for h = grad
				dot := func(a, b *G.Node) *G.Node {
					return e.Of(SpreadLast(e.Of(SumLast(e.Of(Mul(a, b)))), k))
				}
				centred := e.Of(Sub(g, dot(y, g)))
				dy = e.Of(Sub(e.Of(Mul(grad, centred)), e.Of(Mul(g, dot(y, grad)))))
			}
			if need[1] { // the Jacobian is symmetric
				dg = e.Of(softmaxGrad(y, grad))
			}
			return e.Nodes(dy, dg)
		},
	}, y, g)
}

func softmaxGradLoop[T Float](k int) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		eachRows(len(out)/k, k, func(lo, hi int) {
			for i := lo * k; i < hi*k; i += k {
				y, g, dst := in[0][i:i+k], in[1][i:i+k], out[i:i+k]
				var dot T
				for j, p := range y {
					dot += p * g[j]
				}
				for j, p := range y {
					dst[j] = p * (g[j] - dot)
				}
			}
		})
	}
}

// LogSoftmax is x − logsumexp(x) over the last axis: […, K] → […, K]. Differentiable any number of times.
func LogSoftmax(x *G.Node) (*G.Node, error) {
	k, err := lastAxis("logsoftmax", x)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  "logsoftmax",
		shape: x.Shape(),
		f32: func(out []float32, in [][]float32) {
			eachRows(len(out)/k, k, func(lo, hi int) { kernel.LogSoftmaxRows(out[lo*k:hi*k], in[0][lo*k:hi*k], k) })
		},
		f64: func(out []float64, in [][]float64) { logSoftmaxRows(out, in[0], k) },
		diff: func(_ []bool, _ G.Nodes, y, grad *G.Node) (G.Nodes, error) {
			var e Expr
			total := e.Of(SpreadLast(e.Of(SumLast(grad)), k))
			return e.Nodes(e.Of(Sub(grad, e.Of(Mul(e.Of(Exp(y)), total)))))
		},
	}, x)
}

func logSoftmaxRows(dst, x []float64, k int) {
	for i := 0; i < len(x); i += k {
		lse := logSumExpRow(x[i : i+k])
		for j, v := range x[i : i+k] {
			dst[i+j] = v - lse
		}
	}
}

// LogSumExp is log Σ_k e^{x_k} over the last axis: […, K] → […]. Differentiable any number of times.
func LogSumExp(x *G.Node) (*G.Node, error) {
	k, err := lastAxis("logsumexp", x)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  "logsumexp",
		shape: x.Shape()[:x.Dims()-1].Clone(),
		f32: func(out []float32, in [][]float32) {
			eachRows(len(out), k, func(lo, hi int) { kernel.LogSumExpRows(out[lo:hi], in[0][lo*k:hi*k], k) })
		},
		f64: func(out []float64, in [][]float64) {
			for i := range out {
				out[i] = logSumExpRow(in[0][i*k : (i+1)*k])
			}
		},
		diff: func(_ []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(Mul(e.Of(Softmax(in[0])), e.Of(SpreadLast(grad, k)))))
		},
	}, x)
}

func logSumExpRow(x []float64) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, v)
	}
	if math.IsInf(top, 0) {
		return top
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}
