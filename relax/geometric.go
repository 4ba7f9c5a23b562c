package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Geometric is the law of D independent counts per row, the failures before the first success of probability p = σ(ℓ):
// P(x) = p(1−p)ˣ.
//
//   - Value: exactly a count, the smallest x with P(X ≤ x) ≥ u for uniform u. Hard is the same. A count above a million
//     is an error of the run.
//   - LogProb: the log-probability Σ_d −softplus(−ℓ) − x softplus(ℓ).
//   - Gradient: none passes through a sample; see [GeneralizedGumbelSoftmax].
type Geometric struct {
	Logits *G.Node // ℓ = logit p [B, D]
}

// Noise is one uniform input [B, D].
func (d Geometric) Noise() []noise.Spec { return d.count().noise() }

// Rsample draws counts.
func (d Geometric) Rsample(eps ...*G.Node) (Draw, error) { return d.count().rsample(eps) }

// LogProb is the log-probability of Value: [B].
func (d Geometric) LogProb(x Draw) (*G.Node, error) { return d.count().logProb(x) }

// Entropy is Σ_d softplus(−ℓ) + e^{−ℓ} softplus(ℓ), in nats: [B].
func (d Geometric) Entropy() (*G.Node, error) {
	a, logPartition, mean, err := d.count().nodes()
	if err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.SumEvent(e.Of(op.Sub(logPartition, e.Of(op.Mul(mean, a)))))))
}

// Mean is (1−p)/p = e^{−ℓ}: [B, D].
func (d Geometric) Mean() (*G.Node, error) { return d.count().mean() }

// Mode is 0: [B, D].
func (d Geometric) Mode() (*G.Node, error) {
	if err := d.count().validate(); err != nil {
		return nil, err
	}
	return op.FullLike(d.Logits, 0)
}

// Truncation is the smallest m with P(X > m) ≤ tail, for a logit: take the smallest there is.
func (d Geometric) Truncation(logit, tail float64) (int, error) {
	return d.count().truncation(logit, tail)
}

func (d Geometric) count() countLaw {
	return countLaw{
		name:   "Geometric.Logits",
		param:  d.Logits,
		family: op.Counts{Name: "Geometric", Alpha: 1, Beta: 1},
		natural: func(ℓ *G.Node) (a, logPartition, mean *G.Node, err error) {
			var e op.Expr
			minus := e.Of(op.Neg(ℓ))
			return e.Of(op.LogSigmoid(minus)), e.Of(op.Softplus(minus)), e.Of(op.Exp(minus)), e.Err()
		},
		plain:   func(ℓ float64) float64 { return logSigmoid(-ℓ) },
		carrier: func(x *G.Node) (*G.Node, error) { return op.FullLike(x, 0) },
	}
}
