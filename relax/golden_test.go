package relax_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// goldenTolerance is that of two float64 implementations that add up in different order.
const goldenTolerance = 1e-9

// A table is a number, a list of numbers, or rows of numbers.
type table struct {
	data []float64
	rows int // of rows, 1 for others
}

func (x *table) UnmarshalJSON(b []byte) error {
	x.rows = 1
	if json.Unmarshal(b, &x.data) == nil {
		return nil
	}
	x.data = make([]float64, 1)
	if json.Unmarshal(b, &x.data[0]) == nil {
		return nil
	}
	var rows [][]float64
	if err := json.Unmarshal(b, &rows); err != nil {
		return err
	}
	x.data, x.rows = nil, len(rows)
	for _, row := range rows {
		x.data = append(x.data, row...)
	}
	return nil
}

type goldenCase struct {
	Case    string           `json:"case"`
	Params  map[string]table `json:"params"`
	Value   table            `json:"value"`
	Uniform table            `json:"uniform"`
	LogProb table            `json:"log_prob"`
	Score   map[string]table `json:"grad_of_sum_log_prob"`
	KL      table            `json:"kl"`
	GradKL  map[string]table `json:"grad_of_sum_kl"`
}

// TestGolden compares samples, densities, divergences and their gradients with torch.distributions 1.13, float64,
// whose numbers are in testdata/distributions.json.
func TestGolden(t *testing.T) {
	raw, err := os.ReadFile("testdata/distributions.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []goldenCase }
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	runners := map[string]func(*testing.T, goldenCase){
		"logit_relaxed_bernoulli": goldenRelaxedBernoulli,
		"exp_relaxed_categorical": goldenRelaxedCategorical,
		"kl_bernoulli": goldenKL("logits", "", false, func(a, _ *G.Node) relax.Distribution {
			return relax.Bernoulli{Logits: a}
		}),
		"kl_categorical": goldenKL("logits", "", true, func(a, _ *G.Node) relax.Distribution {
			return relax.Categorical{Logits: a}
		}),
		"kl_normal": goldenKL("loc", "scale", false, func(a, b *G.Node) relax.Distribution {
			return relax.Normal{Mu: a, Sigma: b}
		}),
		"kl_poisson":    goldenKL("rate", "", false, func(a, _ *G.Node) relax.Distribution { return fromRate(a) }),
		"kl_geometric":  goldenKL("probs", "", false, func(a, _ *G.Node) relax.Distribution { return relax.Geometric{Logits: logitOf(a)} }),
		"pmf_poisson":   goldenMass("rate", func(a *G.Node) relax.Distribution { return fromRate(a) }),
		"pmf_geometric": goldenMass("probs", func(a *G.Node) relax.Distribution { return relax.Geometric{Logits: logitOf(a)} }),
		"pmf_binomial10": goldenMass("probs", func(a *G.Node) relax.Distribution {
			return relax.Binomial{Logits: logitOf(a), Trials: 10}
		}),
		"pmf_negative_binomial5": goldenMass("probs", func(a *G.Node) relax.Distribution {
			return relax.NegativeBinomial{Logits: logitOf(a), Failures: 5}
		}),
	}
	seen := make(map[string]int)
	for _, c := range file.Cases {
		if run := runners[c.Case]; run != nil {
			seen[c.Case]++
			t.Run(c.Case, func(t *testing.T) { run(t, c) })
		}
	}
	for name := range runners {
		if seen[name] == 0 {
			t.Errorf("the file has no case %q", name)
		}
	}
}

func compareGolden(t *testing.T, what string, got []float64, want table) {
	t.Helper()
	if len(got) != len(want.data) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want.data))
	}
	for i := range got {
		if !near(got[i], want.data[i], goldenTolerance) {
			t.Errorf("%s[%d] = %.15g, torch has %.15g, tolerance %.0g", what, i, got[i], want.data[i], goldenTolerance)
		}
	}
}

// goldenRelaxedBernoulli lays single variables out as rows, since densities are summed over the event.
func goldenRelaxedBernoulli(t *testing.T, c goldenCase) {
	n := len(c.Value.data)
	goldenRelaxed(t, c, []int{n, 1}, func(u float64) float64 { return math.Log(u) - math.Log1p(-u) },
		func(logits, τ *G.Node) (relax.Distribution, func(relax.Draw) (*G.Node, error)) {
			d := relax.RelaxedBernoulli{Logits: logits, Temperature: τ}
			return d, d.LogProbLogit
		})
}

