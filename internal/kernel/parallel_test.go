package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func TestParallelCoversOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, cores := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(cores)
		for _, c := range [][2]int{{0, 1}, {1, 1}, {10, 3}, {64, 64}, {65, 64}, {1000, 7}, {5, 0}, {5, 100}, {-1, 2}} {
			n, grain := c[0], c[1]
			seen := make([]int32, max(n, 0))
			Parallel(n, grain, func(lo, hi int) {
				if grain > 0 && (lo%grain != 0 || hi != min(lo+grain, n)) {
					t.Errorf("range [%d, %d) of %d with grain %d", lo, hi, n, grain)
				}
				for i := lo; i < hi; i++ {
					atomic.AddInt32(&seen[i], 1)
				}
			})
			for i, times := range seen {
				if times != 1 {
					t.Fatalf("%d cores, n %d, grain %d: element %d visited %d times", cores, n, grain, i, times)
				}
			}
		}
	}
}

// TestParallelNested has many callers at once, each calling Parallel inside
// Parallel; it hangs if helpers can wait for each other.
func TestParallelNested(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	var total atomic.Int64
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 20 {
				Parallel(6, 1, func(int, int) {
					Parallel(10, 3, func(lo, hi int) {
						Parallel(hi-lo, 1, func(int, int) { total.Add(1) })
					})
				})
			}
		})
	}
	callers.Wait()
	if want := int64(8 * 20 * 6 * 10); total.Load() != want {
		t.Errorf("%d calls, want %d", total.Load(), want)
	}
}

func TestParallelAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes pools forget")
	}
	x := make([]float32, 1000)
	f := func(lo, hi int) { scaleGo(x[lo:hi], 1) }
	if allocs := testing.AllocsPerRun(100, func() { Parallel(len(x), 64, f) }); allocs >= 1 {
		t.Errorf("%v allocations a call, want 0", allocs)
	}
}

// TestConcurrentGemm shares the pools between callers.
func TestConcurrentGemm(t *testing.T) {
	var callers sync.WaitGroup
	for seed := range uint64(4) {
		callers.Go(func() {
			r := newRand(seed)
			for range 5 {
				newGemmCase(r, seed&1 != 0, true, 90, 130, 80, 0, false).check(t)
			}
		})
	}
	callers.Wait()
}
