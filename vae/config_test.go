package vae

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Config)
		key    string // of the ConfigError, empty if there is none
		reason string // a part of the message
	}{
		{"default", func(*Config) {}, "", ""},

		{"no relaxation", func(c *Config) { c.Relax = "" }, "relax", `unknown -relax ""; known: hardconcrete, `},
		{"unknown relaxation", func(c *Config) { c.Relax = "vimco" }, "relax", `unknown -relax "vimco"; known: hardconcrete, `},
		{"upper case", func(c *Config) { c.Relax = "HardConcrete" }, "relax", "unknown"},

		{"epochs 0", func(c *Config) { c.Epochs = 0 }, "epochs", "-epochs=0: needs 1 to 1000000 epochs"},
		{"epochs 1", func(c *Config) { c.Epochs = 1 }, "", ""},
		{"epochs most", func(c *Config) { c.Epochs = 1e6 }, "", ""},
		{"epochs more", func(c *Config) { c.Epochs = 1e6 + 1 }, "epochs", "1000001"},
		{"batch 0", func(c *Config) { c.Batch = 0 }, "batch", "-batch=0: needs 1 to"},
		{"batch 1", func(c *Config) { c.Batch = 1 }, "", ""},
		{"batch most", func(c *Config) { c.Batch = 1e6 }, "", ""},
		{"batch more", func(c *Config) { c.Batch = 1e6 + 1 }, "batch", "1000001"},
		{"layers -1", func(c *Config) { c.Layers = -1 }, "layers", "-layers=-1: needs 0 to"},
		{"layers 0", func(c *Config) { c.Layers = 0 }, "", ""},
		{"layers most", func(c *Config) { c.Layers = 100 }, "", ""},
		{"layers more", func(c *Config) { c.Layers = 101 }, "layers", "101"},
		{"hidden 0", func(c *Config) { c.Hidden = 0 }, "hidden", "-hidden=0: needs 1 to"},
		{"hidden 1", func(c *Config) { c.Hidden = 1 }, "", ""},
		{"hidden most", func(c *Config) { c.Hidden = 1e5 }, "", ""},
		{"hidden more", func(c *Config) { c.Hidden = 1e5 + 1 }, "hidden", "100001"},
		{"latent 0", func(c *Config) { c.Latent = 0 }, "latent", "-latent=0: needs 1 to 100000 latent variables"},
		{"latent 1", func(c *Config) { c.Latent = 1 }, "", ""},
		{"latent most", func(c *Config) { c.Latent = 1e5 }, "", ""},
		{"latent more", func(c *Config) { c.Latent = 1e5 + 1 }, "latent", "100001"},
		{"classes 1", func(c *Config) { c.Classes = 1 }, "classes", "-classes=1: needs 2 to"},
		{"classes 2", func(c *Config) { c.Classes = 2 }, "", ""},
		{"classes most", func(c *Config) { c.Classes = 1e5 }, "", ""},
		{"classes more", func(c *Config) { c.Classes = 1e5 + 1 }, "classes", "100001"},
		{"iw 0", func(c *Config) { c.IW = 0 }, "iw", "-iw=0: needs 1 to"},
		{"iw 1", func(c *Config) { c.IW = 1 }, "", ""},
		{"iw most", func(c *Config) { c.IW = 1e4 }, "", ""},
		{"iw more", func(c *Config) { c.IW = 1e4 + 1 }, "iw", "10001"},
		{"train -1", func(c *Config) { c.TrainImages = -1 }, "train", "-train=-1: needs 0 to"},
		{"train more", func(c *Config) { c.TrainImages = 1e9 + 1 }, "train", "1000000001"},
		{"test -1", func(c *Config) { c.TestImages = -1 }, "test", "-test=-1: needs 0 to"},
		{"test more", func(c *Config) { c.TestImages = 1e9 + 1 }, "test", "1000000001"},
		{"seed 0", func(c *Config) { c.Seed = 0 }, "", ""},
		{"seed most", func(c *Config) { c.Seed = math.MaxUint64 }, "", ""},

		{"lr schedule", func(c *Config) { c.LR = "cosine:1e-3:1e-5:4690" }, "", ""},
		{"lr warm-up", func(c *Config) { c.LR = "warmup:100:1e-3" }, "", ""},
		{"lr none", func(c *Config) { c.LR = "" }, "lr", "not a number"},
		{"lr word", func(c *Config) { c.LR = "fast" }, "lr", "-lr=fast: not a number"},
		{"lr 0", func(c *Config) { c.LR = "0" }, "lr", "-lr=0: must be positive"},
		{"lr negative", func(c *Config) { c.LR = "-0.001" }, "lr", "must be positive"},
		{"lr NaN", func(c *Config) { c.LR = "nan" }, "lr", "-lr=nan"},
		{"lr infinite", func(c *Config) { c.LR = "inf" }, "lr", "-lr=inf"},
		{"lr beyond float32", func(c *Config) { c.LR = "1e300" }, "lr", "must be from 1e-30 to 1e+30"},
		{"lr lost in float32", func(c *Config) { c.LR = "1e-300" }, "lr", "must be from 1e-30 to 1e+30"},
		{"lr reaches 0", func(c *Config) { c.LR = "linear:1e-3:0:100" }, "lr", "-lr=linear:1e-3:0:100: must be positive"},
		{"lr passes 0", func(c *Config) { c.LR = "cosine:1e-3:-1e-3:100" }, "lr", "must be positive"},
		{"lr no steps", func(c *Config) { c.LR = "linear:1e-3:1e-4:0" }, "lr", "linear:1e-3:1e-4:0"},

		{"temperature", func(c *Config) { c.Temperature = "0.5" }, "", ""},
		{"temperature schedule", func(c *Config) { c.Temperature = "exp:1:0.5:4690" }, "", ""},
		{"temperature 0", func(c *Config) { c.Temperature = "0" }, "temperature", "-temperature=0: must be positive"},
		{"temperature negative", func(c *Config) { c.Temperature = "-1" }, "temperature", "-temperature=-1: must be positive"},
		{"temperature word", func(c *Config) { c.Temperature = "abc" }, "temperature", "-temperature=abc: not a number"},
		{"temperature lost in float32", func(c *Config) { c.Temperature = "1e-60" }, "temperature", "must be from"},
		{"temperature reaches 0", func(c *Config) { c.Temperature = "linear:1:0:10" }, "temperature", "must be positive"},
		{"temperature ends beyond float32", func(c *Config) { c.Temperature = "linear:1:1e60:10" }, "temperature", "must be from"},
		{"temperature of none", func(c *Config) { c.Relax, c.Temperature = "straightthrough", "1" }, "temperature", "straightthrough has no temperature"},

		{"kl relaxed", func(c *Config) { c.KL = KLRelaxed }, "", ""},
		{"kl none", func(c *Config) { c.KL = "" }, "kl", `unknown -kl ""; known: discrete, relaxed`},
		{"kl unknown", func(c *Config) { c.KL = "foo" }, "kl", `unknown -kl "foo"; known: discrete, relaxed`},
		{"kl of discrete bits", func(c *Config) { c.Relax, c.KL = "straightthrough", KLRelaxed }, "kl", "the samples of straightthrough are discrete"},
		{"kl of discrete classes", func(c *Config) { c.Relax, c.KL = "stgumbelsoftmax", KLRelaxed }, "kl", "the samples of stgumbelsoftmax are discrete"},

		{"beta 0", func(c *Config) { c.Beta = 0 }, "", ""},
		{"beta most", func(c *Config) { c.Beta = 1e6 }, "", ""},
		{"beta more", func(c *Config) { c.Beta = 1.1e6 }, "beta", "needs a number from 0 to"},
		{"beta negative", func(c *Config) { c.Beta = -1 }, "beta", "-beta=-1: needs a number from 0 to"},
		{"beta NaN", func(c *Config) { c.Beta = math.NaN() }, "beta", "-beta=NaN"},
		{"beta infinite", func(c *Config) { c.Beta = math.Inf(1) }, "beta", "-beta=+Inf"},
	} {
		c := DefaultConfig()
		test.change(&c)
		err := c.Validate()
		if test.key == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		var mistake *ConfigError
		if !errors.As(err, &mistake) || mistake.Key != test.key || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: error %v, want a ConfigError for %s with %q", test.name, err, test.key, test.reason)
			continue
		}
		if (hint(err) == "") != (mistake.Known != nil) {
			t.Errorf("%s: hint %q, known %q: want one of the two", test.name, hint(err), mistake.Known)
		}
	}
}

