package relax

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Count is a law of counts 0, 1, 2, …: Poisson, Geometric, Binomial or NegativeBinomial.
type Count interface {
	Distribution
	// Truncation is the smallest m with P(X > m) ≤ tail, for a value of the parameter: a log-rate or a logit. It sizes
	// the support of a relaxation; give it the value whose tail is the longest.
	Truncation(parameter, tail float64) (int, error)
	count() countLaw
}

// countLaw is a power-series law p(x) = exp(a·x + c(x) − A) with a parameter node: what the laws of counts have in
// common. Its fields are what they do not.
type countLaw struct {
	name    string  // of the parameter
	param   *G.Node // [B, D]
	family  op.Counts
	most    int   // the largest count; 0: there is none
	invalid error // what is wrong with the constants

	natural func(param *G.Node) (a, logPartition, mean *G.Node, err error)
	plain   func(param float64) (a float64)
	carrier func(x *G.Node) (*G.Node, error) // c(x)
}

func (l countLaw) validate() error {
	if l.invalid != nil {
		return l.invalid
	}
	return parameter(l.name, l.param)
}

// nodes are a, A and the mean of a validated law.
func (l countLaw) nodes() (a, logPartition, mean *G.Node, err error) {
	if err := l.validate(); err != nil {
		return nil, nil, nil, err
	}
	return l.natural(l.param)
}

func (l countLaw) noise() []noise.Spec { return specLike(noise.Uniform, l.param) }

// rsample inverts the distribution function.
func (l countLaw) rsample(eps []*G.Node) (Draw, error) {
	a, _, _, err := l.nodes()
	if err != nil {
		return Draw{}, err
	}
	u, err := sampleNoise(l.param, eps)
	if err != nil {
		return Draw{}, err
	}
	x, err := op.CountQuantile(a, u, l.family)
	if err != nil {
		return Draw{}, err
	}
	return Draw{Value: x, Hard: x}, nil
}

func (l countLaw) logProb(x Draw) (*G.Node, error) {
	a, logPartition, _, err := l.nodes()
	if err != nil {
		return nil, err
	}
	if err := drawn("the draw's Value", x.Value, l.param); err != nil {
		return nil, err
	}
	var e op.Expr
	weight := e.Of(op.Add(e.Of(op.Mul(a, x.Value)), e.Of(l.carrier(x.Value))))
	return e.Node(e.Of(op.SumEvent(e.Of(op.Sub(weight, logPartition)))))
}

func (l countLaw) mean() (*G.Node, error) {
	_, _, mean, err := l.nodes()
	return mean, err
}

// mostPoints bounds truncated supports, which are tensors.
const mostPoints = 4096

func (l countLaw) truncation(parameter, tail float64) (int, error) {
	if l.invalid != nil {
		return 0, l.invalid
	}
	if !(tail > 0 && tail < 1) || math.IsNaN(parameter) || math.IsInf(parameter, 0) {
		return 0, fmt.Errorf("relax: truncation of a law with parameter %g where the tail falls to %g; a finite parameter and a tail between 0 and 1 are needed", parameter, tail)
	}
	limit := mostPoints - 1
	if l.most > 0 {
		limit = min(limit, l.most)
	}
	a := l.plain(parameter)
	short := func(m int) bool { return m == l.most && m > 0 || l.family.Survival(a, m+1) <= tail }
	if !short(limit) {
		return 0, fmt.Errorf("relax: with parameter %g more than %g of the counts are above %d; bound the parameter", parameter, tail, limit)
	}
	low, high := -1, limit // short(high), not short(low)
	for high-low > 1 {
		if mid := (low + high) / 2; short(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return max(high, 1), nil // one point is no support
}

// censored is the logits of the law of min(X, m), up to a constant: [B, D] → [B, D, m+1]. The last is that of all counts
// from m on, lumped.
func (l countLaw) censored(m int) (*G.Node, error) {
	if err := l.validate(); err != nil {
		return nil, err
	}
	return l.censoredLogits(m)
}

// censoredLogits is censored for a law whose parameter may lack the batch axis.
func (l countLaw) censoredLogits(m int) (*G.Node, error) {
	if l.invalid != nil {
		return nil, l.invalid
	}
	if m < 1 || m >= mostPoints {
		return nil, fmt.Errorf("relax: Max is %d; it must lie between 1 and %d, see Truncation", m, mostPoints-1)
	}
	if l.most > 0 && m > l.most {
		return nil, fmt.Errorf("relax: Max is %d, but no count is above %d", m, l.most)
	}
	a, _, _, err := l.natural(l.param)
	if err != nil {
		return nil, err
	}
	return op.CensoredLogits(a, l.family, m)
}

// support is 0, 1, …, n−1.
func support(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(i)
	}
	return v
}

// logFactorial is log x!.
func logFactorial(x *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.LogGamma(e.Of(op.Shift(x, 1)))))
}
