package relax_test

import (
	"math"
	"math/rand/v2"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// A subject is a distribution as the conformance suite sees it: how it is built, and what it must be, in plain Go and
// in formulas that share nothing with the graph's. Functions are about one variable: θ holds each of its parameters
// (K numbers for a variable of K classes, one otherwise and for scalars), ε its noise.
type subject struct {
	name    string
	params  []param
	noise   noise.Kind
	classes bool // the last axis is that of the classes
	joint   bool // the last axis is that of bits drawn jointly: one variable
	build   func(p G.Nodes) relax.Distribution

	// layout is the shapes of noise and draw for parameters of a shape; nil if they are the same.
	layout func(shape []int) layout
	// number is the index of the discrete outcome of a draw; nil: what Hard spells.
	number func(x variable) int
	// round is the Hard that a value rounds to; nil: the largest class, or bits above half.
	round func(x variable) []float64
	// timeless tells that LogProb does not depend on the temperature.
	timeless bool
	// behind tells that LogProb of the discrete law is about what lies behind Hard.
	behind bool

	// draw is a sample at given noise.
	draw func(θ [][]float64, ε []float64) variable
	// logProb is the log-density at a draw.
	logProb func(θ [][]float64, x variable) float64
	// inside tells whether a value lies in the support, ends included.
	inside func(z []float64) bool
	// cover lists draws and weights w such that Σ w·density = 1: all outcomes of a discrete distribution, a quadrature
	// rule and atoms for others.
	cover func(θ [][]float64) (xs []variable, w []float64)
	// uniform transforms a draw to numbers each of which is uniform on (0, 1); nil for a discrete distribution.
	uniform func(θ [][]float64, x variable) []float64
	// law is the probability of each discrete outcome; nil if there is no Hard.
	law func(θ [][]float64) []float64
	// half is the value of a binary variable above which Hard is 1.
	half float64
	// surrogate is the node whose gradient Value has by definition; nil if the gradient is exact.
	surrogate func(p G.Nodes, ε *G.Node) (*G.Node, error)
}

// A param is a parameter: how to draw it at random, and its extreme values.
type param struct {
	name     string
	scalar   bool
	optional bool // nil stands for a default
	positive bool
	draw     func(r *rand.Rand) float64
	extremes []float64
	grow     bool // a larger value, not a smaller, has the lighter tails
	orScalar bool // a scalar may stand for all variables
	// matrix is a d×d matrix for variables of d numbers, the same for all; nil for other parameters.
	matrix func(d int, r *rand.Rand) []float64
}

// shared tells whether all variables have the parameter in common.
func (p param) shared() bool { return p.scalar || p.matrix != nil }

// size is how many numbers one variable has.
func (s subject) size(shape []int) int {
	if s.classes || s.joint {
		return shape[len(shape)-1]
	}
	return 1
}

// own is the shape of a parameter.
func (s subject) own(p param, shape []int) []int {
	switch {
	case p.scalar:
		return nil
	case p.matrix != nil:
		return []int{s.size(shape), s.size(shape)}
	}
	return shape
}

// A layout is the shapes of noise and draw.
type layout struct{ noise, value, logit, hard []int }

func (s subject) layoutOf(shape []int) layout {
	if s.layout != nil {
		return s.layout(shape)
	}
	return layout{shape, shape, shape, shape}
}

// variables is how many variables parameters of the shape describe.
func (s subject) variables(shape []int) int { return noise.Spec{Shape: shape}.Size() / s.size(shape) }

// outcome is the index of the discrete outcome of a draw.
func (s subject) outcome(x variable) int {
	if s.number != nil {
		return s.number(x)
	}
	hard := x.hard
	if s.classes {
		return slices.Index(hard, 1)
	}
	number := 0
	for _, b := range hard {
		number = 2*number + int(b)
	}
	return number
}

// parameters draws parameters for a shape.
func (s subject) parameters(shape []int, r *rand.Rand) [][]float64 {
	θ := make([][]float64, len(s.params))
	for i, p := range s.params {
		if p.matrix != nil {
			θ[i] = p.matrix(s.size(shape), r)
			continue
		}
		for range (noise.Spec{Shape: s.own(p, shape)}).Size() {
			θ[i] = append(θ[i], p.draw(r))
		}
	}
	return θ
}

var (
	logits = param{name: "Logits", draw: func(r *rand.Rand) float64 { return 2 * r.NormFloat64() }, extremes: []float64{-50, 0, 50}}
	// Temperatures are drawn between 0.2 and 5, evenly in the logarithm.
	temperature = param{
		name: "Temperature", scalar: true, optional: true, positive: true,
		draw:     func(r *rand.Rand) float64 { return math.Exp(math.Log(5) * (2*r.Float64() - 1)) },
		extremes: []float64{1e-3, 0.1, 1, 10},
	}
	location = param{name: "Mu", draw: logits.draw, extremes: logits.extremes}
	scale    = param{name: "Sigma", positive: true, draw: func(r *rand.Rand) float64 { return math.Exp(r.NormFloat64() / 2) }, extremes: []float64{1e-3, 1, 10}}
)

var subjects = []subject{
	{
		name: "Bernoulli", params: []param{logits}, noise: noise.Logistic,
		build:     func(p G.Nodes) relax.Distribution { return relax.Bernoulli{Logits: p[0]} },
		draw:      bitDraw,
		logProb:   bitLogProb,
		inside:    isBit,
		cover:     coverBits,
		law:       bitLaw,
		half:      0.5,
		surrogate: noGradient,
	},
	{
		name: "Categorical", params: []param{logits}, noise: noise.Gumbel, classes: true,
		build: func(p G.Nodes) relax.Distribution { return relax.Categorical{Logits: p[0]} },
		draw: func(θ [][]float64, ε []float64) variable {
			h := oneHotMax(plus(θ[0], ε))
			return variable{value: h, hard: h}
		},
		logProb:   classLogProb,
		inside:    isOneHot,
		cover:     coverClasses,
		law:       classLaw,
		surrogate: noGradient,
	},
	{
		name: "Normal", params: []param{location, scale}, noise: noise.Normal,
		build: func(p G.Nodes) relax.Distribution { return relax.Normal{Mu: p[0], Sigma: p[1]} },
		draw: func(θ [][]float64, ε []float64) variable {
			return variable{value: []float64{θ[0][0] + θ[1][0]*ε[0]}}
		},
		logProb: func(θ [][]float64, x variable) float64 {
			r := (x.value[0] - θ[0][0]) / θ[1][0]
			return math.Log(math.Exp(-r*r/2) / (θ[1][0] * math.Sqrt(2*math.Pi)))
		},
		inside: func([]float64) bool { return true },
		cover: func(θ [][]float64) (xs []variable, w []float64) {
			const h = 0.25
			for r := -9.0; r <= 9; r += h {
				xs, w = append(xs, variable{value: []float64{θ[0][0] + θ[1][0]*r}}), append(w, h*θ[1][0])
			}
			return xs, w
		},
		uniform: func(θ [][]float64, x variable) []float64 {
			return []float64{math.Erfc((θ[0][0]-x.value[0])/θ[1][0]/math.Sqrt2) / 2}
		},
	},
	{
		name: "RelaxedBernoulli", params: []param{logits, temperature}, noise: noise.Logistic,
		build: func(p G.Nodes) relax.Distribution {
			return relax.RelaxedBernoulli{Logits: p[0], Temperature: p[1]}
		},
		draw:    concreteDraw,
		logProb: concreteLogProb,
		inside:  func(z []float64) bool { return 0 <= z[0] && z[0] <= 1 },
		cover: func(θ [][]float64) (xs []variable, w []float64) {
			return coverLine(θ, func(y float64) (z, slope float64) {
				z = sigmoid(y)
				return z, z * sigmoid(-y)
			})
		},
		uniform: concreteUniform,
		law:     bitLaw,
		half:    0.5,
	},
	{
		name: "RelaxedCategorical", params: []param{logits, temperature}, noise: noise.Gumbel, classes: true,
		build: func(p G.Nodes) relax.Distribution {
			return relax.RelaxedCategorical{Logits: p[0], Temperature: p[1]}
		},
		draw: simplexDraw,
		// Maddison et al. (2017), equation 10: (K−1)! τ^{K−1} Π_k α_k z_k^{−τ−1} / (Σ_k α_k z_k^{−τ})^K with α = exp ℓ.
		logProb: func(θ [][]float64, x variable) float64 {
			k, τ := float64(len(x.logit)), θ[1][0]
			lp := (k - 1) * math.Log(τ)
			for i := 2.0; i < k; i++ {
				lp += math.Log(i)
			}
			scores := make([]float64, len(x.logit))
			for i, y := range x.logit {
				lp += θ[0][i] - (τ+1)*y
				scores[i] = θ[0][i] - τ*y
			}
			return lp - k*logSumExp(scores)
		},
		inside:  isSimplex,
		cover:   coverSimplex,
		uniform: simplexUniform,
		law:     classLaw,
	},
	{
		name: "RelaxedCategorical/StraightThrough", params: []param{logits, temperature}, noise: noise.Gumbel, classes: true,
		build: func(p G.Nodes) relax.Distribution {
			return relax.RelaxedCategorical{Logits: p[0], Temperature: p[1], StraightThrough: true}
		},
		draw: func(θ [][]float64, ε []float64) variable {
			x := simplexDraw(θ, ε)
			x.value = x.hard
			return x
		},
		logProb: classLogProb,
		inside:  isOneHot,
		cover:   coverClasses,
		law:     classLaw,
		surrogate: func(p G.Nodes, ε *G.Node) (*G.Node, error) {
			x, err := relax.RelaxedCategorical{Logits: p[0], Temperature: p[1]}.Rsample(ε)
			return x.Value, err
		},
	},
	{
		name: "StochasticTimesSmooth", params: []param{logits}, noise: noise.Logistic,
		build: func(p G.Nodes) relax.Distribution { return relax.StochasticTimesSmooth{Logits: p[0]} },
		draw: func(θ [][]float64, ε []float64) variable {
			law := rootLaw(θ)
			x := bitDraw([][]float64{{math.Log(law[1] / law[0])}}, ε)
			x.value = []float64{x.hard[0] * law[1]}
			return x
		},
		logProb: func(θ [][]float64, x variable) float64 { return math.Log(rootLaw(θ)[int(x.hard[0])]) },
		inside:  func(z []float64) bool { return 0 <= z[0] && z[0] <= 1 },
		cover: func(θ [][]float64) (xs []variable, w []float64) {
			return []variable{{value: []float64{0}, hard: []float64{0}}, {value: []float64{rootLaw(θ)[1]}, hard: []float64{1}}}, []float64{1, 1}
		},
		law: rootLaw,
	},
	{
		name: "DecoupledStraightThrough", params: []param{logits, warm, temperature}, noise: noise.Gumbel, classes: true,
		build: func(p G.Nodes) relax.Distribution {
			return relax.DecoupledStraightThrough{Logits: p[0], Forward: p[1], Backward: p[2]}
		},
		draw: func(θ [][]float64, ε []float64) variable {
			h := oneHotMax(plus(cooled(θ)[0], ε))
			return variable{value: h, hard: h}
		},
		logProb: func(θ [][]float64, x variable) float64 { return classLogProb(cooled(θ), x) },
		inside:  isOneHot,
		cover:   coverClasses,
		law:     func(θ [][]float64) []float64 { return classLaw(cooled(θ)) },
		surrogate: func(p G.Nodes, ε *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.Softmax(e.Of(op.Add(e.Of(op.Div(p[0], p[2])), ε)))))
		},
	},
	{
		name: "DecoupledStraightThrough/GumbelInside", params: []param{logits, temperature}, noise: noise.Gumbel, classes: true,
		build: func(p G.Nodes) relax.Distribution {
			return relax.DecoupledStraightThrough{Logits: p[0], Backward: p[1], GumbelInside: true}
		},
		draw: func(θ [][]float64, ε []float64) variable {
			h := oneHotMax(plus(θ[0], ε))
			return variable{value: h, hard: h}
		},
		logProb: classLogProb,
		inside:  isOneHot,
		cover:   coverClasses,
		law:     classLaw,
		surrogate: func(p G.Nodes, ε *G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.Softmax(e.Of(op.Div(e.Of(op.Add(p[0], ε)), p[1])))))
		},
	},
	gaussianGate("GaussianRelaxedBernoulli", scale),
	gaussianGate("GaussianRelaxedBernoulli/one scale", param{name: "Sigma", scalar: true, positive: true, draw: scale.draw, extremes: scale.extremes}),
	correlated,
	hardConcrete("HardConcrete", 0, 0),
	hardConcrete("HardConcrete/(−0.3, 1.05)", -0.3, 1.05),
	{
		name: "StraightThroughBernoulli/STSigmoid", params: []param{logits}, noise: noise.Logistic,
		build: func(p G.Nodes) relax.Distribution { return relax.StraightThroughBernoulli{Logits: p[0]} },
		draw:  bitDraw, logProb: bitLogProb, inside: isBit, cover: coverBits, law: bitLaw, half: 0.5,
		surrogate: func(p G.Nodes, _ *G.Node) (*G.Node, error) { return op.Sigmoid(p[0]) },
	},
	{
		name: "StraightThroughBernoulli/STIdentity", params: []param{logits}, noise: noise.Logistic,
		build: func(p G.Nodes) relax.Distribution {
			return relax.StraightThroughBernoulli{Logits: p[0], Rule: relax.STIdentity}
		},
		draw: bitDraw, logProb: bitLogProb, inside: isBit, cover: coverBits, law: bitLaw, half: 0.5,
		surrogate: func(p G.Nodes, _ *G.Node) (*G.Node, error) { return p[0], nil },
	},
}

