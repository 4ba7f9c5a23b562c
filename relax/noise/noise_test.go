package noise_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"relaxgo/relax/noise"
)

var kinds = []noise.Kind{noise.Uniform, noise.Logistic, noise.Gumbel, noise.Exponential, noise.Normal}

// A law is what a kind of noise promises: its distribution function, mean, variance and excess kurtosis.
type law struct {
	cdf                      func(x float64) float64
	mean, variance, kurtosis float64
	lowest, highest          float64 // open bounds of the support
}

const eulerGamma = 0.5772156649015329

var laws = map[noise.Kind]law{
	noise.Uniform:     {func(x float64) float64 { return x }, 0.5, 1.0 / 12, -1.2, 0, 1},
	noise.Logistic:    {func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 0, math.Pi * math.Pi / 3, 1.2, math.Inf(-1), math.Inf(1)},
	noise.Gumbel:      {func(x float64) float64 { return math.Exp(-math.Exp(-x)) }, eulerGamma, math.Pi * math.Pi / 6, 2.4, math.Inf(-1), math.Inf(1)},
	noise.Exponential: {func(x float64) float64 { return -math.Expm1(-x) }, 1, 1, 6, 0, math.Inf(1)},
	noise.Normal:      {func(x float64) float64 { return 0.5 * math.Erfc(-x/math.Sqrt2) }, 0, 1, 0, math.Inf(-1), math.Inf(1)},
}

const draws = 100_000

