package main

import (
	"fmt"
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is an instruction set for which every loop is written: vectors of width
// float32 and what differs in masks, comparisons and conversions. The sets are
// told apart by their width.
type isa struct {
	name     string
	width    int
	tileRows int // rows of a tile of Gemm, two vectors wide
}

var (
	sse2   = isa{name: "SSE2", width: 4, tileRows: 6}
	avx2   = isa{name: "AVX2", width: 8, tileRows: 6}
	avx512 = isa{name: "AVX512", width: 16, tileRows: 12}
)

// vec is a vector register.
type vec = reg.VecVirtual

// wide is true for AVX-512, which has opmasks.
func (s isa) wide() bool { return s.width == 16 }

// basic is true for SSE2, which has neither masked access nor fused
// multiplication and addition, and whose instructions overwrite an operand.
func (s isa) basic() bool { return s.width == 4 }

// vector returns a fresh virtual register.
func (s isa) vector() vec {
	switch {
	case s.wide():
		return ZMM()
	case s.basic():
		return XMM()
	}
	return YMM()
}

func (s isa) zero() vec {
	v := s.vector()
	s.into(v, xorps, v, v)
	return v
}

// lanes selects the vector elements that exist. The zero value selects all.
type lanes struct {
	isa
	mask Op // opmask, or else a vector of all-ones elements
}

// single selects the first lane, for SSE2.
func (s isa) single() lanes {
	return lanes{s, table("one1zeros3", []uint32{math.MaxUint32, 0, 0, 0})}
}

// first returns the mask of the first n lanes, for AVX2 and AVX-512; n is
// between 0 and the width. It destroys n.
func (s isa) first(n reg.Register) lanes {
	if s.wide() {
		bits := GP64()
		MOVQ(I32(-1), bits)
		BZHIQ(n, bits, bits)
		k := K()
		KMOVW(bits.As32(), k)
		return lanes{s, k}
	}
	// A window over eight all-ones and eight zero elements.
	window := table("ones8zeros8", append(repeat(math.MaxUint32, 8), repeat(0, 8)...))
	NEGQ(n)
	base := GP64()
	LEAQ(window.Offset(32), base)
	mask := YMM()
	VMOVUPS(Mem{Base: base, Index: n, Scale: 4}, mask)
	return lanes{s, mask}
}

// load reads the selected elements; the others are zero.
func (l lanes) load(from Mem) vec {
	v := l.vector()
	switch {
	case l.mask == nil:
		l.move(from, v)
	case l.basic():
		MOVSS(from, v)
	case l.wide():
		VMOVUPS_Z(from, l.mask, v)
	default:
		VMASKMOVPS(from, l.mask, v)
	}
	return v
}

// store writes the selected elements.
func (l lanes) store(v reg.Register, to Mem) {
	switch {
	case l.mask == nil:
		l.move(v, to)
	case l.basic():
		MOVSS(v, to)
	case l.wide():
		VMOVUPS(v, l.mask, to)
	default:
		VMASKMOVPS(v, l.mask, to)
	}
}

var tables = map[string]Mem{}

// table returns read-only data, written once.
func table(name string, words []uint32) Mem {
	m, ok := tables[name]
	if !ok {
		m = GLOBL(name, RODATA|NOPTR)
		for i, w := range words {
			DATA(4*i, U32(w))
		}
		tables[name] = m
	}
	return m
}

func repeat(word uint32, n int) []uint32 {
	words := make([]uint32, n)
	for i := range words {
		words[i] = word
	}
	return words
}

// constant returns a memory operand that holds x in every lane. The linker
// aligns it, which SSE2 asks for, because of its size.
func constant(x float32) Mem { return constantBits(math.Float32bits(x)) }

func constantBits(x uint32) Mem {
	return table(fmt.Sprintf("all%08x", x), repeat(x, 16))
}
