package plots

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestLogTicks(t *testing.T) {
	for _, test := range []struct {
		most   int
		lo, hi float64 // numbers
		want   string  // labels; · stands for a mark without one
	}{
		{9, 0.09, 6, "0.1 0.2 0.5 1 2 5"},
		{9, 1, 1000, "1 10 100 1000 · · · · · · · · · · · · · · · · · · · · · · · ·"},
		{10, 1, 1000, "1 2 5 10 20 50 100 200 500 1000"},
		{4, 1e-8, 1e3, "1e−6 0.001 1 1000"}, // every third power; of the second ones there are six
		{9, 0.021, 0.0341, "0.022 0.024 0.026 0.028 0.030 0.032 0.034"},
		{9, 1.009e-9, 1.031e-9, "1.010e−9 1.015e−9 1.020e−9 1.025e−9 1.030e−9"},
	} {
		var labels []string
		for _, mark := range (logTicks{test.most}).Ticks(math.Log10(test.lo), math.Log10(test.hi)) {
			label := mark.Label
			if mark.IsMinor() {
				label = "·"
			}
			labels = append(labels, label)
		}
		if got := strings.Join(labels, " "); got != test.want {
			t.Errorf("at most %d from %g to %g: %s, want %s", test.most, test.lo, test.hi, got, test.want)
		}
	}
}

// Whatever the axis, marks lie on it, labels are their numbers and differ, and
// there are enough but not too many.
func TestLogTicksProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 0))
	for range 5000 {
		lo := 30*rng.Float64() - 20
		hi := lo + math.Pow(10, 4*rng.Float64()-2) // from a hundredth of a decade to a hundred decades
		var labels []string
		for _, mark := range (logTicks{9}).Ticks(lo, hi) {
			if mark.Value < lo || mark.Value > hi {
				t.Fatalf("%v is not from %v to %v", mark.Value, lo, hi)
			}
			if mark.IsMinor() {
				continue
			}
			if slices.Contains(labels, mark.Label) {
				t.Fatalf("%s comes twice from %v to %v", mark.Label, lo, hi)
			}
			labels = append(labels, mark.Label)
			read, err := strconv.ParseFloat(strings.Replace(mark.Label, "−", "-", 1), 64)
			if err != nil || math.Abs(math.Log10(read)-mark.Value) > 1e-9 {
				t.Fatalf("%q stands at %v from %v to %v", mark.Label, mark.Value, lo, hi)
			}
		}
		if len(labels) < 3 || len(labels) > 9 {
			t.Fatalf("%d labels from %v to %v: %q", len(labels), lo, hi, labels)
		}
	}
}

func TestFormatSignificant(t *testing.T) {
	for _, test := range []struct {
		v      float64
		digits int
		want   string
	}{
		{0.001234, 3, "0.00123"},
		{0.0009996, 3, "0.00100"}, // rounded up to the next power
		{0.000999, 3, "9.99e−4"},
		{12345, 3, "12300"},
		{123456, 3, "1.23e5"},
		{1, 1, "1"},
		{475.25, 3, "475"},
		{-2.5e-7, 2, "−2.5e−7"},
		{0, 3, "0"},
	} {
		if got := formatSignificant(test.v, test.digits); got != test.want {
			t.Errorf("formatSignificant(%v, %d) = %s, want %s", test.v, test.digits, got, test.want)
		}
	}
}

func TestFormatCount(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1\u00a0000", 80000: "80\u00a0000", 1234567: "1\u00a0234\u00a0567"} {
		if got := formatCount(n); got != want {
			t.Errorf("formatCount(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestFormatShortest(t *testing.T) {
	for v, want := range map[float64]string{475: "475", -100: "−100", 9.7: "9.7", 1e-7: "1e−7", -2.5e-12: "−2.5e−12", 1e30: "1e30"} {
		if got := formatShortest(v); got != want {
			t.Errorf("formatShortest(%v) = %q, want %q", v, got, want)
		}
	}
}
