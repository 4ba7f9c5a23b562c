package relax_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// named is the subject of that name.
func named(t *testing.T, name string) subject {
	t.Helper()
	i := slices.IndexFunc(subjects, func(s subject) bool { return s.name == name })
	if i < 0 {
		t.Fatalf("no subject %q", name)
	}
	return subjects[i]
}

// TestRelaxedBernoulliKL compares with δ coth(δ/2) − 2 to seven digits, and near zero with the series
// δ²/6 − δ⁴/360.
func TestRelaxedBernoulliKL(t *testing.T) {
	δs := []float64{0.5, 2, 5, -5, 0, 1e-4, 1e-2, 100}
	r := newRig[float64](t)
	q := r.input(δs, len(δs), 1)
	p := r.input(make([]float64, len(δs)), len(δs), 1)
	kl := r.node(relax.KL(relax.RelaxedBernoulli{Logits: q.node}, relax.RelaxedBernoulli{Logits: p.node}))
	got := r.compile(kl)()[0]
	for i, δ := range δs {
		want, tol := δ*δ/6-δ*δ*δ*δ/360, 1e-14 // next term of the series: 10⁻¹⁶ at 0.01
		switch math.Abs(δ) {
		case 0.5:
			want, tol = .0414941, 5e-8
		case 2:
			want, tol = .6260706, 5e-8
		case 5:
			want, tol = 3.0678365, 5e-8
		case 100:
			want, tol = 98, 1e-12
		}
		if !(math.Abs(got[i]-want) <= tol) {
			t.Errorf("δ = %g: KL = %.12g, want %.12g within %.0g", δ, got[i], want, tol)
		}
	}
}

// klPairs are the pairs with a closed form: the names of two subjects.
var klPairs = [][2]string{
	{"Bernoulli", "Bernoulli"},
	{"Categorical", "Categorical"},
	{"Normal", "Normal"},
	{"RelaxedBernoulli", "RelaxedBernoulli"},
	{"HardConcrete", "HardConcrete"},
	{"StraightThroughBernoulli/STSigmoid", "StraightThroughBernoulli/STIdentity"},
	{"StraightThroughBernoulli/STSigmoid", "Bernoulli"},
	{"Bernoulli", "StraightThroughBernoulli/STSigmoid"},
	{"RelaxedCategorical/StraightThrough", "RelaxedCategorical/StraightThrough"},
	{"RelaxedCategorical/StraightThrough", "Categorical"},
	{"DecoupledStraightThrough", "DecoupledStraightThrough"},
	{"DecoupledStraightThrough", "Categorical"},
	{"Categorical", "DecoupledStraightThrough"},
}

// share makes the scalars of p, which are temperatures, those of q.
func share[V any](s subject, q, p []V) {
	for i := range q {
		if s.params[i].scalar && i < len(p) {
			p[i] = q[i]
		}
	}
}

// TestKL compares closed forms with sums or quadrature over everything there is, and their gradients with finite
// differences. The parameters of p come with and without a batch axis.
func TestKL(t *testing.T) {
	for _, pair := range klPairs {
		q, p := named(t, pair[0]), named(t, pair[1])
		t.Run(pair[0]+"‖"+pair[1], func(t *testing.T) {
			for seed := range uint64(3) {
				θq, θp := triple(q, seed+100), triple(p, seed+200)
				share(q, θq, θp)
				xs, w := q.cover(θq)
				lq, lp := logProbs(t, q, θq, xs), logProbs(t, p, θp, xs)
				want := 0.0
				for i := range xs {
					want += w[i] * math.Exp(lq[i]) * (lq[i] - lp[i])
				}
				const tol = 1e-9 // of the quadrature
				size := len(θq[0])
				for _, batch := range []int{1, 3} {
					for _, shared := range []bool{false, true} {
						r := newRig[float64](t)
						qs, qd := build(r, q, []int{batch, size}, repeated(q, θq, batch))
						shape, rows := []int{batch, size}, batch
						if shared {
							shape, rows = []int{size}, 1
						}
						ps, _ := build(r, p, shape, repeated(p, θp, rows))
						share(q, qs, ps)
						kl := r.node(relax.KL(qd, p.build(nodes(ps))))
						if !slices.Equal(kl.Shape(), []int{batch}) {
							t.Fatalf("shape %v, want one number per row", kl.Shape())
						}
						for i, got := range r.compile(kl)()[0] {
							if !near(got, want, tol) {
								t.Errorf("batch %d, prior of shape %v, row %d: KL = %.12g, want %.12g within %.0g", batch, shape, i, got, want, tol)
							}
						}
						loss, _ := r.projection(kl, rand.New(rand.NewPCG(seed, 7)))
						compareGradient(t, q, r, qs, loss, loss)
						compareGradient(t, p, r, ps, loss, loss)
					}
				}
			}
		})
	}
}

