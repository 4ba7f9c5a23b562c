package env

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"math"
	"slices"
	"strings"
	"testing"
)

func newTestTaxi(t testing.TB, options TaxiOptions, seed uint64) (*Taxi, []float32) {
	t.Helper()
	e, err := NewTaxi(options)
	if err != nil {
		t.Fatal(err)
	}
	e.Seed(seed)
	return e, make([]float32, 1)
}

func mustReset(t testing.TB, e Env, obs []float32) {
	t.Helper()
	if err := e.Reset(obs); err != nil {
		t.Fatal(err)
	}
}

func mustStep(t testing.TB, e Env, action int, obs []float32) Result {
	t.Helper()
	r, err := e.Step(action, obs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func wantHash(t *testing.T, what string, h hash.Hash, want string) {
	t.Helper()
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("%s: hash %s, want %s", what, got, want)
	}
}

// Transitions, masks and start states of all 500 states, by hashes of Gymnasium's tables.
func TestTaxiTables(t *testing.T) {
	e, obs := newTestTaxi(t, TaxiOptions{}, 0)
	transitions, masks, starts := sha256.New(), sha256.New(), sha256.New()
	var names []string
	for state := range taxiStates {
		mask := make([]bool, taxiActions)
		e.state = int32(state)
		e.Mask(mask)
		fmt.Fprintf(masks, "%d,", state)
		for _, useful := range mask {
			fmt.Fprintf(masks, "%v", number(useful))
		}
		fmt.Fprintln(masks)
		for action := range taxiActions {
			e.state, e.running = int32(state), true
			r := mustStep(t, e, action, obs)
			fmt.Fprintf(transitions, "%d,%d,%v,%v,%v\n", state, action, obs[0], r.Reward, number(r.Terminated))
		}
	}
	for _, state := range sharedTaxiRules().starts {
		names = append(names, fmt.Sprint(state))
	}
	fmt.Fprint(starts, strings.Join(names, ","))
	wantHash(t, "transitions", transitions, "8adccc5e3a96ce8aae8f45ae294af50618c30b442bee469bf4c71c42796c28b3")
	wantHash(t, "masks", masks, "1f985b6fba35d8a713eaa3fe403fabd4fafd0e3c656c95f2ec386827c83bf973")
	wantHash(t, "starts", starts, "e4caa236fcfd731dd1a0ce838680fb1554ed0b73243e094b2d8aceb365358a67")
}

// Gymnasium's starts for seeds 0 to 19, and a walk in which each step draws a number although none is needed.
func TestTaxiSeeds(t *testing.T) {
	for seed, want := range []float32{314, 252, 128, 42, 468, 402, 267, 309, 163, 432, 473, 63, 124, 429, 412, 344, 283, 422, 194, 208} {
		e, obs := newTestTaxi(t, TaxiOptions{}, uint64(seed))
		if mustReset(t, e, obs); obs[0] != want {
			t.Errorf("seed %d starts in %v, want %v", seed, obs[0], want)
		}
	}
	e, obs := newTestTaxi(t, TaxiOptions{}, 42)
	mustReset(t, e, obs)
	want := []float32{486, 486, 386, 366, 366, 366, 386, 386, 286, 186}
	for i, action := range []int{0, 0, 1, 3, 4, 5, 2, 2, 1, 1} {
		reward := -1.0
		if action >= 4 {
			reward = -10
		}
		if r := mustStep(t, e, action, obs); obs[0] != want[i] || r.Reward != reward {
			t.Errorf("step %d leads to %v with reward %v, want %v with %v", i, obs[0], r.Reward, want[i], reward)
		}
	}
	if mustReset(t, e, obs); obs[0] != 463 {
		t.Errorf("the second episode starts in %v, want 463", obs[0])
	}
}

// walk hashes 20 000 steps of the walk that testdata/README.md describes; masked keeps to the mask and picks the
// passenger up where it can.
func walk(t *testing.T, options TaxiOptions, seed uint64, masked bool) hash.Hash {
	e, obs := newTestTaxi(t, options, seed)
	mask := make([]bool, taxiActions)
	h := sha256.New()
	mustReset(t, e, obs)
	if !masked {
		fmt.Fprintln(h, obs[0])
	}
	x := uint32(seed)
	for i := range 20000 {
		x = (x*1103515245 + 12345) % (1 << 31)
		action := int(x>>16) % taxiActions
		if masked {
			var useful []int
			e.Mask(mask)
			for a, ok := range mask {
				if ok {
					useful = append(useful, a)
				}
			}
			if action = useful[int(x>>16)%len(useful)]; mask[4] {
				action = 4
			}
		}
		r := mustStep(t, e, action, obs)
		fmt.Fprintf(h, "%v,%v,%v\n", obs[0], r.Reward, number(r.Terminated))
		if r.Terminated || !masked && i%200 == 199 {
			mustReset(t, e, obs)
			fmt.Fprintln(h, obs[0])
		}
	}
	return h
}

// Long walks in dry and rainy weather with steady and fickle passengers, by hashes of Gymnasium's.
func TestTaxiWalks(t *testing.T) {
	for _, c := range []struct {
		options TaxiOptions
		want    string
	}{
		{TaxiOptions{}, "3e296b957c453d8db3f4105a5b16d0c7c20f49d4583efa712255ff8b07642827"},
		{TaxiOptions{Rainy: true}, "06ff5d22a65fcd375d38ada6bb2ee6b37676ab3e36637e32e2a815c464bcafec"},
		{TaxiOptions{Fickle: true}, "8691806d2a069cf3775e116e325f861fcc07728deb94b0561786b96706b2b03a"},
		{TaxiOptions{Rainy: true, Fickle: true}, "25c795c8dcfa8f26bc453c41907d2fbee14179bb0c5b90f653e4980737d825e8"},
	} {
		wantHash(t, fmt.Sprintf("%+v", c.options), walk(t, c.options, 11, false), c.want)
	}
	both := TaxiOptions{Rainy: true, RainyProbability: 0.6, Fickle: true, FickleProbability: 0.7}
	wantHash(t, fmt.Sprintf("%+v", both), walk(t, both, 5, true), "213c4e3d8c5a27c12d318fd4c5c43d08b2ee22292e32f7230d63d5df647e5e16")
}

// A random number in the gap above the cumulative probabilities starts in state 0, as in Gymnasium.
func TestTaxiStartAtTheEdge(t *testing.T) {
	rules := sharedTaxiRules()
	for _, c := range []struct {
		u    float64
		want int
	}{{0, 1}, {1/300. - 1e-12, 1}, {1 / 300., 2}, {0.99999999999999, 494}, {math.Nextafter(1, 0), 0}} {
		if got := rules.start(c.u); got != c.want {
			t.Errorf("start(%v) = %d, want %d", c.u, got, c.want)
		}
	}
}

// The starts that can be counted are those that Reset draws from, in the order of states; the time limit counts from
// there. With chance in the dynamics there are none.
func TestTaxiStarts(t *testing.T) {
	e, obs := newTestTaxi(t, TaxiOptions{}, 3)
	if err := e.Start(0, obs); !errors.Is(err, ErrNeedsReset) {
		t.Errorf("before Reset: %v", err)
	}
	var starts []int
	for i := range e.Starts() {
		mustReset(t, e, obs)
		mustStep(t, e, 1, obs)
		if err := e.Start(i, obs); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, int(obs[0]))
		want := sharedTaxiRules().moves[int(obs[0])][2]
		if r := mustStep(t, e, 2, obs); int16(obs[0]) != want.next || r.Reward != float64(want.reward) {
			t.Errorf("start %d: a step east leads to %v with reward %v, want %+v", i, obs[0], r.Reward, want)
		}
	}
	if !slices.Equal(starts, sharedTaxiRules().starts) {
		t.Errorf("starts %v", starts)
	}
	for _, i := range []int{-1, 300} {
		if err := e.Start(i, obs); !errors.Is(err, ErrStart) {
			t.Errorf("start %d: %v", i, err)
		}
	}
	if err := e.Start(0, make([]float32, 2)); !errors.Is(err, ErrObservation) {
		t.Errorf("two values: %v", err)
	}
	limited, err := Make("Taxi-v3")
	if err != nil {
		t.Fatal(err)
	}
	starter, ok := As[Enumerator](limited)
	if !ok || starter.Starts() != 300 {
		t.Fatal("the starts of Taxi-v3 cannot be counted")
	}
	for range 2 {
		mustReset(t, limited, obs)
		if err := starter.Start(7, obs); err != nil {
			t.Fatal(err)
		}
		steps := 1
		for !mustStep(t, limited, 0, obs).Done() {
			steps++
		}
		if steps != 200 {
			t.Errorf("an episode of %d steps, want 200", steps)
		}
	}
	for _, options := range []TaxiOptions{{Rainy: true}, {Fickle: true}} {
		if e, _ := newTestTaxi(t, options, 0); e.Starts() != 0 {
			t.Errorf("%+v: %d starts, want 0", options, e.Starts())
		}
	}
}

