package program_test

import (
	"errors"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chewxy/hm"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
)

type nodes = map[string]*G.Node

func build[T op.Float](t testing.TB, f func(*program.Graph[T]) error) *program.Graph[T] {
	t.Helper()
	g, err := program.Build(f)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func compile[T op.Float](t testing.TB, g *program.Graph[T], outs program.Outputs) *program.Program[T] {
	t.Helper()
	p, err := program.Compile(g, outs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func run[T op.Float](t testing.TB, p *program.Program[T]) {
	t.Helper()
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
}

func equal[T op.Float](t *testing.T, what string, got, want []T) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func fill[T op.Float](dst []T, r *rand.Rand) {
	for i := range dst {
		dst[i] = T(r.NormFloat64())
	}
}

// Gorgonia's ops work in the memory of operands that nothing else needs. An output that is such an operand keeps its
// value all the same, and so do the inputs; a leaf may be an output.
func TestOutputsKeepTheirValues(t *testing.T) {
	t.Run("float32", testOutputs[float32])
	t.Run("float64", testOutputs[float64])
}

func testOutputs[T op.Float](t *testing.T) {
	var x, s, alone *program.Input[T]
	outs := nodes{}
	g := build(t, func(g *program.Graph[T]) error {
		var e op.Expr
		var err error
		if x, err = g.Input("x", 2, 2); err != nil {
			return err
		}
		if s, err = g.Input("s"); err != nil {
			return err
		}
		twice := e.Of(G.Add(x.Node, x.Node))
		square := e.Of(G.Square(twice))
		negative := e.Of(G.Neg(square))
		if alone, err = g.Input("alone", 2); err != nil {
			return err
		}
		first := e.Of(G.Add(x.Node, x.Node)) // first and second have one reader each, which works in their memory
		second := e.Of(G.HadamardProd(first, x.Node))
		third := e.Of(G.Sub(second, x.Node))
		outs = nodes{
			"first": first, "second": second, "third": third, "x": x.Node, "s": s.Node, "alone": alone.Node, "twice": twice, "square": square, "negative": negative, "square too": square,
			"own": e.Of(op.Affine(square, 1, 1)), "sum": e.Of(op.SumAll(square)), "scaled": e.Of(op.Mul(x.Node, s.Node)),
		}
		return e.Err()
	})
	p := compile(t, g, program.Outputs{Plain: outs})
	if p.Output("x") != nil || !math.IsNaN(p.Scalar("sum")) {
		t.Errorf("before the first run: output %v, scalar %v; want nil and NaN", p.Output("x"), p.Scalar("sum"))
	}
	for step := range 20 {
		in := []T{T(step), 2, -3, 0.5}
		copy(x.Data, in)
		copy(alone.Data, []T{T(step), 7})
		s.Data[0] = T(step) / 2
		run(t, p)
		want := map[string][]T{"x": in, "s": {T(step) / 2}, "sum": {0}}
		for _, v := range in {
			q := 4 * v * v
			for name, w := range map[string]T{
				"first": 2 * v, "second": 2 * v * v, "third": 2*v*v - v, "twice": 2 * v, "square": q, "square too": q, "negative": -q, "own": q + 1, "scaled": v * T(step) / 2,
			} {
				want[name] = append(want[name], w)
			}
			want["sum"][0] += q
		}
		for name, w := range want {
			equal(t, fmt.Sprintf("step %d: %s", step, name), p.Output(name), w)
		}
		equal(t, "the input", x.Data, in)
		x.Data[0], alone.Data[0] = -1, -1
		equal(t, "an input as output, after a change of the input,", p.Output("x"), in)
		equal(t, "an input that nothing reads, after a change,", p.Output("alone"), []T{T(step), 7})
		if got := p.Scalar("sum"); got != float64(want["sum"][0]) {
			t.Errorf("Scalar is %v, want %v", got, want["sum"][0])
		}
	}
	if p.Output("nobody") != nil || !math.IsNaN(p.Scalar("nobody")) {
		t.Error("an output that the program does not have is not nil and NaN")
	}
}

// A model is a regression by a small network: a training program with a loss and gradients, an evaluation program,
// both over parameters bound from outside.
type model struct {
	x, y   *program.Input[float32]
	params []*program.Input[float32]
	train  *program.Program[float32]
	eval   *program.Program[float32]
}

func newModel(batch int, params [][]float32) (*model, error) {
	m := &model{}
	outs := nodes{}
	var prediction *G.Node
	g, err := program.Build(func(g *program.Graph[float32]) error {
		var err error
		if m.x, err = g.Input("x", batch, 4); err != nil {
			return err
		}
		if m.y, err = g.Input("y", batch, 1); err != nil {
			return err
		}
		var wrt []*G.Node
		for i, shape := range shapes {
			in, err := g.Bind(fmt.Sprint("param", i), params[i], shape...)
			if err != nil {
				return err
			}
			m.params = append(m.params, in)
			wrt = append(wrt, in.Node)
		}
		var e op.Expr
		hidden := e.Of(op.Dense(m.x.Node, wrt[0], wrt[1], op.ActTanh))
		prediction = e.Of(op.Dense(hidden, wrt[2], wrt[3], op.ActIdentity))
		outs["loss"] = e.Of(op.MeanAll(e.Of(op.Square(e.Of(op.Sub(prediction, m.y.Node))))))
		if e.Err() != nil {
			return e.Err()
		}
		grads, err := autodiff.Gradient(outs["loss"], wrt...)
		for i, d := range grads {
			outs[fmt.Sprint("d", i)] = d
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	loss := outs["loss"]
	delete(outs, "loss")
	if m.train, err = program.Compile(g, program.Outputs{Finite: nodes{"loss": loss}, Plain: outs}); err != nil {
		return nil, err
	}
	m.eval, err = program.Compile(g, program.Outputs{Plain: nodes{"prediction": prediction}})
	return m, err
}

var shapes = [][]int{{4, 8}, {8}, {8, 1}, {1}}

func newParams(seed uint64) [][]float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	params := make([][]float32, len(shapes))
	for i, s := range shapes {
		size := 1
		for _, d := range s {
			size *= d
		}
		params[i] = make([]float32, size)
		fill(params[i], r)
	}
	return params
}

// step is one step of gradient descent on a random batch of y = x₀·x₁.
func (m *model) step(r *rand.Rand) error {
	fill(m.x.Data, r)
	for i := range m.y.Data {
		m.y.Data[i] = m.x.Data[4*i] * m.x.Data[4*i+1]
	}
	if err := m.train.Run(); err != nil {
		return err
	}
	for i, p := range m.params {
		for j, d := range m.train.Output(fmt.Sprint("d", i)) {
			p.Data[j] -= 0.05 * d
		}
	}
	return nil
}

// predict is the model in plain Go.
func predict(params [][]float32, x []float32) float64 {
	y := float64(params[3][0])
	for h := range 8 {
		s := float64(params[1][h])
		for i, v := range x {
			s += float64(v) * float64(params[0][8*i+h])
		}
		y += math.Tanh(s) * float64(params[2][h])
	}
	return y
}

// Training and evaluation of one graph alternate and see the updates that are written to the slices they share, as
// does a program of another graph with another batch size.
func TestProgramsShareParameters(t *testing.T) {
	params := newParams(1)
	m, err := newModel(8, params)
	if err != nil {
		t.Fatal(err)
	}
	other, err := newModel(1, params)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2, 2))
	first := slices.Clone(params[0])
	for step := range 50 {
		if err := m.step(r); err != nil {
			t.Fatal(err)
		}
		run(t, m.eval)
		for i, got := range m.eval.Output("prediction") {
			x := m.x.Data[4*i : 4*i+4]
			copy(other.x.Data, x)
			run(t, other.eval)
			// Ten float32 terms of size about 1, and a tanh: well within 100 roundings of 2⁻²⁴.
			if want := predict(params, x); math.Abs(float64(got)-want) > 6e-6*(1+math.Abs(want)) {
				t.Fatalf("step %d, row %d: prediction %v, want %v", step, i, got, want)
			}
			if b := other.eval.Output("prediction")[0]; math.Abs(float64(b-got)) > 6e-6*(1+math.Abs(float64(got))) {
				t.Fatalf("step %d, row %d: %v from the other graph, %v from the first", step, i, b, got)
			}
		}
	}
	if slices.Equal(first, params[0]) {
		t.Error("fifty steps have not changed the parameters")
	}
}

// Several graphs, built and run at the same time, give the bits that one gives alone.
func TestGraphsRunAtTheSameTime(t *testing.T) {
	train := func() ([][]float32, error) {
		params := newParams(3)
		m, err := newModel(16, params)
		if err != nil {
			return nil, err
		}
		r := rand.New(rand.NewPCG(4, 4))
		for range 100 {
			if err := m.step(r); err != nil {
				return nil, err
			}
		}
		return params, m.eval.Run()
	}
	want, err := train()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			got, err := train()
			if err != nil {
				t.Error(err)
				return
			}
			for i := range want {
				if !slices.Equal(got[i], want[i]) {
					t.Errorf("worker %d: parameter %d differs from that of a run alone", worker, i)
				}
			}
		})
	}
	wg.Wait()
}

