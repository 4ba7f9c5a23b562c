package plots

import (
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

var barWords = BarOptions{Names: []string{"exact", "measured"}, YLabel: "correlation"}

// barPanel has the bars −1 and 2 of one series, and 3 and 0 with whiskers of the other.
var barPanel = BarPanel{Title: "panel", XLabel: "pair of gates", Marks: []string{"1 and 2", "1 and 3"}, Series: []BarSeries{
	{Y: []float64{-1, 2}},
	{Y: []float64{3, 0}, Low: []float64{2.5, -0.5}, High: []float64{4, 0.5}},
}}

func TestBars(t *testing.T) {
	opt := barWords
	opt.Caption = "Caption."
	fig, err := Bars([]BarPanel{barPanel, barPanel}, opt)
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	for _, want := range []string{"exact", "measured", "panel", "1 and 2", "1 and 3", "pair of gates", "correlation", "0", "−1", "4", "Caption."} {
		if !slices.Contains(texts, want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	checkSVG(t, fig)
	checkGolden(t, fig, "bars", 48)
}

// drawnBar is a filled rectangle.
type drawnBar struct {
	vg.Rectangle
	colour color.Color
}

// drawnBars are the filled rectangles of fig but for its background, and the ends of its whiskers.
func drawnBars(fig Figure) (bars []drawnBar, whiskers []vg.Rectangle) {
	var rec recorder.Canvas
	fig.draw(draw.NewCanvas(&rec, fig.width, fig.height))
	var clr color.Color
	for _, action := range rec.Actions {
		switch a := action.(type) {
		case *recorder.SetColor:
			clr = a.Color
		case *recorder.Fill:
			if clr != color.Color(color.White) {
				bars = append(bars, drawnBar{bounds(a.Path[0].Pos, a.Path[2].Pos), clr})
			}
		case *recorder.Stroke:
			if p := a.Path; clr == color.Color(ink) && p[0].Pos.X == p[1].Pos.X {
				whiskers = append(whiskers, bounds(p[0].Pos, p[1].Pos))
			}
		}
	}
	return bars, whiskers
}

// Heights are proportional to values, from a common 0; colours are those of the legend.
func TestBarGeometry(t *testing.T) {
	for _, first := range []int{0, 1, 5, 14} {
		opt := barWords
		opt.Colour = first
		fig, err := Bars([]BarPanel{barPanel}, opt)
		if err != nil {
			t.Fatal(err)
		}
		bars, whiskers := drawnBars(fig)
		if len(bars) != 2+4 || len(whiskers) != 2 {
			t.Fatalf("%d bars and boxes of the legend, want 6; %d whiskers, want 2", len(bars), len(whiskers))
		}
		bars, legend := bars[2:], bars[:2] // (mark 0: −1, 3), (mark 1: 2, 0)
		for k, b := range bars {
			want := palette[(first+k%2)%maxBarSeries]
			if b.colour != want || legend[k%2].colour != want {
				t.Errorf("bar %d is %v and its legend %v, want %v", k, b.colour, legend[k%2].colour, want)
			}
			if k > 0 && b.Min.X < bars[k-1].Max.X-1e-6 {
				t.Errorf("bar %d begins at %v, before the end of the one before, %v", k, b.Min.X, bars[k-1].Max.X)
			}
		}
		if middle := (bars[1].Min.X + bars[1].Max.X) / 2; math.Abs(float64(whiskers[0].Min.X-middle)) > 1e-6 {
			t.Errorf("the whisker of a bar around %v is at %v", middle, whiskers[0].Min.X)
		}
		zero, unit := bars[0].Max.Y, bars[0].Max.Y-bars[0].Min.Y
		for what, test := range map[string]struct{ got, value float64 }{
			"bar 3 begins":     {float64(bars[1].Min.Y), 0},
			"bar 3 ends":       {float64(bars[1].Max.Y), 3},
			"bar 2 ends":       {float64(bars[2].Max.Y), 2},
			"bar 0 ends":       {float64(bars[3].Max.Y), 0},
			"whisker 3 begins": {float64(whiskers[0].Min.Y), 2.5},
			"whisker 3 ends":   {float64(whiskers[0].Max.Y), 4},
			"whisker 0 begins": {float64(whiskers[1].Min.Y), -0.5},
		} {
			if want := float64(zero) + test.value*float64(unit); math.Abs(test.got-want) > 1e-6 {
				t.Errorf("%s at %v, want %v", what, test.got, want)
			}
		}
	}
}

// Bars that are all above 0 stand on the x axis.
func TestBarsStandOnTheAxis(t *testing.T) {
	g := newBarGrid([]BarPanel{{XLabel: "x", Marks: []string{"a"}, Series: []BarSeries{{Y: []float64{2}}}}}, BarOptions{Names: []string{"a"}, YLabel: "y"})
	if g.low != 0 || !(g.high > 2 && g.high < 2.2) {
		t.Errorf("the axis goes from %v to %v, want 0 to a little above 2", g.low, g.high)
	}
}

// However many panels, marks and series, of whatever values: everything is readable.
func TestBarsLayout(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 0))
	for trial := range 120 {
		scale := []float64{0, 1e-9, 0.01, 1, 1e6, 1e15}[trial%6]
		series, marks := 1+rng.IntN(maxBarSeries), 1+rng.IntN(maxBarMarks)
		columns := 1
		if marks < 6 {
			columns = 1 + rng.IntN(3)
		}
		var panels []BarPanel
		for k := range 1 + rng.IntN(5) {
			p := BarPanel{XLabel: strings.Repeat("long label ", 1+rng.IntN(12)), Marks: numbered(marks)}
			if rng.IntN(2) == 0 {
				p.Title = fmt.Sprint("panel ", k)
			}
			for range series {
				s := BarSeries{Y: make([]float64, marks)}
				for i := range s.Y {
					s.Y[i] = scale * (rng.Float64() - 0.3)
					if k%2 == 0 {
						s.Low, s.High = append(s.Low, s.Y[i]-scale*0.1), append(s.High, min(maxNumber, s.Y[i]+scale*0.2))
					}
				}
				p.Series = append(p.Series, s)
			}
			panels = append(panels, p)
		}
		opt := BarOptions{YLabel: strings.Repeat("long label ", 1+rng.IntN(6)), Columns: columns, Caption: "Caption."}
		for i := range series {
			opt.Names = append(opt.Names, strings.Repeat("name ", 1+rng.IntN(8))+fmt.Sprint(i))
		}
		fig, err := Bars(panels, opt)
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, fig)
		if t.Failed() {
			t.Fatalf("%d panels in %d columns, %d series, %d marks, scale %g", len(panels), columns, series, marks, scale)
		}
	}
}

