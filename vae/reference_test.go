package vae

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// reference is the model once more, in float64 and plain Go, row by row and term by term. What depends on the method is
// its description.
type reference struct {
	plan
	pixels  int
	weights map[string][]float64
	law     func(r *reference, h []float64) []float64 // of the description
	support int                                       // the largest count, once it is known
}

func referenceTo(t *trainer) *reference {
	r := &reference{plan: t.plan, pixels: t.pixels, weights: make(map[string][]float64), law: descriptions[t.Relax].law}
	for _, p := range t.params.All() {
		r.weights[p.Name] = widen(p.Data)
	}
	return r
}

func widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

func (r *reference) description() description { return descriptions[r.Relax] }

func (r *reference) network(side string, x []float64) []float64 {
	for layer := range len(r.Hidden) + 1 {
		w, b := r.weights[fmt.Sprintf("%s.%d.weight", side, layer)], r.weights[fmt.Sprintf("%s.%d.bias", side, layer)]
		y := slices.Clone(b)
		for i, v := range x {
			if v == 0 {
				continue
			}
			for j := range y {
				y[j] += v * w[i*len(y)+j]
			}
		}
		if layer < len(r.Hidden) {
			for j := range y {
				y[j] = math.Max(0, y[j])
			}
		}
		x = y
	}
	return x
}

// nll is −log p(x|code).
func (r *reference) nll(x, code []float64) float64 {
	sum := 0.0
	for i, l := range r.network("decoder", code) {
		p := 1 / (1 + math.Exp(-l))
		sum -= x[i]*math.Log(p) + (1-x[i])*math.Log1p(-p)
	}
	return sum
}

// groups cuts what the encoder gives, or noise, into what belongs to single variables.
func (r *reference) groups(x []float64) [][]float64 {
	return slices.Collect(slices.Chunk(x, len(x)/r.Latent))
}

// temperatureOr is the learned temperature, or else τ.
func (r *reference) temperatureOr(τ float64) float64 {
	if log, learned := r.weights[temperatureParam]; learned {
		return math.Exp(log[0])
	}
	return τ
}

// terms are a row's numbers: the training loss, the two bounds and the expected number of open gates.
type terms struct{ loss, soft, hard, open float64 }

func (r *reference) terms(x, noise []float64, τ float64) terms {
	return r.shifted(x, noise, τ, r.shift(x, noise, τ))
}

// shift is how far the code is from the sample that the gradient passes through, if the decoder takes the code.
func (r *reference) shift(x, noise []float64, τ float64) []float64 {
	d := r.description()
	soft, hard := d.draw(r, r.network("encoder", x), noise, r.temperatureOr(τ))
	if !d.straightThrough {
		return make([]float64, len(soft))
	}
	return plus(hard, scaled(soft, -1))
}

// shifted are the terms if the decoder takes the sample so far from where it is drawn. As a function of the weights, at a
// shift that stays what it was, this has the gradient that straight-through methods call that of the loss.
func (r *reference) shifted(x, noise []float64, τ float64, shift []float64) terms {
	τ = r.temperatureOr(τ)
	d := r.description()
	head := r.network("encoder", x)
	soft, hard := d.draw(r, head, noise, τ)
	discrete := d.discrete(r, head, noise, τ)
	divergence := discrete
	if r.KL == KLRelaxed {
		divergence = d.relaxed(r, head, noise, τ)
	}
	nll := r.nll(x, plus(soft, shift))
	t := terms{soft: nll + divergence, hard: r.nll(x, hard) + discrete}
	if r.L0 > 0 {
		t.open = d.open(head, τ)
	}
	t.loss = nll + r.Beta*divergence + r.L0*t.open
	return t
}

// rows cuts what a trainer's graph holds into rows, in float64.
func (t *trainer) rows() (x, noise [][]float64, τ float64) {
	x = slices.Collect(slices.Chunk(widen(t.batch.x), t.pixels))
	noise = slices.Collect(slices.Chunk(widen(t.batch.noise[0].data), len(t.batch.noise[0].data)/len(x)))
	if t.batch.temperature != nil {
		τ = float64(t.batch.temperature[0])
	}
	return x, noise, τ
}

