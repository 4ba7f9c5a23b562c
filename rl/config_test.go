package rl

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// A schedule without steps lasts as long as the run, and the configuration says so from then on. Numbers are written in one
// way, so that the same settings are the same text.
func TestScheduleEndsWithTheRun(t *testing.T) {
	c := small("CartPole-v1", RELAX)
	c.Steps, c.LR, c.ValueLR, c.CVLR, c.Entropy = 4000, "linear:1e-2:1e-3", "1e-2", "exp:1e-2:1e-3:77", "warmup:1000:cosine:0.1:0"
	p, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range [][2]string{
		{p.LR, "linear:0.01:0.001:4000"}, {p.ValueLR, "0.01"}, {p.CVLR, "exp:0.01:0.001:77"}, {p.Entropy, "warmup:1000:cosine:0.1:0:3000"},
	} {
		if got[0] != got[1] {
			t.Errorf("written %q, want %q", got[0], got[1])
		}
	}
	if x := p.lr.At(2000); x != 0.0055 {
		t.Errorf("learning rate %v half-way, want 0.0055", x)
	}
	if x := p.entropy.At(4000); x != 0 {
		t.Errorf("weight of the entropy %v at the end, want 0", x)
	}
	c.Steps, c.Episodes = 0, 10
	if p, err = c.resolve(); err != nil || p.LR != "linear:0.01:0.001:300000" {
		t.Errorf("without a limit of steps: %q, %v", p.LR, err)
	}
}

// Every agent follows the schedule of the entropy: one that stays where it is changes nothing, one that moves does.
func TestEntropySchedule(t *testing.T) {
	for _, agent := range Agents() {
		c := small("Taxi-v3", agent)
		numbers := map[string]string{}
		for _, entropy := range []string{"0.5", "linear:0.5:0.5", "linear:0.5:0"} {
			c.Entropy = entropy
			dir, _ := train(t, c)
			numbers[entropy] = metrics(t, dir)
		}
		if numbers["0.5"] != numbers["linear:0.5:0.5"] {
			t.Errorf("%s: a schedule that is constant is another than its number", agent)
		}
		if numbers["0.5"] == numbers["linear:0.5:0"] {
			t.Errorf("%s: the schedule has no effect", agent)
		}
	}
}

// A run may be continued beyond its end, but not where that would change a schedule in hindsight.
func TestLongerRunKeepsItsSchedules(t *testing.T) {
	stopped := func(c Config) string {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		dir := filepath.Join(t.TempDir(), "run")
		_, err := Train(ctx, c, dir, Options{Report: func(e Event) {
			if e.Step > 1000 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		return dir
	}
	for lr, want := range map[string]string{"linear:0.01:0.001:3000": "", "linear:0.01:0.001": "lr"} {
		c := small("CartPole-v1", A2C)
		c.LR = lr
		dir := stopped(c)
		c.Steps += 500
		s, err := Train(context.Background(), c, dir, Options{Resume: true})
		if want == "" && (err != nil || s.Steps < c.Steps) {
			t.Errorf("%s: %v after %d steps", lr, err, s.Steps)
		}
		if want != "" && (err == nil || !strings.Contains(err.Error(), "begun with "+want)) {
			t.Errorf("%s: %v", lr, err)
		}
	}
}
