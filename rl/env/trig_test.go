package env

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// bigSincos sums the Taylor series with 200 bits.
func bigSincos(x float64) (sin, cos *big.Float) {
	const precision = 200
	exact := func(v float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(v) }
	sin, cos = exact(0), exact(0)
	term := exact(1)
	for n := 0; n < 120; n++ {
		sum := cos
		if n%2 == 1 {
			sum = sin
		}
		if n%4 < 2 {
			sum.Add(sum, term)
		} else {
			sum.Sub(sum, term)
		}
		term.Mul(term, exact(x))
		term.Quo(term, exact(float64(n+1)))
	}
	return sin, cos
}

// ulps returns the distance of a number from an exact value in units of its last place.
func ulps(got float64, want *big.Float) float64 {
	diff := new(big.Float).SetPrec(200).SetFloat64(got)
	diff.Sub(diff, want)
	d, _ := diff.Float64()
	w, _ := want.Float64()
	return math.Abs(d) / (math.Nextafter(math.Abs(w), math.Inf(1)) - math.Abs(w))
}

func TestSincos(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	worst := 0.0
	for i := range 6000 {
		x := random.NormFloat64() * []float64{0.2, 1, 8}[i%3]
		sin, cos := sincos(x)
		wantSin, wantCos := bigSincos(x)
		worst = max(worst, ulps(sin, wantSin), ulps(cos, wantCos))
		if worst > 0.75 {
			t.Fatalf("sincos(%v) = %v, %v: %.3f units in the last place off, want 0.75 at most", x, sin, cos, worst)
		}
	}
	t.Logf("at most %.3f units in the last place", worst)
	for i := -40; i <= 40; i++ { // where the reduction cancels
		for _, x := range []float64{float64(i) * math.Pi / 2, float64(i) * math.Pi / 4, math.Nextafter(float64(i)*math.Pi/4, 100)} {
			sin, cos := sincos(x)
			if wantSin, wantCos := math.Sin(x), math.Cos(x); math.Abs(sin-wantSin) > 2.3e-16 || math.Abs(cos-wantCos) > 2.3e-16 {
				t.Errorf("sincos(%v) = %v, %v, want %v, %v", x, sin, cos, wantSin, wantCos)
			}
		}
	}
	for _, x := range []float64{0, math.Copysign(0, -1), 0x1p-1070} {
		if sin, cos := sincos(x); sin != x || cos != 1 {
			t.Errorf("sincos(%v) = %v, %v", x, sin, cos)
		}
	}
}
