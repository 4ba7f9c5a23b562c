package relax_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// reparameterised is what Bernoulli and Categorical have in common.
type reparameterised interface {
	Noise() []noise.Spec
	Reparameterise(eps *G.Node) (z, b *G.Node, err error)
	ReparameteriseGiven(b, eps *G.Node) (*G.Node, error)
	ReparameteriseCoupled(z, b *G.Node) (*G.Node, error)
}

var reparameterisedLaws = []struct {
	name  string
	law   func(logits *G.Node) reparameterised
	shape []int
}{
	{"Bernoulli", func(l *G.Node) reparameterised { return relax.Bernoulli{Logits: l} }, []int{3, 4}},
	{"Categorical", func(l *G.Node) reparameterised { return relax.Categorical{Logits: l} }, []int{2, 2, 3}},
	{"Categorical without variables' axis", func(l *G.Node) reparameterised { return relax.Categorical{Logits: l} }, []int{4, 3}},
}

// The wanted numbers are the definitions in uniform variables, ℓ + logit v′ and −log(E_i/θ_i + E_b), evaluated with 140
// digits, and central differences of them at fixed uniforms.
func TestReparameteriseGivenGolden(t *testing.T) {
	t.Run("Bernoulli", func(t *testing.T) {
		cases := []struct{ ℓ, b, ε, z, slope float64 }{
			{0.3, 1, -1.3862943611198906, 0.46213821651010667, 0.21258091691196179},
			{0.3, 0, -1.3862943611198906, -2.0748400815223618, 0.3721174605424491},
			{-2.5, 1, 2.1972245773362196, 2.3738600906264793, 0.068794222470377128},
			{-2.5, 0, -4.5951198501345898, -7.1747755352545344, 0.9234342438059846},
			{4, 0, 0.84729786038720356, -0.36215459485812163, 0.0054646650172888852},
			{-50, 1, -0.6190392084062234, 0.43078291609245428, 6.7506244678737125e-23},
			{50, 0, -0.6190392084062234, -1.0498221244986776, 1.2536874011765465e-22},
			{50, 1, 0.40546510810816438, 50.405465108108167, 1},
			{-50, 0, 6.9067547786485539, -43.093245221351445, 1},
		}
		r := newRig[float64](t)
		columns := make([][]float64, 3)
		for _, c := range cases {
			for i, v := range []float64{c.ℓ, c.b, c.ε} {
				columns[i] = append(columns[i], v)
			}
		}
		in := func(i int) *G.Node { return r.input(columns[i], len(cases), 1).node }
		ℓ := in(0)
		z := r.node(relax.Bernoulli{Logits: ℓ}.ReparameteriseGiven(in(1), in(2)))
		slope, err := autodiff.Gradient(r.node(op.SumAll(z)), ℓ)
		if err != nil {
			t.Fatal(err)
		}
		got := r.compile(z, slope[0])()
		for i, c := range cases {
			for j, want := range []float64{c.z, c.slope} {
				if !(math.Abs(got[j][i]-want) <= 1e-14*math.Abs(want)) { // relative, in the tails too
					t.Errorf("ℓ = %g, b = %g: %s = %.17g, want %.17g", c.ℓ, c.b, []string{"z̃", "∂z̃/∂ℓ"}[j], got[j][i], want)
				}
			}
		}
	})
	t.Run("Categorical", func(t *testing.T) {
		weights := []float64{0.7, -1.3, 0.4}
		for _, c := range []struct {
			ℓ             []float64
			b             int
			g, z, product []float64
		}{
			{[]float64{0.3, -1, 2}, 0, []float64{-0.47588499532711059, 1.030930433158723, 0.08742157179075509},
				[]float64{-0.47588499532711059, -2.3455360320849348, -1.007497702682671}, []float64{0.13853624655996449, -1.0618137772236806, 0.9232775306637161}},
			{[]float64{0.3, -1, 2}, 2, []float64{-0.47588499532711059, 1.030930433158723, 0.08742157179075509},
				[]float64{-2.4659217471823252, -2.2768281747778252, 0.08742157179075509}, []float64{0.72441811623148988, -1.1562734334167448, 0.43185531718525494}},
			{[]float64{50, 0, -50}, 1, []float64{0.36651292058166435, 2.2503673273124454, -0.18562675886236565},
				[]float64{0.22501067302940875, 2.2503673273124454, -100.18562675886237}, []float64{-0.4, -1.9434802066492696e-22, 0.4}},
			{[]float64{50, 0, -50}, 2, []float64{4.6001492267765798, -0.83403244524795583, -0.18562675886236565},
				[]float64{-0.19393975355897172, -50.834032445247956, -0.18562675886236565}, []float64{1.3, -1.3, 4.8145410174090883e-44}},
		} {
			r := newRig[float64](t)
			ℓ := r.input(c.ℓ, 1, 3).node
			b := make([]float64, 3)
			b[c.b] = 1
			z := r.node(relax.Categorical{Logits: ℓ}.ReparameteriseGiven(r.input(b, 1, 3).node, r.input(c.g, 1, 3).node))
			var e op.Expr
			product, err := autodiff.Gradient(e.Of(op.SumAll(e.Of(op.Mul(r.input(weights, 1, 3).node, z)))), ℓ)
			if err != nil {
				t.Fatal(err)
			}
			got := r.compile(z, product[0])()
			for j, want := range [][]float64{c.z, c.product} {
				for i := range want {
					if !near(got[j][i], want[i], 1e-14) {
						t.Errorf("ℓ = %v, b = %d: %s[%d] = %.17g, want %.17g", c.ℓ, c.b, []string{"z̃", "Jacobian product"}[j], i, got[j][i], want[i])
					}
				}
			}
		}
	})
}

