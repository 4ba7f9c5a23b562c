// Package noise says what randomness a sampler needs and supplies it from named, seeded streams.
//
// A sampler of package relax is a deterministic function of its parameters and of noise that enters the graph as an
// input. Spec describes one such input, Source fills it in place before each run. A source is a PCG generator that
// depends on a seed and on the name of the stream alone, so streams do not disturb each other, and the same seed
// gives the same numbers.
package noise

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"relaxgo/internal/kernel"
	"relaxgo/internal/stream"
)

// Kind is a law of noise; every element is drawn independently.
type Kind uint8

const (
	Uniform     Kind = iota // u on the open interval (0, 1)
	Logistic                // log u − log(1−u): distribution function 1/(1+e⁻ˣ)
	Gumbel                  // −log(−log u): distribution function exp(−e⁻ˣ)
	Exponential             // −log u: density e⁻ˣ on (0, ∞)
	Normal                  // density e^{−x²/2}/√(2π)
	kinds
)

var kindNames = [kinds]string{"uniform", "logistic", "gumbel", "exponential", "normal"}

func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return fmt.Sprintf("noise.Kind(%d)", uint8(k))
}

// Spec is one noise input of a sampler.
type Spec struct {
	Kind  Kind
	Shape []int
}

// Size is the number of elements.
func (s Spec) Size() int {
	n := 1
	for _, d := range s.Shape {
		n *= d
	}
	return n
}

// Source is a stream of noise. It is not safe for concurrent use: give each goroutine a stream of its own.
type Source struct {
	pcg *rand.PCG
	rng *rand.Rand
}

// NewSource returns the stream for a purpose under the seed. A purpose is a name and counters, such as "train/noise"
// and the number of the step.
func NewSource(seed uint64, name string, counters ...int) *Source {
	pcg := stream.New(seed, name, counters...)
	return &Source{pcg: pcg, rng: rand.New(pcg)}
}

// Rand is the stream as a generator, for draws that are not noise of a graph; it shares the source's state.
func (s *Source) Rand() *rand.Rand { return s.rng }

// Fill draws len(dst) numbers of the given kind. They are made of float64 uniform numbers, so that float32 noise has the
// tails of the law and not those of a float32 uniform: float64 noise is right to rounding, float32 noise to 4 units in the
// last place or 2·10⁻⁷, whichever is more.
func Fill[T float32 | float64](s *Source, k Kind, dst []T) {
	switch k {
	case Uniform:
		for i := range dst {
			dst[i] = inside[T](s.uniform())
		}
	case Logistic, Gumbel, Exponential:
		if dst, ok := any(dst).([]float32); ok {
			s.fill32(k, dst)
			return
		}
		for i := range dst {
			dst[i] = T(quantile(k, s.uniform()))
		}
	case Normal:
		for i := range dst {
			dst[i] = T(s.rng.NormFloat64())
		}
	default:
		panic(fmt.Sprintf("noise: unknown kind %d", uint8(k)))
	}
}

// quantile is the inverse distribution function of a kind.
func quantile(k Kind, u float64) float64 {
	switch k {
	case Logistic:
		return math.Log(u / (1 - u)) // 1−u is exact
	case Gumbel:
		return -math.Log(-math.Log(u))
	}
	return -math.Log(u)
}

// block is how many numbers fill32 makes at once.
const block = 512

// scratch is what fill32 needs meanwhile: w = min(u, 1−u), whether u > ½, log w and log(1−w).
type scratch struct {
	ends, logs, rests [block]float32
	high              [block]bool
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// fill32 is the same in bulk. The nearer end of the unit interval tells a uniform number to full precision in float32.
func (s *Source) fill32(k Kind, dst []float32) {
	tmp := scratches.Get().(*scratch)
	defer scratches.Put(tmp)
	for len(dst) > 0 {
		n := min(block, len(dst))
		ends, logs, rests, high := tmp.ends[:n], tmp.logs[:n], tmp.rests[:n], tmp.high[:n]
		for i := range n {
			u := s.uniform()
			if high[i] = u > 0.5; high[i] {
				u = 1 - u // exact
			}
			ends[i] = float32(u)
		}
		kernel.Log(logs, ends)
		for i := range n {
			ends[i] = -ends[i]
		}
		kernel.Log1p(rests, ends)
		for i := range n {
			switch logU, logNotU := logs[i], rests[i]; {
			case k == Logistic && high[i]:
				dst[i] = logNotU - logU
			case k == Logistic:
				dst[i] = logU - logNotU
			case high[i]:
				dst[i] = -logNotU
			default:
				dst[i] = -logU
			}
		}
		if k == Gumbel {
			kernel.Log(dst[:n], dst[:n])
			for i := range n {
				dst[i] = -dst[i]
			}
		}
		dst = dst[n:]
	}
}

// uniform is (k+½)/2⁵² for a 52-bit integer k: exact in float64, symmetric, never 0 or 1.
func (s *Source) uniform() float64 {
	return (float64(s.pcg.Uint64()>>12) + 0.5) * 0x1p-52
}

// inside keeps a uniform number that rounds to 1 in float32 below it.
func inside[T float32 | float64](u float64) T {
	if t := T(u); t < 1 {
		return t
	}
	return T(1 - 0x1p-24)
}

// State is where the stream stands: two words that SetState takes back.
func (s *Source) State() [2]uint64 { return stream.State(s.pcg) }

// SetState continues a stream where State found it.
func (s *Source) SetState(state [2]uint64) { stream.Set(s.pcg, state) }
