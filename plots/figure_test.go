package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/plot/cmpimg"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// checkGolden compares a figure, at the given resolution, with its picture in
// testdata. Each was looked at before it was committed; go test -regen draws
// them again. Architectures round a little differently, by far less than 5 % of
// the distance from black to white.
func checkGolden(t *testing.T, fig Figure, name string, dpi int) {
	t.Helper()
	path := filepath.Join("testdata", name+"_golden.png")
	got, err := fig.png(dpi)
	if err != nil {
		t.Fatal(err)
	}
	if *cmpimg.GenerateTestData {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	equal, err := cmpimg.EqualApprox("png", got, want, 0.05)
	if err != nil {
		t.Fatal(err)
	}
	if !equal {
		seen := filepath.Join(t.ArtifactDir(), name+".png")
		if err := os.WriteFile(seen, got, 0o666); err != nil {
			t.Fatal(err)
		}
		t.Errorf("the figure differs from %s; go test -artifacts keeps it as %s", path, seen)
	}
}

// box is a part of a drawing that must stay readable.
type box struct {
	what string
	vg.Rectangle
}

func (b box) within(c vg.Rectangle) bool {
	return b.Min.X >= c.Min.X && b.Min.Y >= c.Min.Y && b.Max.X <= c.Max.X && b.Max.Y <= c.Max.Y
}

func (b box) overlaps(c vg.Rectangle) bool {
	const touching = 0.1
	return b.Min.X < c.Max.X-touching && c.Min.X < b.Max.X-touching &&
		b.Min.Y < c.Max.Y-touching && c.Min.Y < b.Max.Y-touching
}

// checkLayout draws fig on paper and makes sure that nothing is cut off, that no
// text lies on another or on an image, and that no line runs through either. But
// lines and numbers lie over colours: over images that are not grey. It returns
// the texts in the order in which they were drawn.
func checkLayout(t *testing.T, fig Figure) []string {
	t.Helper()
	var rec recorder.Canvas
	fig.draw(draw.NewCanvas(&rec, fig.width, fig.height))
	paper := vg.Rectangle{Max: vg.Point{X: fig.width, Y: fig.height}}

	var boxes []box
	var lines, colours []vg.Rectangle
	var texts []string
	angles := []float64{0}
	for _, action := range rec.Actions {
		angle := &angles[len(angles)-1]
		switch a := action.(type) {
		case *recorder.Push:
			angles = append(angles, *angle)
		case *recorder.Pop:
			angles = angles[:len(angles)-1]
		case *recorder.Rotate:
			*angle += a.Angle
		case *recorder.FillString:
			// Ascenders and descenders of Liberation Sans.
			font := face(a.Font, a.Size)
			low := a.Point.Add(vg.Point{Y: -0.21 * a.Size})
			high := a.Point.Add(vg.Point{X: font.Width(a.String), Y: 0.73 * a.Size})
			texts = append(texts, a.String)
			boxes = append(boxes, box{a.String, bounds(turned(low, *angle), turned(high, *angle))})
		case *recorder.DrawImage:
			if _, grey := a.Image.(*image.Gray); grey {
				boxes = append(boxes, box{"image", a.Rectangle})
			} else {
				colours = append(colours, a.Rectangle)
			}
		case *recorder.Stroke:
			for i := 1; i < len(a.Path); i++ {
				lines = append(lines, bounds(a.Path[i-1].Pos, a.Path[i].Pos))
			}
		}
	}
	for _, c := range colours {
		if !(box{"", c}).within(paper) {
			t.Errorf("the colours at %v leave the figure %v", c, paper)
		}
	}
	for i, b := range boxes {
		if !b.within(paper) {
			t.Errorf("%q at %v leaves the figure %v", b.what, b.Rectangle, paper)
		}
		for _, c := range colours {
			if b.overlaps(c) && !b.within(c) {
				t.Errorf("%q at %v runs over the edge of the colours at %v", b.what, b.Rectangle, c)
			}
		}
		for _, c := range boxes[:i] {
			if b.overlaps(c.Rectangle) {
				t.Errorf("%q at %v overlaps %q at %v", b.what, b.Rectangle, c.what, c.Rectangle)
			}
		}
		for _, line := range lines {
			// A horizontal line has no height to overlap with.
			line.Min.Y, line.Max.Y = line.Min.Y-0.2, line.Max.Y+0.2
			if b.overlaps(line) {
				t.Errorf("a line at %v runs through %q at %v", line, b.what, b.Rectangle)
			}
		}
	}
	return texts
}

func turned(p vg.Point, angle float64) vg.Point {
	sin, cos := math.Sincos(angle)
	return vg.Point{X: p.X*vg.Length(cos) - p.Y*vg.Length(sin), Y: p.X*vg.Length(sin) + p.Y*vg.Length(cos)}
}

func bounds(a, b vg.Point) vg.Rectangle {
	return vg.Rectangle{
		Min: vg.Point{X: min(a.X, b.X), Y: min(a.Y, b.Y)},
		Max: vg.Point{X: max(a.X, b.X), Y: max(a.Y, b.Y)},
	}
}

// checkSVG makes sure that the SVG of a figure is XML without impossible
// numbers, and returns the texts in it.
func checkSVG(t *testing.T, fig Figure) []string {
	t.Helper()
	svg, err := fig.SVG()
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	depth := 0
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			depth++
			for _, a := range e.Attr {
				if a.Name.Local != "href" && (strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf")) {
					t.Errorf("<%s %s=%q>", e.Name.Local, a.Name.Local, a.Value)
				}
			}
			if e.Name.Local == "text" {
				texts = append(texts, "")
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if len(texts) > 0 && strings.TrimSpace(string(e)) != "" {
				texts[len(texts)-1] += string(e)
			}
		}
	}
	if depth != 0 {
		t.Errorf("%d elements are not closed", depth)
	}
	return texts
}

