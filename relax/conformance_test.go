package relax_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// TestConformance puts every distribution through the same checks. Seeds are fixed; with other seeds, a right implementation
// would exceed each statistical bound with a probability below 10⁻⁴.
func TestConformance(t *testing.T) {
	checks := []struct {
		name string
		run  func(*testing.T, subject)
	}{
		{"reference in float64", checkReference[float64]},
		{"reference in float32", checkReference[float32]},
		{"gradient of value", checkValueGradient},
		{"gradient of density along the draw", checkDensityGradient},
		{"score", checkScore},
		{"plain Grad", checkPlainGrad},
		{"ties", checkTies},
		{"total mass", checkTotalMass},
		{"moments", checkMoments},
		{"sampler has the density", checkSampler},
		{"hard has the law", checkLaw},
		{"independence", checkIndependence},
		{"extremes in float64", checkExtremes[float64]},
		{"extremes in float32", checkExtremes[float32]},
		{"mistakes", checkMistakes},
	}
	for _, s := range subjects {
		t.Run(s.name, func(t *testing.T) {
			for _, c := range checks {
				t.Run(c.name, func(t *testing.T) { c.run(t, s) })
			}
		})
	}
}

// shapes are those of the parameters: batch 1, width 1, several event axes, two classes.
var shapes = [][]int{{3, 4}, {1, 3}, {4, 1}, {1, 1}, {2, 3, 4}, {3, 1, 2}, {2, 2, 3, 2}}

// random draws parameters and noise of a subject for a shape.
func random(s subject, shape []int, seed uint64) (θ [][]float64, ε []float64) {
	θ = s.parameters(shape, rand.New(rand.NewPCG(seed, 1)))
	ε = make([]float64, noise.Spec{Shape: s.layoutOf(shape).noise}.Size())
	noise.Fill(noise.NewSource(seed, s.name), s.noise, ε)
	return θ, ε
}

// triple is parameters of one variable, of three classes if it has classes.
func triple(s subject, seed uint64) [][]float64 {
	return s.parameters([]int{1, s.size([]int{1, 3})}, rand.New(rand.NewPCG(seed, 2)))
}

// checkReference compares draws and densities at fixed noise with plain Go, and inputs before and after a run.
func checkReference[T op.Float](t *testing.T, s subject) {
	tol := 1e-12 // some ten roundings of 10⁻¹⁶, larger by the cancellation in s = τy − ℓ
	if dtype[T]() == tensor.Float32 {
		tol = 2e-5 // likewise for 6·10⁻⁸
	}
	for i, shape := range shapes {
		θ, ε := random(s, shape, uint64(i))
		d := sample[T](t, s, shape, θ, ε)
		if d.size == 1 && s.classes {
			continue // one class: no density
		}
		lp, err := d.dist.LogProb(d.draw)
		if err != nil {
			t.Fatal(err)
		}
		l := s.layoutOf(shape)
		for i, n := range []*G.Node{d.draw.Value, d.draw.Logit, d.draw.Hard} {
			want := [][]int{l.value, l.logit, l.hard}[i]
			if n != nil && (!slices.Equal(n.Shape(), want) || n.Dtype() != dtype[T]()) {
				t.Fatalf("shape %v: the draw is %v of shape %v, want %v", shape, n.Dtype(), n.Shape(), want)
			}
		}
		if !slices.Equal(lp.Shape(), shape[:1]) {
			t.Fatalf("shape %v: LogProb has shape %v, want one number per row", shape, lp.Shape())
		}
		var before [][]T
		for _, l := range d.leaves {
			before = append(before, slices.Clone(l.data))
		}
		got, more := d.compileDraw(lp)()
		θs, εs := d.variables()
		var want variable
		wantLP := make([]float64, shape[0])
		perRow := len(θs) / shape[0]
		for v := range θs {
			x := s.draw(θs[v], εs[v])
			want.value, want.logit, want.hard = append(want.value, x.value...), append(want.logit, x.logit...), append(want.hard, x.hard...)
			wantLP[v/perRow] += s.logProb(θs[v], x)
		}
		for _, c := range []struct {
			what      string
			got, want []float64
			tol       float64
		}{
			{"Value", got.value, want.value, tol}, {"Logit", got.logit, want.logit, tol}, {"Hard", got.hard, want.hard, 0},
			{"LogProb", more[0], wantLP, tol * float64(perRow)},
		} {
			if len(c.got) != len(c.want) {
				t.Fatalf("shape %v: %s has %d numbers, want %d", shape, c.what, len(c.got), len(c.want))
			}
			for j := range c.got {
				if !near(c.got[j], c.want[j], c.tol) {
					t.Errorf("shape %v: %s[%d] = %.15g, want %.15g within %.1g", shape, c.what, j, c.got[j], c.want[j], c.tol)
				}
			}
		}
		for _, z := range slices.Collect(slices.Chunk(got.value, len(got.value)/d.count)) {
			if !s.inside(z) {
				t.Errorf("shape %v: value %v outside the support", shape, z)
			}
		}
		for j, l := range d.leaves {
			if !slices.Equal(l.data, before[j]) {
				t.Errorf("shape %v: the run changed input %d", shape, j)
			}
		}
	}
}

