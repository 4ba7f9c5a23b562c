package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

var logitNormalCDFFunction = function{
	name: "logitnormalcdf",
	at:   derivatives(logitPhi, logitPhi1, logitPhi2),
}

// LogitNormalCDF is logit Φ(x) = log Φ(x) − log Φ(−x), element by element: it makes a logistic variable of a standard
// normal one. Accurate in both tails, where Φ itself has rounded to 0 or 1. Differentiable twice.
func LogitNormalCDF(x *G.Node) (*G.Node, error) { return logitNormalCDFFunction.node(x) }

var normalQuantileFunction = function{
	name: "normalquantile",
	at:   derivatives(normalQuantile, normalQuantile1, normalQuantile2),
}

// NormalQuantile is Φ⁻¹(σ(s)), element by element: the normal quantile of the probability whose logit is s, and the
// inverse of LogitNormalCDF. Accurate in both tails. Differentiable twice.
func NormalQuantile(s *G.Node) (*G.Node, error) { return normalQuantileFunction.node(s) }

// logitPhi is odd. Near zero, where the two logarithms cancel, it is written as 2 artanh(2Φ(x) − 1).
func logitPhi(x float64) float64 {
	a := math.Abs(x)
	if a < 1 {
		return 2 * math.Atanh(math.Erf(x/math.Sqrt2))
	}
	return math.Copysign(logPhi(a)-logPhi(-a), x)
}

// logitPhi1 is m(x) + m(−x) for m = φ/Φ.
func logitPhi1(x float64) float64 { return inverseMills(x) + inverseMills(-x) }

func logitPhi2(x float64) float64 { return inverseMills1(x) - inverseMills1(-x) }

// normalQuantile inverts logitPhi by Newton's method. On the positive axis logitPhi is convex and lies above both
// √(8/π)·x, its tangent at zero, and x²/2, because Φ(−x) ≤ ½ exp(−x²/2); the start is therefore not below the root, and
// the steps fall towards it without overshooting.
func normalQuantile(s float64) float64 {
	a := math.Abs(s)
	x := math.Min(a*math.Sqrt(math.Pi/8), math.Sqrt(2*a))
	for range 20 { // 7 are enough
		step := (logitPhi(x) - a) / logitPhi1(x)
		x -= step
		if math.Abs(step) <= 1e-9*x { // convergence is quadratic: what is left is below rounding
			break
		}
	}
	return math.Copysign(x, s)
}

func normalQuantile1(s float64) float64 { return 1 / logitPhi1(normalQuantile(s)) }

func normalQuantile2(s float64) float64 {
	x := normalQuantile(s)
	return -logitPhi2(x) / math.Pow(logitPhi1(x), 3)
}
