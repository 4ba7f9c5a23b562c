package autodiff_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/op"
)

// A builder adds an op of Gorgonia's to the graph of its inputs.
type builder func(in ...*G.Node) (*G.Node, error)

// A gorgoniaOp is an op of Gorgonia's, shapes to try it on, and how often it can be differentiated: the derivatives
// up to that order are right, and the next one is an error.
type gorgoniaOp struct {
	name   string
	build  builder
	order  int
	shapes [][]int
}

func unary(f func(*G.Node) (*G.Node, error)) builder {
	return func(in ...*G.Node) (*G.Node, error) { return f(in[0]) }
}

func binary(f func(a, b *G.Node) (*G.Node, error)) builder {
	return func(in ...*G.Node) (*G.Node, error) { return f(in[0], in[1]) }
}

func gorgoniaOps() []gorgoniaOp {
	var ops []gorgoniaOp
	add := func(order int, name string, f builder, shapes ...[]int) {
		ops = append(ops, gorgoniaOp{name: name, build: f, order: order, shapes: shapes})
	}
	scalar, vector, matrix, block := []int{}, []int{3}, []int{3, 4}, []int{2, 3, 4}

	for name, f := range map[string]func(*G.Node) (*G.Node, error){
		"Abs": G.Abs, "Sign": G.Sign, "Ceil": G.Ceil, "Floor": G.Floor, "Sin": G.Sin, "Cos": G.Cos, "Exp": G.Exp, "Log": G.Log,
		"Neg": G.Neg, "Square": G.Square, "Sqrt": G.Sqrt, "Inverse": G.Inverse, "Cube": G.Cube, "Tanh": G.Tanh, "Sigmoid": G.Sigmoid,
		"Log1p": G.Log1p, "Expm1": G.Expm1, "Softplus": G.Softplus, "Rectify": G.Rectify, "Mish": G.Mish,
		"LeakyRelu": func(x *G.Node) (*G.Node, error) { return G.LeakyRelu(x, 0.1) },
		"negative LeakyRelu": func(x *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(G.LeakyRelu(e.Of(G.Neg(x)), 0.1)))
		},
		"negative Rectify": func(x *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(G.Rectify(e.Of(G.Neg(x)))))
		},
	} {
		add(2, name, unary(f), matrix)
		add(2, name, unary(f), scalar)
	}
	for name, f := range map[string]func(a, b *G.Node) (*G.Node, error){
		"Add": G.Add, "Sub": G.Sub, "HadamardProd": G.HadamardProd, "HadamardDiv": G.HadamardDiv, "Pow": G.Pow,
	} {
		for _, s := range [][][]int{{matrix, matrix}, {matrix, scalar}, {scalar, matrix}, {scalar, scalar}} {
			add(2, name, binary(f), s...)
		}
	}
	add(2, "MinBetween", binary(G.MinBetween), matrix, matrix)
	add(2, "MaxBetween", binary(G.MaxBetween), matrix, matrix)
	add(2, "BinaryXent", binary(G.BinaryXent), matrix, matrix)
	for name, f := range map[string]func(a, b *G.Node, same bool) (*G.Node, error){
		"Lt": G.Lt, "Gt": G.Gt, "Lte": G.Lte, "Gte": G.Gte, "Eq": G.Eq, "Ne": G.Ne,
	} {
		add(2, name+" as a mask", func(in ...*G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(G.HadamardProd(in[0], e.Of(f(in[0], in[1], true)))))
		}, matrix, matrix)
	}

	for _, s := range [][][]int{{{3, 4}, {4, 2}}, {{1, 4}, {4, 1}}, {{3, 1}, {1, 2}}, {{1, 1}, {1, 1}}, {vector, vector}, {scalar, matrix}} {
		add(2, "Mul", binary(G.Mul), s...)
	}
	for _, s := range [][][]int{{{3, 4}, {4}}, {{3, 3}, {3}}, {{3}, {3, 4}}, {{3}, {3, 3}}} {
		add(1, "Mul", binary(G.Mul), s...)
	}
	for _, tr := range [][2]bool{{false, false}, {false, true}, {true, false}, {true, true}} {
		a, b := []int{2, 3, 4}, []int{2, 4, 5}
		if tr[0] {
			a = []int{2, 4, 3}
		}
		if tr[1] {
			b = []int{2, 5, 4}
		}
		add(2, fmt.Sprint("BatchedMatMul", tr), func(in ...*G.Node) (*G.Node, error) { return G.BatchedMatMul(in[0], in[1], tr[:]...) }, a, b)
	}
	add(2, "BatchedMatMul", binary(func(a, b *G.Node) (*G.Node, error) { return G.BatchedMatMul(a, b) }), []int{2, 2, 3, 4}, []int{2, 2, 4, 2})
	tensordot := func(a, b []int) builder {
		return func(in ...*G.Node) (*G.Node, error) { return G.Tensordot(a, b, in[0], in[1]) }
	}
	add(2, "Tensordot", tensordot([]int{1}, []int{0}), matrix, []int{4, 2})
	add(2, "Tensordot", tensordot([]int{1}, []int{0}), []int{3, 4, 2}, []int{4, 2})
	add(2, "Tensordot", tensordot([]int{1, 2}, []int{0, 1}), []int{3, 4, 2}, []int{4, 2, 5})
	add(2, "Tensordot", tensordot([]int{1, 2}, []int{1, 0}), []int{3, 4, 2}, []int{2, 4, 5})
	add(1, "Tensordot", tensordot([]int{1}, []int{0}), matrix, []int{4})
	add(1, "Tensordot", tensordot([]int{0}, []int{0}), vector, matrix)

	transpose := func(axes ...int) builder {
		return func(in ...*G.Node) (*G.Node, error) { return G.Transpose(in[0], axes...) }
	}
	add(2, "Transpose", transpose(), matrix)
	add(2, "Transpose", transpose(1, 0), []int{1, 4})
	add(2, "Transpose", transpose(2, 0, 1), block)

	reduce := func(f func(*G.Node, ...int) (*G.Node, error), axes ...int) builder {
		return func(in ...*G.Node) (*G.Node, error) { return f(in[0], slices.Clone(axes)...) } // running sorts the axes in place
	}
	for name, f := range map[string]func(*G.Node, ...int) (*G.Node, error){"Sum": G.Sum, "Mean": G.Mean} {
		add(1, name, reduce(f), matrix)
		add(1, name, reduce(f), vector)
		for _, axes := range [][]int{{0}, {1}, {2}, {0, 1}, {0, 2}, {1, 2}, {0, 1, 2}} {
			add(1, fmt.Sprint(name, axes), reduce(f, axes...), block)
			add(1, fmt.Sprint(name, axes), reduce(f, axes...), []int{3, 3, 3})
			add(1, fmt.Sprint(name, axes), reduce(f, axes...), []int{1, 3, 1})
		}
		for _, axes := range [][]int{{1, 0}, {2, 1}, {2, 1, 0}, {1, 2, 0}} {
			add(0, fmt.Sprint(name, axes), reduce(f, axes...), block)
		}
	}
	add(0, "Max", reduce(G.Max, 1), matrix)
	add(1, "Norm", unary(func(x *G.Node) (*G.Node, error) { return G.Norm(x, 1, 2) }), matrix)

	for name, f := range map[string]func(a, b *G.Node, left, right []byte) (*G.Node, error){
		"BroadcastAdd": G.BroadcastAdd, "BroadcastSub": G.BroadcastSub, "BroadcastHadamardProd": G.BroadcastHadamardProd,
		"BroadcastHadamardDiv": G.BroadcastHadamardDiv, "BroadcastPow": G.BroadcastPow,
	} {
		add(0, name, binary(func(a, b *G.Node) (*G.Node, error) { return f(a, b, nil, []byte{0}) }), matrix, []int{4})
		add(0, name, binary(func(a, b *G.Node) (*G.Node, error) { return f(a, b, []byte{0}, nil) }), []int{1, 4}, matrix)
		add(0, name, binary(func(a, b *G.Node) (*G.Node, error) { return f(a, b, nil, []byte{0, 1}) }), block, []int{1, 1, 4})
	}

	slice := func(s ...tensor.Slice) builder {
		return func(in ...*G.Node) (*G.Node, error) { return G.Slice(in[0], s...) }
	}
	add(1, "Slice rows", slice(G.S(0, 2)), matrix)
	add(1, "Slice row", slice(G.S(1)), matrix)
	add(1, "Slice column", slice(nil, G.S(1)), matrix)
	add(1, "Slice both", slice(G.S(0, 2), G.S(1, 3)), matrix)
	add(1, "Slice step", slice(nil, G.S(0, 4, 2)), matrix)
	add(1, "Slice vector", slice(G.S(1, 3)), vector)
	add(1, "Slice element", slice(G.S(2)), vector)
	add(1, "Slice block", slice(nil, G.S(1), G.S(0, 2)), block)
	add(1, "Slice to 256", slice(G.S(128, 256)), []int{256})
	add(0, "Slice beyond 256", slice(G.S(256, 257)), []int{257})

	concat := func(axis int) builder {
		return func(in ...*G.Node) (*G.Node, error) { return G.Concat(axis, in...) }
	}
	add(2, "Concat", concat(0), matrix, []int{2, 4})
	add(2, "Concat", concat(1), matrix, []int{3, 2})
	add(2, "Concat", concat(0), vector, []int{2})
	add(2, "Concat", concat(2), block, []int{2, 3, 2})
	add(1, "Concat", concat(1), matrix, []int{3, 1}) // the derivative in a part of width 1 is a Reshape
	add(1, "Concat", concat(0), matrix, []int{2, 4}, []int{1, 4})

	add(0, "Reshape", unary(func(x *G.Node) (*G.Node, error) { return G.Reshape(x, tensor.Shape{4, 3}) }), matrix)
	add(0, "Ravel", unary(G.Ravel), matrix)
	add(0, "SoftMax", unary(func(x *G.Node) (*G.Node, error) { return G.SoftMax(x) }), matrix)
	add(0, "LogSoftMax", unary(func(x *G.Node) (*G.Node, error) { return G.LogSoftMax(x) }), matrix)
	add(0, "Sparsemax", unary(func(x *G.Node) (*G.Node, error) { return G.Sparsemax(x) }), matrix)
	add(0, "Dropout", unary(func(x *G.Node) (*G.Node, error) { return G.Dropout(x, 0.3) }), matrix)
	add(0, "Log2", unary(G.Log2), matrix)
	add(0, "InverseSqrt", unary(G.InverseSqrt), matrix)
	add(0, "OuterProd", binary(G.OuterProd), vector, []int{4})
	add(0, "OuterProd", binary(G.OuterProd), vector, vector)
	add(0, "DiagFlat", unary(G.DiagFlat), vector)
	window := tensor.Shape{2, 2}
	image := []int{1, 1, 4, 4}
	add(0, "AveragePool2D", unary(func(x *G.Node) (*G.Node, error) { return G.AveragePool2D(x, window, []int{0, 0}, []int{1, 1}) }), image)
	add(0, "MaxPool2D", unary(func(x *G.Node) (*G.Node, error) { return G.MaxPool2D(x, window, []int{0, 0}, []int{1, 1}) }), image)
	add(0, "Upsample2D", unary(func(x *G.Node) (*G.Node, error) { return G.Upsample2D(x, 2) }), image)
	add(0, "Conv2d", binary(func(x, w *G.Node) (*G.Node, error) {
		return G.Conv2d(x, w, window, []int{0, 0}, []int{1, 1}, []int{1, 1})
	}), []int{2, 1, 4, 4}, []int{2, 1, 2, 2})
	add(0, "BatchNorm", func(in ...*G.Node) (*G.Node, error) {
		y, _, _, _, err := G.BatchNorm(in[0], in[1], in[2], 0.9, 1e-5)
		return y, err
	}, matrix, []int{1, 4}, []int{1, 4})
	add(0, "ByIndices", func(in ...*G.Node) (*G.Node, error) {
		index := tensor.New(tensor.WithShape(2), tensor.WithBacking([]int{1, 0}))
		return G.ByIndices(in[0], G.NewTensor(in[0].Graph(), tensor.Int, 1, G.WithName("index"), G.WithValue(index), G.WithShape(2)), 1)
	}, matrix)
	return ops
}

