package plots

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"
)

// ramp is n images of size rows×cols whose values go from 0 to 1.
func ramp(n, rows, cols int) Images {
	pixels := make([]float32, n*rows*cols)
	for i := range pixels {
		pixels[i] = float32(i) / float32(max(1, len(pixels)-1))
	}
	return Images{Rows: rows, Cols: cols, Pixels: pixels}
}

func TestMosaic(t *testing.T) {
	images := Images{Rows: 2, Cols: 1, Pixels: []float32{0, 1, 0.2, 0.4, 0.5, 0}}
	got := mosaic(images, 2)
	want := []uint8{
		0, 255, 51,
		255, 255, 102,
		255, 255, 255,
		128, 255, 255, // 127.5 rounds up
		0, 255, 255,
	}
	if size := got.Rect.Size(); size.X != 3 || size.Y != 5 || !slices.Equal(got.Pix, want) {
		t.Errorf("got %v %v, want 3×5 %v", size, got.Pix, want)
	}
}

// A pixel of a 28×28 image is 3 px, 6×6 pixels of the PNG, all of its value.
func TestPixelsAreCrisp(t *testing.T) {
	images := ramp(64, 28, 28)
	fig, err := Samples(images, "")
	if err != nil {
		t.Fatal(err)
	}
	data, err := fig.png(pngDPI)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	img, ok := decoded.(*image.Gray)
	if !ok {
		t.Fatalf("the PNG is %T, want grey", decoded)
	}
	const scale, edge = 6, 2 * 14 // margin of 14 px
	if size, want := img.Bounds().Size(), 2*edge+scale*(8*28+7*2); size.X != want || size.Y != want {
		t.Fatalf("the figure is %v, want %d each way", size, want)
	}
	grid := mosaic(images, 8)
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			want := uint8(255)
			if gx, gy := (x-edge)/scale, (y-edge)/scale; x >= edge && y >= edge && gx < grid.Rect.Dx() && gy < grid.Rect.Dy() {
				want = grid.GrayAt(gx, gy).Y
			}
			if got := img.GrayAt(x, y).Y; got != want {
				t.Fatalf("pixel (%d, %d) is %d, want %d", x, y, got, want)
			}
		}
	}
}

func TestReconstruction(t *testing.T) {
	caption := "hardconcrete, seed 1, epoch 20"
	for _, n := range []int{1, 3, 8, 16} {
		fig, err := Reconstruction(ramp(n, 28, 28), ramp(n, 28, 28), caption)
		if err != nil {
			t.Fatal(err)
		}
		texts := []string{"test image", "reconstruction", caption}
		if got := checkLayout(t, fig); !slices.Equal(got, texts) && !slices.Equal(got[len(got)-2:], texts[:2]) {
			t.Errorf("%d pairs: texts %q", n, got)
		}
		checkSVG(t, fig)
	}
	originals := Images{Rows: 3, Cols: 3, Pixels: []float32{0, 1, 0, 0, 1, 0, 0, 1, 0 /**/, 1, 1, 1, 1, 0, 1, 1, 1, 1}}
	reconstructions := Images{Rows: 3, Cols: 3, Pixels: []float32{0, .8, .2, .1, .9, 0, 0, .7, .3 /**/, .9, .8, .7, .8, .2, .8, .6, .9, 1}}
	fig, err := Reconstruction(originals, reconstructions, caption)
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, fig, "reconstruction", 48)
}

func TestSamples(t *testing.T) {
	for _, n := range []int{1, 2, 64, 250, 256} {
		fig, err := Samples(ramp(n, 28, 20), "caption")
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, fig)
		checkSVG(t, fig)
	}
	fig, err := Samples(ramp(7, 5, 4), "caption")
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, fig, "samples", 48)
	svg, err := fig.SVG()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(svg, []byte(`style="image-rendering:pixelated" xlink:href="data:image/png;base64,`)) {
		t.Error("browsers would smooth the pixels")
	}
}

func TestImagesLarge(t *testing.T) {
	fig, err := Reconstruction(ramp(16, maxSide, maxSide), ramp(16, maxSide, maxSide), "")
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, fig)
}

func TestGridErrors(t *testing.T) {
	with := func(v float32) Images {
		images := ramp(2, 2, 3)
		images.Pixels[6+3+2] = v
		return images
	}
	good := ramp(2, 2, 3)
	for _, test := range []struct {
		name                       string
		originals, reconstructions Images
		want                       []string
	}{
		{"NaN", with(float32(math.NaN())), good, []string{`"originals"`, "image 1, row 1, column 2 is NaN"}},
		{"above 1", good, with(1.01), []string{`"reconstructions"`, "is 1.01"}},
		{"below 0", good, with(-0.01), []string{`"reconstructions"`, "is -0.01"}},
		{"infinite", good, with(float32(math.Inf(1))), []string{`"reconstructions"`, "+Inf"}},
		{"nothing", Images{Rows: 2, Cols: 3}, good, []string{`"originals"`, "at least one image"}},
		{"zero value", good, Images{}, []string{`"reconstructions"`, "0×0"}},
		{"negative side", Images{Rows: -2, Cols: -3, Pixels: good.Pixels}, good, []string{`"originals"`, "-2×-3"}},
		{"too large", Images{Rows: 1 << 40, Cols: 1 << 40}, good, []string{`"originals"`, "sides must be 1 to 128"}},
		{"part of an image", good, Images{Rows: 2, Cols: 3, Pixels: good.Pixels[:7]}, []string{`"reconstructions"`, "7 values", "multiple of 6"}},
		{"other number", good, ramp(1, 2, 3), []string{"2 images of 2×3", "1 images of 2×3"}},
		{"other size", good, ramp(2, 3, 2), []string{"2 images of 2×3", "2 images of 3×2"}},
		{"too many", ramp(17, 2, 3), ramp(17, 2, 3), []string{"17 images", "16"}},
	} {
		_, err := Reconstruction(test.originals, test.reconstructions, "")
		checkError(t, test.name, err, test.want...)
	}
	_, err := Samples(with(2), "")
	checkError(t, "samples", err, `"samples"`, "is 2")
	_, err = Samples(ramp(257, 1, 1), "")
	checkError(t, "samples", err, `"samples"`, "257 images")
	_, err = Samples(good, "\x00")
	checkError(t, "samples", err, "caption")
}

func checkError(t *testing.T, name string, err error, want ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", name)
		return
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: error %q does not say %q", name, err, part)
		}
	}
}
