package relax_test

import (
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// TestHardConcreteAtoms compares probabilities of exact zeros and ones with hand-computed ones, and with frequencies.
func TestHardConcreteAtoms(t *testing.T) {
	s := named(t, "HardConcrete")
	// Zeros below y = log(0.1/1.1) = −2.3978953, so that P(0) = σ(β·y − ℓ); ones above −y.
	for _, c := range []struct{ ℓ, β, zero, one float64 }{
		{0, 2. / 3, .1681778, .1681778},
		{1, 2. / 3, .0692288, .3546648},
		{-1, 1, .1981503, .0323613},
		{1.5, 0.2, .1213637, .7350546},
	} {
		θ := [][]float64{{c.ℓ}, {c.β}}
		const n = 20000
		zeros, ones := 0.0, 0.0
		for _, x := range draws(t, s, θ, n, "atoms") {
			switch x.value[0] {
			case 0:
				zeros++
			case 1:
				ones++
			}
		}
		lp := logProbs(t, s, θ, []variable{{value: []float64{0}, logit: []float64{-9}}, {value: []float64{1}, logit: []float64{9}}})
		for i, atom := range []struct{ p, frequency float64 }{{c.zero, zeros / n}, {c.one, ones / n}} {
			if got := math.Exp(lp[i]); !(math.Abs(got-atom.p) < 1e-7) {
				t.Errorf("ℓ = %g, β = %.3g: P(z = %d) = %.7f, want %.7f", c.ℓ, c.β, i, got, atom.p)
			}
			if se := math.Sqrt(atom.p * (1 - atom.p) / n); !(math.Abs(atom.frequency-atom.p) < 4*se) {
				t.Errorf("ℓ = %g, β = %.3g: frequency of %d is %.4f, want %.4f within 4·%.2g", c.ℓ, c.β, i, atom.frequency, atom.p, se)
			}
		}
	}
}

// TestHardConcreteGates covers what training and use need: P(z ≠ 0) with its derivative, and the test-time gate.
func TestHardConcreteGates(t *testing.T) {
	ℓ := []float64{-6, -2.3979, -1, 0, 0.5, 2.3979, 6, 50}
	for _, c := range []struct{ γ, ζ, β float64 }{{-0.1, 1.1, 2. / 3}, {-0.3, 1.05, 0.4}} {
		r := newRig[float64](t)
		in, β := r.input(ℓ, 1, len(ℓ)), r.input([]float64{c.β})
		d := relax.HardConcrete{Logits: in.node, Temperature: β.node, Gamma: c.γ, Zeta: c.ζ}
		p, gate := r.node(d.ProbNonZero()), r.node(d.TestGate())
		var outs G.Nodes
		for _, n := range []*G.Node{p, gate} {
			grads, err := autodiff.Gradient(r.node(op.SumAll(n)), in.node, β.node)
			if err != nil {
				t.Fatal(err)
			}
			outs = append(outs, n, grads[0], grads[1])
		}
		got := r.compile(outs...)()
		dβ := 0.0
		for i, v := range ℓ {
			edge := math.Log(-c.γ / c.ζ)
			want := 1 / (1 + math.Exp(c.β*edge-v))
			slope := want * (1 - want)
			dβ -= slope * edge
			stretched := sigmoid(v)*(c.ζ-c.γ) + c.γ
			open := 0.0
			if stretched > 0 && stretched < 1 {
				open = sigmoid(v) * sigmoid(-v) * (c.ζ - c.γ)
			}
			for j, want := range []float64{want, slope, math.NaN(), min(1, max(0, stretched)), open} {
				if !math.IsNaN(want) && !near(got[j][i], want, 1e-14) {
					t.Errorf("γ = %g, ℓ = %g: %s = %.15g, want %.15g", c.γ, v,
						[]string{"P(z≠0)", "∂P/∂ℓ", "", "test gate", "its slope"}[j], got[j][i], want)
				}
			}
		}
		if !near(got[2][0], dβ, 1e-13) {
			t.Errorf("γ = %g: Σ ∂P/∂β = %.15g, want %.15g", c.γ, got[2][0], dβ)
		}
		if got[5][0] != 0 {
			t.Errorf("γ = %g: the test gate depends on β: %g", c.γ, got[5][0])
		}
	}
}

// TestHardConcreteIntervals rejects what is not stretched beyond [0, 1].
func TestHardConcreteIntervals(t *testing.T) {
	r := newRig[float64](t)
	logits, ε := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 6), 2, 3).node
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range [][2]float64{
		{0, 1.1}, {-0.1, 0}, {0.1, 1.1}, {-0.1, 1}, {-0.1, 0.9}, {1.1, -0.1}, {nan, 1.1}, {-0.1, nan}, {-inf, 1.1}, {-0.1, inf},
	} {
		d := relax.HardConcrete{Logits: logits, Gamma: c[0], Zeta: c[1]}
		for name, f := range map[string]func() (*G.Node, error){
			"Rsample":     func() (*G.Node, error) { x, err := d.Rsample(ε); return x.Value, err },
			"LogProb":     func() (*G.Node, error) { return d.LogProb(relax.Draw{Value: ε, Logit: ε}) },
			"ProbNonZero": d.ProbNonZero,
			"TestGate":    d.TestGate,
		} {
			attempt(t, fmt.Sprintf("%s of %v", name, c), f, "γ < 0 and ζ > 1", fmt.Sprintf("(%g, %g)", c[0], c[1]))
		}
	}
	for _, d := range []relax.HardConcrete{{}, {Logits: r.input(make([]float64, 3), 3).node}} {
		attempt(t, "ProbNonZero", d.ProbNonZero, "HardConcrete.Logits")
		attempt(t, "TestGate", d.TestGate, "HardConcrete.Logits")
	}
}

