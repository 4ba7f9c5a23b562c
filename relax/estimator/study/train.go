package study

import (
	"context"
	"fmt"
	"math"

	"relaxgo/internal/optim"
	"relaxgo/relax/estimator"
)

// Training moves θ of the toy problem [Bit], from ½ on, by Adam with one estimate of the gradient a step. The parameters of
// control variates are learned from the same estimates with an Adam of their own.
type Training struct {
	T     float64 // t of the problem
	Steps int
	Every int // steps between two points
	Draws int // estimates that a variance is measured with, at least 2
	Rate  float64
	// TuningRate is the learning rate of the parameters of control variates.
	TuningRate float64
	Seed       uint64
}

// Published is the training of Grathwohl et al. (2018), section 4 and the authors' program.
// The settings of estimators are those of [ForBit].
func Published() Training {
	return Training{T: 0.499, Steps: 5000, Every: 100, Draws: 1000, Rate: 0.01, TuningRate: 0.01, Seed: 1}
}

// Point is where training stands after a number of steps.
type Point struct {
	Step     int
	Theta    float64 // P(b=1)
	Loss     float64 // E f, exact
	Variance float64 // of the estimates, with the noise of the stream and the parameters as they stand
}

// Run trains with an estimator. Its noise is that of every other estimator in the same training. It is an error if the
// estimator does not take bits or estimates a number that is not finite.
func (t Training) Run(ctx context.Context, e estimator.Estimator) ([]Point, error) {
	fail := func(err error) ([]Point, error) { return nil, fmt.Errorf("study: %s: %w", e.Info().Name, err) }
	if t.Steps < 1 || t.Every < 1 || t.Draws < 2 {
		return fail(fmt.Errorf("%d steps, a point every %d with %d estimates; at least 1, 1 and 2 are needed", t.Steps, t.Every, t.Draws))
	}
	c := Bit(t.T, 0.5)
	walk, err := newBench(c, e, 1, t.Seed, "study/train", nil, true)
	if err != nil {
		return fail(err)
	}
	watch, err := newBench(c, e, t.Draws, t.Seed, "study/variance", walk.variables, false)
	if err != nil {
		return fail(err)
	}
	descent, err := optim.NewAdam(optim.AdamSettings{})
	if err != nil {
		return fail(err)
	}
	tuning, err := optim.NewAdam(optim.AdamSettings{})
	if err != nil {
		return fail(err)
	}
	var points []Point
	for step := 0; ; step++ {
		if step%t.Every == 0 || step == t.Steps {
			variance, err := watch.varianceAt(walk.logits.Data[0])
			if err != nil {
				return fail(fmt.Errorf("after %d steps: %w", step, err))
			}
			points = append(points, t.point(step, float64(walk.logits.Data[0]), variance))
		}
		if step == t.Steps {
			return points, nil
		}
		if err := ctx.Err(); err != nil {
			return fail(err)
		}
		grad, err := walk.run()
		if err == nil {
			err = tuning.Step(walk.slots(), t.TuningRate)
		}
		if err == nil {
			err = descent.Step([]optim.Slot{{Name: "logit", Value: walk.logits.Data, Grad: []float32{grad[0]}}}, t.Rate)
		}
		if err != nil {
			return fail(fmt.Errorf("step %d: %w", step+1, err))
		}
	}
}

// point is exact but for the variance.
func (t Training) point(step int, logit, variance float64) Point {
	on, off := 1/(1+math.Exp(-logit)), 1/(1+math.Exp(logit))
	return Point{Step: step, Theta: on, Loss: on*(1-t.T)*(1-t.T) + off*t.T*t.T, Variance: variance}
}

// varianceAt is that of the estimates at a logit.
func (b *bench) varianceAt(logit float32) (float64, error) {
	for i := range b.logits.Data {
		b.logits.Data[i] = logit
	}
	grads, err := b.run()
	if err != nil {
		return 0, err
	}
	// Relative to the first estimate, so that equal ones have no variance whatever their size.
	n, sum, squares := float64(len(grads)), 0.0, 0.0
	for _, g := range grads {
		d := float64(g) - float64(grads[0])
		sum += d
		squares += d * d
	}
	return max(squares-sum*sum/n, 0) / (n - 1), nil
}
