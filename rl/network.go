package rl

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/rl/env"
)

// Values of Config.Activation.
const (
	activationTanh = "tanh"
	activationReLU = "relu"
)

// network is a multilayer perceptron of an observation. A discrete observation picks a row of the first layer's weights,
// which is that layer applied to its one-hot vector. The last layer is zero to begin with: a policy starts uniform, a
// value and a control variate start at zero.
type network struct {
	name       string
	space      env.Space
	beside     int // width of a second input that the first layer sees beside the observation; 0: none
	hidden     []int
	activation string
	out        int
}

// layerName is the name of layer i's parameters; i counts the hidden layers, the last one is that of the outputs.
func (n network) layerName(i int) string {
	if i == len(n.hidden) {
		return n.name + ".output"
	}
	return fmt.Sprintf("%s.hidden%d", n.name, i+1)
}

// add adds the parameters: name.weight [in, out] for each layer and name.bias [out] for all but the first of a discrete
// observation, where it would be the same as adding to all rows.
func (n network) add(p *nn.Params) error {
	width := n.space.Size
	if n.space.Discrete() {
		width = n.space.States
	}
	for i := range len(n.hidden) + 1 {
		name, out, fan := n.layerName(i), n.out, width
		if i == 0 {
			fan += n.beside
		}
		init := nn.Zeros
		if i < len(n.hidden) {
			out, init = n.hidden[i], nn.TorchLinear(fan)
		}
		if _, err := p.Add(name+".weight", []int{width, out}, init); err != nil {
			return err
		}
		if i > 0 || !n.space.Discrete() {
			if _, err := p.Add(name+".bias", []int{out}, init); err != nil {
				return err
			}
		}
		if i == 0 && n.beside > 0 {
			if _, err := p.Add(name+".beside", []int{n.beside, out}, init); err != nil {
				return err
			}
		}
		width = out
	}
	return nil
}

// observations adds the input of a batch of observations to a graph: [rows, size], or [rows] if they are discrete.
func observations(g *program.Graph[float32], space env.Space, rows int) (*program.Input[float32], error) {
	if space.Discrete() {
		return g.Input("observation", rows)
	}
	return g.Input("observation", rows, space.Size)
}

// layer is one layer of a network in a graph: out = act(in·weight + bias).
type layer struct {
	in, out    *G.Node // in is nil if the observation is discrete and picks a row
	activation op.Activation
}

// build adds the network to a graph, for observations and, if the network has one, the second input. It returns its
// layers; the last one's out is the network's, [rows, out].
func (n network) build(b nn.Binding, obs, beside *G.Node) ([]layer, error) {
	var e op.Expr
	var layers []layer
	x := obs
	for i := range len(n.hidden) + 1 {
		act, name := op.ActIdentity, n.layerName(i)
		if i < len(n.hidden) {
			act = n.act()
		}
		l := layer{in: x, activation: act}
		switch discrete := i == 0 && n.space.Discrete(); {
		case discrete:
			l.in = nil
			l.out = e.Of(op.GatherRows(b[name+".weight"], obs))
		case i == 0 && beside != nil:
			l.out = e.Of(b.Dense(name, x, op.ActIdentity))
		default:
			l.out = e.Of(b.Dense(name, x, act))
		}
		if i == 0 && beside != nil {
			l.out = e.Of(op.Add(l.out, e.Of(op.MatMul(beside, b[name+".beside"], false, false))))
		}
		if i == 0 && (l.in == nil || beside != nil) {
			l.out = e.Of(activate(act, l.out))
		}
		if err := e.Err(); err != nil {
			return nil, err
		}
		layers = append(layers, l)
		x = l.out
	}
	return layers, nil
}

func (n network) act() op.Activation {
	if n.activation == activationReLU {
		return op.ActReLU
	}
	return op.ActTanh
}

// scalar is the output of a network with one output as a vector: [rows].
func (n network) scalar(b nn.Binding, obs, beside *G.Node) (*G.Node, error) {
	layers, err := n.build(b, obs, beside)
	if err != nil {
		return nil, err
	}
	out := layers[len(layers)-1].out
	return op.Reshape(out, out.Shape()[0])
}

// activate applies an activation that is not part of a dense layer.
func activate(act op.Activation, x *G.Node) (*G.Node, error) {
	switch act {
	case op.ActTanh:
		return op.Tanh(x)
	case op.ActReLU:
		var e op.Expr
		return e.Node(e.Of(op.Mul(x, e.Of(op.Positive(x)))))
	default:
		return x, nil
	}
}

// slope is the derivative of an activation at y = act(x), as a function of y.
func slope(act op.Activation, y *G.Node) (*G.Node, error) {
	switch act {
	case op.ActTanh:
		var e op.Expr
		return e.Node(e.Of(op.OneMinus(e.Of(op.Square(y)))))
	case op.ActReLU:
		return op.Positive(y)
	default:
		return op.FullLike(y, 1)
	}
}
