package estimator_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/internal/stream"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
	"relaxgo/relax/noise"
)

// The tests of this file hold for every estimator of All, under every law that it offers.

// variants are estimators with other settings than those of All.
var variants = []estimator.Estimator{
	estimator.MuProp{Baseline: estimator.ConstantBaseline},
	estimator.MuProp{Baseline: estimator.LearnedBaseline, Hidden: 4},
	estimator.RLOO{Samples: 4},
	estimator.DoubleCV{Samples: 4},
	estimator.ARMS{Samples: 2},
	estimator.ARMS{Samples: 3},
	estimator.ARMS{Samples: 6},
	estimator.REBAR{Coupled: true},
	estimator.RELAX{Coupled: true, Hidden: 4},
	estimator.RELAX{Activation: estimator.ReLU, Hidden: 4},
	estimator.RELAX{Free: true, Hidden: 4},
	estimator.RELAX{Free: true, Coupled: true, Activation: estimator.Softplus, Hidden: 4},
	estimator.DLAX{Activation: estimator.ReLU, Hidden: 4},
	estimator.DLAX{Activation: estimator.Softplus, Hidden: 4},
}

// shapes are the rows that the estimators are tested on, by law. Logits come in sets whose exponentials do not add up to 1,
// since an estimator that takes unnormalised logits for log-probabilities is wrong on those only.
var shapes = []struct {
	law    estimator.Law
	shape  []int
	logits []float64
}{
	{estimator.Bernoulli, []int{3}, []float64{0.4, -1.1, 0.9}},
	{estimator.Categorical, []int{1, 3}, []float64{1.3, 0.2, 2.1}},
	{estimator.Categorical, []int{2, 3}, []float64{1.3, 0.2, 2.1, -0.9, -0.3, -2}},
}

// cubic is s₁²·s₂ + 0.7·s₂² − s₁ for two linear functions s₁ and s₂ of b: not linear, with interactions of three variables.
func cubic(b *G.Node) (*G.Node, error) {
	rows, width := b.Shape()[0], b.Shape().TotalSize()/b.Shape()[0]
	v, w := make([]float64, width), make([]float64, width)
	for i := range width {
		v[i], w[i] = math.Cos(float64(2*i+1)), math.Sin(float64(3*i+1))
	}
	var e op.Expr
	flat := e.Of(op.Reshape(b, rows, width))
	s, r := e.Of(op.DotLast(flat, v)), e.Of(op.DotLast(flat, w))
	y := e.Of(op.Mul(e.Of(op.Square(s)), r))
	y = e.Of(op.Add(y, e.Of(op.Scale(e.Of(op.Square(r)), 0.7))))
	return e.Node(e.Of(op.Sub(y, s)))
}

// other is a surrogate that differs from cubic.
func other(b *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Tanh(e.Of(cubic(b)))))
}

// each runs a test for all estimators and shapes that fit together.
func each(t *testing.T, list []estimator.Estimator, f func(t *testing.T, e estimator.Estimator, c meter.Case)) {
	for _, e := range list {
		for _, s := range shapes {
			if !slices.Contains(e.Info().Laws, s.law) {
				continue
			}
			c := meter.Case{Law: s.law, Logits: s.logits, Shape: s.shape, F: cubic, Context: []float64{0.5, -1}}
			t.Run(fmt.Sprintf("%s%+v/%v%v", e.Info().Name, e, c.Law, c.Shape), func(t *testing.T) { f(t, e, c) })
		}
	}
}