// fdTolerance bounds the error of differences for the functions here.
const fdTolerance = 1e-7

// compareGradient compares the gradient of loss with respect to the parameters with finite differences of value.
func compareGradient(t *testing.T, s subject, r *rig[float64], params []*leaf[float64], loss, value *G.Node) {
	t.Helper()
	grads, err := autodiff.Gradient(loss, nodes(params)...)
	if err != nil {
		t.Fatal(err)
	}
	got := r.compile(grads...)()
	run := r.compile(value)
	for i, p := range params {
		want := differences(func() float64 { return run()[0][0] }, p.data)
		for j := range want {
			if !near(got[i][j], want[j], fdTolerance) {
				t.Errorf("∂/∂%s[%d] = %.12g, finite differences %.12g within %.1g", s.params[i].name, j, got[i][j], want[j], fdTolerance)
			}
		}
	}
}

// gradientShape has two variables in each of two rows; the seeds keep away from kinks.
func gradientShape(s subject) []int {
	if s.classes || s.joint {
		return []int{2, 2, 3}
	}
	return []int{2, 4}
}

// checkValueGradient compares the gradient of Value with finite differences; that of a straight-through value equals
// its surrogate's bit by bit, and the surrogate's is compared with finite differences.
func checkValueGradient(t *testing.T, s subject) {
	for seed := range uint64(4) {
		shape := gradientShape(s)
		θ, ε := random(s, shape, seed)
		d := sample[float64](t, s, shape, θ, ε)
		loss, w := d.projection(d.draw.Value, rand.New(rand.NewPCG(seed, 3)))
		if s.surrogate == nil {
			compareGradient(t, s, d.rig, d.params, loss, loss)
			continue
		}
		surrogate, err := s.surrogate(nodes(d.params), d.eps.node)
		if err != nil {
			t.Fatal(err)
		}
		soft, w2 := d.projection(surrogate, rand.New(rand.NewPCG(seed, 3)))
		if !slices.Equal(w, w2) {
			t.Fatal("the two projections differ")
		}
		grads, err := autodiff.Gradient(loss, nodes(d.params)...)
		if err != nil {
			t.Fatal(err)
		}
		softGrads, err := autodiff.Gradient(soft, nodes(d.params)...)
		if err != nil {
			t.Fatal(err)
		}
		got, want := d.compile(grads...)(), d.compile(softGrads...)()
		for i := range got {
			if !slices.Equal(got[i], want[i]) {
				t.Errorf("∂/∂%s = %v, the surrogate's is %v", s.params[i].name, got[i], want[i])
			}
		}
		compareGradient(t, s, d.rig, d.params, soft, soft)
	}
}

// checkDensityGradient is about LogProb as a function of the parameters at fixed noise: directly and through the draw.
func checkDensityGradient(t *testing.T, s subject) {
	for seed := range uint64(4) {
		shape := gradientShape(s)
		θ, ε := random(s, shape, seed+10)
		d := sample[float64](t, s, shape, θ, ε)
		lp := d.node(d.dist.LogProb(d.draw))
		loss, _ := d.projection(lp, rand.New(rand.NewPCG(seed, 4)))
		compareGradient(t, s, d.rig, d.params, loss, loss)
	}
}

