package autodiff_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
)

// gorgonia.Grad gives the first of several losses' gradient to all of them; here each loss has its own, and asking
// again changes nothing.
func TestSeveralLosses(t *testing.T) {
	b := newBench(t, normal(1, 1), func(b *bench) error {
		var e op.Expr
		y := e.Of(op.Tanh(e.Of(op.MatMul(b.constant(3, 4), b.leaf(4, 2), false, false))))
		one := e.Of(op.SumAll(y))
		three := e.Of(op.Scale(one, 3))
		squares := e.Of(op.SumAll(e.Of(op.Square(y))))
		if e.Err() != nil {
			return e.Err()
		}
		for _, l := range []struct {
			name string
			loss *G.Node
		}{{"one", one}, {"three", three}, {"squares", squares}, {"again", one}} {
			if _, err := b.gradient(l.name, l.loss); err != nil {
				return err
			}
		}
		return nil
	})
	for _, name := range []string{"one", "three", "squares", "again"} {
		b.check(t, name, 1e-8)
	}
	b.run(t)
	one, three := b.prog.Output("one.d0"), b.prog.Output("three.d0")
	for i := range one {
		if math.Abs(three[i]-3*one[i]) > 1e-14 {
			t.Errorf("element %d: the gradient of 3·loss is %g, of the loss %g", i, three[i], one[i])
		}
	}
}

// Hand-computed derivatives of x ↦ Σ h³ with h = x·x, of sums and products of a node with itself, and of a diamond.
func TestSharedNodes(t *testing.T) {
	b := newBench(t, normal(2, 1), func(b *bench) error {
		x := b.leaf(5)
		var e op.Expr
		h := e.Of(op.Mul(x, x))
		cube := e.Of(op.SumAll(e.Of(op.Mul(h, e.Of(op.Mul(h, h))))))
		double := e.Of(op.SumAll(e.Of(op.Add(x, x))))
		nothing := e.Of(op.SumAll(e.Of(op.Sub(x, x))))
		a := e.Of(op.Exp(x))
		diamond := e.Of(op.SumAll(e.Of(op.Mul(e.Of(op.Log1p(a)), e.Of(op.Square(a))))))
		if e.Err() != nil {
			return e.Err()
		}
		d, err := autodiff.Gradient(cube, h, x, cube, h)
		if err != nil {
			return err
		}
		b.outs["∂h"], b.outs["∂x"], b.outs["∂loss"], b.outs["∂h again"] = d[0], d[1], d[2], d[3]
		for name, loss := range map[string]*G.Node{"double": double, "nothing": nothing, "diamond": diamond} {
			if _, err := b.gradient(name, loss); err != nil {
				return err
			}
		}
		return nil
	})
	b.run(t)
	want := make(map[string][]float64)
	for _, x := range b.vars[0].Data {
		a := math.Exp(x)
		for name, v := range map[string]float64{
			"∂h":        3 * math.Pow(x, 4),
			"∂h again":  3 * math.Pow(x, 4),
			"∂x":        6 * math.Pow(x, 5),
			"double.d0": 2, "nothing.d0": 0,
			"diamond.d0": a * (a*a/(1+a) + 2*a*math.Log1p(a)),
		} {
			want[name] = append(want[name], v)
		}
	}
	want["∂loss"] = []float64{1}
	for name, w := range want {
		near(t, name, b.prog.Output(name), w, 1e-13)
	}
}

func TestZeroGradients(t *testing.T) {
	b := newBench(t, normal(3, 1), func(b *bench) error {
		x, unconnected := b.leaf(2, 3), b.leaf(4)
		var e op.Expr
		stopped := e.Of(op.StopGradient(e.Of(op.Exp(x))))
		through := e.Of(op.SumAll(stopped))
		// Of x·stop(eˣ) only the factor x counts.
		half := e.Of(op.SumAll(e.Of(op.Mul(x, stopped))))
		if e.Err() != nil {
			return e.Err()
		}
		b.outs["stopped"] = stopped
		if _, err := b.gradient("through", through); err != nil {
			return err
		}
		if _, err := b.gradient("half", half); err != nil {
			return err
		}
		d, err := autodiff.Gradient(half, unconnected, stopped)
		if err != nil {
			return err
		}
		b.outs["unconnected"], b.outs["at stopped"] = d[0], d[1]
		leaf, err := b.graph.Input("scalar")
		if err != nil {
			return err
		}
		if d, err = autodiff.Gradient(leaf.Node, leaf.Node, x); err != nil {
			return err
		}
		b.outs["leaf"], b.outs["not the leaf"] = d[0], d[1]
		return nil
	})
	b.run(t)
	for name, want := range map[string][]float64{
		"through.d0": make([]float64, 6), "through.d1": make([]float64, 4), "half.d1": make([]float64, 4),
		"unconnected": make([]float64, 4), "at stopped": b.vars[0].Data, "half.d0": b.prog.Output("stopped"),
		"leaf": {1}, "not the leaf": make([]float64, 6),
	} {
		near(t, name, b.prog.Output(name), want, 0)
	}
}

