package vae

import (
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/optim"
	"relaxgo/internal/program"
	"relaxgo/relax"
)

func TestRegistry(t *testing.T) {
	var names []string
	for _, m := range Methods() {
		if !regexp.MustCompile(`^[a-z]+$`).MatchString(m.Name) || slices.Contains(names, m.Name) {
			t.Errorf("name %q: want lower-case letters, and each name once", m.Name)
		}
		names = append(names, m.Name)
		if m.Summary == "" || !regexp.MustCompile(` (19|20)\d\d$`).MatchString(m.Source) {
			t.Errorf("%s: summary %q, source %q", m.Name, m.Summary, m.Source)
		}
		if !slices.Contains([]Codes{Bits, OneHot, Counts, Subsets}, m.Codes) {
			t.Errorf("%s: codes %q", m.Name, m.Codes)
		}
		if m.Temperature != "" {
			if s, err := optim.Parse(m.Temperature); err != nil || !(s.From > 0) {
				t.Errorf("%s: default temperature %q: %v", m.Name, m.Temperature, err)
			}
		}
		if m.posterior == nil || m.trainRelaxed && m.relaxedKL == nil {
			t.Errorf("%s: posterior %t, relaxed divergence by default %t without one", m.Name, m.posterior != nil, m.trainRelaxed)
		}
		for _, key := range m.options {
			if !slices.Contains(OptionKeys(), key) || !m.Takes(key) {
				t.Errorf("%s: unknown option %q", m.Name, key)
			}
		}
		if m.Takes("temperature") != (m.Temperature != "") || m.Takes("kl") != (m.relaxedKL != nil) || m.Takes("epochs") || m.Takes("") {
			t.Errorf("%s: takes temperature %t, kl %t, epochs %t", m.Name, m.Takes("temperature"), m.Takes("kl"), m.Takes("epochs"))
		}
		if found, ok := method(m.Name); !ok || found.Name != m.Name {
			t.Errorf("%s is not found", m.Name)
		}
	}
	if !slices.Equal(MethodNames(), names) {
		t.Errorf("names %v, want %v", MethodNames(), names)
	}
	if _, ok := method(""); ok {
		t.Error("the empty name is a method")
	}
	var keys []string
	for i := range reflect.TypeFor[Config]().NumField() {
		keys = append(keys, jsonKey(i))
	}
	for _, key := range OptionKeys() {
		if !slices.Contains(keys, key) || len(takers(key)) == 0 {
			t.Errorf("option %q: is it a key of Config, and who takes it? %v", key, takers(key))
		}
	}
}

// TestTemperatureReaches: a method has a temperature if and only if it changes a training step.
func TestTemperatureReaches(t *testing.T) {
	for _, m := range Methods() {
		if m.estimator != nil { // a constant in its graph
			continue
		}
		tr := trained(t, small(m.Name), 2)
		if m.Temperature == "" {
			if tr.batch.temperature != nil {
				t.Errorf("%s has no temperature but takes one", m.Name)
			}
			continue
		}
		gradient := func(τ float32) []float32 {
			tr.batch.temperature[0] = τ
			if err := tr.batch.step.Run(); err != nil {
				t.Fatal(err)
			}
			return slices.Clone(tr.batch.step.Output(gradientOf("encoder.0.weight")))
		}
		if slices.Equal(gradient(0.5), gradient(0.7)) {
			t.Errorf("%s: two temperatures give one gradient", m.Name)
		}
	}
}

// A lawTest counts how often each cell of all possible codes is drawn. The cells of a count are the thirds, about, of its
// law.
type lawTest struct {
	r     *reference
	cells [][]float64 // probabilities of the cells of each variable
	cell  []func(value []float64) int
}

func newLawTest(r *reference) *lawTest {
	l := &lawTest{r: r}
	for _, c := range r.prior() {
		p, of := c.p, make([]int, len(c.p)) // the cell of each value
		if r.plan.codes == Counts {
			p = []float64{0}
			for i, v := range c.p {
				if last := len(p) - 1; last < 2 && p[last] > 0.3 {
					p = append(p, 0)
				}
				p[len(p)-1] += v
				of[i] = len(p) - 1
			}
		} else {
			for i := range of {
				of[i] = i
			}
		}
		l.cells = append(l.cells, p)
		l.cell = append(l.cell, func(value []float64) int {
			i := slices.IndexFunc(c.values, func(v []float64) bool { return slices.Equal(v, value) })
			if i < 0 {
				return -1
			}
			return of[i]
		})
	}
	return l
}

