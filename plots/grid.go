package plots

import (
	"cmp"
	"fmt"
	"image"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Images is a list of grey images of one size.
type Images struct {
	Rows, Cols int       // size of an image
	Pixels     []float32 // 0 (black) to 1 (white), image after image, row after row
}

// count is the number of images, once they have passed check.
func (im Images) count() int { return len(im.Pixels) / (im.Rows * im.Cols) }

// Limits of a grid of images.
const (
	maxColumns = 16
	maxSide    = 128 // pixels of an image
)

// check returns an error if the images cannot be drawn. The name is that of the
// tensor in images.safetensors.
func (im Images) check(name string) error {
	if im.Rows < 1 || im.Cols < 1 || im.Rows > maxSide || im.Cols > maxSide {
		return fmt.Errorf("tensor %q: images of %d×%d pixels; sides must be 1 to %d", name, im.Rows, im.Cols, maxSide)
	}
	size := im.Rows * im.Cols
	if len(im.Pixels) == 0 || len(im.Pixels)%size != 0 {
		return fmt.Errorf("tensor %q: %d values; images of %d×%d pixels need a multiple of %d, and at least one image",
			name, len(im.Pixels), im.Rows, im.Cols, size)
	}
	for i, v := range im.Pixels {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("tensor %q: image %d, row %d, column %d is %v; it must be 0 to 1",
				name, i/size, i%size/im.Cols, i%im.Cols, v)
		}
	}
	return nil
}

// Reconstruction draws originals above their reconstructions, one pair a
// column. Errors: the two differ in number or size; there is no pair or more
// than 16; images of no pixels or more than 128 a side; a value that is not in
// [0, 1].
func Reconstruction(originals, reconstructions Images, caption string) (Figure, error) {
	if err := cmp.Or(originals.check("originals"), reconstructions.check("reconstructions")); err != nil {
		return Figure{}, err
	}
	n := originals.count()
	switch {
	case originals.Rows != reconstructions.Rows || originals.Cols != reconstructions.Cols || n != reconstructions.count():
		return Figure{}, fmt.Errorf("tensors %q and %q: %d images of %d×%d pixels, but %d of %d×%d", "originals", "reconstructions",
			n, originals.Rows, originals.Cols, reconstructions.count(), reconstructions.Rows, reconstructions.Cols)
	case n > maxColumns:
		return Figure{}, fmt.Errorf("tensor %q: %d images; at most %d fit side by side", "originals", n, maxColumns)
	}
	pairs := originals
	pairs.Pixels = slices.Concat(originals.Pixels, reconstructions.Pixels)
	return imageGrid(pairs, n, []string{"test image", "reconstruction"}, caption)
}

// Samples draws images in a square, row after row; the last row may be short.
// Errors: no image or more than 256; images of no pixels or more than 128 a
// side; a value that is not in [0, 1].
func Samples(samples Images, caption string) (Figure, error) {
	if err := samples.check("samples"); err != nil {
		return Figure{}, err
	}
	n := samples.count()
	if n > maxColumns*maxColumns {
		return Figure{}, fmt.Errorf("tensor %q: %d images; at most %d fit in a figure", "samples", n, maxColumns*maxColumns)
	}
	return imageGrid(samples, int(math.Ceil(math.Sqrt(float64(n)))), nil, caption)
}

// imageGrid draws images in rows of the given number of columns. The labels, if
// there are any, stand left of the rows.
func imageGrid(images Images, columns int, labels []string, caption string) (Figure, error) {
	const (
		tile     = 84  // px that the longer side of an image takes,
		widest   = 960 // unless the grid became wider than this
		labelGap = 10 * px
	)
	grid := mosaic(images, columns)
	size := grid.Bounds().Size()
	scale := px * vg.Length(max(1, min(tile/max(images.Rows, images.Cols), widest/size.X)))
	width, height := scale*vg.Length(size.X), scale*vg.Length(size.Y)

	font := face(sans, labelSize)
	left := vg.Length(0)
	for _, label := range labels {
		left = max(left, wholePixels(font.Width(label)+labelGap))
	}
	return newFigure(left+width, height, caption, func(c draw.Canvas) {
		c.DrawImage(vg.Rectangle{
			Min: vg.Point{X: c.Min.X + left, Y: c.Max.Y - height},
			Max: vg.Point{X: c.Min.X + left + width, Y: c.Max.Y},
		}, grid)
		for i, label := range labels {
			middle := scale * (vg.Length(i*(images.Rows+gap(images))) + vg.Length(images.Rows)/2)
			drawText(c, font, ink, vg.Point{X: c.Min.X + left - labelGap, Y: c.Max.Y - middle}, rightAligned, label)
		}
	})
}

// mosaic is one picture of all images, each pixel a pixel, on white.
func mosaic(images Images, columns int) *image.Gray {
	rows := (images.count() + columns - 1) / columns
	dx, dy := images.Cols+gap(images), images.Rows+gap(images)
	grid := image.NewGray(image.Rect(0, 0, columns*dx-gap(images), rows*dy-gap(images)))
	for i := range grid.Pix {
		grid.Pix[i] = 255
	}
	size := images.Rows * images.Cols
	for i, v := range images.Pixels {
		tile, y, x := i/size, i%size/images.Cols, i%images.Cols
		grid.Pix[grid.PixOffset(tile%columns*dx+x, tile/columns*dy+y)] = uint8(math.Round(255 * float64(v)))
	}
	return grid
}

// gap is the space between images, in pixels of theirs.
func gap(images Images) int { return max(1, max(images.Rows, images.Cols)/14) }
