package vae

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/estimator"
)

// estimatorMethods train the exact bound of discrete codes: the gradient of the reconstruction is estimated, that of
// the divergence is exact.
func estimatorMethods() []Method {
	return []Method{
		learning("0.5", estimatorMethod("reinforce", func(plan) estimator.Estimator { return estimator.ScoreFunction{Baseline: estimator.ConstantBaseline} })),
		learning("0.01", estimatorMethod("nvil", func(plan) estimator.Estimator { return estimator.ScoreFunction{Baseline: estimator.LearnedBaseline} })),
		learning("0.5", estimatorMethod("muprop", func(plan) estimator.Estimator { return estimator.MuProp{Baseline: estimator.ConstantBaseline} })),
		drawing(2, estimatorMethod("rloo", func(p plan) estimator.Estimator { return estimator.RLOO{Samples: p.Samples} })),
		drawing(2, estimatorMethod("doublecv", func(p plan) estimator.Estimator { return estimator.DoubleCV{Samples: p.Samples} })),
		estimatorMethod("arm", func(plan) estimator.Estimator { return estimator.ARM{} }),
		estimatorMethod("disarm", func(plan) estimator.Estimator { return estimator.DisARM{} }),
		drawing(4, estimatorMethod("arms", func(p plan) estimator.Estimator { return estimator.ARMS{Samples: p.Samples} })),
		estimatorMethod("rebar", func(plan) estimator.Estimator { return estimator.REBAR{} }),
		estimatorMethod("relax", func(plan) estimator.Estimator { return estimator.RELAX{} }),
		tempered("1", estimatorMethod("reinmax", func(p plan) estimator.Estimator { return estimator.ReinMax{Temperature: p.temperature.From} })),
		tempered("0.6667", drawing(10, estimatorMethod("gumbelrao", func(p plan) estimator.Estimator {
			return estimator.GumbelRao{Samples: p.Samples, Temperature: p.temperature.From}
		}))),
		tempered("1", estimatorMethod("gappedst", func(p plan) estimator.Estimator { return estimator.GappedST{Temperature: p.temperature.From} })),
	}
}

func estimatorMethod(name string, make func(p plan) estimator.Estimator) Method {
	info := make(plan{}).Info()
	m := Method{Name: name, Summary: info.Summary, Source: source(info.Source), Codes: Bits, estimator: make}
	if slices.Contains(info.Laws, estimator.Categorical) {
		m.options = append(m.options, "codes")
	}
	if learns(make(plan{})) {
		m.options, m.cvlr = append(m.options, "cvlr"), "0.001"
	}
	m.posterior = func(s scope) (relax.Relaxation, error) {
		if s.codes == OneHot {
			return exactly{relax.Categorical{Logits: s.head}}, nil
		}
		return exactly{relax.Bernoulli{Logits: s.head}}, nil
	}
	return m
}

// source is authors and year of an estimator's source, without what follows.
func source(full string) string {
	short, _, _ := strings.Cut(full, ", arXiv")
	return short
}

// learning sets the default of Config.CVLR: a baseline has some hundred nats to go.
func learning(rate string, m Method) Method {
	m.cvlr = rate
	return m
}

// drawing makes the number of samples an option.
func drawing(samples int, m Method) Method {
	m.samples, m.options = samples, append(m.options, "samples")
	return m
}

// tempered makes a temperature an option.
func tempered(temperature string, m Method) Method {
	m.Temperature = temperature
	return m
}

// learns tells whether an estimator has parameters.
func learns(e estimator.Estimator) bool {
	return len(e.Parameters(problem(G.NewGraph(), estimator.Bernoulli, []int{1, 1}, 1), 0)) > 0
}

// problem has the shapes of one, which is all that an estimator needs to list its parameters.
func problem(g *G.ExprGraph, law estimator.Law, logits []int, context int) estimator.Problem {
	return estimator.Problem{
		Law:     law,
		Logits:  G.NewTensor(g, G.Float32, len(logits), G.WithShape(logits...), G.WithName("logits")),
		Context: G.NewMatrix(g, G.Float32, G.WithShape(logits[0], context), G.WithName("context")),
	}
}

