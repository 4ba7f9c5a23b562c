package relax_test

import (
	"errors"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// A countSubject is a law of counts as the tests see it.
type countSubject struct {
	name  string
	param param
	build func(n *G.Node) relax.Count
	// pmf is the probability of x.
	pmf func(θ, x float64) float64
}

// mild are parameters whose counts stay below some thousand.
var mild = param{draw: func(r *rand.Rand) float64 { return 0.8 * r.NormFloat64() }, extremes: []float64{-5, 0, 5}}

func (p param) called(name string) param {
	p.name = name
	return p
}

const (
	testTrials   = 5
	testFailures = 2.5
)

func gamma(x float64) float64 { v, _ := math.Lgamma(x); return math.Exp(v) }

var countSubjects = []countSubject{
	{
		name: "Poisson", param: mild.called("LogRate"),
		build: func(n *G.Node) relax.Count { return relax.Poisson{LogRate: n} },
		pmf: func(η, x float64) float64 {
			v, _ := math.Lgamma(x + 1)
			return math.Exp(x*η - math.Exp(η) - v)
		},
	},
	{
		name: "Geometric", param: mild.called("Logits"),
		build: func(n *G.Node) relax.Count { return relax.Geometric{Logits: n} },
		pmf:   func(ℓ, x float64) float64 { return sigmoid(ℓ) * math.Pow(sigmoid(-ℓ), x) },
	},
	{
		name: "Binomial", param: mild.called("Logits"),
		build: func(n *G.Node) relax.Count { return relax.Binomial{Logits: n, Trials: testTrials} },
		pmf: func(ℓ, x float64) float64 {
			if x > testTrials {
				return 0
			}
			ways := gamma(testTrials+1) / gamma(x+1) / gamma(testTrials-x+1)
			return ways * math.Pow(sigmoid(ℓ), x) * math.Pow(sigmoid(-ℓ), testTrials-x)
		},
	},
	{
		name: "NegativeBinomial", param: mild.called("Logits"),
		build: func(n *G.Node) relax.Count { return relax.NegativeBinomial{Logits: n, Failures: testFailures} },
		pmf: func(ℓ, x float64) float64 {
			a, _ := math.Lgamma(x + testFailures)
			b, _ := math.Lgamma(x + 1)
			return math.Exp(a-b) / gamma(testFailures) * math.Pow(sigmoid(ℓ), x) * math.Pow(sigmoid(-ℓ), testFailures)
		},
	},
}

func init() {
	for _, c := range countSubjects {
		wide := c
		wide.param.extremes = logits.extremes
		subjects = append(subjects, c.plain(), wide.censored(), wide.relaxed(), wide.straightThrough())
		klPairs = append(klPairs, [2]string{c.name, c.name})
	}
	klPairs = append(klPairs,
		[2]string{"CensoredCount of Poisson", "CensoredCount of Poisson"},
		[2]string{"CensoredCount of Poisson", "CensoredCount of Geometric"},
		[2]string{"GeneralizedGumbelSoftmax of Binomial/StraightThrough", "GeneralizedGumbelSoftmax of Binomial/StraightThrough"},
		[2]string{"GeneralizedGumbelSoftmax of Poisson/StraightThrough", "CensoredCount of NegativeBinomial"},
	)
}

// lumped is the law of min(X, m).
func (c countSubject) lumped(θ float64, m int) []float64 {
	p := make([]float64, m+1)
	p[m] = 1
	for x := range m {
		p[x] = c.pmf(θ, float64(x))
		p[m] -= p[x]
	}
	return p
}

func countDraw(x float64) variable { return variable{value: []float64{x}, hard: []float64{x}} }

// plain is the law itself. Its outcomes are taken for the test of its law as 0, 1, 2 and more.
func (c countSubject) plain() subject {
	return subject{
		name: c.name, params: []param{c.param}, noise: noise.Uniform,
		build: func(p G.Nodes) relax.Distribution { return c.build(p[0]) },
		draw: func(θ [][]float64, ε []float64) variable {
			x, sum := 0., c.pmf(θ[0][0], 0)
			for sum < ε[0] && x < 10000 {
				x++
				sum += c.pmf(θ[0][0], x)
			}
			return countDraw(x)
		},
		logProb: func(θ [][]float64, x variable) float64 { return math.Log(c.pmf(θ[0][0], x.value[0])) },
		inside:  func(z []float64) bool { return z[0] >= 0 && z[0] == math.Trunc(z[0]) },
		cover: func(θ [][]float64) (xs []variable, w []float64) {
			for x := 0.; x < 3000 && c.pmf(θ[0][0], x) > 0; x++ {
				xs, w = append(xs, countDraw(x)), append(w, 1)
			}
			return xs, w
		},
		law:       func(θ [][]float64) []float64 { return c.lumped(θ[0][0], 3) },
		number:    func(x variable) int { return min(int(x.hard[0]), 3) },
		round:     func(x variable) []float64 { return x.value },
		surrogate: noGradient,
	}
}

// testMax is the last point of truncated supports.
const testMax = 2

func isCensored(z []float64) bool { return z[0] == math.Trunc(z[0]) && 0 <= z[0] && z[0] <= testMax }

// logLaw is the parameters of a relaxed categorical variable with the lumped law.
func (c countSubject) logLaw(θ [][]float64) [][]float64 {
	p := c.lumped(θ[0][0], testMax)
	for i := range p {
		p[i] = math.Log(p[i])
	}
	return append([][]float64{p}, θ[1:]...)
}

func mean(w []float64) []float64 {
	sum := 0.
	for x, v := range w {
		sum += v * float64(x)
	}
	return []float64{sum}
}

func points(shape []int) []int { return append(slices.Clone(shape), testMax+1) }

func (c countSubject) censored() subject {
	return subject{
		name: "CensoredCount of " + c.name, params: []param{c.param}, noise: noise.Gumbel,
		layout: func(shape []int) layout { return layout{points(shape), shape, shape, shape} },
		build:  func(p G.Nodes) relax.Distribution { return relax.CensoredCount{Law: c.build(p[0]), Max: testMax} },
		draw: func(θ [][]float64, ε []float64) variable {
			return countDraw(mean(oneHotMax(plus(c.logLaw(θ)[0], ε)))[0])
		},
		logProb: func(θ [][]float64, x variable) float64 { return c.logLaw(θ)[0][int(x.value[0])] },
		inside:  isCensored,
		cover: func([][]float64) (xs []variable, w []float64) {
			for x := range testMax + 1 {
				xs, w = append(xs, countDraw(float64(x))), append(w, 1)
			}
			return xs, w
		},
		law:       func(θ [][]float64) []float64 { return c.lumped(θ[0][0], testMax) },
		number:    func(x variable) int { return int(x.hard[0]) },
		round:     func(x variable) []float64 { return x.value },
		surrogate: noGradient,
	}
}

func (c countSubject) relaxed() subject {
	s := c.censored()
	s.name = "GeneralizedGumbelSoftmax of " + c.name
	s.params = append(s.params, temperature)
	s.layout = func(shape []int) layout { return layout{points(shape), shape, points(shape), shape} }
	s.build = func(p G.Nodes) relax.Distribution {
		return relax.GeneralizedGumbelSoftmax{Law: c.build(p[0]), Max: testMax, Temperature: p[1]}
	}
	simplex := subjects[slices.IndexFunc(subjects, func(s subject) bool { return s.name == "RelaxedCategorical" })]
	counted := func(x variable) variable {
		return variable{value: mean(x.value), logit: x.logit, hard: mean(oneHotMax(x.logit))}
	}
	s.draw = func(θ [][]float64, ε []float64) variable { return counted(simplexDraw(c.logLaw(θ), ε)) }
	s.logProb = func(θ [][]float64, x variable) float64 { return simplex.logProb(c.logLaw(θ), x) }
	s.inside = func(z []float64) bool { return 0 <= z[0] && z[0] <= testMax+1e-6 }
	s.cover = func(θ [][]float64) (xs []variable, w []float64) {
		xs, w = coverSimplex(c.logLaw(θ))
		for i := range xs {
			xs[i] = counted(xs[i])
		}
		return xs, w
	}
	s.uniform = func(θ [][]float64, x variable) []float64 { return simplexUniform(c.logLaw(θ), x) }
	s.round = func(x variable) []float64 { return mean(oneHotMax(x.logit)) }
	s.surrogate = nil
	return s
}

func (c countSubject) straightThrough() subject {
	s, hard := c.relaxed(), c.censored()
	s.name += "/StraightThrough"
	build, draw := s.build, s.draw
	s.build = func(p G.Nodes) relax.Distribution {
		d := build(p).(relax.GeneralizedGumbelSoftmax)
		d.StraightThrough = true
		return d
	}
	s.draw = func(θ [][]float64, ε []float64) variable {
		x := draw(θ, ε)
		x.value = x.hard
		return x
	}
	s.logProb, s.inside, s.cover, s.uniform = hard.logProb, hard.inside, hard.cover, nil
	s.surrogate = func(p G.Nodes, ε *G.Node) (*G.Node, error) {
		x, err := build(p).Rsample(ε)
		return x.Value, err
	}
	return s
}

// logTail is log P(X ≥ m) by the sum of its terms, largest first.
func (c countSubject) logTail(logPMF func(x float64) float64, m int) float64 {
	var terms []float64
	for x := float64(m); x < 5000; x++ {
		terms = append(terms, logPMF(x))
	}
	return logSumExp(terms)
}

// TestLumpedTail compares the last point's log-probability with the sum of the tail, from where the tail is all there is
// to where 1 − Σ would give zero.
func TestLumpedTail(t *testing.T) {
	lgamma := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	for _, c := range []struct {
		name string
		m    int
		θ    []float64
		log  func(θ, x float64) float64
	}{
		{"Poisson", 12, []float64{-5, 0, math.Log(3), 3, math.Log(2000)}, func(η, x float64) float64 { return x*η - math.Exp(η) - lgamma(x+1) }},
		{"Poisson", 2000, []float64{math.Log(1900), math.Log(2000), math.Log(2100)}, func(η, x float64) float64 { return x*η - math.Exp(η) - lgamma(x+1) }},
		{"Geometric", 30, []float64{-5, -1, 0, 2, 10}, func(ℓ, x float64) float64 { return -softplus(-ℓ) - x*softplus(ℓ) }},
		{"Binomial", 4, []float64{-30, -5, 0, 5}, func(ℓ, x float64) float64 {
			if x > testTrials {
				return math.Inf(-1)
			}
			return x*ℓ - testTrials*softplus(ℓ) + lgamma(testTrials+1) - lgamma(x+1) - lgamma(testTrials-x+1)
		}},
		{"NegativeBinomial", 20, []float64{-10, -2, 0, 1, 4}, func(ℓ, x float64) float64 {
			return -x*softplus(-ℓ) - testFailures*softplus(ℓ) + lgamma(x+testFailures) - lgamma(testFailures) - lgamma(x+1)
		}},
	} {
		s := countSubjects[slices.IndexFunc(countSubjects, func(s countSubject) bool { return s.name == c.name })]
		tol := 1e-12 * math.Max(1, float64(c.m)/20) // log-weights of the size of m cancel
		r := newRig[float64](t)
		θ := r.input(c.θ, len(c.θ), 1)
		d := relax.CensoredCount{Law: s.build(θ.node), Max: c.m}
		last := r.input(slices.Repeat([]float64{float64(c.m)}, len(c.θ)), len(c.θ), 1)
		got := r.compile(r.node(d.LogProb(relax.Draw{Value: last.node})), r.node(d.TailMass()), r.node(d.Mean()))()
		for i, v := range c.θ {
			at := func(x float64) float64 { return c.log(v, x) }
			if want := s.logTail(at, c.m); !near(got[0][i], want, tol) {
				t.Errorf("%s(%g): log P(X ≥ %d) = %.15g, want %.15g", c.name, v, c.m, got[0][i], want)
			}
			if want := math.Exp(s.logTail(at, c.m+1)); !(math.Abs(got[1][i]-want) < 10*tol*want) {
				t.Errorf("%s(%g): P(X > %d) = %.15g, want %.15g", c.name, v, c.m, got[1][i], want)
			}
			mean := float64(c.m) * math.Exp(s.logTail(at, c.m))
			for x := range c.m {
				mean += float64(x) * math.Exp(at(float64(x)))
			}
			if !near(got[2][i], mean, tol) {
				t.Errorf("%s(%g): mean of the lumped law %.15g, want %.15g", c.name, v, got[2][i], mean)
			}
		}
	}
}

// TestPoisson3 is the law of min(X, 11) for X of rate 3, twelve points: its mean is 3 − Σ_{x>11} (x−11)·P(x).
func TestPoisson3(t *testing.T) {
	r := newRig[float64](t)
	η := r.input([]float64{math.Log(3)}, 1, 1)
	d := relax.GeneralizedGumbelSoftmax{Law: relax.Poisson{LogRate: η.node}, Max: 11}
	got := r.compile(r.node(d.Discrete().(relax.CensoredCount).Mean()), r.node(d.TailMass()))()
	lost, tail, p := 0., 0., math.Exp(-3)
	for x := 1.; x < 60; x++ {
		if p *= 3 / x; x > 11 {
			lost += (x - 11) * p
			tail += p
		}
	}
	if !near(got[0][0], 3-lost, 1e-14) || !(math.Abs(got[1][0]-tail) < 1e-12*tail) {
		t.Errorf("mean %.15g and tail %.12g, want %.15g and %.12g", got[0][0], got[1][0], 3-lost, tail)
	}
	if !(lost > 8e-5 && lost < 1e-4) { // by hand: P(12) = 5.5·10⁻⁵, P(13) = 1.3·10⁻⁵
		t.Errorf("the lumped mean is %g less", lost)
	}
}

// TestTruncation: the point is the first that leaves no more than the tail.
func TestTruncation(t *testing.T) {
	above := func(c countSubject, θ float64, m int) float64 { // P(X > m)
		sum := 0.
		for x := float64(m + 1); x < 4000; x++ {
			sum += c.pmf(θ, x)
		}
		return sum
	}
	for _, c := range countSubjects {
		for _, θ := range []float64{-3, -0.5, 0, 1, 3} {
			for _, tail := range []float64{1e-6, 1e-3, 0.3} {
				m, err := c.build(nil).Truncation(θ, tail)
				if err != nil {
					t.Fatal(err)
				}
				if got := above(c, θ, m); !(got <= tail*(1+1e-9)) || m > 1 && !(above(c, θ, m-1) > tail*(1-1e-9)) || m < 1 {
					t.Errorf("%s(%g): P(X > %d) = %.4g, P(X > %d) = %.4g for tail %g", c.name, θ, m, got, m-1, above(c, θ, m-1), tail)
				}
			}
		}
	}
	if m, err := (relax.Poisson{}).Truncation(math.Log(3), 1e-6); m != 14 || err != nil { // P(X > 13) = 3.4·10⁻⁶, P(X > 14) = 6.7·10⁻⁷
		t.Errorf("Poisson(3): %d, %v; want 14", m, err)
	}
	if m, err := (relax.Binomial{Trials: 5}).Truncation(50, 1e-9); m != 5 || err != nil {
		t.Errorf("Binomial of 5: %d, %v; want 5", m, err)
	}
	for what, try := range map[string]func() (int, error){
		"a rate too large":  func() (int, error) { return relax.Poisson{}.Truncation(20, 1e-6) },
		"a tail of nothing": func() (int, error) { return relax.Poisson{}.Truncation(0, 0) },
		"no number":         func() (int, error) { return relax.Poisson{}.Truncation(math.NaN(), 0.1) },
		"no trials":         func() (int, error) { return relax.Binomial{}.Truncation(0, 0.1) },
		"no failures":       func() (int, error) { return relax.NegativeBinomial{}.Truncation(0, 0.1) },
	} {
		if m, err := try(); err == nil {
			t.Errorf("%s: %d and no error", what, m)
		}
	}
}

// TestCountMoments compares means and modes with sums and searches.
func TestCountMoments(t *testing.T) {
	for _, c := range countSubjects {
		θs := []float64{-2.3, -0.4, 0.35, 1.7, 3.1}
		r := newRig[float64](t)
		d := c.build(r.input(θs, len(θs), 1).node).(interface {
			Mean() (*G.Node, error)
			Mode() (*G.Node, error)
		})
		got := r.compile(r.node(d.Mean()), r.node(d.Mode()))()
		for i, θ := range θs {
			mean, mode := 0., 0.
			for x := 0.; x < 4000; x++ {
				mean += x * c.pmf(θ, x)
				if c.pmf(θ, x) > c.pmf(θ, mode) {
					mode = x
				}
			}
			if !near(got[0][i], mean, 1e-10) || got[1][i] != mode {
				t.Errorf("%s(%g): mean %.12g and mode %g, want %.12g and %g", c.name, θ, got[0][i], got[1][i], mean, mode)
			}
		}
	}
}

// TestBinomialEnds: no draw exceeds the number of trials, even if probabilities add up to less than one by rounding.
func TestBinomialEnds(t *testing.T) {
	const n = 2000
	ℓ := make([]float64, n)
	for i := range ℓ {
		ℓ[i] = -6 + 12*float64(i)/n
	}
	r := newRig[float64](t)
	d := relax.Binomial{Logits: r.input(ℓ, n, 1).node, Trials: 7}
	x, err := d.Rsample(r.input(slices.Repeat([]float64{1 - 0x1p-53}, n), n, 1).node)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range r.compile(x.Value)()[0] {
		if v > 7 {
			t.Fatalf("Binomial of 7 with logit %g: %g", ℓ[i], v)
		}
	}
}

// TestCountSoftLimit: as the temperature falls, soft counts become hard ones.
func TestCountSoftLimit(t *testing.T) {
	const n = 300
	r := newRig[float64](t)
	η := r.input(slices.Repeat([]float64{math.Log(4)}, n), n, 1)
	d := relax.GeneralizedGumbelSoftmax{Law: relax.Poisson{LogRate: η.node}, Max: 18, Temperature: r.node(relax.Temperature(η.node, 1e-6))}
	ε := make([]float64, n*19)
	noise.Fill(noise.NewSource(1, "limit"), noise.Gumbel, ε)
	x, err := d.Rsample(r.input(ε, n, 1, 19).node)
	if err != nil {
		t.Fatal(err)
	}
	got := r.compile(x.Value, x.Hard)()
	for i := range got[0] {
		if !(math.Abs(got[0][i]-got[1][i]) < 1e-6) {
			t.Errorf("soft count %g, hard %g", got[0][i], got[1][i])
		}
	}
}

func TestCountErrors(t *testing.T) {
	r := newRig[float64](t)
	a, b := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 6), 2, 3).node
	for what, c := range map[string]struct {
		d    relax.GeneralizedGumbelSoftmax
		word string
	}{
		"no law":             {relax.GeneralizedGumbelSoftmax{Max: 3}, "Law"},
		"one point":          {relax.GeneralizedGumbelSoftmax{Law: relax.Poisson{LogRate: a}}, "Truncation"},
		"a negative Max":     {relax.GeneralizedGumbelSoftmax{Law: relax.Poisson{LogRate: a}, Max: -1}, "Max"},
		"too many points":    {relax.GeneralizedGumbelSoftmax{Law: relax.Poisson{LogRate: a}, Max: 1 << 20}, "Max"},
		"more than trials":   {relax.GeneralizedGumbelSoftmax{Law: relax.Binomial{Logits: a, Trials: 3}, Max: 4}, "above 3"},
		"no trials":          {relax.GeneralizedGumbelSoftmax{Law: relax.Binomial{Logits: a}, Max: 4}, "Trials"},
		"negative failures":  {relax.GeneralizedGumbelSoftmax{Law: relax.NegativeBinomial{Logits: a, Failures: -1}, Max: 4}, "Failures"},
		"infinite failures":  {relax.GeneralizedGumbelSoftmax{Law: relax.NegativeBinomial{Logits: a, Failures: math.Inf(1)}, Max: 4}, "Failures"},
		"a law without node": {relax.GeneralizedGumbelSoftmax{Law: relax.Geometric{}, Max: 4}, "nil"},
	} {
		attempt(t, what, func() (*G.Node, error) {
			c.d.Noise() // must not panic
			x, err := c.d.Rsample(a)
			return x.Value, err
		}, c.word)
		attempt(t, what, func() (*G.Node, error) { return c.d.LogProb(relax.Draw{Logit: a}) }, c.word)
		attempt(t, what, func() (*G.Node, error) { return c.d.TailMass() }, c.word)
	}
	poisson := func(n *G.Node, m int) relax.CensoredCount {
		return relax.CensoredCount{Law: relax.Poisson{LogRate: n}, Max: m}
	}
	for _, c := range []struct {
		q, p  relax.Distribution
		words string
		known bool
	}{
		{relax.Binomial{Logits: a, Trials: 3}, relax.Binomial{Logits: b, Trials: 4}, "4 trials", false},
		{relax.NegativeBinomial{Logits: a, Failures: 3}, relax.NegativeBinomial{Logits: b, Failures: 2}, "2 failures", false},
		{relax.Poisson{LogRate: a}, relax.Geometric{Logits: b}, "Poisson‖Geometric", false},
		{poisson(a, 3), poisson(b, 4), "up to 4", false},
		{relax.GeneralizedGumbelSoftmax{Law: relax.Poisson{LogRate: a}, Max: 3}, poisson(b, 3), "GeneralizedGumbelSoftmax‖CensoredCount", false},
		{relax.Binomial{Logits: a, Trials: 3}, relax.Binomial{Logits: b}, "Trials", true},
		{relax.Poisson{LogRate: a}, relax.Poisson{}, "nil", true},
		{relax.Poisson{}, relax.Poisson{LogRate: a}, "nil", true},
		{poisson(a, 3), relax.CensoredCount{Max: 3}, "Law", true},
		{poisson(nil, 3), poisson(a, 3), "nil", true},
	} {
		err := attempt(t, fmt.Sprintf("KL(%+v‖%+v)", c.q, c.p), func() (*G.Node, error) { return relax.KL(c.q, c.p) }, c.words)
		if errors.Is(err, relax.ErrNoKL) == c.known {
			t.Errorf("KL(%+v‖%+v): error %v", c.q, c.p, err)
		}
	}
}

