// Package op holds the graph operations that Gorgonia lacks, computes wrongly or computes slowly.
//
// Every function takes nodes of one expression graph and returns a new node or an error; nothing is computed
// until a machine runs the graph. All ops share one implementation of gorgonia.SDOp (this file) and obey the
// same rules:
//
//   - the result lives in a buffer that the op keeps, so a run allocates no data; one machine at a time may run
//     an op, and what must outlive the next run has to be copied;
//   - inputs are never modified, and no result shares memory with an input;
//   - the hash covers the op's name and every parameter, because Gorgonia merges nodes whose hashes agree;
//   - derivatives are graphs of ops of this package, so they can be differentiated again, as often as the op
//     claims; where a derivative does not exist the error names the op;
//   - float32 and float64 both work, and all float inputs of an op have the same type.
//
// Shapes are written [B, D]: B rows of a batch, each an event of D numbers; an event may have several axes.
package op

import (
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"slices"
	"unsafe"

	"github.com/chewxy/hm"
	"gonum.org/v1/gonum/graph"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// Float is the element type of a graph.
type Float interface{ float32 | float64 }

// ErrNotDifferentiable is the cause of every error about a derivative that an op does not have.
var ErrNotDifferentiable = errors.New("not differentiable")

// spec describes one application of an op.
type spec struct {
	name  string       // the op's name with every parameter: its hash
	shape tensor.Shape // of the result

	// The forward computation, once per element type. out is not cleared beforehand.
	f32 func(out []float32, in [][]float32)
	f64 func(out []float64, in [][]float64)

	// fixed says that the result does not depend on what the inputs hold.
	fixed bool

	// wrt tells which inputs have a derivative; nil means all of them.
	wrt []bool
	// diff returns the gradient of each input with need set (the others may be nil), given that of the result.
	// A nil diff is an op whose derivative nobody has written.
	diff func(need []bool, in G.Nodes, out, grad *G.Node) (G.Nodes, error)
}

// none marks an op of n inputs that is constant almost everywhere, so that gradients stop at it.
func none(n int) []bool { return make([]bool, n) }

// Fixed tells whether what n holds depends on nothing at all, so that it need be computed only once.
func Fixed(n *G.Node) bool {
	o, ours := n.Op().(*operation)
	return ours && o.fixed
}

// operation implements gorgonia.SDOp for a spec.
type operation struct {
	spec
	types []hm.Type // of the inputs and of the result
	dtype tensor.Dtype
	sizes []int // number of elements of each input

	out   G.Value
	out32 []float32
	out64 []float64
	in32  [][]float32
	in64  [][]float64
}

// apply adds the op to the graph of its inputs. Op constructors validate shapes before they call it.
func apply(s spec, in ...*G.Node) (*G.Node, error) {
	o := &operation{spec: s, dtype: in[0].Dtype(), types: make([]hm.Type, 0, len(in)+1), sizes: make([]int, len(in))}
	for i, n := range in {
		if n.Dtype() != o.dtype {
			return nil, fmt.Errorf("op: %s: input %d is %v, the first is %v", s.name, i, n.Dtype(), o.dtype)
		}
		if n.Graph() != in[0].Graph() {
			return nil, fmt.Errorf("op: %s: inputs belong to different graphs", s.name)
		}
		o.types = append(o.types, n.Type())
		o.sizes[i] = n.Shape().TotalSize()
	}
	if o.dtype != tensor.Float32 && o.dtype != tensor.Float64 {
		return nil, fmt.Errorf("op: %s: inputs are %v; float32 or float64 is needed", s.name, o.dtype)
	}
	o.types = append(o.types, typeOf(o.dtype, s.shape))
	n, err := G.ApplyOp(o, in...)
	if err != nil {
		return nil, fmt.Errorf("op: %s: %w", s.name, err)
	}
	// Gorgonia takes nodes of one hash for one node and does not compare their inputs.
	for it, i := n.Graph().From(n.ID()), 0; it.Next(); i++ {
		if it.Node() != graph.Node(in[i]) {
			return nil, fmt.Errorf("op: %s: the node's hash is already that of another node; give an input another name", s.name)
		}
	}
	return n, nil
}

func typeOf(dt tensor.Dtype, s tensor.Shape) hm.Type {
	if s.Dims() == 0 {
		return dt
	}
	return G.TensorType{Dims: s.Dims(), Of: dt}
}

// check rejects the nodes that no op accepts, so that constructors may look at shapes freely.
func check(name string, in ...*G.Node) error {
	for i, n := range in {
		if n == nil {
			return fmt.Errorf("op: %s: input %d is nil", name, i)
		}
		if n.Graph() == nil {
			return fmt.Errorf("op: %s: input %d belongs to no graph", name, i)
		}
		if n.Dims() != len(n.Shape()) {
			return fmt.Errorf("op: %s: input %d has %d axes, but was made without their sizes", name, i, n.Dims())
		}
	}
	return nil
}

// sameShape compares shapes axis by axis, where Shape.Eq also takes a vector for a matrix of one row or one column.
func sameShape(a, b *G.Node) bool { return slices.Equal(a.Shape(), b.Shape()) }

func (o *operation) Arity() int           { return len(o.sizes) }
func (o *operation) Type() hm.Type        { return hm.NewFnType(o.types...) }
func (o *operation) ReturnsPtr() bool     { return false }
func (o *operation) CallsExtern() bool    { return false }
func (o *operation) OverwritesInput() int { return -1 }
func (o *operation) String() string       { return o.name }
func (o *operation) WriteHash(h hash.Hash) {
	fmt.Fprintf(h, "relaxgo.%s→%v", o.name, o.shape)
}

func (o *operation) Hashcode() uint32 {
	h := fnv.New32a()
	o.WriteHash(h)
	return h.Sum32()
}

func (o *operation) InferShape(...G.DimSizer) (tensor.Shape, error) { return o.shape.Clone(), nil }

// Do computes the result into the kept buffer. A panic in an op would end the process, because the machine runs
// it on a goroutine of its own; here it becomes an error.
func (o *operation) Do(in ...G.Value) (out G.Value, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("op: %s: %v", o.name, r)
		}
	}()
	if o.out == nil {
		o.allocate()
	}
	if o.dtype == tensor.Float32 {
		for i, v := range in {
			if o.in32[i], err = floats[float32](v, o.sizes[i]); err != nil {
				return nil, fmt.Errorf("op: %s: input %d: %w", o.name, i, err)
			}
		}
		o.f32(o.out32, o.in32)
	} else {
		for i, v := range in {
			if o.in64[i], err = floats[float64](v, o.sizes[i]); err != nil {
				return nil, fmt.Errorf("op: %s: input %d: %w", o.name, i, err)
			}
		}
		o.f64(o.out64, o.in64)
	}
	return o.out, nil
}