// TestKLEvent adds up over several event axes.
func TestKLEvent(t *testing.T) {
	for _, name := range []string{"Bernoulli", "Categorical", "Normal", "RelaxedBernoulli"} {
		s := named(t, name)
		shape := []int{2, 3, 4}
		θq, _ := random(s, shape, 300)
		θp, _ := random(s, shape[1:], 301)
		share(s, θq, θp)
		r := newRig[float64](t)
		_, q := build(r, s, shape, θq)
		ps, _ := build(r, s, shape[1:], θp)
		// The same numbers as rows of one variable each.
		size := s.size(shape)
		rows := 24 / size
		flatQ, flatP := slices.Clone(θq), slices.Clone(θp)
		for i := range flatP {
			if !s.params[i].scalar {
				flatP[i] = slices.Repeat(flatP[i], 2)
			}
		}
		qs, flat := build(r, s, []int{rows, size}, flatQ)
		fs, _ := build(r, s, []int{rows, size}, flatP)
		share(s, qs, fs)
		if len(qs) > 1 && s.params[1].scalar {
			ps[1] = qs[1]
			q = relax.RelaxedBernoulli{Logits: q.(relax.RelaxedBernoulli).Logits, Temperature: qs[1].node}
		}
		got := r.compile(r.node(relax.KL(q, s.build(nodes(ps)))), r.node(relax.KL(flat, s.build(nodes(fs)))))()
		for b := range 2 {
			want := 0.0
			for _, v := range got[1][b*rows/2 : (b+1)*rows/2] {
				want += v
			}
			if !near(got[0][b], want, 1e-12) {
				t.Errorf("%s: KL of row %d = %.15g, its variables add up to %.15g", name, b, got[0][b], want)
			}
		}
	}
}

