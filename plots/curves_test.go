package plots

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

var words = CurveOptions{XLabel: "epoch", YLabel: "nats per image (lower is better)"}

func TestCurves(t *testing.T) {
	fig, err := Curves([]Series{
		{"train loss", []float64{1, 2, 3, 4}, []float64{160.25, 121, 110, 104.346}},
		{"test loss", []float64{1, 2, 3, 4}, []float64{150, 118, 109, 106.25}},
		{"test −ELBO", []float64{2, 4}, []float64{120, 104.346}},
	}, words)
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	for _, want := range []string{"0", "1", "2", "3", "4", "110", "160", "epoch", "nats per image (lower is better)"} {
		if !slices.Contains(texts, want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	// From below; of two equal values the first series is the upper one.
	want := []string{"test −ELBO ", "104.35", "train loss ", "104.35", "test loss ", "106.25"}
	if got := texts[len(texts)-6:]; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	checkSVG(t, fig)
	checkGolden(t, fig, "curves", 48)
}

func TestCurvesOnePoint(t *testing.T) {
	fig, err := Curves([]Series{{"train loss", []float64{1}, []float64{160.25}}}, words)
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	if !slices.Contains(texts, "160.25") {
		t.Errorf("texts %q", texts)
	}
	checkGolden(t, fig, "curves_one_point", 48)
}

// However close the lines end, and whatever their scale, everything is readable.
func TestCurvesLayout(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 0))
	for _, n := range []int{1, 2, 3, 6, maxSeries} {
		for _, scale := range []float64{0, 1e-7, 1e-3, 1, 1e4, 1e15} {
			for _, spread := range []float64{0, 1e-6, 0.01, 1} {
				var series []Series
				for i := range n {
					points := 1 + rng.IntN(5)
					s := Series{Name: fmt.Sprintf("series %d of a long name", i)}
					for k := range points {
						s.X = append(s.X, float64(k*k*k+rng.IntN(k+1)))
						s.Y = append(s.Y, scale*min(1, max(-1, 0.5+spread*rng.NormFloat64())))
					}
					series = append(series, s)
				}
				fig, err := Curves(series, words)
				if err != nil {
					t.Fatal(err)
				}
				checkLayout(t, fig)
				if n <= 2 {
					checkSVG(t, fig)
				}
				if t.Failed() {
					t.Fatalf("%d series of scale %g, spread %g", n, scale, spread)
				}
			}
		}
	}
}

func TestCurvesLongLabels(t *testing.T) {
	long := strings.Repeat("a long label ", 12)
	fig, err := Curves([]Series{{long, []float64{1}, []float64{1}}}, CurveOptions{long, long, long})
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, fig)
}

func TestCurvesErrors(t *testing.T) {
	x, y := []float64{1, 2}, []float64{3, 4}
	nan, inf := math.NaN(), math.Inf(1)
	for _, test := range []struct {
		name   string
		series []Series
		opt    CurveOptions
		want   []string
	}{
		{"nothing", nil, words, []string{"0 series"}},
		{"too many", make([]Series, maxSeries+1), words, []string{"15 series"}},
		{"no name", []Series{{"", x, y}}, words, []string{"no name"}},
		{"bad name", []Series{{"a\x00", x, y}}, words, []string{"name of a series"}},
		{"no points", []Series{{"a", nil, nil}}, words, []string{`"a"`, "at least one"}},
		{"lengths", []Series{{"a", x, y[:1]}}, words, []string{`"a"`, "2 x and 1 y"}},
		{"y NaN", []Series{{"a", x, y}, {"b", x, []float64{3, nan}}}, words, []string{`"b"`, "y = NaN at x = 2"}},
		{"y infinite", []Series{{"a", x, []float64{-inf, 3}}}, words, []string{"y = -Inf at x = 1"}},
		{"y huge", []Series{{"a", x, []float64{3, 1e300}}}, words, []string{"y = 1e+300"}},
		{"x NaN", []Series{{"a", []float64{nan, 1}, y}}, words, []string{"point 0", "x = NaN"}},
		{"x infinite", []Series{{"a", []float64{1, inf}, y}}, words, []string{"point 1", "x = +Inf"}},
		{"x negative", []Series{{"a", []float64{-1, 1}, y}}, words, []string{"x = -1"}},
		{"x twice", []Series{{"a", []float64{1, 1}, y}}, words, []string{"x must increase"}},
		{"x label", []Series{{"a", x, y}}, CurveOptions{YLabel: "y"}, []string{"no label"}},
		{"y label", []Series{{"a", x, y}}, CurveOptions{XLabel: "x", YLabel: " "}, []string{"no label"}},
		{"bad label", []Series{{"a", x, y}}, CurveOptions{XLabel: "x", YLabel: "\x01"}, []string{"label of the y axis"}},
		{"caption", []Series{{"a", x, y}}, CurveOptions{"x", "y", "\x01"}, []string{"caption"}},
	} {
		_, err := Curves(test.series, test.opt)
		checkError(t, test.name, err, test.want...)
	}
}

func TestLineStylesDiffer(t *testing.T) {
	seen := make(map[string]bool)
	for i := range len(palette) * len(dashes) {
		style := lineStyle(i)
		seen[fmt.Sprint(style.Color, style.Dashes)] = true
	}
	if len(seen) != 28 {
		t.Errorf("%d styles, want 28", len(seen))
	}
}
