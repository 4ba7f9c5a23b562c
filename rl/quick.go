package rl

// Quick is the configuration of a run of some seconds, for trying out: a quarter of the steps, and less measured on the
// way.
func (c Config) Quick() Config {
	c.Steps /= 4
	c.LogEvery, c.EvalEvery = c.Steps/20, c.Steps/5
	c.EvalEpisodes, c.FinalEpisodes = 5, 20
	c.VarianceEvery, c.VarianceEpisodes = c.Steps/2, 20
	return c
}
