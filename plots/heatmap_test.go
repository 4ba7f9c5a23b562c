package plots

import (
	"fmt"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/recorder"
)

var mapWords = HeatMapOptions{
	XLabel: "backward temperature", YLabel: "forward temperature", Label: "variance of the gradient",
	Rows: []string{"0.1", "1.0"}, Columns: []string{"0.5", "1", "2"},
}

// numbered is marks 0 to n−1.
func numbered(n int) []string {
	var marks []string
	for i := range n {
		marks = append(marks, fmt.Sprint(i))
	}
	return marks
}

func TestHeatMaps(t *testing.T) {
	opt := mapWords
	opt.Caption = "Caption."
	fig, err := HeatMaps([]HeatMap{
		{"forward", [][]float64{{1, 2, 3}, {4, 5, 6}}},
		{"backward", [][]float64{{11, 10, 9}, {8, 7, 6}}},
	}, opt)
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	for _, want := range []string{"forward", "backward", "0.1", "1.0", "0.5", "1", "2", "1.0", "11.0", opt.XLabel, opt.YLabel, opt.Label, "Caption."} {
		if !slices.Contains(texts, want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	checkSVG(t, fig)
	checkGolden(t, fig, "heatmaps", 48)
}

// Colours are those of one scale for all maps, and the first row is the lowest.
func TestHeatMapColours(t *testing.T) {
	fig, err := HeatMaps([]HeatMap{{"", [][]float64{{0, 2, 4}, {6, 8, 10}}}, {"", [][]float64{{20, 18, 16}, {14, 12, 10}}}}, mapWords)
	if err != nil {
		t.Fatal(err)
	}
	var rec recorder.Canvas
	fig.draw(draw.NewCanvas(&rec, fig.width, fig.height))
	var images []*recorder.DrawImage
	for _, action := range rec.Actions {
		if a, ok := action.(*recorder.DrawImage); ok {
			images = append(images, a)
		}
	}
	if len(images) != 3 {
		t.Fatalf("%d images, want two maps and a bar", len(images))
	}
	for _, test := range []struct{ image, column, row, value int }{
		{0, 0, 1, 0}, {0, 2, 1, 4}, {0, 0, 0, 6}, {0, 2, 0, 10}, {1, 0, 1, 20}, {1, 1, 0, 12},
	} {
		want := sequential(float64(test.value) / 20)
		if got := images[test.image].Image.At(test.column, test.row); got != color.Color(want) {
			t.Errorf("map %d, column %d, row %d from above is %v, want %v", test.image, test.column, test.row, got, want)
		}
	}
	bar := images[2].Image
	if top, bottom := bar.At(0, 0), bar.At(0, bar.Bounds().Dy()-1); top != color.Color(sequential(1)) || bottom != color.Color(sequential(0)) {
		t.Errorf("the bar goes from %v up to %v", bottom, top)
	}
	if a, b := images[0].Rectangle, images[2].Rectangle; math.Abs(float64(a.Min.Y-b.Min.Y)) > 1e-6 || math.Abs(float64(a.Max.Y-b.Max.Y)) > 1e-6 {
		t.Errorf("the bar at %v is not as high as the map at %v", b, a)
	}
}

// Marks stand at their numbers.
func TestColourBarMarks(t *testing.T) {
	b := newColourBar(colourScale{low: 0, high: 4}, "values", 200*px)
	var rec recorder.Canvas
	c := draw.NewCanvas(&rec, b.width(), 200*px)
	b.draw(c)
	heights := make(map[string]float64)
	for _, action := range rec.Actions {
		if a, ok := action.(*recorder.FillString); ok {
			heights[a.String] = float64((a.Point.Y + 0.358*a.Size) / c.Max.Y)
		}
	}
	for text, want := range map[string]float64{"0": 0, "1": 0.25, "2": 0.5, "4": 1} {
		if got, ok := heights[text]; !ok || math.Abs(got-want) > 1e-6 {
			t.Errorf("%s stands at %v of the height, want %v", text, got, want)
		}
	}
}

// Compact maps are smaller, and their cells bear no numbers.
func TestCompactHeatMaps(t *testing.T) {
	opt := mapWords
	opt.Rows, opt.Columns = numbered(10), numbered(10)
	m := HeatMap{Title: "map"}
	for i := range 10 {
		m.Values = append(m.Values, make([]float64, 10))
		m.Values[i][i] = 7.25
	}
	whole, err := HeatMaps([]HeatMap{m, m}, opt)
	if err != nil {
		t.Fatal(err)
	}
	opt.Compact = true
	compact, err := HeatMaps([]HeatMap{m, m}, opt)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(checkLayout(t, whole), "7.25") || slices.Contains(checkLayout(t, compact), "7.25") {
		t.Error("numbers must stand in cells, but not in compact ones")
	}
	if !(compact.width < 0.8*whole.width && compact.height < 0.9*whole.height) {
		t.Errorf("a compact figure is %v × %v, another %v × %v", compact.width, compact.height, whole.width, whole.height)
	}
}

func TestCellNumbers(t *testing.T) {
	for _, test := range []struct {
		values []float64
		log    bool
		v      float64
		want   string
	}{
		{[]float64{1.07, 1.33}, false, 1.07, "1.07"},
		{[]float64{0.017, -0.099}, false, 0.017, "0.0170"},
		{[]float64{1234, 5}, false, 5, "5"},
		{[]float64{0, 0}, false, 0, "0"},
		{[]float64{3e-9, 0}, false, 3e-9, "3.0e−9"},
		{[]float64{3e-9, 100}, true, 3e-9, "3.0e−9"},
	} {
		if got := cellNumbers(test.values, test.log)(test.v); got != test.want {
			t.Errorf("%v of %v: %s, want %s", test.v, test.values, got, test.want)
		}
	}
}

// However many rows, columns and maps, of whatever values, and however long the
// words are: everything is readable.
func TestHeatMapsLayout(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 0))
	long := strings.Repeat("long text ", 12)
	for _, size := range [][2]int{{1, 1}, {1, 12}, {12, 1}, {6, 6}, {13, 5}, {64, 64}, {1, 64}} {
		for _, scale := range []float64{0, 1e-9, 0.01, 1, 1e6, 1e15} {
			for _, log := range []bool{false, true} {
				var maps []HeatMap
				for k := range 1 + rng.IntN(5) {
					m := HeatMap{Title: fmt.Sprintf("placement %d", k)}
					for range size[0] {
						row := make([]float64, size[1])
						for j := range row {
							row[j] = scale * (2*rng.Float64() - 1)
							if log {
								row[j] = max(minLogY, scale*math.Exp(-30*rng.Float64()))
							}
						}
						m.Values = append(m.Values, row)
					}
					maps = append(maps, m)
				}
				opt := HeatMapOptions{XLabel: "backward temperature", YLabel: "y", Label: "nats", Log: log, Caption: "Caption.", Rows: numbered(size[0]), Columns: numbered(size[1])}
				if rng.IntN(3) == 0 {
					opt.XLabel, opt.YLabel, opt.Label, opt.Caption, opt.Rows[0], opt.Columns[0], maps[0].Title = long, long, long, long, long, long, long
				}
				if rng.IntN(3) == 0 {
					opt.Columns[size[1]-1] = long
				}
				opt.Compact = rng.IntN(2) == 0
				fig, err := HeatMaps(maps, opt)
				if err != nil {
					t.Fatal(err)
				}
				checkLayout(t, fig)
				if t.Failed() {
					t.Fatalf("%d maps of %v, scale %g, log %t", len(maps), size, scale, log)
				}
			}
		}
	}
}

