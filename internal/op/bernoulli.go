package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
)

// BernoulliNLL is the cross-entropy −log p(t | σ(l)) of targets t in [0, 1] under Bernoulli logits l, summed over
// the event: Σ softplus(l) − t·l, for l and t [B, …] → [B]. Targets need not be binary: it is the loss on grey
// pixels too. Differentiable in both; three times in l.
func BernoulliNLL(l, t *G.Node) (*G.Node, error) {
	const name = "bernoullinll"
	if err := check(name, l, t); err != nil {
		return nil, err
	}
	if l.Dims() < 1 || !sameShape(l, t) {
		return nil, fmt.Errorf("op: %s: logits %v and targets %v must have one shape [B, …]", name, l.Shape(), t.Shape())
	}
	rows := l.Shape()[0]
	event := l.Shape()[1:].Clone()
	width := product(event)
	return apply(spec{
		name:  name,
		shape: tensor.Shape{rows},
		f32: func(out []float32, in [][]float32) {
			eachRows(rows, width, func(lo, hi int) {
				for r := lo; r < hi; r++ {
					out[r] = kernel.BernoulliNLL(in[0][r*width:(r+1)*width], in[1][r*width:(r+1)*width])
				}
			})
		},
		f64: func(out []float64, in [][]float64) {
			for r := range out {
				s := 0.0
				for i := r * width; i < (r+1)*width; i++ {
					s += softplus(in[0][i]) - in[1][i]*in[0][i]
				}
				out[r] = s
			}
		},
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			var dl, dt *G.Node
			if need[0] {
				dl = e.Of(bernoulliNLLGrad(in[0], in[1], grad))
			}
			if need[1] {
				dt = e.Of(Neg(e.Of(Mul(in[0], e.Of(SpreadEvent(grad, event...))))))
			}
			return e.Nodes(dl, dt)
		},
	}, l, t)
}

// bernoulliNLLGrad is g·(σ(l) − t), with g [B] one number per row.
func bernoulliNLLGrad(l, t, g *G.Node) (*G.Node, error) {
	rows := l.Shape()[0]
	event := l.Shape()[1:].Clone()
	width := product(event)
	return apply(spec{
		name:  "bernoullinllgrad",
		shape: l.Shape(),
		f32: func(out []float32, in [][]float32) {
			eachRows(rows, width, func(lo, hi int) {
				for r := lo; r < hi; r++ {
					i, j := r*width, (r+1)*width
					kernel.BernoulliNLLGrad(out[i:j], in[0][i:j], in[1][i:j], in[2][r])
				}
			})
		},
		f64: func(out []float64, in [][]float64) {
			for i := range out {
				out[i] = in[2][i/width] * (sigmoid(in[0][i]) - in[1][i])
			}
		},
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			l, t, g := in[0], in[1], in[2]
			var e Expr
			var dl, dt, dg *G.Node
			if need[0] || need[1] {
				scaled := e.Of(Mul(grad, e.Of(SpreadEvent(g, event...))))
				if need[0] && e.err == nil {
					dl = e.Of(sigmoidFunction.derivative(1, l, scaled))
				}
				if need[1] {
					dt = e.Of(Neg(scaled))
				}
			}
			if need[2] {
				dg = e.Of(SumEvent(e.Of(Mul(grad, e.Of(Sub(e.Of(Sigmoid(l)), t))))))
			}
			return e.Nodes(dl, dt, dg)
		},
	}, l, t, g)
}

// BernoulliKL is the divergence KL(σ(q) ‖ σ(p)) between bits with logits q and p, summed over the event, for q and p
// [B, …] → [B]: Σ σ(q)(q − p) − softplus(q) + softplus(p). Differentiable in both; three times in either.
func BernoulliKL(q, p *G.Node) (*G.Node, error) {
	const name = "bernoullikl"
	if err := check(name, q, p); err != nil {
		return nil, err
	}
	if q.Dims() < 1 || !sameShape(q, p) {
		return nil, fmt.Errorf("op: %s: logits %v and %v must have one shape [B, …]", name, q.Shape(), p.Shape())
	}
	rows := q.Shape()[0]
	event := q.Shape()[1:].Clone()
	width := product(event)
	var scratch [3][]float32
	return apply(spec{
		name:  name,
		shape: tensor.Shape{rows},
		f32: func(out []float32, in [][]float32) {
			if scratch[0] == nil {
				for i := range scratch {
					scratch[i] = make([]float32, rows*width)
				}
			}
			π, above, below := scratch[0], scratch[1], scratch[2]
			kernel.Sigmoid(π, in[0])
			kernel.Softplus(above, in[1])
			kernel.Softplus(below, in[0])
			for r := range out {
				s := 0.0
				for i := r * width; i < (r+1)*width; i++ {
					s += float64(π[i]*(in[0][i]-in[1][i]) + (above[i] - below[i]))
				}
				out[r] = float32(s)
			}
		},
		f64: func(out []float64, in [][]float64) {
			for r := range out {
				s := 0.0
				for i := r * width; i < (r+1)*width; i++ {
					s += sigmoid(in[0][i])*(in[0][i]-in[1][i]) + (softplus(in[1][i]) - softplus(in[0][i]))
				}
				out[r] = s
			}
		},
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			q, p := in[0], in[1]
			var e Expr
			var dq, dp *G.Node
			spread := e.Of(SpreadEvent(grad, event...))
			if need[0] && e.err == nil { // σ′(q)(q − p)
				dq = e.Of(Mul(e.Of(sigmoidFunction.derivative(1, q, spread)), e.Of(Sub(q, p))))
			}
			if need[1] { // σ(p) − σ(q)
				dp = e.Of(Mul(spread, e.Of(Sub(e.Of(Sigmoid(p)), e.Of(Sigmoid(q))))))
			}
			return e.Nodes(dq, dp)
		},
	}, q, p)
}
