package bridge

import (
	"fmt"
	"math"
	"testing"
)

// The logits of the Dirichlet's own samples have the mean and covariance that Moments states.
func TestMomentsAgainstSamples(t *testing.T) {
	n := 200_000
	if !testing.Short() {
		n = 1_000_000
	}
	for i, alpha := range [][]float64{{8, 2, 2}, {0.5, 2, 7, 1.3}} {
		d := dirichlet(t, alpha...)
		q := Moments(d)
		samplesHave(t, "logits", drawn(t)(d.SampleSoftmax(n, seeded(uint64(20+i)))), q.Mu(), q.Sigma())
	}
}

// Any step away from the moments makes the divergence larger.
func TestMomentsAreNearestInDivergence(t *testing.T) {
	d := dirichlet(t, 0.5, 2, 7, 1.3)
	q := Moments(d)
	least := must[float64](t)(KL(d, q))
	variance := d.each(trigamma)
	for k := range variance {
		for _, h := range []float64{-1e-2, 1e-2} {
			mu, v := q.Mu(), append([]float64{}, variance...)
			mu[k] += h
			v[k] *= 1 + h
			for _, other := range []LogisticNormal{newIndependent(mu, variance), newIndependent(q.mu, v), Laplace(d)} {
				if kl := must[float64](t)(KL(d, other)); !(kl > least) {
					t.Errorf("KL %.12g after a step, %.12g at the moments", kl, least)
				}
			}
		}
	}
}

func TestMomentsRoundTrip(t *testing.T) {
	for _, alpha := range append(alphas, []float64{minAlpha, minAlpha}, []float64{9e8, 9e8, 9e8}) {
		q := Moments(dirichlet(t, alpha...))
		back := must[Dirichlet](t)(MomentsInverse(q.Mu(), q.Variance())).Alpha()
		for k, a := range alpha {
			near(t, fmt.Sprintf("%v: α/α", alpha), back[k]/a, 1, 1e-9)
		}
		shifted := q.Mu()
		for k := range shifted {
			shifted[k] -= 100
		}
		gauge := must[Dirichlet](t)(MomentsInverse(shifted, q.Variance())).Alpha()
		near(t, fmt.Sprintf("%v: α/α of shifted logits", alpha), gauge[0]/alpha[0], 1, 1e-6) // μ loses digits to the shift
		if q.K() == 4 {
			nearAll(t, "α", back, alpha, 1e-12)
		}
	}
	for _, v := range []float64{1e-30, 1e99} {
		if _, err := MomentsInverse([]float64{0, 0}, []float64{v, v}); v == 1e-30 {
			wantError(t, "total variance", err, "variance")
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestMomentsApproachLaplace(t *testing.T) {
	gap := func(size float64) float64 {
		d := dirichlet(t, 8*size, 2*size, 2*size)
		return must[float64](t)(KL(Moments(d), Laplace(d)))
	}
	// The means differ by O(1/α), the variances relatively by as much: the divergence falls as 1/α.
	ratio := gap(100) / gap(1000)
	if math.Abs(ratio-10) > 0.5 {
		t.Errorf("ten times the concentration divides the gap by %.3g, want about 10", ratio)
	}
}
