package plots

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"math"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// HeatMap is a matrix of numbers that are shown as colours.
type HeatMap struct {
	Title  string
	Values [][]float64 // row by row, the first at the bottom, as on a y axis
}

// HeatMapOptions are the words of a figure of heat maps. Both axes and the
// colours must be labelled, with units.
type HeatMapOptions struct {
	XLabel, YLabel string
	Columns, Rows  []string // what stands at the columns, from the left, and at the rows, from below
	Label          string   // what the colours are
	Log            bool     // logarithmic colours; all values are above 0 then
	Compact        bool     // small cells without numbers
	Caption        string
}

// Limits and sizes of heat maps.
const (
	maxMaps  = 12
	maxCells = 64       // in a row or column
	mapSide  = 300 * px // of all cells, unless numbers need more,
	mapSmall = 220 * px // or if they are small
	mapLeast = 160 * px // of few cells,
	cellMost = 48 * px  // which else are no larger than this
	cellRoom = 10 * px  // in a cell, around its number
	cellLead = 28 * px  // least height of a cell with a number
	mapTick  = 4 * px

	fewCells = 12 // in a row or column, so that each is written into
)

// HeatMaps draws maps of equal axes side by side, on one common scale of
// colours, from the least to the greatest value of all maps. In maps of at most
// 12 rows and columns the numbers stand in their cells, unless they are compact.
//
// Errors: no maps or more than 12; no rows or columns or more than 64; a map
// with other numbers of them than the marks of the axes; a value that is not
// finite, greater than 10¹⁵, or, on a logarithmic scale, not above 0; an axis,
// a row, a column or the colours without a label.
func HeatMaps(maps []HeatMap, opt HeatMapOptions) (Figure, error) {
	if len(maps) == 0 || len(maps) > maxMaps {
		return Figure{}, fmt.Errorf("%d heat maps; there must be 1 to %d", len(maps), maxMaps)
	}
	if err := opt.check(); err != nil {
		return Figure{}, err
	}
	var all []float64
	for k, m := range maps {
		if err := m.check(opt); err != nil {
			return Figure{}, fmt.Errorf("heat map %d (%q): %w", k, m.Title, err)
		}
		for _, row := range m.Values {
			all = append(all, row...)
		}
	}
	scale, err := newColourScale(all, opt.Log)
	if err != nil {
		return Figure{}, err
	}

	g := newMapGrid(all, opt)
	var tiles []tile
	for _, m := range maps {
		tiles = append(tiles, tile{m.Title, func(c draw.Canvas) { g.draw(c, m, scale) }})
	}
	return g.tiling().figure(tiles, scale, opt.Label, opt.Caption)
}

// check returns an error if the words cannot be drawn.
func (opt HeatMapOptions) check() error {
	if strings.TrimSpace(opt.Label) == "" {
		return errors.New("the colours have no label")
	}
	if err := (axisLabels{opt.XLabel, opt.YLabel}).check(); err != nil {
		return err
	}
	return cmp.Or(checkMarks("row", opt.Rows), checkMarks("column", opt.Columns))
}

