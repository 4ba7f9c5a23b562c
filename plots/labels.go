package plots

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sizes of the labels at the ends of lines.
const (
	endGap      = 14 * px // between the axes and the labels
	swatchWidth = 26 * px
	swatchGap   = 6 * px
	endLead     = 20 * px // least distance of two labels in a figure of one pair of axes
)

// end is the end of a line: what is written there, and where it is.
type end struct {
	name, value string
	x, y        float64
	style       draw.LineStyle
	dot         bool // marks the last point
}

// lineEnds are the names and last values of series, which format writes.
func lineEnds(series []Series, format func(float64) string) []end {
	var ends []end
	for i, s := range series {
		ends = append(ends, end{s.Name + " ", format(s.last()), s.X[len(s.X)-1], s.last(), s.style(i), true})
	}
	return ends
}

// levelEnds are the names and values of levels, which are drawn as lines over f.
func levelEnds(levels []Level, lines []Series, f frame) []end {
	var ends []end
	for i, l := range levels {
		ends = append(ends, end{l.Name + " ", formatShortest(l.Y), f.right, lines[i].last(), levelStyle, false})
	}
	return ends
}

// endLabels are the labels at the ends of the lines.
type endLabels struct {
	ends []end
	lead vg.Length // least distance of two labels
}

// lastDecimals is how many decimals the last values are written with.
func lastDecimals(series []Series) int {
	greatest := 0.0
	for _, s := range series {
		greatest = max(greatest, math.Abs(s.last()))
	}
	return decimalsFor(greatest)
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
	for _, end := range e.ends {
		widest = max(widest, labelFace.Width(end.name)+boldFace.Width(end.value))
	}
	return wholePixels(endGap + swatchWidth + swatchGap + widest)
}

// height is how much room the labels need beside the axes.
func (e endLabels) height() vg.Length { return e.lead * vg.Length(len(e.ends)-1) }

// draw writes the labels right of data, which is where p has drawn its lines:
// as near as can be to the height of the last point, without overlaps. A dot
// marks the last point; an arrow head, one above the axes.
func (e endLabels) draw(data draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&data)
	order := make([]int, len(e.ends))
	for i := range order {
		order[i] = i
	}
	// Of equal values the first line is the upper one, as in a legend.
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(e.ends[i].y, e.ends[j].y), j-i)
	})
	const radius = 3.5 * px
	wanted := make([]vg.Length, len(order))
	for k, i := range order {
		wanted[k] = trY(e.ends[i].y)
		if e.ends[i].y > p.Y.Max {
			wanted[k] = data.Max.Y - radius
		}
	}
	for k, y := range spread(wanted, e.lead, data.Min.Y, data.Max.Y) {
		end := e.ends[order[k]]
		from := vg.Point{X: trX(end.x), Y: wanted[k]}
		at := vg.Point{X: data.Max.X + endGap, Y: y}
		data.StrokeLine2(draw.LineStyle{Color: end.style.Color, Width: 0.75 * px}, from.X, from.Y, at.X, at.Y)
		if end.dot {
			glyph := draw.GlyphStyle{Color: end.style.Color, Radius: radius, Shape: draw.CircleGlyph{}}
			if end.y > p.Y.Max {
				glyph.Shape = draw.PyramidGlyph{}
			}
			data.DrawGlyphNoClip(glyph, from)
		}
		data.StrokeLine2(end.style, at.X, at.Y, at.X+swatchWidth, at.Y)
		at.X += swatchWidth + swatchGap
		at.X += drawText(data, labelFace, ink, at, leftAligned, end.name)
		drawText(data, boldFace, ink, at, leftAligned, end.value)
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
