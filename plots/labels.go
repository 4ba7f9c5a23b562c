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

// endLabels are the names and last values at the ends of the lines.
type endLabels struct {
	series      []Series
	names, last []string
	lead        vg.Length // least distance of two labels
}

func newEndLabels(series []Series, decimals int, lead vg.Length) endLabels {
	e := endLabels{series: series, lead: lead}
	for _, s := range series {
		e.names = append(e.names, s.Name+" ")
		e.last = append(e.last, formatNumber(s.last(), decimals))
	}
	return e
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
	for i, name := range e.names {
		widest = max(widest, labelFace.Width(name)+boldFace.Width(e.last[i]))
	}
	return wholePixels(endGap + swatchWidth + swatchGap + widest)
}

// height is how much room the labels need beside the axes.
func (e endLabels) height() vg.Length { return e.lead * vg.Length(len(e.series)-1) }

// draw writes the labels right of data, which is where p has drawn its lines:
// as near as can be to the height of the last point, without overlaps. A dot
// marks the last point; an arrow head, one above the axes.
func (e endLabels) draw(data draw.Canvas, p *plot.Plot) {
	trX, trY := p.Transforms(&data)
	order := make([]int, len(e.series))
	for i := range order {
		order[i] = i
	}
	// Of equal values the first series is the upper one, as in a legend.
	slices.SortStableFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(e.series[i].last(), e.series[j].last()), j-i)
	})
	const radius = 3.5 * px
	wanted := make([]vg.Length, len(order))
	for k, i := range order {
		wanted[k] = trY(e.series[i].last())
		if e.series[i].last() > p.Y.Max {
			wanted[k] = data.Max.Y - radius
		}
	}
	for k, y := range spread(wanted, e.lead, data.Min.Y, data.Max.Y) {
		i := order[k]
		s, style := e.series[i], lineStyle(i)
		end := vg.Point{X: trX(s.X[len(s.X)-1]), Y: wanted[k]}
		at := vg.Point{X: data.Max.X + endGap, Y: y}
		glyph := draw.GlyphStyle{Color: style.Color, Radius: radius, Shape: draw.CircleGlyph{}}
		if s.last() > p.Y.Max {
			glyph.Shape = draw.PyramidGlyph{}
		}
		data.StrokeLine2(draw.LineStyle{Color: style.Color, Width: 0.75 * px}, end.X, end.Y, at.X, at.Y)
		data.DrawGlyphNoClip(glyph, end)
		data.StrokeLine2(style, at.X, at.Y, at.X+swatchWidth, at.Y)
		at.X += swatchWidth + swatchGap
		at.X += drawText(data, labelFace, ink, at, leftAligned, e.names[i])
		drawText(data, boldFace, ink, at, leftAligned, e.last[i])
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
