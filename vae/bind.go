package vae

import (
	"fmt"
	"strings"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/optim"
	"relaxgo/internal/program"
)

// bound is the graph of a batch of images, with the programs that train and evaluate on it.
type bound struct {
	x           []float32 // [batch, pixels]
	weight      []float32 // [batch], of each row in the training loss
	temperature []float32 // one number; nil for a method without temperature or with a learned one
	noise       []noiseInput
	step        *program.Program[float32] // one training step: the loss and the gradients of all parameters
	evaluate    *program.Program[float32] // per row: the bounds with soft and with hard samples
	encode      *program.Program[float32] // the encoder's outputs, and a discrete code
	slots       []optim.Slot              // the model's parameters; step leaves their gradients in gradient
	control     []optim.Slot              // those of the estimator's control variate
}

// Names of outputs.
const (
	outLoss  = "loss"  // of the batch: weighted sum over rows of reconstruction + β·divergence + λ·open gates
	outRows  = "rows"  // the same per row
	outSoft  = "soft"  // [B] negative evidence bound with the training sample and the training divergence
	outHard  = "hard"  // [B] negative evidence bound with the discrete sample and the discrete divergence
	outOpen  = "open"  // [B] expected number of gates that are not zero
	outHead  = "head"  // [B, head] outputs of the first encoder
	outCode  = "code"  // [B, code] discrete sample of the first layer
	outMean  = "mean"  // [n, pixels] decoder means
	outRatio = "ratio" // [n] log p(x|b) + log p(b) − log q(b|x)
)

func gradientOf(param string) string { return "gradient of " + param }

// bind builds the graph for batches of the given number of images.
func (m *model) bind(batch int) (*bound, error) {
	b := &bound{}
	step := program.Outputs{Finite: map[string]*G.Node{}, Plain: map[string]*G.Node{}}
	eval := program.Outputs{Finite: map[string]*G.Node{}}
	encode := program.Outputs{Plain: map[string]*G.Node{}}
	g, err := program.Build(func(g *program.Graph[float32]) error {
		w, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		x, err := g.Input("x", batch, m.pixels)
		if err != nil {
			return err
		}
		weight, err := g.Input("weight", batch)
		if err != nil {
			return err
		}
		b.x, b.weight = x.Data, weight.Data
		temperature, err := m.temperatureNode(g, w, b)
		if err != nil {
			return err
		}
		t := &ascent{model: m, g: g, w: w, temperature: temperature, layers: map[layerKey]*layer{}, noise: map[string][]*G.Node{}}
		pixels := func(output *G.Node) (*G.Node, error) { return op.BernoulliNLL(output, x.Node) }
		var e op.Expr
		value, divergence, err := t.climb(0, x.Node, pixels, training)
		if err != nil {
			return err
		}
		exactValue, exactDivergence := value, divergence
		if m.method.estimator == nil {
			if exactValue, exactDivergence, err = t.climb(0, x.Node, pixels, exact); err != nil {
				return err
			}
		}
		rows := e.Of(op.Add(value, e.Of(op.Scale(divergence, m.Beta))))
		if m.L0 > 0 {
			open := e.Of(op.SumEvent(e.Of(t.first.q.(gate).ProbNonZero())))
			rows = e.Of(op.Add(rows, e.Of(op.Scale(open, m.L0))))
			eval.Finite[outOpen] = open
		}
		loss := e.Of(op.SumAll(e.Of(op.Mul(weight.Node, rows))))
		eval.Finite[outSoft] = e.Of(op.Add(value, divergence))
		eval.Finite[outHard] = e.Of(op.Add(exactValue, exactDivergence))
		if e.Err() != nil {
			return e.Err()
		}
		if err := m.gradients(b, step, w, loss, t.tuning, weight.Node); err != nil {
			return err
		}
		step.Finite[outLoss] = loss
		step.Plain[outRows] = rows
		encode.Plain[outHead] = t.first.head
		encode.Plain[outCode] = t.code
		b.noise = t.inputs
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("vae: %w", err)
	}
	for _, c := range []struct {
		into **program.Program[float32]
		outs program.Outputs
	}{{&b.step, step}, {&b.evaluate, eval}, {&b.encode, encode}} {
		if *c.into, err = program.Compile(g, c.outs); err != nil {
			return nil, fmt.Errorf("vae: %w", err)
		}
	}
	return b, nil
}

// gradients adds the gradients of the loss and those of what control variates minimise.
func (m *model) gradients(b *bound, step program.Outputs, w nn.Binding, loss *G.Node, tuning []*G.Node, weight *G.Node) error {
	for _, p := range m.params.All() {
		slot := optim.Slot{Name: p.Name, Value: p.Data}
		if strings.HasPrefix(p.Name, controlPrefix) {
			b.control = append(b.control, slot)
		} else {
			b.slots = append(b.slots, slot)
		}
	}
	if err := gradientsOf(loss, b.slots, w, step); err != nil || len(tuning) == 0 {
		return err
	}
	var e op.Expr
	sum := tuning[0]
	for _, rows := range tuning[1:] {
		sum = e.Of(op.Add(sum, rows))
	}
	total := e.Of(op.SumAll(e.Of(op.Mul(weight, sum))))
	if e.Err() != nil {
		return e.Err()
	}
	return gradientsOf(total, b.control, w, step)
}

// gradientsOf makes the gradients of an objective outputs of a step.
func gradientsOf(objective *G.Node, slots []optim.Slot, w nn.Binding, step program.Outputs) error {
	var params []*G.Node
	for _, s := range slots {
		params = append(params, w[s.Name])
	}
	grads, err := autodiff.Gradient(objective, params...)
	if err != nil {
		return err
	}
	for i, s := range slots {
		step.Plain[gradientOf(s.Name)] = grads[i]
	}
	return nil
}

// gate is a distribution of gates that can close.
type gate interface {
	ProbNonZero() (*G.Node, error)
}

// temperatureNode is the temperature of the method: an input, or a function of a parameter; nil if there is none.
func (m *model) temperatureNode(g *program.Graph[float32], w nn.Binding, b *bound) (*G.Node, error) {
	switch {
	case m.method.Temperature == "" || m.method.estimator != nil:
		return nil, nil
	case m.learnedTemperature > 0:
		return op.Exp(w[temperatureParam])
	}
	in, err := g.Input("temperature")
	if err != nil {
		return nil, err
	}
	b.temperature = in.Data
	return in.Node, nil
}

// gradient ties parameters to the gradients of the last step.
func (b *bound) gradient(slots []optim.Slot) []optim.Slot {
	for i, s := range slots {
		slots[i].Grad = b.step.Output(gradientOf(s.Name))
	}
	return slots
}
