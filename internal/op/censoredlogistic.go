package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
)

// CensoredLogisticKL is the divergence between two logistic variables after both have been cut off at the same two points,
// to which what lies beyond is moved, element by element. In units of their common scale and counted from the centre of
// the first, the points are a < b and the centre of the second is −δ:
//
//	K = A log(A/A′) + (1−B) log((1−B)/(1−B′)) + ∫_a^b σ′(s) r(s) ds,  A = σ(a), B = σ(b), A′ = σ(a+δ), B′ = σ(b+δ)
//
// with the log-ratio of the densities r(s) = log(σ(s)/σ(s+δ)) + log(σ(−s)/σ(−s−δ)). The shapes of a, b and δ agree. Differentiable twice.
func CensoredLogisticKL(a, b, δ *G.Node) (*G.Node, error) {
	if err := check(partial{}.name(), a, b, δ); err != nil {
		return nil, err
	}
	if !sameShape(a, b) || !sameShape(a, δ) {
		return nil, fmt.Errorf("op: %s: points %v and %v and shift %v must have one shape", partial{}.name(), a.Shape(), b.Shape(), δ.Shape())
	}
	return partial{}.node(a, b, δ, nil)
}

// partial is how often K is differentiated in a, b and δ.
type partial [3]int

func (p partial) name() string {
	if p == (partial{}) {
		return "censoredlogistickl"
	}
	return fmt.Sprintf("censoredlogistickl%v", [3]int(p))
}

// node is the partial derivative, times scale if it is given.
func (p partial) node(a, b, δ, scale *G.Node) (*G.Node, error) {
	at := censoredLogistic[p]
	if at == nil {
		return nil, fmt.Errorf("op: %s: %w twice more", p.name(), ErrNotDifferentiable)
	}
	in := G.Nodes{a, b, δ}
	if scale != nil {
		in = append(in, scale)
	}
	return apply(spec{
		name:  p.name(),
		shape: a.Shape(),
		f32:   censoredLogisticLoop[float32](at),
		f64:   censoredLogisticLoop[float64](at),
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			out := make(G.Nodes, len(in))
			if len(in) == 4 {
				if need[3] {
					out[3] = e.Of(p.node(in[0], in[1], in[2], grad))
				}
				grad = e.Of(Mul(grad, in[3]))
			}
			for i := range p {
				further := p
				further[i]++
				switch {
				case !need[i]:
				case further[0] > 0 && further[1] > 0: // K is a sum of functions of a and δ and of b and δ
					out[i] = e.Of(FullLike(in[i], 0))
				default:
					out[i] = e.Of(further.node(in[0], in[1], in[2], grad))
				}
			}
			return e.Nodes(out...)
		},
	}, in...)
}

func censoredLogisticLoop[T Float](at func(a, b, δ float64) float64) func(out []T, in [][]T) {
	return func(out []T, in [][]T) {
		kernel.Parallel(len(out), scalarGrain, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				out[i] = T(at(float64(in[0][i]), float64(in[1][i]), float64(in[2][i])))
			}
		})
		scaleBy(out, in[2:]) // by the fourth, if there is one
	}
}

// censoredLogistic is K and its derivatives. Seen from the other side, K(a, b, δ) is K(−b, −a, −δ).
var censoredLogistic = map[partial]func(a, b, δ float64) float64{
	{0, 0, 0}: func(a, b, δ float64) float64 {
		low, high := cutAt(a, δ), cutAt(b, δ)
		return low.atom() + high.turned().atom() + between(0, low, high, δ)
	},
	{1, 0, 0}: func(a, _, δ float64) float64 { return cutAt(a, δ).slope() },
	{0, 1, 0}: func(_, b, δ float64) float64 { return -cutAt(b, δ).turned().slope() },
	{0, 0, 1}: func(a, b, δ float64) float64 {
		low, high := cutAt(a, δ), cutAt(b, δ)
		return -low.q*low.pc + high.qc*high.p + between(1, low, high, δ)
	},
	{2, 0, 0}: func(a, _, δ float64) float64 { return cutAt(a, δ).curve() },
	{0, 2, 0}: func(_, b, δ float64) float64 { return cutAt(b, δ).turned().curve() },
	{1, 0, 1}: func(a, _, δ float64) float64 { return cutAt(a, δ).twist() },
	{0, 1, 1}: func(_, b, δ float64) float64 { return cutAt(b, δ).turned().twist() },
	{0, 0, 2}: func(a, b, δ float64) float64 {
		low, high := cutAt(a, δ), cutAt(b, δ)
		return low.q*low.p*low.pc + high.qc*high.p*high.pc + between(2, low, high, δ)
	},
}

