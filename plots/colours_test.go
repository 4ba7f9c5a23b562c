package plots

import (
	"image/color"
	"math"
	"strings"
	"testing"
)

// light is the linear shares of light of a colour: red, green, blue.
func light(c color.RGBA) [3]float64 {
	var linear [3]float64
	for i, v := range []uint8{c.R, c.G, c.B} {
		s := float64(v) / 255
		linear[i] = s / 12.92
		if s > 0.04045 {
			linear[i] = math.Pow((s+0.055)/1.055, 2.4)
		}
	}
	return linear
}

// toOklab is the inverse of oklab, of shares of light.
func toOklab(rgb [3]float64) [3]float64 {
	root := func(r, g, b float64) float64 { return math.Cbrt(r*rgb[0] + g*rgb[1] + b*rgb[2]) }
	l := root(0.4122214708, 0.5363325363, 0.0514459929)
	m := root(0.2119034982, 0.6806995451, 0.1073969566)
	s := root(0.0883024619, 0.2817188376, 0.6299787005)
	return [3]float64{
		0.2104542553*l + 0.7936177850*m - 0.0040720468*s,
		1.9779984951*l - 2.4285922050*m + 0.4505937099*s,
		0.0259040371*l + 0.7827717662*m - 0.8086757660*s,
	}
}

func distance(a, b [3]float64) float64 {
	return math.Hypot(math.Hypot(a[0]-b[0], a[1]-b[1]), a[2]-b[2])
}

func TestOklab(t *testing.T) {
	// White, and sRGB red as B. Ottosson gives it.
	if c := oklab(1, 0, 0); c != (color.RGBA{255, 255, 255, 255}) {
		t.Errorf("lightness 1 is %v, want white", c)
	}
	if c := oklab(0.627955, 0.224863, 0.125846); c != (color.RGBA{255, 0, 0, 255}) {
		t.Errorf("got %v, want red", c)
	}
}

// Equal steps look equal: lightness falls evenly, no colour is cut to what a
// screen can show, and the whole distance is even within a factor of 1.25.
func TestSequentialIsUniform(t *testing.T) {
	const steps = 16 // a byte of a colour rounds by 0.003 at most, a step is 0.04
	least, most := math.Inf(1), 0.0
	for i := range steps + 1 {
		share := float64(i) / steps
		here := toOklab(light(sequential(share)))
		if want := 0.975 - 0.705*share; math.Abs(here[0]-want) > 0.004 {
			t.Errorf("lightness %.4f at %v, want %.4f", here[0], share, want)
		}
		if i > 0 {
			d := distance(here, toOklab(light(sequential(share-1.0/steps))))
			least, most = min(least, d), max(most, d)
		}
	}
	if most/least > 1.25 {
		t.Errorf("steps are from %.4f to %.4f", least, most)
	}
}

// Under each form of colour blindness, nearly as much of each step is left: the
// matrices of G. Machado, M. Oliveira and L. Fernandes, "A Physiologically-based
// Model for Simulation of Color Vision Deficiency" (2009), severity 1.
func TestSequentialForColourBlind(t *testing.T) {
	for name, m := range map[string][3][3]float64{
		"protanopia":   {{0.152286, 1.052583, -0.204868}, {0.114503, 0.786281, 0.099216}, {-0.003882, -0.048116, 1.051998}},
		"deuteranopia": {{0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}},
		"tritanopia":   {{1.255528, -0.076749, -0.178779}, {-0.078411, 0.930809, 0.147602}, {0.004733, 0.691367, 0.303900}},
		"grey":         {{0.2126, 0.7152, 0.0722}, {0.2126, 0.7152, 0.0722}, {0.2126, 0.7152, 0.0722}},
	} {
		seen := func(share float64) [3]float64 {
			var s [3]float64
			for i, row := range m {
				for j, v := range light(sequential(share)) {
					s[i] += row[j] * v
				}
				s[i] = min(1, max(0, s[i]))
			}
			return toOklab(s)
		}
		const steps = 16
		for i := 1; i <= steps; i++ {
			before, here := seen(float64(i-1)/steps), seen(float64(i)/steps)
			if d := distance(before, here); here[0] >= before[0] || d < 0.03 {
				t.Errorf("%s: lightness %.3f and then %.3f, distance %.3f", name, before[0], here[0], d)
			}
		}
	}
}

// Numbers can be read on every colour: the contrast of WCAG 2 is above that for
// graphics and large text, 3, everywhere.
func TestTextOverColours(t *testing.T) {
	luminance := func(c color.RGBA) float64 {
		l := light(c)
		return 0.2126*l[0] + 0.7152*l[1] + 0.0722*l[2]
	}
	s := colourScale{low: 0, high: 1}
	for i := range 101 {
		v := float64(i) / 100
		a, b := luminance(s.colour(v)), luminance(color.RGBAModel.Convert(s.over(v)).(color.RGBA))
		if contrast := (max(a, b) + 0.05) / (min(a, b) + 0.05); contrast < 3.7 {
			t.Errorf("contrast %.2f at %v", contrast, v)
		}
	}
}

func TestColourScale(t *testing.T) {
	for _, test := range []struct {
		values []float64
		log    bool
		v      float64
		share  float64
	}{
		{[]float64{2, 6, 3}, false, 3, 0.25},
		{[]float64{-2, 2}, false, 2, 1},
		{[]float64{1e-4, 1}, true, 1e-3, 0.25},
		{[]float64{5, 5}, false, 5, 0.5},
		{[]float64{0}, false, 0, 0.5},
		{[]float64{1e-150}, true, 1e-150, 0.5},
	} {
		s, err := newColourScale(test.values, test.log)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.share(test.v); math.Abs(got-test.share) > 1e-9 {
			t.Errorf("%v: %v lies at %v, want %v", test.values, test.v, got, test.share)
		}
		if marks := s.ticks(); len(marks) < 2 || marks[0].Value < s.low || marks[len(marks)-1].Value > s.high {
			t.Errorf("%v: marks %v from %v to %v", test.values, marks, s.low, s.high)
		}
	}
	for _, test := range []struct {
		v    float64
		log  bool
		want string
	}{{math.NaN(), false, "NaN"}, {math.Inf(1), true, "+Inf"}, {1e300, false, "1e+300"}, {0, true, "above 0"}, {-1, true, "-1"}} {
		if _, err := newColourScale([]float64{1, test.v}, test.log); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v", test.v, err)
		}
	}
}