// TestCountRunErrors: what only a run can notice is its error, not a wrong number.
func TestCountRunErrors(t *testing.T) {
	half := newRig[float64](t)
	lp := half.node(relax.CensoredCount{Law: relax.Poisson{LogRate: half.input([]float64{0}, 1, 1).node}, Max: 3}.
		LogProb(relax.Draw{Value: half.input([]float64{0.5}, 1, 1).node}))
	large := newRig[float64](t)
	x, err := relax.Poisson{LogRate: large.input([]float64{40}, 1, 1).node}.Rsample(large.input([]float64{0.5}, 1, 1).node)
	if err != nil {
		t.Fatal(err)
	}
	for n, word := range map[*G.Node]string{lp: "0.5", x.Value: "too large"} {
		machine := G.NewTapeMachine(n.Graph())
		if err := machine.RunAll(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one about %q", err, word)
		}
		machine.Close()
	}
}

// Trains Poisson rates in a program of plain Gorgonia, through relaxed counts: each minimises E(x−5)², which for a Poisson
// count is λ + (λ−5)², so that the best rate is 4.5; softened counts scatter less, which moves it a little.
func ExampleGeneralizedGumbelSoftmax() {
	const n, largest = 200, 10.
	g := G.NewGraph()
	logRate := G.NewMatrix(g, G.Float64, G.WithName("logRate"), G.WithShape(1, n),
		G.WithValue(tensor.New(tensor.WithShape(1, n), tensor.Of(G.Float64))))
	law := relax.Poisson{LogRate: logRate}
	points, err := law.Truncation(math.Log(largest), 1e-6)
	if err != nil {
		log.Fatal(err)
	}
	τ, err := relax.Temperature(logRate, 0.3)
	if err != nil {
		log.Fatal(err)
	}
	d := relax.GeneralizedGumbelSoftmax{Law: law, Max: points, Temperature: τ}

	spec := d.Noise()[0]
	ε := make([]float64, spec.Size())
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(ε))))
	source := noise.NewSource(1, "training")
	sample, err := d.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	loss := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(sample.Value, G.NewConstant(5.0)))))))
	if _, err := G.Grad(loss, logRate); err != nil {
		log.Fatal(err)
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(logRate))
	defer machine.Close()
	solver := G.NewAdamSolver(G.WithLearnRate(0.02))
	for range 400 {
		noise.Fill(source, spec.Kind, ε)
		if err := machine.RunAll(); err != nil {
			log.Fatal(err)
		}
		if err := solver.Step(G.NodesToValueGrads(G.Nodes{logRate})); err != nil {
			log.Fatal(err)
		}
		machine.Reset()
	}
	mean := 0.
	for _, η := range logRate.Value().Data().([]float64) {
		mean += math.Exp(η) / n
	}
	fmt.Printf("counts from 0 to %d, trained rate %.1f\n", points, mean)
	// Output:
	// counts from 0 to 28, trained rate 4.6
}

