package op

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Affine is a·x + b for constants a and b, element by element; differentiable any number of times.
func Affine(x *G.Node, a, b float64) (*G.Node, error) {
	name := fmt.Sprintf("%g·x%+g", a, b)
	if err := check(name, x); err != nil {
		return nil, err
	}
	return apply(spec{
		name:  name,
		shape: x.Shape(),
		f32:   affine[float32](a, b),
		f64:   affine[float64](a, b),
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			return e.Nodes(e.Of(Affine(grad, a, 0)))
		},
	}, x)
}

func affine[T Float](a, b float64) func(out []T, in [][]T) {
	scale, shift := T(a), T(b)
	return func(out []T, in [][]T) {
		x := in[0][:len(out)]
		for i, v := range x {
			out[i] = scale*v + shift
		}
	}
}

// Neg is −x.
func Neg(x *G.Node) (*G.Node, error) { return Affine(x, -1, 0) }

// Scale is c·x for a constant c.
func Scale(x *G.Node, c float64) (*G.Node, error) { return Affine(x, c, 0) }

// Shift is x + c for a constant c.
func Shift(x *G.Node, c float64) (*G.Node, error) { return Affine(x, 1, c) }

// OneMinus is 1 − x.
func OneMinus(x *G.Node) (*G.Node, error) { return Affine(x, -1, 1) }

// FullLike is a tensor of x's shape and type that holds c everywhere, whatever x holds; no gradient reaches x.
func FullLike(x *G.Node, c float64) (*G.Node, error) {
	name := fmt.Sprintf("full{%g}", c)
	if err := check(name, x); err != nil {
		return nil, err
	}
	return apply(spec{
		name:  name,
		shape: x.Shape(),
		f32:   full[float32](c),
		f64:   full[float64](c),
		fixed: true,
		wrt:   none(1),
	}, x)
}

// ConstantLike is the scalar c in x's graph and of x's type.
func ConstantLike(x *G.Node, c float64) (*G.Node, error) {
	if err := check(constantName(c), x); err != nil {
		return nil, err
	}
	return apply(spec{
		name:  constantName(c),
		shape: tensor.ScalarShape(),
		f32:   full[float32](c),
		f64:   full[float64](c),
		fixed: true,
		wrt:   none(1),
	}, x)
}

// SameConstant tells whether both nodes are constants of the same value.
func SameConstant(a, b *G.Node) bool {
	x, okA := a.Op().(*operation)
	y, okB := b.Op().(*operation)
	return okA && okB && x.name == y.name && strings.HasPrefix(x.name, constantPrefix)
}

const constantPrefix = "constant{"

func constantName(c float64) string { return fmt.Sprintf("%s%g}", constantPrefix, c) }

func full[T Float](c float64) func(out []T, in [][]T) {
	value := T(c)
	return func(out []T, _ [][]T) {
		for i := range out {
			out[i] = value
		}
	}
}
