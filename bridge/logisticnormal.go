package bridge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// LogisticNormal is the law of softmax(z) for a Gaussian vector z ~ N(μ, Σ) of K logits. Softmax sees only the part of z that
// sums to zero, so μ and Σ are kept in that gauge: Σ_k μ_k = 0 and Σ·1 = 0. The K×K covariance is therefore singular, of rank
// K−1. With y the log-ratios z_k − z_K, k < K, m and C their mean and covariance, and r = z − μ,
//
//	log p(y) = −½ ((K−1) log 2π + log det C + rᵀ Σ⁺ r),  log p(π) = log p(y) − Σ_k log π_k
//
// Make one with [NewLogisticNormal], [NewIndependentLogisticNormal], [ZeroSum], [Laplace] or [Moments]; the zero value has
// no classes and its methods return nothing or an error.
type LogisticNormal struct {
	mu  []float64  // zero-sum
	cov covariance // zero-sum; nil in the zero value only
}

// NewLogisticNormal is the law of softmax(z), z ~ N(mu, sigma), for any Gaussian over K ≥ 2 logits: its zero-sum form is
// (Pμ, PΣP) with P = I − 11ᵀ/K, which leaves the law of softmax(z) as it is. ([ZeroSum], which conditions on Σ z_k = 0,
// does not.) sigma must be a covariance matrix with positive diagonal, and may be singular only in the direction of 1:
// otherwise there is no density.
func NewLogisticNormal(mu []float64, sigma mat.Matrix) (LogisticNormal, error) {
	k := len(mu)
	if err := checkMean(mu); err != nil {
		return LogisticNormal{}, err
	}
	s, err := readCovariance(sigma, k)
	if err != nil {
		return LogisticNormal{}, err
	}
	if err := checkDefinite(s); err != nil {
		return LogisticNormal{}, err
	}
	mean := make([]float64, k) // of each row of Σ
	var grand float64
	for i := range mean {
		for j := range k {
			mean[i] += s.At(i, j) / float64(k)
		}
		grand += mean[i] / float64(k)
	}
	return newCorrelated(mu, symmetric(k, func(i, j int) float64 { return s.At(i, j) - mean[i] - mean[j] + grand }))
}

// NewIndependentLogisticNormal is the law of softmax(z) for independent z_k ~ N(mu_k, variance_k), K ≥ 2. Its zero-sum
// covariance has the form P·D·P with D = diag(variance), in which sampling and densities cost O(K) and need no
// factorisation. Note that these are variances, not standard deviations.
func NewIndependentLogisticNormal(mu, variance []float64) (LogisticNormal, error) {
	if err := checkMean(mu); err != nil {
		return LogisticNormal{}, err
	}
	if err := checkLength("variance", len(variance), len(mu)); err != nil {
		return LogisticNormal{}, err
	}
	if err := checkVariances("variance", variance); err != nil {
		return LogisticNormal{}, err
	}
	return newIndependent(mu, slices.Clone(variance)), nil
}

// ZeroSum is the law of softmax(z), z ~ N(mu, sigma) conditioned on Σ z_k = 0,
//
//	μ′ = μ − Σ1 (1ᵀμ)/(1ᵀΣ1),  Σ′ = Σ − Σ11ᵀΣ/(1ᵀΣ1)
//
// which is how Hobbhahn et al. bring the Gaussian of a network's logits to the bridge, before [LaplaceInverse]. Unless Σ1 is
// a multiple of 1 the result differs from the law of softmax(z), for which there is [NewLogisticNormal]. A Σ with 1ᵀΣ1 = 0
// sums to a constant already. Errors as for NewLogisticNormal.
func ZeroSum(mu []float64, sigma mat.Matrix) (LogisticNormal, error) {
	q, err := NewLogisticNormal(mu, sigma)
	if err != nil {
		return LogisticNormal{}, err
	}
	s, err := readCovariance(sigma, len(mu))
	if err != nil {
		return LogisticNormal{}, err
	}
	rows := make([]float64, len(mu)) // Σ1
	var total, sum float64           // 1ᵀΣ1 and 1ᵀμ
	for i := range rows {
		for j := range rows {
			rows[i] += s.At(i, j)
		}
		total += rows[i]
		sum += mu[i]
	}
	if total <= 1e-12*mat.Trace(s) {
		return q, nil
	}
	conditional := slices.Clone(mu)
	for i, r := range rows {
		conditional[i] -= r * (sum / total)
	}
	return newCorrelated(conditional, symmetric(len(mu), func(i, j int) float64 { return s.At(i, j) - rows[i]*(rows[j]/total) }))
}

// K is the number of classes.
func (q LogisticNormal) K() int { return len(q.mu) }

// Mu is a copy of the mean of the logits in the zero-sum gauge, [K].
func (q LogisticNormal) Mu() []float64 { return slices.Clone(q.mu) }

// Sigma is the covariance of the logits in the zero-sum gauge, [K, K], of rank K−1.
func (q LogisticNormal) Sigma() *mat.SymDense {
	return symmetric(q.K(), func(i, j int) float64 { return q.cov.at(i, j) })
}

