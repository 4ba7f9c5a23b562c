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
