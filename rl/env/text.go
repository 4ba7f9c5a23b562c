package env

import "strings"

// Foreground colours of ANSI terminals.
const (
	ansiYellow = "33"
	ansiBlue   = "34"
	ansiCyan   = "36"
	ansiGray   = "90"
)

// ansi wraps a text in an escape sequence for an attribute code.
func ansi(code, text string) string { return "\x1b[" + code + "m" + text + "\x1b[0m" }

// textCanvas draws on a terminal with braille characters, each of which has 2 × 4 dots and one colour.
type textCanvas struct {
	columns, rows int
	dots          []byte
	colours       []string
}

func newTextCanvas(columns, rows int) *textCanvas {
	return &textCanvas{columns, rows, make([]byte, columns*rows), make([]string, columns*rows)}
}

// braille holds the bit of a dot within its character by row and column (Unicode block 2800).
var braille = [4][2]byte{{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}}

// line sets the dots from one point to another, in dots from the upper left corner; what lies outside is left out.
func (t *textCanvas) line(x0, y0, x1, y1 float64, colour string) {
	steps := max(1, int(2*max(abs(x1-x0), abs(y1-y0))))
	for i := range steps + 1 {
		at := float64(i) / float64(steps)
		x, y := int(x0+(x1-x0)*at+0.5), int(y0+(y1-y0)*at+0.5)
		if x < 0 || y < 0 || x >= 2*t.columns || y >= 4*t.rows {
			continue
		}
		cell := y/4*t.columns + x/2
		t.dots[cell] |= braille[y%4][x%2]
		t.colours[cell] = colour
	}
}

func abs(x float64) float64 { return max(x, -x) }

// String returns the rows, neighbours of one colour under one escape sequence, without blanks at their ends.
func (t *textCanvas) String() string {
	var b strings.Builder
	for row := range t.rows {
		dots, colours := t.dots[row*t.columns:][:t.columns], t.colours[row*t.columns:][:t.columns]
		end := t.columns
		for end > 0 && dots[end-1] == 0 {
			end--
		}
		for i := 0; i < end; {
			if dots[i] == 0 {
				b.WriteByte(' ')
				i++
				continue
			}
			var run strings.Builder
			for start := i; i < end && dots[i] != 0 && colours[i] == colours[start]; i++ {
				run.WriteRune(0x2800 + rune(dots[i]))
			}
			b.WriteString(ansi(colours[i-1], run.String()))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
