package rl

import (
	"testing"

	"relaxgo/rl/env"
)

// There are settings for every agent in every environment that can be run, and they use no option that the agent does not
// take.
func TestDefaultsAreValid(t *testing.T) {
	for _, id := range env.IDs() {
		if spec, err := env.Lookup(id); err != nil || spec.MaxSteps == 0 {
			continue // a test's own
		}
		for _, agent := range Agents() {
			if err := Defaults(id, agent).Validate(); err != nil {
				t.Errorf("%s, %s: %v", id, agent, err)
			}
		}
	}
}

func TestEnvironmentNames(t *testing.T) {
	for _, test := range [][2]string{{"taxi", "Taxi-v3"}, {"cartpole", "CartPole-v1"}, {"acrobot", "Acrobot-v1"}, {"Taxi-v4", "Taxi-v4"}} {
		if id := EnvID(test[0]); id != test[1] {
			t.Errorf("EnvID(%q) is %q, want %q", test[0], id, test[1])
		}
		if name := EnvName(test[1]); name != test[0] {
			t.Errorf("EnvName(%q) is %q, want %q", test[1], name, test[0])
		}
	}
}

// A goal is reached by the right end of an episode.
func TestSuccess(t *testing.T) {
	ends := []env.Result{{}, {Terminated: true}, {Truncated: true}, {Terminated: true, Truncated: true}}
	for goal, want := range map[Goal][]bool{
		NoGoal:  {false, false, false, false},
		Arrive:  {false, true, false, true},
		Survive: {false, false, true, false},
	} {
		for i, end := range ends {
			if got := goal.Succeeded(end); got != want[i] {
				t.Errorf("goal %d, end %+v: %v", goal, end, got)
			}
		}
	}
}

// The settings solve the environments that they were chosen for, with every action allowed. That they do so with other
// seeds, too, is in the README.
func TestDefaultsSolve(t *testing.T) {
	if testing.Short() {
		t.Skip("trains nine agents at full length")
	}
	for _, id := range []string{"CartPole-v1", "Taxi-v3", "Acrobot-v1"} {
		for _, agent := range Agents() {
			t.Run(EnvName(id)+"/"+agent, func(t *testing.T) {
				t.Parallel()
				c := Defaults(id, agent)
				c.EvalEvery, c.VarianceEpisodes = 0, 0
				s, err := Train(t.Context(), c, t.TempDir(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				least := map[string]float64{"CartPole-v1": 475, "Taxi-v3": 7, "Acrobot-v1": -110}[id]
				if v := s.Greedy; v.Return < least || v.Success < 0.98 {
					t.Errorf("return %.2f, success %.3f; want %v and 0.98 at least", v.Return, v.Success, least)
				}
				if id == "Taxi-v3" && (c.Mask || !s.Greedy.Exact || s.Greedy.Episodes != 300) {
					t.Errorf("mask %t, evaluation %+v; want all actions, and one episode from each of 300 starts", c.Mask, s.Greedy)
				}
			})
		}
	}
}
