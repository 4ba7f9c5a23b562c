package bridge

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/mat"
)

// alphas are concentrations in every regime: flat, sharp, below one, uneven, two classes and many.
var alphas = [][]float64{
	{1, 1, 1},
	{8, 2, 2},
	{0.5, 2, 7, 1.3},
	{0.5, 2},
	{0.1, 0.1, 0.1},
	{0.01, 1, 100},
	{1e-6, 1, 1e6},
	{3, 1, 4, 1, 5, 9, 2, 6, 5, 3},
}

func dirichlet(t testing.TB, alpha ...float64) Dirichlet {
	t.Helper()
	d, err := NewDirichlet(alpha...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func drawn(t testing.TB) func(*mat.Dense, error) *mat.Dense { return must[*mat.Dense](t) }

// wantError checks that there is an error, that it names its origin and says what the test expects of it.
func wantError(t *testing.T, name string, err error, says string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
	} else if !strings.HasPrefix(err.Error(), "bridge: ") || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: error %q does not speak of %q", name, err, says)
	}
}

// near checks |got − want| ≤ tolerance·max(1, |want|).
func near(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Max(1, math.Abs(want))) {
		t.Errorf("%s = %.15g, want %.15g (off by %.2g, tolerance %.2g)", name, got, want, got-want, tolerance)
	}
}

func nearAll(t *testing.T, name string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d elements, want %d", name, len(got), len(want))
	}
	for k := range got {
		near(t, name, got[k], want[k], tolerance)
	}
}

func nearMatrix(t *testing.T, name string, got, want mat.Matrix, tolerance float64) {
	t.Helper()
	r, c := want.Dims()
	if gr, gc := got.Dims(); gr != r || gc != c {
		t.Fatalf("%s is %d×%d, want %d×%d", name, gr, gc, r, c)
	}
	for i := range r {
		for j := range c {
			near(t, name, got.At(i, j), want.At(i, j), tolerance)
		}
	}
}

// samplesHave checks the mean and covariance of rows, each entry within four standard errors that the rows tell themselves.
func samplesHave(t *testing.T, name string, rows *mat.Dense, mean []float64, cov mat.Matrix) {
	t.Helper()
	n, k := rows.Dims()
	check := func(what string, want float64, of func(row []float64) float64) {
		t.Helper()
		var sum, squares float64
		for i := range n {
			x := of(rows.RawRowView(i)) - want
			sum += x
			squares += x * x
		}
		off := sum / float64(n)
		stdErr := math.Sqrt((squares/float64(n) - off*off) / float64(n))
		if !(math.Abs(off) <= 4*stdErr) {
			t.Errorf("%s: %s is off by %.3g from %.6g, more than 4 standard errors of %.3g", name, what, off, want, stdErr)
		}
	}
	for i := range k {
		check("a mean", mean[i], func(row []float64) float64 { return row[i] })
		for j := range i + 1 {
			check("a covariance", cov.At(i, j), func(row []float64) float64 { return (row[i] - mean[i]) * (row[j] - mean[j]) })
		}
	}
}

// correlatedExample is a logistic-normal that is no centred independent one.
func correlatedExample(t testing.TB) (mu []float64, sigma *mat.SymDense, q LogisticNormal) {
	t.Helper()
	mu = []float64{0.5, -1, 0.2}
	sigma = mat.NewSymDense(3, []float64{1, 0.6, -0.3, 0.6, 2, 0.1, -0.3, 0.1, 0.5})
	return mu, sigma, must[LogisticNormal](t)(NewLogisticNormal(mu, sigma))
}

// overTriangle integrates a density over the first two coordinates of the simplex of three classes.
func overTriangle(f func(pi []float64) float64) float64 {
	const n = 100
	// π_1 = s² (3 − 2s) and likewise within the rest crowd the points at the edges, where logistic-normals are steep.
	smooth := func(s float64) (x, dx float64) { return s * s * (3 - 2*s), 6 * s * (1 - s) }
	return quad.Fixed(func(s float64) float64 {
		a, da := smooth(s)
		return da * quad.Fixed(func(r float64) float64 {
			b, db := smooth(r)
			return db * (1 - a) * f([]float64{a, (1 - a) * b, (1 - a) * (1 - b)})
		}, 0, 1, n, nil, 0)
	}, 0, 1, n, nil, 0)
}

// overPlane integrates over the log-ratios of three classes by the trapezoidal rule on a square.
func overPlane(half, step float64, f func(z []float64) float64) float64 {
	var sum float64
	for a := -half; a <= half; a += step {
		for b := -half; b <= half; b += step {
			sum += f([]float64{a, b, 0})
		}
	}
	return sum * step * step
}

func seeded(stream uint64) rand.Source { return rand.NewPCG(20, stream) }
