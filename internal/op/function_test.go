package op_test

import (
	"math"
	"testing"

	"relaxgo/internal/op"
)

// Functions of so many numbers that both cores work on them are right at each.
func TestManyNumbers(t *testing.T) {
	const n = 3001
	x := make([]float64, n)
	for i := range x {
		x[i] = 6*float64(i)/n - 3
	}
	b, err := newBench[float32](opCase{build: unary(op.LogNormalCDF)}, [][]int{{1, n}}, [][]float64{x}, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.run(t)
	for i, got := range b.prog.Output("value") {
		if want := math.Log(math.Erfc(-x[i]/math.Sqrt2) / 2); !(math.Abs(float64(got)-want) <= 1e-6*(1+math.Abs(want))) {
			t.Fatalf("log Φ(%g) = %g, want %g", x[i], got, want)
		}
	}
}