func blank(t *testing.T, caption string) Figure {
	t.Helper()
	fig, err := newFigure(minWidth, 20*px, caption, func(draw.Canvas) {})
	if err != nil {
		t.Fatal(err)
	}
	return fig
}

func TestCaption(t *testing.T) {
	without, short := blank(t, ""), blank(t, "One line.")
	if want := captionGap + captionLead; math.Abs(float64(short.height-without.height-want)) > 1e-9 {
		t.Errorf("a line of caption takes %v, want %v", short.height-without.height, want)
	}
	long := strings.Repeat("Straight-through gradients of a hard concrete relaxation. ", 9)
	fig := blank(t, long+"\n-out=results/"+strings.Repeat("x", 200)+" & <seed> \"1\"")
	if got := strings.Join(strings.Fields(strings.Join(checkLayout(t, fig), " ")), ""); got != strings.ReplaceAll(long, " ", "")+"-out=results/"+strings.Repeat("x", 200)+"&<seed>\"1\"" {
		t.Errorf("the caption reads %q", got)
	}
	checkGolden(t, blank(t, "A caption that is longer than the figure is wide breaks between words; −1 ≤ β ≤ 1.\n-out=results/vae/hardconcrete"), "caption", 48)
}

func TestCaptionErrors(t *testing.T) {
	for _, bad := range []string{"a\x00b", "a\x1b[1mb", "a\xffb", "a\u0085b", "a\uffffb", "a\rb"} {
		if _, err := newFigure(minWidth, px, bad, nil); err == nil || !strings.Contains(err.Error(), "caption") {
			t.Errorf("caption %q: error %v", bad, err)
		}
	}
}

