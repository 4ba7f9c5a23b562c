package nn

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/internal/program"
)

// AddDense adds the parameters of a fully connected layer: name.weight [in, out] and name.bias [out], both drawn
// from U(±1/√in), PyTorch's default.
func AddDense(p *Params, name string, in, out int) error {
	if _, err := p.Add(name+".weight", []int{in, out}, TorchLinear(in)); err != nil {
		return err
	}
	_, err := p.Add(name+".bias", []int{out}, TorchLinear(in))
	return err
}

// Binding is a set of parameters as nodes of one graph, by name.
type Binding map[string]*G.Node

// Bind adds every parameter to the graph as an input over the parameter's own memory: a step of an optimiser is seen
// by all graphs that the parameters are bound in.
func Bind(g *program.Graph[float32], p *Params) (Binding, error) {
	nodes := make(Binding)
	for _, w := range p.All() {
		in, err := g.Bind(w.Name, w.Data, w.Shape...)
		if err != nil {
			return nil, err
		}
		nodes[w.Name] = in.Node
	}
	return nodes, nil
}

// Dense applies the layer of that name: x [B, in] → [B, out].
func (b Binding) Dense(name string, x *G.Node, act op.Activation) (*G.Node, error) {
	w, bias := b[name+".weight"], b[name+".bias"]
	if w == nil || bias == nil {
		return nil, fmt.Errorf("nn: there is no dense layer %q", name)
	}
	return op.Dense(x, w, bias, act)
}
