package op_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/kernel"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
)

// build adds an op to the graph of its inputs.
type build func(in ...*G.Node) (*G.Node, error)

func unary(f func(*G.Node) (*G.Node, error)) build {
	return func(in ...*G.Node) (*G.Node, error) { return f(in[0]) }
}

func binary(f func(a, b *G.Node) (*G.Node, error)) build {
	return func(in ...*G.Node) (*G.Node, error) { return f(in[0], in[1]) }
}

// A case says how an op is built, on which shapes it is tried, what its value is, and how often it can be
// differentiated.
type opCase struct {
	name   string
	build  build
	shapes [][][]int // one list of input shapes per trial
	value  func(shapes [][]int, in [][]float64) []float64
	order  int
	fixed  []bool                            // inputs that have no gradient
	draw   func(i int, r *rand.Rand) float64 // how input i is drawn; nil: standard normal times 2
}

var elementShapes = [][][]int{{{3, 4}}, {{1, 4}}, {{3, 1}}, {{1, 1}}, {{5}}, {{2, 3, 2}}, {{}}}
var rowShapes = [][][]int{{{3, 4}}, {{1, 4}}, {{3, 1}}, {{1, 1}}, {{5}}, {{2, 3, 4}}}

func pairs(shapes [][][]int) [][][]int {
	var out [][][]int
	for _, s := range shapes {
		out = append(out, [][]int{s[0], s[0]})
	}
	return append(out, [][]int{{3, 4}, {}}, [][]int{{}, {3, 4}}, [][]int{{20, 14}, {}}, [][]int{{}, {20, 14}})
}

func elementwise(f func(float64) float64) func([][]int, [][]float64) []float64 {
	return func(_ [][]int, in [][]float64) []float64 {
		out := make([]float64, len(in[0]))
		for i, x := range in[0] {
			out[i] = f(x)
		}
		return out
	}
}

func pairwise(f func(a, b float64) float64) func([][]int, [][]float64) []float64 {
	return func(_ [][]int, in [][]float64) []float64 {
		out := make([]float64, max(len(in[0]), len(in[1])))
		for i := range out {
			out[i] = f(in[0][i%len(in[0])], in[1][i%len(in[1])])
		}
		return out
	}
}

// lastAxis applies f to each row of the last axis.
func lastAxis(f func(row []float64) []float64) func([][]int, [][]float64) []float64 {
	return func(shapes [][]int, in [][]float64) []float64 {
		k := shapes[0][len(shapes[0])-1]
		var out []float64
		for row := range slices.Chunk(in[0], k) {
			out = append(out, f(row)...)
		}
		return out
	}
}

func logSumExp(row []float64) float64 {
	s := 0.0
	for _, v := range row {
		s += math.Exp(v)
	}
	return math.Log(s)
}

var squareShapes = [][][]int{{{3, 3}}, {{1, 1}}, {{4, 4}}}

// matrix keeps the elements of a square matrix where keep holds.
func matrix(keep func(i, j int) bool) func([][]int, [][]float64) []float64 {
	return func(s [][]int, in [][]float64) []float64 {
		out := make([]float64, len(in[0]))
		for i, v := range in[0] {
			if keep(i/s[0][0], i%s[0][0]) {
				out[i] = v
			}
		}
		return out
	}
}

// trisolve is compared with LU decomposition.
func trisolve(trans bool) opCase {
	return opCase{
		name: fmt.Sprintf("trisolve %t", trans), order: 2,
		build:  func(in ...*G.Node) (*G.Node, error) { return op.TriSolve(in[0], in[1], trans) },
		shapes: [][][]int{{{3, 3}, {5, 3}}, {{1, 1}, {2, 1}}, {{4, 4}, {1, 4}}},
		draw: func(i int, r *rand.Rand) float64 {
			if i == 0 {
				return 0.5 + r.Float64() // no small number on the diagonal
			}
			return r.NormFloat64()
		},
		value: func(s [][]int, in [][]float64) []float64 {
			n := s[0][0]
			l := mat.NewDense(n, n, matrix(func(i, j int) bool { return j <= i })(s, in))
			var a mat.Matrix = l
			if trans {
				a = l.T()
			}
			var x mat.Dense
			if err := x.Solve(a, mat.NewDense(s[1][0], n, in[1]).T()); err != nil {
				panic(err)
			}
			return slices.Clone(mat.DenseCopyOf(x.T()).RawMatrix().Data)
		},
	}
}

func positive(_ int, r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) }

// manyCounts draws logarithms of numbers from 7 to 150.
func manyCounts(_ int, r *rand.Rand) float64 { return 2 + 3*r.Float64() }

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// digamma adds up the terms of DLMF 5.7.6, ψ(x) = −γ − 1/x + Σ_n x/(n(n+x)), and the tail by Euler and Maclaurin, whose next
// term is below 1e-16.
func digamma(x float64) float64 {
	const euler, terms = 0.57721566490153286, 20_000
	sum := 0.
	for n := terms - 1.; n >= 1; n-- {
		sum += x / (n * (n + x))
	}
	tail := math.Log1p(x/terms) + x/(terms*(terms+x))/2 + (1./(terms*terms)-1/((terms+x)*(terms+x)))/12
	return sum + tail - euler - 1/x
}

func matmul(a, b []float64, m, n, k int, at, bt bool) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		for j := range n {
			for l := range k {
				x, y := a[i*k+l], b[l*n+j]
				if at {
					x = a[l*m+i]
				}
				if bt {
					y = b[j*k+l]
				}
				c[i*n+j] += x * y
			}
		}
	}
	return c
}

// poisson is the Poisson law, a its log-rate.
var poisson = op.Counts{Name: "Poisson", Alpha: 1}

func logTail(m int) build {
	return func(in ...*G.Node) (*G.Node, error) { return op.LogTail(in[0], poisson, m) }
}

func poissonTail(m int) func([][]int, [][]float64) []float64 {
	return elementwise(func(a float64) float64 {
		sum, term := 0., 1.
		for x := 0.; x < 150; x++ {
			if x >= float64(m) {
				sum += term
			}
			term *= math.Exp(a) / (x + 1)
		}
		return math.Log(sum)
	})
}

// The other laws of counts: failures before the third success, a the log-probability of a failure, and successes among
// five trials, a their logit.
var (
	negativeBinomial = op.Counts{Name: "NegativeBinomial of 3", Alpha: 3, Beta: 1}
	binomial         = op.Counts{Name: "Binomial of 5", Alpha: 5, Beta: -1}
	geometric        = op.Counts{Name: "Geometric", Alpha: 1, Beta: 1}
)

// censored is the logarithm of the weights a law's terms add up to, each term that before it times its ratio.
func censored(name string, c op.Counts, m int, draw func(int, *rand.Rand) float64) opCase {
	return opCase{
		name:  "censored " + name,
		build: func(in ...*G.Node) (*G.Node, error) { return op.CensoredLogits(in[0], c, m) }, shapes: elementShapes, order: 2, draw: draw,
		value: func(_ [][]int, in [][]float64) []float64 {
			var out []float64
			for _, a := range in[0] {
				term, tail := 1., 0.
				for x := 0.; x < 2000; x++ {
					if x < float64(m) {
						out = append(out, math.Log(term))
					} else {
						tail += term
					}
					term *= math.Exp(a) * math.Max(c.Alpha+c.Beta*x, 0) / (x + 1)
				}
				out = append(out, math.Log(tail))
			}
			return out
		},
	}
}