// checkScore is about LogProb as a function of the parameters at a fixed draw.
func checkScore(t *testing.T, s subject) {
	for seed := range uint64(4) {
		θ := triple(s, seed)
		xs := draws(t, s, θ, 5, "score")
		r := newRig[float64](t)
		params, dist := build(r, s, []int{len(xs), len(θ[0])}, repeated(s, θ, len(xs)))
		lp := r.node(dist.LogProb(bind(r, s, len(θ[0]), xs)))
		loss, _ := r.projection(lp, rand.New(rand.NewPCG(seed, 5)))
		compareGradient(t, s, r, params, loss, loss)
	}
}

// checkPlainGrad compares gorgonia.Grad with this project's own differentiation.
func checkPlainGrad(t *testing.T, s subject) {
	shape := gradientShape(s)
	θ, ε := random(s, shape, 20)
	gradients := func(differentiate func(loss *G.Node, wrt ...*G.Node) (G.Nodes, error)) [][]float64 {
		d := sample[float64](t, s, shape, θ, ε)
		rng := rand.New(rand.NewPCG(20, 6))
		value, _ := d.projection(d.draw.Value, rng)
		density, _ := d.projection(d.node(d.dist.LogProb(d.draw)), rng)
		grads, err := differentiate(d.node(op.Add(value, density)), nodes(d.params)...)
		if err != nil {
			t.Fatal(err)
		}
		return d.compile(grads...)()
	}
	got, want := gradients(G.Grad), gradients(autodiff.Gradient)
	for i := range want {
		for j := range want[i] {
			if !near(got[i][j], want[i][j], 1e-12) { // the two may add up in different order
				t.Errorf("∂/∂%s[%d]: gorgonia.Grad gives %.15g, autodiff %.15g", s.params[i].name, j, got[i][j], want[i][j])
			}
		}
	}
}

// checkTies draws where everything is equal: values stay in the support, hard samples discrete.
func checkTies(t *testing.T, s subject) {
	for _, shape := range [][]int{{2, 3}, {1, 2}} {
		θ, ε := random(s, shape, 30)
		clear(ε)
		for i := range θ {
			if !s.params[i].positive {
				clear(θ[i])
			}
		}
		d := sample[float64](t, s, shape, θ, ε)
		x, _ := d.compileDraw()()
		θs, εs := d.variables()
		for i, v := range split(x, d.count) {
			if !s.inside(v.value) {
				t.Errorf("value %v outside the support", v.value)
			}
			if want := s.draw(θs[i], εs[i]); !slices.Equal(v.hard, want.hard) {
				t.Errorf("hard sample %v, want %v: the first of equals is meant", v.hard, want.hard)
			}
		}
	}
}

// checkTotalMass adds up the density over everything there is.
func checkTotalMass(t *testing.T, s subject) {
	const tol = 1e-9 // the quadrature rules are good to 10⁻¹⁰
	for seed := range uint64(5) {
		θ := triple(s, seed)
		xs, w := s.cover(θ)
		total := 0.0
		for i, lp := range logProbs(t, s, θ, xs) {
			total += w[i] * math.Exp(lp)
		}
		if !(math.Abs(total-1) < tol) {
			t.Errorf("parameters %.3v: total mass %.12f, want 1 within %.0g", θ, total, tol)
		}
	}
}

