package estimator_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/relax"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
)

// quadratic is 2s² − rs + r for two linear functions s and r of b.
func quadratic(b *G.Node) (*G.Node, error) {
	rows, width := b.Shape()[0], b.Shape().TotalSize()/b.Shape()[0]
	v, w := make([]float64, width), make([]float64, width)
	for i := range width {
		v[i], w[i] = math.Cos(float64(2*i+1)), math.Sin(float64(3*i+1))
	}
	var e op.Expr
	flat := e.Of(op.Reshape(b, rows, width))
	s, r := e.Of(op.DotLast(flat, v)), e.Of(op.DotLast(flat, w))
	y := e.Of(op.Sub(e.Of(op.Scale(e.Of(op.Square(s)), 2)), e.Of(op.Mul(r, s))))
	return e.Node(e.Of(op.Add(y, r)))
}

// linear is Σ_i sin(3i+1)·b_i.
func linear(b *G.Node) (*G.Node, error) {
	rows, width := b.Shape()[0], b.Shape().TotalSize()/b.Shape()[0]
	w := make([]float64, width)
	for i := range width {
		w[i] = math.Sin(float64(3*i + 1))
	}
	var e op.Expr
	return e.Node(e.Of(op.DotLast(e.Of(op.Reshape(b, rows, width)), w)))
}

// expected is the mean of an estimator that is a function of b alone: noise beyond every logit makes each state a row.
func expected(t *testing.T, e estimator.Estimator, c meter.Case) []float64 {
	t.Helper()
	states, err := estimator.States(c.Law, c.Shape, 100)
	if err != nil {
		t.Fatal(err)
	}
	b := assemble(t, e, c, len(states), nil, estimates[float64])
	for i, state := range states {
		for j, v := range state {
			b.eps[0].Data[i*len(state)+j] = 1e4 * (2*v - 1)
		}
	}
	if got := b.output(t, "sample"); !slices.Equal(got, slices.Concat(states...)) {
		t.Fatalf("%+v: samples %v, want %v", e, got, states)
	}
	grads := b.output(t, "grad")
	mean := make([]float64, len(c.Logits))
	for i, state := range states {
		p := 1.
		for j, v := range state {
			switch {
			case c.Law == estimator.Bernoulli:
				p /= 1 + math.Exp(-(2*v-1)*c.Logits[j])
			case v == 1:
				sum := 0.
				for _, ℓ := range c.Logits[j/c.Shape[1]*c.Shape[1]:][:c.Shape[1]] {
					sum += math.Exp(ℓ - c.Logits[j])
				}
				p /= sum
			}
		}
		for j := range mean {
			mean[j] += p * grads[i*len(mean)+j]
		}
	}
	return mean
}

func compare(t *testing.T, what any, got, want []float64, tol float64) {
	t.Helper()
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tol) {
			t.Errorf("%+v: coordinate %d is %.15g, want %.15g within %.0g", what, i, got[i], want[i], tol)
		}
	}
}

// On f = (b − t)² the straight-through estimator has the mean 2π(1−π)(π − t) in place of π(1−π)(1 − 2t), and with the
// identity rule 2(π − t).
func TestStraightThroughBias(t *testing.T) {
	for _, π := range []float64{0.05, 0.3, 0.5, 0.8} {
		for _, target := range []float64{0.2, 0.45} {
			c := meter.Case{Logits: []float64{logit(π)}, Shape: []int{1}, F: distance(target), Context: []float64{1}}
			got := expected(t, estimator.StraightThrough{}, c)
			compare(t, c, got, []float64{2 * π * (1 - π) * (π - target)}, 1e-15)
			got = expected(t, estimator.StraightThrough{Rule: relax.STIdentity}, c)
			compare(t, c, got, []float64{2 * (π - target)}, 1e-15)
		}
	}
}

// Straight-through is exact for linear objectives, ReinMax at temperature 1 for quadratic ones; neither is for the next
// power.
func TestOrder(t *testing.T) {
	for _, test := range []struct {
		estimator.Estimator
		exact, biased estimator.Objective
	}{
		{estimator.StraightThrough{}, linear, quadratic},
		{estimator.ReinMax{}, quadratic, cubic},
		{estimator.ReinMax{Temperature: 1.3}, nil, linear},
	} {
		each(t, []estimator.Estimator{test.Estimator}, func(t *testing.T, e estimator.Estimator, c meter.Case) {
			off := func(f estimator.Objective) (d float64) {
				c.F = f
				exact, err := c.Exact()
				if err != nil {
					t.Fatal(err)
				}
				for i, g := range expected(t, e, c) {
					d = math.Max(d, math.Abs(g-exact.Grad[i]))
				}
				return d
			}
			if test.exact != nil {
				if d := off(test.exact); !(d < 1e-14) {
					t.Errorf("off by %.3g where it should be exact", d)
				}
			}
			if d := off(test.biased); !(d > 1e-3) {
				t.Errorf("off by %.3g where it should be biased", d)
			}
		})
	}
}

