package env

import "math"

// sincos returns sine and cosine of x for |x| < 10⁵, each within 0.75 units in the last place; beyond ±π/4 and close
// to a zero, within 10⁻²⁰. Package math is as accurate, but its sums and products are fused on some processors and build
// levels and not on others. Here no product is, so the bits are the same everywhere.
//
// The argument is brought to r + tail with |r| ≤ π/4 by subtracting a multiple of π/2, whose upper 33 bits multiply
// without rounding; Taylor polynomials do the rest.
func sincos(x float64) (sin, cos float64) {
	if math.Abs(x) <= math.Pi/4 {
		return sinKernel(x, 0), cosKernel(x, 0)
	}
	const (
		halfPiHead = 0x1.921fb544p+0             // 33 bits of π/2
		halfPiTail = math.Pi/2 - 0x1.921fb544p+0 // constant arithmetic is exact: 53 more bits
	)
	n := math.RoundToEven(x * (2 / math.Pi))
	head := x - float64(n*halfPiHead)
	back := float64(n * halfPiTail)
	r := head - back
	tail := (head - r) - back
	s, c := sinKernel(r, tail), cosKernel(r, tail)
	switch int64(n) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	default:
		return -c, s
	}
}

// cosine is the second value of sincos alone.
func cosine(x float64) float64 {
	_, c := sincos(x)
	return c
}

// sinKernel returns sin(r + tail) for |r| ≤ π/4 and a tail below the last place of r:
// r - r³/3! + r⁵/5! - … ± r¹⁷/17! + tail·(1 - r²/2). What follows the leading r is small and so is its rounding.
func sinKernel(r, tail float64) float64 {
	z := float64(r * r)
	p := 1.0 / 355687428096000
	p = float64(p*z) - 1.0/1307674368000
	p = float64(p*z) + 1.0/6227020800
	p = float64(p*z) - 1.0/39916800
	p = float64(p*z) + 1.0/362880
	p = float64(p*z) - 1.0/5040
	p = float64(p*z) + 1.0/120
	p = float64(p*z) - 1.0/6
	return r + (float64(float64(p*z)*r) + float64(tail*(1-float64(0.5*z))))
}

// cosKernel returns cos(r + tail) for |r| ≤ π/4: 1 - r²/2! + r⁴/4! - … ± r¹⁸/18! - tail·r. The rounding error of
// 1 - r²/2 is recovered and added to the small terms.
func cosKernel(r, tail float64) float64 {
	z := float64(r * r)
	p := -1.0 / 6402373705728000
	p = float64(p*z) + 1.0/20922789888000
	p = float64(p*z) - 1.0/87178291200
	p = float64(p*z) + 1.0/479001600
	p = float64(p*z) - 1.0/3628800
	p = float64(p*z) + 1.0/40320
	p = float64(p*z) - 1.0/720
	p = float64(p*z) + 1.0/24
	half := float64(0.5 * z)
	lead := 1 - half
	return lead + (((1 - lead) - half) + (float64(float64(p*z)*z) - float64(tail*r)))
}
