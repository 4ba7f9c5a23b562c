package estimator

import (
	"fmt"
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/internal/stream"
)

// Baseline is what a score-function estimator subtracts from f. It does not depend on b, so that any baseline leaves the
// estimate unbiased; the nearer to E f(b) it is, the lower is the variance. It is learned by least squares: Tuning is
// (f(b) − baseline)².
type Baseline int

// Baselines.
const (
	// NoBaseline subtracts nothing.
	NoBaseline Baseline = iota
	// ConstantBaseline is one number c. A step of SGD with rate r moves it by the fraction 2r of the way to the mean of f:
	// a moving average.
	ConstantBaseline
	// LearnedBaseline is a function of Problem.Context [B, C], a net with one hidden layer c(x) = w·tanh(Wx + a) + c. For a
	// problem without a context it is ConstantBaseline. Source: Mnih and Gregor (2014), "Neural variational inference and
	// learning in belief networks", ICML, arXiv:1402.0030.
	LearnedBaseline
)

// defaultHidden is the width of the learned baseline, that of Mnih and Gregor (2014).
const defaultHidden = 100

func (b Baseline) validate(name string, hidden int) error {
	if b < NoBaseline || b > LearnedBaseline {
		return fmt.Errorf("estimator: %s: unknown baseline %d", name, b)
	}
	if hidden < 0 {
		return fmt.Errorf("estimator: %s: %d hidden units of the baseline; 0 means %d", name, hidden, defaultHidden)
	}
	return nil
}

// parameters lists those of the baseline. The net's output weights are zero to begin with, so that every baseline starts
// as the constant 0.
func (b Baseline) parameters(p Problem, seed uint64, hidden int) []Parameter {
	if b == NoBaseline || hidden < 0 {
		return nil
	}
	constant := Parameter{Name: "baseline.constant", Initial: []float64{0}}
	if b == ConstantBaseline || p.Context == nil || len(p.Context.Shape()) != 2 {
		return []Parameter{constant}
	}
	in, hidden := p.Context.Shape()[1], samples(hidden, defaultHidden)
	bound := 1 / math.Sqrt(float64(in))
	return []Parameter{
		uniformParameter("baseline.hidden.weight", seed, bound, in, hidden),
		uniformParameter("baseline.hidden.bias", seed, bound, hidden),
		{Name: "baseline.output.weight", Shape: []int{hidden, 1}, Initial: make([]float64, hidden)},
		constant,
	}
}

// uniformParameter is a parameter drawn from U(−bound, bound), in a stream of its own.
func uniformParameter(name string, seed uint64, bound float64, shape ...int) Parameter {
	size := 1
	for _, d := range shape {
		size *= d
	}
	rng := rand.New(stream.New(seed, "init/"+name))
	initial := make([]float64, size)
	for i := range initial {
		initial[i] = bound * (2*rng.Float64() - 1)
	}
	return Parameter{Name: name, Shape: shape, Initial: initial}
}

// build returns signal − baseline [B], where signal [B] is what the baseline predicts, and the baseline's loss [B]. The
// loss is nil if there is no baseline.
func (b Baseline) build(p Problem, signal *G.Node, params []*G.Node) (centred, loss *G.Node, err error) {
	if b == NoBaseline {
		return signal, nil, nil
	}
	var e op.Expr
	if len(params) == 1 {
		centred = e.Of(op.Sub(signal, params[0]))
	} else {
		hidden := e.Of(op.Dense(p.Context, params[0], params[1], op.ActTanh))
		output := e.Of(op.Reshape(e.Of(op.MatMul(hidden, params[2], false, false)), p.rows()))
		centred = e.Of(op.Sub(signal, e.Of(op.Add(output, params[3]))))
	}
	loss = e.Of(op.Square(centred))
	return centred, loss, e.Err()
}
