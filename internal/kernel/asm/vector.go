package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Operations return a fresh register unless they say that they change an
// argument. Operands of type Op may be in memory.

func (s isa) copy(from Op) vec { v := s.vector(); VMOVUPS(from, v); return v }

func (s isa) add(a vec, b Op) vec { v := s.vector(); VADDPS(b, a, v); return v }
func (s isa) sub(a vec, b Op) vec { v := s.vector(); VSUBPS(b, a, v); return v }
func (s isa) mul(a vec, b Op) vec { v := s.vector(); VMULPS(b, a, v); return v }
func (s isa) div(a vec, b Op) vec { v := s.vector(); VDIVPS(b, a, v); return v }
func (s isa) and(a vec, b Op) vec { v := s.vector(); VANDPS(b, a, v); return v }
func (s isa) or(a vec, b Op) vec  { v := s.vector(); VORPS(b, a, v); return v }
func (s isa) xor(a vec, b Op) vec { v := s.vector(); VXORPS(b, a, v); return v }

// max and min return b if either operand is NaN.
func (s isa) max(a vec, b Op) vec { v := s.vector(); VMAXPS(b, a, v); return v }
func (s isa) min(a vec, b Op) vec { v := s.vector(); VMINPS(b, a, v); return v }

// addProduct changes sum to sum + a·b and subProduct to sum − a·b.
func (s isa) addProduct(sum, a vec, b Op) { VFMADD231PS(b, a, sum) }
func (s isa) subProduct(sum, a vec, b Op) { VFNMADD231PS(b, a, sum) }

// horner changes p to p·x + c.
func (s isa) horner(p, x vec, c Op) { VFMADD213PS(c, x, p) }

// polynomial evaluates Σ c[i]·x^i.
func (s isa) polynomial(x vec, c ...float32) vec {
	p := s.copy(constant(c[len(c)-1]))
	for i := len(c) - 2; i >= 0; i-- {
		s.horner(p, x, constant(c[i]))
	}
	return p
}

func (s isa) abs(x vec) vec { return s.and(x, constantBits(0x7fffffff)) }

// Predicates of compare, as VCMPPS encodes them. NaN makes all false except the
// last two.
const (
	less         = 0x11
	equal        = 0x00
	greater      = 0x1e
	greaterEqual = 0x1d
	unordered    = 0x03
	notGreaterEq = 0x19
)

// compare returns a mask for blend and keep: an opmask, or all-ones elements.
func (s isa) compare(a vec, predicate uint8, b Op) reg.Register {
	if s.wide() {
		k := K()
		VCMPPS(U8(predicate), b, a, k)
		return k
	}
	m := YMM()
	VCMPPS(U8(predicate), b, a, m)
	return m
}

// blend takes yes where the mask is set and no elsewhere.
func (s isa) blend(mask reg.Register, no vec, yes Op) vec {
	v := s.vector()
	if s.wide() {
		VBLENDMPS(yes, no, mask, v)
	} else {
		VBLENDVPS(mask, yes, no, v)
	}
	return v
}

// keep is x where the mask is set and zero elsewhere.
func (s isa) keep(mask reg.Register, x Op) vec {
	v := s.vector()
	if s.wide() {
		VMOVUPS_Z(x, mask, v)
	} else {
		VANDPS(x, mask, v)
	}
	return v
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

// rest runs body for the elements after i, which are fewer than a vector.
func (s isa) rest(i, n reg.Register, body func(l lanes, j int, at func(p reg.Register) Mem)) {
	left := GP64()
	MOVQ(n, left)
	SUBQ(i, left)
	JZ(LabelRef("done"))
	body(s.first(left), 0, func(p reg.Register) Mem { return Mem{Base: p, Index: i, Scale: 4} })
	Label("done")
}

// only is x in the lanes that exist and zero in the others.
func (l lanes) only(x vec) vec {
	if l.mask == nil {
		return x
	}
	return l.keep(l.mask, x)
}

// fold combines all elements of v, half with half, into the lowest of the
// returned register.
func (s isa) fold(v vec, op func(a, b, to vec)) vec {
	if s.wide() {
		high, folded := YMM(), YMM()
		VEXTRACTF64X4(U8(1), v, high)
		op(high, v.AsY().(vec), folded)
		v = folded
	}
	high, folded := XMM(), XMM()
	VEXTRACTF128(U8(1), v.AsY(), high)
	op(high, v.AsX().(vec), folded)
	for _, order := range []uint8{0b1110, 0b0001} {
		moved := XMM()
		VPERMILPS(U8(order), folded, moved)
		op(moved, folded, folded)
	}
	return folded
}

// total adds the elements of all vectors.
func (s isa) total(sums ...vec) vec {
	for len(sums) > 1 {
		half := len(sums) / 2
		for i := range half {
			VADDPS(sums[half+i], sums[i], sums[i])
		}
		sums = sums[:half]
	}
	return s.fold(sums[0], func(a, b, to vec) { VADDPS(a, b, to) })
}

// begin starts a function named after what it does and the instruction set.
func (s isa) begin(name, signature string) {
	TEXT(name+s.name, NOSPLIT, signature)
	Pragma("noescape")
}

func end() {
	VZEROUPPER()
	RET()
}

// endWith returns the lowest element of x.
func endWith(x reg.Register) {
	VZEROUPPER() // before the store, which is an SSE instruction
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
	v := s.vector()
	VBROADCASTSS(arg.Addr, v)
	return v
}
