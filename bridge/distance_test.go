package bridge

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// The case of the published figures, α = (8, 2, 2): the full covariance, its diagonal, and its diagonal taken for standard
// deviations, which is a mistake seen in the wild. KL(Dir ‖ LN) is mpmath's, from the moments of the log-ratios; the
// published measurements are .122, .204 and .591 for TV, and .137, .370 and 4.43 for KL.
func TestPublishedDistances(t *testing.T) {
	d := dirichlet(t, 8, 2, 2)
	full := Laplace(d)
	squared := full.Variance()
	for k, v := range squared {
		squared[k] = v * v
	}
	mistaken := must[LogisticNormal](t)(NewIndependentLogisticNormal(full.Mu(), squared))
	for _, c := range []struct {
		name          string
		q             LogisticNormal
		tv, kl, exact float64
	}{
		{"full", full, 0.122, 0.137, 0.138234970445},
		{"diagonal", LaplaceDiagonal(d), 0.204, 0.370, 0.371115727199},
		{"variance for standard deviation", mistaken, 0.591, 4.43, 4.44028170158},
	} {
		tv, kl := must[float64](t)(TV(d, c.q)), must[float64](t)(KL(d, c.q))
		t.Logf("%s: TV %.6f, KL(Dir‖LN) %.6f, KL(LN‖Dir) %.6f", c.name, tv, kl, must[float64](t)(KL(c.q, d)))
		near(t, c.name+": TV", tv, c.tv, 5e-4)
		near(t, c.name+": KL", kl, c.exact, 1e-11)
		near(t, c.name+": published KL/KL", c.kl/kl, 1, 0.01)
	}
}

// Two classes against mpmath, by quadrature of the definitions over log(π_1/π_2).
func TestDistancesOfTwoClasses(t *testing.T) {
	for _, c := range []struct {
		alpha      []float64
		kl, lk, tv float64
	}{
		{[]float64{8, 2}, 0.070368852245495, 0.042242598762391, 0.073566394121895},
		{[]float64{0.5, 2}, 0.51127113574167, 0.13922071308115, 0.16781123854988},
	} {
		d := dirichlet(t, c.alpha...)
		q := Laplace(d)
		near(t, "KL(Dir‖LN)", must[float64](t)(KL(d, q)), c.kl, 1e-12)
		near(t, "KL(LN‖Dir)", must[float64](t)(KL(q, d)), c.lk, 1e-8)
		near(t, "TV", must[float64](t)(TV(d, q)), c.tv, 1e-8)
		near(t, "TV", must[float64](t)(TV(q, d)), c.tv, 1e-8)
		near(t, "TV to itself", must[float64](t)(TV(d, d)), 0, 0)
	}
}

// Every divergence and distance against a Monte Carlo average, and the closed forms also against quadrature.
func TestDistancesAgree(t *testing.T) {
	_, _, correlated := correlatedExample(t)
	d := dirichlet(t, 0.5, 2, 7)
	laws := []Distribution{d, dirichlet(t, 2, 2, 3), Laplace(d), correlated}
	const n = 20_000
	var tv [4][4]float64
	for i, p := range laws {
		for j, q := range laws {
			kl := must[float64](t)(KL(p, q))
			if i == j {
				near(t, "KL to itself", kl, 0, 1e-14)
				continue
			}
			tv[i][j] = tv[j][i] // symmetric; the other order is left to the test of two classes
			if i < j {
				tv[i][j] = must[float64](t)(TV(p, q))
			}
			src := seeded(uint64(10*i + j))
			for _, c := range []struct {
				name string
				e    Estimate
				want float64
			}{
				{"KL", must[Estimate](t)(KLMonteCarlo(p, q, n, src)), kl},
				{"TV", must[Estimate](t)(TVMonteCarlo(p, q, n, src)), tv[i][j]},
			} {
				if !(math.Abs(c.e.Value-c.want) <= 4*c.e.StdErr) || !(c.e.StdErr < 0.3*c.want) {
					t.Errorf("%s of laws %d and %d: %.6g, by Monte Carlo %.6g ± %.2g", c.name, i, j, c.want, c.e.Value, c.e.StdErr)
				}
			}
			near(t, "KL by quadrature", must[float64](t)(klQuadrature(p, q)), kl, 1e-5)
		}
	}
}

