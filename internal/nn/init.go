package nn

import (
	"math"
	"math/rand/v2"
)

// Init fills dst, a tensor of the given shape in row-major order, with first
// weights, drawing what it needs from rng.
//
// The initialisers that scale with the layer's width read it off the shape:
// a dense weight [in, out] has fan_in = in and fan_out = out; of a longer
// shape [k…, in, out] the leading axes are a receptive field, whose size
// multiplies both; a vector [n] has both n, a scalar both 1. These are the
// conventions of Keras' VarianceScaling.
type Init func(shape []int, dst []float32, rng *rand.Rand)

// Zeros sets every weight to 0.
func Zeros(_ []int, dst []float32, _ *rand.Rand) { clear(dst) }

// Constant sets every weight to c.
func Constant(c float32) Init {
	return func(_ []int, dst []float32, _ *rand.Rand) {
		for i := range dst {
			dst[i] = c
		}
	}
}

// GlorotUniform draws from U(−a, a) with
//
//	a = √(6 / (fan_in + fan_out)),
//
// whose variance is 2 / (fan_in + fan_out). Glorot and Bengio, "Understanding
// the difficulty of training deep feedforward neural networks", AISTATS 2010,
// equation 16.
func GlorotUniform(shape []int, dst []float32, rng *rand.Rand) {
	in, out := fans(shape)
	uniform(math.Sqrt(6/(in+out)), dst, rng)
}

// GlorotNormal draws from N(0, σ²) with σ² = 2 / (fan_in + fan_out), the
// variance of GlorotUniform, not truncated.
func GlorotNormal(shape []int, dst []float32, rng *rand.Rand) {
	in, out := fans(shape)
	normal(math.Sqrt(2/(in+out)), dst, rng)
}

// HeUniform draws from U(−a, a) with
//
//	a = √(6 / fan_in),
//
// whose variance 2 / fan_in suits layers followed by a rectifier. He, Zhang,
// Ren and Sun, "Delving deep into rectifiers", ICCV 2015, section 2.2.
func HeUniform(shape []int, dst []float32, rng *rand.Rand) {
	in, _ := fans(shape)
	uniform(math.Sqrt(6/in), dst, rng)
}

// HeNormal draws from N(0, σ²) with σ² = 2 / fan_in, the variance of
// HeUniform, not truncated.
func HeNormal(shape []int, dst []float32, rng *rand.Rand) {
	in, _ := fans(shape)
	normal(math.Sqrt(2/in), dst, rng)
}

// TorchLinear draws from U(−a, a) with
//
//	a = 1 / √fan_in,
//
// PyTorch's default for both the weight and the bias of nn.Linear. The bias
// cannot know the layer's input width from its own shape, so fanIn is given;
// below 1 it yields NaN, which Params.Add reports as an error.
func TorchLinear(fanIn int) Init {
	bound := 1 / math.Sqrt(float64(fanIn))
	if fanIn < 1 {
		bound = math.NaN()
	}
	return func(_ []int, dst []float32, rng *rand.Rand) { uniform(bound, dst, rng) }
}

// fans returns fan_in and fan_out of a shape, as Init describes them.
func fans(shape []int) (in, out float64) {
	switch rank := len(shape); rank {
	case 0:
		return 1, 1
	case 1:
		return float64(shape[0]), float64(shape[0])
	default:
		field := 1.0
		for _, dim := range shape[:rank-2] {
			field *= float64(dim)
		}
		return field * float64(shape[rank-2]), field * float64(shape[rank-1])
	}
}

// uniform draws from U(−bound, bound).
func uniform(bound float64, dst []float32, rng *rand.Rand) {
	for i := range dst {
		dst[i] = float32(bound * (2*rng.Float64() - 1))
	}
}

// normal draws from N(0, std²).
func normal(std float64, dst []float32, rng *rand.Rand) {
	for i := range dst {
		dst[i] = float32(std * rng.NormFloat64())
	}
}
