package optim

import (
	"fmt"
	"math"
)

// Names of the running averages in a saved state.
const (
	firstMoment  = "m" // of g
	secondMoment = "v" // of g²
	momentum     = "momentum"
)

// checker turns settings into the float32 numbers a rule computes with,
// filling in defaults and keeping the first mistake. All conditions hold for
// the rounded number: 0.99999999 is 1 in float32.
type checker struct{ err error }

// fraction is a number in [0, 1).
func (c *checker) fraction(field string, x, preset float64) float32 {
	if x == 0 {
		x = preset
	}
	return c.check(field, x, float32(x) >= 0 && float32(x) < 1, "0 ≤ x < 1 in float32")
}

// positive is a finite number above 0.
func (c *checker) positive(field string, x, preset float64) float32 {
	if x == 0 {
		x = preset
	}
	return c.check(field, x, float32(x) > 0 && x <= math.MaxFloat32, "a finite number above 0 in float32")
}

// nonNegative is a finite number that is at least 0.
func (c *checker) nonNegative(field string, x float64) float32 {
	return c.check(field, x, x >= 0 && x <= math.MaxFloat32, "a finite number ≥ 0")
}

func (c *checker) check(field string, x float64, ok bool, want string) float32 {
	if !ok && c.err == nil {
		c.err = fmt.Errorf("%s = %v: want %s", field, x, want)
	}
	return float32(x)
}

// stepper returns the optimiser called name if all settings were right.
func (c *checker) stepper(name string, r rule, maxNorm float64, moments ...string) (Optimizer, error) {
	if !(maxNorm >= 0) || math.IsInf(maxNorm, 1) {
		c.check("MaxNorm", maxNorm, false, "a finite number ≥ 0, where 0 means no clipping")
	}
	if c.err != nil {
		return nil, fmt.Errorf("optim: %s: %w", name, c.err)
	}
	return newStepper(r, maxNorm, moments...), nil
}
