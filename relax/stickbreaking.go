package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// StickBreaking is a Gaussian vector of K−1 numbers that breaks a stick of length one into K classes, front to back:
// of what is left, the fraction κ_k is broken off. With parameters [B, N, K−1] each row holds N independent variables.
//
//		z_k = κ_k Π_{j<k} (1−κ_j) for k < K,  z_K = Π_{j<K} (1−κ_j),  κ = σ(v),  v = y/τ,  y = μ + σε,  ε standard normal
//
//	  - Value: z on the simplex over the last axis, [B, …, K]. Hard marks class k if y_k is the first positive element of y,
//	    class K if none is: the limit of z as τ → 0, which at high temperatures need not be its largest element. Logit is v,
//	    [B, …, K−1].
//	  - LogProb: the density of z over its first K−1 coordinates, Σ_n Σ_{k<K} log N(y_k; μ_k, σ_k) + log τ − log z_k − log(1−κ_k),
//	    computed from Logit.
//	  - Gradient: exact.
//
// Unlike those of [InvertibleGaussian], the class probabilities have a closed form, P(k) = Φ(μ_k/σ_k) Π_{j<k} Φ(−μ_j/σ_j),
// so that Discrete is a Categorical. The paper breaks the stick without a temperature and hardens the pieces by softmax++
// afterwards; here the temperature hardens the fractions.
//
// Source: Potapczynski, Loaiza-Ganem and Cunningham (2020), arXiv:1912.09588, section 3.
type StickBreaking struct {
	Mu          *G.Node // μ [B, …, K−1]
	Sigma       *G.Node // σ [B, …, K−1], positive
	Temperature *G.Node // τ, a positive scalar; nil: 2/3
}

// Noise is one standard normal input of the parameters' shape.
func (d StickBreaking) Noise() []noise.Spec { return d.Gaussian().Noise() }

// Rsample breaks sticks.
func (d StickBreaking) Rsample(eps ...*G.Node) (Draw, error) {
	y, err := d.Gaussian().Rsample(eps...)
	if err != nil {
		return Draw{}, err
	}
	τ, err := temperature(d.Temperature, d.Mu)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	v := e.Of(op.Div(y.Value, τ))
	value := e.Of(op.Exp(e.Of(pieces(e.Of(op.LogSigmoid(v)), e.Of(logSigmoidNeg(v))))))
	// Of equals the first wins: the last class only where no element is positive.
	hard := e.Of(op.OneHotMax(e.Of(op.PadLast(e.Of(op.Positive(y.Value)), 0, 1, 1))))
	return Draw{Value: value, Logit: v, Hard: hard}, e.Err()
}

// LogProb is the log-density of Value, computed from Logit: [B].
func (d StickBreaking) LogProb(x Draw) (*G.Node, error) {
	if err := d.Gaussian().validate(); err != nil {
		return nil, err
	}
	τ, err := temperature(d.Temperature, d.Mu)
	if err != nil {
		return nil, err
	}
	v := x.Logit
	if err := drawn("the draw's Logit", v, d.Mu); err != nil {
		return nil, err
	}
	var e op.Expr
	gaussian := e.Of(d.Gaussian().LogProb(Draw{Value: e.Of(op.Mul(v, τ))}))
	whole := e.Of(pieces(e.Of(op.LogSigmoid(v)), e.Of(logSigmoidNeg(v))))
	k := d.Mu.Shape()[d.Mu.Dims()-1] + 1
	slope := e.Of(op.Add(e.Of(op.SliceLast(whole, 0, k-1)), e.Of(logSigmoidNeg(v))))
	slope = e.Of(op.Sub(slope, e.Of(op.Log(τ))))
	return e.Node(e.Of(op.Sub(gaussian, e.Of(op.SumEvent(slope)))))
}

// Discrete is the categorical law of the one-hot vector.
func (d StickBreaking) Discrete() Distribution {
	if err := d.Gaussian().validate(); err != nil {
		return invalid{err}
	}
	var e op.Expr
	ratio := e.Of(op.Div(d.Mu, d.Sigma))
	logits := e.Of(pieces(e.Of(op.LogNormalCDF(ratio)), e.Of(op.LogNormalCDF(e.Of(op.Neg(ratio))))))
	if err := e.Err(); err != nil {
		return invalid{err}
	}
	return Categorical{Logits: logits}
}

// Gaussian is the law of y, before the stick is broken.
func (d StickBreaking) Gaussian() Normal { return Normal{Mu: d.Mu, Sigma: d.Sigma} }

// pieces is the logarithm of the pieces of a stick, given log κ and log(1−κ): […, K−1] → […, K].
func pieces(logκ, logRest *G.Node) (*G.Node, error) {
	var e op.Expr
	left := e.Of(op.PadLast(e.Of(op.CumSum(logRest)), 1, 0, 0))
	return e.Node(e.Of(op.Add(e.Of(op.PadLast(logκ, 0, 1, 0)), left)))
}

// logSigmoidNeg is log σ(−x) = −softplus(x).
func logSigmoidNeg(x *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Neg(e.Of(op.Softplus(x)))))
}
