package relax_test

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

func init() {
	subjects = append(subjects, gumbelTopK(false), gumbelTopK(true))
}

// pairOf is two of n classes, or all if there are fewer.
func pairOf(n int) int { return min(2, n) }

// gumbelTopK draws two classes.
func gumbelTopK(straightThrough bool) subject {
	build := func(p G.Nodes) relax.GumbelTopK {
		k := 2
		if p[0] != nil && p[0].Dims() > 0 && len(p[0].Shape()) > 0 {
			k = pairOf(p[0].Shape()[len(p[0].Shape())-1])
		}
		return relax.GumbelTopK{Logits: p[0], K: k, Temperature: p[1]}
	}
	s := subject{
		name: "GumbelTopK", params: []param{logits, temperature}, noise: noise.Gumbel, classes: true, timeless: true,
		build: func(p G.Nodes) relax.Distribution { return build(p) },
		draw: func(θ [][]float64, ε []float64) variable {
			keys := plus(θ[0], ε)
			x := variable{value: make([]float64, len(keys)), logit: keys, hard: marks(len(keys), order(keys))}
			α := slices.Clone(keys)
			for range pairOf(len(keys)) {
				a := simplexDraw([][]float64{α, θ[1]}, make([]float64, len(α))).value
				for i := range α {
					others := 0.
					for j := range a {
						if j != i {
							others += a[j]
						}
					}
					x.value[i] += a[i]
					α[i] += math.Log(others)
				}
			}
			return x
		},
		logProb: func(θ [][]float64, x variable) float64 { return plackettLuce(θ[0], order(x.logit)) },
		inside: func(z []float64) bool {
			sum := 0.
			for _, v := range z {
				if !(v >= 0) {
					return false
				}
				sum += v
			}
			return near(sum, float64(pairOf(len(z))), 1e-6)
		},
		cover: func(θ [][]float64) (xs []variable, w []float64) {
			for _, o := range orders(len(θ[0])) {
				keys := make([]float64, len(θ[0]))
				for rank, i := range o {
					keys[i] = float64(len(keys) - rank)
				}
				m := marks(len(keys), o)
				xs, w = append(xs, variable{value: m, logit: keys, hard: m}), append(w, 1)
			}
			return xs, w
		},
		law: func(θ [][]float64) (p []float64) {
			for _, o := range orders(len(θ[0])) {
				p = append(p, math.Exp(plackettLuce(θ[0], o)))
			}
			return p
		},
		number: func(x variable) int {
			return slices.IndexFunc(orders(len(x.logit)), func(o []int) bool { return slices.Equal(o, order(x.logit)) })
		},
		round: func(x variable) []float64 { return marks(len(x.logit), order(x.logit)) },
	}
	if straightThrough {
		s.name += "/StraightThrough"
		draw := s.draw
		s.build = func(p G.Nodes) relax.Distribution {
			d := build(p)
			d.StraightThrough = true
			return d
		}
		s.draw = func(θ [][]float64, ε []float64) variable {
			x := draw(θ, ε)
			x.value = x.hard
			return x
		}
		s.inside = func(z []float64) bool {
			sum := 0
			for _, v := range z {
				sum += int(v)
			}
			return isBits(z) && sum == pairOf(len(z))
		}
		s.surrogate = func(p G.Nodes, ε *G.Node) (*G.Node, error) {
			x, err := build(p).Rsample(ε)
			return x.Value, err
		}
	}
	return s
}

// order is the classes of the two largest keys; of equals the first comes first.
func order(keys []float64) []int {
	all := make([]int, len(keys))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int {
		switch {
		case keys[a] > keys[b]:
			return -1
		case keys[a] < keys[b]:
			return 1
		}
		return 0
	})
	return all[:pairOf(len(keys))]
}

// orders lists the ordered draws of two of n classes.
func orders(n int) (all [][]int) {
	for i := range n {
		for j := range n {
			if i != j {
				all = append(all, []int{i, j})
			}
		}
	}
	return all
}

// marks is the vector of n with a one for each class drawn.
func marks(n int, order []int) []float64 {
	m := make([]float64, n)
	for _, i := range order {
		m[i] = 1
	}
	return m
}

// plackettLuce is the log-probability to draw classes in the order without replacement.
func plackettLuce(ℓ []float64, order []int) (lp float64) {
	for j, i := range order {
		left := 0.
		for l, v := range ℓ {
			if !slices.Contains(order[:j], l) {
				left += math.Exp(v - ℓ[i])
			}
		}
		lp -= math.Log(left)
	}
	return lp
}

func logsOf(p ...float64) []float64 {
	out := make([]float64, len(p))
	for i, v := range p {
		out[i] = math.Log(v)
	}
	return out
}

