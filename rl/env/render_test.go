package env

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// Set FRAMES to a directory to look at the frames that the tests draw.
func keep(t *testing.T, name string, frame image.Image) {
	dir := os.Getenv("FRAMES")
	if dir == "" {
		return
	}
	f, err := os.Create(dir + "/" + name + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, frame); err != nil {
		t.Fatal(err)
	}
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// Text fits into its rows and columns, resets every colour, and shows something; frames have one size.
func TestRenderings(t *testing.T) {
	for id, want := range map[string]struct {
		columns, rows int
		size          image.Point
	}{
		"CartPole-v1": {60, 10, image.Pt(600, 400)},
		"Acrobot-v1":  {34, 18, image.Pt(500, 500)},
		"Taxi-v3":     {11, 8, image.Pt(350, 350)},
	} {
		e := must(Make(id))
		r, ok := As[Renderer](e)
		if !ok {
			t.Fatalf("%s cannot be drawn", id)
		}
		obs := make([]float32, e.Space().Size)
		look := func() string {
			t.Helper()
			text := r.Text()
			if strings.Count(text, "\x1b[") != 2*strings.Count(text, "\x1b[0m") {
				t.Errorf("%s: colours are not reset:\n%q", id, text)
			}
			lines := strings.SplitAfter(escape.ReplaceAllString(text, ""), "\n")
			if len(lines) != want.rows+1 {
				t.Errorf("%s: %d lines, want %d", id, len(lines)-1, want.rows)
			}
			for _, line := range lines[:want.rows-1] {
				if n := utf8.RuneCountInString(line) - 1; n > want.columns {
					t.Errorf("%s: a line of %d characters, want %d at most", id, n, want.columns)
				}
			}
			if size := r.Frame().Bounds().Size(); size != want.size {
				t.Errorf("%s: frame of %v, want %v", id, size, want.size)
			}
			return text
		}
		look() // before the first Reset
		e.Seed(1)
		mustReset(t, e, obs)
		first := look()
		for i := range 25 {
			if mustStep(t, e, i/2%2, obs).Done() {
				break
			}
		}
		if look() == first {
			t.Errorf("%s looks the same after 25 steps", id)
		}
		t.Logf("%s\n%s", id, r.Text())
		keep(t, id, r.Frame())
	}
}

// What matters is where it should be: the pole's tip, the links' ends, the taxi and the passenger.
func TestFramesShowTheState(t *testing.T) {
	same := func(what string, frame image.Image, x, y int, want color.RGBA) {
		t.Helper()
		if got := color.RGBAModel.Convert(frame.At(x, y)); got != want {
			t.Errorf("%s: pixel (%d, %d) is %v, want %v", what, x, y, got, want)
		}
	}
	white := color.RGBA{255, 255, 255, 255}
	pole := NewCartPole()
	pole.state = [4]float64{1.2, 0, 0.2, 0} // 125 pixels a metre: the axle at (450, 278), the tip 24.8 right and 122.5 up
	same("pole", pole.Frame(), 474, 157, color.RGBA{202, 152, 101, 255})
	same("pole", pole.Frame(), 450, 157, white)
	same("cart", pole.Frame(), 460, 295, color.RGBA{40, 44, 52, 255})

	acrobot := NewAcrobot()
	acrobot.state = [4]float64{1.5707963267948966, 1.5707963267948966, 0, 0} // first link to the right, second straight up
	same("first link", acrobot.Frame(), 310, 250, color.RGBA{0, 158, 160, 255})
	same("second link", acrobot.Frame(), 364, 190, color.RGBA{0, 158, 160, 255})
	same("below", acrobot.Frame(), 364, 310, white)
	same("joint", acrobot.Frame(), 363, 250, color.RGBA{230, 190, 40, 255})

	taxi, _ := newTestTaxi(t, TaxiOptions{}, 0)
	taxi.state = ((2*5+1)*5+3)*4 + 1 // row 2, column 1; passenger at B, destination G
	frame := taxi.Frame()
	keep(t, "taxi-waiting", frame)
	same("empty taxi", frame, 79+20, 143+40, color.RGBA{235, 180, 0, 255})
	same("passenger", frame, 15+3*64+16, 15+4*64+18, color.RGBA{30, 70, 200, 255})
	same("destination", frame, 15+4*64+6, 15+32, color.RGBA{200, 40, 160, 255})
	taxi.state = ((2*5+1)*5+4)*4 + 1
	frame = taxi.Frame()
	same("full taxi", frame, 79+20, 143+40, color.RGBA{40, 150, 60, 255})
	same("nobody waits", frame, 15+3*64+16, 15+4*64+18, color.RGBA{150, 180, 240, 255})
}

func TestTextCanvas(t *testing.T) {
	c := newTextCanvas(3, 1)
	c.line(0, 0, 1, 0, ansiBlue)
	c.line(4, 3, 4, 3, ansiBlue)
	c.line(-5, 0, -1, 9, ansiCyan) // outside
	if got, want := c.String(), "\x1b[34m⠉\x1b[0m \x1b[34m⡀\x1b[0m\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