func TestBarsErrors(t *testing.T) {
	panel := func(change func(*BarPanel)) []BarPanel {
		p := barPanel
		p.Series = slices.Clone(p.Series)
		change(&p)
		return []BarPanel{barPanel, p}
	}
	opt := func(change func(*BarOptions)) BarOptions {
		o := barWords
		change(&o)
		return o
	}
	good := []BarPanel{barPanel}
	for _, test := range []struct {
		name   string
		panels []BarPanel
		opt    BarOptions
		want   []string
	}{
		{"nothing", nil, barWords, []string{"0 panels"}},
		{"too many", make([]BarPanel, 13), barWords, []string{"13 panels", "12"}},
		{"columns", good, opt(func(o *BarOptions) { o.Columns = -1 }), []string{"-1 panels side by side"}},
		{"colour", good, opt(func(o *BarOptions) { o.Colour = -1 }), []string{"number -1 of the palette"}},
		{"no names", good, opt(func(o *BarOptions) { o.Names = nil }), []string{"0 names"}},
		{"many names", good, opt(func(o *BarOptions) { o.Names = numbered(7) }), []string{"7 names", "6"}},
		{"empty name", good, opt(func(o *BarOptions) { o.Names = []string{"a", " "} }), []string{"series 1 has no name"}},
		{"bad name", good, opt(func(o *BarOptions) { o.Names = []string{"a", "\x00"} }), []string{"name of a series"}},
		{"long name", good, opt(func(o *BarOptions) { o.Names = []string{"a", strings.Repeat("m", 100)} }), []string{"wider than the figure"}},
		{"y label", good, opt(func(o *BarOptions) { o.YLabel = "" }), []string{"y axis has no label"}},
		{"bad y label", good, opt(func(o *BarOptions) { o.YLabel = "\x00" }), []string{"label of the y axis"}},
		{"caption", good, opt(func(o *BarOptions) { o.Caption = "\x00" }), []string{"caption"}},
		{"x label", panel(func(p *BarPanel) { p.XLabel = "" }), barWords, []string{`panel 1 ("panel")`, "x axis has no label"}},
		{"bad x label", panel(func(p *BarPanel) { p.XLabel = "\x00" }), barWords, []string{"label of the x axis"}},
		{"title", panel(func(p *BarPanel) { p.Title = "\x00" }), barWords, []string{"title"}},
		{"long title", panel(func(p *BarPanel) { p.Title = strings.Repeat("m", 100) }), barWords, []string{"title is wider"}},
		{"no marks", panel(func(p *BarPanel) { p.Marks = nil }), barWords, []string{"0 marks"}},
		{"bad mark", panel(func(p *BarPanel) { p.Marks = []string{"a", "\x00"} }), barWords, []string{"mark"}},
		{"long mark", panel(func(p *BarPanel) { p.Marks = []string{"a", strings.Repeat("m", 50)} }), barWords, []string{"mmm", "wider than its place"}},
		{"series", panel(func(p *BarPanel) { p.Series = p.Series[:1] }), barWords, []string{"1 series, but 2 names"}},
		{"bars", panel(func(p *BarPanel) { p.Series[1] = BarSeries{Y: []float64{1}} }), barWords, []string{"series 1", "1 bars, but 2 marks"}},
		{"NaN", panel(func(p *BarPanel) { p.Series[1] = BarSeries{Y: []float64{1, math.NaN()}} }), barWords, []string{"bar 1", "NaN"}},
		{"one end", panel(func(p *BarPanel) { p.Series[1] = BarSeries{Y: []float64{1, 2}, Low: []float64{1, 2}} }), barWords, []string{"2 low and 0 high ends"}},
		{"upside down", panel(func(p *BarPanel) {
			p.Series[0] = BarSeries{Y: []float64{1, 2}, Low: []float64{1, 3}, High: []float64{1, 2}}
		}), barWords, []string{"whisker of bar 1", "from 3 to 2"}},
	} {
		_, err := Bars(test.panels, test.opt)
		checkError(t, test.name, err, test.want...)
	}
}
