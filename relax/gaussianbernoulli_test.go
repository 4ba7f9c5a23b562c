package relax_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// gaussianAtoms are logarithms of P(z = 0), P(z = 1) and P(b = 1) from 50-digit arithmetic.
var gaussianAtoms = []struct{ μ, σ, zero, one, bit float64 }{
	{0.5, 0.5, -1.84102164500926, -1.84102164500926, -0.693147180559945},
	{10, 0.5, -203.917155371097, 0, 0},
	{-3, 0.25, 0, -131.69539607376, -101.56303440745},
	{0.2, 1, -0.865739522681595, -1.55185131918778, -0.962102818168851},
}

// TestGaussianAtoms covers probabilities that float32 does not know too.
func TestGaussianAtoms(t *testing.T) {
	checkGaussianAtoms[float64](t, 1e-14)
	checkGaussianAtoms[float32](t, 1e-6)
}

func checkGaussianAtoms[T op.Float](t *testing.T, tol float64) {
	for _, c := range gaussianAtoms {
		r := newRig[T](t)
		d := relax.GaussianRelaxedBernoulli{Mu: r.input([]float64{c.μ}, 1, 1).node, Sigma: r.input([]float64{c.σ}).node}
		zero, one := r.input([]float64{0}, 1, 1).node, r.input([]float64{1}, 1, 1).node
		got := r.compile(
			r.node(d.LogProb(relax.Draw{Value: zero})),
			r.node(d.LogProb(relax.Draw{Value: one})),
			r.node(d.Discrete().LogProb(relax.Draw{Value: one})),
		)()
		for i, want := range []float64{c.zero, c.one, c.bit} {
			if !near(got[i][0], want, tol) {
				t.Errorf("μ = %g, σ = %g: log %s = %.15g, want %.15g within %.0g", c.μ, c.σ,
					[]string{"P(z=0)", "P(z=1)", "P(b=1)"}[i], got[i][0], want, tol)
			}
		}
	}
}

// TestGaussianGates covers P(z > 0) with its derivatives, the test-time gate and the default scale.
func TestGaussianGates(t *testing.T) {
	μ := []float64{-20, -0.7, 0.01, 0.3, 0.99, 1.5, 50}
	for _, σ := range []float64{0.5, 0.2, 3} {
		r := newRig[float64](t)
		in, scale := r.input(μ, 1, len(μ)), r.input([]float64{σ})
		d := relax.GaussianRelaxedBernoulli{Mu: in.node, Sigma: scale.node}
		p, gate := r.node(d.ProbNonZero()), r.node(d.TestGate())
		var outs G.Nodes
		for _, n := range []*G.Node{p, gate} {
			grads, err := autodiff.Gradient(r.node(op.SumAll(n)), in.node, scale.node)
			if err != nil {
				t.Fatal(err)
			}
			outs = append(outs, n, grads[0], grads[1])
		}
		plain := r.node(relax.GaussianRelaxedBernoulli{Mu: in.node}.ProbNonZero())
		got := r.compile(append(outs, plain)...)()
		dσ := 0.0
		for i, m := range μ {
			slope := phi(m/σ) / σ
			dσ -= slope * m / σ
			open := 0.0
			if m > 0 && m < 1 {
				open = 1
			}
			for j, want := range map[int]float64{0: normalCDF(m / σ), 1: slope, 3: min(1, max(0, m)), 4: open, 6: normalCDF(m / 0.5)} {
				if !near(got[j][i], want, 1e-14) {
					t.Errorf("μ = %g, σ = %g: %s = %.15g, want %.15g", m, σ,
						[]string{"P(z>0)", "∂P/∂μ", "", "test gate", "its slope", "", "P(z>0) at the default σ"}[j], got[j][i], want)
				}
			}
		}
		if !near(got[2][0], dσ, 1e-13) || got[5][0] != 0 {
			t.Errorf("σ = %g: Σ ∂P/∂σ = %.15g and Σ ∂gate/∂σ = %g, want %.15g and 0", σ, got[2][0], got[5][0], dσ)
		}
	}
}

