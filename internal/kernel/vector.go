package kernel

import "math"

// Mul computes dst[i] = a[i]·b[i]. The three slices have equal length; dst may
// be a or b.
func Mul(dst, a, b []float32) { use.mul(dst, a[:len(dst)], b[:len(dst)]) }

// Add computes dst[i] = a[i] + b[i]. The three slices have equal length; dst may
// be a or b.
func Add(dst, a, b []float32) { use.add(dst, a[:len(dst)], b[:len(dst)]) }

// FromBytes computes dst[i] = src[i]/255, the value of an 8-bit grey level. The
// slices have equal length.
func FromBytes(dst []float32, src []byte) { use.fromBytes(dst, src[:len(dst)]) }

// Sum returns Σ x[i]; zero if x is empty.
func Sum(x []float32) float32 { return use.sum(x) }

// SumSquares returns Σ x[i]², squared and added in float64; zero if x is empty.
func SumSquares(x []float32) float64 { return use.sumSquares(x) }

// Max returns the largest element of x: NaN if an element is NaN, −Inf if x is
// empty.
func Max(x []float32) float32 { return use.max(x) }

// ColumnSums computes dst[c] = Σ_r x[r,c] of a row-major rows×cols matrix, adding
// the rows from first to last. dst has cols elements.
func ColumnSums(dst, x []float32, rows, cols int) {
	dst, x = dst[:cols], x[:rows*cols]
	clear(dst)
	for ; len(x) > 0; x = x[cols:] {
		use.add(dst, dst, x[:cols])
	}
}

func mulGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] * b[i]
	}
}

func addGo(dst, a, b []float32) {
	for i := range dst {
		dst[i] = a[i] + b[i]
	}
}

func scaleGo(dst []float32, alpha float32) {
	for i := range dst {
		dst[i] *= alpha
	}
}

func fromBytesGo(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(src[i]) / 255
	}
}

func sumGo(x []float32) float32 {
	var s0, s1, s2, s3 float32
	for ; len(x) >= 4; x = x[4:] {
		s0 += x[0]
		s1 += x[1]
		s2 += x[2]
		s3 += x[3]
	}
	for _, v := range x {
		s0 += v
	}
	return (s0 + s1) + (s2 + s3)
}

func sumSquaresGo(x []float32) float64 {
	var s0, s1 float64
	for ; len(x) >= 2; x = x[2:] {
		s0 += float64(x[0]) * float64(x[0])
		s1 += float64(x[1]) * float64(x[1])
	}
	for _, v := range x {
		s0 += float64(v) * float64(v)
	}
	return s0 + s1
}

func maxGo(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		m = max(m, v)
	}
	return m
}