// checkMoments compares entropy, mean and mode, of distributions that have them, with sums over everything there is.
func checkMoments(t *testing.T, s subject) {
	type moments interface {
		Entropy() (*G.Node, error)
		Mean() (*G.Node, error)
		Mode() (*G.Node, error)
	}
	if _, ok := s.build(make(G.Nodes, len(s.params))).(moments); !ok {
		t.Skip("no moments in closed form")
	}
	for seed := range uint64(3) {
		θ := triple(s, seed+35)
		size := len(θ[0])
		r := newRig[float64](t)
		params, dist := build(r, s, []int{1, size}, θ)
		d := dist.(moments)
		entropy, mean, mode := r.node(d.Entropy()), r.node(d.Mean()), r.node(d.Mode())
		got := r.compile(entropy, mean, mode)()
		xs, w := s.cover(θ)
		wantEntropy, wantMean, best := 0.0, make([]float64, size), 0
		lp := logProbs(t, s, θ, xs)
		for i, x := range xs {
			p := w[i] * math.Exp(lp[i])
			wantEntropy -= p * lp[i]
			for j, z := range x.value {
				wantMean[j] += p * z
			}
			if lp[i] > lp[best] {
				best = i
			}
		}
		for i, want := range [][]float64{{wantEntropy}, wantMean, xs[best].value} {
			for j := range want {
				if !near(got[i][j], want[j], 1e-9) { // of the quadrature
					t.Errorf("parameters %.3v: %s[%d] = %.12g, want %.12g", θ, []string{"entropy", "mean", "mode"}[i], j, got[i][j], want[j])
				}
			}
		}
		for _, n := range []*G.Node{entropy, mean} {
			loss, _ := r.projection(n, rand.New(rand.NewPCG(seed, 8)))
			compareGradient(t, s, r, params, loss, loss)
		}
	}
	r := newRig[float64](t)
	for i, p := range s.params {
		if p.scalar {
			continue
		}
		for _, bad := range []*G.Node{nil, r.input(make([]float64, 3), 3).node} {
			ps := make(G.Nodes, len(s.params))
			for j, other := range s.params {
				own := s.own(other, []int{2, 3})
				ps[j] = r.input(make([]float64, noise.Spec{Shape: own}.Size()), own...).node
			}
			ps[i] = bad
			d := s.build(ps).(moments)
			for name, f := range map[string]func() (*G.Node, error){"Entropy": d.Entropy, "Mean": d.Mean, "Mode": d.Mode} {
				attempt(t, fmt.Sprintf("%s with %s %v", name, p.name, bad), f, p.name)
			}
		}
	}
}

// checkSampler compares draws with the density: transformed to uniform variables by the distribution function, and
// through E_q[p/q] = 1 for neighbouring distributions p, which sees the joint density of several numbers.
func checkSampler(t *testing.T, s subject) {
	n := 20000
	if testing.Short() {
		n = 5000
	}
	for seed := range uint64(3) {
		θ := triple(s, seed+40)
		xs := draws(t, s, θ, n, fmt.Sprint("sampler", seed))
		lq := logProbs(t, s, θ, xs)
		for i, p := range s.params {
			for j := range θ[i] {
				if d := len(θ[0]); p.matrix != nil && j%d > j/d { // above the diagonal
					continue
				}
				other := make([][]float64, len(θ))
				for k := range θ {
					other[k] = slices.Clone(θ[k])
				}
				switch {
				case p.grow:
					other[i][j] *= 1.25
				case p.positive:
					other[i][j] *= 0.8
				default:
					other[i][j] += 0.4
				}
				ratios := logProbs(t, s, other, xs)
				for k := range ratios {
					ratios[k] = math.Exp(ratios[k] - lq[k])
				}
				if mean, se := meanError(ratios); !(math.Abs(mean-1) < 4*se+1e-12) {
					t.Errorf("parameters %.3v: E[p/q] = %.5f for p with another %s[%d], want 1 within 4·%.2g", θ, mean, p.name, j, se)
				}
			}
		}
		if s.uniform == nil {
			continue
		}
		columns := make([][]float64, len(s.uniform(θ, xs[0])))
		for _, x := range xs {
			for i, u := range s.uniform(θ, x) {
				columns[i] = append(columns[i], u)
			}
		}
		for i, u := range columns {
			if d, bound := kolmogorovSmirnov(u), 2.3/math.Sqrt(float64(n)); !(d < bound) { // p = 5·10⁻⁵
				t.Errorf("parameters %.3v: distance %d from the uniform law is %.5f, above %.5f", θ, i, d, bound)
			}
		}
	}
}

// kolmogorovSmirnov is the largest distance between the distribution function of u and that of the uniform law.
func kolmogorovSmirnov(u []float64) (d float64) {
	slices.Sort(u)
	n := float64(len(u))
	for i, v := range u {
		d = max(d, v-float64(i)/n, float64(i+1)/n-v)
	}
	return d
}