// TestConfigKeys holds every field of Config to a key of its own in JSON, and the zero value to be refused.
func TestConfigKeys(t *testing.T) {
	var keys []string
	for i := range reflect.TypeFor[Config]().NumField() {
		key := reflect.TypeFor[Config]().Field(i).Tag.Get("json")
		if key == "" || strings.Contains(key, ",") || slices.Contains(keys, key) {
			t.Errorf("field %s has the key %q", reflect.TypeFor[Config]().Field(i).Name, key)
		}
		keys = append(keys, key)
	}
	text, err := json.Marshal(DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	var back Config
	if err := json.Unmarshal(text, &back); err != nil || back != DefaultConfig() {
		t.Errorf("%s reads back as %+v, %v", text, back, err)
	}
	if (Config{}).Validate() == nil {
		t.Error("the zero configuration is taken")
	}
}

// TestResolve fills in what a configuration leaves to the method.
func TestResolve(t *testing.T) {
	for _, m := range Methods() {
		c := DefaultConfig()
		c.Relax = m.Name
		p, err := c.resolve()
		if err != nil {
			t.Fatal(err)
		}
		if p.Temperature != m.Temperature {
			t.Errorf("%s: temperature %q, want the default %q", m.Name, p.Temperature, m.Temperature)
		}
		if again, err := p.Config.resolve(); err != nil || again.Config != p.Config {
			t.Errorf("%s: the resolved configuration resolves to %+v, %v", m.Name, again.Config, err)
		}
		size, event := 20, []int{20}
		if m.Categorical {
			size, event = 200, []int{20, 10}
		}
		if p.codeSize() != size || !slices.Equal(p.event(), event) {
			t.Errorf("%s: code of %d, event %v, want %d, %v", m.Name, p.codeSize(), p.event(), size, event)
		}
	}
}
