package estimator_test

import (
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
)

// distance is f(b) = (b − t)² for one bit.
func distance(t float64) estimator.Objective {
	return func(b *G.Node) (*G.Node, error) {
		var e op.Expr
		return e.Node(e.Of(op.SumEvent(e.Of(op.Square(e.Of(op.Shift(b, -t)))))))
	}
}

func logit(p float64) float64 { return math.Log(p / (1 - p)) }

// Weighted noise of one bit that stands for all that matters: values and their probabilities.
type outcomes struct {
	noise   [][]float64 // for each outcome, a value of each noise input
	weights []float64
}

// independent are the outcomes of n independent draws of a bit with P(1) = θ from logistic noise.
func independent(n int, θ float64) outcomes {
	o := outcomes{noise: [][]float64{nil}, weights: []float64{1}}
	for range n {
		var next outcomes
		for i, v := range o.noise {
			next.noise = append(next.noise, append(append([]float64{}, v...), 30), append(append([]float64{}, v...), -30))
			next.weights = append(next.weights, o.weights[i]*θ, o.weights[i]*(1-θ))
		}
		o = next
	}
	return o
}

// antithetic are the three intervals of a uniform number, between 0, m, 1−m and 1 with m = min(θ, 1−θ), in which an
// antithetic pair is constant.
func antithetic(θ float64) outcomes {
	m := math.Min(θ, 1-θ)
	var o outcomes
	for _, interval := range [][2]float64{{0, m}, {m, 1 - m}, {1 - m, 1}} {
		if w := interval[1] - interval[0]; w > 0 {
			o.noise = append(o.noise, []float64{logit((interval[0] + interval[1]) / 2)})
			o.weights = append(o.weights, w)
		}
	}
	return o
}

// exactMoments is the mean and the variance of an estimator on one bit, summed over outcomes of its noise.
func exactMoments(t *testing.T, e estimator.Estimator, c meter.Case, o outcomes) (mean, variance float64) {
	t.Helper()
	b := assemble(t, e, c, len(o.weights), nil, estimates[float64])
	for row, v := range o.noise {
		for i, x := range v {
			b.eps[i].Data[row] = x
		}
	}
	grads := b.output(t, "grad")
	for i, w := range o.weights {
		mean += w * grads[i]
	}
	for i, w := range o.weights {
		variance += w * (grads[i] - mean) * (grads[i] - mean)
	}
	return mean, variance
}

// Variances on f = (b − t)² in closed form, with Δ = f(1) − f(0) = 1−2t, m = min(θ, 1−θ) and M = 1−m; the numbers of the
// table were worked out by hand.
//
//	score   θ(1−θ)·[(1−θ)f(1)² + θf(0)²] − (θ(1−θ)Δ)²
//	RLOO-2  Δ²·[½θ(1−θ) − θ²(1−θ)²]
//	ARM     Δ²·[1/12 − ⅔(½−m)³ − m²M²]
//	DisARM  Δ²·mM²·(½−m)
//
// They are reproduced exactly, by summing over outcomes, and by 10⁵ estimates within four of their standard errors.
func TestVariances(t *testing.T) {
	for _, row := range []struct{ θ, t, gradient, score, rloo, disarm float64 }{
		{0.5, 0.45, 0.025, 0.0159391, 6.25e-4, 0},
		{0.5, 0.499, 5e-4, 0.0156251, 2.5e-7, 0},
		{0.2, 0.45, 0.016, 0.012769, 5.44e-4, 3.84e-4},
		{0.2, 0.499, 3.2e-4, 0.010048, 2.176e-7, 1.536e-7},
	} {
		θ, Δ := row.θ, 1-2*row.t
		m := math.Min(θ, 1-θ)
		M := 1 - m
		f1, f0 := (1-row.t)*(1-row.t), row.t*row.t
		for _, test := range []struct {
			e               estimator.Estimator
			outcomes        outcomes
			closed, printed float64
		}{
			{estimator.ScoreFunction{}, independent(1, θ), θ*(1-θ)*((1-θ)*f1*f1+θ*f0*f0) - math.Pow(θ*(1-θ)*Δ, 2), row.score},
			{estimator.RLOO{}, independent(2, θ), Δ * Δ * (θ*(1-θ)/2 - θ*θ*(1-θ)*(1-θ)), row.rloo},
			{estimator.DisARM{}, antithetic(θ), Δ * Δ * m * M * M * (0.5 - m), row.disarm},
			// The estimate is not constant where the pair is, so its variance comes from samples alone.
			{estimator.ARM{}, outcomes{}, Δ * Δ * (1./12 - 2./3*math.Pow(0.5-m, 3) - m*m*M*M), math.NaN()},
		} {
			t.Run(fmt.Sprintf("%s/θ=%g,t=%g", test.e.Info().Name, θ, row.t), func(t *testing.T) {
				if math.Abs(test.closed-test.printed) > 2e-5*test.printed+1e-18 {
					t.Fatalf("the closed form gives %.6g, the table %.6g", test.closed, test.printed)
				}
				c := meter.Case{Law: estimator.Bernoulli, Logits: []float64{logit(θ)}, Shape: []int{1}, F: distance(row.t), Context: []float64{1}}
				if len(test.outcomes.weights) > 0 {
					mean, variance := exactMoments(t, test.e, c, test.outcomes)
					if math.Abs(mean-row.gradient) > 1e-14 {
						t.Errorf("mean %.15g, want %.15g", mean, row.gradient)
					}
					if math.Abs(variance-test.closed) > 1e-12*test.closed+1e-30 {
						t.Errorf("variance %.15g, want %.15g", variance, test.closed)
					}
				}
				n, err := meter.Measure(c, test.e, 100_000, 1, nil)
				if err != nil {
					t.Fatal(err)
				}
				if d := n.Variance[0] - test.closed; math.Abs(d) > 4*n.VarianceError[0]+1e-12*test.closed+1e-30 {
					t.Errorf("measured variance %.6g, want %.6g: %.1f standard errors", n.Variance[0], test.closed, d/n.VarianceError[0])
				}
			})
		}
	}
}

