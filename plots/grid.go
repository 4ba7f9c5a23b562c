package plots

import (
	"cmp"
	"fmt"
	"image"
	"math"

	"gonum.org/v1/plot/vg"
)

// Images is a list of grey images of one size.
type Images struct {
	Rows, Cols int       // size of an image
	Pixels     []float32 // 0 (black) to 1 (white), image after image, row after row
}

// count is the number of images, once they have passed check.
func (im Images) count() int { return len(im.Pixels) / (im.Rows * im.Cols) }

// extent is number, rows and columns of images that have passed check.
type extent struct{ count, rows, cols int }

func (im Images) extent() extent { return extent{im.count(), im.Rows, im.Cols} }

func (e extent) String() string {
	return fmt.Sprintf("%d images of %d×%d pixels", e.count, e.rows, e.cols)
}

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

// checkPairs returns an error if one of the two cannot be drawn or they are not
// pairs.
func checkPairs(originals, reconstructions Images) error {
	if err := cmp.Or(originals.check("originals"), reconstructions.check("reconstructions")); err != nil {
		return err
	}
	if a, b := originals.extent(), reconstructions.extent(); a != b {
		return fmt.Errorf("tensor %q holds %v, but %q %v", "originals", a, "reconstructions", b)
	}
	return nil
}

// Reconstruction draws originals above their reconstructions, one pair a
// column. Errors: the two differ in number or size; there is no pair or more
// than 16; images of no pixels or more than 128 a side; a value that is not in
// [0, 1].
func Reconstruction(originals, reconstructions Images, caption string) (Figure, error) {
	if err := checkPairs(originals, reconstructions); err != nil {
		return Figure{}, err
	}
	n := originals.count()
	if n > maxColumns {
		return Figure{}, fmt.Errorf("tensor %q: %d images; at most %d fit side by side", "originals", n, maxColumns)
	}
	return imageRows(scaleFor(originals, n), []section{{rows: []imageRow{
		{name: "test image", blocks: []block{{originals, n}}},
		{name: "reconstruction", blocks: []block{{reconstructions, n}}},
	}}}, caption)
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
	columns := squareColumns(samples)
	return imageRows(scaleFor(samples, columns), []section{{rows: []imageRow{{blocks: []block{{samples, columns}}}}}}, caption)
}

// squareColumns is how many columns make the rows of images as many.
func squareColumns(images Images) int { return int(math.Ceil(math.Sqrt(float64(images.count())))) }

// scaleFor is the size of a pixel in the figures of a run.
func scaleFor(images Images, columns int) vg.Length {
	const (
		tile   = 84  // px that the longer side of an image takes,
		widest = 960 // unless the images became wider than this together
	)
	width := columns*(images.Cols+gap(images)) - gap(images)
	return px * vg.Length(max(1, min(tile/max(images.Rows, images.Cols), widest/width)))
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
