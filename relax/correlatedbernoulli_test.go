package relax_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/op"
	"relaxgo/relax"
)

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// TestCopula compares the dependence of uniform variables, of latent normal ones and of bits with what a Gaussian copula
// of correlation ρ has: corr(U) = (6/π) arcsin(ρ/2), corr(v) = ρ, P(both on) = ¼ + arcsin(ρ)/2π for fair bits, and
// corr(bits) = (2/π) arcsin ρ.
func TestCopula(t *testing.T) {
	const n = 20000
	for _, ρ := range []float64{0.3, 0.5, 0.7, -0.8} {
		θ := [][]float64{{0, 0}, {0.7}, {1, 0, ρ, math.Sqrt(1 - ρ*ρ)}}
		var u, v [2][]float64
		var both, product []float64
		for _, x := range draws(t, correlated, θ, n, fmt.Sprint("copula", ρ)) {
			latent, _ := whitened(θ, x)
			for i := range 2 {
				v[i] = append(v[i], latent[i])
				u[i] = append(u[i], normalCDF(latent[i]))
			}
			both = append(both, x.hard[0]*x.hard[1])
			product = append(product, (2*x.hard[0]-1)*(2*x.hard[1]-1))
		}
		for _, c := range []struct {
			what      string
			got, want float64
		}{
			{"corr(U)", stat.Correlation(u[0], u[1], nil), 6 / math.Pi * math.Asin(ρ/2)},
			{"corr(v)", stat.Correlation(v[0], v[1], nil), ρ},
		} {
			if se := 1 / math.Sqrt(n); !(math.Abs(c.got-c.want) < 4*se) { // of a correlation near 0; smaller elsewhere
				t.Errorf("ρ = %g: %s = %.4f, want %.4f within 4·%.2g", ρ, c.what, c.got, c.want, se)
			}
		}
		pair := 0.25 + math.Asin(ρ)/(2*math.Pi)
		if want, known := map[float64]float64{.3: .298493, .5: 1. / 3, .7: .373408}[ρ]; known && !(math.Abs(pair-want) < 1e-6) {
			t.Fatalf("ρ = %g: P(both on) = %.6f, want %.6f", ρ, pair, want)
		}
		for _, c := range []struct {
			what   string
			series []float64
			want   float64
		}{{"P(both on)", both, pair}, {"corr(bits)", product, 2 / math.Pi * math.Asin(ρ)}} {
			if mean, se := meanError(c.series); !(math.Abs(mean-c.want) < 4*se) {
				t.Errorf("ρ = %g: %s = %.4f, want %.4f within 4·%.2g", ρ, c.what, mean, c.want, se)
			}
		}
	}
}

// TestAppendixDemo draws from the report's demonstration, π and R at τ = 0.1: the gates have marginals π, and their
// correlations are those of the orthant probabilities.
func TestAppendixDemo(t *testing.T) {
	n := 40000
	if testing.Short() {
		n = 10000
	}
	l := factorOf(t, demo)
	for _, c := range []struct{ π, corr []float64 }{
		{[]float64{.2, .4, .4}, []float64{.29584, .17182, .49011}},
		{[]float64{.3, .5, .2}, []float64{.31256, .17087, .39605}},
	} {
		θ := [][]float64{{logit(c.π[0]), logit(c.π[1]), logit(c.π[2])}, {0.1}, l}
		gates := make([][]float64, 3)
		for _, x := range draws(t, correlated, θ, n, "demo") {
			for i := range gates {
				gates[i] = append(gates[i], x.hard[i])
				if round := math.Round(x.value[i]); round != x.hard[i] {
					t.Fatalf("gate %g, hard %g", x.value[i], x.hard[i])
				}
			}
		}
		for i, p := range c.π {
			if mean, se := meanError(gates[i]); !(math.Abs(mean-p) < 3*se) {
				t.Errorf("π = %v: gate %d is on with frequency %.4f, want %.2f within 3·%.2g", c.π, i, mean, p, se)
			}
		}
		p := orthants(θ)
		for k, pair := range [][2]int{{0, 1}, {0, 2}, {1, 2}} {
			i, j := pair[0], pair[1]
			both := 0.0
			for number, q := range p {
				both += q * float64(number>>(2-i)&1*(number>>(2-j)&1))
			}
			σ := math.Sqrt(c.π[i] * (1 - c.π[i]) * c.π[j] * (1 - c.π[j]))
			if exact := (both - c.π[i]*c.π[j]) / σ; !(math.Abs(exact-c.corr[k]) < 6e-6) {
				t.Errorf("π = %v: correlation of gates %v by quadrature %.6f, want %.5f", c.π, pair, exact, c.corr[k])
			}
			var products []float64
			for row := range gates[i] {
				products = append(products, (gates[i][row]-c.π[i])*(gates[j][row]-c.π[j])/σ)
			}
			if mean, se := meanError(products); !(math.Abs(mean-c.corr[k]) < 3*se) {
				t.Errorf("π = %v: correlation of gates %v %.4f, want %.5f within 3·%.2g", c.π, pair, mean, c.corr[k], se)
			}
		}
	}
}

