package plots

import (
	"image"
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

// dirichlet is the density of Dir(α).
func dirichlet(alpha ...float64) func([3]float64) float64 {
	sum, norm := 0.0, 0.0
	for _, a := range alpha {
		l, _ := math.Lgamma(a)
		sum, norm = sum+a, norm-l
	}
	l, _ := math.Lgamma(sum)
	return func(pi [3]float64) float64 {
		log := norm + l
		for i, a := range alpha {
			log += (a - 1) * math.Log(pi[i])
		}
		return math.Exp(log)
	}
}

// dirichletSamples draws from Dir(α) with whole α, as shares of sums of
// exponential numbers.
func dirichletSamples(rng *rand.Rand, n int, alpha ...int) [][3]float64 {
	samples := make([][3]float64, n)
	for k := range samples {
		sum := 0.0
		for i, a := range alpha {
			for range a {
				samples[k][i] += rng.ExpFloat64()
			}
			sum += samples[k][i]
		}
		for i := range alpha {
			samples[k][i] /= sum
		}
	}
	return samples
}

func TestSimplices(t *testing.T) {
	rng := rand.New(rand.NewPCG(16, 0))
	fig, err := Simplices([]Simplex{
		{Title: "Dirichlet(8, 2, 2)", Density: dirichlet(8, 2, 2)},
		{Title: "samples", Samples: dirichletSamples(rng, 20000, 8, 2, 2)},
	}, SimplexOptions{Caption: "Caption."})
	if err != nil {
		t.Fatal(err)
	}
	texts := checkLayout(t, fig)
	for _, want := range []string{
		"Dirichlet(8, 2, 2)", "samples", "(1, 0, 0)", "(0, 1, 0)", "(0, 0, 1)", "density (the uniform one is 2)", "5", "10", "15",
		"Lines: contours at the values marked beside the colours. Samples: 20\u00a0000, counted in 961 triangles.", "Caption.",
	} {
		if !slices.Contains(texts, want) && !strings.Contains(strings.Join(texts, " "), want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	checkSVG(t, fig)
	checkGolden(t, fig, "simplices", 48)
}

// What is not there, the key does not explain.
func TestSimplexKey(t *testing.T) {
	samples := dirichletSamples(rand.New(rand.NewPCG(17, 0)), 100, 1, 1, 1)
	for _, test := range []struct {
		simplices []Simplex
		want      string
	}{
		{[]Simplex{{Density: dirichlet(1, 1, 1)}}, "Lines: contours at the values marked beside the colours."},
		{[]Simplex{{Samples: samples}, {Samples: samples[:50]}}, "Samples: 100, counted in 16 triangles; 50, counted in 16 triangles."},
		{[]Simplex{{Samples: samples}, {Samples: samples}}, "Samples: 100, counted in 16 triangles."},
	} {
		var fields []field
		for _, s := range test.simplices {
			f, err := newField(s)
			if err != nil {
				t.Fatal(err)
			}
			fields = append(fields, f)
		}
		if got := simplexKey(test.simplices, fields, colourScale{high: 1e3}); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// integral is that of a field over (π₁, π₂), from its dots inside the triangle.
func integral(f field) float64 {
	sum, n := 0.0, 0.0
	for k, v := range f.dots {
		row, column := k/dotColumns, k%dotColumns
		up := 1 - (float64(row)+0.5)/dotRows
		right := (float64(column)+0.5)/dotColumns - up/2
		if right > 0 && right+up < 1 {
			sum, n = sum+v, n+1
		}
	}
	return sum / n / 2 // the triangle's area on the plane is a half
}

// Exact densities and those of samples have the same unit: both integrate to 1.
func TestFieldsIntegrateToOne(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 0))
	for name, s := range map[string]Simplex{
		"uniform":        {Density: dirichlet(1, 1, 1)},
		"Dir(8, 2, 2)":   {Density: dirichlet(8, 2, 2)},
		"Dir(3, 20, 9)":  {Density: dirichlet(3, 20, 9)},
		"20 000 samples": {Samples: dirichletSamples(rng, 20000, 8, 2, 2)},
		"9 samples":      {Samples: dirichletSamples(rng, 9, 1, 2, 2)},
		"corners":        {Samples: [][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}, {0, 0.5, 0.5}, {0.5, 0.5, 0}}},
	} {
		f, err := newField(s)
		if err != nil {
			t.Fatal(err)
		}
		// Dots along the edges of bins count wholly or not: 4·40 edges of a dot each,
		// of 256 dots along a side, are far less than 2 % of the mass.
		if got := integral(f); math.Abs(got-1) > 0.02 {
			t.Errorf("%s: the density integrates to %v, want 1 ± 0.02", name, got)
		}
	}
}

// Samples show the density that they are of.
func TestSampledFieldIsNearExact(t *testing.T) {
	const n = 200000
	sampled, err := newField(Simplex{Samples: dirichletSamples(rand.New(rand.NewPCG(19, 0)), n, 8, 2, 2)})
	if err != nil {
		t.Fatal(err)
	}
	exact, err := newField(Simplex{Density: dirichlet(8, 2, 2)})
	if err != nil {
		t.Fatal(err)
	}
	difference, dots := 0.0, 0.0
	for k, v := range exact.dots {
		if !math.IsNaN(v) {
			difference += math.Abs(sampled.dots[k] - v)
			dots++
		}
	}
	// Half the mean difference of two densities over an area of 1/2 is a quarter
	// of their total variation's double. Of 1600 bins, some 400 hold the mass, 500
	// samples each: noise of √(2/π)/√500 = 3.6 %, of which a half; steps within a
	// bin add about as much.
	if tv := difference / dots / 4; tv > 0.05 {
		t.Errorf("total variation %v, want less than 0.05", tv)
	}
}

// Each bin is hit by the point in its middle, all of the n² bins are different,
// and points on the edges of the triangle have one of them.
func TestBins(t *testing.T) {
	for _, n := range []int{1, 4, 31} {
		seen := make(map[bin]bool)
		third := 1.0 / 3 / float64(n)
		for i := range n {
			for j := range n - i {
				pi := fractions(i, j, n)
				up := [3]float64{pi[0] + third, pi[1] + third, pi[2] - 2*third}
				if got := binOf(up, n); got != (bin{i, j, false}) {
					t.Errorf("n = %d: %v is in %v, want %d, %d", n, up, got, i, j)
				}
				seen[binOf(up, n)] = true
				if i+j < n-1 {
					down := [3]float64{pi[0] + 2*third, pi[1] + 2*third, pi[2] - 4*third}
					if got := binOf(down, n); got != (bin{i, j, true}) {
						t.Errorf("n = %d: %v is in %v, want the other of %d, %d", n, down, got, i, j)
					}
					seen[binOf(down, n)] = true
				}
			}
		}
		if len(seen) != n*n {
			t.Errorf("n = %d: %d bins, want %d", n, len(seen), n*n)
		}
		rng := rand.New(rand.NewPCG(20, 0))
		for range 1000 {
			pi := [3]float64{0, rng.Float64(), 0}
			pi[2] = 1 - pi[1]
			k := rng.IntN(3)
			pi[0], pi[k] = pi[k], pi[0]
			if b := binOf(pi, n); !seen[b] {
				t.Errorf("n = %d: %v is in %v, which is no bin", n, pi, b)
			}
		}
	}
}

// Corner 1 is at the left, 2 at the right, 3 at the top.
func TestCornersOfPicture(t *testing.T) {
	for k, want := range []int{(dotRows - 1) * dotColumns, dotRows*dotColumns - 1, dotColumns / 2} {
		f, err := newField(Simplex{Density: func(pi [3]float64) float64 { return pi[k] }})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.dots[want]; !(got > 0.99) {
			t.Errorf("π%d is %v at its corner", k+1, got)
		}
	}
}

// A density is asked for inside the triangle alone, and outside there is no picture.
func TestFieldStaysInside(t *testing.T) {
	f, err := newField(Simplex{Density: func(pi [3]float64) float64 {
		if sum := pi[0] + pi[1] + pi[2]; min(pi[0], pi[1], pi[2]) < inside/1.01 || math.Abs(sum-1) > 1e-12 {
			t.Fatalf("asked at %v", pi)
		}
		return 1
	}})
	if err != nil {
		t.Fatal(err)
	}
	img := f.picture(colourScale{low: 0, high: 1})
	if _, _, _, a := img.At(0, 0).RGBA(); a != 0 {
		t.Error("there is something left of the top")
	}
	if _, _, _, a := img.At(dotColumns/2, dotRows/2).RGBA(); a != 0xffff {
		t.Error("there is nothing in the middle")
	}
}

// The contour of a linear density is a straight line, that of a distance a
// circle; levels that are not reached have none.
func TestContour(t *testing.T) {
	r := vg.Rectangle{Max: vg.Point{X: 1, Y: vg.Length(math.Sqrt(3) / 2)}}
	linear, err := newField(Simplex{Density: func(pi [3]float64) float64 { return pi[2] }})
	if err != nil {
		t.Fatal(err)
	}
	path := linear.contour(0.3, r)
	const tolerance = inside // by which densities on the edges are of points farther in
	length := vg.Length(0)
	for i := 0; i < len(path); i += 2 {
		a, b := path[i].Pos, path[i+1].Pos
		for _, p := range []vg.Point{a, b} {
			if math.Abs(float64(p.Y/r.Max.Y)-0.3) > tolerance {
				t.Fatalf("%v lies on the contour of 0.3", p)
			}
		}
		length += vg.Length(math.Abs(float64(a.X - b.X)))
	}
	if math.Abs(float64(length)-0.7) > 2*tolerance { // the side that is left at that height
		t.Errorf("the contour is %v long, want 0.7", length)
	}
	round, err := newField(Simplex{Density: func(pi [3]float64) float64 {
		x, y := pi[1]+pi[2]/2-0.5, (pi[2]-1.0/3)*math.Sqrt(3)/2
		return math.Hypot(x, y)
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range round.contour(0.2, r) {
		if d := math.Hypot(float64(part.Pos.X)-0.5, float64(part.Pos.Y)-math.Sqrt(3)/6); math.Abs(d-0.2) > 1e-4 {
			t.Fatalf("%v is %v from the middle, want 0.2", part.Pos, d)
		}
	}
	if path := round.contour(2, r); len(path) != 0 {
		t.Errorf("a level that is not reached has a contour of %d parts", len(path))
	}
}

func TestSimplicesLayout(t *testing.T) {
	flat := Simplex{Title: "flat", Density: dirichlet(1, 1, 1)}
	long := flat
	long.Title = strings.Repeat("long title ", 6)
	for _, simplices := range [][]Simplex{{flat}, {flat, long}, {long}, {flat, flat, flat, {Density: dirichlet(0.5, 0.5, 0.5)}}} {
		for _, corner := range []string{"", "x", strings.Repeat("m", 22)} {
			fig, err := Simplices(simplices, SimplexOptions{Corners: [3]string{corner, corner, corner}, Caption: strings.Repeat("caption ", 30)})
			if err != nil {
				t.Fatal(err)
			}
			checkLayout(t, fig)
			if t.Failed() {
				t.Fatalf("%d triangles, corners %q", len(simplices), corner)
			}
		}
	}
}

// A top that figures share is the upper end of the colours; what is beyond has its colour, and the figure says so.
func TestSimplicesTop(t *testing.T) {
	densities := []Simplex{{Title: "sharp", Density: dirichlet(8, 2, 2)}, {Title: "flat", Density: dirichlet(1, 1, 1)}}
	for _, test := range []struct {
		top      float64
		flat     color.RGBA
		sharpest color.RGBA
		said     bool
	}{
		{0, sequential(2 / 16.833), sequential(1), false}, // the peak, 7920 (7/9)⁷ /81
		{4, sequential(0.5), sequential(1), true},
		{20, sequential(0.1), sequential(16.833 / 20), false},
	} {
		fig, err := Simplices(densities, SimplexOptions{Top: test.top})
		if err != nil {
			t.Fatal(err)
		}
		said := slices.Contains(checkLayout(t, fig), "Lines: contours at the values marked beside the colours. Densities above 4 have its colour: up to 16.8 in “sharp”.")
		if said != test.said {
			t.Errorf("top %v: the figure says what is beyond: %t, want %t", test.top, said, test.said)
		}
		var rec recorder.Canvas
		fig.draw(draw.NewCanvas(&rec, fig.width, fig.height))
		var images []image.Image
		for _, action := range rec.Actions {
			if a, ok := action.(*recorder.DrawImage); ok {
				images = append(images, a.Image)
			}
		}
		// At the peak, π = (7, 1, 1)/9, and anywhere.
		peak := images[0].At(dotColumns/9+dotColumns/18, dotRows*8/9)
		if !alike(peak, test.sharpest) || !alike(images[1].At(dotColumns/2, dotRows/2), test.flat) {
			t.Errorf("top %v: the peak is %v and the flat density %v, want %v and %v", test.top, peak, images[1].At(dotColumns/2, dotRows/2), test.sharpest, test.flat)
		}
	}
}

// alike tells whether colours differ by no more than rounding.
func alike(a, b color.Color) bool {
	ar, ag, ab, _ := a.RGBA()
	br, bg, bb, _ := b.RGBA()
	far := func(x, y uint32) bool { return max(x, y)-min(x, y) > 2*0x101 }
	return !far(ar, br) && !far(ag, bg) && !far(ab, bb)
}

// Columns are how many triangles stand side by side.
func TestSimplicesColumns(t *testing.T) {
	flat := Simplex{Title: "flat", Density: func([3]float64) float64 { return 2 }}
	for _, test := range []struct{ columns, side, below int }{{0, 3, 2}, {2, 2, 2}, {9, 4, 1}} {
		fig, err := Simplices([]Simplex{flat, flat, flat, flat}, SimplexOptions{Columns: test.columns})
		if err != nil {
			t.Fatal(err)
		}
		checkLayout(t, fig)
		var rec recorder.Canvas
		fig.draw(draw.NewCanvas(&rec, fig.width, fig.height))
		x, y := make(map[int]bool), make(map[int]bool)
		for _, action := range rec.Actions {
			if a, ok := action.(*recorder.DrawImage); ok && a.Image.Bounds().Dx() > 1 {
				x[int(a.Rectangle.Min.X)], y[int(a.Rectangle.Min.Y)] = true, true
			}
		}
		if len(x) != test.side || len(y) != test.below {
			t.Errorf("%d columns: %d triangles side by side, %d below each other; want %d and %d", test.columns, len(x), len(y), test.side, test.below)
		}
	}
}

func TestSimplicesErrors(t *testing.T) {
	flat := func([3]float64) float64 { return 2 }
	good := [3]float64{0.2, 0.3, 0.5}
	always := func(v float64) Simplex { return Simplex{Title: "a", Density: func([3]float64) float64 { return v }} }
	of := func(samples ...[3]float64) Simplex { return Simplex{Title: "a", Samples: samples} }
	for _, test := range []struct {
		name    string
		simplex Simplex
		opt     SimplexOptions
		want    []string
	}{
		{"both", Simplex{Density: flat, Samples: [][3]float64{good}}, SimplexOptions{}, []string{"simplex 1", "both"}},
		{"neither", Simplex{Title: "a"}, SimplexOptions{}, []string{`simplex 1 ("a")`, "neither"}},
		{"no samples", Simplex{Samples: [][3]float64{}}, SimplexOptions{}, []string{"neither"}},
		{"negative density", always(-1), SimplexOptions{}, []string{"π = [", "is -1"}},
		{"NaN density", always(math.NaN()), SimplexOptions{}, []string{"is NaN"}},
		{"infinite density", always(math.Inf(1)), SimplexOptions{}, []string{"is +Inf"}},
		{"no density", always(0), SimplexOptions{}, []string{"0 everywhere"}},
		{"negative", of(good, [3]float64{-0.1, 0.6, 0.5}), SimplexOptions{}, []string{"sample 1 is [-0.1 0.6 0.5]"}},
		{"sum", of([3]float64{0.2, 0.3, 0.5001}), SimplexOptions{}, []string{"sample 0", "sum to 1"}},
		{"NaN", of([3]float64{math.NaN(), 0.3, 0.5}), SimplexOptions{}, []string{"sample 0", "NaN"}},
		{"title", Simplex{Title: "\x00", Density: flat}, SimplexOptions{}, []string{"title"}},
		{"corner", Simplex{Density: flat}, SimplexOptions{Corners: [3]string{"", "\x00"}}, []string{"name of a corner"}},
		{"long corner", Simplex{Density: flat}, SimplexOptions{Corners: [3]string{"", "", strings.Repeat("long ", 20)}}, []string{"too long", "long long"}},
		{"caption", Simplex{Density: flat}, SimplexOptions{Caption: "\x00"}, []string{"caption"}},
		{"negative top", Simplex{Density: flat}, SimplexOptions{Top: -1}, []string{"end at the density -1"}},
		{"NaN top", Simplex{Density: flat}, SimplexOptions{Top: math.NaN()}, []string{"end at the density NaN"}},
		{"infinite top", Simplex{Density: flat}, SimplexOptions{Top: math.Inf(1)}, []string{"end at the density +Inf"}},
		{"columns", Simplex{Density: flat}, SimplexOptions{Columns: -1}, []string{"-1 simplices side by side"}},
	} {
		_, err := Simplices([]Simplex{{Density: flat}, test.simplex}, test.opt)
		checkError(t, test.name, err, test.want...)
	}
	_, err := Simplices(nil, SimplexOptions{})
	checkError(t, "nothing", err, "0 simplices")
	_, err = Simplices(make([]Simplex, 13), SimplexOptions{})
	checkError(t, "too many", err, "13 simplices")
}
