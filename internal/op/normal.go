package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

var logNormalCDFFunction = function{
	name: "lognormalcdf",
	at:   derivatives(logPhi, inverseMills, inverseMills1, inverseMills2),
}

// LogNormalCDF is log Φ(x), element by element, for the standard normal distribution function Φ; finite and
// accurate in both tails (Φ itself is 0 in float32 below −14). Differentiable three times.
func LogNormalCDF(x *G.Node) (*G.Node, error) { return logNormalCDFFunction.node(x) }

// logPhi is log Φ(x). Far on the left, where Φ underflows, it is written with Mills' ratio.
func logPhi(x float64) float64 {
	switch {
	case x >= 0:
		return math.Log1p(-0.5 * math.Erfc(x/math.Sqrt2))
	case x > -5:
		return math.Log(0.5 * math.Erfc(-x/math.Sqrt2))
	}
	return -0.5*x*x - 0.5*math.Log(2*math.Pi) + math.Log(mills(-x))
}

// mills is Mills' ratio (1 − Φ(x))/φ(x) for x ≥ 5 by Laplace's continued fraction 1/(x + 1/(x + 2/(x + …)));
// 40 terms are exact to double precision there.
func mills(x float64) float64 {
	f := x
	for k := 40; k > 0; k-- {
		f = x + float64(k)/f
	}
	return 1 / f
}

// millsResidual is m − x for m = 1/mills(x): the fraction 1/(x + 2/(x + …)) without its leading x, so that
// nothing cancels.
func millsResidual(x float64) float64 {
	f := x
	for k := 40; k > 1; k-- {
		f = x + float64(k)/f
	}
	return 1 / f
}

// inverseMills is the derivative m(x) = φ(x)/Φ(x) of log Φ.
func inverseMills(x float64) float64 {
	if x > -5 {
		return math.Exp(-0.5*x*x-logPhi(x)) / math.Sqrt(2*math.Pi)
	}
	return 1 / mills(-x)
}

// shiftedMills is x + m(x), which tends to 1/|x| on the left, where its two terms cancel.
func shiftedMills(x float64) float64 {
	if x > -5 {
		return x + inverseMills(x)
	}
	return millsResidual(-x)
}

// inverseMills1 is m′ = −m(x+m), between −1 and 0.
func inverseMills1(x float64) float64 { return -inverseMills(x) * shiftedMills(x) }

// inverseMills2 is m″ = −m′(x+m) − m(1+m′).
func inverseMills2(x float64) float64 {
	m1 := inverseMills1(x)
	return -m1*shiftedMills(x) - inverseMills(x)*(1+m1)
}
