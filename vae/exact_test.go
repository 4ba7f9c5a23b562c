package vae

import (
	"context"
	"fmt"
	"math"
	"testing"
)

// enumerated is what enumerating all codes gives for one image. Deviations are exact too: where q is nearly certain, those
// of a sample miss the rare codes.
type enumerated struct {
	nelbo moments // −log p(x|b) + divergence, b ~ q
	two   moments // −log ½(w₁+w₂), the importance-weighted bound with two samples; NaN if weights are no functions of codes
	ratio moments // w/p(x) for w = p(x, b)/q(b|x), b ~ q
	nll   float64 // −log p(x), by the prior alone
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

// nllOf is −log p(x) = −log Σ_b p(x|b) p(b) over all codes.
func (r *reference) nllOf(x []float64) float64 {
	var joint []float64
	for c := range r.codes() {
		joint = append(joint, math.Log(c.p)-r.nll(x, c.code))
	}
	return -logSumExp(joint)
}

// enumerate goes through the outcomes of the posterior.
func (r *reference) enumerate(x []float64) enumerated {
	e := enumerated{nll: r.nllOf(x)}
	nlls := make(map[string]float64)
	for c := range r.codes() {
		nlls[fmt.Sprint(c.code)] = r.nll(x, c.code)
	}
	outcomes := r.description().outcomes(r, r.network("encoder", x))
	var q, nelbo, logW []float64
	squares := 0.0
	for _, o := range outcomes {
		nll := nlls[fmt.Sprint(o.code)]
		q = append(q, o.q)
		nelbo = append(nelbo, nll+o.divergence)
		logW = append(logW, o.logRatio-nll)
		squares += o.square * math.Exp(2*(e.nll-nll))
	}
	e.nelbo = expect(q, nelbo)
	e.ratio = moments{mean: 1, variance: squares - 1}
	second := 0.0
	for i := range q {
		for j := range i + 1 {
			p, v := q[i]*q[j], math.Ln2-logSumExp([]float64{logW[i], logW[j]})
			if j < i {
				p *= 2
			}
			e.two.mean += p * v
			second += p * v * v
		}
	}
	e.two.variance = second - e.two.mean*e.two.mean
	return e
}

// exactCase is a model whose codes can all be enumerated, and how many steps it is trained for.
type exactCase struct {
	Config
	steps int
}

func exactCases() []exactCase {
	var list []exactCase
	for _, m := range Methods() {
		if undescribed[m.Name] != "" {
			continue
		}
		c := exactCase{small(m.Name), 150}
		c.Epochs, c.TestImages, c.Batch = 30, 5, 11
		switch m.Codes {
		case OneHot:
			c.Latent = 2
		case Counts:
			c.Latent, c.steps = 2, 10 // before a count that the posterior hardly draws has most of the weight
		case Subsets:
			c.Subset, c.LR, c.steps = 2, "0.01", 20 // until some orders of a set are more probable than others
		}
		switch m.Name {
		case "correlated":
			c.Latent, c.Corr = 2, "0.7"
		case "gaussian":
			c.steps = 60 // as for counts: its tails are thin
		case "igr", "logisticnormal":
			c.steps = 20 // before the posterior is so narrow that the variance of weights is infinite
		case "geometric":
			c.Latent = 1 // its support has many points
		case "binomial":
			c.Trials = 6
		case "negativebinomial":
			c.Failures = 20
		}
		list = append(list, c)
	}
	return list
}

// pixels are those of a test image.
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

// TestOutcomes holds the reference to itself: outcomes have total probability 1, and the mean of weights under the
// posterior is p(x) as the prior gives it.
func TestOutcomes(t *testing.T) {
	for _, c := range exactCases() {
		tr := trained(t, c.Config, c.steps)
		r := referenceTo(tr)
		x := pixels(tr, 0)
		nll, mass, mean := r.enumerate(x).nll, 0.0, 0.0
		for _, o := range r.description().outcomes(r, r.network("encoder", x)) {
			mass += o.q
			mean += o.q * math.Exp(o.logRatio-r.nll(x, o.code)+nll)
		}
		if !(math.Abs(mass-1) <= 1e-9) || !math.IsNaN(mean) && !(math.Abs(mean-1) <= 1e-6) {
			t.Errorf("%s: outcomes of mass %.12g, mean weight %.9g, want 1 and 1", c.Relax, mass, mean)
		}
	}
}

// TestBoundExactly compares the mean of test_nelbo over many draws with its expectation over all codes, which is no less
// than −log p(x).
func TestBoundExactly(t *testing.T) {
	const draws = 600
	for _, c := range exactCases() {
		t.Run(c.Relax, func(t *testing.T) {
			tr := trained(t, c.Config, c.steps)
			r := referenceTo(tr)
			var images []moments
			nll := 0.0
			for i := range c.TestImages {
				e := r.enumerate(pixels(tr, i))
				images = append(images, e.nelbo)
				nll += e.nll / float64(c.TestImages)
			}
			want, deviation := over(draws, images)
			if !(want >= nll) {
				t.Errorf("test_nelbo %.5f is no bound of −log p(x) = %.5f", want, nll)
			}
			got := meanOf(t, draws, func(i int) (float64, error) {
				b, err := tr.evaluate(i)
				if r.description().straightThrough && b.Loss != b.NELBO {
					t.Errorf("test_loss %v, test_nelbo %v, want them equal", b.Loss, b.NELBO)
				}
				return b.NELBO, err
			})
			// The rounding of one row in float32 is not random, see TestRows.
			if tolerance := 4*deviation + 1e-4; !(math.Abs(got-want) <= tolerance) {
				t.Errorf("mean test_nelbo %.5f, want %.5f within %.2g (4 standard errors)", got, want, tolerance)
			}
			t.Logf("mean test_nelbo %.5f ± %.5f, exactly %.5f, −log p(x) = %.5f", got, deviation, want, nll)
		})
	}
}

// TestImportanceWeightedExactly compares test_nll with its expectation over all pairs of codes for two samples, and
// with −log p(x) for 10 000. There, with V the variance of w/p(x), the bound lies about V/2S above −log p(x) and
// scatters by about √(V/S).
func TestImportanceWeightedExactly(t *testing.T) {
	const many = 10000
	for _, c := range exactCases() {
		t.Run(c.Relax, func(t *testing.T) {
			tr := trained(t, c.Config, c.steps)
			seeds := 1000
			if tr.method.estimator != nil { // their codes have one law
				seeds = 100
			}
			r := referenceTo(tr)
			var twos, ratios []moments
			n, nll := float64(c.TestImages), 0.0
			for i := range c.TestImages {
				e := r.enumerate(pixels(tr, i))
				if !(e.ratio.variance/many <= 0.05) {
					t.Fatalf("image %d: the variance %g of the weights is too large for %d samples", i, e.ratio.variance, many)
				}
				twos, ratios = append(twos, e.two), append(ratios, e.ratio)
				nll += e.nll / n
			}

			two, deviation := over(seeds, twos)
			if !math.IsNaN(two) {
				tr.IW = 2
				got := meanOf(t, seeds, func(i int) (float64, error) {
					tr.Seed = uint64(i)
					return tr.importanceWeighted(context.Background())
				})
				if tolerance := 4*deviation + 1e-4; !(math.Abs(got-two) <= tolerance) {
					t.Errorf("2 samples: mean test_nll %.5f, want %.5f within %.2g (4 standard errors)", got, two, tolerance)
				}
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

// TestManyOrders: the orders of a subset of nine are too many to sum over, and the weights are those of the order. Still
// their mean is p(x); two samples bound −log p(x) less tightly.
func TestManyOrders(t *testing.T) {
	c := small("topk")
	c.Latent, c.Subset, c.TestImages = 11, 9, 5
	tr := trained(t, c, 15)
	r := referenceTo(tr)
	nll := 0.0
	for i := range c.TestImages {
		nll += r.nllOf(pixels(tr, i)) / float64(c.TestImages)
	}
	bounds := make(map[int]float64)
	for _, tr.IW = range []int{2, 10000} {
		var err error
		if bounds[tr.IW], err = tr.importanceWeighted(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	// The deviation over seeds, measured, is 0.008.
	if many := bounds[10000]; !(math.Abs(many-nll) <= 0.03) || !(bounds[2] > nll+0.1) {
		t.Errorf("test_nll of 2 samples %.5f, of 10 000 %.5f; −log p(x) = %.5f", bounds[2], many, nll)
	}
	t.Logf("test_nll of 2 samples %.5f, of 10 000 %.5f; −log p(x) = %.5f", bounds[2], bounds[10000], nll)
}
