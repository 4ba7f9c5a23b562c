package bridge

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// With two classes, y = z_1 − z_2 is N(μ_1 − μ_2, Σ_11 + Σ_22 − 2Σ_12).
func TestLogisticNormalByHand(t *testing.T) {
	q := must[LogisticNormal](t)(NewLogisticNormal([]float64{1, -2}, mat.NewSymDense(2, []float64{2, 0.5, 0.5, 3})))
	const mean, variance = 3., 4.
	normal := func(y float64) float64 {
		return math.Exp(-(y-mean)*(y-mean)/(2*variance)) / math.Sqrt(2*math.Pi*variance)
	}
	near(t, "p(y)", must[float64](t)(q.ProbSoftmax([]float64{5.2, 4})), normal(1.2), 1e-15)
	pi := []float64{0.3, 0.7}
	near(t, "p(π)", must[float64](t)(q.Prob(pi)), normal(math.Log(0.3/0.7))/(0.3*0.7), 1e-14)
	nearAll(t, "Mu", q.Mu(), []float64{1.5, -1.5}, 1e-15)
	nearMatrix(t, "Sigma", q.Sigma(), mat.NewSymDense(2, []float64{1, -1, -1, 1}), 1e-15)
	nearAll(t, "Variance", q.Variance(), []float64{1, 1}, 1e-15)
	m, c := q.ALR()
	near(t, "m", m[0], mean, 1e-15)
	near(t, "C", c.At(0, 0), variance, 1e-14)
	nearAll(t, "ModeSoftmax", q.ModeSoftmax(), []float64{1 / (1 + math.Exp(-3)), 1 / (1 + math.Exp(3))}, 1e-15)
	if edge := must[float64](t)(q.LogProb([]float64{0, 1})); !math.IsInf(edge, -1) {
		t.Errorf("log p on the edge is %g, want −Inf", edge)
	}
}

// The log-ratios' law and the density, from the Gaussian's own parameters and the textbook formula in K−1 coordinates.
func TestLogisticNormalAgainstLogRatios(t *testing.T) {
	mu, sigma, q := correlatedExample(t)
	variance := []float64{1e-3, 2, 40}
	i := must[LogisticNormal](t)(NewIndependentLogisticNormal(mu, variance))
	for _, c := range []struct {
		q     LogisticNormal
		sigma mat.Matrix
	}{{q, sigma}, {i, mat.NewDiagDense(3, variance)}} {
		ratios := mat.NewDense(2, 3, []float64{1, 0, -1, 0, 1, -1})
		var want mat.Dense
		want.Product(ratios, c.sigma, ratios.T())
		mean, cov := c.q.ALR()
		nearAll(t, "m", mean, []float64{mu[0] - mu[2], mu[1] - mu[2]}, 1e-14)
		nearMatrix(t, "C", cov, &want, 1e-13)
		a, b, d := want.At(0, 0), want.At(0, 1), want.At(1, 1)
		det := a*d - b*b
		for _, z := range [][]float64{{0, 0, 0}, {1, 2, 3}, {-4, 0.5, 1}} {
			r, s := z[0]-z[2]-mean[0], z[1]-z[2]-mean[1]
			logProb := -math.Log(2*math.Pi) - math.Log(det)/2 - (d*r*r-2*b*r*s+a*s*s)/det/2
			near(t, "log p(y)", must[float64](t)(c.q.LogProbSoftmax(z)), logProb, 1e-12)
			shifted := []float64{z[0] + 1e3, z[1] + 1e3, z[2] + 1e3}
			near(t, "log p(y) of shifted logits", must[float64](t)(c.q.LogProbSoftmax(shifted)), logProb, 1e-9)
			pi := append([]float64{}, z...)
			softmax(pi)
			near(t, "log p(π)", must[float64](t)(c.q.LogProb(pi)), logProb-math.Log(pi[0]*pi[1]*pi[2]), 1e-12)
		}
	}
}

