package main

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relaxgo/bridge"
	"relaxgo/internal/stream"
)

const testCommand = "go run ./cmd/figures -fig=test"

// checkCaption makes sure that a caption says how the figure was made, and holds these words.
func checkCaption(t *testing.T, f figure, n int, words ...string) {
	t.Helper()
	for _, want := range append(words, testCommand, "seed 1", "n = "+grouped(n)) {
		if !strings.Contains(f.caption, want) {
			t.Errorf("no %q in the caption %q", want, f.caption)
		}
	}
	if f.original == "" || f.title == "" {
		t.Errorf("%s has the title %q and the original %q; neither may be empty", f.name, f.title, f.original)
	}
	if f.table == nil {
		t.Fatalf("%s has no table", f.name)
	}
	for _, row := range f.table.rows {
		if len(row) != len(f.table.head) {
			t.Errorf("%s: %d cells in the row %q, but %d in the head", f.name, len(row), row, len(f.table.head))
		}
	}
}

// number reads a cell of a table, up to ±.
func number(t *testing.T, cell string) float64 {
	t.Helper()
	value, _, _ := strings.Cut(strings.ReplaceAll(cell, "−", "-"), " ")
	v, err := strconv.ParseFloat(value, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v ± %v", what, got, want, tolerance)
	}
}

// Distances are those of an independent integral over log-ratios y = (log π₁/π₃, log π₂/π₃), with all formulas written
// out, and the ones known of the original: total variation 0.591 and divergence 4.43.
func TestFig4Distances(t *testing.T) {
	f, err := fig4(context.Background(), testCommand)
	if err != nil {
		t.Fatal(err)
	}
	checkCaption(t, f, simplexN, "0.1224", "0.1382")
	rows := f.table.rows
	near(t, "total variation of the bridge", number(t, rows[0][1]), 0.1224, 1e-4)
	near(t, "divergence of the bridge", number(t, rows[0][2]), 0.1382, 1e-4)
	near(t, "total variation of the original", number(t, rows[2][1]), 0.591, 1e-3)
	near(t, "divergence of the original", number(t, rows[2][2]), 4.43, 0.02)

	// Σ_kk of α = (8, 2, 2), times itself: variances of the original's logits.
	d1, d2, d3 := square(1./6), square(7./24), square(7./24)
	m1 := math.Log(4) // μ₁ − μ₃, and μ₂ = μ₃
	a, b, c := d1+d3, d3, d2+d3
	det := a*c - b*b
	logNormal := func(y1, y2 float64) float64 {
		r1 := y1 - m1
		return -math.Log(2*math.Pi) - math.Log(det)/2 - (c*r1*r1-2*b*r1*y2+a*y2*y2)/(2*det)
	}
	logDirichlet := func(y1, y2 float64) float64 {
		norm := math.Log(math.Exp(y1) + math.Exp(y2) + 1)
		return math.Log(39916800/5040.) + 8*(y1-norm) + 2*(y2-norm) - 2*norm
	}
	const step = 0.04
	var tv, kl, mass float64
	for y1 := -10.; y1 < 14; y1 += step {
		for y2 := -14.; y2 < 12; y2 += step {
			p, q := logDirichlet(y1, y2), logNormal(y1, y2)
			mass += math.Exp(p) * step * step
			tv += math.Abs(math.Exp(p)-math.Exp(q)) / 2 * step * step
			kl += math.Exp(p) * (p - q) * step * step
		}
	}
	near(t, "mass on the grid", mass, 1, 1e-4)
	near(t, "total variation on the grid", tv, number(t, rows[2][1]), 1e-3)
	near(t, "divergence on the grid", kl, number(t, rows[2][2]), 1e-2)
}

func square(x float64) float64 { return x * x }

// What the text says of the original's peak and width.
func TestFig4Original(t *testing.T) {
	d, err := bridge.NewDirichlet(simplexAlpha...)
	if err != nil {
		t.Fatal(err)
	}
	original, err := varianceAsDeviation(d)
	if err != nil {
		t.Fatal(err)
	}
	peak := func(law bridge.Distribution) (greatest float64) {
		const n = 200
		for i := 1; i < n; i++ {
			for j := 1; i+j < n; j++ {
				p, err := law.Prob([]float64{float64(i) / n, float64(j) / n, float64(n-i-j) / n})
				if err != nil {
					t.Fatal(err)
				}
				greatest = max(greatest, p)
			}
		}
		return greatest
	}
	near(t, "ratio of the peaks", peak(original)/peak(d), 5, 0.5)
	for k, v := range bridge.Laplace(d).Variance() {
		near(t, "deviation of the original over that of the bridge", math.Sqrt(original.Variance()[k]/v), 0.42, 0.02)
	}
	for name, law := range map[string]bridge.Distribution{"Dirichlet": d, "bridge": bridge.Laplace(d)} {
		if p := peak(law); p > simplexTop {
			t.Errorf("the peak %v of the %s is beyond the colours", p, name)
		}
	}
}