// TestCorrelatedIdentity: with the identity the distribution is RelaxedBernoulli, at the same logistic noise.
func TestCorrelatedIdentity(t *testing.T) {
	shape := []int{3, 2, 4}
	θ, ε := random(correlated, shape, 720)
	θ[2] = []float64{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}
	d := sample[float64](t, correlated, shape, θ, ε)
	logistic := make([]float64, len(ε))
	for i, v := range ε {
		logistic[i] = normalLogit(v)
	}
	plain := relax.RelaxedBernoulli{Logits: d.params[0].node, Temperature: d.params[1].node}
	x, err := plain.Rsample(d.input(logistic, shape...).node)
	if err != nil {
		t.Fatal(err)
	}
	draw, more := d.compileDraw(d.node(d.dist.LogProb(d.draw)), x.Value, x.Logit, x.Hard, d.node(plain.LogProb(x)))()
	for i, pair := range [][2][]float64{{draw.value, more[1]}, {draw.logit, more[2]}, {draw.hard, more[3]}, {more[0], more[4]}} {
		for j := range pair[0] {
			if !near(pair[0][j], pair[1][j], 1e-12) {
				t.Errorf("output %d: %.15g at %d, independent %.15g", i, pair[0][j], j, pair[1][j])
			}
		}
	}
}

// correlatedNodes puts a distribution of correlated bits of one variable into a rig, for n rows.
func correlatedNodes(r *rig[float64], θ [][]float64, n int) (relax.CorrelatedRelaxedBernoulli, []*leaf[float64]) {
	params, d := build(r, correlated, []int{n, len(θ[0])}, repeated(correlated, θ, n))
	return d.(relax.CorrelatedRelaxedBernoulli), params
}

// divergence is KL(q‖p) by quadrature.
func divergence(t *testing.T, q, p subject, θq, θp [][]float64) float64 {
	t.Helper()
	xs, w := q.cover(θq)
	lq, lp := logProbs(t, q, θq, xs), logProbs(t, p, θp, xs)
	kl := 0.0
	for i := range xs {
		kl += w[i] * math.Exp(lq[i]) * (lq[i] - lp[i])
	}
	return kl
}