// Value iteration over the tables: the mean optimal return over the 300 starts is exactly 7.93.
func TestTaxiOptimum(t *testing.T) {
	rules := sharedTaxiRules()
	var best [taxiStates]int // in the rain, which comes last
	for _, test := range []struct {
		intended, want, tolerance float64
	}{{1, 7.93, 1e-12}, {0.8, 3.9546, 1e-4}} {
		var value [taxiStates]float64
		after := func(state, action int) float64 {
			move := rules.moves[state][action]
			if move.terminated {
				return float64(move.reward)
			}
			return float64(move.reward) + value[move.next]
		}
		for range 1_000 {
			for state := range value {
				highest := math.Inf(-1)
				for action := range taxiActions {
					q := after(state, action)
					if action < 4 && rules.masks[state][action] { // it may be blown aside
						sides := sideways[action]
						q = test.intended*q + (1-test.intended)/2*(after(state, sides[0])+after(state, sides[1]))
					}
					if q > highest {
						highest, best[state] = q, action
					}
				}
				value[state] = highest
			}
		}
		sum := 0.0
		for _, state := range rules.starts {
			sum += value[state]
		}
		if got := sum / 300; math.Abs(got-test.want) > test.tolerance {
			t.Errorf("moves go where intended with probability %v: mean optimal return %v, want %v", test.intended, got, test.want)
		}
	}

	taxi, obs := newTestTaxi(t, TaxiOptions{Rainy: true}, 1)
	const episodes = 20_000
	sum, squares := 0.0, 0.0
	for range episodes {
		mustReset(t, taxi, obs)
		total := 0.0
		for done := false; !done; {
			r := mustStep(t, taxi, best[int(obs[0])], obs)
			total += r.Reward
			done = r.Done()
		}
		sum += total
		squares += total * total
	}
	mean := sum / episodes
	if tol := 4 * math.Sqrt((squares/episodes-mean*mean)/episodes); math.Abs(mean-3.9546) > tol {
		t.Errorf("the optimal policy for rain returns %.3f, want 3.955 ± %.3f", mean, tol)
	}
}

