package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
)

// Add is a + b. Shapes agree, or one of the two is a scalar; nothing else is broadcast (see Spread…).
func Add(a, b *G.Node) (*G.Node, error) {
	return binary("add", a, b,
		kernel.Add, func(out, a, b []float64) {
			for i := range out {
				out[i] = a[i] + b[i]
			}
		},
		func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.gradient(need[0], in[0], grad), e.gradient(need[1], in[1], grad))
		})
}

// Sub is a − b, with the shapes of Add.
func Sub(a, b *G.Node) (*G.Node, error) {
	return binary("sub", a, b,
		sub[float32], sub[float64],
		func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			var db *G.Node
			if need[1] {
				db = e.gradient(true, in[1], e.Of(Neg(grad)))
			}
			return e.Nodes(e.gradient(need[0], in[0], grad), db)
		})
}

// Mul is the element-wise product a·b, with the shapes of Add.
func Mul(a, b *G.Node) (*G.Node, error) {
	return binary("mul", a, b,
		kernel.Mul, func(out, a, b []float64) {
			for i := range out {
				out[i] = a[i] * b[i]
			}
		},
		func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			var da, db *G.Node
			if need[0] {
				da = e.gradient(true, in[0], e.Of(Mul(grad, in[1])))
			}
			if need[1] {
				db = e.gradient(true, in[1], e.Of(Mul(grad, in[0])))
			}
			return e.Nodes(da, db)
		})
}

// Square is x².
func Square(x *G.Node) (*G.Node, error) { return Mul(x, x) }

// Div is a/b, with the shapes of Add.
func Div(a, b *G.Node) (*G.Node, error) {
	return binary("div", a, b,
		div[float32], div[float64],
		func(need []bool, in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
			var e Expr
			da := e.Of(Div(grad, in[1]))
			var db *G.Node
			if need[1] {
				db = e.gradient(true, in[1], e.Of(Neg(e.Of(Mul(da, out)))))
			}
			return e.Nodes(e.gradient(need[0], in[0], da), db)
		})
}

// gradient gives the gradient of a result to an operand: summed if the operand was a scalar that met a tensor.
func (e *Expr) gradient(need bool, operand, grad *G.Node) *G.Node {
	if !need || e.err != nil {
		return nil
	}
	if operand.Dims() == 0 && grad.Dims() > 0 {
		return e.Of(SumAll(grad))
	}
	return grad
}

func sub[T Float](out, a, b []T) {
	for i := range out {
		out[i] = a[i] - b[i]
	}
}

func div[T Float](out, a, b []T) {
	for i := range out {
		out[i] = a[i] / b[i]
	}
}

// binary applies a loop over three slices of one length.
func binary(name string, a, b *G.Node,
	f32 func(out, a, b []float32), f64 func(out, a, b []float64),
	diff func([]bool, G.Nodes, *G.Node, *G.Node) (G.Nodes, error),
) (*G.Node, error) {
	if err := check(name, a, b); err != nil {
		return nil, err
	}
	var shape tensor.Shape
	switch {
	case sameShape(a, b), b.Dims() == 0:
		shape = a.Shape()
	case a.Dims() == 0:
		shape = b.Shape()
	default:
		return nil, fmt.Errorf("op: %s: shapes %v and %v differ, and neither is a scalar", name, a.Shape(), b.Shape())
	}
	return apply(spec{name: name, shape: shape, f32: repeating(f32), f64: repeating(f64), diff: diff}, a, b)
}

// repeating gives a loop a scalar operand as often as it has elements to work on.
func repeating[T Float](loop func(out, a, b []T)) func(out []T, in [][]T) {
	var scalar [256]T
	return func(out []T, in [][]T) {
		a, b := in[0], in[1]
		if len(a) == len(b) {
			loop(out, a, b)
			return
		}
		alone := b
		if len(a) == 1 {
			alone = a
		}
		for i := range scalar[:min(len(scalar), len(out))] {
			scalar[i] = alone[0]
		}
		eachRows(len(out), 1, func(from, to int) {
			for lo := from; lo < to; lo += len(scalar) {
				hi := min(lo+len(scalar), to)
				if len(a) == 1 {
					loop(out[lo:hi], scalar[:hi-lo], b[lo:hi])
				} else {
					loop(out[lo:hi], a[lo:hi], scalar[:hi-lo])
				}
			}
		})
	}
}