func TestClosedFormsOfManyClasses(t *testing.T) {
	d := dirichlet(t, 3, 1, 4, 1, 5, 9, 2, 6, 5, 3)
	sigma := mat.NewSymDense(10, nil)
	for i := range 10 {
		for j := i; j < 10; j++ {
			sigma.SetSym(i, j, 0.4*math.Exp(-math.Abs(float64(i-j))/3))
		}
	}
	q := must[LogisticNormal](t)(NewLogisticNormal(Moments(d).Mu(), sigma))
	for i, pair := range [][2]Distribution{{d, Laplace(d)}, {d, q}, {q, Laplace(d)}, {Moments(d), q}, {dirichlet(t, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2), d}} {
		kl := must[float64](t)(KL(pair[0], pair[1]))
		e := must[Estimate](t)(KLMonteCarlo(pair[0], pair[1], 50_000, seeded(uint64(i))))
		if !(math.Abs(e.Value-kl) <= 4*e.StdErr) || !(e.StdErr < 0.1*kl) {
			t.Errorf("pair %d: KL %.6g, by Monte Carlo %.6g ± %.2g", i, kl, e.Value, e.StdErr)
		}
	}
	_, err := KL(q, d)
	wantError(t, "KL(LN‖Dir), K = 10", err, "KLMonteCarlo")
	_, err = TV(q, d)
	wantError(t, "TV, K = 10", err, "TVMonteCarlo")
}

// Between logistic-normals of two classes, TV is that of two Gaussians, which cross where a quadratic is zero. The second is
// so narrow that a rule with points laid out for the first would miss it.
func TestTVOfWideAndNarrow(t *testing.T) {
	const mean, sd = 1.9, 0.003
	wide := must[LogisticNormal](t)(NewIndependentLogisticNormal([]float64{0, 0}, []float64{0.5, 0.5}))
	narrow := must[LogisticNormal](t)(NewIndependentLogisticNormal([]float64{mean, 0}, []float64{sd * sd / 2, sd * sd / 2}))
	// (y − mean)²/sd² + 2 log sd = y².
	a, b, c := 1/(sd*sd)-1, -2*mean/(sd*sd), mean*mean/(sd*sd)+2*math.Log(sd)
	root := math.Sqrt(b*b - 4*a*c)
	left, right := (-b-root)/(2*a), (-b+root)/(2*a)
	cdf := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	want := cdf((right-mean)/sd) - cdf((left-mean)/sd) - cdf(right) + cdf(left)
	near(t, "TV", must[float64](t)(TV(wide, narrow)), want, 1e-8)
	near(t, "TV", must[float64](t)(TV(narrow, wide)), want, 1e-8)
}

// The coordinates of quadrature have unit covariance: L·Lᵀ = C.
func TestFrameIsWhite(t *testing.T) {
	_, _, q := correlatedExample(t)
	f := must[*frame](t)(newFrame(q))
	mean, cov := q.ALR()
	origin, a, b := f.at([]float64{0, 0}), f.at([]float64{1, 0}), f.at([]float64{0, 1})
	nearAll(t, "m", origin[:2], mean, 0)
	for i := range 2 {
		for j := range 2 {
			near(t, "LLᵀ", (a[i]-mean[i])*(a[j]-mean[j])+(b[i]-mean[i])*(b[j]-mean[j]), cov.At(i, j), 1e-14)
		}
	}
}

// Rounding does not take a divergence below zero.
func TestKLIsNotNegative(t *testing.T) {
	rng := rand.New(seeded(1))
	for range 200 {
		a, b := 100*rng.Float64(), 100*rng.Float64()
		p, q := dirichlet(t, a, b), dirichlet(t, a*(1+1e-15), b)
		for _, kl := range []float64{must[float64](t)(KL(p, q)), must[float64](t)(KL(Laplace(p), Laplace(q)))} {
			if !(kl >= 0 && kl < 1e-12) {
				t.Fatalf("KL = %g between equals", kl)
			}
		}
	}
}

