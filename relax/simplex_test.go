package relax_test

import (
	"errors"
	"fmt"
	"log"
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/relax"
	"relaxgo/relax/noise"
)

func init() {
	subjects = append(subjects,
		invertibleGaussian("InvertibleGaussian", 0, false),
		invertibleGaussian("InvertibleGaussian/δ=0.5", 0.5, false),
		invertibleGaussian("InvertibleGaussian/StraightThrough", 0.5, true),
		logisticNormal(),
		stickBreaking(),
	)
	for _, name := range []string{"InvertibleGaussian", "InvertibleGaussian/δ=0.5", "LogisticNormal", "StickBreaking"} {
		klPairs = append(klPairs, [2]string{name, name})
	}
}

// gaussianTemperature is that of distributions whose y = τ·logit has a Gaussian tail: the higher τ, the farther out it is
// for a given logit.
var gaussianTemperature = func() param {
	p := temperature
	p.grow = true
	return p
}()

// withLast is the shape with n more elements along the last axis.
func withLast(shape []int, n int) []int {
	s := slices.Clone(shape)
	s[len(s)-1] += n
	return s
}

// invertibleGaussian is softmax++ of a Gaussian vector, δ zero for the default.
func invertibleGaussian(name string, δ float64, straightThrough bool) subject {
	build := func(p G.Nodes) relax.InvertibleGaussian {
		return relax.InvertibleGaussian{Mu: p[0], Sigma: p[1], Temperature: p[2], Delta: δ}
	}
	residual := δ
	if residual == 0 {
		residual = 1
	}
	soft := func(θ [][]float64, y []float64) variable {
		scaled := []float64{}
		for _, v := range y {
			scaled = append(scaled, v/θ[2][0])
		}
		scaled = append(scaled, math.Log(residual))
		x := variable{hard: oneHotMax(scaled)}
		for _, v := range scaled {
			log := v - logSumExp(scaled)
			x.logit, x.value = append(x.logit, log), append(x.value, math.Exp(log))
		}
		return x
	}
	inverse := func(θ [][]float64, x variable) (y []float64) {
		last := len(x.logit) - 1
		for _, v := range x.logit[:last] {
			y = append(y, θ[2][0]*(v-x.logit[last]+math.Log(residual)))
		}
		return y
	}
	slope := func(θ [][]float64, x variable) float64 { // log |∂z/∂y|
		sum := -float64(len(x.logit)-1) * math.Log(θ[2][0])
		for _, v := range x.logit {
			sum += v
		}
		return sum
	}
	s := subject{
		name: name, params: []param{location, scale, gaussianTemperature}, noise: noise.Normal, classes: true, behind: true,
		layout: func(shape []int) layout {
			more := withLast(shape, 1)
			return layout{shape, more, more, more}
		},
		build: func(p G.Nodes) relax.Distribution { return build(p) },
		draw:  func(θ [][]float64, ε []float64) variable { return soft(θ, affine(θ, ε)) },
		logProb: func(θ [][]float64, x variable) float64 {
			return gaussianLogProb(θ, inverse(θ, x)) - slope(θ, x)
		},
		inside:  isSimplex,
		cover:   coverGaussian(soft, slope),
		uniform: func(θ [][]float64, x variable) []float64 { return gaussianUniform(θ, inverse(θ, x)) },
		law:     func(θ [][]float64) []float64 { return argmaxLaw(θ[0], θ[1], θ[2][0]*math.Log(residual)) },
	}
	if straightThrough {
		s.build = func(p G.Nodes) relax.Distribution {
			d := build(p)
			d.StraightThrough = true
			return d
		}
		s.inside = isOneHot
		draw, cover := s.draw, s.cover
		s.draw = func(θ [][]float64, ε []float64) variable {
			x := draw(θ, ε)
			x.value = x.hard
			return x
		}
		s.cover = func(θ [][]float64) (xs []variable, w []float64) {
			xs, w = cover(θ)
			for i := range xs {
				xs[i].value = xs[i].hard
			}
			return xs, w
		}
		s.surrogate = func(p G.Nodes, ε *G.Node) (*G.Node, error) {
			x, err := build(p).Rsample(ε)
			return x.Value, err
		}
	}
	return s
}

