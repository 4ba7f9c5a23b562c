package relax_test

import (
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/bridge"
	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// concentrations are flat, sharp, below one, uneven, of two classes and of many.
var concentrations = [][]float64{
	{1, 1, 1},
	{8, 2, 2},
	{0.5, 2, 7, 1.3},
	{0.5, 2},
	{0.1, 0.1, 0.1},
	{0.01, 1, 100},
	{1e-6, 1, 1e3},
	{3, 1, 4, 1, 5, 9, 2, 6, 5, 3},
	{15.9, 16.1, 40},
}

// must passes on a result of package bridge.
func must[V any](t *testing.T) func(V, error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// simplexPoint is a point of the simplex of k classes.
func simplexPoint(k int, rng *rand.Rand) []float64 {
	π, sum := make([]float64, k), 0.0
	for i := range π {
		π[i] = rng.ExpFloat64()
		sum += π[i]
	}
	for i := range π {
		π[i] /= sum
	}
	return π
}

// checkNear compares element by element, each within tol·(1+|want|).
func checkNear(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !near(got[i], want[i], tol) {
			t.Errorf("%s[%d] = %.15g, want %.15g within %.1g", what, i, got[i], want[i], tol*(1+math.Abs(want[i])))
		}
	}
}

// TestDirichletAgainstBridge compares with package bridge, which computes from the textbook's formulas and is itself held to
// PyTorch's numbers. Its rounding is of some 1e-16·A·log A, below 1e-12 here.
func TestDirichletAgainstBridge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, α := range concentrations {
		k := len(α)
		β := make([]float64, k)
		for i := range β {
			β[i] = α[i] * math.Exp(rng.NormFloat64())
		}
		π := simplexPoint(k, rng)
		q, p := must[bridge.Dirichlet](t)(bridge.NewDirichlet(α...)), must[bridge.Dirichlet](t)(bridge.NewDirichlet(β...))
		r := newRig[float64](t)
		d := relax.Dirichlet{LogAlpha: r.input(logsOf(α...), 1, k).node}
		prior := relax.Dirichlet{LogAlpha: r.input(logsOf(β...), 1, k).node}
		x := relax.Draw{Logit: r.input(logsOf(π...), 1, k).node}
		got := r.compile(r.node(d.Alpha()), r.node(d.Mean()), r.node(d.MeanLog()),
			r.node(d.Entropy()), r.node(d.LogProb(x)), r.node(d.KL(prior)), r.node(d.KL(d)))()
		name := fmt.Sprint(α, " ")
		checkNear(t, name+"Alpha", got[0], α, 1e-14)
		checkNear(t, name+"Mean", got[1], q.Mean(), 1e-14)
		checkNear(t, name+"MeanLog", got[2], q.MeanLog(), 1e-12)
		checkNear(t, name+"Entropy", got[3], []float64{q.Entropy()}, 1e-12)
		checkNear(t, name+"LogProb", got[4], []float64{must[float64](t)(q.LogProb(π))}, 1e-12)
		checkNear(t, name+"KL", got[5], []float64{must[float64](t)(bridge.KL(q, p))}, 1e-12)
		checkNear(t, name+"KL of itself", got[6], []float64{0}, 0)
	}
}

func TestDirichletByHand(t *testing.T) {
	r := newRig[float64](t)
	of := func(α ...float64) relax.Dirichlet {
		return relax.Dirichlet{LogAlpha: r.input(logsOf(α...), 1, len(α)).node}
	}
	at := func(π ...float64) relax.Draw { return relax.Draw{Logit: r.input(logsOf(π...), 1, len(π)).node} }
	for _, c := range []struct {
		name string
		node *G.Node
		want []float64
	}{
		// ψ(1) − ψ(3) = −1 − ½.
		{"MeanLog of (1, 1, 1)", r.node(of(1, 1, 1).MeanLog()), []float64{-1.5, -1.5, -1.5}},
		// Uniform on a triangle of area ½; −E log(1/(π √(x(1−x)))) = log π/4.
		{"entropy of (1, 1, 1)", r.node(of(1, 1, 1).Entropy()), []float64{-math.Ln2}},
		{"entropy of (½, ½)", r.node(of(0.5, 0.5).Entropy()), []float64{math.Log(math.Pi / 4)}},
		// Γ(12)/Γ(8) = 7920.
		{"density of (8, 2, 2)", r.node(of(8, 2, 2).LogProb(at(2./3, 1./6, 1./6))), []float64{math.Log(7920 * math.Pow(2./3, 7) / 36)}},
		// ∫ −log 2x dx over (0, 1).
		{"KL of (1, 1) from (2, 1)", r.node(of(1, 1).KL(of(2, 1))), []float64{1 - math.Ln2}},
	} {
		checkNear(t, c.name, r.compile(c.node)()[0], c.want, 1e-14)
	}
}

