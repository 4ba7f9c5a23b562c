package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// arithmetic writes the loops that only add and multiply.
func arithmetic(s isa) {
	for _, f := range []struct {
		name string
		of   func(a vec, b Op) vec
	}{{"mul", s.mul}, {"add", s.add}} {
		s.begin(f.name, "func(dst, a, b []float32)")
		dst, a, b := slice("dst"), slice("a"), slice("b")
		s.each(length("dst"), func(l lanes, at func(p reg.Register) Mem) {
			l.store(f.of(l.load(at(a)), l.load(at(b))), at(dst))
		})
		s.end()
	}

	s.begin("scale", "func(dst []float32, alpha float32)")
	dst, alpha := slice("dst"), s.scalar("alpha")
	s.each(length("dst"), func(l lanes, at func(p reg.Register) Mem) {
		l.store(s.mul(alpha, l.load(at(dst))), at(dst))
	})
	s.end()

	// The caller does the bytes that fill no vector.
	s.begin("fromBytes", "func(dst []float32, src []byte)")
	dst = slice("dst")
	src, n, i := slice("src"), length("dst"), GP64()
	XORQ(i, i)
	s.blocks(i, n, 1, "vectors", func(l lanes, _ int, at func(p reg.Register) Mem) {
		v := s.float(s.bytes(Mem{Base: src, Index: i, Scale: 1}))
		l.store(s.div(v, constant(255)), at(dst))
	})
	s.end()
}

// chains is the number of independent sums that hide the latency of addition.
const chains = 4

func (s isa) zeros() []vec {
	v := make([]vec, chains)
	for i := range v {
		v[i] = s.zero()
	}
	return v
}

// reductions writes the sums and the maximum.
func reductions(s isa) {
	s.begin("sum", "func(x []float32) float32")
	x := slice("x")
	sums := s.zeros()
	s.eachOf(chains, length("x"), func(l lanes, chain int, at func(p reg.Register) Mem) {
		s.into(sums[chain], addps, sums[chain], l.load(at(x)))
	})
	s.endWith(s.total(addps, sums...))

	s.begin("sumSquares", "func(x []float32) float64")
	x = slice("x")
	sums = s.zeros()
	s.eachOf(chains/2, length("x"), func(l lanes, chain int, at func(p reg.Register) Mem) {
		v := l.load(at(x))
		for half := range 2 {
			s.addSquare(sums[2*chain+half], s.double(s.half(v, half)))
		}
	})
	s.endWith(s.total(addpd, sums...))

	s.begin("max", "func(x []float32) float32")
	x = slice("x")
	lowest := s.copy(constantBits(0xff800000))
	var tops []vec
	for range chains {
		tops = append(tops, s.copy(lowest))
	}
	s.eachOf(chains, length("x"), func(l lanes, chain int, at func(p reg.Register) Mem) {
		v := l.load(at(x))
		if l.mask != nil {
			v = s.blend(l.mask, lowest, v)
		}
		s.larger(v, tops[chain])
	})
	s.larger(tops[2], tops[0])
	s.larger(tops[3], tops[1])
	s.larger(tops[1], tops[0])
	// The NaN that larger has collected reach the result through a sum.
	nan := s.total(addps, s.keep(s.compare(tops[0], unordered, tops[0]), tops[0]))
	top := s.fold(maxps, tops[0])
	s.into(top, addps, top, nan)
	s.endWith(top)
}

// half is the lower or the upper half of a vector, in the lower half of the
// returned register.
func (s isa) half(v vec, index int) reg.Register {
	switch {
	case s.basic() && index == 0:
		return v
	case s.basic():
		return s.shuffled(v, upperHalf)
	case s.wide() && index == 0:
		return v.AsY()
	case s.wide():
		y := YMM()
		VEXTRACTF64X4(U8(index), v, y)
		return y
	case index == 0:
		return v.AsX()
	}
	x := XMM()
	VEXTRACTF128(U8(index), v, x)
	return x
}

// larger changes top to the larger of x and top, or to NaN if either is NaN.
func (s isa) larger(x, top vec) {
	greatest := s.max(x, top) // top if either is NaN
	s.move(s.blend(s.compare(x, unordered, x), greatest, x), top)
}

