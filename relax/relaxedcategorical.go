package relax

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// RelaxedCategorical is the Concrete or Gumbel-softmax distribution: one-hot vectors softened to the inside of the
// simplex. With logits [B, N, K] each row holds N independent variables of K classes.
//
//		z = softmax((ℓ + g)/τ),  g_k = −log(−log u_k),  u_k uniform on (0, 1)
//
//	  - Value: z on the simplex over the last axis; its largest element is class k with probability softmax(ℓ)_k at every
//	    temperature. With StraightThrough it is exactly one-hot instead. Hard marks that largest element, Logit is log z.
//	  - LogProb: the density of z, Σ_n log Γ(K) + (K−1) log τ + Σ_k log softmax(ℓ − τ log z)_k − Σ_k log z_k. LogProbLogit is
//	    the density of log z, without the last sum. With StraightThrough, LogProb is the categorical log-probability of
//	    Hard.
//	  - Gradient: exact, that of the softmax; with StraightThrough the same gradient is attached to the one-hot value,
//	    which makes it a biased surrogate.
//
// Source: Maddison, Mnih and Teh (2017), arXiv:1611.00712; Jang, Gu and Poole (2017),
// arXiv:1611.01144, section 2.
type RelaxedCategorical struct {
	Logits          *G.Node // ℓ [B, …, K]
	Temperature     *G.Node // τ, a positive scalar; nil: 2/3
	StraightThrough bool    // one-hot values with the gradient of the soft ones
}

// Noise is one Gumbel input of the logits' shape.
func (d RelaxedCategorical) Noise() []noise.Spec { return specLike(noise.Gumbel, d.Logits) }

// Rsample draws relaxed one-hot vectors.
func (d RelaxedCategorical) Rsample(eps ...*G.Node) (Draw, error) {
	sum, hard, err := gumbelMax(d.Logits, eps)
	if err != nil {
		return Draw{}, err
	}
	τ, err := temperature(d.Temperature, d.Logits)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	scaled := e.Of(op.Div(sum, τ))
	value := e.Of(op.Softmax(scaled))
	if d.StraightThrough {
		value = e.Of(op.StraightThrough(hard, value))
	}
	return Draw{Value: value, Logit: e.Of(op.LogSoftmax(scaled)), Hard: hard}, e.Err()
}

// LogProb is the log-density of Value, computed from Logit, or with StraightThrough the log-probability of Hard: [B].
func (d RelaxedCategorical) LogProb(x Draw) (*G.Node, error) {
	if d.StraightThrough {
		return Categorical{Logits: d.Logits}.LogProb(Draw{Value: x.Hard})
	}
	density, err := d.LogProbLogit(x)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.Sub(density, e.Of(op.SumEvent(x.Logit)))))
}

// LogProbLogit is the log-density of Logit, the distribution that Maddison et al. call ExpConcrete: [B].
func (d RelaxedCategorical) LogProbLogit(x Draw) (*G.Node, error) {
	if err := parameter("RelaxedCategorical.Logits", d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Logit", x.Logit, d.Logits); err != nil {
		return nil, err
	}
	τ, err := temperature(d.Temperature, d.Logits)
	if err != nil {
		return nil, err
	}
	shape := d.Logits.Shape()
	k := shape[len(shape)-1]
	if k < 2 {
		return nil, fmt.Errorf("relax: %d class; a relaxed categorical variable needs at least 2 to have a density", k)
	}
	n := 1 // variables per row
	for _, s := range shape[1 : len(shape)-1] {
		n *= s
	}
	lgamma, _ := math.Lgamma(float64(k))
	var e op.Expr
	scores := e.Of(op.LogSoftmax(e.Of(op.Sub(d.Logits, e.Of(op.Mul(x.Logit, τ))))))
	constant := e.Of(op.Affine(e.Of(op.Log(τ)), float64(n*(k-1)), float64(n)*lgamma))
	return e.Node(e.Of(op.Add(e.Of(op.SumEvent(scores)), constant)))
}

// Discrete is the categorical law of the largest element.
func (d RelaxedCategorical) Discrete() Distribution { return Categorical{Logits: d.Logits} }
