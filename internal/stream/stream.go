// Package stream makes random generators from a seed and from what they are for. Every use of randomness in the
// project has a stream of its own – weights of one layer, the order of one epoch, the noise of one step – so that
// adding one never changes another, nothing has to be remembered to continue an interrupted run, and the same seed
// gives the same numbers.
package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// New returns the generator for a purpose under a seed. A purpose is a name and counters, such as "train/noise" and
// the number of the step.
func New(seed uint64, name string, counters ...int) *rand.PCG {
	p := new(rand.PCG)
	Seed(p, seed, name, counters...)
	return p
}

// Seed puts p where New would start it. The state is the first half of a SHA-256 hash over the seed, the name and,
// each behind a zero byte, the counters (numbers as 8 bytes, low byte first): neighbouring seeds, names and counters
// have unrelated streams.
func Seed(p *rand.PCG, seed uint64, name string, counters ...int) {
	var buffer [96]byte // keeps short names off the heap
	b := binary.LittleEndian.AppendUint64(buffer[:0], seed)
	b = append(b, name...)
	for _, c := range counters {
		b = binary.LittleEndian.AppendUint64(append(b, 0), uint64(c))
	}
	sum := sha256.Sum256(b)
	p.Seed(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:]))
}

// State is where a generator stands; Set continues there.
func State(p *rand.PCG) [2]uint64 {
	b, err := p.MarshalBinary()
	if err != nil || len(b) < 16 {
		panic("stream: the generator's state has an unknown form") // a change of the standard library
	}
	b = b[len(b)-16:] // a tag stands before the two words
	return [2]uint64{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// Set makes p continue from a state that State returned.
func Set(p *rand.PCG, state [2]uint64) { p.Seed(state[0], state[1]) }