// censoredLogistic is the divergence between two censored logistic laws by Simpson's rule, for shifts of that size.
func censoredLogistic(name string, size float64) opCase {
	σ := activate[op.ActSigmoid]
	var shapes [][][]int
	for _, s := range elementShapes {
		shapes = append(shapes, [][]int{s[0], s[0], s[0]})
	}
	return opCase{
		name: name, shapes: shapes, order: 2,
		build: func(in ...*G.Node) (*G.Node, error) { return op.CensoredLogisticKL(in[0], in[1], in[2]) },
		draw: func(i int, r *rand.Rand) float64 {
			switch i {
			case 0:
				return -1 - r.NormFloat64()*r.NormFloat64()
			case 1:
				return 1 + r.NormFloat64()*r.NormFloat64()
			}
			return size * (2*r.Float64() - 1)
		},
		value: func(_ [][]int, in [][]float64) []float64 {
			out := make([]float64, len(in[0]))
			for i, a := range in[0] {
				b, δ := in[1][i], in[2][i]
				out[i] = σ(a)*math.Log(σ(a)/σ(a+δ)) + σ(-b)*math.Log(σ(-b)/σ(-b-δ))
				const n = 4000 // error of order 10⁻¹³
				h := (b - a) / n
				density := func(s float64) float64 {
					q, p := σ(s)*σ(-s), σ(s+δ)*σ(-s-δ)
					return q * math.Log(q/p)
				}
				for j := range n / 2 {
					s := a + 2*h*float64(j)
					out[i] += h / 3 * (density(s) + 4*density(s+h) + density(s+2*h))
				}
			}
			return out
		},
	}
}

// logProbability draws logarithms of numbers below 1.
func logProbability(_ int, r *rand.Rand) float64 { return -0.05 - math.Exp(r.NormFloat64()) }

var activate = map[op.Activation]func(float64) float64{
	op.ActIdentity:  func(x float64) float64 { return x },
	op.ActReLU:      func(x float64) float64 { return math.Max(x, 0) },
	op.ActTanh:      math.Tanh,
	op.ActLeakyReLU: func(x float64) float64 { return math.Max(x, kernel.LeakySlope*x) },
	op.ActSoftplus:  func(x float64) float64 { return math.Log(1 + math.Exp(x)) },
	op.ActSigmoid:   func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
}

