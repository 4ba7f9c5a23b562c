package op

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	G "gorgonia.org/gorgonia"
)

// MaxSubset is the largest subset whose probability LogSubset computes: the work is 2ᵏ·k.
const MaxSubset = 8

// LogSubset is the log-probability that k draws without replacement, with probabilities in proportion to e^φ of what is
// left each time, take the set that mask marks with k ones, in any order: φ and mask […, n] → […]. It equals the sum over
// the k! orders. Any other mask is an error of the run. Differentiable once, in φ.
func LogSubset(φ, mask *G.Node, k int) (*G.Node, error) {
	name := fmt.Sprintf("logsubset{%d}", k)
	n, err := subsetSize(name, φ, mask, k)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  name,
		shape: φ.Shape()[:φ.Dims()-1].Clone(),
		f32:   logSubsets[float32](n, k),
		f64:   logSubsets[float64](n, k),
		wrt:   []bool{true, false},
		diff: func(_ []bool, in G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			var e Expr
			slope := e.Of(logSubsetGrad(in[0], in[1], k))
			return e.Nodes(e.Of(Mul(slope, e.Of(SpreadLast(grad, n)))), nil)
		},
	}, φ, mask)
}

// logSubsetGrad is the gradient of LogSubset, row by row: φ and mask […, n] → […, n].
func logSubsetGrad(φ, mask *G.Node, k int) (*G.Node, error) {
	name := fmt.Sprintf("logsubsetgrad{%d}", k)
	n, err := subsetSize(name, φ, mask, k)
	if err != nil {
		return nil, err
	}
	return apply(spec{
		name:  name,
		shape: φ.Shape(),
		f32:   logSubsetGrads[float32](n, k),
		f64:   logSubsetGrads[float64](n, k),
	}, φ, mask)
}

func subsetSize(name string, φ, mask *G.Node, k int) (n int, err error) {
	if err := check(name, φ, mask); err != nil {
		return 0, err
	}
	if φ.Dims() == 0 || !sameShape(φ, mask) {
		return 0, fmt.Errorf("op: %s: weights %v and mask %v must have one shape […, n]", name, φ.Shape(), mask.Shape())
	}
	n = φ.Shape()[φ.Dims()-1]
	if k < 1 || k > n || k > MaxSubset {
		return 0, fmt.Errorf("op: %s: %d of %d elements; at least 1 and at most %d", name, k, n, min(n, MaxSubset))
	}
	return n, nil
}

func logSubsets[T Float](n, k int) func(out []T, in [][]T) {
	s := newSubsets(n, k)
	return func(out []T, in [][]T) {
		for i := range out {
			load(s, in[0][i*n:(i+1)*n], in[1][i*n:(i+1)*n])
			out[i] = T(s.logProbability())
		}
	}
}

func logSubsetGrads[T Float](n, k int) func(out []T, in [][]T) {
	s := newSubsets(n, k)
	return func(out []T, in [][]T) {
		for i := 0; i < len(out); i += n {
			load(s, in[0][i:i+n], in[1][i:i+n])
			s.logProbability()
			for j, v := range s.gradient() {
				out[i+j] = T(v)
			}
		}
	}
}

// subsets goes through the subsets of the marked elements. Subset t holds the marked element j if bit j of t is set; it
// stands for the moment when just these have been drawn. With W the weight of all elements and W_t that of those left at t,
// the probability is a sum over all paths from the empty set to the full one,
//
//	Π_j w_j/W · Σ_paths Π_{t before the end} W/W_t
type subsets struct {
	φ      []float64
	marked []int // positions of the marked elements

	w     []float64 // weights, the largest 1
	total float64   // W
	step  []float64 // W/W_t
	paths []float64 // Σ Π W/W_t over the paths to t
	ahead []float64 // the same over the paths from t on, over that of all paths
	grad  []float64

	logs *logSubset // where the weights' ratios are too large; nil: they are not
}

func newSubsets(n, k int) *subsets {
	return &subsets{
		φ: make([]float64, n), marked: make([]int, k), w: make([]float64, n), grad: make([]float64, n),
		step: make([]float64, 1<<k), paths: make([]float64, 1<<k), ahead: make([]float64, 1<<k),
	}
}

// load takes a row, and the set that mask marks.
func load[T Float](s *subsets, φ, mask []T) {
	found := 0
	for i, v := range φ {
		s.φ[i] = float64(v)
		switch {
		case mask[i] == 0:
		case mask[i] == 1 && found < len(s.marked):
			s.marked[found] = i
			found++
		default:
			found = len(φ) + 1
		}
	}
	if found != len(s.marked) {
		panic(fmt.Sprintf("the mask must hold %d ones, and zeros else", len(s.marked)))
	}
}

