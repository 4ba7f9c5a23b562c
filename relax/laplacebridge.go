package relax

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// LaplaceBridge is the Dirichlet law of class probabilities π = softmax(z) for Gaussian logits z that sum to zero, from their
// mean μ [B, …, K], in any gauge, and their variances Σ_kk of the same shape, positive:
//
//	α_k = (1/Σ_kk) (1 − 2/K + (1/K²) Σ_l exp(μ_k − μ_l))
//
// The formula undoes [Dirichlet.Laplace] exactly. Other Gaussians have more freedom than a Dirichlet: it then matches each
// variance by itself and ignores the covariances. It is computed as log α, which stays finite for any finite μ, with the
// rounding error of sums of μ. Gradients are exact, to both parameters.
//
// A Gaussian whose logits do not sum to zero – that of a network, say – goes through [Center] or [ZeroSum] first, and then
// perhaps through [NormalizeVariance]: its own variances are larger than those that the formula means.
//
// Source: Hobbhahn, Kristiadi and Hennig (2022), Fast predictive uncertainty for classification with Bayesian deep networks,
// UAI; MacKay (1998), Choice of basis for Laplace approximation, Machine Learning 33.
func LaplaceBridge(mu, variance *G.Node) (Dirichlet, error) {
	if err := gaussianLogits(mu, "variance", variance, false); err != nil {
		return Dirichlet{}, err
	}
	k := classes(mu)
	var e op.Expr
	norm := e.Of(op.SpreadLast(e.Of(op.LogSumExp(e.Of(op.Neg(mu)))), k))
	// The logarithm s of (1/K²) Σ_l exp(μ_k − μ_l), and then that of c + e^s, which is log c + softplus(s − log c).
	logs := e.Of(op.Shift(e.Of(op.Add(mu, norm)), -2*math.Log(float64(k))))
	if k > 2 {
		c := math.Log(1 - 2/float64(k))
		logs = e.Of(op.Shift(e.Of(op.Softplus(e.Of(op.Shift(logs, -c)))), c))
	}
	return Dirichlet{LogAlpha: e.Of(op.Sub(logs, e.Of(op.Log(variance))))}, e.Err()
}

// Laplace is the way back: mean and variances, each of LogAlpha's shape, of the zero-sum Gaussian with the mode of the
// Dirichlet's softmax density and the curvature of its logarithm there,
//
//	μ_k = log α_k − (1/K) Σ_l log α_l,  Σ_kk = (1/α_k)(1 − 2/K) + (1/K²) Σ_l 1/α_l
//
// These are the diagonal of Σ = P·diag(1/α)·P with P = I − 11ᵀ/K. The approximation is good for large α.
func (d Dirichlet) Laplace() (mu, variance *G.Node, err error) {
	if err := d.validate(); err != nil {
		return nil, nil, err
	}
	var e op.Expr
	inverse := e.Of(op.Exp(e.Of(op.Neg(d.LogAlpha))))
	if err := e.Err(); err != nil {
		return nil, nil, err
	}
	return Center(d.LogAlpha, inverse)
}

// Center is the mean and the variances of Gaussian logits less their own mean, (Pμ, diag PΣP) with P = I − 11ᵀ/K: the zero-sum
// Gaussian with the same law of softmax(z), whatever the gauge of z. mu is [B, …, K]; covariance is mu's shape for the variances
// of independent logits, or [B, …, K, K] for the symmetric covariance matrix of each variable. Both results have mu's shape.
func Center(mu, covariance *G.Node) (mean, variance *G.Node, err error) {
	c, err := covarianceOf(mu, covariance)
	if err != nil {
		return nil, nil, err
	}
	n := classes(mu)
	k := float64(n)
	var e op.Expr
	average := func(x *G.Node, of float64) *G.Node {
		return e.Of(op.SpreadLast(e.Of(op.Scale(e.Of(op.SumLast(x)), 1/of)), n))
	}
	mean = e.Of(op.Sub(mu, average(mu, k)))
	var own *G.Node
	if c.independent { // without cancellation
		own = e.Of(op.Scale(c.own, 1-2/k))
	} else {
		own = e.Of(op.Sub(c.own, e.Of(op.Scale(c.rows, 2/k))))
	}
	variance = e.Of(op.Add(own, average(c.rows, k*k)))
	return mean, variance, e.Err()
}