func TestInclusionProbabilities(t *testing.T) {
	for _, c := range []struct {
		p    []float64
		k    int
		want []float64
	}{
		{[]float64{.5, .3, .2}, 1, []float64{.5, .3, .2}},
		{[]float64{.5, .3, .2}, 2, []float64{.8392857, .675, .4857143}},
		{[]float64{.5, .3, .2}, 3, []float64{1, 1, 1}},
		{[]float64{1, 1, 1, 1}, 3, []float64{.75, .75, .75, .75}}, // unnormalised
	} {
		got, err := relax.InclusionProbabilities(logsOf(c.p...), c.k)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if !(math.Abs(got[i]-c.want[i]) < 5e-8) {
				t.Errorf("%v, k = %d: %.8f, want %.7f", c.p, c.k, got, c.want)
			}
		}
	}
	extreme, err := relax.InclusionProbabilities([]float64{1000, -1000, 0}, 2)
	if err != nil || !slices.Equal(extreme, []float64{1, 0, 1}) {
		t.Errorf("extreme logits: %v, %v", extreme, err)
	}
	for what, try := range map[string]func() ([]float64, error){
		"none":       func() ([]float64, error) { return relax.InclusionProbabilities([]float64{1, 2}, 0) },
		"too many":   func() ([]float64, error) { return relax.InclusionProbabilities([]float64{1, 2}, 3) },
		"no classes": func() ([]float64, error) { return relax.InclusionProbabilities(nil, 1) },
		"too long":   func() ([]float64, error) { return relax.InclusionProbabilities(make([]float64, 17), 1) },
		"no number":  func() ([]float64, error) { return relax.InclusionProbabilities([]float64{math.NaN(), 0}, 1) },
	} {
		if p, err := try(); err == nil {
			t.Errorf("%s: %v and no error", what, p)
		}
	}
}

// permutations lists all orders of the classes.
func permutations(classes []int) (all [][]int) {
	if len(classes) == 0 {
		return [][]int{nil}
	}
	for i, first := range classes {
		rest := slices.Delete(slices.Clone(classes), i, i+1)
		for _, p := range permutations(rest) {
			all = append(all, append([]int{first}, p...))
		}
	}
	return all
}

// TestLogProbSet compares with the sum over all orders, the gradient with finite differences, and extremes with what they
// must be.
func TestLogProbSet(t *testing.T) {
	ℓ := []float64{0.3, -1, 2, 0.7, -0.2, 1.1}
	for _, set := range [][]int{{2}, {0, 3}, {1, 4, 5}, {0, 1, 2, 3, 4}, {0, 1, 2, 3, 4, 5}} {
		r := newRig[float64](t)
		φ := r.input(slices.Concat(ℓ, ℓ), 1, 2, 6)
		mask := r.input(slices.Concat(marks(6, set), marks(6, set)), 1, 2, 6)
		d := relax.GumbelTopK{Logits: φ.node, K: len(set)}
		lp := r.node(d.LogProbSet(relax.Draw{Hard: mask.node}))
		var terms []float64
		for _, o := range permutations(set) {
			terms = append(terms, plackettLuce(ℓ, o))
		}
		run := r.compile(lp)
		if got, want := run()[0], 2*logSumExp(terms); len(got) != 1 || !near(got[0], want, 1e-12) {
			t.Errorf("set %v: log-probability %.15g, over all orders %.15g", set, got, want)
		}
		loss := r.node(op.SumAll(lp))
		compareGradient(t, subject{params: []param{logits}}, r, []*leaf[float64]{φ}, loss, loss)
	}
	single := newRig[float32](t)
	φ := single.input([]float64{50, -50, 0, 50, -50}, 1, 5)
	for _, set := range [][]float64{{1, 0, 0, 1, 0}, {0, 1, 0, 0, 1}, {1, 1, 0, 0, 0}} {
		lp := single.node(relax.GumbelTopK{Logits: φ.node, K: 2}.LogProbSet(relax.Draw{Hard: single.input(set, 1, 5).node}))
		grads, err := autodiff.Gradient(single.node(op.SumAll(lp)), φ.node)
		if err != nil {
			t.Fatal(err)
		}
		got := single.compile(lp, grads[0])()
		for _, v := range slices.Concat(got...) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("set %v: %v", set, got)
			}
		}
	}

	r := newRig[float64](t)
	nine := r.input(make([]float64, 10), 1, 10).node
	attempt(t, "a set of nine", func() (*G.Node, error) {
		return relax.GumbelTopK{Logits: nine, K: 9}.LogProbSet(relax.Draw{Hard: nine})
	}, "at most 8")
	lp := r.node(relax.GumbelTopK{Logits: nine, K: 2}.LogProbSet(relax.Draw{Hard: nine}))
	machine := G.NewTapeMachine(lp.Graph())
	defer machine.Close()
	if err := machine.RunAll(); err == nil || !strings.Contains(err.Error(), "2 ones") {
		t.Errorf("a mask of zeros: error %v", err)
	}
}

