package bridge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Dirichlet is the Dirichlet distribution with concentrations α_1 … α_K > 0 and total A = Σ α_k. Its density over the first
// K−1 coordinates of the simplex is
//
//	p(π) = Γ(A) / Π Γ(α_k) · Π π_k^(α_k − 1)
//
// Log-densities and divergences carry a rounding error of about 1e-16·A·log A. Make one with [NewDirichlet]; the zero
// value has no classes and its methods return nothing, NaN or an error.
type Dirichlet struct {
	alpha   []float64
	total   float64
	logBeta float64
}

// NewDirichlet is the Dirichlet distribution with the given concentrations. They must be at least two, in [1e-50, 1e9].
func NewDirichlet(alpha ...float64) (Dirichlet, error) {
	if len(alpha) < 2 {
		return Dirichlet{}, fmt.Errorf("bridge: %d concentrations; a Dirichlet distribution needs at least 2", len(alpha))
	}
	var total float64
	for k, a := range alpha {
		if !(a >= minAlpha && a <= maxAlpha) {
			return Dirichlet{}, fmt.Errorf("bridge: α[%d] = %g; a concentration must be positive, in [%g, %g]", k, a, minAlpha, maxAlpha)
		}
		total += a
	}
	return Dirichlet{slices.Clone(alpha), total, logBeta(alpha)}, nil
}

// K is the number of classes.
func (d Dirichlet) K() int { return len(d.alpha) }

// Alpha is a copy of the concentrations α.
func (d Dirichlet) Alpha() []float64 { return slices.Clone(d.alpha) }

// Mean is E π_k = α_k/A.
func (d Dirichlet) Mean() []float64 {
	return d.each(func(a float64) float64 { return a / d.total })
}

// Variance is Var π_k = α_k (A − α_k) / (A² (A + 1)).
func (d Dirichlet) Variance() []float64 {
	return d.each(func(a float64) float64 { return a / d.total * ((d.total - a) / d.total) / (d.total + 1) })
}

// Covariance is Cov(π_i, π_j) = (δ_ij α_i/A − α_i α_j/A²) / (A + 1), [K, K] and singular, as the elements sum to one.
func (d Dirichlet) Covariance() *mat.SymDense {
	variance := d.Variance()
	return symmetric(d.K(), func(i, j int) float64 {
		if i == j {
			return variance[i]
		}
		return -d.alpha[i] / d.total * (d.alpha[j] / d.total) / (d.total + 1)
	})
}

// MeanLog is E log π_k = ψ(α_k) − ψ(A), with ψ the digamma function.
func (d Dirichlet) MeanLog() []float64 {
	return d.each(func(a float64) float64 { return digamma(a) - digamma(d.total) })
}

// Mode is the point where the density on the simplex is highest, (α_k − 1) / (A − K). It exists if no α_k is below one and
// one is above; otherwise the density is unbounded at the edges, or flat, and Mode returns an error.
func (d Dirichlet) Mode() ([]float64, error) {
	if k := float64(d.K()); k > 0 && slices.Min(d.alpha) >= 1 && d.total > k {
		return d.each(func(a float64) float64 { return (a - 1) / (d.total - k) }), nil
	}
	return nil, fmt.Errorf("bridge: Dirichlet(%g) has no mode on the simplex, which needs every α ≥ 1 and one above; ModeSoftmax always exists", d.alpha)
}

// ModeSoftmax is the point π of the simplex where the density in the softmax basis is highest: α_k/A, the mean. It exists
// for every α, and is where [Laplace] expands.
func (d Dirichlet) ModeSoftmax() []float64 { return d.Mean() }

// Entropy is the differential entropy −E log p(π) on the simplex in nats,
//
//	log B(α) − Σ_k (α_k − 1) (ψ(α_k) − ψ(A))
func (d Dirichlet) Entropy() float64 {
	entropy := d.logBeta
	for k, m := range d.MeanLog() {
		entropy -= (d.alpha[k] - 1) * m
	}
	return entropy
}