// ZeroSum is the mean and the variances of Gaussian logits conditioned on Σ_k z_k = 0,
//
//	μ′ = μ − Σ1 (1ᵀμ)/(1ᵀΣ1),  Σ′_kk = Σ_kk − (Σ1)_k²/(1ᵀΣ1)
//
// for the parameters of [Center]. This is how Hobbhahn et al. bring a network's Gaussian to the bridge. Where Σ1 is no multiple
// of 1 the result depends on the gauge of z, and differs from the law of softmax(z) that Center keeps. The variance of the sum,
// 1ᵀΣ1, must be positive.
func ZeroSum(mu, covariance *G.Node) (mean, variance *G.Node, err error) {
	c, err := covarianceOf(mu, covariance)
	if err != nil {
		return nil, nil, err
	}
	n := classes(mu)
	var e op.Expr
	over := func(x *G.Node) *G.Node { return e.Of(op.SpreadLast(x, n)) }
	total := e.Of(op.SumLast(c.rows))
	shift := over(e.Of(op.Div(e.Of(op.SumLast(mu)), total)))
	mean = e.Of(op.Sub(mu, e.Of(op.Mul(c.rows, shift))))
	if c.independent { // Σ_kk·(Σ_{l≠k} Σ_ll)/(Σ_l Σ_ll), without cancellation
		variance = e.Of(op.Mul(c.own, e.Of(op.Div(e.Of(sumOthers(c.own)), over(total)))))
	} else {
		variance = e.Of(op.Sub(c.own, e.Of(op.Mul(c.rows, e.Of(op.Div(c.rows, over(total)))))))
	}
	return mean, variance, e.Err()
}

// NormalizeVariance divides logits by √c with c = mean_k(Σ_kk)/√(K/2): mu becomes μ/√c and variance Σ_kk/c, both [B, …, K]. It
// is the correction that laplace-torch offers as bridge_norm. Variances enter [LaplaceBridge] as one factor for each α, so that
// the mean of its law does not change if all of them grow alike; normalised, larger variances pull the mean towards even
// probabilities, and the size of α no longer depends on the scale of the logits.
func NormalizeVariance(mu, variance *G.Node) (mean, normalized *G.Node, err error) {
	if err := gaussianLogits(mu, "variance", variance, false); err != nil {
		return nil, nil, err
	}
	n := classes(mu)
	k := float64(n)
	var e op.Expr
	c := e.Of(op.Scale(e.Of(op.SumLast(variance)), 1/(k*math.Sqrt(k/2))))
	root := e.Of(op.Exp(e.Of(op.Scale(e.Of(op.Log(c)), 0.5))))
	mean = e.Of(op.Div(mu, e.Of(op.SpreadLast(root, n))))
	normalized = e.Of(op.Div(variance, e.Of(op.SpreadLast(c, n))))
	return mean, normalized, e.Err()
}

// logitCovariance is what of Σ matters for variances.
type logitCovariance struct {
	own, rows   *G.Node // the diagonal of Σ, and Σ1, both of μ's shape
	independent bool    // Σ is diagonal: the two are one
}

// covarianceOf validates the parameters of Gaussian logits with the covariance in either form.
func covarianceOf(mu, covariance *G.Node) (logitCovariance, error) {
	if mu == nil || covariance == nil || covariance.Dims() <= mu.Dims() {
		return logitCovariance{covariance, covariance, true}, gaussianLogits(mu, "covariance", covariance, false)
	}
	if err := gaussianLogits(mu, "covariance", covariance, true); err != nil {
		return logitCovariance{}, err
	}
	// Rows of K²+K numbers cut into rows of K+1 begin with the diagonal's elements.
	k, n := classes(mu), mu.Shape().TotalSize()
	var e op.Expr
	flat := e.Of(op.PadLast(e.Of(op.Reshape(covariance, n/k, k*k)), 0, k, 0))
	own := e.Of(op.SliceLast(e.Of(op.Reshape(flat, n, k+1)), 0, 1))
	return logitCovariance{own: e.Of(op.Reshape(own, mu.Shape()...)), rows: e.Of(op.SumLast(covariance))}, e.Err()
}

// gaussianLogits validates the parameters of Gaussian logits. The second has the shape of μ, or is the matrices of its
// variables.
func gaussianLogits(mu *G.Node, name string, second *G.Node, matrices bool) error {
	if err := parameter("mu", mu); err != nil {
		return err
	}
	k := classes(mu)
	if k < 2 {
		return fmt.Errorf("relax: mu has shape %v; logits of at least 2 classes are needed", mu.Shape())
	}
	shape := mu.Shape()
	if matrices {
		shape = append(shape.Clone(), k)
	}
	return drawnAs(name, second, mu, shape)
}

// sumOthers is Σ_{l≠k} x_l for each k of the last axis, in x's shape. No difference is taken, so that nothing is lost where
// one element outweighs the rest.
func sumOthers(x *G.Node) (*G.Node, error) {
	k, n := classes(x), x.Shape().TotalSize()
	others := slices.Repeat([]float64{1}, k*k)
	for i := range k {
		others[i*k+i] = 0
	}
	var e op.Expr
	rows := e.Of(op.Reshape(x, n/k, k))
	sums := e.Of(op.MatMul(rows, e.Of(op.TensorLike(x, others, k, k)), false, false))
	return e.Node(e.Of(op.Reshape(sums, x.Shape()...)))
}