// gaussianGate is the clipped Gaussian with a scale for each variable or one for all.
func gaussianGate(name string, scale param) subject {
	scale.optional, scale.orScalar = true, true
	standard := func(θ [][]float64, x float64) float64 { return (x - θ[0][0]) / θ[1][0] }
	density := func(θ [][]float64, x float64) float64 {
		r := standard(θ, x)
		return math.Exp(-r*r/2) / (θ[1][0] * math.Sqrt(2*math.Pi))
	}
	return subject{
		name: name, params: []param{{name: "Mu", draw: func(r *rand.Rand) float64 { return 0.5 + r.NormFloat64() }, extremes: logits.extremes}, scale}, noise: noise.Normal,
		build: func(p G.Nodes) relax.Distribution {
			return relax.GaussianRelaxedBernoulli{Mu: p[0], Sigma: p[1]}
		},
		draw: func(θ [][]float64, ε []float64) variable {
			x := θ[0][0] + θ[1][0]*ε[0]
			h := []float64{0}
			if x > 0.5 {
				h[0] = 1
			}
			return variable{value: []float64{min(1, max(0, x))}, logit: []float64{x}, hard: h}
		},
		logProb: func(θ [][]float64, x variable) float64 {
			switch x.value[0] {
			case 0:
				return math.Log(math.Erfc(-standard(θ, 0)/math.Sqrt2) / 2)
			case 1:
				return math.Log(math.Erfc(standard(θ, 1)/math.Sqrt2) / 2)
			}
			return math.Log(density(θ, x.value[0]))
		},
		inside: func(z []float64) bool { return 0 <= z[0] && z[0] <= 1 },
		cover: func(θ [][]float64) (xs []variable, w []float64) {
			xs, w = []variable{{value: []float64{0}}, {value: []float64{1}}}, []float64{1, 1}
			return gaussLegendre(xs, w, 0, 1, func(x float64) (variable, float64) { return variable{value: []float64{x}}, 1 })
		},
		uniform: func(θ [][]float64, x variable) []float64 {
			return []float64{math.Erfc(-standard(θ, x.logit[0])/math.Sqrt2) / 2}
		},
		law: func(θ [][]float64) []float64 {
			t := standard(θ, 0.5) / math.Sqrt2
			return []float64{math.Erfc(-t) / 2, math.Erfc(t) / 2}
		},
		half: 0.5,
	}
}

