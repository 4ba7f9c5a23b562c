package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose writes dst[j·ldd+i] = src[i·lds+j] for a multiple of s.width rows and
// columns, in square blocks of that size, for SSE2 and AVX2.
func transpose(s isa) {
	s.begin("transpose", "func(dst []float32, ldd int, src []float32, lds, rows, cols int)")
	dst := Load(Param("dst").Base(), GP64())
	ldd := Load(Param("ldd"), GP64())
	src := Load(Param("src").Base(), GP64())
	lds := Load(Param("lds"), GP64())
	rows := Load(Param("rows"), GP64())
	cols := Load(Param("cols"), GP64())
	SHLQ(U8(2), ldd)
	SHLQ(U8(2), lds)

	// Row r of a block is at from[r/3] + (r%3)·lds.
	from := make([]reg.GPVirtual, (s.width+2)/3)
	for i := range from {
		from[i] = GP64()
	}
	to, left := GP64(), GP64()
	Label("rows")
	TESTQ(rows, rows)
	JZ(LabelRef("done"))
	MOVQ(src, from[0])
	for i := 1; i < len(from); i++ {
		LEAQ(Mem{Base: from[i-1], Index: lds, Scale: 2}, from[i])
		ADDQ(lds, from[i])
	}
	MOVQ(dst, to)
	MOVQ(cols, left)
	Label("cols")
	TESTQ(left, left)
	JZ(LabelRef("next"))
	for part := range s.width / 4 {
		element := func(r int) Mem {
			m := Mem{Base: from[r/3], Disp: 16 * part}
			if r%3 > 0 {
				m = m.Idx(lds, uint8(r%3))
			}
			return m
		}
		var row [4]vec
		for r := range row {
			row[r] = s.vector()
			if s.basic() {
				MOVUPS(element(r), row[r])
				continue
			}
			// Rows r and r+4 share a vector.
			x := XMM()
			VMOVUPS(element(r), x)
			VINSERTF128(U8(1), element(r+4), x.AsY(), row[r])
		}
		low01, high01 := s.of(unpcklps, row[0], row[1]), s.of(unpckhps, row[0], row[1])
		low23, high23 := s.of(unpcklps, row[2], row[3]), s.of(unpckhps, row[2], row[3])
		for _, col := range []vec{
			s.of(unpcklpd, low01, low23), s.of(unpckhpd, low01, low23),
			s.of(unpcklpd, high01, high23), s.of(unpckhpd, high01, high23),
		} {
			s.move(col, Mem{Base: to})
			ADDQ(ldd, to)
		}
	}
	for _, f := range from {
		ADDQ(U8(4*s.width), f)
	}
	SUBQ(U8(s.width), left)
	JMP(LabelRef("cols"))

	Label("next")
	LEAQ(Mem{Base: src, Index: lds, Scale: uint8(s.width)}, src)
	ADDQ(U8(4*s.width), dst)
	SUBQ(U8(s.width), rows)
	JMP(LabelRef("rows"))
	Label("done")
	s.end()
}