// A covariance P·D·P may be given as such or as a matrix; both forms must tell the same.
func TestTheTwoFormsOfCovarianceAgree(t *testing.T) {
	for _, k := range []int{2, 3, 5} {
		mu, d := []float64{0.3, -1, 2, 0, 1}[:k], []float64{0.2, 3, 1, 0.7, 2}[:k]
		a := must[LogisticNormal](t)(NewIndependentLogisticNormal(mu, d))
		b := must[LogisticNormal](t)(NewLogisticNormal(mu, mat.NewDiagDense(k, d)))
		again := must[LogisticNormal](t)(NewLogisticNormal(b.Mu(), b.Sigma())) // singular in the direction of 1
		for _, q := range []LogisticNormal{b, again} {
			nearAll(t, "Mu", q.Mu(), a.Mu(), 1e-14)
			nearMatrix(t, "Sigma", q.Sigma(), a.Sigma(), 1e-14)
			near(t, "log det C", q.cov.logDet(), a.cov.logDet(), 1e-13)
			nearMatrix(t, "Σ⁺", precision(q), precision(a), 1e-12)
			z := []float64{1, 2, -3, 0, 0.5}[:k]
			near(t, "log p", q.logDensity(z), a.logDensity(z), 1e-12)
			mean, cov := a.ALR()
			m, c := q.ALR()
			nearAll(t, "m", m, mean, 1e-14)
			nearMatrix(t, "C", c, cov, 1e-13)
		}
		near(t, "KL", must[float64](t)(KL(a, b)), 0, 1e-13)
	}
}

func precision(q LogisticNormal) *mat.SymDense {
	return symmetric(q.K(), q.cov.precision)
}

// The four conditions of Penrose for Σ⁺.
func TestPrecisionIsThePseudoInverse(t *testing.T) {
	_, _, q := correlatedExample(t)
	for _, q := range []LogisticNormal{q, Laplace(dirichlet(t, 0.5, 2, 7, 1.3)), Moments(dirichlet(t, 0.5, 2))} {
		s, p := q.Sigma(), precision(q)
		var sp, sps, psp mat.Dense
		sp.Mul(s, p)
		sps.Mul(&sp, s)
		psp.Mul(p, &sp)
		nearMatrix(t, "ΣΣ⁺Σ", &sps, s, 1e-13)
		nearMatrix(t, "Σ⁺ΣΣ⁺", &psp, p, 1e-12)
		nearMatrix(t, "(ΣΣ⁺)ᵀ", sp.T(), &sp, 1e-13)
		var ps mat.Dense
		ps.Mul(p, s)
		nearMatrix(t, "(Σ⁺Σ)ᵀ", ps.T(), &ps, 1e-13)
	}
}

func TestLogisticNormalIntegratesToOne(t *testing.T) {
	_, _, q := correlatedExample(t)
	for _, q := range []LogisticNormal{q, Laplace(dirichlet(t, 8, 2, 2)), Moments(dirichlet(t, 1, 1, 1))} {
		near(t, "∫p dπ", overTriangle(func(pi []float64) float64 { return must[float64](t)(q.Prob(pi)) }), 1, 1e-6)
		near(t, "∫p dy", overPlane(25, 0.25, func(z []float64) float64 { return must[float64](t)(q.ProbSoftmax(z)) }), 1, 1e-12)
	}
}

func TestLogisticNormalSamples(t *testing.T) {
	const n = 200_000
	_, _, q := correlatedExample(t)
	for i, q := range []LogisticNormal{q, Laplace(dirichlet(t, 0.5, 2, 7, 1.3)), LaplaceDiagonal(dirichlet(t, 8, 2, 2))} {
		z := drawn(t)(q.SampleSoftmax(n, seeded(uint64(i))))
		samplesHave(t, "z", z, q.Mu(), q.Sigma())
		pi := drawn(t)(q.Sample(n, seeded(uint64(i))))
		for r := range 1000 {
			row := z.RawRowView(r)
			var sum float64
			for _, v := range row {
				sum += v
			}
			near(t, "Σ z", sum, 0, 1e-13)
			softmax(row)
			nearAll(t, "softmax(z)", pi.RawRowView(r), row, 0)
		}
	}
}

