package plots

import (
	"image/color"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// px is the unit of all layout, a pixel of CSS: 1/96 inch. Sizes in whole px
// keep bitmaps on the pixels of a PNG.
const px = vg.Inch / 96

// Layout.
const (
	margin     = 14 * px // around every figure
	captionGap = 10 * px // between content and caption
	minWidth   = 480 * px
)

// Text. Sizes suit a figure shown at its natural size, one px a CSS pixel.
const (
	labelSize   = 13.5 * px
	tickSize    = 12.5 * px
	captionSize = 12.5 * px
	captionLead = 17 * px // from one line to the next
)

var (
	ink   = color.Gray{0x22} // text
	faint = color.Gray{0x55} // captions and tick labels
	axis  = color.Gray{0x88}
	rule  = color.Gray{0xe4} // grid lines
	grey  = color.Gray{0xc8} // lines of other panels
)

// palette is that of M. Okabe and K. Ito, "Color Universal Design" (2008),
// https://jfly.uni-koeln.de/color/, without yellow, which is too light for lines
// on white, and dark colours first.
var palette = []color.Color{
	color.RGBA{0x00, 0x72, 0xb2, 0xff}, // blue
	color.RGBA{0xd5, 0x5e, 0x00, 0xff}, // vermillion
	color.RGBA{0x00, 0x9e, 0x73, 0xff}, // bluish green
	color.RGBA{0xcc, 0x79, 0xa7, 0xff}, // reddish purple
	color.RGBA{0xe6, 0x9f, 0x00, 0xff}, // orange
	color.RGBA{0x56, 0xb4, 0xe9, 0xff}, // sky blue
	color.RGBA{0x00, 0x00, 0x00, 0xff}, // black
}

// dashes is coprime to palette in length, so that 28 lines look different.
var dashes = [][]vg.Length{
	nil,
	{7 * px, 3 * px},
	{2 * px, 2.5 * px},
	{9 * px, 3 * px, 2 * px, 3 * px},
}

// lineStyle is the style of the i-th line of a figure, the same in all figures.
func lineStyle(i int) draw.LineStyle {
	return draw.LineStyle{
		Color:  palette[i%len(palette)],
		Width:  2 * px,
		Dashes: dashes[i%len(dashes)],
	}
}

// levelStyle is the style of a horizontal line across the axes.
var levelStyle = draw.LineStyle{Color: ink, Width: px, Dashes: []vg.Length{5 * px, 4 * px}}

// frameStyle is the style of the outlines of coloured areas and of their marks.
var frameStyle = draw.LineStyle{Color: axis, Width: px}

// pale is the colour of a band around a line of colour c. Lines and other bands
// show through.
func pale(c color.Color) color.Color {
	rgb := color.NRGBAModel.Convert(c).(color.NRGBA)
	rgb.A = 0x30
	return rgb
}

var (
	sans     = font.Font{Typeface: "Liberation", Variant: "Sans"}
	sansBold = font.Font{Typeface: "Liberation", Variant: "Sans", Weight: xfont.WeightBold}
)

// Faces of text outside the axes.
var (
	labelFace   = face(sans, labelSize)
	boldFace    = face(sansBold, labelSize)
	noteFace    = face(sans, tickSize)
	captionFace = face(sans, captionSize)
)

// face is a font that package plot embeds, in the given size.
func face(f font.Font, size vg.Length) font.Face { return font.DefaultCache.Lookup(f, size) }

// newPlot returns empty axes over a light grid.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // a figure has its own
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.LineStyle = draw.LineStyle{Color: axis, Width: px}
		a.Padding = 0
		a.Label.TextStyle.Font = font.From(sans, labelSize)
		a.Label.TextStyle.Color = ink
		a.Label.Padding = 6 * px
		a.Tick.Label.Font = font.From(sans, tickSize)
		a.Tick.Label.Color = faint
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 5 * px
	}
	grid := plotter.NewGrid()
	grid.Horizontal = draw.LineStyle{Color: rule, Width: px}
	grid.Vertical = grid.Horizontal
	p.Add(grid)
	return p
}
