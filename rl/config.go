package rl

import (
	"fmt"
	"slices"
	"strings"

	"relaxgo/internal/optim"
	"relaxgo/rl/env"
)

// Names of the agents.
const (
	REINFORCE = "reinforce"
	A2C       = "a2c"
	RELAX     = "relax"
)

// Agents are the names of the agents, simplest first.
func Agents() []string { return []string{REINFORCE, A2C, RELAX} }

// Config is everything that determines a run. The zero value is not a configuration; start from Defaults.
//
// Learning rates and the weight of the entropy are numbers or schedules over steps: KIND:FROM:TO:STEPS, where KIND is
// linear, exp or cosine. Without :STEPS they end with the run, or after the steps of Defaults if only episodes limit it.
type Config struct {
	Env      string `json:"env"`      // name of an environment, such as CartPole-v1
	Agent    string `json:"agent"`    // one of Agents
	Seed     uint64 `json:"seed"`     // of every random stream
	Steps    int    `json:"steps"`    // of the environment, after which training ends; 0: no limit
	Episodes int    `json:"episodes"` // after which training ends; 0: no limit

	// What is learned, and how fast.
	Hidden     []int   `json:"hidden"`     // widths of the policy's hidden layers; none: linear
	Activation string  `json:"activation"` // of hidden layers: "tanh" or "relu"
	Mask       bool    `json:"mask"`       // never take an action that the environment's mask rules out
	Optimizer  string  `json:"optimizer"`  // "adam" or "rmsprop"
	LR         string  `json:"lr"`         // learning rate of the policy, a schedule
	MaxNorm    float64 `json:"max_norm"`   // the gradients of policy and value are clipped to this norm; 0: not
	Gamma      float64 `json:"gamma"`      // discount
	Scale      float64 `json:"scale"`      // rewards are multiplied by it for learning
	Entropy    string  `json:"entropy"`    // weight of the policy's entropy, a schedule
	Envs       int     `json:"envs"`       // environments side by side; REINFORCE and RELAX: episodes per update

	// What the agents do not have in common. See Takes.
	Baseline    bool    `json:"baseline,omitempty"`       // REINFORCE, RELAX: subtract a learned value from returns
	Standardize bool    `json:"standardize,omitempty"`    // REINFORCE, A2C: standardise returns or advantages of an update
	ValueHidden []int   `json:"value_hidden,omitempty"`   // widths of the value's hidden layers
	ValueLR     string  `json:"value_lr,omitempty"`       // learning rate of the value, a schedule
	Rollout     int     `json:"rollout,omitempty"`        // A2C: steps of each environment per update
	Lambda      float64 `json:"lambda,omitempty"`         // A2C: λ of generalised advantages; 1: returns of Rollout steps and less
	CVObjective string  `json:"cv_objective,omitempty"`   // RELAX: see CVTotal
	CVLR        string  `json:"cv_lr,omitempty"`          // RELAX: learning rate of the control variate, a schedule
	CVHidden    []int   `json:"cv_hidden,omitempty"`      // RELAX: widths of its hidden layers
	Temperature float64 `json:"cv_temperature,omitempty"` // RELAX: it sees softmax(z/temperature)

	// What is measured on the way.
	LogEvery         int `json:"log_every"`         // steps between rows on training; 0: none but the last
	EvalEvery        int `json:"eval_every"`        // steps between evaluations; 0: none but the last
	EvalEpisodes     int `json:"eval_episodes"`     // of an evaluation, greedy ones and as many sampled ones; a greedy one from every start instead if they can be counted
	FinalEpisodes    int `json:"final_episodes"`    // of the last evaluation
	VarianceEvery    int `json:"variance_every"`    // steps between measurements of the gradient's variance; 0: none but the last
	VarianceEpisodes int `json:"variance_episodes"` // of such a measurement; 0: none at all
}

// Objectives of the control variate of RELAX: what its gradient step reduces. All leave the policy's gradient unbiased.
const (
	CVTotal = "total" // ‖ĝ‖², the squared norm of an episode's gradient estimate: its variance, up to a constant
	CVStep  = "step"  // Σ_t ‖ĝ_t‖², as if steps were uncorrelated
	CVLogit = "logit" // Σ_t ‖u_t‖², the same in front of the network: u_t is the estimate for the logits of step t
	CVMSE   = "mse"   // Σ_t (R_t − c(s_t, z̃_t))², plain regression
)

var cvObjectives = []string{CVTotal, CVStep, CVLogit, CVMSE}

