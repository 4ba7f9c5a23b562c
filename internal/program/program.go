package program

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// Program computes some nodes of a graph: the ops that they need, each after those that it reads.
type Program[T op.Float] struct {
	graph   *Graph[T]
	nodes   []*G.Node // leaves and ops, in an order in which they can be computed
	reads   [][]int   // for each node the places of its inputs in nodes
	fixed   []bool    // for each node whether it depends on no input, so that it is computed only once
	values  []G.Value // of the nodes
	args    []G.Value // of the op under way
	outputs []*output[T]
	byName  map[string]*output[T]
}

type output[T op.Float] struct {
	name   string
	place  int // in nodes
	data   []T
	finite bool
}

// Outputs names the nodes that a program computes.
type Outputs struct {
	// Finite are outputs in which a NaN or an infinity ends the run with a NonFiniteError: losses.
	Finite map[string]*G.Node
	// Plain are all others.
	Plain map[string]*G.Node
}

// NonFiniteError says which output of a run was not a finite number.
type NonFiniteError struct {
	Output string  // its name
	Index  int     // the first such element
	Size   int     // number of elements of the output
	Value  float64 // NaN or ±Inf
}

func (e *NonFiniteError) Error() string {
	if e.Size == 1 {
		return fmt.Sprintf("%s is %v", e.Output, e.Value)
	}
	return fmt.Sprintf("%s is %v (element %d of %d)", e.Output, e.Value, e.Index, e.Size)
}

// Compile makes a program for the outputs. Nothing that they do not depend on will be computed.
//
// It is an error if a leaf below an output has no value, or if two different nodes have one hash, which Gorgonia
// would silently merge.
func Compile[T op.Float](g *Graph[T], outs Outputs) (*Program[T], error) {
	building.Lock()
	defer building.Unlock()
	p := &Program[T]{graph: g, byName: make(map[string]*output[T])}
	var roots []*G.Node
	for _, group := range []struct {
		nodes  map[string]*G.Node
		finite bool
	}{{outs.Finite, true}, {outs.Plain, false}} {
		for _, name := range slices.Sorted(maps.Keys(group.nodes)) {
			node := group.nodes[name]
			if p.byName[name] != nil {
				return nil, fmt.Errorf("program: output %q is named twice", name)
			}
			if node == nil || node.Graph() != g.graph {
				return nil, fmt.Errorf("program: output %q is not a node of this graph", name)
			}
			if node.Dtype() != dtype[T]() {
				return nil, fmt.Errorf("program: output %q holds %v, the graph %v", name, node.Dtype(), dtype[T]())
			}
			if node.Op() == nil { // a leaf's memory may change between runs; what a run gives must not
				var err error
				if node, err = op.StopGradient(node); err != nil {
					return nil, fmt.Errorf("program: output %q: %w", name, err)
				}
			}
			o := &output[T]{name: name, finite: group.finite}
			p.byName[name] = o
			p.outputs = append(p.outputs, o)
			roots = append(roots, node)
		}
	}
	if len(p.outputs) == 0 {
		return nil, errors.New("program: no outputs")
	}
	places := p.arrange(roots)
	for i, o := range p.outputs {
		o.place = places[roots[i]]
	}
	hashes := make(map[uint32]*G.Node, len(p.nodes))
	for _, n := range p.nodes {
		if other := hashes[n.Hashcode()]; other != nil {
			return nil, fmt.Errorf("program: nodes %v and %v have the same hash; name their inputs differently", n, other)
		}
		hashes[n.Hashcode()] = n
		if n.Op() == nil && n.Value() == nil {
			return nil, fmt.Errorf("program: input %q has no value; bind it before compiling", n.Name())
		}
	}
	return p, nil
}

// arrange lists the nodes that the roots are computed from, themselves included, each after those that it reads.
func (p *Program[T]) arrange(roots []*G.Node) map[*G.Node]int {
	places := make(map[*G.Node]int)
	type visit struct {
		node *G.Node
		read []*G.Node // its inputs, once they have been pushed
	}
	var stack []visit
	for _, r := range slices.Backward(roots) {
		stack = append(stack, visit{node: r})
	}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		n := top.node
		if _, done := places[n]; done {
			stack = stack[:len(stack)-1]
			continue
		}
		if top.read == nil {
			top.read = []*G.Node{}
			for it := n.Graph().From(n.ID()); it.Next(); {
				top.read = append(top.read, it.Node().(*G.Node))
			}
			for _, c := range slices.Backward(top.read) {
				stack = append(stack, visit{node: c})
			}
			continue
		}
		in := make([]int, len(top.read))
		for i, c := range top.read {
			in[i] = places[c]
		}
		places[n] = len(p.nodes)
		p.fixed = append(p.fixed, op.Fixed(n) || len(in) > 0 && !slices.ContainsFunc(in, func(j int) bool { return !p.fixed[j] }))
		p.nodes = append(p.nodes, n)
		p.reads = append(p.reads, in)
		stack = stack[:len(stack)-1]
	}
	p.values = make([]G.Value, len(p.nodes))
	return places
}

// Run computes the outputs from what the inputs hold now. After an error the outputs are undefined, and the program
// may be run again.
//
// Ops are called here, one after the other, and not by a Gorgonia machine: a machine computes some results in the
// memory of values that it takes to be no longer needed, which is not always so, and hands every run to another
// thread, which takes longer than a small network.
func (p *Program[T]) Run() error {
	p.graph.running.Lock()
	defer p.graph.running.Unlock()
	p.graph.last.Store(p)
	for i, n := range p.nodes {
		if err := p.compute(i, n); err != nil {
			return fmt.Errorf("program: %w", err)
		}
	}
	for _, o := range p.outputs {
		var err error
		if o.data, err = op.Floats[T](p.values[o.place]); err != nil {
			return fmt.Errorf("program: output %q: %w", o.name, err)
		}
	}
	for _, o := range p.outputs {
		if !o.finite {
			continue
		}
		for i, v := range o.data {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return &NonFiniteError{Output: o.name, Index: i, Size: len(o.data), Value: f}
			}
		}
	}
	return nil
}

// compute gives node i its value. An op that panics, as some of Gorgonia's do, ends the run with an error.
func (p *Program[T]) compute(i int, n *G.Node) (err error) {
	if p.fixed[i] && p.values[i] != nil {
		return nil
	}
	if n.Op() == nil {
		p.values[i] = n.Value()
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("op %v of shape %v: %v", n.Op(), n.Shape(), r)
		}
	}()
	p.args = p.args[:0]
	for _, j := range p.reads[i] {
		p.args = append(p.args, p.values[j])
	}
	if p.values[i], err = n.Op().Do(p.args...); err != nil {
		return fmt.Errorf("op %v of shape %v: %w", n.Op(), n.Shape(), err)
	}
	return nil
}

// Output is what the last run gave for the output of that name, in row-major order. The slice is not to be written to
// and holds its numbers until the next run of a program of this graph, because programs share the memory of the nodes
// that they share: whoever runs programs of one graph in several goroutines has to copy. It is nil before the first
// run, after another program of the graph has run, and for a name that the program does not have.
func (p *Program[T]) Output(name string) []T {
	if o := p.byName[name]; o != nil && p.graph.last.Load() == p {
		return o.data
	}
	return nil
}

// Scalar is the first element of an output, NaN if there is none.
func (p *Program[T]) Scalar(name string) float64 {
	if d := p.Output(name); len(d) > 0 {
		return float64(d[0])
	}
	return math.NaN()
}