// TestDirichletEvent: the variables of a row add up, and p may be the same for all rows.
func TestDirichletEvent(t *testing.T) {
	const b, n, k = 2, 3, 4
	rng := rand.New(rand.NewPCG(2, 2))
	random := func(size int) []float64 {
		x := make([]float64, size)
		for i := range x {
			x[i] = 2 * rng.NormFloat64()
		}
		return x
	}
	x, prior := random(b*n*k), random(n*k)
	var logπ []float64
	for range b * n {
		logπ = append(logπ, logsOf(simplexPoint(k, rng)...)...)
	}
	r := newRig[float64](t)
	whole := relax.Dirichlet{LogAlpha: r.input(x, b, n, k).node}
	single := relax.Dirichlet{LogAlpha: r.input(x, b*n, k).node}
	got := r.compile(r.node(whole.Entropy()), r.node(whole.LogProb(relax.Draw{Logit: r.input(logπ, b, n, k).node})),
		r.node(whole.KL(relax.Dirichlet{LogAlpha: r.input(prior, n, k).node})), r.node(whole.Mean()), r.node(whole.MeanLog()))()
	want := r.compile(r.node(single.Entropy()), r.node(single.LogProb(relax.Draw{Logit: r.input(logπ, b*n, k).node})),
		r.node(single.KL(relax.Dirichlet{LogAlpha: r.input(slices.Repeat(prior, b), b*n, k).node})), r.node(single.Mean()), r.node(single.MeanLog()))()
	for i, what := range []string{"Entropy", "LogProb", "KL"} {
		sums := make([]float64, b)
		for j, v := range want[i] {
			sums[j/n] += v
		}
		checkNear(t, what, got[i], sums, 1e-14)
	}
	checkNear(t, "Mean", got[3], want[3], 0)
	checkNear(t, "MeanLog", got[4], want[4], 0)
}

func TestDirichletGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	random := func(n int, scale float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = scale * rng.NormFloat64()
		}
		return x
	}
	for name, build := range map[string]func(d, p relax.Dirichlet, x relax.Draw) (*G.Node, error){
		"Alpha":   func(d, _ relax.Dirichlet, _ relax.Draw) (*G.Node, error) { return d.Alpha() },
		"Mean":    func(d, _ relax.Dirichlet, _ relax.Draw) (*G.Node, error) { return d.Mean() },
		"MeanLog": func(d, _ relax.Dirichlet, _ relax.Draw) (*G.Node, error) { return d.MeanLog() },
		"Entropy": func(d, _ relax.Dirichlet, _ relax.Draw) (*G.Node, error) { return d.Entropy() },
		"LogProb": func(d, _ relax.Dirichlet, x relax.Draw) (*G.Node, error) { return d.LogProb(x) },
		"KL":      func(d, p relax.Dirichlet, _ relax.Draw) (*G.Node, error) { return d.KL(p) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig[float64](t)
			d, p, x := r.input(random(12, 1.5), 2, 2, 3), r.input(random(6, 1.5), 2, 3), r.input(random(12, 1), 2, 2, 3)
			n := r.node(build(relax.Dirichlet{LogAlpha: d.node}, relax.Dirichlet{LogAlpha: p.node}, relax.Draw{Logit: x.node}))
			loss, _ := r.projection(n, rng)
			compareGradient(t, subject{params: []param{{name: "d"}, {name: "p"}, {name: "x"}}}, r, []*leaf[float64]{d, p, x}, loss, loss)
		})
	}
}

