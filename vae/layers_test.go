package vae

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	G "gorgonia.org/gorgonia"

	"relaxgo/data"
	"relaxgo/relax/noise"
)

// tiny are images of 4×4 random pixels, for models that are small enough to enumerate and to differentiate numerically
// with respect to every parameter.
func tiny(t testing.TB, c Config) *trainer {
	t.Helper()
	set := func(name string, n int) data.Set {
		grey := make([]float64, 16*n)
		noise.Fill(noise.NewSource(1, name), noise.Uniform, grey)
		s := data.Set{Name: name, Rows: 4, Cols: 4, Labels: make([]byte, n)}
		for _, v := range grey {
			s.Images = append(s.Images, byte(256*v))
		}
		return s
	}
	c.TrainImages, c.TestImages = 0, 0
	tr, err := newTrainer(c, data.Dataset{Train: set("train", c.Batch), Test: set("test", 3)})
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// layered is a configuration with several stochastic layers, whose prior is learned.
func layered(method string, layers ...int) Config {
	c := small(method)
	c.Hidden, c.Prior, c.Layers = []int{6}, PriorLearned, layers
	return c
}

// randomise gives all parameters values that depend on their names alone, so that models of one shape are the same
// whatever trains them: each layer says much about the next, and no control variate stands where it begins.
func randomise(tr *trainer, scale float64) {
	for _, p := range tr.params.All() {
		before := slices.Clone(p.Data)
		noise.Fill(noise.NewSource(17, p.Name), noise.Normal, p.Data)
		for i := range p.Data {
			p.Data[i] = before[i] + float32(scale)*p.Data[i]
		}
	}
}

// layer is the reference for a stochastic layer. Layers below the top have no prior of their own.
func (r *reference) layer(l int) *reference {
	s := *r
	s.plan = r.at(l)
	if l < r.top() {
		s.Prior = PriorUniform
	}
	return &s
}

// side is a network of stochastic layer l.
func (r *reference) side(name string, l int, x []float64) []float64 {
	if l > 0 {
		name = fmt.Sprint(name, l+1)
	}
	return r.network(name, x)
}

// codeNLL is −log p(code), also of a code that is not discrete, for the outputs of the decoder above it.
func (r *reference) codeNLL(l int, output, code []float64) (nll float64) {
	s := r.layer(l)
	if r.plan.codes == Bits {
		for i, o := range output {
			nll -= code[i]*math.Log(sigmoid(o)) + (1-code[i])*math.Log(sigmoid(-o))
		}
		return nll
	}
	codes := s.groups(code)
	for n, o := range s.groups(output) {
		norm := logSumExp(o)
		for k := range o {
			nll -= codes[n][k] * (o[k] - norm)
		}
	}
	return nll
}

// pixelNLL is −log p(x) for the outputs of the lowest decoder.
func pixelNLL(x []float64) func(output []float64) float64 {
	return func(output []float64) (nll float64) {
		for i, o := range output {
			nll -= x[i]*math.Log(sigmoid(o)) + (1-x[i])*math.Log(sigmoid(-o))
		}
		return nll
	}
}

// negEntropy is Σ q log q of the codes of a layer below the top.
func (r *reference) negEntropy(l int, head []float64) (sum float64) {
	s := r.layer(l)
	for _, h := range s.groups(head) {
		for _, q := range s.law(s, h) {
			sum += q * math.Log(q)
		}
	}
	return sum
}

// known is what the bound needs no sample of the layer for: the negative entropy, at the top the divergence.
func (r *reference) known(l int, head []float64) float64 {
	if l < r.top() {
		return r.negEntropy(l, head)
	}
	return r.description().discrete(r.layer(l), head, nil, 0)
}

// path is a code for every layer.
type path struct {
	q     float64 // its probability in the posterior
	joint float64 // log p(x, codes)
	prior float64 // the part of it that is log p(code) of the top layer
	value float64 // of the bound where it is drawn, entropies and the divergence exact
}

// bound is the path's negative evidence bound. A weight β of the divergence that is not 1 makes sense for one layer only.
func (p path) bound(β float64) float64 { return β*(math.Log(p.q)-p.prior) - (p.joint - p.prior) }

// paths goes through all codes of all layers.
func (r *reference) paths(x []float64) (list []path) {
	outputs := make([][][]float64, len(r.layers)) // of the decoders, for every code
	for l := range outputs {
		for c := range r.layer(l).codes() {
			outputs[l] = append(outputs[l], r.side("decoder", l, c.code))
		}
	}
	var climb func(l int, in []float64, below func(output []float64) float64, p path)
	climb = func(l int, in []float64, below func(output []float64) float64, p path) {
		s, head := r.layer(l), r.side("encoder", l, in)
		p.value += r.known(l, head)
		var laws [][]float64
		for _, h := range s.groups(head) {
			laws = append(laws, r.law(s, h))
		}
		i := 0
		for c := range s.codes() {
			nll := below(outputs[l][i])
			next := path{q: p.q, joint: p.joint - nll, value: p.value + nll}
			for n, k := range c.place {
				next.q *= laws[n][k]
			}
			i++
			if l == r.top() {
				next.prior = math.Log(c.p)
				next.joint += next.prior
				list = append(list, next)
				continue
			}
			climb(l+1, c.code, func(output []float64) float64 { return r.codeNLL(l, output, c.code) }, next)
		}
	}
	climb(0, x, pixelNLL(x), path{q: 1})
	return list
}

// enumeratedPaths is enumerate for several layers.
func (r *reference) enumeratedPaths(x []float64) enumerated {
	var q, joint, value, logW []float64
	for _, p := range r.paths(x) {
		q, joint, value, logW = append(q, p.q), append(joint, p.joint), append(value, p.value), append(logW, p.joint-math.Log(p.q))
	}
	e := enumerated{nll: -logSumExp(joint), nelbo: expect(q, value)}
	var p, pairs, ratios []float64
	for i := range q {
		ratios = append(ratios, math.Exp(logW[i]+e.nll))
		for j := range q {
			p = append(p, q[i]*q[j])
			pairs = append(pairs, math.Ln2-logSumExp([]float64{logW[i], logW[j]}))
		}
	}
	e.two, e.ratio = expect(p, pairs), expect(q, ratios)
	return e
}

// TestPaths holds the reference to itself: the posterior has mass 1, weights have the mean p(x), and the bound by terms is
// the bound by ratios.
func TestPaths(t *testing.T) {
	for _, c := range layeredCases() {
		tr := tiny(t, c)
		randomise(tr, 0.7)
		r := referenceTo(tr)
		x := pixels(tr, 0)
		mass, bound := 0.0, 0.0
		for _, p := range r.paths(x) {
			mass += p.q
			bound += p.q * p.bound(1)
		}
		e := r.enumeratedPaths(x)
		for _, pair := range []struct {
			name      string
			got, want float64
		}{{"mass", mass, 1}, {"mean weight", e.ratio.mean, 1}, {"bound", e.nelbo.mean, bound}} {
			if !(math.Abs(pair.got-pair.want) <= 1e-9) {
				t.Errorf("%s: %s %.12g, want %.12g", c.label(), pair.name, pair.got, pair.want)
			}
		}
		if len(c.Layers) == 0 {
			if one := r.enumerate(x); !(math.Abs(e.nll-one.nll) <= 1e-9) || !(math.Abs(e.nelbo.mean-one.nelbo.mean) <= 1e-9) {
				t.Errorf("%s: bounds %.12g and %.12g, want %.12g and %.12g as for one layer", c.label(), e.nll, e.nelbo.mean, one.nll, one.nelbo.mean)
			}
		}
	}
}

// layeredCases are methods of all kinds on one, two and three layers.
func layeredCases() []Config {
	var list []Config
	add := func(c Config, change func(c *Config)) {
		if change != nil {
			change(&c)
		}
		list = append(list, c)
	}
	oneHot := func(c *Config) { c.Codes = OneHot }
	for _, m := range Methods() {
		c := layered(m.Name, 3, 2)
		if c.Validate() != nil { // one layer only
			continue
		}
		if m.Takes("codes") {
			one := layered(m.Name, 2, 2)
			add(one, oneHot)
		}
		if m.Codes == OneHot {
			c.Layers = []int{2, 2}
		}
		add(c, nil)
		add(c, func(c *Config) { c.Prior = PriorUniform })
	}
	for _, name := range []string{"relaxedbernoulli", "straightthrough", "reinforce", "rebar", "muprop", "rloo", "doublecv", "arm", "relax"} {
		add(layered(name, 2, 2, 2), nil)
	}
	one := layered("reinforce")
	add(one, nil)
	add(one, oneHot)
	return list
}

// evaluated are the codes that an estimator evaluates for the noise of one layer.
func (r *reference) evaluated(l int, head []float64, noises [][]float64) (codes [][]float64) {
	s := r.layer(l)
	largest := func(noise []float64) (code []float64) {
		if r.plan.codes == Bits {
			for i, v := range noise {
				code = append(code, bit(head[i]+v)...)
			}
			return code
		}
		groups := s.groups(noise)
		for n, h := range s.groups(head) {
			code = append(code, argmax(plus(h, groups[n]))...)
		}
		return code
	}
	switch r.Relax {
	case "rloo", "doublecv":
		for _, ε := range noises {
			codes = append(codes, largest(ε))
		}
		return codes
	case "arm", "disarm":
		return [][]float64{largest(noises[0]), largest(scaled(noises[0], -1))}
	case "arms": // u = (1−d)^{K−1} for shares d of exponential variables; a bit is the rarer value where u is small
		for _, e := range noises {
			var code []float64
			for i, ℓ := range head {
				sum := 0.0
				for _, other := range noises {
					sum += other[i]
				}
				u := math.Pow(1-e[i]/sum, float64(len(noises)-1))
				if ℓ > 0 {
					code = append(code, bit(u-sigmoid(-ℓ))...)
				} else {
					code = append(code, bit(sigmoid(ℓ)-u)...)
				}
			}
			codes = append(codes, code)
		}
		return codes
	}
	return [][]float64{largest(noises[0])}
}

// ascended are the two parts of a row of the bound from layer l on: what depends on the samples of layer l, and the
// rest. shift[l] is added to the sample of a layer; nil: codes are exactly discrete.
func (r *reference) ascended(l int, in []float64, below func(output []float64) float64, noises [][]float64, τ float64, shift [][]float64) (value, known float64) {
	d, s := r.description(), r.layer(l)
	head := r.side("encoder", l, in)
	per := len(noises) / len(r.layers)
	var codes [][]float64
	if d.draw == nil {
		codes = r.evaluated(l, head, noises[l*per:(l+1)*per])
	} else {
		soft, hard := d.draw(s, head, noises[l*per], τ)
		if shift != nil {
			hard = plus(soft, shift[l])
		}
		codes = [][]float64{hard}
	}
	for _, code := range codes {
		v := below(r.side("decoder", l, code))
		if l < r.top() {
			above, rest := r.ascended(l+1, code, func(output []float64) float64 { return r.codeNLL(l, output, code) }, noises, τ, shift)
			v += above + rest
		}
		value += v / float64(len(codes))
	}
	return value, r.known(l, head)
}

// shifts are how far the codes of all layers are from the samples that gradients pass through, if decoders take the codes.
func (r *reference) shifts(x []float64, noises [][]float64, τ float64) (list [][]float64) {
	in, d := x, r.description()
	for l := range r.layers {
		soft, hard := d.draw(r.layer(l), r.side("encoder", l, in), noises[l], τ)
		if !d.straightThrough {
			hard = soft
		}
		list = append(list, plus(hard, scaled(soft, -1)))
		in = hard
	}
	return list
}

// noiseRows cuts the noise of samples into rows, layer after layer and sample after sample. The noise of control variates comes
// after it.
func (tr *trainer) noiseRows() (rows [][][]float64, τ float64) {
	inputs := tr.batch.noise
	if e := tr.method.estimator; e != nil {
		one := problem(G.NewGraph(), tr.law(), append([]int{1}, tr.at(0).event()...), 1)
		inputs = inputs[:len(e(tr.plan).Noise(one))*len(tr.layers)]
	}
	for _, in := range inputs {
		all := widen(in.data)
		for i, row := range slices.Collect(slices.Chunk(all, len(all)/tr.Batch)) {
			if i == len(rows) {
				rows = append(rows, nil)
			}
			rows[i] = append(rows[i], row)
		}
	}
	if tr.batch.temperature != nil {
		τ = float64(tr.batch.temperature[0])
	}
	return rows, τ
}

// TestLayerRows compares the numbers of every row with the reference at the same noise. A row is about 20, of which
// float32 resolves 2e-6; ten of that is left for rounding inside.
func TestLayerRows(t *testing.T) {
	const tolerance = 2e-5
	for _, c := range layeredCases() {
		t.Run(c.label(), func(t *testing.T) {
			tr := tiny(t, c)
			randomise(tr, 0.7)
			oneBatch(t, tr)
			if err := tr.batch.step.Run(); err != nil {
				t.Fatal(err)
			}
			rows := slices.Clone(tr.batch.step.Output(outRows))
			if err := tr.batch.evaluate.Run(); err != nil {
				t.Fatal(err)
			}
			r := referenceTo(tr)
			noises, τ := tr.noiseRows()
			for i, x := range slices.Collect(slices.Chunk(widen(tr.batch.x), tr.pixels)) {
				var shift [][]float64
				if r.description().draw != nil {
					shift = r.shifts(x, noises[i], τ)
				}
				value, known := r.ascended(0, x, pixelNLL(x), noises[i], τ, shift)
				exact, exactKnown := r.ascended(0, x, pixelNLL(x), noises[i], τ, nil)
				for _, pair := range []struct {
					name string
					got  []float32
					want float64
				}{
					{outRows, rows, value + known},
					{outSoft, tr.batch.evaluate.Output(outSoft), value + known},
					{outHard, tr.batch.evaluate.Output(outHard), exact + exactKnown},
				} {
					if got := float64(pair.got[i]); !(math.Abs(got-pair.want) <= tolerance) {
						t.Errorf("row %d, %s: %.6f, want %.6f within %g", i, pair.name, got, pair.want, tolerance)
					}
				}
			}
		})
	}
}

// TestLayerGradient compares the gradients of relaxations and of straight-through methods with central differences of the
// reference, at the same noise: every parameter, also of the upper encoder and of a learned prior. The tolerance is that of
// TestGradient.
func TestLayerGradient(t *testing.T) {
	const h, tolerance = 1e-5, 2e-5
	for _, c := range layeredCases() {
		if descriptions[c.Relax].draw == nil {
			continue
		}
		t.Run(c.label(), func(t *testing.T) {
			c.Batch = 5
			tr := tiny(t, c)
			randomise(tr, 0.4) // so that few gates are clipped
			oneBatch(t, tr)
			if err := tr.batch.step.Run(); err != nil {
				t.Fatal(err)
			}
			r := referenceTo(tr)
			noises, τ := tr.noiseRows()
			images := slices.Collect(slices.Chunk(widen(tr.batch.x), tr.pixels))
			var shifts [][][]float64
			for i, x := range images {
				shifts = append(shifts, r.shifts(x, noises[i], τ))
			}
			r.compareGradients(t, tr, h, tolerance, func() (loss float64) {
				for i, x := range images {
					value, known := r.ascended(0, x, pixelNLL(x), noises[i], τ, shifts[i])
					loss += (value + known) / float64(len(images))
				}
				return loss
			})
		})
	}
}

// compareGradients compares the gradients of the last step with central differences of a loss, a function of the
// reference's weights. A tolerance is relative to the tensor's largest element.
func (r *reference) compareGradients(t *testing.T, tr *trainer, h, tolerance float64, loss func() float64) {
	t.Helper()
	for _, p := range tr.params.All() {
		grad := widen(tr.batch.step.Output(gradientOf(p.Name)))
		want := r.slope(p.Name, h, loss)
		scale := math.Max(slices.Max(want), -slices.Min(want))
		if scale == 0 {
			t.Errorf("%s: no gradient", p.Name)
		}
		for i := range grad {
			if !(math.Abs(grad[i]-want[i]) <= tolerance*scale) {
				t.Errorf("%s[%d]: gradient %.8g, want %.8g within %.2g", p.Name, i, grad[i], want[i], tolerance*scale)
			}
		}
	}
}

// slope is the gradient of a function of the reference's weights with respect to those of that name.
func (r *reference) slope(name string, h float64, f func() float64) (grad []float64) {
	w := r.weights[name]
	for i, keep := range w {
		w[i] = keep + h
		up := f()
		w[i] = keep - h
		grad = append(grad, (up-f())/(2*h))
		w[i] = keep
	}
	return grad
}

// TestLayerBounds compares test_nelbo and test_nll with their expectations over all codes of all layers, and test_nll for
// many samples with −log p(x), as TestBoundExactly and TestImportanceWeightedExactly do for one layer. The variance of one
// sample bounds that of an estimator that draws several.
func TestLayerBounds(t *testing.T) {
	const draws, seeds, many = 500, 60, 10000
	codes := layered("rebar", 2, 2)
	codes.Codes = OneHot
	uniform := layered("gaussian", 3, 2)
	uniform.Prior = PriorUniform
	for _, c := range []Config{
		layered("relaxedbernoulli", 3, 2), layered("straightthrough", 2, 2, 2), layered("gumbelsoftmax", 2, 2), layered("decoupled", 2, 1),
		layered("rloo", 3, 2), layered("reinforce", 3, 2), codes, uniform,
	} {
		t.Run(c.label(), func(t *testing.T) {
			c.Batch, c.LR = 40, "0.03"
			tr := tiny(t, c)
			randomise(tr, 0.4)
			advance(t, tr, 30)
			r := referenceTo(tr)
			var nelbos, twos, ratios []moments
			nll, n := 0.0, float64(tr.set.Test.Len())
			for i := range tr.set.Test.Len() {
				e := r.enumeratedPaths(pixels(tr, i))
				nelbos, twos, ratios = append(nelbos, e.nelbo), append(twos, e.two), append(ratios, e.ratio)
				nll += e.nll / n
			}
			// 1e-5 is the rounding of a row of about 15 in float32.
			want, deviation := over(draws, nelbos)
			got := meanOf(t, draws, func(i int) (float64, error) {
				b, err := tr.evaluate(i)
				return b.NELBO, err
			})
			if tolerance := 4*deviation + 1e-5; !(math.Abs(got-want) <= tolerance) {
				t.Errorf("mean test_nelbo %.5f, want %.5f within %.2g (4 standard errors)", got, want, tolerance)
			}
			two, deviation := over(seeds, twos)
			tr.IW = 2
			got = meanOf(t, seeds, func(i int) (float64, error) {
				tr.Seed = uint64(i)
				return tr.importanceWeighted(context.Background())
			})
			if tolerance := 4*deviation + 1e-5; !(math.Abs(got-two) <= tolerance) {
				t.Errorf("2 samples: mean test_nll %.5f, want %.5f within %.2g (4 standard errors)", got, two, tolerance)
			}
			tr.IW = many
			got, err := tr.importanceWeighted(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_, deviation = over(many, ratios)
			tolerance := n*deviation*deviation/2 + 4*deviation + 1e-5
			if !(math.Abs(got-nll) <= tolerance) {
				t.Errorf("%d samples: test_nll %.5f, want −log p(x) = %.5f within %.2g", many, got, nll, tolerance)
			}
			t.Logf("test_nelbo %.4f, test_nll of 2 samples %.4f, −log p(x) %.4f within %.2g", want, two, nll, tolerance)
		})
	}
}

// TestAncestors: codes are drawn from the prior of the top layer and then layer by layer downwards, so that the lowest
// have the law Σ p(b_top) ⋯ p(b₁|b₂).
func TestAncestors(t *testing.T) {
	const n = 20000
	for _, c := range []Config{
		layered("relaxedbernoulli", 3, 2), layered("straightthrough", 2, 2, 2), layered("gumbelsoftmax", 2, 2),
		layered("decoupled", 2, 1), layered("rebar", 3, 2), layered("gaussian", 2, 2), layered("hardconcrete", 3, 1),
		layered("relaxedbernoulli"), layered("gumbelsoftmax"), layered("correlated"), layered("gaussian"), layered("igr"),
		layered("sts"), layered("poisson"), layered("binomial"), layered("topk"),
	} {
		if m, _ := method(c.Relax); m.Codes == Counts {
			c.Latent = 1
		}
		t.Run(c.label(), func(t *testing.T) {
			tr := tiny(t, c)
			randomise(tr, 0.7)
			prior, err := tr.imagination(n)
			if err != nil {
				t.Fatal(err)
			}
			fill(prior.noise, 5, "ancestors")
			if err := prior.code.Run(); err != nil {
				t.Fatal(err)
			}
			counts := make(map[string]float64)
			for code := range slices.Chunk(widen(prior.code.Output(outCode)), tr.codeSize()) {
				counts[fmt.Sprint(code)]++
			}
			// Rare codes share a cell.
			χ2, cells, rare, seldom, known := 0.0, 0, 0.0, 0.0, 0.0
			for code, p := range referenceTo(tr).ancestral() {
				known += counts[code]
				if want := n * p; want < 5 {
					rare, seldom = rare+want, seldom+counts[code]
				} else {
					χ2 += (counts[code] - want) * (counts[code] - want) / want
					cells++
				}
			}
			if known != n {
				t.Fatalf("%g of %d codes are codes", known, n)
			}
			if rare > 0 {
				χ2 += (seldom - rare) * (seldom - rare) / math.Max(rare, 1)
				cells++
			}
			if p := (distuv.ChiSquared{K: float64(cells - 1)}).Survival(χ2); !(p >= leastP) {
				t.Errorf("the codes have the law of the prior with probability %.2g only", p)
			}
		})
	}
}

// ancestral is the law of the lowest code in the prior.
func (r *reference) ancestral() map[string]float64 {
	var codes []code
	for c := range r.layer(r.top()).codes() {
		codes = append(codes, c)
	}
	for l := r.top() - 1; l >= 0; l-- {
		var below []code
		for c := range r.layer(l).codes() {
			c.p = 0
			for _, above := range codes {
				c.p += above.p * math.Exp(-r.codeNLL(l, r.side("decoder", l+1, above.code), c.code))
			}
			below = append(below, c)
		}
		codes = below
	}
	p := make(map[string]float64)
	for _, c := range codes {
		p[fmt.Sprint(c.code)] = c.p
	}
	return p
}
