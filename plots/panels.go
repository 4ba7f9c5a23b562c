package plots

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel is one pair of axes of a figure that has several.
type Panel struct {
	Title  string // may be empty
	Series []Series
}

// PanelOptions are the words of a figure of panels. Both axes must be labelled,
// with units.
type PanelOptions struct {
	XLabel, YLabel, Caption string
}

// Sizes of a figure of panels.
const (
	panelWidth  = 370 * px // axes and their marks
	panelHeight = 270 * px // the same, where the labels do not need more
	panelGap    = 28 * px
	panelLead   = 17 * px // least distance of two labels
	titleLead   = 22 * px

	panelTicks = 7 // marks of an axis, at most
)

// CurvePanels draws the panels in two columns, all over the same axes, so that
// lines of different panels can be compared; the lines of the other panels are
// grey. A few series far above all others are cut off at the upper end of the
// axes, and a line above the caption says so.
//
// Errors are those of [Curves] but for the number of series: each panel can have
// as many as there are styles of lines.
func CurvePanels(panels []Panel, opt PanelOptions) (Figure, error) {
	labels := axisLabels{opt.XLabel, opt.YLabel}
	if len(panels) == 0 {
		return Figure{}, errors.New("there are no panels")
	}
	var all []Series
	for _, panel := range panels {
		if err := checkText("title of a panel", panel.Title); err != nil {
			return Figure{}, err
		}
		if n, most := len(panel.Series), len(palette)*len(dashes); n == 0 || n > most {
			return Figure{}, fmt.Errorf("%d series in panel %q; there must be 1 to %d", n, panel.Title, most)
		}
		all = append(all, panel.Series...)
	}
	if err := cmp.Or(checkSeries(all), labels.check()); err != nil {
		return Figure{}, err
	}

	shown, cut := robustFrame(all)
	drawn := make([]drawnPanel, len(panels))
	for i, panel := range panels {
		ends := lineEnds(panel.Series, fixed(lastDecimals(all)))
		drawn[i] = newDrawnPanel(panel.Title, shown.axes(panel.Series, backdrop(othersThan(i, panels))), labels.x, ends)
	}
	caption := strings.Join([]string{key(len(panels), all, shown, cut), opt.Caption}, "\n")
	return panelFigure(drawn, labels.y, strings.TrimLeft(caption, "\n"))
}

// drawnPanel is a panel that only needs its place.
type drawnPanel struct {
	title string
	axes  *plot.Plot
	ends  endLabels
}

func newDrawnPanel(title string, axes *plot.Plot, xLabel string, ends []end) drawnPanel {
	axes.X.Label.Text = strings.Join(wrap(labelFace, xLabel, panelWidth*3/4), "\n")
	axes.X.Tick.Marker = ticks{most: panelTicks, whole: true}
	axes.Y.Tick.Marker = ticks{most: panelTicks}
	return drawnPanel{title, axes, endLabels{ends, panelLead}}
}

// panelFigure puts panels into two columns. The label is that of all their y
// axes; empty if each has its own.
func panelFigure(panels []drawnPanel, label, caption string) (Figure, error) {
	below, right := panelHeight, vg.Length(0)
	for _, p := range panels {
		below = max(below, p.ends.height()+xAxisHeight(p.axes))
		right = max(right, p.ends.width(), wholePixels(boldFace.Width(p.title))-panelWidth)
	}
	columns := min(2, len(panels))
	rows := (len(panels) + columns - 1) / columns
	stepX, stepY := panelWidth+right+panelGap, titleLead+wholePixels(below)+panelGap
	height := vg.Length(rows)*stepY - panelGap
	yLabel := wrap(labelFace, label, height*3/4)
	left := vg.Length(0)
	if len(yLabel) > 0 {
		left = vg.Length(len(yLabel))*captionLead + 6*px
	}
	return newFigure(left+vg.Length(columns)*stepX-panelGap, height, caption, func(c draw.Canvas) {
		for i, line := range yLabel {
			drawUpright(c, labelFace, ink, vg.Point{X: c.Min.X + (vg.Length(i)+0.5)*captionLead, Y: c.Max.Y - height/2}, line)
		}
		for i, p := range panels {
			x := c.Min.X + left + vg.Length(i%columns)*stepX
			y := c.Max.Y - vg.Length(i/columns)*stepY
			drawText(c, boldFace, ink, vg.Point{X: x, Y: y - titleLead/3}, leftAligned, p.title)
			within := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: x, Y: y - stepY + panelGap},
				Max: vg.Point{X: x + panelWidth, Y: y - titleLead},
			}}
			p.axes.Draw(within)
			p.ends.draw(p.axes.DataCanvas(within), p.axes)
		}
	})
}

