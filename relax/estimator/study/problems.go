package study

import (
	"math"
	"math/rand/v2"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/internal/stream"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
)

// Problem is a case with a name. Its objective takes float32 and float64.
type Problem struct {
	Name string
	Text string // what f and the law are, in a line
	meter.Case
}

// Logit is the log-odds of a probability.
func Logit(p float64) float64 { return math.Log(p) - math.Log1p(-p) }

// Bit is the toy problem f(b) = (b − t)² for one bit with P(b=1) = θ. Its gradient is θ(1−θ)(1−2t), so that θ should move
// to 0 if t < ½. Source: Tucker et al. (2017), arXiv:1703.07370, section 5.1, with t = 0.45; Grathwohl et al. (2018),
// arXiv:1711.00123, section 4, with t = 0.499.
func Bit(t, θ float64) meter.Case {
	return meter.Case{Law: estimator.Bernoulli, Logits: []float64{Logit(θ)}, Shape: []int{1}, F: squaredDistance(t, []float64{1})}
}

// vectorBits is D of [Vector].
const vectorBits = 8

// Vector is the toy problem of eight bits that interact, f(b) = (v·b − t)² with v_i = (−1)ⁱ·(1 − i/8) and logits evenly
// spaced from −1.5 to 1.5, i = 0, …, 7.
func Vector(t float64) meter.Case {
	v, logits := make([]float64, vectorBits), make([]float64, vectorBits)
	for i := range v {
		v[i] = 1 - float64(i)/vectorBits
		if i%2 == 1 {
			v[i] = -v[i]
		}
		logits[i] = -1.5 + 3*float64(i)/(vectorBits-1)
	}
	return meter.Case{Law: estimator.Bernoulli, Logits: logits, Shape: []int{vectorBits}, F: squaredDistance(t, v)}
}

// squaredDistance is f(b) = (v·b − t)².
func squaredDistance(t float64, v []float64) estimator.Objective {
	return func(b *G.Node) (*G.Node, error) {
		var e op.Expr
		return e.Node(e.Of(op.Square(e.Of(op.Shift(e.Of(op.DotLast(b, v)), -t)))))
	}
}

// Of [Image]. Either code has 4096 states.
const (
	imageSide = 28 // pixels
	barWidth  = 4  // pixels
	bars      = 2 * imageSide / barWidth

	codeBits    = 12
	codeLatents = 4
	codeClasses = 8
)

// Image is a step of a variational autoencoder on one picture x of 28×28 pixels: f(b) = −log p(x|b) for a code b of 12 bits
// or of 4 variables of 8 classes, 4096 states either way.
//
// The picture is an upright and a lying bar. The decoder is tanh(Wb + a), whose 14 units each draw one bar, 4 pixels wide,
// with strength 4 onto logits of −2; W, a and the logits of b are standard normal numbers of a fixed seed, W times 2/√D for
// D bits. f lies between 100 and 700 nats.
func Image(law estimator.Law) meter.Case {
	shape, size := []int{codeBits}, codeBits
	if law == estimator.Categorical {
		shape, size = []int{codeLatents, codeClasses}, codeLatents*codeClasses
	}
	rng := rand.New(stream.New(1, "study/image/"+law.String()))
	normal := func(n int, scale float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = scale * rng.NormFloat64()
		}
		return x
	}
	weight, bias := normal(size*bars, 1), normal(bars, 1)
	logits := normal(size, 1)

	pen, background, picture := make([]float64, bars*imageSide*imageSide), make([]float64, imageSide*imageSide), make([]float64, imageSide*imageSide)
	for row := range imageSide {
		for col := range imageSide {
			pixel := row*imageSide + col
			upright, lying := col/barWidth, bars/2+row/barWidth
			pen[upright*imageSide*imageSide+pixel], pen[lying*imageSide*imageSide+pixel] = 4, 4
			background[pixel] = -2
			if upright == 2 || lying == bars/2+4 {
				picture[pixel] = 1
			}
		}
	}
	f := func(b *G.Node) (*G.Node, error) {
		rows := b.Shape()[0]
		var e op.Expr
		code := e.Of(op.Reshape(b, rows, size))
		units := e.Of(op.Dense(code, e.Of(op.TensorLike(b, weight, size, bars)), e.Of(op.TensorLike(b, bias, bars)), op.ActTanh))
		pixels := e.Of(op.Dense(units, e.Of(op.TensorLike(b, pen, bars, imageSide*imageSide)), e.Of(op.TensorLike(b, background, imageSide*imageSide)), op.ActIdentity))
		target := e.Of(op.SpreadBatch(e.Of(op.TensorLike(b, picture, imageSide*imageSide)), rows))
		return e.Node(e.Of(op.BernoulliNLL(pixels, target)))
	}
	return meter.Case{Law: law, Logits: logits, Shape: shape, F: f}
}
