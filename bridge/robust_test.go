package bridge

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// visit calls every method and function on p; what it looks for is a panic, or a NaN without an error.
func visit(t *testing.T, p Distribution) {
	t.Helper()
	checked := func(v float64, err error) {
		t.Helper()
		if err == nil && math.IsNaN(v) {
			t.Errorf("%v: NaN without an error", p)
		}
	}
	point := p.ModeSoftmax()
	checked(p.LogProb(point))
	checked(p.Prob(point))
	checked(p.LogProbSoftmax(point))
	checked(p.ProbSoftmax(point))
	for _, rows := range []*mat.Dense{first(p.Sample(2, seeded(1))), first(p.SampleSoftmax(2, seeded(1)))} {
		if rows != nil && math.IsNaN(mat.Sum(rows)) {
			t.Errorf("%v: NaN among samples", p)
		}
	}
	others := []Distribution{p}
	switch p := p.(type) {
	case Dirichlet:
		p.Alpha()
		p.Mean()
		p.MeanLog()
		p.Variance()
		p.Covariance()
		p.Entropy()
		p.Mode()
		for _, q := range []LogisticNormal{Laplace(p), LaplaceDiagonal(p), Moments(p)} {
			LaplaceInverse(q.Mu(), q.Variance())
			MomentsInverse(q.Mu(), q.Variance())
			others = append(others, q)
		}
	case LogisticNormal:
		p.Mu()
		p.Sigma()
		p.Variance()
		p.ALR()
		others = append(others, NormalizeVariance(p))
		if d, err := LaplaceInverse(p.Mu(), p.Variance()); err == nil {
			others = append(others, d)
		}
		if d, err := MomentsInverse(p.Mu(), p.Variance()); err == nil {
			others = append(others, d)
		}
		ZeroSum(p.Mu(), p.Sigma())
	}
	for _, q := range others {
		checked(KL(p, q))
		if p.K() != 3 { // two nested integrals are slow
			checked(KL(q, p))
			checked(TV(p, q))
		}
		e, err := TVMonteCarlo(p, q, 3, seeded(1))
		checked(e.Value, err)
		e, err = KLMonteCarlo(q, p, 3, seeded(1))
		checked(e.StdErr, err)
	}
}

func first[T any](v T, _ error) T { return v }

func TestZeroValuesDoNotPanic(t *testing.T) {
	visit(t, Dirichlet{})
	visit(t, LogisticNormal{})
}

func TestExtremesDoNotPanic(t *testing.T) {
	for _, alpha := range append(alphas, []float64{minAlpha, maxAlpha}, []float64{minAlpha, minAlpha, minAlpha}, []float64{maxAlpha, 1, minAlpha, maxAlpha}) {
		visit(t, dirichlet(t, alpha...))
	}
	for _, mu := range [][]float64{{maxNumber, -maxNumber}, {0, 1e-300, 700, -700}} {
		for _, v := range []float64{1 / maxNumber, 1, maxNumber} {
			variance := []float64{v, maxNumber, 1, v}[:len(mu)]
			visit(t, must[LogisticNormal](t)(NewIndependentLogisticNormal(mu, variance)))
			if q, err := NewLogisticNormal(mu, mat.NewDiagDense(len(mu), variance)); err == nil {
				visit(t, q)
			}
		}
	}
}

// Any numbers at all are either refused with an error or give a law that answers.
func FuzzConstructors(f *testing.F) {
	f.Add(1., 2., 3., 0.1, 0.2, 0.3, uint8(3))
	f.Add(math.NaN(), 0., -1., math.Inf(1), 1e300, 5e-324, uint8(2))
	f.Add(1e-50, 1e9, 1e-50, 1e100, -1e100, 1e-100, uint8(0))
	f.Fuzz(func(t *testing.T, a, b, c, u, v, w float64, k uint8) {
		n := int(k % 4)
		x, y := []float64{a, b, c}[:n], []float64{u, v, w}[:n]
		if d, err := NewDirichlet(x...); err == nil {
			visit(t, d)
		}
		if q, err := NewIndependentLogisticNormal(y, x); err == nil {
			visit(t, q)
		}
		sigma := mat.NewDense(3, 3, []float64{a, u, v, u, b, w, v, w, c})
		for _, make := range []func([]float64, mat.Matrix) (LogisticNormal, error){NewLogisticNormal, ZeroSum} {
			if q, err := make(append([]float64{}, a, u, w), sigma); err == nil {
				visit(t, q)
			}
		}
	})
}
