package relax_test

import (
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// TestDecoupledIsStraightThrough compares, bit by bit, values and gradients with RelaxedCategorical: at temperatures
// of one, and for the form with the noise inside at every temperature and whatever the forward one.
func TestDecoupledIsStraightThrough(t *testing.T) {
	checkDecoupled[float64](t)
	checkDecoupled[float32](t)
}

func checkDecoupled[T op.Float](t *testing.T) {
	s := named(t, "DecoupledStraightThrough")
	shape := []int{20, 3, 4}
	θ, ε := random(s, shape, 600)
	r := newRig[T](t)
	logits, g := r.input(θ[0], shape...).node, r.input(ε, shape...).node
	one, cold := r.input([]float64{1}).node, r.input([]float64{0.3}).node
	for _, pair := range [][2]relax.Distribution{
		{relax.DecoupledStraightThrough{Logits: logits}, relax.RelaxedCategorical{Logits: logits, Temperature: one, StraightThrough: true}},
		{relax.DecoupledStraightThrough{Logits: logits, Forward: one, Backward: one}, relax.DecoupledStraightThrough{Logits: logits}},
		{
			relax.DecoupledStraightThrough{Logits: logits, Forward: cold, Backward: cold, GumbelInside: true},
			relax.RelaxedCategorical{Logits: logits, Temperature: cold, StraightThrough: true},
		},
	} {
		var outs G.Nodes
		for _, d := range pair {
			x, err := d.Rsample(g)
			if err != nil {
				t.Fatal(err)
			}
			// Σ z∘ℓ with the gradient of ℓ itself stopped.
			var e op.Expr
			loss := e.Of(op.SumAll(e.Of(op.Mul(x.Value, e.Of(op.StopGradient(logits))))))
			grads, err := autodiff.Gradient(r.node(loss, e.Err()), logits)
			if err != nil {
				t.Fatal(err)
			}
			outs = append(outs, x.Value, x.Hard, grads[0], r.node(d.LogProb(x)))
		}
		got := r.compile(outs...)()
		for i := range 4 {
			if !slices.Equal(got[i], got[i+4]) {
				t.Errorf("%v: output %d of %+v and %+v differ", dtype[T](), i, pair[0], pair[1])
			}
		}
	}
}

// TestDecoupledTemperatures: the forward temperature changes how often a class is drawn, σ(2/τf) for logits (2, 0), and
// leaves the surrogate alone; the backward one does the opposite.
func TestDecoupledTemperatures(t *testing.T) {
	const n = 20000

	_, ε := random(named(t, "DecoupledStraightThrough"), []int{n, 2}, 610)
	build := func(forward, backward float64) (frequency float64, values, gradient []float64) {
		r := newRig[float64](t)
		logits := r.input(slices.Repeat([]float64{2, 0}, n), n, 2).node
		d := relax.DecoupledStraightThrough{Logits: logits, Forward: r.input([]float64{forward}).node, Backward: r.input([]float64{backward}).node}
		x, err := d.Rsample(r.input(ε, n, 2).node)
		if err != nil {
			t.Fatal(err)
		}
		w := r.input(slices.Repeat([]float64{1, 0}, n), n, 2).node
		var e op.Expr
		loss := r.node(e.Node(e.Of(op.SumAll(e.Of(op.Mul(w, x.Value))))))
		grads, err := autodiff.Gradient(loss, logits)
		if err != nil {
			t.Fatal(err)
		}
		got := r.compile(loss, x.Value, grads[0])()
		return got[0][0] / n, got[1], got[2]
	}
	warm, warmValues, gradient := build(4, 0.7)
	cold, _, sameGradient := build(0.5, 0.7)
	_, sameValues, otherGradient := build(4, 3)
	for _, c := range []struct{ got, τ float64 }{{warm, 4}, {cold, 0.5}} {
		p := sigmoid(2 / c.τ)
		if se := math.Sqrt(p * (1 - p) / n); !(math.Abs(c.got-p) < 4*se) {
			t.Errorf("forward temperature %g: frequency %.4f, want %.4f within 4·%.2g", c.τ, c.got, p, se)
		}
	}
	if !slices.Equal(gradient, sameGradient) || !slices.Equal(warmValues, sameValues) {
		t.Error("the forward temperature changes the surrogate's gradient, or the backward one the samples")
	}
	if slices.Equal(gradient, otherGradient) {
		t.Error("the backward temperature does not change the gradient")
	}
}

func TestDecoupledMistakes(t *testing.T) {
	r := newRig[float64](t)
	logits, vector := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 3), 3).node
	single := G.NewScalar(r.graph, tensor.Float32, G.WithName("single"))
	x := relax.Draw{Value: logits, Hard: logits}
	for _, inside := range []bool{false, true} {
		for word, bad := range map[string]*G.Node{"scalar": vector, "type": single} {
			d := relax.DecoupledStraightThrough{Logits: logits, Forward: bad, GumbelInside: inside}
			attempt(t, "Rsample", func() (*G.Node, error) { x, err := d.Rsample(logits); return x.Value, err }, word)
			attempt(t, "LogProb", func() (*G.Node, error) { return d.LogProb(x) }, word)
			for _, f := range []func() (*G.Node, error){d.Entropy, d.Mean, d.Mode} {
				attempt(t, "a moment", f, word)
			}
			testDiscreteErrors(t, d, "DecoupledStraightThrough", word)
		}
		testDiscreteErrors(t, relax.DecoupledStraightThrough{GumbelInside: inside}, "DecoupledStraightThrough", "Logits is nil")
	}
}
