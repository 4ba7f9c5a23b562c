package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// loop is any element-wise loop, made uniform: dst from the operands a and b,
// some of which it ignores.
type loop struct {
	name string
	run  func(dst, a, b []float32)
	want func(a, b float64) float64
	ulp  float64 // bound on the error in units of the last place of the largest term
}

const gradScale = float32(0.37)

func loopsUnderTest() []loop {
	list := []loop{
		{"Mul", Mul, func(a, b float64) float64 { return a * b }, 0.5},
		{"Add", Add, func(a, b float64) float64 { return a + b }, 0.5},
		{"BernoulliNLLGrad", func(dst, a, b []float32) { BernoulliNLLGrad(dst, a, b, gradScale) },
			func(a, b float64) float64 { return float64(gradScale) * (sigmoidRef(a) - b) }, 8},
	}
	for _, f := range elementary {
		list = append(list, loop{f.name, func(dst, a, _ []float32) { f.f(dst, a) },
			func(a, _ float64) float64 { return f.want(a) }, ulpBound})
	}
	for act := range activations {
		f := activationRefs[act]
		list = append(list,
			loop{"BiasActivate " + f.name, func(dst, a, b []float32) {
				copy(dst, a)
				BiasActivate(act, dst, 1, len(dst), b)
			}, func(a, b float64) float64 { return f.value(float64(float32(a) + float32(b))) }, ulpBound},
			loop{"BiasActivate without bias " + f.name, func(dst, a, _ []float32) {
				copy(dst, a)
				BiasActivate(act, dst, len(dst), 1, nil)
			}, func(a, _ float64) float64 { return f.value(a) }, ulpBound},
			loop{"ActivateGrad " + f.name, func(dst, a, b []float32) { ActivateGrad(act, dst, a, b) },
				func(a, b float64) float64 { return b * f.derivative(a) }, 6})
	}
	return list
}

// activationRefs holds each activation and its derivative by the output.
var activationRefs = [activations]struct {
	name              string
	value, derivative func(float64) float64
}{
	ActIdentity: {"identity", func(x float64) float64 { return x }, func(float64) float64 { return 1 }},
	ActReLU:     {"ReLU", func(x float64) float64 { return max(x, 0) }, func(y float64) float64 { return step(y, 0) }},
	ActTanh:     {"tanh", math.Tanh, func(y float64) float64 { return 1 - y*y }},
	ActLeakyReLU: {"leaky ReLU", func(x float64) float64 { return max(x, LeakySlope*x) },
		func(y float64) float64 { return step(y, LeakySlope) }},
	ActSoftplus: {"softplus", softplusRef, func(y float64) float64 { return -math.Expm1(-y) }},
	ActSigmoid:  {"sigmoid", sigmoidRef, func(y float64) float64 { return y * (1 - y) }},
}

func step(y, below float64) float64 {
	if y > 0 {
		return 1
	}
	return below
}

// TestElementwise checks each loop at every length and several offsets: values,
// the cells beyond the ends, results in place, and independence of cuts.
func TestElementwise(t *testing.T) {
	const pad = 20
	atEachLevel(t, func(t *testing.T) {
		r := newRand(5)
		for _, l := range loopsUnderTest() {
			for n := range 201 {
				offset := n % 5
				a, b := normals(r, n+offset)[offset:], normals(r, n+offset)[offset:]
				buffer := normals(r, n+2*pad+offset)
				dst, before := buffer[pad+offset:pad+offset+n], slices.Clone(buffer)
				old := slices.Clone(dst)
				l.run(dst, a, b)
				sameBits(t, l.name+" before dst", buffer[:pad+offset], before[:pad+offset])
				sameBits(t, l.name+" behind dst", buffer[pad+offset+n:], before[pad+offset+n:])
				for i := range dst {
					want := l.want(float64(a[i]), float64(b[i]))
					scale := max(math.Abs(want), math.Abs(float64(b[i])))
					tolerance := l.ulp * scale * 0x1p-23
					bothNaN := dst[i] != dst[i] && math.IsNaN(want)
					if !bothNaN && !(math.Abs(float64(dst[i])-want) <= tolerance) {
						t.Fatalf("%s, element %d of %d: %v from %v, %v; want %v within %.2g",
							l.name, i, n, dst[i], a[i], b[i], want, tolerance)
					}
				}
				cut := slices.Clone(old)
				for i := 0; i < n; i += 64 {
					end := min(i+64, n)
					l.run(cut[i:end], a[i:end], b[i:end])
				}
				sameBits(t, fmt.Sprintf("%s of %d in pieces of 64", l.name, n), cut, dst)
				l.run(a, a, b)
				sameBits(t, l.name+" in place", a, dst)
			}
		}
	})
}

