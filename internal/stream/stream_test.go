package stream

import (
	"math/bits"
	"math/rand/v2"
	"testing"
)

func TestSameSeedAndNameSameStream(t *testing.T) {
	a, b := New(1, "train"), New(1, "train")
	for i := range 100 {
		if x, y := a.Uint64(), b.Uint64(); x != y {
			t.Fatalf("draw %d: %x and %x", i, x, y)
		}
	}
}

// Neighbouring seeds and names differ in about half of the bits of every draw: 32 of 64, standard deviation of the
// mean over 1000 draws 4/√1000 = 0.13.
func TestStreamsAreUnrelated(t *testing.T) {
	base := func() *rand.PCG { return New(1, "train") }
	for name, other := range map[string]*rand.PCG{"next seed": New(2, "train"), "other name": New(1, "trail"), "longer name": New(1, "train/"), "counter": New(1, "train", 0)} {
		a, differing := base(), 0
		for range 1000 {
			differing += bits.OnesCount64(a.Uint64() ^ other.Uint64())
		}
		if mean := float64(differing) / 1000; mean < 32-5*0.13 || mean > 32+5*0.13 {
			t.Errorf("%s: %.2f of 64 bits differ on average, want 32 ± 0.65 (five standard errors)", name, mean)
		}
	}
}

func TestStateContinues(t *testing.T) {
	a := New(3, "x")
	a.Uint64()
	state := State(a)
	want := []uint64{a.Uint64(), a.Uint64()}
	b := New(0, "y")
	Set(b, state)
	if got := []uint64{b.Uint64(), b.Uint64()}; got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %x after Set, want %x", got, want)
	}
}

// The streams are part of the results that a seed names: a change here changes every published number. The values were
// computed by a program in Python from the description of Seed and the definition of PCG-DXSM.
func TestStreamIsPinned(t *testing.T) {
	if got, want := New(1, "train").Uint64(), uint64(0x48c8798bcd1e597d); got != want {
		t.Errorf("first draw of stream (1, train) is %#x, want %#x", got, want)
	}
	if got, want := New(1, "train", 2, 3).Uint64(), uint64(0x67efcc60709114a3); got != want {
		t.Errorf("first draw of stream (1, train, 2, 3) is %#x, want %#x", got, want)
	}
}

func TestSeedAllocatesNothing(t *testing.T) {
	var p rand.PCG
	if n := testing.AllocsPerRun(100, func() { Seed(&p, 1, "train/noise", 2) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
