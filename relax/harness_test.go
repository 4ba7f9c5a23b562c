package relax_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// The tests of this package use plain Gorgonia, with its rewriting of formulas left on, and not internal/program, which
// switches that off: what they prove holds in anybody's program.

// A rig is a graph whose inputs are bound to slices.
type rig[T op.Float] struct {
	tb     testing.TB
	graph  *G.ExprGraph
	leaves []*leaf[T]
}

// A leaf is an input of a rig. To write to data is to set the input.
type leaf[T op.Float] struct {
	node *G.Node
	data []T
}

func newRig[T op.Float](tb testing.TB) *rig[T] { return &rig[T]{tb: tb, graph: G.NewGraph()} }

func dtype[T op.Float]() tensor.Dtype {
	if _, ok := any(T(0)).(float32); ok {
		return tensor.Float32
	}
	return tensor.Float64
}

// input adds an input of the shape, a scalar for none.
func (r *rig[T]) input(values []float64, shape ...int) *leaf[T] {
	r.tb.Helper()
	l := &leaf[T]{data: make([]T, len(values))}
	for i, v := range values {
		l.data[i] = T(v)
	}
	name := G.WithName(fmt.Sprintf("in%d", len(r.leaves)))
	if len(shape) == 0 {
		l.node = G.NewScalar(r.graph, dtype[T](), name)
	} else {
		l.node = G.NewTensor(r.graph, dtype[T](), len(shape), G.WithShape(shape...), name)
	}
	if err := G.Let(l.node, op.Value(l.data, tensor.Shape(shape).Clone())); err != nil {
		r.tb.Fatalf("input of shape %v: %v", shape, err)
	}
	r.leaves = append(r.leaves, l)
	return l
}

// node passes on the result of a builder, which must succeed.
func (r *rig[T]) node(n *G.Node, err error) *G.Node {
	r.tb.Helper()
	if err != nil {
		r.tb.Fatal(err)
	}
	return n
}

// compile returns a function that computes the nodes from what the inputs hold.
func (r *rig[T]) compile(outs ...*G.Node) func() [][]float64 {
	r.tb.Helper()
	kept := make(G.Nodes, len(outs))
	reached := make(map[*G.Node]bool)
	for i, n := range outs {
		kept[i] = r.node(op.StopGradient(n)) // a node of its own, which no other node's result overwrites
		for stack := (G.Nodes{n}); len(stack) > 0; {
			n := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if reached[n] {
				continue
			}
			reached[n] = true
			for it := r.graph.From(n.ID()); it.Next(); {
				stack = append(stack, it.Node().(*G.Node))
			}
		}
	}
	var inputs G.Nodes
	for _, l := range r.leaves {
		if reached[l.node] {
			inputs = append(inputs, l.node)
		}
	}
	code, locations, err := G.CompileFunction(r.graph, inputs, kept)
	if err != nil {
		r.tb.Fatal(err)
	}
	machine := G.NewTapeMachine(r.graph, G.WithPrecompiled(code, locations))
	r.tb.Cleanup(func() { machine.Close() })
	return func() [][]float64 {
		r.tb.Helper()
		if err := machine.RunAll(); err != nil {
			r.tb.Fatal(err)
		}
		machine.Reset()
		results := make([][]float64, len(kept))
		for i, n := range kept {
			data, err := op.Floats[T](n.Value())
			if err != nil {
				r.tb.Fatal(err)
			}
			for _, v := range data {
				results[i] = append(results[i], float64(v))
			}
		}
		return results
	}
}

// projection is Σ w∘n for random weights w, which it returns too: a scalar that tells all elements of n apart.
func (r *rig[T]) projection(n *G.Node, rng *rand.Rand) (loss *G.Node, w []T) {
	r.tb.Helper()
	weights := make([]float64, n.Shape().TotalSize())
	for i := range weights {
		weights[i] = rng.NormFloat64()
	}
	l := r.input(weights, n.Shape()...)
	var e op.Expr
	return r.node(e.Node(e.Of(op.SumAll(e.Of(op.Mul(n, l.node)))))), l.data
}

// differences is the gradient of f with respect to x by five-point central differences: with h = 10⁻⁴ the truncation is
// of order h⁴f⁽⁵⁾/30 and the rounding of order 10⁻¹²f.
func differences(f func() float64, x []float64) []float64 {
	const h = 1e-4
	grad := make([]float64, len(x))
	for i, at := range x {
		move := func(steps float64) float64 {
			x[i] = at + steps*h
			return f()
		}
		grad[i] = (8*(move(1)-move(-1)) - (move(2) - move(-2))) / (12 * h)
		x[i] = at
	}
	return grad
}

// A variable is the draw of one random variable: one number for binary and real variables, K for classes. What the
// distribution does not give is nil.
type variable struct{ value, logit, hard []float64 }

// A sampled is a distribution in a rig with its parameters, its noise and one draw.
type sampled[T op.Float] struct {
	*rig[T]
	shape  []int
	size   int // numbers per variable
	count  int // of variables
	params []*leaf[T]
	shared []bool
	eps    *leaf[T]
	dist   relax.Distribution
	draw   relax.Draw
}

