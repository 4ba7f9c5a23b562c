package relax

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// HardConcrete is a relaxed Bernoulli stretched over (γ, ζ) and clipped to [0, 1], so that exact zeros and ones have
// positive probability and the values between remain differentiable: gates that can close.
//
//		z = min(1, max(0, s̄)),  s̄ = s(ζ−γ) + γ,  s = σ(y),  y = (ℓ + ε)/β,  ε logistic
//
//	  - Value: z in [0, 1], with atoms P(z=0) = σ(β log(−γ/ζ) − ℓ) and P(z=1) = σ(ℓ − β log((1−γ)/(ζ−1))). Logit is y. Hard
//	    is 1[s > ½], a Bernoulli bit with logit ℓ.
//	  - LogProb: the log-probability of an atom where z is one, else the density of s̄, which is not renormalised; the two
//	    together have total mass 1.
//	  - Gradient: exact inside (0, 1), zero where z is clipped.
//
// Source: Louizos, Welling and Kingma (2018), arXiv:1712.01312, equations 10 to 13; γ, ζ and β are the paper's.
type HardConcrete struct {
	Logits      *G.Node // ℓ = log α [B, D]
	Temperature *G.Node // β, a positive scalar; nil: 2/3
	Gamma, Zeta float64 // γ < 0 and ζ > 1; both zero: −0.1 and 1.1
}

// Noise is one logistic input [B, D].
func (d HardConcrete) Noise() []noise.Spec { return specLike(noise.Logistic, d.Logits) }

// Rsample draws gates.
func (d HardConcrete) Rsample(eps ...*G.Node) (Draw, error) {
	γ, ζ, err := d.stretch()
	if err != nil {
		return Draw{}, err
	}
	soft, err := d.Concrete().Rsample(eps...)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	z := e.Of(clip(soft.Value, γ, ζ))
	return Draw{Value: z, Logit: soft.Logit, Hard: soft.Hard}, e.Err()
}

// LogProb is the log-density of Value with respect to Lebesgue measure on (0, 1) plus unit masses at 0 and 1,
// computed from Logit: [B]. It jumps where Value meets an atom, so its gradient through the draw misses what moves
// across the jump; use [KL] to train with a divergence.
func (d HardConcrete) LogProb(x Draw) (*G.Node, error) {
	γ, ζ, err := d.stretch()
	if err != nil {
		return nil, err
	}
	concrete := d.Concrete()
	density, err := concrete.logitDensity(x)
	if err != nil {
		return nil, err
	}
	β, err := temperature(d.Temperature, d.Logits)
	if err != nil {
		return nil, err
	}
	low, high := edges(γ, ζ)
	var e op.Expr
	y := x.Logit
	inside := e.Of(op.Sub(density, e.Of(op.Shift(e.Of(logSlope(y)), math.Log(ζ-γ)))))
	zero := e.Of(op.LogSigmoid(e.Of(op.Sub(e.Of(op.Scale(β, low)), d.Logits))))
	one := e.Of(op.LogSigmoid(e.Of(op.Sub(d.Logits, e.Of(op.Scale(β, high))))))
	isZero := e.Of(op.Positive(e.Of(op.Affine(y, -1, low))))
	isOne := e.Of(op.Positive(e.Of(op.Shift(y, -high))))
	isInside := e.Of(op.OneMinus(e.Of(op.Add(isZero, isOne))))
	sum := e.Of(op.Mul(inside, isInside))
	sum = e.Of(op.Add(sum, e.Of(op.Mul(zero, isZero))))
	sum = e.Of(op.Add(sum, e.Of(op.Mul(one, isOne))))
	return e.Node(e.Of(op.SumEvent(sum)))
}

// Discrete is the Bernoulli law of the rounded sample.
func (d HardConcrete) Discrete() Distribution { return Bernoulli{Logits: d.Logits} }

// Concrete is the law of s before it is stretched and clipped.
func (d HardConcrete) Concrete() RelaxedBernoulli {
	return RelaxedBernoulli{Logits: d.Logits, Temperature: d.Temperature}
}

// ProbNonZero is P(z ≠ 0) = σ(ℓ − β log(−γ/ζ)), the expected L0 norm of each gate: [B, D] (Louizos et al., equation 12).
func (d HardConcrete) ProbNonZero() (*G.Node, error) {
	γ, ζ, err := d.stretch()
	if err != nil {
		return nil, err
	}
	if err := parameter("HardConcrete.Logits", d.Logits); err != nil {
		return nil, err
	}
	β, err := temperature(d.Temperature, d.Logits)
	if err != nil {
		return nil, err
	}
	low, _ := edges(γ, ζ)
	var e op.Expr
	return e.Node(e.Of(op.Sigmoid(e.Of(op.Sub(d.Logits, e.Of(op.Scale(β, low)))))))
}

// TestGate is the deterministic gate of a trained model, min(1, max(0, σ(ℓ)(ζ−γ) + γ)), without the temperature:
// [B, D] (Louizos et al., equation 13).
func (d HardConcrete) TestGate() (*G.Node, error) {
	γ, ζ, err := d.stretch()
	if err != nil {
		return nil, err
	}
	if err := parameter("HardConcrete.Logits", d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(clip(e.Of(op.Sigmoid(d.Logits)), γ, ζ)))
}

// stretch gives γ and ζ with their defaults.
func (d HardConcrete) stretch() (γ, ζ float64, err error) {
	γ, ζ = d.Gamma, d.Zeta
	if γ == 0 && ζ == 0 {
		γ, ζ = -0.1, 1.1
	}
	if !(γ < 0) || !(ζ > 1) || math.IsInf(γ, 0) || math.IsInf(ζ, 0) {
		return 0, 0, fmt.Errorf("relax: hard concrete stretched over (%g, %g); it needs γ < 0 and ζ > 1", γ, ζ)
	}
	return γ, ζ, nil
}

// edges are the logits y at which s̄ leaves [0, 1].
func edges(γ, ζ float64) (low, high float64) {
	return math.Log(-γ / ζ), math.Log((1 - γ) / (ζ - 1))
}

func clip(s *G.Node, γ, ζ float64) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Clamp(e.Of(op.Affine(s, ζ-γ, γ)), 0, 1)))
}
