package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// GeneralizedGumbelSoftmax relaxes counts: the support is cut off at m, the weights of the points 0, …, m are a relaxed
// one-hot vector, and the value is the count that they average to.
//
//		z = Σ_{x≤m} w_x·x,  w = softmax((log π + g)/τ),  π_x = P(X = x) for x < m,  π_m = P(X ≥ m),  g Gumbel
//
//	  - Value: z in [0, m], [B, D]; with StraightThrough exactly the count of the largest weight instead. Hard is that count,
//	    Logit is log w, [B, D, m+1].
//	  - LogProb: the density of w, that of [RelaxedCategorical] with logits log π, computed from Logit; many w average to one
//	    z, whose density has no closed form. With StraightThrough it is the log-probability of Hard.
//	  - Gradient: exact, through the weights and through log π; with StraightThrough the same gradient is attached to the
//	    count, which makes it a biased surrogate.
//
// The tail is lumped into the last point, so that nothing is rescaled: Hard has the law of min(X, m), and only its mean is
// less than that of X, by Σ_{x>m} (x−m)·P(x). Choose m by Truncation of the law; TailMass tells what was moved.
//
// Source: Joo, Kim, Shin and Moon (2020), arXiv:2003.01847.
type GeneralizedGumbelSoftmax struct {
	Law             Count   // of X [B, D]
	Max             int     // m, the last point
	Temperature     *G.Node // τ, a positive scalar; nil: 2/3
	StraightThrough bool    // counts with the gradient of the soft values
}

// Noise is one Gumbel input [B, D, m+1].
func (d GeneralizedGumbelSoftmax) Noise() []noise.Spec { return d.censored().Noise() }

// Rsample draws relaxed counts.
func (d GeneralizedGumbelSoftmax) Rsample(eps ...*G.Node) (Draw, error) {
	weights, err := d.weights()
	if err != nil {
		return Draw{}, err
	}
	w, err := weights.Rsample(eps...)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	value, hard := e.Of(d.censored().countOf(w.Value)), e.Of(d.censored().countOf(w.Hard))
	if d.StraightThrough {
		value = e.Of(op.StraightThrough(hard, value))
	}
	return Draw{Value: value, Logit: w.Logit, Hard: hard}, e.Err()
}

// LogProb is the log-density of the weights, computed from Logit, or with StraightThrough the log-probability of
// Hard: [B].
func (d GeneralizedGumbelSoftmax) LogProb(x Draw) (*G.Node, error) {
	if d.StraightThrough {
		return d.Discrete().LogProb(Draw{Value: x.Hard})
	}
	weights, err := d.weights()
	if err != nil {
		return nil, err
	}
	return weights.LogProb(x)
}

// Discrete is the law of min(X, m).
func (d GeneralizedGumbelSoftmax) Discrete() Distribution { return d.censored() }

// TailMass is P(X > m), the probability that was moved to the last point: [B, D].
func (d GeneralizedGumbelSoftmax) TailMass() (*G.Node, error) { return d.censored().TailMass() }

func (d GeneralizedGumbelSoftmax) censored() CensoredCount {
	return CensoredCount{Law: d.Law, Max: d.Max}
}

// weights is the relaxed categorical law of w.
func (d GeneralizedGumbelSoftmax) weights() (RelaxedCategorical, error) {
	c, err := d.censored().categorical()
	return RelaxedCategorical{Logits: c.Logits, Temperature: d.Temperature}, err
}
