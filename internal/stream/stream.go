// Package stream makes random generators from a seed and a name. Every use of randomness in the project has a stream
// of its own – weights of one layer, the shuffle of one epoch, the noise of training – so that adding one never
// changes another, and the same seed gives the same numbers.
package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// New returns the generator of that name under the seed. The state is a hash of both, so that neighbouring seeds and
// similar names have unrelated streams.
func New(seed uint64, name string) *rand.PCG {
	b := binary.LittleEndian.AppendUint64(nil, seed)
	sum := sha256.Sum256(append(b, name...))
	return rand.NewPCG(binary.LittleEndian.Uint64(sum[:]), binary.LittleEndian.Uint64(sum[8:]))
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