func TestReductions(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		r := newRand(6)
		for n := range 300 {
			offset := n % 3
			x := normals(r, n+offset+50)[offset:]
			targets := normals(r, n)
			for i := range targets {
				targets[i] = float32(sigmoidRef(float64(targets[i])))
			}
			for i := n; i < len(x); i++ {
				x[i] = float32(math.NaN()) // must not be read
			}
			x = x[:n]
			var sum, size, squares, exps, nll float64
			top := math.Inf(-1)
			for i, v := range x {
				sum += float64(v)
				size += math.Abs(float64(v))
				squares += float64(v) * float64(v)
				top = max(top, float64(v))
				exps += math.Exp(float64(v))
				nll += softplusRef(float64(v)) - float64(v)*float64(targets[i])
			}
			within(t, "Sum", n, float64(Sum(x)), sum, float64(n)*size*0x1p-24)
			within(t, "SumSquares", n, SumSquares(x), squares, float64(n)*squares*0x1p-52)
			within(t, "Max", n, float64(Max(x)), top, 0)
			within(t, "LogSumExp", n, logSumExp(x), math.Log(exps), 1e-6*max(1, math.Abs(top)))
			within(t, "BernoulliNLL", n, float64(BernoulliNLL(x, targets)), nll, float64(n+8)*nll*0x1p-23)
			p := make([]float32, n)
			SoftmaxRows(p, x, n)
			for i, v := range x {
				want := math.Exp(float64(v)) / exps
				within(t, "Softmax", n, float64(p[i]), want, float64(n+16)*want*0x1p-23)
			}
		}
	})
}

// logSumExp is that of one row.
func logSumExp(x []float32) float64 {
	var dst [1]float32
	LogSumExpRows(dst[:], x, len(x))
	return float64(dst[0])
}

func within(t *testing.T, what string, n int, got, want, tolerance float64) {
	t.Helper()
	if got != want && !(math.Abs(got-want) <= tolerance) {
		t.Fatalf("%s of %d: %v, want %v within %.2g", what, n, got, want, tolerance)
	}
}

func TestReductionLimits(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	atEachLevel(t, func(t *testing.T) {
		for n := 1; n < 150; n++ {
			x := make([]float32, n)
			for i := range x {
				x[i] = -inf
			}
			within(t, "Max of −Inf", n, float64(Max(x)), math.Inf(-1), 0)
			within(t, "LogSumExp of −Inf", n, logSumExp(x), math.Inf(-1), 0)
			x[n/2] = 3
			within(t, "LogSumExp of one", n, logSumExp(x), 3, 0)
			p := make([]float32, n)
			SoftmaxRows(p, x, n)
			within(t, "Softmax of one", n, float64(p[n/2]), 1, 0)
			within(t, "Softmax of one, total", n, float64(Sum(p)), 1, 0)
			for i := range x {
				x[i] = 1e4
			}
			within(t, "LogSumExp of 1e4", n, logSumExp(x), 1e4+math.Log(float64(n)), 1e-3)
			x[n/3] = inf
			within(t, "LogSumExp of Inf", n, logSumExp(x), math.Inf(1), 0)
			x[n-1] = nan
			if m := Max(x); m == m {
				t.Fatalf("Max of %d with NaN last is %v", n, m)
			}
			x[n-1], x[0] = 0, nan
			if m := Max(x); m == m {
				t.Fatalf("Max of %d with NaN first is %v", n, m)
			}
		}
		// A certain and right prediction costs nothing, a wrong one its logit.
		for _, c := range []struct{ l, t, want float32 }{{1e4, 1, 0}, {-1e4, 0, 0}, {1e4, 0, 1e4}, {-1e4, 1, 1e4}, {0, 0.5, math.Ln2}} {
			got := BernoulliNLL([]float32{c.l}, []float32{c.t})
			within(t, fmt.Sprintf("BernoulliNLL(%v, %v)", c.l, c.t), 1, float64(got), float64(c.want), 1e-7)
		}
	})
}