// checkLaw compares the hard samples with the discrete law, at several temperatures, and with the values they round.
func checkLaw(t *testing.T, s subject) {
	if s.law == nil {
		t.Skip("no discrete sample")
	}
	n := 20000
	if testing.Short() {
		n = 5000
	}
	for seed := range uint64(4) {
		θ := triple(s, seed+50)
		xs := draws(t, s, θ, n, fmt.Sprint("law", seed))
		want := s.law(θ)
		observed, expected := make([]float64, len(want)), make([]float64, len(want))
		for i, p := range want {
			expected[i] = p * float64(n)
		}
		for _, x := range xs {
			observed[s.outcome(x)]++
			rounded := variable{value: x.value}
			switch {
			case s.round != nil:
				rounded.hard = s.round(x)
			case s.classes:
				rounded.hard = oneHotMax(x.value)
			default:
				for _, z := range x.value {
					bit := 0.
					if z > s.half {
						bit = 1
					}
					rounded.hard = append(rounded.hard, bit)
				}
			}
			if !slices.Equal(x.hard, rounded.hard) {
				t.Fatalf("parameters %.3v: value %v has the hard sample %v", θ, x.value, x.hard)
			}
		}
		χ2 := stat.ChiSquare(observed, expected)
		if p := (distuv.ChiSquared{K: float64(len(want) - 1)}).Survival(χ2); !(p > 5e-5) {
			t.Errorf("parameters %.3v: χ² = %.2f, p = %.2g: outcomes %v, expected %.0f", θ, χ2, p, observed, expected)
		}
		// LogProb of the discrete law at each hard sample is the logarithm of its probability.
		r := newRig[float64](t)
		_, dist := build(r, s, []int{n, len(θ[0])}, repeated(s, θ, n))
		relaxation, ok := dist.(relax.Relaxation)
		if !ok || s.joint || s.behind { // correlated bits have no LogProb
			continue
		}
		bound := bind(r, s, len(θ[0]), xs)
		lp := r.compile(r.node(relaxation.Discrete().LogProb(relax.Draw{Value: bound.Hard, Logit: bound.Logit, Hard: bound.Hard})))()[0]
		for i, x := range xs {
			if p := math.Log(want[s.outcome(x)]); !near(lp[i], p, 1e-12) {
				t.Fatalf("%T: log-probability %.15g of %v, want %.15g", relaxation.Discrete(), lp[i], x.hard, p)
			}
		}
	}
}

// checkIndependence correlates the values of different columns and of neighbouring rows.
func checkIndependence(t *testing.T, s subject) {
	const rows, columns = 10000, 3
	shape := []int{rows, columns}
	if s.classes || s.joint {
		shape = append(shape, 3)
	}
	_, ε := random(s, shape, 60)
	θ := triple(s, 60)
	d := sample[float64](t, s, shape, repeated(s, θ, rows*columns), ε)
	x, _ := d.compileDraw()()
	series := make([][]float64, columns)
	for i, v := range split(x, d.count) {
		series[i%columns] = append(series[i%columns], v.value[0])
	}
	bound := 4 / math.Sqrt(rows-1)
	for i := range series {
		for j := range i {
			if r := stat.Correlation(series[i], series[j], nil); !(math.Abs(r) < bound) {
				t.Errorf("columns %d and %d: correlation %.4f, above four standard errors %.4f", j, i, r, bound)
			}
		}
		if r := stat.Correlation(series[i][1:], series[i][:rows-1], nil); !(math.Abs(r) < bound) {
			t.Errorf("neighbouring rows: correlation %.4f, above four standard errors %.4f", r, bound)
		}
	}
}

// noiseEnds are the smallest and largest noise that a source gives, and the middle. Its uniform numbers lie between
// 2⁻⁵³ and 1 − 2⁻⁵³; Gaussian numbers beyond 9 have probability 10⁻¹⁹.
var noiseEnds = map[noise.Kind][]float64{
	noise.Logistic: {-53 * math.Ln2, 0, 53 * math.Ln2},
	noise.Gumbel:   {-math.Log(53 * math.Ln2), 0, 53 * math.Ln2},
	noise.Normal:   {-9, 0, 9},
	noise.Uniform:  {0x1p-53, 0.5, 1 - 0x1p-24},
}