// everyMethod is all methods with all divergences that they know.
func everyMethod() []Config {
	var list []Config
	for _, m := range Methods() {
		c := small(m.Name)
		c.Beta = 0.7
		for _, c.KL = range []string{KLDiscrete, KLRelaxed} {
			if c.KL == KLDiscrete || m.Takes("kl") {
				list = append(list, c)
			}
		}
	}
	return list
}

// variants are what the reference can draw from of these, with both priors, and some of the options.
func variants() []Config {
	list := slices.DeleteFunc(everyMethod(), func(c Config) bool { return descriptions[c.Relax].draw == nil })
	for _, c := range slices.Clone(list) {
		c.Prior = PriorLearned
		list = append(list, c)
	}
	for _, v := range []struct {
		method string
		change func(c *Config)
	}{
		{"hardconcrete", func(c *Config) { c.Hidden = []int{16, 12} }},
		{"gumbelsoftmax", func(c *Config) { c.Hidden = nil }},
		{"topk", func(c *Config) { c.Hidden = []int{9, 10, 11} }},
		{"hardconcrete", func(c *Config) { c.L0 = 3 }},
		{"hardconcrete", func(c *Config) { c.L0, c.KL, c.Temperature = 3, KLRelaxed, "learned" }},
		{"gaussian", func(c *Config) { c.L0 = 3 }},
		{"relaxedbernoulli", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned:0.8" }},
		{"correlated", func(c *Config) { c.Corr = "-0.8" }},
		{"correlated", func(c *Config) {
			c.Corr, c.Correlation = "m.csv", [][]float64{{1, 0.3, -0.2}, {0.3, 1, 0.6}, {-0.2, 0.6, 1}}
		}},
		{"correlated", func(c *Config) { c.Corr = CorrLearned }},
		{"correlated", func(c *Config) { c.Corr, c.KL, c.Temperature = CorrLearned, KLRelaxed, "learned" }},
		{"gumbelsoftmax", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned:2" }},
		{"igr", func(c *Config) { c.Temperature = "learned" }},
		{"stickbreaking", func(c *Config) { c.KL, c.Temperature = KLRelaxed, "learned:1.5" }},
		{"decoupled", func(c *Config) { c.Forward, c.Temperature = 2, "0.3" }},
		{"stgumbelsoftmax", func(c *Config) { c.Temperature = "exp:2:0.5:7" }},
		{"logisticnormal", func(c *Config) { c.Classes, c.Latent = 2, 4 }},
		{"binomial", func(c *Config) { c.Trials = 30 }},
		{"negativebinomial", func(c *Config) { c.Failures = 0.5 }},
		{"topk", func(c *Config) { c.Subset = 1 }},
		{"topk", func(c *Config) { c.Latent, c.Subset = 10, 9 }},
	} {
		c := small(v.method)
		c.Beta = 0.7
		v.change(&c)
		list = append(list, c)
	}
	return list
}

// label names a configuration by what sets it apart.
func (c Config) label() string {
	parts := []string{c.Relax}
	for _, o := range []struct {
		key   string
		value any
		shown bool
	}{
		{"kl", c.KL, c.KL != ""},
		{"prior", c.Prior, c.Prior == PriorLearned},
		{"codes", c.Codes, c.Codes != ""},
		{"layers", c.Layers, len(c.Layers) > 0},
		{"hidden", c.Hidden, !slices.Equal(c.Hidden, small(c.Relax).Hidden)},
		{"temperature", c.Temperature, c.Temperature != ""},
		{"l0", c.L0, c.L0 != 0},
		{"corr", c.Corr, c.Corr != ""},
		{"forward", c.Forward, c.Forward != 0},
		{"subset", c.Subset, c.Subset != 0},
		{"trials", c.Trials, c.Trials != 0},
		{"failures", c.Failures, c.Failures != 0},
	} {
		if o.shown {
			parts = append(parts, fmt.Sprintf("%s=%v", o.key, o.value))
		}
	}
	return strings.Join(parts, ",")
}

// TestRows compares every number that the graph gives for a row with the reference at the same noise. A row is a sum
// of 784 float32 terms and about 300 in all, of which float32 resolves 3e-5; ten of that is left for rounding inside.
func TestRows(t *testing.T) {
	const tolerance = 3e-4
	for _, c := range variants() {
		t.Run(c.label(), func(t *testing.T) {
			tr := trained(t, c, 2*smallPerEpoch)
			randomPrior(t, tr)
			oneBatch(t, tr)
			if err := tr.batch.step.Run(); err != nil {
				t.Fatal(err)
			}
			rows, loss := slices.Clone(tr.batch.step.Output(outRows)), tr.batch.step.Scalar(outLoss)
			if err := tr.batch.evaluate.Run(); err != nil {
				t.Fatal(err)
			}
			soft, hard := tr.batch.evaluate.Output(outSoft), tr.batch.evaluate.Output(outHard)
			open := make([]float32, len(rows))
			if c.L0 > 0 {
				open = tr.batch.evaluate.Output(outOpen)
			}
			r := referenceTo(tr)
			x, noise, τ := tr.rows()
			mean := 0.0
			for i := range x {
				want := r.terms(x[i], noise[i], τ)
				mean += want.loss / 12
				for _, pair := range []struct {
					name      string
					got, want float64
				}{
					{outRows, float64(rows[i]), want.loss},
					{outSoft, float64(soft[i]), want.soft},
					{outHard, float64(hard[i]), want.hard},
					{outOpen, float64(open[i]), want.open},
				} {
					if !(math.Abs(pair.got-pair.want) <= tolerance) {
						t.Errorf("row %d, %s: %.6f, want %.6f within %g", i, pair.name, pair.got, pair.want, tolerance)
					}
				}
			}
			if !(math.Abs(loss-mean) <= tolerance) {
				t.Errorf("loss %.6f, want the mean %.6f of the rows within %g", loss, mean, tolerance)
			}
			if r.description().straightThrough && !slices.Equal(soft, hard) {
				t.Error("the soft bound of an exactly discrete sample is not the hard one")
			}
		})
	}
}

// TestGradient compares the gradient of a training step on a short batch with central differences of the reference's
// loss. In float64 with h = 1e-5 these are right to about 1e-8 of the loss's scale (its ulp/h and h²), so that the
// tolerance is that of the float32 graph: 2e-5 of the tensor's largest element.
func TestGradient(t *testing.T) {
	const h, tolerance = 1e-5, 2e-5
	for _, c := range variants() {
		t.Run(c.label(), func(t *testing.T) {
			tr := trained(t, c, smallPerEpoch-1)
			randomPrior(t, tr)
			r := referenceTo(tr) // the weights before the short step
			advance(t, tr, 1)
			x, noise, τ := tr.rows()
			var shifts [][]float64
			for i := range smallLast {
				shifts = append(shifts, r.shift(x[i], noise[i], τ))
			}
			loss := func() float64 {
				sum := 0.0
				for i := range smallLast {
					sum += r.shifted(x[i], noise[i], τ, shifts[i]).loss / smallLast
				}
				return sum
			}
			for _, p := range tr.params.All() {
				if c.Prior == PriorLearned && p.Name != priorParam && p.Name != "encoder.1.bias" { // the others are as without it
					continue
				}
				grad := widen(tr.batch.step.Output(gradientOf(p.Name)))
				at, scale := 0, 0.0
				for i, g := range grad {
					if math.Abs(g) > scale {
						at, scale = i, math.Abs(g)
					}
				}
				if scale == 0 {
					t.Fatalf("%s: no gradient", p.Name)
				}
				w := r.weights[p.Name]
				places := []int{at, 0, len(w) / 3, len(w) / 2, 2 * len(w) / 3, len(w) - 1}
				slices.Sort(places)
				for _, i := range slices.Compact(places) {
					keep := w[i]
					w[i] = keep + h
					up := loss()
					w[i] = keep - h
					want := (up - loss()) / (2 * h)
					w[i] = keep
					if !(math.Abs(grad[i]-want) <= tolerance*scale) {
						t.Errorf("%s[%d]: gradient %.8g, want %.8g within %.2g", p.Name, i, grad[i], want, tolerance*scale)
					}
				}
			}
		})
	}
}
