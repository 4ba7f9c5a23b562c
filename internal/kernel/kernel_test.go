package kernel

import (
	"math/rand/v2"
	"testing"
)

// atEachLevel runs a test with every implementation this processor supports.
func atEachLevel(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	before := use
	defer func() { use = before }()
	for _, l := range levels() {
		use = l
		t.Run(l.level, test)
	}
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// normals returns n standard normal numbers.
func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}
