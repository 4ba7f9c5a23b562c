package rl

// Defaults is the configuration that works for an agent in an environment; for an environment without one of its own,
// something cautious. Unknown names are found by Validate.
func Defaults(id, agent string) Config {
	c := Config{
		Env: id, Agent: agent, Seed: 1, Steps: 500_000,
		Hidden: []int{32, 32}, ValueHidden: []int{32, 32}, Activation: activationTanh, Mask: true, Optimizer: optimizerAdam,
		LR: "0.003", Gamma: 0.99, Scale: 1, Entropy: "0.01", Envs: 8,
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

	"RainyTaxi-v4":       taxi,
	"FickleTaxi-v4":      taxi,
	"RainyFickleTaxi-v4": taxi,
}

func cartPole(c *Config) {
	c.Steps, c.LR, c.ValueLR = 300_000, "linear:1e-2:1e-3", "0.01"
	c.LogEvery, c.EvalEvery, c.VarianceEvery = 3_000, 15_000, 60_000
	if c.Scale = 0.1; c.Agent == A2C {
		c.Scale, c.LR = 1, "linear:1e-2:1e-4"
	}
}

// The returns of Acrobot begin at −500 and are the same for all episodes until one happens to end: rewards are scaled
// down to what networks reach soon. Agents that learn from whole episodes never find the goal in some runs unless updates
// are many and the weight of the entropy keeps them trying at first.
func acrobot(c *Config) {
	c.Steps, c.LR, c.ValueLR, c.Scale = 1_000_000, "linear:1e-2:1e-3", "0.01", 0.1
	c.LogEvery, c.EvalEvery, c.VarianceEvery = 10_000, 50_000, 200_000
	switch c.Agent {
	case REINFORCE:
		c.Envs, c.Entropy = 4, "exp:0.1:0.003"
	case RELAX:
		c.Envs, c.Entropy = 4, "linear:0.04:0.001"
		c.Scale, c.ValueLR, c.CVLR, c.MaxNorm = 0.03, "0.03", "linear:1e-3:1e-4", 5
	}
}

// In Taxi a linear policy is a table of logits. Nothing is masked: agents find out by themselves where passengers are
// picked up and dropped off. Early on, when nearly all that happens is punished, it takes a large weight of the entropy to
// keep them from giving up on both, and later a small one to settle.
func taxi(c *Config) {
	c.Hidden, c.ValueHidden, c.Mask = []int{}, []int{}, false
	c.LR, c.ValueLR, c.Entropy = "0.02", "linear:0.3:0.03", "exp:1:0.02"
	c.Gamma, c.Scale, c.MaxNorm = 0.97, 0.1, 0.5
	switch c.Agent {
	case REINFORCE:
		c.LR, c.Envs = "linear:0.05:0.01", 4
	case A2C:
		c.Entropy, c.Rollout, c.Lambda = "exp:2:0.01", 5, 1
	case RELAX:
		c.Envs = 2
	}
}
