package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// BarPanel is one pair of axes of a figure of bars. At each mark of the x axis
// stands one bar of each series.
type BarPanel struct {
	Title, XLabel string
	Marks         []string
	Series        []BarSeries // one for each name of the figure
}

// BarSeries is one bar for each mark, from 0 to Y, with a whisker from Low to
// High; both are nil for none.
type BarSeries struct{ Y, Low, High []float64 }

// BarOptions are the words of a figure of bars, and how it is laid out. Both
// axes must be labelled, with units.
type BarOptions struct {
	Names   []string // of the series, in the order of their bars
	YLabel  string
	Columns int // panels side by side; 0: all
	Colour  int // place of the first series in the palette, for other colours than those of a figure above
	Caption string
}

// Limits and sizes of figures of bars.
const (
	maxBarPanels = 12
	maxBarSeries = 6  // colours, without black, which whiskers have
	maxBarMarks  = 24 // of a panel

	barsWide   = 720 * px // all panels of a row
	barsHigh   = 190 * px // what the bars stand in
	barsApart  = 18 * px  // panels of a row,
	rowsApart  = 10 * px  // and rows
	barMost    = 26 * px  // width of a bar
	barBetween = 0.8      // bars that would fit between those of two marks
	barTicks   = 7        // marks of the y axis, at most
	capWidth   = 5 * px   // of whiskers
	legendLead = 24 * px  // from one row of the legend to the next
	legendGap  = 22 * px  // between two names
	legendBox  = 12 * px
)

// check returns an error if s does not have a bar for each of n marks, or one
// that cannot be drawn.
func (s BarSeries) check(n int) error {
	if len(s.Y) != n {
		return fmt.Errorf("%d bars, but %d marks", len(s.Y), n)
	}
	if (s.Low != nil || s.High != nil) && (len(s.Low) != n || len(s.High) != n) {
		return fmt.Errorf("whiskers with %d low and %d high ends, but %d marks", len(s.Low), len(s.High), n)
	}
	for i, y := range s.Y {
		if !(math.Abs(y) <= maxNumber) {
			return fmt.Errorf("bar %d ends at %v; it must be finite, within ±%g", i, y, maxNumber)
		}
		if s.Low != nil && !(s.Low[i] >= -maxNumber && s.Low[i] <= s.High[i] && s.High[i] <= maxNumber) {
			return fmt.Errorf("the whisker of bar %d goes from %v to %v; it must go upwards, within ±%g", i, s.Low[i], s.High[i], maxNumber)
		}
	}
	return nil
}

// check returns an error if p cannot be drawn with the given number of series.
func (p BarPanel) check(series int) error {
	if strings.TrimSpace(p.XLabel) == "" {
		return errors.New("the x axis has no label")
	}
	if err := cmp.Or(checkText("title", p.Title), checkText("label of the x axis", p.XLabel)); err != nil {
		return err
	}
	if n := len(p.Marks); n == 0 || n > maxBarMarks {
		return fmt.Errorf("%d marks; there must be 1 to %d", n, maxBarMarks)
	}
	for _, mark := range p.Marks {
		if err := checkText("mark", mark); err != nil {
			return err
		}
	}
	if len(p.Series) != series {
		return fmt.Errorf("%d series, but %d names", len(p.Series), series)
	}
	for i, s := range p.Series {
		if err := s.check(len(p.Marks)); err != nil {
			return fmt.Errorf("series %d: %w", i, err)
		}
	}
	return nil
}

// Bars draws panels of bars in rows, over one y axis, marked at the left of each
// row, that holds 0 and all bars and whiskers. Bars of a series have one colour in all panels, which a legend
// above them names.
//
// Errors: no panels or more than 12; no names or more than 6, or an empty one; a
// panel with another number of series, without marks or with more than 24; a
// series of another length; a value that is not finite or greater than 10¹⁵; a
// whisker whose lower end is above its upper one; an axis without a label; a
// negative number of columns or place in the palette; a title or a mark that is wider than its place.
func Bars(panels []BarPanel, opt BarOptions) (Figure, error) {
	if len(panels) == 0 || len(panels) > maxBarPanels {
		return Figure{}, fmt.Errorf("%d panels of bars; there must be 1 to %d", len(panels), maxBarPanels)
	}
	if opt.Columns < 0 {
		return Figure{}, fmt.Errorf("%d panels side by side; there must be 1 or more, or 0 for all", opt.Columns)
	}
	if opt.Colour < 0 {
		return Figure{}, fmt.Errorf("the first colour is number %d of the palette; it must be 0 or more", opt.Colour)
	}
	if len(opt.Names) == 0 || len(opt.Names) > maxBarSeries {
		return Figure{}, fmt.Errorf("%d names of series; there must be 1 to %d", len(opt.Names), maxBarSeries)
	}
	for i, name := range opt.Names {
		if strings.TrimSpace(name) == "" {
			return Figure{}, fmt.Errorf("series %d has no name", i)
		}
		if err := checkText("name of a series", name); err != nil {
			return Figure{}, err
		}
	}
	if strings.TrimSpace(opt.YLabel) == "" {
		return Figure{}, errors.New("the y axis has no label")
	}
	if err := checkText("label of the y axis", opt.YLabel); err != nil {
		return Figure{}, err
	}
	for k, p := range panels {
		if err := p.check(len(opt.Names)); err != nil {
			return Figure{}, fmt.Errorf("panel %d (%q): %w", k, p.Title, err)
		}
	}
	g := newBarGrid(panels, opt)
	for k, p := range panels {
		if err := g.checkRoom(p); err != nil {
			return Figure{}, fmt.Errorf("panel %d (%q): %w", k, p.Title, err)
		}
	}
	return newFigure(g.width(), g.height(), opt.Caption, g.draw)
}

