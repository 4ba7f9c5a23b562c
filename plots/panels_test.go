package plots

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

// falling is a series over epochs 1, 2, ….
func falling(name string, y ...float64) Series {
	s := Series{Name: name, Y: y}
	for i := range y {
		s.X = append(s.X, float64(i+1))
	}
	return s
}

func TestCurvePanels(t *testing.T) {
	fig, err := CurvePanels([]Panel{
		{"bits", []Series{falling("hardconcrete", 160, 121, 110, 104.3), falling("sts", 165, 125, 113, 104.9)}},
		{"counts", []Series{falling("poisson", 150, 130, 121, 119), falling("geometric", 600, 590, 580, 570)}},
		{"subsets", []Series{falling("topk", 158.25)}},
	}, PanelOptions{"epoch", "nats", "Seed 1."})
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	key := "Grey: the lines of the other panels. Values above 160 are cut off. ▲: the line ends above, at the value after its name."
	for _, want := range []string{"bits", "counts", "subsets", "epoch", "nats", "160", key, "Seed 1."} {
		if !slices.Contains(texts, want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	for _, want := range [][]string{
		{"hardconcrete ", "104.30", "sts ", "104.90"}, {"poisson ", "119.00", "geometric ", "570.00"}, {"topk ", "158.25"},
	} {
		if i := slices.Index(texts, want[0]); i < 0 || !slices.Equal(texts[i:i+len(want)], want) {
			t.Errorf("%q, want %q from below", texts, want)
		}
	}
	checkSVG(t, fig)
	checkGolden(t, fig, "panels", 48)
}

// What is not so, the key does not say.
func TestCurvePanelsKey(t *testing.T) {
	low, high := falling("a", 160, 110), falling("b", 162, 115)
	for _, test := range []struct {
		name   string
		panels []Panel
		want   string
	}{
		{"one panel", []Panel{{"", []Series{low, high}}}, "Caption."},
		{"two panels", []Panel{{"", []Series{low}}, {"", []Series{high}}}, "Grey: the lines of the other panels."},
		{"cut at the start", []Panel{{"", []Series{low, high, falling("c", 900, 118)}}}, "Values above 180 are cut off."},
		{"cut at the end", []Panel{{"", []Series{low, high, falling("c", 120, 900)}}},
			"Values above 180 are cut off. ▲: the line ends above, at the value after its name."},
	} {
		fig, err := CurvePanels(test.panels, PanelOptions{"epoch", "nats", "Caption."})
		if err != nil {
			t.Fatal(err)
		}
		texts := checkLayout(t, fig)
		i := slices.IndexFunc(texts, func(s string) bool {
			return strings.HasPrefix(s, "Grey") || strings.HasPrefix(s, "Values") || s == "Caption."
		})
		if i < 0 || texts[i] != test.want {
			t.Errorf("%s: %q, want %q", test.name, texts, test.want)
		}
	}
}

// However many panels and lines, whatever their values: every name stands once,
// in the figure, and nothing runs through it.
func TestCurvePanelsLayout(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	for _, sizes := range [][]int{{1}, {28}, {1, 1}, {12, 1, 3}, {6, 6, 4, 1}, {6, 6, 4, 1, 12}, {2, 28, 1, 1, 1, 1}} {
		for _, scale := range []float64{0, 1e-7, 1, 100, 1e15} {
			var panels []Panel
			names := 0
			for k, n := range sizes {
				p := Panel{Title: fmt.Sprintf("group %d", k)}
				for range n {
					names++
					s := Series{Name: fmt.Sprintf("méthode-no-%06d", names)}
					level := 0.3 + 0.05*rng.Float64()
					if rng.IntN(8) == 0 {
						level = 1
					}
					for x := range 1 + rng.IntN(4) {
						s.X = append(s.X, float64(x+1))
						s.Y = append(s.Y, scale*level/float64(x+1))
					}
					p.Series = append(p.Series, s)
				}
				panels = append(panels, p)
			}
			fig, err := CurvePanels(panels, PanelOptions{"epoch", "nats per test image, exact discrete codes; lower is better", "Caption."})
			if err != nil {
				t.Fatal(err)
			}
			texts := checkLayout(t, fig)
			for i := range names {
				want := fmt.Sprintf("méthode-no-%06d ", i+1)
				if k := slices.Index(texts, want); k < 0 || slices.Contains(texts[k+1:], want) {
					t.Errorf("%q does not stand once", want)
				}
			}
			if t.Failed() {
				t.Fatalf("panels of %v series, scale %g", sizes, scale)
			}
		}
	}
}

func TestCurvePanelsLongTexts(t *testing.T) {
	long := strings.Repeat("long text ", 12)
	fig, err := CurvePanels([]Panel{{long, []Series{falling(long, 2, 1)}}, {long, []Series{falling("b", 2, 1)}}}, PanelOptions{long, long, long})
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, fig)
}

// Lines, grey ones too, stay within the axes; only an arrow head tells of those
// above.
func TestCurvePanelsCutLines(t *testing.T) {
	series := []Series{falling("a", 160, 110), falling("b", 162, 115), falling("c", 900, 800)}
	f, cut := robustFrame(series)
	if !cut || f.high != 180 {
		t.Fatalf("axes to %v, cut %t, want 180, true", f.high, cut)
	}
	p := f.axes(series, backdrop(series))
	var rec recorder.Canvas
	p.Draw(draw.NewCanvas(&rec, panelWidth, panelHeight))
	for _, action := range rec.Actions {
		if stroke, ok := action.(*recorder.Stroke); ok {
			for _, part := range stroke.Path {
				if part.Pos.Y > panelHeight+1e-6 || part.Pos.X > panelWidth+1e-6 {
					t.Errorf("a line goes to %v, beyond %v×%v", part.Pos, panelWidth, panelHeight)
				}
			}
		}
	}
}

func TestRobustFrame(t *testing.T) {
	ordinary := []Series{falling("", 195, 110), falling("", 170, 100), falling("", 160, 120)}
	for _, test := range []struct {
		name   string
		series []Series
		high   float64 // 0: all are shown
	}{
		// Of the highest points 160, 170, 195, the middle one is 170: far is 100 + 1.5·70 = 205.
		{"all near", ordinary, 0},
		{"near", append(slices.Clone(ordinary), falling("", 205, 204)), 0},
		// Of four, it is the lower middle one: still 170. Marks are 20 apart, and the next is 180.
		{"far", append(slices.Clone(ordinary), falling("", 230, 225)), 180},
		// Its end, 190, is not far, so it is on the axes; the next mark is 200.
		{"far at the start", append(slices.Clone(ordinary), falling("", 300, 190)), 200},
		// One point each: far is 100 + 5·(104 − 100) = 120.
		{"one point", []Series{falling("", 100), falling("", 104), falling("", 120)}, 0},
		{"one point, far", []Series{falling("", 100), falling("", 104), falling("", 121)}, 104},
		{"one series", []Series{falling("", 1000, 10)}, 0},
		{"two points", []Series{falling("", 1000), falling("", 10)}, 0},
	} {
		f, cut := robustFrame(test.series)
		if cut != (test.high != 0) {
			t.Errorf("%s: cut is %t", test.name, cut)
		}
		if all := frameOf(test.series); !cut && f != all {
			t.Errorf("%s: %v, want %v", test.name, f, all)
		}
		if cut && f.high != test.high {
			t.Errorf("%s: axes to %v, want %v", test.name, f.high, test.high)
		}
	}
}

// The best is always on the axes, as is the end of at least half of the series,
// and the axes end at a mark if they cut something off.
func TestRobustFrameProperties(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	cuts := 0
	for range 3000 {
		var series []Series
		scale := math.Pow(10, 8*rng.Float64()-4)
		for range 1 + rng.IntN(20) {
			level := scale * (1 + 0.2*rng.Float64() + math.Exp(3*rng.NormFloat64()-3))
			series = append(series, falling("", level*(1+rng.Float64()), level))
		}
		f, cut := robustFrame(series)
		ends, highest := 0, 0.0
		for _, s := range series {
			if slices.Min(s.Y) < f.low || slices.Min(s.Y) > f.high && len(series) < 3 {
				t.Fatalf("axes from %v to %v leave %v out", f.low, f.high, s.Y)
			}
			if s.last() <= f.high {
				ends++
			}
			highest = max(highest, slices.Max(s.Y))
		}
		if 2*ends < len(series) || cut != (highest > f.high) {
			t.Fatalf("axes from %v to %v have the ends of %d of %d series; highest %v, cut %t", f.low, f.high, ends, len(series), highest, cut)
		}
		if !cut {
			continue
		}
		cuts++
		marks := ticks{most: panelTicks}.Ticks(f.low, f.high)
		if last := marks[len(marks)-1].Value; math.Abs(last-f.high) > 1e-9*f.high {
			t.Fatalf("axes from %v to %v have their last mark at %v", f.low, f.high, last)
		}
	}
	if cuts < 100 {
		t.Errorf("only %d cuts", cuts)
	}
}

func TestCurvePanelsErrors(t *testing.T) {
	names := axisLabels{"x", "y"}
	good := []Series{falling("a", 2, 1)}
	for _, test := range []struct {
		name    string
		panels  []Panel
		labels  axisLabels
		caption string
		want    []string
	}{
		{"nothing", nil, names, "", []string{"no panels"}},
		{"empty panel", []Panel{{"a", good}, {"b", nil}}, names, "", []string{"0 series", `"b"`}},
		{"too many", []Panel{{"b", make([]Series, 29)}}, names, "", []string{"29 series", `"b"`, "28"}},
		{"title", []Panel{{"\x00", good}}, names, "", []string{"title of a panel"}},
		{"series", []Panel{{"a", good}, {"b", []Series{falling("c", 1, math.NaN())}}}, names, "", []string{`"c"`, "NaN"}},
		{"label", []Panel{{"a", good}}, axisLabels{x: "x"}, "", []string{"no label"}},
		{"caption", []Panel{{"a", good}}, names, "\x01", []string{"caption"}},
	} {
		_, err := CurvePanels(test.panels, PanelOptions{test.labels.x, test.labels.y, test.caption})
		checkError(t, test.name, err, test.want...)
	}
}
