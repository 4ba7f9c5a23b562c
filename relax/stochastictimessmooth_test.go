package relax_test

import (
	"errors"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// TestStochasticTimesSmoothMoments compares mean and variance with p and p^{3/2} − p², in nodes and in draws, and the
// mean gradient with ½p(1−p), half that of the mean.
func TestStochasticTimesSmoothMoments(t *testing.T) {
	s := named(t, "StochasticTimesSmooth")
	const n = 20000
	for _, c := range []struct{ p, variance float64 }{
		{.3, .0743168}, {.05, .0086803}, {.25, .0625}, {.9, .0438150},
	} {
		a := math.Log(c.p / (1 - c.p))
		r := newRig[float64](t)
		logits := r.input([]float64{a}, 1, 1)
		d := relax.StochasticTimesSmooth{Logits: logits.node}
		variance := r.node(d.Variance())
		slope, err := autodiff.Gradient(r.node(op.SumAll(variance)), logits.node)
		if err != nil {
			t.Fatal(err)
		}
		got := r.compile(r.node(d.Mean()), variance, slope[0])()
		wantSlope := (1.5*math.Sqrt(c.p) - 2*c.p) * c.p * (1 - c.p)
		for i, want := range []float64{c.p, c.variance, wantSlope} {
			if tol := []float64{1e-15, 5e-8, 1e-15}[i]; !(math.Abs(got[i][0]-want) < tol) {
				t.Errorf("p = %g: %s %.9f, want %.9f", c.p, []string{"mean", "variance", "slope of the variance"}[i], got[i][0], want)
			}
		}

		var values, squares, gradients []float64
		for _, x := range draws(t, s, [][]float64{{a}}, n, "moments") {
			z := x.value[0]
			values, squares = append(values, z), append(squares, (z-c.p)*(z-c.p))
		}
		_, ε := random(s, []int{n, 1}, 3)
		drawn := sample[float64](t, s, []int{n, 1}, repeated(s, [][]float64{{a}}, n), ε)
		grads, err := autodiff.Gradient(drawn.node(op.SumAll(drawn.draw.Value)), drawn.params[0].node)
		if err != nil {
			t.Fatal(err)
		}
		gradients = drawn.compile(grads[0])()[0]
		for i, numbers := range [][]float64{values, squares, gradients} {
			want := []float64{c.p, c.variance, c.p * (1 - c.p) / 2}[i]
			if mean, se := meanError(numbers); !(math.Abs(mean-want) < 4*se) {
				t.Errorf("p = %g: mean %s %.5f, want %.5f within 4·%.2g", c.p, []string{"value", "square", "gradient"}[i], mean, want, se)
			}
		}
	}
}

// TestStochasticTimesSmoothTails compares log P(h = 0) and log P(h = √p) with log(−expm1 x) and x for x = ½ log σ(a), up
// to logits where p rounds to 0 or 1.
func TestStochasticTimesSmoothTails(t *testing.T) {
	a := []float64{-1e4, -50, -5, 0, 5, 50, 700}
	r := newRig[float64](t)
	logits := r.input(a, len(a), 1)
	d := relax.StochasticTimesSmooth{Logits: logits.node}
	var outs G.Nodes
	for b := range 2 {
		bit := make([]float64, len(a))
		for i := range bit {
			bit[i] = float64(b)
		}
		outs = append(outs, r.node(d.LogProb(relax.Draw{Hard: r.input(bit, len(a), 1).node})))
	}
	got := r.compile(outs...)()
	for i, v := range a {
		x := -softplus(-v) / 2
		zero := math.Log(-math.Expm1(x))
		if !near(got[0][i], zero, 1e-14) || !near(got[1][i], x, 1e-14) {
			t.Errorf("a = %g: log P is %.15g and %.15g, want %.15g and %.15g", v, got[0][i], got[1][i], zero, x)
		}
	}
}

// TestStochasticTimesSmoothKL offers the divergence of the bits, and refuses that of the values.
func TestStochasticTimesSmoothKL(t *testing.T) {
	r := newRig[float64](t)
	q := relax.StochasticTimesSmooth{Logits: r.input([]float64{-1, 0.4, 2}, 3, 1).node}
	p := relax.StochasticTimesSmooth{Logits: r.input([]float64{0.3}, 1).node}
	got := r.compile(r.node(relax.KL(q.Discrete(), p.Discrete())))()[0]
	for i, a := range []float64{-1, 0.4, 2} {
		want := 0.0
		lq, lp := rootLaw([][]float64{{a}}), rootLaw([][]float64{{0.3}})
		for b := range lq {
			want += lq[b] * math.Log(lq[b]/lp[b])
		}
		if !near(got[i], want, 1e-14) {
			t.Errorf("a = %g: KL of the bits %.15g, want %.15g", a, got[i], want)
		}
	}

	q2 := relax.StochasticTimesSmooth{Logits: r.input(make([]float64, 3), 3, 1).node}
	err := attempt(t, "KL", func() (*G.Node, error) { return relax.KL(q, q2) }, "infinite", "Discrete", "StochasticTimesSmooth‖StochasticTimesSmooth")
	if !errors.Is(err, relax.ErrNoKL) {
		t.Errorf("error %v is not ErrNoKL", err)
	}
	x := relax.Draw{Value: q.Logits, Hard: q.Logits}
	attempt(t, "SampleKL", func() (*G.Node, error) { return relax.SampleKL(q, q2, x) }, "infinite", "Discrete")
	attempt(t, "SampleKL of pointers", func() (*G.Node, error) { return relax.SampleKL(&q, &q2, x) }, "infinite", "Discrete")
	attempt(t, "Variance", relax.StochasticTimesSmooth{}.Variance, "StochasticTimesSmooth.Logits")
	testDiscreteErrors(t, relax.StochasticTimesSmooth{}, "StochasticTimesSmooth", "nil")
}

// testDiscreteErrors asks the discrete law of mistaken parameters for all that it has.
func testDiscreteErrors(t *testing.T, d relax.Relaxation, words ...string) {
	t.Helper()
	law := d.Discrete()
	if specs := law.Noise(); specs != nil {
		t.Errorf("%T: noise %v", d, specs)
	}
	attempt(t, "Rsample of the discrete law", func() (*G.Node, error) { x, err := law.Rsample(); return x.Value, err }, words...)
	attempt(t, "LogProb of the discrete law", func() (*G.Node, error) { return law.LogProb(relax.Draw{}) }, words...)
	attempt(t, "KL from the discrete law", func() (*G.Node, error) { return relax.KL(law, relax.Bernoulli{}) }, words...)
	attempt(t, "KL to the discrete law", func() (*G.Node, error) { return relax.KL(relax.Bernoulli{}, law) }, words...)
}