// takers are the options, by their keys on the command line, that some agents do not take.
var takers = map[string][]string{
	"baseline":       {REINFORCE, RELAX},
	"standardize":    {REINFORCE, A2C},
	"rollout":        {A2C},
	"lambda":         {A2C},
	"cv-objective":   {RELAX},
	"cv-lr":          {RELAX},
	"cv-hidden":      {RELAX},
	"cv-temperature": {RELAX},
}

// Takes tells whether an agent takes the option of that key, as on the command line.
func Takes(agent, key string) bool {
	some, special := takers[key]
	return !special || slices.Contains(some, agent)
}

// ConfigError is a value of a configuration that makes no sense.
type ConfigError struct {
	Key    string // as on the command line
	Reason string
	Advice string // what to do about it; may be empty
	// Known is set if the value is a name that is not one of these, and then Unknown is that name.
	Known   []string
	Unknown string
}

func (e *ConfigError) Error() string {
	if e.Known != nil {
		return fmt.Sprintf("unknown -%s %q; known: %s", e.Key, e.Unknown, strings.Join(e.Known, ", "))
	}
	return fmt.Sprintf("-%s=%s", e.Key, e.Reason)
}

// Hint is the advice.
func (e *ConfigError) Hint() string { return e.Advice }

// plan is a validated configuration with everything looked up.
type plan struct {
	Config
	spec              env.Spec
	task              Task
	lr, valueLR, cvLR optim.Schedule
	entropy           optim.Schedule
}

// Validate tells whether c can be run. The error is a *ConfigError.
func (c Config) Validate() error {
	_, err := c.resolve()
	return err
}

// Resolved is c with everything filled in that it leaves open, as config.json shows it. The error is a *ConfigError.
func (c Config) Resolved() (Config, error) {
	p, err := c.resolve()
	return p.Config, err
}

func (c Config) resolve() (plan, error) {
	p := plan{Config: c}
	var err error
	if p.spec, err = env.Lookup(c.Env); err != nil {
		return p, &ConfigError{Key: "env", Unknown: c.Env, Known: env.IDs()}
	}
	p.task = TaskOf(c.Env)
	for _, n := range []struct {
		key, value string
		known      []string
	}{
		{"agent", c.Agent, Agents()},
		{"activation", c.Activation, []string{activationTanh, activationReLU}},
		{"optimizer", c.Optimizer, []string{optimizerAdam, optimizerRMSProp}},
	} {
		if !slices.Contains(n.known, n.value) {
			return p, &ConfigError{Key: n.key, Unknown: n.value, Known: n.known}
		}
	}
	if c.Steps == 0 && c.Episodes == 0 {
		return p, &ConfigError{Key: "steps", Reason: "0: training would never end", Advice: "give -steps or -episodes"}
	}
	if p.spec.MaxSteps == 0 {
		return p, &ConfigError{Key: "env", Reason: c.Env + ": it has no time limit, so an episode may never end", Advice: "register it with MaxSteps"}
	}
	for _, n := range []struct {
		key       string
		value     int
		low, high int
		what      string
	}{
		{"steps", c.Steps, 0, 1e12, "steps"},
		{"episodes", c.Episodes, 0, 1e12, "episodes"},
		{"envs", c.Envs, 1, 1e4, "environments"},
		{"log-every", c.LogEvery, 0, 1e12, "steps"},
		{"eval-every", c.EvalEvery, 0, 1e12, "steps"},
		{"eval-episodes", c.EvalEpisodes, 1, 1e6, "episodes"},
		{"final-episodes", c.FinalEpisodes, 1, 1e6, "episodes"},
		{"variance-every", c.VarianceEvery, 0, 1e12, "steps"},
		{"variance-episodes", c.VarianceEpisodes, 0, 1e6, "episodes"},
	} {
		if n.value < n.low || n.value > n.high {
			return p, &ConfigError{Key: n.key, Reason: fmt.Sprintf("%d: needs %d to %d %s", n.value, n.low, n.high, n.what)}
		}
	}
	if c.VarianceEpisodes == 1 {
		return p, &ConfigError{Key: "variance-episodes", Reason: "1: a variance needs at least 2 episodes", Advice: "-variance-episodes=0 measures none"}
	}
	for _, x := range []struct {
		key       string
		value     float64
		low, high float64
	}{
		{"gamma", c.Gamma, 0, 1},
		{"lambda", c.Lambda, 0, 1},
		{"max-norm", c.MaxNorm, 0, 1e9},
		{"scale", c.Scale, 1e-9, 1e9},
	} {
		if !(x.value >= x.low && x.value <= x.high) {
			return p, &ConfigError{Key: x.key, Reason: fmt.Sprintf("%g: needs a number from %g to %g", x.value, x.low, x.high)}
		}
	}
	if err := checkWidths("hidden", c.Hidden); err != nil {
		return p, err
	}
	if p.lr, err = p.rate("lr", &p.LR); err != nil {
		return p, err
	}
	if p.entropy, err = p.schedule("entropy", &p.Entropy); err == nil && !(p.entropy.From >= 0 && p.entropy.To >= 0) {
		err = &ConfigError{Key: "entropy", Reason: p.Entropy + ": must not be negative", Advice: "-entropy=0 is for none"}
	}
	if err != nil {
		return p, err
	}
	return p, p.resolveOptions()
}