// conditional draws z, b, z̃ and the coupled z̃ for n rows of the same logits.
func conditional(t *testing.T, law func(*G.Node) reparameterised, ℓ []float64, n int, stream string) (z, b, given, coupled []float64) {
	t.Helper()
	r := newRig[float64](t)
	d := law(r.input(slices.Repeat(ℓ, n), n, len(ℓ)).node)
	spec := d.Noise()[0]
	fresh := func(name string) *G.Node {
		ε := make([]float64, spec.Size())
		noise.Fill(noise.NewSource(1, stream+name), spec.Kind, ε)
		return r.input(ε, spec.Shape...).node
	}
	zn, bn, err := d.Reparameterise(fresh("u"))
	if err != nil {
		t.Fatal(err)
	}
	out := r.compile(zn, bn, r.node(d.ReparameteriseGiven(bn, fresh("v"))), r.node(d.ReparameteriseCoupled(zn, bn)))()
	return out[0], out[1], out[2], out[3]
}

// checkUniform compares numbers with the uniform law.
func checkUniform(t *testing.T, what string, u []float64) {
	t.Helper()
	if d, bound := kolmogorovSmirnov(u), 2.3/math.Sqrt(float64(len(u))); !(d < bound) { // p = 5·10⁻⁵
		t.Errorf("%s: distance of %d draws from the law is %.5f, above %.5f", what, len(u), d, bound)
	}
}

