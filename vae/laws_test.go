package vae

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"
)

// description is a method once more, for one row, in float64 and plain Go: what package relax and the method's own words
// say, without their code. τ is the temperature, noise that of the posterior.
type description struct {
	// draw gives the sample that the gradient passes through, and the code; nil for an estimator, whose draws are its own.
	draw func(r *reference, head, noise []float64, τ float64) (soft, hard []float64)
	// straightThrough: what the decoder takes in training is the code all the same.
	straightThrough bool
	// discrete is the divergence of exactly discrete codes, relaxed the one of what training draws; nil: there is none.
	discrete, relaxed func(r *reference, head, noise []float64, τ float64) float64
	// open is the expected number of open gates; nil: the method has none.
	open func(head []float64, τ float64) float64
	// law gives the probabilities of the values of one variable for its head, in the posterior if variables are independent,
	// and in a learned prior; nil: there is one variable only, the set.
	law func(r *reference, h []float64) []float64
	// outcomes are all codes with what belongs to them, for small codes.
	outcomes func(r *reference, head []float64) []outcome
}

// outcome is a code that the posterior draws with probability q, if need be once for each of several values of what the
// divergence in test_nelbo and the importance weight depend on besides.
type outcome struct {
	q          float64
	code       []float64
	divergence float64
	logRatio   float64 // log p(b) − log q(b|x) in the weight; NaN if it is no function of the code
	square     float64 // E_q[e^{2·logRatio}] over this outcome
}

// undescribed are the methods that have no description, and why.
var undescribed = map[string]string{}

// TestDescriptions demands a description of every method, or a reason why there is none.
func TestDescriptions(t *testing.T) {
	for _, m := range Methods() {
		d, ok := descriptions[m.Name]
		if why := undescribed[m.Name]; ok == (why != "") {
			t.Errorf("%s: described: %t, excused: %q; want one of the two", m.Name, ok, why)
		}
		if ok && (d.relaxed != nil) != m.Takes("kl") {
			t.Errorf("%s: a relaxed divergence: described %t, offered %t", m.Name, d.relaxed != nil, m.Takes("kl"))
		}
		if ok && (d.draw == nil) != (m.estimator != nil) {
			t.Errorf("%s: draws: described %t, an estimator %t", m.Name, d.draw != nil, m.estimator != nil)
		}
		if ok && (d.open != nil) != m.Takes("l0") {
			t.Errorf("%s: gates that can close: described %t, offered %t", m.Name, d.open != nil, m.Takes("l0"))
		}
	}
	for name := range descriptions {
		if _, ok := method(name); !ok {
			t.Errorf("%s is described but no method", name)
		}
	}
}

