package vae

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"

	"relaxgo/relax/noise"
)

// exactGradients are the gradients of the exact loss, by central differences of the sum over all codes of all layers. They
// do not depend on how the loss is estimated.
type exactGradients struct {
	loss float64
	grad map[string][]float64
}

// expectation enumerates the loss of a model on some images and differentiates it with respect to every parameter. In
// float64 with h = 1e-5 the differences are right to about 1e-9.
func expectation(tr *trainer, images [][]float64) exactGradients {
	const h = 1e-5
	r := referenceTo(tr)
	loss := func() (sum float64) {
		for _, x := range images {
			for _, p := range r.paths(x) {
				sum += p.q * p.bound(r.Beta) / float64(len(images))
			}
		}
		return sum
	}
	e := exactGradients{loss: loss(), grad: make(map[string][]float64)}
	for _, s := range tr.batch.slots {
		e.grad[s.Name] = r.slope(s.Name, h, loss)
	}
	return e
}

// unbiasedCases are the estimators with all their codes on one, two and three layers. In biased are those of which only
// what is not an encoder has the exact gradient, for which training must draw exactly discrete codes.
func unbiasedCases() (cases []Config, biased map[string]bool) {
	biased = make(map[string]bool)
	for _, m := range Methods() {
		switch {
		case m.estimator != nil:
			biased[m.Name] = !m.estimator(plan{}).Info().Unbiased
		case m.Name == "straightthrough" || m.Name == "stgumbelsoftmax" || m.Name == "decoupled":
			biased[m.Name] = true
		default:
			continue
		}
		for _, codes := range []Codes{Bits, OneHot} {
			shapes := [][]int{nil, {3, 2}}
			if codes == OneHot {
				shapes = [][]int{nil, {2, 2}}
			}
			switch m.Name {
			case "reinforce", "muprop", "rebar", "disarm":
				three := []int{2, 1, 2}
				if codes == OneHot {
					three = []int{1, 2, 1}
				}
				shapes = append(shapes, three)
			}
			for _, layers := range shapes {
				c := layered(m.Name, layers...)
				if layers == nil {
					c.Beta, c.Latent = 0.7, shapes[1][0]
				}
				if m.Takes("codes") {
					c.Codes = codes
				} else if codes != m.Codes {
					continue
				}
				cases = append(cases, c)
			}
		}
	}
	return cases, biased
}

// TestUnbiased is what training rests on: over many draws the mean gradient of a step is the gradient of the exact bound of
// discrete codes, for every parameter – of the encoders and decoders of all layers and of a learned prior – and whatever
// the parameters of a control variate are. Means of batches are as good as normal, so that Student's law says how many
// standard errors are too many: as many as one of some 2500 projections, or one of some 25 000 single entries, exceeds
// once in 40 times.
func TestUnbiased(t *testing.T) {
	const images, rows = 2, 512
	runs := 64
	if testing.Short() {
		runs = 24
	}
	student := distuv.StudentsT{Sigma: 1, Nu: float64(runs - 1)}
	some, rare := student.Quantile(1-0.5e-5), student.Quantile(1-0.5e-6)
	exact := make(map[string]exactGradients)
	cases, biased := unbiasedCases()
	for _, c := range cases {
		if testing.Short() && len(c.Layers) != 2 {
			continue
		}
		t.Run(c.label(), func(t *testing.T) {
			c.Batch = rows
			tr := tiny(t, c)
			randomise(tr, 0.5)
			for i := range rows { // the first images again and again
				copy(tr.batch.x[i*tr.pixels:], xs(tr, i%images))
			}
			tr.setWeights(rows)
			tr.setTemperature()
			for _, p := range tr.params.All() {
				if strings.HasSuffix(p.Name, "baseline.constant") {
					p.Data[0] += 10 // about what it predicts
				}
			}
			key := fmt.Sprint(tr.codes, tr.layers)
			if _, known := exact[key]; !known {
				exact[key] = expectation(tr, slices.Collect(slices.Chunk(widen(tr.batch.x[:images*tr.pixels]), tr.pixels)))
			}
			want := exact[key]

			draws := make(map[string][][]float64) // gradients of each run
			for i := range runs {
				fill(tr.batch.noise, 7, "unbiased", i)
				if err := tr.batch.step.Run(); err != nil {
					t.Fatal(err)
				}
				draws[outLoss] = append(draws[outLoss], []float64{tr.batch.step.Scalar(outLoss)})
				for _, s := range tr.batch.gradient(tr.batch.slots) {
					draws[s.Name] = append(draws[s.Name], widen(s.Grad))
				}
			}
			compare := func(name string, draws [][]float64, direction []float64, want, errors float64) {
				t.Helper()
				mean, deviation := projected(draws, direction)
				if tolerance := errors*deviation + 1e-5*math.Max(1, math.Abs(want)); !(math.Abs(mean-want) <= tolerance) {
					t.Errorf("%s: mean %.5f ± %.5f, want %.5f within %.2g", name, mean, deviation, want, tolerance)
				}
			}
			compare(outLoss, draws[outLoss], []float64{1}, want.loss, some)
			for _, s := range tr.batch.slots {
				if biased[c.Relax] && strings.HasPrefix(s.Name, encoderName) {
					continue
				}
				grad := want.grad[s.Name]
				norm := math.Sqrt(inner(grad, grad))
				along := scaled(grad, 1/norm)
				compare(s.Name+" along the gradient", draws[s.Name], along, norm, some)
				if _, deviation := projected(draws[s.Name], along); !testing.Short() && !(deviation <= norm/5) {
					t.Errorf("%s: %.5f ± %.5f tells too little", s.Name, norm, deviation)
				}
				for i := range 3 {
					direction := make([]float64, len(grad))
					noise.Fill(noise.NewSource(3, s.Name, i), noise.Normal, direction)
					compare(fmt.Sprint(s.Name, " along direction ", i), draws[s.Name], direction, inner(grad, direction), some)
				}
				for i := range grad {
					compare(fmt.Sprintf("%s[%d]", s.Name, i), draws[s.Name], oneHot(i, len(grad)), grad[i], rare)
				}
			}
		})
	}
}

