package returns

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

const tolerance = 1e-12 // sums of up to 40 numbers of order 1 in float64

func near(t *testing.T, what string, got, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
	for i := range want {
		if !(math.Abs(got[i]-want[i]) <= tolerance) {
			t.Fatalf("%s: %v, want %v (position %d differs by more than %g)", what, got, want, i, tolerance)
		}
	}
}

func must(t *testing.T) func(x []float64, err error) []float64 {
	return func(x []float64, err error) []float64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
}

// Two steps to a termination, two to a truncation, two left open; γ = ½, λ = ½. NaN marks what must not be used.
func handRollout() Rollout {
	nan := math.NaN()
	return Rollout{
		Reward:     []float64{1, 2, 3, 4, 5, 6},
		Terminated: []bool{false, true, false, false, false, false},
		Truncated:  []bool{false, false, false, true, false, false},
		Value:      []float64{10, 20, 30, 40, 50, 60},
		Bootstrap:  []float64{nan, nan, nan, 100, nan, 200},
	}
}

func TestByHand(t *testing.T) {
	r, ok := handRollout(), must(t)
	near(t, "discounted", ok(r.Discounted(nil, 0.5)), []float64{1 + 1, 2, 3 + 27, 4 + 50, 5 + 53, 6 + 100})
	near(t, "one step", ok(r.NStep(nil, 0.5, 1)), []float64{1 + 10, 2, 3 + 20, 4 + 50, 5 + 30, 6 + 100})
	near(t, "two steps", ok(r.NStep(nil, 0.5, 2)), []float64{1 + 1, 2, 3 + 27, 4 + 50, 5 + 53, 6 + 100})
	// δ = 1+10-10, 2-20, 3+20-30, 4+50-40, 5+30-50, 6+100-60
	near(t, "advantages", ok(r.GAE(nil, 0.5, 0.5)), []float64{1 - 18./4, -18, -7 + 14./4, 14, -15 + 46./4, 46})
	near(t, "without discount", ok(Rollout{Reward: []float64{1, 2, 3}}.Discounted(nil, 1)), []float64{6, 5, 3})
	near(t, "no future", ok(Rollout{Reward: []float64{1, 2, 3}}.Discounted(nil, 0)), []float64{1, 2, 3})

	// A step that is both terminated and truncated is terminated.
	r.Terminated[3] = true
	near(t, "both", ok(r.Discounted(nil, 0.5)), []float64{2, 2, 5, 4, 58, 106})
	near(t, "both, one step", ok(r.NStep(nil, 0.5, 1))[3:4], []float64{4})
	near(t, "both, advantage", ok(r.GAE(nil, 0.5, 0.5))[3:4], []float64{-36})
}

// random returns a rollout with ends at random.
func random(source *rand.Rand) Rollout {
	n := source.IntN(40)
	r := Rollout{make([]float64, n), make([]bool, n), make([]bool, n), make([]float64, n), make([]float64, n)}
	for t := range n {
		r.Reward[t], r.Value[t], r.Bootstrap[t] = source.NormFloat64(), source.NormFloat64(), source.NormFloat64()
		r.Terminated[t], r.Truncated[t] = source.IntN(6) == 0, source.IntN(6) == 0
	}
	return r
}

// brute sums the returns of n steps from t forwards, power by power.
func brute(r Rollout, t int, gamma float64, n int) float64 {
	sum := 0.0
	for k := 0; ; k++ {
		if k == n {
			return sum + math.Pow(gamma, float64(k))*r.Value[t+k]
		}
		sum += math.Pow(gamma, float64(k)) * r.Reward[t+k]
		if r.Terminated[t+k] {
			return sum
		}
		if r.Truncated[t+k] || t+k == len(r.Reward)-1 {
			return sum + math.Pow(gamma, float64(k+1))*r.Bootstrap[t+k]
		}
	}
}

