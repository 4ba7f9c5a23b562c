package rl_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"relaxgo/rl"
	"relaxgo/rl/env"
)

// ledge is a walk along a ledge of seven fields, from the first to the last. Actions are 0 back, 1 wait and 2 ahead; wind
// turns an action into waiting with probability 0.1. Every step costs 1.
type ledge struct {
	random   env.Rand
	position int
	running  bool
}

const ledgeFields = 7

func init() {
	if err := env.Register(env.Spec{ID: "Ledge-v0", New: newLedge, MaxSteps: 50, RewardThreshold: new(-10.0)}); err != nil {
		panic(err)
	}
}

func newLedge() (env.Env, error) { return &ledge{random: env.NewRand(0)}, nil }

func (l *ledge) Space() env.Space { return env.Space{Actions: 3, Size: 1, States: ledgeFields} }

func (l *ledge) Seed(seed uint64) { l.random.Seed(seed) }

func (l *ledge) Reset(obs []float32) error {
	if len(obs) != 1 {
		return env.ErrObservation
	}
	l.position, l.running, obs[0] = 0, true, 0
	return nil
}

func (l *ledge) Step(action int, obs []float32) (env.Result, error) {
	switch {
	case !l.running:
		return env.Result{}, env.ErrNeedsReset
	case action < 0 || action > 2:
		return env.Result{}, env.ErrAction
	case len(obs) != 1:
		return env.Result{}, env.ErrObservation
	}
	if l.random.Float64() >= 0.1 {
		l.position = max(0, l.position+action-1)
	}
	obs[0] = float32(l.position)
	l.running = l.position < ledgeFields-1
	return env.Result{Reward: -1, Terminated: !l.running}, nil
}

// An environment of one's own is checked, registered with a time limit, and trained in like any other.
func Example_environment() {
	if err := env.Check(newLedge); err != nil {
		fmt.Println(err)
		return
	}
	dir, err := os.MkdirTemp("", "ledge")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	cfg := rl.Defaults("Ledge-v0", rl.RELAX)
	cfg.Steps, cfg.Hidden = 10_000, nil // a table of logits
	cfg.LR, cfg.Scale = "0.05", 0.1
	summary, err := rl.Train(context.Background(), cfg, filepath.Join(dir, "run"), rl.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("six steps ahead, and some wind:", summary.Greedy.Return > -8)
	fmt.Println("threshold reached:", summary.ThresholdSteps != nil)
	// Output:
	// six steps ahead, and some wind: true
	// threshold reached: true
}