func sample[T float32 | float64](k noise.Kind, seed uint64) []float64 {
	x := make([]T, draws)
	noise.Fill(noise.NewSource(seed, "test"), k, x)
	out := make([]float64, draws)
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// Mean and variance lie within five standard errors, σ/√n and σ²√((κ+2)/n) for excess kurtosis κ; a right generator
// fails at one seed in a million. The greatest distance D of the empirical distribution function from that of the
// law has P(D√n > 2.6) = 2e^{−2·2.6²} = 2.7e-6 (Kolmogorov); the seeds are fixed. Samples lie within the support.
func TestLaws(t *testing.T) {
	for _, k := range kinds {
		for name, x := range map[string][]float64{"float32": sample[float32](k, 1), "float64": sample[float64](k, 2)} {
			t.Run(fmt.Sprint(k, " ", name), func(t *testing.T) {
				l := laws[k]
				var sum, squares float64
				for _, v := range x {
					if !(v > l.lowest && v < l.highest) {
						t.Fatalf("%v is not between %v and %v", v, l.lowest, l.highest)
					}
					sum += v
					squares += (v - l.mean) * (v - l.mean)
				}
				if got, tol := sum/draws, 5*math.Sqrt(l.variance/draws); math.Abs(got-l.mean) > tol {
					t.Errorf("mean %v, want %v ± %.2g", got, l.mean, tol)
				}
				if got, tol := squares/draws, 5*l.variance*math.Sqrt((l.kurtosis+2)/draws); math.Abs(got-l.variance) > tol {
					t.Errorf("variance %v, want %v ± %.2g", got, l.variance, tol)
				}
				slices.Sort(x)
				distance := 0.0
				for i, v := range x {
					f := l.cdf(v)
					distance = max(distance, f-float64(i)/draws, float64(i+1)/draws-f)
				}
				if d := distance * math.Sqrt(draws); d > 2.6 {
					t.Errorf("Kolmogorov's statistic D√n is %.3f, more than 2.6", d)
				}
			})
		}
	}
}

// Neighbouring draws of one stream are uncorrelated: the correlation of n pairs has standard error 1/√n.
func TestDrawsAreUncorrelated(t *testing.T) {
	for _, k := range kinds {
		l, x := laws[k], sample[float64](k, 3)
		sum := 0.0
		for i := range x[1:] {
			sum += (x[i] - l.mean) * (x[i+1] - l.mean)
		}
		if c, tol := sum/draws/l.variance, 5/math.Sqrt(draws); math.Abs(c) > tol {
			t.Errorf("%v: correlation %.4f of neighbours, want 0 ± %.4f", k, c, tol)
		}
	}
}

// The numbers depend on the seed and on the name of the stream, and on nothing else.
func TestSameSeedSameNumbers(t *testing.T) {
	for _, k := range kinds {
		a, b := sample[float32](k, 7), sample[float32](k, 7)
		if !slices.Equal(a, b) {
			t.Errorf("%v: two sources of one seed and name differ", k)
		}
		whole, parts := make([]float64, 10), make([]float64, 10)
		noise.Fill(noise.NewSource(7, "x"), k, whole)
		s := noise.NewSource(7, "x")
		noise.Fill(s, k, parts[:3])
		noise.Fill(s, k, parts[3:])
		if !slices.Equal(whole, parts) {
			t.Errorf("%v: filling in two parts gives %v, in one %v", k, parts, whole)
		}
	}
}

// Streams of other seeds or other names are unrelated to each other: correlation 0 within five standard errors.
func TestStreamsAreUnrelated(t *testing.T) {
	base := sample[float64](noise.Normal, 11)
	for name, s := range map[string]*noise.Source{
		"counter": noise.NewSource(11, "test", 0), "next counter": noise.NewSource(11, "test", 1), "next seed": noise.NewSource(12, "test"), "other name": noise.NewSource(11, "tests"), "empty name": noise.NewSource(11, ""),
	} {
		other := make([]float64, draws)
		noise.Fill(s, noise.Normal, other)
		sum := 0.0
		for i := range other {
			sum += base[i] * other[i]
		}
		if c, tol := sum/draws, 5/math.Sqrt(draws); math.Abs(c) > tol {
			t.Errorf("%s: correlation %.4f, want 0 ± %.4f", name, c, tol)
		}
	}
}

// A stream continues where its state was taken, whatever kind of noise comes before and after, and whoever draws.
func TestStateContinues(t *testing.T) {
	for _, before := range kinds {
		for _, after := range kinds {
			a, b := noise.NewSource(5, "a"), noise.NewSource(6, "b")
			skipped := make([]float32, 1001)
			noise.Fill(a, before, skipped)
			a.Rand().IntN(7)
			b.SetState(a.State())
			x, y := make([]float32, 100), make([]float32, 100)
			noise.Fill(a, after, x)
			noise.Fill(b, after, y)
			if !slices.Equal(x, y) {
				t.Fatalf("%v after %v: the restored stream gives other numbers", after, before)
			}
			if a.State() != b.State() || a.Rand().Uint64() != b.Rand().Uint64() {
				t.Fatalf("%v after %v: the restored stream stands elsewhere", after, before)
			}
		}
	}
}

// stateBefore is the state of a PCG generator whose next output is mix(hi)·(lo|1) for the given words, mix being the
// DXSM permutation of the high one: the step state ← a·state + c modulo 2¹²⁸ taken back.
func stateBefore(hi, lo uint64) [2]uint64 {
	word := func(hi, lo uint64) *big.Int {
		w := new(big.Int).SetUint64(hi)
		return w.Lsh(w, 64).Or(w, new(big.Int).SetUint64(lo))
	}
	modulus := new(big.Int).Lsh(big.NewInt(1), 128)
	s := word(hi, lo)
	s.Sub(s, word(6364136223846793005, 1442695040888963407))
	s.Mul(s, new(big.Int).ModInverse(word(2549297995355413924, 4865540595714422341), modulus))
	s.Mod(s, modulus)
	return [2]uint64{new(big.Int).Rsh(s, 64).Uint64(), new(big.Int).And(s, word(0, math.MaxUint64)).Uint64()}
}

// unmix is the high word that DXSM permutes into x: x ^= x>>32, x *= 0xda942042e4dd58b5, x ^= x>>48 taken back.
func unmix(x uint64) uint64 {
	inverse := uint64(1)
	for range 6 { // Newton's iteration doubles the right bits
		inverse *= 2 - 0xda942042e4dd58b5*inverse
	}
	x ^= x >> 48
	x *= inverse
	return x ^ x>>32
}

// The generator is put where its next word is the least and the greatest: u = 2⁻⁵³ and u = 1 − 2⁻⁵³, the ends of
// what can be drawn. All noise made of u is finite and inside its support there.
func TestEnds(t *testing.T) {
	const end = 53 * math.Ln2 // −log 2⁻⁵³
	for _, c := range []struct {
		name  string
		state [2]uint64
		want  map[noise.Kind]float64
		below float32 // the uniform number in float32
	}{
		{"least", stateBefore(0, 0), map[noise.Kind]float64{
			noise.Uniform: 0x1p-53, noise.Logistic: -end, noise.Gumbel: -math.Log(end), noise.Exponential: end}, 0x1p-53},
		{"greatest", stateBefore(unmix(math.MaxUint64), 0), map[noise.Kind]float64{
			noise.Uniform: 1 - 0x1p-53, noise.Logistic: end, noise.Gumbel: end, noise.Exponential: 0x1p-53}, 1 - 0x1p-24},
	} {
		for k, want := range c.want {
			s := noise.NewSource(1, "x")
			x, y := make([]float64, 1), make([]float32, 1)
			s.SetState(c.state)
			noise.Fill(s, k, x)
			s.SetState(c.state)
			noise.Fill(s, k, y)
			if math.Abs(x[0]-want) > 1e-15*math.Abs(want) {
				t.Errorf("%s %v is %.17g, want %.17g", c.name, k, x[0], want)
			}
			want32 := float32(want)
			if k == noise.Uniform {
				want32 = c.below
			}
			if math.Abs(float64(y[0]-want32)) > 1e-7*math.Abs(float64(want32)) || float64(y[0]) <= laws[k].lowest || float64(y[0]) >= laws[k].highest {
				t.Errorf("%s %v in float32 is %.9g, want %.9g", c.name, k, y[0], want32)
			}
		}
	}
}

// The first numbers of a stream are part of the results that a seed names: a change here changes all of them. The
// logarithm may differ in its last bit between processors.
func TestStreamsArePinned(t *testing.T) {
	for k, want := range map[noise.Kind][3]float64{
		noise.Uniform:     {0.28430900252453151, 0.15837531174028918, 0.43654262003271949},
		noise.Logistic:    {-0.92318682230068705, -1.6703665694551264, -0.25520568522481468},
		noise.Gumbel:      {-0.22927956362423302, -0.61127946422369339, 0.18769283462595723},
		noise.Exponential: {1.2576935952460433, 1.8427876719747258, 0.82886926807330152},
		noise.Normal:      {-0.28083363120860871, 1.4723893179601317, 1.2771619127268488},
	} {
		var got [3]float64
		noise.Fill(noise.NewSource(1, "train"), k, got[:])
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-15*math.Abs(want[i]) {
				t.Errorf("%v: stream (1, train) begins %.17g, want %.17g", k, got, want)
			}
		}
	}
}

