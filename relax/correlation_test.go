package relax_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/relax"
)

// demo is the correlation matrix of the report's appendix, and demoFactor its Cholesky factor to four digits.
var (
	demo       = [][]float64{{1, .5, .3}, {.5, 1, .7}, {.3, .7, 1}}
	demoFactor = []float64{1, 0, 0, .5, .8660, 0, .3, .6351, .7118}
)

// factorOf is the Cholesky factor of a correlation matrix as numbers.
func factorOf(t *testing.T, r [][]float64) []float64 {
	t.Helper()
	rig := newRig[float64](t)
	like := rig.input(make([]float64, 2), 1, 2).node
	return rig.compile(rig.node(relax.Cholesky(like, r)))()[0]
}

func TestCholesky(t *testing.T) {
	for i, got := range factorOf(t, demo) {
		if !(math.Abs(got-demoFactor[i]) < 5e-5) {
			t.Errorf("element %d of the factor is %.6f, want %.4f", i, got, demoFactor[i])
		}
	}
	for _, ρ := range []float64{-0.9, 0, 0.5, 0.99} {
		const d = 6
		r, err := relax.Toeplitz(d, ρ)
		if err != nil {
			t.Fatal(err)
		}
		l := factorOf(t, r)
		for i := range d {
			for j := range d {
				want, product := 1.0, 0.0
				for range max(i-j, j-i) {
					want *= ρ
				}
				for k := range d {
					product += l[i*d+k] * l[j*d+k]
				}
				if !near(r[i][j], want, 1e-15) || !near(product, want, 1e-14) || j > i && l[i*d+j] != 0 {
					t.Errorf("ρ = %g: R[%d][%d] = %.15g, LLᵀ %.15g, want %.15g", ρ, i, j, r[i][j], product, want)
				}
			}
		}
	}
	// The node is a constant: no gradient, the type of the node it is made like, and one node for one matrix.
	r := newRig[float32](t)
	like := r.input(make([]float64, 2), 1, 2).node
	a, b := r.node(relax.Cholesky(like, demo)), r.node(relax.Cholesky(like, [][]float64{{1, .5, .3}, {.5, 1, .6}, {.3, .6, 1}}))
	if a.Dtype() != G.Float32 || a == b || r.node(relax.Cholesky(like, demo)) != a {
		t.Errorf("nodes %v of %v and %v", a, a.Dtype(), b)
	}
}

func TestCholeskyErrors(t *testing.T) {
	nan := math.NaN()
	like := newRig[float64](t).input(make([]float64, 2), 1, 2).node
	for _, c := range []struct {
		r     [][]float64
		words []string
	}{
		{nil, []string{"empty"}},
		{[][]float64{{1, 0}}, []string{"row 0", "2 numbers"}},
		{[][]float64{{1, 0}, {0}}, []string{"row 1", "1 numbers"}},
		{[][]float64{{4, 1}, {1, 1}}, []string{"(0, 0)", "4", "diagonal must be 1"}},
		{[][]float64{{1, 0}, {0, 1.001}}, []string{"(1, 1)", "diagonal"}},
		{[][]float64{{1, nan}, {nan, 1}}, []string{"NaN", "symmetric"}},
		{[][]float64{{1, .5}, {.4, 1}}, []string{"0.4", "symmetric"}},
		{[][]float64{{1, 1}, {1, 1}}, []string{"not positive definite", "variable 1"}},
		{[][]float64{{1, .9, -.9}, {.9, 1, .9}, {-.9, .9, 1}}, []string{"not positive definite", "variable 2"}},
		{[][]float64{{1, 2}, {2, 1}}, []string{"not positive definite", "-3"}},
	} {
		attempt(t, fmt.Sprint("Cholesky of ", c.r), func() (*G.Node, error) { return relax.Cholesky(like, c.r) }, c.words...)
	}
	attempt(t, "Cholesky like nothing", func() (*G.Node, error) { return relax.Cholesky(nil, demo) }, "nil")
	for d, ρ := range map[int]float64{0: 0.5, 2: 1, 3: -1, 4: nan, 5: 7} {
		r, err := relax.Toeplitz(d, ρ)
		if err == nil || r != nil || !strings.HasPrefix(err.Error(), "relax: ") {
			t.Errorf("Toeplitz(%d, %g): %v, error %v", d, ρ, r, err)
		}
	}
}

// TestLearnedCholesky: rows have unit length and the diagonal is positive, zero is the identity, every factor is that
// of the parameter L_ij/L_ii, and gradients agree with finite differences, which are zero on and above the diagonal.
func TestLearnedCholesky(t *testing.T) {
	const d = 4
	rng := rand.New(rand.NewPCG(700, 0))
	r := newRig[float64](t)
	w := r.input(make([]float64, d*d), d, d)
	factor := r.node(relax.LearnedCholesky(w.node))
	run := r.compile(factor)
	for i, v := range run()[0] {
		want := 0.0
		if i%(d+1) == 0 {
			want = 1
		}
		if v != want {
			t.Errorf("element %d of the factor of zero is %g, want %g", i, v, want)
		}
	}
	want := randomFactor(d, rng)
	for i := range d {
		for j := range d {
			w.data[i*d+j] = rng.NormFloat64() // has no effect on and above the diagonal
			if j < i {
				w.data[i*d+j] = want[i*d+j] / want[i*d+i]
			}
		}
	}
	for i, v := range run()[0] {
		if !near(v, want[i], 1e-15) {
			t.Errorf("element %d of the factor is %.15g, want %.15g", i, v, want[i])
		}
	}
	loss, _ := r.projection(factor, rng)
	grads, err := autodiff.Gradient(loss, w.node)
	if err != nil {
		t.Fatal(err)
	}
	got := r.compile(grads[0])()[0]
	value := r.compile(loss)
	for i, want := range differences(func() float64 { return value()[0][0] }, w.data) {
		if !near(got[i], want, fdTolerance) {
			t.Errorf("∂/∂w[%d] = %.12g, finite differences %.12g", i, got[i], want)
		}
	}

	for i := range w.data {
		w.data[i] = 1e6
	}
	for i, v := range run()[0] { // of almost equal variables
		if math.IsNaN(v) || i%(d+1) == 0 && !(v > 0) {
			t.Errorf("element %d of the factor of large numbers is %g", i, v)
		}
	}
	for _, bad := range []*G.Node{nil, r.input(make([]float64, 3), 3).node, r.input(make([]float64, 6), 2, 3).node} {
		attempt(t, fmt.Sprint("LearnedCholesky of ", bad), func() (*G.Node, error) { return relax.LearnedCholesky(bad) }, "LearnedCholesky")
	}
}
