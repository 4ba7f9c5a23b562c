package meter_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
	"relaxgo/relax/noise"
)

// weigh is f(b) = (v·b)² for a row of any shape.
func weigh(v ...float64) estimator.Objective {
	return func(b *G.Node) (*G.Node, error) {
		var e op.Expr
		return e.Node(e.Of(op.Square(e.Of(op.DotLast(e.Of(op.Reshape(b, b.Shape()[0], len(v))), v)))))
	}
}

// Worked out by hand. Two bits with P(1) = 1/4 and 1/2 and f = (2b₁ − b₂)²: f(1,0) = 4, f(0,1) = 1, f(1,1) = 1, so
// E f = 1/8·4 + 3/8·1 + 1/8·1 = 1; with E f = 4π₁ + π₂ − 4π₁π₂ the gradients are π₁(1−π₁)(4 − 4π₂) = 3/8 and
// π₂(1−π₂)(1 − 4π₁) = 0. One variable of three classes with probabilities 1/2, 1/3, 1/6 from logits that are not
// normalised, f = 1, 4, 9: E f = 10/3, and π_k(f_k − E f) = −7/6, 2/9, 17/18.
func TestExactByHand(t *testing.T) {
	for name, test := range map[string]struct {
		c    meter.Case
		want meter.Exact
	}{
		"bits": {
			meter.Case{Law: estimator.Bernoulli, Logits: []float64{-math.Log(3), 0}, Shape: []int{2}, F: weigh(2, -1)},
			meter.Exact{Value: 1, Grad: []float64{3. / 8, 0}},
		},
		"classes": {
			meter.Case{Law: estimator.Categorical, Logits: []float64{5 + math.Log(3), 5 + math.Log(2), 5}, Shape: []int{1, 3}, F: weigh(1, 2, 3)},
			meter.Exact{Value: 10. / 3, Grad: []float64{-7. / 6, 2. / 9, 17. / 18}},
		},
	} {
		got, err := test.c.Exact()
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Value-test.want.Value) > 1e-14 {
			t.Errorf("%s: value %.15g, want %.15g", name, got.Value, test.want.Value)
		}
		for i, g := range got.Grad {
			if math.Abs(g-test.want.Grad[i]) > 1e-14 {
				t.Errorf("%s: gradient %.15g, want %.15g", name, got.Grad, test.want.Grad)
			}
		}
	}
}

// The exact gradient is that of the exact value by central differences with h = 10⁻⁵, whose error is of order h², on 4096
// states: four variables of eight classes.
func TestExactGradient(t *testing.T) {
	const h = 1e-5
	c := meter.Case{Law: estimator.Categorical, Shape: []int{4, 8}}
	v := make([]float64, 32)
	for i := range v {
		v[i] = math.Sin(float64(i * i))
		c.Logits = append(c.Logits, 2*math.Cos(float64(3*i)))
	}
	c.F = weigh(v...)
	exact, err := c.Exact()
	if err != nil {
		t.Fatal(err)
	}
	value := func() float64 {
		x, err := c.Exact()
		if err != nil {
			t.Fatal(err)
		}
		return x.Value
	}
	for _, i := range []int{0, 13, 31} {
		at := c.Logits[i]
		c.Logits[i] = at + h
		above := value()
		c.Logits[i] = at - h
		below := value()
		c.Logits[i] = at
		if want := (above - below) / (2 * h); math.Abs(exact.Grad[i]-want) > 1e-8 {
			t.Errorf("logit %d: gradient %.10g, by differences %.10g", i, exact.Grad[i], want)
		}
	}
}

// Saturated logits give exact numbers, not NaN: a bit that is on for certain has no gradient.
func TestSaturatedLogits(t *testing.T) {
	c := meter.Case{Law: estimator.Bernoulli, Logits: []float64{800, -800}, Shape: []int{2}, F: weigh(2, -1)}
	x, err := c.Exact()
	if err != nil || x.Value != 4 || x.Grad[0] != 0 || x.Grad[1] != 0 {
		t.Errorf("%+v, %v", x, err)
	}
}

// A fake estimates a gradient with any law: noise, as it is or squared, times a scale plus a shift.
type fake struct {
	kind         noise.Kind
	square       bool
	scale, shift float64
}

func (fake) Info() estimator.Info { return estimator.Info{Name: "fake"} }

func (f fake) Noise(p estimator.Problem) []noise.Spec {
	return []noise.Spec{{Kind: f.kind, Shape: p.Logits.Shape()}}
}

func (fake) Parameters(estimator.Problem, uint64) []estimator.Parameter { return nil }

func (f fake) Build(p estimator.Problem, eps, _ []*G.Node) (estimator.Estimate, error) {
	var e op.Expr
	x := eps[0]
	if f.square {
		x = e.Of(op.Square(x))
	}
	grad := e.Of(op.Affine(x, f.scale, f.shift))
	return estimator.Estimate{Value: e.Of(op.SumEvent(grad)), Grad: grad}, e.Err()
}