func cases() []opCase {
	cs := []opCase{
		{name: "exp", build: unary(op.Exp), shapes: elementShapes, value: elementwise(math.Exp), order: 2},
		{name: "log", build: unary(op.Log), shapes: elementShapes, value: elementwise(math.Log), order: 2, draw: positive},
		{name: "log1p", build: unary(op.Log1p), shapes: elementShapes, value: elementwise(math.Log1p), order: 2, draw: positive},
		{name: "sigmoid", build: unary(op.Sigmoid), shapes: elementShapes, value: elementwise(activate[op.ActSigmoid]), order: 2},
		{name: "softplus", build: unary(op.Softplus), shapes: elementShapes, value: elementwise(activate[op.ActSoftplus]), order: 2},
		{name: "logsigmoid", build: unary(op.LogSigmoid), shapes: elementShapes, order: 2,
			value: elementwise(func(x float64) float64 { return -math.Log(1 + math.Exp(-x)) })},
		{name: "tanh", build: unary(op.Tanh), shapes: elementShapes, value: elementwise(math.Tanh), order: 2},
		{name: "lognormalcdf", build: unary(op.LogNormalCDF), shapes: elementShapes, order: 2,
			value: elementwise(func(x float64) float64 { return math.Log(math.Erfc(-x/math.Sqrt2) / 2) })},
		{name: "lognormalcdf, far left", build: unary(op.LogNormalCDF), shapes: rowShapes, order: 2,
			draw:  func(_ int, r *rand.Rand) float64 { return -4 - 3*r.Float64() },
			value: elementwise(func(x float64) float64 { return math.Log(math.Erfc(-x/math.Sqrt2) / 2) })},
		{name: "xcothm1", build: unary(op.XCothM1), shapes: elementShapes, order: 2,
			value: elementwise(func(x float64) float64 { return x*math.Cosh(x)/math.Sinh(x) - 1 })},
		{name: "xcothm1, near zero", build: unary(op.XCothM1), shapes: rowShapes, order: 2,
			draw:  func(_ int, r *rand.Rand) float64 { return 0.12 * (2*r.Float64() - 1) },
			value: elementwise(func(x float64) float64 { return x*math.Cosh(x)/math.Sinh(x) - 1 })},
		{name: "logitnormalcdf", build: unary(op.LogitNormalCDF), shapes: elementShapes, order: 2,
			value: elementwise(func(x float64) float64 { return math.Log(math.Erfc(-x/math.Sqrt2) / math.Erfc(x/math.Sqrt2)) })},
		{name: "normalquantile", build: unary(op.NormalQuantile), shapes: elementShapes, order: 2,
			value: elementwise(func(s float64) float64 { return math.Sqrt2 * math.Erfinv(math.Tanh(s/2)) })},
		{name: "lowertriangle", build: func(in ...*G.Node) (*G.Node, error) { return op.LowerTriangle(in[0], 0) }, shapes: squareShapes, order: 2,
			value: matrix(func(i, j int) bool { return j <= i })},
		{name: "lowertriangle, strict", build: func(in ...*G.Node) (*G.Node, error) { return op.LowerTriangle(in[0], -1) }, shapes: squareShapes, order: 2,
			value: matrix(func(i, j int) bool { return j < i })},
		{name: "diagonal", build: unary(op.Diagonal), shapes: squareShapes, order: 2, value: func(s [][]int, in [][]float64) []float64 {
			var out []float64
			for i := range s[0][0] {
				out = append(out, in[0][i*s[0][0]+i])
			}
			return out
		}},
		{name: "diagonalmatrix", build: unary(op.DiagonalMatrix), shapes: [][][]int{{{3}}, {{1}}}, order: 2, value: func(s [][]int, in [][]float64) []float64 {
			out := make([]float64, s[0][0]*s[0][0])
			for i, v := range in[0] {
				out[i*s[0][0]+i] = v
			}
			return out
		}},
		{name: "tensor", build: func(in ...*G.Node) (*G.Node, error) {
			return op.TensorLike(in[0], []float64{1, 2, 3, 4, 5, 0.125}, 2, 3)
		}, shapes: elementShapes, order: 2,
			fixed: []bool{true}, value: func([][]int, [][]float64) []float64 { return []float64{1, 2, 3, 4, 5, 0.125} }},
		trisolve(false),
		trisolve(true),
		{name: "clamp", build: func(in ...*G.Node) (*G.Node, error) { return op.Clamp(in[0], -1, 1.5) }, shapes: elementShapes, order: 2,
			value: elementwise(func(x float64) float64 { return math.Min(math.Max(x, -1), 1.5) })},
		{name: "affine", build: func(in ...*G.Node) (*G.Node, error) { return op.Affine(in[0], -1.5, 0.25) }, shapes: elementShapes, order: 2,
			value: elementwise(func(x float64) float64 { return -1.5*x + 0.25 })},
		{name: "full", build: func(in ...*G.Node) (*G.Node, error) { return op.FullLike(in[0], 3) }, shapes: elementShapes, order: 2,
			fixed: []bool{true}, value: elementwise(func(float64) float64 { return 3 })},
		{name: "add", build: binary(op.Add), shapes: pairs(elementShapes), order: 2, value: pairwise(func(a, b float64) float64 { return a + b })},
		{name: "sub", build: binary(op.Sub), shapes: pairs(elementShapes), order: 2, value: pairwise(func(a, b float64) float64 { return a - b })},
		{name: "mul", build: binary(op.Mul), shapes: pairs(elementShapes), order: 2, value: pairwise(func(a, b float64) float64 { return a * b })},
		{name: "div", build: binary(op.Div), shapes: pairs(elementShapes), order: 2, draw: positive, value: pairwise(func(a, b float64) float64 { return a / b })},
		{name: "square", build: unary(op.Square), shapes: elementShapes, order: 2, value: elementwise(func(x float64) float64 { return x * x })},
		{name: "softmax", build: unary(op.Softmax), shapes: rowShapes, order: 2, value: lastAxis(func(row []float64) []float64 {
			out := make([]float64, len(row))
			for i, v := range row {
				out[i] = math.Exp(v - logSumExp(row))
			}
			return out
		})},
		{name: "logsoftmax", build: unary(op.LogSoftmax), shapes: rowShapes, order: 2, value: lastAxis(func(row []float64) []float64 {
			out := make([]float64, len(row))
			for i, v := range row {
				out[i] = v - logSumExp(row)
			}
			return out
		})},
		{name: "logsumexp", build: unary(op.LogSumExp), shapes: rowShapes, order: 2,
			value: lastAxis(func(row []float64) []float64 { return []float64{logSumExp(row)} })},
		{name: "sum last", build: unary(op.SumLast), shapes: rowShapes, order: 2, value: lastAxis(func(row []float64) []float64 {
			s := 0.0
			for _, v := range row {
				s += v
			}
			return []float64{s}
		})},
		{name: "sum all", build: unary(op.SumAll), shapes: elementShapes, order: 2, value: func(_ [][]int, in [][]float64) []float64 {
			s := 0.0
			for _, v := range in[0] {
				s += v
			}
			return []float64{s}
		}},
		{name: "mean all", build: unary(op.MeanAll), shapes: elementShapes, order: 2, value: func(_ [][]int, in [][]float64) []float64 {
			s := 0.0
			for _, v := range in[0] {
				s += v / float64(len(in[0]))
			}
			return []float64{s}
		}},
		{name: "sum event", build: unary(op.SumEvent), shapes: rowShapes, order: 2, value: func(shapes [][]int, in [][]float64) []float64 {
			out := make([]float64, shapes[0][0])
			for i, v := range in[0] {
				out[i*len(out)/len(in[0])] += v
			}
			return out
		}},
		{name: "sum batch", build: unary(op.SumBatch), shapes: rowShapes, order: 2, value: func(shapes [][]int, in [][]float64) []float64 {
			out := make([]float64, len(in[0])/shapes[0][0])
			for i, v := range in[0] {
				out[i%len(out)] += v
			}
			return out
		}},
		{name: "spread all", build: func(in ...*G.Node) (*G.Node, error) { return op.SpreadAll(in[0], 2, 3) }, shapes: [][][]int{{{}}}, order: 2,
			value: func(_ [][]int, in [][]float64) []float64 { return slices.Repeat(in[0], 6) }},
		{name: "spread event", build: func(in ...*G.Node) (*G.Node, error) { return op.SpreadEvent(in[0], 2, 2) }, shapes: [][][]int{{{3}}, {{1}}}, order: 2,
			value: func(_ [][]int, in [][]float64) []float64 {
				var out []float64
				for _, v := range in[0] {
					out = append(out, v, v, v, v)
				}
				return out
			}},
		{name: "spread batch", build: func(in ...*G.Node) (*G.Node, error) { return op.SpreadBatch(in[0], 3) }, shapes: rowShapes, order: 2,
			value: func(_ [][]int, in [][]float64) []float64 { return slices.Repeat(in[0], 3) }},
		{name: "reshape", build: func(in ...*G.Node) (*G.Node, error) { return op.Reshape(in[0], 2, 6) }, shapes: [][][]int{{{3, 4}}, {{2, 2, 3}}, {{12}}}, order: 2,
			value: func(_ [][]int, in [][]float64) []float64 { return in[0] }},
		{name: "slice", build: func(in ...*G.Node) (*G.Node, error) { return op.SliceLast(in[0], 1, 3) }, shapes: [][][]int{{{3, 4}}, {{1, 3}}, {{3}}, {{2, 3, 4}}}, order: 2,
			value: lastAxis(func(row []float64) []float64 { return row[1:3] })},
		{name: "pad", build: func(in ...*G.Node) (*G.Node, error) { return op.PadLast(in[0], 1, 2, 0.5) }, shapes: rowShapes, order: 2,
			value: lastAxis(func(row []float64) []float64 { return slices.Concat([]float64{0.5}, row, []float64{0.5, 0.5}) })},
		{name: "cumsum", build: unary(op.CumSum), shapes: rowShapes, order: 2, value: lastAxis(func(row []float64) []float64 {
			out := slices.Clone(row)
			for i := 1; i < len(out); i++ {
				out[i] += out[i-1]
			}
			return out
		})},
		{name: "dot", build: func(in ...*G.Node) (*G.Node, error) { return op.DotLast(in[0], []float64{1, -2, 0.5}) }, shapes: [][][]int{{{3, 3}}, {{1, 3}}, {{3}}, {{2, 4, 3}}}, order: 2,
			value: lastAxis(func(row []float64) []float64 { return []float64{row[0] - 2*row[1] + 0.5*row[2]} })},
		{name: "lines", build: func(in ...*G.Node) (*G.Node, error) {
			return op.LinesLast(in[0], []float64{1, -2}, []float64{0.5, 3})
		}, shapes: elementShapes, order: 2,
			value: func(_ [][]int, in [][]float64) []float64 {
				var out []float64
				for _, x := range in[0] {
					out = append(out, x+0.5, -2*x+3)
				}
				return out
			}},
		{name: "lgamma", build: unary(op.LogGamma), shapes: elementShapes, order: 2, draw: positive,
			value: elementwise(func(x float64) float64 { return math.Log(math.Gamma(x)) })},
		{name: "lgammaremainder", build: unary(op.LogGammaRemainder), shapes: elementShapes, order: 2,
			value: elementwise(func(x float64) float64 { return math.Log(math.Gamma(math.Exp(x))) - math.Exp(x)*(x-1) })},
		{name: "lgammaremainder, far right", build: unary(op.LogGammaRemainder), shapes: rowShapes, order: 2, draw: manyCounts,
			value: elementwise(func(x float64) float64 { return lgamma(math.Exp(x)) - math.Exp(x)*(x-1) })},
		{name: "digammaremainder", build: unary(op.DigammaRemainder), shapes: elementShapes, order: 2,
			value: elementwise(func(x float64) float64 { return math.Exp(x) * (digamma(math.Exp(x)) - x) })},
		{name: "digammaremainder, far right", build: unary(op.DigammaRemainder), shapes: rowShapes, order: 2, draw: manyCounts,
			value: elementwise(func(x float64) float64 { return math.Exp(x) * (digamma(math.Exp(x)) - x) })},
		{name: "log1mexp", build: unary(op.Log1mExp), shapes: elementShapes, order: 2,
			draw:  func(_ int, r *rand.Rand) float64 { return -0.3 - math.Exp(r.NormFloat64()) },
			value: elementwise(func(x float64) float64 { return math.Log(1 - math.Exp(x)) })},
		{name: "floor", build: unary(op.Floor), shapes: elementShapes, order: 2, fixed: []bool{true}, value: elementwise(math.Floor)},
		{name: "onehot", build: func(in ...*G.Node) (*G.Node, error) { return op.OneHot(in[0], 3) }, shapes: elementShapes, order: 2, fixed: []bool{true},
			draw: func(_ int, r *rand.Rand) float64 { return float64(r.IntN(3)) },
			value: func(_ [][]int, in [][]float64) []float64 {
				out := make([]float64, 3*len(in[0]))
				for i, x := range in[0] {
					out[3*i+int(x)] = 1
				}
				return out
			}},
		{name: "topk", build: func(in ...*G.Node) (*G.Node, error) { return op.TopK(in[0], 2) }, shapes: [][][]int{{{3, 4}}, {{1, 2}}, {{3}}, {{2, 3, 4}}}, order: 2, fixed: []bool{true},
			value: lastAxis(func(row []float64) []float64 {
				out := make([]float64, len(row))
				for range 2 {
					best := math.Inf(-1)
					for i, v := range row {
						if out[i] == 0 {
							best = math.Max(best, v)
						}
					}
					out[slices.Index(row, best)] = 1
				}
				return out
			})},
		successiveSoftmax(1, rowShapes...),
		successiveSoftmax(2, [][]int{{3, 4}}, [][]int{{1, 2}}, [][]int{{5}}, [][]int{{2, 3, 4}}),
		successiveSoftmax(4, [][]int{{3, 4}}, [][]int{{6}}, [][]int{{2, 2, 5}}),
		sequentialKL(1, []int{3, 4}, []int{1, 4}, []int{3, 1}, []int{2, 3, 4}),
		sequentialKL(2, []int{3, 4}, []int{1, 2}, []int{2, 3, 3}),
		sequentialKL(4, []int{3, 4}, []int{5, 6}, []int{2, 2, 5}),
		{name: "logtail, sum of the tail", build: logTail(12), shapes: elementShapes, order: 2,
			draw: func(_ int, r *rand.Rand) float64 { return r.NormFloat64() / 2 }, value: poissonTail(12)},
		{name: "logtail, complement", build: logTail(3), shapes: elementShapes, order: 2,
			draw: func(_ int, r *rand.Rand) float64 { return 1 + r.NormFloat64()/2 }, value: poissonTail(3)},
		{name: "logtail from 0", build: logTail(0), shapes: elementShapes, order: 2,
			draw: func(_ int, r *rand.Rand) float64 { return r.NormFloat64() }, value: poissonTail(0)},
		censored("Poisson", poisson, 12, func(_ int, r *rand.Rand) float64 { return r.NormFloat64() / 2 }),
		censored("Poisson, near", poisson, 2, nil),
		censored("geometric", geometric, 4, logProbability),
		censored("negative binomial", negativeBinomial, 3, logProbability),
		censored("negative binomial, far", negativeBinomial, 20, logProbability),
		censored("binomial", binomial, 3, nil),
		censored("binomial, all", binomial, 5, nil),
		{name: "quantile", build: func(in ...*G.Node) (*G.Node, error) { return op.CountQuantile(in[0], in[1], poisson) }, shapes: pairs(elementShapes)[:len(elementShapes)], order: 2, fixed: []bool{true, true},
			draw: func(i int, r *rand.Rand) float64 {
				if i == 1 {
					return r.Float64()
				}
				return r.NormFloat64()
			},
			value: pairwise(func(a, u float64) float64 {
				sum, p := 0., math.Exp(-math.Exp(a))
				for x := 0.; ; x++ {
					if sum += p; sum >= u {
						return x
					}
					p *= math.Exp(a) / (x + 1)
				}
			})},
		{name: "stopgradient", build: unary(op.StopGradient), shapes: elementShapes, order: 2, fixed: []bool{true},
			value: elementwise(func(x float64) float64 { return x })},
		{name: "positive", build: unary(op.Positive), shapes: elementShapes, order: 2, fixed: []bool{true},
			value: elementwise(func(x float64) float64 {
				if x > 0 {
					return 1
				}
				return 0
			})},
		{name: "onehotmax", build: unary(op.OneHotMax), shapes: rowShapes, order: 2, fixed: []bool{true}, value: lastAxis(func(row []float64) []float64 {
			out := make([]float64, len(row))
			out[slices.Index(row, slices.Max(row))] = 1
			return out
		})},
		{name: "conditionalgumbel", build: func(in ...*G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.ConditionalGumbel(in[0], e.Of(op.OneHotMax(in[1])), in[2])))
		}, shapes: [][][]int{{{3, 4}, {3, 4}, {3, 4}}, {{1, 4}, {1, 4}, {1, 4}}, {{3, 1}, {3, 1}, {3, 1}}, {{5}, {5}, {5}}, {{2, 3, 4}, {2, 3, 4}, {2, 3, 4}}},
			order: 2, fixed: []bool{false, true, true},
			value: func(shapes [][]int, in [][]float64) []float64 {
				k := shapes[0][len(shapes[0])-1]
				var out []float64
				for i := 0; i < len(in[0]); i += k {
					at := i + slices.Index(in[1][i:i+k], slices.Max(in[1][i:i+k]))
					for j := i; j < i+k; j++ {
						z := math.Exp(-in[2][at])
						if j != at {
							z += math.Exp(-in[2][j] - in[0][j])
						}
						out = append(out, -math.Log(z))
					}
				}
				return out
			}},
		{name: "bernoullinll", build: binary(op.BernoulliNLL), shapes: [][][]int{{{3, 4}, {3, 4}}, {{1, 4}, {1, 4}}, {{3, 1}, {3, 1}}, {{4}, {4}}, {{2, 2, 3}, {2, 2, 3}}}, order: 2,
			draw: func(i int, r *rand.Rand) float64 {
				if i == 1 {
					return r.Float64()
				}
				return 2 * r.NormFloat64()
			},
			value: func(shapes [][]int, in [][]float64) []float64 {
				out := make([]float64, shapes[0][0])
				for i, l := range in[0] {
					p, t := 1/(1+math.Exp(-l)), in[1][i]
					out[i*len(out)/len(in[0])] -= t*math.Log(p) + (1-t)*math.Log(1-p)
				}
				return out
			}},
		{name: "bernoullikl", build: binary(op.BernoulliKL), shapes: [][][]int{{{3, 4}, {3, 4}}, {{1, 4}, {1, 4}}, {{3, 1}, {3, 1}}, {{4}, {4}}, {{2, 2, 3}, {2, 2, 3}}}, order: 2,
			value: func(shapes [][]int, in [][]float64) []float64 {
				out := make([]float64, shapes[0][0])
				for i, l := range in[0] {
					q, p := 1/(1+math.Exp(-l)), 1/(1+math.Exp(-in[1][i]))
					out[i*len(out)/len(in[0])] += q*math.Log(q/p) + (1-q)*math.Log((1-q)/(1-p))
				}
				return out
			}},
		{name: "categoricalkl", build: binary(op.CategoricalKL), shapes: [][][]int{{{3, 4}, {3, 4}}, {{1, 4}, {1, 4}}, {{3, 1}, {3, 1}}, {{2, 2, 3}, {2, 2, 3}}}, order: 2,
			value: func(shapes [][]int, in [][]float64) []float64 {
				out, k := make([]float64, shapes[0][0]), shapes[0][len(shapes[0])-1]
				for i := 0; i < len(in[0]); i += k {
					norm := logSumExp(in[0][i : i+k])
					for j, q := range in[0][i : i+k] {
						out[i*len(out)/len(in[0])] += math.Exp(q-norm) * (q - norm - in[1][i+j])
					}
				}
				return out
			}},
		censoredLogistic("censoredlogistickl", 3),
		censoredLogistic("censoredlogistickl, near", 0.12),
		{name: "gather", build: binary(op.GatherRows), shapes: [][][]int{{{3, 4}, {5}}, {{3, 2, 2}, {1}}, {{3, 1}, {2}}}, order: 2, fixed: []bool{false, true},
			draw: func(i int, r *rand.Rand) float64 {
				if i == 1 {
					return float64(r.IntN(3))
				}
				return r.NormFloat64()
			},
			value: func(shapes [][]int, in [][]float64) []float64 {
				width := len(in[0]) / shapes[0][0]
				var out []float64
				for _, i := range in[1] {
					out = append(out, in[0][int(i)*width:(int(i)+1)*width]...)
				}
				return out
			}},
	}
	for _, at := range []bool{false, true} {
		for _, bt := range []bool{false, true} {
			var shapes [][][]int
			for _, s := range [][3]int{{3, 4, 5}, {1, 4, 5}, {3, 1, 5}, {3, 4, 1}, {1, 1, 1}} {
				m, n, k := s[0], s[1], s[2]
				a, b := []int{m, k}, []int{k, n}
				if at {
					slices.Reverse(a)
				}
				if bt {
					slices.Reverse(b)
				}
				shapes = append(shapes, [][]int{a, b})
			}
			cs = append(cs, opCase{
				name: fmt.Sprintf("matmul %t %t", at, bt), shapes: shapes, order: 2,
				build: func(in ...*G.Node) (*G.Node, error) { return op.MatMul(in[0], in[1], at, bt) },
				value: func(s [][]int, in [][]float64) []float64 {
					m, k, n := s[0][0], s[0][1], s[1][1]
					if at {
						m, k = k, m
					}
					if bt {
						n = s[1][0]
					}
					return matmul(in[0], in[1], m, n, k, at, bt)
				},
			})
		}
	}
	for act, f := range activate {
		cs = append(cs, opCase{
			name:   fmt.Sprintf("dense %d", act),
			build:  func(in ...*G.Node) (*G.Node, error) { return op.Dense(in[0], in[1], in[2], act) },
			shapes: [][][]int{{{3, 4}, {4, 5}, {5}}, {{1, 4}, {4, 5}, {5}}, {{3, 1}, {1, 5}, {5}}, {{3, 4}, {4, 1}, {1}}, {{1, 1}, {1, 1}, {1}}},
			order:  2,
			draw:   func(_ int, r *rand.Rand) float64 { return r.NormFloat64() },
			value: func(s [][]int, in [][]float64) []float64 {
				out := matmul(in[0], in[1], s[0][0], s[1][1], s[0][1], false, false)
				for i := range out {
					out[i] = f(out[i] + in[2][i%len(in[2])])
				}
				return out
			},
		})
	}
	return cs
}