// softmax and its Jacobian's product with v, which is symmetric.
func softmaxByHand(y, v []float64) (s, product []float64) {
	sum, inner := 0., 0.
	for _, x := range y {
		sum += math.Exp(x)
	}
	for i, x := range y {
		s = append(s, math.Exp(x)/sum)
		inner += s[i] * v[i]
	}
	for i := range y {
		product = append(product, s[i]*(v[i]-inner))
	}
	return s, product
}

// Gradients for given noise are those of the formulas, for one bit with f = (b − t)² and for one vector of three classes
// with f = Σ_k (b_k − t_k)³, whose gradients are 2(b − t) and 3(b_k − t_k)².
func TestSurrogates(t *testing.T) {
	const rows, ℓ, target = 100, 0.6, 0.3
	σ := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	slope := func(y, τ float64) float64 { return σ(y/τ) * σ(-y/τ) / τ }
	logits, targets := []float64{0.3, -1, 1.2}, []float64{0.2, -0.4, 0.7}
	cubes := func(b *G.Node) (*G.Node, error) {
		var e op.Expr
		off := e.Of(op.Sub(b, e.Of(op.Reshape(e.Of(op.SpreadBatch(e.Of(op.TensorLike(b, targets, 3)), b.Shape()[0])), b.Shape()[0], 1, 3))))
		return e.Node(e.Of(op.SumEvent(e.Of(op.Mul(off, e.Of(op.Square(off)))))))
	}
	at := func(x []float64) []float64 { // ∇f
		v := make([]float64, 3)
		for k := range v {
			v[k] = 3 * (x[k] - targets[k]) * (x[k] - targets[k])
		}
		return v
	}
	scaled := func(x []float64, c float64) []float64 {
		y := make([]float64, len(x))
		for k := range x {
			y[k] = c * x[k]
		}
		return y
	}
	plus := func(x, y []float64) []float64 {
		z := make([]float64, len(x))
		for k := range x {
			z[k] = x[k] + y[k]
		}
		return z
	}
	marked := func(x []float64) []float64 {
		b := make([]float64, 3)
		b[slices.Index(x, slices.Max(x))] = 1
		return b
	}
	through := func(b, y []float64, τ float64) []float64 { // J(softmax(y/τ))·∇f(b)/τ
		_, product := softmaxByHand(scaled(y, 1/τ), at(b))
		return scaled(product, 1/τ)
	}
	for _, test := range []struct {
		estimator.Estimator
		bit     func(ε []float64) float64
		classes func(g [][]float64) []float64
	}{
		{estimator.Relaxation{Temperature: 0.4}, func(ε []float64) float64 {
			return 2 * (σ((ℓ+ε[0])/0.4) - target) * slope(ℓ+ε[0], 0.4)
		}, func(g [][]float64) []float64 {
			s, _ := softmaxByHand(scaled(plus(logits, g[0]), 1/0.4), logits)
			return through(s, plus(logits, g[0]), 0.4)
		}},
		{estimator.STGumbelSoftmax{}, func(ε []float64) float64 {
			return 2 * (bitOf(ℓ+ε[0]) - target) * slope(ℓ+ε[0], 2./3)
		}, func(g [][]float64) []float64 {
			z := plus(logits, g[0])
			return through(marked(z), z, 2./3)
		}},
		{estimator.Decoupled{Forward: 0.5, Backward: 1.6}, func(ε []float64) float64 {
			y := ℓ/1.6 + ε[0]
			return 2 * (bitOf(ℓ/0.5+ε[0]) - target) * slope(y, 1) / 1.6
		}, func(g [][]float64) []float64 {
			b := marked(plus(scaled(logits, 1/0.5), g[0]))
			return scaled(through(b, plus(scaled(logits, 1/1.6), g[0]), 1), 1/1.6)
		}},
		{estimator.GumbelRao{Samples: 2, Temperature: 0.5}, func(ε []float64) float64 {
			b := bitOf(ℓ + ε[0])
			sum := 0.
			for _, x := range ε[1:] {
				v := σ(x)
				if b == 1 {
					v = v*σ(ℓ) + σ(-ℓ)
				} else {
					v *= σ(-ℓ)
				}
				sum += slope(ℓ+logit(v), 0.5)
			}
			return 2 * (b - target) * sum / 2
		}, func(g [][]float64) []float64 {
			b := marked(plus(logits, g[0]))
			p, _ := softmaxByHand(logits, logits)
			sum := make([]float64, 3)
			for _, x := range g[1:] {
				z, top := make([]float64, 3), math.Exp(-x[slices.Index(b, 1)])
				for k := range z {
					z[k] = -math.Log(top + (1-b[k])*math.Exp(-x[k])/p[k])
				}
				sum = plus(sum, scaled(through(b, z, 0.5), 0.5))
			}
			return sum
		}},
		{estimator.GappedST{Gap: 0.8, Temperature: 0.7}, func(ε []float64) float64 {
			b := bitOf(ℓ + ε[0])
			y := math.Max(ℓ, 0.8)
			if b == 0 {
				y = math.Min(ℓ, -0.8)
			}
			return 2 * (b - target) * slope(y, 0.7)
		}, func(g [][]float64) []float64 {
			b := marked(plus(logits, g[0]))
			y, top := slices.Clone(logits), slices.Max(logits)
			for k := range y {
				if b[k] == 1 {
					y[k] = top
				} else {
					y[k] = math.Min(y[k], top-0.8)
				}
			}
			return through(b, y, 0.7)
		}},
		{estimator.ReinMax{Temperature: 1.2}, func(ε []float64) float64 {
			b := bitOf(ℓ + ε[0])
			middle := (b + σ(ℓ/1.2)) / 2
			return 2 * (b - target) * (2*middle*(1-middle) - slope(ℓ, 1)/2)
		}, func(g [][]float64) []float64 {
			b := marked(plus(logits, g[0]))
			p, _ := softmaxByHand(scaled(logits, 1/1.2), b)
			middle := scaled(plus(b, p), 0.5)
			for k := range middle {
				middle[k] = math.Log(middle[k])
			}
			return plus(scaled(through(b, middle, 1), 2), scaled(through(b, logits, 1), -0.5))
		}},
	} {
		e := test.Estimator
		b := assemble(t, e, meter.Case{Logits: []float64{ℓ}, Shape: []int{1}, F: distance(target), Context: []float64{1}}, rows, nil, estimates[float64])
		got := b.output(t, "grad")
		for i := range rows {
			ε := []float64{b.eps[0].Data[i]}
			if len(b.eps) > 1 {
				ε = append(ε, b.eps[1].Data[i], b.eps[1].Data[rows+i])
			}
			compare(t, e, got[i:i+1], []float64{test.bit(ε)}, 1e-12)
		}
		b = assemble(t, e, meter.Case{Law: estimator.Categorical, Logits: logits, Shape: []int{1, 3}, F: cubes, Context: []float64{1}}, rows, nil, estimates[float64])
		got = b.output(t, "grad")
		for i := range rows {
			row := func(x []float64, i int) []float64 { return x[3*i : 3*i+3] }
			g := [][]float64{row(b.eps[0].Data, i)}
			if len(b.eps) > 1 {
				g = append(g, row(b.eps[1].Data, i), row(b.eps[1].Data, rows+i))
			}
			compare(t, e, row(got, i), test.classes(g), 1e-12)
		}
	}
}

