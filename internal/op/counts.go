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
	return math.Exp(c.tail(a, m, c.LogCarrier(m + 1)[m]).log - c.LogPartition(a))
}

// LogTail is log Σ_{x≥m} e^{a·x + c(x)}, element by element: A(a) + log P(X ≥ m). It keeps its relative accuracy where
// the tail is small. Differentiable twice.
func LogTail(a *G.Node, c Counts, m int) (*G.Node, error) {
	if m < 0 || c.Ratio == nil {
		return nil, fmt.Errorf("op: logtail of %q from %d", c.Name, m)
	}
	carrier := c.LogCarrier(m + 1)[m]
	if math.IsInf(carrier, -1) {
		return nil, fmt.Errorf("op: logtail: %s has no count %d", c.Name, m)
	}
	f := function{
		name: fmt.Sprintf("logtail{%s,%d}", c.Name, m),
		at: derivatives(
			func(a float64) float64 { return c.tail(a, m, carrier).log },
			func(a float64) float64 { return c.tail(a, m, carrier).mean },
			func(a float64) float64 { return c.tail(a, m, carrier).variance },
		),
	}
	return f.node(a)
}

// tail is what is known about the counts from m on: the logarithm of their weights Σ e^{a·x + c(x)}, and mean and
// variance of a count that is one of them, which are the logarithm's derivatives.
type tail struct{ log, mean, variance float64 }

// tail takes what lies below m from the whole if the rest is large enough for that, and sums the rest otherwise.
func (c Counts) tail(a float64, m int, carrier float64) tail {
	A, mean, variance := c.LogPartition(a), c.Mean(a), c.Variance(a)
	if m == 0 {
		return tail{A, mean, variance}
	}
	const enough = 1e-3 // costs three of sixteen digits
	p0, p1, p2 := c.head(a, A, m)
	if rest := 1 - p0; rest > enough {
		μ := (mean - p1) / rest
		return tail{A + math.Log1p(-p0), μ, (variance+mean*mean-p2)/rest - μ*μ}
	}
	// Terms relative to the first; m is far above the mean, so that they fall.
	ratio := math.Exp(a)
	var s0, s1, s2 float64
	for j, t := 0., 1.; t > 1e-18*s0; j++ {
		s0 += t
		s1 += t * j
		s2 += t * j * j
		t *= ratio * c.Ratio(float64(m)+j)
	}
	μ := s1 / s0
	return tail{a*float64(m) + carrier + math.Log(s0), float64(m) + μ, s2/s0 - μ*μ}
}

// head is Σ p(x), Σ x·p(x) and Σ x²·p(x) over x < m. Terms are relative to p(0), which may underflow, and scaled down
// whenever they grow large.
func (c Counts) head(a, A float64, m int) (p0, p1, p2 float64) {
	const large = 1e200
	ratio, scale := math.Exp(a), -A
	for x, t := 0., 1.; x < float64(m); x++ {
		if t > large {
			t, p0, p1, p2, scale = t/large, p0/large, p1/large, p2/large, scale+math.Log(large)
		}
		p0 += t
		p1 += t * x
		p2 += t * x * x
		t *= ratio * c.Ratio(x)
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
