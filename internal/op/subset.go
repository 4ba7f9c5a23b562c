package op

import (
	"fmt"
	"math"

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
			out[i] = T(load(s, in[0][i*n:(i+1)*n], in[1][i*n:(i+1)*n]))
		}
	}
}

func logSubsetGrads[T Float](n, k int) func(out []T, in [][]T) {
	s := newSubsets(n, k)
	return func(out []T, in [][]T) {
		for i := 0; i < len(out); i += n {
			load(s, in[0][i:i+n], in[1][i:i+n])
			for j, v := range s.gradient() {
				out[i+j] = T(v)
			}
		}
	}
}

// subsets goes through the subsets of the marked elements. Subset t holds the marked element j if bit j of t is set; it
// stands for the moment when just these have been drawn.
type subsets struct {
	φ       []float64
	marked  []int     // positions of the marked elements
	rest    float64   // log-weight of all others
	left    []float64 // log-weight of what is left after t has been drawn
	reached []float64 // log-probability that the draws pass through t
	passed  []float64 // probability that they passed through t, given that they end at the full set
	grad    []float64
}

func newSubsets(n, k int) *subsets {
	return &subsets{
		φ: make([]float64, n), marked: make([]int, k), grad: make([]float64, n),
		left: make([]float64, 1<<k), reached: make([]float64, 1<<k), passed: make([]float64, 1<<k),
	}
}

// load computes the log-probability of the set that mask marks.
func load[T Float](s *subsets, φ, mask []T) float64 {
	found := 0
	s.rest = math.Inf(-1)
	for i, v := range φ {
		s.φ[i] = float64(v)
		switch {
		case mask[i] == 0:
			s.rest = logAddExp(s.rest, s.φ[i])
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
	full := len(s.left) - 1
	for t := full; t >= 0; t-- {
		s.left[t] = s.rest
		for j, i := range s.marked {
			if t>>j&1 == 0 { // the weight after one more draw, and of what it draws
				s.left[t] = logAddExp(s.left[t|1<<j], s.φ[i])
				break
			}
		}
	}
	s.reached[0] = 0
	for t := 1; t <= full; t++ {
		s.reached[t] = math.Inf(-1)
		for j := range s.marked {
			if t>>j&1 == 1 {
				s.reached[t] = logAddExp(s.reached[t], s.reached[t^1<<j]+s.draw(t^1<<j, j))
			}
		}
	}
	return s.reached[full]
}

// draw is the log-probability that the next draw after t is the marked element j.
func (s *subsets) draw(t, j int) float64 { return s.φ[s.marked[j]] - s.left[t] }

// gradient is that of the loaded set's log-probability: what is drawn, less what was expected at each draw.
func (s *subsets) gradient() []float64 {
	full := len(s.left) - 1
	clear(s.passed)
	clear(s.grad)
	s.passed[full] = 1
	for t := full; t > 0; t-- {
		for j := range s.marked {
			if from := t ^ 1<<j; t>>j&1 == 1 {
				s.passed[from] += s.passed[t] * math.Exp(s.reached[from]+s.draw(from, j)-s.reached[t])
			}
		}
	}
	others := 0. // the others share one factor
	for t := range full {
		others += s.passed[t] * math.Exp(s.rest-s.left[t])
		for j, i := range s.marked {
			if t>>j&1 == 0 {
				s.grad[i] -= s.passed[t] * math.Exp(s.draw(t, j))
			}
		}
	}
	for _, i := range s.marked {
		s.grad[i]++
	}
	if math.IsInf(s.rest, -1) {
		return s.grad
	}
	next := 0
	for i, v := range s.φ {
		if next < len(s.marked) && s.marked[next] == i {
			next++
			continue
		}
		s.grad[i] = -others * math.Exp(v-s.rest)
	}
	return s.grad
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
