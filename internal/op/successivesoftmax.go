package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
)

// SuccessiveSoftmax is a relaxed vector of k ones, the sum of k softmaxes over the last axis, each with what those before
// have taken away: for keys […, n] and a scalar τ
//
//	Σ_j a^j,  a^j = softmax(α^j/τ),  α^1 = keys,  α^{j+1} = α^j + log(1 − a^j)
//
// […, n]. The logarithm for the largest class is made of the others alone, because its own probability rounds to 1.
// Differentiable once. Source: Xie and Ermon (2019), arXiv:1901.10517.
func SuccessiveSoftmax(keys, τ *G.Node, k int) (*G.Node, error) {
	s, err := newSuccessive(fmt.Sprintf("successivesoftmax{%d}", k), keys, τ, k)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  s.name,
		shape: keys.Shape(),
		f32:   successiveSoftmax(s, rowLoops32),
		f64:   successiveSoftmax(s, rowLoops64),
		diff:  s.diff,
	}, keys, τ)
}

// StraightThroughTopK is TopK with the gradient of SuccessiveSoftmax, whose value is not computed. Differentiable once.
func StraightThroughTopK(keys, τ *G.Node, k int) (*G.Node, error) {
	s, err := newSuccessive(fmt.Sprintf("straightthroughtopk{%d}", k), keys, τ, k)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  s.name,
		shape: keys.Shape(),
		f32:   topK[float32](s.n, k),
		f64:   topK[float64](s.n, k),
		diff:  s.diff,
	}, keys, τ)
}

// successive is what the ops of k softmaxes over rows of n have in common.
type successive struct {
	name string
	n, k int
}

func newSuccessive(name string, keys, τ *G.Node, k int) (successive, error) {
	n, err := lastAxis(name, keys)
	if err != nil {
		return successive{}, err
	}
	if err := check(name, keys, τ); err != nil {
		return successive{}, err
	}
	if τ.Dims() != 0 {
		return successive{}, fmt.Errorf("op: %s: the temperature has shape %v; it must be a scalar", name, τ.Shape())
	}
	if k < 1 || k > n {
		return successive{}, fmt.Errorf("op: %s: %d of %d elements; at least 1 and at most all", name, k, n)
	}
	return successive{name, n, k}, nil
}

func (s successive) diff(need []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
	keys, τ := in[0], in[1]
	var e Expr
	var dkeys, dτ *G.Node
	if need[0] {
		dkeys = e.Of(apply(spec{
			name:  fmt.Sprintf("successivesoftmaxgrad{%d}", s.k),
			shape: keys.Shape(),
			f32:   successiveGrad(s, rowLoops32),
			f64:   successiveGrad(s, rowLoops64),
		}, keys, τ, grad))
	}
	if need[1] {
		dτ = e.Of(apply(spec{
			name:  fmt.Sprintf("successivesoftmaxslope{%d}", s.k),
			shape: tensor.Shape{},
			f32:   successiveSlope(s, rowLoops32),
			f64:   successiveSlope(s, rowLoops64),
		}, keys, τ, grad))
	}
	return e.Nodes(dkeys, dτ)
}

// rowLoops are functions of whole slices for one element type; dst may be x.
type rowLoops[T Float] struct {
	exp, log1p func(dst, x []T)
	max, sum   func(x []T) T
}

var (
	rowLoops32 = rowLoops[float32]{kernel.Exp, kernel.Log1p, kernel.Max, kernel.Sum}
	rowLoops64 = rowLoops[float64]{
		exp: simplex64.exp,
		log1p: func(dst, x []float64) {
			for i, v := range x {
				dst[i] = math.Log1p(v)
			}
		},
		max: func(x []float64) float64 {
			top := math.Inf(-1)
			for _, v := range x {
				top = math.Max(top, v)
			}
			return top
		},
		sum: func(x []float64) (sum float64) {
			for _, v := range x {
				sum += v
			}
			return sum
		},
	}
)

// softmaxes are the k softmaxes of some rows, each with its largest number apart from the others: so neither a probability
// next to 1 nor those next to 0 lose their digits.
type softmaxes[T Float] struct {
	successive
	rowLoops[T]
	scaled  [][]T           // α^j/τ
	weights [][]T           // of the others relative to the second largest; 0 of the largest
	rows    [][]splitRow[T] // of each step
	scratch []T
}

type splitRow[T Float] struct {
	top    int // position of the largest number
	gap    T   // the second largest less the largest
	others T   // sum of the others' weights
	most   T   // probability of the largest
	part   T   // the others' probabilities over their weights
}

func newSoftmaxes[T Float](s successive, loops rowLoops[T]) *softmaxes[T] {
	return &softmaxes[T]{successive: s, rowLoops: loops}
}

// successiveWork is the time that one number of one step takes, in elements of a simple loop.
const successiveWork = 4

// each computes the softmaxes of all rows, and calls f for ranges of rows.
func (s *softmaxes[T]) each(keys []T, τ T, f func(lo, hi int)) {
	size := len(keys)
	if s.scratch == nil {
		s.scratch = make([]T, size)
		for range s.k {
			s.scaled, s.weights = append(s.scaled, make([]T, size)), append(s.weights, make([]T, size))
			s.rows = append(s.rows, make([]splitRow[T], size/s.n))
		}
	}
	eachRows(size/s.n, s.n*s.k*successiveWork, func(lo, hi int) {
		at, to := lo*s.n, hi*s.n
		for i, v := range keys[at:to] {
			s.scaled[0][at+i] = v / τ
		}
		perτ := 1 / τ
		s.weigh(0, lo, hi)
		for j := 1; j < s.k; j++ {
			s.logComplement(j-1, lo, hi)
			before, after := s.scaled[j-1][at:to], s.scaled[j][at:to]
			for i, v := range s.scratch[at:to] {
				after[i] = before[i] + v*perτ
			}
			s.weigh(j, lo, hi)
		}
		f(lo, hi)
	})
}

