package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// tileKernel is the micro-kernel's state while it is written: where its
// operands are. Strides are in bytes.
type tileKernel struct {
	isa
	depth                reg.Register
	a                    [4]reg.Register // rows 0, 3, 6, 9
	rowStride, colStride reg.Register
	b, ldb, c, ldc       reg.Register
	accumulate           reg.Register
}

// tile writes the micro-kernel: one body for each number of rows and of
// vectors in a row, and a dispatch in front of them. All sums of a body stay in
// registers: up to 12×2 vectors with AVX-512, up to 6×2 otherwise. SSE2 has
// bodies for two vectors, one vector and one column.
func tile(s isa) {
	TEXT("tile"+s.name, NOSPLIT, "func(rows, cols, depth int, a []float32, rowStride, colStride int, b []float32, ldb int, c []float32, ldc int, accumulate bool)")
	Pragma("noescape")
	rows := Load(Param("rows"), GP64())
	cols := Load(Param("cols"), GP64())
	t := &tileKernel{
		isa:        s,
		depth:      Load(Param("depth"), GP64()),
		rowStride:  Load(Param("rowStride"), GP64()),
		colStride:  Load(Param("colStride"), GP64()),
		b:          Load(Param("b").Base(), GP64()),
		ldb:        Load(Param("ldb"), GP64()),
		c:          Load(Param("c").Base(), GP64()),
		ldc:        Load(Param("ldc"), GP64()),
		accumulate: Load(Param("accumulate"), GP8()),
	}
	for _, stride := range []reg.Register{t.rowStride, t.colStride, t.ldb, t.ldc} {
		SHLQ(U8(2), stride)
	}
	t.a[0] = Load(Param("a").Base(), GP64())
	for i := 1; i < s.tileRows/3; i++ {
		t.a[i] = GP64()
		LEAQ(Mem{Base: t.a[i-1], Index: t.rowStride, Scale: 2}, t.a[i])
		ADDQ(t.rowStride, t.a[i])
	}
	CMPQ(cols, U8(s.width))
	JLE(LabelRef("one_vector"))
	SUBQ(U8(s.width), cols)
	t.bodies(rows, cols, 2)
	Label("one_vector")
	t.bodies(rows, cols, 1)
}

// bodies writes the bodies for a number of vectors, of which the last has cols
// elements.
func (t *tileKernel) bodies(rows, cols reg.Register, vectors int) {
	if t.basic() && vectors == 2 {
		t.dispatch(rows, vectors, lanes{isa: t.isa}, "full")
		return
	}
	if !t.wide() {
		// A masked access is slow without opmasks: full tiles do without.
		edge := fmt.Sprintf("edge%d", vectors)
		CMPQ(cols, U8(t.width))
		JNE(LabelRef(edge))
		t.dispatch(rows, vectors, lanes{isa: t.isa}, "full")
		Label(edge)
	}
	last := t.single()
	if !t.basic() {
		last = t.first(cols)
	}
	t.dispatch(rows, vectors, last, "edge")
}

func (t *tileKernel) dispatch(rows reg.Register, vectors int, last lanes, kind string) {
	label := func(r int) string { return fmt.Sprintf("%s_%dx%d", kind, r, vectors) }
	for r := t.tileRows; r > 1; r-- {
		CMPQ(rows, U8(r))
		JEQ(LabelRef(label(r)))
	}
	for r := 1; r <= t.tileRows; r++ {
		Label(label(r))
		t.body(r, vectors, last, label(r))
	}
}

func (t *tileKernel) body(rows, vectors int, last lanes, label string) {
	lane := []lanes{{isa: t.isa}, last}[2-vectors:]
	sum := make([][]vec, rows)
	for r := range sum {
		for range vectors {
			sum[r] = append(sum[r], t.zero())
		}
	}
	Label(label + "_depth")
	b := make([]vec, vectors)
	for v := range b {
		b[v] = lane[v].load(Mem{Base: t.b, Disp: 4 * t.width * v})
	}
	if !t.basic() {
		// Rows of B lie far apart, which the processor does not foresee: fetch those 16 ahead.
		ahead := GP64()
		LEAQ(Mem{Base: t.b, Index: t.ldb, Scale: 8}, ahead)
		for v := range b {
			PREFETCHT0(Mem{Base: ahead, Index: t.ldb, Scale: 8, Disp: 4 * t.width * v})
		}
	}
	for r := range sum {
		element := Mem{Base: t.a[r/3]}
		if r%3 > 0 {
			element = element.Idx(t.rowStride, uint8(r%3))
		}
		if vectors == 1 && t.wide() {
			VFMADD231PS_BCST(element, b[0], sum[r][0])
			continue
		}
		t.addProducts(sum[r], t.broadcast(element), b)
	}
	for i := 0; 3*i < rows; i++ {
		ADDQ(t.colStride, t.a[i])
	}
	ADDQ(t.ldb, t.b)
	DECQ(t.depth)
	JNZ(LabelRef(label + "_depth"))

	TESTB(t.accumulate, t.accumulate)
	JZ(LabelRef(label + "_store"))
	t.eachC(rows, func(r int, row Mem) {
		for v := range b {
			t.into(sum[r][v], addps, sum[r][v], lane[v].load(row.Offset(4*t.width*v)))
		}
	})
	Label(label + "_store")
	t.eachC(rows, func(r int, row Mem) {
		for v := range b {
			lane[v].store(sum[r][v], row.Offset(4*t.width*v))
		}
	})
	t.end()
}

// addProducts changes each sum to sum + a·b. With SSE2 it destroys a, which saves
// a copy and with it a tenth of the time.
func (t *tileKernel) addProducts(sum []vec, a vec, b []vec) {
	last := len(b) - 1
	for v := range last {
		t.addProduct(sum[v], b[v], a)
	}
	if t.basic() {
		t.into(a, mulps, a, b[last])
		t.into(sum[last], addps, sum[last], a)
	} else {
		t.addProduct(sum[last], b[last], a)
	}
}

// eachC calls f with the address of each row of C.
func (t *tileKernel) eachC(rows int, f func(r int, row Mem)) {
	c := GP64()
	MOVQ(t.c, c)
	for r := range rows {
		f(r, Mem{Base: c})
		if r+1 < rows {
			ADDQ(t.ldc, c)
		}
	}
}
