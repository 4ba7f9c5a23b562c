package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// logTicks marks an axis of decimal logarithms at those of 1, 2 and 5 times the
// powers of ten, or of every power, or of every second one and so on: as many as
// there can be, but at most most of them. Between neighbouring powers there are
// marks without labels. An axis too short for that is marked at round numbers
// like a linear one. Labels are the numbers, not their logarithms. It implements
// plot.Ticker.
type logTicks struct{ most int }

// Ticks returns the marks from lo to hi, lo < hi.
func (t logTicks) Ticks(lo, hi float64) []plot.Tick {
	marks := t.numbers(math.Pow(10, lo), math.Pow(10, hi))
	for i := range marks {
		// A mark at the very end of the axis stays on it.
		marks[i].Value = min(max(math.Log10(marks[i].Value), lo), hi)
	}
	return marks
}

// numbers are the marks from lo to hi, 0 < lo < hi, at the numbers themselves.
func (t logTicks) numbers(lo, hi float64) []plot.Tick {
	const fewest = 3 // labels; fewer tell too little
	if marks := decimalMarks(lo, hi, 1, 1, 2, 5); len(marks) <= t.most {
		if len(marks) < fewest {
			return t.linear(lo, hi)
		}
		return marks
	}
	for every := 1; ; every++ {
		marks := decimalMarks(lo, hi, every, 1)
		if len(marks) > t.most {
			continue
		}
		if every == 1 {
			for _, minor := range decimalMarks(lo, hi, 1, 2, 3, 4, 5, 6, 7, 8, 9) {
				marks = append(marks, plot.Tick{Value: minor.Value})
			}
		}
		return marks
	}
}

// decimalMarks are the digits times the powers of ten whose exponents are
// multiples of every, from lo to hi.
func decimalMarks(lo, hi float64, every int, digits ...float64) []plot.Tick {
	const tolerance = 1e-12 // of lo and hi, which come from their logarithms
	var marks []plot.Tick
	first := int(math.Floor(math.Log10(lo)/float64(every))) * every
	for exponent := first; float64(exponent) <= math.Log10(hi)+1; exponent += every {
		for _, digit := range digits {
			v := decimal(digit, exponent)
			if v >= lo*(1-tolerance) && v <= hi*(1+tolerance) {
				marks = append(marks, plot.Tick{Value: v, Label: formatSignificant(v, 1)})
			}
		}
	}
	return marks
}

// linear marks a part of less than a decade or so with as many digits as its
// marks need.
func (t logTicks) linear(lo, hi float64) []plot.Tick {
	step, _ := ticks{most: t.most}.step(hi - lo)
	marks := ticks{most: t.most}.Ticks(lo, hi)
	digits := 1 + int(math.Floor(math.Log10(hi)+1e-9)) - int(math.Floor(math.Log10(step)+1e-9))
	for i := range marks {
		marks[i].Label = formatSignificant(marks[i].Value, digits)
	}
	return marks
}

// formatSignificant writes v with that many digits: 0.00123, 12300, −1.23e−7, 0.
func formatSignificant(v float64, digits int) string {
	switch {
	case v == 0:
		return "0"
	case v < 0:
		return "−" + formatSignificant(-v, digits)
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(v, 'e', digits-1, 64), "e")
	e, _ := strconv.Atoi(exponent) // what FormatFloat writes is a number
	if e >= -3 && e < 5 {
		rounded, _ := strconv.ParseFloat(mantissa+"e"+exponent, 64)
		return strconv.FormatFloat(rounded, 'f', max(0, digits-1-e), 64)
	}
	if e < 0 {
		return mantissa + "e−" + strconv.Itoa(-e)
	}
	return mantissa + "e" + strconv.Itoa(e)
}
