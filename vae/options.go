package vae

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"relaxgo/internal/op"
	"relaxgo/internal/optim"
	"relaxgo/relax"
)

// Values of Config.Corr and Config.Temperature that are not numbers.
const (
	CorrLearned        = "learned" // correlations are parameters of the model, at first zero
	TemperatureLearned = "learned" // the temperature is one, at first the method's default, or as in "learned:0.5"
)

// mostHidden bounds the hidden layers of a network.
const mostHidden = 100

func (p *plan) resolveHidden() error {
	const advice = "-hidden=400 is the default, -hidden=200,200 makes two layers, -hidden=none linear networks"
	if len(p.Hidden) > mostHidden {
		return &ConfigError{Key: "hidden", Reason: fmt.Sprintf("%d layers: at most %d are possible", len(p.Hidden), mostHidden), Advice: advice}
	}
	for _, width := range p.Hidden {
		if width < 1 || width > 1e5 {
			return &ConfigError{Key: "hidden", Reason: fmt.Sprintf("%d: needs 1 to 100000 units", width), Advice: advice}
		}
	}
	return nil
}

// option is a key of Config that few methods take.
type option struct {
	key    string
	given  func(c *Config) bool
	clear  func(c *Config)
	refill func(p *plan) error // validates what is given, or sets the default
}

// options lists what few methods take.
func options() []option {
	return []option{
		{
			"l0", func(c *Config) bool { return c.L0 != 0 }, func(c *Config) { c.L0 = 0 },
			func(p *plan) error {
				if !(p.L0 >= 0) || p.L0 > 1e6 {
					return &ConfigError{Key: "l0", Reason: fmt.Sprintf("%g: needs a number from 0 to 10⁶", p.L0), Advice: "-l0=1 costs a nat for every gate that is expected to be open"}
				}
				return nil
			},
		},
		{
			"corr", func(c *Config) bool { return c.Corr != "" || c.Correlation != nil }, func(c *Config) { c.Corr, c.Correlation = "", nil },
			(*plan).resolveCorrelation,
		},
		{
			"codes", func(c *Config) bool { return c.Codes != "" }, func(c *Config) { c.Codes = "" },
			func(p *plan) error {
				switch p.Codes {
				case "", Bits, OneHot:
					if p.Codes == "" {
						p.Codes = p.method.Codes
					}
					p.codes = p.Codes
					return nil
				}
				return &ConfigError{Key: "codes", Unknown: string(p.Codes), Known: []string{string(Bits), string(OneHot)}}
			},
		},
		{
			"cvlr", func(c *Config) bool { return c.CVLR != "" }, func(c *Config) { c.CVLR = "" },
			func(p *plan) (err error) {
				if p.CVLR == "" {
					p.CVLR = p.method.cvlr
				}
				p.cvlr, err = schedule("cvlr", &p.CVLR, fmt.Sprintf("-cvlr=%s is the default", p.method.cvlr))
				return err
			},
		},
		{
			"samples", func(c *Config) bool { return c.Samples != 0 }, func(c *Config) { c.Samples = 0 },
			func(p *plan) error {
				if p.Samples == 0 {
					p.Samples = p.method.samples
				}
				if p.Samples < 2 || p.Samples > 1000 {
					return &ConfigError{Key: "samples", Reason: fmt.Sprintf("%d: needs 2 to 1000 samples", p.Samples), Advice: fmt.Sprintf("-samples=%d is the default", p.method.samples)}
				}
				return nil
			},
		},
		{
			"forward", func(c *Config) bool { return c.Forward != 0 }, func(c *Config) { c.Forward = 0 },
			func(p *plan) error {
				if p.Forward == 0 {
					p.Forward = 1
				}
				if !(p.Forward >= scheduleMin && p.Forward <= scheduleMax) {
					return &ConfigError{Key: "forward", Reason: fmt.Sprintf("%g: must be positive", p.Forward), Advice: "-forward=1 is the default"}
				}
				return nil
			},
		},
		{
			"subset", func(c *Config) bool { return c.Subset != 0 }, func(c *Config) { c.Subset = 0 },
			func(p *plan) error {
				if p.Subset == 0 {
					p.Subset = max(1, min(p.Latent/2, op.MaxSubset))
				}
				if p.Subset < 1 || p.Subset > p.Latent {
					return &ConfigError{Key: "subset", Reason: fmt.Sprintf("%d: needs 1 to %d of the %d bits", p.Subset, p.Latent, p.Latent), Advice: "-subset=8 of -latent=20 is the default"}
				}
				return nil
			},
		},
		{
			"trials", func(c *Config) bool { return c.Trials != 0 }, func(c *Config) { c.Trials = 0 },
			func(p *plan) error {
				if p.Trials == 0 {
					p.Trials = 10
				}
				if p.Trials < 1 || p.Trials > 1000 {
					return &ConfigError{Key: "trials", Reason: fmt.Sprintf("%d: needs 1 to 1000 trials", p.Trials), Advice: "-trials=10 is the default"}
				}
				return nil
			},
		},
		{
			"failures", func(c *Config) bool { return c.Failures != 0 }, func(c *Config) { c.Failures = 0 },
			func(p *plan) error {
				if p.Failures == 0 {
					p.Failures = 10
				}
				if !(p.Failures >= 0.1 && p.Failures <= 1000) {
					return &ConfigError{Key: "failures", Reason: fmt.Sprintf("%g: needs 0.1 to 1000", p.Failures), Advice: "-failures=10 is the default"}
				}
				return nil
			},
		},
	}
}

