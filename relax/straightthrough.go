package relax

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Rule is what a straight-through sample passes back to its logit a, given the gradient g = ∂L/∂h of the sample.
type Rule uint8

const (
	// STSigmoid passes g·σ′(a): the gradient as if the sample were its own probability. Its expectation is exact when
	// L is linear in h, and biased otherwise.
	STSigmoid Rule = iota
	// STIdentity passes g unchanged, as the report prints it.
	STIdentity
)

// StraightThroughBernoulli draws exact bits and pretends on the way back that they were smooth.
//
//		h = 1[a + ε > 0],  ε logistic,  so that P(h = 1) = σ(a)
//
//	  - Value: exactly 0 or 1. Hard is the same; Logit is a + ε.
//	  - LogProb: the Bernoulli log-probability of Value, whose gradient with respect to a is the exact score.
//	  - Gradient: a biased surrogate, see [Rule].
//
// The report and the paper it follows print 1[z > σ(a)], which is 1 with probability 1 − σ(a); here σ(a) is the
// probability of a one.
//
// Source: Bengio, Léonard and Courville (2013), arXiv:1308.3432; Cheng et al. (2019), arXiv:1910.02176.
type StraightThroughBernoulli struct {
	Logits *G.Node // a [B, D]
	Rule   Rule
}

// Noise is one logistic input [B, D].
func (d StraightThroughBernoulli) Noise() []noise.Spec { return specLike(noise.Logistic, d.Logits) }

// Rsample draws bits with a surrogate gradient.
func (d StraightThroughBernoulli) Rsample(eps ...*G.Node) (Draw, error) {
	sum, hard, err := threshold(d.Logits, eps)
	if err != nil {
		return Draw{}, err
	}
	surrogate := d.Logits
	switch d.Rule {
	case STIdentity:
	case STSigmoid:
		if surrogate, err = op.Sigmoid(d.Logits); err != nil {
			return Draw{}, err
		}
	default:
		return Draw{}, fmt.Errorf("relax: unknown straight-through rule %d", d.Rule)
	}
	var e op.Expr
	return Draw{Value: e.Of(op.StraightThrough(hard, surrogate)), Logit: sum, Hard: hard}, e.Err()
}

// LogProb is the log-probability of Hard: [B].
func (d StraightThroughBernoulli) LogProb(x Draw) (*G.Node, error) {
	return Bernoulli{Logits: d.Logits}.LogProb(Draw{Value: x.Hard})
}

// Discrete is the law of the sample itself.
func (d StraightThroughBernoulli) Discrete() Distribution { return Bernoulli{Logits: d.Logits} }
