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
	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// randomLogits is the parameters of k random logits: means, variances, and a covariance matrix in row-major order.
func randomLogits(k int, rng *rand.Rand) (mu, variance, covariance []float64) {
	mu, variance, covariance = make([]float64, k), make([]float64, k), make([]float64, k*k)
	factor := mat.NewDense(k, k, nil)
	for i := range k {
		mu[i] = 2 * rng.NormFloat64()
		variance[i] = math.Exp(2 * rng.NormFloat64())
		for j := range k {
			factor.Set(i, j, rng.NormFloat64())
		}
	}
	product := mat.NewDense(k, k, covariance)
	product.Mul(factor, factor.T())
	for i := range k {
		covariance[i*k+i] += 0.1
	}
	return mu, variance, covariance
}

// diagonalMatrix is diag(d).
func diagonalMatrix(d []float64) *mat.SymDense {
	s := mat.NewSymDense(len(d), nil)
	for i, v := range d {
		s.SetSym(i, i, v)
	}
	return s
}

// two passes on the results of a builder, which must succeed.
func two(t *testing.T) func(a, b *G.Node, err error) [2]*G.Node {
	return func(a, b *G.Node, err error) [2]*G.Node {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return [2]*G.Node{a, b}
	}
}

// TestLaplaceBridgeAgainstBridge compares every map with package bridge, for two variables in each of two rows.
func TestLaplaceBridgeAgainstBridge(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, k := range []int{2, 3, 4, 10} {
		const n = 4
		var mus, variances, covariances []float64
		for range n {
			μ, v, c := randomLogits(k, rng)
			mus, variances, covariances = append(mus, μ...), append(variances, v...), append(covariances, c...)
		}
		r := newRig[float64](t)
		mu, diagonal, full := r.input(mus, 2, 2, k).node, r.input(variances, 2, 2, k).node, r.input(covariances, 2, 2, k, k).node
		centered, centeredFull := two(t)(relax.Center(mu, diagonal)), two(t)(relax.Center(mu, full))
		zero, zeroFull := two(t)(relax.ZeroSum(mu, diagonal)), two(t)(relax.ZeroSum(mu, full))
		normalized := two(t)(relax.NormalizeVariance(centeredFull[0], centeredFull[1]))
		d, err := relax.LaplaceBridge(mu, diagonal)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := relax.LaplaceBridge(normalized[0], normalized[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []*G.Node{centered[0], centered[1], centeredFull[1], zero[0], zeroFull[1], normalized[1], d.LogAlpha} {
			if !slices.Equal(n.Shape(), mu.Shape()) {
				t.Fatalf("a result has the shape %v, the parameters %v", n.Shape(), mu.Shape())
			}
		}
		got := r.compile(centered[0], centered[1], centeredFull[0], centeredFull[1], zero[0], zero[1], zeroFull[0], zeroFull[1],
			normalized[0], normalized[1], r.node(d.Alpha()), r.node(whole.Alpha()))()
		for i := range n {
			μ, v := mus[i*k:(i+1)*k], variances[i*k:(i+1)*k]
			σ := mat.NewDense(k, k, covariances[i*k*k:(i+1)*k*k])
			ln := must[bridge.LogisticNormal](t)
			independent, correlated := ln(bridge.NewIndependentLogisticNormal(μ, v)), ln(bridge.NewLogisticNormal(μ, σ))
			conditioned, conditionedFull := ln(bridge.ZeroSum(μ, diagonalMatrix(v))), ln(bridge.ZeroSum(μ, σ))
			norm := bridge.NormalizeVariance(correlated)
			α := must[bridge.Dirichlet](t)(bridge.LaplaceInverse(μ, v)).Alpha()
			β := must[bridge.Dirichlet](t)(bridge.LaplaceInverse(norm.Mu(), norm.Variance())).Alpha()
			for j, want := range [][]float64{
				independent.Mu(), independent.Variance(), correlated.Mu(), correlated.Variance(),
				conditioned.Mu(), conditioned.Variance(), conditionedFull.Mu(), conditionedFull.Variance(),
				norm.Mu(), norm.Variance(), α, β,
			} {
				what := []string{"Center μ", "Center Σ", "full Center μ", "full Center Σ", "ZeroSum μ", "ZeroSum Σ", "full ZeroSum μ",
					"full ZeroSum Σ", "normalised μ", "normalised Σ", "α", "α after Center and NormalizeVariance"}[j]
				checkNear(t, fmt.Sprintf("K = %d: %s", k, what), got[j][i*k:(i+1)*k], want, 1e-12)
			}
		}
	}
}

func TestLaplaceBridgeByHand(t *testing.T) {
	for _, c := range []struct{ mu, variance, want []float64 }{
		// Σ_kk of α = (1, 1, 1) is 1/3 + 3/9. The factor 2/K² and the reciprocal sum that circulate give 1.5.
		{[]float64{0, 0, 0}, []float64{2. / 3, 2. / 3, 2. / 3}, []float64{1, 1, 1}},
		// (1/Σ)(¼)(1 + 2) and (1/Σ)(¼)(1 + ½).
		{[]float64{math.Ln2, 0}, []float64{0.5, 0.5}, []float64{1.5, 0.75}},
		// (1/Σ_kk)(½ + (1/16) Σ_l e^{μ_k − μ_l}).
		{[]float64{math.Log(4), 0, 0, 0}, []float64{1, 2, 1, 1}, []float64{0.5 + 13./16, (0.5 + 3.25/16) / 2, 0.5 + 3.25/16, 0.5 + 3.25/16}},
	} {
		r := newRig[float64](t)
		d, err := relax.LaplaceBridge(r.input(c.mu, 1, len(c.mu)).node, r.input(c.variance, 1, len(c.mu)).node)
		if err != nil {
			t.Fatal(err)
		}
		checkNear(t, fmt.Sprint("α of ", c.mu), r.compile(r.node(d.Alpha()))()[0], c.want, 1e-15)
	}
}

// TestLaplaceBridgeRoundTrip goes from a Dirichlet to the Gaussian and back; the gauge of μ makes no difference.
func TestLaplaceBridgeRoundTrip(t *testing.T) {
	all := slices.Clone(concentrations)
	rng := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		α := make([]float64, 2+rng.IntN(8))
		for k := range α {
			α[k] = math.Exp(3 * rng.NormFloat64())
		}
		all = append(all, α)
	}
	for _, α := range all {
		k := len(α)
		r := newRig[float64](t)
		zeroSum := two(t)(relax.Dirichlet{LogAlpha: r.input(logsOf(α...), 1, k).node}.Laplace())
		var outs []*G.Node
		for _, shift := range []float64{0, 4} {
			d, err := relax.LaplaceBridge(r.node(op.Shift(zeroSum[0], shift)), zeroSum[1])
			if err != nil {
				t.Fatal(err)
			}
			outs = append(outs, r.node(d.Alpha()))
		}
		got := r.compile(zeroSum[0], zeroSum[1], outs[0], outs[1])()
		want := bridge.Laplace(must[bridge.Dirichlet](t)(bridge.NewDirichlet(α...)))
		checkNear(t, fmt.Sprint(α, " μ"), got[0], want.Mu(), 1e-14)
		checkNear(t, fmt.Sprint(α, " Σ"), got[1], want.Variance(), 1e-14)
		for i, a := range α {
			checkNear(t, fmt.Sprint(α, " there and back"), []float64{got[2][i] / a, got[3][i] / a}, []float64{1, 1}, 1e-12)
		}
	}
}

func TestLaplaceBridgeGradients(t *testing.T) {
	type maker func(mu, covariance *G.Node) (*G.Node, error)
	through := func(project func(mu, covariance *G.Node) (*G.Node, *G.Node, error)) maker {
		return func(mu, covariance *G.Node) (*G.Node, error) {
			m, v, err := project(mu, covariance)
			if err != nil {
				return nil, err
			}
			d, err := relax.LaplaceBridge(m, v)
			return d.LogAlpha, err
		}
	}
	for name, build := range map[string]maker{
		"LaplaceBridge":     through(func(mu, v *G.Node) (*G.Node, *G.Node, error) { return mu, v, nil }),
		"Center":            through(relax.Center),
		"ZeroSum":           through(relax.ZeroSum),
		"NormalizeVariance": through(relax.NormalizeVariance),
	} {
		for _, k := range []int{2, 3, 5} {
			for _, full := range []bool{false, true} {
				if full && name != "Center" && name != "ZeroSum" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d/full=%t", name, k, full), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(3, uint64(k)))
					var mus, seconds []float64
					for range 2 {
						μ, v, c := randomLogits(k, rng)
						if full {
							v = c
						}
						mus, seconds = append(mus, μ...), append(seconds, v...)
					}
					shape := []int{2, k}
					r := newRig[float64](t)
					mu := r.input(mus, shape...)
					if full {
						shape = append(shape, k)
					}
					second := r.input(seconds, shape...)
					loss, _ := r.projection(r.node(build(mu.node, second.node)), rng)
					compareGradient(t, subject{params: []param{{name: "mu"}, {name: "covariance"}}}, r, []*leaf[float64]{mu, second}, loss, loss)
				})
			}
		}
	}
}