func TestAgainstBruteForce(t *testing.T) {
	source := rand.New(rand.NewPCG(1, 1))
	ok := must(t)
	for range 300 {
		r := random(source)
		gamma, lambda, n := source.Float64(), source.Float64(), 1+source.IntN(6)
		steps := len(r.Reward)
		discounted, several, advantages := make([]float64, steps), make([]float64, steps), make([]float64, steps)
		for at := range steps {
			discounted[at] = brute(r, at, gamma, math.MaxInt)
			several[at] = brute(r, at, gamma, n)
			// The advantage is the mean of k-step advantages with weights (1-λ)·λᵏ⁻¹, and the rest of the weight on
			// the longest, which ends with the episode.
			end := at
			for !r.Terminated[end] && !r.Truncated[end] && end < steps-1 {
				end++
			}
			for k := 1; k <= end-at; k++ {
				advantages[at] += (1 - lambda) * math.Pow(lambda, float64(k-1)) * (brute(r, at, gamma, k) - r.Value[at])
			}
			advantages[at] += math.Pow(lambda, float64(end-at)) * (discounted[at] - r.Value[at])
		}
		near(t, "discounted", ok(r.Discounted(nil, gamma)), discounted)
		near(t, "n-step", ok(r.NStep(nil, gamma, n)), several)
		near(t, "advantages", ok(r.GAE(nil, gamma, lambda)), advantages)
	}
}

func TestLimits(t *testing.T) {
	source := rand.New(rand.NewPCG(2, 2))
	ok := must(t)
	for range 100 {
		r, gamma := random(source), source.Float64()
		discounted := ok(r.Discounted(nil, gamma))
		minusValue := func(x []float64) []float64 {
			x = slices.Clone(x)
			for i := range x {
				x[i] -= r.Value[i]
			}
			return x
		}
		near(t, "λ = 1", ok(r.GAE(nil, gamma, 1)), minusValue(discounted))
		near(t, "λ = 0", ok(r.GAE(nil, gamma, 0)), minusValue(ok(r.NStep(nil, gamma, 1))))
		near(t, "n = ∞", ok(r.NStep(nil, gamma, math.MaxInt)), discounted)
		// With the true values of a policy every estimate is the value: here V = r/(1-γ) for a constant reward.
		for i := range r.Reward {
			r.Reward[i], r.Value[i], r.Bootstrap[i], r.Terminated[i] = 1, 1/(1-gamma), 1/(1-gamma), false
		}
		for _, a := range ok(r.GAE(nil, gamma, 0.9)) {
			if !(math.Abs(a) <= tolerance/(1-gamma)) {
				t.Fatalf("advantage %v at true values, want 0", a)
			}
		}
	}
}