var descriptions = map[string]description{
	"hardconcrete": bits(description{
		draw: each(func(_ *reference, ℓ, ε []float64, β float64) (soft, hard []float64) {
			s := sigmoid((ℓ[0] + ε[0]) / β)
			return []float64{clip(1.2*s - 0.1)}, bit(ℓ[0] + ε[0])
		}),
		relaxed: sum(func(ℓ, prior float64) float64 { return logisticKL(ℓ - prior) }),
		open: func(head []float64, β float64) float64 {
			return total(head, func(ℓ float64) float64 { return sigmoid(ℓ - β*math.Log(0.1/1.1)) })
		},
	}, identity),
	"relaxedbernoulli": bits(description{
		draw: each(func(_ *reference, ℓ, ε []float64, τ float64) (soft, hard []float64) {
			return []float64{sigmoid((ℓ[0] + ε[0]) / τ)}, bit(ℓ[0] + ε[0])
		}),
		relaxed: sum(func(ℓ, prior float64) float64 { return logisticKL(ℓ - prior) }),
	}, identity),
	"straightthrough": bits(description{
		draw: each(func(_ *reference, ℓ, ε []float64, _ float64) (soft, hard []float64) {
			return []float64{sigmoid(ℓ[0])}, bit(ℓ[0] + ε[0])
		}),
		straightThrough: true,
	}, identity),
	"sts": bits(description{
		draw: each(func(_ *reference, h, ε []float64, _ float64) (soft, hard []float64) {
			b := bit(stsLogit(h[0]) + ε[0])
			return []float64{b[0] * stsRoot(h[0])}, b
		}),
	}, stsLogit),
	"gaussian": bits(description{
		draw: each(func(_ *reference, h, ε []float64, _ float64) (soft, hard []float64) {
			x := 0.5 + h[0] + 0.5*ε[0]
			return []float64{clip(x)}, bit(x - 0.5)
		}),
		relaxed: sum(func(h, prior float64) float64 { return (h - prior) * (h - prior) / (2 * 0.5 * 0.5) }), // locations so far apart
		open: func(head []float64, _ float64) float64 {
			return total(head, func(h float64) float64 { return Φ((0.5 + h) / 0.5) })
		},
	}, func(h float64) float64 { return logitΦ(h / 0.5) }),
	"correlated": {
		draw: func(r *reference, head, ε []float64, τ float64) (soft, hard []float64) {
			l := r.factor()
			for k, ℓ := range head {
				v := 0.0
				for j := range k + 1 {
					v += l[k][j] * ε[j]
				}
				s := ℓ + logitΦ(v)
				soft, hard = append(soft, sigmoid(s/τ)), append(hard, bit(s)...)
			}
			return soft, hard
		},
		discrete: func(r *reference, head, ε []float64, _ float64) float64 { return r.conditionalKL(head, ε) },
		relaxed: func(r *reference, head, _ []float64, _ float64) float64 {
			kl, prior := 0.0, r.priorHead()
			for k, row := range r.factor() {
				kl += logisticKL(head[k]-prior[k]) - math.Log(row[k])
			}
			return kl
		},
		law:      bitLaw(identity),
		outcomes: correlatedOutcomes,
	},

	"gumbelsoftmax": classes(description{
		draw: each(func(_ *reference, ℓ, g []float64, τ float64) (soft, hard []float64) {
			return softmax(scaled(plus(ℓ, g), 1/τ)), argmax(plus(ℓ, g))
		}),
		relaxed: concreteKL,
	}, softmax1),
	"stgumbelsoftmax": classes(description{
		draw: each(func(_ *reference, ℓ, g []float64, τ float64) (soft, hard []float64) {
			return softmax(scaled(plus(ℓ, g), 1/τ)), argmax(plus(ℓ, g))
		}),
		straightThrough: true,
	}, softmax1),
	"decoupled": classes(description{
		draw: each(func(r *reference, ℓ, g []float64, τ float64) (soft, hard []float64) {
			return softmax(plus(scaled(ℓ, 1/τ), g)), argmax(plus(scaled(ℓ, 1/r.Forward), g))
		}),
		straightThrough: true,
	}, func(r *reference, ℓ []float64) []float64 { return softmax(scaled(ℓ, 1/r.Forward)) }),
	"igr":            gaussianLargest(1, func(τ float64) float64 { return τ }),
	"logisticnormal": gaussianLargest(logisticNormalScale, func(float64) float64 { return 1 }),
	"stickbreaking": classes(description{
		draw: each(func(r *reference, h, ε []float64, τ float64) (soft, hard []float64) {
			μ, σ := locationsAndScales(h, stickLocations(r.Classes), 1)
			left, class := 1.0, r.Classes-1
			for k := range μ {
				y := μ[k] + σ[k]*ε[k]
				soft = append(soft, left*sigmoid(y/τ))
				left *= sigmoid(-y / τ)
				if y > 0 && class == r.Classes-1 {
					class = k
				}
			}
			return append(soft, left), oneHot(class, r.Classes)
		}),
		relaxed: gaussianKL,
	}, func(r *reference, h []float64) []float64 {
		μ, σ := locationsAndScales(h, stickLocations(r.Classes), 1)
		return broken(μ, σ)
	}),

	"poisson":          counts,
	"geometric":        counts,
	"binomial":         counts,
	"negativebinomial": counts,

	"topk": {
		draw: func(r *reference, ℓ, g []float64, τ float64) (soft, hard []float64) {
			soft, hard = make([]float64, len(ℓ)), make([]float64, len(ℓ))
			α := plus(ℓ, g)
			for _, i := range largest(α, r.Subset) {
				hard[i] = 1
			}
			for range r.Subset {
				a := softmax(scaled(α, 1/τ))
				for i := range a {
					soft[i] += a[i]
					α[i] += math.Log1p(-a[i])
				}
			}
			return soft, hard
		},
		straightThrough: true,
		discrete: func(r *reference, ℓ, g []float64, _ float64) float64 {
			return sequentialKL(ℓ, r.priorHead(), largest(plus(ℓ, g), r.Subset))
		},
		outcomes: topKOutcomes,
	},

	"reinforce": estimated,
	"nvil":      estimated,
	"muprop":    estimated,
	"rloo":      estimated,
	"doublecv":  estimated,
	"arm":       estimated,
	"disarm":    estimated,
	"arms":      estimated,
	"rebar":     estimated,
	"relax":     estimated,
	"reinmax":   estimated,
	"gumbelrao": estimated,
	"gappedst":  estimated,
}