// Conditioning by hand: of N((1, 0), diag(1, 3)) on z_1 + z_2 = 0 there remains exp(−(z−1)²/2 − z²/6), which is N(¾, ¾).
func TestZeroSumByHand(t *testing.T) {
	q := must[LogisticNormal](t)(ZeroSum([]float64{1, 0}, mat.NewDiagDense(2, []float64{1, 3})))
	nearAll(t, "μ′", q.Mu(), []float64{0.75, -0.75}, 1e-15)
	nearMatrix(t, "Σ′", q.Sigma(), mat.NewSymDense(2, []float64{0.75, -0.75, -0.75, 0.75}), 1e-15)
	// The law of softmax(z) itself is another: z_1 − z_2 ~ N(1, 4), in the zero-sum gauge N(½, 1).
	p := must[LogisticNormal](t)(NewLogisticNormal([]float64{1, 0}, mat.NewDiagDense(2, []float64{1, 3})))
	nearAll(t, "μ", p.Mu(), []float64{0.5, -0.5}, 1e-15)
	near(t, "Σ", p.Sigma().At(0, 0), 1, 1e-15)
}

// On the hyperplane the conditional density is the Gaussian's own, up to a factor.
func TestZeroSumIsTheConditionalLaw(t *testing.T) {
	mu, sigma, marginal := correlatedExample(t)
	q := must[LogisticNormal](t)(ZeroSum(mu, sigma))
	var inverse mat.Dense
	if err := inverse.Inverse(sigma); err != nil {
		t.Fatal(err)
	}
	gaussian := func(z []float64) float64 {
		r := mat.NewVecDense(3, []float64{z[0] - mu[0], z[1] - mu[1], z[2] - mu[2]})
		return -mat.Inner(r, &inverse, r) / 2
	}
	origin := []float64{0, 0, 0}
	for _, z := range [][]float64{{1, -1, 0}, {0.5, 1, -1.5}, {-2, 3, -1}} {
		want := gaussian(z) - gaussian(origin)
		near(t, "log p′(z)/p′(0)", q.logDensity(z)-q.logDensity(origin), want, 1e-12)
	}
	if tv := must[float64](t)(TV(q, marginal)); tv < 0.01 {
		t.Errorf("conditioning left the law of softmax(z) alone (TV %g); the example should tell them apart", tv)
	}
	// What sums to zero already stays as it is.
	shifted := q.Mu()
	for k := range shifted {
		shifted[k]++
	}
	again := must[LogisticNormal](t)(ZeroSum(shifted, q.Sigma()))
	nearMatrix(t, "Σ″", again.Sigma(), q.Sigma(), 1e-14)
	nearAll(t, "μ″", again.Mu(), q.Mu(), 1e-14)
}

// badMatrix fails as a matrix of someone else's might.
type badMatrix struct{ mat.Matrix }

func (badMatrix) Dims() (r, c int)    { return 2, 2 }
func (badMatrix) At(_, _ int) float64 { panic("no such file") }

