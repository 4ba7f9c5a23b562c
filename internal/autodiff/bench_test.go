package autodiff_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
)

// A bench is a graph whose leaves are drawn at random, and a program over it.
type bench struct {
	graph *program.Graph[float64]
	draw  func() float64
	vars  []*program.Input[float64] // the leaves that are differentiated
	outs  map[string]*G.Node
	prog  *program.Program[float64]
	fixed int
}

// newBench builds the graph of f with leaves drawn by draw, and compiles what f put into outs.
func newBench(t *testing.T, draw func() float64, f func(b *bench) error) *bench {
	t.Helper()
	b := &bench{draw: draw, outs: make(map[string]*G.Node)}
	var err error
	if b.graph, err = program.Build(func(g *program.Graph[float64]) error {
		b.graph = g
		return f(b)
	}); err != nil {
		t.Fatal(err)
	}
	if b.prog, err = program.Compile(b.graph, program.Outputs{Plain: b.outs}); err != nil {
		t.Fatal(err)
	}
	return b
}

func normal(seed uint64, scale float64) func() float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	return func() float64 { return scale * r.NormFloat64() }
}

// positive draws from [0.3, 0.9].
func positive(seed uint64) func() float64 {
	r := rand.New(rand.NewPCG(seed, 2))
	return func() float64 { return 0.3 + 0.6*r.Float64() }
}

// leaf adds a variable of the graph.
func (b *bench) leaf(shape ...int) *G.Node {
	in := b.input(fmt.Sprint("x", len(b.vars)), shape...)
	b.vars = append(b.vars, in)
	return in.Node
}

// constant adds a leaf that is not differentiated.
func (b *bench) constant(shape ...int) *G.Node {
	b.fixed++
	return b.input(fmt.Sprint("c", b.fixed), shape...).Node
}

func (b *bench) input(name string, shape ...int) *program.Input[float64] {
	in, err := b.graph.Input(name, shape...)
	if err != nil {
		panic(err)
	}
	for i := range in.Data {
		in.Data[i] = b.draw()
	}
	return in
}

func (b *bench) nodes() []*G.Node {
	var n []*G.Node
	for _, v := range b.vars {
		n = append(n, v.Node)
	}
	return n
}

// project is a random linear function of a node: a loss that sees every element.
func (b *bench) project(n *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.SumAll(e.Of(op.Mul(b.constant(n.Shape()...), n)))))
}

// gradient makes the loss an output and its derivatives in all variables outputs d0, d1, … after the name.
func (b *bench) gradient(name string, loss *G.Node) (G.Nodes, error) {
	b.outs[name] = loss
	grads, err := autodiff.Gradient(loss, b.nodes()...)
	for i, d := range grads {
		b.outs[fmt.Sprint(name, ".d", i)] = d
	}
	return grads, err
}

func (b *bench) run(t *testing.T) {
	t.Helper()
	if err := b.prog.Run(); err != nil {
		t.Fatal(err)
	}
}

// check compares the gradients of a loss with central differences, each as far from the other as tol relative to
// the largest derivative plus what the difference itself is unsure of, judged by doubling its step.
func (b *bench) check(t *testing.T, loss string, tol float64) {
	t.Helper()
	for i, v := range b.vars {
		b.run(t)
		got := slices.Clone(b.prog.Output(fmt.Sprint(loss, ".d", i)))
		if len(got) != len(v.Data) {
			t.Fatalf("%s: the gradient of variable %d has %d elements, the variable %d", loss, i, len(got), len(v.Data))
		}
		scale := 1.0
		for _, g := range got {
			scale = math.Max(scale, math.Abs(g))
		}
		for j := range v.Data {
			want, unsure := b.difference(t, loss, &v.Data[j], 1e-5), 0.0
			if math.Abs(got[j]-want) > tol*scale {
				unsure = math.Abs(want - b.difference(t, loss, &v.Data[j], 2e-5))
			}
			if !(math.Abs(got[j]-want) <= tol*scale+unsure) {
				t.Errorf("%s: derivative in variable %d, element %d: %.10g, difference %.10g, tolerance %.1g + %.1g",
					loss, i, j, got[j], want, tol*scale, unsure)
			}
		}
	}
}

func (b *bench) difference(t *testing.T, loss string, x *float64, h float64) float64 {
	t.Helper()
	at := *x
	*x = at + h
	b.run(t)
	up := b.prog.Scalar(loss)
	*x = at - h
	b.run(t)
	*x = at
	return (up - b.prog.Scalar(loss)) / (2 * h)
}

// near compares numbers within tol, relative to the wanted one where that is above 1.
func near(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tol*math.Max(1, math.Abs(want[i]))) {
			t.Errorf("%s: element %d is %.15g, want %.15g within %g", what, i, got[i], want[i], tol)
		}
	}
}