// z̃ has the law of z given b, and of z if b is drawn; and it is independent of z given b.
func TestReparameteriseGivenLaw(t *testing.T) {
	n := 40000
	if testing.Short() {
		n = 8000
	}
	for _, ℓ := range []float64{-1.2, 0.4, 2} {
		law := func(l *G.Node) reparameterised { return relax.Bernoulli{Logits: l} }
		z, b, given, _ := conditional(t, law, []float64{ℓ}, n, fmt.Sprint("law", ℓ))
		var one, zero, all, hard []float64
		var products []float64
		for i := range n {
			truncated := func(z float64) float64 { // the conditional distribution function
				if b[i] == 1 {
					return 1 - sigmoid(ℓ-z)/sigmoid(ℓ)
				}
				return sigmoid(z-ℓ) / sigmoid(-ℓ)
			}
			if b[i] == 1 {
				one = append(one, truncated(given[i]))
			} else {
				zero = append(zero, truncated(given[i]))
			}
			all = append(all, sigmoid(given[i]-ℓ))
			hard = append(hard, b[i]-sigmoid(ℓ))
			products = append(products, (truncated(z[i])-0.5)*(truncated(given[i])-0.5)*12)
		}
		checkUniform(t, fmt.Sprintf("ℓ = %g, z̃ given 1", ℓ), one)
		checkUniform(t, fmt.Sprintf("ℓ = %g, z̃ given 0", ℓ), zero)
		checkUniform(t, fmt.Sprintf("ℓ = %g, z̃", ℓ), all)
		for what, x := range map[string][]float64{"P(b = 1) − σ(ℓ)": hard, "correlation of z and z̃ given b": products} {
			if mean, se := meanError(x); !(math.Abs(mean) < 4*se) {
				t.Errorf("ℓ = %g: %s is %.5f, want 0 within 4·%.2g", ℓ, what, mean, se)
			}
		}
	}
	ℓ := []float64{2.5, 4, 3.2} // far from normalised
	p := make([]float64, 3)
	for i, v := range ℓ {
		p[i] = v - logSumExp(ℓ)
	}
	law := func(l *G.Node) reparameterised { return relax.Categorical{Logits: l} }
	gumbel := func(x float64) float64 { return math.Exp(-math.Exp(-x)) }
	z, b, given, _ := conditional(t, law, ℓ, n, "categorical law")
	tops, others := make([][]float64, 3), make([][]float64, 9)
	marginal, products := make([][]float64, 3), make([][]float64, 3)
	for r := range n {
		row := given[3*r : 3*r+3]
		k := slices.Index(b[3*r:3*r+3], 1)
		tops[k] = append(tops[k], gumbel(row[k]))
		for i, v := range row {
			marginal[i] = append(marginal[i], gumbel(v-p[i]))
			below := func(v, top float64) float64 { return gumbel(v-p[i]) / gumbel(top-p[i]) }
			if i != k {
				others[3*k+i] = append(others[3*k+i], below(v, row[k]))
				u := below(z[3*r+i], z[3*r+k])
				products[i] = append(products[i], (u-0.5)*(below(v, row[k])-0.5)*12)
			} else {
				products[i] = append(products[i], (gumbel(z[3*r+k])-0.5)*(gumbel(v)-0.5)*12)
			}
		}
	}
	for k := range 3 {
		checkUniform(t, fmt.Sprintf("the largest given class %d", k), tops[k])
		checkUniform(t, fmt.Sprintf("z̃ of class %d", k), marginal[k])
		if mean, se := meanError(products[k]); !(math.Abs(mean) < 4*se) {
			t.Errorf("class %d: correlation of z and z̃ given b is %.5f, want 0 within 4·%.2g", k, mean, se)
		}
		if got, want, se := float64(len(tops[k]))/float64(n), math.Exp(p[k]), 1/(2*math.Sqrt(float64(n))); !(math.Abs(got-want) < 4*se) {
			t.Errorf("class %d is drawn with frequency %.4f, want %.4f within 4·%.2g", k, got, want, se)
		}
		for i := range 3 {
			if i != k {
				checkUniform(t, fmt.Sprintf("class %d given class %d and its value", i, k), others[3*k+i])
			}
		}
	}
}

// Gradients of z and z̃ and the gradients of these gradients are those of finite differences at fixed noise.
func TestReparameteriseGradients(t *testing.T) {
	for _, c := range reparameterisedLaws {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			r := newRig[float64](t)
			random := func(scale float64) []float64 {
				x := make([]float64, noise.Spec{Shape: c.shape}.Size())
				for i := range x {
					x[i] = scale * rng.NormFloat64()
				}
				return x
			}
			ℓ := r.input(random(1.5), c.shape...)
			d := c.law(ℓ.node)
			z, b, err := d.Reparameterise(r.input(random(2), c.shape...).node)
			if err != nil {
				t.Fatal(err)
			}
			fixed := r.input(r.compile(b)()[0], c.shape...).node // differences must not change the sample
			for what, n := range map[string]*G.Node{"z": z, "z̃": r.node(d.ReparameteriseGiven(fixed, r.input(random(2), c.shape...).node))} {
				loss, _ := r.projection(n, rng)
				for order := range 2 {
					grads, err := autodiff.Gradient(loss, ℓ.node)
					if err != nil {
						t.Fatal(err)
					}
					got := r.compile(grads[0])()[0]
					run := r.compile(loss)
					want := differences(func() float64 { return run()[0][0] }, ℓ.data)
					for i := range want {
						if !near(got[i], want[i], fdTolerance) {
							t.Errorf("%s, order %d: ∂/∂ℓ[%d] = %.12g, finite differences %.12g", what, order+1, i, got[i], want[i])
						}
					}
					loss, _ = r.projection(grads[0], rng)
				}
			}
			gradients, err := autodiff.Gradient(r.node(op.SumAll(b)), ℓ.node)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range r.compile(gradients[0])()[0] {
				if v != 0 {
					t.Errorf("a gradient of %g passes through b", v)
				}
			}
		})
	}
}

