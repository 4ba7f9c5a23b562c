package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
)

// Activation is the non-linearity of a dense layer.
type Activation = kernel.Activation

// The activations of a dense layer.
const (
	ActIdentity  = kernel.ActIdentity  // x
	ActReLU      = kernel.ActReLU      // max(x, 0)
	ActTanh      = kernel.ActTanh      // tanh x
	ActLeakyReLU = kernel.ActLeakyReLU // max(x, kernel.LeakySlope·x)
	ActSoftplus  = kernel.ActSoftplus  // log(1+eˣ)
	ActSigmoid   = kernel.ActSigmoid   // 1/(1+e⁻ˣ)
)

// Dense is a fully connected layer act(x·w + b) in one op: x [B, in], w [in, out], b [out] → [B, out].
// It is differentiable any number of times; at its kink ReLU counts as flat.
func Dense(x, w, b *G.Node, act Activation) (*G.Node, error) {
	f, ok := activations[act]
	if !ok {
		return nil, fmt.Errorf("op: dense: unknown activation %d", act)
	}
	name := "dense{" + f.name + "}"
	if err := check(name, x, w, b); err != nil {
		return nil, err
	}
	if x.Dims() != 2 || w.Dims() != 2 || b.Dims() != 1 {
		return nil, fmt.Errorf("op: %s: shapes x %v, w %v, b %v; [B, in], [in, out] and [out] are needed",
			name, x.Shape(), w.Shape(), b.Shape())
	}
	rows, in, out := x.Shape()[0], w.Shape()[0], w.Shape()[1]
	if x.Shape()[1] != in || b.Shape()[0] != out {
		return nil, fmt.Errorf("op: %s: shapes x %v, w %v, b %v do not fit together", name, x.Shape(), w.Shape(), b.Shape())
	}
	return apply(spec{
		name:  name,
		shape: tensor.Shape{rows, out},
		f32: func(y []float32, v [][]float32) {
			gemm32(y, v[0], v[1], false, false, rows, out, in)
			eachRows(rows, out, func(lo, hi int) {
				kernel.BiasActivate(act, y[lo*out:hi*out], hi-lo, out, v[2])
			})
		},
		f64: func(y []float64, v [][]float64) {
			gemm64(y, v[0], v[1], false, false, rows, out, in)
			for i := range y {
				y[i] = f.value(y[i] + v[2][i%out])
			}
		},
		diff: func(need []bool, v G.Nodes, y, grad *G.Node) (G.Nodes, error) {
			var e Expr
			if f.slope != nil {
				grad = e.Of(f.slope.derivative(0, y, grad))
			}
			var dx, dw, db *G.Node
			if need[0] {
				dx = e.Of(MatMul(grad, v[1], false, true))
			}
			if need[1] {
				dw = e.Of(MatMul(v[0], grad, true, false))
			}
			if need[2] {
				db = e.Of(SumBatch(grad))
			}
			return e.Nodes(dx, dw, db)
		},
	}, x, w, b)
}

// elementGrain is the number of elements of a piece of work, elementWork that from which a second core is worth its
// coordination.
const (
	elementGrain = 1 << 12
	elementWork  = 1 << 15
)

// eachRows calls f on ranges that cover the rows of a matrix, on all cores if there is enough to do.
func eachRows(rows, width int, f func(lo, hi int)) {
	if rows*width < elementWork {
		f(0, rows)
		return
	}
	kernel.Parallel(rows, max(1, elementGrain/width), f)
}

// activation is a non-linearity and its slope, the slope as a function of the layer's output: so a layer keeps
// its output alone, and the slope is a function that can be differentiated again.
type activation struct {
	name  string
	value func(x float64) float64
	slope *function
}

var activations = map[Activation]activation{
	ActIdentity: {name: "identity", value: func(x float64) float64 { return x }},
	ActReLU: {
		name:  "relu",
		value: func(x float64) float64 { return math.Max(x, 0) },
		slope: slope(ActReLU, "relu′", thenZero(func(y float64) float64 { return step(y, 0) })),
	},
	ActLeakyReLU: {
		name:  "leakyrelu",
		value: func(x float64) float64 { return math.Max(x, kernel.LeakySlope*x) },
		slope: slope(ActLeakyReLU, "leakyrelu′", thenZero(func(y float64) float64 { return step(y, kernel.LeakySlope) })),
	},
	ActTanh: {
		name:  "tanh",
		value: math.Tanh,
		slope: slope(ActTanh, "tanh′", thenZero(
			func(y float64) float64 { return 1 - y*y },
			func(y float64) float64 { return -2 * y },
			func(float64) float64 { return -2 },
		)),
	},
	ActSigmoid: {
		name:  "sigmoid",
		value: sigmoid,
		slope: slope(ActSigmoid, "sigmoid′", thenZero(
			func(y float64) float64 { return y * (1 - y) },
			func(y float64) float64 { return 1 - 2*y },
			func(float64) float64 { return -2 },
		)),
	},
	ActSoftplus: {
		name:  "softplus",
		value: softplus,
		slope: slope(ActSoftplus, "softplus′", func(k int) func(float64) float64 {
			if k == 0 {
				return func(y float64) float64 { return -math.Expm1(-y) }
			}
			sign := 1.0
			if k%2 == 0 {
				sign = -1
			}
			return func(y float64) float64 { return sign * math.Exp(-y) }
		}),
	},
}

func step(y, below float64) float64 {
	if y > 0 {
		return 1
	}
	return below
}

func slope(act Activation, name string, at func(int) func(float64) float64) *function {
	return &function{name: name, at: at, fused: func(dst, y, g []float32) {
		eachRows(len(dst), 1, func(lo, hi int) {
			kernel.ActivateGrad(act, dst[lo:hi], y[lo:hi], g[lo:hi])
		})
	}}
}