// A figure without its caption is the same above it.
func TestWithoutCaption(t *testing.T) {
	fig := blank(t, "Two lines\nof caption.\n")
	if got := fig.Caption(); got != "Two lines\nof caption." {
		t.Errorf("caption %q", got)
	}
	bare, err := fig.WithoutCaption()
	if err != nil {
		t.Fatal(err)
	}
	if texts := checkLayout(t, bare); len(texts) > 0 || bare.Caption() != "" {
		t.Errorf("without its caption it says %q, %q", texts, bare.Caption())
	}
	if less := fig.height - bare.height; bare.width != fig.width || less != captionGap+2*captionLead {
		t.Errorf("%v×%v without, %v×%v with a caption of two lines", bare.width, bare.height, fig.width, fig.height)
	}
	plain, err := blank(t, "").PNG()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := bare.PNG(); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("it differs from one that never had any, %v", err)
	}
	var zero Figure
	_, err = zero.WithoutCaption()
	checkError(t, "the zero figure without caption", err, "empty")
	_, err = zero.PNG()
	checkError(t, "its PNG", err, "empty")
	_, err = zero.SVG()
	checkError(t, "its SVG", err, "empty")
}

func TestSVG(t *testing.T) {
	fig := blank(t, `-a="1" <&> style="font-family:Liberation Sans;`)
	if got := strings.Join(checkSVG(t, fig), "|"); got != `-a="1" <&> style="font-family:Liberation Sans;` {
		t.Errorf("text %q", got)
	}
	svg, err := fig.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`width="381pt"`, `'Liberation Sans',Arial`} { // (480 + 2·14) px
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("no %s in %s", want, svg)
		}
	}
}

func TestPNGSize(t *testing.T) {
	data, err := blank(t, "").png(pngDPI)
	if err != nil {
		t.Fatal(err)
	}
	config, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if config.Width != 2*(480+28) || config.Height != 2*(20+28) || config.ColorModel != color.GrayModel {
		t.Errorf("%d×%d pixels, grey %t", config.Width, config.Height, config.ColorModel == color.GrayModel)
	}
}

func TestGreyed(t *testing.T) {
	img := image.NewRGBA(image.Rect(0, 0, 2, 1))
	img.Set(0, 0, color.Gray{7})
	img.Set(1, 0, color.Gray{200})
	grey, ok := greyed(img).(*image.Gray)
	if !ok || !bytes.Equal(grey.Pix, []byte{7, 200}) {
		t.Errorf("got %v", greyed(img))
	}
	img.Set(1, 0, color.RGBA{200, 200, 201, 255})
	if greyed(img) != image.Image(img) {
		t.Error("a colour was lost")
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	fig := blank(t, "Same input, same bytes.")
	var before [2][]byte
	for round := range 2 {
		if err := fig.Save(dir, "figure"); err != nil {
			t.Fatal(err)
		}
		for i, ext := range []string{".png", ".svg"} {
			data, err := os.ReadFile(filepath.Join(dir, "figure"+ext))
			if err != nil {
				t.Fatal(err)
			}
			if round > 0 && !bytes.Equal(data, before[i]) {
				t.Errorf("%s is not the same the second time", ext)
			}
			before[i] = data
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("%d files, want 2", len(files))
	}
}

func TestSaveErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	if err := blank(t, "").Save(missing, "figure"); err == nil || !strings.Contains(err.Error(), filepath.Join(missing, "figure.png")) {
		t.Errorf("no directory: error %v", err)
	}
	dir := t.TempDir()
	if err := (Figure{}).Save(dir, "figure"); err == nil || !strings.Contains(err.Error(), "figure") {
		t.Errorf("zero figure: error %v", err)
	}
	if err := save(dir, namedFigure{"good", blank(t, "")}, namedFigure{"empty", Figure{}}); err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "empty")) {
		t.Errorf("a good and a zero figure: error %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("%d files, want none", len(files))
	}
}

// imagesOf is the value of the first pixel, 0 to 1, of each image drawn.
func imagesOf(fig Figure) []float64 {
	var rec recorder.Canvas
	fig.draw(draw.NewCanvas(&rec, fig.width, fig.height))
	var values []float64
	for _, action := range rec.Actions {
		if a, ok := action.(*recorder.DrawImage); ok {
			values = append(values, float64(color.GrayModel.Convert(a.Image.At(0, 0)).(color.Gray).Y)/255)
		}
	}
	return values
}