// The divergence between two Poisson laws, λ log(λ/μ) − λ + μ.
func ExamplePoisson() {
	g := G.NewGraph()
	q := G.NewMatrix(g, G.Float64, G.WithName("q"), G.WithShape(3, 1),
		G.WithValue(tensor.New(tensor.WithShape(3, 1), tensor.WithBacking([]float64{0, math.Log(2), math.Log(10)}))))
	p := G.NewVector(g, G.Float64, G.WithName("p"), G.WithShape(1), G.WithValue(tensor.New(tensor.WithShape(1), tensor.WithBacking([]float64{0})))) // rate 1
	var kl G.Value
	G.Read(G.Must(relax.KL(relax.Poisson{LogRate: q}, relax.Poisson{LogRate: p})), &kl)
	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.5f\n", kl.Data())
	// Output:
	// [0.00000 0.38629 14.02585]
}

// Lumping the tail loses no probability: the relaxed law of a geometric count, of which a sixteenth lies above 3.
func ExampleCensoredCount() {
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(1, 1), G.WithValue(tensor.New(tensor.WithShape(1, 1), tensor.Of(G.Float64))))
	d := relax.CensoredCount{Law: relax.Geometric{Logits: logits}, Max: 3}
	var tail, mean G.Value
	G.Read(G.Must(d.TailMass()), &tail)
	G.Read(G.Must(d.Mean()), &mean)
	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("tail %.4f, mean %.3f instead of 1\n", tail.Data(), mean.Data())
	// Output:
	// tail [0.0625], mean [0.875] instead of 1
}