func TestNewLogisticNormalRefuses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	two := []float64{0, 0}
	for _, c := range []struct {
		name  string
		mu    []float64
		sigma mat.Matrix
		says  string
	}{
		{"no classes", nil, &mat.SymDense{}, "at least 2"},
		{"one class", []float64{1}, mat.NewSymDense(1, []float64{1}), "at least 2"},
		{"NaN mean", []float64{nan, 0}, mat.NewDiagDense(2, []float64{1, 1}), "μ[0]"},
		{"infinite mean", []float64{0, inf}, mat.NewDiagDense(2, []float64{1, 1}), "μ[1]"},
		{"nil", two, nil, "nil"},
		{"typed nil", two, (*mat.SymDense)(nil), "cannot be read"},
		{"foreign panic", two, badMatrix{}, "no such file"},
		{"wrong size", two, mat.NewSymDense(3, nil), "3×3"},
		{"not square", two, mat.NewDense(2, 3, nil), "2×3"},
		{"zero variance", two, mat.NewDiagDense(2, []float64{1, 0}), "diag(Σ)[1]"},
		{"negative variance", two, mat.NewDiagDense(2, []float64{-1, 1}), "diag(Σ)[0]"},
		{"NaN variance", two, mat.NewDiagDense(2, []float64{nan, 1}), "diag(Σ)[0]"},
		{"infinite variance", two, mat.NewDiagDense(2, []float64{1, inf}), "diag(Σ)[1]"},
		{"NaN covariance", two, mat.NewSymDense(2, []float64{1, nan, nan, 1}), "symmetric"},
		{"asymmetric", two, mat.NewDense(2, 2, []float64{1, 0.5, 0.4, 1}), "symmetric"},
		{"correlation above one", two, mat.NewSymDense(2, []float64{1, 2, 2, 1}), "indefinite"},
		{"indefinite", []float64{0, 0, 0}, mat.NewSymDense(3, []float64{1, 0.9, -0.9, 0.9, 1, 0.9, -0.9, 0.9, 1}), "semi-definite"},
		{"indefinite along 1 only", []float64{0, 0, 0}, mat.NewSymDense(3, []float64{1, -0.9, -0.9, -0.9, 1, -0.9, -0.9, -0.9, 1}), "semi-definite"},
		{"constant logits", two, mat.NewSymDense(2, []float64{1, 1, 1, 1}), "density"},
		{"two logits in step", []float64{0, 0, 0}, mat.NewSymDense(3, []float64{1, 1, 0, 1, 1, 0, 0, 0, 1}), "density"},
	} {
		_, err := NewLogisticNormal(c.mu, c.sigma)
		wantError(t, c.name, err, c.says)
		_, err = ZeroSum(c.mu, c.sigma)
		wantError(t, "ZeroSum: "+c.name, err, c.says)
	}
	for _, c := range []struct{ mu, variance []float64 }{
		{nil, nil}, {[]float64{1}, []float64{1}}, {two, []float64{1}}, {two, []float64{1, 0}}, {two, []float64{1, -1}},
		{two, []float64{1, nan}}, {two, []float64{inf, 1}}, {[]float64{nan, 1}, two}, {two, []float64{1, 1e-200}},
	} {
		_, err := NewIndependentLogisticNormal(c.mu, c.variance)
		wantError(t, "NewIndependentLogisticNormal", err, "")
		_, err = LaplaceInverse(c.mu, c.variance)
		wantError(t, "LaplaceInverse", err, "")
		_, err = MomentsInverse(c.mu, c.variance)
		wantError(t, "MomentsInverse", err, "")
	}
}

// Rounding is no mistake: a covariance that went through float32 is taken.
func TestFloat32CovarianceIsTaken(t *testing.T) {
	mu, sigma, q := correlatedExample(t)
	rounded := mat.NewDense(3, 3, nil)
	rounded.Apply(func(i, j int, _ float64) float64 { return float64(float32(sigma.At(i, j) * (1 + 1e-7*float64(i-j)))) }, rounded)
	near(t, "KL", must[float64](t)(KL(q, must[LogisticNormal](t)(NewLogisticNormal(mu, rounded)))), 0, 1e-12)
}

func TestParametersAreCopies(t *testing.T) {
	alpha := []float64{8, 2, 2}
	d := dirichlet(t, alpha...)
	mu, variance := []float64{1, 2}, []float64{1, 2}
	q := must[LogisticNormal](t)(NewIndependentLogisticNormal(mu, variance))
	before := must[float64](t)(q.LogProbSoftmax([]float64{0, 0}))
	alpha[0], mu[0], variance[0] = -1, 9, -1
	d.Alpha()[1], q.Mu()[1] = -1, 9
	q.Sigma().SetSym(0, 0, -1)
	nearAll(t, "Alpha", d.Alpha(), []float64{8, 2, 2}, 0)
	near(t, "log p", must[float64](t)(q.LogProbSoftmax([]float64{0, 0})), before, 0)
}