// logisticNormal is the invertible Gaussian of temperature and δ one.
func logisticNormal() subject {
	s := invertibleGaussian("LogisticNormal", 1, false)
	s.params = s.params[:2]
	s.build = func(p G.Nodes) relax.Distribution { return relax.LogisticNormal{Mu: p[0], Sigma: p[1]} }
	warm := func(θ [][]float64) [][]float64 { return [][]float64{θ[0], θ[1], {1}} }
	draw, logProb, cover, uniform, law := s.draw, s.logProb, s.cover, s.uniform, s.law
	s.draw = func(θ [][]float64, ε []float64) variable { return draw(warm(θ), ε) }
	s.logProb = func(θ [][]float64, x variable) float64 { return logProb(warm(θ), x) }
	s.cover = func(θ [][]float64) ([]variable, []float64) { return cover(warm(θ)) }
	s.uniform = func(θ [][]float64, x variable) []float64 { return uniform(warm(θ), x) }
	s.law = func(θ [][]float64) []float64 { return law(warm(θ)) }
	return s
}

func stickBreaking() subject {
	soft := func(θ [][]float64, y []float64) variable {
		var x variable
		left := 1.
		for _, v := range y {
			x.logit = append(x.logit, v/θ[2][0])
			x.value = append(x.value, left*sigmoid(v/θ[2][0]))
			left *= sigmoid(-v / θ[2][0])
		}
		x.value = append(x.value, left)
		x.hard = firstPositive(y)
		return x
	}
	inverse := func(θ [][]float64, x variable) (y []float64) {
		for _, v := range x.logit {
			y = append(y, θ[2][0]*v)
		}
		return y
	}
	// The matrix ∂z/∂y is triangular: z_k = κ_k·left, and left shrinks by 1 − κ_k.
	slope := func(θ [][]float64, x variable) (sum float64) {
		left := 0.
		for _, v := range x.logit {
			sum += left - softplus(v) - softplus(-v) - math.Log(θ[2][0])
			left -= softplus(v)
		}
		return sum
	}
	return subject{
		name: "StickBreaking", params: []param{location, scale, gaussianTemperature}, noise: noise.Normal, classes: true,
		layout: func(shape []int) layout {
			more := withLast(shape, 1)
			return layout{shape, more, shape, more}
		},
		build: func(p G.Nodes) relax.Distribution {
			return relax.StickBreaking{Mu: p[0], Sigma: p[1], Temperature: p[2]}
		},
		draw: func(θ [][]float64, ε []float64) variable { return soft(θ, affine(θ, ε)) },
		logProb: func(θ [][]float64, x variable) float64 {
			return gaussianLogProb(θ, inverse(θ, x)) - slope(θ, x)
		},
		inside:  isSimplex,
		cover:   coverGaussian(soft, slope),
		uniform: func(θ [][]float64, x variable) []float64 { return gaussianUniform(θ, inverse(θ, x)) },
		law: func(θ [][]float64) (p []float64) {
			left := 1.
			for i, μ := range θ[0] {
				p = append(p, left*normalCDF(μ/θ[1][i]))
				left *= normalCDF(-μ / θ[1][i])
			}
			return append(p, left)
		},
		round: func(x variable) []float64 { return firstPositive(x.logit) },
	}
}

func firstPositive(y []float64) []float64 {
	h := make([]float64, len(y)+1)
	if i := slices.IndexFunc(y, func(v float64) bool { return v > 0 }); i >= 0 {
		h[i] = 1
	} else {
		h[len(y)] = 1
	}
	return h
}

func affine(θ [][]float64, ε []float64) (y []float64) {
	for i, μ := range θ[0] {
		y = append(y, μ+θ[1][i]*ε[i])
	}
	return y
}

func gaussianLogProb(θ [][]float64, y []float64) (sum float64) {
	for i, v := range y {
		r := (v - θ[0][i]) / θ[1][i]
		sum += -r*r/2 - math.Log(θ[1][i]*math.Sqrt(2*math.Pi))
	}
	return sum
}

func gaussianUniform(θ [][]float64, y []float64) (u []float64) {
	for i, v := range y {
		u = append(u, normalCDF((v-θ[0][i])/θ[1][i]))
	}
	return u
}

