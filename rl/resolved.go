package rl

// Resolved is c with everything filled in that it leaves open, as config.json shows it. The error is a *ConfigError.
func (c Config) Resolved() (Config, error) {
	p, err := c.resolve()
	return p.Config, err
}
