package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// CorrelatedRelaxedBernoulli is a vector of D binary Concrete variables made dependent by a Gaussian copula. With logits
// [B, N, D] each row holds N independent vectors.
//
//		z_k = σ(y_k),  y_k = (ℓ_k + logit Φ(v_k))/τ,  v = Lε,  ε standard normal
//
//	  - Value: z in (0, 1). Each z_k alone is RelaxedBernoulli, so that P(z_k > ½) = σ(ℓ_k) at every temperature; v has
//	    correlation matrix R = LLᵀ. Hard is 1[z > ½], Logit is y.
//	  - LogProb: the joint density of z, Σ_k log p(z_k) + log c(v) with the RelaxedBernoulli densities and the copula's
//	    log c(v) = ½(|v|² − |L⁻¹v|²) − Σ_k log L_kk at v_k = Φ⁻¹(σ(τy_k − ℓ_k)).
//	  - Gradient: exact, to the logits, the temperature and L.
//
// The report's formula draws the uniform variables behind the logistic noise independently; the copula, on which the
// method rests, is Φ(v).
//
// Source: Lee, Imrie and van der Schaar (2022), openreview.net/forum?id=oDFvtxzPOx, equation 6; the density is derived
// here.
type CorrelatedRelaxedBernoulli struct {
	Logits      *G.Node // ℓ [B, …, D]
	Temperature *G.Node // τ, a positive scalar; nil: 2/3
	Chol        *G.Node // L [D, D], lower triangular with rows of unit length and a positive diagonal: see Cholesky, LearnedCholesky
}

// Noise is one standard normal input of the logits' shape.
func (d CorrelatedRelaxedBernoulli) Noise() []noise.Spec { return specLike(noise.Normal, d.Logits) }

// Rsample draws relaxed bits.
func (d CorrelatedRelaxedBernoulli) Rsample(eps ...*G.Node) (Draw, error) {
	sum, hard, err := d.bits().threshold(eps)
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

// LogProb is the joint log-density of Value, computed from Logit: [B].
func (d CorrelatedRelaxedBernoulli) LogProb(x Draw) (*G.Node, error) {
	if err := d.bits().validate(); err != nil {
		return nil, err
	}
	independent, err := d.marginals().LogProb(x)
	if err != nil {
		return nil, err
	}
	τ, err := temperature(d.Temperature, d.Logits)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	s := e.Of(op.Sub(e.Of(op.Mul(x.Logit, τ)), d.Logits))
	v, err := e.Node(e.Of(op.NormalQuantile(s)))
	if err != nil {
		return nil, err
	}
	ε := e.Of(op.Reshape(e.Of(op.TriSolve(d.Chol, e.Of(vectors(v)), false)), v.Shape()...))
	squares := e.Of(op.Sub(e.Of(op.Square(v)), e.Of(op.Square(ε))))
	quadratic := e.Of(op.Scale(e.Of(op.SumEvent(squares)), 0.5))
	copula := e.Of(op.Sub(quadratic, e.Of(d.halfLogDet())))
	return e.Node(e.Of(op.Add(independent, copula)))
}

// Discrete is the law of the rounded sample, whose LogProb is an error: see [CorrelatedBernoulli].
func (d CorrelatedRelaxedBernoulli) Discrete() Distribution { return d.bits() }

func (d CorrelatedRelaxedBernoulli) bits() CorrelatedBernoulli {
	return CorrelatedBernoulli{Logits: d.Logits, Chol: d.Chol}
}

// marginals is the law of each variable alone.
func (d CorrelatedRelaxedBernoulli) marginals() RelaxedBernoulli {
	return RelaxedBernoulli{Logits: d.Logits, Temperature: d.Temperature}
}

// halfLogDet is ½ log |R| = Σ_k log L_kk for the N vectors of a row together: a scalar. Its negative is the divergence
// of the coupled law from the independent one.
func (d CorrelatedRelaxedBernoulli) halfLogDet() (*G.Node, error) {
	shape := d.Logits.Shape()
	n := shape.TotalSize() / (shape[0] * shape[len(shape)-1])
	var e op.Expr
	sum := e.Of(op.SumAll(e.Of(op.Log(e.Of(op.Diagonal(d.Chol))))))
	return e.Node(e.Of(op.Scale(sum, float64(n))))
}
