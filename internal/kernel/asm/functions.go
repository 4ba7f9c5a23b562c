package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

const signBit = 0x80000000

// functions writes the elementary functions.
func functions(s isa) {
	for _, f := range []struct {
		name string
		of   func(x vec) vec
	}{
		{"exp", s.exp}, {"log", s.log}, {"log1p", s.log1p},
		{"sigmoid", s.sigmoid}, {"softplus", s.softplus}, {"tanh", s.tanh},
	} {
		s.begin(f.name, "func(dst, x []float32)")
		dst, x := slice("dst"), slice("x")
		s.each(length("dst"), func(l lanes, at func(p reg.Register) Mem) {
			l.store(f.of(l.load(at(x))), at(dst))
		})
		s.end()
	}
}

// split writes e^x = 2^n·(1+q) with |ln(1+q)| ≤ ln2/2. n is rounded to the
// nearest whole number and returned as power wants it. The polynomial is that
// of expf in S. Moshier's Cephes library.
func (s isa) split(x vec) (n, q vec) {
	t := s.mul(x, constant(1.44269504))
	var whole vec
	if s.wide() {
		whole = s.vector()
		VRNDSCALEPS(U8(8), t, whole)
		n = whole
	} else {
		n = s.rounded(t)
		whole = s.float(n)
	}
	// ln2 in two parts: the first product cancels without error, because it is
	// fused or because n and the first part have few digits.
	ln2 := [2]float32{0.693147182464599609375, -1.904654323148236e-09}
	if s.basic() {
		ln2 = [2]float32{0.693359375, -2.12194440e-4}
	}
	r := s.copy(x)
	s.subProduct(r, whole, constant(ln2[0]))
	s.subProduct(r, whole, constant(ln2[1]))
	p := s.polynomial(r, 5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3, 1.9875691500e-4)
	s.horner(p, s.mul(r, r), r)
	return n, p
}

// scaled returns x·2^n for n from split, through denormals and overflow.
func (s isa) scaled(x, n vec) vec {
	if s.wide() {
		v := s.vector()
		VSCALEFPS(n, x, v)
		return v
	}
	// 2^n itself may be out of range; two factors of half the exponent are not.
	half := s.shiftRight(n, 1)
	other := s.subInt(n, half)
	return s.mul(s.mul(x, s.power(half)), s.power(other))
}

// power returns 2^n for n from split with −126 ≤ n ≤ 127.
func (s isa) power(n vec) vec {
	if s.wide() {
		v := s.vector()
		VSCALEFPS(n, s.copy(constant(1)), v)
		return v
	}
	return s.shiftLeft(s.addInt(n, constantBits(127)), 23)
}

func (s isa) exp(x vec) vec {
	x = s.min(s.copy(constant(89)), x)
	return s.expNegative(x)
}

// expNegative is e^x for x ≤ 89. Below −104 it rounds to zero.
func (s isa) expNegative(x vec) vec {
	n, q := s.split(s.max(s.copy(constant(-104)), x))
	return s.scaled(s.add(q, constant(1)), n)
}

// expm1 is e^x − 1 for −80 ≤ x ≤ 80.
func (s isa) expm1(x vec) vec {
	n, q := s.split(x)
	pow := s.power(n)
	v := s.sub(pow, constant(1))
	s.addProduct(v, pow, q)
	return v
}

// expMinusAbs is e^(−|x|).
func (s isa) expMinusAbs(x vec) vec {
	return s.expNegative(s.or(x, constantBits(signBit)))
}

// sigmoid never computes e^x of a positive x, so that both tails keep their
// digits: it is 1/(1+z) or z/(1+z) with z = e^(−|x|).
func (s isa) sigmoid(x vec) vec {
	z := s.expMinusAbs(x)
	above := s.blend(s.compare(s.zero(), lessEqual, x), z, constant(1))
	return s.div(above, s.add(z, constant(1)))
}

// softplus is max(x, 0) + ln(1 + e^(−|x|)).
func (s isa) softplus(x vec) vec {
	return s.add(s.log1pUnit(s.expMinusAbs(x)), s.max(s.zero(), x))
}

// tanh is e/(e+2) with e = e^(2|x|) − 1, and the sign of x. It is 1 in float32
// above 9.02.
func (s isa) tanh(x vec) vec {
	a := s.abs(x)
	e := s.expm1(s.min(s.copy(constant(20)), s.add(a, a)))
	return s.or(s.div(e, s.add(e, constant(2))), s.and(x, constantBits(signBit)))
}

// log1pUnit is ln(1+z) for 0 ≤ z ≤ 1: z times a polynomial fitted by least
// maximum relative error, 4.8e-9 before rounding.
func (s isa) log1pUnit(z vec) vec {
	return s.mul(s.polynomial(z, 1, -0.499999017, 0.333299637, -0.249541342, 0.196759388,
		-0.153055921, 0.106036551, -0.0569595322, 0.0198514629, -0.00324402517), z)
}

// logSeries is ln(1+f) + exponent·ln2 for √½ ≤ 1+f ≤ √2, where exponent is an
// integer in the upper nine bits. The polynomial is that of logf in Cephes.
func (s isa) logSeries(f vec, exponent vec) vec {
	p := s.polynomial(f, 3.3333331174e-1, -2.4999993993e-1, 2.0000714765e-1, -1.6668057665e-1, 1.4249322787e-1,
		-1.2420140846e-1, 1.1676998740e-1, -1.1514610310e-1, 7.0376836292e-2)
	n := s.float(s.shiftRight(exponent, 23))
	square := s.mul(f, f)
	p = s.mul(p, s.mul(square, f))
	s.addProduct(p, n, constant(-2.12194440e-4))
	s.subProduct(p, square, constant(0.5))
	p = s.add(p, f)
	s.addProduct(p, n, constant(0.693359375))
	return p
}

// exponentOf returns the integer n·2²³ for which x·2^(−n) lies between √½ and √2.
func (s isa) exponentOf(x vec) vec {
	return s.and(s.subInt(x, constantBits(0x3f3504f3)), constantBits(0xff800000))
}

func (s isa) log(x vec) vec {
	// Denormals are brought into the normal range first.
	small := s.compare(x, less, s.copy(constant(0x1p-126)))
	y := s.blend(small, x, s.mul(x, constant(0x1p23)))
	exponent := s.exponentOf(y)
	f := s.sub(s.subInt(y, exponent), constant(1))
	exponent = s.subInt(exponent, s.keep(small, s.copy(constantBits(23<<23))))
	return s.logLimits(x, s.logSeries(f, exponent))
}

func (s isa) log1p(x vec) vec {
	u := s.add(x, constant(1))
	exponent := s.exponentOf(u)
	// f = 2^(−n)·x + (2^(−n) − 1) keeps the digits of x that 1 + x rounds away.
	// For the largest x only 4·2^(−n) is a normal number.
	m := s.subInt(x, exponent)
	pow := s.subInt(s.copy(constant(4)), exponent)
	s.horner(pow, s.copy(constant(0.25)), s.copy(constant(-1)))
	f := s.add(m, pow)
	return s.logLimits(u, s.logSeries(f, exponent))
}

// logLimits puts in what the series cannot give: ln 0 = −∞, ln ∞ = ∞, NaN below
// zero.
func (s isa) logLimits(x, y vec) vec {
	inf := s.copy(constantBits(0x7f800000))
	y = s.blend(s.compare(x, equal, inf), y, inf)
	zero := s.zero()
	y = s.blend(s.compare(x, equal, zero), y, constantBits(0xff800000))
	return s.blend(s.compare(zero, notLessEqual, x), y, constantBits(0x7fc00000))
}