// The coupled z̃ has the value of z to the last bit, and the first two gradients of z̃ at that noise, which the test
// finds from u by the formula in uniform variables.
func TestReparameteriseCoupled(t *testing.T) {
	for _, c := range reparameterisedLaws {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			r := newRig[float64](t)
			size := noise.Spec{Shape: c.shape}.Size()
			ℓ, ε, v := make([]float64, size), make([]float64, size), make([]float64, size)
			for i := range ℓ {
				ℓ[i] = rng.NormFloat64()
			}
			ln := r.input(ℓ, c.shape...).node
			d := c.law(ln)
			noise.Fill(noise.NewSource(2, c.name), d.Noise()[0].Kind, ε)
			if c.name == "Bernoulli" {
				for i := range v {
					u, split := sigmoid(ε[i]), sigmoid(-ℓ[i])
					if u > split {
						u = (u - split) / (1 - split)
					} else {
						u /= split
					}
					v[i] = math.Log(u / (1 - u))
				}
			} else {
				k := c.shape[len(c.shape)-1]
				for i := 0; i < size; i += k {
					z, total := make([]float64, k), logSumExp(ℓ[i:i+k])
					for j := range z {
						z[j] = ℓ[i+j] - total + ε[i+j]
					}
					top := slices.Max(z)
					for j := range z {
						v[i+j] = -math.Log((math.Exp(-z[j]) - math.Exp(-top)) * math.Exp(ℓ[i+j]-total))
						if z[j] == top {
							v[i+j] = top
						}
					}
				}
			}
			z, b, err := d.Reparameterise(r.input(ε, c.shape...).node)
			if err != nil {
				t.Fatal(err)
			}
			coupled := r.node(d.ReparameteriseCoupled(z, b))
			given := r.node(d.ReparameteriseGiven(b, r.input(v, c.shape...).node))
			outs := G.Nodes{z, coupled, given}
			for _, n := range []*G.Node{coupled, given} {
				rng := rand.New(rand.NewPCG(5, 6)) // the same projections for both
				for range 2 {
					loss, _ := r.projection(n, rng)
					grads, err := autodiff.Gradient(loss, ln)
					if err != nil {
						t.Fatal(err)
					}
					n = grads[0]
					outs = append(outs, n)
				}
			}
			got := r.compile(outs...)()
			if !slices.Equal(got[0], got[1]) {
				t.Errorf("coupled z̃ = %v, want z = %v", got[1], got[0])
			}
			for _, pair := range [][2]int{{1, 2}, {3, 5}, {4, 6}} {
				a, b := got[pair[0]], got[pair[1]]
				for i := range a {
					if !near(a[i], b[i], 1e-10) { // logarithms of differences lose some digits
						t.Errorf("output %d[%d] = %.15g, at the recovered noise it is %.15g", pair[0], i, a[i], b[i])
					}
				}
			}
		})
	}
}

// Where probabilities round to 0 or 1, everything is finite, slopes lie in [0, 1], and z̃ never contradicts b.
func TestReparameteriseExtremes(t *testing.T) {
	t.Run("float32", checkReparameteriseExtremes[float32])
	t.Run("float64", checkReparameteriseExtremes[float64])
}