// Variance is the diagonal of Sigma.
func (q LogisticNormal) Variance() []float64 {
	v := make([]float64, q.K())
	for k := range v {
		v[k] = q.cov.at(k, k)
	}
	return v
}

// ALR is the same law in additive log-ratio coordinates y_k = log π_k − log π_K, k < K: their mean [K−1] and their
// covariance [K−1, K−1], which has full rank.
func (q LogisticNormal) ALR() (mean []float64, cov *mat.SymDense) {
	last := max(q.K()-1, 0)
	mean = make([]float64, last)
	for k := range mean {
		mean[k] = q.mu[k] - q.mu[last]
	}
	return mean, symmetric(last, func(i, j int) float64 { return q.cov.ratio(i, j) })
}

// ModeSoftmax is the point of the simplex where the density in the softmax basis is highest, softmax(μ).
func (q LogisticNormal) ModeSoftmax() []float64 {
	pi := q.Mu()
	softmax(pi)
	return pi
}

// LogProb is the log-density at the point π of the simplex, over its first K−1 coordinates; −Inf on the edges. A π off the
// simplex is an error.
func (q LogisticNormal) LogProb(pi []float64) (float64, error) {
	if err := checkPoint(pi, q.K()); err != nil {
		return math.NaN(), err
	}
	z := make([]float64, q.K())
	var sum float64
	for k, p := range pi {
		if p == 0 {
			return math.Inf(-1), nil
		}
		z[k] = math.Log(p)
		sum += z[k]
	}
	return q.logDensity(z) - sum, nil
}

// Prob is exp LogProb.
func (q LogisticNormal) Prob(pi []float64) (float64, error) {
	l, err := q.LogProb(pi)
	return math.Exp(l), err
}

// LogProbSoftmax is the log-density in the softmax basis, over y_k = z_k − z_K.
func (q LogisticNormal) LogProbSoftmax(z []float64) (float64, error) {
	if err := checkLogits(z, q.K()); err != nil {
		return math.NaN(), err
	}
	return q.logDensity(z), nil
}

// ProbSoftmax is exp LogProbSoftmax.
func (q LogisticNormal) ProbSoftmax(z []float64) (float64, error) {
	l, err := q.LogProbSoftmax(z)
	return math.Exp(l), err
}

// Sample draws n points of the simplex, one a row: [n, K]. An element too small for a float64 is 0.
func (q LogisticNormal) Sample(n int, src rand.Source) (*mat.Dense, error) {
	return sample(q, n, src, true)
}

// SampleSoftmax draws n vectors of logits that sum to zero, one a row: [n, K]. Their softmax is what Sample returns from
// the same source.
func (q LogisticNormal) SampleSoftmax(n int, src rand.Source) (*mat.Dense, error) {
	return sample(q, n, src, false)
}

func checkMean(mu []float64) error {
	if err := checkLength("μ", len(mu), len(mu)); err != nil {
		return err
	}
	return checkNumbers("μ", mu)
}

func newIndependent(mu, variance []float64) LogisticNormal {
	mu = slices.Clone(mu)
	center(mu)
	return LogisticNormal{mu, independent(variance)}
}

// newCorrelated takes a covariance that is zero-sum but for rounding.
func newCorrelated(mu []float64, sigma *mat.SymDense) (LogisticNormal, error) {
	cov, err := decompose(sigma)
	if err != nil {
		return LogisticNormal{}, err
	}
	mu = slices.Clone(mu)
	center(mu)
	return LogisticNormal{mu, cov}, nil
}

func (q LogisticNormal) logDensity(z []float64) float64 {
	r := make([]float64, len(z))
	for k := range r {
		r[k] = z[k] - q.mu[k]
	}
	return -0.5 * (q.logDet() + q.cov.distance(r))
}

// logDet is log det 2πC.
func (q LogisticNormal) logDet() float64 {
	return float64(q.K()-1)*math.Log(2*math.Pi) + q.cov.logDet()
}

// crossEntropy is −E log q(y) for any y that has the mean and covariance of p.
func (q LogisticNormal) crossEntropy(p LogisticNormal) float64 {
	r := make([]float64, q.K())
	var trace float64 // of Σ_q⁺ Σ_p
	for i := range r {
		r[i] = p.mu[i] - q.mu[i]
		for j := range r {
			trace += q.cov.precision(i, j) * p.cov.at(i, j)
		}
	}
	return 0.5 * (q.logDet() + q.cov.distance(r) + trace)
}

func (q LogisticNormal) draw(rng *rand.Rand, z []float64) {
	q.cov.draw(rng, z)
	for k, m := range q.mu {
		z[k] += m
	}
}

func (q LogisticNormal) gaussian() LogisticNormal { return q }

// reach: beyond nine standard deviations a Gaussian has 1e-18 of its mass.
func (q LogisticNormal) reach() float64 { return 9 }

func (q LogisticNormal) klTo(p Distribution) (float64, error) {
	if p, ok := p.(LogisticNormal); ok {
		return p.crossEntropy(q) - q.crossEntropy(q), nil
	}
	if q.K() > 3 {
		return math.NaN(), fmt.Errorf("bridge: KL from a logistic-normal to a Dirichlet is computed for 2 or 3 classes, not %d; use KLMonteCarlo", q.K())
	}
	return klQuadrature(q, p)
}
