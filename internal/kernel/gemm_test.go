package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// gemmCase is one product with its operands laid out with gaps; every cell that
// belongs to no matrix holds NaN in A and B and a guard value in C.
type gemmCase struct {
	transA, transB bool
	m, n, k        int
	lda, ldb, ldc  int
	a, b, c        []float32
	accumulate     bool
}

const guard = float32(12345)

func newGemmCase(r *rand.Rand, transA, transB bool, m, n, k, gap int, accumulate bool) *gemmCase {
	g := &gemmCase{transA: transA, transB: transB, m: m, n: n, k: k, accumulate: accumulate}
	matrix := func(rows, cols int, fill float32) ([]float32, int) {
		ld := max(cols, 1) + gap
		x := make([]float32, rows*ld+gap)
		for i := range x {
			if i < rows*ld && i%ld < cols {
				x[i] = float32(r.NormFloat64())
			} else {
				x[i] = fill
			}
		}
		return x, ld
	}
	nan := float32(math.NaN())
	if transA {
		g.a, g.lda = matrix(k, m, nan)
	} else {
		g.a, g.lda = matrix(m, k, nan)
	}
	if transB {
		g.b, g.ldb = matrix(n, k, nan)
	} else {
		g.b, g.ldb = matrix(k, n, nan)
	}
	g.c, g.ldc = matrix(m, n, guard)
	if !accumulate { // C must not be read.
		for i := range m {
			for j := range n {
				g.c[i*g.ldc+j] = nan
			}
		}
	}
	return g
}

func (g *gemmCase) String() string {
	return fmt.Sprintf("transA %v, transB %v, m %d, n %d, k %d, ld %d %d %d, accumulate %v",
		g.transA, g.transB, g.m, g.n, g.k, g.lda, g.ldb, g.ldc, g.accumulate)
}

// check runs Gemm and compares with float64 sums. A float32 sum of k terms in
// any order errs by at most (k+1)·2⁻²⁴ of the sum of magnitudes.
func (g *gemmCase) check(t *testing.T) {
	t.Helper()
	got := append([]float32(nil), g.c...)
	Gemm(g.transA, g.transB, g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, g.accumulate, got, g.ldc)
	for i, v := range got {
		row, col := i/g.ldc, i%g.ldc
		if row >= g.m || col >= g.n {
			if v != guard {
				t.Fatalf("%v: cell %d outside C changed to %v", g, i, v)
			}
			continue
		}
		var sum, size float64
		if g.accumulate {
			sum = float64(g.c[i])
			size = math.Abs(sum)
		}
		for p := range g.k {
			x := g.a[at(g.transA, row, p, g.lda)]
			y := g.b[at(g.transB, p, col, g.ldb)]
			sum += float64(x) * float64(y)
			size += math.Abs(float64(x) * float64(y))
		}
		tolerance := float64(g.k+1) * size * 0x1p-24
		if diff := math.Abs(float64(v) - sum); !(diff <= tolerance) {
			t.Fatalf("%v: C[%d,%d] = %v, want %v within %.2g", g, row, col, v, sum, tolerance)
		}
	}
}

func at(trans bool, i, j, ld int) int {
	if trans {
		i, j = j, i
	}
	return i*ld + j
}

func TestGemm(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		r := newRand(1)
		sizes := [][3]int{
			{1, 1, 1}, {1, 1, 0}, {1, 17, 5}, {5, 1, 9}, {3, 4, 1}, {8, 64, 64}, {13, 33, 7}, {128, 20, 400},
			{25, 47, 600}, {70, 150, 40}, {150, 70, 40}, {400, 5, 3}, {2, 900, 300}, {128, 20, 300}, {128, 400, 300},
		}
		random := 60
		if raceEnabled {
			random = 10
		}
		for range random {
			sizes = append(sizes, [3]int{r.IntN(60), r.IntN(120), r.IntN(200)})
		}
		for i, s := range sizes {
			for form := range 8 {
				if size := s[0] * s[1] * s[2]; size > 1<<23 && form%3 != 0 || size > 1<<19 && raceEnabled && form != i%8 {
					continue // The reference takes its time.
				}
				newGemmCase(r, form&1 != 0, form&2 != 0, s[0], s[1], s[2], i%4, form&4 != 0).check(t)
			}
		}
	})
}

// TestGemmEveryTile meets every size of tile, with full and part-filled vectors.
func TestGemmEveryTile(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		r := newRand(2)
		for m := range 15 {
			for n := range 70 {
				form := r.IntN(8)
				newGemmCase(r, form&1 != 0, form&2 != 0, m, n, 1+r.IntN(9), r.IntN(3), form&4 != 0).check(t)
			}
		}
	})
}

