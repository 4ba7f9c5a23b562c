package study

import (
	"context"
	"errors"
	"fmt"
	"math"

	"relaxgo/internal/optim"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
)

// Effort is how much work a comparison is.
type Effort struct {
	Estimates int // at least 2, rounded up as meter.Measure says
	Tuning    int // steps in which the parameters of a control variate are learned before; 0: they keep their initial values
	Seed      uint64
}

// Of tuning.
const (
	tuningRows = 100 // estimates a step
	tuningRate = 0.01
)

// Result is how an estimator does on a problem: the measurement, and the same in a few numbers.
type Result struct {
	estimator.Info
	meter.Measurement
	BiasNorm      float64 // ‖mean − exact‖
	BiasNormError float64 // the root mean square of BiasNorm if there were no bias: √Σ (standard errors)²
	MaxZ          float64 // the greatest bias of a coordinate, in its standard errors
	MeanVariance  float64 // of one estimate, the mean over coordinates
}

// Compare tunes and measures an estimator. The parameters of its control variate are learned at the logits of the problem
// by Adam with rate 0.01, each step on the mean over 100 estimates.
//
// Errors are those of [Problem.Find] and meter.Measure, a number that is not finite, and ctx.Err().
func (p Problem) Compare(ctx context.Context, e estimator.Estimator, effort Effort) (Result, error) {
	values, err := p.tune(ctx, e, effort)
	if err != nil {
		return Result{}, fmt.Errorf("study: %s on %s: %w", e.Info().Name, p.Name, err)
	}
	m, err := meter.Measure(p.Case, e, effort.Estimates, effort.Seed, values)
	if err != nil {
		return Result{}, fmt.Errorf("study: %s: %w", p.Name, err)
	}
	return summarise(e.Info(), m), nil
}

// tune returns the values of the parameters as meter.Measure takes them.
func (p Problem) tune(ctx context.Context, e estimator.Estimator, effort Effort) ([][]float64, error) {
	if effort.Tuning < 0 {
		return nil, fmt.Errorf("%d tuning steps; 0 keeps the initial values", effort.Tuning)
	}
	b, err := newBench(p.Case, e, tuningRows, effort.Seed, "study/tuning", nil, true)
	if err != nil {
		return nil, err
	}
	adam, err := optim.NewAdam(optim.AdamSettings{})
	if err != nil {
		return nil, err
	}
	for step := range effort.Tuning {
		if len(b.variables) == 0 {
			break
		}
		_, err := b.run()
		if err == nil {
			err = adam.Step(b.slots(), tuningRate)
		}
		if err := errors.Join(err, ctx.Err()); err != nil {
			return nil, fmt.Errorf("tuning step %d: %w", step+1, err)
		}
	}
	var values [][]float64
	for _, v := range b.variables {
		values = append(values, float64s(v.value))
	}
	return values, ctx.Err()
}

// summarise leaves biases out of MaxZ that are within rounding, 10⁻⁹ of the gradient's norm.
func summarise(info estimator.Info, m meter.Measurement) Result {
	r := Result{Info: info, Measurement: m, MeanVariance: m.TotalVariance / float64(len(m.Bias))}
	rounding := 1e-9 * norm(m.Exact.Grad)
	for i, d := range m.Bias {
		if math.Abs(d) > rounding {
			r.MaxZ = max(r.MaxZ, math.Abs(d)/m.BiasError[i])
		}
	}
	r.BiasNorm, r.BiasNormError = norm(m.Bias), norm(m.BiasError)
	return r
}

func norm(x []float64) float64 {
	squares := 0.0
	for _, v := range x {
		squares += v * v
	}
	return math.Sqrt(squares)
}