// TestGaussianUnclipped compares the law before clipping with Normal, and its divergence, which bounds that of the
// gates, with quadrature.
func TestGaussianUnclipped(t *testing.T) {
	for _, name := range []string{"GaussianRelaxedBernoulli", "GaussianRelaxedBernoulli/one scale"} {
		s := named(t, name)
		shape := []int{3, 2}
		θ, ε := random(s, shape, 500)
		d := sample[float64](t, s, shape, θ, ε)
		gaussian, err := d.dist.(relax.GaussianRelaxedBernoulli).Gaussian()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(gaussian.Sigma.Shape(), shape) {
			t.Fatalf("%s: scale of shape %v", name, gaussian.Sigma.Shape())
		}
		x, more := d.compileDraw(d.node(gaussian.LogProb(relax.Draw{Value: d.draw.Logit})))()
		θs, _ := d.variables()
		for row := range 3 {
			want := 0.0
			for i := 2 * row; i < 2*row+2; i++ {
				r := (x.logit[i] - θs[i][0][0]) / θs[i][1][0]
				want += math.Log(phi(r) / θs[i][1][0])
			}
			if !near(more[0][row], want, 1e-14) {
				t.Errorf("%s: log-density %.15g before clipping, want %.15g", name, more[0][row], want)
			}
		}
	}

	s := named(t, "GaussianRelaxedBernoulli")
	θq, θp := [][]float64{{0.8}, {0.4}}, [][]float64{{0.5}, {0.5}}
	xs, w := s.cover(θq)
	lq, lp := logProbs(t, s, θq, xs), logProbs(t, s, θp, xs)
	gates := 0.0
	for i := range xs {
		gates += w[i] * math.Exp(lq[i]) * (lq[i] - lp[i])
	}
	r := newRig[float64](t)
	_, q := build(r, s, []int{1, 1}, θq)
	_, p := build(r, s, []int{1, 1}, θp)
	a, err := q.(relax.GaussianRelaxedBernoulli).Gaussian()
	if err != nil {
		t.Fatal(err)
	}
	b, err := p.(relax.GaussianRelaxedBernoulli).Gaussian()
	if err != nil {
		t.Fatal(err)
	}
	bound := r.compile(r.node(relax.KL(a, b)))()[0][0]
	if want := (0.64+0.36-1)/2 - math.Log(0.8); !near(bound, want, 1e-14) { // ½(r² + shift² − 1) − log r, r = 0.8, shift 0.6
		t.Errorf("KL before clipping %.15g, want %.15g", bound, want)
	}
	if !(gates > 0 && gates < bound) {
		t.Errorf("KL of the gates is %.6f, that before clipping %.6f, which should bound it", gates, bound)
	}
}

func TestGaussianMistakes(t *testing.T) {
	r := newRig[float64](t)
	μ, column := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 3), 3, 1).node
	foreign := newRig[float64](t).input([]float64{1}).node
	for _, c := range []struct {
		d    relax.GaussianRelaxedBernoulli
		what string
	}{
		{relax.GaussianRelaxedBernoulli{}, "Mu is nil"},
		{relax.GaussianRelaxedBernoulli{Sigma: μ}, "Mu is nil"},
		{relax.GaussianRelaxedBernoulli{Mu: μ, Sigma: column}, "a scalar or have Mu's shape"},
		{relax.GaussianRelaxedBernoulli{Mu: μ, Sigma: foreign}, "graph"},
	} {
		d, what := c.d, c.what
		attempt(t, "ProbNonZero", d.ProbNonZero, what)
		attempt(t, "TestGate", d.TestGate, what)
		attempt(t, "Gaussian", func() (*G.Node, error) { n, err := d.Gaussian(); return n.Mu, err }, what)
		testDiscreteErrors(t, d, "GaussianRelaxedBernoulli", what)
	}
	q, p := relax.GaussianRelaxedBernoulli{Mu: μ}, relax.GaussianRelaxedBernoulli{Mu: r.input(make([]float64, 6), 2, 3).node}
	err := attempt(t, "KL", func() (*G.Node, error) { return relax.KL(q, p) }, "GaussianRelaxedBernoulli‖GaussianRelaxedBernoulli")
	if !errors.Is(err, relax.ErrNoKL) {
		t.Errorf("error %v is not ErrNoKL", err)
	}
	attempt(t, "SampleKL", func() (*G.Node, error) { return relax.SampleKL(q, p, relax.Draw{Value: μ}) }, "jumps", "Gaussian distributions")
	attempt(t, "SampleKL of pointers", func() (*G.Node, error) { return relax.SampleKL(&q, &p, relax.Draw{Value: μ}) }, "jumps")
}
