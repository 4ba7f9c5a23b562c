package kernel

import (
	"fmt"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/gonum"
)

var gemmShapes = []struct {
	transA, transB bool
	m, n, k        int
}{
	{false, false, 128, 400, 784},
	{false, false, 128, 784, 400},
	{false, true, 128, 400, 784},
	{true, false, 784, 400, 128},
	{true, false, 400, 784, 128},
	{false, false, 128, 20, 400},
	{false, false, 128, 400, 20},
	{false, false, 8, 64, 64},
	{true, false, 64, 64, 8},
	{false, true, 8, 64, 64},
	{false, false, 1, 400, 784},
	{false, false, 128, 1, 400},
	{true, false, 400, 1, 128},
	{false, false, 64, 2, 64},
	{false, false, 256, 64, 64},
	{false, false, 512, 1000, 784},
	{false, true, 512, 1000, 784},
	{true, false, 784, 1000, 512},
	{false, false, 128, 512, 784},
	{false, false, 128, 1024, 1024},
	{false, true, 128, 1024, 1024},
	{true, false, 1024, 1024, 128},
	{false, false, 1024, 1024, 1024},
	{true, false, 1024, 1024, 1024},
}

func gflops(b *testing.B, m, n, k int) {
	b.ReportMetric(2*float64(m)*float64(n)*float64(k)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	b.ReportMetric(0, "ns/op")
}

func form(transA, transB bool) string {
	return map[bool]string{false: "N", true: "T"}[transA] + map[bool]string{false: "N", true: "T"}[transB]
}

func BenchmarkGemm(b *testing.B) {
	for _, cores := range []int{1, 2} {
		for _, s := range gemmShapes {
			b.Run(fmt.Sprintf("cores=%d/%s/%dx%dx%d", cores, form(s.transA, s.transB), s.m, s.n, s.k), func(b *testing.B) {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
				g := newGemmCase(newRand(1), s.transA, s.transB, s.m, s.n, s.k, 0, true)
				for b.Loop() {
					Gemm(g.transA, g.transB, g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, false, g.c, g.ldc)
				}
				gflops(b, s.m, s.n, s.k)
			})
		}
	}
}

// BenchmarkGonumSgemm is what Gemm replaces.
func BenchmarkGonumSgemm(b *testing.B) {
	for _, s := range gemmShapes[:5] {
		b.Run(fmt.Sprintf("%s/%dx%dx%d", form(s.transA, s.transB), s.m, s.n, s.k), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			trans := map[bool]blas.Transpose{false: blas.NoTrans, true: blas.Trans}
			g := newGemmCase(newRand(1), s.transA, s.transB, s.m, s.n, s.k, 0, true)
			for b.Loop() {
				gonum.Implementation{}.Sgemm(trans[s.transA], trans[s.transB], g.m, g.n, g.k, 1, g.a, g.lda, g.b, g.ldb, 0, g.c, g.ldc)
			}
			gflops(b, s.m, s.n, s.k)
		})
	}
}

// BenchmarkPeak is the roof: the micro-kernel on one row of A and of B, which
// never leave the first-level cache.
func BenchmarkPeak(b *testing.B) {
	const depth = 1 << 16
	a, x := make([]float32, 1), make([]float32, use.tileCols)
	c := make([]float32, use.tileRows*use.tileCols)
	for b.Loop() {
		use.tile(use.tileRows, use.tileCols, depth, a, 0, 0, x, 0, c, use.tileCols, false)
	}
	gflops(b, use.tileRows, use.tileCols, depth)
}

// BenchmarkLoops runs each loop over 32 Ki elements, which the second-level
// cache holds; MB/s counts every array read or written.
func BenchmarkLoops(b *testing.B) {
	const n = 1 << 15
	r := newRand(1)
	x, y, dst := normals(r, n), normals(r, n), make([]float32, n)
	src := make([]byte, n)
	bench := func(name string, bytes int, f func()) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(bytes * n))
			for b.Loop() {
				f()
			}
			b.ReportMetric(b.Elapsed().Seconds()*1e9/float64(b.N)/n, "ns/element")
		})
	}
	for _, f := range elementary {
		bench(f.name, 8, func() { f.f(dst, x) })
	}
	bench("Mul", 12, func() { Mul(dst, x, y) })
	bench("Add", 12, func() { Add(dst, x, y) })
	bench("FromBytes", 5, func() { FromBytes(dst, src) })
	bench("Sum", 4, func() { Sum(x) })
	bench("SumSquares", 4, func() { SumSquares(x) })
	bench("Max", 4, func() { Max(x) })
	for _, cols := range []int{2, 10, 512} {
		rows := n / cols
		bench(fmt.Sprintf("SoftmaxRows/%d", cols), 8, func() { SoftmaxRows(dst[:rows*cols], x, cols) })
		bench(fmt.Sprintf("LogSumExpRows/%d", cols), 4, func() { LogSumExpRows(dst[:rows], x, cols) })
	}
	bench("BernoulliNLL", 8, func() { BernoulliNLL(x, y) })
	bench("BernoulliNLLGrad", 12, func() { BernoulliNLLGrad(dst, x, y, 1) })
	for act := range activations {
		bench("BiasActivate/"+activationRefs[act].name, 8, func() { BiasActivate(act, dst, n/512, 512, x[:512]) })
		bench("ActivateGrad/"+activationRefs[act].name, 12, func() { ActivateGrad(act, dst, x, y) })
	}
	bench("ColumnSums", 4, func() { ColumnSums(dst, x, n/512, 512) })
}

// BenchmarkAdam runs over the 666 thousand weights of a 784-400-20-400-784
// autoencoder, 11 MB.
func BenchmarkAdam(b *testing.B) {
	const n = 666_000
	r := newRand(1)
	w, g, m, v := normals(r, n), normals(r, n), make([]float32, n), make([]float32, n)
	a := AdamArgs{LR: 1e-3, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, C1: 1, C2: 1, GradScale: 1}
	step := func(lo, hi int) { Adam(w[lo:hi], g[lo:hi], m[lo:hi], v[lo:hi], a) }
	for _, cores := range []int{1, 2} {
		b.Run(fmt.Sprintf("cores=%d", cores), func(b *testing.B) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
			b.SetBytes(28 * n)
			for b.Loop() {
				Parallel(n, 1<<14, step)
			}
		})
	}
}

// BenchmarkParallel is the cost of sharing work with another core.
func BenchmarkParallel(b *testing.B) {
	nothing := func(int, int) {}
	for b.Loop() {
		Parallel(4, 1, nothing)
	}
}