func TestKLErrors(t *testing.T) {
	r := newRig[float64](t)
	a, b := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 6), 2, 3).node
	τ1, τ2 := r.input([]float64{1}).node, r.input([]float64{1}).node
	half := r.node(relax.Temperature(a, 0.5))
	third := r.node(relax.Temperature(a, 1./3))
	relaxed := func(logits, τ *G.Node) relax.Distribution {
		return relax.RelaxedBernoulli{Logits: logits, Temperature: τ}
	}
	for _, c := range []struct {
		q, p  relax.Distribution
		words []string
	}{
		{relaxed(a, τ1), relaxed(b, τ2), []string{"RelaxedBernoulli‖RelaxedBernoulli", "temperature"}},
		{relaxed(a, half), relaxed(b, third), []string{"temperature"}},
		{relaxed(a, nil), relaxed(b, half), []string{"temperature"}},
		{relaxed(a, nil), relax.Bernoulli{Logits: b}, []string{"RelaxedBernoulli‖Bernoulli"}},
		{relax.Bernoulli{Logits: a}, relaxed(b, nil), []string{"Bernoulli‖RelaxedBernoulli"}},
		{relax.Bernoulli{Logits: a}, relax.Categorical{Logits: b}, []string{"Bernoulli‖Categorical"}},
		{relax.HardConcrete{Logits: a, Temperature: τ1}, relax.HardConcrete{Logits: b, Temperature: τ2}, []string{"HardConcrete‖HardConcrete", "temperature"}},
		{relax.HardConcrete{Logits: a, Gamma: -0.1, Zeta: 1.2}, relax.HardConcrete{Logits: b}, []string{"HardConcrete‖HardConcrete", "stretch", "(-0.1, 1.2)", "(-0.1, 1.1)"}},
		{relax.HardConcrete{Logits: a}, relax.RelaxedBernoulli{Logits: b}, []string{"HardConcrete‖RelaxedBernoulli"}},
		{relax.RelaxedCategorical{Logits: a}, relax.RelaxedCategorical{Logits: b}, []string{"RelaxedCategorical‖RelaxedCategorical"}},
		{relax.RelaxedCategorical{Logits: a, StraightThrough: true}, relax.RelaxedCategorical{Logits: b}, []string{"Categorical‖RelaxedCategorical"}},
		{relax.Bernoulli{Logits: a}, nil, []string{"Bernoulli‖<nil>"}},
		{nil, nil, []string{"<nil>‖<nil>"}},
		{&relax.Bernoulli{Logits: a}, &relax.Bernoulli{Logits: b}, []string{"*Bernoulli‖*Bernoulli"}},
	} {
		err := attempt(t, fmt.Sprintf("KL(%T‖%T)", c.q, c.p), func() (*G.Node, error) { return relax.KL(c.q, c.p) }, c.words...)
		if !errors.Is(err, relax.ErrNoKL) {
			t.Errorf("KL(%T‖%T): error %v is not ErrNoKL", c.q, c.p, err)
		}
	}

	vector, narrow := r.input(make([]float64, 3), 3).node, r.input(make([]float64, 4), 2, 2).node
	for _, c := range []struct {
		q, p relax.Distribution
		word string
	}{
		{relax.Bernoulli{}, relax.Bernoulli{Logits: b}, "nil"},
		{relax.Bernoulli{Logits: a}, relax.Bernoulli{}, "nil"},
		{relax.Bernoulli{Logits: vector}, relax.Bernoulli{Logits: vector}, "batch"},
		{relax.Bernoulli{Logits: a}, relax.Bernoulli{Logits: narrow}, "shape"},
		{relax.Categorical{Logits: a}, relax.Categorical{Logits: narrow}, "shape"},
		{relax.Normal{Mu: a, Sigma: b}, relax.Normal{Mu: a}, "Sigma"},
		{relax.Normal{Mu: a}, relax.Normal{Mu: a, Sigma: b}, "Sigma"},
		{relax.Normal{Mu: a, Sigma: b}, relax.Normal{Mu: narrow, Sigma: b}, "Mu"},
		{relaxed(nil, τ1), relaxed(b, τ1), "nil"},
		{relaxed(a, τ1), relaxed(nil, τ1), "nil"},
		{relaxed(a, vector), relaxed(b, vector), "scalar"},
		{relaxed(a, τ1), relaxed(narrow, τ1), "shape"},
		{relax.HardConcrete{}, relax.HardConcrete{Logits: b}, "nil"},
		{relax.HardConcrete{Logits: a}, relax.HardConcrete{Logits: narrow}, "shape"},
		{relax.HardConcrete{Logits: a, Gamma: 0.1, Zeta: 1.1}, relax.HardConcrete{Logits: b}, "γ < 0"},
		{relax.HardConcrete{Logits: a}, relax.HardConcrete{Logits: b, Gamma: 0.1, Zeta: 1.1}, "γ < 0"},
	} {
		attempt(t, fmt.Sprintf("KL(%+v‖%+v)", c.q, c.p), func() (*G.Node, error) { return relax.KL(c.q, c.p) }, c.word)
	}

	// Constants of one value are one temperature, the default included.
	again := r.node(relax.Temperature(b, 0.5))
	def := r.node(relax.Temperature(b, 2./3))
	for _, pair := range [][2]*G.Node{{half, again}, {nil, nil}, {nil, def}, {τ1, τ1}} {
		if _, err := relax.KL(relaxed(a, pair[0]), relaxed(b, pair[1])); err != nil {
			t.Errorf("temperatures %v and %v: %v", pair[0], pair[1], err)
		}
	}
}

// sampleKL draws n times and returns the estimate and its gradient with respect to q's logits for each draw.
func sampleKL(t *testing.T, s subject, θq, θp [][]float64, n int) (estimates []float64, gradients [][]float64) {
	t.Helper()
	size := len(θq[0])
	shape := []int{n, size}
	_, ε := random(s, shape, 400)
	d := sample[float64](t, s, shape, repeated(s, θq, n), ε)
	ps, _ := build(d.rig, s, shape, repeated(s, θp, n))
	kl := d.node(relax.SampleKL(d.dist, s.build(nodes(ps)), d.draw))
	grads, err := autodiff.Gradient(d.node(op.SumAll(kl)), d.params[0].node)
	if err != nil {
		t.Fatal(err)
	}
	got := d.compile(kl, grads[0])()
	for i := range size {
		var column []float64
		for j := range n {
			column = append(column, got[1][j*size+i])
		}
		gradients = append(gradients, column)
	}
	return got[0], gradients
}