// TestCorrelatedKL compares both closed forms with quadrature, and their gradients with finite differences.
func TestCorrelatedKL(t *testing.T) {
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(730, seed))
		θq := correlated.parameters([]int{1, 2}, rng)
		θp := [][]float64{θq[0], θq[1], randomFactor(2, rng)}
		want := divergence(t, correlated, correlated, θq, θp)
		for _, shape := range [][]int{{1, 2}, {3, 2}, {2, 3, 2}} {
			r := newRig[float64](t)
			rows := shape[0]
			groups := 1
			for _, s := range shape[1 : len(shape)-1] {
				groups *= s
			}
			logits := r.input(slices.Repeat(θq[0], rows*groups), shape...)
			τ, lq, lp := r.input(θq[1]), r.input(θq[2], 2, 2), r.input(θp[2], 2, 2)
			q := relax.CorrelatedRelaxedBernoulli{Logits: logits.node, Temperature: τ.node, Chol: lq.node}
			p := q
			p.Chol = lp.node
			kl := r.node(relax.KL(q, p))
			prior := r.input([]float64{0.3, -1}, 2)
			spread := r.node(op.SpreadBatch(prior.node, rows*groups))
			independent := relax.RelaxedBernoulli{Logits: r.node(op.Reshape(spread, shape...)), Temperature: τ.node}
			free := r.node(relax.KL(q, independent))
			got := r.compile(kl, free)()
			if len(got[0]) != rows || len(got[1]) != rows {
				t.Fatalf("shape %v: KLs of %d and %d rows", shape, len(got[0]), len(got[1]))
			}
			freeWant := divergence(t, correlated, correlated, θq, [][]float64{{0.3, -1}, θq[1], {1, 0, 0, 1}})
			for row := range rows {
				if !near(got[0][row], float64(groups)*want, 1e-8) || !near(got[1][row], float64(groups)*freeWant, 1e-8) {
					t.Errorf("shape %v: KL = %.12g and %.12g, want %.12g and %.12g", shape, got[0][row], got[1][row],
						float64(groups)*want, float64(groups)*freeWant)
				}
			}
			s := correlated
			s.params = append(slices.Clone(s.params), param{name: "p's Chol"}, param{name: "p's Logits"})
			for _, n := range []*G.Node{kl, free} {
				loss, _ := r.projection(n, rng)
				compareGradient(t, s, r, []*leaf[float64]{logits, τ, lq, lp, prior}, loss, loss)
			}
		}
		// The prior without a batch axis.
		r := newRig[float64](t)
		q, params := correlatedNodes(r, θq, 2)
		p := relax.RelaxedBernoulli{Logits: r.input([]float64{0, 0}, 2).node, Temperature: params[1].node}
		if got := r.compile(r.node(relax.KL(q, p)))()[0]; len(got) != 2 || got[0] != got[1] {
			t.Errorf("KL to a prior without batch axis: %v", got)
		}
	}
	// −½ log(1−ρ²) for the copula against independence.
	r := newRig[float64](t)
	q, params := correlatedNodes(r, [][]float64{{0, 0}, {1}, {1, 0, 0.6, 0.8}}, 1)
	p := relax.RelaxedBernoulli{Logits: params[0].node, Temperature: params[1].node}
	if got := r.compile(r.node(relax.KL(q, p)))()[0][0]; !near(got, -math.Log(0.8), 1e-14) {
		t.Errorf("KL to independence %.15g, want −log 0.8", got)
	}
}

func TestCorrelatedKLErrors(t *testing.T) {
	r := newRig[float64](t)
	a, b := r.input(make([]float64, 4), 2, 2).node, r.input(make([]float64, 4), 2, 2).node
	l, m := r.input([]float64{1, 0, 0.6, 0.8}, 2, 2).node, r.input([]float64{1, 0, 0, 1, 0, 0, 0, 0, 1}, 3, 3).node
	τ := r.input([]float64{1}).node
	q := relax.CorrelatedRelaxedBernoulli{Logits: a, Chol: l}
	for _, c := range []struct {
		q, p  relax.Distribution
		noKL  bool
		words []string
	}{
		{q, relax.CorrelatedRelaxedBernoulli{Logits: b, Chol: l}, true, []string{"logits", "CorrelatedRelaxedBernoulli‖CorrelatedRelaxedBernoulli"}},
		{q, relax.CorrelatedRelaxedBernoulli{Logits: a, Chol: l, Temperature: τ}, true, []string{"temperatures"}},
		{q, relax.RelaxedBernoulli{Logits: b, Temperature: τ}, true, []string{"temperatures"}},
		{relax.RelaxedBernoulli{Logits: b}, q, true, []string{"RelaxedBernoulli‖CorrelatedRelaxedBernoulli"}},
		{q.Discrete(), relax.Bernoulli{Logits: a}, true, []string{"CorrelatedBernoulli‖Bernoulli"}},
		{q, relax.CorrelatedRelaxedBernoulli{Logits: a, Chol: m}, false, []string{"p's Chol", "shape"}},
		{q, relax.CorrelatedRelaxedBernoulli{Logits: a}, false, []string{"p's Chol", "nil"}},
		{relax.CorrelatedRelaxedBernoulli{Logits: a}, q, false, []string{"Chol", "nil"}},
		{relax.CorrelatedRelaxedBernoulli{Logits: a}, relax.RelaxedBernoulli{Logits: b}, false, []string{"Chol", "nil"}},
		{q, relax.RelaxedBernoulli{}, false, []string{"nil"}},
	} {
		err := attempt(t, fmt.Sprintf("KL(%+v‖%+v)", c.q, c.p), func() (*G.Node, error) { return relax.KL(c.q, c.p) }, c.words...)
		if errors.Is(err, relax.ErrNoKL) != c.noKL {
			t.Errorf("KL(%+v‖%+v): error %v", c.q, c.p, err)
		}
	}
	if _, err := relax.SampleKL(q, relax.CorrelatedRelaxedBernoulli{Logits: b, Chol: l, Temperature: τ}, relax.Draw{Logit: a}); err != nil {
		t.Errorf("SampleKL of unequal logits and temperatures: %v", err)
	}
}