// The same seed gives the same bytes, and standard errors fall as 1/√n.
func TestMonteCarlo(t *testing.T) {
	d := dirichlet(t, 8, 2, 2)
	q := Laplace(d)
	a := must[Estimate](t)(TVMonteCarlo(d, q, 1000, seeded(1)))
	if b := must[Estimate](t)(TVMonteCarlo(d, q, 1000, seeded(1))); a != b {
		t.Errorf("%v and %v from one seed", a, b)
	}
	b := must[Estimate](t)(TVMonteCarlo(d, q, 100_000, seeded(1)))
	near(t, "ratio of standard errors", a.StdErr/b.StdErr, 10, 0.1)
	// Two samples x, y have mean (x+y)/2 and the standard error |x−y|/2.
	z := drawn(t)(d.SampleSoftmax(2, seeded(3)))
	ratio := func(i int) float64 { return d.logDensity(z.RawRowView(i)) - q.logDensity(z.RawRowView(i)) }
	e := must[Estimate](t)(KLMonteCarlo(d, q, 2, seeded(3)))
	near(t, "mean of two", e.Value, (ratio(0)+ratio(1))/2, 1e-14)
	near(t, "standard error of two", e.StdErr, math.Abs(ratio(0)-ratio(1))/2, 1e-14)
}

// What quadrature cannot resolve is refused, not guessed: this density has an edge a thousandth of its width.
func TestQuadratureRefusesWhatItMisses(t *testing.T) {
	d := dirichlet(t, 1e-3, 1e-3, 1e3)
	_, err := TV(d, Moments(d))
	wantError(t, "TV", err, "TVMonteCarlo")
	e := must[Estimate](t)(TVMonteCarlo(d, Moments(d), 10_000, seeded(1)))
	if !(e.Value > 0.4 && e.Value < 0.5) {
		t.Errorf("TV by Monte Carlo: %v", e)
	}
}

func TestDistancesRefuse(t *testing.T) {
	d, three := dirichlet(t, 1, 2), dirichlet(t, 1, 2, 3)
	for _, c := range []struct {
		name string
		p, q Distribution
		says string
	}{
		{"nil", nil, d, "nil"},
		{"nil", d, nil, "nil"},
		{"pointer", &d, d, "by value"},
		{"nil pointer", d, (*LogisticNormal)(nil), "by value"},
		{"zero Dirichlet", Dirichlet{}, Dirichlet{}, "0 classes"},
		{"zero logistic-normal", d, LogisticNormal{}, "0 classes"},
		{"sizes", d, three, "3"},
		{"sizes", Laplace(three), d, "2"},
	} {
		_, err := KL(c.p, c.q)
		wantError(t, "KL: "+c.name, err, c.says)
		_, err = TV(c.p, c.q)
		wantError(t, "TV: "+c.name, err, c.says)
		_, err = KLMonteCarlo(c.p, c.q, 10, seeded(1))
		wantError(t, "KLMonteCarlo: "+c.name, err, c.says)
		_, err = TVMonteCarlo(c.p, c.q, 10, seeded(1))
		wantError(t, "TVMonteCarlo: "+c.name, err, c.says)
	}
	_, err := KLMonteCarlo(d, d, 1, seeded(1))
	wantError(t, "one sample", err, "samples")
	_, err = TVMonteCarlo(d, d, 10, nil)
	wantError(t, "no source", err, "source")
	// Too far apart for float64: an error, not Inf.
	narrow := must[LogisticNormal](t)(NewIndependentLogisticNormal([]float64{1e100, 0}, []float64{1e-100, 1e-100}))
	far := must[LogisticNormal](t)(NewIndependentLogisticNormal([]float64{-1e100, 1e100}, []float64{1e-100, 1e-100}))
	if kl, err := KL(narrow, far); err != nil && !math.IsNaN(kl) {
		t.Errorf("KL %g with error %v", kl, err)
	}
}
