package op

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"
)

// Clamp is min(max(x, lo), hi), element by element. Its derivative is 1 on [lo, hi], the ends included, and 0
// outside; further derivatives are 0.
func Clamp(x *G.Node, lo, hi float64) (*G.Node, error) {
	if !(lo < hi) {
		return nil, fmt.Errorf("op: clamp to [%g, %g]: the lower end must lie below the upper", lo, hi)
	}
	f := function{
		name: fmt.Sprintf("clamp[%g,%g]", lo, hi),
		at: thenZero(
			func(x float64) float64 { return math.Min(math.Max(x, lo), hi) },
			func(x float64) float64 {
				if x < lo || x > hi {
					return 0
				}
				return 1
			},
		),
	}
	return f.node(x)
}