// TestCorrelatedBits covers the discrete law: its draws are the hard ones, its mean is σ(ℓ), its LogProb an error.
func TestCorrelatedBits(t *testing.T) {
	shape := []int{4, 2, 3}
	θ, ε := random(correlated, shape, 740)
	d := sample[float64](t, correlated, shape, θ, ε)
	bits := d.dist.(relax.Relaxation).Discrete().(relax.CorrelatedBernoulli)
	if specs := bits.Noise(); !slices.Equal(specs[0].Shape, shape) || specs[0].Kind != correlated.noise || len(specs) != 1 {
		t.Errorf("noise %v", specs)
	}
	x, err := bits.Rsample(d.eps.node)
	if err != nil {
		t.Fatal(err)
	}
	soft, more := d.compileDraw(x.Value, x.Hard, x.Logit, d.node(bits.Mean()))()
	for i := range ε {
		if more[0][i] != soft.hard[i] || more[1][i] != soft.hard[i] || (more[2][i] > 0) != (soft.hard[i] == 1) || !near(more[3][i], sigmoid(θ[0][i]), 1e-15) {
			t.Fatalf("bit %d: %g, %g, logit %g, mean %g; relaxed one %g", i, more[0][i], more[1][i], more[2][i], more[3][i], soft.hard[i])
		}
	}
	attempt(t, "LogProb of correlated bits", func() (*G.Node, error) { return bits.LogProb(x) }, "CorrelatedBernoulli", "closed form", "Conditional")

	foreign := newRig[float64](t).input(make([]float64, 9), 3, 3).node
	single := G.NewMatrix(d.graph, tensor.Float32, G.WithShape(3, 3), G.WithName("single"))
	for _, c := range []struct {
		bits  relax.CorrelatedBernoulli
		words string
	}{
		{relax.CorrelatedBernoulli{}, "Logits is nil"},
		{relax.CorrelatedBernoulli{Logits: bits.Logits}, "Chol is nil"},
		{relax.CorrelatedBernoulli{Logits: bits.Logits, Chol: bits.Logits}, "Chol has shape"},
		{relax.CorrelatedBernoulli{Logits: bits.Logits, Chol: foreign}, "graph"},
		{relax.CorrelatedBernoulli{Logits: bits.Logits, Chol: single}, "float32"},
		{relax.CorrelatedBernoulli{Logits: bits.Chol, Chol: bits.Chol}, "noise has shape"},
	} {
		attempt(t, "Rsample", func() (*G.Node, error) { x, err := c.bits.Rsample(d.eps.node); return x.Value, err }, c.words)
		attempt(t, "Conditional", func() (*G.Node, error) { b, err := c.bits.Conditional(d.eps.node); return b.Logits, err }, c.words)
		if c.words != "noise has shape" {
			attempt(t, "Mean", c.bits.Mean, c.words)
		}
	}
	attempt(t, "Conditional without noise", func() (*G.Node, error) { b, err := bits.Conditional(nil); return b.Logits, err }, "nil")
}

