package main

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// softmax of l.
func softmax(l []float64) []float64 {
	out, sum := make([]float64, len(l)), 0.0
	for k, v := range l {
		out[k] = math.Exp(v)
		sum += out[k]
	}
	for k := range out {
		out[k] /= sum
	}
	return out
}

func TestFig7Limits(t *testing.T) {
	all, err := sharpnesses(context.Background(), 20_000, []float64{1e-4, 0.1, 1, 10, 100})
	if err != nil {
		t.Fatal(err)
	}
	cold, hot := all[0], all[4]
	near(t, "largest probability at T → 0", cold.largest.value, 1, 1e-3)
	near(t, "entropy at T → 0", cold.entropy.value, 0, 2e-3)
	for k, want := range softmax(sharpnessLogits) {
		near(t, "mean at T → 0", cold.classes[k].value, want, 4*cold.classes[k].stdErr+1e-3)
		near(t, "mean at T = 100", hot.classes[k].value, 0.25, 0.005)
	}
	near(t, "largest probability at T = 100", hot.largest.value, 0.25, 0.005)
	near(t, "entropy at T = 100", hot.entropy.value, 1, 1e-3)
	for i, s := range all[1:] {
		if before := all[i]; !(s.largest.value < before.largest.value && s.entropy.value > before.entropy.value) {
			t.Errorf("from T = %v to %v the largest probability goes from %v to %v and the entropy from %v to %v; want less and more",
				before.temperature, s.temperature, before.largest.value, s.largest.value, before.entropy.value, s.entropy.value)
		}
		for _, r := range append(slices.Clone(s.classes), s.largest, s.entropy) {
			if !(0 <= r.low && r.low <= r.high && r.high <= 1+1e-12) {
				t.Errorf("T = %v: a range from %v to %v", s.temperature, r.low, r.high)
			}
		}
	}
}