// OptionKeys are the keys of Config that some methods take and others refuse, see Method.Takes.
func OptionKeys() []string {
	keys := []string{"temperature", "kl"}
	for _, o := range options() {
		keys = append(keys, o.key)
	}
	return keys
}

// resolveOptions validates the options that the method takes and refuses those that it does not.
func (p *plan) resolveOptions() error {
	for _, o := range options() {
		switch {
		case p.method.Takes(o.key):
			if err := o.refill(p); err != nil {
				return err
			}
		case o.given(&p.Config):
			return &ConfigError{Key: o.key, Bare: true, Reason: p.method.Name + " does not take it", Advice: "it is for " + strings.Join(takers(o.key), ", ")}
		}
	}
	return nil
}

// For is the configuration for another method: what that does not take is left out.
func (c Config) For(name string) Config {
	c.Relax = name
	m, ok := method(name)
	if !ok {
		return c
	}
	for _, o := range options() {
		if !m.Takes(o.key) {
			o.clear(&c)
		}
	}
	if !m.Takes("temperature") || m.estimator != nil && strings.Contains(c.Temperature, ":") { // a schedule
		c.Temperature = ""
	}
	if !m.Takes("kl") {
		c.KL = ""
	}
	if strings.HasPrefix(c.Temperature, TemperatureLearned) {
		if p := (plan{Config: c, method: m}); p.resolveKL() == nil && p.temperatureCanBeLearned() != nil {
			c.Temperature = ""
		}
	}
	return c
}

// takers are the names of the methods that take an option.
func takers(key string) []string {
	var names []string
	for _, m := range Methods() {
		if m.Takes(key) {
			names = append(names, m.Name)
		}
	}
	return names
}

// mostCorrelated bounds the correlation matrix.
const mostCorrelated = 2000

func (p *plan) resolveCorrelation() error {
	const advice = "-corr=0.5 is the default: neighbouring bits; -corr=learned, or the name of a CSV file with the matrix, are others"
	if p.Latent > mostCorrelated {
		return &ConfigError{Key: "latent", Reason: fmt.Sprintf("%d: at most %d bits can be correlated", p.Latent, mostCorrelated), Advice: "the matrix of their correlations grows with the square; -latent=20 is the default"}
	}
	if p.Corr == "" && p.Correlation == nil {
		p.Corr = "0.5"
	}
	if p.Corr == CorrLearned {
		p.Correlation = nil
		return nil
	}
	p.correlation = p.Correlation
	if p.correlation == nil {
		ρ, err := strconv.ParseFloat(p.Corr, 64)
		if err != nil {
			return &ConfigError{Key: "corr", Reason: p.Corr + ": not a number, not a file and not learned", Advice: advice}
		}
		if p.correlation, err = relax.Toeplitz(p.Latent, ρ); err != nil {
			return &ConfigError{Key: "corr", Reason: p.Corr + ": must lie between −1 and 1", Advice: advice}
		}
	}
	if len(p.correlation) != p.Latent {
		return &ConfigError{Key: "corr", Reason: fmt.Sprintf("%s: a matrix for %d bits where there are %d", p.Corr, len(p.correlation), p.Latent), Advice: fmt.Sprintf("-latent=%d fits it", len(p.correlation))}
	}
	if err := relax.CheckCorrelation(p.correlation); err != nil {
		return &ConfigError{Key: "corr", Reason: p.Corr + ": " + strings.TrimPrefix(err.Error(), "relax: "), Advice: advice}
	}
	return nil
}

const layersAdvice = "-layers=200,200 makes two stochastic layers; for one, -latent=200 is enough"

