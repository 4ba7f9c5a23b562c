package rl

// Defaults is the configuration that works for an agent in an environment; for an environment without one of its own,
// something cautious. Unknown names are found by Validate.
func Defaults(id, agent string) Config {
	c := Config{
		Env: id, Agent: agent, Seed: 1, Steps: 500_000,
		Hidden: []int{32, 32}, ValueHidden: []int{32, 32}, Activation: activationTanh, Mask: true, Optimizer: optimizerAdam,
		LR: "0.003", Gamma: 0.99, Scale: 1, Entropy: 0.01, Envs: 8,
		LogEvery: 5_000, EvalEvery: 25_000, EvalEpisodes: 20, FinalEpisodes: 100, VarianceEvery: 100_000, VarianceEpisodes: 50,
	}
	switch agent {
	case REINFORCE:
		c.Baseline, c.Standardize, c.ValueLR = true, true, "0.003"
	case A2C:
		c.Envs, c.Rollout, c.Lambda, c.ValueLR, c.MaxNorm = 16, 16, 0.95, "0.003", 0.5
	case RELAX:
		c.Baseline, c.ValueLR = true, "0.003"
		c.CVObjective, c.CVLR, c.CVHidden, c.Temperature = CVTotal, "0.003", []int{32}, 1
	}
	if tune := tuned[id]; tune != nil {
		tune(&c)
	}
	return c
}

// tuned are the environments' own settings.
var tuned = map[string]func(*Config){
	"CartPole-v0": cartPole,
	"CartPole-v1": cartPole,
	"Acrobot-v1":  acrobot,
	"Taxi-v3":     taxi,
	"Taxi-v4":     taxi,
}

func cartPole(c *Config) {
	c.Steps, c.LR, c.ValueLR = 300_000, "linear:1e-2:1e-3:300000", "0.01"
	c.LogEvery, c.EvalEvery, c.VarianceEvery = 3_000, 15_000, 60_000
	if c.Scale = 0.1; c.Agent == A2C {
		c.Scale, c.LR = 1, "linear:1e-2:1e-4:300000"
	}
}

// The returns of Acrobot begin at −500 and are the same for all episodes until one happens to end: rewards are scaled
// down to what networks reach soon.
func acrobot(c *Config) {
	c.Steps, c.LR, c.ValueLR, c.Scale = 500_000, "linear:1e-2:1e-3:500000", "0.01", 0.1
	if c.Agent == RELAX {
		c.Scale, c.ValueLR, c.CVLR = 0.03, "0.03", "0.001"
	}
}

// In Taxi a linear policy is a table of logits.
func taxi(c *Config) {
	c.Hidden, c.ValueHidden, c.LR, c.ValueLR = []int{}, []int{}, "0.1", "0.1"
	switch c.Agent {
	case A2C:
		c.LR = "0.03"
	case RELAX:
		c.Scale = 0.1
	}
}