// Pieces of descriptions.

// each draws every variable on its own.
func each(draw func(r *reference, head, noise []float64, τ float64) (soft, hard []float64)) func(*reference, []float64, []float64, float64) (soft, hard []float64) {
	return func(r *reference, head, noise []float64, τ float64) (soft, hard []float64) {
		noises := r.groups(noise)
		for n, h := range r.groups(head) {
			s, b := draw(r, h, noises[n], τ)
			soft, hard = append(soft, s...), append(hard, b...)
		}
		return soft, hard
	}
}

// sum adds up a function of the head and what stands in its place for the prior.
func sum(f func(h, prior float64) float64) func(*reference, []float64, []float64, float64) float64 {
	return func(r *reference, head, _ []float64, _ float64) (kl float64) {
		for i, prior := range r.priorHead() {
			kl += f(head[i], prior)
		}
		return kl
	}
}

func total(x []float64, f func(float64) float64) (sum float64) {
	for _, v := range x {
		sum += f(v)
	}
	return sum
}

// bits completes the description of independent bits by the logit of a one.
func bits(d description, logit func(h float64) float64) description {
	return independent(d, bitLaw(logit))
}

func bitLaw(logit func(h float64) float64) func(*reference, []float64) []float64 {
	return func(_ *reference, h []float64) []float64 {
		ℓ := logit(h[0])
		return []float64{sigmoid(-ℓ), sigmoid(ℓ)}
	}
}

// classes completes that of independent one-hot vectors.
func classes(d description, law func(r *reference, h []float64) []float64) description {
	return independent(d, law)
}

// estimated describes an estimator, whose codes are exactly what the encoder gives the logits of.
var estimated = independent(description{}, func(r *reference, ℓ []float64) []float64 {
	if r.plan.codes == OneHot {
		return softmax(ℓ)
	}
	return []float64{sigmoid(-ℓ[0]), sigmoid(ℓ[0])}
})

// independent completes the description of independent variables by the probabilities of the values of one.
func independent(d description, law func(r *reference, h []float64) []float64) description {
	d.law = law
	d.discrete = func(r *reference, head, _ []float64, _ float64) float64 {
		kl, prior := 0.0, r.prior()
		for n, h := range r.groups(head) {
			for i, q := range law(r, h) {
				if q > 0 {
					kl += q * math.Log(q/prior[n].p[i])
				}
			}
		}
		return kl
	}
	d.outcomes = func(r *reference, head []float64) []outcome {
		var q [][]float64
		for _, h := range r.groups(head) {
			q = append(q, law(r, h))
		}
		var list []outcome
		kl := d.discrete(r, head, nil, 0)
		for c := range r.codes() {
			o := outcome{q: 1, code: c.code, divergence: kl, logRatio: math.Log(c.p)}
			for n, i := range c.place {
				o.q *= q[n][i]
			}
			o.logRatio -= math.Log(o.q)
			o.square = o.q * math.Exp(2*o.logRatio)
			list = append(list, o)
		}
		return list
	}
	return d
}