// hardConcreteKL is the divergence by its definition, with Simpson's rule between the atoms, for stretched intervals that
// start γ below 0 and end as much above 1.
func hardConcreteKL(ℓq, ℓp, β, γ float64) float64 {
	edge := math.Log((1 - γ) / -γ)
	total := 0.0
	for _, side := range []float64{-1, 1} { // log P(z=0) and log P(z=1)
		q, p := -softplus(β*edge-side*ℓq), -softplus(β*edge-side*ℓp)
		total += math.Exp(q) * (q - p)
	}
	density := func(ℓ, y float64) float64 { s := β*y - ℓ; return math.Log(β) - s - 2*softplus(-s) }
	f := func(y float64) float64 {
		q := density(ℓq, y)
		return math.Exp(q) * (q - density(ℓp, y))
	}
	const n = 1200 // steps of a twentieth of the scale at most, the error of order 10⁻¹¹
	h := 2 * edge / n
	for j := range n / 2 {
		y := -edge + 2*h*float64(j)
		total += h / 3 * (f(y) + 4*f(y+h) + f(y+2*h))
	}
	return total
}

// TestHardConcreteKL compares the divergence with its definition over a grid, its gradients with finite differences, and
// both in float32 with those in float64.
func TestHardConcreteKL(t *testing.T) {
	var ℓq, ℓp []float64
	for _, q := range []float64{-6, 0, 0.3, 5} {
		for _, δ := range []float64{0, 1e-6, -1e-3, 0.0999, -0.1001, 0.5, 2, -7, 30} {
			ℓq, ℓp = append(ℓq, q), append(ℓp, q-δ)
		}
	}
	for _, β := range []float64{1e-3, 0.1, 2. / 3, 3, 10} {
		for _, γ := range []float64{-0.1, -2} {
			r := newRig[float64](t)
			q, p, τ := r.input(ℓq, len(ℓq), 1), r.input(ℓp, len(ℓp), 1), r.input([]float64{β})
			gates := func(l *leaf[float64]) relax.HardConcrete {
				return relax.HardConcrete{Logits: l.node, Temperature: τ.node, Gamma: γ, Zeta: 1 - γ}
			}
			kl := r.node(relax.KL(gates(q), gates(p)))
			grads, err := autodiff.Gradient(r.node(op.SumAll(kl)), q.node, p.node, τ.node)
			if err != nil {
				t.Fatal(err)
			}
			got := r.compile(kl, grads[0], grads[1], grads[2])()
			all := 0.0
			for i := range ℓq {
				const tol, gradTol = 1e-10, 1e-8 // of the rule and of differences of it
				at := fmt.Sprintf("γ = %g, β = %.3g, logits %g and %g: ", γ, β, ℓq[i], ℓp[i])
				if want := hardConcreteKL(ℓq[i], ℓp[i], β, γ); !near(got[0][i], want, tol) {
					t.Errorf("%sKL = %.12g, want %.12g within %.0g", at, got[0][i], want, tol)
				}
				θ := []float64{ℓq[i], ℓp[i], math.Log(β)} // β itself is as small as the steps
				slopes := differences(func() float64 { return hardConcreteKL(θ[0], θ[1], math.Exp(θ[2]), γ) }, θ)
				for j := range 2 {
					if !near(got[1+j][i], slopes[j], gradTol) {
						t.Errorf("%sgradient %d is %.12g, want %.12g within %.0g", at, j, got[1+j][i], slopes[j], gradTol)
					}
				}
				all += slopes[2]
			}
			if !near(β*got[3][0], all, 1e-7) {
				t.Errorf("γ = %g, β = %.3g: gradient of log β is %.12g, want %.12g", γ, β, β*got[3][0], all)
			}
		}
	}
}

