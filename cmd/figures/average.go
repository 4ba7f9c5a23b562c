package main

import (
	"math"
	"strconv"
	"strings"
)

// average is a Monte Carlo mean with its standard error.
type average struct{ value, stdErr float64 }

// averageOf is the mean of independent values.
func averageOf(values []float64) average {
	n := float64(len(values))
	var mean, squares float64
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		squares += (v - mean) * (v - mean)
	}
	return average{mean, math.Sqrt(squares / (n - 1) / n)}
}

// z is how many standard errors the average is from what it estimates.
func (e average) z(exact float64) float64 { return (e.value - exact) / e.stdErr }

// String is value ± standard error, to two digits of the error, but 9 decimals at most.
func (e average) String() string {
	places := 2
	for unit := 0.1; places < 9 && e.stdErr < unit; places++ {
		unit /= 10
	}
	return decimals(e.value, places) + " ± " + decimals(e.stdErr, places)
}

// decimals is v with n decimals and a true minus sign.
func decimals(v float64, n int) string {
	s := strconv.FormatFloat(v, 'f', n, 64)
	if unsigned, negative := strings.CutPrefix(s, "-"); negative {
		if strings.Trim(unsigned, "0.") == "" {
			return unsigned
		}
		return "−" + unsigned
	}
	return s
}

// grouped is n with its thousands apart.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}
