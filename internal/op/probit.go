package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

var logitNormalCDFFunction = function{
	name: "logitnormalcdf",
	at:   derivatives(logitPhi, logitPhi1, logitPhi2),
	fast: fastOnly(fastLogitPhi, fastLogitPhi1),
}

// LogitNormalCDF is logit Φ(x) = log Φ(x) − log Φ(−x), element by element: it makes a logistic variable of a standard
// normal one. Accurate in both tails, where Φ itself has rounded to 0 or 1. Differentiable twice.
func LogitNormalCDF(x *G.Node) (*G.Node, error) { return logitNormalCDFFunction.node(x) }

var normalQuantileFunction = function{
	name: "normalquantile",
	at:   derivatives(normalQuantile, normalQuantile1, normalQuantile2),
	fast: fastOnly(fastNormalQuantile, func(s float64) float64 { return 1 / fastLogitPhi1(fastNormalQuantile(s)) }),
}

// NormalQuantile is Φ⁻¹(σ(s)), element by element: the normal quantile of the probability whose logit is s, and the
// inverse of LogitNormalCDF. Accurate in both tails. Differentiable twice.
func NormalQuantile(s *G.Node) (*G.Node, error) { return normalQuantileFunction.node(s) }

// bulk is where the smaller of Φ(x) and Φ(−x) is a number large enough to divide by; beyond it they are logarithms.
const bulk = 5

// logitPhi is odd. Near zero, where the logarithms of Φ(x) and Φ(−x) cancel, it is 2 artanh(2Φ(x) − 1).
func logitPhi(x float64) float64 {
	a := math.Abs(x)
	switch {
	case a < 1:
		return 2 * math.Atanh(math.Erf(x/math.Sqrt2))
	case a < bulk:
		q := 0.5 * math.Erfc(a/math.Sqrt2)
		return math.Copysign(math.Log((1-q)/q), x)
	}
	return math.Copysign(logPhi(a)-logPhi(-a), x)
}

// logitPhi1 is m(x) + m(−x) = φ(x)/(Φ(x)Φ(−x)) for m = φ/Φ.
func logitPhi1(x float64) float64 {
	if a := math.Abs(x); a < bulk {
		q := 0.5 * math.Erfc(a/math.Sqrt2)
		return math.Exp(-0.5*x*x) / (math.Sqrt(2*math.Pi) * q * (1 - q))
	}
	return inverseMills(x) + inverseMills(-x)
}

func logitPhi2(x float64) float64 { return inverseMills1(x) - inverseMills1(-x) }

// normalQuantile solves logitPhi(x) = s. In the bulk 2Φ(x) − 1 = erf(x/√2) and 2σ(s) − 1 = tanh(s/2). In the tails, where
// tanh has lost digits, it is Newton's method from the leading terms of logitPhi, ½x² + ½ log 2πx²; they are within 4 % of
// the root, and each step squares the error.
func normalQuantile(s float64) float64 {
	a := math.Abs(s)
	if a < 4 {
		return math.Sqrt2 * math.Erfinv(math.Tanh(s/2))
	}
	x := math.Sqrt(2*a - math.Log(4*math.Pi*a))
	for range 4 {
		x -= (logitPhi(x) - a) / logitPhi1(x)
	}
	return math.Copysign(x, s)
}

func normalQuantile1(s float64) float64 { return 1 / logitPhi1(normalQuantile(s)) }

func normalQuantile2(s float64) float64 {
	x := normalQuantile(s)
	return -logitPhi2(x) / math.Pow(logitPhi1(x), 3)
}