func TestHeatMapsErrors(t *testing.T) {
	good := HeatMap{"a", [][]float64{{1, 2, 3}, {4, 5, 6}}}
	with := func(change func(*HeatMapOptions)) HeatMapOptions {
		opt := mapWords
		change(&opt)
		return opt
	}
	for _, test := range []struct {
		name string
		maps []HeatMap
		opt  HeatMapOptions
		want []string
	}{
		{"nothing", nil, mapWords, []string{"0 heat maps"}},
		{"too many", make([]HeatMap, 13), mapWords, []string{"13 heat maps", "12"}},
		{"rows", []HeatMap{good, {"b", good.Values[:1]}}, mapWords, []string{`heat map 1 ("b")`, "1 rows of values, but 2 labels"}},
		{"columns", []HeatMap{{"b", [][]float64{{1, 2, 3}, {1, 2}}}}, mapWords, []string{"2 values in row 1, but 3 labels"}},
		{"NaN", []HeatMap{{"b", [][]float64{{1, 2, 3}, {1, math.NaN(), 3}}}}, mapWords, []string{`"b"`, "row 1", "NaN"}},
		{"log", []HeatMap{{"b", [][]float64{{1, 2, 0}, {1, 2, 3}}}}, with(func(o *HeatMapOptions) { o.Log = true }), []string{"row 0", "value 0", "above 0"}},
		{"no label", []HeatMap{good}, with(func(o *HeatMapOptions) { o.Label = " " }), []string{"colours have no label"}},
		{"bad label", []HeatMap{good}, with(func(o *HeatMapOptions) { o.Label = "\x00" }), []string{"label of the colours"}},
		{"x label", []HeatMap{good}, with(func(o *HeatMapOptions) { o.XLabel = "" }), []string{"axis has no label"}},
		{"y label", []HeatMap{good}, with(func(o *HeatMapOptions) { o.YLabel = "\x00" }), []string{"label of the y axis"}},
		{"no rows", []HeatMap{good}, with(func(o *HeatMapOptions) { o.Rows = nil }), []string{"0 rows"}},
		{"many columns", []HeatMap{good}, with(func(o *HeatMapOptions) { o.Columns = numbered(65) }), []string{"65 columns", "64"}},
		{"row mark", []HeatMap{good}, with(func(o *HeatMapOptions) { o.Rows = []string{"a", ""} }), []string{"row 1 has no label"}},
		{"column mark", []HeatMap{good}, with(func(o *HeatMapOptions) { o.Columns = []string{"a", "\x00", "c"} }), []string{"label of a column"}},
		{"title", []HeatMap{{"\x00", good.Values}}, mapWords, []string{"title"}},
		{"caption", []HeatMap{good}, with(func(o *HeatMapOptions) { o.Caption = "\x00" }), []string{"caption"}},
	} {
		_, err := HeatMaps(test.maps, test.opt)
		checkError(t, test.name, err, test.want...)
	}
}