// choices are the values of one variable of a code, and their prior probabilities.
type choices struct {
	values [][]float64
	p      []float64
}

// priorHead is what stands in the place of encoder outputs for the prior.
func (r *reference) priorHead() []float64 {
	if r.Prior == PriorLearned {
		return r.weights[priorParam]
	}
	return make([]float64, r.headSize())
}

// prior is what every method states: fair bits, equally probable classes and subsets, counts of a mean of their own and
// binomial ones of fair trials. One that is learned is what the posterior would be at its parameters, but without
// correlations.
func (r *reference) prior() []choices {
	var c choices
	switch r.plan.codes {
	case Bits:
		c.values = [][]float64{{0}, {1}}
	case OneHot:
		for k := range r.Classes {
			c.values = append(c.values, oneHot(k, r.Classes))
		}
	case Counts:
		mean, _ := r.meanRange()
		if r.Relax == "binomial" {
			mean = float64(r.Trials) / 2
		}
		for x, p := range r.censored(mean) {
			c.values, c.p = append(c.values, []float64{float64(x)}), append(c.p, p)
		}
	case Subsets:
		for place := range places(slices.Repeat([]int{2}, r.Latent)) {
			var set []float64
			size := 0
			for _, b := range place {
				set, size = append(set, float64(b)), size+b
			}
			if size == r.Subset {
				c.values = append(c.values, set)
			}
		}
	}
	if c.p == nil {
		c.p = slices.Repeat([]float64{1 / float64(len(c.values))}, len(c.values))
	}
	if r.plan.codes == Subsets {
		if r.Prior == PriorLearned {
			c.p = r.subsets(c.values)
		}
		return []choices{c}
	}
	list := slices.Repeat([]choices{c}, r.Latent)
	if r.Prior == PriorLearned {
		for n, h := range r.groups(r.priorHead()) {
			list[n].p = r.law(r, h)
		}
	}
	return list
}

// code is one of all codes, with its prior probability and the number of each variable's value.
type code struct {
	code  []float64
	p     float64
	place []int
}

// codes goes through all codes.
func (r *reference) codes() iter.Seq[code] {
	return func(yield func(code) bool) {
		prior := r.prior()
		var sizes []int
		for _, c := range prior {
			sizes = append(sizes, len(c.p))
		}
		for place := range places(sizes) {
			b := code{p: 1, place: place}
			for n, i := range place {
				b.code = append(b.code, prior[n].values[i]...)
				b.p *= prior[n].p[i]
			}
			if !yield(b) {
				return
			}
		}
	}
}

// places goes through all tuples of numbers below the sizes.
func places(sizes []int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		place := make([]int, len(sizes))
		for {
			if !yield(slices.Clone(place)) {
				return
			}
			n := 0
			for ; n < len(place); n++ {
				if place[n]++; place[n] < sizes[n] {
					break
				}
				place[n] = 0
			}
			if n == len(place) {
				return
			}
		}
	}
}

// Small mathematics.

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func identity(x float64) float64 { return x }

func clip(x float64) float64 { return math.Min(1, math.Max(0, x)) }

// bit is the number 1[x > 0].
func bit(x float64) []float64 {
	if x > 0 {
		return []float64{1}
	}
	return []float64{0}
}