// randomParams are initial values of an estimator's parameters, moved at random.
func randomParams(t *testing.T, e estimator.Estimator, c meter.Case) [][]float64 {
	t.Helper()
	values := [][]float64{}
	rng := rand.New(stream.New(5, "parameters"))
	_, err := program.Build(func(g *program.Graph[float64]) error {
		p, err := problem(g, c, 1)
		for _, w := range e.Parameters(p, 1) {
			v := slices.Clone(w.Initial)
			for i := range v {
				v[i] += 0.5 * rng.NormFloat64()
			}
			values = append(values, v)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// problem is a case in a graph, its row repeated.
func problem[T op.Float](g *program.Graph[T], c meter.Case, rows int) (estimator.Problem, error) {
	logits, err := g.Bind("logits", convert[T](slices.Repeat(c.Logits, rows)), append([]int{rows}, c.Shape...)...)
	if err != nil {
		return estimator.Problem{}, err
	}
	context, err := g.Bind("context", convert[T](slices.Repeat(c.Context, rows)), rows, len(c.Context))
	return estimator.Problem{Law: c.Law, Logits: logits.Node, F: c.F, Smooth: c.Smooth, Context: context.Node}, err
}

func convert[T, S op.Float](x []S) []T {
	y := make([]T, len(x))
	for i, v := range x {
		y[i] = T(v)
	}
	return y
}

// A built is an estimator in a graph, with its inputs. The objective is that of the case times a weight, 1 to begin with.
type built[T op.Float] struct {
	problem     estimator.Problem
	weight      *program.Input[T]
	specs       []noise.Spec
	eps, params []*program.Input[T]
	estimate    estimator.Estimate // its Tuning the mean over rows
	prog        *program.Program[T]
}

// assemble builds an estimator on rows of a case, and compiles the nodes that outs names. Its noise is that of a seed.
func assemble[T op.Float](t *testing.T, e estimator.Estimator, c meter.Case, rows int, params [][]float64, outs func(b *built[T]) (map[string]*G.Node, error)) *built[T] {
	t.Helper()
	b := new(built[T])
	var nodes map[string]*G.Node
	g, err := program.Build(func(g *program.Graph[T]) error {
		p, err := problem(g, c, rows)
		if err != nil {
			return err
		}
		if b.weight, err = g.Bind("weight", []T{1}); err != nil {
			return err
		}
		p.F = func(x *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.Mul(e.Of(c.F(x)), b.weight.Node)))
		}
		b.problem = p
		b.specs = e.Noise(p)
		var eps, ws []*G.Node
		for i, s := range b.specs {
			in, err := g.Input(fmt.Sprint("noise", i), s.Shape...)
			if err != nil {
				return err
			}
			noise.Fill(noise.NewSource(1, "test", i), s.Kind, in.Data)
			b.eps, eps = append(b.eps, in), append(eps, in.Node)
		}
		for i, w := range e.Parameters(p, 1) {
			value := w.Initial
			if params != nil {
				value = params[i]
			}
			in, err := g.Bind(w.Name, convert[T](value), w.Shape...)
			if err != nil {
				return err
			}
			b.params, ws = append(b.params, in), append(ws, in.Node)
		}
		if b.estimate, err = e.Build(p, eps, ws); err != nil {
			return err
		}
		if tuning := b.estimate.Tuning; tuning != nil {
			if !slices.Equal(tuning.Shape(), []int{rows}) {
				return fmt.Errorf("Tuning has shape %v, want one value per row", tuning.Shape())
			}
			if b.estimate.Tuning, err = op.MeanAll(tuning); err != nil {
				return err
			}
		}
		nodes, err = outs(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if b.prog, err = program.Compile(g, program.Outputs{Plain: nodes}); err != nil {
		t.Fatal(err)
	}
	return b
}

// estimates are the nodes of an estimate by name.
func estimates[T op.Float](b *built[T]) (map[string]*G.Node, error) {
	nodes := map[string]*G.Node{"value": b.estimate.Value, "sample": b.estimate.Sample, "grad": b.estimate.Grad}
	if b.estimate.Tuning != nil {
		nodes["tuning"] = b.estimate.Tuning
	}
	return nodes, nil
}

// output runs the program and copies an output.
func (b *built[T]) output(t *testing.T, name string) []float64 {
	t.Helper()
	if err := b.prog.Run(); err != nil {
		t.Fatal(err)
	}
	return convert[float64](b.prog.Output(name))
}

// The mean of many estimates lies within four standard errors of the exact gradient in each coordinate, and that of the
// value of E f, whatever the control variate's parameters and its surrogate are; rounding is allowed 10⁻¹². Of biased
// estimators only the value is tested here.
func TestUnbiased(t *testing.T) {
	check := func(t *testing.T, e estimator.Estimator, c meter.Case, n int) {
		t.Helper()
		m, err := meter.Measure(c, e, n, 3, randomParams(t, e, c))
		if err != nil {
			t.Fatal(err)
		}
		if d := m.Value - m.Exact.Value; math.Abs(d) > 4*m.ValueError+1e-12 {
			t.Errorf("value off by %.3g, %.1f standard errors", d, d/m.ValueError)
		}
		if !e.Info().Unbiased {
			return
		}
		for i, d := range m.Bias {
			if math.Abs(d) > 4*m.BiasError[i]+1e-12 {
				t.Errorf("coordinate %d: mean %.5g, want %.5g: off by %.3g, %.1f standard errors", i, m.Mean[i], m.Exact.Grad[i], d, d/m.BiasError[i])
			}
		}
	}
	all := func(t *testing.T, e estimator.Estimator, c meter.Case) {
		if e.Info().Unbiased {
			check(t, e, c, 100_000)
		} else {
			check(t, e, c, 10_000)
		}
	}
	t.Run("defaults", func(t *testing.T) { each(t, estimator.All(), all) })
	t.Run("variants", func(t *testing.T) { each(t, variants, all) })
	t.Run("surrogate", func(t *testing.T) {
		each(t, estimator.All(), func(t *testing.T, e estimator.Estimator, c meter.Case) {
			if info := e.Info(); !info.Unbiased || !info.Gradient && !info.Smooth {
				t.Skip("takes no surrogate, or is biased")
			}
			c.Smooth = other
			check(t, e, c, 20_000)
		})
	})
}

// The gradient of Value reaches what f is made of, but not the logits: with f = w·h(b) it is ΣValue/w.
func TestValueGradient(t *testing.T) {
	each(t, estimator.All(), func(t *testing.T, e estimator.Estimator, c meter.Case) {
		b := assemble(t, e, c, 7, nil, func(b *built[float64]) (map[string]*G.Node, error) {
			total, err := op.SumAll(b.estimate.Value)
			if err != nil {
				return nil, err
			}
			grads, err := autodiff.Gradient(total, b.weight.Node, b.problem.Logits)
			if err != nil {
				return nil, err
			}
			return map[string]*G.Node{"total": total, "weight": grads[0], "logits": grads[1]}, nil
		})
		b.weight.Data[0] = 1.7
		total := b.output(t, "total")[0]
		if got, want := b.output(t, "weight")[0], total/1.7; want == 0 || math.Abs(got-want) > 1e-12*math.Abs(want) {
			t.Errorf("gradient of f's parameter %.12g, want %.12g", got, want)
		}
		for _, v := range b.output(t, "logits") {
			if v != 0 {
				t.Fatalf("gradients of the logits through Value: %v", b.output(t, "logits"))
			}
		}
	})
}

// Sample is exactly discrete.
func TestSample(t *testing.T) {
	each(t, estimator.All(), func(t *testing.T, e estimator.Estimator, c meter.Case) {
		variables, width := 1, 1
		if c.Law == estimator.Categorical {
			variables, width = c.Shape[0], c.Shape[1]
		}
		const rows = 50
		sample := assemble(t, e, c, rows, nil, estimates[float64]).output(t, "sample")
		if len(sample) != rows*len(c.Logits) {
			t.Fatalf("%d numbers in %d rows", len(sample), rows)
		}
		seen := map[float64]int{}
		for _, v := range sample {
			seen[v]++
		}
		if len(seen) != 2 || seen[0] == 0 || seen[1] == 0 {
			t.Errorf("numbers of values: %v", seen)
		}
		if c.Law == estimator.Categorical && seen[1] != rows*variables {
			t.Errorf("%d ones in %d vectors of %d classes", seen[1], rows*variables, width)
		}
	})
}

// The gradient of Tuning with respect to each parameter, in two random directions, is that of five-point central differences
// with the noise held: with h = 10⁻⁴ their truncation is of order h⁴ and their rounding of order 10⁻¹².
func TestTuningGradient(t *testing.T) {
	const h, tol = 1e-4, 1e-6
	check := func(t *testing.T, e estimator.Estimator, c meter.Case) {
		b := assemble(t, e, c, 20, randomParams(t, e, c), func(b *built[float64]) (map[string]*G.Node, error) {
			if b.estimate.Tuning == nil {
				if len(b.params) > 0 {
					return nil, fmt.Errorf("%d parameters without anything to tune them by", len(b.params))
				}
				return map[string]*G.Node{"value": b.estimate.Value}, nil
			}
			var nodes []*G.Node
			for _, p := range b.params {
				nodes = append(nodes, p.Node)
			}
			grads, err := autodiff.Gradient(b.estimate.Tuning, nodes...)
			if err != nil {
				return nil, err
			}
			outs := map[string]*G.Node{"tuning": b.estimate.Tuning}
			for i, g := range grads {
				outs[fmt.Sprint("grad", i)] = g
			}
			return outs, nil
		})
		if b.estimate.Tuning == nil {
			t.Skip("nothing to tune")
		}
		rng := rand.New(stream.New(6, "directions"))
		for i, p := range b.params {
			grad, at := b.output(t, fmt.Sprint("grad", i)), slices.Clone(p.Data)
			for range 2 {
				direction, got := make([]float64, len(at)), 0.0
				for j := range direction {
					direction[j] = rng.NormFloat64()
					got += grad[j] * direction[j]
				}
				f := func(steps float64) float64 {
					for j, x := range at {
						p.Data[j] = x + steps*h*direction[j]
					}
					return b.output(t, "tuning")[0]
				}
				want := (8*(f(1)-f(-1)) - (f(2) - f(-2))) / (12 * h)
				copy(p.Data, at)
				if math.Abs(got-want) > tol*(1+math.Abs(want)) {
					t.Errorf("%s: slope %.9g, by differences %.9g", p.Name, got, want)
				}
			}
		}
	}
	t.Run("defaults", func(t *testing.T) { each(t, estimator.All(), check) })
	t.Run("variants", func(t *testing.T) { each(t, variants, check) })
}

// In float32 an estimate is that of float64 up to rounding: with the float32 noise in both, all samples agree.
func TestSinglePrecision(t *testing.T) {
	each(t, slices.Concat(estimator.All(), variants), func(t *testing.T, e estimator.Estimator, c meter.Case) {
		const rows, tol = 100, 2e-5
		params := randomParams(t, e, c)
		for _, p := range params {
			copy(p, convert[float64](convert[float32](p)))
		}
		c.Logits = convert[float64](convert[float32](c.Logits))
		single := assemble(t, e, c, rows, params, estimates[float32])
		double := assemble(t, e, c, rows, params, estimates[float64])
		for i, in := range single.eps {
			copy(double.eps[i].Data, convert[float64](in.Data))
		}
		names, err := estimates(double)
		if err != nil {
			t.Fatal(err)
		}
		for name := range names {
			got, want := single.output(t, name), double.output(t, name)
			for i := range want {
				if math.Abs(got[i]-want[i]) > tol*(1+math.Abs(want[i])) {
					t.Fatalf("%s %d is %.8g in float32, %.8g in float64", name, i, got[i], want[i])
				}
			}
		}
	})
}

// Logits of ±50 and noise from the ends of its law give finite estimates in both precisions.
func TestExtremes(t *testing.T) {
	each(t, slices.Concat(estimator.All(), variants), func(t *testing.T, e estimator.Estimator, c meter.Case) {
		for i := range c.Logits {
			c.Logits = slices.Clone(c.Logits)
			c.Logits[i] = []float64{50, -50, 0}[i%3]
		}
		extremes[float32](t, e, c)
		extremes[float64](t, e, c)
	})
}

// ends are the least and the greatest noise of each kind, and one between.
var ends = map[noise.Kind][]float64{
	noise.Uniform:     {0x1p-53, 1 - 0x1p-24, 0.5},
	noise.Logistic:    {-53 * math.Ln2, 53 * math.Ln2, 0},
	noise.Gumbel:      {-math.Log(53 * math.Ln2), 53 * math.Ln2, 0.4},
	noise.Exponential: {53 * math.Ln2, 0x1p-53, 0.7},
	noise.Normal:      {-8, 8, 0},
}

func extremes[T op.Float](t *testing.T, e estimator.Estimator, c meter.Case) {
	t.Helper()
	const rows = 30
	b := assemble(t, e, c, rows, nil, estimates[T])
	rng := rand.New(stream.New(7, "ends"))
	for i, s := range b.specs {
		for j := range b.eps[i].Data {
			b.eps[i].Data[j] = T(ends[s.Kind][rng.IntN(3)])
		}
	}
	names, err := estimates(b)
	if err != nil {
		t.Fatal(err)
	}
	for name := range names {
		for i, v := range b.output(t, name) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%T: %s %d is %v", T(0), name, i, v)
			}
		}
	}
}

// Nothing that a caller may get wrong in a problem or in the inputs panics: it is an error, with no estimate beside it.
func TestMistakesAreErrors(t *testing.T) {
	each(t, estimator.All(), func(t *testing.T, e estimator.Estimator, c meter.Case) {
		_, err := program.Build(func(g *program.Graph[float64]) error {
			right, err := problem(g, c, 2)
			if err != nil {
				return err
			}
			input := func(name string, shape ...int) *G.Node {
				in, err := g.Input(name, shape...)
				if err != nil {
					t.Fatal(err)
				}
				return in.Node
			}
			var eps, params []*G.Node
			for i, s := range e.Noise(right) {
				eps = append(eps, input(fmt.Sprint("noise", i), s.Shape...))
			}
			for i, w := range e.Parameters(right, 1) {
				params = append(params, input(fmt.Sprint("parameter", i), w.Shape...))
			}
			if _, err := e.Build(right, eps, params); err != nil {
				t.Fatalf("without a mistake: %v", err)
			}
			refuse := func(what string, p estimator.Problem, eps, params []*G.Node) {
				t.Helper()
				est, err := e.Build(p, eps, params)
				if err == nil {
					t.Errorf("%s is accepted", what)
					return
				}
				if est != (estimator.Estimate{}) {
					t.Errorf("%s: an estimate beside the error", what)
				}
				if !strings.HasPrefix(err.Error(), "estimator: ") {
					t.Errorf("%s: the error %q does not say where it comes from", what, err)
				}
			}
			with := func(change func(p *estimator.Problem)) estimator.Problem {
				p := right
				change(&p)
				return p
			}
			elsewhere := G.NewTensor(G.NewGraph(), G.Float64, len(c.Shape)+1, G.WithShape(right.Logits.Shape()...), G.WithName("noise0"))
			single := G.NewTensor(right.Logits.Graph(), G.Float32, len(c.Shape)+1, G.WithShape(right.Logits.Shape()...), G.WithName("single"))
			shapeless := G.NewTensor(right.Logits.Graph(), G.Float64, len(c.Shape)+1, G.WithName("shapeless"))
			refuse("a problem without logits", with(func(p *estimator.Problem) { p.Logits = nil }), eps, params)
			refuse("logits of one axis", with(func(p *estimator.Problem) { p.Logits = input("vector", 3) }), eps, params)
			refuse("logits of four axes", with(func(p *estimator.Problem) { p.Logits = input("four", 2, 1, 1, 3) }), eps, params)
			refuse("logits without a shape", with(func(p *estimator.Problem) { p.Logits = shapeless }), eps, params)
			refuse("an unknown law", with(func(p *estimator.Problem) { p.Law = 7 }), eps, params)
			refuse("a problem without an objective", with(func(p *estimator.Problem) { p.F = nil }), eps, params)
			refuse("a context of other rows", with(func(p *estimator.Problem) { p.Context = input("context of 3 rows", 3, 2) }), eps, params)
			refuse("a context of three axes", with(func(p *estimator.Problem) { p.Context = input("context of 3 axes", 2, 2, 2) }), eps, params)
			refuse("an objective that fails", with(func(p *estimator.Problem) {
				p.F = func(*G.Node) (*G.Node, error) { return nil, fmt.Errorf("no") }
			}), eps, params)
			refuse("an objective of no node", with(func(p *estimator.Problem) {
				p.F = func(*G.Node) (*G.Node, error) { return nil, nil }
			}), eps, params)
			refuse("an objective of one number", with(func(p *estimator.Problem) {
				p.F = func(b *G.Node) (*G.Node, error) { return op.SumAll(b) }
			}), eps, params)
			refuse("an objective of the sample's shape", with(func(p *estimator.Problem) {
				p.F = func(b *G.Node) (*G.Node, error) { return b, nil }
			}), eps, params)
			refuse("no noise", right, nil, params)
			refuse("nil noise", right, make([]*G.Node, len(eps)), params)
			refuse("too much noise", right, append(slices.Clone(eps), eps[0]), params)
			refuse("too many parameters", right, eps, append(slices.Clone(params), eps[0]))
			for what, n := range map[string]*G.Node{"of another graph": elsewhere, "of another type": single, "of another shape": input("flat", 6)} {
				refuse("noise "+what, right, append([]*G.Node{n}, eps[1:]...), params)
				if len(params) > 0 {
					refuse("a parameter "+what, right, eps, append([]*G.Node{n}, params[1:]...))
				}
			}
			if len(params) > 0 {
				refuse("nil parameters", right, eps, make([]*G.Node, len(params)))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
