package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// StochasticTimesSmooth is a random bit times a smooth factor, such that the mean is a probability p = σ(a).
//
//		h = b·√p,  b = 1[λ + ε > 0],  λ = logit √p = a − log √p + log(1 + √p),  ε logistic
//
//	  - Value: h, exactly 0 or √p, with mean p and variance p^{3/2} − p²: not a bit. Hard is the bit b, which is 1 with
//	    probability √p; Logit is λ + ε.
//	  - LogProb: the log-probability of h, Σ_d b·log √p + (1−b)·log(1−√p) for b = Hard. It is asked for the bit, because
//	    the values possible depend on p.
//	  - Gradient: passes through the factor alone, ∂h/∂a = b·½√p(1−p). Its expectation is half the true gradient if the
//	    loss is linear in h.
//
// The report and the paper write Binomial(√p) for the law of b. Source: Bengio, Léonard and Courville (2013),
// arXiv:1308.3432, section 4.
type StochasticTimesSmooth struct {
	Logits *G.Node // a [B, D]
}

// Noise is one logistic input [B, D].
func (d StochasticTimesSmooth) Noise() []noise.Spec { return specLike(noise.Logistic, d.Logits) }

// Rsample draws bits and scales them.
func (d StochasticTimesSmooth) Rsample(eps ...*G.Node) (Draw, error) {
	b, err := d.bits()
	if err != nil {
		return Draw{}, err
	}
	sum, hard, err := threshold(b.Logits, eps)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	root := e.Of(op.Exp(e.Of(d.logRoot())))
	return Draw{Value: e.Of(op.Mul(hard, root)), Logit: sum, Hard: hard}, e.Err()
}

// LogProb is the log-probability of Value, computed from Hard: [B].
func (d StochasticTimesSmooth) LogProb(x Draw) (*G.Node, error) {
	b, err := d.bits()
	if err != nil {
		return nil, err
	}
	if err := drawn("the draw's Hard", x.Hard, d.Logits); err != nil {
		return nil, err
	}
	return b.LogProb(Draw{Value: x.Hard})
}

// Entropy is that of the bits, in nats: [B].
func (d StochasticTimesSmooth) Entropy() (*G.Node, error) {
	b, err := d.bits()
	if err != nil {
		return nil, err
	}
	return b.Entropy()
}

// Mean is p = σ(a): [B, D].
func (d StochasticTimesSmooth) Mean() (*G.Node, error) {
	if err := parameter("StochasticTimesSmooth.Logits", d.Logits); err != nil {
		return nil, err
	}
	return op.Sigmoid(d.Logits)
}

// Mode is √p where p > ¼, else 0: [B, D].
func (d StochasticTimesSmooth) Mode() (*G.Node, error) {
	if err := parameter("StochasticTimesSmooth.Logits", d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	on := e.Of(op.Positive(e.Of(d.rootLogits())))
	return e.Node(e.Of(op.Mul(on, e.Of(op.Exp(e.Of(d.logRoot()))))))
}

// Variance is p^{3/2} − p² = p·√p·(1 − √p): [B, D].
func (d StochasticTimesSmooth) Variance() (*G.Node, error) {
	if err := parameter("StochasticTimesSmooth.Logits", d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	λ := e.Of(d.rootLogits())
	bit := e.Of(op.Mul(e.Of(op.Sigmoid(λ)), e.Of(op.Sigmoid(e.Of(op.Neg(λ))))))
	return e.Node(e.Of(op.Mul(e.Of(op.Sigmoid(d.Logits)), bit)))
}

// Discrete is the Bernoulli law of the bit b, P(b = 1) = √p. Its divergences are those of codes b; those of the values h
// are infinite, because the values possible differ.
func (d StochasticTimesSmooth) Discrete() Distribution {
	λ, err := d.rootLogits()
	if err != nil {
		return discrete("StochasticTimesSmooth", err)
	}
	return Bernoulli{Logits: λ}
}

// bits is Discrete for logits with a batch axis.
func (d StochasticTimesSmooth) bits() (Bernoulli, error) {
	if err := parameter("StochasticTimesSmooth.Logits", d.Logits); err != nil {
		return Bernoulli{}, err
	}
	λ, err := d.rootLogits()
	return Bernoulli{Logits: λ}, err
}

// logRoot is h = log √p = ½ log σ(a).
func (d StochasticTimesSmooth) logRoot() (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Scale(e.Of(op.LogSigmoid(d.Logits)), 0.5)))
}

// rootLogits is the logit of √p. Because 1 − p = (1−√p)(1+√p), it is a − h + log(1+eʰ) with h = log √p, in which nothing
// cancels for any a.
func (d StochasticTimesSmooth) rootLogits() (*G.Node, error) {
	var e op.Expr
	h := e.Of(d.logRoot())
	return e.Node(e.Of(op.Add(e.Of(op.Sub(d.Logits, h)), e.Of(op.Softplus(h)))))
}
