package relax_test

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mathext"
	G "gorgonia.org/gorgonia"

	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// correlated is the relaxation of correlated bits; one variable is a vector of them.
var correlated = subject{
	name: "CorrelatedRelaxedBernoulli", noise: noise.Normal, joint: true,
	params: []param{logits, temperature, {name: "Chol", positive: true, matrix: littered}},
	build: func(p G.Nodes) relax.Distribution {
		return relax.CorrelatedRelaxedBernoulli{Logits: p[0], Temperature: p[1], Chol: p[2]}
	},
	draw: func(θ [][]float64, ε []float64) variable {
		var x variable
		for i, v := range times(θ[2], ε) {
			one := concreteDraw([][]float64{{θ[0][i]}, θ[1]}, []float64{normalLogit(v)})
			x.value, x.logit, x.hard = append(x.value, one.value...), append(x.logit, one.logit...), append(x.hard, one.hard...)
		}
		return x
	},
	// The density of ε = L⁻¹v, times |∂ε/∂v| = Π 1/L_kk and, for each k, ∂v/∂z = τ/(z(1−z)·∂logit Φ(v)/∂v).
	logProb: func(θ [][]float64, x variable) float64 {
		v, ε := whitened(θ, x)
		lp := 0.0
		for i := range ε {
			lp += math.Log(phi(ε[i])) - math.Log(θ[2][i*len(ε)+i])
			lp += math.Log(θ[1][0]) + softplus(x.logit[i]) + softplus(-x.logit[i]) - math.Log(normalLogitSlope(v[i]))
		}
		return lp
	},
	inside: func(z []float64) bool {
		for _, v := range z {
			if !(0 <= v && v <= 1) {
				return false
			}
		}
		return true
	},
	// The trapezoidal rule in the noise, whose density is entire: exact to exp(−2π²/h²), 10⁻¹³ for h = 0.8. Two variables,
	// which stand for other integrands too, can afford a finer one.
	cover: func(θ [][]float64) (xs []variable, w []float64) {
		h := 0.8
		if len(θ[0]) <= 2 {
			h = 0.4
		}
		var grid []float64
		for x := -6.4; x < 6.5; x += h { // what lies outside has probability 3·10⁻¹¹
			grid = append(grid, x)
		}
		axes := make([][]float64, len(θ[0]))
		for i := range axes {
			axes[i] = grid
		}
		for _, ε := range product(axes...) {
			x := correlatedDraw(θ, ε)
			weight := 1.0
			for i, v := range times(θ[2], ε) {
				weight *= h * θ[2][i*len(ε)+i] * normalLogitSlope(v) / θ[1][0] * sigmoid(x.logit[i]) * sigmoid(-x.logit[i])
			}
			xs, w = append(xs, x), append(w, weight)
		}
		return xs, w
	},
	uniform: func(θ [][]float64, x variable) (u []float64) {
		v, ε := whitened(θ, x)
		for i := range v {
			u = append(u, normalCDF(v[i]), normalCDF(ε[i]))
		}
		return u
	},
	law:  orthants,
	half: 0.5,
}

// correlatedDraw breaks the cycle between a subject and its functions.
var correlatedDraw func(θ [][]float64, ε []float64) variable

func init() { correlatedDraw = correlated.draw }

// randomFactor is the Cholesky factor of a random correlation matrix.
func randomFactor(d int, r *rand.Rand) []float64 {
	l := make([]float64, d*d)
	for i := range d {
		length := 1.0
		for j := range i {
			l[i*d+j] = 0.7 * r.NormFloat64()
			length += l[i*d+j] * l[i*d+j]
		}
		l[i*d+i] = 1
		for j := range i + 1 {
			l[i*d+j] /= math.Sqrt(length)
		}
	}
	return l
}

// littered is a random factor with numbers above the diagonal, which nobody must read.
func littered(d int, r *rand.Rand) []float64 {
	l := randomFactor(d, r)
	for i := range d {
		for j := i + 1; j < d; j++ {
			l[i*d+j] = r.NormFloat64()
		}
	}
	return l
}

// times is the lower triangle of l times x.
func times(l, x []float64) []float64 {
	y := make([]float64, len(x))
	for i := range x {
		for j := range i + 1 {
			y[i] += l[i*len(x)+j] * x[j]
		}
	}
	return y
}

// whitened finds v and ε of a draw.
func whitened(θ [][]float64, x variable) (v, ε []float64) {
	d := len(x.logit)
	for i, y := range x.logit {
		s := θ[1][0]*y - θ[0][i]
		v = append(v, math.Copysign(mathext.NormalQuantile(sigmoid(-math.Abs(s))), s))
		rest := v[i]
		for j := range i {
			rest -= θ[2][i*d+j] * ε[j]
		}
		ε = append(ε, rest/θ[2][i*d+i])
	}
	return v, ε
}

func phi(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// normalLogit is logit Φ(x).
func normalLogit(x float64) float64 { return math.Log(normalCDF(x) / normalCDF(-x)) }

func normalLogitSlope(x float64) float64 { return phi(x) / (normalCDF(x) * normalCDF(-x)) }

// orthants is the probability of each outcome of at most 3 bits: the last in closed form given the noise of those
// before it, over which Gauss–Legendre rules integrate.
func orthants(θ [][]float64) []float64 {
	d := len(θ[0])
	l := θ[2]
	var given func(k int, number int, ε []float64) float64
	given = func(k, number int, ε []float64) float64 {
		t := mathext.NormalQuantile(sigmoid(θ[0][k]))
		for j, e := range ε {
			t += l[k*d+j] * e
		}
		t /= l[k*d+k] // the bit is 1 where ε_k > −t
		on := number>>(d-1-k)&1 == 1
		if k == d-1 {
			if on {
				return normalCDF(t)
			}
			return normalCDF(-t)
		}
		const far = 9
		from, to := -t, far*1.
		if !on {
			from, to = -far, -t
		}
		if from >= to {
			return 0
		}
		return quad.Fixed(func(e float64) float64 {
			return phi(e) * given(k+1, number, append(ε[:k:k], e))
		}, from, to, 80, quad.Legendre{}, 1)
	}
	p := make([]float64, 1<<d)
	for number := range p {
		p[number] = given(0, number, nil)
	}
	return p
}