// Every op that Gorgonia differentiates rightly gives the right numbers, as often as it says, and all others give an
// error. Each is tried on leaves alone, and between other ops of Gorgonia that would like to overwrite its operands.
func TestGorgoniaOps(t *testing.T) {
	for _, c := range gorgoniaOps() {
		t.Run(fmt.Sprint(c.name, c.shapes), func(t *testing.T) {
			for _, between := range []bool{false, true} {
				last := 0
				b := newBench(t, positive(1), func(b *bench) error {
					var e op.Expr
					var in []*G.Node
					for _, s := range c.shapes {
						in = append(in, b.leaf(s...))
						if between {
							in[len(in)-1] = e.Of(G.HadamardProd(in[len(in)-1], b.constant(s...)))
						}
					}
					y := e.Of(c.build(in...))
					if e.Err() != nil {
						return e.Err()
					}
					if between && c.order > 0 {
						y = e.Of(G.HadamardProd(y, b.constant(y.Shape()...)))
					}
					loss := e.Of(b.project(y))
					if between {
						for _, x := range in {
							loss = e.Of(G.Add(loss, e.Of(b.project(e.Of(G.Tanh(x))))))
						}
					}
					if e.Err() != nil {
						return e.Err()
					}
					b.outs["order 0"] = loss
					for order := 1; order <= 2; order++ {
						grads, err := b.gradient(fmt.Sprint("order ", order-1), loss)
						if err != nil {
							if !errors.Is(err, op.ErrNotDifferentiable) {
								t.Errorf("order %d: %v; an error that wraps ErrNotDifferentiable is needed", order, err)
							}
							return nil
						}
						last = order
						loss = nil
						for _, d := range grads {
							if p := e.Of(b.project(d)); loss == nil {
								loss = p
							} else {
								loss = e.Of(op.Add(loss, p))
							}
						}
						if e.Err() != nil {
							return e.Err()
						}
					}
					return nil
				})
				if last != c.order {
					t.Errorf("differentiable %d times, want %d", last, c.order)
				}
				var before [][]float64
				for _, v := range b.vars {
					before = append(before, slices.Clone(v.Data))
				}
				for order := range last {
					b.check(t, fmt.Sprint("order ", order), 1e-7)
				}
				for i, v := range b.vars {
					if !slices.Equal(before[i], v.Data) {
						t.Errorf("running changed variable %d", i)
					}
				}
			}
		})
	}
}