// checkExtremes runs all combinations of extreme parameters and noise: values, densities and gradients are finite.
func checkExtremes[T op.Float](t *testing.T, s subject) {
	size := s.size([]int{1, 3})
	// Coordinates are the parameters of one variable that are no scalars, and its noise.
	var axes [][]float64
	scalars := [][]float64{{}}
	for _, p := range s.params {
		switch {
		case p.scalar:
			scalars = product(p.extremes)
			continue
		case p.matrix != nil:
			continue
		}
		axes = append(axes, slices.Repeat([][]float64{p.extremes}, size)...)
	}
	axes = append(axes, slices.Repeat([][]float64{noiseEnds[s.noise]}, noise.Spec{Shape: s.layoutOf([]int{1, size}).noise}.Size())...)
	combinations := product(axes...)
	for _, scalar := range scalars {
		θ := make([][]float64, len(s.params))
		var ε []float64
		for _, c := range combinations {
			rest := c
			for i, p := range s.params {
				if !p.shared() {
					θ[i], rest = append(θ[i], rest[:size]...), rest[size:]
				}
			}
			ε = append(ε, rest...)
		}
		for i, p := range s.params {
			switch {
			case p.scalar:
				θ[i] = scalar
			case p.matrix != nil:
				θ[i] = p.matrix(size, rand.New(rand.NewPCG(70, 1)))
			}
		}
		d := sample[T](t, s, []int{len(combinations), size}, θ, ε)
		lp := d.node(d.dist.LogProb(d.draw))
		rng := rand.New(rand.NewPCG(70, 0))
		value, _ := d.projection(d.draw.Value, rng)
		density, _ := d.projection(lp, rng)
		outs := G.Nodes{lp}
		for _, loss := range (G.Nodes{value, density}) {
			grads, err := autodiff.Gradient(loss, nodes(d.params)...)
			if err != nil {
				t.Fatal(err)
			}
			outs = append(outs, grads...)
		}
		x, more := d.compileDraw(outs...)()
		for what, numbers := range append([][]float64{x.value, x.logit, x.hard}, more...) {
			for i, v := range numbers {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					which := any(i)
					if rows := len(combinations); len(numbers)%rows == 0 {
						which = combinations[i/(len(numbers)/rows)]
					}
					t.Fatalf("scalars %v: output %d is %v at %v", scalar, what, v, which)
				}
			}
		}
		for _, v := range split(x, len(combinations)) {
			if !s.inside(v.value) {
				t.Errorf("scalars %v: value %v outside the support", scalar, v.value)
			}
		}
	}
}

// product lists all ways to pick one number from each axis.
func product(axes ...[]float64) [][]float64 {
	out := [][]float64{nil}
	for _, axis := range axes {
		var next [][]float64
		for _, head := range out {
			for _, v := range axis {
				next = append(next, append(slices.Clone(head), v))
			}
		}
		out = next
	}
	return out
}