// logProbability is that of the loaded set.
func (s *subsets) logProbability() float64 {
	top := slices.Max(s.φ)
	rest, next := 0., 0
	for i, v := range s.φ {
		s.w[i] = math.Exp(v - top)
		if next < len(s.marked) && s.marked[next] == i {
			next++
		} else {
			rest += s.w[i]
		}
	}
	full := len(s.step) - 1
	s.step[full] = rest // W_t first
	for t := full - 1; t >= 0; t-- {
		j := bits.TrailingZeros(^uint(t)) // the first that has not been drawn
		s.step[t] = s.step[t|1<<j] + s.w[s.marked[j]]
	}
	s.total = s.step[0]
	for t := range full {
		s.step[t] = s.total / s.step[t]
	}
	s.paths[0] = 1
	for t := 1; t <= full; t++ {
		sum := 0.
		for left := uint(t); left != 0; left &= left - 1 {
			from := t &^ (1 << bits.TrailingZeros(left))
			sum += s.paths[from] * s.step[from]
		}
		s.paths[t] = sum
	}
	const large = 1e280
	s.logs = nil
	if !(s.paths[full] < large) {
		s.logs = newLogSubset(s.φ, s.marked)
		return s.logs.probability()
	}
	log := math.Log(s.paths[full])
	for _, i := range s.marked {
		log += s.φ[i] - top - math.Log(s.total)
	}
	return log
}

// gradient is that of the set's log-probability: what is drawn, less what was expected at each draw.
func (s *subsets) gradient() []float64 {
	if s.logs != nil {
		return s.logs.gradient()
	}
	full := len(s.step) - 1
	others := 0. // each is expected as often as its weight times this
	clear(s.grad)
	s.ahead[full] = 1 / s.paths[full]
	for t := full - 1; t >= 0; t-- {
		sum := 0.
		for left := uint(full &^ t); left != 0; left &= left - 1 {
			sum += s.ahead[t|1<<bits.TrailingZeros(left)]
		}
		s.ahead[t] = sum * s.step[t]
		share := s.paths[t] * s.ahead[t] * s.step[t] / s.total // probability that the draws passed through t, over W_t
		others += share
		for left := uint(full &^ t); left != 0; left &= left - 1 {
			s.grad[s.marked[bits.TrailingZeros(left)]] += share
		}
	}
	next := 0
	for i, w := range s.w {
		if next < len(s.marked) && s.marked[next] == i {
			s.grad[i] = 1 - w*s.grad[i]
			next++
		} else {
			s.grad[i] = -w * others
		}
	}
	return s.grad
}

// logSubset does the same in logarithms, whatever the weights, and takes some twenty times as long.
type logSubset struct {
	φ       []float64
	marked  []int
	rest    float64   // log-weight of all that are not marked
	left    []float64 // log-weight of what is left after t has been drawn
	reached []float64 // log-probability that the draws pass through t
}

func newLogSubset(φ []float64, marked []int) *logSubset {
	s := &logSubset{
		φ: φ, marked: marked, rest: math.Inf(-1),
		left: make([]float64, 1<<len(marked)), reached: make([]float64, 1<<len(marked)),
	}
	next := 0
	for i, v := range φ {
		if next < len(marked) && marked[next] == i {
			next++
		} else {
			s.rest = logAddExp(s.rest, v)
		}
	}
	full := len(s.left) - 1
	s.left[full] = s.rest
	for t := full - 1; t >= 0; t-- {
		j := bits.TrailingZeros(^uint(t))
		s.left[t] = logAddExp(s.left[t|1<<j], φ[marked[j]])
	}
	for t := 1; t <= full; t++ {
		s.reached[t] = math.Inf(-1)
		for j := range marked {
			if t>>j&1 == 1 {
				s.reached[t] = logAddExp(s.reached[t], s.reached[t^1<<j]+s.draw(t^1<<j, j))
			}
		}
	}
	return s
}

// draw is the log-probability that the next draw after t is the marked element j.
func (s *logSubset) draw(t, j int) float64 { return s.φ[s.marked[j]] - s.left[t] }

func (s *logSubset) probability() float64 { return s.reached[len(s.reached)-1] }

func (s *logSubset) gradient() []float64 {
	full := len(s.left) - 1
	grad := make([]float64, len(s.φ))
	passed := make([]float64, full+1) // probability that the draws passed through t
	passed[full] = 1
	for t := full; t > 0; t-- {
		for j := range s.marked {
			if from := t ^ 1<<j; t>>j&1 == 1 {
				passed[from] += passed[t] * math.Exp(s.reached[from]+s.draw(from, j)-s.reached[t])
			}
		}
	}
	others := 0. // they share one factor
	for t := range full {
		others += passed[t] * math.Exp(s.rest-s.left[t])
		for j, i := range s.marked {
			if t>>j&1 == 0 {
				grad[i] -= passed[t] * math.Exp(s.draw(t, j))
			}
		}
	}
	next := 0
	for i, v := range s.φ {
		switch {
		case next < len(s.marked) && s.marked[next] == i:
			grad[i]++
			next++
		case !math.IsInf(s.rest, -1):
			grad[i] = -others * math.Exp(v-s.rest)
		}
	}
	return grad
}

func logAddExp(a, b float64) float64 {
	if a < b {
		a, b = b, a
	}
	if math.IsInf(b, -1) {
		return a
	}
	return a + math.Log1p(math.Exp(b-a))
}