func checkReparameteriseExtremes[T op.Float](t *testing.T) {
	for _, c := range []struct {
		law     func(*G.Node) reparameterised
		width   int
		classes bool
		noise   []float64 // the smallest, middling and the largest that a source gives
	}{
		{func(l *G.Node) reparameterised { return relax.Bernoulli{Logits: l} }, 1, false, []float64{-36.7, -1, 1e-8, 2, 36.7}},
		{func(l *G.Node) reparameterised { return relax.Categorical{Logits: l} }, 3, true, []float64{-3.6, 0, 1e-8, 18, 36.7}},
	} {
		rng := rand.New(rand.NewPCG(7, 8))
		const rows = 3000
		pick := func(from ...float64) []float64 {
			x := make([]float64, rows*c.width)
			for i := range x {
				x[i] = from[rng.IntN(len(from))]
			}
			return x
		}
		given := pick(0, 1)
		if c.classes {
			clear(given)
			for i := range rows {
				given[i*c.width+rng.IntN(c.width)] = 1
			}
		}
		r := newRig[T](t)
		in := func(x []float64) *G.Node { return r.input(x, rows, c.width).node }
		ℓ := in(pick(-1000, -50, -1, 0, 1, 50, 1000))
		d := c.law(ℓ)
		z, b, err := d.Reparameterise(in(pick(c.noise...)))
		if err != nil {
			t.Fatal(err)
		}
		outs := G.Nodes{in(given), b, r.node(d.ReparameteriseGiven(in(given), in(pick(c.noise...)))), r.node(d.ReparameteriseCoupled(z, b)), z}
		for _, n := range outs[2:5] {
			var e op.Expr
			w := in(pick(1, -1))
			grads, err := autodiff.Gradient(e.Of(op.SumAll(e.Of(op.Mul(w, n)))), ℓ)
			if err != nil {
				t.Fatal(err)
			}
			second, err := autodiff.Gradient(e.Of(op.SumAll(e.Of(op.Mul(w, grads[0])))), ℓ)
			if err != nil {
				t.Fatal(err)
			}
			outs = append(outs, grads[0], second[0])
		}
		got := r.compile(outs...)()
		for i, x := range got {
			for j, v := range x {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("output %d, number %d is %v", i, j, v)
				}
				if i > 4 && i%2 == 1 && math.Abs(v) > float64(c.width) {
					t.Errorf("output %d: a gradient of %v for weights ±1", i, v)
				}
			}
		}
		for name, pair := range map[string][2]int{"z̃": {2, 0}, "coupled z̃": {3, 1}, "z": {4, 1}} {
			x, hard := got[pair[0]], got[pair[1]]
			for i := range rows {
				row, b := x[i*c.width:(i+1)*c.width], hard[i*c.width:(i+1)*c.width]
				switch {
				case !c.classes && (row[0] > 0) != (b[0] == 1):
					t.Fatalf("%s = %v for b = %v", name, row, b)
				case c.classes && name == "z̃":
					for j, v := range row {
						if at := slices.Index(b, 1); j != at && !(v < row[at]) {
							t.Fatalf("%s = %v for b = %v", name, row, b)
						}
					}
				case c.classes && slices.Index(row, slices.Max(row)) != slices.Index(b, 1):
					t.Fatalf("%s = %v for b = %v", name, row, b)
				}
			}
		}
	}
}

func TestReparameteriseMistakes(t *testing.T) {
	for _, c := range reparameterisedLaws {
		r := newRig[float64](t)
		in := func(shape ...int) *G.Node {
			return r.input(make([]float64, noise.Spec{Shape: shape}.Size()), shape...).node
		}
		good, other := in(c.shape...), in(7, 5)
		d := c.law(good)
		for what, f := range map[string]func() (*G.Node, error){
			"no logits":             func() (*G.Node, error) { z, _, err := c.law(nil).Reparameterise(good); return z, err },
			"no logits, given":      func() (*G.Node, error) { return c.law(nil).ReparameteriseGiven(good, good) },
			"no logits, coupled":    func() (*G.Node, error) { return c.law(nil).ReparameteriseCoupled(good, good) },
			"noise":                 func() (*G.Node, error) { z, _, err := d.Reparameterise(other); return z, err },
			"no noise":              func() (*G.Node, error) { z, _, err := d.Reparameterise(nil); return z, err },
			"sample":                func() (*G.Node, error) { return d.ReparameteriseGiven(other, good) },
			"noise, given":          func() (*G.Node, error) { return d.ReparameteriseGiven(good, other) },
			"no sample":             func() (*G.Node, error) { return d.ReparameteriseGiven(nil, good) },
			"z":                     func() (*G.Node, error) { return d.ReparameteriseCoupled(other, good) },
			"sample, coupled":       func() (*G.Node, error) { return d.ReparameteriseCoupled(good, other) },
			"logits without a row":  func() (*G.Node, error) { return c.law(in(3)).ReparameteriseGiven(in(3), in(3)) },
			"nothing but a z":       func() (*G.Node, error) { return d.ReparameteriseCoupled(good, nil) },
			"logits of a plain row": func() (*G.Node, error) { z, _, err := c.law(in(4)).Reparameterise(in(4)); return z, err },
		} {
			if n, err := f(); err == nil || n != nil {
				t.Errorf("%s, %s: got %v and error %v, want an error", c.name, what, n, err)
			}
		}
	}
}
