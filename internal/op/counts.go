package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
)

// Counts is a power-series law on 0, 1, 2, …: p(x) = exp(a·x + c(x) − A(a)) with c(0) = 0 and
// e^{c(x+1) − c(x)} = (α + β·x)/(x + 1), for α > 0 and β one of
//
//	 0  Poisson counts of rate α·e^a, A = α·e^a;
//	 1  the successes of probability e^a before the α-th failure, negative binomial, A = −α log(1 − e^a);
//	−1  the successes of probability σ(a) among α trials, binomial, A = α log(1 + e^a).
//
// These are the laws with (1 − β·e^a)·E[X] = α·e^a, Panjer's class; the same recursion gives the mean of a tail, see
// countTail. The natural parameter a is what the ops of this file take; the rest is fixed.
type Counts struct {
	Name        string // with every constant: it goes into hashes
	Alpha, Beta float64
}

// ratio is e^{c(x+1) − c(x)}; 0 where the support ends.
func (c Counts) ratio(x float64) float64 { return (c.Alpha + c.Beta*x) / (x + 1) }

// logCarrier is c(0), …, c(n−1).
func (c Counts) logCarrier(n int) []float64 {
	out := make([]float64, n)
	for x := 1; x < n; x++ {
		out[x] = out[x-1] + math.Log(c.ratio(float64(x-1)))
	}
	return out
}

// logPartition is A.
func (c Counts) logPartition(a float64) float64 {
	switch c.Beta {
	case 1:
		return -c.Alpha * math.Log(-math.Expm1(a))
	case -1:
		return c.Alpha * softplus(a)
	}
	return c.Alpha * math.Exp(a)
}

// factors are e^a/(1 − β·e^a), the mean over α, and 1/(1 − β·e^a).
func (c Counts) factors(a float64) (odds, inverse float64) {
	switch c.Beta {
	case 1:
		q := -math.Expm1(a)
		return math.Exp(a) / q, 1 / q
	case -1:
		return sigmoid(a), sigmoid(-a)
	}
	return math.Exp(a), 1
}

// Survival is P(X ≥ m), with the relative accuracy of LogTail.
func (c Counts) Survival(a float64, m int) float64 {
	return math.Exp(c.from(m).log(a) - c.logPartition(a))
}

// LogTail is log Σ_{x≥m} e^{a·x + c(x)}, element by element: A(a) + log P(X ≥ m). It keeps its relative accuracy where
// the tail is small. Differentiable twice.
func LogTail(a *G.Node, c Counts, m int) (*G.Node, error) {
	tail, err := c.tail("logtail", m)
	if err != nil {
		return nil, err
	}
	return tail.function().node(a)
}

// countTail is the counts from m on, of which there is one at least.
type countTail struct {
	Counts
	m       float64
	carrier float64   // c(m)
	head    []float64 // ratios below m
	rest    []float64 // ratios from m on, as far as most sums go
}

// tail validates a tail for the op of that name.
func (c Counts) tail(name string, m int) (countTail, error) {
	if m < 0 || !(c.Alpha > 0) || c.Beta != 0 && c.Beta != 1 && c.Beta != -1 {
		return countTail{}, fmt.Errorf("op: %s: counts from %d on of %s{α=%g, β=%g}", name, m, c.Name, c.Alpha, c.Beta)
	}
	t := c.from(m)
	if math.IsInf(t.carrier, -1) || math.IsNaN(t.carrier) {
		return countTail{}, fmt.Errorf("op: %s: %s has no count %d", name, c.Name, m)
	}
	return t, nil
}

func (c Counts) from(m int) countTail {
	t := countTail{Counts: c, m: float64(m), head: make([]float64, m), rest: make([]float64, m+64)}
	for x := range t.head {
		t.head[x] = c.ratio(float64(x))
		t.carrier += math.Log(t.head[x])
	}
	for j := range t.rest {
		t.rest[j] = max(c.ratio(t.m+float64(j)), 0)
	}
	return t
}

// function is the tail's logarithm, whose derivatives are mean and variance of a count that lies in it.
func (t countTail) function() *function {
	return &function{
		name: fmt.Sprintf("logtail{%s,%d}", t.Name, len(t.head)),
		at: derivatives(
			t.log,
			func(a float64) float64 { return t.mean(a, t.log(a)) },
			func(a float64) float64 { return t.variance(a, t.log(a)) },
		),
	}
}

