package plots

import (
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
)

// ticks marks an axis at multiples of 1, 2 or 5 times a power of ten: as many as
// there can be, but at most most of them. It implements plot.Ticker.
type ticks struct {
	most  int
	whole bool // whole numbers only
}

// Ticks returns the marks from lo to hi, lo < hi.
func (t ticks) Ticks(lo, hi float64) []plot.Tick {
	step, decimals := t.step(hi - lo)
	var marks []plot.Tick
	for k := math.Ceil(lo / step); k*step <= hi && len(marks) < t.most; k++ {
		marks = append(marks, plot.Tick{Value: k * step, Label: formatNumber(k*step, decimals)})
	}
	return marks
}

// step is the distance of marks on an axis of that length, and how many
// decimals it has.
func (t ticks) step(length float64) (step float64, decimals int) {
	exponent := int(math.Floor(math.Log10(length / float64(t.most))))
	if t.whole {
		exponent = max(0, exponent)
	}
	for ; ; exponent++ {
		for _, digit := range []float64{1, 2, 5} {
			step = decimal(digit, exponent)
			if length/step <= float64(t.most-1) {
				return step, max(0, -exponent)
			}
		}
	}
}

// formatNumber writes v with that many decimals and a true minus sign.
func formatNumber(v float64, decimals int) string {
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if math.Abs(v) >= 1e9 {
		s = strconv.FormatFloat(v, 'g', 6, 64)
	}
	if unsigned, ok := strings.CutPrefix(s, "-"); ok {
		if strings.Trim(unsigned, "0.") == "" {
			return unsigned
		}
		return "−" + unsigned
	}
	return s
}

// fixed formats numbers with that many decimals.
func fixed(decimals int) func(float64) string {
	return func(v float64) string { return formatNumber(v, decimals) }
}

// formatShortest writes v with as many digits as it takes to read it back.
func formatShortest(v float64) string {
	return strings.NewReplacer("e-0", "e−", "e+", "e", "-", "−").Replace(strconv.FormatFloat(v, 'g', -1, 64))
}

// formatCount writes n with its thousands apart.
func formatCount(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

// decimal is the float64 next to digit·10^exponent.
func decimal(digit float64, exponent int) float64 {
	if exponent < 0 {
		return digit / math.Pow10(-exponent)
	}
	return digit * math.Pow10(exponent)
}