// How many points of a law a relaxation needs, of which 10⁻⁶ may be lumped: for the smallest success probability that an
// encoder may choose, σ(−1).
func ExampleGeometric() {
	fmt.Println(relax.Geometric{}.Truncation(-1, 1e-6))
	// Output:
	// 44 <nil>
}

// A binomial law ends at its number of trials.
func ExampleBinomial() {
	fmt.Println(relax.Binomial{Trials: 20}.Truncation(-3, 1e-6))
	fmt.Println(relax.Binomial{Trials: 20}.Truncation(3, 1e-6))
	// Output:
	// 8 <nil>
	// 20 <nil>
}

// Failures need not be an integer. A longer tail than is worth its points is an error.
func ExampleNegativeBinomial() {
	fmt.Println(relax.NegativeBinomial{Failures: 2.5}.Truncation(0, 1e-6))
	fmt.Println(relax.NegativeBinomial{Failures: 2.5}.Truncation(9, 1e-6))
	// Output:
	// 25 <nil>
	// 0 relax: with parameter 9 more than 1e-06 of the counts are above 4095; bound the parameter
}

// TestTailCurvature compares second derivatives of the last point's log-probability with finite differences of the first,
// where the tail is most of the law and where it is little.
func TestTailCurvature(t *testing.T) {
	for _, c := range countSubjects {
		for _, m := range []int{1, 4} {
			θs := []float64{-4, -1, 0.2, 1}
			r := newRig[float64](t)
			θ := r.input(θs, len(θs), 1)
			last := r.input(slices.Repeat([]float64{float64(m)}, len(θs)), len(θs), 1)
			lp := r.node(relax.CensoredCount{Law: c.build(θ.node), Max: m}.LogProb(relax.Draw{Value: last.node}))
			slope, err := autodiff.Gradient(r.node(op.SumAll(lp)), θ.node)
			if err != nil {
				t.Fatal(err)
			}
			loss := r.node(op.SumAll(slope[0]))
			compareGradient(t, subject{params: []param{c.param}}, r, []*leaf[float64]{θ}, loss, loss)
		}
	}
}
