package relax

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// A discrete variable is b = H(z), a step function of a continuous variable z = ℓ + noise. Estimators with control
// variates, REBAR and RELAX, need z, and z̃ from the law of z given b, both as functions of ℓ at fixed noise: with
// them E c(z̃) = E c(z) for every function c, while z̃ knows no more of z than b.
//
// Source: Tucker et al. (2017), arXiv:1703.07370, section 3 and appendix; Grathwohl et al. (2018), arXiv:1711.00123,
// section 3 and appendix.

// Reparameterise draws bits as a function of noise, b = 1[z > 0] for z = ℓ + ε with logistic ε: both [B, D]. Gradients
// reach the logits through z, with ∂z/∂ℓ = 1, and none passes through b.
func (d Bernoulli) Reparameterise(eps *G.Node) (z, b *G.Node, err error) {
	return threshold(d.Logits, []*G.Node{eps})
}

// ReparameteriseGiven draws z̃ from the law of z given b, a logistic variable truncated at zero, from fresh logistic
// noise ε = log v − log(1−v): [B, D].
//
//	z̃ = s·softplus(s·ε + softplus(s·ℓ)),  s = 2b − 1
//
// This is ℓ + logit v′ for v′ = vσ(ℓ) + σ(−ℓ) if b = 1 and v′ = vσ(−ℓ) if b = 0, in a form that loses no digits; the
// sign of z̃ is that of s even where σ(ℓ) rounds to 0 or 1. Gradients reach the logits with v fixed, ∂z̃/∂ℓ =
// σ(s·ε + softplus(s·ℓ))·σ(s·ℓ), and none passes through b.
func (d Bernoulli) ReparameteriseGiven(b, eps *G.Node) (*G.Node, error) {
	if err := parameter("Bernoulli.Logits", d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("the sample b", b, d.Logits); err != nil {
		return nil, err
	}
	ε, err := sampleNoise(d.Logits, []*G.Node{eps})
	if err != nil {
		return nil, err
	}
	var e op.Expr
	s := e.Of(d.sign(b))
	toward := e.Of(op.Softplus(e.Of(op.Mul(s, d.Logits))))
	return e.Node(e.Of(op.Mul(s, e.Of(op.Softplus(e.Of(op.Add(e.Of(op.Mul(s, ε)), toward)))))))
}

// ReparameteriseCoupled is ReparameteriseGiven at that noise for which z̃ = z: it has the value of z, and the gradient
// of z̃ at fixed noise, ∂z̃/∂ℓ = (1 − e^{−|z|})·σ(s·ℓ). Given b that noise has the same law as fresh noise, so that
// either may be used, but c(z̃) is then as close to c(z) as can be. z and b are those of Reparameterise. Grathwohl et al.
// couple u and v in this way in their program for variational autoencoders.
func (d Bernoulli) ReparameteriseCoupled(z, b *G.Node) (*G.Node, error) {
	if err := parameter("Bernoulli.Logits", d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("z", z, d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("the sample b", b, d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	s := e.Of(d.sign(b))
	below := e.Of(op.Neg(e.Of(op.Mul(s, z))))                                   // −|z|
	argument := e.Of(op.Sub(e.Of(log1mExp(below)), below))                      // log(e^{|z|} − 1)
	toward := e.Of(op.Softplus(e.Of(op.Mul(s, d.Logits))))                      // softplus(s·ℓ)
	ε := e.Of(op.StopGradient(e.Of(op.Mul(s, e.Of(op.Sub(argument, toward)))))) // the noise
	if e.Err() != nil {
		return nil, e.Err()
	}
	return e.Node(e.Of(op.StraightThrough(z, e.Of(d.ReparameteriseGiven(b, ε)))))
}

// sign is 2b − 1, a constant to gradients.
func (d Bernoulli) sign(b *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Affine(e.Of(op.StopGradient(b)), 2, -1)))
}

// Reparameterise draws one-hot vectors as a function of noise, b = onehot argmax z for z = log softmax(ℓ) + g with
// Gumbel noise g: both of the logits' shape. Gradients reach the logits through z, and none passes through b.
func (d Categorical) Reparameterise(eps *G.Node) (z, b *G.Node, err error) {
	l, err := d.logProbabilities()
	if err != nil {
		return nil, nil, err
	}
	return gumbelMax(l, []*G.Node{eps})
}

// ReparameteriseGiven draws z̃ from the law of z given b, Gumbel variables of which the marked one is the largest, from
// fresh Gumbel noise g: the logits' shape.
//
//	z̃_b = g_b,  z̃_i = z̃_b − softplus(z̃_b − g_i − l_i) for i ≠ b,  l = log softmax(ℓ)
//
// The largest of z has the Gumbel law whatever b is, because l is normalised. The largest of z̃ is the one that b marks
// even where rounding would make others equal. Gradients reach the logits at fixed g, and none passes through b.
func (d Categorical) ReparameteriseGiven(b, eps *G.Node) (*G.Node, error) {
	l, err := d.logProbabilities()
	if err != nil {
		return nil, err
	}
	if err := drawn("the sample b", b, d.Logits); err != nil {
		return nil, err
	}
	g, err := sampleNoise(d.Logits, []*G.Node{eps})
	if err != nil {
		return nil, err
	}
	return op.ConditionalGumbel(l, b, g)
}

// ReparameteriseCoupled is ReparameteriseGiven at that noise for which z̃ = z: it has the value of z, and the gradient
// of z̃ at fixed noise, ∂z̃_i/∂l_i = 1 − e^{z_i−z_b}. z and b are those of Reparameterise. The authors couple bits
// only; this is the same construction for one-hot vectors.
func (d Categorical) ReparameteriseCoupled(z, b *G.Node) (*G.Node, error) {
	l, err := d.logProbabilities()
	if err != nil {
		return nil, err
	}
	if err := drawn("z", z, d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("the sample b", b, d.Logits); err != nil {
		return nil, err
	}
	k := z.Shape()[z.Dims()-1]
	var e op.Expr
	top := e.Of(op.SpreadLast(e.Of(op.SumLast(e.Of(op.Mul(b, z)))), k))
	below := e.Of(op.Sub(e.Of(op.Sub(z, top)), b)) // z_i − z_b, and −1 instead of 0 at b, where it does not matter
	others := e.Of(op.Sub(e.Of(op.Sub(z, e.Of(log1mExp(below)))), l))
	g := e.Of(op.Add(e.Of(op.Mul(b, z)), e.Of(op.Mul(e.Of(op.OneMinus(b)), others))))
	at := e.Of(op.ConditionalGumbel(l, b, e.Of(op.StopGradient(g))))
	return e.Node(e.Of(op.StraightThrough(z, at)))
}

// log1mExp is log(1 − eˣ) for x ≤ 0, finite at 0: where rounding makes z̃ equal to what it stays below, its slope is
// next to nothing but must not be 0·∞.
func log1mExp(x *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Log1mExp(e.Of(op.Clamp(x, math.Inf(-1), -1e-30)))))
}

// logProbabilities is l = log softmax(ℓ), for logits with a batch axis.
func (d Categorical) logProbabilities() (*G.Node, error) {
	if err := parameter("Categorical.Logits", d.Logits); err != nil {
		return nil, err
	}
	return op.LogSoftmax(d.Logits)
}
