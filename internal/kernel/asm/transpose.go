package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transpose writes dst[j·ldd+i] = src[i·lds+j] for a multiple of eight rows and
// columns, in blocks of 8×8.
func transpose() {
	TEXT("transpose8", NOSPLIT, "func(dst []float32, ldd int, src []float32, lds, rows, cols int)")
	Pragma("noescape")
	dst := Load(Param("dst").Base(), GP64())
	ldd := Load(Param("ldd"), GP64())
	src := Load(Param("src").Base(), GP64())
	lds := Load(Param("lds"), GP64())
	rows := Load(Param("rows"), GP64())
	cols := Load(Param("cols"), GP64())
	SHLQ(U8(2), ldd)
	SHLQ(U8(2), lds)

	// Rows r and r+4 share a vector; row r is at src[r/3] + (r%3)·lds.
	from, to, left := [3]reg.GPVirtual{GP64(), GP64(), GP64()}, GP64(), GP64()
	Label("rows8")
	TESTQ(rows, rows)
	JZ(LabelRef("done"))
	MOVQ(src, from[0])
	for i := 1; i < 3; i++ {
		LEAQ(Mem{Base: from[i-1], Index: lds, Scale: 2}, from[i])
		ADDQ(lds, from[i])
	}
	MOVQ(dst, to)
	MOVQ(cols, left)
	Label("cols8")
	TESTQ(left, left)
	JZ(LabelRef("next"))
	for half := range 2 {
		element := func(r int) Mem {
			m := Mem{Base: from[r/3], Disp: 16 * half}
			if r%3 > 0 {
				m = m.Idx(lds, uint8(r%3))
			}
			return m
		}
		var row, pair, col [4]vec
		for r := range row {
			x := XMM()
			VMOVUPS(element(r), x)
			row[r] = YMM()
			VINSERTF128(U8(1), element(r+4), x.AsY(), row[r])
		}
		for i := range pair {
			pair[i], col[i] = YMM(), YMM()
		}
		VUNPCKLPS(row[1], row[0], pair[0])
		VUNPCKHPS(row[1], row[0], pair[1])
		VUNPCKLPS(row[3], row[2], pair[2])
		VUNPCKHPS(row[3], row[2], pair[3])
		VUNPCKLPD(pair[2], pair[0], col[0])
		VUNPCKHPD(pair[2], pair[0], col[1])
		VUNPCKLPD(pair[3], pair[1], col[2])
		VUNPCKHPD(pair[3], pair[1], col[3])
		for _, c := range col {
			VMOVUPS(c, Mem{Base: to})
			ADDQ(ldd, to)
		}
	}
	for _, f := range from {
		ADDQ(U8(32), f)
	}
	SUBQ(U8(8), left)
	JMP(LabelRef("cols8"))

	Label("next")
	LEAQ(Mem{Base: src, Index: lds, Scale: 8}, src)
	ADDQ(U8(32), dst)
	SUBQ(U8(8), rows)
	JMP(LabelRef("rows8"))
	Label("done")
	VZEROUPPER()
	RET()
}
