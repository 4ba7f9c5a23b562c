package bridge

import (
	"fmt"
	"math"
)

// Moments is the logistic-normal whose logits have the mean and covariance of the Dirichlet's logits, in the zero-sum gauge,
//
//	μ_k = ψ(α_k) − (1/K) Σ_l ψ(α_l),  Σ = P·diag(ψ′(α))·P
//
// with ψ and ψ′ the digamma and trigamma functions. Of all logistic-normals it has the least KL(Dirichlet ‖ ·), since a
// Gaussian's cross-entropy depends on these two moments alone. For large α it approaches [Laplace].
func Moments(d Dirichlet) LogisticNormal {
	if d.K() == 0 {
		return LogisticNormal{}
	}
	return newIndependent(d.each(digamma), d.each(trigamma))
}

// MomentsInverse is the Dirichlet distribution whose zero-sum logits have the given mean, in any gauge, and the given total
// variance Σ_k variance_k: the α with
//
//	ψ(α_k) = μ_k + t,  (1 − 1/K) Σ_k ψ′(α_k) = Σ_k variance_k
//
// for some t. There is exactly one, as ψ increases from −∞ to ∞ and ψ′ decreases from ∞ to 0. It undoes [Moments]. A result
// outside the range of [NewDirichlet] is an error.
func MomentsInverse(mu, variance []float64) (Dirichlet, error) {
	if err := checkGaussian(mu, variance); err != nil {
		return Dirichlet{}, err
	}
	k := float64(len(mu))
	var target float64
	for _, v := range variance {
		target += v / (1 - 1/k)
	}
	// at is the solution of the first equation in which α_1 is exp(x).
	alpha := make([]float64, len(mu))
	at := func(x float64) (traced float64) {
		t := digamma(math.Exp(x)) - mu[0]
		for i, m := range mu {
			alpha[i] = inverseDigamma(m + t)
			traced += trigamma(alpha[i])
		}
		return traced
	}
	low, high := math.Log(minAlpha), math.Log(maxAlpha)
	if target > at(low) || target < at(high) {
		return Dirichlet{}, fmt.Errorf("bridge: no Dirichlet distribution with concentrations in [%g, %g] has logits of these means and of total variance %g; bring the means closer to each other or the variances nearer one", minAlpha, maxAlpha, target*(1-1/k))
	}
	for range 100 { // bisection down to neighbouring numbers
		if x := low/2 + high/2; at(x) > target {
			low = x
		} else {
			high = x
		}
	}
	at(high)
	return bridged(alpha)
}
