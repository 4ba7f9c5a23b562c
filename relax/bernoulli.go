package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Bernoulli is the law of D independent bits per row, P(b = 1) = σ(ℓ).
//
//   - Value: exactly 0 or 1, b = 1[ℓ + ε > 0] for logistic noise ε. Hard is the same.
//   - LogProb: the log-probability Σ_d b·ℓ − softplus(ℓ); Value may also lie inside [0, 1].
//   - Gradient: none passes through a sample.
//
// It is the exact law behind the binary relaxations, and a prior.
type Bernoulli struct {
	Logits *G.Node // ℓ [B, D]
}

// Noise is one logistic input [B, D].
func (d Bernoulli) Noise() []noise.Spec { return specLike(noise.Logistic, d.Logits) }

// Rsample draws bits.
func (d Bernoulli) Rsample(eps ...*G.Node) (Draw, error) {
	logit, hard, err := threshold(d.Logits, eps)
	if err != nil {
		return Draw{}, err
	}
	return Draw{Value: hard, Logit: logit, Hard: hard}, nil
}

// LogProb is the log-probability of Value: [B].
func (d Bernoulli) LogProb(x Draw) (*G.Node, error) {
	if err := parameter("Bernoulli.Logits", d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Value", x.Value, d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.Neg(e.Of(op.BernoulliNLL(d.Logits, x.Value)))))
}

// Entropy is Σ_d softplus(ℓ) − ℓ·σ(ℓ), in nats: [B].
func (d Bernoulli) Entropy() (*G.Node, error) {
	if err := parameter("Bernoulli.Logits", d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.BernoulliNLL(d.Logits, e.Of(op.Sigmoid(d.Logits)))))
}

// Mean is σ(ℓ): [B, D].
func (d Bernoulli) Mean() (*G.Node, error) {
	if err := parameter("Bernoulli.Logits", d.Logits); err != nil {
		return nil, err
	}
	return op.Sigmoid(d.Logits)
}

// Mode is 1 where ℓ > 0, else 0: [B, D].
func (d Bernoulli) Mode() (*G.Node, error) {
	if err := parameter("Bernoulli.Logits", d.Logits); err != nil {
		return nil, err
	}
	return op.Positive(d.Logits)
}

// threshold adds logistic noise to logits and cuts at zero: the exact Bernoulli sample and the sum it was cut from.
func threshold(logits *G.Node, eps []*G.Node) (sum, hard *G.Node, err error) {
	if err := parameter("Logits", logits); err != nil {
		return nil, nil, err
	}
	ε, err := sampleNoise(logits, eps)
	if err != nil {
		return nil, nil, err
	}
	var e op.Expr
	sum = e.Of(op.Add(logits, ε))
	hard = e.Of(op.Positive(sum))
	return sum, hard, e.Err()
}
