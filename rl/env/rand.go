package env

import "math/bits"

// Rand is NumPy's default random generator, numpy.random.default_rng: PCG64 (128 bits of state, XSL-RR output; O'Neill,
// PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number Generation, 2014)
// seeded through SeedSequence. It yields the numbers that Gymnasium draws from the same seed. The generator of
// math/rand/v2 has the same family name and different numbers. The zero value must be seeded before use.
type Rand struct {
	hi, lo       uint64 // state
	incHi, incLo uint64 // increment, odd
	half         uint32 // upper half of a number of which only the lower has been used
	hasHalf      bool
}

// NewRand returns a generator seeded with seed.
func NewRand(seed uint64) Rand {
	var r Rand
	r.Seed(seed)
	return r
}

// Seed restarts the generator as numpy.random.default_rng(seed) would start.
func (r *Rand) Seed(seed uint64) {
	s := seedSequence(seed)
	*r = Rand{incHi: s[2]<<1 | s[3]>>63, incLo: s[3]<<1 | 1}
	r.advance()
	var carry uint64
	r.lo, carry = bits.Add64(r.lo, s[1], 0)
	r.hi, _ = bits.Add64(r.hi, s[0], carry)
	r.advance()
}

// advance moves to the next state: state·multiplier + increment modulo 2¹²⁸.
func (r *Rand) advance() {
	const mulHi, mulLo = 0x2360ed051fc65da4, 0x4385df649fccf645
	hi, lo := bits.Mul64(r.lo, mulLo)
	hi += r.hi*mulLo + r.lo*mulHi
	var carry uint64
	r.lo, carry = bits.Add64(lo, r.incLo, 0)
	r.hi, _ = bits.Add64(hi, r.incHi, carry)
}

// Uint64 returns 64 random bits.
func (r *Rand) Uint64() uint64 {
	r.advance()
	return bits.RotateLeft64(r.hi^r.lo, -int(r.hi>>58))
}

// Uint32 returns 32 random bits: the lower half of a 64-bit number, and its upper half the next time.
func (r *Rand) Uint32() uint32 {
	if r.hasHalf {
		r.hasHalf = false
		return r.half
	}
	u := r.Uint64()
	r.half, r.hasHalf = uint32(u>>32), true
	return uint32(u)
}

// Float64 returns a multiple of 2⁻⁵³ from the interval [0, 1), as Generator.random does.
func (r *Rand) Float64() float64 { return float64(r.Uint64()>>11) * 0x1p-53 }

// Uniform returns low + (high-low)·u with u from [0, 1), as Generator.uniform does.
func (r *Rand) Uniform(low, high float64) float64 {
	return low + float64((high-low)*r.Float64())
}

// Uint32N returns a uniform number from 0, …, n-1, as Generator.integers(n) and the index drawn by Generator.choice
// do (Lemire, Fast Random Integer Generation in an Interval, 2019). For n ≤ 1 it returns 0 and draws nothing.
func (r *Rand) Uint32N(n uint32) uint32 {
	if n <= 1 {
		return 0
	}
	m := uint64(r.Uint32()) * uint64(n)
	for threshold := -n % n; uint32(m) < threshold; {
		m = uint64(r.Uint32()) * uint64(n)
	}
	return uint32(m >> 32)
}

// MarshalBinary returns the state of the generator.
func (r *Rand) MarshalBinary() ([]byte, error) {
	return encode("pcg64", &r.hi, &r.lo, &r.incHi, &r.incLo, &r.half, &r.hasHalf)
}

// UnmarshalBinary restores what MarshalBinary returned.
func (r *Rand) UnmarshalBinary(data []byte) error {
	var next Rand
	err := decode("pcg64", data, &next.hi, &next.lo, &next.incHi, &next.incLo, &next.half, &next.hasHalf)
	if err != nil {
		return err
	}
	*r = next
	return nil
}

// seedSequence is numpy.random.SeedSequence(seed).generate_state(4, uint64): the 32-bit words of the seed are hashed
// into a pool of four words, the pool is mixed, and the output is hashed out of the pool. All constants are NumPy's
// (numpy/random/bit_generator.pyx).
func seedSequence(seed uint64) [4]uint64 {
	hash := uint32(0x43b0d7e5)
	absorb := func(word uint32) uint32 {
		word ^= hash
		hash *= 0x931e8875
		word *= hash
		return word ^ word>>16
	}
	pool := [4]uint32{absorb(uint32(seed)), absorb(uint32(seed >> 32)), absorb(0), absorb(0)}
	for from := range pool {
		for to := range pool {
			if from != to {
				mixed := 0xca01f9dd*pool[to] - 0x4973f715*absorb(pool[from])
				pool[to] = mixed ^ mixed>>16
			}
		}
	}
	hash = 0x8b51f9dd
	var out [4]uint64
	for i := range 8 {
		word := pool[i%4] ^ hash
		hash *= 0x58f38ded
		word *= hash
		word ^= word >> 16
		out[i/2] |= uint64(word) << (32 * (i % 2))
	}
	return out
}
