package rl

import (
	"encoding"
	"math"
	"testing"

	"relaxgo/rl/env"
)

// optimalTaxi is an optimal action for every state of Taxi that an episode can come to, by value iteration over
// transitions that are found by trying.
func optimalTaxi(t *testing.T) map[int]int {
	t.Helper()
	type move struct {
		next   int
		reward float64
		over   bool
	}
	taxi, err := env.NewTaxi(env.TaxiOptions{})
	if err != nil {
		t.Fatal(err)
	}
	obs := make([]float32, 1)
	var saver encoding.BinaryMarshaler = taxi
	saved, moves := map[int][]byte{}, map[int][]move{}
	var found []int
	see := func() {
		if _, ok := saved[int(obs[0])]; ok {
			return
		}
		data, err := saver.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		saved[int(obs[0])] = data
		found = append(found, int(obs[0]))
	}
	for i := range taxi.Starts() {
		if err := taxi.Reset(obs); err != nil {
			t.Fatal(err)
		}
		if err := taxi.Start(i, obs); err != nil {
			t.Fatal(err)
		}
		see()
	}
	for k := 0; k < len(found); k++ {
		for action := range taxi.Space().Actions {
			if err := taxi.UnmarshalBinary(saved[found[k]]); err != nil {
				t.Fatal(err)
			}
			r, err := taxi.Step(action, obs)
			if err != nil {
				t.Fatal(err)
			}
			moves[found[k]] = append(moves[found[k]], move{int(obs[0]), r.Reward, r.Done()})
			if !r.Done() {
				see()
			}
		}
	}
	values, best := map[int]float64{}, map[int]int{}
	for range 50 { // the longest way has 18 steps
		for s, list := range moves {
			values[s] = math.Inf(-1)
			for a, m := range list {
				q := m.reward
				if !m.over {
					q += values[m.next]
				}
				if q > values[s] {
					values[s], best[s] = q, a
				}
			}
		}
	}
	return best
}

// A greedy policy is evaluated on all 300 starts of Taxi, whatever number of episodes is asked for. The optimal one has a
// mean return of 7.93 with a standard deviation of 2.589, and needs 13.07 steps; the first one, whose logits are all zero,
// drives south for 200 steps.
func TestTaxiIsEvaluatedExactly(t *testing.T) {
	c := small("Taxi-v3", A2C)
	c.Hidden, c.Mask = nil, false
	p, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	m, err := newModel(p)
	if err != nil {
		t.Fatal(err)
	}
	player, err := m.newPlayer(c.Env, 1, 7)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, want Evaluation) {
		t.Helper()
		got, err := player.evaluate("test", 5, true, p.task.Goal)
		if err != nil {
			t.Fatal(err)
		}
		if got.Std = math.Round(1000*got.Std) / 1000; got != want { // sums of whole numbers are exact
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	check("zero logits", Evaluation{Episodes: 300, Exact: true, Return: -200, Length: 200})
	table, _ := m.params.Get("policy.output.weight")
	for state, action := range optimalTaxi(t) {
		table.Data[state*6+action] = 50
	}
	optimum := Evaluation{Episodes: 300, Exact: true, Return: 7.93, Std: 2.589, Length: 13.07, Success: 1}
	check("optimal policy", optimum)

	// Sampled actions are the same with logits so far apart, but the starts are drawn.
	got, err := player.evaluate("test", 200, false, p.task.Goal)
	if err != nil {
		t.Fatal(err)
	}
	if got.Episodes != 200 || got.Exact || math.Abs(got.Return-optimum.Return) > 4*optimum.Std/math.Sqrt(200) || got.Return == optimum.Return {
		t.Errorf("sampled: %+v", got)
	}
}

// Starts that cannot be counted are drawn, for a greedy policy, too.
func TestCartPoleIsEvaluatedBySamples(t *testing.T) {
	c := small("CartPole-v1", REINFORCE)
	_, summary := train(t, c)
	for _, v := range []Evaluation{summary.Greedy, summary.Sampled} {
		if v.Episodes != c.FinalEpisodes || v.Exact {
			t.Errorf("%+v, want %d episodes", v, c.FinalEpisodes)
		}
	}
}