// Random formulas of Gorgonia's ops and ours, in which nodes are used several times and may be overwritten in place.
func TestGorgoniaFormulas(t *testing.T) {
	formulas := 60
	if testing.Short() {
		formulas = 20
	}
	for seed := range uint64(formulas) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			b := newBench(t, positive(seed), func(b *bench) error {
				loss, err := randomFormula(b, rand.New(rand.NewPCG(seed, 3)))
				if err != nil {
					return err
				}
				_, err = b.gradient("loss", loss)
				return err
			})
			b.check(t, "loss", 1e-6)
		})
	}
}

func randomFormula(b *bench, r *rand.Rand) (*G.Node, error) {
	pool := []*G.Node{b.leaf(3, 3), b.leaf(3, 3), b.leaf(3), b.leaf(3), b.leaf()}
	total := pool[4]
	pick := func(dims ...int) *G.Node {
		for {
			if n := pool[r.IntN(len(pool))]; slices.Contains(dims, n.Dims()) {
				return n
			}
		}
	}
	functions := []func(*G.Node) (*G.Node, error){G.Tanh, G.Sigmoid, G.Square, G.Softplus, G.Sin, G.Neg, G.Cos, op.Tanh, op.Softplus, op.Neg}
	operators := []func(a, b *G.Node) (*G.Node, error){G.Add, G.Sub, G.HadamardProd, op.Add, op.Mul}
	var e op.Expr
	for range 6 + r.IntN(8) {
		var n *G.Node
		switch r.IntN(6) {
		case 0:
			n = e.Of(functions[r.IntN(len(functions))](pick(0, 1, 2)))
		case 1:
			d := r.IntN(3)
			n = e.Of(operators[r.IntN(len(operators))](pick(d), pick(d)))
		case 2:
			x, y := pick(0), pick(1, 2)
			if r.IntN(2) == 0 {
				x, y = y, x
			}
			n = e.Of(operators[r.IntN(len(operators))](x, y))
		case 3:
			n = e.Of(G.Sum(pick(2), r.IntN(2)))
		case 4:
			n = e.Of(G.Mul(pick(2), pick(1, 2)))
		case 5:
			n = e.Of(G.Slice(pick(2), []tensor.Slice{G.S(r.IntN(3)), nil}[r.IntN(2)], G.S(r.IntN(3))))
		}
		if e.Err() != nil {
			return nil, e.Err()
		}
		pool = append(pool, n)
		if n.Dims() > 0 {
			n = e.Of(G.Sum(e.Of(G.Sin(n))))
		}
		total = e.Of(G.Add(total, n))
	}
	return total, e.Err()
}