// The first draw is what the formula makes of the first noise, and means agree with another generator's.
func TestFig7AgainstTheFormula(t *testing.T) {
	const n = 50_000
	all, err := sharpnesses(context.Background(), n, []float64{0.5})
	if err != nil {
		t.Fatal(err)
	}
	g := make([]float64, n*len(sharpnessLogits))
	noise.Fill(noise.NewSource(temperatureSeed, "fig7/gumbel"), noise.Gumbel, g)
	sample := func(gumbel func(k int) float64) []float64 {
		l := slices.Clone(sharpnessLogits)
		for k := range l {
			l[k] = (l[k] + gumbel(k)) / 0.5
		}
		return softmax(l)
	}
	for k, want := range sample(func(k int) float64 { return g[k] }) {
		near(t, "first draw", all[0].one[k], want, 1e-12)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	var largest, entropies []float64
	for range n {
		p := sample(func(int) float64 { return -math.Log(rng.ExpFloat64()) })
		largest, entropies = append(largest, slices.Max(p)), append(entropies, entropy(p)/math.Log(4))
	}
	for _, test := range []struct {
		what      string
		got, want average
	}{
		{"largest probability", all[0].largest.average, averageOf(largest)},
		{"entropy", all[0].entropy.average, averageOf(entropies)},
	} {
		near(t, test.what, test.got.value, test.want.value, 4*math.Hypot(test.got.stdErr, test.want.stdErr))
	}
}

func TestFig7(t *testing.T) {
	f, err := fig7(context.Background(), testCommand)
	if err != nil {
		t.Fatal(err)
	}
	checkCaption(t, f, sharpnessN)
	if n := len(f.table.rows); n != 10 {
		t.Errorf("%d temperatures in the table, want 10", n)
	}
}

// Rows differ only where they should: nowhere if temperatures divide logits and noise, else where hard samples count.
func TestFig8Rows(t *testing.T) {
	const n = 5000
	forwards, backwards := evenly(0.1, 1, 4), evenly(0.5, 2, 3)
	for _, p := range placements {
		c, err := p.measure(context.Background(), n, forwards, backwards)
		if err != nil {
			t.Fatal(err)
		}
		for q, what := range quantities {
			differ := c.statistics(q).rows
			if depends := !p.inside && q >= 3; depends && differ < 0.05 || !depends && differ != 0 {
				t.Errorf("%s, %s: rows differ by %v", p.title, what, differ)
			}
		}
		for i, τf := range forwards {
			law := slices.Clone(placementLogits)
			for k := range law {
				if !p.inside {
					law[k] /= τf
				}
			}
			want := entropy(softmax(law))
			for j := range backwards {
				// The entropy of frequencies is too low by about 3/2n.
				got := c[4][i][j]
				near(t, p.title+": entropy of mean hard sample", got.value, want, 4*got.stdErr+2./n)
				if got != c[4][i][0] {
					t.Errorf("%s: the entropy of hard samples changes with the backward temperature, from %v to %v", p.title, c[4][i][0], got)
				}
				if j > 0 && !(c[2][i][j].value < c[2][i][j-1].value) {
					t.Errorf("%s: the largest soft probability does not fall from column %d, %v, to the next, %v", p.title, j-1, c[2][i][j-1], c[2][i][j])
				}
			}
			if i > 0 && !p.inside && !(c[4][i][0].value > c[4][i-1][0].value) {
				t.Errorf("the entropy of hard samples does not rise from row %d, %v, to the next, %v", i-1, c[4][i-1][0], c[4][i][0])
			}
		}
	}
}

// The ranges that the original's colour bars show, of 100 samples a cell, hold ours, which fill most of them: it is the
// same experiment.
func TestFig8AgainstTheOriginal(t *testing.T) {
	c, err := placements[0].measure(context.Background(), placementN, []float64{0.1}, evenly(0.5, 2, 10))
	if err != nil {
		t.Fatal(err)
	}
	for q, original := range [][2]float64{{1.07, 1.33}, {0.017, 0.099}, {0.48, 0.82}, {0.098, 0.262}} {
		s := c.statistics(q)
		low, high := original[0]-5e-4, original[1]+5e-4
		if s.least < low || s.greatest > high || s.greatest-s.least < 0.7*(high-low) {
			t.Errorf("%s goes from %v to %v, in the original from %v to %v", quantities[q], s.least, s.greatest, original[0], original[1])
		}
	}
}

func TestFig8(t *testing.T) {
	f, err := fig8(context.Background(), testCommand)
	if err != nil {
		t.Fatal(err)
	}
	checkCaption(t, f, placementN)
	if got := f.table.rows[0][4]; got != "0.0000" {
		t.Errorf("rows of the report's placement differ by %s", got)
	}
}

// The soft sample of the figure is the one whose gradient relax.DecoupledStraightThrough hands back:
// ∂(w·value)/∂ℓ_k = z_k (w_k − w·z)/τ with its z.
func TestSurrogate(t *testing.T) {
	const n, k, τ = 3, 4, 0.7
	w := []float64{1, -2, 0.5, 3}
	for _, p := range placements {
		var gumbel *program.Input[float64]
		nodes := make(map[string]*G.Node)
		graph, err := program.Build(func(g *program.Graph[float64]) error {
			logits, err := g.Bind("logits", repeated(placementLogits, n), n, k)
			if err != nil {
				return err
			}
			weights, err := g.Bind("weights", repeated(w, n), n, k)
			if err != nil {
				return err
			}
			if gumbel, err = g.Input("gumbel", n, k); err != nil {
				return err
			}
			backward, err := relax.Temperature(logits.Node, τ)
			if err != nil {
				return err
			}
			draw, err := relax.DecoupledStraightThrough{Logits: logits.Node, Backward: backward, GumbelInside: p.inside}.Rsample(gumbel.Node)
			if err != nil {
				return err
			}
			law, err := p.surrogate(logits.Node, backward)
			if err != nil {
				return err
			}
			soft, err := law.Rsample(gumbel.Node)
			if err != nil {
				return err
			}
			var e op.Expr
			loss, err := e.Node(e.Of(op.SumAll(e.Of(op.Mul(draw.Value, weights.Node)))))
			if err != nil {
				return err
			}
			grads, err := autodiff.Gradient(loss, logits.Node)
			if err != nil {
				return err
			}
			nodes["grad"], nodes["soft"] = grads[0], soft.Value
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		run, err := program.Compile(graph, program.Outputs{Plain: nodes})
		if err != nil {
			t.Fatal(err)
		}
		noise.Fill(noise.NewSource(1, "test"), noise.Gumbel, gumbel.Data)
		if err := run.Run(); err != nil {
			t.Fatal(err)
		}
		grads := rowsOf(run.Output("grad"), k)
		for i, z := range rowsOf(run.Output("soft"), k) {
			dot := 0.0
			for j := range z {
				dot += w[j] * z[j]
			}
			for j := range z {
				near(t, p.title+": gradient", grads[i][j], z[j]*(w[j]-dot)/τ, 1e-12)
			}
		}
	}
}

// Of two rows (1, 0) and (½, ½) all is known.
func TestSummarise(t *testing.T) {
	got := summarise([][]float64{{1, 0}, {0, 1}}, [][]float64{{1, 0}, {0.5, 0.5}})
	mean := -0.75*math.Log(0.75) - 0.25*math.Log(0.25)
	for q, want := range []float64{mean, 0.0625, 0.75, 0.25, math.Log(2)} {
		near(t, quantities[q], got[q].value, want, 1e-12)
	}
	near(t, "error of the largest probability", got[2].stdErr, 0.25, 1e-12)
	// ∂H/∂m = −1 − log m: rows differ by ½ (log ¾ − log ¼) = ½ log 3, and the error is half of that.
	near(t, "error of the entropy", got[0].stdErr, math.Log(3)/4, 1e-12)
}

func TestAverage(t *testing.T) {
	a := averageOf([]float64{1, 2, 3, 6}) // deviations −2, −1, 0, 3
	near(t, "mean", a.value, 3, 1e-15)
	near(t, "standard error", a.stdErr, math.Sqrt(14./3/4), 1e-15)
	near(t, "z", a.z(0), 3/math.Sqrt(14./3/4), 1e-12)
	for _, test := range []struct {
		average
		want string
	}{
		{average{0.29541, 0.00223}, "0.2954 ± 0.0022"},
		{average{-0.00049, 0.0222}, "0.000 ± 0.022"},
		{average{-1.5, 0.3}, "−1.50 ± 0.30"},
		{average{0.99994, 3.9e-7}, "0.99994000 ± 0.00000039"},
		{average{1, 0}, "1.000000000 ± 0.000000000"},
	} {
		if got := test.String(); got != test.want {
			t.Errorf("%v is written %q, want %q", test.average, got, test.want)
		}
	}
	if got := grouped(1234567); got != "1\u00a0234\u00a0567" {
		t.Errorf("grouped: %q", got)
	}
}
