package plots

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"relaxgo/internal/run"
)

// metricsOf is the text of a metrics file with test_nelbo after each epoch.
func metricsOf(values ...float64) string {
	var text strings.Builder
	for i, v := range values {
		fmt.Fprintf(&text, "%d,%d,0.5,train,loss,%v\n%[1]d,%[2]d,0.5,test,test_nelbo,%[3]v\n", 9*(i+1), i+1, v)
	}
	return text.String()
}

// comparedRuns writes the files of four runs, two of a group.
func comparedRuns(t *testing.T) []Compared {
	t.Helper()
	return []Compared{
		{Name: "hardconcrete", Group: "bits", Dir: writeRun(t, metricsOf(160, 121, 104.346), tensors())},
		{Name: "poisson", Group: "counts", Note: "censored at 31", Dir: writeRun(t, metricsOf(150, 130, 119), tensors())},
		{Name: "straightthrough", Group: "bits", Dir: writeRun(t, metricsOf(165, 125, 106), tensors())},
		{Name: "τ-négatif-18-signe", Group: "Gruppe ü", Note: "a note that is much too long for one line and for a row of images", Dir: writeRun(t, metricsOf(140), tensors())},
	}
}

var comparisonCaptions = ComparisonCaptions{Curves: "First caption.", Methods: "Second caption."}

func TestDrawComparison(t *testing.T) {
	runs := comparedRuns(t)
	dir := t.TempDir()
	var before map[string][]byte
	for range 2 {
		if err := DrawComparison(dir, "-quick", runs, comparisonCaptions); err != nil {
			t.Fatal(err)
		}
		files := make(map[string][]byte)
		for _, name := range []string{"curves-quick.png", "curves-quick.svg", "methods-quick.png", "methods-quick.svg"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if before != nil && !bytes.Equal(data, before[name]) {
				t.Errorf("%s is not the same the second time", name)
			}
			files[name] = data
		}
		before = files
	}
	if files, _ := os.ReadDir(dir); len(files) != 4 {
		t.Errorf("%d files, want 4", len(files))
	}
	for name, want := range map[string][]string{
		"curves-quick.svg":  {"First caption.", "Gruppe ü", "τ-négatif-18-signe", "104.35"},
		"methods-quick.svg": {"Second caption.", "Gruppe ü", "τ-négatif-18-signe", "104.35", "censored at 31"},
	} {
		for _, text := range want {
			if !bytes.Contains(before[name], []byte(text)) {
				t.Errorf("%s lacks %q", name, text)
			}
		}
	}
}

func TestComparedCurves(t *testing.T) {
	groups, err := readGroups(comparedRuns(t))
	if err != nil {
		t.Fatal(err)
	}
	fig, err := comparedCurves(groups, "Caption.")
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	var got []string
	for _, text := range texts {
		switch text {
		case "bits", "counts", "Gruppe ü", "hardconcrete ", "104.35", "straightthrough ", "106.00", "poisson ", "119.00", "τ-négatif-18-signe ", "140.00",
			"nats per test image, exact discrete codes; lower is better", "epoch":
			got = append(got, text)
		}
	}
	// A figure of two rows is high enough for the label in one line.
	want := []string{"nats per test image, exact discrete codes; lower is better",
		"bits", "epoch", "hardconcrete ", "104.35", "straightthrough ", "106.00",
		"counts", "epoch", "poisson ", "119.00", "Gruppe ü", "epoch", "τ-négatif-18-signe ", "140.00"}
	if !slices.Equal(got, want) {
		t.Errorf("texts %q, want %q", got, want)
	}
}

func TestComparedMethods(t *testing.T) {
	groups, err := readGroups(comparedRuns(t))
	if err != nil {
		t.Fatal(err)
	}
	fig, err := comparedMethods(groups, "Caption.")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"test images",
		"bits", "reconstructions", "samples", "104.35", "hardconcrete  ", "106.00", "straightthrough  ",
		"counts", "reconstructions", "samples", "119.00", "poisson  ", "censored at 31",
		"Gruppe ü", "reconstructions", "samples", "140.00", "τ-négatif-18-signe  ",
		"a note that is much too long for", "one line and for a row of images",
		"The number after a name is test_nelbo: nats per test image, exact discrete codes; lower is better.", "Caption."}
	if got := checkLayout(t, fig); !slices.Equal(got, want) {
		t.Errorf("texts %q, want %q", got, want)
	}
	checkSVG(t, fig)
	checkGolden(t, fig, "methods", 48)
}