// TestRows has rows short and long, more than one block of them, and rows without
// a softmax among the others. Each must have the bits that it has alone.
func TestRows(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	atEachLevel(t, func(t *testing.T) {
		r := newRand(11)
		const rows = 2*rowBlock + 2
		for cols := range 40 {
			x := normals(r, rows*cols)
			for i, v := range []float32{inf, -inf, nan, 1e4, -1e4} {
				row := x[20*i*cols:][:cols]
				for j := range row {
					row[j] = v
				}
			}
			softmax, logSoftmax, lse := make([]float32, len(x)+1), make([]float32, len(x)+1), make([]float32, rows+1)
			softmax[len(x)], logSoftmax[len(x)], lse[rows] = guard, guard, guard
			SoftmaxRows(softmax[:len(x)], x, cols)
			LogSoftmaxRows(logSoftmax[:len(x)], x, cols)
			LogSumExpRows(lse[:rows], x, cols)
			if softmax[len(x)] != guard || logSoftmax[len(x)] != guard || lse[rows] != guard {
				t.Fatalf("wrote behind the end of rows of %d", cols)
			}
			alone, one := make([]float32, cols), make([]float32, 1)
			for i := range rows {
				row := x[i*cols : (i+1)*cols]
				what := fmt.Sprintf("row %d of %d columns", i, cols)
				SoftmaxRows(alone, row, cols)
				sameBits(t, "softmax of "+what, softmax[i*cols:(i+1)*cols], alone)
				LogSumExpRows(one, row, cols)
				sameBits(t, "log Σ exp of "+what, lse[i:i+1], one)
				var top, exps float64 = math.Inf(-1), 0
				for _, v := range row {
					top = max(top, float64(v))
				}
				for j, v := range row {
					exps += math.Exp(float64(v) - top)
					got, want := logSoftmax[i*cols+j], v-one[0]
					if got != want && (got == got || want == want) {
						t.Fatalf("log-softmax of %s: %v, want %v", what, got, want)
					}
				}
				switch want := top + math.Log(exps); {
				case math.IsInf(top, 0):
					within(t, "log Σ exp of "+what, i, float64(one[0]), top, 0)
				case cols > 0 && math.IsNaN(top):
					if one[0] == one[0] {
						t.Fatalf("log Σ exp of %s is %v, want NaN", what, one[0])
					}
				default: // Roundings of the sum, of the logarithm and of the result.
					within(t, "log Σ exp of "+what, i, float64(one[0]), want, float64(cols+8)*0x1p-24+math.Abs(want)*0x1p-23)
				}
				for j, v := range row {
					if want := math.Exp(float64(v)-top) / exps; !math.IsNaN(want) {
						within(t, "softmax of "+what, j, float64(alone[j]), want, float64(cols+16)*want*0x1p-23)
					} else if alone[j] == alone[j] {
						t.Fatalf("softmax of %s is %v, want NaN", what, alone[j])
					}
				}
			}
			inPlace := slices.Clone(x)
			SoftmaxRows(inPlace, inPlace, cols)
			sameBits(t, "softmax in place", inPlace, softmax[:len(x)])
			copy(inPlace, x)
			LogSoftmaxRows(inPlace, inPlace, cols)
			sameBits(t, "log-softmax in place", inPlace, logSoftmax[:len(x)])
		}
	})
}