// log is log Σ_{x≥m} e^{a·x + c(x)}. A sum whose terms fall fast is added up; otherwise the whole is known, and what lies
// below m is taken off if enough is left.
func (t countTail) log(a float64) float64 {
	const fast, enough = 0.5, 1e-3 // the difference costs three of sixteen digits
	switch {
	case t.m == 0:
		return t.logPartition(a)
	case t.Alpha == 1 && t.Beta == 1: // geometric: what lies above m has the law of the whole
		return a*t.m + t.logPartition(a)
	}
	ratio := math.Exp(a)
	if ratio*t.rest[0] > fast {
		A := t.logPartition(a)
		if p := t.below(ratio, A); 1-p > enough {
			return A + math.Log1p(-p)
		}
	}
	sum, term := 1., 1. // relative to the first
	for j := 0; term > 1e-18*sum; j++ {
		if j < len(t.rest) {
			term *= ratio * t.rest[j]
		} else {
			term *= ratio * t.ratio(t.m+float64(j))
		}
		sum += term
	}
	return a*t.m + t.carrier + math.Log(sum)
}

// mean is that of a count in the tail, given the tail's logarithm. (x+1)·e^{c(x+1)} = (α + βx)·e^{c(x)}, summed over the
// tail, is an equation for it: no term cancels another.
func (t countTail) mean(a, log float64) float64 {
	odds, inverse := t.factors(a)
	return inverse*t.m*t.hazard(a, log) + odds*t.Alpha
}

// variance is the derivative of mean; that of the hazard is hazard·(m − mean).
func (t countTail) variance(a, log float64) float64 {
	odds, inverse := t.factors(a)
	μ := t.mean(a, log)
	return inverse*t.m*t.hazard(a, log)*(t.m-μ) + odds*(t.Alpha+t.Beta*μ)
}

// hazard is P(X = m | X ≥ m).
func (t countTail) hazard(a, log float64) float64 { return math.Exp(a*t.m + t.carrier - log) }

// below is P(X < m). Terms are relative to p(0), which may underflow, and scaled down whenever they grow large.
func (t countTail) below(ratio, A float64) float64 {
	const large = 1e200
	sum, term, scale := 0., 1., -A
	for _, r := range t.head {
		if term > large {
			term, sum, scale = term/large, sum/large, scale+math.Log(large)
		}
		sum += term
		term *= ratio * r
	}
	return sum * math.Exp(scale)
}

// mostSteps bounds the search of a quantile.
const mostSteps = 1 << 20

// CountQuantile is the smallest x with P(X ≤ x) ≥ u, element by element: a draw of the law if u is uniform on (0, 1). No
// gradient passes. A quantile beyond a million is an error of the run.
func CountQuantile(a, u *G.Node, c Counts) (*G.Node, error) {
	name := fmt.Sprintf("quantile{%s}", c.Name)
	if err := check(name, a, u); err != nil {
		return nil, err
	}
	if !sameShape(a, u) {
		return nil, fmt.Errorf("op: %s: parameters %v and uniform numbers %v must have one shape", name, a.Shape(), u.Shape())
	}
	return apply(spec{name: name, shape: a.Shape(), f32: quantiles[float32](c), f64: quantiles[float64](c), wrt: none(2)}, a, u)
}

func quantiles[T Float](c Counts) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		for i, a := range in[0] {
			out[i] = T(c.quantile(float64(a), float64(in[1][i])))
		}
	}
}

// quantile sums probabilities up from 0. Past the mean they stop to matter once they fall below rounding.
func (c Counts) quantile(a, u float64) float64 {
	odds, _ := c.factors(a)
	mean, ratio := c.Alpha*odds, math.Exp(a)
	log, sum := -c.logPartition(a), 0.
	for x := 0.; x < mostSteps; x++ {
		p, r := math.Exp(log), c.ratio(x)
		sum += p
		if sum >= u || r == 0 || x > mean && p < 1e-18 {
			return x
		}
		log += math.Log(ratio * r)
	}
	panic(fmt.Sprintf("a count of mean %.3g is too large to be drawn; at most %d", mean, mostSteps))
}
