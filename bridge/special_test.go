package bridge

import (
	"math"
	"testing"
)

func TestDigammaAndTrigamma(t *testing.T) {
	// mpmath 1.3, 40 digits.
	for _, c := range []struct{ x, psi, psi1 float64 }{
		{1e-50, -1e50, 1e100},
		{1e-6, -1000000.57721402, 1000000000001.6449},
		{0.3, -3.502524222200133, 12.24536454610773},
		{1, -0.57721566490153286, 1.6449340668482264},
		{1.4616321449683623, 0, 0.96767224544762121},
		{2, 0.42278433509846714, 0.64493406684822644},
		{7.5, 1.9467574842460868, 0.1426158966967038},
		{10, 2.2517525890667211, 0.10516633568168575},
		{123.456, 4.8118293238289854, 0.008132945834278198},
		{1e9, 20.723265836446411, 1.0000000005e-9},
	} {
		near(t, "ψ", digamma(c.x), c.psi, 1e-15)
		near(t, "ψ′/want", trigamma(c.x)/c.psi1, 1, 1e-14)
		// The error of y is about 1e-16·max(1, |y|), and dx/dy = 1/ψ′(x).
		tolerance := 4e-15 * math.Max(1, math.Abs(c.psi)) / c.psi1 / c.x
		near(t, "ψ⁻¹/x", inverseDigamma(digamma(c.x))/c.x, 1, math.Max(tolerance, 4e-15))
	}
}
