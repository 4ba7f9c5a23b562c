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
		{"hidden none", func(c *Config) { c.Hidden = nil }, "", ""},
		{"hidden two", func(c *Config) { c.Hidden = []int{200, 100} }, "", ""},
		{"hidden layers most", func(c *Config) { c.Hidden = slices.Repeat([]int{3}, 100) }, "", ""},
		{"hidden layers more", func(c *Config) { c.Hidden = slices.Repeat([]int{3}, 101) }, "hidden", "-hidden=101 layers: at most 100"},
		{"hidden 0", func(c *Config) { c.Hidden = []int{200, 0} }, "hidden", "-hidden=0: needs 1 to"},
		{"hidden 1", func(c *Config) { c.Hidden = []int{1} }, "", ""},
		{"hidden most", func(c *Config) { c.Hidden = []int{1e5} }, "", ""},
		{"hidden more", func(c *Config) { c.Hidden = []int{1e5 + 1} }, "hidden", "100001"},
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

		{"correlated most", func(c *Config) { c.Relax, c.Latent = "correlated", 2000 }, "", ""},
		{"correlated more", func(c *Config) { c.Relax, c.Latent = "correlated", 2001 }, "latent", "at most 2000 bits can be correlated"},

		{"kl relaxed", func(c *Config) { c.KL = KLRelaxed }, "", ""},
		{"kl discrete", func(c *Config) { c.KL = KLDiscrete }, "", ""},
		{"kl unknown", func(c *Config) { c.KL = "foo" }, "kl", `unknown -kl "foo"; known: discrete, relaxed`},
		{"kl of discrete bits", func(c *Config) { c.Relax, c.KL = "straightthrough", KLRelaxed }, "kl", "straightthrough has one divergence only"},
		{"kl of discrete classes", func(c *Config) { c.Relax, c.KL = "stgumbelsoftmax", KLRelaxed }, "kl", "stgumbelsoftmax has one divergence only"},
		{"kl of Gaussian vectors", func(c *Config) { c.Relax, c.KL = "igr", KLRelaxed }, "kl", "igr has one divergence only"},

		{"beta 0", func(c *Config) { c.Beta = 0 }, "", ""},
		{"beta most", func(c *Config) { c.Beta = 1e6 }, "", ""},
		{"beta more", func(c *Config) { c.Beta = 1.1e6 }, "beta", "needs a number from 0 to"},
		{"beta negative", func(c *Config) { c.Beta = -1 }, "beta", "-beta=-1: needs a number from 0 to"},
		{"beta NaN", func(c *Config) { c.Beta = math.NaN() }, "beta", "-beta=NaN"},
		{"beta infinite", func(c *Config) { c.Beta = math.Inf(1) }, "beta", "-beta=+Inf"},

		{"prior learned", func(c *Config) { c.Prior = PriorLearned }, "", ""},
		{"prior none", func(c *Config) { c.Prior = "" }, "prior", `unknown -prior ""; known: uniform, learned`},
		{"prior unknown", func(c *Config) { c.Prior = "normal" }, "prior", `unknown -prior "normal"`},

		{"codes one-hot", func(c *Config) { c.Relax, c.Codes = "reinforce", OneHot }, "", ""},
		{"codes of no estimator", func(c *Config) { c.Relax, c.Codes = "reinforce", Counts }, "codes", `unknown -codes "counts"; known: bits, one-hot`},
		{"codes of one kind", func(c *Config) { c.Codes = Bits }, "codes", "hardconcrete does not take it"},
		{"cvlr", func(c *Config) { c.Relax, c.CVLR = "relax", "exp:1e-2:1e-3:100" }, "", ""},
		{"cvlr 0", func(c *Config) { c.Relax, c.CVLR = "relax", "0" }, "cvlr", "-cvlr=0: must be positive"},
		{"cvlr of nothing learned", func(c *Config) { c.Relax, c.CVLR = "arm", "0.1" }, "cvlr", "arm does not take it"},
		{"samples", func(c *Config) { c.Relax, c.Samples = "rloo", 7 }, "", ""},
		{"samples 1", func(c *Config) { c.Relax, c.Samples = "rloo", 1 }, "samples", "-samples=1: needs 2 to"},
		{"samples more", func(c *Config) { c.Relax, c.Samples = "rloo", 1001 }, "samples", "-samples=1001"},
		{"samples of one", func(c *Config) { c.Relax, c.Samples = "relax", 2 }, "samples", "relax does not take it"},
		{"temperature of an estimator", func(c *Config) { c.Relax, c.Temperature = "reinmax", "2" }, "", ""},
		{"temperature of an estimator, schedule", func(c *Config) { c.Relax, c.Temperature = "reinmax", "exp:2:1:100" }, "temperature", "is constant"},
		{"temperature of an estimator, learned", func(c *Config) { c.Relax, c.Temperature = "reinmax", "learned" }, "temperature", "no part of the loss"},

		{"temperature learned", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned" }, "", ""},
		{"temperature learned from", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned:0.5" }, "", ""},
		{"temperature learned from nothing", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned:" }, "", ""},
		{"temperature learned from 0", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned:0" }, "temperature", "must be positive"},
		{"temperature learned from a word", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned:low" }, "temperature", "low: not a number"},
		{"temperature learned and not parted", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned0.5" }, "temperature", "-temperature=learned0.5"},
		{"temperature learned along a schedule", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned:linear:1:0.5:10" }, "temperature", "begins at a number"},
		{"temperature learned by default divergence", func(c *Config) { c.Temperature = "learned" }, "temperature", "take -kl=relaxed"},
		{"temperature learned by discrete divergence", func(c *Config) { c.KL, c.Temperature = KLDiscrete, "learned" }, "temperature", "take -kl=relaxed"},
		{"temperature learned of a surrogate", func(c *Config) { c.Relax, c.Temperature = "stgumbelsoftmax", "learned" }, "temperature", "no part of the loss"},
		{"temperature learned of counts", func(c *Config) { c.Relax, c.Temperature = "poisson", "learned" }, "temperature", "no part of the loss"},
		{"temperature learned of subsets", func(c *Config) { c.Relax, c.Temperature = "topk", "learned:1" }, "temperature", "no part of the loss"},
		{"temperature learned of decoupled", func(c *Config) { c.Relax, c.Temperature = "decoupled", "learned" }, "temperature", "no part of the loss"},
		{"temperature learned of Gaussian vectors", func(c *Config) { c.Relax, c.Temperature = "igr", "learned" }, "", ""},
		{"temperature learned of sticks", func(c *Config) { c.Relax, c.KL, c.Temperature = "stickbreaking", KLRelaxed, "learned" }, "", ""},
		{"temperature learned of sticks, discrete", func(c *Config) { c.Relax, c.KL, c.Temperature = "stickbreaking", KLDiscrete, "learned" }, "temperature", "take -kl=relaxed"},
		{"temperature learned of none", func(c *Config) { c.Relax, c.Temperature = "logisticnormal", "learned" }, "temperature", "logisticnormal has no temperature"},

		{"l0", func(c *Config) { c.L0 = 0.1 }, "", ""},
		{"l0 most", func(c *Config) { c.Relax, c.L0 = "gaussian", 1e6 }, "", ""},
		{"l0 more", func(c *Config) { c.L0 = 1.1e6 }, "l0", "needs a number from 0 to"},
		{"l0 negative", func(c *Config) { c.L0 = -1 }, "l0", "-l0=-1: needs a number from 0 to"},
		{"l0 NaN", func(c *Config) { c.L0 = math.NaN() }, "l0", "-l0=NaN"},
		{"l0 of no gates", func(c *Config) { c.Relax, c.L0 = "relaxedbernoulli", 1 }, "l0", "-l0: relaxedbernoulli does not take it"},

		{"corr", func(c *Config) { c.Relax, c.Corr = "correlated", "0.9" }, "", ""},
		{"corr negative", func(c *Config) { c.Relax, c.Corr = "correlated", "-0.9" }, "", ""},
		{"corr 0", func(c *Config) { c.Relax, c.Corr = "correlated", "0" }, "", ""},
		{"corr 1", func(c *Config) { c.Relax, c.Corr = "correlated", "1" }, "corr", "-corr=1: must lie between"},
		{"corr −1", func(c *Config) { c.Relax, c.Corr = "correlated", "-1" }, "corr", "-corr=-1: must lie between"},
		{"corr nearly 1", func(c *Config) { c.Relax, c.Corr = "correlated", "0.9999999999999" }, "corr", "not positive definite"},
		{"corr NaN", func(c *Config) { c.Relax, c.Corr = "correlated", "nan" }, "corr", "-corr=nan: must lie between"},
		{"corr word", func(c *Config) { c.Relax, c.Corr = "correlated", "much" }, "corr", "-corr=much: not a number, not a file and not learned"},
		{"corr learned", func(c *Config) { c.Relax, c.Corr = "correlated", CorrLearned }, "", ""},
		{"corr matrix", func(c *Config) { c.Relax, c.Latent, c.Correlation = "correlated", 2, [][]float64{{1, 0.3}, {0.3, 1}} }, "", ""},
		{"corr named matrix", func(c *Config) {
			c.Relax, c.Latent, c.Corr, c.Correlation = "correlated", 2, "m.csv", [][]float64{{1, 0.3}, {0.3, 1}}
		}, "", ""},
		{"corr matrix of another size", func(c *Config) {
			c.Relax, c.Corr, c.Correlation = "correlated", "m.csv", [][]float64{{1, 0.3}, {0.3, 1}}
		}, "corr", "-corr=m.csv: a matrix for 2 bits where there are 20"},
		{"corr matrix, empty", func(c *Config) { c.Relax, c.Corr, c.Correlation = "correlated", "m.csv", [][]float64{} }, "corr", "a matrix for 0 bits"},
		{"corr matrix, not symmetric", func(c *Config) {
			c.Relax, c.Latent, c.Corr, c.Correlation = "correlated", 2, "m.csv", [][]float64{{1, 0.3}, {0.2, 1}}
		}, "corr", "-corr=m.csv: elements"},
		{"corr matrix, ragged", func(c *Config) {
			c.Relax, c.Latent, c.Corr, c.Correlation = "correlated", 2, "m.csv", [][]float64{{1, 0.3}, {0.3}}
		}, "corr", "-corr=m.csv: row 1"},
		{"corr matrix, not definite", func(c *Config) {
			c.Relax, c.Latent, c.Corr, c.Correlation = "correlated", 2, "m.csv", [][]float64{{1, 1.2}, {1.2, 1}}
		}, "corr", "not positive definite"},
		{"corr of independent bits", func(c *Config) { c.Corr = "0.5" }, "corr", "-corr: hardconcrete does not take it"},
		{"corr matrix of independent bits", func(c *Config) { c.Correlation = [][]float64{{1}} }, "corr", "-corr: hardconcrete does not take it"},

		{"forward", func(c *Config) { c.Relax, c.Forward = "decoupled", 0.3 }, "", ""},
		{"forward negative", func(c *Config) { c.Relax, c.Forward = "decoupled", -1 }, "forward", "-forward=-1: must be positive"},
		{"forward NaN", func(c *Config) { c.Relax, c.Forward = "decoupled", math.NaN() }, "forward", "-forward=NaN"},
		{"forward lost in float32", func(c *Config) { c.Relax, c.Forward = "decoupled", 1e-60 }, "forward", "-forward=1e-60"},
		{"forward infinite", func(c *Config) { c.Relax, c.Forward = "decoupled", math.Inf(1) }, "forward", "-forward=+Inf"},
		{"forward of one temperature", func(c *Config) { c.Relax, c.Forward = "stgumbelsoftmax", 1 }, "forward", "stgumbelsoftmax does not take it"},

		{"subset 1", func(c *Config) { c.Relax, c.Subset = "topk", 1 }, "", ""},
		{"subset all", func(c *Config) { c.Relax, c.Subset = "topk", 20 }, "", ""},
		{"subset more", func(c *Config) { c.Relax, c.Subset = "topk", 21 }, "subset", "-subset=21: needs 1 to 20"},
		{"subset negative", func(c *Config) { c.Relax, c.Subset = "topk", -1 }, "subset", "-subset=-1: needs 1 to 20"},
		{"subset of one bit", func(c *Config) { c.Relax, c.Latent = "topk", 1 }, "", ""},
		{"subset of any bits", func(c *Config) { c.Subset = 1 }, "subset", "hardconcrete does not take it"},

		{"trials 1", func(c *Config) { c.Relax, c.Trials = "binomial", 1 }, "", ""},
		{"trials most", func(c *Config) { c.Relax, c.Trials = "binomial", 1000 }, "", ""},
		{"trials more", func(c *Config) { c.Relax, c.Trials = "binomial", 1001 }, "trials", "-trials=1001: needs 1 to 1000 trials"},
		{"trials negative", func(c *Config) { c.Relax, c.Trials = "binomial", -1 }, "trials", "-trials=-1"},
		{"trials of a Poisson count", func(c *Config) { c.Relax, c.Trials = "poisson", 5 }, "trials", "poisson does not take it"},

		{"failures least", func(c *Config) { c.Relax, c.Failures = "negativebinomial", 0.1 }, "", ""},
		{"failures less", func(c *Config) { c.Relax, c.Failures = "negativebinomial", 0.09 }, "failures", "-failures=0.09: needs 0.1 to 1000"},
		{"failures most", func(c *Config) { c.Relax, c.Failures = "negativebinomial", 1000 }, "", ""},
		{"failures more", func(c *Config) { c.Relax, c.Failures = "negativebinomial", 1001 }, "failures", "-failures=1001"},
		{"failures NaN", func(c *Config) { c.Relax, c.Failures = "negativebinomial", math.NaN() }, "failures", "-failures=NaN"},
		{"failures of a geometric count", func(c *Config) { c.Relax, c.Failures = "geometric", 5 }, "failures", "geometric does not take it"},
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

// jsonKey is the key of a field of Config.
func jsonKey(field int) string {
	key, _, _ := strings.Cut(reflect.TypeFor[Config]().Field(field).Tag.Get("json"), ",")
	return key
}

// TestConfigKeys holds every field of Config to a key of its own in JSON, and the zero value to be refused.
func TestConfigKeys(t *testing.T) {
	var keys []string
	for i := range reflect.TypeFor[Config]().NumField() {
		key := jsonKey(i)
		if key == "" || slices.Contains(keys, key) {
			t.Errorf("field %s has the key %q", reflect.TypeFor[Config]().Field(i).Name, key)
		}
		keys = append(keys, key)
	}
	for _, m := range Methods() {
		c := DefaultConfig().For(m.Name)
		if m.Name == "correlated" {
			c.Latent, c.Corr, c.Correlation = 2, "m.csv", [][]float64{{1, 0.3}, {0.3, 1}}
		}
		c, err := c.Resolved()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back Config
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, c) {
			t.Errorf("%s reads back as %+v, %v", text, back, err)
		}
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
		if p.Config.Temperature != m.Temperature {
			t.Errorf("%s: temperature %q, want the default %q", m.Name, p.Config.Temperature, m.Temperature)
		}
		if want := map[bool]string{false: KLDiscrete, true: KLRelaxed}[m.trainRelaxed]; p.KL != want {
			t.Errorf("%s: divergence %q, want the default %q", m.Name, p.KL, want)
		}
		if again, err := p.Config.resolve(); err != nil || !reflect.DeepEqual(again.Config, p.Config) {
			t.Errorf("%s: the resolved configuration resolves to %+v, %v", m.Name, again.Config, err)
		}
		size, code := 20, []int{20}
		if m.Codes == OneHot {
			size, code = 200, []int{20, 10}
		}
		head, event := size, code
		if slices.Contains([]string{"igr", "logisticnormal", "stickbreaking"}, m.Name) {
			head, event = 360, []int{20, 18} // a location and a scale for all classes but one
		}
		if p.codeSize() != size || !slices.Equal(p.code(), code) || p.headSize() != head || !slices.Equal(p.event(), event) {
			t.Errorf("%s: code of %d, %v, encoder outputs of %d, %v; want %d, %v, %d, %v",
				m.Name, p.codeSize(), p.code(), p.headSize(), p.event(), size, code, head, event)
		}
	}
	for _, test := range []struct {
		method     string
		got, given func(c *Config) any
		want       any
	}{
		{"correlated", func(c *Config) any { return c.Corr }, nil, "0.5"},
		{"decoupled", func(c *Config) any { return c.Forward }, nil, 1.0},
		{"topk", func(c *Config) any { return c.Subset }, nil, 8},
		{"topk", func(c *Config) any { return c.Subset }, func(c *Config) any { c.Latent = 7; return nil }, 3},
		{"topk", func(c *Config) any { return c.Subset }, func(c *Config) any { c.Latent = 1; return nil }, 1},
		{"binomial", func(c *Config) any { return c.Trials }, nil, 10},
		{"negativebinomial", func(c *Config) any { return c.Failures }, nil, 10.0},
		{"hardconcrete", func(c *Config) any { return c.L0 }, nil, 0.0},
		{"hardconcrete", func(c *Config) any { return c.Corr }, nil, ""},
		{"correlated", func(c *Config) any { return len(c.Correlation) }, func(c *Config) any {
			c.Corr, c.Correlation = CorrLearned, [][]float64{{1}}
			return nil
		}, 0},
	} {
		c := DefaultConfig()
		c.Relax = test.method
		if test.given != nil {
			test.given(&c)
		}
		r, err := c.Resolved()
		if got := test.got(&r); err != nil || got != test.want {
			t.Errorf("%s: %v, %v, want %v", test.method, got, err, test.want)
		}
	}
	for text, want := range map[string]struct {
		from float64
		text string
	}{
		"learned": {0.6667, "learned:0.6667"}, "learned:": {0.6667, "learned:0.6667"}, "learned:25e-2": {0.25, "learned:0.25"},
		"0.3": {0, "0.3"}, "3e-1": {0, "0.3"}, "exp:1.0:5e-1:0010": {0, "exp:1:0.5:10"},
	} {
		c := DefaultConfig()
		c.KL, c.Temperature, c.LR = KLRelaxed, text, "1e-3"
		if p, err := c.resolve(); err != nil || p.learnedTemperature != want.from || p.Config.Temperature != want.text || p.LR != "0.001" {
			t.Errorf("-temperature=%s -lr=1e-3: learned from %v, resolved to %q and %q, %v; want %v and 0.001", text, p.learnedTemperature, p.Config.Temperature, p.LR, err, want)
		}
	}
}

// TestFor takes the configuration of every method, with all of its options given, to every other, which must take it.
func TestFor(t *testing.T) {
	given := func(name string) Config {
		c := DefaultConfig()
		c.Relax, c.Latent = name, 2
		m, _ := method(name)
		setters := map[string]func(){
			"temperature": func() { c.Temperature = "0.3" },
			"kl":          func() { c.KL = KLRelaxed },
			"l0":          func() { c.L0 = 2 },
			"corr":        func() { c.Corr, c.Correlation = "m.csv", [][]float64{{1, 0.3}, {0.3, 1}} },
			"forward":     func() { c.Forward = 0.4 },
			"subset":      func() { c.Subset = 2 },
			"trials":      func() { c.Trials = 3 },
			"failures":    func() { c.Failures = 1.5 },
			"codes":       func() { c.Codes = OneHot },
			"cvlr":        func() { c.CVLR = "0.01" },
			"samples":     func() { c.Samples = 6 },
		}
		for _, key := range OptionKeys() {
			switch set := setters[key]; {
			case set == nil:
				t.Fatalf("the test knows no value of %s", key)
			case m.Takes(key):
				set()
			}
		}
		return c
	}
	for _, from := range MethodNames() {
		c := given(from)
		if same := c.For(from); !reflect.DeepEqual(same, c) {
			t.Errorf("%s: for itself it is %+v, want %+v", from, same, c)
		}
		learned := c
		if learned.Temperature = "learned"; learned.Validate() != nil {
			learned = c
		}
		for _, to := range MethodNames() {
			for _, c := range []Config{c, learned} {
				got := c.For(to)
				if got.Relax != to {
					t.Errorf("from %s to %s: it is for %s", from, to, got.Relax)
				}
				if err := got.Validate(); err != nil {
					t.Errorf("from %s with -temperature=%s to %s: %v", from, c.Temperature, to, err)
				}
				m, _ := method(to)
				for _, o := range options() {
					if kept := o.given(&got); kept != (o.given(&c) && m.Takes(o.key)) {
						t.Errorf("from %s to %s: %s is kept: %t", from, to, o.key, kept)
					}
				}
				if (got.Temperature != "") && !m.Takes("temperature") || (got.KL != "") && !m.Takes("kl") {
					t.Errorf("from %s to %s: temperature %q, divergence %q", from, to, got.Temperature, got.KL)
				}
			}
		}
	}
	c := given("correlated")
	c.Relax = "nobody"
	if got := given("correlated").For("nobody"); !reflect.DeepEqual(got, c) {
		t.Errorf("for a method that is none: %+v", got)
	}
}
