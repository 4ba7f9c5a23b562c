package data

import "math/rand/v2"

// seedStream puts src at the start of the stream of the given name and
// counters: the same arguments give the same numbers, different ones unrelated
// numbers. The second word of the PCG seed is the FNV-1a hash (64 bits) of the
// purpose, the set and the counters as 8 bytes each, low byte first.
func seedStream(src *rand.PCG, seed uint64, purpose, set string, counters ...int) {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, part := range [...]string{"data/", purpose, "/", set} {
		for i := range len(part) {
			h = (h ^ uint64(part[i])) * prime
		}
	}
	for _, c := range counters {
		for shift := 0; shift < 64; shift += 8 {
			h = (h ^ uint64(byte(c>>shift))) * prime
		}
	}
	src.Seed(seed, h)
}
