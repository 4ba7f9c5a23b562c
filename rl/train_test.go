package rl

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"relaxgo/internal/run"
	"relaxgo/relax/noise"
	"relaxgo/rl/env"
)

// small is a run of a moment.
func small(id, agent string) Config {
	c := Defaults(id, agent)
	c.Hidden, c.ValueHidden = []int{8}, []int{8}
	if agent == RELAX {
		c.CVHidden = []int{8}
	}
	c.Envs, c.Steps, c.Mask = 4, 3000, true
	c.LogEvery, c.EvalEvery, c.EvalEpisodes, c.FinalEpisodes, c.VarianceEvery, c.VarianceEpisodes = 300, 700, 4, 5, 900, 3
	return c
}

// metrics is metrics.csv without the times.
func metrics(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, run.MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^(\d+,\d+),[\d.]+,`).ReplaceAllString(string(text), "$1,,")
}

func train(t *testing.T, c Config) (string, Summary) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	s, err := Train(context.Background(), c, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return dir, s
}

// The same seed gives the same bytes on one core and on several, another seed others. A run that is interrupted
// time and again gets there, too.
func TestSameSeedSameNumbers(t *testing.T) {
	for _, agent := range Agents() {
		for _, id := range []string{"CartPole-v1", "Taxi-v3"} {
			t.Run(agent+" "+id, func(t *testing.T) {
				c := small(id, agent)
				dir, summary := train(t, c)
				want := metrics(t, dir)
				old := runtime.GOMAXPROCS(1)
				again, _ := train(t, c)
				runtime.GOMAXPROCS(old)
				if metrics(t, again) != want {
					t.Error("the number of cores changes the numbers")
				}
				c.Seed = 2
				if other, _ := train(t, c); metrics(t, other) == want {
					t.Error("the seed does not change the numbers")
				}

				c.Seed = 1
				broken := filepath.Join(t.TempDir(), "run")
				var resumed Summary
				for interruptions := 0; ; interruptions++ {
					ctx, cancel := context.WithCancel(context.Background())
					events := 0
					var err error
					resumed, err = Train(ctx, c, broken, Options{Resume: true, Report: func(Event) {
						if events++; events == 2 {
							cancel()
						}
					}})
					cancel()
					if err == nil {
						if interruptions < 2 {
							t.Errorf("%d interruptions", interruptions)
						}
						break
					}
					if !errors.Is(err, context.Canceled) {
						t.Fatal(err)
					}
				}
				if got := metrics(t, broken); got != want {
					t.Errorf("resumed:\n%s\nwant\n%s", got, want)
				}
				if resumed.Greedy != summary.Greedy || resumed.Sampled != summary.Sampled || resumed.Steps != summary.Steps || resumed.Episodes != summary.Episodes || resumed.Updates != summary.Updates {
					t.Errorf("resumed %+v, want %+v", resumed, summary)
				}
			})
		}
	}
}

// What a run leaves behind: rows of all kinds, a summary that can be read, and a policy that plays as it did.
func TestRunDirectory(t *testing.T) {
	for _, agent := range Agents() {
		c := small("Taxi-v3", agent)
		dir, summary := train(t, c)
		rows, err := run.ReadMetrics(filepath.Join(dir, run.MetricsFile))
		if err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]int)
		for _, r := range rows {
			seen[r.Split+" "+r.Name]++
		}
		for _, want := range []string{"train episode_return", "train entropy", "train grad_norm", "train grad_logvar", "train length", "train success", "eval greedy_return", "eval sampled_success", "final greedy_return"} {
			if seen[want] == 0 {
				t.Errorf("%s: no row %q in %v", agent, want, seen)
			}
		}
		if n := seen["train episode_return"]; n != summary.Episodes || n == 0 {
			t.Errorf("%s: %d rows for %d episodes", agent, n, summary.Episodes)
		}
		read, err := ReadSummary(dir)
		if err != nil {
			t.Fatal(err)
		}
		if read.Greedy != summary.Greedy || read.Steps != summary.Steps || read.GradLogVar == nil || *read.GradLogVar != *summary.GradLogVar {
			t.Errorf("%s: summary.json holds %+v, want %+v", agent, read, summary)
		}
		var returns []float64
		for _, r := range rows {
			if r.Split == "train" && r.Name == "episode_return" {
				returns = append(returns, r.Value)
			}
		}
		if want := mean(returns[max(0, len(returns)-100):]); read.TrainReturn == nil || math.Abs(*read.TrainReturn-want) > 1e-9*math.Abs(want) {
			t.Errorf("%s: mean of the last training returns %v, want %v as in the metrics", agent, read.TrainReturn, want)
		}
		policy, err := LoadPolicy(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(policy.Config().Hidden, c.Hidden) || policy.Config().Agent != agent {
			t.Errorf("%s: configuration %+v", agent, policy.Config())
		}
		greedy, err := policy.model.newPlayer("Taxi-v3", c.Seed, 1)
		if err != nil {
			t.Fatal(err)
		}
		v, err := greedy.evaluate("final/greedy", c.FinalEpisodes, true, policy.task.Goal)
		if err != nil {
			t.Fatal(err)
		}
		if v != summary.Greedy {
			t.Errorf("%s: the loaded policy has %+v, the run had %+v", agent, v, summary.Greedy)
		}
		if _, err := Train(context.Background(), c, dir, Options{Resume: true}); !errors.Is(err, ErrFinished) {
			t.Errorf("%s: resuming a finished run: %v", agent, err)
		}
	}
}

// No episode of CartPole ends within two steps: there is no return to report, and none is.
func TestNoFinishedEpisode(t *testing.T) {
	c := small("CartPole-v1", A2C)
	c.Mask, c.Rollout, c.Steps = false, 2, 2*c.Envs
	_, summary := train(t, c)
	if summary.Episodes != 0 || summary.TrainReturn != nil {
		t.Errorf("%d episodes in %d steps, mean return %v; want none", summary.Episodes, summary.Steps, summary.TrainReturn)
	}
}

// A mask rules out actions whatever the logits are, sampled and greedy, and no number comes out that is not finite.
func TestMaskAgainstLogits(t *testing.T) {
	c := small("Taxi-v3", RELAX)
	c.Hidden = nil
	ag, l := newLattice(t, c)
	table, _ := l.params.Get("policy.output.weight")
	for i := range table.Data {
		table.Data[i] = float32(80 * (i%6 - 2)) // towards pickup and dropoff, which are ruled out nearly everywhere
	}
	p, err := l.newPlayer("Taxi-v3", 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	taxi, err := env.Make("Taxi-v3")
	if err != nil {
		t.Fatal(err)
	}
	obs, mask := make([]float32, 1), make([]bool, 6)
	masker, _ := env.As[env.Masker](taxi)
	for _, greedy := range []bool{false, true} {
		episodes, err := p.play("test", 0, 8, greedy)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range episodes {
			taxi.Seed(e.seed)
			if err := taxi.Reset(obs); err != nil {
				t.Fatal(err)
			}
			for i, a := range e.actions {
				masker.Mask(mask)
				if !mask[a] {
					t.Fatalf("action %d in state %v is ruled out", a, obs[0])
				}
				r, err := taxi.Step(a, obs)
				if err != nil {
					t.Fatal(err)
				}
				if r.Reward != e.rewards[i] {
					t.Fatalf("step %d: reward %v, played %v", i, r.Reward, e.rewards[i])
				}
			}
			g, err := ag.gradient(e)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range g {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					t.Fatalf("gradient %d is %v", i, v)
				}
			}
		}
	}
}

// The network that discrete observations pick rows from is the one of their one-hot vectors, and Policy.Act takes the
// most probable action.
func TestActIsGreedyOrSampled(t *testing.T) {
	dir, _ := train(t, small("Taxi-v3", A2C))
	p, err := LoadPolicy(dir)
	if err != nil {
		t.Fatal(err)
	}
	mask := []bool{true, false, false, true, false, false}
	counts := make([]int, 6)
	source := noise.NewSource(1, "test")
	for range 1000 {
		a, err := p.Act([]float32{123}, mask, source)
		if err != nil {
			t.Fatal(err)
		}
		counts[a]++
	}
	for a, n := range counts {
		if !mask[a] && n > 0 {
			t.Errorf("action %d was ruled out and taken %d times", a, n)
		}
	}
	greedy, err := p.Act([]float32{123}, mask, nil)
	if err != nil {
		t.Fatal(err)
	}
	if logits := p.actor.logits(0); logits[greedy] < max(logits[0], logits[3]) {
		t.Errorf("greedy action %d, logits %v", greedy, logits)
	}
	for _, bad := range [][2]int{{0, 6}, {2, 6}, {1, 5}} {
		if _, err := p.Act(make([]float32, bad[0]), make([]bool, bad[1]), nil); err == nil {
			t.Errorf("observation of %d and mask of %d: no error", bad[0], bad[1])
		}
	}
}

// Watching shows every moment of an episode once.
func TestWatch(t *testing.T) {
	dir, _ := train(t, small("CartPole-v1", REINFORCE))
	p, err := LoadPolicy(dir)
	if err != nil {
		t.Fatal(err)
	}
	var last Watched
	moments := 0
	if err := p.Watch(3, true, func(w Watched) error {
		if w.Step != moments {
			t.Errorf("step %d as moment %d", w.Step, moments)
		}
		moments++
		last = w
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !last.Result.Done() || last.Return != float64(last.Step) {
		t.Errorf("it ended with %+v", last)
	}
	stop := errors.New("stop")
	if err := p.Watch(3, false, func(Watched) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("stopped: %v", err)
	}
}

// A mistake names its flag, and nothing is written.
func TestConfigErrors(t *testing.T) {
	for _, test := range []struct {
		key   string
		spoil func(*Config)
	}{
		{"env", func(c *Config) { c.Env = "Taxi" }},
		{"agent", func(c *Config) { c.Agent = "ppo" }},
		{"activation", func(c *Config) { c.Activation = "gelu" }},
		{"optimizer", func(c *Config) { c.Optimizer = "sgd" }},
		{"steps", func(c *Config) { c.Steps = 0 }},
		{"steps", func(c *Config) { c.Steps = -1 }},
		{"envs", func(c *Config) { c.Envs = 0 }},
		{"gamma", func(c *Config) { c.Gamma = math.NaN() }},
		{"gamma", func(c *Config) { c.Gamma = 1.1 }},
		{"scale", func(c *Config) { c.Scale = 0 }},
		{"entropy", func(c *Config) { c.Entropy = "-1" }},
		{"entropy", func(c *Config) { c.Entropy = "linear:1:-1" }},
		{"entropy", func(c *Config) { c.Entropy = "NaN" }},
		{"entropy", func(c *Config) { c.Entropy = "" }},
		{"hidden", func(c *Config) { c.Hidden = []int{3, 0} }},
		{"lr", func(c *Config) { c.LR = "fast" }},
		{"lr", func(c *Config) { c.LR = "0" }},
		{"value-lr", func(c *Config) { c.ValueLR = "" }},
		{"value-hidden", func(c *Config) { c.ValueHidden = []int{-1} }},
		{"standardize", func(c *Config) { c.Standardize = true }},
		{"cv-objective", func(c *Config) { c.CVObjective = "variance" }},
		{"cv-lr", func(c *Config) { c.CVLR = "-1" }},
		{"cv-hidden", func(c *Config) { c.CVHidden = []int{0} }},
		{"cv-temperature", func(c *Config) { c.Temperature = 0 }},
		{"eval-episodes", func(c *Config) { c.EvalEpisodes = 0 }},
		{"variance-episodes", func(c *Config) { c.VarianceEpisodes = 1 }},
		{"rollout", func(c *Config) { *c = small("CartPole-v1", A2C); c.Rollout = 0 }},
		{"rollout", func(c *Config) { *c = small("CartPole-v1", A2C); c.Envs, c.Rollout = 10_000, 1_000_000 }},
		{"hidden", func(c *Config) { c.Hidden = []int{4, 50_000, 50_000} }},
		{"baseline", func(c *Config) { *c = small("CartPole-v1", A2C); c.Baseline = true }},
	} {
		c := small("CartPole-v1", RELAX)
		test.spoil(&c)
		dir := filepath.Join(t.TempDir(), "run")
		_, err := Train(context.Background(), c, dir, Options{})
		var mistake *ConfigError
		if !errors.As(err, &mistake) || mistake.Key != test.key || !strings.Contains(err.Error(), "-"+test.key) {
			t.Errorf("%s: %v", test.key, err)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s: a directory was made", test.key)
		}
	}
}
