package study

import (
	"fmt"
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
	Kind string // toy, vector, vae-bits or vae
	Name string // the kind with its t, where that varies
	Text string // what f and the law are, in a line
	meter.Case
}

// Kinds lists the kinds of problems.
func Kinds() []string { return []string{"toy", "vector", "vae-bits", "vae"} }

// toyTheta is P(b=1) of the toy problems. At ½, where training begins, symmetry takes the bias off several biased
// estimators and the variance off antithetic ones.
const toyTheta = 0.2

// vectorT is t of the vector problem.
const vectorT = 0.499

// Problems lists the problems: [Bit] at θ = 0.2 for each t, [Vector] at t = 0.499, [Image] for bits and for classes.
func Problems(ts ...float64) []Problem {
	var list []Problem
	for _, t := range ts {
		list = append(list, Problem{
			Kind: "toy",
			Name: fmt.Sprintf("toy t=%v", t),
			Text: fmt.Sprintf("f(b) = (b − %v)² of one bit, P(b=1) = %v", t, toyTheta),
			Case: Bit(t, toyTheta),
		})
	}
	return append(list,
		Problem{"vector", "vector", fmt.Sprintf("f(b) = (v·b − %v)² of %d bits", vectorT, vectorBits), Vector(vectorT)},
		Problem{"vae-bits", "vae-bits", fmt.Sprintf("f(b) = −log p(x|b) in nats per pixel of a code of %d bits", codeBits), Image(estimator.Bernoulli)},
		Problem{"vae", "vae", fmt.Sprintf("f(b) = −log p(x|b) in nats per pixel of a code of %d × %d classes", codeLatents, codeClasses), Image(estimator.Categorical)},
	)
}

// Find returns the estimator of that name with its default settings or, for the toy problem, those of [ForBit]. An unknown
// name is an error, and so is an estimator that is not offered for the problem.
func (p Problem) Find(name string) (estimator.Estimator, error) {
	e, err := estimator.Find(name)
	if err != nil {
		return nil, err
	}
	if p.Kind == "toy" {
		e = ForBit(e)
	}
	_, err = newBench(p.Case, e, 1, 0, "study/find", nil, false)
	return e, err
}

// ForBit gives an estimator the settings of Grathwohl et al. (2018) for the toy problem: the control variates of RELAX and
// DLAX are nets of ten units, that of RELAX without the relaxed objective. Others stay as they are.
func ForBit(e estimator.Estimator) estimator.Estimator {
	switch e.(type) {
	case estimator.RELAX:
		return estimator.RELAX{Free: true, Hidden: 10}
	case estimator.DLAX:
		return estimator.DLAX{Hidden: 10}
	}
	return e
}

// logit is the log-odds of a probability.
func logit(p float64) float64 { return math.Log(p) - math.Log1p(-p) }

// Bit is the toy problem f(b) = (b − t)² for one bit with P(b=1) = θ. Its gradient is θ(1−θ)(1−2t), so that θ should move
// to 0 if t < ½. Source: Tucker et al. (2017), arXiv:1703.07370, section 5.1, with t = 0.45; Grathwohl et al. (2018),
// arXiv:1711.00123, section 4, with t = 0.499.
func Bit(t, θ float64) meter.Case {
	return meter.Case{Law: estimator.Bernoulli, Logits: []float64{logit(θ)}, Shape: []int{1}, F: squaredDistance(t, []float64{1})}
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

// Image is a step of a variational autoencoder on one picture x of 28×28 pixels: f(b) = −log p(x|b)/784, in nats per pixel,
// for a code b of 12 bits or of 4 variables of 8 classes, 4096 states either way.
//
// The picture is an upright and a lying bar. The decoder is tanh(Wb + a), whose 14 units each draw one bar, 4 pixels wide,
// with strength 2 onto logits of −1; W, a and the logits of b are standard normal numbers of a fixed seed.
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
			pen[upright*imageSide*imageSide+pixel], pen[lying*imageSide*imageSide+pixel] = 2, 2
			background[pixel] = -1
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
		return e.Node(e.Of(op.Scale(e.Of(op.BernoulliNLL(pixels, target)), 1./(imageSide*imageSide))))
	}
	return meter.Case{Law: law, Logits: logits, Shape: shape, F: f}
}
