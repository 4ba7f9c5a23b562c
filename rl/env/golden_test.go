package env

import (
	"compress/gzip"
	"encoding/json"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
)

// recording is a file of recorded episodes; see testdata/README.md.
type recording struct {
	Columns  []string           `json:"columns"`
	Episodes map[string][][]any `json:"episodes"`
}

func load(t *testing.T, file string) recording {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.NewDecoder(z).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// row reads the columns of a step by name.
type row struct {
	t       *testing.T
	columns []string
	values  []any
}

func (r row) float(name string) float64 {
	r.t.Helper()
	for i, column := range r.columns {
		if column != name {
			continue
		}
		switch v := r.values[i].(type) {
		case float64:
			return v
		case string:
			x, err := strconv.ParseFloat(v, 64)
			if err != nil {
				r.t.Fatal(err)
			}
			return x
		}
	}
	r.t.Fatalf("no column %s", name)
	return 0
}

func (r row) state(prefix string, names ...string) (s [4]float64) {
	for i, name := range names {
		s[i] = r.float(prefix + name)
	}
	return s
}

func (r row) obs(i int) float32 {
	return math.Float32frombits(uint32(r.float("obs" + strconv.Itoa(i) + "_bits")))
}

// eachEpisode runs f for every recorded episode and returns the number of rows in all.
func (r recording) eachEpisode(t *testing.T, f func(t *testing.T, policy string, seed uint64, rows []row)) (total int) {
	for name, episode := range r.Episodes {
		policy, number, _ := strings.Cut(name, "-")
		seed, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		var rows []row
		for _, values := range episode {
			rows = append(rows, row{t, r.Columns, values})
		}
		total += len(rows)
		t.Run(name, func(t *testing.T) { f(t, policy, seed, rows) })
	}
	return total
}

var cartPoleNames = []string{"x", "x_dot", "theta", "theta_dot"}

// With the recorded sine and cosine, the recorded next state comes out to the bit.
func TestCartPoleStepIsExact(t *testing.T) {
	total := load(t, "cartpole.json.gz").eachEpisode(t, func(t *testing.T, _ string, _ uint64, rows []row) {
		for i, r := range rows {
			force := 20*r.float("action") - 10
			got := cartPoleStep(r.state("", cartPoleNames...), force, r.float("sin"), r.float("cos"))
			if want := r.state("next_", cartPoleNames...); got != want {
				t.Fatalf("step %d: %x, want %x", i, got, want)
			}
		}
	})
	if total < 1500 {
		t.Errorf("only %d rows were tested", total)
	}
}

// With the sine and cosine of this package, single steps from recorded states give the recorded observations.
func TestCartPoleObservationsAreExact(t *testing.T) {
	sinDiffers, cosDiffers := 0, 0
	total := load(t, "cartpole.json.gz").eachEpisode(t, func(t *testing.T, _ string, seed uint64, rows []row) {
		limited, err := Make("CartPole-v1")
		if err != nil {
			t.Fatal(err)
		}
		e, _ := As[*CartPole](limited)
		obs := make([]float32, 4)
		limited.Seed(seed)
		if err := limited.Reset(obs); err != nil {
			t.Fatal(err)
		}
		if want := rows[0].state("", cartPoleNames...); e.state != want {
			t.Fatalf("start %x, want %x", e.state, want)
		}
		for i, r := range rows {
			e.state = r.state("", cartPoleNames...)
			sin, cos := sincos(e.state[2])
			if sin != r.float("sin") {
				sinDiffers++
			}
			if cos != r.float("cos") {
				cosDiffers++
			}
			step, err := limited.Step(int(r.float("action")), obs)
			if err != nil {
				t.Fatal(err)
			}
			want := Result{r.float("reward"), r.float("terminated") == 1, r.float("truncated") == 1}
			if step != want {
				t.Fatalf("step %d: %+v, want %+v", i, step, want)
			}
			for j, x := range obs {
				if x != r.obs(j) {
					t.Fatalf("step %d: observation %d is %v, want %v", i, j, x, r.obs(j))
				}
			}
			for j, x := range r.state("next_", cartPoleNames...) {
				if d := math.Abs(e.state[j] - x); !(d <= 1e-15) { // a few last bits of numbers of order 1
					t.Fatalf("step %d: component %d differs by %g", i, j, d)
				}
			}
		}
	})
	t.Logf("of %d steps, %d sines and %d cosines differ from the C library's in the last bit", total, sinDiffers, cosDiffers)
}

// Left to itself, CartPole follows the record for a hundred steps before last bits matter.
func TestCartPoleFollowsTheRecord(t *testing.T) {
	load(t, "cartpole.json.gz").eachEpisode(t, func(t *testing.T, _ string, seed uint64, rows []row) {
		e := NewCartPole()
		obs := make([]float32, 4)
		e.Seed(seed)
		if err := e.Reset(obs); err != nil {
			t.Fatal(err)
		}
		for i, r := range rows[:min(100, len(rows))] {
			if _, err := e.Step(int(r.float("action")), obs); err != nil {
				t.Fatal(err)
			}
			for j, x := range obs {
				if x != r.obs(j) {
					t.Fatalf("step %d: observation %d is %v, want %v", i, j, x, r.obs(j))
				}
			}
		}
	})
}

// Seed 42, actions 1 0 1 1 1 …: Gymnasium terminates at the twelfth step.
func TestCartPoleShortEpisode(t *testing.T) {
	e := NewCartPole()
	obs := make([]float32, 4)
	e.Seed(42)
	if err := e.Reset(obs); err != nil {
		t.Fatal(err)
	}
	if want := [4]float64{0x1.c0d97eba2bd40p-6, -0x1.9090f63c0b010p-8, 0x1.25c36f3afc536p-5, 0x1.435e26c08cd04p-6}; e.state != want {
		t.Errorf("start %x, want %x", e.state, want)
	}
	steps := 0
	for done := false; !done; steps++ {
		action := 1
		if steps == 1 {
			action = 0
		}
		r, err := e.Step(action, obs)
		if err != nil {
			t.Fatal(err)
		}
		if r.Reward != 1 {
			t.Errorf("step %d: reward %v, want 1", steps, r.Reward)
		}
		done = r.Terminated
	}
	if steps != 12 || math.Abs(e.state[0]-0x1.a403527eac589p-3) > 1e-14 || math.Abs(e.state[3]+0x1.7d24d18e18c4ep+1) > 1e-14 {
		t.Errorf("%d steps to %x, want 12 steps to x 0x1.a403527eac589p-3, θ̇ -0x1.7d24d18e18c4ep+1", steps, e.state)
	}
}

// The threshold of termination is strict, and the angle's is the float64 that Gymnasium computes.
func TestCartPoleLimits(t *testing.T) {
	obs := make([]float32, 4)
	for _, c := range []struct {
		state [4]float64 // velocities are zero, so position and angle stay for one step
		over  bool
	}{
		{[4]float64{2.4, 0, 0, 0}, false},
		{[4]float64{math.Nextafter(2.4, 3), 0, 0, 0}, true},
		{[4]float64{-2.4, 0, 0, 0}, false},
		{[4]float64{-math.Nextafter(2.4, 3), 0, 0, 0}, true},
		{[4]float64{0, 0, 0x1.acee9f37bebd5p-3, 0}, false},
		{[4]float64{0, 0, 0x1.acee9f37bebd6p-3, 0}, true},
		{[4]float64{0, 0, -0x1.acee9f37bebd5p-3, 0}, false},
		{[4]float64{0, 0, -0x1.acee9f37bebd6p-3, 0}, true},
	} {
		e := NewCartPole()
		if err := e.Reset(obs); err != nil {
			t.Fatal(err)
		}
		e.state = c.state
		if r, err := e.Step(0, obs); err != nil || r.Terminated != c.over {
			t.Errorf("from %v: terminated %v, %v, want %v", c.state, r.Terminated, err, c.over)
		}
	}
}

var acrobotNames = []string{"theta1", "theta2", "theta1_dot", "theta2_dot"}

// Single steps from recorded states: float64 states to 10⁻¹³ (Gymnasium squares by the C library's pow, and its sine
// and cosine differ in last bits), observations and all else exactly. Starts are exact.
func TestAcrobotFollowsTheRecord(t *testing.T) {
	recorded := load(t, "acrobot.json.gz")
	for _, forced := range []bool{true, false} {
		worst := 0.0
		recorded.eachEpisode(t, func(t *testing.T, _ string, seed uint64, rows []row) {
			limited, err := Make("Acrobot-v1")
			if err != nil {
				t.Fatal(err)
			}
			e, _ := As[*Acrobot](limited)
			obs := make([]float32, 6)
			limited.Seed(seed)
			if err := limited.Reset(obs); err != nil {
				t.Fatal(err)
			}
			if want := rows[0].state("", acrobotNames...); e.state != want {
				t.Fatalf("start %x, want %x", e.state, want)
			}
			for i, r := range rows {
				if forced {
					e.state = r.state("", acrobotNames...)
				}
				step, err := limited.Step(int(r.float("action")), obs)
				if err != nil {
					t.Fatal(err)
				}
				if want := (Result{r.float("reward"), r.float("terminated") == 1, r.float("truncated") == 1}); step != want {
					t.Fatalf("step %d: %+v, want %+v", i, step, want)
				}
				for j, x := range obs {
					if x != r.obs(j) {
						t.Fatalf("step %d: observation %d is %v, want %v", i, j, x, r.obs(j))
					}
				}
				for j, x := range r.state("next_", acrobotNames...) {
					if d := math.Abs(e.state[j] - x); forced && !(d <= 1e-13) {
						t.Fatalf("step %d: component %d differs by %g", i, j, d)
					} else {
						worst = max(worst, d)
					}
				}
			}
		})
		t.Logf("from recorded states %v: states differ by up to %g", forced, worst)
	}
}

// The clip of velocities and the wrap of angles are rarely met by chance.
func TestAcrobotBounds(t *testing.T) {
	obs := make([]float32, 6)
	e := NewAcrobot()
	if err := e.Reset(obs); err != nil {
		t.Fatal(err)
	}
	e.state = [4]float64{3, 3, 4 * math.Pi, 9 * math.Pi}
	for range 200 {
		e.running = true
		if _, err := e.Step(2, obs); err != nil {
			t.Fatal(err)
		}
		for i, x := range e.state {
			if math.Abs(x) > []float64{math.Pi, math.Pi, 4 * math.Pi, 9 * math.Pi}[i] {
				t.Fatalf("state %v out of bounds", e.state)
			}
		}
	}
	for _, c := range [][2]float64{{4, 4 - 2*math.Pi}, {-4, 2*math.Pi - 4}, {math.Pi, math.Pi}, {-math.Pi, -math.Pi}, {10, 10 - 4*math.Pi}} {
		if got := wrapAngle(c[0]); math.Abs(got-c[1]) > 4e-15 {
			t.Errorf("wrapAngle(%v) = %v, want %v", c[0], got, c[1])
		}
	}
}