// As many as there may be, of one group and without its name, and images of
// any size: everything is readable.
// The other figures of a comparison.
func TestComparisonFigures(t *testing.T) {
	runs := comparedRuns(t)
	curves, err := ComparisonCurves(runs, "Caption.")
	if err != nil {
		t.Fatal(err)
	}
	if texts := checkLayout(t, curves); !slices.Contains(texts, "Gruppe ü") || !slices.Contains(texts, "Caption.") {
		t.Errorf("curves: %q", texts)
	}
	reconstructions, err := ComparisonReconstructions(runs[:2], "Caption.")
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, reconstructions)
	for _, want := range []string{"test images", "hardconcrete  ", "104.35", "poisson  ", "119.00", "censored at 31", "Caption."} {
		if !slices.Contains(texts, want) {
			t.Errorf("reconstructions: no %q in %q", want, texts)
		}
	}
	if n := len(imagesOf(reconstructions)); n != 3 {
		t.Errorf("%d rows of images, want the test images and two of reconstructions", n)
	}
	checkGolden(t, reconstructions, "reconstructions", 48)
	samples, err := ComparisonSamples(runs[:2], "Caption.")
	if err != nil {
		t.Fatal(err)
	}
	if texts := checkLayout(t, samples); !slices.Equal(texts, []string{"hardconcrete", "poisson", "Caption."}) {
		t.Errorf("samples: %q", texts)
	}
	if n := len(imagesOf(samples)); n != 2 {
		t.Errorf("%d pictures of samples, want 2", n)
	}
	for _, draw := range []func([]Compared, string) (Figure, error){ComparisonCurves, ComparisonReconstructions, ComparisonSamples} {
		_, err := draw(nil, "")
		checkError(t, "no runs", err, "0 runs")
		_, err = draw(runs, "\x00")
		checkError(t, "caption", err, "caption")
	}
}

func TestComparisonLayout(t *testing.T) {
	for _, test := range []struct{ runs, groups, originals, samples, rows, cols int }{
		{1, 1, 1, 1, 1, 1}, {1, 1, 2, 64, 28, 28}, {28, 1, 8, 64, 28, 28}, {30, 5, 16, 64, 28, 20}, {maxCompared, 4, 8, 3, 4, 60}, {3, 3, 8, 8, maxSide, maxSide},
	} {
		var groups []group
		for k := range test.groups {
			g := group{}
			if test.groups > 1 {
				g.name = fmt.Sprintf("group %d with a longer name than methods have", k)
			}
			for i := k; i < test.runs; i += test.groups {
				images := ramp(test.originals, test.rows, test.cols)
				g.results = append(g.results, result{
					Compared: Compared{Name: fmt.Sprintf("method-%011d", i)},
					bound:    falling(fmt.Sprintf("method-%011d", i), 180, 100+float64(i)),
					images:   runImages{images, images, ramp(test.samples, test.rows, test.cols)},
				})
			}
			groups = append(groups, g)
		}
		curves, err := comparedCurves(groups, "Caption.")
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, curves)
		methods, err := comparedMethods(groups, "Caption.")
		if err != nil {
			t.Fatal(err)
		}
		texts := checkLayout(t, methods)
		for i := range test.runs {
			if !slices.Contains(texts, fmt.Sprintf("method-%011d  ", i)) {
				t.Errorf("no method %d in %q", i, texts)
			}
		}
		if t.Failed() {
			t.Fatalf("%+v", test)
		}
	}
}

// A row shows the first images, in their order.
func TestFirstImages(t *testing.T) {
	images := ramp(20, 2, 3)
	b := firstImages(images)
	if b.columns != 8 || !slices.Equal(b.images.Pixels, images.Pixels[:8*6]) {
		t.Errorf("%d columns of %v", b.columns, b.images.Pixels)
	}
	if b = firstImages(ramp(5, 2, 3)); b.columns != 5 || b.images.count() != 5 {
		t.Errorf("%d columns, %d images, want 5", b.columns, b.images.count())
	}
}

// Every row has the images of its own run: recoloured, they are found where they
// belong.
func TestMethodsRows(t *testing.T) {
	flat := func(n int, v float32) Images {
		return Images{Rows: 28, Cols: 28, Pixels: slices.Repeat([]float32{v}, n*28*28)}
	}
	g := group{name: "g"}
	for i := range 3 {
		v := float32(i) / 10
		g.results = append(g.results, result{
			Compared: Compared{Name: "m"}, bound: falling("m", 100),
			images: runImages{flat(2, 0.9), flat(2, 0.1+v), flat(3, 0.15+v)},
		})
	}
	fig, err := comparedMethods([]group{g}, "")
	if err != nil {
		t.Fatal(err)
	}
	got := imagesOf(fig)
	want := []float64{0.9, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35}
	if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1.0/255 }) {
		t.Errorf("images of %v, want %v", got, want)
	}
}

