// Package meter measures gradient estimators where the right answer is known: bias, variance, direction and time on
// problems small enough to be enumerated.
//
//	c := meter.Case{Law: estimator.Bernoulli, Logits: []float64{0.3, -1}, Shape: []int{2}, F: f}
//	m, err := meter.Measure(c, estimator.RLOO{}, 100_000, 1, nil)
//	fmt.Println(m.Bias, m.BiasError, m.TotalVariance)
//
// All is computed in float64, from noise of named streams: the same seed gives the same numbers, times excepted.
package meter

import (
	"errors"
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/program"
	"relaxgo/relax/estimator"
)

// maxStates bounds what is enumerated: the objective is evaluated at all states at once.
const maxStates = 1 << 16

// Case is an expectation E f(b) with numbers: one row of logits.
type Case struct {
	Law    estimator.Law
	Logits []float64 // ℓ in row-major order
	Shape  []int     // of one row: [D] bits or [N, K], N variables of K classes
	// F is f for any number of rows, [rows, D] or [rows, N, K] → [rows], in float64. It must be a function of b alone,
	// and must neither build nor compile a program.
	F estimator.Objective
	// Smooth is what control variates use in place of F where b is not discrete; nil: F.
	Smooth estimator.Objective
	// Context is one row of what learned baselines look at; nil: nothing.
	Context []float64
}

// Exact is what an estimate should be.
type Exact struct {
	Value float64   // E f(b)
	Grad  []float64 // ∂E f/∂ℓ, as many numbers as logits
}

// Exact sums over all states of b, at most 65536:
//
//	E f = Σ_b p(b)·f(b),  ∂E f/∂ℓ = Σ_b p(b)·(f(b) − E f)·(b − E b)
func (c Case) Exact() (Exact, error) {
	if err := c.validate(); err != nil {
		return Exact{}, err
	}
	states, err := estimator.States(c.Law, c.Shape, maxStates)
	if err != nil {
		return Exact{}, fmt.Errorf("meter: %w", err)
	}
	f, err := c.evaluate(states)
	if err != nil {
		return Exact{}, err
	}
	on, off := c.logProbs()
	x := Exact{Grad: make([]float64, len(c.Logits))}
	p := make([]float64, len(states))
	for s, b := range states {
		for i, v := range b {
			p[s] += v*on[i] + (1-v)*off[i]
		}
		p[s] = math.Exp(p[s])
		x.Value += p[s] * f[s]
	}
	for s, b := range states {
		for i, v := range b {
			x.Grad[i] += p[s] * (f[s] - x.Value) * (v - math.Exp(on[i]))
		}
	}
	return x, nil
}

// logProbs is what an element of b adds to log p(b) if it is 1 and if it is 0.
func (c Case) logProbs() (on, off []float64) {
	on, off = make([]float64, len(c.Logits)), make([]float64, len(c.Logits))
	if c.Law == estimator.Categorical {
		classes := c.Shape[1]
		for i := 0; i < len(on); i += classes {
			row := c.Logits[i : i+classes]
			top, sum := slices.Max(row), 0.0
			for _, ℓ := range row {
				sum += math.Exp(ℓ - top)
			}
			for k, ℓ := range row {
				on[i+k] = ℓ - top - math.Log(sum)
			}
		}
		return on, off
	}
	for i, ℓ := range c.Logits {
		on[i], off[i] = -softplus(-ℓ), -softplus(ℓ)
	}
	return on, off
}

func softplus(x float64) float64 { return math.Max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// evaluate is f at given rows.
func (c Case) evaluate(rows [][]float64) ([]float64, error) {
	var node *G.Node
	g, err := program.Build(func(g *program.Graph[float64]) error {
		b, err := g.Bind("b", slices.Concat(rows...), append([]int{len(rows)}, c.Shape...)...)
		if err != nil {
			return err
		}
		if node, err = c.F(b.Node); err != nil {
			return fmt.Errorf("the objective: %w", err)
		}
		if node == nil {
			return errors.New("the objective gives no node")
		}
		if !slices.Equal(node.Shape(), []int{len(rows)}) {
			return fmt.Errorf("the objective gives shape %v for %d rows; one number for each is needed", node.Shape(), len(rows))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("meter: %w", err)
	}
	p, err := program.Compile(g, program.Outputs{Finite: map[string]*G.Node{"f": node}})
	if err != nil {
		return nil, fmt.Errorf("meter: %w", err)
	}
	if err := p.Run(); err != nil {
		return nil, fmt.Errorf("meter: %w", err)
	}
	return slices.Clone(p.Output("f")), nil
}

func (c Case) validate() error {
	size := 1
	for _, d := range c.Shape {
		size *= d
	}
	switch {
	case c.F == nil:
		return errors.New("meter: the objective F is nil")
	case len(c.Logits) == 0 || len(c.Logits) != size:
		return fmt.Errorf("meter: %d logits do not fill a row of shape %v", len(c.Logits), c.Shape)
	}
	for i, ℓ := range c.Logits {
		if math.IsNaN(ℓ) || math.IsInf(ℓ, 0) {
			return fmt.Errorf("meter: logit %d is %v", i, ℓ)
		}
	}
	return nil
}
