package relax_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// ordersOf lists the ordered draws of k of n classes.
func ordersOf(n, k int) (all [][]int) {
	var grow func(order []int)
	grow = func(order []int) {
		if len(order) == k {
			all = append(all, slices.Clone(order))
			return
		}
		for i := range n {
			if !slices.Contains(order, i) {
				grow(append(order, i))
			}
		}
	}
	grow(nil)
	return all
}

// keysFor are perturbed logits of n classes whose largest are those of an order.
func keysFor(n int, order []int) []float64 {
	keys := make([]float64, n)
	for i := range keys {
		keys[i] = -float64(i)
	}
	for j, i := range order {
		keys[i] = float64(len(order) - j)
	}
	return keys
}

// TestSequentialKLExactly holds the mean over all ordered draws to the divergence of their laws, Σ q log q/p.
func TestSequentialKLExactly(t *testing.T) {
	const n = 4
	ℓq, ℓp := []float64{0.3, -1, 2, 0.7}, []float64{-0.4, 0.8, 1.1, -0.2}
	for k := 1; k <= n; k++ {
		all := ordersOf(n, k)
		var keys []float64
		for _, o := range all {
			keys = append(keys, keysFor(n, o)...)
		}
		r := newRig[float64](t)
		q := relax.GumbelTopK{Logits: r.input(slices.Repeat(ℓq, len(all)), len(all), n).node, K: k}
		p := relax.GumbelTopK{Logits: r.input(ℓp, n).node, K: k} // for every row
		kl := r.compile(r.node(relax.SequentialKL(q, p, relax.Draw{Logit: r.input(keys, len(all), n).node})))()[0]
		got, want := 0.0, 0.0
		for i, o := range all {
			lq, lp := plackettLuce(ℓq, o), plackettLuce(ℓp, o)
			got += math.Exp(lq) * kl[i]
			want += math.Exp(lq) * (lq - lp)
		}
		if !near(got, want, 1e-13) {
			t.Errorf("%d of %d: mean over all orders %.15g, divergence %.15g", k, n, got, want)
		}
		if k == 1 {
			for _, v := range kl {
				if !near(v, want, 1e-13) {
					t.Errorf("1 of %d: a draw gives %.15g, every one should give the divergence %.15g", n, v, want)
				}
			}
		}
	}
}

// TestSequentialKLOneClass compares with the divergence of categorical laws, for several variables in a row.
func TestSequentialKLOneClass(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	random := func() []float64 {
		x := make([]float64, 2*3*5)
		for i := range x {
			x[i] = 2 * rng.NormFloat64()
		}
		return x
	}
	r := newRig[float64](t)
	q, p, keys := r.input(random(), 2, 3, 5).node, r.input(random(), 2, 3, 5).node, r.input(random(), 2, 3, 5).node
	got := r.compile(
		r.node(relax.SequentialKL(relax.GumbelTopK{Logits: q, K: 1}, relax.GumbelTopK{Logits: p, K: 1}, relax.Draw{Logit: keys})),
		r.node(relax.KL(relax.Categorical{Logits: q}, relax.Categorical{Logits: p})),
	)()
	for i := range got[1] {
		if len(got[0]) != 2 || !near(got[0][i], got[1][i], 1e-13) {
			t.Errorf("row %d: %v, the categorical divergences are %v", i, got[0], got[1])
		}
	}
}

// TestSequentialKLEqual: equal laws do not diverge, also if logits differ by a constant, which changes no probability.
func TestSequentialKLEqual(t *testing.T) {
	ℓ := []float64{0.3, -1, 2, 0.7, -3, 0.1}
	r := newRig[float64](t)
	q := r.input(slices.Concat(ℓ, ℓ), 2, 6).node
	keys := r.input([]float64{1, 2, 3, 4, 5, 6, 6, 1, 5, 2, 4, 3}, 2, 6).node
	shifted := r.node(op.Shift(q, 1.7))
	for k := 1; k <= 6; k++ {
		law := relax.GumbelTopK{Logits: q, K: k}
		x := relax.Draw{Logit: keys}
		got := r.compile(
			r.node(relax.SequentialKL(law, law, x)),
			r.node(relax.SequentialKL(law, relax.GumbelTopK{Logits: shifted, K: k}, x)),
		)()
		for row := range 2 {
			if got[0][row] != 0 || !(math.Abs(got[1][row]) < 1e-14) {
				t.Errorf("%d of 6: %g between a law and itself, %g if its logits are shifted", k, got[0][row], got[1][row])
			}
		}
	}
}

