package estimator

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// Activation is the non-linearity of the net of a control variate.
type Activation int

// Activations. ReLU makes the gradient of a control variate piecewise constant in z.
const (
	Tanh     Activation = iota // tanh x
	ReLU                       // max(x, 0)
	Softplus                   // log(1+eˣ)
)

var activations = map[Activation]op.Activation{Tanh: op.ActTanh, ReLU: op.ActReLU, Softplus: op.ActSoftplus}

func (a Activation) validate(name string, hidden int) error {
	if _, ok := activations[a]; !ok {
		return fmt.Errorf("estimator: %s: unknown activation %d", name, a)
	}
	if hidden < 0 {
		return fmt.Errorf("estimator: %s: %d hidden units; 0 means %d", name, hidden, defaultHidden)
	}
	return nil
}

// netParameters lists those of a net with one hidden layer, a function of z and the context. Its output layer is zero to
// begin with.
func (p Problem) netParameters(seed uint64, hidden int) []Parameter {
	if p.Logits == nil || len(p.Logits.Shape()) != p.Law.axes() || hidden < 0 {
		return nil
	}
	in, hidden := 1, samples(hidden, defaultHidden)
	for _, d := range p.event() {
		in *= d
	}
	if p.Context != nil && len(p.Context.Shape()) == 2 {
		in += p.Context.Shape()[1]
	}
	bound := 1 / math.Sqrt(float64(in))
	return []Parameter{
		uniformParameter("control.hidden.weight", seed, bound, in, hidden),
		uniformParameter("control.hidden.bias", seed, bound, hidden),
		{Name: "control.output.weight", Shape: []int{hidden, 1}, Initial: make([]float64, hidden)},
		{Name: "control.output.bias", Shape: []int{1}, Initial: []float64{0}},
	}
}

// net is the function of netParameters.
func (p Problem) net(a Activation, params []*G.Node) controlVariate {
	return func(z, _ *G.Node) (*G.Node, error) {
		rows := p.rows()
		var e op.Expr
		in := e.Of(op.Reshape(z, rows, z.Shape().TotalSize()/rows))
		if p.Context != nil {
			in = e.Of(beside(in, p.Context))
		}
		hidden := e.Of(op.Dense(in, params[0], params[1], activations[a]))
		return e.Node(e.Of(op.Reshape(e.Of(op.Dense(hidden, params[2], params[3], op.ActIdentity)), rows)))
	}
}

// beside joins the rows of two matrices.
func beside(a, b *G.Node) (*G.Node, error) {
	m, n := a.Shape()[1], b.Shape()[1]
	var e op.Expr
	return e.Node(e.Of(op.Add(e.Of(op.PadLast(a, 0, n, 0)), e.Of(op.PadLast(b, m, 0, 0)))))
}