// gaussLegendre adds a rule of 3 nodes on each of 200 pieces between a and b; at gives a point and its weight.
func gaussLegendre(xs []variable, w []float64, a, b float64, at func(x float64) (variable, float64)) ([]variable, []float64) {
	const n = 200
	step := (b - a) / n
	for i := range n {
		for j, weight := range []float64{5. / 18, 8. / 18, 5. / 18} {
			v, slope := at(a + step*(float64(i)+0.5+float64(j-1)*math.Sqrt(0.15)))
			xs, w = append(xs, v), append(w, step*weight*slope)
		}
	}
	return xs, w
}

// rootLaw is the law of the bit of stochastic times smooth.
func rootLaw(θ [][]float64) []float64 {
	root := math.Sqrt(sigmoid(θ[0][0]))
	return []float64{1 - root, root}
}

// warm are forward temperatures that make no class rarer than logits alone do.
var warm = param{
	name: "Forward", scalar: true, optional: true, positive: true, extremes: temperature.extremes,
	draw: func(r *rand.Rand) float64 { return math.Exp(math.Log(5) * r.Float64()) },
}

// cooled are the logits of a decoupled distribution's samples.
func cooled(θ [][]float64) [][]float64 {
	ℓ := make([]float64, len(θ[0]))
	for i, v := range θ[0] {
		ℓ[i] = v / θ[1][0]
	}
	return [][]float64{ℓ}
}