func TestFillAllocatesNothing(t *testing.T) {
	s := noise.NewSource(1, "x")
	x32, x64 := make([]float32, 100), make([]float64, 100)
	for _, k := range kinds {
		if n := testing.AllocsPerRun(10, func() {
			noise.Fill(s, k, x32)
			noise.Fill(s, k, x64)
			noise.Fill(s, k, x64[:0])
		}); n != 0 {
			t.Errorf("%v: %v allocations", k, n)
		}
	}
}

func TestKindsAndSpecs(t *testing.T) {
	if got := fmt.Sprint(kinds, noise.Kind(99)); got != "[uniform logistic gumbel exponential normal] noise.Kind(99)" {
		t.Errorf("kinds are called %s", got)
	}
	for want, shape := range map[int][]int{1: nil, 6: {2, 3}, 24: {4, 1, 6}} {
		if got := (noise.Spec{Shape: shape}).Size(); got != want {
			t.Errorf("shape %v has %d elements, want %d", shape, got, want)
		}
	}
	defer func() {
		if r := recover(); r == nil {
			t.Error("an unknown kind does not panic")
		}
	}()
	noise.Fill(noise.NewSource(1, "x"), noise.Kind(99), make([]float32, 1))
}

// Noise that is made of a uniform number takes one word of the generator for each element.
func TestOneWordPerElement(t *testing.T) {
	for _, k := range []noise.Kind{noise.Uniform, noise.Logistic, noise.Gumbel, noise.Exponential} {
		a, b := noise.NewSource(9, "x"), noise.NewSource(9, "x")
		noise.Fill(a, k, make([]float32, 17))
		for range 17 {
			b.Rand().Uint64()
		}
		if a.State() != b.State() {
			t.Errorf("%v: 17 elements do not take 17 words", k)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	dst := make([]float32, 128*20)
	for _, k := range kinds {
		b.Run(k.String(), func(b *testing.B) {
			s := noise.NewSource(1, "x")
			b.SetBytes(int64(len(dst) * binary.Size(dst[0])))
			for b.Loop() {
				noise.Fill(s, k, dst)
			}
		})
	}
}