// weigh makes the weights of step j.
func (s *softmaxes[T]) weigh(j, lo, hi int) {
	least := T(math.Inf(-1))
	for r := lo; r < hi; r++ {
		x, w := s.scaled[j][r*s.n:(r+1)*s.n], s.weights[j][r*s.n:(r+1)*s.n]
		top, largest := 0, x[0]
		for i, v := range x {
			if v > largest {
				top, largest = i, v
			}
		}
		second := max(s.max(x[:top]), s.max(x[top+1:]))
		for i, v := range x {
			w[i] = v - second
		}
		w[top] = least
		s.rows[j][r] = splitRow[T]{top: top, gap: second - largest}
	}
	all := s.weights[j][lo*s.n : hi*s.n]
	s.exp(all, all)
	for r := lo; r < hi; r++ {
		row := &s.rows[j][r]
		ratio := T(math.Exp(float64(row.gap)))
		row.others = s.sum(s.weights[j][r*s.n : (r+1)*s.n])
		row.most = 1 / (1 + ratio*row.others)
		row.part = ratio * row.most
	}
}

// logComplement writes log(1 − a^j) to scratch. Above ½, 1 − a is others·part, whose logarithm is put together from those
// of its factors.
func (s *softmaxes[T]) logComplement(j, lo, hi int) {
	for r := lo; r < hi; r++ {
		row, c := s.rows[j][r], s.scratch[r*s.n:(r+1)*s.n]
		for i, w := range s.weights[j][r*s.n : (r+1)*s.n] {
			c[i] = -w * row.part
		}
		if row.most > 0.5 {
			c[row.top] = -row.others * row.part // log most
		} else {
			c[row.top] = -row.most
		}
	}
	all := s.scratch[lo*s.n : hi*s.n]
	s.log1p(all, all)
	for r := lo; r < hi; r++ {
		if row := s.rows[j][r]; row.most > 0.5 {
			s.scratch[r*s.n+row.top] += row.gap + T(math.Log(float64(row.others)))
		}
	}
}

// pullBack takes v, the gradient of α^{j+1} in row r, to that of α^j, for g the gradient of a^j. It leaves what it adds, the
// gradient of the scaled numbers over τ, in scratch.
//
// Of a number other than the largest, log(1 − a_i) has the slope −a_i/(1 − a_i)·(δ_im − a_m) in number m; that of the
// largest has the slope of log Σ_{others} e^x − log Σ e^x.
func (s *softmaxes[T]) pullBack(j, r int, v, g []T, τ T) {
	row, weights, add := s.rows[j][r], s.weights[j][r*s.n:(r+1)*s.n], s.scratch[r*s.n:(r+1)*s.n]
	for i, w := range weights {
		a := w * row.part
		add[i] = a * (g[i] - v[i]/(1-a))
	}
	add[row.top] = row.most * g[row.top]
	sum := s.sum(add) + v[row.top]
	perWeight := v[row.top]/row.others - row.part*sum
	largest := add[row.top] - row.most*sum
	for i, w := range weights {
		add[i] += w * perWeight
	}
	add[row.top] = largest
	perτ := 1 / τ
	for i := range add {
		add[i] *= perτ
		v[i] += add[i]
	}
}

func successiveSoftmax[T Float](s successive, loops rowLoops[T]) func(out []T, in [][]T) {
	m := newSoftmaxes(s, loops)
	return func(out []T, in [][]T) {
		clear(out)
		m.each(in[0], in[1][0], func(lo, hi int) {
			for j := range m.k {
				for r := lo; r < hi; r++ {
					row, y := m.rows[j][r], out[r*m.n:(r+1)*m.n]
					for i, w := range m.weights[j][r*m.n : (r+1)*m.n] {
						y[i] += w * row.part
					}
					y[row.top] += row.most
				}
			}
		})
	}
}

func successiveGrad[T Float](s successive, loops rowLoops[T]) func(out []T, in [][]T) {
	m := newSoftmaxes(s, loops)
	return func(out []T, in [][]T) {
		clear(out)
		m.each(in[0], in[1][0], func(lo, hi int) {
			for r := lo; r < hi; r++ {
				for j := m.k - 1; j >= 0; j-- {
					m.pullBack(j, r, out[r*m.n:(r+1)*m.n], in[2][r*m.n:(r+1)*m.n], in[1][0])
				}
			}
		})
	}
}

// successiveSlope is the derivative in τ: −⟨x, gradient of x⟩/τ for the numbers x = α^j/τ of every step. A constant may be
// taken off x, whose gradients add up to zero.
func successiveSlope[T Float](s successive, loops rowLoops[T]) func(out []T, in [][]T) {
	m := newSoftmaxes(s, loops)
	var v []T
	return func(out []T, in [][]T) {
		if v == nil {
			v = make([]T, len(in[0]))
		}
		clear(v)
		m.each(in[0], in[1][0], func(int, int) {})
		slope := 0.
		for r := range len(v) / m.n {
			at, to := r*m.n, (r+1)*m.n
			for j := m.k - 1; j >= 0; j-- {
				m.pullBack(j, r, v[at:to], in[2][at:to], in[1][0])
				x, top := m.scaled[j][at:to], m.rows[j][r].top
				for i, add := range m.scratch[at:to] {
					slope -= float64(add) * float64(x[i]-x[top])
				}
			}
		}
		out[0] = T(slope)
	}
}