// critic is a dense network 4-7-6-1.
func critic(e *op.Expr, x *G.Node, params []*G.Node, act op.Activation) *G.Node {
	for i := 0; i < len(params); i += 2 {
		if i == len(params)-2 {
			act = op.ActIdentity
		}
		x = e.Of(op.Dense(x, params[i], params[i+1], act))
	}
	return x
}

// The loss of a Wasserstein critic with gradient penalty, 10·mean (‖∂c/∂x‖ − 1)² + mean c(fake) − mean c(real), in
// all parameters: a gradient through a gradient.
func TestGradientPenalty(t *testing.T) {
	for name, act := range map[string]op.Activation{
		"tanh": op.ActTanh, "softplus": op.ActSoftplus, "relu": op.ActReLU, "leakyrelu": op.ActLeakyReLU, "sigmoid": op.ActSigmoid,
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, normal(4, 0.8), func(b *bench) error {
				var params []*G.Node
				for _, s := range [][]int{{4, 7}, {7}, {7, 6}, {6}, {6, 1}, {1}} {
					params = append(params, b.leaf(s...))
				}
				var e op.Expr
				between := b.constant(5, 4)
				d, err := autodiff.Gradient(e.Of(op.SumAll(critic(&e, between, params, act))), between)
				if err != nil {
					return err
				}
				square := e.Of(op.SumEvent(e.Of(op.Square(d[0]))))
				norm := e.Of(op.Exp(e.Of(op.Scale(e.Of(op.Log(square)), 0.5))))
				penalty := e.Of(op.Scale(e.Of(op.MeanAll(e.Of(op.Square(e.Of(op.Shift(norm, -1)))))), 10))
				fake := e.Of(op.MeanAll(critic(&e, b.constant(5, 4), params, act)))
				real := e.Of(op.MeanAll(critic(&e, b.constant(5, 4), params, act)))
				loss := e.Of(op.Add(penalty, e.Of(op.Sub(fake, real))))
				if e.Err() != nil {
					return e.Err()
				}
				_, err = b.gradient("loss", loss)
				return err
			})
			b.check(t, "loss", 1e-8)
		})
	}
}

// RELAX minimises the variance of its estimate in the parameters of a control variate c whose derivative in z is part
// of the estimate. For c = Σ tanh(w∘z), with t = tanh(wz) and s = 1−t², L = ‖∂c/∂z‖² = Σ w²s² has
// ∂L/∂w = 2ws² − 4w²zts² and ∂L/∂z = −4w³ts²; and once more ∂²L/∂z² = −4w⁴s²(s − 4t²).
func TestGradientOfSquaredGradient(t *testing.T) {
	b := newBench(t, normal(5, 1), func(b *bench) error {
		w, z := b.leaf(6), b.leaf(6)
		var e op.Expr
		c := e.Of(op.SumAll(e.Of(op.Tanh(e.Of(op.Mul(w, z))))))
		d, err := autodiff.Gradient(c, z)
		if err != nil {
			return err
		}
		grads, err := b.gradient("L", e.Of(op.SumAll(e.Of(op.Square(d[0])))))
		if err != nil {
			return err
		}
		third, err := autodiff.Gradient(e.Of(op.SumAll(grads[1])), z)
		if err != nil {
			return err
		}
		b.outs["third"] = third[0]
		return e.Err()
	})
	b.run(t)
	var dw, dz, dzz []float64
	for i, w := range b.vars[0].Data {
		z := b.vars[1].Data[i]
		th := math.Tanh(w * z)
		s := 1 - th*th
		dw = append(dw, 2*w*s*s-4*w*w*z*th*s*s)
		dz = append(dz, -4*math.Pow(w, 3)*th*s*s)
		dzz = append(dzz, -4*math.Pow(w, 4)*s*s*(s-4*th*th))
	}
	near(t, "∂L/∂w", b.prog.Output("L.d0"), dw, 1e-13)
	near(t, "∂L/∂z", b.prog.Output("L.d1"), dz, 1e-13)
	near(t, "∂²L/∂z²", b.prog.Output("third"), dzz, 1e-12)
}