func checkMarks(what string, marks []string) error {
	if len(marks) == 0 || len(marks) > maxCells {
		return fmt.Errorf("%d %ss; there must be 1 to %d", len(marks), what, maxCells)
	}
	for i, mark := range marks {
		if mark == "" {
			return fmt.Errorf("%s %d has no label", what, i)
		}
		if err := checkText("label of a "+what, mark); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error if m does not fit the axes or holds what is no number.
func (m HeatMap) check(opt HeatMapOptions) error {
	if len(m.Values) != len(opt.Rows) {
		return fmt.Errorf("%d rows of values, but %d labels", len(m.Values), len(opt.Rows))
	}
	for i, row := range m.Values {
		if len(row) != len(opt.Columns) {
			return fmt.Errorf("%d values in row %d, but %d labels of columns", len(row), i, len(opt.Columns))
		}
		if _, err := newColourScale(row, opt.Log); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	return nil
}

// mapGrid is the layout that all maps of a figure share.
type mapGrid struct {
	opt            HeatMapOptions
	cellX, cellY   vg.Length
	left, below    vg.Length            // of the cells, for marks and labels
	right          vg.Length            // of the cells, for what hangs over of a mark
	xLabel, yLabel []string             // lines
	number         func(float64) string // nil: cells are not written into
}

func newMapGrid(values []float64, opt HeatMapOptions) mapGrid {
	rows, columns := len(opt.Rows), len(opt.Columns)
	g := mapGrid{opt: opt}
	side := mapSide
	if opt.Compact {
		side = mapSmall
	}
	g.cellX, g.cellY = cellSize(side, columns), cellSize(side, rows)
	if !opt.Compact && rows <= fewCells && columns <= fewCells {
		g.number = cellNumbers(values, opt.Log)
		g.cellX = max(g.cellX, wholePixels(widest(g.number, values)+cellRoom))
		g.cellY = max(g.cellY, cellLead)
	}
	for _, mark := range opt.Rows {
		g.left = max(g.left, noteFace.Width(mark))
	}
	for _, mark := range opt.Columns {
		g.right = max(g.right, wholePixels((noteFace.Width(mark)-g.cellX)/2))
	}
	g.xLabel = wrap(labelFace, opt.XLabel, g.width())
	g.yLabel = wrap(labelFace, opt.YLabel, g.height())
	g.left = max(g.right, wholePixels(g.left+2*mapTick+6*px+captionLead*vg.Length(len(g.yLabel))))
	g.below = 2*mapTick + noteLead + 4*px + captionLead*vg.Length(len(g.xLabel))
	return g
}

// cellSize is the size of one of n cells in a row or column, side together.
func cellSize(side vg.Length, n int) vg.Length {
	return wholePixels(max(min(side/vg.Length(n), cellMost), mapLeast/vg.Length(n)))
}

// cellNumbers formats values with as many decimals as the greatest needs. Where
// these differ by orders of magnitude, or are many, each has digits of its own.
func cellNumbers(values []float64, log bool) func(float64) string {
	const digits, most = 3, 6 // decimals
	greatest := 0.0
	for _, v := range values {
		greatest = max(greatest, math.Abs(v))
	}
	decimals := 0
	if greatest > 0 {
		decimals = max(0, digits-1-int(math.Floor(math.Log10(greatest))))
	}
	if log || decimals > most {
		return func(v float64) string { return formatSignificant(v, digits-1) }
	}
	return fixed(decimals)
}

func widest(format func(float64) string, values []float64) vg.Length {
	width := vg.Length(0)
	for _, v := range values {
		width = max(width, noteFace.Width(format(v)))
	}
	return width
}

// width and height are those of the cells together.
func (g mapGrid) width() vg.Length  { return g.cellX * vg.Length(len(g.opt.Columns)) }
func (g mapGrid) height() vg.Length { return g.cellY * vg.Length(len(g.opt.Rows)) }

func (g mapGrid) tiling() tiling {
	return tiling{width: g.left + g.width() + g.right, height: g.height() + g.below, left: g.left, right: g.right, below: g.below}
}

// draw draws m over all of c.
func (g mapGrid) draw(c draw.Canvas, m HeatMap, scale colourScale) {
	rows, columns := len(g.opt.Rows), len(g.opt.Columns)
	cells := within(c, c.Min.X+g.left, c.Max.Y-g.height(), g.width(), g.height())
	img := image.NewRGBA(image.Rect(0, 0, columns, rows))
	for i, row := range m.Values {
		for j, v := range row {
			img.SetRGBA(j, rows-1-i, scale.colour(v))
		}
	}
	c.DrawImage(cells.Rectangle, img)
	c.StrokeLines(frameStyle, closed(corners(cells.Rectangle)...))

	x := func(j int) vg.Length { return cells.Min.X + (vg.Length(j)+0.5)*g.cellX }
	y := func(i int) vg.Length { return cells.Min.Y + (vg.Length(i)+0.5)*g.cellY }
	if g.number != nil {
		for i, row := range m.Values {
			for j, v := range row {
				drawText(c, noteFace, scale.over(v), vg.Point{X: x(j), Y: y(i)}, centred, g.number(v))
			}
		}
	}
	for j := 0; j < columns; j += every(g.opt.Columns, g.cellX, noteFace.Width) {
		c.StrokeLine2(frameStyle, x(j), cells.Min.Y, x(j), cells.Min.Y-mapTick)
		drawText(c, noteFace, faint, vg.Point{X: x(j), Y: cells.Min.Y - 2*mapTick - noteLead/2}, centred, g.opt.Columns[j])
	}
	for i := 0; i < rows; i += every(g.opt.Rows, g.cellY, func(string) vg.Length { return noteLead }) {
		c.StrokeLine2(frameStyle, cells.Min.X, y(i), cells.Min.X-mapTick, y(i))
		drawText(c, noteFace, faint, vg.Point{X: cells.Min.X - 2*mapTick, Y: y(i)}, rightAligned, g.opt.Rows[i])
	}
	for k, line := range g.xLabel {
		at := vg.Point{X: cells.Center().X, Y: c.Min.Y + (vg.Length(len(g.xLabel)-k)-0.5)*captionLead}
		drawText(c, labelFace, ink, at, centred, line)
	}
	for k, line := range g.yLabel {
		drawUpright(c, labelFace, ink, vg.Point{X: c.Min.X + (vg.Length(k)+0.5)*captionLead, Y: cells.Center().Y}, line)
	}
}

// every tells that only every so-manieth mark has room, where they are step
// apart.
func every(marks []string, step vg.Length, size func(string) vg.Length) int {
	const apart = 6 * px
	longest := vg.Length(0)
	for _, mark := range marks {
		longest = max(longest, size(mark)+apart)
	}
	return max(1, int(math.Ceil(float64(longest/step)-1e-9)))
}