// TestLaplaceBridgeExtremes: means of ±50 and variances from 1e-6 to 1e6 in float32 give the numbers of float64, where α
// itself reaches e¹⁰⁰·10⁶ and float32 could not hold it, and finite gradients. A variance of 1 beside one of 1e9 survives.
func TestLaplaceBridgeExtremes(t *testing.T) {
	for _, c := range []struct{ mu, variance []float64 }{
		{[]float64{50, -50}, []float64{1, 1}},
		{[]float64{50, -50, 0}, []float64{1e-6, 1e6, 1}},
		{[]float64{-50, -50, 50}, []float64{1e6, 1e-6, 1e-6}},
		{[]float64{50, 50, 50, 50}, []float64{1, 2, 3, 4}},
		{[]float64{50, -50, 0, 1, 2, 3, 4, 5, 6, 7}, slices.Repeat([]float64{1e-6}, 10)},
		{[]float64{0, 0}, []float64{1e9, 1}},
		{[]float64{3, 0, -3}, []float64{1, 1e9, 2}},
	} {
		for _, name := range []string{"none", "Center", "ZeroSum", "NormalizeVariance"} {
			got, grads := extremeBridge(t, newRig[float32](t), name, c.mu, c.variance)
			want, _ := extremeBridge(t, newRig[float64](t), name, c.mu, c.variance)
			// Logarithms of sizes up to 114; ZeroSum subtracts shares of μ that may be 10⁶ times what is left.
			checkNear(t, fmt.Sprintf("%s of %v, %v: log α", name, c.mu, c.variance), got, want, 1e-5)
			for _, g := range grads {
				if math.IsNaN(g) || math.IsInf(g, 0) {
					t.Errorf("%s of %v, %v: gradient %v", name, c.mu, c.variance, grads)
					break
				}
			}
		}
	}
}

