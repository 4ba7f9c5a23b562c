package env

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

func cartPoles(t testing.TB, n int, mode Autoreset) *Vector {
	t.Helper()
	v, err := NewVector(n, mode, func() (Env, error) { return Make("CartPole-v1") })
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// near compares observations with Gymnasium's to some units in the last place of float32: its sine and cosine differ.
func near(t *testing.T, what string, got []float32, want ...float64) {
	t.Helper()
	for i, x := range want {
		if math.Abs(float64(got[i])-x) > 3e-7*max(1, math.Abs(x)) {
			t.Errorf("%s: %v, want %v", what, got[:len(want)], want)
			return
		}
	}
}

// Three CartPoles of seed 9 with actions 1, i mod 2, i/2 mod 2 on step i: the first falls on step 9. Values are those
// of Gymnasium's SyncVectorEnv.
func TestVectorIsGymnasiums(t *testing.T) {
	fallen := []float64{0.20848892629146576, 1.9338481426239014, -0.2515641748905182, -3.0614259243011475}
	start := []float64{0.02160746231675148, 0.04153801128268242, 0.03603936359286308, 0.04182376340031624}
	after := []float64{0.02243822254240513, 0.2361251264810562, 0.03687584027647972, -0.23927409946918488}
	for _, mode := range []Autoreset{NextStep, SameStep} {
		v := cartPoles(t, 3, mode)
		v.Seed(9)
		b, err := v.Reset()
		if err != nil {
			t.Fatal(err)
		}
		near(t, "start", b.Obs, 0.03702491894364357, -0.021318279206752777, 0.010314814746379852, 0.02775340899825096,
			0.04560017213225365, -0.02923181839287281, 0.03284448757767677, -0.03507178649306297,
			-0.037142980843782425, -7.221375562949106e-05, 0.010149835608899593, -0.04713109880685806)
		for i := range 60 {
			if _, err := v.Step([]int{1, i % 2, i / 2 % 2}); err != nil {
				t.Fatal(err)
			}
			what := fmt.Sprintf("mode %d, step %d", mode, i)
			wantRow := func(reward float64, terminated, reset bool, total float64, length int64) {
				t.Helper()
				if b.Reward[0] != reward || b.Terminated[0] != terminated || b.Truncated[0] || b.Reset[0] != reset || b.Return[0] != total || b.Length[0] != length {
					t.Errorf("%s: %v %v %v %v %v %v", what, b.Reward[0], b.Terminated[0], b.Truncated[0], b.Reset[0], b.Return[0], b.Length[0])
				}
			}
			switch i {
			case 8:
				wantRow(1, false, false, 9, 9)
			case 9:
				near(t, what, b.Next, fallen...)
				wantRow(1, true, false, 10, 10)
				if mode == SameStep {
					near(t, what, b.Obs, start...)
				}
			case 10:
				if mode == NextStep {
					near(t, what, b.Obs, start...)
					wantRow(0, false, true, 0, 0)
				} else {
					near(t, what, b.Obs, after...)
					wantRow(1, false, false, 1, 1)
				}
			case 11:
				if mode == NextStep {
					near(t, what, b.Obs, after...)
					wantRow(1, false, false, 1, 1)
				}
			}
			if !slices.Equal(b.Next[4:], b.Obs[4:]) && !slices.Contains(b.Terminated[1:], true) {
				t.Errorf("%s: Next differs from Obs where nothing has ended", what)
			}
		}
		last := []float64{0.03970448672771454, 1.1961106061935425, -0.02888302132487297, -1.6442062854766846}
		if mode == SameStep {
			last = []float64{0.03828625753521919, 0.04128100350499153, 0.02082069218158722, 0.005449687596410513}
		}
		near(t, fmt.Sprintf("mode %d, end", mode), b.Obs, last...)
	}
}

// Every row is what a single environment with the same seed and actions goes through.
func TestVectorRowsAreSingleEnvironments(t *testing.T) {
	for _, mode := range []Autoreset{NextStep, SameStep} {
		for _, id := range []string{"Taxi-v3", "CartPole-v1"} {
			const n = 5
			v, err := NewVector(n, mode, func() (Env, error) { return Make(id) })
			if err != nil {
				t.Fatal(err)
			}
			space := v.Space()
			v.Seed(70)
			b, err := v.Reset()
			if err != nil {
				t.Fatal(err)
			}
			var single [n]Env
			obs, next, mask := make([]float32, space.Size), make([]float32, space.Size), make([]bool, space.Actions)
			var episodes [n]Episode
			var ended [n]bool
			for i := range single {
				single[i] = must(Make(id))
				single[i].Seed(70 + uint64(i))
				mustReset(t, single[i], obs)
			}
			random := NewRand(3)
			actions := make([]int, n)
			for step := range 900 {
				for i := range actions {
					actions[i] = int(random.Uint32N(uint32(space.Actions)))
				}
				if mode == NextStep {
					for i := range actions {
						if ended[i] {
							actions[i] = -7 // ignored
						}
					}
				}
				if _, err := v.Step(actions); err != nil {
					t.Fatal(err)
				}
				for i, e := range single {
					var r Result
					reset := mode == NextStep && ended[i]
					if ended[i] {
						episodes[i] = Episode{}
					}
					if reset {
						mustReset(t, e, next)
					} else {
						r = mustStep(t, e, actions[i], next)
						episodes[i].Return += r.Reward
						episodes[i].Length++
					}
					copy(obs, next)
					if ended[i] = r.Done(); ended[i] && mode == SameStep {
						mustReset(t, e, obs)
					}
					row := func(rows []float32) []float32 { return rows[i*space.Size:][:space.Size] }
					got := fmt.Sprint(row(b.Obs), row(b.Next), b.Reward[i], b.Terminated[i], b.Truncated[i], b.Reset[i], b.Return[i], b.Length[i])
					want := fmt.Sprint(obs, next, r.Reward, r.Terminated, r.Truncated, reset, episodes[i].Return, episodes[i].Length)
					if m, ok := As[Masker](e); ok {
						m.Mask(mask)
						got += fmt.Sprint(b.Mask[i*space.Actions:][:space.Actions])
						want += fmt.Sprint(mask)
					}
					if got != want {
						t.Fatalf("%s, mode %d, step %d, row %d:\n%s, want\n%s", id, mode, step, i, got, want)
					}
				}
			}
		}
	}
}

func TestVectorResumes(t *testing.T) {
	for _, mode := range []Autoreset{NextStep, SameStep} {
		for _, id := range []string{"CartPole-v1", "Taxi-v3", "Acrobot-v1"} {
			make3 := func() *Vector {
				v, err := NewVector(3, mode, func() (Env, error) { return Make(id) })
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			a, other := make3(), make3()
			random := NewRand(8)
			record := func(v *Vector, random *Rand, steps int) string {
				var b strings.Builder
				for range steps {
					actions := make([]int, 3)
					for i := range actions {
						actions[i] = int(random.Uint32N(uint32(v.Space().Actions)))
					}
					batch, err := v.Step(actions)
					if err != nil {
						t.Fatal(err)
					}
					fmt.Fprintln(&b, *batch)
				}
				return b.String()
			}
			a.Seed(1)
			if _, err := a.Reset(); err != nil {
				t.Fatal(err)
			}
			for range 5 { // so that one of the states lies right after an end
				record(a, &random, 13)
				saved, err := a.MarshalBinary()
				if err != nil {
					t.Fatal(err)
				}
				if err := other.UnmarshalBinary(saved); err != nil {
					t.Fatal(err)
				}
				if got, want := fmt.Sprint(*other.Batch()), fmt.Sprint(*a.Batch()); got != want {
					t.Errorf("%s: the restored batch is %s, want %s", id, got, want)
				}
				same := random
				if record(a, &random, 250) != record(other, &same, 250) {
					t.Errorf("%s, mode %d: a restored vector goes another way", id, mode)
				}
			}
			saved, _ := a.MarshalBinary()
			record(other, &random, 5) // so that the states differ
			before, _ := other.MarshalBinary()
			for n := 0; n < len(saved); n += 7 {
				err := other.UnmarshalBinary(saved[:n])
				if after, _ := other.MarshalBinary(); err == nil || !bytes.Equal(before, after) {
					t.Fatalf("%d of %d bytes are restored (%v), or change something", n, len(saved), err)
				}
			}
			fewer, err := NewVector(2, mode, func() (Env, error) { return Make(id) })
			if err != nil {
				t.Fatal(err)
			}
			if fewer.UnmarshalBinary(saved) == nil {
				t.Error("three copies are restored into two")
			}
		}
	}
}

func TestVectorErrors(t *testing.T) {
	good := func() (Env, error) { return Make("CartPole-v1") }
	calls := 0
	for name, c := range map[string]struct {
		n           int
		mode        Autoreset
		constructor func() (Env, error)
	}{
		"no copies":      {0, NextStep, good},
		"no mode":        {2, 7, good},
		"no constructor": {2, NextStep, nil},
		"nil":            {2, NextStep, func() (Env, error) { return nil, nil }},
		"fails":          {2, NextStep, func() (Env, error) { return nil, errors.New("broken") }},
		"mixed": {2, NextStep, func() (Env, error) {
			if calls++; calls%2 == 0 {
				return newTaxi()
			}
			return newCartPole()
		}},
	} {
		if _, err := NewVector(c.n, c.mode, c.constructor); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	v := cartPoles(t, 2, NextStep)
	if _, err := v.Step([]int{0, 0}); !errors.Is(err, ErrNeedsReset) {
		t.Errorf("step before reset: %v", err)
	}
	if _, err := v.Reset(); err != nil {
		t.Fatal(err)
	}
	before := fmt.Sprint(v.batch)
	for _, actions := range [][]int{nil, {0}, {0, 0, 0}, {0, 2}, {-1, 0}} {
		if _, err := v.Step(actions); err == nil || fmt.Sprint(v.batch) != before {
			t.Errorf("actions %v: %v, want an error and no change", actions, err)
		}
	}
	if _, err := v.Step([]int{0, 1}); err != nil {
		t.Errorf("a refused step stops the vector: %v", err)
	}
	// An error inside a copy names it and stops the vector until a reset.
	e, _ := As[*CartPole](v.Env(1))
	e.running = false
	if _, err := v.Step([]int{0, 1}); !errors.Is(err, ErrNeedsReset) || !strings.Contains(err.Error(), "copy 1") {
		t.Errorf("error in a copy: %v", err)
	}
	if _, err := v.Step([]int{0, 1}); !errors.Is(err, ErrNeedsReset) {
		t.Errorf("step after an error: %v", err)
	}
	if _, err := v.Reset(); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Step([]int{0, 1}); err != nil {
		t.Fatal(err)
	}
}

// Vectors on different goroutines share nothing that changes; the race detector watches.
func TestVectorsAreIndependent(t *testing.T) {
	var records [4]string
	var wait sync.WaitGroup
	for i := range records {
		wait.Go(func() {
			v, err := NewVector(4, SameStep, func() (Env, error) { return Make("Taxi-v3") })
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := v.Reset(); err != nil {
				t.Error(err)
				return
			}
			random := NewRand(1)
			for range 300 {
				actions := make([]int, 4)
				for j := range actions {
					actions[j] = int(random.Uint32N(6))
				}
				if _, err := v.Step(actions); err != nil {
					t.Error(err)
					return
				}
			}
			records[i] = fmt.Sprint(v.batch, v.Env(0).(*TimeLimit).inner.(*Taxi).Text())
		})
	}
	wait.Wait()
	for _, r := range records[1:] {
		if r != records[0] {
			t.Error("equal vectors differ")
		}
	}
}

// Gymnasium's vector wrappers NormalizeObservation and NormalizeReward after 60 steps of the actions above.
func TestVectorNormalisationIsGymnasiums(t *testing.T) {
	v := cartPoles(t, 3, NextStep)
	observations, err := NewObservationScaler(v.Space())
	if err != nil {
		t.Fatal(err)
	}
	rewards, err := NewRewardScaler(3, 0.99)
	if err != nil {
		t.Fatal(err)
	}
	v.Seed(9)
	b, err := v.Reset()
	if err != nil {
		t.Fatal(err)
	}
	if err := observations.ScaleBatch(b); err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		if _, err := v.Step([]int{1, i % 2, i / 2 % 2}); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(observations.ScaleBatch(b), rewards.ScaleBatch(b)); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []float64{0.5612813830375671, 1.5312798023223877, -0.19654421508312225, -1.3209484815597534,
		0.5565294027328491, -0.22015875577926636, -0.3830624520778656, 0.0838765799999237,
		1.0041592121124268, 0.189615398645401, -0.3576420843601227, -0.2226339429616928} {
		if math.Abs(float64(b.Obs[i])-want) > 5e-6 { // moments there are float32 over 61 updates
			t.Errorf("observation %d: %v, want %v", i, b.Obs[i], want)
		}
	}
	for i, r := range b.Reward {
		if math.Abs(r-0.13572640323462704) > 1e-12 {
			t.Errorf("reward %d: %v, want 0.13572640323462704", i, r)
		}
	}
	data, err := rewards.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	other, _ := NewRewardScaler(3, 0.99)
	if err := other.UnmarshalBinary(data); err != nil || !slices.Equal(other.R, rewards.R) || other.Moments.Var[0] != rewards.Moments.Var[0] {
		t.Errorf("restored %+v, %v, want %+v", other, err, rewards)
	}
	if two, _ := NewRewardScaler(2, 0.99); two.UnmarshalBinary(data) == nil {
		t.Error("sums of three environments are restored into two")
	}
	data, err = observations.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if three := NewMoments(3); three.UnmarshalBinary(data) == nil {
		t.Error("moments of four components are restored into three")
	}
	// With SameStep the last observations are scaled by the moments that the batch has updated.
	v = cartPoles(t, 1, SameStep)
	if b, err = v.Reset(); err != nil {
		t.Fatal(err)
	}
	copy(b.Next, []float32{1, 1, 1, 1})
	if err := observations.ScaleBatch(b); err != nil {
		t.Fatal(err)
	}
	if want := float32((1 - observations.Mean[0]) / math.Sqrt(observations.Var[0]+1e-8)); b.Next[0] != want {
		t.Errorf("next observation %v, want %v", b.Next[0], want)
	}
}

func TestStepsDoNotAllocate(t *testing.T) {
	for name, constructor := range constructors {
		e := must(constructor())
		obs := make([]float32, e.Space().Size)
		mustReset(t, e, obs)
		random := NewRand(1)
		if n := testing.AllocsPerRun(300, func() {
			if mustStep(t, e, int(random.Uint32N(uint32(e.Space().Actions))), obs).Done() {
				mustReset(t, e, obs)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a step", name, n)
		}
		v, err := NewVector(3, SameStep, constructor)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Reset(); err != nil {
			t.Fatal(err)
		}
		actions := make([]int, 3)
		if n := testing.AllocsPerRun(300, func() {
			for i := range actions {
				actions[i] = int(random.Uint32N(uint32(e.Space().Actions)))
			}
			if _, err := v.Step(actions); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a vector step", name, n)
		}
	}
}