// Gumbel-Rao has the mean of the straight-through Gumbel-softmax estimator and less variance, less for more samples. For
// one bit the mean is an integral over u, here by midpoints: the relaxation's, too.
func TestGumbelRaoIsRaoBlackwell(t *testing.T) {
	const n, τ = 50_000, 0.5
	plain := estimator.STGumbelSoftmax{Temperature: τ}
	each(t, []estimator.Estimator{plain}, func(t *testing.T, e estimator.Estimator, c meter.Case) {
		before, err := meter.Measure(c, e, n, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []int{1, 2, 8} {
			m, err := meter.Measure(c, estimator.GumbelRao{Samples: k, Temperature: τ}, n, 2, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := range m.Mean {
				if d, se := m.Mean[i]-before.Mean[i], math.Hypot(m.BiasError[i], before.BiasError[i]); math.Abs(d) > 4*se {
					t.Errorf("%d samples, coordinate %d: mean %.5g, of one sample %.5g, %.1f standard errors apart", k, i, m.Mean[i], before.Mean[i], d/se)
				}
				if margin := 4 * math.Hypot(m.VarianceError[i], before.VarianceError[i]); k > 1 && !(m.Variance[i] < before.Variance[i]-margin) || k == 1 && math.Abs(m.Variance[i]-before.Variance[i]) > margin {
					t.Errorf("%d samples, coordinate %d: variance %.4g, before %.4g", k, i, m.Variance[i], before.Variance[i])
				}
			}
			if k > 1 {
				before = m
			}
		}
	})
	const ℓ, target, cells = 0.6, 0.3, 200_000
	mean := map[string]float64{}
	for i := range cells {
		y := (ℓ + logit((float64(i)+0.5)/cells)) / τ
		s := 1 / (1 + math.Exp(-y))
		b := bitOf(y)
		mean["relaxation"] += 2 * (s - target) * s * (1 - s) / τ / cells
		mean["stgumbelsoftmax"] += 2 * (b - target) * s * (1 - s) / τ / cells
	}
	mean["gumbelrao"] = mean["stgumbelsoftmax"]
	c := meter.Case{Logits: []float64{ℓ}, Shape: []int{1}, F: distance(target)}
	for _, e := range []estimator.Estimator{estimator.Relaxation{Temperature: τ}, plain, estimator.GumbelRao{Samples: 3, Temperature: τ}} {
		m, err := meter.Measure(c, e, n, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		if d := m.Mean[0] - mean[e.Info().Name]; math.Abs(d) > 4*m.BiasError[0] {
			t.Errorf("%+v: mean %.5g, by quadrature %.5g: %.1f standard errors apart", e, m.Mean[0], mean[e.Info().Name], d/m.BiasError[0])
		}
	}
}

// The relaxation's gradient is that of the surrogate, its value that of the objective.
func TestRelaxationOfSurrogate(t *testing.T) {
	each(t, []estimator.Estimator{estimator.Relaxation{}}, func(t *testing.T, e estimator.Estimator, c meter.Case) {
		c.F, c.Smooth = linear, other
		mixed := assemble(t, e, c, 10, nil, estimates[float64])
		c.F = other
		surrogate := assemble(t, e, c, 10, nil, estimates[float64])
		c.F = linear
		objective := assemble(t, estimator.StraightThrough{}, c, 10, nil, estimates[float64])
		if !slices.Equal(mixed.output(t, "grad"), surrogate.output(t, "grad")) || !slices.Equal(mixed.output(t, "value"), objective.output(t, "value")) {
			t.Error("the gradient is not that of the surrogate, or the value not that of the objective")
		}
	})
}

// Decoupled draws from the law of logits ℓ/τf.
func TestDecoupledForwardTemperature(t *testing.T) {
	const n, τf = 50_000, 0.4
	hot := func(b *G.Node) (*G.Node, error) { // the first bit or class
		var e op.Expr
		return e.Node(e.Of(op.Reshape(e.Of(op.SliceLast(b, 0, 1)), b.Shape()[0])))
	}
	each(t, []estimator.Estimator{estimator.Decoupled{Forward: τf, Backward: 2}}, func(t *testing.T, e estimator.Estimator, c meter.Case) {
		if c.Law == estimator.Categorical && c.Shape[0] > 1 {
			t.Skip("one variable is enough")
		}
		c.F = hot
		m, err := meter.Measure(c, e, n, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := 1 / (1 + math.Exp(-c.Logits[0]/τf))
		if c.Law == estimator.Categorical {
			sum := 0.
			for _, ℓ := range c.Logits {
				sum += math.Exp((ℓ - c.Logits[0]) / τf)
			}
			want = 1 / sum
		}
		if d := m.Value - want; math.Abs(d) > 4*m.ValueError {
			t.Errorf("frequency %.4f, want %.4f: %.1f standard errors apart", m.Value, want, d/m.ValueError)
		}
	})
}

// Senseless settings of the estimators with relaxations are errors that name the estimator, whatever the inputs are.
func TestRelaxationSettings(t *testing.T) {
	for _, e := range []estimator.Estimator{
		estimator.RELAX{Hidden: -1}, estimator.RELAX{Activation: 7}, estimator.DLAX{Hidden: -1}, estimator.DLAX{Activation: -1},
		estimator.StraightThrough{Rule: 9}, estimator.STGumbelSoftmax{Temperature: -1}, estimator.Relaxation{Temperature: math.NaN()},
		estimator.Decoupled{Forward: -1}, estimator.Decoupled{Backward: math.Inf(1)}, estimator.GumbelRao{Samples: -1},
		estimator.GumbelRao{Temperature: -2}, estimator.ReinMax{Temperature: -1}, estimator.GappedST{Gap: -1},
		estimator.GappedST{Gap: math.NaN()}, estimator.GappedST{Gap: math.Inf(1)}, estimator.GappedST{Temperature: -1},
	} {
		_, err := program.Build(func(g *program.Graph[float32]) error {
			logits, err := g.Input("logits", 2, 3)
			if err != nil {
				return err
			}
			p := estimator.Problem{Logits: logits.Node, F: cubic}
			var eps []*G.Node
			for i, s := range e.Noise(p) {
				name := string(rune('a' + i))
				if slices.ContainsFunc(s.Shape, func(n int) bool { return n < 1 }) {
					continue
				}
				in, err := g.Input(name, s.Shape...)
				if err != nil {
					return err
				}
				eps = append(eps, in.Node)
			}
			e.Parameters(p, 1)
			_, err = e.Build(p, eps, nil)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), e.Info().Name) || strings.Contains(err.Error(), "needed, see") {
			t.Errorf("%+v: error %v", e, err)
		}
	}
}