func extremeBridge[T op.Float](t *testing.T, r *rig[T], name string, mus, variances []float64) (logAlpha, grads []float64) {
	t.Helper()
	k := len(mus)
	mu, variance := r.input(mus, 1, k).node, r.input(variances, 1, k).node
	m, v := mu, variance
	var err error
	switch name {
	case "Center":
		m, v, err = relax.Center(mu, variance)
	case "ZeroSum":
		m, v, err = relax.ZeroSum(mu, variance)
	case "NormalizeVariance":
		m, v, err = relax.NormalizeVariance(mu, variance)
	}
	if err != nil {
		t.Fatal(err)
	}
	d, err := relax.LaplaceBridge(m, v)
	if err != nil {
		t.Fatal(err)
	}
	g, err := autodiff.Gradient(r.node(op.SumAll(d.LogAlpha)), mu, variance)
	if err != nil {
		t.Fatal(err)
	}
	got := r.compile(d.LogAlpha, g[0], g[1])()
	return got[0], slices.Concat(got[1], got[2])
}

func TestLaplaceBridgeErrors(t *testing.T) {
	r, other := newRig[float64](t), newRig[float32](t)
	zeros := func(shape ...int) *G.Node {
		return r.input(make([]float64, tensor.Shape(shape).TotalSize()), shape...).node
	}
	mu, ok := zeros(2, 3), zeros(2, 3)
	single := other.input(make([]float64, 6), 2, 3).node
	maps := map[string]func(mu, second *G.Node) (*G.Node, error){
		"LaplaceBridge":     func(m, v *G.Node) (*G.Node, error) { d, err := relax.LaplaceBridge(m, v); return d.LogAlpha, err },
		"Center":            func(m, v *G.Node) (*G.Node, error) { n, _, err := relax.Center(m, v); return n, err },
		"ZeroSum":           func(m, v *G.Node) (*G.Node, error) { n, _, err := relax.ZeroSum(m, v); return n, err },
		"NormalizeVariance": func(m, v *G.Node) (*G.Node, error) { n, _, err := relax.NormalizeVariance(m, v); return n, err },
	}
	for name, build := range maps {
		for _, c := range []struct {
			what       string
			mu, second *G.Node
			words      []string
		}{
			{"no mean", nil, ok, []string{"mu", "nil"}},
			{"no variance", mu, nil, []string{"variance", "nil"}},
			{"a vector", zeros(3), zeros(3), []string{"mu", "(3)"}},
			{"one class", zeros(2, 1), zeros(2, 1), []string{"2 classes"}},
			{"other classes", mu, zeros(2, 2), []string{"variance", "(2, 2)"}},
			{"another type", mu, single, []string{"float32"}},
			{"no square matrix", mu, zeros(2, 3, 2), []string{"variance", "(2, 3, 2)"}},
			{"too many axes", mu, zeros(2, 3, 3, 3), []string{"variance", "(2, 3, 3, 3)"}},
		} {
			words := c.words
			if name == "Center" || name == "ZeroSum" {
				words = slices.Clone(words)
				for i, w := range words {
					if w == "variance" {
						words[i] = "covariance"
					}
				}
			}
			attempt(t, name+" of "+c.what, func() (*G.Node, error) { return build(c.mu, c.second) }, words...)
		}
	}
	for _, name := range []string{"LaplaceBridge", "NormalizeVariance"} {
		attempt(t, name+" of a matrix", func() (*G.Node, error) { return maps[name](mu, zeros(2, 3, 3)) }, "variance", "(2, 3, 3)")
	}
}

