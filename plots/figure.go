package plots

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"strings"

	xdraw "golang.org/x/image/draw"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"relaxgo/internal/run"
)

// pngDPI is the resolution of PNG files: two pixels a px, for sharp text.
const pngDPI = 192

// Figure is a drawing that can be saved. Functions such as [Curves] make it; the
// zero Figure cannot be saved.
type Figure struct {
	width, height vg.Length // whole numbers of px
	draw          func(draw.Canvas)

	caption string
	bare    func() (Figure, error) // the same without its caption
}

// newFigure puts a caption, wrapped to the width, below content of the given
// size. Content is drawn in the rectangle of the canvas that it is given.
func newFigure(width, height vg.Length, caption string, content func(draw.Canvas)) (Figure, error) {
	if err := checkText("caption", caption); err != nil {
		return Figure{}, err
	}
	width, height = wholePixels(max(width, minWidth)), wholePixels(height)
	lines := wrap(captionFace, caption, width)
	fig := Figure{width: width + 2*margin, height: height + 2*margin, caption: strings.TrimRight(caption, " \t\n")}
	fig.bare = func() (Figure, error) { return newFigure(width, height, "", content) }
	if len(lines) > 0 {
		fig.height += captionGap + vg.Length(len(lines))*captionLead
	}
	fig.draw = func(c draw.Canvas) {
		c.SetColor(color.White)
		c.Fill(c.Rectangle.Path())
		c = draw.Crop(c, margin, -margin, margin, -margin)
		below := c.Max.Y - height
		content(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: below}, Max: c.Max}})
		for i, line := range lines {
			y := below - captionGap - (vg.Length(i)+0.5)*captionLead
			drawText(c, captionFace, faint, vg.Point{X: c.Min.X, Y: y}, leftAligned, line)
		}
	}
	return fig, nil
}

// wholePixels rounds a length up to px.
func wholePixels(l vg.Length) vg.Length { return vg.Length(math.Ceil(float64(l/px)-1e-6)) * px }

// Caption is the text below the figure: what its maker was given and, above that,
// what the reader must know of how it was drawn.
func (f Figure) Caption() string { return f.caption }

// WithoutCaption is the figure for a page that sets the caption itself.
func (f Figure) WithoutCaption() (Figure, error) {
	if f.draw == nil {
		return Figure{}, errEmpty
	}
	return f.bare()
}

// errEmpty is what is wrong with the zero Figure.
var errEmpty = errors.New("the figure is empty")

// PNG is the figure at two pixels per CSS pixel.
func (f Figure) PNG() ([]byte, error) {
	if f.draw == nil {
		return nil, errEmpty
	}
	return f.png(pngDPI)
}

// Save writes the figure to name.png, at two pixels per CSS pixel, and name.svg
// in the directory dir. Both are drawn before the first is written, and each is
// written whole or not at all. Errors name the file.
func (f Figure) Save(dir, name string) error { return save(dir, namedFigure{name, f}) }

// namedFigure is a figure and the name of its files, without extension.
type namedFigure struct {
	name string
	Figure
}

// save writes figures as [Figure.Save] does; all are drawn before the first is
// written.
func save(dir string, figures ...namedFigure) error {
	files, err := render(dir, figures...)
	if err != nil {
		return err
	}
	return writeFiles(files)
}

// file is a file that is yet to be written.
type file struct {
	path string
	data []byte
}

// render draws figures that shall lie in dir.
func render(dir string, figures ...namedFigure) ([]file, error) {
	var files []file
	for _, f := range figures {
		path := filepath.Join(dir, f.name)
		bitmap, err := f.PNG()
		if err != nil {
			return nil, fmt.Errorf("cannot draw %s.png: %w", path, err)
		}
		vector, err := f.SVG()
		if err != nil {
			return nil, fmt.Errorf("cannot draw %s.svg: %w", path, err)
		}
		files = append(files, file{path + ".png", bitmap}, file{path + ".svg", vector})
	}
	return files, nil
}

func writeFiles(files []file) error {
	for _, f := range files {
		err := run.WriteFile(f.path, func(w io.Writer) error {
			_, err := w.Write(f.data)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (f Figure) png(dpi int) ([]byte, error) {
	c := crispCanvas{vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(dpi))}
	f.draw(draw.New(c))
	var buf bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err := encoder.Encode(&buf, greyed(c.Image()))
	return buf.Bytes(), err
}

// greyed is img, in a third of the bytes if it has no colours.
func greyed(img image.Image) image.Image {
	grey := image.NewGray(img.Bounds())
	for y := range grey.Rect.Dy() {
		for x := range grey.Rect.Dx() {
			c := img.At(x, y)
			if r, g, b, _ := c.RGBA(); r != g || g != b {
				return img
			}
			grey.Set(x, y, c)
		}
	}
	return grey
}

// crispCanvas enlarges images without smoothing, which vgimg has no option for.
// It knows no transformations; nothing here draws images under any.
type crispCanvas struct{ *vgimg.Canvas }

func (c crispCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	dot := func(l vg.Length) int { return int(math.Round(l.Dots(c.DPI()))) }
	height := c.Image().Bounds().Dy()
	to := image.Rect(dot(r.Min.X), height-dot(r.Max.Y), dot(r.Max.X), height-dot(r.Min.Y))
	xdraw.NearestNeighbor.Scale(c.Image(), to, img, img.Bounds(), xdraw.Over, nil)
}

// SVG is the figure as a document of its own.
func (f Figure) SVG() ([]byte, error) {
	if f.draw == nil {
		return nil, errEmpty
	}
	c := vgsvg.New(f.width, f.height)
	f.draw(draw.New(c))
	var buf bytes.Buffer
	if _, err := c.WriteTo(&buf); err != nil {
		return nil, err
	}
	return []byte(svgRepairs.Replace(buf.String())), nil
}

// svgRepairs are what vgsvg has no options for: images of the right type and
// without smoothing, and fonts of the same widths where Liberation is not
// installed. Text in the figure cannot match, as its quotes are escaped.
var svgRepairs = strings.NewReplacer(
	`xlink:href="data:image/jpg;base64,`, `preserveAspectRatio="none" style="image-rendering:pixelated" xlink:href="data:image/png;base64,`,
	`style="font-family:Liberation Sans;`, `style="font-family:'Liberation Sans',Arial,Helvetica,sans-serif;`,
)
