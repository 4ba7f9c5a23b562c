package nn

import (
	"math"
	"slices"
	"testing"
)

// draw returns the first weights that init gives a parameter.
func draw(t *testing.T, seed uint64, name string, shape []int, init Init) []float32 {
	t.Helper()
	p, err := NewParams(seed).Add(name, shape, init)
	if err != nil {
		t.Fatal(err)
	}
	return p.Data
}

// TestInitMoments compares each initialiser with the bound and variance of
// its published law. Tolerances are four standard errors: √(var/n) for the
// mean, and for the variance var·√((κ−1)/n), where the kurtosis κ is 3 for a
// normal law and 9/5 for a uniform one.
func TestInitMoments(t *testing.T) {
	const uniformKurtosis, normalKurtosis = 1.8, 3
	for _, test := range []struct {
		name     string
		init     Init
		shape    []int
		variance float64
		kurtosis float64
	}{
		{"GlorotUniform", GlorotUniform, []int{300, 100}, 2.0 / 400, uniformKurtosis},
		{"GlorotNormal", GlorotNormal, []int{300, 100}, 2.0 / 400, normalKurtosis},
		{"HeUniform", HeUniform, []int{300, 100}, 2.0 / 300, uniformKurtosis},
		{"HeNormal", HeNormal, []int{300, 100}, 2.0 / 300, normalKurtosis},
		{"TorchLinear weight", TorchLinear(300), []int{300, 100}, 1.0 / 900, uniformKurtosis},
		{"TorchLinear bias", TorchLinear(3), []int{30000}, 1.0 / 9, uniformKurtosis},
		{"GlorotUniform vector", GlorotUniform, []int{30000}, 1.0 / 30000, uniformKurtosis},
		{"HeNormal receptive field", HeNormal, []int{3, 5, 20, 100}, 2.0 / 300, normalKurtosis},
		{"GlorotNormal receptive field", GlorotNormal, []int{3, 5, 20, 100}, 2.0 / 1800, normalKurtosis},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := draw(t, 1, "w", test.shape, test.init)
			n := float64(len(w))
			var sum, sumsq, largest float64
			for _, x := range w {
				sum += float64(x)
				sumsq += float64(x) * float64(x)
				largest = max(largest, math.Abs(float64(x)))
			}
			mean := sum / n
			if tol := 4 * math.Sqrt(test.variance/n); math.Abs(mean) > tol {
				t.Errorf("mean %g: want 0 within %g", mean, tol)
			}
			tol := 4 * test.variance * math.Sqrt((test.kurtosis-1)/n)
			if variance := sumsq/n - mean*mean; math.Abs(variance-test.variance) > tol {
				t.Errorf("variance %g: want %g within %g", variance, test.variance, tol)
			}
			if test.kurtosis == uniformKurtosis {
				// The largest of n draws misses the bound a by about a/n.
				bound := math.Sqrt(3 * test.variance)
				if largest > float64(float32(bound)) || largest < bound*(1-20/n) {
					t.Errorf("largest magnitude %g: want just below %g", largest, bound)
				}
			}
		})
	}
}

func TestConstants(t *testing.T) {
	got := []float32{1, 2, 3}
	if Zeros([]int{3}, got, nil); !slices.Equal(got, []float32{0, 0, 0}) {
		t.Errorf("Zeros: got %v", got)
	}
	if got := draw(t, 1, "b", []int{2, 2}, Constant(-1.5)); !slices.Equal(got, []float32{-1.5, -1.5, -1.5, -1.5}) {
		t.Errorf("Constant(-1.5): got %v", got)
	}
}

// TestScalarFans holds the scalar to fan_in = fan_out = 1, so |x| ≤ √3.
func TestScalarFans(t *testing.T) {
	var largest float64
	for seed := range uint64(1000) {
		largest = max(largest, math.Abs(float64(draw(t, seed, "s", nil, GlorotUniform)[0])))
	}
	if largest > math.Sqrt(3) || largest < 0.98*math.Sqrt(3) {
		t.Errorf("largest of 1000 scalars %g: want just below √3", largest)
	}
}