// sample builds a subject. θ and ε give each parameter and the noise, in row-major order.
func sample[T op.Float](tb testing.TB, s subject, shape []int, θ [][]float64, ε []float64) *sampled[T] {
	tb.Helper()
	d := &sampled[T]{rig: newRig[T](tb), shape: shape, size: s.size(shape), count: s.variables(shape)}
	d.params, d.dist = build(d.rig, s, shape, θ)
	for _, p := range s.params {
		d.shared = append(d.shared, p.shared())
	}
	specs := d.dist.Noise()
	if len(specs) != 1 || specs[0].Kind != s.noise || !slices.Equal(specs[0].Shape, s.layoutOf(shape).noise) {
		tb.Fatalf("%s: noise %v, want one %v of shape %v", s.name, specs, s.noise, s.layoutOf(shape).noise)
	}
	d.eps = d.input(ε, specs[0].Shape...)
	var err error
	if d.draw, err = d.dist.Rsample(d.eps.node); err != nil {
		tb.Fatalf("%s: %v", s.name, err)
	}
	return d
}

// build puts the parameters of a subject into a rig.
func build[T op.Float](r *rig[T], s subject, shape []int, θ [][]float64) ([]*leaf[T], relax.Distribution) {
	r.tb.Helper()
	var params []*leaf[T]
	var nodes G.Nodes
	for i, p := range s.params {
		params = append(params, r.input(θ[i], s.own(p, shape)...))
		nodes = append(nodes, params[i].node)
	}
	return params, s.build(nodes)
}

func nodes[T op.Float](leaves []*leaf[T]) G.Nodes {
	var ns G.Nodes
	for _, l := range leaves {
		ns = append(ns, l.node)
	}
	return ns
}

// compileDraw computes the draw, without what it lacks, and then more.
func (d *sampled[T]) compileDraw(more ...*G.Node) func() (variable, [][]float64) {
	d.tb.Helper()
	parts := [3]*G.Node{d.draw.Value, d.draw.Logit, d.draw.Hard}
	var outs G.Nodes
	for _, n := range parts {
		if n != nil {
			outs = append(outs, n)
		}
	}
	run := d.compile(append(outs, more...)...)
	return func() (variable, [][]float64) {
		d.tb.Helper()
		results := run()
		var x variable
		for i, dst := range []*[]float64{&x.value, &x.logit, &x.hard} {
			if parts[i] != nil {
				*dst, results = results[0], results[1:]
			}
		}
		return x, results
	}
}

// variables cuts what a rig holds into single variables: the parameters and the noise of each, as the rig's type
// rounded them.
func (d *sampled[T]) variables() (θ [][][]float64, ε [][]float64) {
	perVariable := len(d.eps.data) / d.count
	for i := range d.count {
		var own [][]float64
		for j, p := range d.params {
			if d.shared[j] {
				own = append(own, wide(p.data))
			} else {
				own = append(own, wide(p.data[i*d.size:(i+1)*d.size]))
			}
		}
		θ = append(θ, own)
		ε = append(ε, wide(d.eps.data[i*perVariable:(i+1)*perVariable]))
	}
	return θ, ε
}

func wide[T op.Float](x []T) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// split cuts a draw into n single variables.
func split(x variable, n int) []variable {
	part := func(v []float64, i int) []float64 {
		if v == nil {
			return nil
		}
		size := len(v) / n
		return v[i*size : (i+1)*size]
	}
	out := make([]variable, n)
	for i := range out {
		out[i] = variable{part(x.value, i), part(x.logit, i), part(x.hard, i)}
	}
	return out
}

// repeated gives each of n rows the parameters θ of one variable.
func repeated(s subject, θ [][]float64, n int) [][]float64 {
	out := make([][]float64, len(θ))
	for i, p := range s.params {
		if p.shared() {
			out[i] = θ[i]
		} else {
			out[i] = slices.Repeat(θ[i], n)
		}
	}
	return out
}

// draws samples n variables with the parameters θ, in float64.
func draws(tb testing.TB, s subject, θ [][]float64, n int, stream string) []variable {
	tb.Helper()
	size := len(θ[0])
	shape := []int{n, size}
	ε := make([]float64, noise.Spec{Shape: s.layoutOf(shape).noise}.Size())
	noise.Fill(noise.NewSource(1, s.name+stream), s.noise, ε)
	d := sample[float64](tb, s, shape, repeated(s, θ, n), ε)
	x, _ := d.compileDraw()()
	return split(x, n)
}

// logProbs evaluates LogProb at given draws, each a row of its own.
func logProbs(tb testing.TB, s subject, θ [][]float64, xs []variable) []float64 {
	tb.Helper()
	size := len(θ[0])
	r := newRig[float64](tb)
	_, dist := build(r, s, []int{len(xs), size}, repeated(s, θ, len(xs)))
	lp := r.node(dist.LogProb(bind(r, s, size, xs)))
	return r.compile(lp)()[0]
}

// bind makes given draws, each a row of its own whose parameters are size numbers, the inputs of a rig.
func bind(r *rig[float64], s subject, size int, xs []variable) relax.Draw {
	l := s.layoutOf([]int{len(xs), size})
	join := func(shape []int, part func(variable) []float64) *G.Node {
		if part(xs[0]) == nil {
			return nil
		}
		var all []float64
		for _, x := range xs {
			all = append(all, part(x)...)
		}
		return r.input(all, shape...).node
	}
	return relax.Draw{
		Value: join(l.value, func(x variable) []float64 { return x.value }),
		Logit: join(l.logit, func(x variable) []float64 { return x.logit }),
		Hard:  join(l.hard, func(x variable) []float64 { return x.hard }),
	}
}

// near tells whether got is within tol·(1+|want|) of want; NaN never is.
func near(got, want, tol float64) bool { return math.Abs(got-want) <= tol*(1+math.Abs(want)) }

// meanError is the mean of x and its standard error.
func meanError(x []float64) (mean, se float64) {
	for _, v := range x {
		mean += v
	}
	n := float64(len(x))
	mean /= n
	for _, v := range x {
		se += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(se / (n - 1) / n)
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

func logSumExp(x []float64) float64 {
	top := slices.Max(x)
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}
