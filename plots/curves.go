package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is one line of a figure: Y measured at X, which counts something and
// so begins at 0 or above. X increases.
type Series struct {
	Name      string
	X, Y      []float64
	Low, High []float64 // a band around Y; both nil for none

	shift int // from its place among the series to that of its style
}

// Level is a horizontal line, such as a target.
type Level struct {
	Name string
	Y    float64
}

// CurveOptions are the words of a figure of curves and what else its axes show.
// Both axes must be labelled, with units.
type CurveOptions struct {
	XLabel, YLabel, Caption string
	LogY                    bool    // logarithmic y axis; all y are above 0 then
	Levels                  []Level // across all of the axes
}

// Limits of a figure of curves.
const (
	plotWidth  = 640 * px // axes and their labels
	plotHeight = 400 * px

	maxSeries = 14 // labels with distance endLead that find room beside the axes
	maxNumber = 1e15
	minLogY   = 1e-200
)

// last is the last value.
func (s Series) last() float64 { return s.Y[len(s.Y)-1] }

// style is that of the i-th series of a figure.
func (s Series) style(i int) draw.LineStyle { return lineStyle(i + s.shift) }

// check returns an error if the series cannot be drawn.
func (s Series) check() error {
	if s.Name == "" {
		return errors.New("a series has no name")
	}
	if err := checkText("name of a series", s.Name); err != nil {
		return err
	}
	if len(s.X) != len(s.Y) || len(s.X) == 0 {
		return fmt.Errorf("series %q: %d x and %d y; there must be as many, and at least one", s.Name, len(s.X), len(s.Y))
	}
	for i, x := range s.X {
		switch y := s.Y[i]; {
		case !(x >= 0 && x <= maxNumber):
			return fmt.Errorf("series %q: point %d has x = %v; it must be 0 to %g", s.Name, i, x, maxNumber)
		case i > 0 && x <= s.X[i-1]:
			return fmt.Errorf("series %q: x = %v comes after x = %v; x must increase", s.Name, x, s.X[i-1])
		case !(math.Abs(y) <= maxNumber):
			return fmt.Errorf("series %q: y = %v at x = %v; it must be finite, within ±%g", s.Name, y, x, maxNumber)
		}
	}
	return s.checkBand()
}

// checkBand returns an error if the band cannot be drawn.
func (s Series) checkBand() error {
	if s.Low == nil && s.High == nil {
		return nil
	}
	if len(s.Low) != len(s.X) || len(s.High) != len(s.X) {
		return fmt.Errorf("series %q: a band of %d low and %d high ends around %d points; there must be as many",
			s.Name, len(s.Low), len(s.High), len(s.X))
	}
	for i, low := range s.Low {
		if high := s.High[i]; !(low >= -maxNumber && low <= high && high <= maxNumber) {
			return fmt.Errorf("series %q: the band is from %v to %v at x = %v; it must go upwards, within ±%g", s.Name, low, high, s.X[i], maxNumber)
		}
	}
	return nil
}

// checkLog returns an error if the series cannot stand on a logarithmic axis.
func (s Series) checkLog() error {
	for i, x := range s.X {
		low := s.Y[i]
		if s.Low != nil {
			low = min(low, s.Low[i])
		}
		if low < minLogY {
			return fmt.Errorf("series %q: %v at x = %v; a logarithmic axis begins above 0, at %g", s.Name, low, x, minLogY)
		}
	}
	return nil
}

// logarithms is the series as it stands on a logarithmic axis.
func (s Series) logarithms() Series {
	log := func(values []float64) []float64 {
		var out []float64
		for _, v := range values {
			out = append(out, math.Log10(v))
		}
		return out
	}
	s.Y, s.Low, s.High = log(s.Y), log(s.Low), log(s.High)
	return s
}

// checkSeries returns an error if one of the series cannot be drawn.
func checkSeries(series []Series) error {
	for _, s := range series {
		if err := s.check(); err != nil {
			return err
		}
	}
	return nil
}

// axisLabels are the words along the axes.
type axisLabels struct{ x, y string }

// check returns an error if the labels cannot be drawn.
func (l axisLabels) check() error {
	if strings.TrimSpace(l.x) == "" || strings.TrimSpace(l.y) == "" {
		return errors.New("an axis has no label")
	}
	return cmp.Or(checkText("label of the x axis", l.x), checkText("label of the y axis", l.y))
}

// series is l as a line of one point.
func (l Level) series() Series { return Series{Name: l.Name, X: []float64{0}, Y: []float64{l.Y}} }