// hardConcrete is the hard concrete distribution stretched over (γ, ζ), zero for the defaults.
func hardConcrete(name string, γ, ζ float64) subject {
	lo, hi := γ, ζ
	if lo == 0 && hi == 0 {
		lo, hi = -0.1, 1.1
	}
	// unstretch is where the concrete variable s lies when the stretched one is at x.
	unstretch := func(x float64) float64 { return (x - lo) / (hi - lo) }
	// below is P(s < x).
	below := func(θ [][]float64, x float64) float64 {
		return sigmoid(θ[1][0]*math.Log(x/(1-x)) - θ[0][0])
	}
	return subject{
		name: name, params: []param{logits, temperature}, noise: noise.Logistic,
		build: func(p G.Nodes) relax.Distribution {
			return relax.HardConcrete{Logits: p[0], Temperature: p[1], Gamma: γ, Zeta: ζ}
		},
		draw: func(θ [][]float64, ε []float64) variable {
			x := concreteDraw(θ, ε)
			x.value = []float64{min(1, max(0, x.value[0]*(hi-lo)+lo))}
			return x
		},
		logProb: func(θ [][]float64, x variable) float64 {
			switch x.value[0] {
			case 0:
				return math.Log(below(θ, unstretch(0)))
			case 1:
				return math.Log1p(-below(θ, unstretch(1)))
			}
			return concreteLogProb(θ, x) - math.Log(hi-lo)
		},
		inside: func(z []float64) bool { return 0 <= z[0] && z[0] <= 1 },
		cover: func(θ [][]float64) (xs []variable, w []float64) {
			logit := func(p float64) float64 { return math.Log(p / (1 - p)) }
			a, b := logit(unstretch(0)), logit(unstretch(1))
			xs = []variable{{value: []float64{0}, logit: []float64{a - 1}}, {value: []float64{1}, logit: []float64{b + 1}}}
			w = []float64{1, 1}
			// Gauss–Legendre with 3 nodes on each of n pieces.
			const n = 200
			step := (b - a) / n
			for i := range n {
				for j, weight := range []float64{5. / 18, 8. / 18, 5. / 18} {
					y := a + step*(float64(i)+0.5+float64(j-1)*math.Sqrt(0.15))
					s := sigmoid(y)
					xs = append(xs, variable{value: []float64{s*(hi-lo) + lo}, logit: []float64{y}})
					w = append(w, step*weight*s*(1-s)*(hi-lo))
				}
			}
			return xs, w
		},
		uniform: concreteUniform,
		law:     bitLaw,
		half:    (lo + hi) / 2,
	}
}