// TestConditional proves what the law of bits given the noise before them is for: for every outcome b, E 1[bits = b]/w is
// 1, which makes w an importance weight, and the mean of its divergence from independent bits lies between the exact
// divergence and that of the copula. With the identity it is the law itself.
func TestConditional(t *testing.T) {
	n := 20000
	if testing.Short() {
		n = 5000
	}
	prior := []float64{0.5, 0, -1}
	identity := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	for _, c := range []struct {
		name string
		θ    [][]float64
	}{
		{"demo", [][]float64{{logit(.3), logit(.5), logit(.2)}, {1}, factorOf(t, demo)}},
		{"both signs", [][]float64{{0.4, -0.2, 1}, {1}, {1, 0, 0, -0.28, 0.96, 0, 0.3, 0.4, math.Sqrt(0.75)}}},
		{"identity", [][]float64{{0.4, -0.2, 1}, {1}, identity}},
	} {
		shape := []int{n, 3}
		_, ε := random(correlated, shape, 750)
		d := sample[float64](t, correlated, shape, repeated(correlated, c.θ, n), ε)
		bits := d.dist.(relax.CorrelatedRelaxedBernoulli).Discrete().(relax.CorrelatedBernoulli)
		conditional, err := bits.Conditional(d.eps.node)
		if err != nil {
			t.Fatal(err)
		}
		p := relax.Bernoulli{Logits: d.input(prior, 3).node}
		lw := d.node(conditional.LogProb(relax.Draw{Value: d.draw.Hard}))
		marginal := d.node(relax.KL(relax.Bernoulli{Logits: bits.Logits}, p))
		x, more := d.compileDraw(lw, d.node(relax.KL(conditional, p)), marginal)()

		law := orthants(c.θ)
		weights := make([][]float64, len(law))
		for i, v := range split(x, n) {
			for b := range weights {
				hit := 0.0
				if correlated.outcome(v) == b {
					hit = math.Exp(-more[0][i])
				}
				weights[b] = append(weights[b], hit)
			}
		}
		for b := range weights {
			if mean, se := meanError(weights[b]); !(math.Abs(mean-1) < 4*se) {
				t.Errorf("%s: E 1[bits = %03b]/w = %.4f, want 1 within 4·%.2g", c.name, b, mean, se)
			}
		}
		exact := 0.0
		for b, q := range law {
			lp := 0.0
			for i, ℓ := range prior {
				lp += float64(b>>(2-i)&1)*ℓ - softplus(ℓ)
			}
			exact += q * (math.Log(q) - lp)
		}
		copula := more[2][0]
		for i := range 3 {
			copula -= math.Log(c.θ[2][4*i])
		}
		mean, se := meanError(more[1])
		if !(mean > exact-4*se-1e-12 && mean < copula+4*se+1e-12) {
			t.Errorf("%s: mean divergence %.5f ± %.2g, not between the exact one %.5f and the copula's %.5f", c.name, mean, se, exact, copula)
		}
		if c.name == "identity" {
			got := d.compile(conditional.Logits)()[0]
			for i, v := range got {
				if !near(v, c.θ[0][i%3], 1e-14) {
					t.Fatalf("logit %.15g, want %.15g", v, c.θ[0][i%3])
				}
			}
		} else if !(mean > exact+4*se && mean < copula-4*se) {
			t.Errorf("%s: the bound %.5f ± %.2g should lie strictly between %.5f and %.5f", c.name, mean, se, exact, copula)
		}
	}

	// Gradients, at fixed noise and with several vectors per row, and the formula itself.
	shape := []int{2, 2, 3}
	θ, ε := random(correlated, shape, 760)
	d := sample[float64](t, correlated, shape, θ, ε)
	bits := relax.CorrelatedBernoulli{Logits: d.params[0].node, Chol: d.params[2].node}
	conditional, err := bits.Conditional(d.eps.node)
	if err != nil {
		t.Fatal(err)
	}
	got := d.compile(conditional.Logits)()[0]
	for i := range got {
		k, start := i%3, i-i%3
		s := 0.0
		for j := range k {
			s += θ[2][3*k+j] * ε[start+j]
		}
		v, _ := whitened([][]float64{{0}, {1}, {1}}, variable{logit: θ[0][i : i+1]})
		if want := normalLogit((v[0] + s) / θ[2][4*k]); !near(got[i], want, 1e-12) {
			t.Errorf("logit %d = %.15g, want %.15g", i, got[i], want)
		}
	}
	loss, _ := d.projection(conditional.Logits, rand.New(rand.NewPCG(760, 1)))
	compareGradient(t, correlated, d.rig, d.params, loss, loss)
}