// exactly is a discrete distribution that stands in for itself.
type exactly struct{ relax.Distribution }

// Discrete is the distribution itself.
func (e exactly) Discrete() relax.Distribution { return e.Distribution }

// law is that of the codes for estimators.
func (p plan) law() estimator.Law {
	if p.codes == OneHot {
		return estimator.Categorical
	}
	return estimator.Bernoulli
}

// controlPrefix begins the names of what an estimator learns.
const controlPrefix = "control."

// controlName is the name of a parameter that the estimator of layer l learns.
func controlName(l int, name string) string { return fmt.Sprint(controlPrefix, l+1, ".", name) }

// controlSeed is that of what the estimator of layer l learns: nets of equal shape do not start equal.
func (m *model) controlSeed(l int) uint64 { return m.Seed + uint64(l)<<32 }

// addControl adds the parameters of the method's estimator, for every layer.
func (m *model) addControl() error {
	below := m.pixels
	for l := range m.layers {
		p := problem(G.NewGraph(), m.law(), append([]int{1}, m.at(l).event()...), below)
		for _, w := range m.method.estimator(m.plan).Parameters(p, m.controlSeed(l)) {
			initial := func(_ []int, dst []float32, _ *rand.Rand) {
				for i, v := range w.Initial {
					dst[i] = float32(v)
				}
			}
			if _, err := m.params.Add(controlName(l, w.Name), w.Shape, initial); err != nil {
				return err
			}
		}
		below = m.at(l).codeSize()
	}
	return nil
}

// estimate is the mean of given over codes of a layer, with the gradient that the estimator gives it.
func (t *ascent) estimate(l int, in *G.Node, y *layer, given func(code *G.Node, how mode) (*G.Node, error)) (*G.Node, error) {
	logits, err := op.Reshape(y.head, append([]int{y.head.Shape()[0]}, t.at(l).event()...)...)
	if err != nil {
		return nil, err
	}
	e := t.method.estimator(t.plan)
	p := estimator.Problem{
		Law: t.law(), Logits: logits, Context: in,
		F: func(b *G.Node) (*G.Node, error) { return given(b, training) },
	}
	if l < t.top() { // exactly discrete codes above are no differentiable function of this one
		p.Smooth = func(b *G.Node) (*G.Node, error) { return given(b, smooth) }
	}
	eps, err := t.noiseFor(fmt.Sprint("noise.", l), e.Noise(p))
	if err != nil {
		return nil, err
	}
	var params []*G.Node
	for _, q := range e.Parameters(p, t.controlSeed(l)) {
		params = append(params, t.w[controlName(l, q.Name)])
	}
	est, err := e.Build(p, eps, params)
	if err != nil {
		return nil, err
	}
	var x op.Expr
	if l == 0 {
		t.code = x.Of(flat(est.Sample))
	}
	if est.Tuning != nil {
		t.tuning = append(t.tuning, est.Tuning)
	}
	// A summand that is zero but for its gradient.
	product := x.Of(op.SumEvent(x.Of(op.Mul(x.Of(op.StopGradient(est.Grad)), logits))))
	zero := x.Of(op.Sub(product, x.Of(op.StopGradient(product))))
	return x.Node(x.Of(op.Add(est.Value, zero)))
}

// softened is the relaxed law of a layer's codes that control variates of the layer below look at.
func (t *ascent) softened(l int, head *G.Node) (relax.Relaxation, error) {
	logits, err := op.Reshape(head, append([]int{head.Shape()[0]}, t.at(l).event()...)...)
	if err != nil {
		return nil, err
	}
	if t.codes == OneHot {
		return relax.RelaxedCategorical{Logits: logits}, nil
	}
	return relax.RelaxedBernoulli{Logits: logits}, nil
}
