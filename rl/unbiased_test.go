package rl

import (
	"iter"
	"math"
	"testing"

	"relaxgo/rl/env"
	"relaxgo/rl/returns"
)

const (
	unbiasedEpisodes = 100_000
	unbiasedGroup    = 1_000 // episodes whose estimates one program adds up
)

// group is many episodes as one long one, with the returns of their steps.
type group struct {
	episode
	returns []float64
}

// groups plays that many episodes in an environment.
func groups(t *testing.T, l *learner, id string, episodes int) iter.Seq[group] {
	t.Helper()
	p, err := l.newPlayer(id, 3, 64)
	if err != nil {
		t.Fatal(err)
	}
	return func(yield func(group) bool) {
		for k := range episodes / unbiasedGroup {
			episodes, err := p.play("unbiased", k, unbiasedGroup, false)
			if err != nil {
				t.Fatal(err)
			}
			g := group{episode: episode{seed: uint64(k)}}
			for _, e := range episodes {
				r, err := returns.Rollout{Reward: l.scaled(e.rewards)}.Discounted(nil, l.Gamma)
				if err != nil {
					t.Fatal(err)
				}
				g.returns = append(g.returns, r...)
				g.obs, g.bias, g.noise = append(g.obs, e.obs...), append(g.bias, e.bias...), append(g.noise, e.noise...)
				g.actions, g.values = append(g.actions, e.actions...), append(g.values, e.values...)
			}
			if !yield(g) {
				return
			}
		}
	}
}

// relaxEstimate is the mean of RELAX's estimates from the episodes of a group.
func relaxEstimate(t *testing.T, a *relaxAgent, g group) []float64 {
	t.Helper()
	s, err := a.estimates.fit(len(g.actions))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.run(g.episode, g.returns, 0); err != nil {
		t.Fatal(err)
	}
	return each(a.flatten(s.gradient, -1/a.Scale), 1.0/unbiasedGroup)
}

// each is a gradient times a factor in float64.
func each(gradient []float32, factor float64) []float64 {
	g := make([]float64, len(gradient))
	for i, v := range gradient {
		g[i] = factor * float64(v)
	}
	return g
}

// The mean of 10⁵ estimates of RELAX from one episode each is the policy gradient, with a control variate that nobody
// has trained, for every objective of that, with a mask or without, with a baseline or without.
func TestRELAXIsUnbiased(t *testing.T) {
	for _, test := range []struct {
		objective      string
		mask, baseline bool
		gamma          float64
	}{
		{CVTotal, false, false, 1},
		{CVTotal, true, true, 0.9},
		{CVStep, true, false, 1},
		{CVLogit, false, true, 0.9},
		{CVMSE, true, false, 0.9},
	} {
		t.Run(name(test.objective, " mask ", test.mask, " baseline ", test.baseline), func(t *testing.T) {
			t.Parallel()
			c := latticeConfig(RELAX, latticeID, test.mask)
			c.CVObjective, c.Baseline, c.Gamma, c.Scale, c.Temperature = test.objective, test.baseline, test.gamma, 0.5, 0.7
			a, l := newLattice(t, c)
			want := enumerate(reference(l.model), c.Gamma, 10).gradient(l.model)
			var estimates [][]float64
			for g := range groups(t, l, latticeID, unbiasedEpisodes) {
				estimates = append(estimates, relaxEstimate(t, a.(*relaxAgent), g))
			}
			meanOf(t, estimates, want)
		})
	}
}

// The same for REINFORCE.
func TestREINFORCEIsUnbiased(t *testing.T) {
	for _, test := range []struct {
		mask, baseline bool
		gamma          float64
	}{{false, false, 1}, {true, true, 0.9}} {
		t.Run(name("mask ", test.mask, " baseline ", test.baseline), func(t *testing.T) {
			t.Parallel()
			c := latticeConfig(REINFORCE, latticeID, test.mask)
			c.Baseline, c.Gamma = test.baseline, test.gamma
			a, l := newLattice(t, c)
			want := enumerate(reference(l.model), c.Gamma, 10).gradient(l.model)
			var estimates [][]float64
			for g := range groups(t, l, latticeID, unbiasedEpisodes) {
				s, err := a.(*reinforce).scores.fit(len(g.actions))
				if err != nil {
					t.Fatal(err)
				}
				if err := s.run(lesson{obs: g.obs, bias: g.bias, actions: g.actions, advantages: minus(g.returns, g.values), targets: g.returns}, 1, 0); err != nil {
					t.Fatal(err)
				}
				estimates = append(estimates, each(l.flatten(s.gradient, -1), 1.0/unbiasedGroup))
			}
			meanOf(t, estimates, want)
		})
	}
}

// setValues makes a linear value network the function v.
func setValues(t *testing.T, l *learner, v [4 * latticeSteps]float64) {
	t.Helper()
	table, ok := l.params.Get("value.output.weight")
	if !ok || len(table.Data) != len(v) {
		t.Fatal("the value is not a table")
	}
	for s, x := range v {
		table.Data[s] = float32(x)
	}
}