// A bench evaluates an op, the gradient of a random projection of it, and the gradient of a random projection of
// that gradient.
type bench[T op.Float] struct {
	in   []*program.Input[T]
	prog *program.Program[T]
}

func newBench[T op.Float](c opCase, shapes [][]int, in [][]float64, seed uint64) (*bench[T], error) {
	b := &bench[T]{}
	r := rand.New(rand.NewPCG(seed, 7))
	outs := make(map[string]*G.Node)
	g, err := program.Build(func(g *program.Graph[T]) error {
		var nodes []*G.Node
		for i, s := range shapes {
			input, err := g.Input(fmt.Sprintf("in%d", i), s...)
			if err != nil {
				return err
			}
			for j, v := range in[i] {
				input.Data[j] = T(v)
			}
			b.in = append(b.in, input)
			nodes = append(nodes, input.Node)
		}
		y, err := c.build(nodes...)
		if err != nil {
			return err
		}
		outs["value"] = y
		projection := func(name string, n *G.Node) (*G.Node, error) {
			w, err := g.Input(name, n.Shape()...)
			if err != nil {
				return nil, err
			}
			for i := range w.Data {
				w.Data[i] = T(r.NormFloat64())
			}
			var e op.Expr
			return e.Node(e.Of(op.SumAll(e.Of(op.Mul(w.Node, n)))))
		}
		loss, err := projection("w", y)
		if err != nil {
			return err
		}
		outs["loss"] = loss
		grads, err := autodiff.Gradient(loss, nodes...)
		if err != nil {
			return err
		}
		var second []*G.Node
		for i, d := range grads {
			outs[fmt.Sprintf("d%d", i)] = d
			if c.fixed != nil && c.fixed[i] && c.order == 1 {
				continue // a constant, which can be differentiated
			}
			s, err := projection(fmt.Sprintf("v%d", i), d)
			if err != nil {
				return err
			}
			second = append(second, s)
		}
		total := second[0]
		for _, s := range second[1:] {
			if total, err = op.Add(total, s); err != nil {
				return err
			}
		}
		outs["loss2"] = total
		grads, err = autodiff.Gradient(total, nodes...)
		if c.order == 1 {
			if !errors.Is(err, op.ErrNotDifferentiable) {
				return fmt.Errorf("the second derivative: error %v, want %w", err, op.ErrNotDifferentiable)
			}
			return nil
		}
		if err != nil {
			return err
		}
		for i, d := range grads {
			outs[fmt.Sprintf("dd%d", i)] = d
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.prog, err = program.Compile(g, program.Outputs{Plain: outs})
	return b, err
}

func (b *bench[T]) run(t *testing.T) {
	t.Helper()
	if err := b.prog.Run(); err != nil {
		t.Fatal(err)
	}
}

func draw(c opCase, shapes [][]int, seed uint64) [][]float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	in := make([][]float64, len(shapes))
	for i, s := range shapes {
		size := 1
		for _, d := range s {
			size *= d
		}
		in[i] = make([]float64, size)
		for j := range in[i] {
			if c.draw != nil {
				in[i][j] = c.draw(i, r)
			} else {
				in[i][j] = 2 * r.NormFloat64()
			}
		}
	}
	return in
}

func TestOps(t *testing.T) {
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			for trial, shapes := range c.shapes {
				in := draw(c, shapes, uint64(trial))
				b, err := newBench[float64](c, shapes, in, 3)
				if err != nil {
					t.Fatal(err)
				}
				b.run(t)
				near(t, fmt.Sprint("value ", shapes), b.prog.Output("value"), c.value(shapes, in), 1e-12)
				d := make(map[string][]float64)
				for i := range shapes {
					for _, k := range []string{"d", "dd"}[:c.order] {
						name := fmt.Sprint(k, i)
						d[name] = slices.Clone(b.prog.Output(name))
					}
				}
				first := slices.Clone(b.prog.Output("value"))
				b.run(t)
				if !slices.Equal(first, b.prog.Output("value")) {
					t.Errorf("%v: a second run on the same inputs differs", shapes)
				}
				for i := range shapes {
					for j, v := range in[i] {
						if b.in[i].Data[j] != v {
							t.Fatalf("%v: the run changed input %d", shapes, i)
						}
					}
				}
				for i := range shapes {
					if c.fixed != nil && c.fixed[i] {
						near(t, fmt.Sprint("no gradient ", i), d[fmt.Sprint("d", i)], make([]float64, len(in[i])), 0)
						continue
					}
					near(t, fmt.Sprint("gradient ", i, shapes), d[fmt.Sprint("d", i)], b.differences(t, "loss", i), 2e-6)
					if c.order == 1 {
						continue
					}
					near(t, fmt.Sprint("second gradient ", i, shapes), d[fmt.Sprint("dd", i)], b.differences(t, "loss2", i), 5e-6)
				}
				b32, err := newBench[float32](c, shapes, in, 3)
				if err != nil {
					t.Fatal(err)
				}
				b32.run(t)
				near(t, fmt.Sprint("float32 value", shapes), widen(b32.prog.Output("value")), first, 2e-5)
				for name, want := range d {
					near(t, fmt.Sprint("float32 ", name, shapes), widen(b32.prog.Output(name)), want, 1e-4)
				}
			}
		})
	}
}