// Graphs may be built at the same time, although Gorgonia's constants are shared by all of them.
func TestGraphsAreBuiltAtTheSameTime(t *testing.T) {
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				outs := nodes{}
				g, err := program.Build(func(g *program.Graph[float64]) error {
					x, err := g.Input("x", 3)
					if err != nil {
						return err
					}
					copy(x.Data, []float64{-2, 1, 3})
					var e op.Expr
					outs["y"] = e.Of(G.LeakyRelu(e.Of(G.Rectify(x.Node)), 0.1))
					return e.Err()
				})
				if err != nil {
					t.Error(err)
					return
				}
				p, err := program.Compile(g, program.Outputs{Plain: outs})
				if err != nil {
					t.Error(err)
					return
				}
				if err := p.Run(); err != nil || !slices.Equal(p.Output("y"), []float64{0, 1, 3}) {
					t.Errorf("output %v, error %v", p.Output("y"), err)
				}
			}
		})
	}
	wg.Wait()
}

// Graphs that only read one slice may run at the same time.
func TestGraphsReadOneSliceAtTheSameTime(t *testing.T) {
	params := newParams(5)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			m, err := newModel(2, params)
			if err != nil {
				t.Error(err)
				return
			}
			r := rand.New(rand.NewPCG(6, uint64(worker)))
			for range 100 {
				fill(m.x.Data, r)
				if err := m.eval.Run(); err != nil {
					t.Error(err)
					return
				}
				for i, got := range m.eval.Output("prediction") {
					if want := predict(params, m.x.Data[4*i:4*i+4]); math.Abs(float64(got)-want) > 6e-6*(1+math.Abs(want)) {
						t.Errorf("prediction %v, want %v", got, want)
					}
				}
			}
		})
	}
	wg.Wait()
}

