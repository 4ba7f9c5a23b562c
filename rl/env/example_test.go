package env_test

import (
	"fmt"
	"log"

	"relaxgo/rl/env"
)

// A policy that pushes towards the side to which the pole falls keeps it up for the whole episode.
func Example() {
	e, err := env.Make("CartPole-v1")
	if err != nil {
		log.Fatal(err)
	}
	obs := make([]float32, e.Space().Size)
	e.Seed(42)
	if err := e.Reset(obs); err != nil {
		log.Fatal(err)
	}
	total := 0.0
	for {
		action := 0
		if 0.1*obs[0]+0.5*obs[1]+3*obs[2]+obs[3] > 0 {
			action = 1
		}
		r, err := e.Step(action, obs)
		if err != nil {
			log.Fatal(err)
		}
		total += r.Reward
		if r.Done() {
			fmt.Printf("return %v, terminated %v, truncated %v\n", total, r.Terminated, r.Truncated)
			break
		}
	}
	// Output: return 500, terminated false, truncated true
}

// Four taxis move by masks alone: each takes the first action of use. The mask row of a copy belongs to its present
// observation.
func ExampleVector() {
	v, err := env.NewVector(4, env.SameStep, func() (env.Env, error) { return env.Make("Taxi-v3") })
	if err != nil {
		log.Fatal(err)
	}
	v.Seed(0)
	b, err := v.Reset()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("starts", b.Obs)
	actions := make([]int, v.Len())
	for range 3 {
		for i := range actions {
			for mask := b.Mask[i*v.Space().Actions:]; !mask[actions[i]]; {
				actions[i]++
			}
		}
		if _, err := v.Step(actions); err != nil {
			log.Fatal(err)
		}
		fmt.Println("states", b.Obs, "returns", b.Return)
	}
	// Output:
	// starts [314 252 128 42]
	// states [414 352 228 142] returns [-1 -1 -1 -1]
	// states [314 452 328 242] returns [-2 -2 -2 -2]
	// states [214 352 428 342] returns [-3 -3 -3 -3]
}

// coin is an environment of one's own: guess the side of a coin that shows heads (1) with probability 0.7.
type coin struct {
	random  env.Rand
	running bool
}

func (c *coin) Space() env.Space { return env.Space{Actions: 2, Size: 1} }

func (c *coin) Seed(seed uint64) { c.random.Seed(seed) }

func (c *coin) Reset(obs []float32) error {
	if len(obs) != 1 {
		return env.ErrObservation
	}
	obs[0], c.running = 0, true
	return nil
}

func (c *coin) Step(action int, obs []float32) (env.Result, error) {
	switch {
	case !c.running:
		return env.Result{}, env.ErrNeedsReset
	case action != 0 && action != 1:
		return env.Result{}, env.ErrAction
	case len(obs) != 1:
		return env.Result{}, env.ErrObservation
	}
	c.running = false // one guess an episode
	side := 0
	if c.random.Float64() < 0.7 {
		side = 1
	}
	obs[0] = float32(side)
	r := env.Result{Terminated: true}
	if action == side {
		r.Reward = 1
	}
	return r, nil
}

func ExampleRegister() {
	newCoin := func() (env.Env, error) { return &coin{random: env.NewRand(0)}, nil }
	if err := env.Check(newCoin); err != nil {
		log.Fatal(err)
	}
	if err := env.Register(env.Spec{ID: "Coin-v0", New: newCoin, MaxSteps: 10, RewardThreshold: new(0.69)}); err != nil {
		log.Fatal(err)
	}
	e, err := env.Make("Coin-v0")
	if err != nil {
		log.Fatal(err)
	}
	s, obs := env.NewStatistics(e), make([]float32, 1)
	for range 100 {
		if err := s.Reset(obs); err != nil {
			log.Fatal(err)
		}
		if _, err := s.Step(1, obs); err != nil {
			log.Fatal(err)
		}
	}
	mean, _ := s.MeanReturn()
	fmt.Printf("%.2f\n", mean)
	// Output: 0.63
}

// A saved state resumes to the bit, in the same process or another.
func ExampleSaver() {
	e := env.NewAcrobot()
	obs := make([]float32, e.Space().Size)
	if err := e.Reset(obs); err != nil {
		log.Fatal(err)
	}
	saved, err := e.MarshalBinary()
	if err != nil {
		log.Fatal(err)
	}
	if _, err := e.Step(2, obs); err != nil {
		log.Fatal(err)
	}
	other, resumed := env.NewAcrobot(), make([]float32, len(obs))
	if err := other.UnmarshalBinary(saved); err != nil {
		log.Fatal(err)
	}
	if _, err := other.Step(2, resumed); err != nil {
		log.Fatal(err)
	}
	fmt.Println(obs[5] == resumed[5])
	// Output: true
}

func ExampleAs() {
	e, err := env.Make("Taxi-v3")
	if err != nil {
		log.Fatal(err)
	}
	if err := e.Reset(make([]float32, 1)); err != nil {
		log.Fatal(err)
	}
	if m, ok := env.As[env.Masker](e); ok {
		mask := make([]bool, e.Space().Actions)
		m.Mask(mask)
		fmt.Println(mask)
	}
	// Output: [true true false false false false]
}
