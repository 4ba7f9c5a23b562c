package vae

import (
	"fmt"
	"strings"

	"relaxgo/data"
	"relaxgo/internal/optim"
)

// Config is everything that determines a run. The zero value is not a configuration; start from DefaultConfig.
type Config struct {
	Relax       string       `json:"relax"`       // name of a Method
	Seed        uint64       `json:"seed"`        // of every random stream
	Epochs      int          `json:"epochs"`      // passes over the training images
	Batch       int          `json:"batch"`       // images per step
	LR          string       `json:"lr"`          // learning rate of Adam: a number or a schedule over steps
	Hidden      []int        `json:"hidden"`      // widths of the hidden layers of encoder and decoder; none: linear
	Latent      int          `json:"latent"`      // number of latent variables
	Prior       string       `json:"prior"`       // of the code: "uniform", or "learned"
	Classes     int          `json:"classes"`     // classes of each, if the method's codes are one-hot
	Temperature string       `json:"temperature"` // a number, a schedule over steps or "learned"; empty: the method's default
	KL          string       `json:"kl"`          // divergence in the training loss: "discrete" or "relaxed"; empty: the method's default
	Beta        float64      `json:"beta"`        // weight of the divergence in the training loss
	Targets     data.Targets `json:"binarize"`    // what pixels become
	IW          int          `json:"iw"`          // discrete samples of the importance-weighted bound
	TrainImages int          `json:"train"`       // use the first so many training images; 0: all
	TestImages  int          `json:"test"`        // use the first so many test images; 0: all

	// What few methods take; zero: the method's default, or nothing for a method that does not take it.
	L0          float64     `json:"l0,omitempty"`          // weight of the expected number of gates that are not zero
	Corr        string      `json:"corr,omitempty"`        // correlation of neighbouring bits, "learned", or the name of Correlation
	Correlation [][]float64 `json:"correlation,omitempty"` // correlation matrix of the bits, in place of one number
	Layers      []int       `json:"layers,omitempty"`      // widths of several stochastic layers, the lowest first; none: one of Latent variables
	Codes       Codes       `json:"codes,omitempty"`       // kind of code, for an estimator that can do more than one
	CVLR        string      `json:"cvlr,omitempty"`        // learning rate of an estimator's own parameters, as LR
	Samples     int         `json:"samples,omitempty"`     // codes that an estimator draws for an image
	Forward     float64     `json:"forward,omitempty"`     // temperature that codes are drawn at, apart from that of the gradient
	Subset      int         `json:"subset,omitempty"`      // how many bits are 1
	Trials      int         `json:"trials,omitempty"`      // of a binomial count
	Failures    float64     `json:"failures,omitempty"`    // that end a negative binomial count
}

// DefaultConfig is the recipe of the report's demos: 784-400-20-400-784, Adam at 10⁻³, batch 128, 10 epochs, grey
// targets.
func DefaultConfig() Config {
	return Config{
		Relax: "hardconcrete", Seed: 1, Epochs: 10, Batch: 128, LR: "0.001",
		Hidden: []int{400}, Latent: 20, Classes: 10, Prior: PriorUniform, Beta: 1, IW: 100,
	}
}

// Quick is the configuration of a run of a few seconds on the data set, for trying out: one epoch on part of the images.
func (c Config) Quick(set data.Dataset) Config {
	c.Epochs, c.IW = 1, 10
	c.TrainImages, c.TestImages = min(12800, set.Train.Len()), min(1000, set.Test.Len())
	return c
}

// Values of Config.Prior.
const (
	PriorUniform = "uniform" // fair bits, equally probable classes or subsets, counts of a given mean
	PriorLearned = "learned" // independent, with parameters of its own
)

// Values of Config.KL.
const (
	KLDiscrete = "discrete" // between the exactly discrete laws, whatever is sampled
	KLRelaxed  = "relaxed"  // between the laws that training samples from
)

// ConfigError is a value of a configuration that makes no sense.
type ConfigError struct {
	Key    string // as in JSON and on the command line
	Reason string
	Advice string // what to do about it; may be empty
	// Known is set if the value is a name that is not one of these, and then Unknown is that name.
	Known   []string
	Unknown string
	// Bare is set if the reason does not begin with the value.
	Bare bool
}

func (e *ConfigError) Error() string {
	if e.Known != nil {
		return fmt.Sprintf("unknown -%s %q; known: %s", e.Key, e.Unknown, strings.Join(e.Known, ", "))
	}
	if e.Bare {
		return fmt.Sprintf("-%s: %s", e.Key, e.Reason)
	}
	return fmt.Sprintf("-%s=%s", e.Key, e.Reason)
}

