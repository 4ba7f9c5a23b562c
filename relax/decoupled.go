package relax

import (
	"errors"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// DecoupledStraightThrough draws exact one-hot vectors at one temperature and passes gradients back at another: sharp
// samples need not mean steep gradients. With logits [B, N, K] each row holds N independent variables of K classes.
//
//		z = onehot argmax(ℓ/τf + g),  backward z′ = softmax(ℓ/τb + g),  g Gumbel, the same in both
//
//	  - Value: exactly one-hot, class k with probability softmax(ℓ/τf)_k. Hard is the same.
//	  - LogProb: the categorical log-probability of Hard with logits ℓ/τf; so are Entropy, Mean and Mode.
//	  - Gradient: that of z′, a biased surrogate. It reaches ℓ and τb, and τf only through LogProb.
//
// The temperatures divide the logits before the noise is added. The report divides their sum, argmax((ℓ+g)/τf), where
// no forward temperature can change the sample; GumbelInside is that form. It is RelaxedCategorical with StraightThrough
// and temperature τb.
//
// Source: Shah, Yan, Mozer and Liu (2024), arXiv:2410.13331.
type DecoupledStraightThrough struct {
	Logits       *G.Node // ℓ [B, …, K]
	Forward      *G.Node // τf, a positive scalar; nil: 1
	Backward     *G.Node // τb, a positive scalar; nil: 1
	GumbelInside bool    // temperatures divide logits and noise; Forward is inert
}

// Noise is one Gumbel input of the logits' shape.
func (d DecoupledStraightThrough) Noise() []noise.Spec { return specLike(noise.Gumbel, d.Logits) }

// Rsample draws one-hot vectors with a surrogate gradient.
func (d DecoupledStraightThrough) Rsample(eps ...*G.Node) (Draw, error) {
	if err := parameter("DecoupledStraightThrough.Logits", d.Logits); err != nil {
		return Draw{}, err
	}
	g, err := sampleNoise(d.Logits, eps)
	if err != nil {
		return Draw{}, err
	}
	forward, err := d.forward()
	if err != nil {
		return Draw{}, err
	}
	sum, hard, err := gumbelMax(forward, eps)
	if err != nil {
		return Draw{}, err
	}
	τb, err := d.temperature(d.Backward)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	var soft *G.Node
	if d.GumbelInside {
		soft = e.Of(op.Div(sum, τb))
	} else {
		soft = e.Of(op.Add(e.Of(op.Div(d.Logits, τb)), g))
	}
	return Draw{Value: e.Of(op.StraightThrough(hard, e.Of(op.Softmax(soft)))), Hard: hard}, e.Err()
}

// LogProb is the log-probability of Hard: [B].
func (d DecoupledStraightThrough) LogProb(x Draw) (*G.Node, error) {
	if err := parameter("DecoupledStraightThrough.Logits", d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Hard", x.Hard, d.Logits); err != nil {
		return nil, err
	}
	c, err := d.categorical()
	if err != nil {
		return nil, err
	}
	return c.LogProb(Draw{Value: x.Hard})
}

// Entropy is that of the categorical law of the samples, in nats: [B].
func (d DecoupledStraightThrough) Entropy() (*G.Node, error) {
	c, err := d.categorical()
	if err != nil {
		return nil, err
	}
	return c.Entropy()
}

// Mean is softmax(ℓ/τf): the logits' shape.
func (d DecoupledStraightThrough) Mean() (*G.Node, error) {
	c, err := d.categorical()
	if err != nil {
		return nil, err
	}
	return c.Mean()
}

// Mode is the one-hot vector of the most probable class, the first of equals.
func (d DecoupledStraightThrough) Mode() (*G.Node, error) {
	c, err := d.categorical()
	if err != nil {
		return nil, err
	}
	return c.Mode()
}

// Discrete is the categorical law of the samples themselves, with logits ℓ/τf.
func (d DecoupledStraightThrough) Discrete() Distribution {
	logits, err := d.forward()
	if err != nil {
		return discrete("DecoupledStraightThrough", err)
	}
	return Categorical{Logits: logits}
}

// categorical is Discrete for logits with a batch axis.
func (d DecoupledStraightThrough) categorical() (Categorical, error) {
	if err := parameter("DecoupledStraightThrough.Logits", d.Logits); err != nil {
		return Categorical{}, err
	}
	logits, err := d.forward()
	return Categorical{Logits: logits}, err
}

// forward is the logits of the samples' law.
func (d DecoupledStraightThrough) forward() (*G.Node, error) {
	τf, err := d.temperature(d.Forward)
	switch {
	case err != nil:
		return nil, err
	case d.GumbelInside:
		return d.Logits, nil
	}
	return op.Div(d.Logits, τf)
}

// temperature is the node of a temperature field, 1 for nil.
func (d DecoupledStraightThrough) temperature(field *G.Node) (*G.Node, error) {
	if d.Logits == nil {
		return nil, errors.New("relax: DecoupledStraightThrough.Logits is nil")
	}
	if field == nil {
		return Temperature(d.Logits, 1)
	}
	return temperature(field, d.Logits)
}