func TestDrawComparisonErrors(t *testing.T) {
	change := func(change func(map[string]run.Tensor)) map[string]run.Tensor {
		m := tensors()
		change(m)
		return m
	}
	good := metricsOf(160, 120)
	for _, test := range []struct {
		name    string
		metrics string
		tensors map[string]run.Tensor
		file    string
		want    []string
	}{
		{"tensor missing", good, change(func(m map[string]run.Tensor) { delete(m, "reconstructions") }), run.ImagesFile, []string{`"reconstructions"`}},
		{"NaN pixel", good, change(func(m map[string]run.Tensor) { m["samples"].Data.([]float32)[0] = float32(math.NaN()) }),
			run.ImagesFile, []string{`"samples"`, "NaN"}},
		{"no pairs", good, change(func(m map[string]run.Tensor) {
			m["reconstructions"] = run.Tensor{Shape: []int{1, 3, 4}, Data: ramp(1, 3, 4).Pixels}
		}), run.ImagesFile, []string{`"originals"`, "2 images", "1 images"}},
		{"other number of originals", good, change(func(m map[string]run.Tensor) {
			m["originals"] = run.Tensor{Shape: []int{3, 3, 4}, Data: ramp(3, 3, 4).Pixels}
			m["reconstructions"] = m["originals"]
		}), run.ImagesFile, []string{`"originals"`, "3 images of 3×4", "not 2 images of 3×4"}},
		{"other number of samples", good, change(func(m map[string]run.Tensor) {
			m["samples"] = run.Tensor{Shape: []int{4, 3, 4}, Data: ramp(4, 3, 4).Pixels}
		}), run.ImagesFile, []string{`"samples"`, "4 images", "not 5"}},
		{"other size", good, map[string]run.Tensor{
			"originals":       {Shape: []int{2, 4, 3}, Data: ramp(2, 4, 3).Pixels},
			"reconstructions": {Shape: []int{2, 4, 3}, Data: ramp(2, 4, 3).Pixels},
			"samples":         {Shape: []int{5, 4, 3}, Data: ramp(5, 4, 3).Pixels},
		}, run.ImagesFile, []string{`"originals"`, "of 4×3", "not 2 images of 3×4"}},
		{"other test images", good, change(func(m map[string]run.Tensor) { m["originals"].Data.([]float32)[7] = 0.5 }),
			run.ImagesFile, []string{`"originals"`, "other test images"}},
		{"no bound", "9,1,0.5,train,loss,160\n", tensors(), run.MetricsFile, []string{"test,test_nelbo"}},
		{"bad row", good + "9,1\n", tensors(), run.MetricsFile, []string{"line 6"}},
		{"NaN bound", metricsOf(160, math.NaN()), tensors(), run.MetricsFile, []string{`"bad"`, "NaN"}},
		{"epoch twice", good + good, tensors(), run.MetricsFile, []string{`"bad"`, "x must increase"}},
	} {
		runs := append(comparedRuns(t), Compared{Name: "bad", Group: "bits", Dir: writeRun(t, test.metrics, test.tensors)})
		checkRefused(t, test.name, runs, comparisonCaptions, append(test.want, filepath.Join(runs[4].Dir, test.file))...)
	}
	turned := tensors()
	turned["samples"] = run.Tensor{Shape: []int{5, 4, 3}, Data: ramp(5, 4, 3).Pixels}
	dir := writeRun(t, good, turned)
	checkRefused(t, "samples of another size", []Compared{{Name: "a", Dir: dir}}, comparisonCaptions,
		filepath.Join(dir, run.ImagesFile), `"originals"`, "2 images of 3×4", `"samples"`, "5 images of 4×3")
	for _, name := range []string{run.ImagesFile, run.MetricsFile} {
		runs := comparedRuns(t)
		path := filepath.Join(runs[2].Dir, name)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		checkRefused(t, name, runs, comparisonCaptions, path)
	}

	with := func(change func(*Compared)) []Compared {
		runs := comparedRuns(t)
		change(&runs[1])
		return runs
	}
	one := comparedRuns(t)[0]
	for _, test := range []struct {
		name     string
		runs     []Compared
		captions ComparisonCaptions
		want     []string
	}{
		{"no runs", nil, comparisonCaptions, []string{"0 runs"}},
		{"too many runs", slices.Repeat([]Compared{one}, maxCompared+1), comparisonCaptions, []string{"65 runs"}},
		{"too many of a group", slices.Repeat([]Compared{one}, 29), comparisonCaptions, []string{"curves", "29 series", `"bits"`}},
		{"no name", with(func(c *Compared) { c.Name = "" }), comparisonCaptions, []string{"no name"}},
		{"bad name", with(func(c *Compared) { c.Name = "\x00" }), comparisonCaptions, []string{"name"}},
		{"bad group", with(func(c *Compared) { c.Group = "\x00" }), comparisonCaptions, []string{"curves", "title"}},
		{"bad note", with(func(c *Compared) { c.Note = "\x00" }), comparisonCaptions, []string{"methods", "note"}},
		{"bad caption", comparedRuns(t), ComparisonCaptions{Curves: "\x00"}, []string{"curves", "caption"}},
		{"other bad caption", comparedRuns(t), ComparisonCaptions{Methods: "\x00"}, []string{"methods", "caption"}},
	} {
		checkRefused(t, test.name, test.runs, test.captions, test.want...)
	}
}

func checkRefused(t *testing.T, name string, runs []Compared, captions ComparisonCaptions, want ...string) {
	t.Helper()
	dir := t.TempDir()
	checkError(t, name, DrawComparison(dir, "", runs, captions), want...)
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("%s: %d files were written", name, len(files))
	}
}
