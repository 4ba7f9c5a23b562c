package study_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"relaxgo/internal/stream"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/study"
)

func TestBit(t *testing.T) {
	for _, θ := range []float64{0.01, 0.2, 0.5, 0.9} {
		for _, target := range []float64{0, 0.45, 0.499, 1} {
			x, err := study.Bit(target, θ).Exact()
			if err != nil {
				t.Fatal(err)
			}
			value := θ*(1-target)*(1-target) + (1-θ)*target*target
			if grad := θ * (1 - θ) * (1 - 2*target); math.Abs(x.Grad[0]-grad) > 1e-15 || math.Abs(x.Value-value) > 1e-15 {
				t.Errorf("θ = %v, t = %v: gradient %v of %v, want %v of %v", θ, target, x.Grad[0], x.Value, grad, value)
			}
		}
	}
}

// By hand: v = 1, −7/8, 6/8, −5/8, 4/8, −3/8, 2/8, −1/8 and E(v·b − t)² = (v·π − t)² + Σv²π(1−π).
func TestVector(t *testing.T) {
	x, err := study.Vector(0.3).Exact()
	if err != nil {
		t.Fatal(err)
	}
	mean, variance := -0.3, 0.0
	for i, v := range []float64{1, -0.875, 0.75, -0.625, 0.5, -0.375, 0.25, -0.125} {
		π := 1 / (1 + math.Exp(1.5-3*float64(i)/7))
		mean += v * π
		variance += v * v * π * (1 - π)
	}
	if want := mean*mean + variance; math.Abs(x.Value-want) > 1e-14 {
		t.Errorf("value %.15g, want %.15g", x.Value, want)
	}
}

// f of a code, pixel by pixel from the description.
func TestImage(t *testing.T) {
	for _, law := range []estimator.Law{estimator.Bernoulli, estimator.Categorical} {
		c := study.Image(law)
		rng := rand.New(stream.New(1, "study/image/"+law.String()))
		normals := func(n int) []float64 {
			x := make([]float64, n)
			for i := range x {
				x[i] = rng.NormFloat64()
			}
			return x
		}
		size := len(c.Logits)
		w, a := normals(size*14), normals(14)
		if logits := normals(size); !slices.Equal(c.Logits, logits) {
			t.Errorf("%v: logits %v, want %v", law, c.Logits, logits)
		}
		states, err := estimator.States(law, c.Shape, 4096)
		if err != nil || len(states) != 4096 {
			t.Fatal(len(states), err)
		}
		// All the probability on one state shows f there.
		for _, s := range []int{0, 1234, 4095} {
			for i, b := range states[s] {
				c.Logits[i] = 200*b - 100
			}
			x, err := c.Exact()
			if err != nil {
				t.Fatal(err)
			}
			want := 0.0
			for row := range 28 {
				for col := range 28 {
					pixel := -1.0
					for _, unit := range []int{col / 4, 7 + row/4} {
						sum := a[unit]
						for i, b := range states[s] {
							sum += b * w[i*14+unit]
						}
						pixel += 2 * math.Tanh(sum)
					}
					p := 1 / (1 + math.Exp(-pixel))
					if col/4 == 2 || row/4 == 4 {
						want -= math.Log(p) / 784
					} else {
						want -= math.Log(1-p) / 784
					}
				}
			}
			if math.Abs(x.Value-want) > 1e-12*want {
				t.Errorf("%v: f of state %d is %.15g, want %.15g", law, s, x.Value, want)
			}
		}
	}
}

// The enumerated gradient is that of the enumerated value by central differences with h = 10⁻⁴, whose error is of order h².
func TestImageGradient(t *testing.T) {
	const h = 1e-4
	for _, law := range []estimator.Law{estimator.Bernoulli, estimator.Categorical} {
		c := study.Image(law)
		x, err := c.Exact()
		if err != nil {
			t.Fatal(err)
		}
		const i = 5
		at := c.Logits[i]
		value := func(ℓ float64) float64 {
			c.Logits[i] = ℓ
			x, err := c.Exact()
			if err != nil {
				t.Fatal(err)
			}
			return x.Value
		}
		if want := (value(at+h) - value(at-h)) / (2 * h); math.Abs(x.Grad[i]-want) > 1e-7*math.Abs(want)+1e-9 {
			t.Errorf("%v: gradient %.12g, by differences %.12g", law, x.Grad[i], want)
		}
	}
}

