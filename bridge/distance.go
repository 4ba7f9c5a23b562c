package bridge

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Distribution is a law on the simplex: a [Dirichlet] or a [LogisticNormal], by value. Other packages cannot add to it.
type Distribution interface {
	K() int
	LogProb(pi []float64) (float64, error)
	LogProbSoftmax(z []float64) (float64, error)
	ModeSoftmax() []float64
	Prob(pi []float64) (float64, error)
	ProbSoftmax(z []float64) (float64, error)
	Sample(n int, src rand.Source) (*mat.Dense, error)
	SampleSoftmax(n int, src rand.Source) (*mat.Dense, error)

	draw(rng *rand.Rand, z []float64)     // one sample of the logits
	logDensity(z []float64) float64       // LogProbSoftmax without checks
	klTo(q Distribution) (float64, error) // KL without checks
	gaussian() LogisticNormal             // the logits' mean and covariance
	reach() float64                       // standard deviations within which all the mass is
}

var (
	_ Distribution = Dirichlet{}
	_ Distribution = LogisticNormal{}
)

// KL is the divergence KL(p ‖ q) = E_p[log p − log q] in nats. Between two Dirichlets, between two logistic-normals, and from
// a Dirichlet to a logistic-normal it has a closed form for any K. From a logistic-normal to a Dirichlet it is computed by
// adaptive quadrature for K = 2 and 3, with an error below 1e-5, or 1e-5 of the size of log p − log q where that is above
// one. For more classes, and where that accuracy is not reached, it is an error; [KLMonteCarlo] estimates.
func KL(p, q Distribution) (float64, error) {
	if err := checkPair(p, q); err != nil {
		return math.NaN(), err
	}
	kl, err := p.klTo(q)
	if err != nil {
		return math.NaN(), err
	}
	if math.IsNaN(kl) || math.IsInf(kl, 0) {
		return math.NaN(), errOverflow
	}
	return math.Max(kl, 0), nil // rounding may leave −1e-16 between equals
}

// TV is the total variation distance ½∫|p − q|, from 0 to 1: the largest difference between the probabilities that the two
// laws give to one event. It is computed by adaptive quadrature for K = 2 and 3, with an error below 1e-5. For more classes,
// and where that accuracy is not reached, it is an error; [TVMonteCarlo] estimates.
func TV(p, q Distribution) (float64, error) {
	if err := checkPair(p, q); err != nil {
		return math.NaN(), err
	}
	if k := p.K(); k > 3 {
		return math.NaN(), fmt.Errorf("bridge: TV is computed for 2 or 3 classes, not %d; use TVMonteCarlo", k)
	}
	return tvQuadrature(p, q)
}

// Estimate is a Monte Carlo average and its standard error.
type Estimate struct{ Value, StdErr float64 }

// KLMonteCarlo estimates KL(p ‖ q) for any K from n ≥ 2 samples of p. It is unbiased, and may come out negative if the
// distance is small against the standard error.
func KLMonteCarlo(p, q Distribution, n int, src rand.Source) (Estimate, error) {
	return monteCarlo(p, q, n, src, func(logRatio float64) float64 { return -logRatio })
}

// TVMonteCarlo estimates the total variation distance E_p[max(0, 1 − q/p)] for any K from n ≥ 2 samples of p, without bias.
func TVMonteCarlo(p, q Distribution, n int, src rand.Source) (Estimate, error) {
	return monteCarlo(p, q, n, src, shortfall)
}

// shortfall is max(0, 1 − q/p).
func shortfall(logRatio float64) float64 { return -math.Expm1(math.Min(logRatio, 0)) }

var errOverflow = errors.New("bridge: the two distributions are too far apart for float64; bring their parameters closer")

// monteCarlo averages f(log q − log p) over n samples of p.
func monteCarlo(p, q Distribution, n int, src rand.Source, f func(logRatio float64) float64) (Estimate, error) {
	failed := Estimate{math.NaN(), math.NaN()}
	if err := checkPair(p, q); err != nil {
		return failed, err
	}
	if n < 2 {
		return failed, fmt.Errorf("bridge: %d samples; a standard error takes at least 2", n)
	}
	if src == nil {
		return failed, errNoSource
	}
	rng := rand.New(src)
	z := make([]float64, p.K())
	var mean, squares float64 // Welford's recurrence
	for i := range n {
		p.draw(rng, z)
		x := f(q.logDensity(z) - p.logDensity(z))
		delta := x - mean
		mean += delta / float64(i+1)
		squares += delta * (x - mean)
	}
	e := Estimate{mean, math.Sqrt(squares / float64(n-1) / float64(n))}
	if math.IsNaN(e.StdErr) || math.IsInf(e.StdErr, 0) {
		return failed, errOverflow
	}
	return e, nil
}

func checkPair(p, q Distribution) error {
	for _, d := range []Distribution{p, q} {
		switch d := d.(type) {
		case Dirichlet, LogisticNormal:
			if err := checkLength("the distribution", d.K(), d.K()); err != nil {
				return err
			}
		default:
			return fmt.Errorf("bridge: a distribution is %T; pass a Dirichlet or a LogisticNormal by value", d)
		}
	}
	return checkLength("the second distribution", q.K(), p.K())
}

// sample fills one row for each sample.
func sample(d Distribution, n int, src rand.Source, simplex bool) (*mat.Dense, error) {
	if err := checkSampling(n, d.K(), src); err != nil {
		return nil, err
	}
	rng := rand.New(src)
	rows := mat.NewDense(n, d.K(), nil)
	for i := range n {
		z := rows.RawRowView(i)
		d.draw(rng, z)
		if simplex {
			softmax(z)
		}
	}
	return rows, nil
}
