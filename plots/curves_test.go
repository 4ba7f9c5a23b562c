package plots

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

var words = CurveOptions{XLabel: "epoch", YLabel: "nats per image (lower is better)"}

func TestCurves(t *testing.T) {
	fig, err := Curves([]Series{
		{Name: "train loss", X: []float64{1, 2, 3, 4}, Y: []float64{160.25, 121, 110, 104.346}},
		{Name: "test loss", X: []float64{1, 2, 3, 4}, Y: []float64{150, 118, 109, 106.25}},
		{Name: "test −ELBO", X: []float64{2, 4}, Y: []float64{120, 104.346}},
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
	fig, err := Curves([]Series{{Name: "train loss", X: []float64{1}, Y: []float64{160.25}}}, words)
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
	fig, err := Curves([]Series{{Name: long, X: []float64{1}, Y: []float64{1}}}, CurveOptions{XLabel: long, YLabel: long, Caption: long})
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
		{"no name", []Series{{Name: "", X: x, Y: y}}, words, []string{"no name"}},
		{"bad name", []Series{{Name: "a\x00", X: x, Y: y}}, words, []string{"name of a series"}},
		{"no points", []Series{{Name: "a", X: nil, Y: nil}}, words, []string{`"a"`, "at least one"}},
		{"lengths", []Series{{Name: "a", X: x, Y: y[:1]}}, words, []string{`"a"`, "2 x and 1 y"}},
		{"y NaN", []Series{{Name: "a", X: x, Y: y}, {Name: "b", X: x, Y: []float64{3, nan}}}, words, []string{`"b"`, "y = NaN at x = 2"}},
		{"y infinite", []Series{{Name: "a", X: x, Y: []float64{-inf, 3}}}, words, []string{"y = -Inf at x = 1"}},
		{"y huge", []Series{{Name: "a", X: x, Y: []float64{3, 1e300}}}, words, []string{"y = 1e+300"}},
		{"x NaN", []Series{{Name: "a", X: []float64{nan, 1}, Y: y}}, words, []string{"point 0", "x = NaN"}},
		{"x infinite", []Series{{Name: "a", X: []float64{1, inf}, Y: y}}, words, []string{"point 1", "x = +Inf"}},
		{"x negative", []Series{{Name: "a", X: []float64{-1, 1}, Y: y}}, words, []string{"x = -1"}},
		{"x twice", []Series{{Name: "a", X: []float64{1, 1}, Y: y}}, words, []string{"x must increase"}},
		{"x label", []Series{{Name: "a", X: x, Y: y}}, CurveOptions{YLabel: "y"}, []string{"no label"}},
		{"y label", []Series{{Name: "a", X: x, Y: y}}, CurveOptions{XLabel: "x", YLabel: " "}, []string{"no label"}},
		{"bad label", []Series{{Name: "a", X: x, Y: y}}, CurveOptions{XLabel: "x", YLabel: "\x01"}, []string{"label of the y axis"}},
		{"band too short", []Series{{Name: "a", X: x, Y: y, Low: y[:1], High: y}}, words, []string{`"a"`, "1 low and 2 high ends around 2 points"}},
		{"half a band", []Series{{Name: "a", X: x, Y: y, Low: y}}, words, []string{`"a"`, "2 low and 0 high"}},
		{"band upside down", []Series{{Name: "a", X: x, Y: y, Low: []float64{3, 5}, High: y}}, words, []string{"from 5 to 4 at x = 2"}},
		{"band NaN", []Series{{Name: "a", X: x, Y: y, Low: []float64{nan, 4}, High: y}}, words, []string{"from NaN to 3 at x = 1"}},
		{"band infinite", []Series{{Name: "a", X: x, Y: y, Low: y, High: []float64{3, inf}}}, words, []string{"from 4 to +Inf at x = 2"}},
		{"too many levels", []Series{{Name: "a", X: x, Y: y}}, CurveOptions{XLabel: "x", YLabel: "y", Levels: make([]Level, maxSeries)}, []string{"1 series and 14 levels"}},
		{"level without name", []Series{{Name: "a", X: x, Y: y}}, CurveOptions{XLabel: "x", YLabel: "y", Levels: []Level{{"", 1}}}, []string{"no name"}},
		{"level NaN", []Series{{Name: "a", X: x, Y: y}}, CurveOptions{XLabel: "x", YLabel: "y", Levels: []Level{{"b", nan}}}, []string{`"b"`, "NaN"}},
		{"log of 0", []Series{{Name: "a", X: x, Y: []float64{3, 0}}}, logWords, []string{`"a"`, "0 at x = 2", "above 0"}},
		{"log of a band", []Series{{Name: "a", X: x, Y: y, Low: []float64{-1, 1}, High: y}}, logWords, []string{`"a"`, "-1 at x = 1"}},
		{"log of little", []Series{{Name: "a", X: x, Y: []float64{3, 1e-201}}}, logWords, []string{"1e-201 at x = 2"}},
		{"log of a level", []Series{{Name: "a", X: x, Y: y}}, CurveOptions{XLabel: "x", YLabel: "y", LogY: true, Levels: []Level{{"b", -2}}}, []string{`"b"`, "-2"}},
		{"caption", []Series{{Name: "a", X: x, Y: y}}, CurveOptions{XLabel: "x", YLabel: "y", Caption: "\x01"}, []string{"caption"}},
	} {
		_, err := Curves(test.series, test.opt)
		checkError(t, test.name, err, test.want...)
	}
}

var logWords = CurveOptions{XLabel: "step", YLabel: "variance", LogY: true}

func TestCurvesLog(t *testing.T) {
	opt := logWords
	opt.Levels = []Level{{"floor", 2e-6}}
	fig, err := Curves([]Series{
		{Name: "score function", X: []float64{0, 50, 100}, Y: []float64{3, 8, 5}, Low: []float64{1, 4, 2}, High: []float64{9, 30, 9}},
		{Name: "RELAX", X: []float64{0, 50, 100}, Y: []float64{1e-2, 1e-4, 1.234e-5}},
		{Name: "one", X: []float64{60}, Y: []float64{0.3}, Low: []float64{0.1}, High: []float64{0.5}},
	}, opt)
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	want := []string{"floor ", "2e−6", "RELAX ", "1.23e−5", "one ", "0.300", "score function ", "5.00"}
	if got := texts[len(texts)-len(want):]; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	checkSVG(t, fig)
	checkGolden(t, fig, "curves_log", 48)
}

// However small or far apart the values, everything is readable.
func TestCurvesLogLayout(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 0))
	for _, exponent := range []float64{-190, -9, 0, 14} {
		for _, decades := range []float64{0, 1e-3, 0.3, 1, 6, 180} {
			var series []Series
			for i := range 1 + rng.IntN(6) {
				s := Series{Name: fmt.Sprintf("series %d", i)}
				for x := range 1 + rng.IntN(5) {
					y := math.Pow(10, max(-199, min(14, exponent+decades*rng.NormFloat64()/4)))
					s.X, s.Y = append(s.X, float64(x)), append(s.Y, y)
					s.Low, s.High = append(s.Low, y/(1+decades)), append(s.High, y*(1+decades/100))
				}
				if slices.Min(s.Low) < minLogY {
					s.Low, s.High = nil, nil
				}
				series = append(series, s)
			}
			fig, err := Curves(series, logWords)
			if err != nil {
				t.Fatal(err)
			}
			checkLayout(t, fig)
			checkSVG(t, fig)
			if t.Failed() {
				t.Fatalf("%d series of 10^%v over %v decades", len(series), exponent, decades)
			}
		}
	}
}

