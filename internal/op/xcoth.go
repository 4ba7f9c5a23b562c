package op

import (
	"math"

	G "gorgonia.org/gorgonia"
)

var xCothM1Function = function{name: "xcothm1", at: derivatives(xCothM1, xCoth1, xCoth2)}

// XCothM1 is x·coth(x) − 1, element by element: even, x²/3 near zero, |x| − 1 far away. The divergence between two
// logistic distributions is made of it. Differentiable twice.
func XCothM1(x *G.Node) (*G.Node, error) { return xCothM1Function.node(x) }

// Below series the Taylor polynomial is used: x coth x − 1 = x²/3 − x⁴/45 + 2x⁶/945 − x⁸/4725 + 2x¹⁰/93555 − …
const series = 0.1

func xCothM1(x float64) float64 {
	if math.Abs(x) < series {
		s := x * x
		return s * (1./3 + s*(-1./45+s*(2./945+s*(-1./4725+s*2./93555))))
	}
	return x/math.Tanh(x) - 1
}

// xCoth1 is coth x − x/sinh²x.
func xCoth1(x float64) float64 {
	if math.Abs(x) < series {
		s := x * x
		return x * (2./3 + s*(-4./45+s*(12./945+s*(-8./4725+s*20./93555))))
	}
	return 1/math.Tanh(x) - x*csch2(x)
}

// xCoth2 is 2(x coth x − 1)/sinh²x.
func xCoth2(x float64) float64 {
	if math.Abs(x) < series {
		s := x * x
		return 2./3 + s*(-12./45+s*(60./945+s*(-56./4725+s*180./93555)))
	}
	return 2 * xCothM1(x) * csch2(x)
}

// csch2 is 1/sinh²x without overflow.
func csch2(x float64) float64 {
	e := math.Exp(-2 * math.Abs(x))
	d := -math.Expm1(-2 * math.Abs(x))
	return 4 * e / (d * d)
}
