package vae

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
)

// tailMass is the probability that is lumped into the last point of a count at its largest mean.
const tailMass = 1e-6

// countMethods train through counts. Means of unbounded counts are bounded, which keeps the support that is summed over
// short.
func countMethods() []Method {
	return []Method{
		countMethod("poisson", "Poisson counts, their truncated support softened, exact in value", "0.5", nil,
			func(s scope) (relax.Count, int, error) {
				μ := bounded{prior: 3, most: 8}
				η, err := μ.log(s.head)
				x := relax.Poisson{LogRate: η}
				return truncated(x, math.Log(μ.most), err)
			}),
		countMethod("geometric", "geometric counts, their truncated support softened, exact in value", "0.2", nil,
			func(s scope) (relax.Count, int, error) {
				μ := bounded{prior: 1, most: 2}
				var e op.Expr
				x := relax.Geometric{Logits: e.Of(op.Neg(e.Of(μ.log(s.head))))}
				return truncated(x, -math.Log(μ.most), e.Err())
			}),
		countMethod("binomial", "binomial counts of -trials trials, their support softened, exact in value", "0.5", []string{"trials"},
			func(s scope) (relax.Count, int, error) {
				return relax.Binomial{Logits: s.head, Trials: s.Trials}, s.Trials, nil
			}),
		countMethod("negativebinomial", "negative binomial counts up to failure -failures, their truncated support softened, exact in value", "0.3", []string{"failures"},
			func(s scope) (relax.Count, int, error) {
				μ := bounded{prior: 2, most: 5}
				var e op.Expr
				r := math.Log(s.Failures)
				x := relax.NegativeBinomial{Logits: e.Of(op.Shift(e.Of(μ.log(s.head)), -r)), Failures: s.Failures}
				return truncated(x, math.Log(μ.most)-r, e.Err())
			}),
	}
}

// countMethod is the method of a law, which comes with the last point of its support.
func countMethod(name, summary, temperature string, options []string, law func(s scope) (relax.Count, int, error)) Method {
	return Method{
		Name: name, Summary: summary, Source: "Joo et al. 2020", Codes: Counts, Temperature: temperature, options: options,
		posterior: func(s scope) (relax.Relaxation, error) {
			x, m, err := law(s)
			return relax.GeneralizedGumbelSoftmax{Law: x, Max: m, Temperature: s.temperature, StraightThrough: true}, err
		},
	}
}

// truncated finds the last point of a law's support for the parameter with the longest tail.
func truncated(x relax.Count, longest float64, err error) (relax.Count, int, error) {
	if err != nil {
		return nil, 0, err
	}
	m, err := x.Truncation(longest, tailMass)
	return x, m, err
}

// bounded is the range of the mean of unbounded counts: prior where the encoder's output is zero, and below most.
type bounded struct{ prior, most float64 }

// log is the logarithm of the mean.
func (b bounded) log(head *G.Node) (*G.Node, error) {
	var e op.Expr
	share := e.Of(op.LogSigmoid(e.Of(op.Shift(head, math.Log(b.prior/(b.most-b.prior))))))
	return e.Node(e.Of(op.Shift(share, math.Log(b.most))))
}