func TestRowsByHand(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		x := []float32{0, 0, float32(math.Log(3)), 0}
		p, lse := make([]float32, 4), make([]float32, 2)
		SoftmaxRows(p, x, 2)
		for i, want := range []float64{0.5, 0.5, 0.75, 0.25} {
			within(t, "softmax", i, float64(p[i]), want, 2e-7)
		}
		LogSumExpRows(lse, x, 2)
		for i, want := range []float64{math.Ln2, 2 * math.Ln2} {
			within(t, "log Σ exp", i, float64(lse[i]), want, 2e-7)
		}
	})
}

func TestRowsRejectUneven(t *testing.T) {
	x := make([]float32, 7)
	for _, f := range []func(){
		func() { SoftmaxRows(x, x, 2) },
		func() { SoftmaxRows(x, x, 0) },
		func() { LogSoftmaxRows(x, x, 3) },
		func() { LogSoftmaxRows(x, x, -1) },
		func() { LogSumExpRows(x, x, 2) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
}

func TestFromBytes(t *testing.T) {
	src := make([]byte, 301)
	for i := range src {
		src[i] = byte(255 - i)
	}
	atEachLevel(t, func(t *testing.T) {
		for n := range src {
			dst := make([]float32, n+1)
			dst[n] = guard
			FromBytes(dst[:n], src[:n])
			for i := range n {
				if want := float32(src[i]) / 255; dst[i] != want {
					t.Fatalf("%d of %d: %v, want %v", i, n, dst[i], want)
				}
			}
			if dst[n] != guard {
				t.Fatalf("wrote behind the end of %d", n)
			}
		}
	})
}

func TestColumnSums(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		r := newRand(7)
		for _, s := range [][2]int{{0, 3}, {1, 1}, {3, 0}, {5, 40}, {128, 20}, {17, 400}} {
			rows, cols := s[0], s[1]
			x, dst := normals(r, rows*cols), normals(r, cols)
			ColumnSums(dst, x, rows, cols)
			for c := range cols {
				var sum, size float64
				for row := range rows {
					sum += float64(x[row*cols+c])
					size += math.Abs(float64(x[row*cols+c]))
				}
				within(t, "ColumnSums", c, float64(dst[c]), sum, float64(rows)*size*0x1p-24)
			}
		}
	})
}

func TestBiasActivateRows(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		r := newRand(8)
		const rows, cols = 5, 37
		y, bias := normals(r, rows*cols), normals(r, cols)
		want := slices.Clone(y)
		for i := range want {
			want[i] = max(want[i]+bias[i%cols], 0)
		}
		BiasActivate(ActReLU, y, rows, cols, bias)
		sameBits(t, "bias and ReLU of a matrix", y, want)
		big := normals(r, 3*len(zeros)+5)
		want = slices.Clone(big)
		for i := range want {
			want[i] = max(want[i], 0)
		}
		BiasActivate(ActReLU, big, 1, len(big), nil)
		sameBits(t, "ReLU of many", big, want)
	})
}

func TestRowsAllocateNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	x, dst := make([]float32, 300), make([]float32, 300)
	for _, cols := range []int{2, 50} {
		if allocs := testing.AllocsPerRun(50, func() {
			SoftmaxRows(dst, x, cols)
			LogSoftmaxRows(dst, x, cols)
			LogSumExpRows(dst[:300/cols], x, cols)
		}); allocs >= 1 {
			t.Errorf("%v allocations for rows of %d, want 0", allocs, cols)
		}
	}
}