// TestDirichletFloat32 compares with float64 over the whole range of float32, where the textbook's formulas would subtract
// numbers of the size of A·log A: up to 1e39.
func TestDirichletFloat32(t *testing.T) {
	for _, x := range [][]float64{{-30, 0, 3}, {0, 0, 0}, {5, 9, 9.2}, {13, 14, 15}, {40, 60, 80}, {87, 87, -50}} {
		k, size := len(x), math.Max(math.Abs(slices.Max(x)), math.Abs(slices.Min(x)))
		compute := func(d relax.Dirichlet, node func(*G.Node, error) *G.Node) []*G.Node {
			atMean := relax.Draw{Logit: node(op.LogSoftmax(d.LogAlpha))}
			return []*G.Node{node(d.Mean()), node(d.MeanLog()), node(d.Entropy()), node(d.LogProb(atMean))}
		}
		single, double := newRig[float32](t), newRig[float64](t)
		got := single.compile(compute(relax.Dirichlet{LogAlpha: single.input(x, 1, k).node}, single.node)...)()
		want := double.compile(compute(relax.Dirichlet{LogAlpha: double.input(x, 1, k).node}, double.node)...)()
		for i, what := range []string{"Mean", "MeanLog", "Entropy", "LogProb at the mean"} {
			// Some ten roundings of 6e-8 for each class.
			checkNear(t, fmt.Sprint(x, " ", what), got[i], want[i], 6e-7*float64(k)*(1+size))
		}
	}
}

// TestDirichletFloat32Proportions: what compares proportions has the rounding error of those, 1e-6, times A.
func TestDirichletFloat32Proportions(t *testing.T) {
	logπ := logsOf(0.1, 0.5, 0.3, 0.1)
	for _, α := range [][]float64{{1, 2, 1, 0.5}, {10, 60, 20, 9}, {1000, 4000, 3000, 900}, {1e5, 1e5, 3e5, 2e5}} {
		compute := func(d, p relax.Dirichlet, x *G.Node, node func(*G.Node, error) *G.Node) []*G.Node {
			return []*G.Node{node(d.LogProb(relax.Draw{Logit: x})), node(d.KL(p)), node(p.KL(d))}
		}
		near := logsOf(α[0]*1.1, α[1]*0.9, α[2]*2, α[3])
		single, double := newRig[float32](t), newRig[float64](t)
		got := single.compile(compute(relax.Dirichlet{LogAlpha: single.input(logsOf(α...), 1, 4).node},
			relax.Dirichlet{LogAlpha: single.input(near, 1, 4).node}, single.input(logπ, 1, 4).node, single.node)...)()
		want := double.compile(compute(relax.Dirichlet{LogAlpha: double.input(logsOf(α...), 1, 4).node},
			relax.Dirichlet{LogAlpha: double.input(near, 1, 4).node}, double.input(logπ, 1, 4).node, double.node)...)()
		total := 0.0
		for _, a := range α {
			total += 2 * a // of the two laws the larger, at most
		}
		for i, what := range []string{"LogProb", "KL", "KL back"} {
			if e := math.Abs(got[i][0] - want[i][0]); !(e <= 1e-6*(10+total)) {
				t.Errorf("%v: %s = %.9g, in float64 %.9g: off by %.2g, more than %.2g", α, what, got[i][0], want[i][0], e, 1e-6*(10+total))
			}
		}
	}
}

// The predictive law has the mean's probabilities.
func TestDirichletPredictive(t *testing.T) {
	α := []float64{0.5, 2, 7, 1.3}
	r := newRig[float64](t)
	d := relax.Dirichlet{LogAlpha: r.input(logsOf(α...), 1, 4).node}
	y := r.input([]float64{0, 0, 1, 0}, 1, 4).node
	got := r.compile(r.node(relax.Categorical{Logits: d.LogAlpha}.LogProb(relax.Draw{Value: y})))()[0]
	checkNear(t, "log E π", got, []float64{math.Log(7 / 10.8)}, 1e-14)
}

