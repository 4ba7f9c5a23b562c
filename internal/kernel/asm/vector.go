package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// opcode is an instruction that combines two vectors element by element. With
// SSE2 it overwrites its second operand.
type opcode struct {
	sse    func(b, a Op)
	vex    func(ops ...Op)
	double bool // elements are float64
}

var (
	addps = opcode{sse: ADDPS, vex: VADDPS}
	subps = opcode{sse: SUBPS, vex: VSUBPS}
	mulps = opcode{sse: MULPS, vex: VMULPS}
	divps = opcode{sse: DIVPS, vex: VDIVPS}
	andps = opcode{sse: ANDPS, vex: VANDPS}
	orps  = opcode{sse: ORPS, vex: VORPS}
	xorps = opcode{sse: XORPS, vex: VXORPS}
	maxps = opcode{sse: MAXPS, vex: VMAXPS}
	minps = opcode{sse: MINPS, vex: VMINPS}
	addpd = opcode{sse: ADDPD, vex: VADDPD, double: true}
	paddd = opcode{sse: PADDL, vex: VPADDD}
	psubd = opcode{sse: PSUBL, vex: VPSUBD}

	unpcklps = opcode{sse: UNPCKLPS, vex: VUNPCKLPS}
	unpckhps = opcode{sse: UNPCKHPS, vex: VUNPCKHPS}
	unpcklpd = opcode{sse: UNPCKLPD, vex: VUNPCKLPD}
	unpckhpd = opcode{sse: UNPCKHPD, vex: VUNPCKHPD}
)

// into changes to to a∘b. With SSE2, to must not be b unless it is a as well.
func (s isa) into(to vec, o opcode, a vec, b Op) {
	if !s.basic() {
		o.vex(b, a, to)
		return
	}
	if to != a {
		MOVUPS(a, to)
	}
	o.sse(b, to)
}

// move copies a vector between registers or a register and memory.
func (s isa) move(from, to Op) {
	if s.basic() {
		MOVUPS(from, to)
	} else {
		VMOVUPS(from, to)
	}
}

// Operations return a fresh register unless they say that they change an
// argument. Operands of type Op may be in memory, which SSE2 wants aligned
// except in copy and broadcast.

func (s isa) of(o opcode, a vec, b Op) vec { v := s.vector(); s.into(v, o, a, b); return v }

func (s isa) copy(from Op) vec { v := s.vector(); s.move(from, v); return v }

func (s isa) add(a vec, b Op) vec { return s.of(addps, a, b) }
func (s isa) sub(a vec, b Op) vec { return s.of(subps, a, b) }
func (s isa) mul(a vec, b Op) vec { return s.of(mulps, a, b) }
func (s isa) div(a vec, b Op) vec { return s.of(divps, a, b) }
func (s isa) and(a vec, b Op) vec { return s.of(andps, a, b) }
func (s isa) or(a vec, b Op) vec  { return s.of(orps, a, b) }
func (s isa) xor(a vec, b Op) vec { return s.of(xorps, a, b) }

// max and min return b if either operand is NaN.
func (s isa) max(a vec, b Op) vec { return s.of(maxps, a, b) }
func (s isa) min(a vec, b Op) vec { return s.of(minps, a, b) }

func (s isa) sqrt(a vec) vec {
	v := s.vector()
	if s.basic() {
		SQRTPS(a, v)
	} else {
		VSQRTPS(a, v)
	}
	return v
}

// addProduct changes sum to sum + a·b and subProduct to sum − a·b, rounded once,
// or twice with SSE2.
func (s isa) addProduct(sum, a vec, b Op) {
	if s.basic() {
		s.into(sum, addps, sum, s.mul(a, b))
	} else {
		VFMADD231PS(b, a, sum)
	}
}

func (s isa) subProduct(sum, a vec, b Op) {
	if s.basic() {
		s.into(sum, subps, sum, s.mul(a, b))
	} else {
		VFNMADD231PS(b, a, sum)
	}
}

// horner changes p to p·x + c.
func (s isa) horner(p, x vec, c Op) {
	if s.basic() {
		s.into(p, mulps, p, x)
		s.into(p, addps, p, c)
	} else {
		VFMADD213PS(c, x, p)
	}
}