func goldenRelaxedCategorical(t *testing.T, c goldenCase) {
	shape := []int{c.Value.rows, len(c.Value.data) / c.Value.rows}
	goldenRelaxed(t, c, shape, func(u float64) float64 { return -math.Log(-math.Log(u)) },
		func(logits, τ *G.Node) (relax.Distribution, func(relax.Draw) (*G.Node, error)) {
			d := relax.RelaxedCategorical{Logits: logits, Temperature: τ}
			return d, d.LogProbLogit
		})
}

func goldenRelaxed(t *testing.T, c goldenCase, shape []int, fromUniform func(float64) float64,
	build func(logits, τ *G.Node) (relax.Distribution, func(relax.Draw) (*G.Node, error)),
) {
	r := newRig[float64](t)
	logits := r.input(c.Params["logits"].data, shape...)
	d, logProb := build(logits.node, r.input(c.Params["temperature"].data).node)
	noise := make([]float64, len(c.Uniform.data))
	for i, u := range c.Uniform.data {
		noise[i] = fromUniform(u)
	}
	draw, err := d.Rsample(r.input(noise, shape...).node)
	if err != nil {
		t.Fatal(err)
	}
	lp := r.node(logProb(relax.Draw{Logit: r.input(c.Value.data, shape...).node}))
	score, err := autodiff.Gradient(r.node(op.SumAll(lp)), logits.node)
	if err != nil {
		t.Fatal(err)
	}
	got := r.compile(draw.Logit, lp, score[0])()
	compareGolden(t, "Logit", got[0], c.Value)
	compareGolden(t, "LogProbLogit", got[1], c.LogProb)
	compareGolden(t, "its gradient", got[2], c.Score["logits"])
}

// goldenKL compares divergences between distributions of one or two parameters; with classes they are summed over the
// last axis, otherwise single variables are rows.
func goldenKL(first, second string, classes bool, build func(a, b *G.Node) relax.Distribution) func(*testing.T, goldenCase) {
	return func(t *testing.T, c goldenCase) {
		r := newRig[float64](t)
		var names []string
		var leaves []*leaf[float64]
		input := func(name string) *G.Node {
			x, ok := c.Params[name]
			if !ok {
				return nil
			}
			shape := []int{len(x.data), 1}
			if classes {
				shape = []int{x.rows, len(x.data) / x.rows}
			}
			names, leaves = append(names, name), append(leaves, r.input(x.data, shape...))
			return leaves[len(leaves)-1].node
		}
		q := build(input("q_"+first), input("q_"+second))
		p := build(input("p_"+first), input("p_"+second))
		kl := r.node(relax.KL(q, p))
		grads, err := autodiff.Gradient(r.node(op.SumAll(kl)), nodes(leaves)...)
		if err != nil {
			t.Fatal(err)
		}
		got := r.compile(append(G.Nodes{kl}, grads...)...)()
		compareGolden(t, "KL", got[0], c.KL)
		if len(names) != len(c.GradKL) {
			t.Fatalf("parameters %v, gradients of %d", names, len(c.GradKL))
		}
		for i, name := range names {
			compareGolden(t, "∂KL/∂"+name, got[i+1], c.GradKL[name])
		}
	}
}

func fromRate(λ *G.Node) relax.Distribution {
	η, err := op.Log(λ)
	if err != nil {
		return nil
	}
	return relax.Poisson{LogRate: η}
}

// logitOf is log p − log(1−p), nil for a mistake.
func logitOf(p *G.Node) *G.Node {
	var e op.Expr
	return e.Of(op.Sub(e.Of(op.Log(p)), e.Of(op.Log1p(e.Of(op.Neg(p))))))
}

// goldenMass compares log-probabilities of counts, each a row of its own: of 0, 1, … for each of some parameters.
func goldenMass(name string, build func(*G.Node) relax.Distribution) func(*testing.T, goldenCase) {
	return func(t *testing.T, c goldenCase) {
		r := newRig[float64](t)
		θ := r.input(c.Params[name].data, len(c.Params[name].data))
		n := len(c.Value.data)
		rows := r.node(op.Reshape(r.node(op.SpreadBatch(θ.node, c.Value.rows)), n, 1))
		lp := r.node(build(rows).LogProb(relax.Draw{Value: r.input(c.Value.data, n, 1).node}))
		score, err := autodiff.Gradient(r.node(op.SumAll(lp)), θ.node)
		if err != nil {
			t.Fatal(err)
		}
		got := r.compile(lp, score[0])()
		compareGolden(t, "LogProb", got[0], c.LogProb)
		compareGolden(t, "its gradient", got[1], c.Score[name])
	}
}
