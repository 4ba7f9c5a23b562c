package plots

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"

	"relaxgo/internal/run"
)

// Compared is one run of a comparison.
type Compared struct {
	Name  string // of the method, in both figures
	Group string // of the methods that share a panel; may be empty
	Note  string // a few words below the name in the figure of methods; may be empty
	Dir   string // the run directory
}

// ComparisonCaptions are the texts below the figures of a comparison.
type ComparisonCaptions struct {
	Curves, Methods string
}

const (
	maxCompared = 64 // runs of a comparison
	shownImages = 8  // of a kind and run
)

// DrawComparison draws figures of several VAE runs on the same test images into
// dir, each as PNG and SVG, the suffix at the end of their names:
//
//	curves   test_nelbo, the bound with exactly discrete codes, over epochs:
//	         a panel for each group, all over the same axes
//	methods  a row for each run: its last test_nelbo, its first 8 reconstructions
//	         and its first 8 samples, below the test images themselves
//
// Groups come in the order of their first runs, the runs of a group in the order
// given. In the panel of a group, the lines of the others are grey. A few runs
// far above all others do not squash those but are cut off at the upper end of
// the axes, and a line above the caption says so.
//
// Nothing is written unless both figures could be drawn. Errors: no runs, more
// than 64, or more than 28 of a group; a run without a name; a file or tensor
// that is missing or bad as in [DrawRun]; metrics without test_nelbo; images
// that differ from those of the first run in number or size; other test images.
// Errors about files name them.
func DrawComparison(dir, suffix string, runs []Compared, captions ComparisonCaptions) error {
	groups, err := readGroups(runs)
	if err != nil {
		return err
	}
	curves, err := comparedCurves(groups, captions.Curves)
	if err != nil {
		return fmt.Errorf("cannot draw %s: %w", filepath.Join(dir, "curves"+suffix), err)
	}
	methods, err := comparedMethods(groups, captions.Methods)
	if err != nil {
		return fmt.Errorf("cannot draw %s: %w", filepath.Join(dir, "methods"+suffix), err)
	}
	return save(dir, namedFigure{"curves" + suffix, curves}, namedFigure{"methods" + suffix, methods})
}

// ComparisonCurves is the figure of curves of [DrawComparison].
func ComparisonCurves(runs []Compared, caption string) (Figure, error) {
	groups, err := readGroups(runs)
	if err != nil {
		return Figure{}, err
	}
	return comparedCurves(groups, caption)
}

// ComparisonReconstructions draws the first 8 test images above the
// reconstructions of each run, with its name, its last test_nelbo and its note
// beside them. Groups do not matter; errors are those of [DrawComparison].
func ComparisonReconstructions(runs []Compared, caption string) (Figure, error) {
	results, err := readResults(runs)
	if err != nil {
		return Figure{}, err
	}
	originals := results[0].images.originals
	s := section{rows: []imageRow{{name: "test images", blocks: []block{firstImages(originals)}}}}
	for _, r := range results {
		s.rows = append(s.rows, r.row(results, firstImages(r.images.reconstructions)))
	}
	return imageRows(scaleFor(originals, shownImages), []section{s}, strings.TrimRight(boundKey+"\n"+caption, "\n"))
}

// ComparisonSamples draws the samples of the runs side by side, each in a square
// below its name. Groups and notes do not matter; errors are those of
// [DrawComparison].
func ComparisonSamples(runs []Compared, caption string) (Figure, error) {
	results, err := readResults(runs)
	if err != nil {
		return Figure{}, err
	}
	var s section
	var row imageRow
	for _, r := range results {
		s.headings = append(s.headings, r.Name)
		row.blocks = append(row.blocks, block{r.images.samples, squareColumns(r.images.samples)})
	}
	s.rows = []imageRow{row}
	samples := results[0].images.samples
	return imageRows(scaleFor(samples, len(results)*squareColumns(samples)), []section{s}, caption)
}

// boundKey explains the numbers beside images.
const boundKey = "The number after a name is test_nelbo: nats per test image, exact discrete codes; lower is better."

// group is the results of the runs that share a panel.
type group struct {
	name    string
	results []result
}

// result is what a comparison takes from a run directory.
type result struct {
	Compared
	bound  Series
	images runImages
}

// path is where the images come from.
func (r result) path() string { return filepath.Join(r.Dir, run.ImagesFile) }

// readResults reads the runs, which must be on the same test images.
func readResults(runs []Compared) ([]result, error) {
	if len(runs) == 0 || len(runs) > maxCompared {
		return nil, fmt.Errorf("%d runs to compare; there must be 1 to %d", len(runs), maxCompared)
	}
	var results []result
	for _, r := range runs {
		read, err := readResult(r)
		if err != nil {
			return nil, err
		}
		results = append(results, read)
		if err := read.images.checkLike(results[0].images); err != nil {
			return nil, fmt.Errorf("cannot compare %s with %s: %w", read.path(), results[0].path(), err)
		}
	}
	return results, nil
}