// coverGaussian is the trapezoidal rule for Gaussian vectors y, mapped to z: with steps of 0.8σ it is exact to
// 2exp(−2π²/0.64) = 8·10⁻¹⁴ in each of them, and past 6.4σ their tails are below 2·10⁻¹⁰.
func coverGaussian(soft func(θ [][]float64, y []float64) variable, slope func(θ [][]float64, x variable) float64) func(θ [][]float64) ([]variable, []float64) {
	return func(θ [][]float64) (xs []variable, w []float64) {
		axes := make([][]float64, len(θ[0]))
		cell := 1.
		for i, σ := range θ[1] {
			for r := -8.; r <= 8; r++ {
				axes[i] = append(axes[i], θ[0][i]+0.8*σ*r)
			}
			cell *= 0.8 * σ
		}
		for _, y := range product(axes...) {
			x := soft(θ, y)
			xs, w = append(xs, x), append(w, cell*math.Exp(slope(θ, x)))
		}
		return xs, w
	}
}

// argmaxLaw is the probability of each of independent Gaussian variables to be the largest and above the threshold, and
// last that none is above it:
//
//	P(k) = ∫_t^∞ N(y; μ_k, σ_k) Π_{j≠k} Φ((y−μ_j)/σ_j) dy,  P(K) = Π_j Φ((t−μ_j)/σ_j)
//
// by Gauss–Legendre with three nodes on each of many pieces, from t or, if that is higher, from where the density of y_k
// starts.
func argmaxLaw(μ, σ []float64, t float64) []float64 {
	below := func(y float64, except int) float64 {
		p := 1.
		for j := range μ {
			if j != except {
				p *= normalCDF((y - μ[j]) / σ[j])
			}
		}
		return p
	}
	var law []float64
	narrowest := slices.Min(σ)
	for k := range μ {
		from, to := math.Max(t, μ[k]-9*σ[k]), μ[k]+9*σ[k]
		p := 0.
		pieces := math.Ceil((to - from) / (0.2 * narrowest))
		step := (to - from) / pieces
		for i := 0.; i < pieces && to > from; i++ {
			for j, weight := range []float64{5. / 18, 8. / 18, 5. / 18} {
				y := from + step*(i+0.5+float64(j-1)*math.Sqrt(0.15))
				r := (y - μ[k]) / σ[k]
				p += step * weight * math.Exp(-r*r/2) / (σ[k] * math.Sqrt(2*math.Pi)) * below(y, k)
			}
		}
		law = append(law, p)
	}
	return append(law, below(t, -1))
}

// TestArgmaxLaw is the nine-dimensional example of Potapczynski et al.'s code, to five digits.
func TestArgmaxLaw(t *testing.T) {
	μ := []float64{1.4171, -.502645, 1.2011, -1.6832, -1.05, 2.55, -1.7, .52, -.9899}
	σ := []float64{.138, .60, 3.22, 2.09, .51544, .15236, 1.44266, .86, .1410}
	want := []float64{0, 0, .33572, .01594, 0, .64039, .00117, .00678, 0, 0}
	got := argmaxLaw(μ, σ, 0)
	sum := 0.
	for i, p := range got {
		sum += p
		if !(math.Abs(p-want[i]) < 6e-6) {
			t.Errorf("P(%d) = %.6f, want %.5f", i+1, p, want[i])
		}
	}
	if !near(sum, 1, 1e-10) {
		t.Errorf("probabilities add up to %.12f", sum)
	}
	// The sampler's hard classes follow it.
	s := named(t, "InvertibleGaussian")
	counts := make([]float64, 10)
	const n = 20000
	for _, x := range draws(t, s, [][]float64{μ, σ, {0.7}}, n, "nine") {
		counts[slices.Index(x.hard, 1)]++
	}
	for i, c := range counts {
		if se := math.Sqrt(want[i]*(1-want[i])/n) + 1e-4; !(math.Abs(c/n-want[i]) < 4*se) {
			t.Errorf("class %d: frequency %.5f, want %.5f within 4·%.2g", i+1, c/n, want[i], se)
		}
	}
}