// barGrid is the layout that all panels of a figure share.
type barGrid struct {
	panels       []BarPanel
	names        []string
	colour       int     // of the first series
	low, high    float64 // of the y axis
	yLabel       []string
	left         vg.Length // of all panels, for label and marks of the y axis
	titles       vg.Length // above the bars
	below        vg.Length // the bars, for marks and labels of the x axis
	inner        vg.Length // width of the axes of a panel
	columns      int
	legend       [][]int     // which names stand in each row of the legend,
	legendStarts []vg.Length // and where each begins
}

func newBarGrid(panels []BarPanel, opt BarOptions) barGrid {
	g := barGrid{panels: panels, names: opt.Names, colour: opt.Colour, columns: min(len(panels), cmp.Or(opt.Columns, len(panels)))}
	var reach []Series
	for _, p := range panels {
		for _, s := range p.Series {
			reach = append(reach, Series{X: []float64{0}, Y: s.Y, Low: s.Low, High: s.High})
		}
	}
	f := frameOf(append(reach, Level{}.series()))
	g.low, g.high = f.low, f.high
	if !anyBelow(reach, 0) {
		g.low = 0 // bars stand on the x axis
	}
	for _, tick := range g.ticks() {
		g.left = max(g.left, noteFace.Width(tick.Label))
	}
	g.yLabel = wrap(labelFace, opt.YLabel, barsHigh)
	g.left = wholePixels(captionLead*vg.Length(len(g.yLabel)) + 6*px + g.left + 2*mapTick)
	columns := vg.Length(g.columns)
	g.inner = (barsWide - g.left - (columns-1)*barsApart) / columns
	for _, p := range panels {
		if p.Title != "" {
			g.titles = titleLead
		}
		labels := wrap(labelFace, p.XLabel, g.inner)
		g.below = max(g.below, 2*mapTick+noteLead+4*px+captionLead*vg.Length(len(labels)))
	}
	x, row := vg.Length(0), -1
	for i, name := range g.names {
		width := legendBox + swatchGap + labelFace.Width(name) + legendGap
		if row < 0 || x+width-legendGap > barsWide-g.left {
			g.legend, x, row = append(g.legend, nil), 0, row+1
		}
		g.legend[row] = append(g.legend[row], i)
		g.legendStarts = append(g.legendStarts, x)
		x += width
	}
	return g
}

// anyBelow tells whether anything of the series is below y.
func anyBelow(series []Series, y float64) bool {
	for _, s := range series {
		for _, values := range [][]float64{s.Y, s.Low} {
			for _, v := range values {
				if v < y {
					return true
				}
			}
		}
	}
	return false
}

// ticks are the marks of the y axis.
func (g barGrid) ticks() []plot.Tick { return ticks{most: barTicks}.Ticks(g.low, g.high) }

// checkRoom returns an error if words of p have no room.
func (g barGrid) checkRoom(p BarPanel) error {
	if boldFace.Width(p.Title) > g.inner {
		return errors.New("the title is wider than the panel")
	}
	for _, m := range p.Marks {
		if noteFace.Width(m)+4*px > g.step(p) {
			return fmt.Errorf("the mark %q is wider than its place in the panel", m)
		}
	}
	for _, name := range g.names {
		if legendBox+swatchGap+labelFace.Width(name) > barsWide-g.left {
			return fmt.Errorf("the name %q of a series is wider than the figure", name)
		}
	}
	return nil
}

// step is the distance of two marks of p.
func (g barGrid) step(p BarPanel) vg.Length { return g.inner / vg.Length(len(p.Marks)) }

func (g barGrid) rows() int { return (len(g.panels) + g.columns - 1) / g.columns }

// rowHeight is that of a row of panels.
func (g barGrid) rowHeight() vg.Length { return wholePixels(g.titles + barsHigh + g.below) }

