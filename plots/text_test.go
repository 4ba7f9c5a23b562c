package plots

import (
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

func TestWrap(t *testing.T) {
	f := face(sans, 10)
	// All digits are 5.56 wide at this size, a space is 2.78.
	for _, test := range []struct {
		text  string
		width vg.Length
		want  []string
	}{
		{"", 100, nil},
		{" \n\n", 100, nil},
		{"000", 17, []string{"000"}},
		{"000 000", 36.2, []string{"000 000"}},
		{"000 000", 36.0, []string{"000", "000"}},
		{"0  0\t0", 100, []string{"0 0 0"}},
		{"0\n\n0\n", 100, []string{"0", "", "0"}},
		{"0 0000000 0", 17, []string{"0", "000", "000", "0 0"}},
		{"000", 1, []string{"0", "0", "0"}},
		{"ααα", 1, []string{"α", "α", "α"}},
		{"0\u00a00 0", 14, []string{"0\u00a00", "0"}},
	} {
		if got := wrap(f, test.text, test.width); !slices.Equal(got, test.want) {
			t.Errorf("wrap(%q, %v) = %q, want %q", test.text, test.width, got, test.want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("Test bound 101.37 nats −ELBO.\n\n go run ./cmd/vae", 60.0)
	f.Add("αβγδεζηθικλμνξοπρστυ", 12.0)
	f.Fuzz(func(t *testing.T, text string, width float64) {
		if checkText("text", text) != nil || len(text) > 1000 {
			return
		}
		font := face(sans, 10)
		lines := wrap(font, text, vg.Length(width))
		for _, line := range lines {
			if w := font.Width(line); w > vg.Length(width) && len([]rune(line)) > 1 {
				t.Errorf("%q is %v wide, more than %v", line, w, width)
			}
		}
		blanks := strings.NewReplacer(" ", "", "\t", "", "\n", "")
		if got, want := blanks.Replace(strings.Join(lines, "")), blanks.Replace(text); got != want {
			t.Errorf("%q became %q", want, got)
		}
	})
}