// Samples have the moments of the law: a standard normal comparison is beyond 4 once in 16 000 times.
func TestFig5Moments(t *testing.T) {
	f, err := fig5(context.Background(), testCommand)
	if err != nil {
		t.Fatal(err)
	}
	checkCaption(t, f, simplexN)
	for k, want := range []struct{ mean, deviation float64 }{
		{2. / 3, math.Sqrt(8 * 4 / (144. * 13))}, {1. / 6, math.Sqrt(2 * 10 / (144. * 13))}, {1. / 6, math.Sqrt(2 * 10 / (144. * 13))},
	} {
		row := f.table.rows[k]
		near(t, "exact mean", number(t, row[1]), want.mean, 1e-5)
		near(t, "mean of the samples", number(t, row[2]), want.mean, 4*want.deviation/math.Sqrt(simplexN))
		near(t, "exact deviation", number(t, row[3]), want.deviation, 1e-5)
		near(t, "deviation of the samples", number(t, row[4]), want.deviation, 4*0.0003)
	}
}

// Standard errors are the spread of estimates from other samples: of 200, to within 20 %, four times their own error.
func TestMomentsOf(t *testing.T) {
	d, err := bridge.NewDirichlet(simplexAlpha...)
	if err != nil {
		t.Fatal(err)
	}
	var means, deviations, errors, errorsOfDeviations []float64
	for i := range 200 {
		rows, err := d.Sample(1000, stream.New(1, "test/moments", i))
		if err != nil {
			t.Fatal(err)
		}
		samples := make([][3]float64, 1000)
		for k := range samples {
			copy(samples[k][:], rows.RawRowView(k))
		}
		m, s := momentsOf(samples, 1)
		means, errors = append(means, m.value), append(errors, m.stdErr)
		deviations, errorsOfDeviations = append(deviations, s.value), append(errorsOfDeviations, s.stdErr)
	}
	ratio := func(values, errors []float64) float64 {
		return averageOf(values).stdErr * math.Sqrt(200) / averageOf(errors).value
	}
	near(t, "spread of means over their errors", ratio(means, errors), 1, 0.2)
	near(t, "spread of deviations over their errors", ratio(deviations, errorsOfDeviations), 1, 0.2)
}

// The logistic-normal is nobody's image, and the distances agree with Monte Carlo estimates.
func TestFig6(t *testing.T) {
	f, err := fig6(context.Background(), testCommand)
	if err != nil {
		t.Fatal(err)
	}
	q, err := competingClasses()
	if err != nil {
		t.Fatal(err)
	}
	// P·Σ·P of its Σ, by hand: rows of Σ sum to 0.2, 0.2 and 0.3, all to 0.7.
	for k, want := range []float64{0.5 - 0.4/3 + 0.7/9, 0.5 - 0.4/3 + 0.7/9, 0.3 - 0.6/3 + 0.7/9} {
		near(t, "variance", q.Variance()[k], want, 1e-12)
	}
	inverse, err := bridge.LaplaceInverse(q.Mu(), q.Variance())
	if err != nil {
		t.Fatal(err)
	}
	moments, err := bridge.MomentsInverse(q.Mu(), q.Variance())
	if err != nil {
		t.Fatal(err)
	}
	if again := bridge.Laplace(inverse).Mu(); math.Abs(again[0]-q.Mu()[0]) < 0.1 {
		t.Errorf("there and back takes μ = %.3f to %.3f: it is an image of the bridge", q.Mu(), again)
	}
	checkCaption(t, f, simplexN, concentrations(inverse), concentrations(moments))
	for i, d := range []bridge.Dirichlet{inverse, moments} {
		row := f.table.rows[i]
		tv, err := bridge.TVMonteCarlo(q, d, 100_000, stream.New(1, "test/tv"))
		if err != nil {
			t.Fatal(err)
		}
		kl, err := bridge.KLMonteCarlo(q, d, 100_000, stream.New(1, "test/kl"))
		if err != nil {
			t.Fatal(err)
		}
		near(t, row[0]+": total variation", number(t, row[2]), tv.Value, 4*tv.StdErr+1e-4)
		near(t, row[0]+": divergence", number(t, row[3]), kl.Value, 4*kl.StdErr+1e-4)
	}
}

// All figures can be saved, and none is made once the context is done.
func TestFiguresOfNumbers(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	dir := t.TempDir()
	for name, make := range map[string]func(context.Context, string) (figure, error){
		"fig4": fig4, "fig5": fig5, "fig6": fig6, "fig7": fig7, "fig8": fig8, "copula": copulaFigure,
	} {
		if _, err := make(cancelled, testCommand); err == nil {
			t.Errorf("%s has no error although the context is done", name)
		}
		if testing.Short() || !slices.Contains([]string{"fig5", "copula"}, name) {
			continue
		}
		f, err := make(context.Background(), testCommand)
		if err != nil {
			t.Fatal(err)
		}
		if f.name != name {
			t.Errorf("%s is named %s", name, f.name)
		}
		if err := f.Save(dir, f.name); err != nil {
			t.Error(err)
		}
	}
}