// pValue is the probability that draws of the law are as far from it as these codes, by Pearson's χ².
func (l *lawTest) pValue(t *testing.T, codes [][]float64) float64 {
	t.Helper()
	size, cells := len(codes[0])/len(l.cells), 1
	var sizes []int
	for _, p := range l.cells {
		sizes = append(sizes, len(p))
		cells *= len(p)
	}
	counts := make([]float64, cells)
	for _, code := range codes {
		cell := 0
		for n, of := range l.cell {
			i := of(code[n*size : (n+1)*size])
			if i < 0 {
				t.Fatalf("%s: the code %v", l.r.Relax, code)
			}
			cell = cell*sizes[n] + i
		}
		counts[cell]++
	}
	χ2 := 0.0
	for place := range places(sizes) {
		want, cell := float64(len(codes)), 0
		for n, i := range place {
			want *= l.cells[n][i]
			cell = cell*sizes[n] + i
		}
		if want < 5 {
			t.Fatalf("%s: %.1f codes are expected at %v, too few for the test", l.r.Relax, want, place)
		}
		χ2 += (counts[cell] - want) * (counts[cell] - want) / want
	}
	return distuv.ChiSquared{K: float64(cells - 1)}.Survival(χ2)
}

// leastP is what fixed seeds must reach in each of some fifty tests.
const leastP = 1e-3

// TestPriorCodes draws codes from the prior as the pictures of a run do, and holds them to the law that is stated for the
// kind of code.
func TestPriorCodes(t *testing.T) {
	const n = 10000
	for _, m := range Methods() {
		for _, change := range []func(*Config){func(*Config) {}, func(c *Config) {
			c.Classes, c.Latent = 4, 2
			c.Subset, c.Trials, c.Failures = 2, 3, 0.7
			if m.Codes == Subsets {
				c.Latent = 4
			}
		}} {
			c := small(m.Name)
			change(&c)
			tr := trained(t, c.For(m.Name), 3)
			prior, err := tr.imagination(n)
			if err != nil {
				t.Fatal(err)
			}
			fill(prior.noise, 5, "prior codes")
			if err := prior.code.Run(); err != nil {
				t.Fatal(err)
			}
			codes := slices.Collect(slices.Chunk(widen(prior.code.Output(outCode)), tr.codeSize()))
			if p := newLawTest(referenceTo(tr)).pValue(t, codes); !(p >= leastP) {
				t.Errorf("%s: the codes have the law of the prior with probability %.2g only", m.Name, p)
			}
		}
	}
}

