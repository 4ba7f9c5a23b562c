package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

// scalarGrain is the number of scalar functions, some 20 to 100 ns each, that make a piece of work worth a second core.
const scalarGrain = 1 << 9

// function is a scalar function of one variable, with as many derivatives as its op claims.
type function struct {
	name string
	// at returns the k-th derivative (0: the function itself), nil if it is not known.
	at func(k int) func(x float64) float64
	// fast returns a float32 loop for the k-th derivative, nil where there is none; dst and x may be the same.
	fast func(k int) func(dst, x []float32)
	// fused is a float32 loop for dst = s·f(x), if there is one.
	fused func(dst, x, s []float32)
}

// node applies f to every element of x.
func (f *function) node(x *G.Node) (*G.Node, error) {
	if err := check(f.name, x); err != nil {
		return nil, err
	}
	return f.derivative(0, x, nil)
}

// derivative is f⁽ᵏ⁾(x), times scale element by element if scale is given: the chain rule in one pass.
func (f *function) derivative(k int, x, scale *G.Node) (*G.Node, error) {
	name := f.name
	if k > 0 {
		name = fmt.Sprintf("%s⁽%d⁾", f.name, k)
	}
	at := f.at(k)
	if at == nil {
		return nil, fmt.Errorf("op: %s: %w more than %d times", f.name, ErrNotDifferentiable, k-1)
	}
	var fast func(dst, x []float32)
	if f.fast != nil {
		fast = f.fast(k)
	}
	s := spec{
		name:  name,
		shape: x.Shape(),
		f64: func(out []float64, in [][]float64) {
			for i, v := range in[0] {
				out[i] = at(v)
			}
			scaleBy(out, in)
		},
		f32: func(out []float32, in [][]float32) {
			if k == 0 && len(in) == 2 && f.fused != nil {
				f.fused(out, in[0], in[1])
				return
			}
			if fast != nil {
				fast(out, in[0])
			} else {
				kernel.Parallel(len(out), scalarGrain, func(lo, hi int) {
					for i, v := range in[0][lo:hi] {
						out[lo+i] = float32(at(float64(v)))
					}
				})
			}
			scaleBy(out, in)
		},
	}
	if scale == nil {
		s.diff = func(_ []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(f.derivative(k+1, in[0], grad)))
		}
		return apply(s, x)
	}
	if err := check(name, x, scale); err != nil {
		return nil, err
	}
	if !sameShape(x, scale) {
		return nil, fmt.Errorf("op: %s: the gradient has shape %v, the input %v", name, scale.Shape(), x.Shape())
	}
	s.name += "·"
	s.diff = func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
		var e Expr
		var dx, ds *G.Node
		if need[0] {
			dx = e.Of(Mul(e.Of(f.derivative(k+1, in[0], grad)), in[1]))
		}
		if need[1] {
			ds = e.Of(f.derivative(k, in[0], grad))
		}
		return e.Nodes(dx, ds)
	}
	return apply(s, x, scale)
}

// scaleBy multiplies by the second input, if there is one. A zero gradient stays zero where the derivative is infinite:
// what does not matter to the loss contributes nothing.
func scaleBy[T Float](out []T, in [][]T) {
	if len(in) < 2 {
		return
	}
	for i, s := range in[1] {
		if s == 0 {
			out[i] = 0
		} else {
			out[i] *= s
		}
	}
}

// derivatives lists the known derivatives of a function, the function first.
func derivatives(at ...func(float64) float64) func(int) func(float64) float64 {
	return func(k int) func(float64) float64 {
		if k < len(at) {
			return at[k]
		}
		return nil
	}
}

// thenZero is derivatives for a function whose further derivatives vanish (almost everywhere).
func thenZero(at ...func(float64) float64) func(int) func(float64) float64 {
	return func(k int) func(float64) float64 {
		if k < len(at) {
			return at[k]
		}
		return func(float64) float64 { return 0 }
	}
}

func sigmoid(x float64) float64 {
	if x >= 0 {
		return 1 / (1 + math.Exp(-x))
	}
	e := math.Exp(x)
	return e / (1 + e)
}

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