// A2C is unbiased if its value is the true one: then it does not matter where a rollout or a time limit cuts an episode
// off. What it estimates is the gradient of the steps before the limit, with the returns of the task without one; after
// a terminated step nothing may be added, though the value of the last observation is not zero.
func TestA2CIsUnbiasedWithTheTrueValue(t *testing.T) {
	for _, test := range []struct {
		id      string
		steps   int // of an episode, at most
		rollout int
		lambda  float64
	}{{latticeID, 10, 2, 1}, {latticeCutID, 2, 5, 0.5}, {latticeCutID, 2, 1, 1}} {
		t.Run(name(test.id, " rollout ", test.rollout), func(t *testing.T) {
			t.Parallel()
			c := latticeConfig(A2C, test.id, true)
			c.ValueHidden, c.Rollout, c.Lambda, c.Gamma = nil, test.rollout, test.lambda, 0.9
			a, l := newLattice(t, c)
			x := valued(t, l, test.steps)
			player, err := l.newPlayer(test.id, 3, 64)
			if err != nil {
				t.Fatal(err)
			}
			episodes, err := player.play("unbiased", 0, 30_000, false)
			if err != nil {
				t.Fatal(err)
			}
			var estimates [][]float64
			for _, e := range episodes {
				g, err := a.gradient(e)
				if err != nil {
					t.Fatal(err)
				}
				estimates = append(estimates, each(g, 1))
			}
			meanOf(t, estimates, x.gradient(l.model))
		})
	}
}

// valued replaces the value of an agent by a table of true values, with others in states that end an episode.
func valued(t *testing.T, l *learner, steps int) exact {
	t.Helper()
	x := enumerate(reference(l.model), l.Gamma, steps)
	v := x.v
	for s := 3 * latticeSteps; s < len(v); s++ {
		v[s] = 17
	}
	// A state after an early end may be one that others pass through: its value is true, and must be left out there, too.
	setValues(t, l, v)
	return x
}

// The advantages of a rollout over several environments, which end and begin again in the middle of it, are in the mean
// q(s, a) − v(s).
func TestRolloutAdvantages(t *testing.T) {
	for id, steps := range map[string]int{latticeID: 10, latticeCutID: 2} {
		c := latticeConfig(A2C, id, true)
		c.ValueHidden, c.Envs, c.Rollout, c.Lambda, c.Gamma = nil, 8, 7, 0.8, 0.9
		a, l := newLattice(t, c)
		x := valued(t, l, steps)
		agent := a.(*a2c)
		var sums, squares, counts [4 * latticeSteps][latticeActions]float64
		finished := 0
		for update := range 1_500 {
			episodes, err := agent.collect(update)
			if err != nil {
				t.Fatal(err)
			}
			finished += len(episodes)
			advantages, err := agent.advantages()
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range advantages {
				s, act := int(agent.lesson.obs[i]), agent.lesson.actions[i]
				sums[s][act] += v
				squares[s][act] += v * v
				counts[s][act]++
			}
		}
		if finished < 1_500*8*7/latticeSteps {
			t.Errorf("%s: %d episodes ended", id, finished)
		}
		for s := range sums {
			for act, n := range counts[s] {
				if n == 0 {
					continue
				}
				mean, want := sums[s][act]/n, x.q[s][act]-x.v[s]
				tol := 4*math.Sqrt(max(0, squares[s][act]/n-mean*mean)/n) + 1e-5
				if math.Abs(mean-want) > tol {
					t.Errorf("%s, state %d, action %d: mean advantage %.4f, want %.4f ± %.4f", id, s, act, mean, want, tol)
				}
			}
		}
	}
}

// With a control variate that is zero, RELAX is REINFORCE, number by number up to the last bits of float32: in its
// estimates, and in what some updates make of the parameters.
func TestRELAXWithoutControlIsREINFORCE(t *testing.T) {
	var agents [2]agent
	var learners [2]*learner
	for i, name := range []string{RELAX, REINFORCE} {
		c := latticeConfig(name, latticeID, true)
		c.Baseline, c.LR, c.ValueLR, c.Entropy = true, "0.1", "0.1", "0.5"
		agents[i], learners[i] = newLattice(t, c)
	}
	a, b, l, m := agents[0], agents[1], learners[0], learners[1]
	for _, p := range l.of(l.control) {
		clear(p.Data)
	}
	for _, p := range m.params.All() {
		q, _ := l.params.Get(p.Name)
		copy(p.Data, q.Data)
	}
	judge, err := l.newPlayer(latticeID, 3, 8)
	if err != nil {
		t.Fatal(err)
	}
	episodes, err := judge.play("test", 0, 50, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range episodes {
		got, err := a.gradient(e)
		if err != nil {
			t.Fatal(err)
		}
		want, err := b.gradient(e)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			if math.Abs(float64(got[i]-want[i])) > 4e-6 {
				t.Fatalf("parameter %d: %g, want %g", i, got[i], want[i])
			}
		}
	}
	for update := range 4 {
		for _, p := range l.of(l.control) {
			clear(p.Data)
		}
		for _, agent := range agents {
			if _, err := agent.learn(update, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range m.params.All() {
		q, _ := l.params.Get(p.Name)
		for i, want := range p.Data {
			if got := q.Data[i]; math.Abs(float64(got-want)) > 1e-5 {
				t.Fatalf("after the updates, %s[%d] is %g, want %g", p.Name, i, got, want)
			}
		}
	}
}

var _ env.Masker = (*lattice)(nil)