// differences are central differences of a scalar output in every element of input i.
func (b *bench[T]) differences(t *testing.T, output string, i int) []float64 {
	t.Helper()
	const h = 1e-5
	out := make([]float64, len(b.in[i].Data))
	for j, x := range b.in[i].Data {
		b.in[i].Data[j] = x + h
		b.run(t)
		up := b.prog.Scalar(output)
		b.in[i].Data[j] = x - h
		b.run(t)
		out[j] = (up - b.prog.Scalar(output)) / (2 * h)
		b.in[i].Data[j] = x
	}
	return out
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// near compares with a tolerance relative to the largest number, at least 1.
func near(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	scale := 1.0
	for _, v := range want {
		scale = math.Max(scale, math.Abs(v))
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tol*scale) {
			t.Errorf("%s: element %d is %v, want %v within %g", what, i, got[i], want[i], tol*scale)
		}
	}
}

// Extreme inputs give finite values and gradients of both orders, in both precisions, and the values are right.
func TestExtremes(t *testing.T) {
	extremes := []float64{-1e4, -50, -0.5, 0, 0.5, 50, 1e4}
	sp := func(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
	for _, c := range []struct {
		name  string
		build func(*G.Node) (*G.Node, error)
		want  func(float64) float64 // nil: finite is enough
	}{
		{"sigmoid", op.Sigmoid, func(x float64) float64 { return math.Exp(-sp(-x)) }},
		{"softplus", op.Softplus, sp},
		{"logsigmoid", op.LogSigmoid, func(x float64) float64 { return -sp(-x) }},
		{"tanh", op.Tanh, math.Tanh},
		{"lognormalcdf", op.LogNormalCDF, func(x float64) float64 {
			switch { // reference values to 12 digits; −50 and −1e4 from the asymptotic series of Mills' ratio
			case x == -1e4:
				return -50000010.1292789161
			case x == -50:
				return -1254.831361139423
			case x == -0.5:
				return -1.17591176159
			case x == 0:
				return -math.Ln2
			case x == 0.5:
				return -0.368946415289
			}
			return 0
		}},
		{"logitnormalcdf", op.LogitNormalCDF, nil},
		{"normalquantile", op.NormalQuantile, nil},
		{"lgammaremainder", op.LogGammaRemainder, func(x float64) float64 {
			if x > 2 { // Stirling's series; at e⁵⁰ its first term is below rounding
				return -x/2 + math.Log(2*math.Pi)/2
			}
			return lgamma(1+math.Exp(x)) - x - math.Exp(x)*(x-1)
		}},
		{"digammaremainder", op.DigammaRemainder, func(x float64) float64 {
			switch { // αψ(α) − αx is −1 − (γ + x)·α + … for small α
			case x > 2:
				return -0.5
			case x < -2:
				return -1
			}
			return math.Exp(x) * (digamma(math.Exp(x)) - x)
		}},
		{"xcothm1", op.XCothM1, func(x float64) float64 {
			if x == 0 {
				return 0
			}
			return x/math.Tanh(x) - 1
		}},
		{"softmax", op.Softmax, func(x float64) float64 {
			if x == 1e4 {
				return 1
			}
			return 0
		}},
		{"logsoftmax", op.LogSoftmax, func(x float64) float64 { return x - 1e4 }},
		{"logsumexp", op.LogSumExp, nil},
		{"slice", func(x *G.Node) (*G.Node, error) { return op.SliceLast(x, 0, 7) }, func(x float64) float64 { return x }},
		{"floor", op.Floor, math.Floor},
		{"clamp", func(x *G.Node) (*G.Node, error) { return op.Clamp(x, -1, 1) }, func(x float64) float64 { return math.Min(math.Max(x, -1), 1) }},
		{"bernoullinll", func(x *G.Node) (*G.Node, error) {
			t, err := op.FullLike(x, 0.25)
			if err != nil {
				return nil, err
			}
			return op.BernoulliNLL(x, t)
		}, nil},
		{"bernoullikl", func(x *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.BernoulliKL(x, e.Of(op.FullLike(x, 0.5)))))
		}, nil},
		{"categoricalkl", func(x *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.CategoricalKL(x, e.Of(op.LogSoftmax(e.Of(op.FullLike(x, 0.5)))))))
		}, nil},
		{"dense", func(x *G.Node) (*G.Node, error) {
			var e op.Expr
			w := e.Of(op.Reshape(e.Of(op.FullLike(x, 1)), 7, 1))
			b := e.Of(op.Reshape(e.Of(op.SumAll(e.Of(op.FullLike(x, 0)))), 1))
			return e.Node(e.Of(op.Dense(x, w, b, op.ActSoftplus)))
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			oc := opCase{build: unary(c.build)}
			shapes, in := [][]int{{1, len(extremes)}}, [][]float64{extremes}
			b64, err := newBench[float64](oc, shapes, in, 5)
			if err != nil {
				t.Fatal(err)
			}
			b32, err := newBench[float32](oc, shapes, in, 5)
			if err != nil {
				t.Fatal(err)
			}
			b64.run(t)
			b32.run(t)
			for _, name := range []string{"value", "d0", "dd0"} {
				for i, v := range b64.prog.Output(name) {
					w := float64(b32.prog.Output(name)[i])
					if math.IsNaN(v) || math.IsInf(v, 0) || math.IsNaN(w) || math.IsInf(w, 0) {
						t.Errorf("%s: element %d is %v in float64, %v in float32", name, i, v, w)
					}
				}
			}
			if c.want != nil {
				for i, x := range extremes {
					want := c.want(x)
					if got := b64.prog.Output("value")[i]; math.Abs(got-want) > 1e-11*math.Max(math.Abs(want), 1e-3) {
						t.Errorf("%s(%g) = %.15g, want %.15g", c.name, x, got, want)
					}
				}
			}
		})
	}
}

