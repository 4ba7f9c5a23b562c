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
		func(x, y float32) float32 { return x + y }, kernel.Add,
		func(x, y float64) float64 { return x + y },
		func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.gradient(need[0], in[0], grad), e.gradient(need[1], in[1], grad))
		})
}

// Sub is a − b, with the shapes of Add.
func Sub(a, b *G.Node) (*G.Node, error) {
	return binary("sub", a, b,
		func(x, y float32) float32 { return x - y }, nil,
		func(x, y float64) float64 { return x - y },
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
		func(x, y float32) float32 { return x * y }, kernel.Mul,
		func(x, y float64) float64 { return x * y },
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
		func(x, y float32) float32 { return x / y }, nil,
		func(x, y float64) float64 { return x / y },
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

func binary(name string, a, b *G.Node,
	f32 func(x, y float32) float32, fast func(dst, x, y []float32),
	f64 func(x, y float64) float64,
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
	s := spec{name: name, shape: shape, f32: pairwise(f32), f64: pairwise(f64), diff: diff}
	if fast != nil && sameShape(a, b) {
		s.f32 = func(out []float32, in [][]float32) { fast(out, in[0], in[1]) }
	}
	return apply(s, a, b)
}

func pairwise[T Float](f func(x, y T) T) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		a, b := in[0], in[1]
		switch {
		case len(a) == len(b):
			for i := range out {
				out[i] = f(a[i], b[i])
			}
		case len(a) == 1:
			for i := range out {
				out[i] = f(a[0], b[i])
			}
		default:
			for i := range out {
				out[i] = f(a[i], b[0])
			}
		}
	}
}
