package relax

import (
	"errors"
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// defaultGateScale is the standard deviation of Yamada et al. (2020).
const defaultGateScale = 0.5

// GaussianRelaxedBernoulli is a Gaussian variable clipped to [0, 1], so that exact zeros and ones have positive
// probability and the values between remain differentiable: the stochastic gates of feature selection.
//
//		z = min(1, max(0, x)),  x = μ + σε,  ε standard normal
//
//	  - Value: z in [0, 1], with atoms P(z=0) = Φ(−μ/σ) and P(z=1) = Φ((μ−1)/σ). Hard is 1[x > ½], a Bernoulli bit with
//	    probability Φ((μ−½)/σ). Logit is x, no logit here.
//	  - LogProb: the log-probability of an atom where z is one, else the normal density of x; the two together have total
//	    mass 1.
//	  - Gradient: exact inside (0, 1) to μ and σ, zero where z is clipped.
//
// Source: Yamada, Lindenbaum, Negahban and Kluger (2020), arXiv:1810.04247, who keep σ = ½ and learn μ, from ½ on.
type GaussianRelaxedBernoulli struct {
	Mu    *G.Node // μ [B, D]
	Sigma *G.Node // σ, positive: [B, D], or a scalar for all; nil: ½
}

// Noise is one standard normal input [B, D].
func (d GaussianRelaxedBernoulli) Noise() []noise.Spec { return specLike(noise.Normal, d.Mu) }

// Rsample draws gates.
func (d GaussianRelaxedBernoulli) Rsample(eps ...*G.Node) (Draw, error) {
	σ, err := d.validate()
	if err != nil {
		return Draw{}, err
	}
	ε, err := sampleNoise(d.Mu, eps)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	x := e.Of(op.Add(d.Mu, e.Of(op.Mul(ε, σ))))
	z := e.Of(op.Clamp(x, 0, 1))
	return Draw{Value: z, Logit: x, Hard: e.Of(op.Positive(e.Of(op.Shift(x, -0.5))))}, e.Err()
}

// LogProb is the log-density of Value with respect to Lebesgue measure on (0, 1) plus unit masses at 0 and 1: [B]. It
// jumps where Value meets an atom, so its gradient through the draw misses what moves across the jump; use [KL] of
// Gaussian to train with a divergence.
func (d GaussianRelaxedBernoulli) LogProb(x Draw) (*G.Node, error) {
	σ, err := d.validate()
	if err != nil {
		return nil, err
	}
	if err := drawn("the draw's Value", x.Value, d.Mu); err != nil {
		return nil, err
	}
	var e op.Expr
	z := x.Value
	r := e.Of(op.Div(e.Of(op.Sub(z, d.Mu)), σ))
	quadratic := e.Of(op.Affine(e.Of(op.Square(r)), -0.5, -0.5*math.Log(2*math.Pi)))
	inside := e.Of(op.Sub(quadratic, e.Of(op.Log(σ))))
	zero := e.Of(op.LogNormalCDF(e.Of(op.Neg(e.Of(op.Div(d.Mu, σ))))))
	one := e.Of(op.LogNormalCDF(e.Of(op.Div(e.Of(op.Shift(d.Mu, -1)), σ))))
	aboveZero := e.Of(op.Positive(z))
	belowOne := e.Of(op.Positive(e.Of(op.OneMinus(z))))
	sum := e.Of(op.Mul(inside, e.Of(op.Mul(aboveZero, belowOne))))
	sum = e.Of(op.Add(sum, e.Of(op.Mul(zero, e.Of(op.OneMinus(aboveZero))))))
	sum = e.Of(op.Add(sum, e.Of(op.Mul(one, e.Of(op.OneMinus(belowOne))))))
	return e.Node(e.Of(op.SumEvent(sum)))
}

// Discrete is the Bernoulli law of the rounded sample; its logit is log Φ(t) − log Φ(−t) for t = (μ−½)/σ.
func (d GaussianRelaxedBernoulli) Discrete() Distribution {
	var e op.Expr
	σ := e.Of(d.sigma())
	logits := e.Of(op.LogitNormalCDF(e.Of(op.Div(e.Of(op.Shift(d.Mu, -0.5)), σ))))
	if err := e.Err(); err != nil {
		return discrete("GaussianRelaxedBernoulli", err)
	}
	return Bernoulli{Logits: logits}
}

// Gaussian is the law of x, the draw's Logit, before it is clipped. The divergence of two such laws bounds that of the
// gates from above.
func (d GaussianRelaxedBernoulli) Gaussian() (Normal, error) {
	σ, err := d.validate()
	if err != nil {
		return Normal{}, err
	}
	if σ.Dims() == 0 {
		if σ, err = op.SpreadAll(σ, d.Mu.Shape()...); err != nil {
			return Normal{}, fmt.Errorf("relax: GaussianRelaxedBernoulli.Sigma: %w", err)
		}
	}
	return Normal{Mu: d.Mu, Sigma: σ}, nil
}

// ProbNonZero is P(z > 0) = Φ(μ/σ), the expected L0 norm of each gate: [B, D] (Yamada et al.).
func (d GaussianRelaxedBernoulli) ProbNonZero() (*G.Node, error) {
	σ, err := d.validate()
	if err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.Exp(e.Of(op.LogNormalCDF(e.Of(op.Div(d.Mu, σ)))))))
}

// TestGate is the deterministic gate of a trained model, min(1, max(0, μ)): [B, D].
func (d GaussianRelaxedBernoulli) TestGate() (*G.Node, error) {
	if _, err := d.validate(); err != nil {
		return nil, err
	}
	return op.Clamp(d.Mu, 0, 1)
}

// validate checks the parameters and gives σ.
func (d GaussianRelaxedBernoulli) validate() (*G.Node, error) {
	if err := parameter("GaussianRelaxedBernoulli.Mu", d.Mu); err != nil {
		return nil, err
	}
	return d.sigma()
}

// sigma is the node of Sigma.
func (d GaussianRelaxedBernoulli) sigma() (*G.Node, error) {
	σ, μ := d.Sigma, d.Mu
	switch {
	case μ == nil:
		return nil, errors.New("relax: GaussianRelaxedBernoulli.Mu is nil")
	case σ == nil:
		return op.ConstantLike(μ, defaultGateScale)
	case σ.Dims() != 0 && !slices.Equal(σ.Shape(), μ.Shape()):
		return nil, fmt.Errorf("relax: GaussianRelaxedBernoulli.Sigma has shape %v; it must be a scalar or have Mu's shape %v", σ.Shape(), μ.Shape())
	case σ.Dtype() != μ.Dtype() || σ.Graph() != μ.Graph():
		return nil, fmt.Errorf("relax: GaussianRelaxedBernoulli.Sigma is %v; it must have the type %v and the graph of Mu", σ.Dtype(), μ.Dtype())
	}
	return σ, nil
}
