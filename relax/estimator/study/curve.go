package study

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"relaxgo/relax/estimator"
)

// Curve is the training of the toy problem with an estimator.
type Curve struct {
	estimator.Info
	Training           // with the first seed; those of the others follow it
	Points   [][]Point // of each seed, at the same steps
}

// Curve trains with an estimator and that many seeds, from Seed on. Errors are those of [Training.Run].
func (t Training) Curve(ctx context.Context, e estimator.Estimator, seeds int) (Curve, error) {
	c := Curve{Info: e.Info(), Training: t}
	for k := range seeds {
		t.Seed = c.Seed + uint64(k)
		points, err := t.Run(ctx, e)
		if err != nil {
			return Curve{}, err
		}
		c.Points = append(c.Points, points)
	}
	return c, nil
}

// Mean is a number of the i-th points, its mean over seeds.
func (c Curve) Mean(i int, of func(Point) float64) float64 {
	sum := 0.0
	for _, points := range c.Points {
		sum += of(points[i])
	}
	return sum / float64(len(c.Points))
}

// MedianVariance is the median over seeds and over the points from the i-th up to the k-th.
func (c Curve) MedianVariance(i, k int) float64 {
	var all []float64
	for _, points := range c.Points {
		for _, p := range points[i:k] {
			all = append(all, p.Variance)
		}
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// LogVariances is ln of the median variance over seeds, at the steps at which there is any.
func (c Curve) LogVariances() (steps, values []float64) {
	for i, p := range c.Points[0] {
		if v := c.MedianVariance(i, i+1); v > 0 {
			steps, values = append(steps, float64(p.Step)), append(values, math.Log(v))
		}
	}
	return steps, values
}

// End is what training came to.
type End struct {
	Name     string  `json:"name"`
	Theta    float64 `json:"theta"` // after the last step, with the loss; means over seeds
	Loss     float64 `json:"loss"`
	Variance float64 `json:"variance"` // the median over seeds and the second half of training
}

// End sums the curve up.
func (c Curve) End() End {
	n := len(c.Points[0])
	return End{
		Name:     c.Name,
		Theta:    c.Mean(n-1, func(p Point) float64 { return p.Theta }),
		Loss:     c.Mean(n-1, func(p Point) float64 { return p.Loss }),
		Variance: c.MedianVariance(n/2, n),
	}
}

// Lowest is the least loss that there is.
func (t Training) Lowest() float64 { return math.Min(t.T*t.T, (1-t.T)*(1-t.T)) }

// columns of a file of curves.
var columns = []string{"t", "seed", "step", "estimator", "theta", "loss", "variance", "log_variance"}

// WriteCurves writes the points of curves as comma-separated values, curve by curve and seed by seed.
func WriteCurves(w io.Writer, curves []Curve) error {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
	out := csv.NewWriter(w)
	_ = out.Write(columns) // Error reports it.
	for _, c := range curves {
		for k, points := range c.Points {
			for _, p := range points {
				logarithm := ""
				if p.Variance > 0 {
					logarithm = strconv.FormatFloat(math.Log(p.Variance), 'f', 4, 64)
				}
				_ = out.Write([]string{
					number(c.T), strconv.FormatUint(c.Seed+uint64(k), 10), strconv.Itoa(p.Step), c.Name,
					number(p.Theta), strconv.FormatFloat(p.Loss, 'f', 9, 64), number(p.Variance), logarithm,
				})
			}
		}
	}
	out.Flush()
	return out.Error()
}

// ReadCurves reads what [WriteCurves] has written: the points, and of the training T, Steps and Seed. It is an error if
// a line does not belong there, an estimator is unknown, or seeds have points at different steps.
func ReadCurves(r io.Reader) ([]Curve, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = len(columns)
	lines, err := in.ReadAll()
	if err != nil {
		return nil, err
	}
	if len(lines) < 2 || !slices.Equal(lines[0], columns) {
		return nil, fmt.Errorf("there are no points below the columns %v", columns)
	}
	var curves []Curve
	for i, line := range lines[1:] {
		if curves, err = appendPoint(curves, line); err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
	}
	for _, c := range curves {
		if err := c.check(); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return curves, nil
}

// appendPoint adds a line to its curve, which is the last one or a new one.
func appendPoint(curves []Curve, line []string) ([]Curve, error) {
	seed, err := strconv.ParseUint(line[1], 10, 64)
	if err != nil {
		return nil, err
	}
	step, err := strconv.Atoi(line[2])
	if err != nil {
		return nil, err
	}
	var numbers [4]float64
	for i, text := range []string{line[0], line[4], line[5], line[6]} {
		if numbers[i], err = strconv.ParseFloat(text, 64); err != nil {
			return nil, err
		}
	}
	t, p := numbers[0], Point{Step: step, Theta: numbers[1], Loss: numbers[2], Variance: numbers[3]}
	if n := len(curves); n == 0 || curves[n-1].Name != line[3] {
		e, err := estimator.Find(line[3])
		if err != nil {
			return nil, err
		}
		curves = append(curves, Curve{Info: e.Info(), Training: Training{T: t, Seed: seed}})
	}
	c := &curves[len(curves)-1]
	switch next := c.Seed + uint64(len(c.Points)); {
	case t != c.T:
		return nil, fmt.Errorf("t is %v, not %v as before", t, c.T)
	case seed == next:
		c.Points = append(c.Points, nil)
	case seed != next-1:
		return nil, fmt.Errorf("seed %d does not follow %d", seed, next-1)
	}
	points := &c.Points[len(c.Points)-1]
	*points = append(*points, p)
	c.Steps = max(c.Steps, step)
	return curves, nil
}

// check returns an error if the seeds have not the same steps.
func (c Curve) check() error {
	for k, points := range c.Points {
		same := func(a, b Point) bool { return a.Step == b.Step }
		if !slices.EqualFunc(points, c.Points[0], same) {
			return fmt.Errorf("seed %d has points at other steps than seed %d", c.Seed+uint64(k), c.Seed)
		}
	}
	return nil
}