// readGroups reads the runs and puts those of a group together.
func readGroups(runs []Compared) ([]group, error) {
	results, err := readResults(runs)
	if err != nil {
		return nil, err
	}
	var groups []group
	for _, r := range results {
		k := slices.IndexFunc(groups, func(g group) bool { return g.name == r.Group })
		if k < 0 {
			k = len(groups)
			groups = append(groups, group{name: r.Group})
		}
		groups[k].results = append(groups[k].results, r)
	}
	return groups, nil
}

func readResult(r Compared) (result, error) {
	if r.Name == "" {
		return result{}, fmt.Errorf("the run in %s has no name", r.Dir)
	}
	path := filepath.Join(r.Dir, run.MetricsFile)
	rows, err := run.ReadMetrics(path)
	if err != nil {
		return result{}, err
	}
	bound := seriesOf(rows, "test", "test_nelbo", r.Name)
	if len(bound.X) == 0 {
		return result{}, fmt.Errorf("%s: no rows test,test_nelbo", path)
	}
	if err := bound.check(); err != nil {
		return result{}, fmt.Errorf("cannot draw %s: %w", path, err)
	}
	res := result{Compared: r, bound: bound}
	if res.images, err = readRunImages(res.path()); err != nil {
		return result{}, err
	}
	if err := res.images.check(); err != nil {
		return result{}, fmt.Errorf("cannot draw %s: %w", res.path(), err)
	}
	return res, nil
}

// check returns an error if the pictures cannot stand in one row.
func (p runImages) check() error {
	if err := cmp.Or(checkPairs(p.originals, p.reconstructions), p.samples.check("samples")); err != nil {
		return err
	}
	if a, b := p.originals, p.samples; a.Rows != b.Rows || a.Cols != b.Cols {
		return fmt.Errorf("tensor %q holds %v, but %q %v", "originals", a.extent(), "samples", b.extent())
	}
	return nil
}

// checkLike returns an error if p cannot stand below q in a figure.
func (p runImages) checkLike(q runImages) error {
	tensors := []struct {
		name string
		p, q Images
	}{{"originals", p.originals, q.originals}, {"samples", p.samples, q.samples}}
	for _, t := range tensors {
		if a, b := t.p.extent(), t.q.extent(); a != b {
			return fmt.Errorf("tensor %q holds %v, not %v", t.name, a, b)
		}
	}
	if !slices.Equal(p.originals.Pixels, q.originals.Pixels) {
		return fmt.Errorf("tensor %q holds other test images", "originals")
	}
	return nil
}

// comparedCurves is the bounds over epochs, one panel a group.
func comparedCurves(groups []group, caption string) (Figure, error) {
	var panels []Panel
	for _, g := range groups {
		p := Panel{Title: g.name}
		for _, r := range g.results {
			p.Series = append(p.Series, r.bound)
		}
		panels = append(panels, p)
	}
	return CurvePanels(panels, PanelOptions{"epoch", "nats per test image, exact discrete codes; lower is better", caption})
}

// comparedMethods is the images of all runs, one section a group.
func comparedMethods(groups []group, caption string) (Figure, error) {
	const tile = 56 // px that the longer side of an image takes, if that is as many pixels at least
	var all []result
	for _, g := range groups {
		all = append(all, g.results...)
	}
	originals := groups[0].results[0].images.originals
	sections := []section{{rows: []imageRow{{name: "test images", blocks: []block{firstImages(originals)}}}}}
	for _, g := range groups {
		s := section{title: g.name, headings: []string{"reconstructions", "samples"}}
		for _, r := range g.results {
			s.rows = append(s.rows, r.row(all, firstImages(r.images.reconstructions), firstImages(r.images.samples)))
		}
		sections = append(sections, s)
	}
	scale := px * vg.Length(max(1, tile/max(originals.Rows, originals.Cols)))
	return imageRows(scale, sections, strings.TrimRight(boundKey+"\n"+caption, "\n"))
}

// row is images of the run with its name, bound and note. The bounds of all runs
// have as many decimals.
func (r result) row(all []result, blocks ...block) imageRow {
	var bounds []Series
	for _, r := range all {
		bounds = append(bounds, r.bound)
	}
	return imageRow{name: r.Name, value: formatNumber(r.bound.last(), lastDecimals(bounds)), note: r.Note, blocks: blocks}
}

// firstImages is one row of images, as many as are shown.
func firstImages(images Images) block {
	n := min(images.count(), shownImages)
	images.Pixels = images.Pixels[:n*images.Rows*images.Cols]
	return block{images, n}
}
