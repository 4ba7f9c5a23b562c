package plots

import (
	"fmt"
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sequential is the colour of t from 0, pale yellow, to 1, dark blue. Equal
// steps of t are equal steps of lightness in Oklab, so that order and distance
// can be seen in grey and under colour blindness as well; the hue turns from
// yellow over green to blue on the way, the arc on which the common forms of
// colour blindness confuse least.
func sequential(t float64) color.RGBA {
	const (
		lightest, darkest = 0.975, 0.27
		yellow, blue      = 105.0, 268.0 // degrees
	)
	hue := (yellow + (blue-yellow)*t) * math.Pi / 180
	chroma := 0.05 + 0.012*t + 0.029*math.Sin(math.Pi*t) // within sRGB all the way
	return oklab(lightest+(darkest-lightest)*t, chroma*math.Cos(hue), chroma*math.Sin(hue))
}

// oklab is the sRGB colour of lightness l and the opponent coordinates a and b:
// B. Ottosson, "A perceptual color space for image processing" (2020),
// https://bottosson.github.io/posts/oklab/.
func oklab(l, a, b float64) color.RGBA {
	cube := func(x float64) float64 { return x * x * x }
	long := cube(l + 0.3963377774*a + 0.2158037573*b)
	middle := cube(l - 0.1055613458*a - 0.0638541728*b)
	short := cube(l - 0.0894841775*a - 1.2914855480*b)
	return color.RGBA{
		R: encoded(4.0767416621*long - 3.3077115913*middle + 0.2309699292*short),
		G: encoded(-1.2684380046*long + 2.6097574011*middle - 0.3413193965*short),
		B: encoded(-0.0041960863*long - 0.7034186147*middle + 1.7076147010*short),
		A: 255,
	}
}

// encoded is the byte of a linear share of light, cut to 0 to 1.
func encoded(linear float64) uint8 {
	v := min(1, max(0, linear))
	if v <= 0.0031308 {
		v *= 12.92
	} else {
		v = 1.055*math.Pow(v, 1/2.4) - 0.055
	}
	return uint8(math.Round(255 * v))
}

// colourScale gives colours to numbers from low to high, low < high, or to their
// decimal logarithms.
type colourScale struct {
	low, high float64 // logarithms if log is true
	log       bool
}

// share is where v lies between the ends of the scale, from 0 to 1.
func (s colourScale) share(v float64) float64 {
	if s.log {
		v = math.Log10(v)
	}
	return min(1, max(0, (v-s.low)/(s.high-s.low)))
}

func (s colourScale) colour(v float64) color.RGBA { return sequential(s.share(v)) }

// over is the colour of text and lines over the colour of v.
func (s colourScale) over(v float64) color.Color {
	const equal = 0.54 // share at which black and white stand out as much
	if s.share(v) > equal {
		return color.White
	}
	return ink
}

// ticks are the marks of the scale; those of logarithms stand at them.
func (s colourScale) ticks() []plot.Tick {
	const most = 7
	if s.log {
		return logTicks{most}.Ticks(s.low, s.high)
	}
	return ticks{most: most}.Ticks(s.low, s.high)
}

// newColourScale spans values that are finite and, for logarithms, above 0.
func newColourScale(values []float64, log bool) (colourScale, error) {
	s := colourScale{math.Inf(1), math.Inf(-1), log}
	for _, v := range values {
		switch {
		case !(math.Abs(v) <= maxNumber):
			return s, fmt.Errorf("the value %v must be finite, within ±%g", v, maxNumber)
		case log && v < minLogY:
			return s, fmt.Errorf("the value %v has no place on a logarithmic scale, which begins above 0, at %g", v, minLogY)
		case log:
			v = math.Log10(v)
		}
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	// Equal values have the colour of the middle, and marks can tell neighbours.
	least := max(1e-3*max(math.Abs(s.low), math.Abs(s.high)), 1e-6)
	if short := least - (s.high - s.low); short > 0 {
		s.low, s.high = s.low-short/2, s.high+short/2
	}
	return s, nil
}

// Sizes of a colour bar.
const (
	barWidth = 16 * px
	barGap   = 20 * px // between the pictures and the bar
	barTick  = 5 * px
)

// colourBar is a scale with its marks and what they are numbers of.
type colourBar struct {
	colourScale
	label []string // lines
}

func newColourBar(s colourScale, label string, height vg.Length) colourBar {
	return colourBar{s, wrap(labelFace, label, height)}
}

func (b colourBar) numbersWidth() vg.Length {
	widest := vg.Length(0)
	for _, mark := range b.ticks() {
		widest = max(widest, noteFace.Width(mark.Label))
	}
	return widest
}

// width is that of the bar, its marks and its label.
func (b colourBar) width() vg.Length {
	return wholePixels(barGap + barWidth + 2*barTick + b.numbersWidth() + 6*px + captionLead*vg.Length(len(b.label)))
}

// draw draws the bar into the left part of c, over all its height.
func (b colourBar) draw(c draw.Canvas) {
	const colours = 256
	gradient := image.NewRGBA(image.Rect(0, 0, 1, colours))
	for i := range colours {
		gradient.SetRGBA(0, i, sequential(1-float64(i)/(colours-1)))
	}
	bar := vg.Rectangle{Min: vg.Point{X: c.Min.X + barGap, Y: c.Min.Y}, Max: vg.Point{X: c.Min.X + barGap + barWidth, Y: c.Max.Y}}
	c.DrawImage(bar, gradient)
	c.StrokeLines(frameStyle, closed(corners(bar)...))
	for _, mark := range b.ticks() {
		y := bar.Min.Y + vg.Length((mark.Value-b.low)/(b.high-b.low))*bar.Size().Y
		length := barTick
		if mark.IsMinor() {
			length /= 2
		}
		c.StrokeLine2(frameStyle, bar.Max.X, y, bar.Max.X+length, y)
		drawText(c, noteFace, faint, vg.Point{X: bar.Max.X + 2*barTick, Y: y}, leftAligned, mark.Label)
	}
	x := bar.Max.X + 2*barTick + b.numbersWidth() + 6*px
	for i, line := range b.label {
		drawUpright(c, labelFace, ink, vg.Point{X: x + (vg.Length(i)+0.5)*captionLead, Y: c.Center().Y}, line)
	}
}

// corners are the four of r.
func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}

// closed leads back to the first point.
func closed(points ...vg.Point) []vg.Point { return append(points, points[0]) }
