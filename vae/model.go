package vae

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/kernel"
	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/optim"
	"relaxgo/internal/program"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// model is the network: parameters, and the layers as functions of a graph that binds them.
type model struct {
	plan
	pixels int
	params *nn.Params
}

func newModel(p plan, pixels int) (*model, error) {
	m := &model{plan: p, pixels: pixels, params: nn.NewParams(p.Seed)}
	for _, side := range []struct {
		name    string
		in, out int
	}{{"encoder", pixels, p.codeSize()}, {"decoder", p.codeSize(), pixels}} {
		in := side.in
		for i := range p.Layers {
			if err := nn.AddDense(m.params, layerName(side.name, i), in, p.Hidden); err != nil {
				return nil, err
			}
			in = p.Hidden
		}
		if err := nn.AddDense(m.params, layerName(side.name, p.Layers), in, side.out); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func layerName(side string, i int) string { return fmt.Sprintf("%s.%d", side, i) }

// network is one side of the model: hidden ReLU layers, then a linear one.
func (m *model) network(w nn.Binding, side string, x *G.Node) (*G.Node, error) {
	var err error
	for i := range m.Layers {
		if x, err = w.Dense(layerName(side, i), x, op.ActReLU); err != nil {
			return nil, err
		}
	}
	return w.Dense(layerName(side, m.Layers), x, op.ActIdentity)
}

// latent is the code of a batch: posterior, prior and one draw of the posterior.
type latent struct {
	q, p relax.Relaxation
	draw relax.Draw
	// soft and hard are the draw as the decoder takes it, [B, code]; hard is exactly discrete.
	soft, hard *G.Node
}

// sample builds the posterior from the encoder's outputs [B, code] and draws from it.
func (m *model) sample(g *program.Graph[float32], head, temperature *G.Node) (*latent, []noiseInput, error) {
	rows := head.Shape()[0]
	logits, err := op.Reshape(head, append([]int{rows}, m.event()...)...)
	if err != nil {
		return nil, nil, err
	}
	zeros, err := op.FullLike(logits, 0)
	if err != nil {
		return nil, nil, err
	}
	z := &latent{q: m.method.posterior(logits, temperature), p: m.method.posterior(zeros, temperature)}
	inputs, eps, err := noiseInputs(g, z.q.Noise())
	if err != nil {
		return nil, nil, err
	}
	if z.draw, err = z.q.Rsample(eps...); err != nil {
		return nil, nil, err
	}
	var e op.Expr
	z.soft = e.Of(op.Reshape(z.draw.Value, rows, m.codeSize()))
	z.hard = e.Of(op.Reshape(z.draw.Hard, rows, m.codeSize()))
	return z, inputs, e.Err()
}

// discreteKL is the divergence between the exactly discrete posterior and prior, per row.
func (z *latent) discreteKL() (*G.Node, error) { return relax.KL(z.q.Discrete(), z.p.Discrete()) }

// noiseInput is a noise node with the law that fills it.
type noiseInput struct {
	kind noise.Kind
	data []float32
}

func noiseInputs(g *program.Graph[float32], specs []noise.Spec) ([]noiseInput, []*G.Node, error) {
	var inputs []noiseInput
	var nodes []*G.Node
	for i, s := range specs {
		in, err := g.Input(fmt.Sprintf("noise.%d", i), s.Shape...)
		if err != nil {
			return nil, nil, err
		}
		inputs = append(inputs, noiseInput{kind: s.Kind, data: in.Data})
		nodes = append(nodes, in.Node)
	}
	return inputs, nodes, nil
}

// noiseSegment is the number of elements that have a random stream of their own, so that the noise of one purpose can be
// drawn on several cores and is the same on any number of them.
const noiseSegment = 1 << 13

// fill draws the noise of inputs for a purpose, a stream's name and counters, on all cores.
func fill(inputs []noiseInput, seed uint64, name string, counters ...int) {
	for i, in := range inputs {
		kernel.Parallel(len(in.data), noiseSegment, func(lo, hi int) {
			fillSegment(in.kind, in.data[lo:hi], seed, name, append(slices.Clip(counters), i, lo/noiseSegment)...)
		})
	}
}

func fillSegment(kind noise.Kind, dst []float32, seed uint64, name string, counters ...int) {
	noise.Fill(noise.NewSource(seed, name, counters...), kind, dst)
}

// bound is the graph of a batch of images, with the programs that train and evaluate on it.
type bound struct {
	x           []float32 // [batch, pixels]
	weight      []float32 // [batch], of each row in the training loss
	temperature []float32 // one number; nil for a method without temperature
	noise       []noiseInput
	step        *program.Program[float32] // one training step: the loss and the gradients of all parameters
	evaluate    *program.Program[float32] // per row: the bounds with soft and with hard samples
	encode      *program.Program[float32] // the encoder's outputs, and a discrete code
	slots       []optim.Slot              // parameters; step leaves their gradients in gradient
}

// Names of outputs.
const (
	outLoss  = "loss"  // of the batch: weighted sum over rows of reconstruction + β·divergence
	outRows  = "rows"  // the same per row
	outSoft  = "soft"  // [B] negative evidence bound with the training sample and the training divergence
	outHard  = "hard"  // [B] negative evidence bound with the discrete sample and the discrete divergence
	outHead  = "head"  // [B, code] encoder outputs
	outCode  = "code"  // [B, code] discrete sample
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
		var temperature *G.Node
		if m.method.Temperature != "" {
			in, err := g.Input("temperature")
			if err != nil {
				return err
			}
			b.temperature, temperature = in.Data, in.Node
		}
		head, err := m.network(w, "encoder", x.Node)
		if err != nil {
			return err
		}
		z, inputs, err := m.sample(g, head, temperature)
		if err != nil {
			return err
		}
		b.noise = inputs

		nll := func(code *G.Node) (*G.Node, error) {
			logits, err := m.network(w, "decoder", code)
			if err != nil {
				return nil, err
			}
			return op.BernoulliNLL(logits, x.Node)
		}
		var e op.Expr
		discrete := e.Of(z.discreteKL())
		trained := discrete
		if m.KL == KLRelaxed {
			trained = e.Of(m.method.relaxedKL(z.q, z.p, z.draw))
		}
		soft := e.Of(nll(z.soft))
		rows := e.Of(op.Add(soft, e.Of(op.Scale(trained, m.Beta))))
		loss := e.Of(op.SumAll(e.Of(op.Mul(weight.Node, rows))))
		eval.Finite[outSoft] = e.Of(op.Add(soft, trained))
		eval.Finite[outHard] = e.Of(op.Add(e.Of(nll(z.hard)), discrete))
		if e.Err() != nil {
			return e.Err()
		}
		var params []*G.Node
		for _, p := range m.params.All() {
			params = append(params, w[p.Name])
		}
		grads, err := autodiff.Gradient(loss, params...)
		if err != nil {
			return err
		}
		for i, p := range m.params.All() {
			step.Plain[gradientOf(p.Name)] = grads[i]
			b.slots = append(b.slots, optim.Slot{Name: p.Name, Value: p.Data})
		}
		step.Finite[outLoss] = loss
		step.Plain[outRows] = rows
		encode.Plain[outHead] = head
		encode.Plain[outCode] = z.hard
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

// gradients ties the parameters to the gradients of the last step.
func (b *bound) gradients() []optim.Slot {
	for i, s := range b.slots {
		b.slots[i].Grad = b.step.Output(gradientOf(s.Name))
	}
	return b.slots
}

// decoder is the graph that turns n codes into images.
type decoder struct {
	code []float32 // [n, code]
	mean *program.Program[float32]
}

func (m *model) decoder(n int) (*decoder, error) {
	d := &decoder{}
	var mean *G.Node
	g, err := program.Build(func(g *program.Graph[float32]) error {
		w, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		code, err := g.Input("code", n, m.codeSize())
		if err != nil {
			return err
		}
		d.code = code.Data
		logits, err := m.network(w, "decoder", code.Node)
		if err != nil {
			return err
		}
		mean, err = op.Sigmoid(logits)
		return err
	})
	if err == nil {
		d.mean, err = program.Compile(g, program.Outputs{Plain: map[string]*G.Node{outMean: mean}})
	}
	if err != nil {
		return nil, fmt.Errorf("vae: %w", err)
	}
	return d, nil
}

// weigher is the graph that draws discrete codes for n rows and weighs them: the summands of the importance-weighted
// bound.
type weigher struct {
	x, head []float32 // [n, pixels] and [n, code], the images and the encoder's outputs for them
	noise   []noiseInput
	ratio   *program.Program[float32]
}

func (m *model) weigher(n int) (*weigher, error) {
	s := &weigher{}
	var ratio *G.Node
	g, err := program.Build(func(g *program.Graph[float32]) error {
		w, err := nn.Bind(g, m.params)
		if err != nil {
			return err
		}
		x, err := g.Input("x", n, m.pixels)
		if err != nil {
			return err
		}
		head, err := g.Input("head", n, m.codeSize())
		if err != nil {
			return err
		}
		s.x, s.head = x.Data, head.Data
		var e op.Expr
		logits := e.Of(op.Reshape(head.Node, append([]int{n}, m.event()...)...))
		zeros := e.Of(op.FullLike(logits, 0))
		if e.Err() != nil {
			return e.Err()
		}
		q := m.method.posterior(logits, nil).Discrete()
		p := m.method.posterior(zeros, nil).Discrete()
		inputs, eps, err := noiseInputs(g, q.Noise())
		if err != nil {
			return err
		}
		s.noise = inputs
		draw, err := q.Rsample(eps...)
		if err != nil {
			return err
		}
		output, err := m.network(w, "decoder", e.Of(op.Reshape(draw.Hard, n, m.codeSize())))
		if err != nil {
			return err
		}
		prior := e.Of(op.Sub(e.Of(p.LogProb(draw)), e.Of(q.LogProb(draw))))
		ratio = e.Of(op.Sub(prior, e.Of(op.BernoulliNLL(output, x.Node))))
		return e.Err()
	})
	if err == nil {
		s.ratio, err = program.Compile(g, program.Outputs{Finite: map[string]*G.Node{outRatio: ratio}})
	}
	if err != nil {
		return nil, fmt.Errorf("vae: %w", err)
	}
	return s, nil
}