// losses writes the softmax and cross-entropy loops.
func losses(s isa) {
	s.begin("expShifted", "func(dst, x []float32, shift float32) float32")
	dst, x, shift, sum := slice("dst"), slice("x"), s.scalar("shift"), s.zero()
	s.each(length("dst"), func(l lanes, at func(p reg.Register) Mem) {
		e := s.exp(s.sub(l.load(at(x)), shift))
		l.store(e, at(dst))
		s.into(sum, addps, sum, l.only(e))
	})
	s.endWith(s.total(addps, sum))

	s.begin("sumExp", "func(x []float32, shift float32) float32")
	x, shift, sum = slice("x"), s.scalar("shift"), s.zero()
	s.each(length("x"), func(l lanes, at func(p reg.Register) Mem) {
		s.into(sum, addps, sum, l.only(s.exp(s.sub(l.load(at(x)), shift))))
	})
	s.endWith(s.total(addps, sum))

	s.begin("bernoulliNLL", "func(l, t []float32) float32")
	logit, target := slice("l"), slice("t")
	sum = s.zero()
	s.each(length("l"), func(l lanes, at func(p reg.Register) Mem) {
		x := l.load(at(logit))
		term := s.max(s.zero(), x)
		s.subProduct(term, x, l.load(at(target)))
		term = s.add(term, s.log1pUnit(s.expMinusAbs(x)))
		s.into(sum, addps, sum, l.only(term))
	})
	s.endWith(s.total(addps, sum))

	s.begin("bernoulliNLLGrad", "func(dst, l, t []float32, scale float32)")
	dst, logit, target = slice("dst"), slice("l"), slice("t")
	scale := s.scalar("scale")
	s.each(length("dst"), func(l lanes, at func(p reg.Register) Mem) {
		residual := s.sub(s.sigmoid(l.load(at(logit))), l.load(at(target)))
		l.store(s.mul(residual, scale), at(dst))
	})
	s.end()
}

// activationLoops writes the ends of dense layers, forward and backward.
func activationLoops(s isa) {
	const leakySlope = 0.3
	for _, f := range []struct {
		name    string
		forward func(x vec) vec
		factor  func(y, g vec) vec // g times the derivative
	}{
		{"Identity", func(x vec) vec { return x }, nil},
		{"ReLU",
			func(x vec) vec { return s.max(s.zero(), x) },
			func(y, g vec) vec { return s.keep(s.compare(s.zero(), less, y), g) }},
		{"Tanh", s.tanh,
			func(y, g vec) vec {
				d := s.copy(constant(1))
				s.subProduct(d, y, y)
				return s.mul(d, g)
			}},
		{"LeakyReLU",
			func(x vec) vec { return s.max(s.mul(x, constant(leakySlope)), x) },
			func(y, g vec) vec {
				return s.blend(s.compare(s.zero(), less, y), s.mul(g, constant(leakySlope)), g)
			}},
		{"Softplus", s.softplus,
			func(y, g vec) vec {
				d := s.expm1(s.max(s.copy(constant(-80)), s.xor(y, constantBits(signBit))))
				return s.mul(s.xor(d, constantBits(signBit)), g)
			}},
		{"Sigmoid", s.sigmoid,
			func(y, g vec) vec { return s.mul(s.mul(s.sub(s.copy(constant(1)), y), y), g) }},
	} {
		s.begin("bias"+f.name, "func(y, bias []float32)")
		y, bias := slice("y"), slice("bias")
		s.each(length("y"), func(l lanes, at func(p reg.Register) Mem) {
			l.store(f.forward(s.add(l.load(at(y)), l.load(at(bias)))), at(y))
		})
		s.end()
		if f.factor == nil {
			continue
		}
		s.begin("grad"+f.name, "func(dst, y, g []float32)")
		dst, y, g := slice("dst"), slice("y"), slice("g")
		s.each(length("dst"), func(l lanes, at func(p reg.Register) Mem) {
			l.store(f.factor(l.load(at(y)), l.load(at(g))), at(dst))
		})
		s.end()
	}
}

// adam writes the optimiser's step.
func adam(s isa) {
	s.begin("adam", "func(w, g, m, v []float32, scale, beta1, gain1, beta2, gain2, keep, step, c2, eps float32)")
	w, g, m, v := slice("w"), slice("g"), slice("m"), slice("v")
	scale := s.scalar("scale")
	beta1, gain1, beta2, gain2 := s.scalar("beta1"), s.scalar("gain1"), s.scalar("beta2"), s.scalar("gain2")
	keep, step, c2, eps := s.scalar("keep"), s.scalar("step"), s.scalar("c2"), s.scalar("eps")
	s.each(length("w"), func(l lanes, at func(p reg.Register) Mem) {
		gradient := s.mul(scale, l.load(at(g)))
		first := s.mul(beta1, l.load(at(m)))
		s.addProduct(first, gain1, gradient)
		l.store(first, at(m))
		second := s.mul(beta2, l.load(at(v)))
		s.addProduct(second, s.mul(gain2, gradient), gradient)
		l.store(second, at(v))
		root := s.sqrt(s.mul(c2, second))
		weight := s.mul(keep, l.load(at(w)))
		l.store(s.sub(weight, s.div(s.mul(step, first), s.add(root, eps))), at(w))
	})
	s.end()
}
