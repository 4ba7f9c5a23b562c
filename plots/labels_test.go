package plots

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/plot/vg"
)

func TestSpread(t *testing.T) {
	for _, test := range []struct{ wanted, want []vg.Length }{
		{[]vg.Length{50}, []vg.Length{50}},
		{[]vg.Length{10, 30, 80}, []vg.Length{10, 30, 80}},
		{[]vg.Length{50, 50}, []vg.Length{45, 55}},
		{[]vg.Length{50, 52, 57}, []vg.Length{43, 53, 63}}, // moves −7, 1, 6
		{[]vg.Length{20, 50, 50, 90}, []vg.Length{20, 45, 55, 90}},
		{[]vg.Length{0, 1, 2}, []vg.Length{0, 10, 20}},        // the floor
		{[]vg.Length{99, 100, 100}, []vg.Length{80, 90, 100}}, // the ceiling
		{[]vg.Length{-30, 50, 300}, []vg.Length{0, 50, 100}},
	} {
		if got := spread(test.wanted, 10, 0, 100); !slices.EqualFunc(got, test.want, func(a, b vg.Length) bool { return math.Abs(float64(a-b)) < 1e-9 }) {
			t.Errorf("spread(%v) = %v, want %v", test.wanted, got, test.want)
		}
	}
}

// Positions are never nearer than the gap, nor outside, nor in another order,
// and no move of one of them alone would bring it nearer to where it was wanted.
func TestSpreadProperties(t *testing.T) {
	const lo, hi, tolerance = 10, 310, 1e-6
	rng := rand.New(rand.NewPCG(3, 0))
	for range 2000 {
		n := 1 + rng.IntN(16)
		gap := vg.Length(rng.Float64()) * (hi - lo) / vg.Length(max(1, n-1))
		wanted := make([]vg.Length, n)
		for i := range wanted {
			wanted[i] = vg.Length(160 + 60*rng.NormFloat64())
		}
		slices.Sort(wanted)
		got := spread(wanted, gap, lo, hi)
		if len(got) != n {
			t.Fatalf("%d positions, want %d", len(got), n)
		}
		for i, y := range got {
			below, above := vg.Length(lo), vg.Length(hi)
			if i > 0 {
				below = got[i-1] + gap
			}
			if i < n-1 {
				above = got[i+1] - gap
			}
			if y < below-tolerance || y > above+tolerance {
				t.Fatalf("%v became %v, gap %v: position %d is not from %v to %v", wanted, got, gap, i, below, above)
			}
			if y < wanted[i]-tolerance && y < above-tolerance || y > wanted[i]+tolerance && y > below+tolerance {
				t.Fatalf("%v became %v, gap %v: position %d could be at %v", wanted, got, gap, i, max(below, min(above, wanted[i])))
			}
		}
	}
}
