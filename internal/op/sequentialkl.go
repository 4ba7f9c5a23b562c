package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// SequentialKL adds up the divergences between k successive draws without replacement, with probabilities in proportion to
// e^q and to e^p of what is left each time, when the classes are drawn in the order of the k largest keys: with π_j and ρ_j
// the probabilities before draw j,
//
//	Σ_j KL(π_j ‖ ρ_j)
//
// over the last axis and summed over the event, for logits q, p and keys [B, …, n] → [B]. Differentiable once, in q and p.
func SequentialKL(q, p, keys *G.Node, k int) (*G.Node, error) {
	name := fmt.Sprintf("sequentialkl{%d}", k)
	if err := check(name, q, p, keys); err != nil {
		return nil, err
	}
	if q.Dims() < 2 || !sameShape(q, p) || !sameShape(q, keys) {
		return nil, fmt.Errorf("op: %s: logits %v, %v and keys %v must have one shape [B, …, n]", name, q.Shape(), p.Shape(), keys.Shape())
	}
	event := q.Shape()[1:].Clone()
	if n := event[len(event)-1]; k < 1 || k > n {
		return nil, fmt.Errorf("op: %s: %d of %d classes; at least 1 and at most all are drawn", name, k, n)
	}
	return apply(spec{
		name:  name,
		shape: tensor.Shape{q.Shape()[0]},
		f32:   sequentialKL[float32](q.Shape(), k),
		f64:   sequentialKL[float64](q.Shape(), k),
		wrt:   []bool{true, true, false},
		diff: func(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			q, p, keys := in[0], in[1], in[2]
			var e Expr
			var dq, dp *G.Node
			if need[0] {
				dq = e.Of(sequentialKLGrad(q, p, keys, grad, k))
			}
			if need[1] {
				expected := e.Of(Sub(e.Of(expectedDraws(p, keys, k)), e.Of(expectedDraws(q, keys, k))))
				dp = e.Of(Mul(expected, e.Of(SpreadEvent(grad, event...))))
			}
			return e.Nodes(dq, dp, nil)
		},
	}, q, p, keys)
}

// sequentialKLGrad is g·Σ_j π_j∘(r − ⟨π_j, r⟩) for r = q − p and g [B] one number per row: the gradient in q.
func sequentialKLGrad(q, p, keys, g *G.Node, k int) (*G.Node, error) {
	return apply(spec{
		name:  fmt.Sprintf("sequentialklgrad{%d}", k),
		shape: q.Shape(),
		f32:   sequentialKLGrads[float32](q.Shape(), k),
		f64:   sequentialKLGrads[float64](q.Shape(), k),
	}, q, p, keys, g)
}

// expectedDraws is Σ_j π_j, how often each class was to be expected: φ and keys [B, …, n] → [B, …, n].
func expectedDraws(φ, keys *G.Node, k int) (*G.Node, error) {
	return apply(spec{
		name:  fmt.Sprintf("expecteddraws{%d}", k),
		shape: φ.Shape(),
		f32:   expectedDrawsLoop[float32](φ.Shape(), k),
		f64:   expectedDrawsLoop[float64](φ.Shape(), k),
	}, φ, keys)
}

// urn holds classes of weights e^φ. Its weight is sum·e^top, so that no logits are too large or too far apart.
type urn struct{ top, sum float64 }

func emptyUrn() urn { return urn{top: math.Inf(-1)} }

// put adds a class and returns its weight in units of e^top.
func (u *urn) put(φ float64) float64 {
	if φ > u.top {
		u.sum = u.sum*math.Exp(u.top-φ) + 1
		u.top = φ
		return 1
	}
	w := math.Exp(φ - u.top)
	u.sum += w
	return w
}

// draws goes through rows of n classes of which k are drawn. It goes from the end of the draws to their beginning, putting
// back one class after the other: sums of what is left only ever grow, so that nothing cancels.
type draws struct {
	rows, width int // width is that of the event, one or more times n
	n, k        int
	order       []int
	share       []float64 // probability of each class when it has been put back
	mean        []float64 // ⟨π, r⟩ at that moment
}

func newDraws(shape tensor.Shape, k int) *draws {
	return &draws{rows: shape[0], width: product(shape[1:]), n: shape[len(shape)-1], k: k}
}

// drawsWork is the time that a class takes, in elements of a simple loop.
const drawsWork = 16

// each calls f for all variables, row by row: with the row, the place of the variable's classes in the inputs, and their
// order.
func each[T Float](d *draws, keys []T, f func(row, at int, order []int)) {
	if d.order == nil {
		d.order = make([]int, d.rows*d.width)
		d.share, d.mean = make([]float64, d.rows*d.width), make([]float64, d.rows*d.width)
	}
	eachRows(d.rows, d.width*drawsWork, func(lo, hi int) {
		for at := lo * d.width; at < hi*d.width; at += d.n {
			order := d.order[at : at+d.n]
			largestFirst(order, keys[at:at+d.n], d.k)
			f(at/d.width, at, order)
		}
	})
}

func sequentialKL[T Float](shape tensor.Shape, k int) func(out []T, in [][]T) {
	d := newDraws(shape, k)
	return func(out []T, in [][]T) {
		clear(out)
		each(d, in[2], func(row, at int, order []int) {
			q, p := emptyUrn(), emptyUrn()
			total, mean := 0., 0.
			for j := d.n - 1; j >= 0; j-- {
				i := order[j]
				φ, ψ := float64(in[0][at+i]), float64(in[1][at+i])
				share := q.put(φ) / q.sum
				p.put(ψ)
				mean = share*(φ-ψ) + (1-share)*mean
				if j < d.k {
					total += mean + p.top - q.top + math.Log(p.sum/q.sum)
				}
			}
			out[row] += T(total)
		})
	}
}

func sequentialKLGrads[T Float](shape tensor.Shape, k int) func(out []T, in [][]T) {
	d := newDraws(shape, k)
	return func(out []T, in [][]T) {
		each(d, in[2], func(row, at int, order []int) {
			q, p, g := in[0][at:at+d.n], in[1][at:at+d.n], float64(in[3][row])
			share, mean := d.share[at:at+d.n], d.mean[at:at+d.n]
			left, now := emptyUrn(), 0.
			for j := d.n - 1; j >= 0; j-- {
				i := order[j]
				φ := float64(q[i])
				share[j] = left.put(φ) / left.sum
				now = share[j]*(φ-float64(p[i])) + (1-share[j])*now
				mean[j] = now
			}
			// A class at position j is in the urn at all draws up to j; its probability then is its share at j, times
			// what the classes drawn in between left over. a and b add up the latter, and the latter times the mean.
			a, b := 0., 0.
			for j, i := range order {
				if j < d.k {
					a++
					b += mean[j]
				}
				out[at+i] = T(g * share[j] * ((float64(q[i])-float64(p[i]))*a - b))
				a *= 1 - share[j]
				b *= 1 - share[j]
			}
		})
	}
}

func expectedDrawsLoop[T Float](shape tensor.Shape, k int) func(out []T, in [][]T) {
	d := newDraws(shape, k)
	return func(out []T, in [][]T) {
		each(d, in[1], func(_, at int, order []int) {
			left, share := emptyUrn(), d.share[at:at+d.n]
			for j := d.n - 1; j >= 0; j-- {
				i := order[j]
				share[j] = left.put(float64(in[0][at+i])) / left.sum
			}
			a := 0. // as in sequentialKLGrads
			for j, i := range order {
				if j < d.k {
					a++
				}
				out[at+i] = T(share[j] * a)
				a *= 1 - share[j]
			}
		})
	}
}