// TestGemmDoesNotDependOnCores compares bits, and bits of a part of the product
// computed alone.
func TestGemmDoesNotDependOnCores(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	atEachLevel(t, func(t *testing.T) {
		r := newRand(3)
		for _, s := range [][3]int{{128, 400, 300}, {131, 400, 300}, {400, 130, 128}} {
			for form := range 4 {
				transA, transB := form&1 != 0, form&2 != 0
				g := newGemmCase(r, transA, transB, s[0], s[1], s[2], 1, false)
				var want []float32
				for _, cores := range []int{1, 2, 4} {
					runtime.GOMAXPROCS(cores)
					got := append([]float32(nil), g.c...)
					Gemm(transA, transB, g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, false, got, g.ldc)
					if want == nil {
						want = got
					}
					sameBits(t, fmt.Sprintf("%v on %d cores", g, cores), got, want)
				}
				part := append([]float32(nil), g.c...)
				Gemm(transA, transB, 7, 9, g.k, g.a, g.lda, g.b, g.ldb, false, part, g.ldc)
				for i := range 7 {
					sameBits(t, g.String()+" in part", part[i*g.ldc:i*g.ldc+9], want[i*g.ldc:i*g.ldc+9])
				}
			}
		}
	})
}

// TestGemmColumn computes a column of a product alone, in one piece of memory.
func TestGemmColumn(t *testing.T) {
	atEachLevel(t, func(t *testing.T) {
		r := newRand(12)
		for _, s := range [][3]int{{1, 3, 5}, {2, 1, 7}, {37, 20, 300}, {130, 9, 64}} {
			for form := range 8 {
				g := newGemmCase(r, form&1 != 0, form&2 != 0, s[0], s[1], s[2], 2, true)
				accumulate := form&4 != 0
				j := r.IntN(g.n)
				column := make([]float32, g.m+1)
				column[g.m] = guard
				for i := range g.m {
					column[i] = g.c[i*g.ldc+j]
				}
				Gemm(g.transA, g.transB, g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, accumulate, g.c, g.ldc)
				Gemm(g.transA, g.transB, g.m, 1, g.k, g.a, g.lda, g.b[at(g.transB, 0, j, g.ldb):], g.ldb, accumulate, column, 1)
				want := make([]float32, g.m)
				for i := range want {
					want[i] = g.c[i*g.ldc+j]
				}
				sameBits(t, fmt.Sprintf("%v, column %d alone", g, j), column, append(want, guard))
			}
		}
	})
}

func TestGemmAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	r := newRand(4)
	for _, s := range [][3]int{{8, 64, 64}, {128, 400, 300}} {
		g := newGemmCase(r, false, true, s[0], s[1], s[2], 0, false)
		allocs := testing.AllocsPerRun(50, func() {
			Gemm(false, true, g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, false, g.c, g.ldc)
		})
		if allocs >= 1 {
			t.Errorf("%v: %v allocations a call, want 0", g, allocs)
		}
	}
}

func TestGemmRejectsShortSlices(t *testing.T) {
	x := make([]float32, 11)
	for _, f := range []func(){
		func() { Gemm(false, false, 3, 4, 2, x, 2, x, 4, false, x, 4) },
		func() { Gemm(false, false, 2, 4, 3, x[:5], 3, make([]float32, 12), 4, false, x, 4) },
		func() { Gemm(false, true, 2, 4, 3, x, 3, x, 3, false, x, 4) },
		func() { Gemm(true, false, 4, 2, 3, x, 4, x, 2, false, x, 2) },
		func() { Gemm(false, false, 2, 2, 2, x, 1, x, 2, false, x, 2) },
		func() { Gemm(false, false, -1, 2, 2, x, 2, x, 2, false, x, 2) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
}

func FuzzGemm(f *testing.F) {
	f.Add(uint64(1), uint8(0), uint16(12), uint16(32), uint16(10), uint8(0))
	f.Add(uint64(2), uint8(7), uint16(13), uint16(33), uint16(300), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, form uint8, m, n, k uint16, gap uint8) {
		before := use
		defer func() { use = before }()
		for _, l := range levels() {
			use = l
			newGemmCase(newRand(seed), form&1 != 0, form&2 != 0, int(m%200), int(n%200), int(k%600), int(gap%9), form&4 != 0).check(t)
		}
	})
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %v, want the bits of %v", what, i, got[i], want[i])
		}
	}
}