// What is measured of a known law is what is known of it, within five standard errors: mean, variance σ², and the standard
// error of the variance σ²√((κ−1)/n) for kurtosis κ. The estimates are b + s·x about a gradient of zero.
func TestMomentsOfKnownLaws(t *testing.T) {
	const n, s, b = 100_000, 3, 0.7
	for _, law := range []struct {
		kind                     noise.Kind
		square                   bool
		mean, variance, kurtosis float64
	}{
		{noise.Normal, false, 0, 1, 3},
		{noise.Normal, true, 1, 2, 15},
		{noise.Uniform, false, 0.5, 1. / 12, 1.8},
		{noise.Logistic, false, 0, math.Pi * math.Pi / 3, 4.2},
	} {
		c := meter.Case{Law: estimator.Bernoulli, Logits: []float64{0, 0}, Shape: []int{2}, F: func(b *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.Scale(e.Of(op.SumEvent(b)), 0)))
		}}
		m, err := meter.Measure(c, fake{law.kind, law.square, s, b}, n, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		variance := s * s * law.variance
		for i := range 2 {
			if want, se := b+s*law.mean, math.Sqrt(variance/n); math.Abs(m.Mean[i]-want) > 5*se || math.Abs(m.Bias[i]-want) > 5*se {
				t.Errorf("%v: mean %.4f, bias %.4f, want %.4f ± %.4f", law.kind, m.Mean[i], m.Bias[i], want, se)
			}
			if want := math.Sqrt(variance / n); math.Abs(m.BiasError[i]-want) > 0.05*want {
				t.Errorf("%v: standard error %.4g, want %.4g", law.kind, m.BiasError[i], want)
			}
			se := variance * math.Sqrt((law.kurtosis-1)/n)
			if math.Abs(m.Variance[i]-variance) > 5*se {
				t.Errorf("%v: variance %.4f, want %.4f ± %.4f", law.kind, m.Variance[i], variance, se)
			}
			if math.Abs(m.VarianceError[i]-se) > 0.15*se {
				t.Errorf("%v: error of the variance %.4g, want %.4g", law.kind, m.VarianceError[i], se)
			}
		}
		if want := m.Variance[0] + m.Variance[1]; m.TotalVariance != want || m.LogVariance() != math.Log(want) {
			t.Errorf("%v: total variance %g, log %g", law.kind, m.TotalVariance, m.LogVariance())
		}
		if want, se := 2*(b+s*law.mean), math.Sqrt(2*variance/n); math.Abs(m.Value-want) > 5*se || math.Abs(m.ValueError-se) > 0.05*se {
			t.Errorf("%v: value %.4f ± %.4f, want %.4f ± %.4f", law.kind, m.Value, m.ValueError, want, se)
		}
		if m.Estimates != n || m.Time <= 0 {
			t.Errorf("%v: %d estimates in %v each", law.kind, m.Estimates, m.Time)
		}
	}
}