// checkMistakes makes every mistake there is with shapes, types and graphs: each is an error that says what is wrong.
func checkMistakes(t *testing.T, s subject) {
	shape := []int{2, 3}
	r, other := newRig[float64](t), newRig[float64](t)
	node := func(r *rig[float64], shape ...int) *G.Node {
		return r.input(slices.Repeat([]float64{0.5}, noise.Spec{Shape: shape}.Size()), shape...).node
	}
	typed := func(dt tensor.Dtype, shape ...int) *G.Node {
		r.leaves = append(r.leaves, nil) // keeps the numbers of names apart
		name := G.WithName(fmt.Sprintf("typed%d", len(r.leaves)))
		if len(shape) == 0 {
			return G.NewScalar(r.graph, dt, name)
		}
		return G.NewTensor(r.graph, dt, len(shape), G.WithShape(shape...), name)
	}
	parameters := func() G.Nodes {
		var ps G.Nodes
		for _, p := range s.params {
			ps = append(ps, node(r, s.own(p, shape)...))
		}
		return ps
	}
	rsample := func(ps G.Nodes, eps ...*G.Node) func() (*G.Node, error) {
		return func() (*G.Node, error) {
			d := s.build(ps)
			d.Noise() // must not panic
			x, err := d.Rsample(eps...)
			return x.Value, err
		}
	}
	logProb := func(ps G.Nodes, x relax.Draw) func() (*G.Node, error) {
		return func() (*G.Node, error) { return s.build(ps).LogProb(x) }
	}
	l := s.layoutOf(shape)
	ε := node(r, l.noise...)
	full := relax.Draw{Value: node(r, l.value...), Logit: node(r, l.logit...), Hard: node(r, l.hard...)}

	if _, err := s.build(parameters()).Rsample(ε); err != nil {
		t.Fatal(err)
	}
	if _, err := s.build(parameters()).LogProb(full); err != nil {
		t.Fatal(err)
	}

	type mistake struct {
		what, words string
		node        *G.Node
	}
	for i, p := range s.params {
		mistakes := []mistake{
			{"a vector", "shape", node(r, 3)},
			{"a float32 node", "float32", typed(tensor.Float32, s.own(p, shape)...)},
			{"an int node", "int", typed(tensor.Int, s.own(p, shape)...)},
			{"a node of another graph", "graph", node(other, s.own(p, shape)...)},
		}
		if !p.orScalar {
			mistakes = append(mistakes, mistake{"a scalar", "shape", node(r)})
		}
		if p.scalar {
			mistakes = []mistake{
				{"a vector", "scalar", node(r, 3)},
				{"a matrix of one number", "scalar", node(r, 1, 1)},
				{"a float32 node", "type", typed(tensor.Float32)},
				{"a node of another graph", "graph", node(other)},
			}
		}
		if p.matrix != nil {
			mistakes = append(mistakes, mistake{"a matrix for other vectors", "shape", node(r, 2, 2)})
		}
		if !p.optional {
			mistakes = append(mistakes, mistake{"nil", p.name, nil})
		}
		for _, m := range mistakes {
			ps := parameters()
			ps[i] = m.node
			attempt(t, fmt.Sprintf("Rsample with %s as %s", m.what, p.name), rsample(ps, ε), m.words)
			// The density of a straight-through distribution is that of the discrete law and needs no temperature.
			if s.surrogate == nil && !s.timeless || !p.scalar {
				attempt(t, fmt.Sprintf("LogProb with %s as %s", m.what, p.name), logProb(ps, full), m.words)
			}
		}
	}
	for _, m := range []struct {
		what, words string
		eps         []*G.Node
	}{
		{"no noise", "0 noise inputs", nil},
		{"two noise inputs", "2 noise inputs", []*G.Node{ε, ε}},
		{"nil noise", "nil", []*G.Node{nil}},
		{"transposed noise", "shape", []*G.Node{node(r, 3, 2)}},
		{"noise without batch axis", "shape", []*G.Node{node(r, 3)}},
		{"scalar noise", "shape", []*G.Node{node(r)}},
		{"float32 noise", "float32", []*G.Node{typed(tensor.Float32, l.noise...)}},
		{"noise of another graph", "graph", []*G.Node{node(other, l.noise...)}},
	} {
		attempt(t, "Rsample with "+m.what, rsample(parameters(), m.eps...), m.words)
	}
	// Without a batch axis nothing works, even if all shapes agree; nor without sizes.
	vectors, unsized := parameters(), parameters()
	sizeless := G.NewTensor(r.graph, tensor.Float64, 2, G.WithName("sizeless"))
	for i, p := range s.params {
		if !p.shared() {
			vectors[i], unsized[i] = node(r, 3), sizeless
		}
	}
	v := node(r, 3)
	attempt(t, "Rsample of vectors", rsample(vectors, v), "batch axis")
	attempt(t, "LogProb of vectors", logProb(vectors, relax.Draw{Value: v, Logit: v, Hard: v}), "batch axis")
	attempt(t, "Rsample of nodes without sizes", rsample(unsized, sizeless), "shape")
	attempt(t, "LogProb of nodes without sizes", logProb(unsized, relax.Draw{Value: sizeless, Logit: sizeless, Hard: sizeless}), "shape")
	// A vector is not a matrix of one row or one column.
	for _, shape := range [][]int{{1, 3}, {3, 1}} {
		ps := parameters()
		for i, p := range s.params {
			if !p.scalar {
				ps[i] = node(r, s.own(p, shape)...)
			}
		}
		attempt(t, fmt.Sprintf("Rsample of shape %v with noise of shape [3]", shape), rsample(ps, node(r, 3)), "shape")
	}
	for _, m := range []struct {
		what, words string
		node        func(shape []int) *G.Node
	}{
		{"nothing", "nil", func([]int) *G.Node { return nil }},
		{"the wrong shape", "shape", func([]int) *G.Node { return node(r, 3, 2) }},
		{"the wrong type", "float32", func(shape []int) *G.Node { return typed(tensor.Float32, shape...) }},
		{"another graph", "graph", func(shape []int) *G.Node { return node(other, shape...) }},
	} {
		x := relax.Draw{Value: m.node(l.value), Logit: m.node(l.logit), Hard: m.node(l.hard)}
		attempt(t, "LogProb of a draw of "+m.what, logProb(parameters(), x), m.words)
	}
}

