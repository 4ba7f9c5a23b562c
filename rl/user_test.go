package rl_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"relaxgo/rl"
	"relaxgo/rl/env"
)

// savedLedge is a ledge that can be saved.
type savedLedge struct{ ledge }

func (l *savedLedge) MarshalBinary() ([]byte, error) {
	random, err := l.random.MarshalBinary()
	state := binary.LittleEndian.AppendUint32(nil, uint32(l.position))
	if l.running {
		state[3] = 1
	}
	return append(state, random...), err
}

func (l *savedLedge) UnmarshalBinary(data []byte) error {
	if len(data) < 4 {
		return errors.New("too short")
	}
	if err := l.random.UnmarshalBinary(data[4:]); err != nil {
		return err
	}
	l.position, l.running = int(data[0]), data[3] == 1
	return nil
}

func newSavedLedge() (env.Env, error) { return &savedLedge{ledge{random: env.NewRand(0)}}, nil }

// faulty is a ledge with something wrong from the 40th step on.
type faulty struct {
	ledge
	fault string
	steps int
}

var registered atomic.Int64

var errFaulty = errors.New("the wind broke the ledge")

func (f *faulty) Step(action int, obs []float32) (env.Result, error) {
	r, err := f.ledge.Step(action, obs)
	if f.steps++; f.steps < 40 {
		return r, err
	}
	switch f.fault {
	case "reward":
		r.Reward = math.NaN()
	case "endless reward":
		r.Reward = math.Inf(-1)
	case "observation":
		obs[0] = float32(math.NaN())
	case "state":
		obs[0] = ledgeFields
	case "half a state":
		obs[0] = 0.5
	case "error":
		err = errFaulty
	}
	return r, err
}

// register registers an environment under a name that is new, even if tests run twice.
func register(t *testing.T, name string, steps int, constructor func() (env.Env, error)) string {
	t.Helper()
	id := fmt.Sprintf("%s-v%d", name, registered.Add(1))
	if err := env.Register(env.Spec{ID: id, New: constructor, MaxSteps: steps, RewardThreshold: new(-10.0)}); err != nil {
		t.Fatal(err)
	}
	return id
}

// ledgeConfig is a run of some thousand steps.
func ledgeConfig(id, agent string) rl.Config {
	c := rl.Defaults(id, agent)
	c.Steps, c.Hidden, c.LR, c.ValueLR, c.Scale = 6_000, nil, "0.05", "0.05", 0.1
	c.LogEvery, c.EvalEvery, c.VarianceEvery, c.VarianceEpisodes = 500, 1_000, 3_000, 5
	if c.Envs = 4; agent == rl.A2C {
		c.Scale = 1
	}
	return c
}

// withoutTimes is the metrics.csv of a run but for its times.
func withoutTimes(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "metrics.csv"))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^(\d+,\d+),[\d.]+,`).ReplaceAllString(string(text), "$1,,")
}

// All agents learn in an environment of a user's, and interrupted runs continue: to the same numbers, unless episodes
// that were interrupted cannot be saved.
func TestEnvironmentOfAUser(t *testing.T) {
	for name, constructor := range map[string]func() (env.Env, error){"User": newLedge, "SavedUser": newSavedLedge} {
		if err := env.Check(constructor); err != nil {
			t.Fatal(err)
		}
		id := register(t, name, 50, constructor)
		for _, agent := range rl.Agents() {
			t.Run(agent+" "+name, func(t *testing.T) {
				c := ledgeConfig(id, agent)
				whole, broken := filepath.Join(t.TempDir(), "run"), filepath.Join(t.TempDir(), "run")
				want, err := rl.Train(context.Background(), c, whole, rl.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if want.Greedy.Return < -8 || want.ThresholdSteps == nil {
					t.Errorf("return %.1f, threshold reached: %v", want.Greedy.Return, want.ThresholdSteps != nil)
				}
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				_, err = rl.Train(ctx, c, broken, rl.Options{Report: func(e rl.Event) {
					if e.Step > 2_500 {
						cancel()
					}
				}})
				if !errors.Is(err, context.Canceled) {
					t.Fatal(err)
				}
				got, err := rl.Train(context.Background(), c, broken, rl.Options{Resume: true})
				if err != nil {
					t.Fatal(err)
				}
				if got.Greedy.Return < -8 {
					t.Errorf("resumed: return %.1f", got.Greedy.Return)
				}
				same := withoutTimes(t, broken) == withoutTimes(t, whole)
				if want := agent != rl.A2C || name == "SavedUser"; same != want {
					t.Errorf("same numbers after an interruption: %v, want %v", same, want)
				}
				policy, err := rl.LoadPolicy(broken)
				if err != nil {
					t.Fatal(err)
				}
				if a, err := policy.Act([]float32{3}, nil, nil); err != nil || a != 2 {
					t.Errorf("action %d, %v in the middle of the ledge", a, err)
				}
			})
		}
	}
}

// An environment that yields what is no number, or fails, ends the run with an error that blames it.
func TestFaultyEnvironments(t *testing.T) {
	for fault, want := range map[string]string{
		"reward":         "is NaN",
		"endless reward": "is -Inf",
		"observation":    "value 0 of an observation is NaN",
		"state":          "the observation 7 is none of 7 states",
		"half a state":   "the observation 0.5 is none of 7 states",
		"error":          errFaulty.Error(),
	} {
		id := register(t, "Faulty-"+strings.ReplaceAll(fault, " ", "-"), 50, func() (env.Env, error) {
			return &faulty{ledge: ledge{random: env.NewRand(0)}, fault: fault}, nil
		})
		for _, agent := range rl.Agents() {
			dir := filepath.Join(t.TempDir(), "run")
			c := ledgeConfig(id, agent)
			_, err := rl.Train(context.Background(), c, dir, rl.Options{})
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "after step ") {
				t.Errorf("%s, %s: %v, want it to say %q", agent, fault, err, want)
				continue
			}
			var hint interface{ Hint() string }
			if fault == "error" {
				if !errors.Is(err, errFaulty) {
					t.Errorf("%s: %v does not wrap the environment's error", agent, err)
				}
			} else if !strings.Contains(err.Error(), id) || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "env.Check") {
				t.Errorf("%s, %s: %v does not name the environment, or has no hint", agent, fault, err)
			}
			if _, err := os.Stat(filepath.Join(dir, "summary.json")); err == nil {
				t.Errorf("%s, %s: there is a summary", agent, fault)
			}
		}
	}
}

// Without a time limit an episode may never end: that is said before anything begins.
func TestEnvironmentWithoutLimit(t *testing.T) {
	id := register(t, "Endless", 0, newLedge)
	for _, agent := range rl.Agents() {
		dir := filepath.Join(t.TempDir(), "run")
		_, err := rl.Train(context.Background(), ledgeConfig(id, agent), dir, rl.Options{})
		var mistake *rl.ConfigError
		if !errors.As(err, &mistake) || mistake.Key != "env" || !strings.Contains(err.Error(), "no time limit") || !strings.Contains(mistake.Hint(), "MaxSteps") {
			t.Errorf("%s: %v", agent, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a directory was made", agent)
		}
	}
}