// TestLogSlope compares log-Jacobians with determinants of finite differences of the sampler, and one with its value.
func TestLogSlope(t *testing.T) {
	y := []float64{0.3, -0.2}
	const τ, δ = 0.6, 0.5
	r := newRig[float64](t)
	μ, σ := r.input(y, 1, 2), r.input([]float64{1, 1}, 1, 2)
	d := relax.InvertibleGaussian{Mu: μ.node, Sigma: σ.node, Temperature: r.node(relax.Temperature(μ.node, τ)), Delta: δ}
	x, err := d.Rsample(r.input([]float64{0, 0}, 1, 2).node)
	if err != nil {
		t.Fatal(err)
	}
	run := r.compile(x.Value, r.node(d.LogSlope(x)), r.node(d.Inverse(x)))
	out := run()
	for i, v := range out[2] {
		if !near(v, y[i], 1e-12) {
			t.Errorf("inverse %v, want %v", out[2], y)
		}
	}
	var rows [2][]float64
	for k := range rows {
		rows[k] = differences(func() float64 { return run()[0][k] }, μ.data)
	}
	want := math.Log(rows[0][0]*rows[1][1] - rows[0][1]*rows[1][0])
	if !near(out[1][0], want, 1e-9) {
		t.Errorf("log-Jacobian %.9f, finite differences %.9f", out[1][0], want)
	}
}

func TestGaussianSimplexErrors(t *testing.T) {
	r := newRig[float64](t)
	μ, ν := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 6), 2, 3).node
	σ, ε := r.input([]float64{1, 1, 1, 1, 1, 1}, 2, 3).node, r.input(make([]float64, 6), 2, 3).node
	for _, δ := range []float64{-1, math.NaN(), math.Inf(1)} {
		attempt(t, "a bad Delta", func() (*G.Node, error) {
			x, err := relax.InvertibleGaussian{Mu: μ, Sigma: σ, Delta: δ}.Rsample(ε)
			return x.Value, err
		}, "Delta")
	}
	half := r.node(relax.Temperature(μ, 0.5))
	for what, pair := range map[string][2]relax.Distribution{
		"temperatures": {relax.InvertibleGaussian{Mu: μ, Sigma: σ}, relax.InvertibleGaussian{Mu: ν, Sigma: σ, Temperature: half}},
		"Delta":        {relax.InvertibleGaussian{Mu: μ, Sigma: σ}, relax.InvertibleGaussian{Mu: ν, Sigma: σ, Delta: 0.5}},
		"temperature":  {relax.StickBreaking{Mu: μ, Sigma: σ}, relax.StickBreaking{Mu: ν, Sigma: σ, Temperature: half}},
		"LogisticNor":  {relax.InvertibleGaussian{Mu: μ, Sigma: σ}, relax.LogisticNormal{Mu: ν, Sigma: σ}},
	} {
		err := attempt(t, "KL with unequal "+what, func() (*G.Node, error) { return relax.KL(pair[0], pair[1]) }, what)
		if !errors.Is(err, relax.ErrNoKL) {
			t.Errorf("%s: error %v is not ErrNoKL", what, err)
		}
	}
	// Zero Delta is one.
	if _, err := relax.KL(relax.InvertibleGaussian{Mu: μ, Sigma: σ}, relax.InvertibleGaussian{Mu: ν, Sigma: σ, Delta: 1}); err != nil {
		t.Error(err)
	}
	for _, d := range []relax.Relaxation{relax.InvertibleGaussian{Mu: μ}, relax.StickBreaking{Mu: μ}, relax.LogisticNormal{Mu: μ}} {
		attempt(t, fmt.Sprintf("the discrete law of %T without Sigma", d), func() (*G.Node, error) {
			return d.Discrete().LogProb(relax.Draw{Logit: μ})
		}, "Sigma")
	}
}

// TestStickBreakingLimit: as the temperature falls, values become the hard vector, whatever the noise.
func TestStickBreakingLimit(t *testing.T) {
	s := named(t, "StickBreaking")
	for _, x := range draws(t, s, [][]float64{{0.5, -0.3, 0.2}, {1, 2, 0.7}, {1e-6}}, 200, "limit") {
		for k := range x.value {
			if !(math.Abs(x.value[k]-x.hard[k]) < 1e-6) {
				t.Errorf("value %v, hard %v", x.value, x.hard)
			}
		}
	}
}