// cut is what a point s divides: σ(s) of the first law to the left of it and qc to the right, p = σ(s+δ) and pc of the
// second, and the logarithms of q/p and qc/pc.
type cut struct{ q, qc, p, pc, left, right float64 }

func cutAt(s, δ float64) cut {
	e, ep := math.Exp(-math.Abs(s)), math.Exp(-math.Abs(s+δ))
	q, qc := sides(s, e)
	p, pc := sides(s+δ, ep)
	// log σ(s) is min(s, 0) − log(1 + e).
	rest := math.Log1p((ep - e) / (1 + e))
	return cut{
		q: q, qc: qc, p: p, pc: pc,
		left:  min(s, 0) - min(s+δ, 0) + rest,
		right: min(-s, 0) - min(-s-δ, 0) + rest,
	}
}

// sides are σ(s) and σ(−s), given e^{−|s|}.
func sides(s, e float64) (left, right float64) {
	larger := 1 / (1 + e)
	if s < 0 {
		return e * larger, larger
	}
	return larger, e * larger
}

// turned is the cut seen from the other side.
func (c cut) turned() cut {
	return cut{q: c.qc, qc: c.q, p: c.pc, pc: c.p, left: c.right, right: c.left}
}

// atom is what the left side adds to K, all of it in one point.
func (c cut) atom() float64 { return c.q * c.left }

// slope is the derivative of K in the point to which the left side is moved, curve the second, twist that in δ too.
func (c cut) slope() float64 { return c.q * (c.qc*(1-c.right) - c.pc) }

func (c cut) curve() float64 {
	return c.q * (c.qc*((c.qc-c.q)*(1-c.right)-c.pc+c.q-c.p) + c.p*c.pc)
}

func (c cut) twist() float64 { return c.q * c.p * (c.pc - c.qc) }

// between is the integral of σ′(s) times the k-th derivative of r in δ from one cut to another: r itself, T =
// tanh((s+δ)/2) or S = (1 − T²)/2. In u = σ(s) its antiderivative is
//
//	u·r − 2u + n·r,  n = 1/(e^δ − 1),
//
// whose derivatives in δ are the other two. Near δ = 0 its terms cancel each other.
func between(k int, low, high cut, δ float64) float64 {
	const small = 0.1 // where up to three of sixteen digits of far are lost
	if math.Abs(δ) < small {
		t := math.Tanh(δ / 2)
		return high.near(k, t) - low.near(k, t)
	}
	return high.far(k, δ) - low.far(k, δ)
}

func (c cut) far(k int, δ float64) float64 {
	r, T, S := c.left+c.right, c.p-c.pc, 2*c.p*c.pc
	n := 1 / math.Expm1(math.Abs(δ)) // n itself, or −1 − n
	weight, n1, n2 := c.q+n, -n*(n+1), n*(n+1)*(2*n+1)
	if δ < 0 {
		weight, n2 = -c.qc-n, -n2
	}
	switch k {
	case 0:
		return weight*r - 2*c.q
	case 1:
		return weight*T + n1*r
	}
	return weight*S + 2*n1*T + n2*r
}

// near is far, but for a constant. With x = 2u − 1 and t = tanh(δ/2), r is 2 log cosh(δ/2) + 2 log(1 + xt), and the
// integral of r over u is
//
//	x log cosh(δ/2) + x·γ(xt),  γ(y) = ∫₀¹ log(1 + ys) ds = Σ_{n≥1} (−1)ⁿ⁺¹ yⁿ/(n(n+1)).
func (c cut) near(k int, t float64) float64 {
	x := c.q - c.qc
	γ, γ1, γ2 := meanLog1p(x * t)
	slope := (1 - t*t) / 2 // of t in δ
	switch k {
	case 0:
		return x * (γ - math.Log1p(-t*t)/2)
	case 1:
		return x * (t/2 + x*γ1*slope)
	}
	return x * (slope/2 + x*(x*γ2*slope-γ1*t)*slope)
}

// meanLog1p is γ and its first two derivatives, for small x.
func meanLog1p(x float64) (γ, γ1, γ2 float64) {
	for n, power := 1., 1.; math.Abs(power) > 1e-18; n++ { // power is (−x)ⁿ⁻¹
		γ += x * power / (n * (n + 1))
		γ1 += power / (n + 1)
		γ2 -= n * power / (n + 2)
		power *= -x
	}
	return γ, γ1, γ2
}