// A gradient does not depend on when it was built: the same formulas give the same bits.
func TestGradientIsDeterministic(t *testing.T) {
	var first []float64
	for range 5 {
		b := newBench(t, normal(6, 1), func(b *bench) error {
			var e op.Expr
			x := b.leaf(3, 4)
			total := e.Of(op.SumAll(x))
			for _, f := range []func(*G.Node) (*G.Node, error){op.Tanh, op.Exp, op.Sigmoid, op.Softplus} {
				total = e.Of(op.Add(total, e.Of(op.SumAll(e.Of(op.Mul(e.Of(f(x)), x))))))
			}
			if e.Err() != nil {
				return e.Err()
			}
			_, err := b.gradient("loss", total)
			return err
		})
		b.run(t)
		if got := b.prog.Output("loss.d0"); first == nil {
			first = slices.Clone(got)
		} else if !slices.Equal(got, first) {
			t.Fatalf("gradient %v, of the same formula before %v", got, first)
		}
	}
}

// Unrolled loops make deep graphs.
func TestDeepGraph(t *testing.T) {
	const depth = 5000
	if _, err := program.Build(func(g *program.Graph[float64]) error {
		in, err := g.Input("x")
		if err != nil {
			return err
		}
		n := in.Node
		for range depth {
			if n, err = op.Shift(n, 1); err != nil {
				return err
			}
		}
		_, err = autodiff.Gradient(n, in.Node)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestMistakes(t *testing.T) {
	var foreign *G.Node
	if _, err := program.Build(func(g *program.Graph[float64]) error {
		in, err := g.Input("x")
		foreign = in.Node
		return err
	}); err != nil {
		t.Fatal(err)
	}
	newBench(t, normal(7, 1), func(b *bench) error {
		x := b.leaf(3)
		loss, err := op.SumAll(x)
		if err != nil {
			return err
		}
		b.outs["loss"] = loss
		for _, c := range []struct {
			name string
			loss *G.Node
			wrt  []*G.Node
			want string
		}{
			{"nil loss", nil, []*G.Node{x}, "loss is nil"},
			{"loss of no graph", G.NewConstant(1.0), []*G.Node{x}, "no graph"},
			{"tensor loss", x, []*G.Node{x}, "shape (3)"},
			{"nil variable", loss, []*G.Node{x, nil}, "variable 1"},
			{"foreign variable", loss, []*G.Node{foreign}, "variable 0"},
			{"foreign loss", foreign, []*G.Node{x}, "variable 0"},
		} {
			if _, err := autodiff.Gradient(c.loss, c.wrt...); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: error %v does not say %q", c.name, err, c.want)
			}
		}
		if d, err := autodiff.Gradient(loss); err != nil || len(d) != 0 {
			t.Errorf("no variables: %v, %v; want none and no error", d, err)
		}
		return nil
	})
}

// An op without a derivative, or without a further one, stops the gradient only on a path that is asked for.
func TestNotDifferentiable(t *testing.T) {
	newBench(t, positive(8), func(b *bench) error {
		x, other := b.leaf(3), b.leaf(3)
		var e op.Expr
		softmax := e.Of(G.SoftMax(x))
		loss := e.Of(op.SumAll(e.Of(op.Mul(softmax, other))))
		diag := e.Of(op.SumAll(e.Of(G.DiagFlat(x))))
		cdf := e.Of(op.SumAll(e.Of(op.LogNormalCDF(x))))
		if e.Err() != nil {
			return e.Err()
		}
		b.outs["loss"] = loss
		names := func(what string, err error, name string) {
			t.Helper()
			if !errors.Is(err, op.ErrNotDifferentiable) || !strings.Contains(fmt.Sprint(err), name) {
				t.Errorf("%s: error %v does not wrap ErrNotDifferentiable or does not name %s", what, err, name)
			}
		}
		_, err := autodiff.Gradient(loss, x)
		names("softmax", err, "Softmax")
		if _, err := autodiff.Gradient(loss, other); err != nil {
			t.Errorf("beside softmax: %v", err)
		}
		if _, err := autodiff.Gradient(loss, softmax); err != nil {
			t.Errorf("above softmax: %v", err)
		}
		_, err = autodiff.Gradient(diag, x)
		names("an op without SymDiff", err, "DiagFlat")
		for order := 1; ; order++ {
			d, err := autodiff.Gradient(cdf, x)
			if err != nil {
				names("too high an order", err, "lognormalcdf")
				if order != 4 {
					t.Errorf("log Φ ends at order %d, want 4", order)
				}
				return nil
			}
			if cdf, err = op.SumAll(d[0]); err != nil {
				return err
			}
		}
	})
}