func bitDraw(θ [][]float64, ε []float64) variable {
	sum := plus(θ[0], ε)
	h := []float64{0}
	if sum[0] > 0 {
		h[0] = 1
	}
	return variable{value: h, logit: sum, hard: h}
}

func bitLogProb(θ [][]float64, x variable) float64 { return math.Log(bitLaw(θ)[int(x.value[0])]) }

func bitLaw(θ [][]float64) []float64 { return []float64{sigmoid(-θ[0][0]), sigmoid(θ[0][0])} }

func classLogProb(θ [][]float64, x variable) float64 {
	return θ[0][slices.Index(x.value, 1)] - logSumExp(θ[0])
}

func classLaw(θ [][]float64) []float64 {
	p := make([]float64, len(θ[0]))
	for i, v := range θ[0] {
		p[i] = math.Exp(v - logSumExp(θ[0]))
	}
	return p
}

func concreteDraw(θ [][]float64, ε []float64) variable {
	x := bitDraw(θ, ε)
	y := x.logit[0] / θ[1][0]
	return variable{value: []float64{sigmoid(y)}, logit: []float64{y}, hard: x.hard}
}

// concreteLogProb is Maddison et al. (2017), equation 24: τα z^{−τ−1} (1−z)^{−τ−1} / (α z^{−τ} + (1−z)^{−τ})² with
// α = exp ℓ.
func concreteLogProb(θ [][]float64, x variable) float64 {
	τ, ℓ := θ[1][0], θ[0][0]
	logz, log1z := -softplus(-x.logit[0]), -softplus(x.logit[0])
	return math.Log(τ) + ℓ - (τ+1)*(logz+log1z) - 2*logSumExp([]float64{ℓ - τ*logz, -τ * log1z})
}

