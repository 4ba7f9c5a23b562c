package bridge

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
)

// klQuadrature is KL(p ‖ q) for K = 2 and 3.
func klQuadrature(p, q Distribution) (float64, error) {
	f, err := newFrame(p)
	if err != nil {
		return math.NaN(), err
	}
	// The integrand is divided by its size, so that the tolerance is relative where the divergence is large.
	size := 1.
	for _, u := range [][]float64{{0, 0}, {2, 0}, {-2, 0}, {0, 2}, {0, -2}} {
		z := f.at(u[:f.dim()])
		size = math.Max(size, math.Abs(p.logDensity(z)-q.logDensity(z)))
	}
	kl, err := f.integrate(func(z []float64) float64 {
		logP := p.logDensity(z)
		if logP < -700 {
			return 0 // where exp underflows, the logarithm cannot make up for it
		}
		return math.Exp(logP) * ((logP - q.logDensity(z)) / size)
	})
	return kl * size, err
}

// tvQuadrature is the total variation distance ∫ max(0, p − q) for K = 2 and 3, in the coordinates of the more concentrated
// of the two: what these do not reach, the integral does not need.
func tvQuadrature(p, q Distribution) (float64, error) {
	if q.gaussian().cov.logDet() < p.gaussian().cov.logDet() {
		p, q = q, p
	}
	f, err := newFrame(p)
	if err != nil {
		return math.NaN(), err
	}
	tv, err := f.integrate(func(z []float64) float64 {
		logP := p.logDensity(z)
		return math.Exp(logP) * shortfall(q.logDensity(z)-logP)
	})
	return math.Min(math.Max(tv, 0), 1), err
}

// frame is a system of coordinates u for the log-ratios of K = 2 or 3 classes, y = m + L·u with C = L·Lᵀ, in which a
// distribution has mean zero, unit covariance and all its mass in [−reach, reach] on each axis.
type frame struct {
	mean   []float64
	factor mat.TriDense // L, lower
	reach  float64
}

func newFrame(d Distribution) (*frame, error) {
	mean, cov := d.gaussian().ALR()
	f := &frame{mean: mean, reach: d.reach()}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(cov) {
		return nil, errors.New("bridge: the logits' covariance is too nearly singular for quadrature; use KLMonteCarlo or TVMonteCarlo")
	}
	cholesky.LTo(&f.factor)
	return f, nil
}

func (f *frame) dim() int { return len(f.mean) }

// at is the logits z = (y, 0) at u.
func (f *frame) at(u []float64) []float64 {
	z := make([]float64, f.dim()+1)
	for i, m := range f.mean {
		z[i] = m
		for j := range i + 1 {
			z[i] += f.factor.At(i, j) * u[j]
		}
	}
	return z
}

// integrate is ∫ g(z) dy, computed twice with different panels: an edge too sharp for the first points of one rule, which
// it would pass by without a word, shows as a difference to the other.
func (f *frame) integrate(g func(z []float64) float64) (float64, error) {
	rule := adaptive{budget: 1_000_000}
	var value [2]float64
	for i, stretch := range []float64{1, 0.7} {
		rule.breaks = slices.Compact([]float64{-f.reach, -9 * stretch, -3 * stretch, -stretch, 0, stretch, 3 * stretch, 9 * stretch, f.reach})
		value[i] = f.nest(&rule, g)
	}
	if math.IsNaN(value[0]) || math.IsInf(value[0], 0) {
		return math.NaN(), errOverflow
	}
	if rule.budget < 0 || !(math.Abs(value[0]-value[1]) <= 1e-5) {
		return math.NaN(), errors.New("bridge: a density is too steep for quadrature; use KLMonteCarlo or TVMonteCarlo")
	}
	return value[0], nil
}

// nest applies the rule to each dimension, the inner one to a finer tolerance.
func (f *frame) nest(rule *adaptive, g func(z []float64) float64) float64 {
	volume := 1.
	for i := range f.mean {
		volume *= f.factor.At(i, i)
	}
	u := make([]float64, f.dim())
	line := func(axis int, tolerance float64, h func() float64) float64 {
		return rule.integrate(tolerance, func(x float64) float64 {
			u[axis] = x
			return h()
		})
	}
	point := func() float64 { return volume * g(f.at(u)) }
	if f.dim() == 1 {
		return line(0, 1e-10, point)
	}
	return line(0, 1e-8, func() float64 { return line(1, 1e-9, point) })
}

// adaptive is a Gauss–Legendre rule on panels that are halved until a panel and its halves agree.
type adaptive struct {
	breaks []float64 // ends of the first panels, ascending
	budget int       // panels left to evaluate; below zero, halving has stopped early
}

func (a *adaptive) integrate(tolerance float64, f func(x float64) float64) float64 {
	var sum float64
	for i, right := range a.breaks[1:] {
		left := a.breaks[i]
		sum += a.halve(f, left, right, a.panel(f, left, right), tolerance)
	}
	return sum
}

func (a *adaptive) halve(f func(float64) float64, left, right, whole, tolerance float64) float64 {
	mid := left/2 + right/2
	l, r := a.panel(f, left, mid), a.panel(f, mid, right)
	if !(math.Abs(l+r-whole) > tolerance) || a.budget < 0 { // NaN ends it too
		return l + r
	}
	return a.halve(f, left, mid, l, tolerance) + a.halve(f, mid, right, r, tolerance)
}

func (a *adaptive) panel(f func(float64) float64, left, right float64) float64 {
	a.budget--
	var sum float64
	for i, x := range legendre.x {
		sum += legendre.w[i] * f(left+(right-left)*x)
	}
	return sum * (right - left)
}

// legendre is the ten-point Gauss–Legendre rule on [0, 1].
var legendre = func() (rule struct{ x, w [10]float64 }) {
	quad.Legendre{}.FixedLocations(rule.x[:], rule.w[:], 0, 1)
	return rule
}()