// attempt reports what is no error, what panics, and what does not say all of words.
func attempt(t *testing.T, what string, f func() (*G.Node, error), words ...string) error {
	t.Helper()
	defer func() {
		if p := recover(); p != nil {
			t.Errorf("%s: panic: %v", what, p)
		}
	}()
	n, err := f()
	if err == nil || n != nil {
		t.Errorf("%s: node %v, error %v", what, n, err)
		return err
	}
	for _, w := range append(words, "relax: ") {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: error %q does not say %q", what, err, w)
		}
	}
	return err
}

// TestTemperature covers constant temperatures and the default.
func TestTemperature(t *testing.T) {
	r := newRig[float64](t)
	like := r.input(make([]float64, 6), 2, 3).node
	for _, τ := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e-300, 1e300} {
		attempt(t, fmt.Sprintf("temperature %g", τ), func() (*G.Node, error) { return relax.Temperature(like, τ) }, "temperature", fmt.Sprint(τ))
	}
	attempt(t, "temperature like nothing", func() (*G.Node, error) { return relax.Temperature(nil, 1) }, "temperature", "nil")

	for _, τ := range []float64{1e-30, 0.5, 1e30} {
		if got := r.compile(r.node(relax.Temperature(like, τ)))()[0][0]; got != τ {
			t.Errorf("temperature %g, want %g", got, τ)
		}
	}
	single := newRig[float32](t)
	like32 := single.input(make([]float64, 6), 2, 3).node
	n := single.node(relax.Temperature(like32, 1e-30))
	if got := single.compile(n)()[0][0]; n.Dtype() != tensor.Float32 || got != float64(float32(1e-30)) {
		t.Errorf("temperature %g of type %v, want %g of float32", got, n.Dtype(), float32(1e-30))
	}
}

// TestDefaults compares zero fields with what they stand for.
func TestDefaults(t *testing.T) {
	r := newRig[float64](t)
	logits := r.input([]float64{-1, 0.3, 2, 0, 1, -2}, 2, 3).node
	ε := r.input([]float64{0.3, -2, 1, 2, -1.5, 0.1}, 2, 3).node
	τ := r.input([]float64{2. / 3}).node
	for _, pair := range [][2]relax.Distribution{
		{relax.RelaxedBernoulli{Logits: logits}, relax.RelaxedBernoulli{Logits: logits, Temperature: τ}},
		{relax.RelaxedCategorical{Logits: logits}, relax.RelaxedCategorical{Logits: logits, Temperature: τ}},
		{relax.HardConcrete{Logits: logits}, relax.HardConcrete{Logits: logits, Temperature: τ, Gamma: -0.1, Zeta: 1.1}},
		{
			relax.StraightThroughBernoulli{Logits: logits},
			relax.StraightThroughBernoulli{Logits: logits, Rule: relax.STSigmoid},
		},
	} {
		var outs G.Nodes
		for _, d := range pair {
			x, err := d.Rsample(ε)
			if err != nil {
				t.Fatal(err)
			}
			outs = append(outs, x.Value, r.node(d.LogProb(x)))
		}
		got := r.compile(outs...)()
		if !slices.Equal(got[0], got[2]) || !slices.Equal(got[1], got[3]) {
			t.Errorf("%T: %v, with defaults spelt out %v", pair[0], got[:2], got[2:])
		}
	}
	attempt(t, "an unknown rule", func() (*G.Node, error) {
		x, err := relax.StraightThroughBernoulli{Logits: logits, Rule: 7}.Rsample(ε)
		return x.Value, err
	}, "rule 7")
	one := r.input(make([]float64, 2), 2, 1).node
	attempt(t, "the density of one class", func() (*G.Node, error) {
		return relax.RelaxedCategorical{Logits: one}.LogProb(relax.Draw{Logit: one})
	}, "at least 2")
	for _, s := range subjects { // a distribution without parameters lists no noise, and says so
		if got := s.build(make(G.Nodes, len(s.params))).Noise(); got != nil {
			t.Errorf("%s without parameters: noise %v", s.name, got)
		}
	}
}