// xAxisHeight is what the x axis of p takes from the height of its lines.
func xAxisHeight(p *plot.Plot) vg.Length {
	whole := draw.Canvas{Rectangle: vg.Rectangle{Max: vg.Point{X: panelWidth, Y: panelHeight}}}
	return panelHeight - p.DataCanvas(whole).Size().Y
}

// othersThan lists the series of all panels but the i-th.
func othersThan(i int, panels []Panel) []Series {
	var others []Series
	for k, panel := range panels {
		if k != i {
			others = append(others, panel.Series...)
		}
	}
	return others
}

// backdrop draws series in grey. It implements plot.Plotter.
type backdrop []Series

// Plot draws what lies within the axes.
func (b backdrop) Plot(c draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&c)
	for _, s := range b {
		var line []vg.Point
		for i, x := range s.X {
			line = append(line, vg.Point{X: trX(x), Y: trY(s.Y[i])})
		}
		c.StrokeLines(draw.LineStyle{Color: grey, Width: px}, c.ClipLinesXY(line)...)
		c.DrawGlyph(draw.GlyphStyle{Color: grey, Radius: 1.5 * px, Shape: draw.CircleGlyph{}}, line[len(line)-1])
	}
}

// robustFrame shows all points, unless a few series are so far above the others
// that these would be squashed. Then, and cut is true, the axes end where half
// of the series are whole and all that end not far from the others still have
// their ends on them.
//
// Far is more than half again as high above the lowest point as the middle one
// of the series' highest points, and more than five times as high as the middle
// one of the last points: the former suffices for series that come down
// together, the latter is for those that have come down before, or have but one
// point.
func robustFrame(series []Series) (f frame, cut bool) {
	all := frameOf(series)
	lowest, highest := math.Inf(1), math.Inf(-1)
	var tops, ends []float64
	for _, s := range series {
		tops, ends = append(tops, slices.Max(s.Y)), append(ends, s.last())
		lowest, highest = min(lowest, slices.Min(s.Y)), max(highest, slices.Max(s.Y))
	}
	slices.Sort(tops)
	slices.Sort(ends)
	top, end := tops[(len(tops)-1)/2], ends[len(ends)/2]
	far := lowest + max(1.5*(top-lowest), 5*(end-lowest))
	if highest <= far {
		return all, false
	}
	for _, y := range ends {
		if y <= far {
			top = max(top, y)
		}
	}
	f = frameOf([]Series{{X: []float64{0, all.right}, Y: []float64{lowest, top}}})
	// The upper end is the next mark, so that it can be named. Marks of longer
	// axes may be farther apart.
	f.high = top
	for before := 0.0; before != f.high; {
		before = f.high
		step, _ := ticks{most: panelTicks}.step(f.high - f.low)
		f.high = step * math.Ceil(f.high/step-1e-9)
	}
	return f, highest > f.high
}

// key says what the caption does not know: what is grey, and what is cut off.
func key(panels int, all []Series, f frame, cut bool) string {
	var words []string
	if panels > 1 {
		words = append(words, "Grey: the lines of the other panels.")
	}
	if cut {
		_, decimals := ticks{most: panelTicks}.step(f.high - f.low)
		words = append(words, fmt.Sprintf("Values above %s are cut off.", formatNumber(f.high, decimals)))
	}
	if slices.ContainsFunc(all, func(s Series) bool { return s.last() > f.high }) {
		words = append(words, "▲: the line ends above, at the value after its name.")
	}
	return strings.Join(words, " ")
}