// Estimates of the gradient (1/4, 1/4) point along it, around its opposite, against it and nowhere.
func TestCosines(t *testing.T) {
	c := meter.Case{Law: estimator.Bernoulli, Logits: []float64{0, 0}, Shape: []int{2}, F: op.SumEvent}
	still, err := meter.Measure(c, fake{noise.Normal, false, 0, 0.25}, 1000, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(still.Cosine-1) > 1e-15 || math.Abs(still.MeanCosine-1) > 1e-15 || still.TotalVariance != 0 || !math.IsInf(still.LogVariance(), -1) {
		t.Errorf("exact estimates: %+v", still)
	}
	// The direction of a normal vector with mean μ and standard deviation s in the plane has mean cosine √(π/8)·κ to μ for
	// κ = |μ|/s, to first order; the next factor is 1 − κ²/8. Its variance is ½.
	const n, s, κ = 100_000, 2, 0.25 * math.Sqrt2 / 2
	wild, err := meter.Measure(c, fake{noise.Normal, false, s, -0.25}, n, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want, tol := -math.Sqrt(math.Pi/8)*κ*(1-κ*κ/8), 5*math.Sqrt(0.5/n); math.Abs(wild.MeanCosine-want) > tol {
		t.Errorf("mean cosine %.4f, want %.4f ± %.4f", wild.MeanCosine, want, tol)
	}
	opposite, err := meter.Measure(c, fake{noise.Normal, false, 0, -1}, 1000, 1, nil)
	if err != nil || math.Abs(opposite.Cosine+1) > 1e-15 || math.Abs(opposite.MeanCosine+1) > 1e-15 {
		t.Errorf("opposite estimates: %+v, %v", opposite, err)
	}
	nothing, err := meter.Measure(c, fake{noise.Normal, false, 0, 0}, 1000, 1, nil)
	if err != nil || nothing.Cosine != 0 || nothing.MeanCosine != 0 {
		t.Errorf("no estimates: %+v, %v", nothing, err)
	}
}

// The same seed gives the same numbers, another seed others.
func TestSameSeedSameNumbers(t *testing.T) {
	for _, e := range estimator.All() {
		c := meter.Case{Law: estimator.Bernoulli, Logits: []float64{0.3, -1}, Shape: []int{2}, F: weigh(1, 2), Context: []float64{1}}
		measure := func(seed uint64) meter.Measurement {
			m, err := meter.Measure(c, e, 1500, seed, nil)
			if err != nil {
				t.Fatal(err)
			}
			if m.Estimates != 2000 {
				t.Fatalf("%d estimates for 1500, want 2000", m.Estimates)
			}
			m.Time = 0
			return m
		}
		a, again, other := measure(1), measure(1), measure(2)
		if !reflect.DeepEqual(a, again) {
			t.Errorf("%s: one seed gives %+v and %+v", e.Info().Name, a, again)
		}
		if a.TotalVariance > 0 && reflect.DeepEqual(a.Mean, other.Mean) {
			t.Errorf("%s: two seeds give the mean %v", e.Info().Name, a.Mean)
		}
	}
}

func TestMistakesAreErrors(t *testing.T) {
	right := meter.Case{Law: estimator.Bernoulli, Logits: []float64{0.3, -1}, Shape: []int{2}, F: op.SumEvent}
	cause := errors.New("the cause")
	nan := func(b *G.Node) (*G.Node, error) {
		var e op.Expr
		return e.Node(e.Of(op.Log(e.Of(op.Neg(e.Of(op.Shift(e.Of(op.SumEvent(b)), 1)))))))
	}
	for what, test := range map[string]struct {
		change func(c *meter.Case)
		want   string
	}{
		"no objective":             {func(c *meter.Case) { c.F = nil }, "objective F is nil"},
		"no logits":                {func(c *meter.Case) { c.Logits = nil }, "0 logits"},
		"too few logits":           {func(c *meter.Case) { c.Logits = c.Logits[:1] }, "1 logits"},
		"a logit that is NaN":      {func(c *meter.Case) { c.Logits = []float64{0, math.NaN()} }, "logit 1 is NaN"},
		"a shape of another law":   {func(c *meter.Case) { c.Shape = []int{1, 2} }, "[B, D]"},
		"negative sizes":           {func(c *meter.Case) { c.Shape, c.Law = []int{-1, -2}, estimator.Categorical }, "positive"},
		"too many states":          {func(c *meter.Case) { c.Logits, c.Shape = make([]float64, 17), []int{17} }, "1.311e+05 states"},
		"an objective that fails":  {func(c *meter.Case) { c.F = func(*G.Node) (*G.Node, error) { return nil, cause } }, "the cause"},
		"an objective of no node":  {func(c *meter.Case) { c.F = func(*G.Node) (*G.Node, error) { return nil, nil } }, "no node"},
		"an objective of a scalar": {func(c *meter.Case) { c.F = op.SumAll }, "one number for each"},
		"an objective that is NaN": {func(c *meter.Case) { c.F = nan }, "NaN"},
	} {
		c := right
		test.change(&c)
		_, exact := c.Exact()
		_, measured := meter.Measure(c, estimator.RLOO{}, 1000, 1, nil)
		for _, err := range []error{exact, measured} {
			if err == nil || !strings.HasPrefix(err.Error(), "meter: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	failing := right
	failing.F = func(*G.Node) (*G.Node, error) { return nil, cause }
	if _, err := failing.Exact(); !errors.Is(err, cause) {
		t.Errorf("the objective's error is lost: %v", err)
	}
	for what, f := range map[string]func() (meter.Measurement, error){
		"one estimate": func() (meter.Measurement, error) { return meter.Measure(right, estimator.RLOO{}, 1, 1, nil) },
		"values of no parameter": func() (meter.Measurement, error) {
			return meter.Measure(right, estimator.RLOO{}, 1000, 1, [][]float64{{1}})
		},
		"no value of a parameter": func() (meter.Measurement, error) {
			return meter.Measure(right, estimator.DoubleCV{}, 1000, 1, [][]float64{})
		},
		"two values of a scalar": func() (meter.Measurement, error) {
			return meter.Measure(right, estimator.DoubleCV{}, 1000, 1, [][]float64{{1, 2}})
		},
		"an infinite parameter": func() (meter.Measurement, error) {
			return meter.Measure(right, estimator.DoubleCV{}, 1000, 1, [][]float64{{math.Inf(1)}})
		},
		"a law that is not offered": func() (meter.Measurement, error) {
			return meter.Measure(meter.Case{Law: estimator.Categorical, Logits: []float64{0, 0}, Shape: []int{1, 2}, F: op.SumEvent}, estimator.ARM{}, 1000, 1, nil)
		},
	} {
		if m, err := f(); err == nil || m.Estimates != 0 || !strings.HasPrefix(err.Error(), "meter: ") {
			t.Errorf("%s: %+v, %v", what, m, err)
		}
	}
}
