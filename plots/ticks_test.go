package plots

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		ticks
		lo, hi float64
		want   string
	}{
		{ticks{11, true}, 0, 1, "0 1"},
		{ticks{11, true}, 0, 3, "0 1 2 3"},
		{ticks{11, true}, 0, 10, "0 1 2 3 4 5 6 7 8 9 10"},
		{ticks{11, true}, 0, 11, "0 2 4 6 8 10"},
		{ticks{11, true}, 0, 300, "0 50 100 150 200 250 300"},
		{ticks{9, false}, 93.1, 168.2, "100 110 120 130 140 150 160"},
		{ticks{9, false}, -0.25, 0.25, "−0.2 −0.1 0.0 0.1 0.2"},
		{ticks{9, false}, 0.0011, 0.0031, "0.0015 0.0020 0.0025 0.0030"},
		{ticks{9, false}, -3e9, 4e9, "−3e+09 −2e+09 −1e+09 0 1e+09 2e+09 3e+09 4e+09"},
	} {
		var labels []string
		for _, mark := range test.Ticks(test.lo, test.hi) {
			labels = append(labels, mark.Label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("%+v from %v to %v: %s, want %s", test.ticks, test.lo, test.hi, got, test.want)
		}
	}
}

// Whatever the axis, ticks lie on it, their labels are their values and differ,
// and there are enough but not too many.
func TestTicksProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for range 5000 {
		lo := rng.NormFloat64() * math.Pow(10, rng.Float64()*12-6)
		// The axis is never shorter than Curves makes it.
		hi := lo + max(math.Pow(10, rng.Float64()*12-5.5), 2e-3*math.Abs(lo))
		marker := ticks{most: 9}
		var labels []string
		for _, mark := range marker.Ticks(lo, hi) {
			if mark.Value < lo || mark.Value > hi {
				t.Fatalf("%v is not from %v to %v", mark.Value, lo, hi)
			}
			if slices.Contains(labels, mark.Label) {
				t.Fatalf("%s comes twice from %v to %v", mark.Label, lo, hi)
			}
			labels = append(labels, mark.Label)
			read, err := strconv.ParseFloat(strings.Replace(mark.Label, "−", "-", 1), 64)
			if err != nil || math.Abs(read-mark.Value) > 1e-9*(hi-lo) && math.Abs(mark.Value) < 1e9 {
				t.Fatalf("%q stands at %v", mark.Label, mark.Value)
			}
		}
		if len(labels) < 3 || len(labels) > 9 {
			t.Fatalf("%d ticks from %v to %v", len(labels), lo, hi)
		}
	}
	for range 2000 {
		hi := math.Ceil(math.Pow(10, rng.Float64()*15))
		marks := ticks{most: 11, whole: true}.Ticks(0, hi)
		for _, mark := range marks {
			if mark.Value != math.Trunc(mark.Value) || hi < 1e9 && strings.Contains(mark.Label, ".") {
				t.Fatalf("%q (%v) is not whole", mark.Label, mark.Value)
			}
		}
		if len(marks) < 2 || len(marks) > 11 {
			t.Fatalf("%d ticks from 0 to %v", len(marks), hi)
		}
	}
}

func TestFormatNumber(t *testing.T) {
	for _, test := range []struct {
		v        float64
		decimals int
		want     string
	}{
		{104.316, 2, "104.32"},
		{-1.5, 1, "−1.5"},
		{-0.001, 2, "0.00"},
		{math.Copysign(0, -1), 0, "0"},
		{1e15, 0, "1e+15"},
	} {
		if got := formatNumber(test.v, test.decimals); got != test.want {
			t.Errorf("formatNumber(%v, %d) = %s, want %s", test.v, test.decimals, got, test.want)
		}
	}
	for v, want := range map[float64]int{0: 2, 104.3: 2, 10: 2, 9.9: 3, 0.5: 4, 0.0123: 5, 1e-9: 6} {
		if got := decimalsFor(v); got != want {
			t.Errorf("decimalsFor(%v) = %d, want %d", v, got, want)
		}
	}
}