// Hint is the advice.
func (e *ConfigError) Hint() string { return e.Advice }

// plan is a validated configuration with everything looked up.
type plan struct {
	Config
	method      Method
	lr          optim.Schedule
	temperature optim.Schedule
	// learnedTemperature is where a learned temperature begins; 0: it is not learned.
	learnedTemperature float64
	correlation        [][]float64 // of the bits, if the method has one that is not learned
	codes              Codes
	layers             []int          // widths of the stochastic layers, the lowest first
	cvlr               optim.Schedule // of the estimator's own parameters
}

// resolve validates c and fills in what it leaves to the method. The first mistake found is a ConfigError.
func (c Config) resolve() (plan, error) {
	p := plan{Config: c}
	m, ok := method(c.Relax)
	if !ok {
		return p, &ConfigError{Key: "relax", Unknown: c.Relax, Known: MethodNames()}
	}
	p.method = m
	for _, n := range []struct {
		key          string
		value        int
		low, high    int
		what, advice string
	}{
		{"epochs", c.Epochs, 1, 1e6, "epochs", "-epochs=10 is the default"},
		{"batch", c.Batch, 1, 1e6, "images", "-batch=128 is the default"},
		{"latent", c.Latent, 1, 1e5, "latent variables", "-latent=20 is the default"},
		{"classes", c.Classes, 2, 1e5, "classes", "-classes=10 is the default"},
		{"iw", c.IW, 1, 1e4, "samples", "-iw=100 is the default"},
		{"train", c.TrainImages, 0, 1e9, "images", "-train=0 uses all of them"},
		{"test", c.TestImages, 0, 1e9, "images", "-test=0 uses all of them"},
	} {
		if n.value < n.low || n.value > n.high {
			return p, &ConfigError{Key: n.key, Reason: fmt.Sprintf("%d: needs %d to %d %s", n.value, n.low, n.high, n.what), Advice: n.advice}
		}
	}
	var err error
	if p.lr, err = schedule("lr", &p.LR, "-lr=0.001 is the default; -lr=cosine:1e-3:1e-5:4690 decays"); err != nil {
		return p, err
	}
	p.codes = m.Codes
	if err := p.resolveLayers(); err != nil {
		return p, err
	}
	if err := p.resolveHidden(); err != nil {
		return p, err
	}
	if err := p.resolveOptions(); err != nil {
		return p, err
	}
	if err := p.resolveKL(); err != nil {
		return p, err
	}
	if err := p.resolveTemperature(); err != nil {
		return p, err
	}
	if err := p.checkLayers(); err != nil {
		return p, err
	}
	if c.Prior != PriorUniform && c.Prior != PriorLearned {
		return p, &ConfigError{Key: "prior", Unknown: c.Prior, Known: []string{PriorUniform, PriorLearned}}
	}
	if !(c.Beta >= 0) || c.Beta > 1e6 {
		return p, &ConfigError{Key: "beta", Reason: fmt.Sprintf("%g: needs a number from 0 to 10⁶", c.Beta), Advice: "-beta=1 is the evidence bound"}
	}
	return p, nil
}

// Validate tells whether c can be run, apart from what only the data can tell. The error is a *ConfigError.
func (c Config) Validate() error {
	_, err := c.resolve()
	return err
}

// Resolved is c with everything filled in that it leaves to the method, as config.json shows it. The error is a
// *ConfigError.
func (c Config) Resolved() (Config, error) {
	p, err := c.resolve()
	return p.Config, err
}

// Bounds of learning rates and temperatures, well inside float32.
const (
	scheduleMin = 1e-30
	scheduleMax = 1e30
)

// schedule parses a schedule whose values must all be positive, and writes it out, so that 1e-3 and 0.001 are the same
// settings.
func schedule(key string, into *string, advice string) (optim.Schedule, error) {
	text := *into
	s, err := optim.Parse(text)
	if err != nil {
		return s, &ConfigError{Key: key, Reason: fmt.Sprintf("%s: not a number and not a schedule kind:from:to:steps", text), Advice: advice}
	}
	ends := []float64{s.From}
	if s.Kind != optim.Constant {
		ends = append(ends, s.To)
	}
	for _, v := range ends {
		switch {
		case !(v > 0):
			return s, &ConfigError{Key: key, Reason: text + ": must be positive", Advice: advice}
		case v < scheduleMin || v > scheduleMax:
			return s, &ConfigError{Key: key, Reason: fmt.Sprintf("%s: must be from %g to %g", text, scheduleMin, scheduleMax), Advice: advice}
		}
	}
	*into = s.String()
	return s, nil
}
