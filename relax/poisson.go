package relax

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Poisson is the law of D independent counts per row, P(x) = e^{−λ}λˣ/x! with λ = e^η.
//
//   - Value: exactly a count, the smallest x with P(X ≤ x) ≥ u for uniform u. Hard is the same. A count above a million
//     is an error of the run.
//   - LogProb: the log-probability Σ_d ηx − e^η − log x!.
//   - Gradient: none passes through a sample; see [GeneralizedGumbelSoftmax].
type Poisson struct {
	LogRate *G.Node // η = log λ [B, D]
}

// Noise is one uniform input [B, D].
func (d Poisson) Noise() []noise.Spec { return d.count().noise() }

// Rsample draws counts.
func (d Poisson) Rsample(eps ...*G.Node) (Draw, error) { return d.count().rsample(eps) }

// LogProb is the log-probability of Value: [B].
func (d Poisson) LogProb(x Draw) (*G.Node, error) { return d.count().logProb(x) }

// Mean is λ: [B, D].
func (d Poisson) Mean() (*G.Node, error) { return d.count().mean() }

// Mode is ⌊λ⌋: [B, D].
func (d Poisson) Mode() (*G.Node, error) {
	λ, err := d.Mean()
	if err != nil {
		return nil, err
	}
	return op.Floor(λ)
}

// Truncation is the smallest m with P(X > m) ≤ tail, for a log-rate: take the largest there is.
func (d Poisson) Truncation(logRate, tail float64) (int, error) {
	return d.count().truncation(logRate, tail)
}

func (d Poisson) count() countLaw {
	return countLaw{
		name:   "Poisson.LogRate",
		param:  d.LogRate,
		family: op.Counts{Name: "Poisson", Alpha: 1},
		natural: func(η *G.Node) (a, logPartition, mean *G.Node, err error) {
			λ, err := op.Exp(η)
			return η, λ, λ, err
		},
		plain: func(η float64) float64 { return η },
		carrier: func(x *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.Neg(e.Of(logFactorial(x)))))
		},
	}
}
