package plots

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestQuantile(t *testing.T) {
	for _, test := range []struct {
		q, want float64
	}{{0, 10}, {0.25, 20}, {0.3, 22}, {0.5, 30}, {1, 50}} {
		if got := quantile([]float64{10, 20, 30, 40, 50}, test.q); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("the %v quantile is %v, want %v", test.q, got, test.want)
		}
	}
	if got := quantile([]float64{7}, 0.975); got != 7 {
		t.Errorf("the quantile of one value is %v, want 7", got)
	}
}

// Of two curves, each draw is twice the lower, twice the upper or both, with
// shares 1/4, 1/4 and 1/2, so that the band goes from one to the other.
func TestMeanBandOfTwo(t *testing.T) {
	b := meanBand([][]float64{{1, 5, -2}, {3, 5, -6}})
	for _, test := range []struct {
		what      string
		got, want []float64
	}{{"mean", b.mean, []float64{2, 5, -4}}, {"low", b.low, []float64{1, 5, -6}}, {"high", b.high, []float64{3, 5, -2}}} {
		if !slices.Equal(test.got, test.want) {
			t.Errorf("%s: %v, want %v", test.what, test.got, test.want)
		}
	}
}

func TestMeanBandOfOne(t *testing.T) {
	if b := meanBand([][]float64{{1, 5}}); !slices.Equal(b.mean, []float64{1, 5}) || b.low != nil || b.high != nil {
		t.Errorf("%v, want the curve and no band", b)
	}
}

// Of three curves at 0, 0 and 1, the mean of a draw is k/3 with k binomial of
// three tries and chance 1/3: more than 2.5 % are 1 (1/27), less than 2.5 % not
// below 0.
func TestMeanBandOfThree(t *testing.T) {
	b := meanBand([][]float64{{0}, {0}, {1}})
	if b.low[0] != 0 || b.high[0] != 1 {
		t.Errorf("from %v to %v, want 0 to 1", b.low[0], b.high[0])
	}
	// Of four at 0, 0, 0 and 1, 1/256 are 1 and 13/256 3/4 or more.
	b = meanBand([][]float64{{0}, {0}, {0}, {1}})
	if b.low[0] != 0 || b.high[0] != 0.75 {
		t.Errorf("from %v to %v, want 0 to 0.75", b.low[0], b.high[0])
	}
}

// The band of normal means is about ±1.96 σ/√n wide with the σ of the sample,
// which divides by n: the limit of the bootstrap for many curves.
func TestMeanBandOfMany(t *testing.T) {
	const n, points = 60, 40
	rng := rand.New(rand.NewPCG(7, 0))
	curves := make([][]float64, n)
	for i := range curves {
		for range points {
			curves[i] = append(curves[i], 3+2*rng.NormFloat64())
		}
	}
	b := meanBand(curves)
	ratio := 0.0
	for k := range points {
		square := 0.0
		for _, c := range curves {
			square += (c[k] - b.mean[k]) * (c[k] - b.mean[k])
		}
		ratio += (b.high[k] - b.low[k]) / (2 * 1.96 * math.Sqrt(square/n) / math.Sqrt(n)) / points
	}
	// An end of one band has a standard error of 2.3 % of the width from 2000
	// draws; their mean, over points that share draws, at most that.
	if math.Abs(ratio-1) > 0.05 {
		t.Errorf("bands are %v times as wide as normal ones, want 1 ± 0.05", ratio)
	}
}

// What the documentation says about few seeds.
func TestMeanBandCoverage(t *testing.T) {
	const n, points = 5, 2000
	rng := rand.New(rand.NewPCG(8, 0))
	curves := make([][]float64, n)
	for i := range curves {
		for range points {
			curves[i] = append(curves[i], rng.NormFloat64())
		}
	}
	b := meanBand(curves)
	held := 0.0
	for k := range points {
		if b.low[k] <= 0 && 0 <= b.high[k] {
			held++
		}
	}
	// The standard error of a share near 0.84 is √(0.84·0.16/2000) = 0.008.
	if share := held / points; math.Abs(share-0.84) > 0.03 {
		t.Errorf("bands of %d curves hold the mean in %v of all cases, want 0.84 ± 0.03", n, share)
	}
}

// Moved and stretched curves have a moved and stretched band; equal ones have
// none to see.
func TestMeanBandProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 0))
	for _, n := range []int{2, 3, 7} {
		curves, moved, equal := make([][]float64, n), make([][]float64, n), make([][]float64, n)
		for i := range curves {
			curves[i] = []float64{rng.NormFloat64(), rng.ExpFloat64()}
			moved[i] = []float64{5 + 3*curves[i][0], 5 + 3*curves[i][1]}
			equal[i] = []float64{4, -4}
		}
		b, m, e := meanBand(curves), meanBand(moved), meanBand(equal)
		for k := range b.mean {
			for _, pair := range [][2]float64{{b.mean[k], m.mean[k]}, {b.low[k], m.low[k]}, {b.high[k], m.high[k]}} {
				if math.Abs(5+3*pair[0]-pair[1]) > 1e-12 {
					t.Errorf("n = %d: %v became %v", n, pair[0], pair[1])
				}
			}
			if !(b.low[k] < b.mean[k] && b.mean[k] < b.high[k]) || e.low[k] != e.mean[k] || e.high[k] != e.mean[k] {
				t.Errorf("n = %d: bands %v and %v", n, b, e)
			}
		}
	}
}