// resolveLayers finds the stochastic layers.
func (p *plan) resolveLayers() error {
	p.layers = []int{p.Latent}
	if len(p.Layers) == 0 {
		return nil
	}
	for _, n := range p.Layers {
		if n < 1 || n > 1e5 {
			return &ConfigError{Key: "layers", Reason: fmt.Sprintf("%d: needs 1 to 100000 latent variables", n), Advice: layersAdvice}
		}
	}
	p.layers, p.Latent = p.Layers, p.Layers[0]
	return nil
}

// checkLayers refuses what cannot stand between stochastic layers: all but laws of independent bits or classes.
func (p *plan) checkLayers() error {
	if len(p.layers) == 1 {
		return nil
	}
	fail := func(reason string) error {
		return &ConfigError{Key: "layers", Bare: true, Reason: reason, Advice: layersAdvice}
	}
	m := p.method
	switch {
	case len(p.layers) > mostLayers:
		return fail(fmt.Sprintf("%d stochastic layers: at most %d are possible", len(p.layers), mostLayers))
	case p.codes != Bits && p.codes != OneHot || m.discreteKL != nil || m.event != nil || m.Caveat != "":
		return fail(m.Name + " has one stochastic layer only; between layers are independent bits or classes")
	case p.KL == KLRelaxed:
		return fail("more than one goes with -kl=discrete")
	case p.Beta != 1:
		return fail("more than one goes with -beta=1")
	case p.L0 != 0:
		return fail("more than one goes without -l0")
	}
	return nil
}

// mostLayers bounds the stochastic layers: estimators evaluate what is above a layer once for each of their samples.
const mostLayers = 4

func (p *plan) resolveKL() error {
	switch p.KL {
	case "":
		p.KL = KLDiscrete
		if p.method.trainRelaxed {
			p.KL = KLRelaxed
		}
	case KLDiscrete:
	case KLRelaxed:
		if p.method.relaxedKL == nil {
			return &ConfigError{Key: "kl", Reason: "relaxed: " + p.method.Name + " has one divergence only", Advice: "use -kl=discrete, or leave it out"}
		}
	default:
		return &ConfigError{Key: "kl", Unknown: p.KL, Known: []string{KLDiscrete, KLRelaxed}}
	}
	return nil
}

func (p *plan) resolveTemperature() error {
	m := p.method
	if m.Temperature == "" {
		if p.Config.Temperature != "" {
			return &ConfigError{Key: "temperature", Reason: p.Config.Temperature + ": " + m.Name + " has no temperature", Advice: "leave -temperature out"}
		}
		return nil
	}
	if p.Config.Temperature == "" {
		p.Config.Temperature = m.Temperature
	}
	text := p.Config.Temperature
	first, learned := strings.CutPrefix(text, TemperatureLearned)
	learned = learned && (first == "" || first[0] == ':')
	advice := fmt.Sprintf("-temperature=%s is the default; -temperature=exp:1:0.5:4690 anneals", m.Temperature)
	if learned {
		if err := p.temperatureCanBeLearned(); err != nil {
			return &ConfigError{Key: "temperature", Reason: text + ": " + err.Error(), Advice: advice}
		}
		if text = strings.TrimPrefix(first, ":"); text == "" {
			text = m.Temperature
		}
	}
	var err error
	if p.temperature, err = schedule("temperature", &text, advice); err != nil {
		return err
	}
	p.Config.Temperature = text
	if learned {
		p.Config.Temperature = TemperatureLearned + ":" + text
	}
	if m.estimator != nil && p.temperature.Kind != optim.Constant {
		return &ConfigError{Key: "temperature", Reason: p.Config.Temperature + ": that of an estimator is constant", Advice: fmt.Sprintf("-temperature=%s is the default", m.Temperature)}
	}
	if !learned {
		return nil
	}
	if p.learnedTemperature, err = strconv.ParseFloat(text, 64); err != nil {
		return &ConfigError{Key: "temperature", Reason: p.Config.Temperature + ": a learned temperature begins at a number", Advice: "-temperature=learned:0.5"}
	}
	return nil
}

// temperatureCanBeLearned says why the loss would not lead a learned temperature anywhere sensible.
func (p *plan) temperatureCanBeLearned() error {
	switch {
	case p.method.relaxedKL != nil && p.KL == KLDiscrete:
		return errors.New("with -kl=discrete the loss falls as samples get softer, whatever they say; take -kl=relaxed")
	case p.method.relaxedKL == nil && p.method.event == nil:
		return errors.New("the temperature of " + p.method.Name + " shapes a surrogate gradient and is no part of the loss")
	}
	return nil
}