// drawTopK is a draw of k classes with given logits and noise, a row each.
func drawTopK[T op.Float](r *rig[T], ℓ, ε []float64, n int, d relax.GumbelTopK, τ float64) (relax.GumbelTopK, relax.Draw, *leaf[T]) {
	rows := len(ε) / n
	φ := r.input(slices.Repeat(ℓ, rows), rows, n)
	d.Logits, d.Temperature = φ.node, r.node(relax.Temperature(φ.node, τ))
	x, err := d.Rsample(r.input(ε, rows, n).node)
	if err != nil {
		r.tb.Fatal(err)
	}
	return d, x, φ
}

// TestGumbelTopKEnds: one class is the relaxed categorical distribution, all classes are all ones, and with falling
// temperature the soft vector becomes the hard one.
func TestGumbelTopKEnds(t *testing.T) {
	ℓ := []float64{0.3, -1, 2, 0.7}
	ε := make([]float64, 50*4)
	noise.Fill(noise.NewSource(1, "ends"), noise.Gumbel, ε)
	r := newRig[float64](t)
	one, x, φ := drawTopK(r, ℓ, ε, 4, relax.GumbelTopK{K: 1}, 0.7)
	c := relax.RelaxedCategorical{Logits: φ.node, Temperature: one.Temperature}
	y, err := c.Rsample(r.leaves[len(r.leaves)-1].node)
	if err != nil {
		t.Fatal(err)
	}
	hardLP := r.node(c.Discrete().LogProb(relax.Draw{Value: y.Hard}))
	got := r.compile(x.Value, y.Value, r.node(one.LogProb(x)), hardLP, r.node(one.LogProbSet(x)))()
	for i, v := range got[0] {
		if !near(v, got[1][i], 1e-15) {
			t.Errorf("k = 1: element %d is %.17g, that of the relaxed categorical value %.17g", i, v, got[1][i])
		}
	}
	for i := range got[2] {
		if !near(got[2][i], got[3][i], 1e-12) || !near(got[4][i], got[3][i], 1e-12) {
			t.Errorf("k = 1: log-probability %v, of the set %v, categorical %v", got[2][i], got[4][i], got[3][i])
		}
	}

	all, x, _ := drawTopK(r, ℓ, ε, 4, relax.GumbelTopK{K: 4, StraightThrough: true}, 0.7)
	got = r.compile(x.Value, r.node(all.LogProbSet(x)))()
	for _, v := range got[0] {
		if v != 1 {
			t.Errorf("k = n: %v", got[0])
		}
	}
	for _, v := range got[1] {
		if !near(v, 0, 1e-12) {
			t.Errorf("k = n: log-probability %g of the only set", v)
		}
	}

	for k := 1; k <= 4; k++ {
		_, x, _ := drawTopK(r, ℓ, ε, 4, relax.GumbelTopK{K: k}, 1e-5)
		got := r.compile(x.Value, x.Hard)()
		for i, v := range got[0] {
			if !(math.Abs(v-got[1][i]) < 1e-6) {
				t.Errorf("k = %d, τ = 10⁻⁵: element %d is %g, hard %g", k, i, v, got[1][i])
			}
		}
	}
}

// TestGumbelTopKLong: many classes at extreme temperatures in float32 stay finite and add up to k.
func TestGumbelTopKLong(t *testing.T) {
	const n, k = 20, 12
	ℓ, ε := make([]float64, n), make([]float64, 20*n)
	noise.Fill(noise.NewSource(1, "long"), noise.Gumbel, ε)
	for i := range ℓ {
		ℓ[i] = float64(i%3-1) * 50
	}
	for _, τ := range []float64{1e-3, 0.1, 1, 10} {
		r := newRig[float32](t)
		d, x, φ := drawTopK(r, ℓ, ε, n, relax.GumbelTopK{K: k}, τ)
		loss, _ := r.projection(x.Value, rand.New(rand.NewPCG(1, 1)))
		grads, err := autodiff.Gradient(loss, φ.node, d.Temperature)
		if err != nil {
			t.Fatal(err)
		}
		got := r.compile(x.Value, grads[0], grads[1])()
		for row := range slices.Chunk(got[0], n) {
			sum := 0.
			for _, v := range row {
				sum += v
			}
			if !near(sum, k, 1e-5) {
				t.Errorf("τ = %g: %v adds up to %g", τ, row, sum)
			}
		}
		for _, v := range slices.Concat(got...) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("τ = %g: %v", τ, v)
			}
		}
	}
}

