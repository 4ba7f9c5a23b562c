package estimator

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// maxStates bounds the states that Exact adds to a graph, each with an evaluation of f.
const maxStates = 256

// Exact sums over all states of b:
//
//	ĝ = Σ_b p(b)·(f(b) − E f)·∂log p(b)/∂ℓ
//
// where the sum runs over the 2^D or K^N states of a row.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: none, and no variance either.
//   - Work: f at each state. More than 256 states are an error; package meter enumerates more, for one
//     row of logits.
//
// Value is the expectation E f, through which gradients reach what f is made of in the same exact way. Sample is one draw
// of b, which the estimate does not use.
type Exact struct{}

// Info describes the estimator.
func (Exact) Info() Info {
	return Info{
		Name:     "exact",
		Summary:  "sum over all states, for small spaces",
		Source:   "definition",
		Laws:     []Law{Bernoulli, Categorical},
		Unbiased: true,
	}
}

// Noise is that of one draw of b: logistic or Gumbel, the logits' shape.
func (Exact) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters lists none.
func (Exact) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (x Exact) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	p, err := validate(x, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	states, err := States(p.Law, p.event(), maxStates)
	if err != nil {
		return Estimate{}, fmt.Errorf("estimator: exact: %w", err)
	}
	var law relax.Distribution = relax.Bernoulli{Logits: p.Logits}
	if p.Law == Categorical {
		law = relax.Categorical{Logits: p.Logits}
	}
	var e op.Expr
	var bs, fs, ps, weighted []*G.Node
	for _, s := range states {
		b := e.Of(op.SpreadBatch(e.Of(op.TensorLike(p.Logits, s, p.event()...)), p.rows()))
		f := e.Of(p.evaluate(p.F, b))
		if err := e.Err(); err != nil {
			return Estimate{}, err
		}
		probability := e.Of(op.Exp(e.Of(law.LogProb(relax.Draw{Value: b}))))
		bs, fs, ps = append(bs, b), append(fs, f), append(ps, probability)
		weighted = append(weighted, e.Of(op.Mul(probability, f)))
	}
	value := e.Of(sumOf(weighted))
	grads := make([]*G.Node, len(states))
	for i, b := range bs {
		deviation := e.Of(op.Sub(fs[i], value))
		grads[i] = e.Of(p.weighted(e.Of(op.Mul(ps[i], deviation)), b))
	}
	return Estimate{Value: value, Sample: e.Of(p.sample(eps[0])), Grad: e.Of(sumOf(grads))}, e.Err()
}

// States lists all values of one row of b, [D] or [N, K], each in row-major order. The first variable changes slowest. More
// than limit of them are an error.
func States(law Law, event []int, limit int) ([][]float64, error) {
	if len(event) != law.axes()-1 {
		return nil, fmt.Errorf("an event of shape %v; one row of %s is needed for the %v law", event, law.shape(), law)
	}
	for _, d := range event {
		if d < 1 {
			return nil, fmt.Errorf("an event of shape %v; sizes must be positive", event)
		}
	}
	variables, choices := event[0], [][]float64{{0}, {1}}
	if law == Categorical {
		choices = make([][]float64, event[1])
		for k := range choices {
			choices[k] = make([]float64, event[1])
			choices[k][k] = 1
		}
	}
	if n := math.Pow(float64(len(choices)), float64(variables)); n > float64(limit) {
		return nil, fmt.Errorf("an event of shape %v has %.4g states under the %v law; at most %d are enumerated", event, n, law, limit)
	}
	states := [][]float64{nil}
	for range variables {
		var longer [][]float64
		for _, s := range states {
			for _, c := range choices {
				longer = append(longer, append(append([]float64{}, s...), c...))
			}
		}
		states = longer
	}
	return states, nil
}
