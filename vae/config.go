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
	Layers      int          `json:"layers"`      // hidden layers of the encoder and of the decoder; 0: linear
	Hidden      int          `json:"hidden"`      // width of a hidden layer
	Latent      int          `json:"latent"`      // number of latent variables
	Classes     int          `json:"classes"`     // classes of each, if the method's latents are categorical
	Temperature string       `json:"temperature"` // a number or a schedule over steps; empty: the method's default
	KL          string       `json:"kl"`          // divergence in the training loss: "discrete" or "relaxed"
	Beta        float64      `json:"beta"`        // weight of the divergence in the training loss
	Targets     data.Targets `json:"binarize"`    // what pixels become
	IW          int          `json:"iw"`          // discrete samples of the importance-weighted bound
	TrainImages int          `json:"train"`       // use the first so many training images; 0: all
	TestImages  int          `json:"test"`        // use the first so many test images; 0: all
}

// DefaultConfig is the recipe of the report's demos: 784-400-20-400-784, Adam at 10⁻³, batch 128, 10 epochs, grey
// targets.
func DefaultConfig() Config {
	return Config{
		Relax: "hardconcrete", Seed: 1, Epochs: 10, Batch: 128, LR: "0.001",
		Layers: 1, Hidden: 400, Latent: 20, Classes: 10, KL: KLDiscrete, Beta: 1, IW: 100,
	}
}

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
	method      Method
	lr          optim.Schedule
	temperature optim.Schedule
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
		{"layers", c.Layers, 0, 100, "hidden layers", "-layers=1 is the default, 0 makes encoder and decoder linear"},
		{"hidden", c.Hidden, 1, 1e5, "units", "-hidden=400 is the default"},
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
	if p.lr, err = schedule("lr", c.LR, "-lr=0.001 is the default; -lr=cosine:1e-3:1e-5:4690 decays"); err != nil {
		return p, err
	}
	switch {
	case m.Temperature == "":
		if c.Temperature != "" {
			return p, &ConfigError{Key: "temperature", Reason: c.Temperature + ": " + m.Name + " has no temperature", Advice: "leave -temperature out"}
		}
	default:
		if c.Temperature == "" {
			p.Temperature = m.Temperature
		}
		p.temperature, err = schedule("temperature", p.Temperature, fmt.Sprintf("-temperature=%s is the default; -temperature=exp:1:0.5:4690 anneals", m.Temperature))
		if err != nil {
			return p, err
		}
	}
	switch c.KL {
	case KLDiscrete:
	case KLRelaxed:
		if m.relaxedKL == nil {
			return p, &ConfigError{Key: "kl", Reason: "relaxed: the samples of " + m.Name + " are discrete", Advice: "use -kl=discrete"}
		}
	default:
		return p, &ConfigError{Key: "kl", Unknown: c.KL, Known: []string{KLDiscrete, KLRelaxed}}
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

// Bounds of learning rates and temperatures, well inside float32.
const (
	scheduleMin = 1e-30
	scheduleMax = 1e30
)

// schedule parses a schedule whose values must all be positive.
func schedule(key, text, advice string) (optim.Schedule, error) {
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
	return s, nil
}

// headSize is the number of outputs of the encoder, codeSize that of the decoder's inputs: one logit and one input
// per bit or per class.
func (p plan) codeSize() int {
	if p.method.Categorical {
		return p.Latent * p.Classes
	}
	return p.Latent
}

// event is the shape of a row's latent variables.
func (p plan) event() []int {
	if p.method.Categorical {
		return []int{p.Latent, p.Classes}
	}
	return []int{p.Latent}
}
