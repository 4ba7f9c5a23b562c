package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
)

// CategoricalKL is the divergence KL(softmax(q) ‖ e^p) between classes with logits q and with log-probabilities p, over
// the last axis and summed over the event, for q and p [B, …, K] → [B]: Σ ⟨π, log π − p⟩ with π = softmax(q). p is not
// normalised here. Differentiable twice in both.
func CategoricalKL(q, p *G.Node) (*G.Node, error) {
	const name = "categoricalkl"
	if err := check(name, q, p); err != nil {
		return nil, err
	}
	if q.Dims() < 2 || !sameShape(q, p) {
		return nil, fmt.Errorf("op: %s: logits %v and log-probabilities %v must have one shape [B, …, K]", name, q.Shape(), p.Shape())
	}
	rows, k := q.Shape()[0], q.Shape()[q.Dims()-1]
	event := q.Shape()[1:].Clone()
	width := product(event)
	return apply(spec{
		name:  name,
		shape: tensor.Shape{rows},
		f32:   categoricalKL(rows, width, k, simplex32),
		f64:   categoricalKL(rows, width, k, simplex64),
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			var dq, dp *G.Node
			if need[0] {
				dq = e.Of(categoricalKLGrad(in[0], in[1], grad))
			}
			if need[1] { // −π
				dp = e.Of(Neg(e.Of(Mul(e.Of(Softmax(in[0])), e.Of(SpreadEvent(grad, event...))))))
			}
			return e.Nodes(dq, dp)
		},
	}, q, p)
}

// categoricalKLGrad is g·π∘(r − ⟨π, r⟩) for r = log π − p and g [B] one number per row: the gradient in q.
func categoricalKLGrad(q, p, g *G.Node) (*G.Node, error) {
	rows, k := q.Shape()[0], q.Shape()[q.Dims()-1]
	event := q.Shape()[1:].Clone()
	width := product(event)
	return apply(spec{
		name:  "categoricalklgrad",
		shape: q.Shape(),
		f32:   categoricalKLGrads(rows, width, k, simplex32),
		f64:   categoricalKLGrads(rows, width, k, simplex64),
		diff: func(need []bool, in G.Nodes, _, h *G.Node) (G.Nodes, error) {
			q, p, g := in[0], in[1], in[2]
			var e Expr
			π := e.Of(Softmax(q))
			over := e.Of(SpreadEvent(g, event...))
			dot := func(a, b *G.Node) *G.Node {
				return e.Of(SpreadLast(e.Of(SumLast(e.Of(Mul(a, b)))), k))
			}
			along := e.Of(softmaxGrad(π, h))
			var dq, dp, dg *G.Node
			if need[0] { // through r, whose Jacobian leaves along as it is, and through π
				r := e.Of(Sub(e.Of(LogSoftmax(q)), p))
				centred := e.Of(Sub(r, dot(π, r)))
				throughπ := e.Of(Sub(e.Of(Mul(h, centred)), e.Of(Mul(dot(h, π), r))))
				dq = e.Of(Mul(over, e.Of(Add(along, e.Of(softmaxGrad(π, throughπ))))))
			}
			if need[1] {
				dp = e.Of(Neg(e.Of(Mul(over, along))))
			}
			if need[2] {
				unit := e.Of(categoricalKLGrad(q, p, e.Of(FullLike(g, 1))))
				dg = e.Of(SumEvent(e.Of(Mul(h, unit))))
			}
			return e.Nodes(dq, dp, dg)
		},
	}, q, p, g)
}

// simplexLoops are log-softmax over rows of k and exponential, for one element type.
type simplexLoops[T Float] struct {
	logSoftmax func(dst, x []T, k int)
	exp        func(dst, x []T)
}

var (
	simplex32 = simplexLoops[float32]{kernel.LogSoftmaxRows, kernel.Exp}
	simplex64 = simplexLoops[float64]{
		logSoftmax: logSoftmaxRows,
		exp: func(dst, x []float64) {
			for i, v := range x {
				dst[i] = math.Exp(v)
			}
		},
	}
)

func categoricalKL[T Float](rows, width, k int, loops simplexLoops[T]) func(out []T, in [][]T) {
	var logπ, π []T
	return func(out []T, in [][]T) {
		if π == nil {
			logπ, π = make([]T, rows*width), make([]T, rows*width)
		}
		eachRows(rows, width, func(lo, hi int) {
			logπ, π := logπ[lo*width:hi*width], π[lo*width:hi*width]
			loops.logSoftmax(logπ, in[0][lo*width:hi*width], k)
			loops.exp(π, logπ)
			for r := lo; r < hi; r++ {
				p := in[1][r*width : (r+1)*width]
				logπ, π := logπ[(r-lo)*width:][:width], π[(r-lo)*width:][:width]
				sum := 0.0
				for i, w := range π {
					sum += float64(w * (logπ[i] - p[i]))
				}
				out[r] = T(sum)
			}
		})
	}
}

func categoricalKLGrads[T Float](rows, width, k int, loops simplexLoops[T]) func(out []T, in [][]T) {
	var scratch []T
	return func(out []T, in [][]T) {
		if scratch == nil {
			scratch = make([]T, rows*width)
		}
		eachRows(rows, width, func(lo, hi int) {
			at, to := lo*width, hi*width
			loops.logSoftmax(out[at:to], in[0][at:to], k)
			loops.exp(scratch[at:to], out[at:to])
			for i := at; i < to; i += k {
				g, r, π, p := in[2][i/width], out[i:i+k], scratch[i:i+k], in[1][i:i+k]
				var mean T
				for j, w := range π {
					r[j] -= p[j]
					mean += w * r[j]
				}
				for j, w := range π {
					r[j] = g * w * (r[j] - mean)
				}
			}
		})
	}
}