// Programs of one graph take turns, whichever goroutine runs them. The outputs of the one that ran last are there; those
// of the others are gone, because they may share memory with it.
func TestProgramsOfOneGraphTakeTurns(t *testing.T) {
	const n = 200
	var programs []*program.Program[float64]
	var x *program.Input[float64]
	outs := make([]*G.Node, 4)
	g := build(t, func(g *program.Graph[float64]) error {
		var err error
		if x, err = g.Input("x", n); err != nil {
			return err
		}
		var e op.Expr
		shared := e.Of(op.Exp(x.Node))
		for i := range outs {
			outs[i] = e.Of(op.Scale(e.Of(G.Square(shared)), float64(i)))
		}
		return e.Err()
	})
	for i := range x.Data {
		x.Data[i] = float64(i) / n
	}
	for _, o := range outs {
		programs = append(programs, compile(t, g, program.Outputs{Plain: nodes{"y": o}}))
	}
	var wg sync.WaitGroup
	for k, p := range programs {
		wg.Go(func() {
			for range 100 {
				if err := p.Run(); err != nil {
					t.Error(err)
					return
				}
				for i, got := range p.Output("y") { // nothing if another program has run meanwhile
					if e := math.Exp(x.Data[i]); math.Abs(got-float64(k)*e*e) > 1e-14*got {
						t.Errorf("program %d, element %d: %v, want %v", k, i, got, float64(k)*e*e)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	for k, p := range programs {
		run(t, p)
		for other, q := range programs {
			if out := q.Output("y"); (out != nil) != (other == k) {
				t.Errorf("after a run of program %d, program %d has the outputs %v", k, other, out)
			}
		}
	}
}

func TestNonFinite(t *testing.T) {
	var x *program.Input[float32]
	var loss, plain *G.Node
	g := build(t, func(g *program.Graph[float32]) error {
		var e op.Expr
		var err error
		if x, err = g.Input("x", 3); err != nil {
			return err
		}
		loss, plain = e.Of(op.Log(x.Node)), e.Of(op.Exp(x.Node))
		return e.Err()
	})
	p := compile(t, g, program.Outputs{Finite: nodes{"loss": loss}, Plain: nodes{"plain": plain}})
	for _, c := range []struct {
		in    []float32
		index int
		is    func(float64) bool
	}{
		{[]float32{1, 0, 1}, 1, func(v float64) bool { return math.IsInf(v, -1) }},
		{[]float32{1, 1, float32(math.Inf(1))}, 2, func(v float64) bool { return math.IsInf(v, 1) }},
		{[]float32{float32(math.NaN()), 0, 1}, 0, math.IsNaN},
	} {
		copy(x.Data, c.in)
		var bad *program.NonFiniteError
		if err := p.Run(); !errors.As(err, &bad) || bad.Output != "loss" || bad.Index != c.index || !c.is(bad.Value) {
			t.Errorf("%v: error %v, want a NonFiniteError for element %d of loss", c.in, err, c.index)
		} else if !strings.Contains(err.Error(), "loss is") {
			t.Errorf("message %q does not name the output", err)
		}
		copy(x.Data, []float32{1, 1, 1})
		run(t, p)
		equal(t, "loss after the error", p.Output("loss"), []float32{0, 0, 0})
	}
	copy(x.Data, []float32{1000, 1, 1}) // e¹⁰⁰⁰ overflows, in an output that may
	run(t, p)
	if v := p.Scalar("plain"); !math.IsInf(v, 1) {
		t.Errorf("e¹⁰⁰⁰ is %v in float32", v)
	}
}

// fake is x ↦ x with a count of its runs. Its hash is incomplete on purpose.
type fake struct {
	id    uint32
	calls *int
	fail  *bool
}

func (f fake) Arity() int { return 1 }
func (f fake) Type() hm.Type {
	a := hm.TypeVariable('a')
	return hm.NewFnType(a, a)
}
func (f fake) InferShape(in ...G.DimSizer) (tensor.Shape, error) {
	return in[0].(tensor.Shape).Clone(), nil
}
func (f fake) Do(in ...G.Value) (G.Value, error) {
	*f.calls++
	if *f.fail {
		return nil, errors.New("fake fails")
	}
	return G.CloneValue(in[0])
}
func (f fake) ReturnsPtr() bool      { return false }
func (f fake) CallsExtern() bool     { return false }
func (f fake) OverwritesInput() int  { return -1 }
func (f fake) WriteHash(h hash.Hash) { fmt.Fprint(h, "fake") }
func (f fake) Hashcode() uint32      { return f.id }
func (f fake) String() string        { return fmt.Sprint("fake", f.id) }

// Gorgonia takes nodes of one hash for one node. Compile refuses, whether an op or two names are to blame.
func TestHashClash(t *testing.T) {
	var outs nodes
	calls, fail := 0, false
	g := build(t, func(g *program.Graph[float64]) error {
		var e op.Expr
		x, err := g.Input("x", 2)
		if err != nil {
			return err
		}
		a := e.Of(G.ApplyOp(fake{1, &calls, &fail}, x.Node))
		b := e.Of(G.ApplyOp(fake{2, &calls, &fail}, x.Node))
		// Two names for which FNV-1a gives one hash.
		u, err := g.Input("layer148991.weight", 2)
		if err != nil {
			return err
		}
		v, err := g.Input("layer1711330.weight", 2)
		if err != nil {
			return err
		}
		if a == b || u.Node.Hashcode() != v.Node.Hashcode() {
			t.Fatal("the nodes do not clash, so they test nothing")
		}
		outs = nodes{"a": a, "sum of ops": e.Of(op.Add(a, b)), "sum of names": e.Of(op.Add(u.Node, v.Node))}
		return e.Err()
	})
	for _, name := range []string{"sum of ops", "sum of names"} {
		if _, err := program.Compile(g, program.Outputs{Plain: nodes{name: outs[name]}}); err == nil || !strings.Contains(err.Error(), "same hash") {
			t.Errorf("%s: error %v does not speak of the hash", name, err)
		}
	}
	compile(t, g, program.Outputs{Plain: nodes{"a": outs["a"]}}) // one of them alone is no clash
}

// A program computes each node that it needs once and the others not at all; after the error of an op it can be run
// again.
func TestOnlyWhatIsNeeded(t *testing.T) {
	var outs nodes
	var needed, unneeded int
	var fail bool
	g := build(t, func(g *program.Graph[float64]) error {
		var e op.Expr
		x, err := g.Input("x", 2)
		if err != nil {
			return err
		}
		y, err := g.Input("y", 2)
		if err != nil {
			return err
		}
		a := e.Of(G.ApplyOp(fake{1, &needed, &fail}, x.Node))
		b := e.Of(G.ApplyOp(fake{2, &unneeded, &fail}, y.Node))
		outs = nodes{"a": a, "a+a": e.Of(op.Add(a, a)), "b": b, "a+b": e.Of(op.Add(a, b))}
		return e.Err()
	})
	p := compile(t, g, program.Outputs{Plain: nodes{"a": outs["a"], "a+a": outs["a+a"]}})
	for range 3 {
		run(t, p)
	}
	if needed != 3 || unneeded != 0 {
		t.Errorf("three runs computed the needed node %d times and the other one %d times", needed, unneeded)
	}
	fail = true
	if err := p.Run(); err == nil || !strings.Contains(err.Error(), "fake fails") {
		t.Errorf("error %v does not give the cause", err)
	}
	fail = false
	run(t, p)
	equal(t, "after the error", p.Output("a+a"), []float64{0, 0})
}

func TestInputMistakes(t *testing.T) {
	build(t, func(g *program.Graph[float32]) error {
		if _, err := g.Input("x", 2, 3); err != nil {
			return err
		}
		for name, f := range map[string]func() (*program.Input[float32], error){
			"x\" exists":          func() (*program.Input[float32], error) { return g.Input("x") },
			"x\" exists already":  func() (*program.Input[float32], error) { return g.Bind("x", make([]float32, 6), 2, 3) },
			"needs a name":        func() (*program.Input[float32], error) { return g.Input("", 2) },
			"must be positive":    func() (*program.Input[float32], error) { return g.Input("zero", 2, 0) },
			"[-1]":                func() (*program.Input[float32], error) { return g.Input("negative", -1) },
			"5 numbers for shape": func() (*program.Input[float32], error) { return g.Bind("five", make([]float32, 5), 2, 3) },
			"0 numbers":           func() (*program.Input[float32], error) { return g.Bind("none", nil) },
		} {
			if in, err := f(); err == nil || in != nil || !strings.Contains(err.Error(), name) {
				t.Errorf("input %v, error %v; want an error that says %s", in, err, name)
			}
		}
		_, err := g.Input("zero", 2) // a refused name is free
		return err
	})
	cause := errors.New("cause")
	if g, err := program.Build(func(*program.Graph[float32]) error { return cause }); g != nil || !errors.Is(err, cause) {
		t.Errorf("Build gives %v, %v for a function that fails", g, err)
	}
}

func TestCompileMistakes(t *testing.T) {
	var x, foreign, unbound, constant, double *G.Node
	leaf := func(g *program.Graph[float32]) (*G.Node, error) {
		in, err := g.Input("x", 2)
		if err != nil {
			return nil, err
		}
		return in.Node, nil
	}
	build(t, func(g *program.Graph[float32]) (err error) {
		foreign, err = leaf(g)
		return err
	})
	g := build(t, func(g *program.Graph[float32]) (err error) {
		if x, err = leaf(g); err != nil {
			return err
		}
		raw := x.Graph()
		constant = raw.AddNode(G.NewConstant(float32(1), G.WithName("one")))
		double = G.NewVector(raw, tensor.Float64, G.WithShape(2), G.WithName("double"))
		unbound, err = op.Exp(G.NewVector(raw, tensor.Float32, G.WithShape(2), G.WithName("unbound")))
		return err
	})
	for _, c := range []struct {
		outs program.Outputs
		want string
	}{
		{program.Outputs{}, "no outputs"},
		{program.Outputs{Plain: nodes{"y": nil}}, `"y" is not a node`},
		{program.Outputs{Plain: nodes{"y": foreign}}, `"y" is not a node`},
		{program.Outputs{Finite: nodes{"y": x}, Plain: nodes{"y": x}}, `"y" is named twice`},
		{program.Outputs{Finite: nodes{"y": unbound}}, `"unbound" has no value`},
		{program.Outputs{Plain: nodes{"y": double}}, "float64"},
	} {
		if p, err := program.Compile(g, c.outs); p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("program %v, error %v; want an error that says %s", p, err, c.want)
		}
	}
	p := compile(t, g, program.Outputs{Plain: nodes{"y": x, "one": constant}}) // the mistakes have not spoilt the graph
	run(t, p)
	equal(t, "y", p.Output("y"), []float32{0, 0})
	equal(t, "a constant", p.Output("one"), []float32{1})
}

// Runs keep nothing: neither memory nor goroutines grow with their number.
func TestMemoryStaysFlat(t *testing.T) {
	m, err := newModel(8, newParams(7))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(8, 8))
	steps := func(n int) (heap uint64, goroutines int) {
		for range n {
			if err := m.step(r); err != nil {
				t.Fatal(err)
			}
		}
		var s runtime.MemStats
		runtime.GC()
		runtime.GC() // the first one leaves what pools hold
		runtime.ReadMemStats(&s)
		return s.HeapAlloc, runtime.NumGoroutine()
	}
	before, g0 := steps(100)
	n := 20000
	if testing.Short() {
		n = 2000
	}
	after, g1 := steps(n)
	if after > before+64<<10 {
		t.Errorf("%d runs have left %d bytes on the heap, more than 64 KiB", n, after-before)
	}
	if g1 > g0 {
		t.Errorf("%d goroutines after %d runs, %d before", g1, n, g0)
	}
}

// One run of a small training program, gradients included; what is measured is the cost of the machine.
func BenchmarkRun(b *testing.B) {
	m, err := newModel(8, newParams(9))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.train.Run(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestNonFiniteErrorSpeaksOfElementsOnlyIfThereAreSeveral(t *testing.T) {
	for want, e := range map[string]program.NonFiniteError{
		"loss is NaN":                   {Output: "loss", Size: 1, Value: math.NaN()},
		"rows is +Inf (element 2 of 3)": {Output: "rows", Index: 2, Size: 3, Value: math.Inf(1)},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
