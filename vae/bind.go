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
	"relaxgo/relax"
	"relaxgo/relax/estimator"
	"relaxgo/relax/noise"
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

// mode is how codes are sampled on the way up.
type mode int

const (
	training mode = iota // as the method does
	exact                // exactly discrete, from the noise of the training sample
	smooth               // relaxed, differentiable in the code below: what control variates of the layer below look at
)

// ascent is the way from an image up through the stochastic layers, where the terms of the bound are gathered.
type ascent struct {
	*model
	g           *program.Graph[float32]
	w           nn.Binding
	temperature *G.Node

	layers map[layerKey]*layer
	noise  map[string][]*G.Node // by purpose: samples of one purpose share their noise
	inputs []noiseInput         // all of it

	first  *layer    // the lowest
	code   *G.Node   // [B, code] discrete sample of the first layer
	tuning []*G.Node // [B] each: what control variates minimise
}

// layer is a stochastic layer over one input, which makes it the same wherever it occurs in the graph.
type layer struct {
	head   *G.Node // [B, head]
	q, p   relax.Relaxation
	sample *sample // nil until it is drawn
}

type layerKey struct {
	l  int
	in *G.Node
}

// layerOver is layer l over an input [B, …].
func (t *ascent) layerOver(l int, in *G.Node) (*layer, error) {
	key := layerKey{l, in}
	if y := t.layers[key]; y != nil {
		return y, nil
	}
	y := &layer{}
	var err error
	if y.head, err = t.network(t.w, encoderName, l, in); err != nil {
		return nil, err
	}
	if y.q, y.p, err = t.laws(t.w, l, y.head, t.temperature); err != nil {
		return nil, err
	}
	if t.first == nil {
		t.first = y
	}
	t.layers[key] = y
	return y, nil
}

// noiseFor are the noise nodes of a purpose, made when it is first asked for.
func (t *ascent) noiseFor(purpose string, specs []noise.Spec) ([]*G.Node, error) {
	if eps := t.noise[purpose]; eps != nil {
		return eps, nil
	}
	inputs, eps, err := noiseInputs(t.g, purpose, specs)
	if err != nil {
		return nil, err
	}
	t.inputs = append(t.inputs, inputs...)
	t.noise[purpose] = eps
	return eps, nil
}

// climb samples the codes from layer l on and gathers their part of the negative evidence bound, per row: value is the
// mean of what depends on samples of layer l, divergence the rest. below says how improbable the outputs of decoder l
// make what is below that layer.
func (t *ascent) climb(l int, in *G.Node, below estimator.Objective, how mode) (value, divergence *G.Node, err error) {
	y, err := t.layerOver(l, in)
	if err != nil {
		return nil, nil, err
	}
	// given is the value for one code of the layer.
	given := func(code *G.Node, how mode) (*G.Node, error) {
		var e op.Expr
		code = e.Of(flat(code))
		if e.Err() != nil {
			return nil, e.Err()
		}
		v := e.Of(below(e.Of(t.network(t.w, decoderName, l, code))))
		if l == t.top() {
			return e.Node(v)
		}
		above, rest, err := t.climb(l+1, code, func(output *G.Node) (*G.Node, error) { return t.belowNLL(l, output, code) }, how)
		if err != nil {
			return nil, err
		}
		return e.Node(e.Of(op.Add(v, e.Of(op.Add(above, rest)))))
	}
	if how == training && t.method.estimator != nil {
		if value, err = t.estimate(l, in, y, given); err != nil {
			return nil, nil, err
		}
	} else {
		code, err := t.sampleOf(l, y, how)
		if err != nil {
			return nil, nil, err
		}
		if value, err = given(code, how); err != nil {
			return nil, nil, err
		}
	}
	divergence, err = t.divergence(l, y, how)
	return value, divergence, err
}

// sampleOf draws a code of a layer without an estimator.
func (t *ascent) sampleOf(l int, y *layer, how mode) (*G.Node, error) {
	if how == smooth {
		q, err := t.softened(l, y.head)
		if err != nil {
			return nil, err
		}
		eps, err := t.noiseFor(fmt.Sprint("smooth.", l), q.Noise())
		if err != nil {
			return nil, err
		}
		d, err := q.Rsample(eps...)
		return d.Value, err
	}
	if y.sample == nil {
		eps, err := t.noiseFor(fmt.Sprint("noise.", l), y.q.Noise())
		if err != nil {
			return nil, err
		}
		d, err := y.q.Rsample(eps...)
		if err != nil {
			return nil, err
		}
		y.sample = &sample{q: y.q, p: y.p, draw: d, eps: eps}
	}
	hard := y.sample.draw.Hard
	if l == 0 && t.code == nil {
		var err error
		if t.code, err = flat(hard); err != nil {
			return nil, err
		}
	}
	if how == exact {
		return hard, nil
	}
	return y.sample.draw.Value, nil
}

// divergence is the part of the bound that is known without a sample of the layer: the whole divergence at the top, the
// negative entropy below it, where the rest depends on the code above.
func (t *ascent) divergence(l int, y *layer, how mode) (*G.Node, error) {
	if l < t.top() {
		var e op.Expr
		entropy := e.Of(y.q.Discrete().(interface{ Entropy() (*G.Node, error) }).Entropy())
		return e.Node(e.Of(op.Neg(entropy)))
	}
	x := sample{q: y.q, p: y.p}
	if y.sample != nil {
		x = *y.sample
	}
	if how == training && t.KL == KLRelaxed {
		return t.method.relaxedKL(x)
	}
	return t.discreteKL(x)
}
