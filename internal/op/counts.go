package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
)

// Counts is a power-series law on 0, 1, 2, …: p(x) = exp(a·x + c(x) − A(a)) with c(0) = 0. The natural parameter a is
// what the ops of this file take; the rest is fixed.
type Counts struct {
	Name           string                  // with every constant: it goes into hashes
	Ratio          func(x float64) float64 // e^{c(x+1) − c(x)} for x = 0, 1, …; 0 where the support ends
	LogPartition   func(a float64) float64 // A
	Mean, Variance func(a float64) float64 // A′ and A″
}

// LogCarrier is c(0), …, c(n−1).
func (c Counts) LogCarrier(n int) []float64 {
	out := make([]float64, n)
	for x := 1; x < n; x++ {
		out[x] = out[x-1] + math.Log(c.Ratio(float64(x-1)))
	}
	return out
}

// Survival is P(X ≥ m), with the relative accuracy of LogTail.
func (c Counts) Survival(a float64, m int) float64 {
	return math.Exp(c.from(m).moments(a).log - c.LogPartition(a))
}

// LogTail is log Σ_{x≥m} e^{a·x + c(x)}, element by element: A(a) + log P(X ≥ m). It keeps its relative accuracy where
// the tail is small. Differentiable twice.
func LogTail(a *G.Node, c Counts, m int) (*G.Node, error) {
	if m < 0 || c.Ratio == nil {
		return nil, fmt.Errorf("op: logtail of %q from %d", c.Name, m)
	}
	tail := c.from(m)
	if math.IsInf(tail.carrier, -1) {
		return nil, fmt.Errorf("op: logtail: %s has no count %d", c.Name, m)
	}
	f := function{
		name: fmt.Sprintf("logtail{%s,%d}", c.Name, m),
		at: derivatives(
			func(a float64) float64 { return tail.moments(a).log },
			func(a float64) float64 { return tail.moments(a).mean },
			func(a float64) float64 { return tail.moments(a).variance },
		),
	}
	return f.node(a)
}

// countTail is the counts from m on.
type countTail struct {
	Counts
	carrier float64   // c(m)
	head    []float64 // Ratio below m
	rest    []float64 // Ratio from m on, as far as most sums go
}

func (c Counts) from(m int) countTail {
	t := countTail{Counts: c, head: make([]float64, m), rest: make([]float64, 4*m+64)}
	for x := range t.head {
		t.head[x] = c.Ratio(float64(x))
		t.carrier += math.Log(t.head[x])
	}
	for j := range t.rest {
		t.rest[j] = c.Ratio(float64(m + j))
	}
	return t
}

// tailMoments is the logarithm of the weights of a tail, Σ e^{a·x + c(x)}, and mean and variance of a count that lies in
// it, which are the logarithm's derivatives.
type tailMoments struct{ log, mean, variance float64 }

// moments takes what lies below the tail from the whole if the rest is large enough for that, and sums the rest
// otherwise.
func (c countTail) moments(a float64) tailMoments {
	m := float64(len(c.head))
	A, mean, variance := c.LogPartition(a), c.Mean(a), c.Variance(a)
	if m == 0 {
		return tailMoments{A, mean, variance}
	}
	const enough = 1e-3 // costs three of sixteen digits
	p0, p1, p2 := c.below(a, A)
	if rest := 1 - p0; rest > enough {
		μ := (mean - p1) / rest
		return tailMoments{A + math.Log1p(-p0), μ, (variance+mean*mean-p2)/rest - μ*μ}
	}
	// Terms relative to the first; m is far above the mean, so that they fall.
	ratio := math.Exp(a)
	var s0, s1, s2 float64
	for j, t := 0, 1.; t > 1e-18*s0; j++ {
		x := float64(j)
		s0 += t
		s1 += t * x
		s2 += t * x * x
		if j < len(c.rest) {
			t *= ratio * c.rest[j]
		} else {
			t *= ratio * c.Ratio(m+x)
		}
	}
	μ := s1 / s0
	return tailMoments{a*m + c.carrier + math.Log(s0), m + μ, s2/s0 - μ*μ}
}

// below is Σ p(x), Σ x·p(x) and Σ x²·p(x) over x < m. Terms are relative to p(0), which may underflow, and scaled down
// whenever they grow large.
func (c countTail) below(a, A float64) (p0, p1, p2 float64) {
	const large = 1e200
	ratio, scale, t := math.Exp(a), -A, 1.
	for i, r := range c.head {
		if t > large {
			t, p0, p1, p2, scale = t/large, p0/large, p1/large, p2/large, scale+math.Log(large)
		}
		x := float64(i)
		p0 += t
		p1 += t * x
		p2 += t * x * x
		t *= ratio * r
	}
	unit := math.Exp(scale)
	return p0 * unit, p1 * unit, p2 * unit
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
	mean, ratio := c.Mean(a), math.Exp(a)
	log, sum := -c.LogPartition(a), 0.
	for x := 0.; x < mostSteps; x++ {
		p, r := math.Exp(log), c.Ratio(x)
		sum += p
		if sum >= u || r == 0 || x > mean && p < 1e-18 {
			return x
		}
		log += math.Log(ratio * r)
	}
	panic(fmt.Sprintf("a count of mean %.3g is too large to be drawn; at most %d", mean, mostSteps))
}