func TestTaxiOptionsAreProbabilities(t *testing.T) {
	for _, p := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
		if _, err := NewTaxi(TaxiOptions{RainyProbability: p}); err == nil {
			t.Errorf("RainyProbability %v: no error", p)
		}
		if _, err := NewTaxi(TaxiOptions{FickleProbability: p}); err == nil {
			t.Errorf("FickleProbability %v: no error", p)
		}
	}
}

// The coloured maps of all states, by the hash of Gymnasium's, and one of them in full.
func TestTaxiText(t *testing.T) {
	e, _ := newTestTaxi(t, TaxiOptions{}, 0)
	h := sha256.New()
	for state := range int32(taxiStates) {
		e.state, e.last = state, -1
		if state%7 != 0 {
			e.last = state % 6
		}
		fmt.Fprint(h, e.Text())
	}
	wantHash(t, "texts", h, "29bee668de9cc0e85e9eef3e764b1ea93610912f61bfb8263b410df398c00d37")
	e.state, e.last = 314, 0
	want := "+---------+\n|R: | : :G|\n| : | : : |\n| : : : : |\n|\x1b[43m \x1b[0m| : | : |\n" +
		"|\x1b[35mY\x1b[0m| : |\x1b[34;1mB\x1b[0m: |\n+---------+\n  (South)\n"
	if got := e.Text(); got != want {
		t.Errorf("state 314:\n%q, want\n%q", got, want)
	}
}
