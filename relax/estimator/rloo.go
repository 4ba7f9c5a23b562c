package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// RLOO draws K independent samples and makes the mean of the others the baseline of each, REINFORCE leave-one-out:
//
//	ĝ = 1/K Σ_k (f(b_k) − 1/(K−1) Σ_{j≠k} f(b_j))·∂log p(b_k)/∂ℓ = 1/(K−1) Σ_k (f(b_k) − f̄)·b_k
//
// The second form is what is computed: the deviations from the mean f̄ add up to zero, so that E b drops out.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: none, because each baseline is independent of the sample that it serves.
//   - Work: K evaluations of f, which need not be differentiable.
//
// Source: Kool, van Hoof and Welling (2019), "Buy 4 REINFORCE samples, get a baseline for free!", ICLR workshop on deep
// reinforcement learning meets structured prediction.
type RLOO struct {
	Samples int // K ≥ 2; zero: 2
}

// Info describes the estimator.
func (r RLOO) Info() Info {
	return Info{
		Name:        "rloo",
		Summary:     "score function, each sample's baseline the mean of the others",
		Source:      "Kool, van Hoof and Welling 2019",
		Laws:        []Law{Bernoulli, Categorical},
		Unbiased:    true,
		Evaluations: samples(r.Samples, 2),
	}
}

// Noise is that of K draws of b: logistic or Gumbel, the logits' shape each.
func (r RLOO) Noise(p Problem) []noise.Spec { return p.sampleNoise(samples(r.Samples, 2)) }

// Parameters lists none.
func (r RLOO) Parameters(Problem, uint64) []Parameter { return nil }

// Build adds the estimate to the graph.
func (r RLOO) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	if err := validateSamples("rloo", samples(r.Samples, 2)); err != nil {
		return Estimate{}, err
	}
	p, err := validate(r, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	var bs, fs []*G.Node
	for _, ε := range eps {
		b := e.Of(p.sample(ε))
		bs, fs = append(bs, b), append(fs, e.Of(p.evaluate(p.F, b)))
	}
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	mean := e.Of(meanOf(fs))
	return Estimate{Value: mean, Sample: bs[0], Grad: e.Of(p.leaveOneOut(fs, mean, bs))}, e.Err()
}

// leaveOneOut is 1/(K−1) Σ_k (f_k − f̄)·b_k for K values [B], their mean and K samples.
func (p Problem) leaveOneOut(fs []*G.Node, mean *G.Node, bs []*G.Node) (*G.Node, error) {
	var e op.Expr
	parts := make([]*G.Node, len(bs))
	for k, b := range bs {
		deviation := e.Of(op.SpreadEvent(e.Of(op.Sub(fs[k], mean)), p.event()...))
		parts[k] = e.Of(op.Mul(deviation, b))
	}
	return e.Node(e.Of(op.Scale(e.Of(sumOf(parts)), 1/float64(len(bs)-1))))
}

// sumOf adds nodes of one shape up.
func sumOf(ns []*G.Node) (*G.Node, error) {
	var e op.Expr
	sum := ns[0]
	for _, n := range ns[1:] {
		sum = e.Of(op.Add(sum, n))
	}
	return e.Node(sum)
}

// meanOf is the mean of nodes of one shape.
func meanOf(ns []*G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Scale(e.Of(sumOf(ns)), 1/float64(len(ns)))))
}