// xs are the pixels of a training image as the graph takes them.
func xs(tr *trainer, image int) []float32 {
	var x []float32
	for _, v := range tr.set.Train.Image(image) {
		x = append(x, float32(v)/255)
	}
	return x
}

func inner(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// projected is the mean of vectors along a direction, and its standard error.
func projected(draws [][]float64, direction []float64) (mean, deviation float64) {
	var values []float64
	n := float64(len(draws))
	for _, d := range draws {
		values = append(values, inner(d, direction))
		mean += values[len(values)-1] / n
	}
	for _, v := range values {
		deviation += (v - mean) * (v - mean) / (n - 1)
	}
	return mean, math.Sqrt(deviation / n)
}

// tuners are the estimators that learn something.
func tuners() (list []Config) {
	for _, m := range Methods() {
		if !m.Takes("cvlr") {
			continue
		}
		list = append(list, layered(m.Name), layered(m.Name, 3, 2))
		if m.Takes("codes") {
			c := layered(m.Name)
			c.Codes, c.Latent = OneHot, 2
			list = append(list, c)
		}
	}
	return list
}

// TestTuning compares the gradients of what estimators learn with central differences of what is to be minimised: the
// squared error of a baseline, or Σĝ² of the logits of every layer, which the gradients of the biases behind them give.
func TestTuning(t *testing.T) {
	for _, c := range tuners() {
		if len(c.Layers) > 0 && (c.Relax == "doublecv" || c.Relax == "muprop") { // not told apart by these gradients, or these means
			continue
		}
		t.Run(c.label(), func(t *testing.T) {
			c.Batch = 1
			tr := tiny(t, c)
			randomise(tr, 0.5)
			oneBatch(t, tr)
			noises, _ := tr.noiseRows()
			x := widen(tr.batch.x)
			tuning := func() float64 {
				if c.Relax == "reinforce" || c.Relax == "nvil" || c.Relax == "muprop" {
					return referenceTo(tr).squaredError(x, noises[0])
				}
				if err := tr.batch.step.Run(); err != nil {
					t.Fatal(err)
				}
				return referenceTo(tr).squaredGradient(tr, x, noises[0])
			}
			total := tuning()
			if err := tr.batch.step.Run(); err != nil {
				t.Fatal(err)
			}
			grads := make(map[string][]float64)
			for _, s := range tr.batch.gradient(tr.batch.control) {
				grads[s.Name] = widen(s.Grad)
			}
			// In most parameters what is minimised is a square, for which differences over any distance are exact. In others
			// they are wrong by about h² of the gradient, and float32 resolves 10⁻⁷ or so of the total.
			const h = 0.02
			for _, s := range tr.batch.control {
				grad := grads[s.Name]
				scale := math.Max(slices.Max(grad), -slices.Min(grad))
				if scale == 0 && !strings.HasSuffix(s.Name, "hidden.weight") { // of a net that looks at a code of zeros
					t.Errorf("%s: no gradient", s.Name)
				}
				for i := 0; i < len(grad); i += 1 + len(grad)/20 {
					keep := s.Value[i]
					s.Value[i] = keep + h
					up := tuning()
					s.Value[i] = keep - h
					want := (up - tuning()) / (2 * h)
					s.Value[i] = keep
					if tolerance := 1e-3*scale + 1e-6*total/h; !(math.Abs(grad[i]-want) <= tolerance) {
						t.Errorf("%s[%d]: gradient %.6g, want %.6g within %.2g", s.Name, i, grad[i], want, tolerance)
					}
				}
			}
		})
	}
}

// squaredError is what baselines minimise for an image, over all layers.
func (r *reference) squaredError(x []float64, noises [][]float64) (sum float64) {
	below := pixelNLL(x)
	for l, in := 0, x; l < len(r.layers); l++ {
		head := r.side("encoder", l, in)
		code := r.evaluated(l, head, noises[l:l+1])[0]
		signal, _ := r.ascended(l, in, below, noises, 0, nil)
		if r.Relax == "muprop" { // what the expansion around the mean leaves
			s := r.layer(l)
			var mean []float64
			for _, h := range s.groups(head) {
				p := r.law(s, h)
				if r.plan.codes == Bits {
					p = p[1:]
				}
				mean = append(mean, p...)
			}
			at := func() float64 { return below(r.side("decoder", l, mean)) }
			signal -= at()
			for i, p := range mean {
				const h = 1e-5
				mean[i] = p + h
				up := at()
				mean[i] = p - h
				slope := (up - at()) / (2 * h)
				mean[i] = p
				signal -= slope * (code[i] - p)
			}
		}
		name := func(s string) []float64 { return r.weights[controlName(l, "baseline."+s)] }
		baseline := name("constant")[0]
		for j, w := range name("output.weight") {
			hidden := name("hidden.bias")[j]
			for i, v := range in {
				hidden += v * name("hidden.weight")[i*len(name("hidden.bias"))+j]
			}
			baseline += w * math.Tanh(hidden)
		}
		sum += (signal - baseline) * (signal - baseline)
		below = func(output []float64) float64 { return r.codeNLL(l, output, code) }
		in = code
	}
	return sum
}

// squaredGradient is Σĝ² over the logits of all layers, for a batch of one image: the gradient of a bias is ĝ and that of
// the divergence or the entropy.
func (r *reference) squaredGradient(tr *trainer, x []float64, noises [][]float64) (sum float64) {
	per := len(noises) / len(r.layers)
	for l, in := 0, x; l < len(r.layers); l++ {
		head := r.side("encoder", l, in)
		r.weights["head"] = head
		known := r.slope("head", 1e-5, func() float64 { return r.known(l, head) })
		for i, g := range widen(tr.batch.step.Output(gradientOf(layerName(encoderName, l, len(r.Hidden)) + ".bias"))) {
			sum += (g - known[i]) * (g - known[i])
		}
		in = r.evaluated(l, head, noises[l*per:(l+1)*per])[0]
	}
	return sum
}

// TestControlRate: what an estimator learns moves at -cvlr and nothing else does.
func TestControlRate(t *testing.T) {
	for _, c := range tuners() {
		for _, test := range []struct{ lr, cvlr string }{{"0.1", "1e-30"}, {"1e-30", "0.1"}} {
			c.LR, c.CVLR, c.Batch = test.lr, test.cvlr, 10
			before, tr := tiny(t, c).params.State(), tiny(t, c)
			advance(t, tr, 3) // a net moves when its output layer has
			controls := 0
			for _, p := range tr.params.All() {
				control := strings.HasPrefix(p.Name, controlPrefix)
				if control {
					controls++
				}
				rate := test.lr
				if control {
					rate = test.cvlr
				}
				// A weight behind a unit that is always off does not move, most do. One that is zero moves even at the lowest rate.
				moved := 0
				for i, v := range p.Data {
					if math.Abs(float64(v-before[p.Name][i])) > 1e-20 {
						moved++
					}
				}
				if rate == "0.1" && 2*moved < len(p.Data) || rate != "0.1" && moved > 0 {
					t.Errorf("%s, -lr=%s -cvlr=%s: %d of %d numbers of %s have moved", c.label(), test.lr, test.cvlr, moved, len(p.Data), p.Name)
				}
			}
			if controls == 0 || controls != len(tr.batch.control) {
				t.Errorf("%s: %d control parameters, %d of them updated", c.label(), controls, len(tr.batch.control))
			}
		}
	}
}

// TestEmptyRows: whatever the rows behind the last image hold, neither the gradients nor what is learned depends on it.
func TestEmptyRows(t *testing.T) {
	const images = 7
	for _, c := range layeredCases() {
		tr := tiny(t, c)
		randomise(tr, 0.5)
		oneBatch(t, tr)
		tr.setWeights(images)
		outputs := func() map[string][]float32 {
			if err := tr.batch.step.Run(); err != nil {
				t.Fatal(err)
			}
			m := map[string][]float32{outLoss: slices.Clone(tr.batch.step.Output(outLoss))}
			for _, p := range tr.params.All() {
				m[p.Name] = slices.Clone(tr.batch.step.Output(gradientOf(p.Name)))
			}
			return m
		}
		before := outputs()
		for _, in := range append([]noiseInput{{data: tr.batch.x}}, tr.batch.noise...) {
			row := len(in.data) / c.Batch
			if n := tr.Samples; c.Relax == "gumbelrao" && row%n == 0 { // as many batches one after another
				row /= n
			}
			for i := range in.data {
				if i/row%c.Batch >= images {
					in.data[i] = 0.25 + float32(i%7)
				}
			}
		}
		for name, after := range outputs() {
			if !slices.Equal(after, before[name]) {
				t.Errorf("%s: %s depends on rows that hold no image", c.label(), name)
			}
		}
	}
}

// TestLearnedResumes: the parameters of estimators and of a prior are part of a checkpoint, with their moments.
func TestLearnedResumes(t *testing.T) {
	cases := []Config{layered("rebar", 3, 2), layered("relax", 2, 2), layered("nvil"), layered("gumbelsoftmax"), layered("poisson"), layered("correlated")}
	cases[1].Codes = OneHot
	if testing.Short() {
		cases = cases[:1]
	}
	for _, c := range cases {
		t.Run(c.label(), func(t *testing.T) {
			c.Epochs = 2
			undisturbed, dir := t.TempDir(), t.TempDir()
			want := mustTrain(t, c, undisturbed, Options{})
			interrupted(t, c, dir, false, step(7))
			got := mustTrain(t, c, dir, Options{Resume: true})
			sameRun(t, dir, undisturbed, got, want)
			kept := checkpoint(t, dir).Tensors
			for _, p := range trained(t, c, 0).params.All() {
				for _, name := range []string{prefixParam + p.Name, prefixMoment + p.Name + "/m", prefixSteps + p.Name} {
					if _, ok := kept[name]; !ok {
						t.Errorf("the checkpoint has no %s", name)
					}
				}
			}
			if trained(t, c, 0).params.State()[priorParam] == nil {
				t.Error("there is no learned prior")
			}
		})
	}
}

// TestIndependentNoise: no two noise inputs of a model have anything to do with each other, of one step or of two.
func TestIndependentNoise(t *testing.T) {
	for _, c := range []Config{
		layered("rebar", 3, 2), layered("arms", 3, 2), layered("muprop", 2, 2, 2), layered("gumbelrao", 2, 2), layered("relaxedbernoulli", 3, 2),
	} {
		t.Run(c.label(), func(t *testing.T) {
			c.Batch = 1000
			tr := tiny(t, c)
			var inputs [][]float32
			keep := func(noises []noiseInput) {
				for _, in := range noises {
					inputs = append(inputs, slices.Clone(in.data))
				}
			}
			f := newFeed(tr.train, tr.pixels, tr.batch.noise, tr.Seed, 0, 2)
			defer f.close()
			for range 2 {
				if _, err := f.take(tr.batch); err != nil {
					t.Fatal(err)
				}
				keep(tr.batch.noise)
			}
			prior, err := tr.imagination(1000)
			if err != nil {
				t.Fatal(err)
			}
			weights, err := tr.weigher(1000)
			if err != nil {
				t.Fatal(err)
			}
			fill(prior.noise, tr.Seed, "pictures/prior")
			fill(weights.noise, tr.Seed, "test/weights", 0)
			keep(prior.noise)
			keep(weights.noise)
			if least := 4 * len(c.Layers); len(inputs) < least {
				t.Errorf("%d noise inputs, want %d or more", len(inputs), least)
			}
			for i, a := range inputs {
				for j, b := range inputs[:i] {
					n := min(len(a), len(b))
					ρ := stat.Correlation(widen(a[:n]), widen(b[:n]), nil)
					if !(math.Abs(ρ) <= 5/math.Sqrt(float64(n))) {
						t.Errorf("inputs %d and %d are correlated by %.3f", j, i, ρ)
					}
				}
			}
		})
	}
}
