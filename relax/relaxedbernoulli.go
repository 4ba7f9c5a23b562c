package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// RelaxedBernoulli is the binary Concrete distribution: bits softened to the open interval (0, 1).
//
//		z = σ(y),  y = (ℓ + ε)/τ,  ε = log u − log(1−u),  u uniform on (0, 1)
//
//	  - Value: z in (0, 1). P(z > ½) = σ(ℓ) at every temperature, and z tends to a Bernoulli bit as τ → 0. Hard is
//	    1[z > ½], computed before the division.
//	  - LogProb: the density of z, Σ_d log τ − s − 2 softplus(−s) + softplus(y) + softplus(−y) with s = τy − ℓ. LogProbLogit
//	    is the density of y, without the last two terms.
//	  - Gradient: exact, ∂z/∂ℓ = z(1−z)/τ; it reaches the temperature too.
//
// Source: Maddison, Mnih and Teh (2017), arXiv:1611.00712, appendix B; Jang, Gu and Poole (2017), arXiv:1611.01144.
type RelaxedBernoulli struct {
	Logits      *G.Node // ℓ [B, D]
	Temperature *G.Node // τ, a positive scalar; nil: 2/3
}

// Noise is one logistic input [B, D].
func (d RelaxedBernoulli) Noise() []noise.Spec { return specLike(noise.Logistic, d.Logits) }

// Rsample draws relaxed bits.
func (d RelaxedBernoulli) Rsample(eps ...*G.Node) (Draw, error) {
	sum, hard, err := threshold(d.Logits, eps)
	if err != nil {
		return Draw{}, err
	}
	τ, err := temperature(d.Temperature, d.Logits)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	y := e.Of(op.Div(sum, τ))
	return Draw{Value: e.Of(op.Sigmoid(y)), Logit: y, Hard: hard}, e.Err()
}

// LogProb is the log-density of Value, computed from Logit: [B].
func (d RelaxedBernoulli) LogProb(x Draw) (*G.Node, error) {
	density, err := d.logitDensity(x)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.SumEvent(e.Of(op.Sub(density, e.Of(logSlope(x.Logit)))))))
}

// LogProbLogit is the log-density of Logit, a logistic variable with location ℓ/τ and scale 1/τ: [B].
func (d RelaxedBernoulli) LogProbLogit(x Draw) (*G.Node, error) {
	density, err := d.logitDensity(x)
	if err != nil {
		return nil, err
	}
	return op.SumEvent(density)
}

// Discrete is the Bernoulli law of the rounded sample.
func (d RelaxedBernoulli) Discrete() Distribution { return Bernoulli{Logits: d.Logits} }

// logitDensity is the log-density of y, element by element: log τ − s − 2 softplus(−s), s = τy − ℓ.
func (d RelaxedBernoulli) logitDensity(x Draw) (*G.Node, error) {
	if err := parameter("Logits", d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Logit", x.Logit, d.Logits); err != nil {
		return nil, err
	}
	τ, err := temperature(d.Temperature, d.Logits)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	s := e.Of(op.Sub(e.Of(op.Mul(x.Logit, τ)), d.Logits))
	tails := e.Of(op.Add(s, e.Of(op.Scale(e.Of(op.Softplus(e.Of(op.Neg(s)))), 2))))
	return e.Node(e.Of(op.Sub(e.Of(op.Log(τ)), tails)))
}

// logSlope is log ∂σ(y)/∂y = −softplus(y) − softplus(−y), which turns a density of y into one of σ(y).
func logSlope(y *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Neg(e.Of(op.Add(e.Of(op.Softplus(y)), e.Of(op.Softplus(e.Of(op.Neg(y)))))))))
}
