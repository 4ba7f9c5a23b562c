package kernel

import "math"

// Exp computes dst[i] = e^x[i]. In this and the following functions the slices
// have equal length and dst may be x; the package comment states the error bound.
func Exp(dst, x []float32) { use.exp(dst, x[:len(dst)]) }

// Log computes dst[i] = ln x[i]: −Inf at zero and NaN below it.
func Log(dst, x []float32) { use.log(dst, x[:len(dst)]) }

// Log1p computes dst[i] = ln(1 + x[i]), accurate near zero: −Inf at −1 and NaN
// below it.
func Log1p(dst, x []float32) { use.log1p(dst, x[:len(dst)]) }

// Sigmoid computes dst[i] = 1/(1 + e^(−x[i])), accurate in relative terms down to
// the smallest float32.
func Sigmoid(dst, x []float32) { use.sigmoid(dst, x[:len(dst)]) }

// Softplus computes dst[i] = ln(1 + e^x[i]), accurate in relative terms down to
// the smallest float32.
func Softplus(dst, x []float32) { use.softplus(dst, x[:len(dst)]) }

// Tanh computes dst[i] = tanh x[i].
func Tanh(dst, x []float32) { use.tanh(dst, x[:len(dst)]) }

// The plain Go forms work in float64 with polynomials just long enough for
// float32: no fused multiply-add is needed, and the conversion of the result
// rounds, overflows and underflows as it should.

func expGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(exp(float64(v)))
	}
}

func logGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(log(float64(v)))
	}
}

func log1pGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = float32(log1p(float64(v)))
	}
}

func sigmoidGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = sigmoid(v)
	}
}

func softplusGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = softplus(v)
	}
}

func tanhGo(dst, x []float32) {
	for i, v := range x {
		dst[i] = tanh(v)
	}
}

func sigmoid(x float32) float32 {
	e := exp(-math.Abs(float64(x)))
	if x < 0 {
		return float32(e / (1 + e))
	}
	return float32(1 / (1 + e))
}

func softplus(x float32) float32 {
	return float32(float64(max(x, 0)) + log1p(exp(-math.Abs(float64(x)))))
}

// tanh x = (e^2x − 1)/(e^2x + 1).
func tanh(x float32) float32 {
	e := expm1(2 * math.Abs(float64(min(max(x, -20), 20))))
	return float32(math.Copysign(e/(e+2), float64(x)))
}

// split writes e^x = 2^n·(1 + q) with |ln(1+q)| ≤ ln2/2, for x clamped to where
// the result neither vanishes nor overflows in float32.
func split(x float64) (pow2, q float64) {
	if x < -105 {
		x = -105
	} else if x > 89 {
		x = 89
	}
	n := math.Floor(x*math.Log2E + 0.5)
	r := x - n*math.Ln2
	q = r + r*r*(1.0/2+r*(1.0/6+r*(1.0/24+r*(1.0/120+r*(1.0/720+r*(1.0/5040))))))
	return math.Float64frombits(uint64(int64(n)+1023) << 52), q
}

func exp(x float64) float64 {
	pow2, q := split(x)
	return pow2 + pow2*q
}

func expm1(x float64) float64 {
	pow2, q := split(x)
	return pow2 - 1 + pow2*q
}

// log is the series ln(1+f) = 2·artanh(f/(2+f)) after x = 2^n·(1+f) with 1+f
// between √½ and √2.
func log(x float64) float64 {
	if !(x > 0 && x <= math.MaxFloat32) {
		return logLimit(x)
	}
	const offset = 0x3fe6a09e667f3bcd // bits of √½
	bits := math.Float64bits(x)
	n := int64(bits-offset) >> 52
	f := math.Float64frombits(bits-uint64(n)<<52) - 1
	return float64(n)*math.Ln2 + logSeries(f)
}

func log1p(x float64) float64 {
	if x > -0.29 && x < 0.41 {
		return logSeries(x) // 1 + x would lose small x.
	}
	return log(1 + x)
}

func logSeries(f float64) float64 {
	s := f / (2 + f)
	t := s * s
	return 2 * (s + s*t*(1.0/3+t*(1.0/5+t*(1.0/7+t*(1.0/9+t*(1.0/11))))))
}

// logLimit is ln x where x is no positive finite number.
func logLimit(x float64) float64 {
	switch {
	case x == 0:
		return math.Inf(-1)
	case x < 0:
		return math.NaN()
	}
	return x
}
