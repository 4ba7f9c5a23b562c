package plots

import (
	"errors"
	"fmt"
	"image"
	"math"

	"gonum.org/v1/plot/vg"
)

// Sizes of a triangle.
const (
	triangleSide   = 256 * px
	triangleHeight = 222 * px // √3/2 of the side, to 0.2 %

	dotColumns = 2 * 256 // of its picture
	dotRows    = 2 * 222
	inside     = 1e-3 // least component at which densities are asked for

	meshSide = 120 // small triangles along a side, in which contours are straight

	sumTolerance  = 1e-5 // of the sum of a sample, which may come from float32
	samplesPerBin = 20   // on average
	fewestBins    = 4    // along a side
	mostBins      = 40
)

// field is a density over the triangle: exact, or constant in each bin.
type field struct {
	dots []float64   // at those of the picture, row by row from the top; NaN outside the triangle
	mesh [][]float64 // if exact: at π = (i, j, meshSide−i−j)/meshSide
	bins int         // along a side, if of samples
}

func newField(s Simplex) (field, error) {
	switch {
	case s.Density != nil && s.Samples != nil:
		return field{}, errors.New("there are both a density and samples")
	case s.Density != nil:
		return exactField(s.Density)
	case len(s.Samples) > 0:
		return sampledField(s.Samples)
	}
	return field{}, errors.New("there is neither a density nor a sample")
}

// exactField asks for the density at all points that are drawn.
func exactField(density func([3]float64) float64) (field, error) {
	var bad error
	greatest := 0.0
	checked := func(pi [3]float64) float64 {
		pi = inwards(pi)
		v := density(pi)
		if !(v >= 0 && v <= maxNumber) && bad == nil {
			bad = fmt.Errorf("the density at π = %.3f is %v; it must be 0 to %g", pi, v, maxNumber)
		}
		greatest = max(greatest, v)
		return v
	}
	f := field{dots: atDots(checked)}
	for i := range meshSide + 1 {
		row := make([]float64, meshSide+1-i)
		for j := range row {
			row[j] = checked(fractions(i, j, meshSide))
		}
		f.mesh = append(f.mesh, row)
	}
	if bad == nil && greatest == 0 {
		bad = errors.New("the density is 0 everywhere")
	}
	return f, bad
}

// sampledField counts samples in bins.
func sampledField(samples [][3]float64) (field, error) {
	n := int(math.Sqrt(float64(len(samples)) / samplesPerBin))
	n = min(mostBins, max(fewestBins, n))
	counts := make(map[bin]float64)
	for k, pi := range samples {
		sum := pi[0] + pi[1] + pi[2]
		if !(min(pi[0], pi[1], pi[2]) >= 0 && math.Abs(sum-1) <= sumTolerance) {
			return field{}, fmt.Errorf("sample %d is %v; its components must be 0 or more and sum to 1", k, pi)
		}
		counts[binOf(pi, n)]++
	}
	area := 0.5 / float64(n*n) // on the plane of π₁ and π₂
	return field{bins: n, dots: atDots(func(pi [3]float64) float64 {
		return counts[binOf(inwards(pi), n)] / (float64(len(samples)) * area)
	})}, nil
}

// bin is a small triangle: of the points with i ≤ nπ₁ < i+1 and j ≤ nπ₂ < j+1 the
// half where π₃ is greater, or the other half.
type bin struct {
	i, j  int
	other bool
}

// binOf is the bin of π among n along each side.
func binOf(pi [3]float64, n int) bin {
	x, y := pi[0]*float64(n), pi[1]*float64(n)
	i := min(int(x), n-1)
	j := min(int(y), n-1-i) // the sum may have been rounded up
	other := x-float64(i)+y-float64(j) > 1 && i+j < n-1
	return bin{i, j, other}
}

// fractions is (i, j, n−i−j)/n.
func fractions(i, j, n int) [3]float64 {
	return [3]float64{float64(i) / float64(n), float64(j) / float64(n), float64(n-i-j) / float64(n)}
}

// inwards is π, moved away from the edges of the triangle if need be.
func inwards(pi [3]float64) [3]float64 {
	sum := 0.0
	for i, v := range pi {
		pi[i] = max(v, inside)
		sum += pi[i]
	}
	for i := range pi {
		pi[i] /= sum
	}
	return pi
}

// atDots takes a density at the middle of each dot, or NaN outside the triangle.
// Dots through which an edge may run count as inside; its line hides them.
func atDots(density func([3]float64) float64) []float64 {
	const edge = 1.0 / dotColumns
	values := make([]float64, 0, dotRows*dotColumns)
	for row := range dotRows {
		for column := range dotColumns {
			up := 1 - (float64(row)+0.5)/dotRows
			right := (float64(column)+0.5)/dotColumns - up/2
			pi := [3]float64{1 - right - up, right, up}
			if min(pi[0], pi[1], pi[2]) < -edge {
				values = append(values, math.NaN())
				continue
			}
			values = append(values, density(pi))
		}
	}
	return values
}

// greatest is the greatest density that is drawn.
func (f field) greatest() float64 {
	greatest := 0.0
	for _, v := range f.dots {
		if v > greatest { // NaN is not
			greatest = v
		}
	}
	return greatest
}

// picture is the triangle in colours, transparent around.
func (f field) picture(scale colourScale) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, dotColumns, dotRows))
	for k, v := range f.dots {
		if !math.IsNaN(v) {
			img.SetRGBA(k%dotColumns, k/dotColumns, scale.colour(v))
		}
	}
	return img
}

// contour is the lines where an exact density is level, in a triangle that fills r.
func (f field) contour(level float64, r vg.Rectangle) vg.Path {
	var path vg.Path
	// cross draws the line through the small triangle with these corners.
	cross := func(corners ...[2]int) {
		var ends []vg.Point
		for k, a := range corners {
			b := corners[(k+1)%len(corners)]
			va, vb := f.mesh[a[0]][a[1]], f.mesh[b[0]][b[1]]
			if (va < level) == (vb < level) {
				continue
			}
			t := (level - va) / (vb - va)
			i := float64(a[0]) + t*float64(b[0]-a[0])
			j := float64(a[1]) + t*float64(b[1]-a[1])
			up := 1 - (i+j)/meshSide
			ends = append(ends, vg.Point{
				X: r.Min.X + vg.Length(j/meshSide+up/2)*r.Size().X,
				Y: r.Min.Y + vg.Length(up)*r.Size().Y,
			})
		}
		if len(ends) == 2 { // the corners below the level are none, one, two or all
			path.Move(ends[0])
			path.Line(ends[1])
		}
	}
	for i := range meshSide {
		for j := range meshSide - i {
			cross([2]int{i, j}, [2]int{i + 1, j}, [2]int{i, j + 1})
			if i+j < meshSide-1 {
				cross([2]int{i + 1, j}, [2]int{i + 1, j + 1}, [2]int{i, j + 1})
			}
		}
	}
	return path
}