// find returns an estimator for a problem.
func find(t *testing.T, p study.Problem, name string) estimator.Estimator {
	t.Helper()
	e, err := p.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestProblems(t *testing.T) {
	problems := study.Problems(0.45, 0.499)
	var names []string
	for _, p := range problems {
		names = append(names, p.Name)
		if !slices.Contains(study.Kinds(), p.Kind) || p.Text == "" {
			t.Errorf("%+v", p)
		}
	}
	if want := []string{"toy t=0.45", "toy t=0.499", "vector", "vae-bits", "vae"}; !slices.Equal(names, want) {
		t.Errorf("problems %q, want %q", names, want)
	}
	if e := find(t, problems[0], "relax"); e != (estimator.RELAX{Free: true, Hidden: 10}) {
		t.Errorf("relax on the toy problem: %+v", e)
	}
	if e := find(t, problems[2], "relax"); e != (estimator.RELAX{}) {
		t.Errorf("relax on the vector problem: %+v", e)
	}
	for _, test := range []struct {
		problem    int
		name, want string
	}{
		{4, "arm", "only for Bernoulli"},
		{3, "exact", "4096 states"},
		{0, "armz", "there is no estimator"},
	} {
		if _, err := problems[test.problem].Find(test.name); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s on %s: %v", test.name, problems[test.problem].Name, err)
		}
	}
}

