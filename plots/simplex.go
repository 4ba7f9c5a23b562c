package plots

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Simplex is a density over the probabilities π = (π₁, π₂, π₃), which are not
// negative and sum to 1: exact or of samples, of which one is set. Densities are
// those of (π₁, π₂) on the plane, so that the uniform one is 2.
type Simplex struct {
	Title   string
	Density func(pi [3]float64) float64
	Samples [][3]float64
}

// SimplexOptions are the words of a figure of simplices, and how it is laid out.
type SimplexOptions struct {
	Corners [3]string // names of the corners where π₁, π₂ and π₃ are 1; empty: what π is there
	Top     float64   // density at the upper end of the colours; 0: the greatest of the figure
	Columns int       // triangles side by side; 0: as many as there is room for
	Caption string
}

const (
	maxSimplices = 12
	cornerLead   = 20 * px
	leastTop     = 1e-6

	longestCorner = triangleSide - 8*px
)

// Simplices draws densities as triangles side by side, on one common scale of
// colours from 0 to the greatest value, or to a Top that several figures share:
// greater values have the colour of Top, and the figure says where. Corner 1 is
// at the left, 2 at the right, 3 at the top. Contours of exact densities run at the marks of the scale.
// Samples are counted in equal small triangles, as many as leave 20 samples to
// each on average, but 4 to 40 along a side; the share of one, divided by its
// area, is the density that it shows, which integrates to 1 as exact ones do.
//
// Densities are asked for inside the triangle alone, at least 0.001 away from
// components of 0, where some are infinite; such a density still outshines others
// that share its scale.
//
// Errors: no triangles or more than 12; a Top that is negative, not finite or
// greater than 10¹⁵, or less than 10⁻⁶; a negative number of columns; one with both a density and samples or
// with neither; a density that is negative, not finite or greater than 10¹⁵ at a
// point, or 0 at all; a sample with a negative component or a sum other than 1
// by more than 10⁻⁵; a name of a corner that is almost as long as a side.
func Simplices(simplices []Simplex, opt SimplexOptions) (Figure, error) {
	if len(simplices) == 0 || len(simplices) > maxSimplices {
		return Figure{}, fmt.Errorf("%d simplices; there must be 1 to %d", len(simplices), maxSimplices)
	}
	if !(opt.Top == 0 || opt.Top >= leastTop && opt.Top <= maxNumber) {
		return Figure{}, fmt.Errorf("the colours end at the density %v; it must be %g to %g, or 0 for the greatest of the figure", opt.Top, leastTop, maxNumber)
	}
	if opt.Columns < 0 {
		return Figure{}, fmt.Errorf("%d simplices side by side; there must be 1 or more, or 0 for as many as there is room for", opt.Columns)
	}
	names := opt.Corners
	for i := range names {
		names[i] = cmp.Or(names[i], []string{"(1, 0, 0)", "(0, 1, 0)", "(0, 0, 1)"}[i])
		if err := checkText("name of a corner", names[i]); err != nil {
			return Figure{}, err
		}
		if labelFace.Width(names[i]) > longestCorner {
			return Figure{}, fmt.Errorf("the name %q of a corner is too long: two must fit below a triangle", names[i])
		}
	}

	scale := colourScale{}
	var fields []field
	for k, s := range simplices {
		f, err := newField(s)
		if err != nil {
			return Figure{}, fmt.Errorf("simplex %d (%q): %w", k, s.Title, err)
		}
		fields = append(fields, f)
		scale.high = max(scale.high, f.greatest())
	}
	if opt.Top > 0 {
		scale.high = opt.Top
	}
	var tiles []tile
	for k, f := range fields {
		tiles = append(tiles, tile{simplices[k].Title, func(c draw.Canvas) { drawField(c, f, scale, names) }})
	}
	below := wholePixels(max(labelFace.Width(names[0]), labelFace.Width(names[1])))
	layout := tiling{width: triangleSide + below, height: triangleHeight + 2*cornerLead, above: cornerLead, below: cornerLead, columns: opt.Columns}
	caption := strings.TrimRight(simplexKey(simplices, fields, scale)+"\n"+opt.Caption, "\n")
	return layout.figure(tiles, scale, "density (the uniform one is 2)", caption)
}

// drawField draws f as a triangle with names at its corners, in the middle of c.
func drawField(c draw.Canvas, f field, scale colourScale, names [3]string) {
	middle := c.Center().X
	triangle := within(c, middle-triangleSide/2, c.Min.Y+cornerLead, triangleSide, triangleHeight)
	c.DrawImage(triangle.Rectangle, f.picture(scale))
	if f.mesh != nil {
		for _, mark := range scale.ticks() {
			if path := f.contour(mark.Value, triangle.Rectangle); len(path) > 0 {
				c.SetLineStyle(draw.LineStyle{Color: scale.over(mark.Value), Width: 0.75 * px})
				c.Stroke(path)
			}
		}
	}
	left, right, top := triangle.Min, vg.Point{X: triangle.Max.X, Y: triangle.Min.Y}, vg.Point{X: middle, Y: triangle.Max.Y}
	c.StrokeLines(frameStyle, closed(left, right, top))
	for i, at := range []vg.Point{{X: left.X, Y: left.Y - cornerLead/2}, {X: right.X, Y: right.Y - cornerLead/2}, {X: top.X, Y: top.Y + cornerLead/2}} {
		drawText(c, labelFace, ink, at, centred, names[i])
	}
}

// simplexKey says what lines and small triangles are, and which densities the
// scale does not reach.
func simplexKey(simplices []Simplex, fields []field, scale colourScale) string {
	exact := false
	var counted, beyond []string
	for k, f := range fields {
		if g := f.greatest(); g > scale.high {
			beyond = append(beyond, fmt.Sprintf("up to %s in %s", formatSignificant(g, 3), cmp.Or(quoted(simplices[k].Title), fmt.Sprintf("triangle %d", k+1))))
		}
		if f.bins == 0 {
			exact = true
			continue
		}
		counted = append(counted, fmt.Sprintf("%s, counted in %s triangles", formatCount(len(simplices[k].Samples)), formatCount(f.bins*f.bins)))
	}
	var words []string
	if exact {
		words = append(words, "Lines: contours at the values marked beside the colours.")
	}
	if len(counted) > 0 {
		words = append(words, "Samples: "+strings.Join(slices.Compact(counted), "; ")+".")
	}
	if len(beyond) > 0 {
		words = append(words, fmt.Sprintf("Densities above %s have its colour: %s.", formatShortest(scale.high), strings.Join(beyond, ", ")))
	}
	return strings.Join(words, " ")
}

// quoted is title in quotation marks, or nothing.
func quoted(title string) string {
	if title == "" {
		return ""
	}
	return "“" + title + "”"
}
