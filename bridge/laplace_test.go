package bridge

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func TestLaplaceByHand(t *testing.T) {
	q := Laplace(dirichlet(t, 8, 2, 2))
	third := math.Log(4) / 3
	nearAll(t, "μ", q.Mu(), []float64{2 * third, -third, -third}, 1e-15)
	// 1/α = (1/8, 1/2, 1/2) with sum 9/8: Σ_11 = 1/24 + 1/8, Σ_22 = 1/6 + 1/8, Σ_12 = 1/8 − 5/24, Σ_23 = 1/8 − 1/3.
	nearMatrix(t, "Σ", q.Sigma(), mat.NewSymDense(3, []float64{
		1. / 6, -1. / 12, -1. / 12,
		-1. / 12, 7. / 24, -5. / 24,
		-1. / 12, -5. / 24, 7. / 24,
	}), 1e-15)
	nearAll(t, "diag Σ", q.Variance(), []float64{1. / 6, 7. / 24, 7. / 24}, 1e-15)
	nearAll(t, "ModeSoftmax", q.ModeSoftmax(), []float64{2. / 3, 1. / 6, 1. / 6}, 1e-15)
	// P·diag(Σ_kk)·P, by the same arithmetic on (4, 7, 7)/24 with sum 18/24.
	nearMatrix(t, "diagonal Σ", LaplaceDiagonal(dirichlet(t, 8, 2, 2)).Sigma(), mat.NewSymDense(3, []float64{
		10. / 72, -5. / 72, -5. / 72,
		-5. / 72, 13. / 72, -8. / 72,
		-5. / 72, -8. / 72, 13. / 72,
	}), 1e-15)
}

// The definition of a Laplace approximation: same mode, and Σ the pseudo-inverse of the curvature there, which is
// diag(Aπ) − Aππᵀ at π = α/A.
func TestLaplaceMatchesModeAndCurvature(t *testing.T) {
	for _, alpha := range [][]float64{{1, 1, 1}, {8, 2, 2}, {0.5, 2, 7, 1.3}, {0.5, 2}} {
		d := dirichlet(t, alpha...)
		q := Laplace(d)
		nearAll(t, "mode", q.ModeSoftmax(), d.ModeSoftmax(), 1e-15)
		pi := d.ModeSoftmax()
		curvature := symmetric(d.K(), func(i, j int) float64 {
			v := -d.total * pi[i] * pi[j]
			if i == j {
				v += d.total * pi[i]
			}
			return v
		})
		nearMatrix(t, "pinv Σ", precision(q), curvature, 1e-13)
		// The curvature itself, by central differences of the density.
		z := q.Mu()
		const h = 1e-4
		second := symmetric(d.K(), func(i, j int) float64 {
			at := func(a, b float64) float64 {
				x := append([]float64{}, z...)
				x[i] += a * h
				x[j] += b * h
				return must[float64](t)(d.LogProbSoftmax(x))
			}
			return -(at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h * h)
		})
		nearMatrix(t, "−∇² log p", second, curvature, 1e-6)
		for k := range z {
			x, y := append([]float64{}, z...), append([]float64{}, z...)
			x[k] += h
			y[k] -= h
			near(t, "∇ log p", (d.logDensity(x)-d.logDensity(y))/(2*h), 0, 1e-7)
		}
	}
}

func TestLaplaceRoundTrip(t *testing.T) {
	all := append([][]float64{}, alphas...)
	rng := rand.New(seeded(1))
	for range 200 {
		alpha := make([]float64, 2+rng.IntN(8))
		for k := range alpha {
			alpha[k] = math.Exp(3 * rng.NormFloat64())
		}
		all = append(all, alpha)
	}
	for _, alpha := range all {
		q := Laplace(dirichlet(t, alpha...))
		back := must[Dirichlet](t)(LaplaceInverse(q.Mu(), q.Variance())).Alpha()
		shifted := q.Mu()
		for k := range shifted {
			shifted[k] += 4
		}
		gauge := must[Dirichlet](t)(LaplaceInverse(shifted, q.Variance())).Alpha()
		for k, a := range alpha {
			near(t, fmt.Sprintf("%v: α/α", alpha), back[k]/a, 1, 1e-12)
			near(t, fmt.Sprintf("%v: α/α of shifted logits", alpha), gauge[k]/a, 1, 1e-12)
		}
	}
}

// The factor 2/K² and the reciprocal sum that circulate instead give (1.5, 1.5, 1.5) here.
func TestLaplaceInverseByHand(t *testing.T) {
	// Σ_kk of α = (1, 1, 1) is 1/3 + 3/9.
	d := must[Dirichlet](t)(LaplaceInverse([]float64{0, 0, 0}, []float64{2. / 3, 2. / 3, 2. / 3}))
	nearAll(t, "α", d.Alpha(), []float64{1, 1, 1}, 1e-15)
	// K = 2, μ = (log 2, 0): (1/Σ)(¼)(1 + 2) and (1/Σ)(¼)(1 + ½).
	d = must[Dirichlet](t)(LaplaceInverse([]float64{math.Log(2), 0}, []float64{0.5, 0.5}))
	nearAll(t, "α", d.Alpha(), []float64{1.5, 0.75}, 1e-15)
}

func TestLaplaceInverseOutOfRange(t *testing.T) {
	_, err := LaplaceInverse([]float64{0, 1e6}, []float64{1, 1})
	wantError(t, "far means", err, "leaves")
	_, err = LaplaceInverse([]float64{0, 0}, []float64{1e-20, 1})
	wantError(t, "tiny variance", err, "leaves")
}

func TestNormalizeVariance(t *testing.T) {
	mu, sigma, _ := correlatedExample(t)
	q := must[LogisticNormal](t)(ZeroSum(mu, sigma))
	n := NormalizeVariance(q)
	c := (q.Variance()[0] + q.Variance()[1] + q.Variance()[2]) / 3 / math.Sqrt(1.5)
	for k := range mu {
		near(t, "μ/√c", n.Mu()[k], q.Mu()[k]/math.Sqrt(c), 1e-15)
		for j := range mu {
			near(t, "Σ/c", n.Sigma().At(k, j), q.Sigma().At(k, j)/c, 1e-15)
		}
	}
	near(t, "mean diag", (n.Variance()[0]+n.Variance()[1]+n.Variance()[2])/3, math.Sqrt(1.5), 1e-14)
	// Scaling the logits changes nothing any more, in either form of covariance, and the density follows.
	l := Laplace(dirichlet(t, 8, 2, 2))
	double := func(q LogisticNormal) LogisticNormal {
		twice := q.Mu()
		for k := range twice {
			twice[k] *= 2
		}
		return LogisticNormal{twice, q.cov.scale(4)}
	}
	for _, q := range []LogisticNormal{q, l} {
		a, b := NormalizeVariance(q), NormalizeVariance(double(q))
		near(t, "KL", must[float64](t)(KL(a, b)), 0, 1e-13)
		near(t, "log p", a.logDensity([]float64{1, 0, 0}), b.logDensity([]float64{1, 0, 0}), 1e-13)
		near(t, "log det", a.logDet(), q.logDet()-2*math.Log(q.Variance()[0]/a.Variance()[0]), 1e-13)
	}
}