// Curves draws one line per series over an x axis from 0. Each line's name and
// last value stand at its end, right of the axes, where they cover no data. A
// series of one point is a dot.
//
// Errors: no series, or more than 14 with the levels; one without a name or
// without points, or with x and y of different lengths; x that is negative or
// does not increase; a value that is not finite or greater than 10¹⁵; a band of
// another length than its line, or whose lower end is above its upper one; a
// value of 0 or less, or below 10⁻²⁰⁰, on a logarithmic axis; an axis without a
// label.
func Curves(series []Series, opt CurveOptions) (Figure, error) {
	if n := len(series) + len(opt.Levels); len(series) == 0 || n > maxSeries {
		return Figure{}, fmt.Errorf("%d series and %d levels; there must be a series, and at most %d in all", len(series), len(opt.Levels), maxSeries)
	}
	labels := axisLabels{opt.XLabel, opt.YLabel}
	shown := slices.Clone(series)
	for _, l := range opt.Levels {
		shown = append(shown, l.series())
	}
	if err := cmp.Or(checkSeries(shown), labels.check()); err != nil {
		return Figure{}, err
	}

	format := fixed(lastDecimals(series))
	if opt.LogY {
		for i, s := range shown {
			if err := s.checkLog(); err != nil {
				return Figure{}, err
			}
			shown[i] = s.logarithms()
		}
		format = func(log float64) string { return formatSignificant(math.Pow(10, log), 3) }
	}
	f := frameOf(shown)
	lines, straight := shown[:len(series)], shown[len(series):]
	p := f.axes(lines, levels(straight))
	p.X.Label.Text = strings.Join(wrap(labelFace, labels.x, plotWidth*3/4), "\n")
	p.Y.Label.Text = strings.Join(wrap(labelFace, labels.y, plotHeight*3/4), "\n")
	p.X.Tick.Marker = ticks{most: 11, whole: true}
	p.Y.Tick.Marker = ticks{most: 9}
	if opt.LogY {
		p.Y.Tick.Marker = logTicks{most: 9}
	}
	ends := endLabels{append(lineEnds(lines, format), levelEnds(opt.Levels, straight, f)...), endLead}
	return newFigure(plotWidth+ends.width(), plotHeight, opt.Caption, func(c draw.Canvas) {
		c = draw.Crop(c, 0, -ends.width(), 0, 0)
		p.Draw(c)
		ends.draw(p.DataCanvas(c), p)
	})
}

// frame is what the axes show: x from 0 to right, y from low to high.
type frame struct{ right, low, high float64 }

// frameOf shows all points and bands of the series.
func frameOf(series []Series) frame {
	right, low, high := 1.0, math.Inf(1), math.Inf(-1)
	for _, s := range series {
		right = max(right, s.X[len(s.X)-1])
		for _, y := range [][]float64{s.Y, s.Low, s.High} {
			if len(y) > 0 {
				low, high = min(low, slices.Min(y)), max(high, slices.Max(y))
			}
		}
	}
	// A constant line lies in the middle, and labels can tell its neighbours.
	room := max(0.05*(high-low), 1e-3*max(math.Abs(low), math.Abs(high)), 1e-6)
	return frame{right, low - room, high + room}
}

// axes is a plot of the frame with the series over what is behind them.
func (f frame) axes(series []Series, behind ...plot.Plotter) *plot.Plot {
	p := newPlot()
	p.Add(bands(series))
	p.Add(behind...)
	for i, s := range series {
		line := &plotter.Line{XYs: make(plotter.XYs, len(s.X)), LineStyle: s.style(i)}
		for j := range s.X {
			line.XYs[j] = plotter.XY{X: s.X[j], Y: s.Y[j]}
		}
		p.Add(line)
	}
	// Add has widened the axes to hold the lines.
	p.X.Min, p.X.Max = 0, f.right
	p.Y.Min, p.Y.Max = f.low, f.high
	return p
}

// bands draws the bands of series in the pale colours of their lines. It
// implements plot.Plotter.
type bands []Series

// Plot draws one polygon a band. A band of one point is a vertical line.
func (b bands) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	for i, s := range b {
		if s.Low == nil {
			continue
		}
		var outline []vg.Point
		for j, x := range s.X {
			outline = append(outline, vg.Point{X: trX(x), Y: trY(s.High[j])})
		}
		for j, x := range slices.Backward(s.X) {
			outline = append(outline, vg.Point{X: trX(x), Y: trY(s.Low[j])})
		}
		if len(s.X) == 1 {
			c.StrokeLines(draw.LineStyle{Color: s.style(i).Color, Width: px}, outline)
			continue
		}
		c.FillPolygon(pale(s.style(i).Color), outline)
		edge := draw.LineStyle{Color: pale(s.style(i).Color), Width: px}
		c.StrokeLines(edge, outline[:len(s.X)], outline[len(s.X):])
	}
}

// levels draws lines from one side of the axes to the other at the heights of
// the series. It implements plot.Plotter.
type levels []Series

// Plot draws one line a level.
func (l levels) Plot(c draw.Canvas, p *plot.Plot) {
	_, trY := p.Transforms(&c)
	for _, level := range l {
		y := trY(level.last())
		c.StrokeLine2(levelStyle, c.Min.X, y, c.Max.X, y)
	}
}