func Φ(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// logitΦ keeps its accuracy in both tails.
func logitΦ(x float64) float64 { return math.Log(Φ(x)) - math.Log(Φ(-x)) }

func plus(a, b []float64) []float64 {
	c := slices.Clone(a)
	for i := range c {
		c[i] += b[i]
	}
	return c
}

func scaled(a []float64, f float64) []float64 {
	c := slices.Clone(a)
	for i := range c {
		c[i] *= f
	}
	return c
}

func logSumExp(x []float64) float64 {
	top, sum := slices.Max(x), 0.0
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

func softmax(x []float64) []float64 {
	p, norm := slices.Clone(x), logSumExp(x)
	for i := range p {
		p[i] = math.Exp(p[i] - norm)
	}
	return p
}

func softmax1(_ *reference, ℓ []float64) []float64 { return softmax(ℓ) }

func oneHot(k, n int) []float64 {
	x := make([]float64, n)
	x[k] = 1
	return x
}

func argmax(x []float64) []float64 { return oneHot(slices.Index(x, slices.Max(x)), len(x)) }

// largest are the places of the k largest numbers, the largest first.
func largest(x []float64, k int) []int {
	all := make([]int, len(x))
	for i := range all {
		all[i] = i
	}
	slices.SortStableFunc(all, func(a, b int) int {
		switch {
		case x[a] > x[b]:
			return -1
		case x[a] < x[b]:
			return 1
		}
		return 0
	})
	return all[:k]
}

// Bits.

// logisticKL is that of two logistic laws of one scale, ℓ scales apart.
func logisticKL(ℓ float64) float64 {
	if ℓ == 0 {
		return 0
	}
	return ℓ/math.Tanh(ℓ/2) - 2
}

// stsRoot is √p for the probability p = ¼ at zero.
func stsRoot(h float64) float64 { return math.Sqrt(sigmoid(h - math.Log(3))) }

func stsLogit(h float64) float64 { return math.Log(stsRoot(h) / (1 - stsRoot(h))) }

// factor is the Cholesky factor of the correlation matrix: of Config.Correlation, of R_ij = ρ^|i−j|, or made of the
// learned rows.
func (r *reference) factor() [][]float64 {
	d := r.Latent
	l := make([][]float64, d)
	if w, learned := r.weights[correlationParam]; learned {
		for i := range l {
			l[i] = slices.Clone(w[i*d : (i+1)*d])
			l[i][i] = 1
			clear(l[i][i+1:])
			norm := 0.0
			for _, v := range l[i] {
				norm += v * v
			}
			l[i] = scaled(l[i], 1/math.Sqrt(norm))
		}
		return l
	}
	matrix := mat.NewSymDense(d, nil)
	for i := range d {
		for j := range d {
			if r.Correlation != nil {
				matrix.SetSym(i, j, r.Correlation[i][j])
				continue
			}
			var ρ float64
			if _, err := fmt.Sscan(r.Corr, &ρ); err != nil {
				panic(err)
			}
			matrix.SetSym(i, j, math.Pow(ρ, math.Abs(float64(i-j))))
		}
	}
	var c mat.Cholesky
	if !c.Factorize(matrix) {
		panic("the correlation matrix is not positive definite")
	}
	var lower mat.TriDense
	c.LTo(&lower)
	for i := range l {
		for j := range d {
			l[i] = append(l[i], lower.At(i, j))
		}
	}
	return l
}

// conditionals are the probabilities of ones, each given the noise of the bits before it.
func (r *reference) conditionals(head, ε []float64) (p []float64) {
	for k, row := range r.factor() {
		t := mathext.NormalQuantile(sigmoid(head[k]))
		for j := range k {
			t += row[j] * ε[j]
		}
		p = append(p, Φ(t/row[k]))
	}
	return p
}

// conditionalKL is the divergence of these bits from those of the prior.
func (r *reference) conditionalKL(head, ε []float64) (kl float64) {
	prior := r.prior()
	for k, p := range r.conditionals(head, ε) {
		for i, q := range []float64{1 - p, p} {
			if q > 0 {
				kl += q * math.Log(q/prior[k].p[i])
			}
		}
	}
	return kl
}

// correlatedOutcomes integrates over the noise of the first of two bits, on both sides of where that bit changes.
func correlatedOutcomes(r *reference, head []float64) (list []outcome) {
	if r.Latent != 2 {
		panic("two bits are needed")
	}
	const n = 60
	change := sigmoid(-head[0]) // of Φ(ε)
	prior := r.prior()
	for first, ends := range [][2]float64{{0, change}, {change, 1}} {
		u, w := make([]float64, n), make([]float64, n)
		quad.Legendre{}.FixedLocations(u, w, ends[0], ends[1])
		for i := range u {
			ε := []float64{mathext.NormalQuantile(u[i]), 0}
			p := r.conditionals(head, ε)
			for second, q := range []float64{1 - p[1], p[1]} {
				own := p[0]
				if first == 0 {
					own = 1 - p[0]
				}
				o := outcome{
					q: w[i] * q, code: []float64{float64(first), float64(second)},
					divergence: r.conditionalKL(head, ε), logRatio: math.Log(prior[0].p[first]*prior[1].p[second]) - math.Log(own*q),
				}
				o.square = o.q * math.Exp(2*o.logRatio)
				list = append(list, o)
			}
		}
	}
	return list
}

// Classes.

// concreteKL is log q(z) − log p(z) at the draw z = softmax(y), where what does not depend on ℓ cancels.
func concreteKL(r *reference, head, noise []float64, τ float64) (kl float64) {
	noises, priors := r.groups(noise), r.groups(r.priorHead())
	for n, ℓ := range r.groups(head) {
		y := scaled(plus(ℓ, noises[n]), 1/τ)
		norm := logSumExp(y)
		q, p := make([]float64, len(ℓ)), make([]float64, len(ℓ))
		for k := range y {
			p[k] = priors[n][k] - τ*(y[k]-norm)
			q[k] = ℓ[k] - τ*(y[k]-norm)
			kl += ℓ[k] - priors[n][k]
		}
		kl += float64(len(ℓ)) * (logSumExp(p) - logSumExp(q))
	}
	return kl
}

// locationsAndScales are μ and σ of a variable for its head: the locations, in units of the scale, are where it is zero.
func locationsAndScales(h, locations []float64, scale float64) (μ, σ []float64) {
	k := len(h) / 2
	for i := range k {
		μ = append(μ, scale*(locations[i]+h[i]))
		σ = append(σ, scale*math.Exp(h[k+i]))
	}
	return μ, σ
}

// gaussianKL is the divergence from the prior. What locations and scales have in common cancels.
func gaussianKL(r *reference, head, _ []float64, _ float64) (kl float64) {
	priors := r.groups(r.priorHead())
	for n, h := range r.groups(head) {
		k := len(h) / 2
		for i := range k {
			σ, σp, d := math.Exp(h[k+i]), math.Exp(priors[n][k+i]), h[i]-priors[n][i]
			kl += (σ*σ+d*d)/(2*σp*σp) - 0.5 + math.Log(σp/σ)
		}
	}
	return kl
}

// largestLocations make each of K−1 standard normal variables, shifted by them, the largest and positive with probability
// 1/K: none is positive with the same.
func largestLocations(classes int) []float64 {
	below := math.Pow(1/float64(classes), 1/float64(classes-1)) // the probability that one is negative
	return slices.Repeat([]float64{-mathext.NormalQuantile(below)}, classes-1)
}

// stickLocations break off one of as many equal pieces as there are classes left.
func stickLocations(classes int) (μ []float64) {
	for left := classes; left > 1; left-- {
		μ = append(μ, mathext.NormalQuantile(1/float64(left)))
	}
	return μ
}

// broken are the probabilities that the first positive one of Gaussian variables is the k-th, or none.
func broken(μ, σ []float64) (p []float64) {
	left := 1.0
	for k := range μ {
		p = append(p, left*Φ(μ[k]/σ[k]))
		left *= Φ(-μ[k] / σ[k])
	}
	return append(p, left)
}

// largestOf are the probabilities that the largest of Gaussian variables and zero is the k-th, or zero.
func largestOf(μ, σ []float64) (p []float64) {
	for k := range μ {
		top := math.Max(0, μ[k]) + 12*σ[k]
		p = append(p, quad.Fixed(func(y float64) float64 {
			r := (y - μ[k]) / σ[k]
			f := math.Exp(-r*r/2) / math.Sqrt(2*math.Pi) / σ[k]
			for j := range μ {
				if j != k {
					f *= Φ((y - μ[j]) / σ[j])
				}
			}
			return f
		}, 0, top, 200, nil, 0))
	}
	none := 1.0
	for k := range μ {
		none *= Φ(-μ[k] / σ[k])
	}
	return append(p, none)
}

// gaussianLargest describes Gaussian variables, of which the largest is the class, and the last class if none is positive.
func gaussianLargest(scale float64, temperature func(τ float64) float64) description {
	return description{
		draw: each(func(r *reference, h, ε []float64, τ float64) (soft, hard []float64) {
			y, σ := locationsAndScales(h, largestLocations(r.Classes), scale)
			for k := range y {
				y[k] += σ[k] * ε[k]
			}
			y = append(y, 0)
			return softmax(scaled(y, 1/temperature(τ))), argmax(y)
		}),
		discrete: gaussianKL,
		law: func(r *reference, h []float64) []float64 {
			return largestOf(locationsAndScales(h, largestLocations(r.Classes), scale))
		},
		// The weight is that of the Gaussian vector, and no function of the code. Its square p²/q is a Gaussian density
		// again, of which the classes have their shares, if σ_q > σ_p/√2.
		outcomes: func(r *reference, head []float64) (list []outcome) {
			var q, squares [][]float64
			at := largestLocations(r.Classes)
			priors := r.groups(r.priorHead())
			for n, h := range r.groups(head) {
				μ, σ := locationsAndScales(h, at, scale)
				q = append(q, largestOf(μ, σ))
				logMass := 0.0
				μs, σs := locationsAndScales(priors[n], at, scale)
				m, s := make([]float64, len(μ)), make([]float64, len(μ))
				for k := range μ {
					μp, σp := μs[k], σs[k]
					precision := 2/(σp*σp) - 1/(σ[k]*σ[k])
					s[k] = 1 / math.Sqrt(precision)
					m[k] = (2*μp/(σp*σp) - μ[k]/(σ[k]*σ[k])) / precision
					logMass += math.Log(σ[k]*s[k]/(σp*σp)) + (m[k]*m[k]*precision-2*μp*μp/(σp*σp)+μ[k]*μ[k]/(σ[k]*σ[k]))/2
				}
				squares = append(squares, scaled(largestOf(m, s), math.Exp(logMass)))
			}
			kl := gaussianKL(r, head, nil, 0)
			for c := range r.codes() {
				o := outcome{q: 1, code: c.code, divergence: kl, logRatio: math.NaN(), square: 1}
				for n, i := range c.place {
					o.q *= q[n][i]
					o.square *= squares[n][i]
				}
				list = append(list, o)
			}
			return list
		},
	}
}

// Counts.

// counts describes independent counts, whose law is that of censored.
var counts = independent(description{
	draw: each(func(r *reference, h, g []float64, τ float64) (soft, hard []float64) {
		y, mean := make([]float64, len(g)), 0.0
		p := r.censored(r.mean(h[0]))
		if len(p) != len(g) {
			panic(fmt.Sprintf("%s: the reference has %d points where there is noise for %d; is meanRange what it was?", r.Relax, len(p), len(g)))
		}
		for x := range p {
			y[x] = math.Log(p[x]) + g[x]
		}
		for x, w := range softmax(scaled(y, 1/τ)) {
			mean += w * float64(x)
		}
		return []float64{mean}, []float64{float64(largest(y, 1)[0])}
	}),
	straightThrough: true,
}, func(r *reference, h []float64) []float64 { return r.censored(r.mean(h[0])) })

// meanRange is the mean of an unbounded count where the encoder's output is zero, and the bound of all means.
func (r *reference) meanRange() (prior, most float64) {
	ranges := map[string][2]float64{"poisson": {3, 8}, "geometric": {1, 2}, "negativebinomial": {2, 5}}
	return ranges[r.Relax][0], ranges[r.Relax][1]
}

// mean is that of a count for its head; binomial ones have the probability σ(h).
func (r *reference) mean(h float64) float64 {
	if r.Relax == "binomial" {
		return float64(r.Trials) * sigmoid(h)
	}
	prior, most := r.meanRange()
	return most / (1 + (most/prior-1)*math.Exp(-h))
}

// pmf is the probability of a count, by the law's mean.
func (r *reference) pmf(mean float64, count int) float64 {
	x, lgamma := float64(count), func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	switch r.Relax {
	case "poisson":
		return math.Exp(-mean + x*math.Log(mean) - lgamma(x+1))
	case "geometric":
		return math.Pow(mean/(1+mean), x) / (1 + mean)
	case "binomial":
		n := float64(r.Trials)
		if x > n {
			return 0
		}
		return math.Exp(lgamma(n+1) - lgamma(x+1) - lgamma(n-x+1) + x*math.Log(mean/n) + (n-x)*math.Log1p(-mean/n))
	case "negativebinomial":
		f := r.Failures
		return math.Exp(lgamma(x+f) - lgamma(f) - lgamma(x+1) + x*math.Log(mean/(mean+f)) + f*math.Log(f/(mean+f)))
	}
	panic("no count law of " + r.Relax)
}

// endless is where sums over counts end.
const endless = 500

// tail is the probability of a count from x on.
func (r *reference) tail(mean float64, x int) (p float64) {
	for ; x < endless; x++ {
		p += r.pmf(mean, x)
	}
	return p
}

// most is the largest count of the support: of unbounded laws, where 10⁻⁶ are above it at the largest mean.
func (r *reference) most() int {
	if r.Relax == "binomial" {
		return r.Trials
	}
	_, most := r.meanRange()
	m := 0
	for r.tail(most, m+1) > 1e-6 {
		m++
	}
	return m
}

// censored are the probabilities of the points of the support, the last with all that is above it.
func (r *reference) censored(mean float64) []float64 {
	if r.support == 0 {
		r.support = r.most()
	}
	p := make([]float64, r.support+1)
	for x := range r.support {
		p[x] = r.pmf(mean, x)
	}
	p[r.support] = r.tail(mean, r.support)
	return p
}

// Subsets.

// sequentialKL adds up the divergences of the choices among the classes left from those of the prior.
func sequentialKL(ℓ, prior []float64, order []int) (kl float64) {
	for j := range order {
		var left, priorLeft []float64
		for i, v := range ℓ {
			if !slices.Contains(order[:j], i) {
				left, priorLeft = append(left, v), append(priorLeft, prior[i])
			}
		}
		p := softmax(priorLeft)
		for i, q := range softmax(left) {
			kl += q * math.Log(q/p[i])
		}
	}
	return kl
}

// subsets are the prior probabilities of sets, each the sum over all orders in which it can be drawn.
func (r *reference) subsets(sets [][]float64) []float64 {
	p := make([]float64, len(sets))
	for order := range places(slices.Repeat([]int{r.Latent}, r.Subset)) {
		set := make([]float64, r.Latent)
		for _, i := range order {
			set[i]++
		}
		if slices.Max(set) > 1 {
			continue
		}
		i := slices.IndexFunc(sets, func(s []float64) bool { return slices.Equal(s, set) })
		p[i] += math.Exp(logOrder(r.priorHead(), order))
	}
	return p
}

// logOrder is the log-probability to draw classes in an order.
func logOrder(ℓ []float64, order []int) (lp float64) {
	for j, i := range order {
		var left []float64
		for k, v := range ℓ {
			if !slices.Contains(order[:j], k) {
				left = append(left, v)
			}
		}
		lp += ℓ[i] - logSumExp(left)
	}
	return lp
}

// topKOutcomes goes through all orders of all subsets.
func topKOutcomes(r *reference, head []float64) (list []outcome) {
	sets := make(map[string][]int) // of outcomes, by code
	for order := range places(slices.Repeat([]int{r.Latent}, r.Subset)) {
		hard := make([]float64, r.Latent)
		for _, i := range order {
			hard[i]++
		}
		if slices.Max(hard) > 1 {
			continue
		}
		key := fmt.Sprint(hard)
		sets[key] = append(sets[key], len(list))
		list = append(list, outcome{q: math.Exp(logOrder(head, order)), code: hard, divergence: sequentialKL(head, r.priorHead(), order)})
	}
	for c := range r.codes() {
		q, orders := 0.0, sets[fmt.Sprint(c.code)]
		for _, i := range orders {
			q += list[i].q
		}
		for _, i := range orders {
			list[i].logRatio = math.Log(c.p / q)
			list[i].square = list[i].q * math.Exp(2*list[i].logRatio)
		}
	}
	return list
}