// A network's logits with their covariance become a Dirichlet law, whose mean is the predictive distribution. The second
// input's logits are the same and its covariance ten times as large: it is less sure. The bridge alone would give it a tenth
// of each α, and with that the same mean.
func ExampleLaplaceBridge() {
	const rows, k = 2, 3
	g := G.NewGraph()
	mu := G.NewMatrix(g, G.Float64, G.WithName("mu"), G.WithShape(rows, k),
		G.WithValue(tensor.New(tensor.WithShape(rows, k), tensor.WithBacking([]float64{4, 0, 1, 4, 0, 1}))))
	covariance := G.NewTensor(g, G.Float64, 3, G.WithName("covariance"), G.WithShape(rows, k, k),
		G.WithValue(tensor.New(tensor.WithShape(rows, k, k), tensor.WithBacking([]float64{
			1.0, 0.2, 0.1, 0.2, 1.5, 0.0, 0.1, 0.0, 0.8,
			10., 2.0, 1.0, 2.0, 15., 0.0, 1.0, 0.0, 8.0,
		}))))
	m, v, err := relax.Center(mu, covariance)
	if err != nil {
		log.Fatal(err)
	}
	m, v, err = relax.NormalizeVariance(m, v)
	if err != nil {
		log.Fatal(err)
	}
	d, err := relax.LaplaceBridge(m, v)
	if err != nil {
		log.Fatal(err)
	}
	var alpha, mean, entropy G.Value
	G.Read(G.Must(d.Alpha()), &alpha)
	G.Read(G.Must(d.Mean()), &mean)
	G.Read(G.Must(d.Entropy()), &entropy)
	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	α, π := alpha.Data().([]float64), mean.Data().([]float64)
	for i := range rows {
		fmt.Printf("α = %.2f, E π = %.3f\n", α[i*k:(i+1)*k], π[i*k:(i+1)*k])
	}
	fmt.Printf("entropies %.1f\n", entropy.Data())
	// Output:
	// α = [30.80 0.32 0.75], E π = [0.966 0.010 0.024]
	// α = [1.41 0.37 0.55], E π = [0.604 0.157 0.239]
	// entropies [-7.1 -1.9]
}
