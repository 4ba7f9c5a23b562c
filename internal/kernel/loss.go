package kernel

import (
	"math"
	"sync"
)

// SoftmaxRows computes dst[r,c] = e^x[r,c] / Σ_j e^x[r,j] for each row of a
// row-major matrix with cols columns, without overflow for any finite x. The
// slices have equal length; dst may be x. A row of −Inf alone has no softmax and
// gives NaN.
func SoftmaxRows(dst, x []float32, cols int) {
	checkRows(len(dst), cols)
	x = x[:len(dst)]
	if cols <= shortRow {
		for i := 0; i < len(x); i += cols {
			row := x[i : i+cols]
			shift(dst[i:i+cols], row, maxGo(row))
		}
		use.exp(dst, dst)
		for i := 0; i < len(dst); i += cols {
			row := dst[i : i+cols]
			scaleGo(row, 1/total(row))
		}
		return
	}
	for i := 0; i < len(dst); i += cols {
		out, row := dst[i:i+cols], x[i:i+cols]
		sum := use.expShifted(out, row, use.max(row))
		use.scale(out, 1/sum)
	}
}

// LogSumExpRows computes dst[r] = ln Σ_c e^x[r,c] for each row of a row-major
// matrix with len(dst) rows and cols columns, without overflow for any finite x.
// It is −Inf if cols is zero. dst must not overlap x.
func LogSumExpRows(dst, x []float32, cols int) {
	x = x[:len(dst)*cols]
	s := rowScratches.Get().(*rowScratch)
	for len(dst) > 0 {
		tops := dst[:min(len(dst), rowBlock)]
		sums := s.sums[:len(tops)]
		block := x[:len(tops)*cols]
		if cols <= shortRow {
			e := s.e[:len(block)]
			for r := range tops {
				row := block[r*cols : (r+1)*cols]
				tops[r] = maxGo(row)
				shift(e[r*cols:(r+1)*cols], row, tops[r])
			}
			use.exp(e, e)
			for r := range sums {
				sums[r] = total(e[r*cols : (r+1)*cols])
			}
		} else {
			for r := range tops {
				row := block[r*cols : (r+1)*cols]
				tops[r] = use.max(row)
				sums[r] = use.sumExp(row, tops[r])
			}
		}
		use.log(sums, sums)
		for r, top := range tops {
			if !math.IsInf(float64(top), 0) { // x − top would be NaN.
				tops[r] = top + sums[r]
			}
		}
		dst, x = dst[len(tops):], x[len(block):]
	}
	rowScratches.Put(s)
}

// LogSoftmaxRows computes dst[r,c] = x[r,c] − ln Σ_j e^x[r,j] for each row of a
// row-major matrix with cols columns, without overflow for any finite x. The
// slices have equal length; dst may be x.
func LogSoftmaxRows(dst, x []float32, cols int) {
	checkRows(len(dst), cols)
	x = x[:len(dst)]
	s := rowScratches.Get().(*rowScratch)
	for len(dst) > 0 {
		lse := s.lse[:min(len(dst)/cols, rowBlock)]
		LogSumExpRows(lse, x, cols)
		for r, v := range lse {
			shift(dst[r*cols:(r+1)*cols], x[r*cols:(r+1)*cols], v)
		}
		dst, x = dst[len(lse)*cols:], x[len(lse)*cols:]
	}
	rowScratches.Put(s)
}

// shortRow is the length up to which rows go through the exponential together,
// because a call for each would cost more than the work.
const shortRow = 10

// rowBlock is the number of rows done at a time.
const rowBlock = 64

type rowScratch struct {
	e         [rowBlock * shortRow]float32
	sums, lse [rowBlock]float32
}

var rowScratches = sync.Pool{New: func() any { return new(rowScratch) }}

func checkRows(elements, cols int) {
	if elements > 0 && (cols < 1 || elements%cols != 0) {
		panic("kernel: the elements do not fill rows")
	}
}

// shift computes dst = x − by.
func shift(dst, x []float32, by float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = v - by
	}
}

// total adds a short row from first to last.
func total(x []float32) float32 {
	var sum float32
	for _, v := range x {
		sum += v
	}
	return sum
}

// BernoulliNLL returns the negative log-likelihood of targets t under Bernoulli
// logits l, Σ softplus(l) − t·l over one row. Targets may be anything between 0
// and 1. The slices have equal length. No logit overflows.
func BernoulliNLL(l, t []float32) float32 { return use.bernoulliNLL(l, t[:len(l)]) }

// BernoulliNLLGrad computes the gradient of g times [BernoulliNLL] with respect
// to the logits, dst[i] = g·(σ(l[i]) − t[i]). The slices have equal length; dst
// may be l or t.
func BernoulliNLLGrad(dst, l, t []float32, g float32) {
	use.bernoulliNLLGrad(dst, l[:len(dst)], t[:len(dst)], g)
}

// expShiftedGo computes dst = e^(x−shift) and returns its sum.
func expShiftedGo(dst, x []float32, shift float32) float32 {
	var sum float32
	for i, v := range x {
		e := float32(exp(float64(v - shift)))
		dst[i] = e
		sum += e
	}
	return sum
}

// sumExpGo returns Σ e^(x−shift).
func sumExpGo(x []float32, shift float32) float32 {
	var sum float32
	for _, v := range x {
		sum += float32(exp(float64(v - shift)))
	}
	return sum
}

func bernoulliNLLGo(l, t []float32) float32 {
	var sum float64
	for i, v := range l {
		x := float64(v)
		sum += max(x, 0) - float64(t[i])*x + log1p(exp(-math.Abs(x)))
	}
	return float32(sum)
}

func bernoulliNLLGradGo(dst, l, t []float32, g float32) {
	for i, v := range l {
		dst[i] = g * (sigmoid(v) - t[i])
	}
}