func TestDirichletErrors(t *testing.T) {
	r, other := newRig[float64](t), newRig[float32](t)
	x, narrow := r.input(make([]float64, 6), 2, 3).node, r.input(make([]float64, 4), 2, 2).node
	single := other.input(make([]float64, 6), 2, 3).node
	for what, bad := range map[string]struct {
		node *G.Node
		word string
	}{
		"nil":        {nil, "nil"},
		"a vector":   {r.input(make([]float64, 3), 3).node, "(3)"},
		"one class":  {r.input(make([]float64, 3), 3, 1).node, "at least 2"},
		"no numbers": {G.NewTensor(r.graph, G.Int, 2, G.WithShape(2, 3), G.WithName("whole")), "int"},
	} {
		d := relax.Dirichlet{LogAlpha: bad.node}
		for _, f := range []func() (*G.Node, error){
			d.Alpha, d.Mean, d.MeanLog, d.Entropy,
			func() (*G.Node, error) { return d.LogProb(relax.Draw{Logit: x}) },
			func() (*G.Node, error) { return d.KL(relax.Dirichlet{LogAlpha: x}) },
			func() (*G.Node, error) { mu, _, err := d.Laplace(); return mu, err },
		} {
			attempt(t, what, f, bad.word)
		}
	}
	d := relax.Dirichlet{LogAlpha: x}
	for what, bad := range map[string]struct {
		node *G.Node
		word string
	}{"nil": {nil, "nil"}, "another shape": {narrow, "(2, 2)"}, "another type": {single, "float32"}} {
		attempt(t, what+" to LogProb", func() (*G.Node, error) { return d.LogProb(relax.Draw{Logit: bad.node}) }, bad.word, "Logit")
		attempt(t, what+" to KL", func() (*G.Node, error) { return d.KL(relax.Dirichlet{LogAlpha: bad.node}) }, bad.word, "LogAlpha")
	}
}

// A Dirichlet prior over proportions for a logistic-normal posterior: draws of the one have a density under the other, which
// estimates their divergence. Package bridge knows it exactly for three classes.
func ExampleDirichlet() {
	const rows, k = 20000, 3
	g := G.NewGraph()
	matrix := func(name string, columns int, data []float64) *G.Node {
		return G.NewMatrix(g, G.Float64, G.WithName(name), G.WithShape(rows, columns),
			G.WithValue(tensor.New(tensor.WithShape(rows, columns), tensor.WithBacking(data))))
	}
	q := relax.LogisticNormal{
		Mu:    matrix("mu", k-1, slices.Repeat([]float64{0.5, -0.5}, rows)),
		Sigma: matrix("sigma", k-1, slices.Repeat([]float64{0.8, 0.6}, rows)),
	}
	prior := relax.Dirichlet{LogAlpha: matrix("log alpha", k, slices.Repeat([]float64{math.Log(2), 0, math.Log(2)}, rows))}

	spec := q.Noise()[0]
	normal := make([]float64, spec.Size())
	noise.Fill(noise.NewSource(1, "example"), spec.Kind, normal)
	x, err := q.Rsample(matrix("eps", k-1, normal))
	if err != nil {
		log.Fatal(err)
	}
	logq, err := q.LogProb(x)
	if err != nil {
		log.Fatal(err)
	}
	logp, err := prior.LogProb(x)
	if err != nil {
		log.Fatal(err)
	}
	var kl G.Value
	G.Read(G.Must(G.Mean(G.Must(G.Sub(logq, logp)))), &kl)
	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}

	// The same posterior as Gaussian logits; a common shift of all of them, here of variance 1, changes nothing.
	posterior, err := bridge.NewLogisticNormal([]float64{0.5, -0.5, 0},
		mat.NewSymDense(k, []float64{1.64, 1, 1, 1, 1.36, 1, 1, 1, 1}))
	if err != nil {
		log.Fatal(err)
	}
	d, err := bridge.NewDirichlet(2, 1, 2)
	if err != nil {
		log.Fatal(err)
	}
	exact, err := bridge.KL(posterior, d)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("estimate %.2f, exact %.4f nats\n", kl.Data(), exact)
	// Output:
	// estimate 0.63, exact 0.6254 nats
}
