package plots

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Constants of the bootstrap.
const (
	bootstrapSeed   = 1
	bootstrapDraws  = 2000
	bootstrapMissed = 0.05 // share of the draws outside the band
)

// band is the mean of several curves over the same points, and the ends of a
// band around it.
type band struct{ mean, low, high []float64 }

// meanBand is the mean of at least one curve and, of at least two, its
// percentile bootstrap band: curves are drawn with replacement as often as there
// are curves, whole ones, so that the band is as smooth as they are; low and
// high are the 2.5 and 97.5 % quantiles of the means of such draws, point by
// point (B. Efron and R. Tibshirani, "An Introduction to the Bootstrap", 1993,
// §13.3). Equal input gives an equal band.
//
// Of few curves the band is too narrow: of five normal ones it holds the true
// mean in about 84 cases of 100, of ten in 90.
func meanBand(curves [][]float64) band {
	points, n := len(curves[0]), len(curves)
	b := band{mean: make([]float64, points)}
	for i := range points {
		for _, curve := range curves {
			b.mean[i] += curve[i]
		}
		b.mean[i] /= float64(n)
	}
	if n == 1 {
		return b
	}

	rng := rand.New(rand.NewPCG(bootstrapSeed, 0))
	counts := make([][]float64, bootstrapDraws) // how often each curve was drawn
	for k := range counts {
		counts[k] = make([]float64, n)
		for range n {
			counts[k][rng.IntN(n)]++
		}
	}
	means := make([]float64, bootstrapDraws)
	for i := range points {
		for k, times := range counts {
			sum := 0.0
			for j, curve := range curves {
				sum += times[j] * curve[i]
			}
			means[k] = sum / float64(n)
		}
		slices.Sort(means)
		b.low = append(b.low, quantile(means, bootstrapMissed/2))
		b.high = append(b.high, quantile(means, 1-bootstrapMissed/2))
	}
	return b
}

// quantile is that of ascending values, linear between them.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	below := int(math.Floor(at))
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (at-float64(below))*(sorted[above]-sorted[below])
}