func TestSoftmaxRowsAreIndependent(t *testing.T) {
	// The maximum must be each row's own: Gorgonia starts from the first element of the whole tensor.
	c := opCase{build: unary(op.Softmax)}
	b, err := newBench[float32](c, [][]int{{2, 2}}, [][]float64{{1000, 0, 0, 0}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.run(t)
	near(t, "softmax", widen(b.prog.Output("value")), []float64{1, 0, 0.5, 0.5}, 1e-7)
}

func TestStraightThrough(t *testing.T) {
	c := opCase{build: func(in ...*G.Node) (*G.Node, error) {
		var e op.Expr
		soft := e.Of(op.Sigmoid(in[0]))
		return e.Node(e.Of(op.StraightThrough(e.Of(op.Positive(in[0])), soft)))
	}}
	in := [][]float64{{-0.3, 2, 17, -17}}
	b, err := newBench[float32](c, [][]int{{2, 2}}, in, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.run(t)
	if got := b.prog.Output("value"); !slices.Equal(got, []float32{0, 1, 1, 0}) {
		t.Errorf("value %v, want exactly 0 1 1 0", got)
	}
	soft, err := newBench[float32](opCase{build: unary(op.Sigmoid)}, [][]int{{2, 2}}, in, 1)
	if err != nil {
		t.Fatal(err)
	}
	soft.run(t)
	if !slices.Equal(b.prog.Output("d0"), soft.prog.Output("d0")) {
		t.Errorf("gradient %v, want the sigmoid's %v", b.prog.Output("d0"), soft.prog.Output("d0"))
	}
}

// Equal elements must not give two ones.
func TestOneHotMaxBreaksTies(t *testing.T) {
	b, err := newBench[float64](opCase{build: unary(op.OneHotMax)}, [][]int{{2, 3}}, [][]float64{{1, 1, 0, -2, 5, 5}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.run(t)
	near(t, "one-hot", b.prog.Output("value"), []float64{1, 0, 0, 0, 1, 0}, 0)
}

func TestTopKBreaksTies(t *testing.T) {
	for k, want := range [][]float64{
		{0, 0, 0, 0, 0, 0, 0, 0},
		{1, 0, 0, 0, 0, 1, 0, 0},
		{1, 1, 0, 0, 0, 1, 1, 0},
		{1, 1, 1, 0, 0, 1, 1, 1},
	} {
		c := opCase{build: func(in ...*G.Node) (*G.Node, error) { return op.TopK(in[0], k) }}
		b, err := newBench[float64](c, [][]int{{2, 4}}, [][]float64{{1, 1, 1, 1, 0, 5, 5, 5}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		b.run(t)
		near(t, fmt.Sprint("top ", k), b.prog.Output("value"), want, 0)
	}
}

func TestGatherRefusesWhatIsNoRow(t *testing.T) {
	for _, index := range []float64{-1, 3, 0.5, math.NaN()} {
		b, err := newBench[float64](opCase{build: binary(op.GatherRows)}, [][]int{{3, 2}, {1}}, [][]float64{make([]float64, 6), {index}}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.prog.Run(); err == nil || !strings.Contains(err.Error(), "3 rows") {
			t.Errorf("index %v: error %v, want one that tells the number of rows", index, err)
		}
	}
}

// The marked element stays the largest where the others differ from it by less than rounding, and what is not one-hot
// is an error.
func TestConditionalGumbelMarksTheLargest(t *testing.T) {
	c := opCase{build: func(in ...*G.Node) (*G.Node, error) { return op.ConditionalGumbel(in[0], in[1], in[2]) }}
	shapes := [][]int{{1, 3}, {1, 3}, {1, 3}}
	in := [][]float64{{-1e-9, -25, -30}, {0, 1, 0}, {36, -3, 36}}
	b64, err := newBench[float64](c, shapes, in, 1)
	if err != nil {
		t.Fatal(err)
	}
	b64.run(t)
	near(t, "float64", b64.prog.Output("value"), []float64{-3 - math.Log1p(math.Exp(-39)), -3, -3 - math.Log1p(math.Exp(-9))}, 1e-15)
	b32, err := newBench[float32](c, shapes, in, 1)
	if err != nil {
		t.Fatal(err)
	}
	b32.run(t)
	if z := b32.prog.Output("value"); z[1] != -3 || !(z[0] < z[1]) || !(z[2] < z[1]) {
		t.Errorf("float32: %v, want −3 in the middle and less beside it", z)
	}
	for _, row := range [][]float64{{0, 0, 0}, {1, 1, 0}, {0.5, 0.5, 0}, {0, 1, math.NaN()}} {
		in[1] = row
		b, err := newBench[float64](c, shapes, in, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.prog.Run(); err == nil || !strings.Contains(err.Error(), "one-hot") {
			t.Errorf("sample %v: error %v, want one that says that it is not one-hot", row, err)
		}
	}
}

func TestMistakesAreErrors(t *testing.T) {
	_, err := program.Build(func(g *program.Graph[float64]) error {
		input := func(name string, shape ...int) *G.Node {
			in, err := g.Input(name, shape...)
			if err != nil {
				t.Fatal(err)
			}
			return in.Node
		}
		a, b, v, s := input("a", 2, 3), input("b", 3, 2), input("v", 3), input("s")
		foreign := G.NewTensor(G.NewGraph(), G.Float64, 2, G.WithShape(2, 3), G.WithName("foreign"))
		narrow := G.NewTensor(a.Graph(), G.Float32, 2, G.WithShape(2, 3), G.WithName("narrow"))
		whole := G.NewTensor(a.Graph(), G.Int, 1, G.WithShape(2), G.WithName("whole"))
		for name, try := range map[string]func() (*G.Node, error){
			"nil":                  func() (*G.Node, error) { return op.Exp(nil) },
			"shapes":               func() (*G.Node, error) { return op.Add(a, b) },
			"vector and matrix":    func() (*G.Node, error) { return op.Mul(a, v) },
			"no sizes":             func() (*G.Node, error) { return op.Exp(G.NewMatrix(a.Graph(), G.Float64, G.WithName("bare"))) },
			"vector and one row":   func() (*G.Node, error) { return op.Mul(v, input("row", 1, 3)) },
			"other graph":          func() (*G.Node, error) { return op.Add(a, foreign) },
			"other type":           func() (*G.Node, error) { return op.Add(a, narrow) },
			"integers":             func() (*G.Node, error) { return op.Exp(whole) },
			"inner sizes":          func() (*G.Node, error) { return op.MatMul(a, b, true, false) },
			"no matrix":            func() (*G.Node, error) { return op.MatMul(a, v, false, false) },
			"dense bias":           func() (*G.Node, error) { return op.Dense(a, b, v, op.ActReLU) },
			"dense activation":     func() (*G.Node, error) { return op.Dense(a, b, v, 77) },
			"reshape":              func() (*G.Node, error) { return op.Reshape(a, 4, 2) },
			"reshape to nothing":   func() (*G.Node, error) { return op.Reshape(a, -2, -3) },
			"clamp":                func() (*G.Node, error) { return op.Clamp(a, 1, -1) },
			"softmax of a scalar":  func() (*G.Node, error) { return op.Softmax(s) },
			"event of a scalar":    func() (*G.Node, error) { return op.SumEvent(s) },
			"spread a matrix":      func() (*G.Node, error) { return op.SpreadAll(a, 2) },
			"divergence":           func() (*G.Node, error) { return op.BernoulliKL(a, b) },
			"censored divergence":  func() (*G.Node, error) { return op.CensoredLogisticKL(a, a, b) },
			"class divergence":     func() (*G.Node, error) { return op.CategoricalKL(a, b) },
			"targets":              func() (*G.Node, error) { return op.BernoulliNLL(a, b) },
			"gather from a vector": func() (*G.Node, error) { return op.GatherRows(v, v) },
			"empty slice":          func() (*G.Node, error) { return op.SliceLast(a, 2, 2) },
			"slice beyond":         func() (*G.Node, error) { return op.SliceLast(a, 1, 4) },
			"pad by less":          func() (*G.Node, error) { return op.PadLast(a, -1, 0, 0) },
			"dot of other length":  func() (*G.Node, error) { return op.DotLast(a, []float64{1}) },
			"lines of two lengths": func() (*G.Node, error) { return op.LinesLast(a, []float64{1}, nil) },
			"one-hot of none":      func() (*G.Node, error) { return op.OneHot(a, 0) },
			"gumbel shapes":        func() (*G.Node, error) { return op.ConditionalGumbel(a, a, b) },
			"gumbel of a scalar":   func() (*G.Node, error) { return op.ConditionalGumbel(s, s, s) },
			"top four of three":    func() (*G.Node, error) { return op.TopK(a, 4) },
			"a negative count":     func() (*G.Node, error) { return op.LogTail(a, poisson, -1) },
			"one censored point":   func() (*G.Node, error) { return op.CensoredLogits(a, poisson, 0) },
			"a count too many":     func() (*G.Node, error) { return op.CensoredLogits(a, binomial, 6) },
			"no such law":          func() (*G.Node, error) { return op.LogTail(a, op.Counts{Name: "α only", Alpha: 1, Beta: 2}, 1) },
			"quantile shapes":      func() (*G.Node, error) { return op.CountQuantile(a, b, poisson) },
			"subset shapes":        func() (*G.Node, error) { return op.LogSubset(a, b, 2) },
			"subset of none":       func() (*G.Node, error) { return op.LogSubset(a, a, 0) },
			"softmax of no axis":   func() (*G.Node, error) { return op.SuccessiveSoftmax(s, s, 1) },
			"four softmaxes":       func() (*G.Node, error) { return op.SuccessiveSoftmax(a, s, 4) },
			"no softmax":           func() (*G.Node, error) { return op.StraightThroughTopK(a, s, 0) },
			"many temperatures":    func() (*G.Node, error) { return op.StraightThroughTopK(a, v, 2) },
			"no temperature":       func() (*G.Node, error) { return op.SuccessiveSoftmax(a, nil, 2) },
			"draws of no batch":    func() (*G.Node, error) { return op.SequentialKL(v, v, v, 1) },
			"draws of others":      func() (*G.Node, error) { return op.SequentialKL(a, b, a, 1) },
			"keys of others":       func() (*G.Node, error) { return op.SequentialKL(a, a, b, 1) },
			"no draws":             func() (*G.Node, error) { return op.SequentialKL(a, a, a, 0) },
			"four draws":           func() (*G.Node, error) { return op.SequentialKL(a, a, a, 4) },
			"cumsum of a scalar":   func() (*G.Node, error) { return op.CumSum(s) },
			"straight-through":     func() (*G.Node, error) { return op.StraightThrough(a, b) },
			"triangle":             func() (*G.Node, error) { return op.LowerTriangle(a, 0) },
			"diagonal":             func() (*G.Node, error) { return op.Diagonal(v) },
			"diagonal matrix":      func() (*G.Node, error) { return op.DiagonalMatrix(a) },
			"no square to solve":   func() (*G.Node, error) { return op.TriSolve(a, a, false) },
			"right sides": func() (*G.Node, error) {
				var e op.Expr
				return e.Node(e.Of(op.TriSolve(e.Of(op.MatMul(a, b, false, false)), a, false)))
			},
			"tensor of other size": func() (*G.Node, error) { return op.TensorLike(a, []float64{1, 2}, 3) },
			"tensor without size":  func() (*G.Node, error) { return op.TensorLike(a, nil, 0) },
			"tensor like nothing":  func() (*G.Node, error) { return op.TensorLike(nil, []float64{1}, 1) },
			"error inside a formula": func() (*G.Node, error) {
				var e op.Expr
				return e.Node(e.Of(op.Exp(e.Of(op.Add(a, b)))))
			},
		} {
			n, err := try()
			if err == nil || n != nil {
				t.Errorf("%s: got %v and error %v, want an error", name, n, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What an op does not claim is an error that names it.
func TestNoFurtherDerivative(t *testing.T) {
	_, err := program.Build(func(g *program.Graph[float64]) error {
		x, err := g.Input("x", 2)
		if err != nil {
			return err
		}
		n, err := op.XCothM1(x.Node)
		for range 4 {
			if err != nil {
				return err
			}
			if n, err = op.SumAll(n); err != nil {
				return err
			}
			var d G.Nodes
			if d, err = autodiff.Gradient(n, x.Node); err == nil {
				n = d[0]
			}
		}
		return err
	})
	if !errors.Is(err, op.ErrNotDifferentiable) || !strings.Contains(err.Error(), "xcothm1") {
		t.Errorf("the third derivative of xcoth: %v, want an error that names it", err)
	}
}

// Constants that are no part of an op's inputs keep equal applications apart.
func TestConstantsAreHashed(t *testing.T) {
	for name, f := range map[string]func(x *G.Node, c float64) (*G.Node, error){
		"dot": func(x *G.Node, c float64) (*G.Node, error) { return op.DotLast(x, []float64{1, 2, c}) },
		"lines": func(x *G.Node, c float64) (*G.Node, error) {
			return op.LinesLast(x, []float64{1, 2, 3}, []float64{0, c, 0})
		},
		"pad":  func(x *G.Node, c float64) (*G.Node, error) { return op.PadLast(x, 1, 0, c) },
		"topk": func(x *G.Node, c float64) (*G.Node, error) { return op.TopK(x, int(c)) },
		"softs": func(x *G.Node, c float64) (*G.Node, error) {
			return op.SuccessiveSoftmax(x, temperature(x), int(c))
		},
		"draws":   func(x *G.Node, c float64) (*G.Node, error) { return op.SequentialKL(x, x, x, int(c)) },
		"logtail": func(x *G.Node, c float64) (*G.Node, error) { return op.LogTail(x, poisson, int(c)) },
		"law": func(x *G.Node, c float64) (*G.Node, error) {
			return op.CensoredLogits(x, []op.Counts{poisson, geometric}[int(c)-1], 3)
		},
	} {
		_, err := program.Build(func(g *program.Graph[float64]) error {
			x, err := g.Input("x", 2, 3)
			if err != nil {
				return err
			}
			a, err := f(x.Node, 1)
			if err != nil {
				return err
			}
			b, err := f(x.Node, 2)
			if a == b {
				t.Errorf("%s: two ops of different constants are one node", name)
			}
			return err
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The probability of a set has one derivative; the gradient of the gradient is an error that names it. Its value and
// gradient are those of the sum over all orders, of weights that are near each other and of weights whose ratios no
// float64 holds.
func TestLogSubset(t *testing.T) {
	for _, c := range []struct{ φ, mask []float64 }{
		{[]float64{0.3, -1, 2}, []float64{1, 0, 1}},
		{[]float64{0.3, -1, 2, 0.5}, []float64{1, 1, 1, 1}},
		{[]float64{30, -10, 20, 1, -3}, []float64{0, 1, 0, 1, 1}},
		{[]float64{0, -800, -1600, -200}, []float64{1, 1, 0, 1}},
		{[]float64{0, -800, -1600, -200}, []float64{1, 1, 1, 1}},
		{[]float64{0, 300, -300}, []float64{1, 0, 1}},
	} {
		checkLogSubset(t, c.φ, c.mask)
	}
}

// logOrders is the logarithm of the sum of the probabilities of all orders in which the marked elements come after the
// drawn ones.
func logOrders(φ, mask []float64) float64 {
	var left, all []float64
	for i, v := range φ {
		left = append(left, v)
		if mask[i] != 1 {
			continue
		}
		rest, mrest := slices.Delete(slices.Clone(φ), i, i+1), slices.Delete(slices.Clone(mask), i, i+1)
		all = append(all, v+logOrders(rest, mrest))
	}
	if len(all) == 0 {
		return 0
	}
	stable := func(x []float64) float64 {
		top, sum := slices.Max(x), 0.
		for _, v := range x {
			sum += math.Exp(v - top)
		}
		return top + math.Log(sum)
	}
	return stable(all) - stable(left)
}

func checkLogSubset(t *testing.T, φ, mask []float64) {
	t.Helper()
	var again error // of differentiating twice
	k := 0
	for _, m := range mask {
		k += int(m)
	}
	outs := make(map[string]*G.Node)
	g, err := program.Build(func(g *program.Graph[float64]) error {
		x, err := g.Input("x", 1, len(φ))
		if err != nil {
			return err
		}
		marks, err := g.Input("mask", 1, len(φ))
		if err != nil {
			return err
		}
		copy(x.Data, φ)
		copy(marks.Data, mask)
		var e op.Expr
		lp := e.Of(op.LogSubset(x.Node, marks.Node, k))
		grads, err := autodiff.Gradient(e.Of(op.SumAll(lp)), x.Node, marks.Node)
		if err != nil {
			return err
		}
		outs["lp"], outs["grad"], outs["mask"] = lp, grads[0], grads[1]
		_, again = autodiff.Gradient(e.Of(op.SumAll(e.Of(op.Square(grads[0])))), x.Node)
		return e.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	prog, err := program.Compile(g, program.Outputs{Plain: outs})
	if err != nil {
		t.Fatal(err)
	}
	if err := prog.Run(); err != nil {
		t.Fatal(err)
	}
	want := make([]float64, len(φ))
	for i := range want {
		const h = 1e-5
		up, down := slices.Clone(φ), slices.Clone(φ)
		up[i] += h
		down[i] -= h
		want[i] = (logOrders(up, mask) - logOrders(down, mask)) / (2 * h)
	}
	near(t, fmt.Sprint("log-probability ", φ, mask), prog.Output("lp"), []float64{logOrders(φ, mask)}, 1e-14)
	near(t, "gradient of the mask", prog.Output("mask"), make([]float64, len(φ)), 0)
	near(t, fmt.Sprint("gradient ", φ, mask), prog.Output("grad"), want, 1e-7) // values of 10³ differ by 10⁻⁵
	if !errors.Is(again, op.ErrNotDifferentiable) || !strings.Contains(again.Error(), "logsubsetgrad") {
		t.Errorf("the second derivative: %v, want an error that names it", again)
	}
}

// A view whose elements do not lie in row-major order is refused, not misread.
func TestFloatsRefusesViewsOutOfOrder(t *testing.T) {
	m := tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{1, 2, 3, 4, 5, 6}))
	if got, err := op.Floats[float64](m); err != nil || !slices.Equal(got, []float64{1, 2, 3, 4, 5, 6}) {
		t.Errorf("in order: %v, error %v", got, err)
	}
	columnMajor := tensor.New(tensor.WithShape(2, 3), tensor.AsFortran([]float64{1, 4, 2, 5, 3, 6}))
	if got, err := op.Floats[float64](columnMajor); err == nil {
		t.Errorf("column by column: %v, want an error", got)
	}
	if err := m.T(); err != nil {
		t.Fatal(err)
	}
	if got, err := op.Floats[float64](m); err == nil {
		t.Errorf("transposed: %v, want an error", got)
	}
	whole := tensor.New(tensor.WithShape(3, 4), tensor.WithBacking(make([]float64, 12)))
	columns, err := whole.Slice(nil, tensor.S(0, 2))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := op.Floats[float64](columns.(*tensor.Dense)); err == nil {
		t.Errorf("columns of a matrix: %v, want an error", got)
	}
}

// Gorgonia takes two nodes for one if the hashes of their inputs agree. These two names have one FNV-1a hash.
func TestMergedNodesAreErrors(t *testing.T) {
	_, err := program.Build(func(g *program.Graph[float64]) error {
		u, err := g.Input("layer148991.weight", 2)
		if err != nil {
			return err
		}
		v, err := g.Input("layer1711330.weight", 2)
		if err != nil {
			return err
		}
		if u.Node == v.Node || u.Node.Hashcode() != v.Node.Hashcode() {
			t.Fatal("the inputs do not clash, so they test nothing")
		}
		if _, err := op.Exp(u.Node); err != nil {
			return err
		}
		_, err = op.Exp(v.Node)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "hash") {
		t.Errorf("error %v, want one that speaks of the hash", err)
	}
}
