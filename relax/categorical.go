package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Categorical is the law of one-hot vectors over the last axis, P(k) = softmax(ℓ)_k; with logits [B, N, K] each row
// holds N independent variables of K classes.
//
//   - Value: exactly one-hot, the argmax of ℓ + g for Gumbel noise g. Hard is the same.
//   - LogProb: the log-probability Σ_n ⟨Value, log softmax(ℓ)⟩; Value may also lie inside the simplex.
//   - Gradient: none passes through a sample.
type Categorical struct {
	Logits *G.Node // ℓ [B, …, K]
}

// Noise is one Gumbel input of the logits' shape.
func (d Categorical) Noise() []noise.Spec { return specLike(noise.Gumbel, d.Logits) }

// Rsample draws one-hot vectors.
func (d Categorical) Rsample(eps ...*G.Node) (Draw, error) {
	_, hard, err := gumbelMax(d.Logits, eps)
	if err != nil {
		return Draw{}, err
	}
	return Draw{Value: hard, Hard: hard}, nil
}

// LogProb is the log-probability of Value: [B].
func (d Categorical) LogProb(x Draw) (*G.Node, error) {
	if err := parameter("Categorical.Logits", d.Logits); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Value", x.Value, d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.SumEvent(e.Of(op.Mul(x.Value, e.Of(op.LogSoftmax(d.Logits)))))))
}

// Entropy is −Σ_n Σ_k p_k log p_k, in nats: [B].
func (d Categorical) Entropy() (*G.Node, error) {
	if err := parameter("Categorical.Logits", d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	plogp := e.Of(op.Mul(e.Of(op.Softmax(d.Logits)), e.Of(op.LogSoftmax(d.Logits))))
	return e.Node(e.Of(op.Neg(e.Of(op.SumEvent(plogp)))))
}

// Mean is softmax(ℓ): the logits' shape.
func (d Categorical) Mean() (*G.Node, error) {
	if err := parameter("Categorical.Logits", d.Logits); err != nil {
		return nil, err
	}
	return op.Softmax(d.Logits)
}

// Mode is the one-hot vector of the most probable class, the first of equals.
func (d Categorical) Mode() (*G.Node, error) {
	if err := parameter("Categorical.Logits", d.Logits); err != nil {
		return nil, err
	}
	return op.OneHotMax(d.Logits)
}

// gumbelMax adds Gumbel noise to logits and marks the largest sum: the exact categorical sample, by the Gumbel-max
// trick.
func gumbelMax(logits *G.Node, eps []*G.Node) (sum, hard *G.Node, err error) {
	if err := parameter("Logits", logits); err != nil {
		return nil, nil, err
	}
	g, err := sampleNoise(logits, eps)
	if err != nil {
		return nil, nil, err
	}
	var e op.Expr
	sum = e.Of(op.Add(logits, g))
	hard = e.Of(op.OneHotMax(sum))
	return sum, hard, e.Err()
}
