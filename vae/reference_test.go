package vae

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// reference is the model once more, in float64 and plain Go, row by row and term by term.
type reference struct {
	plan
	pixels  int
	weights map[string][]float64
}

func referenceTo(t *trainer) *reference {
	r := &reference{plan: t.plan, pixels: t.pixels, weights: make(map[string][]float64)}
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

func (r *reference) network(side string, x []float64) []float64 {
	for layer := range r.Layers + 1 {
		w, b := r.weights[fmt.Sprintf("%s.%d.weight", side, layer)], r.weights[fmt.Sprintf("%s.%d.bias", side, layer)]
		y := slices.Clone(b)
		for i, v := range x {
			for j := range y {
				y[j] += v * w[i*len(y)+j]
			}
		}
		if layer < r.Layers {
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

func logSumExp(x []float64) float64 {
	top, sum := slices.Max(x), 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

// groups cuts a code or its logits into its variables.
func (r *reference) groups(x []float64) [][]float64 {
	size := 1
	if r.method.Categorical {
		size = r.Classes
	}
	return slices.Collect(slices.Chunk(x, size))
}

// probabilities of the values of every variable: 0 and 1, or the classes.
func (r *reference) probabilities(head []float64) [][]float64 {
	var all [][]float64
	for _, ℓ := range r.groups(head) {
		if !r.method.Categorical {
			p := 1 / (1 + math.Exp(-ℓ[0]))
			all = append(all, []float64{1 - p, p})
			continue
		}
		norm, p := logSumExp(ℓ), make([]float64, len(ℓ))
		for k := range p {
			p[k] = math.Exp(ℓ[k] - norm)
		}
		all = append(all, p)
	}
	return all
}

// discreteKL is Σ p log(p·K) over the values of all variables: against the uniform prior.
func (r *reference) discreteKL(head []float64) float64 {
	sum := 0.0
	for _, values := range r.probabilities(head) {
		for _, p := range values {
			sum += p * math.Log(p*float64(len(values)))
		}
	}
	return sum
}

// sample gives what the decoder takes in training and in testing.
func (r *reference) sample(head, noise []float64, τ float64) (soft, hard []float64) {
	noises := r.groups(noise)
	for n, ℓ := range r.groups(head) {
		if !r.method.Categorical {
			y := ℓ[0] + noises[n][0]
			bit, s := 0.0, 1/(1+math.Exp(-y/τ))
			if y > 0 {
				bit = 1
			}
			hard = append(hard, bit)
			switch r.Relax {
			case "hardconcrete":
				s = math.Min(1, math.Max(0, 1.2*s-0.1))
			case "straightthrough":
				s = bit
			}
			soft = append(soft, s)
			continue
		}
		y, onehot := make([]float64, len(ℓ)), make([]float64, len(ℓ))
		for k := range y {
			y[k] = (ℓ[k] + noises[n][k]) / τ
		}
		onehot[slices.Index(y, slices.Max(y))] = 1
		hard = append(hard, onehot...)
		if r.Relax == "stgumbelsoftmax" {
			soft = append(soft, onehot...)
			continue
		}
		norm := logSumExp(y)
		for _, v := range y {
			soft = append(soft, math.Exp(v-norm))
		}
	}
	return soft, hard
}

// relaxedKL is the divergence of Config.KL = "relaxed".
func (r *reference) relaxedKL(head, noise []float64, τ float64) float64 {
	sum := 0.0
	noises := r.groups(noise)
	for n, ℓ := range r.groups(head) {
		if !r.method.Categorical { // logistic laws of one scale, ℓ apart
			sum += ℓ[0]/math.Tanh(ℓ[0]/2) - 2
			continue
		}
		// log q(z) − log p(z) at the draw z = softmax(y): what does not depend on ℓ cancels.
		y := make([]float64, len(ℓ))
		for k := range y {
			y[k] = (ℓ[k] + noises[n][k]) / τ
		}
		norm := logSumExp(y)
		q, p := make([]float64, len(ℓ)), make([]float64, len(ℓ))
		for k := range y {
			p[k] = -τ * (y[k] - norm)
			q[k] = ℓ[k] + p[k]
			sum += ℓ[k]
		}
		sum += float64(len(ℓ)) * (logSumExp(p) - logSumExp(q))
	}
	return sum
}

// terms are a row's numbers: the training loss and the two bounds.
type terms struct{ loss, soft, hard float64 }

func (r *reference) terms(x, noise []float64, τ float64) terms {
	head := r.network("encoder", x)
	soft, hard := r.sample(head, noise, τ)
	discrete := r.discreteKL(head)
	divergence := discrete
	if r.KL == KLRelaxed {
		divergence = r.relaxedKL(head, noise, τ)
	}
	nll := r.nll(x, soft)
	return terms{loss: nll + r.Beta*divergence, soft: nll + divergence, hard: r.nll(x, hard) + discrete}
}

// rows cuts what a trainer's graph holds into rows, in float64.
func (t *trainer) rows() (x, noise [][]float64, τ float64) {
	x = slices.Collect(slices.Chunk(widen(t.batch.x), t.pixels))
	noise = slices.Collect(slices.Chunk(widen(t.batch.noise[0].data), t.codeSize()))
	if t.batch.temperature != nil {
		τ = float64(t.batch.temperature[0])
	}
	return x, noise, τ
}

// variants are all methods with all divergences that they know.
func variants() []Config {
	var list []Config
	for _, m := range Methods() {
		c := small(m.Name)
		c.Beta = 0.7
		list = append(list, c)
		if m.relaxedKL != nil {
			c.KL = KLRelaxed
			list = append(list, c)
		}
	}
	deep := small("hardconcrete")
	deep.Layers = 2
	linear := small("gumbelsoftmax")
	linear.Layers = 0
	return append(list, deep, linear)
}

func (c Config) label() string { return fmt.Sprintf("%s/%s/%d", c.Relax, c.KL, c.Layers) }

// TestRows compares every number that the graph gives for a row with the reference at the same noise. A row is a sum
// of 784 float32 terms and about 300 in all, of which float32 resolves 3e-5; ten of that is left for rounding inside.
func TestRows(t *testing.T) {
	const tolerance = 3e-4
	for _, c := range variants() {
		t.Run(c.label(), func(t *testing.T) {
			tr := trained(t, c, 2*smallPerEpoch)
			if _, err := tr.train.Fill(0, 0, tr.batch.x); err != nil {
				t.Fatal(err)
			}
			for i := range tr.batch.weight {
				tr.batch.weight[i] = 1.0 / 12
			}
			fill(tr.batch.noise, 99, "rows")
			tr.setTemperature()
			if err := tr.batch.step.Run(); err != nil {
				t.Fatal(err)
			}
			rows, loss := slices.Clone(tr.batch.step.Output(outRows)), tr.batch.step.Scalar(outLoss)
			if err := tr.batch.evaluate.Run(); err != nil {
				t.Fatal(err)
			}
			soft, hard := tr.batch.evaluate.Output(outSoft), tr.batch.evaluate.Output(outHard)
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
				} {
					if !(math.Abs(pair.got-pair.want) <= tolerance) {
						t.Errorf("row %d, %s: %.6f, want %.6f within %g", i, pair.name, pair.got, pair.want, tolerance)
					}
				}
			}
			if !(math.Abs(loss-mean) <= tolerance) {
				t.Errorf("loss %.6f, want the mean %.6f of the rows within %g", loss, mean, tolerance)
			}
			if strings.HasPrefix(c.Relax, "st") && !slices.Equal(soft, hard) {
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
		if strings.HasPrefix(c.Relax, "st") {
			continue // the gradient is a surrogate, not that of the loss
		}
		t.Run(c.label(), func(t *testing.T) {
			tr := trained(t, c, smallPerEpoch-1)
			r := referenceTo(tr) // the weights before the short step
			advance(t, tr, 1)
			x, noise, τ := tr.rows()
			loss := func() float64 {
				sum := 0.0
				for i := range smallLast {
					sum += r.terms(x[i], noise[i], τ).loss / smallLast
				}
				return sum
			}
			for _, p := range tr.params.All() {
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
				for _, i := range []int{at, 0, len(w) / 3, len(w) / 2, 2 * len(w) / 3, len(w) - 1} {
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

// exactly is what enumerating all codes gives for one image. Deviations are exact too: where q is nearly certain, those
// of a sample miss the rare codes.
type exactly struct {
	nelbo moments // −log p(x|b) + KL(q‖p), b ~ q
	two   moments // −log ½(w₁+w₂), the importance-weighted bound with two samples
	ratio moments // w/p(x) for w = p(x, b)/q(b|x), b ~ q
	nll   float64 // −log p(x)
}

// moments are expectation and variance.
type moments struct{ mean, variance float64 }

// over is the mean of n independent images that have these moments each, drawn several times.
func over(draws int, images []moments) (mean, deviation float64) {
	for _, m := range images {
		mean += m.mean / float64(len(images))
		deviation += m.variance
	}
	return mean, math.Sqrt(deviation/float64(draws)) / float64(len(images))
}

// expect gives the moments of values under probabilities.
func expect(p, values []float64) (m moments) {
	for i, v := range values {
		m.mean += p[i] * v
	}
	for i, v := range values {
		m.variance += p[i] * (v - m.mean) * (v - m.mean)
	}
	return m
}

func (r *reference) enumerate(x []float64) exactly {
	head := r.network("encoder", x)
	values := r.probabilities(head)
	uniform := 0.0 // log p(b)
	for _, v := range values {
		uniform -= math.Log(float64(len(v)))
	}
	var logQ, logJoint []float64
	for place := make([]int, len(values)); ; {
		var code []float64
		q := 0.0
		for n, v := range place {
			if r.method.Categorical {
				onehot := make([]float64, r.Classes)
				onehot[v] = 1
				code = append(code, onehot...)
			} else {
				code = append(code, float64(v))
			}
			q += math.Log(values[n][v])
		}
		logQ = append(logQ, q)
		logJoint = append(logJoint, uniform-r.nll(x, code))
		n := 0
		for ; n < len(place); n++ {
			if place[n]++; place[n] < len(values[n]) {
				break
			}
			place[n] = 0
		}
		if n == len(place) {
			break
		}
	}
	e := exactly{nll: -logSumExp(logJoint)}
	var q, qq, nelbo, two, ratio []float64
	divergence := r.discreteKL(head)
	for i := range logQ {
		w := logJoint[i] - logQ[i]
		q = append(q, math.Exp(logQ[i]))
		nelbo = append(nelbo, uniform-logJoint[i]+divergence)
		ratio = append(ratio, math.Exp(w+e.nll))
		for j := range logQ {
			qq = append(qq, math.Exp(logQ[i]+logQ[j]))
			two = append(two, math.Ln2-logSumExp([]float64{w, logJoint[j] - logQ[j]}))
		}
	}
	e.nelbo, e.two, e.ratio = expect(q, nelbo), expect(qq, two), expect(q, ratio)
	return e
}

// exactConfigs are trained models whose codes can all be enumerated.
func exactConfigs() []Config {
	var list []Config
	for _, m := range Methods() {
		c := small(m.Name)
		c.Epochs, c.TestImages, c.Batch = 30, 5, 11
		if m.Categorical {
			c.Latent = 2
		}
		list = append(list, c)
	}
	return list
}

// TestBoundExactly compares the mean of test_nelbo over many draws with its expectation over all codes.
func TestBoundExactly(t *testing.T) {
	const draws = 600
	for _, c := range exactConfigs() {
		t.Run(c.Relax, func(t *testing.T) {
			tr := trained(t, c, 150)
			r := referenceTo(tr)
			var images []moments
			for i := range c.TestImages {
				images = append(images, r.enumerate(pixels(tr, i)).nelbo)
			}
			want, deviation := over(draws, images)
			got := meanOf(t, draws, func(i int) (float64, error) {
				b, err := tr.evaluate(i)
				if strings.HasPrefix(c.Relax, "st") && b.Loss != b.NELBO {
					t.Errorf("test_loss %v, test_nelbo %v, want them equal", b.Loss, b.NELBO)
				}
				return b.NELBO, err
			})
			// The rounding of one row in float32 is not random, see TestRows.
			if tolerance := 4*deviation + 1e-4; !(math.Abs(got-want) <= tolerance) {
				t.Errorf("mean test_nelbo %.5f, want %.5f within %.2g (4 standard errors)", got, want, tolerance)
			}
			t.Logf("mean test_nelbo %.5f ± %.5f, exactly %.5f", got, deviation, want)
		})
	}
}

func pixels(t *trainer, image int) []float64 {
	x := make([]float64, t.pixels)
	for i, v := range t.set.Test.Image(image) {
		x[i] = float64(float32(v) / 255)
	}
	return x
}

// meanOf gives the mean of n draws.
func meanOf(t *testing.T, n int, draw func(i int) (float64, error)) float64 {
	t.Helper()
	mean := 0.0
	for i := range n {
		v, err := draw(i)
		if err != nil {
			t.Fatal(err)
		}
		mean += v / float64(n)
	}
	return mean
}

// TestImportanceWeightedExactly compares test_nll with its expectation over all pairs of codes for two samples, and
// with −log p(x) for 10 000. There, with V the variance of w/p(x), the bound lies about V/2S above −log p(x) and
// scatters by about √(V/S).
func TestImportanceWeightedExactly(t *testing.T) {
	const seeds, many = 1000, 10000
	for _, c := range exactConfigs() {
		t.Run(c.Relax, func(t *testing.T) {
			tr := trained(t, c, 150)
			r := referenceTo(tr)
			var twos, ratios []moments
			n, nll := float64(c.TestImages), 0.0
			for i := range c.TestImages {
				e := r.enumerate(pixels(tr, i))
				if e.ratio.variance/many > 0.05 {
					t.Fatalf("image %d: the variance %g of the weights is too large for %d samples", i, e.ratio.variance, many)
				}
				twos, ratios = append(twos, e.two), append(ratios, e.ratio)
				nll += e.nll / n
			}

			tr.IW = 2
			two, deviation := over(seeds, twos)
			got := meanOf(t, seeds, func(i int) (float64, error) {
				tr.Seed = uint64(i)
				return tr.importanceWeighted(context.Background())
			})
			if tolerance := 4*deviation + 1e-4; !(math.Abs(got-two) <= tolerance) {
				t.Errorf("2 samples: mean test_nll %.5f, want %.5f within %.2g (4 standard errors)", got, two, tolerance)
			}

			tr.IW = many
			got, err := tr.importanceWeighted(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			_, deviation = over(many, ratios)
			tolerance := n*deviation*deviation/2 + 4*deviation + 1e-4
			if !(math.Abs(got-nll) <= tolerance) {
				t.Errorf("%d samples: test_nll %.5f, want −log p(x) = %.5f within %.2g", many, got, nll, tolerance)
			}
			t.Logf("test_nll %.5f, exactly %.5f within %.2g", got, nll, tolerance)
		})
	}
}