// polynomial evaluates Σ c[i]·x^i.
func (s isa) polynomial(x vec, c ...float32) vec {
	p := s.copy(constant(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		s.horner(p, x, constant(c[i]))
	}
	return p
}

func (s isa) abs(x vec) vec { return s.and(x, constantBits(0x7fffffff)) }

// Predicates of compare, as CMPPS encodes them. NaN makes all false except the
// last two.
const (
	equal        = 0
	less         = 1
	lessEqual    = 2
	unordered    = 3
	notLessEqual = 6
)

// compare returns a mask for blend and keep: an opmask, or all-ones elements.
func (s isa) compare(a vec, predicate uint8, b Op) reg.Register {
	if s.wide() {
		k := K()
		VCMPPS(U8(predicate), b, a, k)
		return k
	}
	if s.basic() {
		m := s.copy(a)
		CMPPS(b, m, U8(predicate))
		return m
	}
	m := YMM()
	VCMPPS(U8(predicate), b, a, m)
	return m
}

// blend takes yes where the mask is set and no elsewhere.
func (s isa) blend(mask Op, no vec, yes Op) vec {
	if s.basic() {
		v := s.copy(mask)
		chosen := s.and(v, yes)
		ANDNPS(no, v)
		return s.or(v, chosen)
	}
	v := s.vector()
	if s.wide() {
		VBLENDMPS(yes, no, mask, v)
	} else {
		VBLENDVPS(mask, yes, no, v)
	}
	return v
}

// keep is x where the mask is set and zero elsewhere.
func (s isa) keep(mask Op, x vec) vec {
	if s.wide() {
		v := s.vector()
		VMOVUPS_Z(x, mask, v)
		return v
	}
	return s.and(x, mask)
}

// Integers of 32 bits take the place of floats in these.

func (s isa) addInt(a vec, b Op) vec { return s.of(paddd, a, b) }
func (s isa) subInt(a vec, b Op) vec { return s.of(psubd, a, b) }

// shiftRight keeps the sign.
func (s isa) shiftRight(a vec, bits uint8) vec {
	if s.basic() {
		v := s.copy(a)
		PSRAL(U8(bits), v)
		return v
	}
	v := s.vector()
	VPSRAD(U8(bits), a, v)
	return v
}

func (s isa) shiftLeft(a vec, bits uint8) vec {
	if s.basic() {
		v := s.copy(a)
		PSLLL(U8(bits), v)
		return v
	}
	v := s.vector()
	VPSLLD(U8(bits), a, v)
	return v
}

// rounded returns the nearest integers, float the floats of integers.
func (s isa) rounded(a vec) vec {
	v := s.vector()
	if s.basic() {
		CVTPS2PL(a, v)
	} else {
		VCVTPS2DQ(a, v)
	}
	return v
}

func (s isa) float(a vec) vec {
	v := s.vector()
	if s.basic() {
		CVTPL2PS(a, v)
	} else {
		VCVTDQ2PS(a, v)
	}
	return v
}

// bytes reads as many bytes as a vector has elements, as integers.
func (s isa) bytes(from Mem) vec {
	v := s.vector()
	if s.basic() {
		packed := GP32()
		MOVL(from, packed)
		MOVD(packed, v)
		zero := s.zero()
		PUNPCKLBW(zero, v)
		PUNPCKLWL(zero, v)
	} else {
		VPMOVZXBD(from, v)
	}
	return v
}

// double returns half a vector in float64.
func (s isa) double(half reg.Register) vec {
	v := s.vector()
	if s.basic() {
		CVTPS2PD(half, v)
	} else {
		VCVTPS2PD(half, v)
	}
	return v
}

// addSquare changes sum to sum + a², in float64. It destroys a with SSE2; the
// square of a float32 is exact.
func (s isa) addSquare(sum, a vec) {
	if s.basic() {
		MULPD(a, a)
		s.into(sum, addpd, sum, a)
	} else {
		VFMADD231PD(a, a, sum)
	}
}

// each writes a loop over n elements. body handles one vector; at(p) is where
// the vector is in the array that p points to. The last, part-filled vector
// goes through the same operations behind a mask.
func (s isa) each(n reg.Register, body func(l lanes, at func(p reg.Register) Mem)) {
	s.eachOf(1, n, func(l lanes, _ int, at func(p reg.Register) Mem) { body(l, at) })
}

// eachOf is each for reductions with several chains of sums: while there are
// that many vectors left, body runs once for each chain, then for chain 0 alone.
func (s isa) eachOf(chains int, n reg.Register, body func(l lanes, chain int, at func(p reg.Register) Mem)) {
	i := GP64()
	XORQ(i, i)
	if chains > 1 {
		s.blocks(i, n, chains, "blocks", body)
	}
	s.blocks(i, n, 1, "vectors", body)
	s.rest(i, n, body)
}

// blocks runs body while count vectors are left, and leaves in i the number of
// elements done.
func (s isa) blocks(i, n reg.Register, count int, label string, body func(l lanes, j int, at func(p reg.Register) Mem)) {
	last := GP64()
	MOVQ(n, last)
	SUBQ(U32(s.width*count), last)
	CMPQ(i, last)
	JGT(LabelRef(label + "_done"))
	Label(label)
	for j := range count {
		body(lanes{isa: s}, j, func(p reg.Register) Mem {
			return Mem{Base: p, Index: i, Scale: 4, Disp: 4 * s.width * j}
		})
	}
	ADDQ(U8(s.width*count), i)
	CMPQ(i, last)
	JLE(LabelRef(label))
	Label(label + "_done")
}

// rest runs body for the elements after i, which are fewer than a vector: at
// once behind a mask or, with SSE2, one by one.
func (s isa) rest(i, n reg.Register, body func(l lanes, j int, at func(p reg.Register) Mem)) {
	at := func(p reg.Register) Mem { return Mem{Base: p, Index: i, Scale: 4} }
	if s.basic() {
		CMPQ(i, n)
		JGE(LabelRef("done"))
		Label("singles")
		body(s.single(), 0, at)
		INCQ(i)
		CMPQ(i, n)
		JLT(LabelRef("singles"))
	} else {
		left := GP64()
		MOVQ(n, left)
		SUBQ(i, left)
		JZ(LabelRef("done"))
		body(s.first(left), 0, at)
	}
	Label("done")
}

// only is x in the lanes that exist and zero in the others.
func (l lanes) only(x vec) vec {
	if l.mask == nil {
		return x
	}
	return l.keep(l.mask, x)
}

// Orders of shuffled: what the lower elements become.
const (
	firstElement  = 0b00000000 // in all places
	secondElement = 0b00000001
	upperHalf     = 0b00001110
)

// shuffled returns the four elements of the lowest 128 bits in another order.
func (s isa) shuffled(v vec, order uint8) vec {
	x := XMM()
	if s.basic() {
		PSHUFD(U8(order), v, x)
	} else {
		VPERMILPS(U8(order), v, x)
	}
	return x
}

// fold combines all elements of v, half with half, into the lowest of the
// returned register. It destroys v.
func (s isa) fold(o opcode, v vec) vec {
	if s.wide() {
		folded := YMM()
		s.into(folded, o, v.AsY().(vec), s.half(v, 1))
		return avx2.fold(o, folded)
	}
	if !s.basic() {
		folded := XMM()
		s.into(folded, o, v.AsX().(vec), s.half(v, 1))
		v = folded
	}
	s.into(v, o, v, s.shuffled(v, upperHalf))
	if !o.double {
		s.into(v, o, v, s.shuffled(v, secondElement))
	}
	return v
}

// total combines the elements of all vectors. It destroys them.
func (s isa) total(o opcode, v ...vec) vec {
	for len(v) > 1 {
		half := len(v) / 2
		for i := range half {
			s.into(v[i], o, v[i], v[half+i])
		}
		v = v[:half]
	}
	return s.fold(o, v[0])
}

// begin starts a function named after what it does and the instruction set.
func (s isa) begin(name, signature string) {
	TEXT(name+s.name, NOSPLIT, signature)
	Pragma("noescape")
}

// end returns from a function.
func (s isa) end() {
	if !s.basic() {
		VZEROUPPER()
	}
	RET()
}

// endWith returns the lowest element of x.
func (s isa) endWith(x reg.Register) {
	if !s.basic() {
		VZEROUPPER() // before the store, which is an SSE instruction
	}
	Store(x, ReturnIndex(0))
	RET()
}

// slice returns the base pointer of a slice argument.
func slice(name string) reg.Register { return Load(Param(name).Base(), GP64()) }

func length(name string) reg.Register { return Load(Param(name).Len(), GP64()) }

// scalar returns a float32 argument in every lane.
func (s isa) scalar(name string) vec {
	arg, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	return s.broadcast(arg.Addr)
}

// broadcast reads one element into every lane.
func (s isa) broadcast(from Mem) vec {
	v := s.vector()
	if s.basic() {
		MOVSS(from, v)
		SHUFPS(U8(firstElement), v, v)
	} else {
		VBROADCASTSS(from, v)
	}
	return v
}