// Tuning lowers the variance, and unbiased estimators are so after it as well as before.
func TestCompare(t *testing.T) {
	ctx := context.Background()
	p := study.Problems(0.45)[0]
	for _, name := range []string{"reinforce", "relax", "rebar", "doublecv", "dlax"} {
		e := find(t, p, name)
		raw, err := p.Compare(ctx, e, study.Effort{Estimates: 20_000, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		tuned, err := p.Compare(ctx, e, study.Effort{Estimates: 20_000, Tuning: 500, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		if !(tuned.MeanVariance < 0.7*raw.MeanVariance) {
			t.Errorf("%s: variance %.3g tuned, %.3g before", name, tuned.MeanVariance, raw.MeanVariance)
		}
		if raw.MaxZ > 4 || tuned.MaxZ > 4 {
			t.Errorf("%s: bias of %.1f standard errors before and %.1f after tuning", name, raw.MaxZ, tuned.MaxZ)
		}
		if tuned.Name != name || tuned.Estimates != 20_000 || tuned.MeanVariance != tuned.Variance[0] || tuned.BiasNorm != math.Abs(tuned.Bias[0]) || tuned.BiasNormError != tuned.BiasError[0] {
			t.Errorf("%s: %+v", name, tuned)
		}
	}
}

// In several coordinates: norms are Euclidean, the variance is a mean, z that of the worst coordinate.
func TestResult(t *testing.T) {
	p := study.Problems(0.45)[1]
	r, err := p.Compare(context.Background(), find(t, p, "straightthrough"), study.Effort{Estimates: 2000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	bias, errors2, z, variance := 0.0, 0.0, 0.0, 0.0
	for i, d := range r.Bias {
		bias = math.Hypot(bias, d)
		errors2 += r.Variance[i] / 2000
		z = math.Max(z, math.Abs(d)/math.Sqrt(r.Variance[i]/2000))
		variance += r.Variance[i] / 8
	}
	for _, v := range []struct{ got, want float64 }{{r.BiasNorm, bias}, {r.BiasNormError, math.Sqrt(errors2)}, {r.MaxZ, z}, {r.MeanVariance, variance}} {
		if math.Abs(v.got-v.want) > 1e-12*v.want {
			t.Errorf("got %.15g, want %.15g", v.got, v.want)
		}
	}
	if exact, err := p.Compare(context.Background(), estimator.Exact{}, study.Effort{Estimates: 1000, Seed: 1}); err != nil || exact.MaxZ != 0 {
		t.Errorf("rounding counts as a bias of %v standard errors, %v", exact.MaxZ, err)
	}
}

// The first steps of training in closed form. Adam's first step is the rate against the gradient's sign, up to its ε = 10⁻⁸.
// At θ = ½ and t = 0.499 a score is ±½ and f is nearly ¼, so that the square of an estimate is nearly 1/64 for certain and the
// sample's variance off by a factor of 1 ± 1/1000; that of RLOO is 2.5·10⁻⁷ with kurtosis 2, a relative standard error of 3.2 %.
func TestTrainingBegins(t *testing.T) {
	run := study.Published()
	run.Steps, run.Every = 1, 1
	for _, test := range []struct {
		name                string
		variance, tolerance float64
	}{{"score", 0.0156251, 5e-3}, {"rloo", 2.5e-7, 4 * 0.032}, {"exact", 0, 0}} {
		p, err := run.Run(context.Background(), find(t, study.Problems(0.499)[0], test.name))
		if err != nil || len(p) != 2 {
			t.Fatal(p, err)
		}
		if p[0].Step != 0 || p[0].Theta != 0.5 || math.Abs(p[0].Loss-(0.501*0.501+0.499*0.499)/2) > 1e-15 {
			t.Errorf("%s begins at %+v", test.name, p[0])
		}
		if d := math.Abs(p[0].Variance - test.variance); d > test.tolerance*test.variance {
			t.Errorf("%s: variance %.7g, want %.7g ± %.1g", test.name, p[0].Variance, test.variance, test.tolerance*test.variance)
		}
		if test.name == "exact" {
			ℓ := -0.01 * 5e-4 / (5e-4 + 1e-8)
			if want := 1 / (1 + math.Exp(-ℓ)); p[1].Step != 1 || math.Abs(p[1].Theta-want) > 1e-7 {
				t.Errorf("the first step leads to %+v, want θ = %.8f", p[1], want)
			}
		}
	}
}

// Estimators share their noise: a baseline that keeps its initial value, zero, is no baseline.
func TestNoiseIsShared(t *testing.T) {
	run := study.Published()
	run.Steps, run.TuningRate = 500, 0
	p := study.Problems(0.499)[0]
	var all [][]study.Point
	for _, name := range []string{"score", "reinforce", "score"} {
		points, err := run.Run(context.Background(), find(t, p, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, points)
	}
	if !slices.Equal(all[0], all[1]) || !slices.Equal(all[0], all[2]) {
		t.Errorf("different points:\n%v\n%v\n%v", all[0], all[1], all[2])
	}
	run.Seed = 2
	if other, err := run.Run(context.Background(), find(t, p, "score")); err != nil || slices.Equal(all[0], other) {
		t.Errorf("another seed gives the same points, %v", err)
	}
}

// What the literature says of t = 0.499: the relaxed objective does not help, a learned control variate does, and with low
// variance θ moves to 0. A baseline and coupled samples do as well.
func TestPublished(t *testing.T) {
	p := study.Problems(0.499)[0]
	median := make(map[string]float64)
	end := make(map[string]float64)
	for _, name := range []string{"exact", "score", "rebar", "relax", "reinforce", "rloo", "doublecv", "arm", "disarm", "arms"} {
		points, err := study.Published().Run(context.Background(), find(t, p, name))
		if err != nil {
			t.Fatal(err)
		}
		var logs []float64
		for _, x := range points[len(points)/2:] {
			logs = append(logs, math.Log(x.Variance))
			if name == "exact" && x.Variance != 0 {
				t.Fatalf("equal estimates have variance %g", x.Variance)
			}
		}
		slices.Sort(logs)
		median[name], end[name] = logs[len(logs)/2], points[len(points)-1].Theta
	}
	if !(median["relax"] < median["rebar"]-5 && median["relax"] < median["score"]-5) {
		t.Errorf("log-variance of relax %.2f, rebar %.2f, score %.2f", median["relax"], median["rebar"], median["score"])
	}
	for name, θ := range end {
		if name != "score" && name != "rebar" && θ > 0.25 {
			t.Errorf("%s: θ = %.3f after 5000 steps", name, θ)
		}
	}
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	published := study.Published()
	for _, change := range []func(*study.Training){
		func(r *study.Training) { r.Steps = 0 },
		func(r *study.Training) { r.Every = 0 },
		func(r *study.Training) { r.Draws = 1 },
		func(r *study.Training) { r.Rate = -1 },
		func(r *study.Training) { r.TuningRate = math.NaN() },
		func(r *study.Training) { r.T = math.NaN() },
	} {
		run := published
		change(&run)
		if points, err := run.Run(ctx, estimator.RLOO{}); err == nil || points != nil || !strings.HasPrefix(err.Error(), "study: rloo: ") {
			t.Errorf("%+v: %v", run, err)
		}
	}
	p := study.Problems()[2]
	for what, f := range map[string]func() (study.Result, error){
		"a law that is not offered": func() (study.Result, error) { return p.Compare(ctx, estimator.ARM{}, study.Effort{Estimates: 2}) },
		"one estimate":              func() (study.Result, error) { return p.Compare(ctx, estimator.RLOO{}, study.Effort{Estimates: 1}) },
		"negative tuning": func() (study.Result, error) {
			return p.Compare(ctx, estimator.RLOO{}, study.Effort{Estimates: 2, Tuning: -1})
		},
	} {
		if _, err := f(); err == nil || !strings.HasPrefix(err.Error(), "study: ") {
			t.Errorf("%s: %v", what, err)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := published.Run(gone, estimator.RLOO{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled training: %v", err)
	}
	if _, err := p.Compare(gone, estimator.RLOO{}, study.Effort{Estimates: 2}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled comparison: %v", err)
	}
}

func Example() {
	p := study.Problem{Kind: "toy", Name: "mine", Case: study.Bit(0.45, 0.2)}
	for _, name := range []string{"score", "rloo", "straightthrough"} {
		e, err := p.Find(name)
		if err != nil {
			fmt.Println(err)
			return
		}
		r, err := p.Compare(context.Background(), e, study.Effort{Estimates: 20_000, Tuning: 1000, Seed: 1})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-15s biased: %-5t variance %.4f\n", name, r.MaxZ > 5, r.MeanVariance)
	}
	// Output:
	// score           biased: false variance 0.0127
	// rloo            biased: false variance 0.0005
	// straightthrough biased: true  variance 0.0162
}