// resolveOptions validates what the agents do not have in common.
func (p *plan) resolveOptions() (err error) {
	if p.Baseline || p.Agent == A2C {
		if err := checkWidths("value-hidden", p.ValueHidden); err != nil {
			return err
		}
		if p.valueLR, err = p.rate("value-lr", &p.ValueLR); err != nil {
			return err
		}
	} else {
		p.ValueHidden, p.ValueLR = nil, "" // there is no value to learn
	}
	for key, given := range map[string]bool{"baseline": p.Baseline, "standardize": p.Standardize} {
		if given && !Takes(p.Agent, key) {
			return &ConfigError{Key: key, Reason: fmt.Sprintf("true: %s does not take it", p.Agent), Advice: "it is for " + strings.Join(takers[key], ", ")}
		}
	}
	if p.Agent == A2C && (p.Rollout < 1 || p.Rollout > 1e6) {
		return &ConfigError{Key: "rollout", Reason: fmt.Sprintf("%d: needs 1 to 1000000 steps", p.Rollout)}
	}
	if p.Agent == A2C && p.Envs*p.Rollout > 1e7 {
		return &ConfigError{Key: "rollout", Reason: fmt.Sprintf("%d: with %d environments an update has more than 10⁷ steps", p.Rollout, p.Envs)}
	}
	if p.Agent != RELAX {
		return nil
	}
	if !slices.Contains(cvObjectives, p.CVObjective) {
		return &ConfigError{Key: "cv-objective", Unknown: p.CVObjective, Known: cvObjectives}
	}
	if !(p.Temperature >= 1e-3 && p.Temperature <= 1e6) {
		return &ConfigError{Key: "cv-temperature", Reason: fmt.Sprintf("%g: needs a number from 0.001 to 10⁶", p.Temperature)}
	}
	if err := checkWidths("cv-hidden", p.CVHidden); err != nil {
		return err
	}
	p.cvLR, err = p.rate("cv-lr", &p.CVLR)
	return err
}

func checkWidths(key string, widths []int) error {
	advice := fmt.Sprintf("-%s=32,32, or -%s=none", key, key)
	for i, w := range widths {
		if w < 1 || w > 1e5 {
			return &ConfigError{Key: key, Reason: fmt.Sprintf("%d: a hidden layer has 1 to 100000 units", w), Advice: advice}
		}
		if i > 0 && w*widths[i-1] > 1e8 {
			return &ConfigError{Key: key, Reason: fmt.Sprintf("%d,%d: a layer has more than 10⁸ weights", widths[i-1], w), Advice: advice}
		}
	}
	return nil
}

// schedule parses a schedule over the steps of the run. It is written out, so that config.json says how one that ends
// with the run goes, and 1e-3 and 0.001 are the same settings.
func (p *plan) schedule(key string, text *string) (optim.Schedule, error) {
	steps := p.Steps
	if steps == 0 {
		steps = Defaults(p.Env, p.Agent).Steps
	}
	s, err := optim.ParseFor(*text, steps)
	if err != nil {
		return s, &ConfigError{Key: key, Reason: *text + ": must be a number, or a schedule of such", Advice: fmt.Sprintf("-%s=0.001, or -%s=linear:1e-2:1e-4 to decay over the run, or -%s=linear:1e-2:1e-4:100000 within so many steps", key, key, key)}
	}
	*text = s.String()
	return s, nil
}

// rate parses a schedule whose values must all be positive.
func (p *plan) rate(key string, text *string) (optim.Schedule, error) {
	s, err := p.schedule(key, text)
	if err == nil && (!(s.From > 0) || s.Kind != optim.Constant && !(s.To > 0)) {
		err = &ConfigError{Key: key, Reason: *text + ": must be positive", Advice: fmt.Sprintf("-%s=0.001, or -%s=linear:1e-2:1e-4 to decay", key, key)}
	}
	return s, err
}
