package plots

import (
	"fmt"
	"image/color"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// checkText returns an error if text cannot stand in a figure: SVG, like all
// XML, has no control characters. Line breaks and tabs are the exceptions.
func checkText(what, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("the %s is not UTF-8: %q", what, text)
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || r == '\ufffe' || r == '\uffff' {
			return fmt.Errorf("the %s holds the control character %U: %q", what, r, text)
		}
	}
	return nil
}

// wrap breaks text into lines that are at most width wide, between words where
// it can, within a word that is wider than that. Line breaks in text are kept,
// other than those at its end.
func wrap(f font.Face, text string, width vg.Length) []string {
	text = strings.TrimRight(text, " \t\n")
	if text == "" {
		return nil
	}
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		line := ""
		for word := range strings.FieldsFuncSeq(paragraph, isBlank) {
			joined := word
			if line != "" {
				joined = line + " " + word
			}
			if f.Width(joined) <= width {
				line = joined
				continue
			}
			if line != "" {
				lines = append(lines, line)
			}
			for n := fitting(f, word, width); n < len(word); n = fitting(f, word, width) {
				lines = append(lines, word[:n])
				word = word[n:]
			}
			line = word
		}
		lines = append(lines, line)
	}
	return lines
}

// isBlank tells whether lines may be broken at r. No-break spaces are not blank.
func isBlank(r rune) bool { return r == ' ' || r == '\t' }

// fitting is the length in bytes of the longest start of word that is at most
// width wide, but at least one character.
func fitting(f font.Face, word string, width vg.Length) int {
	n := 0
	for i, r := range word {
		end := i + utf8.RuneLen(r)
		if n > 0 && f.Width(word[:end]) > width {
			break
		}
		n = end
	}
	return n
}

// Places of a text relative to the point that it is drawn at.
const (
	leftAligned  = 0
	centred      = -0.5
	rightAligned = -1
)

// drawText writes one line whose digits and capitals are centred on the height
// of pt, and returns its width. Nothing is drawn of no text. Align is the shift in widths of the text.
func drawText(c draw.Canvas, f font.Face, clr color.Color, pt vg.Point, align vg.Length, text string) vg.Length {
	const capHeight = 0.716 // of Liberation Sans, in its size
	if text == "" {
		return 0
	}
	width := f.Width(text)
	c.SetColor(clr)
	c.FillString(f, vg.Point{X: pt.X + align*width, Y: pt.Y - capHeight/2*f.Font.Size}, text)
	return width
}

// drawUpright writes one line from below upwards, centred on pt.
func drawUpright(c draw.Canvas, f font.Face, clr color.Color, pt vg.Point, text string) {
	c.Push()
	c.Rotate(math.Pi / 2)
	drawText(c, f, clr, vg.Point{X: pt.Y, Y: -pt.X}, centred, text)
	c.Pop()
}
