package vae

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/relax"
	"relaxgo/relax/estimator"
	"relaxgo/relax/noise"
)

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
		law, ok := y.q.Discrete().(interface{ Entropy() (*G.Node, error) })
		if !ok {
			return nil, fmt.Errorf("the entropy of %T is not known, so that no layer can stand above it", y.q.Discrete())
		}
		entropy := e.Of(law.Entropy())
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
