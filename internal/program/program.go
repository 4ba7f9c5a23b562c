package program

import (
	"errors"
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// Program computes some nodes of a graph.
type Program[T op.Float] struct {
	graph   *Graph[T]
	machine G.VM
	outputs []*output[T]
	byName  map[string]*output[T]
}

type output[T op.Float] struct {
	name   string
	node   *G.Node
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
	Value  float64 // NaN or ±Inf
}

func (e *NonFiniteError) Error() string {
	return fmt.Sprintf("%s is %v (element %d)", e.Output, e.Value, e.Index)
}

// Compile makes a program for the outputs. Nothing that they do not depend on will be computed.
//
// It is an error if a leaf below an output has no value, or if two different nodes have one hash, which Gorgonia
// would silently merge.
func Compile[T op.Float](g *Graph[T], outs Outputs) (*Program[T], error) {
	building.Lock()
	defer building.Unlock()
	p := &Program[T]{graph: g, byName: make(map[string]*output[T])}
	for _, group := range []struct {
		nodes  map[string]*G.Node
		finite bool
	}{{outs.Finite, true}, {outs.Plain, false}} {
		for name, node := range group.nodes {
			if p.byName[name] != nil {
				return nil, fmt.Errorf("program: output %q is named twice", name)
			}
			if node == nil || node.Graph() != g.graph {
				return nil, fmt.Errorf("program: output %q is not a node of this graph", name)
			}
			if node.Dtype() != dtype[T]() {
				return nil, fmt.Errorf("program: output %q holds %v, the graph %v", name, node.Dtype(), dtype[T]())
			}
			o := &output[T]{name: name, node: node, finite: group.finite}
			p.byName[name] = o
			p.outputs = append(p.outputs, o)
		}
	}
	if len(p.outputs) == 0 {
		return nil, errors.New("program: no outputs")
	}
	slices.SortFunc(p.outputs, func(a, b *output[T]) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})

	nodes := below(p.outputs)
	inner := make(map[*G.Node]bool) // nodes that another node of the program reads
	hashes := make(map[uint32]*G.Node, len(nodes))
	var leaves G.Nodes
	for _, n := range nodes {
		if other := hashes[n.Hashcode()]; other != nil {
			return nil, fmt.Errorf("program: nodes %v and %v have the same hash; name their inputs differently", n, other)
		}
		hashes[n.Hashcode()] = n
		if n.Op() == nil {
			if n.Value() == nil {
				return nil, fmt.Errorf("program: input %q has no value; bind it before compiling", n.Name())
			}
			leaves = append(leaves, n)
		}
		for it := g.graph.From(n.ID()); it.Next(); {
			inner[it.Node().(*G.Node)] = true
		}
	}
	if len(leaves) == 0 { // Gorgonia would panic
		return nil, errors.New("program: no output depends on an input")
	}
	// The machine may compute a node in the memory of one that it no longer needs. What nobody reads is safe from
	// that; an output that is read inside the program, or is a leaf, gives a copy.
	roots := make(G.Nodes, len(p.outputs))
	for i, o := range p.outputs {
		if inner[o.node] || o.node.Op() == nil {
			kept, err := op.StopGradient(o.node)
			if err != nil {
				return nil, fmt.Errorf("program: output %q: %w", o.name, err)
			}
			o.node = kept
		}
		roots[i] = o.node
	}
	code, locations, err := G.CompileFunction(g.graph, leaves, roots)
	if err != nil {
		return nil, fmt.Errorf("program: %w", err)
	}
	p.machine = G.NewTapeMachine(g.graph, G.WithPrecompiled(code, locations))
	return p, nil
}

// below lists the nodes that the outputs are computed from, themselves included, each once.
func below[T op.Float](outs []*output[T]) []*G.Node {
	seen := make(map[*G.Node]bool)
	var all, stack []*G.Node
	push := func(n *G.Node) {
		if !seen[n] {
			seen[n] = true
			all = append(all, n)
			stack = append(stack, n)
		}
	}
	for _, o := range outs {
		push(o.node)
	}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for it := n.Graph().From(n.ID()); it.Next(); {
			push(it.Node().(*G.Node))
		}
	}
	return all
}

// Run computes the outputs from what the inputs hold now. After an error the outputs are undefined, and the program
// may be run again.
func (p *Program[T]) Run() error {
	p.graph.running.Lock()
	defer p.graph.running.Unlock()
	p.graph.last.Store(p)
	err := p.machine.RunAll()
	p.machine.Reset() // also after an error: a machine that is not reset does nothing
	if err != nil {
		return fmt.Errorf("program: %w", err)
	}
	for _, o := range p.outputs {
		if o.data, err = op.Floats[T](o.node.Value()); err != nil {
			return fmt.Errorf("program: output %q: %w", o.name, err)
		}
	}
	for _, o := range p.outputs {
		if !o.finite {
			continue
		}
		for i, v := range o.data {
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				return &NonFiniteError{Output: o.name, Index: i, Value: f}
			}
		}
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
