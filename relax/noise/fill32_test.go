package noise_test

import (
	"math"
	"testing"

	"relaxgo/relax/noise"
)

// Noise in float32 is that in float64, up to 4 units in the last place or 2·10⁻⁷: over many draws, which reach the tails.
func TestFloat32IsFloat64Rounded(t *testing.T) {
	const draws = 200_001 // no multiple of what is made at once
	for _, k := range []noise.Kind{noise.Uniform, noise.Logistic, noise.Gumbel, noise.Exponential, noise.Normal} {
		x, y := make([]float64, draws), make([]float32, draws)
		noise.Fill(noise.NewSource(1, "both"), k, x)
		noise.Fill(noise.NewSource(1, "both"), k, y)
		for i := range x {
			if tol := math.Max(2e-7, 4*0x1p-23*math.Abs(x[i])); !(math.Abs(float64(y[i])-x[i]) <= tol) {
				t.Fatalf("%v %d: %.9g, want %.17g within %.2g", k, i, y[i], x[i], tol)
			}
		}
	}
}
