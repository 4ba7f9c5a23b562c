package env

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// constructors are the environments of this package, bare and wrapped.
var constructors = map[string]func() (Env, error){
	"CartPole":    newCartPole,
	"Acrobot":     newAcrobot,
	"Taxi":        newTaxi,
	"stormy taxi": func() (Env, error) { return NewTaxi(TaxiOptions{Rainy: true, Fickle: true}) },
	"short taxi":  func() (Env, error) { return NewTimeLimit(must(newTaxi()), 30) },
	"all wrappers": func() (Env, error) {
		limited, err := Make("CartPole-v1")
		if err != nil {
			return nil, err
		}
		scaled, err := NewNormalizedObservation(NewStatistics(limited))
		if err != nil {
			return nil, err
		}
		return NewNormalizedReward(scaled, 0.99)
	},
}

func must(e Env, err error) Env {
	if err != nil {
		panic(err)
	}
	return e
}

func TestEnvironmentsKeepTheContract(t *testing.T) {
	for name, constructor := range constructors {
		if name == "all wrappers" { // moments go on when Seed begins again
			continue
		}
		if err := Check(constructor); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, id := range []string{"CartPole-v0", "CartPole-v1", "Acrobot-v1", "Taxi-v3", "Taxi-v4"} {
		if err := Check(func() (Env, error) { return Make(id) }); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

// corridor is a correct environment of which each test breaks one thing: five fields in a row, an end on either side.
type corridor struct {
	random   Rand
	position int64
	running  bool
	fault    string
	drift    *float64 // shared between copies by one of the faults
	states   int
}

func (c *corridor) Space() Space {
	if c.fault == "space changes" && c.running {
		return Space{Actions: 3, Size: 1}
	}
	return Space{Actions: 2, Size: 1, States: c.states}
}

func (c *corridor) Seed(seed uint64) {
	if c.fault != "seed ignored" {
		c.random.Seed(seed)
	}
}

func (c *corridor) Reset(obs []float32) error {
	if c.fault != "any observation slice" {
		if err := resetError(obs, 1); err != nil {
			return err
		}
	} else if len(obs) == 0 {
		return ErrObservation
	}
	c.position, c.running = 1+int64(c.random.Uint32N(3)), true
	obs[0] = float32(c.position)
	return nil
}

func (c *corridor) Step(action int, obs []float32) (Result, error) {
	switch c.fault {
	case "no reset needed":
		c.running = true
	case "any action":
		action = min(max(action, 0), 1)
	case "refusal has an effect":
		if action < 0 {
			c.random.Uint64()
		}
	case "panics":
		_ = []int{1, 2}[action]
	case "wrong slice in step":
		if len(obs) == 2 {
			obs = obs[:1]
		}
	}
	if !c.running || action < 0 || action > 1 || len(obs) != 1 {
		return Result{}, stepError(c.running, action, obs, c.Space())
	}
	if c.random.Float64() < 0.8 {
		c.position += int64(2*action - 1)
	}
	r := Result{Reward: float64(c.position), Terminated: c.position == 0 || c.position == 4}
	c.running = !r.Terminated || c.fault == "goes on after the end"
	switch c.fault {
	case "not written":
		return r, nil
	case "infinite observation":
		obs[0] = float32(math.Inf(1))
		return r, nil
	case "no such state":
		obs[0] = 7.5
		return r, nil
	case "NaN reward":
		r.Reward = math.NaN()
	case "shared state":
		*c.drift++
		r.Reward += *c.drift
	}
	obs[0] = float32(c.position)
	return r, nil
}

func (c *corridor) Mask(mask []bool) {
	for i := range mask {
		mask[i] = c.fault != "nothing permitted"
	}
	if c.fault == "mask half written" {
		mask[0] = true
		copy(mask[1:], []bool{c.random.Uint64()%2 == 0})
	}
}

func (c *corridor) Starts() int { return 3 }

func (c *corridor) Start(i int, obs []float32) error {
	if (i < 0 || i > 2) && c.fault != "any start" {
		return ErrStart
	}
	switch c.fault {
	case "start refused":
		return ErrNeedsReset
	case "start not written":
		return nil
	case "start at the end":
		c.running = false
	}
	c.position = int64(i) + 1
	obs[0] = float32(c.position)
	return nil
}

func (c *corridor) MarshalBinary() ([]byte, error) {
	if c.fault == "position not saved" {
		return encode("corridor", &c.random, new(int64), &c.running)
	}
	return encode("corridor", &c.random, &c.position, &c.running)
}

func (c *corridor) UnmarshalBinary(data []byte) error {
	return decode("corridor", data, &c.random, &c.position, &c.running)
}

func TestCheckNamesTheViolation(t *testing.T) {
	for fault, want := range map[string]string{
		"":                      "",
		"no reset needed":       "a step before the first Reset is accepted",
		"goes on after the end": "a step after the end of the episode is accepted",
		"any action":            "action -1 of 2 is accepted",
		"any observation slice": "an observation slice of 2 values is accepted",
		"wrong slice in step":   "an observation slice of 2 values instead of 1 is accepted",
		"refusal has an effect": "two copies with the same seed and actions differ after Step",
		"seed ignored":          "Seed does not start the same episodes again",
		"shared state":          "two copies with the same seed and actions differ after Step",
		"not written":           "value 0 of the observation is not written or not finite",
		"infinite observation":  "value 0 of the observation is not written or not finite",
		"no such state":         "the observation 7.5 is none of 5 states",
		"NaN reward":            "the reward is NaN",
		"space changes":         "the space has changed",
		"nothing permitted":     "the mask permits no action",
		"mask half written":     "the mask is not written in full or differs between calls",
		"position not saved":    "a restored state is followed by",
		"any start":             "start -1 of 3 is accepted",
		"start refused":         "start 0 of 3: env: no episode is running",
		"start not written":     "start 0: value 0 of the observation is not written",
		"start at the end":      "start 0: action",
		"panics":                "panic: runtime error",
	} {
		shared := 0.0
		err := Check(func() (Env, error) {
			return &corridor{random: NewRand(0), fault: fault, drift: &shared, states: 5}, nil
		})
		if want == "" && err != nil {
			t.Errorf("without a fault: %v", err)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", fault, err, want)
		}
	}
	for name, constructor := range map[string]func() (Env, error){
		"nil":        nil,
		"no env":     func() (Env, error) { return nil, nil },
		"fails":      func() (Env, error) { return nil, errors.New("broken") },
		"bad states": func() (Env, error) { return &corridor{states: -1}, nil },
	} {
		if Check(constructor) == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRegistry(t *testing.T) {
	for id, want := range map[string]struct {
		steps     int
		threshold float64
	}{"CartPole-v0": {200, 195}, "CartPole-v1": {500, 475}, "Acrobot-v1": {500, -100}, "Taxi-v3": {200, 8}, "Taxi-v4": {200, 8}} {
		spec, err := Lookup(id)
		if err != nil || spec.ID != id || spec.MaxSteps != want.steps || *spec.RewardThreshold != want.threshold {
			t.Errorf("%s: %+v, %v, want %+v", id, spec, err, want)
		}
		e, err := Make(id)
		if err != nil {
			t.Fatal(err)
		}
		if limit, ok := As[*TimeLimit](e); !ok || limit.Steps() != want.steps {
			t.Errorf("%s is not limited to %d steps", id, want.steps)
		}
	}
	for id, want := range map[string]TaxiOptions{
		"RainyTaxi-v4":       {Rainy: true, RainyProbability: 0.8, FickleProbability: 0.3},
		"FickleTaxi-v4":      {Fickle: true, RainyProbability: 0.8, FickleProbability: 0.3},
		"RainyFickleTaxi-v4": {Rainy: true, Fickle: true, RainyProbability: 0.8, FickleProbability: 0.3},
	} {
		e, err := Make(id)
		if err != nil {
			t.Fatal(err)
		}
		taxi, _ := As[*Taxi](e)
		spec, err := Lookup(id)
		if err != nil || taxi.options != want || spec.MaxSteps != 200 || spec.RewardThreshold != nil {
			t.Errorf("%s: %+v with %+v, %v", id, spec, taxi.options, err)
		}
	}
	if _, err := Make("CartPole"); !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "CartPole-v1") {
		t.Errorf("unknown name: %v, want one that lists the names", err)
	}
	good := func() (Env, error) { return &corridor{random: NewRand(0)}, nil }
	for _, spec := range []Spec{
		{ID: "", New: good},
		{ID: "two words", New: good},
		{ID: "NoConstructor-v0"},
		{ID: "Negative-v0", New: good, MaxSteps: -1},
		{ID: "Taxi-v3", New: good},
		{ID: "Nil-v0", New: func() (Env, error) { return nil, nil }},
		{ID: "Broken-v0", New: func() (Env, error) { return nil, errors.New("broken") }},
		{ID: "BadSpace-v0", New: func() (Env, error) { return &corridor{states: 1 << 25}, nil }},
	} {
		before := IDs()
		if err := Register(spec); err == nil || !slices.Equal(IDs(), before) {
			t.Errorf("%q: %v, want an error and the names unchanged", spec.ID, err)
		}
	}
}

func TestSpaceValidation(t *testing.T) {
	for _, c := range []struct {
		space Space
		ok    bool
	}{
		{Space{2, 4, 0}, true}, {Space{1, 1, 1}, true}, {Space{1, 1, 1 << 24}, true},
		{Space{0, 4, 0}, false}, {Space{2, 0, 0}, false}, {Space{2, 1, -1}, false}, {Space{2, 2, 5}, false}, {Space{2, 1, 1<<24 + 1}, false},
	} {
		if err := c.space.validate(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.space, err)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	obs := make([]float32, 1)
	taxi := must(newTaxi())
	limited, err := NewTimeLimit(taxi, 3)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		mustReset(t, limited, obs)
		for i := 1; i <= 3; i++ {
			r := mustStep(t, limited, 0, obs)
			if r.Truncated != (i == 3) || r.Terminated || limited.Elapsed() != i {
				t.Errorf("step %d: %+v after %d", i, r, limited.Elapsed())
			}
		}
		if _, err := limited.Step(0, obs); !errors.Is(err, ErrNeedsReset) {
			t.Errorf("step after truncation: %v", err)
		}
	}
	// An episode that terminates on the last step is both.
	pole, err := NewTimeLimit(NewCartPole(), 12)
	if err != nil {
		t.Fatal(err)
	}
	obs = make([]float32, 4)
	pole.Seed(42)
	mustReset(t, pole, obs)
	var r Result
	for i := range 12 {
		r = mustStep(t, pole, int(number(i != 1)), obs)
	}
	if !r.Terminated || !r.Truncated {
		t.Errorf("last step: %+v, want both", r)
	}
	for _, steps := range []int{0, -1} {
		if _, err := NewTimeLimit(NewCartPole(), steps); err == nil {
			t.Errorf("a limit of %d is accepted", steps)
		}
	}
	mustReset(t, pole, obs)
	if _, err := pole.Step(5, obs); !errors.Is(err, ErrAction) || pole.Elapsed() != 0 {
		t.Errorf("refused action: %v, elapsed %d", err, pole.Elapsed())
	}
}

func TestStatistics(t *testing.T) {
	taxi, err := Make("Taxi-v3")
	if err != nil {
		t.Fatal(err)
	}
	s := NewStatistics(taxi)
	if _, ok := s.MeanReturn(); ok {
		t.Error("a mean of no episodes")
	}
	obs := make([]float32, 1)
	random := NewRand(1)
	var all []Episode
	for range 120 {
		mustReset(t, s, obs)
		var episode Episode
		for done := false; !done; {
			r := mustStep(t, s, int(random.Uint32N(6)), obs)
			episode.Return += r.Reward
			episode.Length++
			if done = r.Done(); s.Current() != episode {
				t.Fatalf("current %+v, want %+v", s.Current(), episode)
			}
		}
		all = append(all, episode)
	}
	if s.Finished() != 120 || !slices.Equal(s.Recent(), all[20:]) {
		t.Errorf("%d episodes, recent %v, want 120, %v", s.Finished(), s.Recent(), all[20:])
	}
	sum := 0.0
	for _, e := range all[20:] {
		sum += e.Return
	}
	if mean, ok := s.MeanReturn(); !ok || math.Abs(mean-sum/100) > 1e-9 {
		t.Errorf("mean %v, want %v", mean, sum/100)
	}
}

// Gymnasium's wrappers, which compute in float32, give these numbers for seed 123 (the first observation line is in
// its documentation).
func TestNormalisationIsGymnasiums(t *testing.T) {
	e := must(constructors["all wrappers"]())
	obs := make([]float32, 4)
	near := func(what string, want [4]float64) {
		t.Helper()
		for i, x := range obs {
			if math.Abs(float64(x)-want[i]) > 2e-5*max(1, math.Abs(want[i])) { // float32 moments over up to 70 updates
				t.Errorf("%s: observation %v, want %v", what, obs, want)
				return
			}
		}
	}
	e.Seed(123)
	mustReset(t, e, obs)
	near("start", [4]float64{0.00018232264847029, -0.00044584632269106805, -0.000279473839327693, -0.00031537507311441004})
	for episode, want := range []struct {
		steps  int
		obs    [4]float64
		reward float64
	}{
		{9, [4]float64{2.005988836288452, 1.5676788091659546, -1.9944268465042114, -1.6120394468307495}, 0.4284539338501198},
		{24, [4]float64{-0.9337440133094788, -0.3641856908798218, 1.5955394506454468, 0.8817834258079529}, 0.15743331290279888},
		{35, [4]float64{-0.234172984957695, -0.6299946904182434, 1.7166574001312256, 1.2095073461532593}, 0.12156555478198443},
	} {
		var r Result
		steps := 0
		for ; !r.Done(); steps++ {
			action := steps % 2
			if episode == 0 {
				action = 1
			}
			r = mustStep(t, e, action, obs)
		}
		near(fmt.Sprintf("episode %d", episode), want.obs)
		if steps != want.steps || math.Abs(r.Reward-want.reward) > 1e-12 {
			t.Errorf("episode %d: %d steps to reward %v, want %d to %v", episode, steps, r.Reward, want.steps, want.reward)
		}
		mustReset(t, e, obs)
	}
	if s, ok := As[*Statistics](e); !ok || s.Finished() != 3 || s.Recent()[0] != (Episode{9, 9}) {
		t.Error("statistics inside the normalisation are wrong")
	}
}

func TestMoments(t *testing.T) {
	// Without the initial weight, batches merge to mean and variance of all rows: 1, 2, 6 and 10, 20, 60.
	m := Moments{Mean: make([]float64, 2), Var: make([]float64, 2)}
	for _, rows := range [][]float32{{1, 10}, {}, {2, 20, 6, 60}} {
		if err := m.Update(rows); err != nil {
			t.Fatal(err)
		}
	}
	for i, scale := range []float64{1, 10} {
		if math.Abs(m.Mean[i]-3*scale) > 1e-12 || math.Abs(m.Var[i]-14./3*scale*scale) > 1e-11 {
			t.Errorf("component %d: mean %v, variance %v, want %v, %v", i, m.Mean[i], m.Var[i], 3*scale, 14./3*scale*scale)
		}
	}
	if m.Update([]float32{1, 2, 3}) == nil {
		t.Error("three values as rows of two are accepted")
	}
	if _, err := NewObservationScaler(taxiSpace); err == nil {
		t.Error("discrete observations are normalised")
	}
	s, err := NewObservationScaler(Space{Actions: 2, Size: 2})
	if err != nil {
		t.Fatal(err)
	}
	if s.Scale(make([]float32, 3)) == nil {
		t.Error("three values as rows of two are scaled")
	}
	s.Moments, s.Frozen = Moments{Mean: []float64{1, 2}, Var: []float64{4, 9}, Count: 5}, true
	rows := []float32{5, 5, 1, 2}
	if err := s.Scale(rows); err != nil || !slices.Equal(rows, []float32{2, 1, 0, 0}) || s.Count != 5 {
		t.Errorf("frozen: %v, %v, count %v, want [2 1 0 0] and count 5", rows, err, s.Count)
	}
	for _, bad := range []struct {
		n     int
		gamma float64
	}{{0, 0.9}, {1, -0.1}, {1, 1.1}, {1, math.NaN()}} {
		if _, err := NewRewardScaler(bad.n, bad.gamma); err == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	r, err := NewRewardScaler(2, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	if r.Scale([]float64{1}, []bool{false}) == nil {
		t.Error("one reward for two environments is accepted")
	}
	r.R, r.Frozen, r.Moments.Var[0] = []float64{4, 4}, true, 4
	rewards := []float64{6, 2}
	if err := r.Scale(rewards, []bool{false, true}); err != nil || !slices.Equal(r.R, []float64{8, 2}) || math.Abs(rewards[0]-3) > 1e-8 || math.Abs(rewards[1]-1) > 1e-8 {
		t.Errorf("rewards %v, sums %v, %v, want [3 1], [8 2]", rewards, r.R, err)
	}
}

// Every environment and wrapper resumes to the bit, within an episode and over several.
func TestResume(t *testing.T) {
	for name, constructor := range constructors {
		a, b := must(constructor()), must(constructor())
		run := func(e Env, random *Rand, steps int, fresh bool) (seen []float64) {
			obs := make([]float32, e.Space().Size)
			if fresh {
				mustReset(t, e, obs)
			}
			for range steps {
				r := mustStep(t, e, int(random.Uint32N(uint32(e.Space().Actions))), obs)
				if r.Done() {
					mustReset(t, e, obs)
				}
				for _, x := range obs {
					seen = append(seen, float64(x))
				}
				seen = append(seen, r.Reward, number(r.Terminated), number(r.Truncated))
			}
			return seen
		}
		a.Seed(5)
		random := NewRand(2)
		run(a, &random, 333, true)
		saved, err := a.(Saver).MarshalBinary()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := b.(Saver).UnmarshalBinary(saved); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		same := random
		if !slices.Equal(run(a, &random, 700, false), run(b, &same, 700, false)) {
			t.Errorf("%s: a restored copy goes another way", name)
		}
		// Every state cut short, of another kind, or too long is refused and changes nothing.
		before, _ := b.(Saver).MarshalBinary()
		refuse := func(data []byte) {
			t.Helper()
			err := b.(Saver).UnmarshalBinary(data)
			if after, _ := b.(Saver).MarshalBinary(); err == nil || !bytes.Equal(before, after) {
				t.Errorf("%s: %d bytes are restored (%v), or change something", name, len(data), err)
			}
		}
		for n := range saved {
			refuse(saved[:n])
		}
		refuse(append(slices.Clone(saved), 0))
		refuse(append(slices.Clone(saved[:4]), bytes.ToUpper(saved[4:])...))
	}
	if _, err := must(NewTimeLimit(struct{ Env }{NewCartPole()}, 5)).(Saver).MarshalBinary(); err == nil {
		t.Error("a wrapper of what cannot be saved is saved")
	}
}

// States that no environment saves are refused: they could hang or lie outside of tables.
func TestImpossibleStates(t *testing.T) {
	cart, acrobot := NewCartPole(), NewAcrobot()
	taxi, _ := newTestTaxi(t, TaxiOptions{}, 0)
	for _, change := range []func() (Saver, func()){
		func() (Saver, func()) { cart.state[1] = math.NaN(); return cart, func() { cart.state[1] = 0 } },
		func() (Saver, func()) {
			acrobot.state[0] = math.Inf(1)
			return acrobot, func() { acrobot.state[0] = 0 }
		},
		func() (Saver, func()) { acrobot.state[3] = 1e300; return acrobot, func() { acrobot.state[3] = 0 } },
		func() (Saver, func()) { taxi.state = 500; return taxi, func() { taxi.state = 1 } },
		func() (Saver, func()) { taxi.state = -1; return taxi, func() { taxi.state = 1 } },
		func() (Saver, func()) { taxi.last = 6; return taxi, func() { taxi.last = 0 } },
	} {
		s, undo := change()
		bad, err := s.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		undo()
		if err := s.UnmarshalBinary(bad); err == nil {
			t.Errorf("%T restores an impossible state", s)
		}
	}
	limit, err := NewTimeLimit(cart, 9)
	if err != nil {
		t.Fatal(err)
	}
	limit.elapsed = 10
	bad, _ := limit.MarshalBinary()
	limit.elapsed = 3
	if err := limit.UnmarshalBinary(bad); err == nil || limit.elapsed != 3 {
		t.Errorf("a step beyond the limit is restored: %v", err)
	}
}

// Mean returns of a uniformly random policy lie within four standard errors of those measured in Gymnasium over 5000,
// 600 and 60 episodes.
func TestRandomPolicy(t *testing.T) {
	for _, c := range []struct {
		id       string
		episodes int
		mean, se float64 // of the reference itself
	}{
		{"CartPole-v1", 4000, 22.04, 0.16},
		{"Taxi-v3", 400, -774.3, 3.7},
		{"Acrobot-v1", 20, -498.6, 1.4},
	} {
		e := NewStatistics(must(Make(c.id)))
		obs := make([]float32, e.Space().Size)
		random := NewRand(77)
		var sum, square float64
		for range c.episodes {
			mustReset(t, e, obs)
			for done := false; !done; {
				done = mustStep(t, e, int(random.Uint32N(uint32(e.Space().Actions))), obs).Done()
			}
			r := e.Current().Return
			sum += r
			square += r * r
		}
		n := float64(c.episodes)
		mean := sum / n
		se := math.Hypot(math.Sqrt((square/n-mean*mean)/n), c.se)
		if z := (mean - c.mean) / se; math.Abs(z) > 4 {
			t.Errorf("%s: mean return %.2f, want %.2f, %.1f standard errors of %.2f", c.id, mean, c.mean, z, se)
		}
	}
}

// grid is a corridor whose observation is a quantity, so that it can be normalised.
type grid struct{ corridor }

func (g *grid) Space() Space { return Space{Actions: g.corridor.Space().Actions, Size: 1} }

// Starts are normalised like all observations, and there are none where there are none inside.
func TestStartsAreNormalised(t *testing.T) {
	n, err := NewNormalizedObservation(&grid{corridor{random: NewRand(0)}})
	if err != nil {
		t.Fatal(err)
	}
	n.Scaler.Mean[0], n.Scaler.Var[0], n.Scaler.Epsilon, n.Scaler.Frozen = 1, 4, 0, true
	obs := make([]float32, 1)
	mustReset(t, n, obs)
	starts, ok := As[Enumerator](NewStatistics(n))
	if !ok || starts.Starts() != 3 {
		t.Fatal("no starts")
	}
	if err := starts.Start(2, obs); err != nil || obs[0] != 1 { // position 3
		t.Errorf("start at %v, %v, want 1", obs[0], err)
	}
	if err := starts.Start(3, obs); !errors.Is(err, ErrStart) {
		t.Errorf("start 3 of 3: %v", err)
	}
	none, err := NewNormalizedObservation(NewCartPole())
	if err != nil {
		t.Fatal(err)
	}
	if n := none.Starts(); n != 0 {
		t.Errorf("%d starts of CartPole", n)
	}
	if err := none.Start(0, make([]float32, 4)); !errors.Is(err, ErrStart) {
		t.Errorf("start of CartPole: %v", err)
	}
}