// TestSampleKL compares the mean of one-sample estimates with quadrature, and the mean of their gradients with finite
// differences of it; temperatures may differ.
func TestSampleKL(t *testing.T) {
	logs := func(p ...float64) []float64 {
		for i := range p {
			p[i] = math.Log(p[i])
		}
		return p
	}
	for _, c := range []struct {
		name   string
		θq, θp [][]float64
		oracle float64 // to four digits; NaN: quadrature alone
	}{
		{"RelaxedBernoulli", [][]float64{{0.5}, {0.4}}, [][]float64{{-1.5}, {0.4}}, .62607},
		{"RelaxedBernoulli", [][]float64{{0.5}, {0.4}}, [][]float64{{-0.3}, {0.9}}, math.NaN()},
		// For one temperature the divergence is −Σ log r + K(Σ w log r − γ − ψ(K)) with r = α_q/α_p and
		// w_i = Π_{j≠i} r_i/(r_i−r_j), whatever the temperature.
		{"RelaxedCategorical", [][]float64{logs(.5, .3, .2), {0.7}}, [][]float64{logs(.2, .2, .6), {0.7}}, .8471},
		{"RelaxedCategorical", [][]float64{logs(.5, .3, .2), {0.7}}, [][]float64{logs(.3, .3, .4), {0.5}}, math.NaN()},
		{"Normal", [][]float64{{0.3}, {0.8}}, [][]float64{{-0.2}, {1.5}}, math.NaN()},
	} {
		s := named(t, c.name)
		quadrature := func() float64 {
			xs, w := s.cover(c.θq)
			lq, lp := logProbs(t, s, c.θq, xs), logProbs(t, s, c.θp, xs)
			kl := 0.0
			for i := range xs {
				kl += w[i] * math.Exp(lq[i]) * (lq[i] - lp[i])
			}
			return kl
		}
		want := quadrature()
		if !math.IsNaN(c.oracle) && !(math.Abs(want-c.oracle) < 6e-5) {
			t.Errorf("%s: quadrature gives %.6f, the closed form %.5g", c.name, want, c.oracle)
		}
		n := 40000
		if testing.Short() {
			n = 10000
		}
		estimates, gradients := sampleKL(t, s, c.θq, c.θp, n)
		if mean, se := meanError(estimates); !(math.Abs(mean-want) < 4*se) {
			t.Errorf("%s %v‖%v: mean estimate %.5f, want %.5f within 4·%.2g", c.name, c.θq, c.θp, mean, want, se)
		}
		slopes := differences(quadrature, c.θq[0])
		for i, g := range gradients {
			if mean, se := meanError(g); !(math.Abs(mean-slopes[i]) < 4*se) {
				t.Errorf("%s %v‖%v: mean gradient %.5f, want %.5f within 4·%.2g", c.name, c.θq, c.θp, mean, slopes[i], se)
			}
		}
	}
}

func TestSampleKLErrors(t *testing.T) {
	r := newRig[float64](t)
	a, b := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 6), 2, 3).node
	x := relax.Draw{Value: a, Logit: a, Hard: a}
	for _, c := range []struct {
		q, p  relax.Distribution
		x     relax.Draw
		words []string
	}{
		{relax.HardConcrete{Logits: a}, relax.HardConcrete{Logits: b}, x, []string{"HardConcrete", "jumps", "Concrete"}},
		{&relax.HardConcrete{Logits: a}, &relax.HardConcrete{Logits: b}, x, []string{"HardConcrete", "jumps"}},
		{relax.RelaxedBernoulli{Logits: a}, relax.Bernoulli{Logits: b}, x, []string{"RelaxedBernoulli‖Bernoulli"}},
		{relax.RelaxedCategorical{Logits: a, StraightThrough: true}, relax.RelaxedCategorical{Logits: b}, x, []string{"one kind"}},
		{relax.RelaxedBernoulli{Logits: a}, nil, x, []string{"<nil>"}},
		{nil, nil, x, []string{"<nil>"}},
		{relax.RelaxedBernoulli{Logits: a}, relax.RelaxedBernoulli{Logits: b}, relax.Draw{}, []string{"nil"}},
		{relax.RelaxedBernoulli{Logits: a}, relax.RelaxedBernoulli{}, x, []string{"nil"}},
	} {
		attempt(t, fmt.Sprintf("SampleKL(%T‖%T)", c.q, c.p), func() (*G.Node, error) { return relax.SampleKL(c.q, c.p, c.x) }, c.words...)
	}
}