// TestHardConcreteKLLimits: bits at low temperature, RelaxedBernoulli with hardly any stretch, and never more than that.
func TestHardConcreteKLLimits(t *testing.T) {
	ℓq, ℓp := []float64{-3, 0.2, 1, 2, 4}, []float64{1, 0, -1, 2.5, 2}
	r := newRig[float64](t)
	q, p := r.input(ℓq, len(ℓq), 1).node, r.input(ℓp, len(ℓp), 1).node
	cold := r.node(relax.Temperature(q, 1e-9))
	kl := func(τ *G.Node, γ float64) *G.Node {
		gates := func(n *G.Node) relax.HardConcrete {
			return relax.HardConcrete{Logits: n, Temperature: τ, Gamma: γ, Zeta: 1 - γ}
		}
		return r.node(relax.KL(gates(q), gates(p)))
	}
	got := r.compile(
		kl(cold, -0.1), r.node(relax.KL(relax.Bernoulli{Logits: q}, relax.Bernoulli{Logits: p})),
		kl(nil, -1e-15), r.node(relax.KL(relax.RelaxedBernoulli{Logits: q}, relax.RelaxedBernoulli{Logits: p})),
		kl(nil, -0.1))()
	for i := range ℓq {
		if !near(got[0][i], got[1][i], 1e-8) {
			t.Errorf("logits %g and %g, β = 10⁻⁹: KL = %.12g, of bits %.12g", ℓq[i], ℓp[i], got[0][i], got[1][i])
		}
		if !near(got[2][i], got[3][i], 1e-8) { // atoms of 10⁻¹⁰
			t.Errorf("logits %g and %g, γ = −10⁻¹⁵: KL = %.12g, without atoms %.12g", ℓq[i], ℓp[i], got[2][i], got[3][i])
		}
		if !(got[4][i] < got[3][i] && got[4][i] > got[1][i]) {
			t.Errorf("logits %g and %g: KL = %.12g lies not between that of bits, %.12g, and that without atoms, %.12g",
				ℓq[i], ℓp[i], got[4][i], got[1][i], got[3][i])
		}
	}
}

// TestHardConcreteKLExtremes: in float32 value and gradients stay finite and near those in float64.
func TestHardConcreteKLExtremes(t *testing.T) {
	var ℓq, ℓp []float64
	for _, q := range []float64{-50, -5, 0, 1e-3, 5, 50} {
		for _, p := range []float64{-50, -5, 0, 1e-3, 5, 50} {
			ℓq, ℓp = append(ℓq, q), append(ℓp, p)
		}
	}
	for _, β := range []float64{1e-3, 0.1, 2. / 3, 1, 10} {
		results := [2][][]float64{gateKL[float64](t, ℓq, ℓp, β), gateKL[float32](t, ℓq, ℓp, β)}
		for j, name := range []string{"KL", "∂KL/∂ℓ_q", "∂KL/∂ℓ_p", "∂KL/∂β"} {
			for i, want := range results[0][j] {
				const tol = 2e-6 // logits of 50 in float32 err by 4·10⁻⁶, and there a digit or two of the value cancel
				if got := results[1][j][i]; !near(got, want, tol) {
					t.Errorf("β = %.3g, logits %g and %g: %s is %.9g in float32, %.9g in float64", β, ℓq[i], ℓp[i], name, got, want)
				}
			}
		}
	}
}

func gateKL[T op.Float](t *testing.T, ℓq, ℓp []float64, β float64) [][]float64 {
	t.Helper()
	r := newRig[T](t)
	q, p, τ := r.input(ℓq, len(ℓq), 1), r.input(ℓp, len(ℓp), 1), r.input([]float64{β})
	kl := r.node(relax.KL(relax.HardConcrete{Logits: q.node, Temperature: τ.node}, relax.HardConcrete{Logits: p.node, Temperature: τ.node}))
	grads, err := autodiff.Gradient(r.node(op.SumAll(kl)), q.node, p.node, τ.node)
	if err != nil {
		t.Fatal(err)
	}
	return r.compile(kl, grads[0], grads[1], grads[2])()
}