// Draws relaxed classes from Gaussian noise, of three classes whose scores are two Gaussian variables and a constant.
func ExampleInvertibleGaussian() {
	g := G.NewGraph()
	mu := G.NewMatrix(g, G.Float64, G.WithName("mu"), G.WithShape(2, 2),
		G.WithValue(tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{2, -1, -3, -3}))))
	sigma := G.NewMatrix(g, G.Float64, G.WithName("sigma"), G.WithShape(2, 2),
		G.WithValue(tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{1, 1, 1, 1}))))
	q := relax.InvertibleGaussian{Mu: mu, Sigma: sigma}

	spec := q.Noise()[0]
	ε := make([]float64, spec.Size())
	noise.Fill(noise.NewSource(1, "example"), spec.Kind, ε)
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(ε))))
	sample, err := q.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	// The divergence from a prior of the same temperature has a closed form.
	zero := G.NewVector(g, G.Float64, G.WithName("zero"), G.WithShape(2), G.WithValue(tensor.New(tensor.WithShape(2), tensor.WithBacking([]float64{0, 0}))))
	one := G.NewVector(g, G.Float64, G.WithName("one"), G.WithShape(2), G.WithValue(tensor.New(tensor.WithShape(2), tensor.WithBacking([]float64{1, 1}))))
	var value, hard, kl G.Value
	G.Read(sample.Value, &value)
	G.Read(sample.Hard, &hard)
	G.Read(G.Must(relax.KL(q, relax.InvertibleGaussian{Mu: zero, Sigma: one})), &kl)

	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n%v\n%.1f\n", value.Data(), hard.Data(), kl.Data())
	// Output:
	// [0.972 0.015 0.013 0.051 0.017 0.932]
	// [1 0 0 0 0 1]
	// [2.5 9.0]
}

// The class probabilities of a broken stick have a closed form.
func ExampleStickBreaking() {
	g := G.NewGraph()
	mu := G.NewMatrix(g, G.Float64, G.WithName("mu"), G.WithShape(1, 3),
		G.WithValue(tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float64{0, 0, 1}))))
	sigma := G.NewMatrix(g, G.Float64, G.WithName("sigma"), G.WithShape(1, 3),
		G.WithValue(tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float64{1, 2, 1}))))
	d := relax.StickBreaking{Mu: mu, Sigma: sigma}

	var p G.Value
	G.Read(G.Must(d.Discrete().(relax.Categorical).Mean()), &p)
	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f\n", p.Data())
	// Output:
	// [0.500 0.250 0.210 0.040]
}

// The density on the simplex of three classes, at its centre.
func ExampleLogisticNormal() {
	g := G.NewGraph()
	mu := G.NewMatrix(g, G.Float64, G.WithName("mu"), G.WithShape(1, 2), G.WithValue(tensor.New(tensor.WithShape(1, 2), tensor.Of(G.Float64))))
	sigma := G.NewMatrix(g, G.Float64, G.WithName("sigma"), G.WithShape(1, 2),
		G.WithValue(tensor.New(tensor.WithShape(1, 2), tensor.WithBacking([]float64{1, 1}))))
	d := relax.LogisticNormal{Mu: mu, Sigma: sigma}

	third := math.Log(1. / 3)
	centre := G.NewMatrix(g, G.Float64, G.WithName("centre"), G.WithShape(1, 3),
		G.WithValue(tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float64{third, third, third}))))
	var density G.Value
	G.Read(G.Must(d.LogProb(relax.Draw{Logit: centre})), &density)
	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.5f, by hand %.5f\n", density.Data(), math.Log(27/(2*math.Pi)))
	// Output:
	// [1.45796], by hand 1.45796
}

// TestDiscreteDivergence: the divergence that stands for that of the one-hot vectors is finite and no less than theirs, so
// that bounds made of it hold; that of broken sticks is theirs.
func TestDiscreteDivergence(t *testing.T) {
	for _, name := range []string{"InvertibleGaussian", "InvertibleGaussian/δ=0.5", "LogisticNormal", "StickBreaking"} {
		s := named(t, name)
		for seed := range uint64(4) {
			θq, θp := triple(s, seed+500), triple(s, seed+600)
			share(s, θq, θp)
			r := newRig[float64](t)
			qs, q := build(r, s, []int{1, 3}, θq)
			ps, _ := build(r, s, []int{1, 3}, θp)
			share(s, qs, ps)
			p := s.build(nodes(ps))
			got := r.compile(r.node(relax.KL(q.(relax.Relaxation).Discrete(), p.(relax.Relaxation).Discrete())))()[0][0]
			want := 0.
			lq, lp := s.law(θq), s.law(θp)
			for i := range lq {
				if lq[i] > 0 {
					want += lq[i] * math.Log(lq[i]/lp[i])
				}
			}
			if name == "StickBreaking" && !near(got, want, 1e-9) || !(got >= want-1e-9) || math.IsInf(got, 0) {
				t.Errorf("%s: divergence %.9g, that of the one-hot vectors %.9g", name, got, want)
			}
		}
	}
}