// TestSequentialKLGradient compares with finite differences at a draw that stays, for both laws and two variables a row.
func TestSequentialKLGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = rng.NormFloat64()
		}
		return x
	}
	for k := 1; k <= 4; k++ {
		for _, shape := range [][]int{{3, 2, 4}, {2, 4}} { // of p: with the batch axis and without
			r := newRig[float64](t)
			q, keys := r.input(random(24), 3, 2, 4), r.input(random(24), 3, 2, 4)
			p := r.input(random(tensor.Shape(shape).TotalSize()), shape...)
			kl := r.node(relax.SequentialKL(relax.GumbelTopK{Logits: q.node, K: k}, relax.GumbelTopK{Logits: p.node, K: k}, relax.Draw{Logit: keys.node}))
			loss, _ := r.projection(kl, rng)
			compareGradient(t, subject{params: []param{{name: "q"}, {name: "p"}}}, r, []*leaf[float64]{q, p}, loss, loss)
		}
	}
}

// TestSequentialKLExtremes: logits of ±50 in float32 give the numbers of float64 and finite gradients.
func TestSequentialKLExtremes(t *testing.T) {
	const n = 5
	ℓq, ℓp := []float64{50, -50, 0, 50, -50}, []float64{-50, 50, 0, 50, 50}
	for k := 1; k <= n; k++ {
		all := ordersOf(n, k)
		var keys []float64
		for _, o := range all {
			keys = append(keys, keysFor(n, o)...)
		}
		single, double := newRig[float32](t), newRig[float64](t)
		got, grads := extremeKL(t, single, ℓq, ℓp, keys, k)
		want, _ := extremeKL(t, double, ℓq, ℓp, keys, k)
		for i, v := range got {
			// Sums of numbers up to 100·k, of which float32 resolves 6e-8.
			if !(math.Abs(v-want[i]) <= 1e-4) {
				t.Errorf("%d of %d in the order %v: %g, want %g", k, n, all[i], v, want[i])
			}
			if !(v >= -1e-4) {
				t.Errorf("%d of %d in the order %v: a divergence of %g", k, n, all[i], v)
			}
		}
		for _, g := range grads {
			if math.IsNaN(g) || math.IsInf(g, 0) {
				t.Fatalf("%d of %d: gradient %v", k, n, grads)
			}
		}
	}
}

// extremeKL is SequentialKL for rows of keys with the gradients of its sum.
func extremeKL[T op.Float](t *testing.T, r *rig[T], ℓq, ℓp, keys []float64, k int) (kl, grads []float64) {
	t.Helper()
	n := len(ℓq)
	rows := len(keys) / n
	q, p := r.input(slices.Repeat(ℓq, rows), rows, n), r.input(slices.Repeat(ℓp, rows), rows, n)
	d := r.node(relax.SequentialKL(relax.GumbelTopK{Logits: q.node, K: k}, relax.GumbelTopK{Logits: p.node, K: k}, relax.Draw{Logit: r.input(keys, rows, n).node}))
	g, err := autodiff.Gradient(r.node(op.SumAll(d)), q.node, p.node)
	if err != nil {
		t.Fatal(err)
	}
	got := r.compile(d, g[0], g[1])()
	return got[0], slices.Concat(got[1], got[2])
}

func TestSequentialKLErrors(t *testing.T) {
	r, other := newRig[float64](t), newRig[float32](t)
	ℓ, narrow := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 4), 2, 2).node
	single := other.input(make([]float64, 6), 2, 3).node
	of := func(logits *G.Node, k int) relax.GumbelTopK { return relax.GumbelTopK{Logits: logits, K: k} }
	x := relax.Draw{Logit: ℓ}
	for _, c := range []struct {
		what  string
		q, p  relax.GumbelTopK
		x     relax.Draw
		words []string
	}{
		{"no logits", of(nil, 1), of(ℓ, 1), x, []string{"nil"}},
		{"no prior logits", of(ℓ, 1), of(nil, 1), x, []string{"nil"}},
		{"no class", of(ℓ, 0), of(ℓ, 0), x, []string{"0 of 3"}},
		{"too many classes", of(ℓ, 4), of(ℓ, 4), x, []string{"4 of 3"}},
		{"another prior shape", of(ℓ, 2), of(narrow, 2), x, []string{"p's Logits", "(2, 2)"}},
		{"another prior type", of(ℓ, 2), of(single, 2), x, []string{"float32"}},
		{"no draw", of(ℓ, 2), of(ℓ, 2), relax.Draw{}, []string{"Logit", "nil"}},
		{"another draw shape", of(ℓ, 2), of(ℓ, 2), relax.Draw{Logit: narrow}, []string{"Logit"}},
		{"another draw type", of(ℓ, 2), of(ℓ, 2), relax.Draw{Logit: single}, []string{"float32"}},
	} {
		attempt(t, c.what, func() (*G.Node, error) { return relax.SequentialKL(c.q, c.p, c.x) }, c.words...)
	}
	err := attempt(t, "unequal sizes", func() (*G.Node, error) { return relax.SequentialKL(of(ℓ, 2), of(ℓ, 1), x) }, "of 2 and of 1")
	if !errors.Is(err, relax.ErrNoKL) {
		t.Errorf("unequal sizes: error %v does not wrap ErrNoKL", err)
	}
}
