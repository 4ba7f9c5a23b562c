package data

import (
	"math/big"
	"slices"
	"testing"
)

// The streams must never change, or runs could not be repeated. The expected
// values come from a program in Python that implements the seeding, PCG-DXSM,
// Shuffle and the draw of a pixel on its own, with big integers.
func TestStreamsPinned(t *testing.T) {
	b := newBatches(t, numbered(8), 8, BatchOptions{Shuffle: true, Seed: 1})
	if got, want := epochOrder(t, b, 3), []int{0, 3, 4, 5, 1, 6, 2, 7}; !slices.Equal(got, want) {
		t.Errorf("order of epoch 3: got %v, want %v", got, want)
	}

	d, err := Dataset{Train: ramp("train", 6), Test: ramp("test", 1)}.Binarize(Static, 7)
	if err != nil {
		t.Fatal(err)
	}
	const static = "881001032502e0212fcb04261266d9fccc5d5acbeb6dfcdb77efffff7ff"
	if got := hex(d.Train.Image(5)); got != static {
		t.Errorf("static image 5: got %s, want %s", got, static)
	}

	set := ramp("train", 43)
	set.Dynamic = true
	x := make([]float32, 256)
	if _, err := newBatches(t, set, 1, BatchOptions{Seed: 1}).Fill(17, 42, x); err != nil {
		t.Fatal(err)
	}
	const dynamic = "c880381e28860010012d58cf3a98d9d2ffddfaf75ba3bcbff9fffffff"
	if got := hex(x); got != dynamic {
		t.Errorf("dynamic image 42 in epoch 17: got %s, want %s", got, dynamic)
	}
}

// hex returns the pixels, 0 or not, as the bits of a hexadecimal number, the
// first pixel highest.
func hex[T byte | float32](pixels []T) string {
	n := new(big.Int)
	for i, v := range pixels {
		if v != 0 {
			n.SetBit(n, len(pixels)-1-i, 1)
		}
	}
	return n.Text(16)
}