// LogProb is the log-density at the point π of the simplex, over its first K−1 coordinates. On an edge it is −Inf, finite
// or +Inf as α there is above, at or below one; where two of these meet it is an error, as is a π off the simplex.
func (d Dirichlet) LogProb(pi []float64) (float64, error) {
	if err := checkPoint(pi, d.K()); err != nil {
		return math.NaN(), err
	}
	logProb := -d.logBeta
	for k, a := range d.alpha {
		if a != 1 { // 0·log 0 is 0
			logProb += (a - 1) * math.Log(pi[k])
		}
	}
	if math.IsNaN(logProb) {
		return logProb, fmt.Errorf("bridge: the density of Dirichlet(%g) has no limit at the corner π = %g; move π inside", d.alpha, pi)
	}
	return logProb, nil
}

// Prob is exp LogProb.
func (d Dirichlet) Prob(pi []float64) (float64, error) {
	l, err := d.LogProb(pi)
	return math.Exp(l), err
}

// LogProbSoftmax is the log-density in the softmax basis, over y_k = z_k − z_K,
//
//	log p(y) = Σ_k α_k log softmax(z)_k − log B(α)
func (d Dirichlet) LogProbSoftmax(z []float64) (float64, error) {
	if err := checkLogits(z, d.K()); err != nil {
		return math.NaN(), err
	}
	return d.logDensity(z), nil
}

// ProbSoftmax is exp LogProbSoftmax.
func (d Dirichlet) ProbSoftmax(z []float64) (float64, error) {
	l, err := d.LogProbSoftmax(z)
	return math.Exp(l), err
}

// Sample draws n points of the simplex, one a row: [n, K]. An element too small for a float64 is 0.
func (d Dirichlet) Sample(n int, src rand.Source) (*mat.Dense, error) { return sample(d, n, src, true) }

// SampleSoftmax draws n vectors of logits that sum to zero, one a row: [n, K]. Their softmax is what Sample returns from
// the same source; logits do not underflow however small α is.
func (d Dirichlet) SampleSoftmax(n int, src rand.Source) (*mat.Dense, error) {
	return sample(d, n, src, false)
}

func (d Dirichlet) each(f func(alpha float64) float64) []float64 {
	out := make([]float64, d.K())
	for k, a := range d.alpha {
		out[k] = f(a)
	}
	return out
}

func (d Dirichlet) logDensity(z []float64) float64 {
	logProb := -d.logBeta
	norm := logSumExp(z)
	for k, a := range d.alpha {
		logProb += a * (z[k] - norm)
	}
	return logProb
}

// draw normalises independent Gamma variables in logarithms. A Gamma(α) variable is one of Gamma(α+1) times U^(1/α) for a
// uniform U (Marsaglia and Tsang, 2000), and −log U is exponential.
func (d Dirichlet) draw(rng *rand.Rand, z []float64) {
	for k, a := range d.alpha {
		z[k] = math.Log(distuv.Gamma{Alpha: a + 1, Beta: 1, Src: rng}.Rand()) - rng.ExpFloat64()/a
	}
	center(z)
}

func (d Dirichlet) gaussian() LogisticNormal { return Moments(d) }

// reach: in units of the standard deviation of the logits, the tails fall at least as fast as exp(−|u|) in any direction.
func (d Dirichlet) reach() float64 { return 40 }

// klTo takes no more of d's logits than two moments if q's are Gaussian.
func (d Dirichlet) klTo(q Distribution) (float64, error) {
	kl := -d.logBeta
	if p, ok := q.(Dirichlet); ok {
		kl += p.logBeta
		for k, m := range d.MeanLog() {
			kl += (d.alpha[k] - p.alpha[k]) * m
		}
		return kl, nil
	}
	for k, m := range d.MeanLog() { // −entropy in the softmax basis
		kl += d.alpha[k] * m
	}
	return kl + q.gaussian().crossEntropy(d.gaussian()), nil
}
