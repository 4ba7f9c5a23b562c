package vae

import (
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/relax"
)

// model is the network: parameters, and the layers as functions of a graph that binds them.
//
// There may be several stochastic layers. Encoder l turns the code below it, at the bottom the image, into the law of
// code l; decoder l turns code l into the law of what is below it. The prior of the top code is uniform or learned.
type model struct {
	plan
	pixels int
	params *nn.Params
}

// Names of parameters beside those of the networks and of methods.
const (
	temperatureParam = "log temperature" // of a learned temperature
	priorParam       = "prior"           // encoder outputs that a learned prior stands for
)

func newModel(p plan, pixels int) (*model, error) {
	m := &model{plan: p, pixels: pixels, params: nn.NewParams(p.Seed)}
	for l := range m.layers {
		at, below := m.at(l), pixels
		if l > 0 {
			below = m.at(l - 1).codeSize()
		}
		for _, side := range []struct {
			name    string
			in, out int
		}{{encoderName, below, at.headSize()}, {decoderName, at.codeSize(), below}} {
			in := side.in
			for i, width := range append(slices.Clone(p.Hidden), side.out) {
				if err := nn.AddDense(m.params, layerName(side.name, l, i), in, width); err != nil {
					return nil, err
				}
				in = width
			}
		}
	}
	if p.method.learn != nil {
		if err := p.method.learn(p, m.params); err != nil {
			return nil, err
		}
	}
	if p.learnedTemperature > 0 {
		if _, err := m.params.Add(temperatureParam, nil, nn.Constant(float32(math.Log(p.learnedTemperature)))); err != nil {
			return nil, err
		}
	}
	if p.Prior == PriorLearned {
		if _, err := m.params.Add(priorParam, m.at(m.top()).event(), nn.Zeros); err != nil {
			return nil, err
		}
	}
	if p.method.estimator != nil {
		if err := m.addControl(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

const encoderName, decoderName = "encoder", "decoder"

// layerName is that of dense layer i in a network of stochastic layer l.
func layerName(side string, l, i int) string {
	if l > 0 {
		side = fmt.Sprint(side, l+1)
	}
	return fmt.Sprintf("%s.%d", side, i)
}

// top is the highest stochastic layer.
func (p plan) top() int { return len(p.layers) - 1 }

// at is the plan for stochastic layer l.
func (p plan) at(l int) plan {
	p.Latent = p.layers[l]
	return p
}

// network is one side of stochastic layer l: hidden ReLU layers, then a linear one.
func (m *model) network(w nn.Binding, side string, l int, x *G.Node) (*G.Node, error) {
	var err error
	for i := range m.Hidden {
		if x, err = w.Dense(layerName(side, l, i), x, op.ActReLU); err != nil {
			return nil, err
		}
	}
	return w.Dense(layerName(side, l, len(m.Hidden)), x, op.ActIdentity)
}

// laws are posterior and prior of layer l for encoder outputs [B, head].
func (m *model) laws(w nn.Binding, l int, head, temperature *G.Node) (q, p relax.Relaxation, err error) {
	at := m.at(l)
	rows, event := head.Shape()[0], at.event()
	if head, err = op.Reshape(head, append([]int{rows}, event...)...); err != nil {
		return nil, nil, err
	}
	s := scope{plan: at, head: head, temperature: temperature, weights: w}
	if q, err = m.method.posterior(s); err != nil {
		return nil, nil, err
	}
	if l == m.top() && m.Prior == PriorLearned {
		s.head, err = op.SpreadBatch(w[priorParam], rows)
	} else {
		s.head, err = op.FullLike(head, 0)
	}
	if err != nil {
		return nil, nil, err
	}
	prior := m.method.prior
	if prior == nil {
		prior = m.method.posterior
	}
	p, err = prior(s)
	return q, p, err
}

// draw draws from a distribution that q or its discrete law is.
func draw(g *program.Graph[float32], name string, q, p relax.Relaxation, from relax.Distribution) (sample, []noiseInput, error) {
	x := sample{q: q, p: p}
	var inputs []noiseInput
	var err error
	if inputs, x.eps, err = noiseInputs(g, name, from.Noise()); err != nil {
		return sample{}, nil, err
	}
	x.draw, err = from.Rsample(x.eps...)
	return x, inputs, err
}

// flat is a code as networks take it: [B, …] → [B, code].
func flat(value *G.Node) (*G.Node, error) {
	shape := value.Shape()
	return op.Reshape(value, shape[0], product(shape[1:]))
}

// belowNLL is −log p(code|above) [B] of a code [B, code] of layer l, given the outputs [B, code] of the decoder above it.
func (m *model) belowNLL(l int, output, code *G.Node) (*G.Node, error) {
	if m.codes == Bits {
		return op.BernoulliNLL(output, code)
	}
	shape := append([]int{code.Shape()[0]}, m.at(l).code()...)
	var e op.Expr
	logp := e.Of(op.LogSoftmax(e.Of(op.Reshape(output, shape...))))
	match := e.Of(op.SumEvent(e.Of(op.Mul(e.Of(op.Reshape(code, shape...)), logp))))
	return e.Node(e.Of(op.Neg(match)))
}

// generated is the law of the code of layer l given the outputs of the decoder above it.
func (m *model) generated(l int, output *G.Node) (relax.Distribution, error) {
	logits, err := op.Reshape(output, append([]int{output.Shape()[0]}, m.at(l).code()...)...)
	if m.codes == Bits {
		return relax.Bernoulli{Logits: logits}, err
	}
	return relax.Categorical{Logits: logits}, err
}
