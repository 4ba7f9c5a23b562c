package env

import (
	"math"
	"testing"
)

// Expected values were drawn from NumPy 1.24.2.
func TestRandIsNumPys(t *testing.T) {
	for _, c := range []struct {
		seed uint64
		want [4]float64
	}{
		{42, [4]float64{0x1.c0d97eba2bd40p-6, -0x1.9090f63c0b010p-8, 0x1.25c36f3afc536p-5, 0x1.435e26c08cd04p-6}},
		{123, [4]float64{0x1.2ac3ea39b2e5cp-6, -0x1.6d8283a7b3db8p-5, -0x1.ca299206fb5a4p-6, -0x1.02900762623b2p-5}},
	} {
		r := NewRand(c.seed)
		for i, want := range c.want {
			if got := r.Uniform(-0.05, 0.05); got != want {
				t.Errorf("seed %d, number %d: %x, want %x", c.seed, i, got, want)
			}
		}
	}
	for seed, want := range map[uint64]uint64{ // default_rng(seed).bit_generator.random_raw()
		0: 11749869230777074271, 1 << 32: 16412783775159424549, math.MaxUint64: 12544278110101001871,
	} {
		r := NewRand(seed)
		if got := r.Uint64(); got != want {
			t.Errorf("seed %d: %d, want %d", seed, got, want)
		}
	}
	// The upper half of a 64-bit number, left over from a 32-bit one, survives a float64 drawn in between.
	r := NewRand(7)
	for i, want := range []uint32{2, 1, 2, 2, 1, 2} {
		if got := r.Uint32N(3); got != want {
			t.Errorf("integers(0, 3) number %d: %d, want %d", i, got, want)
		}
	}
	if got := r.Float64(); got != 0.22520718999059186 {
		t.Errorf("random() = %v", got)
	}
	for i := range 3 {
		if got := r.Uint32N(3); got != 0 {
			t.Errorf("choice number %d: %d, want 0", i, got)
		}
	}
	// A range just above 2³¹ rejects about half of the numbers.
	r = NewRand(3)
	for i, want := range []uint32{1742692732, 183930185, 385346042, 508546690, 1866662802, 713397379} {
		if got := r.Uint32N(1<<31 + 1); got != want {
			t.Errorf("integers(0, 2³¹+1) number %d: %d, want %d", i, got, want)
		}
	}
	if before := r; r.Uint32N(1) != 0 || r.Uint32N(0) != 0 || r != before {
		t.Error("a range of one number uses up random bits")
	}
}

func TestRandResumes(t *testing.T) {
	r := NewRand(9)
	r.Uint32()
	data, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var other Rand
	if err := other.UnmarshalBinary(data); err != nil || other != r {
		t.Fatalf("restored %+v, %v, want %+v", other, err, r)
	}
	for _, bad := range [][]byte{nil, data[:len(data)-1], append(data[:len(data):len(data)], 0), {1, 0, 0, 0, 'x'}, {255, 255, 255, 255}} {
		if err := other.UnmarshalBinary(bad); err == nil || other != r {
			t.Errorf("%d bytes: error %v, want one and no change", len(bad), err)
		}
	}
}
