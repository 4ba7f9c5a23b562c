package relax_test

import (
	"math/rand/v2"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// The sizes of the default VAE's latent code, and of counts and classes in its place.
const (
	benchRows    = 128
	benchBits    = 20
	benchMax     = 20 // the last of 21 points
	benchClasses = 10
)

// A benchCase is a latent code as a training step uses it: what depends on the parameters of q, given the noise.
type benchCase struct {
	name   string
	params [][]int // shapes of the parameters that gradients reach
	build  func(r *rig[float32], p []*G.Node) (q relax.Distribution, kl func(x relax.Draw, eps *G.Node) (*G.Node, error))
}

// benchCases are one for each relaxation, against a prior that is the same for all rows.
func benchCases() []benchCase {
	bits := [][]int{{benchRows, benchBits}}
	simplex := []int{benchRows, benchBits, benchClasses}
	cases := []benchCase{
		{"RelaxedBernoulli", bits, against(func(p []*G.Node) relax.Distribution { return relax.RelaxedBernoulli{Logits: p[0]} })},
		{"CorrelatedRelaxedBernoulli", bits, correlatedCode(false)},
		{"CorrelatedRelaxedBernoulli, learned", [][]int{bits[0], {benchBits, benchBits}}, correlatedCode(true)},
		{"HardConcrete", bits, against(func(p []*G.Node) relax.Distribution { return relax.HardConcrete{Logits: p[0]} })},
		{"StochasticTimesSmooth", bits, against(func(p []*G.Node) relax.Distribution {
			return relax.StochasticTimesSmooth{Logits: p[0]}
		})},
		{"GaussianRelaxedBernoulli", bits, func(r *rig[float32], p []*G.Node) (relax.Distribution, func(relax.Draw, *G.Node) (*G.Node, error)) {
			q := relax.GaussianRelaxedBernoulli{Mu: p[0]}
			prior := relax.GaussianRelaxedBernoulli{Mu: r.input(make([]float64, benchRows*benchBits), bits[0]...).node}
			return q, func(relax.Draw, *G.Node) (*G.Node, error) {
				return relax.KL(gaussian(r, q), gaussian(r, prior))
			}
		}},
		{"RelaxedCategorical", [][]int{simplex}, func(r *rig[float32], p []*G.Node) (relax.Distribution, func(relax.Draw, *G.Node) (*G.Node, error)) {
			q := relax.RelaxedCategorical{Logits: p[0]}
			prior := relax.RelaxedCategorical{Logits: r.node(op.FullLike(p[0], 0))}
			return q, func(x relax.Draw, _ *G.Node) (*G.Node, error) { return relax.SampleKL(q, prior, x) }
		}},
		{"DecoupledStraightThrough", [][]int{simplex}, against(func(p []*G.Node) relax.Distribution {
			return relax.DecoupledStraightThrough{Logits: p[0]}
		})},
		{"InvertibleGaussian", [][]int{simplex, simplex}, against(func(p []*G.Node) relax.Distribution {
			return relax.InvertibleGaussian{Mu: p[0], Sigma: p[1]}
		})},
		{"LogisticNormal", [][]int{simplex, simplex}, against(func(p []*G.Node) relax.Distribution {
			return relax.LogisticNormal{Mu: p[0], Sigma: p[1]}
		})},
		{"StickBreaking", [][]int{simplex, simplex}, against(func(p []*G.Node) relax.Distribution {
			return relax.StickBreaking{Mu: p[0], Sigma: p[1]}
		})},
	}
	for _, law := range []struct {
		name  string
		build func(*G.Node) relax.Count
	}{
		{"Poisson", func(n *G.Node) relax.Count { return relax.Poisson{LogRate: n} }},
		{"Geometric", func(n *G.Node) relax.Count { return relax.Geometric{Logits: n} }},
		{"Binomial", func(n *G.Node) relax.Count { return relax.Binomial{Logits: n, Trials: benchMax} }},
		{"NegativeBinomial", func(n *G.Node) relax.Count { return relax.NegativeBinomial{Logits: n, Failures: 5} }},
	} {
		cases = append(cases, benchCase{"GeneralizedGumbelSoftmax of " + law.name, bits, against(func(p []*G.Node) relax.Distribution {
			return relax.GeneralizedGumbelSoftmax{Law: law.build(p[0]), Max: benchMax, StraightThrough: true}
		})})
	}
	for _, c := range []struct {
		name string
		k    int
		hard bool
		kl   func(d relax.GumbelTopK, x relax.Draw) (*G.Node, error)
	}{
		{"relaxed", 10, false, nil},
		{"straight-through", 10, true, nil},
		{"LogProb", 10, true, relax.GumbelTopK.LogProb},
		{"LogProbSet", 8, true, relax.GumbelTopK.LogProbSet},
	} {
		cases = append(cases, benchCase{"GumbelTopK, " + c.name, bits, func(r *rig[float32], p []*G.Node) (relax.Distribution, func(relax.Draw, *G.Node) (*G.Node, error)) {
			d := relax.GumbelTopK{Logits: p[0], K: c.k, StraightThrough: c.hard}
			return d, func(x relax.Draw, _ *G.Node) (*G.Node, error) {
				if c.kl == nil {
					return op.SumEvent(p[0])
				}
				return c.kl(d, x)
			}
		}})
	}
	return cases
}

// against is the divergence from a prior of the same kind, whose parameters are 1 for a scale and 0 otherwise and lack
// the batch axis.
func against(build func(p []*G.Node) relax.Distribution) func(*rig[float32], []*G.Node) (relax.Distribution, func(relax.Draw, *G.Node) (*G.Node, error)) {
	return func(r *rig[float32], p []*G.Node) (relax.Distribution, func(relax.Draw, *G.Node) (*G.Node, error)) {
		var prior []*G.Node
		for i, n := range p {
			event := n.Shape()[1:]
			constant := make([]float64, event.TotalSize())
			for j := range constant {
				constant[j] = float64(i)
			}
			prior = append(prior, r.input(constant, event...).node)
		}
		q, prio := build(p), build(prior)
		return q, func(relax.Draw, *G.Node) (*G.Node, error) { return relax.KL(discrete(q), discrete(prio)) }
	}
}

// discrete is the law behind a relaxation of bits or counts that has no divergence of its own.
func discrete(d relax.Distribution) relax.Distribution {
	if d, ok := d.(relax.StochasticTimesSmooth); ok {
		return d.Discrete()
	}
	return d
}

func gaussian(r *rig[float32], d relax.GaussianRelaxedBernoulli) relax.Normal {
	r.tb.Helper()
	n, err := d.Gaussian()
	if err != nil {
		r.tb.Fatal(err)
	}
	return n
}

// correlatedCode is bits of correlation ½ between neighbours, constant or learned, with the bound of the divergence from
// independent bits.
func correlatedCode(learned bool) func(*rig[float32], []*G.Node) (relax.Distribution, func(relax.Draw, *G.Node) (*G.Node, error)) {
	return func(r *rig[float32], p []*G.Node) (relax.Distribution, func(relax.Draw, *G.Node) (*G.Node, error)) {
		correlations, err := relax.Toeplitz(benchBits, 0.5)
		if err != nil {
			r.tb.Fatal(err)
		}
		chol := r.node(relax.Cholesky(p[0], correlations))
		if learned {
			chol = r.node(relax.LearnedCholesky(p[1]))
		}
		q := relax.CorrelatedRelaxedBernoulli{Logits: p[0], Chol: chol}
		prior := relax.Bernoulli{Logits: r.input(make([]float64, benchBits), benchBits).node}
		return q, func(_ relax.Draw, eps *G.Node) (*G.Node, error) {
			bits, err := q.Discrete().(relax.CorrelatedBernoulli).Conditional(eps)
			if err != nil {
				return nil, err
			}
			return relax.KL(bits, prior)
		}
	}
}

// BenchmarkCode is what a latent code of batch 128 adds to a training step: the sample, the divergence from the prior
// and the gradient of both, in float32.
func BenchmarkCode(b *testing.B) {
	for _, c := range benchCases() {
		b.Run(c.name, func(b *testing.B) {
			r := newRig[float32](b)
			rng := rand.New(rand.NewPCG(1, 1))
			var params []*G.Node
			for i, shape := range c.params {
				values := make([]float64, noise.Spec{Shape: shape}.Size())
				for j := range values {
					if values[j] = rng.NormFloat64(); i > 0 && len(shape) == 3 { // a scale
						values[j] = 0.5 + rng.Float64()
					}
				}
				params = append(params, r.input(values, shape...).node)
			}
			q, divergence := c.build(r, params)
			spec := q.Noise()[0]
			eps := r.input(make([]float64, spec.Size()), spec.Shape...)
			noise.Fill(noise.NewSource(1, "bench"), spec.Kind, eps.data)
			x, err := q.Rsample(eps.node)
			if err != nil {
				b.Fatal(err)
			}
			value, _ := r.projection(x.Value, rng)
			var e op.Expr
			kl := e.Of(divergence(x, eps.node))
			loss := r.node(e.Node(e.Of(op.Add(value, e.Of(op.SumAll(kl))))))
			grads, err := autodiff.Gradient(loss, params...)
			if err != nil {
				b.Fatal(err)
			}
			run := r.sequence(append(grads, loss)...)
			for b.Loop() {
				run()
			}
		})
	}
}

// sequence returns a function that computes nodes op by op, in this goroutine and without copies: a tape machine hands
// every run to another thread, and the waiting for it would be measured too.
func (r *rig[T]) sequence(outs ...*G.Node) func() {
	r.tb.Helper()
	type step struct {
		node *G.Node
		in   []int
	}
	var steps []step
	places := make(map[*G.Node]int)
	var visit func(n *G.Node)
	visit = func(n *G.Node) {
		if _, done := places[n]; done {
			return
		}
		s := step{node: n}
		for it := r.graph.From(n.ID()); it.Next(); {
			child := it.Node().(*G.Node)
			visit(child)
			s.in = append(s.in, places[child])
		}
		places[n] = len(steps)
		steps = append(steps, s)
	}
	for _, n := range outs {
		visit(n)
	}
	values, args := make([]G.Value, len(steps)), make([]G.Value, 0, 4)
	return func() {
		for i, s := range steps {
			if s.node.Op() == nil {
				values[i] = s.node.Value()
				continue
			}
			args = args[:0]
			for _, j := range s.in {
				args = append(args, values[j])
			}
			var err error
			if values[i], err = s.node.Op().Do(args...); err != nil {
				r.tb.Fatal(err)
			}
		}
	}
}