// Results may overwrite any slice of the rollout, and are the same.
func TestInPlace(t *testing.T) {
	source := rand.New(rand.NewPCG(3, 3))
	ok := must(t)
	for range 100 {
		r := random(source)
		for name, f := range map[string]func(r Rollout, dst []float64) ([]float64, error){
			"discounted": func(r Rollout, dst []float64) ([]float64, error) { return r.Discounted(dst, 0.9) },
			"n-step":     func(r Rollout, dst []float64) ([]float64, error) { return r.NStep(dst, 0.9, 3) },
			"advantages": func(r Rollout, dst []float64) ([]float64, error) { return r.GAE(dst, 0.9, 0.8) },
		} {
			want := ok(f(r, nil))
			for i := range 3 {
				c := Rollout{slices.Clone(r.Reward), r.Terminated, r.Truncated, slices.Clone(r.Value), slices.Clone(r.Bootstrap)}
				dst := [][]float64{c.Reward, c.Value, c.Bootstrap}[i]
				if got := ok(f(c, dst)); !slices.Equal(got, want) || len(got) > 0 && &got[0] != &dst[0] {
					t.Errorf("%s in place %d: %v, want %v", name, i, got, want)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	r := handRollout()
	for name, f := range map[string]func() ([]float64, error){
		"γ > 1":      func() ([]float64, error) { return r.Discounted(nil, 1.1) },
		"γ < 0":      func() ([]float64, error) { return r.GAE(nil, -0.1, 1) },
		"γ NaN":      func() ([]float64, error) { return r.NStep(nil, math.NaN(), 1) },
		"λ > 1":      func() ([]float64, error) { return r.GAE(nil, 1, 1.1) },
		"λ NaN":      func() ([]float64, error) { return r.GAE(nil, 1, math.NaN()) },
		"n = 0":      func() ([]float64, error) { return r.NStep(nil, 1, 0) },
		"dst":        func() ([]float64, error) { return r.Discounted(make([]float64, 5), 1) },
		"terminated": func() ([]float64, error) { r := r; r.Terminated = r.Terminated[:5]; return r.Discounted(nil, 1) },
		"truncated":  func() ([]float64, error) { r := r; r.Truncated = []bool{}; return r.Discounted(nil, 1) },
		"bootstrap":  func() ([]float64, error) { r := r; r.Bootstrap = r.Bootstrap[:5]; return r.Discounted(nil, 1) },
		"no values":  func() ([]float64, error) { r := r; r.Value = nil; return r.GAE(nil, 1, 1) },
		"few values": func() ([]float64, error) { r := r; r.Value = r.Value[:5]; return r.NStep(nil, 1, 1) },
		"standardize": func() ([]float64, error) {
			return Standardize(make([]float64, 2), make([]float64, 3))
		},
	} {
		if x, err := f(); err == nil || x != nil {
			t.Errorf("%s: %v, %v, want an error", name, x, err)
		}
	}
	if _, err := ExplainedVariance([]float64{1}, nil); err == nil {
		t.Error("one prediction of no target is accepted")
	}
}

func TestStandardize(t *testing.T) {
	ok := must(t)
	for _, c := range []struct{ x, want []float64 }{
		{[]float64{}, []float64{}},
		{[]float64{7}, []float64{0}},
		{[]float64{0.1, 0.1, 0.1}, []float64{0, 0, 0}},
		{[]float64{2, 4, 4, 4, 5, 5, 7, 9}, []float64{-1.5, -0.5, -0.5, -0.5, 0, 0, 1, 2}}, // mean 5, deviation 2
		{[]float64{1e9 + 2, 1e9 - 2}, []float64{1, -1}},
	} {
		got := ok(Standardize(nil, c.x))
		for i, want := range c.want {
			if !(math.Abs(got[i]-want) <= 2e-8) { // the 10⁻⁸ in the denominator
				t.Errorf("%v: %v, want %v", c.x, got, c.want)
			}
		}
		if in := ok(Standardize(c.x, c.x)); !slices.Equal(in, got) {
			t.Errorf("in place: %v, want %v", in, got)
		}
	}
}

func TestExplainedVariance(t *testing.T) {
	for _, c := range []struct {
		prediction, target []float64
		want               float64
	}{
		{[]float64{1, 2, 3}, []float64{1, 2, 3}, 1},
		{[]float64{5, 6, 7}, []float64{1, 2, 3}, 1}, // a constant error does not count
		{[]float64{2, 2, 2}, []float64{1, 2, 3}, 0},
		{[]float64{3, 2, 1}, []float64{1, 2, 3}, -3},
		{[]float64{1.5, 2, 2.5}, []float64{1, 2, 3}, 0.75},
		{[]float64{1, 2}, []float64{4, 4}, math.NaN()},
		{nil, nil, math.NaN()},
	} {
		got, err := ExplainedVariance(c.prediction, c.target)
		if err != nil || math.IsNaN(got) != math.IsNaN(c.want) || math.Abs(got-c.want) > tolerance {
			t.Errorf("of %v by %v: %v, %v, want %v", c.target, c.prediction, got, err, c.want)
		}
	}
}