func concreteUniform(θ [][]float64, x variable) []float64 {
	return []float64{sigmoid(θ[1][0]*x.logit[0] - θ[0][0])}
}

func simplexDraw(θ [][]float64, ε []float64) variable {
	sum := plus(θ[0], ε)
	scaled := make([]float64, len(sum))
	for i, v := range sum {
		scaled[i] = v / θ[1][0]
	}
	x := variable{hard: oneHotMax(sum)}
	for _, v := range scaled {
		y := v - logSumExp(scaled)
		x.logit, x.value = append(x.logit, y), append(x.value, math.Exp(y))
	}
	return x
}

// simplexUniform uses that the difference of two Gumbel variables is logistic.
func simplexUniform(θ [][]float64, x variable) (u []float64) {
	for i := range x.logit {
		for j := range i {
			u = append(u, sigmoid(θ[1][0]*(x.logit[i]-x.logit[j])-(θ[0][i]-θ[0][j])))
		}
	}
	return u
}

func noGradient(p G.Nodes, _ *G.Node) (*G.Node, error) { return op.FullLike(p[0], 0) }

func isBit(z []float64) bool { return z[0] == 0 || z[0] == 1 }

func isBits(z []float64) bool {
	return !slices.ContainsFunc(z, func(v float64) bool { return !isBit([]float64{v}) })
}

func isOneHot(z []float64) bool {
	ones := 0
	for _, v := range z {
		if !isBit([]float64{v}) {
			return false
		}
		ones += int(v)
	}
	return ones == 1
}

// isSimplex allows for the rounding of K float32 numbers.
func isSimplex(z []float64) bool {
	sum := 0.0
	for _, v := range z {
		if v < 0 || v > 1 {
			return false
		}
		sum += v
	}
	return math.Abs(sum-1) < 1e-7*float64(len(z))
}

func coverBits([][]float64) (xs []variable, w []float64) {
	for _, b := range [][]float64{{0}, {1}} {
		xs, w = append(xs, variable{value: b, hard: b}), append(w, 1)
	}
	return xs, w
}

func coverClasses(θ [][]float64) (xs []variable, w []float64) {
	for i := range θ[0] {
		h := make([]float64, len(θ[0]))
		h[i] = 1
		xs, w = append(xs, variable{value: h, hard: h}), append(w, 1)
	}
	return xs, w
}

// The trapezoidal rule with step h = ½/τ is exact to exp(−2π²/(hτ)) for the logistic densities of scale 1/τ that
// relaxations have as logits; past ±36/τ their tails are below 10⁻¹⁵.
func logitGrid(centre, τ float64) (grid []float64, h float64) {
	h = 0.5 / τ
	for i := -72; i <= 72; i++ {
		grid = append(grid, centre/τ+float64(i)*h)
	}
	return grid, h
}

// coverLine is a quadrature rule in the logit y of one number z(y).
func coverLine(θ [][]float64, z func(y float64) (z, slope float64)) (xs []variable, w []float64) {
	grid, h := logitGrid(θ[0][0], θ[1][0])
	for _, y := range grid {
		value, slope := z(y)
		xs, w = append(xs, variable{value: []float64{value}, logit: []float64{y}}), append(w, h*slope)
	}
	return xs, w
}

// coverSimplex is a quadrature rule in the differences y₁−y₃ and y₂−y₃ of log z for 3 classes, whose Jacobian is
// z₁z₂z₃.
func coverSimplex(θ [][]float64) (xs []variable, w []float64) {
	τ := θ[1][0]
	first, h := logitGrid(θ[0][0]-θ[0][2], τ)
	second, _ := logitGrid(θ[0][1]-θ[0][2], τ)
	for _, a := range first {
		for _, b := range second {
			lse := logSumExp([]float64{a, b, 0})
			y := []float64{a - lse, b - lse, -lse}
			z := []float64{math.Exp(y[0]), math.Exp(y[1]), math.Exp(y[2])}
			xs, w = append(xs, variable{value: z, logit: y}), append(w, h*h*math.Exp(y[0]+y[1]+y[2]))
		}
	}
	return xs, w
}

func plus(a, b []float64) []float64 {
	sum := make([]float64, len(a))
	for i := range a {
		sum[i] = a[i] + b[i]
	}
	return sum
}

// oneHotMax marks the largest element, the first of equals.
func oneHotMax(x []float64) []float64 {
	h := make([]float64, len(x))
	h[slices.Index(x, slices.Max(x))] = 1
	return h
}
