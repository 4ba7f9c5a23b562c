package kernel

import (
	"slices"
	"testing"

	"golang.org/x/sys/cpu"
)

// TestSIMD takes features away that older processors lack.
func TestSIMD(t *testing.T) {
	before := cpu.X86
	defer func() { cpu.X86 = before }()
	x := &cpu.X86
	x.HasAVX2, x.HasFMA, x.HasBMI2 = true, true, true
	x.HasAVX512F, x.HasAVX512DQ, x.HasAVX512BW, x.HasAVX512VL = true, true, true, true
	check := func(lacking string, want ...string) {
		t.Helper()
		var got []string
		for _, l := range simd() {
			got = append(got, l.level)
		}
		if !slices.Equal(got, want) {
			t.Errorf("without %s: %v, want %v", lacking, got, want)
		}
	}
	check("nothing", "sse2", "avx2", "avx512")
	x.HasAVX512VL = false
	check("AVX-512VL", "sse2", "avx2")
	x.HasFMA = false
	check("FMA", "sse2")
	if l := choose(""); l.level != "sse2" {
		t.Errorf("without FMA the choice is %s, want sse2", l.level)
	}
}