// TestPosteriorAtZero: where the encoder's outputs are zero, codes have the law of the prior.
func TestPosteriorAtZero(t *testing.T) {
	const n = 10000
	for _, m := range Methods() {
		c := small(m.Name)
		if m.Name == "correlated" {
			c.Corr = CorrLearned // which is zero at first
		}
		tr := trained(t, c, 0)
		var inputs []noiseInput
		var code *G.Node
		g, err := program.Build(func(g *program.Graph[float32]) error {
			w, err := nn.Bind(g, tr.params)
			if err != nil {
				return err
			}
			head, err := g.Input("head", n, tr.headSize())
			if err != nil {
				return err
			}
			q, _, err := tr.laws(w, 0, head.Node, nil)
			if err != nil {
				return err
			}
			var specs []*G.Node
			if inputs, specs, err = noiseInputs(g, "noise", q.Noise()); err != nil {
				return err
			}
			if tr.method.Temperature != "" && tr.method.estimator == nil { // a draw needs one
				τ, err := relax.Temperature(head.Node, 0.3)
				if err != nil {
					return err
				}
				if q, _, err = tr.laws(w, 0, head.Node, τ); err != nil {
					return err
				}
			}
			draw, err := q.Rsample(specs...)
			if err != nil {
				return err
			}
			code, err = op.Reshape(draw.Hard, n, tr.codeSize())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p, err := program.Compile(g, program.Outputs{Plain: map[string]*G.Node{outCode: code}})
		if err != nil {
			t.Fatal(err)
		}
		fill(inputs, 6, "posterior codes")
		if err := p.Run(); err != nil {
			t.Fatal(err)
		}
		codes := slices.Collect(slices.Chunk(widen(p.Output(outCode)), tr.codeSize()))
		if p := newLawTest(referenceTo(tr)).pValue(t, codes); !(p >= leastP) {
			t.Errorf("%s: the codes have the law of the prior with probability %.2g only", m.Name, p)
		}
	}
}

// TestUniformClasses integrates the probabilities of the classes over the Gaussian priors: all are 1/K.
func TestUniformClasses(t *testing.T) {
	for classes := 2; classes <= 12; classes++ {
		ones := slices.Repeat([]float64{1}, classes-1)
		for name, p := range map[string][]float64{
			"largest": largestOf(uniformLargest(classes), ones),
			"stick":   broken(uniformStick(classes), ones),
		} {
			for k, v := range p {
				if want := 1 / float64(classes); len(p) != classes || !(math.Abs(v-want) <= 1e-10) {
					t.Errorf("%s: class %d of %d has probability %.12f, want %.12f", name, k, classes, v, want)
				}
			}
		}
	}
}

// TestEveryMethodLearns trains 60 steps on few images. An untrained decoder is about undecided about 784 pixels, which
// costs 784·log 2 = 543 nats, more where counts are large; one grey image for all would do with about 206.
func TestEveryMethodLearns(t *testing.T) {
	for _, c := range slices.Concat(everyMethod(), variants()) {
		t.Run(c.label(), func(t *testing.T) {
			c.LR = "0.01"
			tr := trained(t, c, 1)
			first := tr.lossSum / float64(tr.images)
			advance(t, tr, 59)
			last := tr.lossSum / float64(tr.images)
			most := 568.0
			if tr.method.Codes == Counts {
				most = 2000
			}
			if !(first > 518 && first < most) || !(last < 300) {
				t.Errorf("loss %.1f, then %.1f; want 518 to %.0f and less than 300", first, last, most)
			}
			for _, p := range tr.params.All() { // what is learned besides moves too
				if strings.Contains(p.Name, ".") && !strings.HasPrefix(p.Name, controlPrefix) {
					continue
				}
				if before := trained(t, c, 0).params.State()[p.Name]; slices.Equal(before, p.Data) {
					t.Errorf("%s stays %v", p.Name, before)
				}
			}
		})
	}
}

// TestQuality trains an epoch of 100 steps. The limits stand a twentieth above what was measured, a fiftieth where that is
// above 190: one image for all would reach 206 nats.
func TestQuality(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for some seconds")
	}
	limits := map[string]float64{
		"hardconcrete": 174, "relaxedbernoulli": 175, "correlated": 182, "gaussian": 199, "straightthrough": 179, "sts": 198,
		"gumbelsoftmax": 199, "stgumbelsoftmax": 197, "decoupled": 198, "igr": 201, "logisticnormal": 198, "stickbreaking": 197,
		"poisson": 176, "geometric": 195, "binomial": 172, "negativebinomial": 182, "topk": 180,
		"reinforce": 205, "nvil": 208, "muprop": 181, "rloo": 182, "doublecv": 185, "arm": 183, "disarm": 184, "arms": 182,
		"rebar": 180, "relax": 179, "reinmax": 178, "gumbelrao": 179, "gappedst": 179,
	}
	for _, name := range MethodNames() {
		c := DefaultConfig()
		c.Relax, c.Epochs, c.LR, c.TrainImages, c.TestImages, c.IW = name, 1, "0.003", 12800, 500, 10
		s := mustTrain(t, c, t.TempDir(), Options{})
		t.Logf("%s: train %.2f, test_loss %.2f, test_nelbo %.2f, test_nll %.2f, %.1f s", name, s.TrainLoss, s.TestLoss, s.TestNELBO, s.TestNLL, s.WallSeconds)
		if limit, ok := limits[name]; !ok || !(s.TestNELBO < limit) {
			t.Errorf("%s: test_nelbo %.1f, want less than %.0f", name, s.TestNELBO, limit)
		}
		if !(s.TestNLL < s.TestNELBO) {
			t.Errorf("%s: test_nll %.2f, want less than test_nelbo %.2f", name, s.TestNLL, s.TestNELBO)
		}
	}
}
