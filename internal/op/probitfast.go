package op

import (
	"math"

	"relaxgo/internal/kernel"
)

// The float32 forms of the functions between normal and logistic variables: rational functions in place of erfc, its
// logarithm and its inverse. Each was fitted for the smallest relative error, which the comments state; rounding to
// float32 makes 6·10⁻⁸ of it.

// rational is (p₀ + … + p₆t⁶)/(1 + q₀t + … + q₅t⁶). All p and q that matter are positive, so that for t ≥ 0 nothing
// cancels.
type rational struct {
	p [7]float64
	q [6]float64
}

func (r *rational) at(t float64) float64 {
	p, q := &r.p, &r.q
	above := p[0] + t*(p[1]+t*(p[2]+t*(p[3]+t*(p[4]+t*(p[5]+t*p[6])))))
	below := 1 + t*(q[0]+t*(q[1]+t*(q[2]+t*(q[3]+t*(q[4]+t*q[5])))))
	return above / below
}

var (
	// logitPhi(x)/x in t = x² for |x| ≤ 6; error 7·10⁻¹¹.
	logitPhiFit = rational{
		p: [7]float64{1.5957691214950866, 0.28185730056601093, 0.028467872820785556, 0.0015536923070610155, 4.3067983995401483e-5, 3.549545960734694e-7, -4.3641923654000289e-10},
		q: [6]float64{0.1310879446560018, 0.011916209235980287, 0.0005024162114356964, 9.6572735424171273e-6, 2.0091224119110242e-8, -5.8092699018061632e-11},
	}
	// logitPhi1(x) in t = x² for |x| ≤ 6; error 8·10⁻¹⁰.
	logitPhi1Fit = rational{
		p: [7]float64{1.5957691203684939, 0.38973539332446224, 0.043817754384166434, 0.002915375891051205, 0.00012094935598255452, 2.8473720290219313e-6, 5.4111991692613852e-9},
		q: [6]float64{0.10761065097003261, 0.012988756372806657, 0.00053490529958592199, 2.2845165452813129e-5, 1.9317803818035782e-7, -6.8287050324160168e-12},
	}
	// 1/(x·mills(x)) in t = 1/x² for x ≥ 6; error 2·10⁻⁹.
	millsFit = rational{
		p: [7]float64{1.0000000015006605, 8.9593853722822111, 11.9989107704692},
		q: [6]float64{7.9593884496433932, 6.0385142121828773},
	}
	// normalQuantile(s)/s in t = s² for |s| ≤ logitPhi(6); error 7·10⁻⁹.
	normalQuantileFit = rational{
		p: [7]float64{0.6266570643623483, 0.096702510152558588, 0.0045945482890252941, 7.7652502026144765e-5, 4.320190444511293e-7, 6.3378224855649534e-10, 1.2812075428070507e-13},
		q: [6]float64{0.17219831451384861, 0.0094448007421249824, 0.00019204244426923282, 1.3563537889727122e-6, 2.764215090462729e-9, 1.0074571505734592e-12},
	}
)

// fitted is where the fits end, and fittedLogit what logitPhi is there.
const fitted, fittedLogit = 6, 20.736768948988118

// fastLogitPhi is logitPhi; beyond the fit Φ(−|x|), below 10⁻⁹, is φ(x)·mills(|x|), and 1 − Φ(−|x|) is 1.
func fastLogitPhi(x float64) float64 {
	a := math.Abs(x)
	if a <= fitted {
		return x * logitPhiFit.at(x*x)
	}
	const half = 0.91893853320467274 // ½ log 2π
	return math.Copysign(0.5*a*a+half+math.Log(a*millsFit.at(1/(a*a))), x)
}

// fastLogitPhi1 is logitPhi1; beyond the fit 1/mills(|x|) alone.
func fastLogitPhi1(x float64) float64 {
	a := math.Abs(x)
	if a <= fitted {
		return logitPhi1Fit.at(x * x)
	}
	return a * millsFit.at(1/(a*a))
}

// fastNormalQuantile is normalQuantile; beyond the fit Newton's method again, where the leading terms are within 0.2 %.
func fastNormalQuantile(s float64) float64 {
	a := math.Abs(s)
	if a <= fittedLogit {
		return s * normalQuantileFit.at(s*s)
	}
	x := math.Sqrt(2*a - math.Log(4*math.Pi*a))
	for range 2 {
		x -= (fastLogitPhi(x) - a) / fastLogitPhi1(x)
	}
	return math.Copysign(x, s)
}

// fastOnly makes float32 loops of scalar functions: of a function and of its derivatives.
func fastOnly(at ...func(float64) float64) func(int) func(dst, x []float32) {
	return func(k int) func(dst, x []float32) {
		if k >= len(at) {
			return nil
		}
		return func(dst, x []float32) {
			kernel.Parallel(len(x), fastGrain, func(lo, hi int) {
				for i, v := range x[lo:hi] {
					dst[lo+i] = float32(at[k](float64(v)))
				}
			})
		}
	}
}

// fastGrain is the number of fitted functions, some 5 ns each, that make a piece of work.
const fastGrain = 1 << 12
