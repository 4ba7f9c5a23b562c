package relax

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// InvertibleGaussian is a Gaussian vector of K−1 numbers that an invertible map, softmax++, takes to the inside of the
// simplex of K classes. With parameters [B, N, K−1] each row holds N independent variables.
//
//		z_k = e^{y_k/τ}/(Σ_j e^{y_j/τ} + δ) for k < K,  z_K = δ/(Σ_j e^{y_j/τ} + δ),  y = μ + σε,  ε standard normal
//
//	  - Value: z on the simplex over the last axis, [B, …, K]. With StraightThrough it is exactly one-hot instead. Hard marks
//	    the largest element, class k if y_k is the largest of y and above τ log δ, class K if none is above; Logit is log z.
//	  - LogProb: the density of z over its first K−1 coordinates, Σ_n Σ_{k<K} log N(y_k; μ_k, σ_k) + (K−1) log τ − Σ_{k≤K} log z_k,
//	    computed from Logit. With StraightThrough as well: the class probabilities have no closed form, and since Hard is
//	    a function of z, bounds made of the density hold for Hard.
//	  - Gradient: exact; with StraightThrough the same gradient is attached to the one-hot value, which makes it a biased
//	    surrogate.
//
// The divergence between two of them that share τ and δ is that of their Gaussians, see [KL].
//
// Source: Potapczynski, Loaiza-Ganem and Cunningham (2020), arXiv:1912.09588, section 3.
type InvertibleGaussian struct {
	Mu              *G.Node // μ [B, …, K−1]
	Sigma           *G.Node // σ [B, …, K−1], positive
	Temperature     *G.Node // τ, a positive scalar; nil: 2/3
	Delta           float64 // δ, positive; zero: 1
	StraightThrough bool    // one-hot values with the gradient of the soft ones
}

// Noise is one standard normal input of the parameters' shape.
func (d InvertibleGaussian) Noise() []noise.Spec { return d.Gaussian().Noise() }

// Rsample draws points of the simplex.
func (d InvertibleGaussian) Rsample(eps ...*G.Node) (Draw, error) {
	τ, δ, err := d.constants()
	if err != nil {
		return Draw{}, err
	}
	y, err := d.Gaussian().Rsample(eps...)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	scaled := e.Of(op.PadLast(e.Of(op.Div(y.Value, τ)), 0, 1, math.Log(δ)))
	value := e.Of(op.Softmax(scaled))
	hard := e.Of(op.OneHotMax(scaled))
	if d.StraightThrough {
		value = e.Of(op.StraightThrough(hard, value))
	}
	return Draw{Value: value, Logit: e.Of(op.LogSoftmax(scaled)), Hard: hard}, e.Err()
}

// LogProb is the log-density of the softened value, computed from Logit: [B].
func (d InvertibleGaussian) LogProb(x Draw) (*G.Node, error) {
	y, err := d.Inverse(x)
	if err != nil {
		return nil, err
	}
	slope, err := d.LogSlope(x)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.Sub(e.Of(d.Gaussian().LogProb(Draw{Value: y})), slope)))
}

// Discrete is the law of the one-hot vector. Its LogProb is a density all the same: see InvertibleGaussian.
func (d InvertibleGaussian) Discrete() Distribution {
	d.StraightThrough = true
	return d
}

// Gaussian is the law of y, before the map to the simplex.
func (d InvertibleGaussian) Gaussian() Normal { return Normal{Mu: d.Mu, Sigma: d.Sigma} }

// Inverse is y = τ(log z_k − log z_K + log δ) of a draw, computed from Logit: the parameters' shape.
func (d InvertibleGaussian) Inverse(x Draw) (*G.Node, error) {
	τ, δ, err := d.constants()
	if err != nil {
		return nil, err
	}
	if err := d.drawnSimplex(x); err != nil {
		return nil, err
	}
	k := classes(x.Logit)
	var e op.Expr
	first := e.Of(op.SliceLast(x.Logit, 0, k-1))
	ratio := e.Of(op.Sub(first, e.Of(op.SpreadLast(e.Of(last(x.Logit)), k-1))))
	return e.Node(e.Of(op.Mul(e.Of(op.Shift(ratio, math.Log(δ))), τ)))
}

// LogSlope is the logarithm of the Jacobian determinant of the map from y to the first K−1 elements of z,
// Σ_n Σ_{k≤K} log z_k − (K−1) log τ, computed from Logit: [B].
func (d InvertibleGaussian) LogSlope(x Draw) (*G.Node, error) {
	τ, _, err := d.constants()
	if err != nil {
		return nil, err
	}
	if err := d.drawnSimplex(x); err != nil {
		return nil, err
	}
	n := d.Mu.Shape()[1:].TotalSize()
	var e op.Expr
	return e.Node(e.Of(op.Sub(e.Of(op.SumEvent(x.Logit)), e.Of(op.Scale(e.Of(op.Log(τ)), float64(n))))))
}

// constants validates the parameters and gives τ and δ with their defaults.
func (d InvertibleGaussian) constants() (τ *G.Node, δ float64, err error) {
	if err := d.Gaussian().validate(); err != nil {
		return nil, 0, err
	}
	if δ = d.delta(); !(δ > 0) || math.IsInf(δ, 0) {
		return nil, 0, fmt.Errorf("relax: InvertibleGaussian.Delta is %g; it must be positive", δ)
	}
	τ, err = temperature(d.Temperature, d.Mu)
	return τ, δ, err
}

func (d InvertibleGaussian) delta() float64 {
	if d.Delta == 0 {
		return 1
	}
	return d.Delta
}

// drawnSimplex validates the Logit of a draw, which has one class more than the parameters.
func (d InvertibleGaussian) drawnSimplex(x Draw) error {
	want := d.Mu.Shape().Clone()
	want[len(want)-1]++
	return drawnAs("the draw's Logit", x.Logit, d.Mu, want)
}

// classes is the size of the last axis.
func classes(x *G.Node) int { return x.Shape()[x.Dims()-1] }

// last is the last element along the last axis: […, K] → […].
func last(x *G.Node) (*G.Node, error) {
	k := classes(x)
	var e op.Expr
	return e.Node(e.Of(op.SumLast(e.Of(op.SliceLast(x, k-1, k)))))
}