// Two samples of ARMS are those of DisARM: exponential numbers in the proportion u to 1−u give its pair, and its estimate.
func TestARMSOfTwoIsDisARM(t *testing.T) {
	const rows = 60
	c := bernoulliCase()
	// Bits on either side of ½ take u for different samples of the pair, so a row agrees if all of its bits are on one side.
	for _, sign := range []float64{1, -1} {
		c.Logits = []float64{sign * 0.4, sign * 1.1, sign * 0.9}
		two := assemble(t, estimator.ARMS{Samples: 2}, c, rows, nil, estimates[float64])
		pair := assemble(t, estimator.DisARM{}, c, rows, nil, estimates[float64])
		for i, ε := range pair.eps[0].Data {
			u := 1 / (1 + math.Exp(-ε))
			two.eps[0].Data[i], two.eps[1].Data[i] = 3*u, 3*(1-u)
		}
		if got, want := two.output(t, "grad"), pair.output(t, "grad"); !close(got, want, 1e-12) {
			t.Errorf("logits %v: estimates %.6g, those of DisARM %.6g", c.Logits, got[:6], want[:6])
		}
	}
}

// What is linear in b is known exactly to the control variates of MuProp and, with α = 1, of DoubleCV: from f itself, and
// from a surrogate where f has no gradient.
func TestLinearObjectivesHaveNoVariance(t *testing.T) {
	linear := func(b *G.Node) (*G.Node, error) {
		var e op.Expr
		rows := b.Shape()[0]
		width := b.Shape().TotalSize() / rows
		v := make([]float64, width)
		for i := range v {
			v[i] = float64(i*i) - 1.5
		}
		return e.Node(e.Of(op.Shift(e.Of(op.DotLast(e.Of(op.Reshape(b, rows, width)), v)), 4)))
	}
	flat := func(b *G.Node) (*G.Node, error) {
		var e op.Expr
		return e.Node(e.Of(op.StopGradient(e.Of(linear(b)))))
	}
	each(t, []estimator.Estimator{estimator.MuProp{}, estimator.DoubleCV{}, estimator.DoubleCV{Samples: 3}}, func(t *testing.T, e estimator.Estimator, c meter.Case) {
		for _, f := range []struct{ f, smooth estimator.Objective }{{linear, nil}, {flat, linear}} {
			c.F, c.Smooth = f.f, f.smooth
			m, err := meter.Measure(c, e, 1000, 1, nil)
			if err != nil {
				t.Fatal(err)
			}
			if m.TotalVariance > 1e-28 || math.Abs(m.Cosine-1) > 1e-12 {
				t.Errorf("with a surrogate %t: total variance %g, cosine %g", f.smooth != nil, m.TotalVariance, m.Cosine)
			}
		}
	})
}

// Tuning of DoubleCV is the mean over rows of Σĝ², and α = 0 is RLOO.
func TestDoubleCV(t *testing.T) {
	c := bernoulliCase()
	b := assemble(t, estimator.DoubleCV{Samples: 3}, c, 10, [][]float64{{0.6}}, estimates[float64])
	squares := 0.0
	for _, g := range b.output(t, "grad") {
		squares += g * g / 10
	}
	if got := b.output(t, "tuning")[0]; math.Abs(got-squares) > 1e-13*squares {
		t.Errorf("Tuning %.15g, want %.15g", got, squares)
	}
	b.params[0].Data[0] = 0
	plain := assemble(t, estimator.RLOO{Samples: 3}, c, 10, nil, estimates[float64])
	if got, want := b.output(t, "grad"), plain.output(t, "grad"); !close(got, want, 1e-13) {
		t.Errorf("with α = 0 the estimates are %v, those of RLOO %v", got, want)
	}
}
