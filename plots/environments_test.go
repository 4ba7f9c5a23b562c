package plots

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestEnvironments(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 0))
	environments := []Environment{
		{Name: "CartPole-v1", Agents: []AgentRuns{learner(t, rng, "REINFORCE", 3, 30000, false), learner(t, rng, "A2C", 3, 30000, false)}, Threshold: new(475.0)},
		{Name: "Other", Agents: []AgentRuns{learner(t, rng, "A2C", 1, 9000, false)}, Window: 7},
	}
	fig, err := Environments(environments, "Caption.")
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	for _, want := range []string{
		"CartPole-v1", "Other", "environment steps (thousands)", "environment steps", "return, mean of the last 7", "solved ", "475",
		"REINFORCE, 3 seeds ", "A2C, 3 seeds ", "A2C, 1 seed ", "Caption.",
	} {
		if !slices.Contains(texts, want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	if all := strings.Join(texts, " "); !strings.Contains(all, "95 % bootstrap") || !strings.Contains(all, "without a band: Other, A2C.") {
		t.Errorf("%q does not say how seeds became lines", texts)
	}
	checkSVG(t, fig)
	checkGolden(t, fig, "environments", 48)
}

func TestEnvironmentsErrors(t *testing.T) {
	agents := []AgentRuns{{Name: "a", Dirs: []string{writeMetrics(t, ended(5, 1, 9, 2))}}}
	for _, test := range []struct {
		name         string
		environments []Environment
		caption      string
		want         []string
	}{
		{"nothing", nil, "", []string{"no environments"}},
		{"no name", []Environment{{Agents: agents}}, "", []string{"no name"}},
		{"name", []Environment{{Name: "\x00", Agents: agents}}, "", []string{"control character"}},
		{"no agents", []Environment{{Name: "x", Agents: agents}, {Name: "y"}}, "", []string{"y: ", "0 agents"}},
		{"window", []Environment{{Name: "x", Agents: agents, Window: 3}}, "", []string{"x: ", "window of 3"}},
		{"caption", []Environment{{Name: "x", Agents: agents}}, "\x01", []string{"caption"}},
	} {
		_, err := Environments(test.environments, test.caption)
		checkError(t, test.name, err, test.want...)
	}
}