// A band and a level are on the axes, below the lines, and where their numbers are.
func TestBandsAndLevels(t *testing.T) {
	s := Series{Name: "a", X: []float64{0, 10}, Y: []float64{4, 5}, Low: []float64{1, 2}, High: []float64{7, 9}}
	level := Level{"b", 12}
	f := frameOf([]Series{s, level.series()})
	if f.low > 1 || f.high < 12 || f.right != 10 {
		t.Fatalf("axes %+v leave something out", f)
	}
	p := f.axes([]Series{s}, levels{level.series()})
	var rec recorder.Canvas
	c := draw.NewCanvas(&rec, plotWidth, plotHeight)
	p.Draw(c)
	data := p.DataCanvas(c)
	y := func(v float64) vg.Length { return data.Min.Y + vg.Length((v-f.low)/(f.high-f.low))*data.Size().Y }
	var filled []vg.Point
	straight, line := false, false
	for _, action := range rec.Actions {
		switch a := action.(type) {
		case *recorder.Fill:
			if line {
				t.Error("the band lies on the line")
			}
			for _, part := range a.Path {
				if part.Type != vg.CloseComp {
					filled = append(filled, part.Pos)
				}
			}
		case *recorder.Stroke:
			from, to := a.Path[0].Pos, a.Path[len(a.Path)-1].Pos
			near := func(p vg.Point, x vg.Length, v float64) bool {
				return math.Abs(float64(p.X-x)) < 1e-6 && math.Abs(float64(p.Y-y(v))) < 1e-6
			}
			straight = straight || near(from, data.Min.X, 12) && near(to, data.Max.X, 12)
			line = line || near(from, data.Min.X, 4) && near(to, data.Max.X, 5)
		}
	}
	var want []vg.Point
	for _, corner := range [][2]float64{{0, 7}, {10, 9}, {10, 2}, {0, 1}} {
		want = append(want, vg.Point{X: data.Min.X + vg.Length(corner[0]/10)*data.Size().X, Y: y(corner[1])})
	}
	if !slices.EqualFunc(filled, want, func(a, b vg.Point) bool {
		return math.Abs(float64(a.X-b.X)) < 1e-6 && math.Abs(float64(a.Y-b.Y)) < 1e-6
	}) {
		t.Errorf("the band fills %v, want %v", filled, want)
	}
	if !straight || !line {
		t.Errorf("level drawn: %t, line drawn: %t", straight, line)
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
