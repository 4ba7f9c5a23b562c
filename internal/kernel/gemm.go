package kernel

import (
	"runtime"
	"sync"
)

// Gemm computes C = op(A)·op(B), or C += op(A)·op(B) if accumulate is true, for
// row-major matrices: op(A) is m×k, op(B) is k×n, C is m×n. A is stored k×m if
// transA is true and B is stored n×k if transB is true; lda, ldb and ldc are the
// distances between rows of the matrices as stored. C must not overlap A or B.
//
// Each element of C is a sum over k in an order given by k alone, so its bits
// depend neither on m and n nor on the number of cores. Large products use all
// cores; steady use allocates nothing.
//
// The method is Goto's: the product is cut into tiles of C that live in
// registers, and a micro-kernel adds rank-one updates to them. Where the layout
// already serves the micro-kernel the operands are used in place.
// See K. Goto and R. van de Geijn, Anatomy of High-Performance Matrix
// Multiplication, ACM TOMS 34(3), 2008.
func Gemm(transA, transB bool, m, n, k int, a []float32, lda int, b []float32, ldb int, accumulate bool, c []float32, ldc int) {
	if m < 0 || n < 0 || k < 0 {
		panic("kernel: Gemm: negative dimension")
	}
	if m == 0 || n == 0 {
		return
	}
	checkMatrix("C", m, n, len(c), ldc)
	if k == 0 {
		if !accumulate {
			for i := range m {
				clear(c[i*ldc : i*ldc+n])
			}
		}
		return
	}
	if n == 1 && m > 1 && ldc == 1 {
		// A column lies in memory like the row op(B)ᵀ·op(A)ᵀ, which fills vectors.
		Gemm(!transB, !transA, 1, m, k, b, ldb, a, lda, accumulate, c, m)
		return
	}
	p := products.Get().(*product)
	p.loops = use
	p.m, p.n, p.k = m, n, k
	p.a, p.rowStride, p.colStride = a, lda, 1
	if transA {
		checkMatrix("A", k, m, len(a), lda)
		p.rowStride, p.colStride = 1, lda
	} else {
		checkMatrix("A", m, k, len(a), lda)
	}
	p.b, p.ldb, p.transB = b, ldb, transB
	if transB {
		checkMatrix("B", n, k, len(b), ldb)
	} else {
		checkMatrix("B", k, n, len(b), ldb)
	}
	p.c, p.ldc, p.accumulate = c, ldc, accumulate
	p.run()
	p.a, p.b, p.c = nil, nil, nil
	products.Put(p)
}

func checkMatrix(name string, rows, cols, length, ld int) {
	if ld < cols {
		panic("kernel: Gemm: row distance of " + name + " is less than its columns")
	}
	if rows > 0 && length < (rows-1)*ld+cols {
		panic("kernel: Gemm: " + name + " is too short")
	}
}

// tileFunc is a micro-kernel: C[i,j] = Σ_p A[i,p]·B[p,j] (or +=) for i < rows
// and j < cols, at most one tile. Element (i, p) of A is at
// a[i·rowStride + p·colStride], element (p, j) of B at b[p·ldb + j].
type tileFunc func(rows, cols, depth int, a []float32, rowStride, colStride int, b []float32, ldb int, c []float32, ldc int, accumulate bool)

// product is one call of Gemm. It is pooled, with its method values bound once,
// so that a call allocates nothing.
type product struct {
	*loops
	m, n, k              int
	a                    []float32
	rowStride, colStride int
	b                    []float32
	ldb                  int
	transB               bool
	c                    []float32
	ldc                  int
	accumulate           bool
	columns, blockRows   int // columns of tiles, rows of a piece
	rowBlock, pieces     func(lo, hi int)
}

var products = sync.Pool{New: func() any {
	p := new(product)
	p.rowBlock = func(lo, hi int) { p.block(lo, hi, 0, p.n) }
	p.pieces = func(lo, hi int) {
		for i := lo; i < hi; i++ {
			row, col := i/p.columns*p.blockRows, i%p.columns*p.tileCols
			p.block(row, min(row+p.blockRows, p.m), col, min(col+p.tileCols, p.n))
		}
	}
	return p
}}

// parallelWork is the number of multiplications below which another core costs
// more than it saves.
const parallelWork = 1 << 20

// run cuts C into columns of tiles, and these into blocks of rows until there are enough pieces to keep all cores busy to
// the end; or into rows alone if there are few columns.
func (p *product) run() {
	cores := runtime.GOMAXPROCS(0)
	switch {
	case cores == 1 || p.m*p.n*p.k <= parallelWork:
		p.block(0, p.m, 0, p.n)
	case p.n >= 4*cores*p.tileCols || p.n >= p.m:
		p.columns, p.blockRows = (p.n+p.tileCols-1)/p.tileCols, p.m
		pieces := p.columns
		for !p.transB && pieces < 16*cores && p.blockRows >= 8*p.tileRows { // a transposed B would be packed again
			blocks := 2 * (pieces / p.columns)
			p.blockRows = (p.m + blocks - 1) / blocks
			pieces = p.columns * blocks
		}
		Parallel(pieces, 1, p.pieces)
	case p.transB: // Every block of rows packs B again: one for each core.
		Parallel(p.m, max((p.m+cores-1)/cores, minRows), p.rowBlock)
	default:
		Parallel(p.m, max(p.m/(8*cores), minRows), p.rowBlock)
	}
}

// minRows is the number of rows below which a tile has too few sums to hide the
// latency of a multiplication.
const minRows = 8

// maxDepth is the depth after which tiles of C are written back: twelve rows of
// A and 32 columns of B that deep stay in the first-level cache.
const maxDepth = 256

// panels holds packed columns of B: up to maxDepth rows of one tile's columns.
var panels = sync.Pool{New: func() any { return new([maxDepth * maxTileCols]float32) }}

const maxTileCols = 64

// block computes rows [i0, i1) and columns [j0, j1) of C. Only a transposed B
// is packed: reading any other operand in place was measured to be as fast or
// faster, with AVX-512 and matrices up to 1024×1024.
func (p *product) block(i0, i1, j0, j1 int) {
	panel := panels.Get().(*[maxDepth * maxTileCols]float32)
	slices := (p.k + maxDepth - 1) / maxDepth
	for k0 := 0; k0 < p.k; slices-- {
		depth := (p.k - k0 + slices - 1) / slices
		for j := j0; j < j1; j += p.tileCols {
			cols := min(p.tileCols, j1-j)
			var b []float32
			ldb := p.ldb
			if p.transB {
				b, ldb = panel[:], p.tileCols
				p.transpose(b, ldb, p.b[j*p.ldb+k0:], p.ldb, cols, depth)
			} else {
				b = p.b[k0*ldb+j:]
			}
			p.column(i0, i1, j, cols, k0, depth, b, ldb)
		}
		k0 += depth
	}
	panels.Put(panel)
}

// column computes one column of tiles. The rows are shared evenly between the
// tiles, because a thin last tile would leave the multipliers idle.
func (p *product) column(i0, i1, j, cols, k0, depth int, b []float32, ldb int) {
	accumulate := p.accumulate || k0 > 0
	tiles := (i1 - i0 + p.tileRows - 1) / p.tileRows
	for i := i0; i < i1; tiles-- {
		rows := (i1 - i + tiles - 1) / tiles
		p.tile(rows, cols, depth, p.a[i*p.rowStride+k0*p.colStride:], p.rowStride, p.colStride,
			b, ldb, p.c[i*p.ldc+j:], p.ldc, accumulate)
		i += rows
	}
}
