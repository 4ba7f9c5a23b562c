package bridge

import (
	"fmt"
	"math"
)

// Laplace is the Laplace bridge from a Dirichlet distribution: the Gaussian with the mode of the Dirichlet's softmax density
// and the curvature of its logarithm there, both in the zero-sum gauge,
//
//	μ_k = log α_k − (1/K) Σ_l log α_l,  Σ = P·diag(1/α)·P
//	Σ_kl = δ_kl/α_k − (1/K)(1/α_k + 1/α_l) + (1/K²) Σ_m 1/α_m,  P = I − 11ᵀ/K
//
// The approximation is good for large α. Below one or so it is far off, as the logits are then skewed; [KL] tells how far.
func Laplace(d Dirichlet) LogisticNormal {
	if d.K() == 0 {
		return LogisticNormal{}
	}
	return newIndependent(d.each(math.Log), d.each(func(a float64) float64 { return 1 / a }))
}

// LaplaceDiagonal is [Laplace] with the off-diagonal elements of Σ dropped: the law of softmax(z) for independent
// z_k ~ N(μ_k, Σ_kk). It is cheaper for those who store one variance a logit, and farther from the Dirichlet. As for any
// LogisticNormal, its Sigma is then the zero-sum P·diag(Σ_kk)·P; for the Σ_kk themselves, take the Variance of Laplace.
func LaplaceDiagonal(d Dirichlet) LogisticNormal {
	if d.K() == 0 {
		return LogisticNormal{}
	}
	q := Laplace(d)
	return newIndependent(q.mu, q.Variance())
}

// LaplaceInverse is the Laplace bridge to a Dirichlet distribution, from the mean μ of K ≥ 2 logits, in any gauge, and the
// diagonal Σ_kk of their zero-sum covariance,
//
//	α_k = (1/Σ_kk) (1 − 2/K + (1/K²) Σ_l exp(μ_k − μ_l))
//
// It undoes [Laplace] exactly. Other Gaussians have more freedom than a Dirichlet: the formula then matches each Σ_kk by
// itself and ignores the off-diagonals. Take mu and variance from the Mu and Variance of a [LogisticNormal], which
// [ZeroSum] and [NormalizeVariance] make of a network's Gaussian logits. A result outside the range of [NewDirichlet] is an
// error.
func LaplaceInverse(mu, variance []float64) (Dirichlet, error) {
	if err := checkGaussian(mu, variance); err != nil {
		return Dirichlet{}, err
	}
	k := float64(len(mu))
	alpha := make([]float64, len(mu))
	for i, m := range mu {
		var sum float64
		for _, l := range mu {
			sum += math.Exp(m - l)
		}
		alpha[i] = (1 - 2/k + sum/(k*k)) / variance[i]
	}
	return bridged(alpha)
}

// NormalizeVariance divides the logits by √c with c = mean_k(Σ_kk) / √(K/2), so that μ becomes μ/√c and Σ becomes Σ/c. It is
// the correction that laplace-torch offers as bridge_norm: where variances are large, [LaplaceInverse] of the raw logits
// gives concentrations that are too small; normalised, their size no longer depends on the scale of the logits.
func NormalizeVariance(q LogisticNormal) LogisticNormal {
	if q.K() == 0 {
		return LogisticNormal{}
	}
	k := float64(q.K())
	var c float64
	for _, v := range q.Variance() {
		c += v / k / math.Sqrt(k/2)
	}
	mu := q.Mu()
	for i := range mu {
		mu[i] /= math.Sqrt(c)
	}
	return LogisticNormal{mu, q.cov.scale(1 / c)}
}

func checkGaussian(mu, variance []float64) error {
	if err := checkMean(mu); err != nil {
		return err
	}
	if err := checkLength("variance", len(variance), len(mu)); err != nil {
		return err
	}
	return checkVariances("variance", variance)
}

// bridged is the Dirichlet distribution at the end of a bridge.
func bridged(alpha []float64) (Dirichlet, error) {
	d, err := NewDirichlet(alpha...)
	if err != nil {
		return Dirichlet{}, fmt.Errorf("bridge: no Dirichlet distribution is this Gaussian's image: α = %.3g leaves [%g, %g]; bring the means closer or the variances nearer one", alpha, minAlpha, maxAlpha)
	}
	return d, nil
}
