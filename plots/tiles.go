package plots

import (
	"cmp"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// tile is one of several pictures of a size that share a colour scale.
type tile struct {
	title string // may be empty
	draw  func(draw.Canvas)
}

// tiling is the layout of tiles.
type tiling struct {
	width, height vg.Length // of a tile without its title
	left, right   vg.Length // of the width, what is not the picture itself but its labels
	above, below  vg.Length // of the height
	columns       int       // tiles side by side; 0: as many as there is room for
}

const (
	tileGap   = 28 * px
	tilesWide = 1040 * px // beyond which tiles go to another row
)

// figure draws tiles in rows, with titles above the middle of the pictures, and
// one colour bar of the scale at the right, as high as the pictures.
func (l tiling) figure(tiles []tile, scale colourScale, label, caption string) (Figure, error) {
	if err := checkText("label of the colours", label); err != nil {
		return Figure{}, err
	}
	titles, longest := vg.Length(0), vg.Length(0)
	for _, t := range tiles {
		if err := checkText("title", t.title); err != nil {
			return Figure{}, err
		}
		if t.title != "" {
			titles, longest = titleLead, max(longest, boldFace.Width(t.title))
		}
	}
	middle := l.left + (l.width-l.left-l.right)/2
	before := wholePixels(max(0, longest/2-middle)) // what a title sticks out
	after := wholePixels(max(0, longest/2-(l.width-middle)))
	stepX, stepY := before+l.width+after+tileGap, titles+l.height+tileGap
	columns := min(len(tiles), cmp.Or(l.columns, max(1, int((tilesWide+tileGap)/stepX))))
	rows := (len(tiles) + columns - 1) / columns
	width, height := vg.Length(columns)*stepX-tileGap, vg.Length(rows)*stepY-tileGap
	free := titles + l.above
	bar := newColourBar(scale, label, height-free-l.below)
	return newFigure(width+bar.width(), height, caption, func(c draw.Canvas) {
		for i, t := range tiles {
			x := c.Min.X + before + vg.Length(i%columns)*stepX
			y := c.Max.Y - vg.Length(i/columns)*stepY
			drawText(c, boldFace, ink, vg.Point{X: x + middle, Y: y - titles/3}, centred, t.title)
			t.draw(within(c, x, y-titles-l.height, l.width, l.height))
		}
		bar.draw(within(c, c.Min.X+width, c.Max.Y-height+l.below, bar.width(), height-free-l.below))
	})
}

// within is a part of c with its lower left corner at x, y.
func within(c draw.Canvas, x, y, width, height vg.Length) draw.Canvas {
	return draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
		Min: vg.Point{X: x, Y: y},
		Max: vg.Point{X: x + width, Y: y + height},
	}}
}
