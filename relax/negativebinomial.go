package relax

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// NegativeBinomial is the law of D independent counts per row, the successes of probability p = σ(ℓ) before the r-th
// failure: P(x) = Γ(x+r)/(Γ(r) x!)·pˣ(1−p)ʳ, where r need not be an integer.
//
//   - Value: exactly a count, the smallest x with P(X ≤ x) ≥ u for uniform u. Hard is the same. A count above a million
//     is an error of the run.
//   - LogProb: the log-probability Σ_d −x softplus(−ℓ) − r softplus(ℓ) + log Γ(x+r) − log Γ(r) − log x!.
//   - Gradient: none passes through a sample; see [GeneralizedGumbelSoftmax].
type NegativeBinomial struct {
	Logits   *G.Node // ℓ = logit p [B, D]
	Failures float64 // r, positive
}

// Noise is one uniform input [B, D].
func (d NegativeBinomial) Noise() []noise.Spec { return d.count().noise() }

// Rsample draws counts.
func (d NegativeBinomial) Rsample(eps ...*G.Node) (Draw, error) { return d.count().rsample(eps) }

// LogProb is the log-probability of Value: [B].
func (d NegativeBinomial) LogProb(x Draw) (*G.Node, error) { return d.count().logProb(x) }

// Mean is r·p/(1−p) = r·e^ℓ: [B, D].
func (d NegativeBinomial) Mean() (*G.Node, error) { return d.count().mean() }

// Mode is ⌊(r−1)·p/(1−p)⌋ for r > 1, else 0: [B, D].
func (d NegativeBinomial) Mode() (*G.Node, error) {
	if err := d.count().validate(); err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.Floor(e.Of(op.Scale(e.Of(op.Exp(d.Logits)), max(d.Failures-1, 0))))))
}

// Truncation is the smallest m with P(X > m) ≤ tail, for a logit: take the largest there is.
func (d NegativeBinomial) Truncation(logit, tail float64) (int, error) {
	return d.count().truncation(logit, tail)
}

func (d NegativeBinomial) count() countLaw {
	r := d.Failures
	l := countLaw{
		name:   "NegativeBinomial.Logits",
		param:  d.Logits,
		family: op.Counts{Name: fmt.Sprintf("NegativeBinomial of %g failures", r), Alpha: r, Beta: 1},
		natural: func(ℓ *G.Node) (a, logPartition, mean *G.Node, err error) {
			var e op.Expr
			a = e.Of(op.LogSigmoid(ℓ))
			logPartition = e.Of(op.Scale(e.Of(op.Softplus(ℓ)), r))
			mean = e.Of(op.Scale(e.Of(op.Exp(ℓ)), r))
			return a, logPartition, mean, e.Err()
		},
		plain: logSigmoid,
		carrier: func(x *G.Node) (*G.Node, error) {
			lgamma, _ := math.Lgamma(r)
			var e op.Expr
			ways := e.Of(op.Sub(e.Of(op.LogGamma(e.Of(op.Shift(x, r)))), e.Of(logFactorial(x))))
			return e.Node(e.Of(op.Shift(ways, -lgamma)))
		},
	}
	if !(r > 0) || math.IsInf(r, 0) {
		l.invalid = fmt.Errorf("relax: NegativeBinomial.Failures is %g; it must be positive", r)
	}
	return l
}

// logSigmoid is log σ(x) = −softplus(−x).
func logSigmoid(x float64) float64 { return math.Min(x, 0) - math.Log1p(math.Exp(-math.Abs(x))) }
