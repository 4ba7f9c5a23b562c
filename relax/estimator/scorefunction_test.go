package estimator_test

import (
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
)

// bernoulliCase is the case of three bits.
func bernoulliCase() meter.Case {
	return meter.Case{Law: estimator.Bernoulli, Logits: shapes[0].logits, Shape: shapes[0].shape, F: cubic, Context: []float64{0.5, -1}}
}

// One step of SGD with rate ½ on Tuning takes the constant baseline all the way to the mean of f.
func TestConstantBaselineIsAMovingAverage(t *testing.T) {
	b := assemble(t, estimator.ScoreFunction{Baseline: estimator.ConstantBaseline}, bernoulliCase(), 40, [][]float64{{3}}, func(b *built[float64]) (map[string]*G.Node, error) {
		grads, err := autodiff.Gradient(b.estimate.Tuning, b.params[0].Node)
		if err != nil {
			return nil, err
		}
		return map[string]*G.Node{"value": b.estimate.Value, "step": grads[0]}, nil
	})
	mean := 0.0
	for _, v := range b.output(t, "value") {
		mean += v / 40
	}
	if got := 3 - 0.5*b.output(t, "step")[0]; math.Abs(got-mean) > 1e-13 {
		t.Errorf("the baseline moves from 3 to %.12g, the mean of f is %.12g", got, mean)
	}
}

// The learned baseline is a net w·tanh(Wx + a) + c of the context, and what is subtracted from f; a loop computes it again.
func TestLearnedBaseline(t *testing.T) {
	const rows, hidden = 5, 3
	e := estimator.ScoreFunction{Baseline: estimator.LearnedBaseline, Hidden: hidden}
	c := bernoulliCase()
	params := randomParams(t, e, c)
	b := assemble(t, e, c, rows, params, estimates[float64])
	w, a, output, constant := params[0], params[1], params[2], params[3][0]
	baseline := constant
	for h := range hidden {
		baseline += output[h] * math.Tanh(c.Context[0]*w[h]+c.Context[1]*w[hidden+h]+a[h])
	}
	f, sample := b.output(t, "value"), b.output(t, "sample")
	loss, grad := 0.0, make([]float64, len(sample))
	for r, v := range f {
		loss += (v - baseline) * (v - baseline) / rows
		for i, ℓ := range c.Logits {
			grad[r*3+i] = (v - baseline) * (sample[r*3+i] - 1/(1+math.Exp(-ℓ)))
		}
	}
	if got := b.output(t, "tuning")[0]; math.Abs(got-loss) > 1e-13 {
		t.Errorf("loss of the baseline %.15g, want %.15g", got, loss)
	}
	if got := b.output(t, "grad"); !close(got, grad, 1e-13) {
		t.Errorf("estimates %.15g, want %.15g", got, grad)
	}
}

// A learned baseline starts as the constant 0, and is a constant where there is no context.
func TestLearnedBaselineStartsAtZero(t *testing.T) {
	c := bernoulliCase()
	plain, err := meter.Measure(c, estimator.ScoreFunction{}, 1000, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, context := range [][]float64{c.Context, nil} {
		c.Context = context
		learned, err := meter.Measure(c, estimator.ScoreFunction{Baseline: estimator.LearnedBaseline}, 1000, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !close(learned.Variance, plain.Variance, 1e-12) {
			t.Errorf("context %v: variance %v, without a baseline %v", context, learned.Variance, plain.Variance)
		}
	}
	c.Context = nil
	if _, err := meter.Measure(c, estimator.ScoreFunction{Baseline: estimator.LearnedBaseline}, 1000, 1, [][]float64{{2}}); err != nil {
		t.Errorf("without a context: %v", err)
	}
}

// The initial values of parameters depend on the seed and on nothing else.
func TestInitialValues(t *testing.T) {
	e := estimator.ScoreFunction{Baseline: estimator.LearnedBaseline}
	p := assemble(t, e, bernoulliCase(), 2, nil, estimates[float64]).problem
	a, again, other := e.Parameters(p, 1), e.Parameters(p, 1), e.Parameters(p, 2)
	if !close(a[0].Initial, again[0].Initial, 0) {
		t.Error("one seed gives two sets of weights")
	}
	if close(a[0].Initial, other[0].Initial, 1e-3) {
		t.Error("two seeds give one set of weights")
	}
	bound := 1 / math.Sqrt2
	for _, v := range append(a[0].Initial, a[1].Initial...) {
		if math.Abs(v) > bound {
			t.Errorf("weight %g beyond 1/√2", v)
		}
	}
}