func (g barGrid) width() vg.Length { return barsWide }

func (g barGrid) height() vg.Length {
	return legendLead*vg.Length(len(g.legend)) + (rowsApart+g.rowHeight())*vg.Length(g.rows())
}

// draw draws all panels over c.
func (g barGrid) draw(c draw.Canvas) {
	for row, names := range g.legend {
		y := c.Max.Y - (vg.Length(row)+0.5)*legendLead
		for _, i := range names {
			x := c.Min.X + g.left + g.legendStarts[i]
			box := vg.Rectangle{Min: vg.Point{X: x, Y: y - legendBox/2}, Max: vg.Point{X: x + legendBox, Y: y + legendBox/2}}
			g.fill(c, box, i)
			drawText(c, labelFace, ink, vg.Point{X: x + legendBox + swatchGap, Y: y}, leftAligned, g.names[i])
		}
	}
	top := c.Max.Y - legendLead*vg.Length(len(g.legend))
	for k, p := range g.panels {
		x := c.Min.X + g.left + vg.Length(k%g.columns)*(g.inner+barsApart)
		y := top - rowsApart - vg.Length(k/g.columns)*(rowsApart+g.rowHeight())
		drawText(c, boldFace, ink, vg.Point{X: x, Y: y - titleLead/3}, leftAligned, p.Title)
		axes := within(c, x, y-g.titles-barsHigh, g.inner, barsHigh)
		if k%g.columns == 0 {
			for i, line := range g.yLabel {
				drawUpright(c, labelFace, ink, vg.Point{X: c.Min.X + (vg.Length(i)+0.5)*captionLead, Y: axes.Center().Y}, line)
			}
			for _, t := range g.ticks() {
				drawText(c, noteFace, faint, vg.Point{X: axes.Min.X - 2*mapTick, Y: g.at(axes, t.Value)}, rightAligned, t.Label)
			}
		}
		g.drawPanel(axes, p)
	}
}

// at is the height of v in axes that fill c.
func (g barGrid) at(c draw.Canvas, v float64) vg.Length {
	return c.Min.Y + vg.Length((v-g.low)/(g.high-g.low))*c.Size().Y
}

// drawPanel draws bars and axes of p over c, and what belongs to its x axis below.
func (g barGrid) drawPanel(c draw.Canvas, p BarPanel) {
	y := func(v float64) vg.Length { return g.at(c, v) }
	for _, t := range g.ticks() {
		c.StrokeLine2(draw.LineStyle{Color: rule, Width: px}, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		c.StrokeLine2(frameStyle, c.Min.X-mapTick, y(t.Value), c.Min.X, y(t.Value))
	}
	step := g.step(p)
	width := min(barMost, step/(vg.Length(len(p.Series))+barBetween))
	for j, m := range p.Marks {
		middle := c.Min.X + (vg.Length(j)+0.5)*step
		for i, s := range p.Series {
			x := middle + (vg.Length(i)-vg.Length(len(p.Series))/2)*width
			g.fill(c, vg.Rectangle{
				Min: vg.Point{X: x, Y: min(y(0), y(s.Y[j]))},
				Max: vg.Point{X: x + width, Y: max(y(0), y(s.Y[j]))},
			}, i)
			if s.Low != nil {
				whisker(c, x+width/2, y(s.Low[j]), y(s.High[j]), min(capWidth, width*0.7))
			}
		}
		drawText(c, noteFace, faint, vg.Point{X: middle, Y: c.Min.Y - 2*mapTick - noteLead/2}, centred, m)
	}
	c.StrokeLine2(frameStyle, c.Min.X, y(0), c.Max.X, y(0))
	c.StrokeLine2(frameStyle, c.Min.X, c.Min.Y, c.Min.X, c.Max.Y)
	for i, line := range wrap(labelFace, p.XLabel, g.inner) {
		at := vg.Point{X: c.Center().X, Y: c.Min.Y - 2*mapTick - noteLead - 4*px - (vg.Length(i)+0.5)*captionLead}
		drawText(c, labelFace, ink, at, centred, line)
	}
}

// fill fills r as a bar of the i-th series.
func (g barGrid) fill(c draw.Canvas, r vg.Rectangle, i int) {
	c.SetColor(palette[(g.colour%maxBarSeries+i)%maxBarSeries])
	c.Fill(r.Path())
}

// whisker draws a line from low to high with a cap at each end.
func whisker(c draw.Canvas, x, low, high, width vg.Length) {
	c.StrokeLines(draw.LineStyle{Color: ink, Width: 1.25 * px},
		[]vg.Point{{X: x, Y: low}, {X: x, Y: high}},
		[]vg.Point{{X: x - width/2, Y: low}, {X: x + width/2, Y: low}},
		[]vg.Point{{X: x - width/2, Y: high}, {X: x + width/2, Y: high}})
}
