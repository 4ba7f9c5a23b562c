package relax

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Binomial is the law of D independent counts per row, the successes of probability p = σ(ℓ) among n trials:
// P(x) = n!/(x!(n−x)!)·pˣ(1−p)ⁿ⁻ˣ.
//
//   - Value: exactly a count from 0 to n, the smallest x with P(X ≤ x) ≥ u for uniform u. Hard is the same.
//   - LogProb: the log-probability Σ_d ℓx − n softplus(ℓ) + log n! − log x! − log (n−x)!.
//   - Gradient: none passes through a sample; see [GeneralizedGumbelSoftmax].
type Binomial struct {
	Logits *G.Node // ℓ = logit p [B, D]
	Trials int     // n, positive
}

// Noise is one uniform input [B, D].
func (d Binomial) Noise() []noise.Spec { return d.count().noise() }

// Rsample draws counts.
func (d Binomial) Rsample(eps ...*G.Node) (Draw, error) { return d.count().rsample(eps) }

// LogProb is the log-probability of Value: [B].
func (d Binomial) LogProb(x Draw) (*G.Node, error) { return d.count().logProb(x) }

// Mean is n·p: [B, D].
func (d Binomial) Mean() (*G.Node, error) { return d.count().mean() }

// Mode is ⌊(n+1)·p⌋, at most n: [B, D].
func (d Binomial) Mode() (*G.Node, error) {
	if err := d.count().validate(); err != nil {
		return nil, err
	}
	n := float64(d.Trials)
	var e op.Expr
	mode := e.Of(op.Floor(e.Of(op.Scale(e.Of(op.Sigmoid(d.Logits)), n+1))))
	return e.Node(e.Of(op.Clamp(mode, 0, n)))
}

// Truncation is the smallest m with P(X > m) ≤ tail, at most n, for a logit: take the largest there is.
func (d Binomial) Truncation(logit, tail float64) (int, error) {
	return d.count().truncation(logit, tail)
}

func (d Binomial) count() countLaw {
	n := float64(d.Trials)
	l := countLaw{
		name:   "Binomial.Logits",
		param:  d.Logits,
		most:   d.Trials,
		family: op.Counts{Name: fmt.Sprintf("Binomial of %d trials", d.Trials), Alpha: n, Beta: -1},
		natural: func(ℓ *G.Node) (a, logPartition, mean *G.Node, err error) {
			var e op.Expr
			logPartition = e.Of(op.Scale(e.Of(op.Softplus(ℓ)), n))
			mean = e.Of(op.Scale(e.Of(op.Sigmoid(ℓ)), n))
			return ℓ, logPartition, mean, e.Err()
		},
		plain: func(ℓ float64) float64 { return ℓ },
		carrier: func(x *G.Node) (*G.Node, error) {
			all, _ := math.Lgamma(n + 1)
			var e op.Expr
			taken := e.Of(op.Add(e.Of(logFactorial(x)), e.Of(logFactorial(e.Of(op.Affine(x, -1, n))))))
			return e.Node(e.Of(op.Affine(taken, -1, all)))
		},
	}
	if d.Trials < 1 {
		l.invalid = fmt.Errorf("relax: Binomial.Trials is %d; it must be positive", d.Trials)
	}
	return l
}