// TestConditionalGumbel: the largest becomes what is given, and if that is drawn from its own law, log Σ e^ℓ + Gumbel,
// then all perturbed logits have theirs.
func TestConditionalGumbel(t *testing.T) {
	const n = 20000
	ℓ := []float64{0.3, -1, 1.2}
	g, top := make([]float64, 3*n), make([]float64, n)
	noise.Fill(noise.NewSource(1, "children"), noise.Gumbel, g)
	noise.Fill(noise.NewSource(1, "parents"), noise.Gumbel, top)
	for i := range g {
		g[i] += ℓ[i%3]
	}
	for i := range top {
		top[i] += logSumExp(ℓ)
	}
	r := newRig[float64](t)
	children, parents := r.input(g, n, 3), r.input(top, n)
	got := r.compile(r.node(relax.ConditionalGumbel(children.node, parents.node)))()[0]
	columns := make([][]float64, 3)
	for i := range n {
		before, after := g[3*i:3*i+3], got[3*i:3*i+3]
		if slices.Max(after) != top[i] || after[slices.Index(before, slices.Max(before))] != top[i] {
			t.Fatalf("%v became %v, the largest should be %v", before, after, top[i])
		}
		for j, v := range after {
			columns[j] = append(columns[j], math.Exp(-math.Exp(ℓ[j]-v)))
		}
	}
	for j, u := range columns {
		if d, bound := kolmogorovSmirnov(u), 2.3/math.Sqrt(n); !(d < bound) {
			t.Errorf("child %d: distance %.5f from its law, above %.5f", j, d, bound)
		}
	}

	few := newRig[float64](t)
	c, p := few.input(g[:6], 2, 3), few.input(top[:2], 2)
	loss, _ := few.projection(few.node(relax.ConditionalGumbel(c.node, p.node)), rand.New(rand.NewPCG(1, 2)))
	compareGradient(t, subject{params: []param{{name: "perturbed"}, {name: "largest"}}}, few, []*leaf[float64]{c, p}, loss, loss)

	single := newRig[float32](t)
	c32, p32 := single.input([]float64{50, 50, -50, 0, 1e-7, -30}, 2, 3), single.input([]float64{-50, 50}, 2)
	out := single.node(relax.ConditionalGumbel(c32.node, p32.node))
	loss, _ = single.projection(out, rand.New(rand.NewPCG(1, 2)))
	grads, err := autodiff.Gradient(loss, c32.node, p32.node)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range slices.Concat(single.compile(out, grads[0], grads[1])()...) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("extreme perturbed logits: %v", v)
		}
	}

	attempt(t, "a wrong shape", func() (*G.Node, error) { return relax.ConditionalGumbel(c.node, c.node) }, "shape")
	attempt(t, "nil", func() (*G.Node, error) { return relax.ConditionalGumbel(nil, p.node) }, "nil")
	for _, k := range []int{0, 4, -1} {
		attempt(t, fmt.Sprintf("%d of 3 classes", k), func() (*G.Node, error) {
			x, err := relax.GumbelTopK{Logits: c.node, K: k}.Rsample(c.node)
			return x.Value, err
		}, "of 3 classes")
	}
}

// Draws two of three classes without replacement, through which a gradient passes.
func ExampleGumbelTopK() {
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(2, 3), G.WithValue(tensor.New(tensor.WithShape(2, 3),
		tensor.WithBacking([]float64{math.Log(.5), math.Log(.3), math.Log(.2), math.Log(.5), math.Log(.3), math.Log(.2)}))))
	d := relax.GumbelTopK{Logits: logits, K: 2, StraightThrough: true}

	spec := d.Noise()[0]
	gumbel := make([]float64, spec.Size())
	noise.Fill(noise.NewSource(1, "example"), spec.Kind, gumbel)
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(gumbel))))
	sample, err := d.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	set, err := d.LogProbSet(sample)
	if err != nil {
		log.Fatal(err)
	}
	order, err := d.LogProb(sample)
	if err != nil {
		log.Fatal(err)
	}
	var value, inOrder, inAny G.Value
	G.Read(sample.Value, &value)
	G.Read(G.Must(G.Exp(order)), &inOrder)
	G.Read(G.Must(G.Exp(set)), &inAny)
	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(value.Data())
	fmt.Printf("probability in this order %.4f, in any %.4f\n", inOrder.Data(), inAny.Data())

	inclusion, err := relax.InclusionProbabilities([]float64{math.Log(.5), math.Log(.3), math.Log(.2)}, 2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("inclusion %.4f\n", inclusion)
	// Output:
	// [1 1 0 1 1 0]
	// probability in this order [0.3000 0.2143], in any [0.5143 0.5143]
	// inclusion [0.8393 0.6750 0.4857]
}
