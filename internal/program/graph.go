// Package program compiles expression graphs into programs that are bound once and run many times.
//
// A Graph is an expression graph under construction whose inputs are named and bound to memory from the start:
// to feed a graph is to write into a slice. Compile turns some of its nodes into a Program; Run computes exactly
// what these need, and Output reads the results where they lie. Several programs of one graph – training,
// evaluation – share its inputs and parameters.
//
// Building and compiling take a lock of the package, because Gorgonia keeps shared state while it builds; programs
// of one graph take turns; programs of different graphs run at the same time.
package program

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	_ "go4.org/unsafe/assume-no-moving-gc" // Gorgonia asks for an older one, which refuses this Go version.
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
	"relaxgo/internal/op"
)

func init() {
	// Gorgonia's rewriting of log(softmax(x)) and its like changes nodes that other formulas still use.
	G.UseNonStable()
	G.Use(kernel.BLAS{})
}

// building serialises everything that adds nodes to graphs or compiles them.
var building sync.Mutex

// Graph is an expression graph whose element type is T.
type Graph[T op.Float] struct {
	graph   *G.ExprGraph
	inputs  map[string]*Input[T]
	running sync.Mutex
	last    atomic.Pointer[Program[T]] // the program that ran last
}

// Input is a leaf of a graph. Writing into Data before a run is how it gets its value.
type Input[T op.Float] struct {
	Name string
	Node *G.Node
	Data []T
}

// Build makes a graph with the nodes that f adds to it. f gets the graph to itself: no other graph is built
// meanwhile, and f must not call Build or Compile. All that adds nodes, gradients too, belongs in f.
func Build[T op.Float](f func(*Graph[T]) error) (*Graph[T], error) {
	building.Lock()
	defer building.Unlock()
	g := &Graph[T]{graph: G.NewGraph(), inputs: make(map[string]*Input[T])}
	if err := f(g); err != nil {
		return nil, err
	}
	return g, nil
}

// Input adds a leaf of the given shape (none: a scalar), all zeros to begin with. Names are unique in a graph,
// since Gorgonia takes leaves of one name, type and shape for one node.
func (g *Graph[T]) Input(name string, shape ...int) (*Input[T], error) {
	size, err := sizeOf(name, shape)
	if err != nil {
		return nil, err
	}
	return g.Bind(name, make([]T, size), shape...)
}

// Bind adds a leaf over memory that exists already, such as a parameter that several graphs share. The graph reads
// data and never writes to it.
func (g *Graph[T]) Bind(name string, data []T, shape ...int) (*Input[T], error) {
	size, err := sizeOf(name, shape)
	if err != nil {
		return nil, err
	}
	if len(data) != size {
		return nil, fmt.Errorf("program: input %q: %d numbers for shape %v", name, len(data), shape)
	}
	if _, taken := g.inputs[name]; taken {
		return nil, fmt.Errorf("program: input %q exists already", name)
	}
	s := tensor.Shape(shape).Clone()
	var node *G.Node
	if len(shape) == 0 {
		node = G.NewScalar(g.graph, dtype[T](), G.WithName(name))
	} else {
		node = G.NewTensor(g.graph, dtype[T](), len(shape), G.WithShape(shape...), G.WithName(name))
	}
	if err := G.Let(node, op.Value(data, s)); err != nil {
		return nil, fmt.Errorf("program: input %q: %w", name, err)
	}
	in := &Input[T]{Name: name, Node: node, Data: data}
	g.inputs[name] = in
	return in, nil
}

func sizeOf(name string, shape []int) (int, error) {
	if name == "" {
		return 0, errors.New("program: an input needs a name")
	}
	size := 1
	for _, d := range shape {
		if d < 1 {
			return 0, fmt.Errorf("program: input %q: shape %v; sizes must be positive", name, shape)
		}
		size *= d
	}
	return size, nil
}

func dtype[T op.Float]() tensor.Dtype {
	var zero T
	if _, ok := any(zero).(float32); ok {
		return tensor.Float32
	}
	return tensor.Float64
}