func (o *operation) allocate() {
	n := o.shape.TotalSize()
	switch {
	case o.dtype == tensor.Float32:
		o.out32, o.in32 = make([]float32, n), make([][]float32, len(o.sizes))
		o.out = Value(o.out32, o.shape)
	default:
		o.out64, o.in64 = make([]float64, n), make([][]float64, len(o.sizes))
		o.out = Value(o.out64, o.shape)
	}
}

// DiffWRT tells which of the inputs have a derivative.
func (o *operation) DiffWRT(n int) []bool {
	if o.wrt != nil {
		return o.wrt
	}
	all := make([]bool, n)
	for i := range all {
		all[i] = true
	}
	return all
}

// SymDiff returns the gradient of every input that has one.
func (o *operation) SymDiff(in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	return o.PartialDiff(o.DiffWRT(len(in)), in, out, grad)
}

// PartialDiff is SymDiff for the inputs with need set; what nobody asks for is neither built nor required to exist.
func (o *operation) PartialDiff(need []bool, in G.Nodes, out, grad *G.Node) (G.Nodes, error) {
	if o.diff == nil {
		return nil, fmt.Errorf("op: %s: %w", o.name, ErrNotDifferentiable)
	}
	return o.diff(need, in, out, grad)
}

// Value wraps data as a Gorgonia value of the given shape without copying it: a scalar for an empty shape,
// a tensor otherwise.
func Value[T Float](data []T, shape tensor.Shape) G.Value {
	if shape.Dims() > 0 {
		return tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))
	}
	switch d := any(data).(type) {
	case []float32:
		return (*G.F32)(&d[0])
	case []float64:
		return (*G.F64)(&d[0])
	}
	panic("unreachable: Float has two members")
}

// Floats returns the elements of a value in row-major order, as a view of its memory.
func Floats[T Float](v G.Value) ([]T, error) {
	switch v := v.(type) {
	case nil:
		return nil, errors.New("no value")
	case *G.F32:
		return asFloats[T](unsafe.Slice((*float32)(v), 1))
	case *G.F64:
		return asFloats[T](unsafe.Slice((*float64)(v), 1))
	case *tensor.Dense:
		// Gorgonia's transposes leave a flag behind on data that they have put in order, so strides tell, not flags.
		if v.RequiresIterator() || !rowMajor(v) {
			return nil, errors.New("the tensor is a view that is not in row-major order; copy it first")
		}
		switch v.Dtype() {
		case tensor.Float32:
			return asFloats[T](v.Float32s())
		case tensor.Float64:
			return asFloats[T](v.Float64s())
		}
		return nil, fmt.Errorf("the tensor holds %v", v.Dtype())
	}
	return nil, fmt.Errorf("cannot use a value of type %T", v)
}

// rowMajor tells whether the strides of a tensor are those of its shape.
func rowMajor(v *tensor.Dense) bool {
	strides, shape, step := v.Strides(), v.Shape(), 1
	if len(strides) != len(shape) {
		return len(shape) == 0
	}
	for i := len(shape) - 1; i >= 0; i-- {
		if strides[i] != step && shape[i] > 1 {
			return false
		}
		step *= shape[i]
	}
	return true
}

func asFloats[T, S Float](s []S) ([]T, error) {
	if t, ok := any(s).([]T); ok {
		return t, nil
	}
	var want, got T = 0, 0
	return nil, fmt.Errorf("expected %T, got %T values", want, got)
}

func floats[T Float](v G.Value, size int) ([]T, error) {
	f, err := Floats[T](v)
	if err != nil {
		return nil, err
	}
	if len(f) != size {
		return nil, fmt.Errorf("expected %d numbers, got %d (shape %v)", size, len(f), v.Shape())
	}
	return f, nil
}
