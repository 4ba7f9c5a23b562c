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

// Limits of a figure of curves.
const (
	plotWidth  = 640 * px // axes and their labels
	plotHeight = 400 * px

	maxSeries = 14 // labels with distance endLead that find room beside the axes
	maxNumber = 1e15
)

// last is the last value.
func (s Series) last() float64 { return s.Y[len(s.Y)-1] }

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

// checkSeries returns an error if one of the series cannot be drawn.
func checkSeries(series []Series) error {
	for _, s := range series {
		if err := s.check(); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error if the labels cannot be drawn.
func (opt CurveOptions) check() error {
	if strings.TrimSpace(opt.XLabel) == "" || strings.TrimSpace(opt.YLabel) == "" {
		return errors.New("an axis has no label")
	}
	return cmp.Or(checkText("label of the x axis", opt.XLabel), checkText("label of the y axis", opt.YLabel))
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
	if err := cmp.Or(checkSeries(series), opt.check()); err != nil {
		return Figure{}, err
	}

	p := frameOf(series).axes(series)
	p.X.Label.Text = strings.Join(wrap(labelFace, opt.XLabel, plotWidth*3/4), "\n")
	p.Y.Label.Text = strings.Join(wrap(labelFace, opt.YLabel, plotHeight*3/4), "\n")
	p.X.Tick.Marker = ticks{most: 11, whole: true}
	p.Y.Tick.Marker = ticks{most: 9}
	ends := newEndLabels(series, lastDecimals(series), endLead)
	return newFigure(plotWidth+ends.width(), plotHeight, opt.Caption, func(c draw.Canvas) {
		c = draw.Crop(c, 0, -ends.width(), 0, 0)
		p.Draw(c)
		ends.draw(p.DataCanvas(c), p)
	})
}

// frame is what the axes show: x from 0 to right, y from low to high.
type frame struct{ right, low, high float64 }

// frameOf shows all points of the series.
func frameOf(series []Series) frame {
	right, low, high := 1.0, math.Inf(1), math.Inf(-1)
	for _, s := range series {
		right = max(right, s.X[len(s.X)-1])
		low, high = min(low, slices.Min(s.Y)), max(high, slices.Max(s.Y))
	}
	// A constant line lies in the middle, and labels can tell its neighbours.
	room := max(0.05*(high-low), 1e-3*max(math.Abs(low), math.Abs(high)), 1e-6)
	return frame{right, low - room, high + room}
}

// axes is a plot of the frame with the series over what is behind them.
func (f frame) axes(series []Series, behind ...plot.Plotter) *plot.Plot {
	p := newPlot()
	p.Add(behind...)
	for i, s := range series {
		line := &plotter.Line{XYs: make(plotter.XYs, len(s.X)), LineStyle: lineStyle(i)}
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
