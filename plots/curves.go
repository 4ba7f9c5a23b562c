package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Series is one line of a figure: Y measured at X, which counts something and
// so begins at 0 or above. X increases.
type Series struct {
	Name string
	X, Y []float64
}

// CurveOptions are the words of a figure of curves. Both axes must be labelled,
// with units.
type CurveOptions struct {
	XLabel, YLabel, Caption string
}

// Sizes of a figure of curves.
const (
	plotWidth   = 640 * px // axes and their labels
	plotHeight  = 400 * px
	endGap      = 14 * px // between the axes and the names of the lines
	swatchWidth = 26 * px
	swatchGap   = 6 * px
	endLead     = 20 * px // least distance of two names

	maxSeries = 14 // names with distance endLead that find room beside the axes
	maxNumber = 1e15
)

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
	return nil
}

// Curves draws one line per series over an x axis from 0. Each line's name and
// last value stand at its end, right of the axes, where they cover no data. A
// series of one point is a dot.
//
// Errors: no series or more than 14; one without a name or without points, or
// with x and y of different lengths; x that is negative or does not increase; a
// value that is not finite or greater than 10¹⁵; an axis without a label.
func Curves(series []Series, opt CurveOptions) (Figure, error) {
	if len(series) == 0 || len(series) > maxSeries {
		return Figure{}, fmt.Errorf("%d series; there must be 1 to %d", len(series), maxSeries)
	}
	for _, s := range series {
		if err := s.check(); err != nil {
			return Figure{}, err
		}
	}
	if strings.TrimSpace(opt.XLabel) == "" || strings.TrimSpace(opt.YLabel) == "" {
		return Figure{}, errors.New("an axis has no label")
	}
	if err := cmp.Or(checkText("label of the x axis", opt.XLabel), checkText("label of the y axis", opt.YLabel)); err != nil {
		return Figure{}, err
	}

	p := curvePlot(series, opt)
	ends := newEndLabels(series)
	return newFigure(plotWidth+ends.width(), plotHeight, opt.Caption, func(c draw.Canvas) {
		c = draw.Crop(c, 0, -ends.width(), 0, 0)
		p.Draw(c)
		ends.draw(p.DataCanvas(c), p)
	})
}

// curvePlot is the axes with the lines.
func curvePlot(series []Series, opt CurveOptions) *plot.Plot {
	p := newPlot()
	labelFace := face(sans, labelSize)
	p.X.Label.Text = strings.Join(wrap(labelFace, opt.XLabel, plotWidth*3/4), "\n")
	p.Y.Label.Text = strings.Join(wrap(labelFace, opt.YLabel, plotHeight*3/4), "\n")
	p.X.Tick.Marker = ticks{most: 11, whole: true}
	p.Y.Tick.Marker = ticks{most: 9}

	right, low, high := 1.0, math.Inf(1), math.Inf(-1)
	for i, s := range series {
		line := &plotter.Line{XYs: make(plotter.XYs, len(s.X)), LineStyle: lineStyle(i)}
		for j := range s.X {
			line.XYs[j] = plotter.XY{X: s.X[j], Y: s.Y[j]}
		}
		p.Add(line)
		right = max(right, s.X[len(s.X)-1])
		low, high = min(low, slices.Min(s.Y)), max(high, slices.Max(s.Y))
	}
	// A constant line lies in the middle, and labels can tell its neighbours.
	room := max(0.05*(high-low), 1e-3*max(math.Abs(low), math.Abs(high)), 1e-6)
	p.X.Min, p.X.Max = 0, right
	p.Y.Min, p.Y.Max = low-room, high+room
	return p
}

// endLabels are the names and last values at the ends of the lines.
type endLabels struct {
	series      []Series
	names, last []string
	regular     font.Face
	bold        font.Face
}

func newEndLabels(series []Series) endLabels {
	e := endLabels{series: series, regular: face(sans, labelSize), bold: face(sansBold, labelSize)}
	greatest := 0.0
	for _, s := range series {
		greatest = max(greatest, math.Abs(s.Y[len(s.Y)-1]))
	}
	decimals := decimalsFor(greatest)
	for _, s := range series {
		e.names = append(e.names, s.Name+" ")
		e.last = append(e.last, formatNumber(s.Y[len(s.Y)-1], decimals))
	}
	return e
}

// decimalsFor is how many decimals show four digits of v > 0: from 2 to 6.
func decimalsFor(v float64) int {
	if v >= 10 || v == 0 {
		return 2
	}
	return min(6, 3-int(math.Floor(math.Log10(v))))
}

// width is how much room the labels need right of the axes.
func (e endLabels) width() vg.Length {
	widest := vg.Length(0)
	for i, name := range e.names {
		widest = max(widest, e.regular.Width(name)+e.bold.Width(e.last[i]))
	}
	return wholePixels(endGap + swatchWidth + swatchGap + widest)
}

// draw writes the labels right of data, which is where p has drawn its lines:
// as near as can be to the height of the last point, without overlaps.
func (e endLabels) draw(data draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&data)
	order := make([]int, len(e.series))
	for i := range order {
		order[i] = i
	}
	lastY := func(i int) float64 { s := e.series[i]; return s.Y[len(s.Y)-1] }
	// Of equal values the first series is the upper one, as in a legend.
	slices.SortStableFunc(order, func(i, j int) int {
		if lastY(i) != lastY(j) {
			return cmp.Compare(lastY(i), lastY(j))
		}
		return j - i
	})
	wanted := make([]vg.Length, len(order))
	for k, i := range order {
		wanted[k] = trY(lastY(i))
	}
	for k, y := range spread(wanted, endLead, data.Min.Y, data.Max.Y) {
		i := order[k]
		s, style := e.series[i], lineStyle(i)
		end := vg.Point{X: trX(s.X[len(s.X)-1]), Y: wanted[k]}
		at := vg.Point{X: data.Max.X + endGap, Y: y}
		data.StrokeLine2(draw.LineStyle{Color: style.Color, Width: 0.75 * px}, end.X, end.Y, at.X, at.Y)
		data.DrawGlyphNoClip(draw.GlyphStyle{Color: style.Color, Radius: 3.5 * px, Shape: draw.CircleGlyph{}}, end)
		data.StrokeLine2(style, at.X, at.Y, at.X+swatchWidth, at.Y)
		at.X += swatchWidth + swatchGap
		at.X += drawText(data, e.regular, ink, at, leftAligned, e.names[i])
		drawText(data, e.bold, ink, at, leftAligned, e.last[i])
	}
}

// spread moves ascending positions apart by at least gap within [lo, hi], so
// that the sum of squared moves is least. With u[i] = wanted[i] − i·gap this is
// isotonic regression, solved by pooling adjacent violators.
func spread(wanted []vg.Length, gap, lo, hi vg.Length) []vg.Length {
	type pool struct{ sum, n vg.Length }
	var pools []pool
	for i, w := range wanted {
		pools = append(pools, pool{w - vg.Length(i)*gap, 1})
		for k := len(pools) - 1; k > 0 && pools[k].sum/pools[k].n <= pools[k-1].sum/pools[k-1].n; k-- {
			pools[k-1].sum += pools[k].sum
			pools[k-1].n += pools[k].n
			pools = pools[:k]
		}
	}
	hi -= gap * vg.Length(len(wanted)-1)
	var placed []vg.Length
	for _, p := range pools {
		u := max(lo, min(hi, p.sum/p.n))
		for range int(p.n) {
			placed = append(placed, u+vg.Length(len(placed))*gap)
		}
	}
	return placed
}
