package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"

	"relaxgo/internal/run"
	"relaxgo/plots"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/study"
)

// curve is the training of the toy problem with an estimator, the points of each seed.
type curve struct {
	estimator.Info
	seeds [][]study.Point
}

// target is t of the training.
func (j job) target() float64 { return j.ts[len(j.ts)-1] }

// train trains with each estimator and seed.
func (j job) train(ctx context.Context, estimators []estimator.Estimator) ([]curve, error) {
	curves := make([]curve, len(estimators))
	for i, e := range estimators {
		curves[i] = curve{e.Info(), make([][]study.Point, j.seeds)}
	}
	total := len(estimators) * j.seeds
	err := j.parallel(ctx, total, func(n int) (err error) {
		i, k := n%len(estimators), n/len(estimators)
		j.progress.Update(fmt.Sprintf("training %d/%d  toy t=%v, seed %d: %s", n+1, total, j.target(), j.seed+uint64(k), curves[i].Name))
		t := study.Published()
		t.T, t.Steps, t.Seed = j.target(), j.steps, j.seed+uint64(k)
		t.Every = max(1, j.steps/50)
		curves[i].seeds[k], err = t.Run(ctx, estimators[i])
		return err
	})
	return curves, err
}

// mean is a number of the i-th points, its mean over seeds.
func (c curve) mean(i int, of func(study.Point) float64) float64 {
	sum := 0.0
	for _, points := range c.seeds {
		sum += of(points[i])
	}
	return sum / float64(len(c.seeds))
}

// variance is the median over seeds and over the points from the i-th up to the k-th.
func (c curve) variance(i, k int) float64 {
	var all []float64
	for _, points := range c.seeds {
		for _, p := range points[i:k] {
			all = append(all, p.Variance)
		}
	}
	slices.Sort(all)
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

// still is 1 if there was no variance at any point, else 0.
func (c curve) still() int {
	for _, points := range c.seeds {
		if slices.ContainsFunc(points, func(p study.Point) bool { return p.Variance > 0 }) {
			return 0
		}
	}
	return 1
}

// endOfCurves is what training came to.
type endOfCurves struct {
	Name     string  `json:"name"`
	Theta    float64 `json:"theta"` // after the last step, with the loss
	Loss     float64 `json:"loss"`
	Variance float64 `json:"variance"` // the median of the second half of training
}

func ends(curves []curve) []endOfCurves {
	var list []endOfCurves
	for _, c := range curves {
		n := len(c.seeds[0])
		list = append(list, endOfCurves{
			Name:     c.Name,
			Theta:    c.mean(n-1, func(p study.Point) float64 { return p.Theta }),
			Loss:     c.mean(n-1, func(p study.Point) float64 { return p.Loss }),
			Variance: c.variance(n/2, n),
		})
	}
	return list
}

func printCurves(w io.Writer, j job, curves []curve) {
	if len(curves) == 0 {
		return
	}
	t := j.target()
	fmt.Fprintf(w, "\ntraining of toy t=%v from θ = 0.5, %s: the best loss is %.6g, at %s\n", t, j.protocol(), math.Min(t*t, (1-t)*(1-t)), best(t))
	const row = "%-24s  %-8s  %6s  %8s  %11s\n"
	fmt.Fprintf(w, row, "estimator", "unbiased", "θ", "loss", "ln variance")
	for i, e := range ends(curves) {
		fmt.Fprintf(w, row, e.Name, yes(curves[i].Unbiased), fmt.Sprintf("%.4f", e.Theta), fmt.Sprintf("%.6f", e.Loss), logarithm(e.Variance, 2))
	}
	fmt.Fprintln(w, "θ and loss after the last step; ln variance of the median over the second half of training")
}

// best is where θ should move to.
func best(t float64) string {
	switch {
	case t < 0.5:
		return "θ = 0"
	case t > 0.5:
		return "θ = 1"
	}
	return "any θ"
}

// protocol says how training went.
func (j job) protocol() string {
	if j.seeds == 1 {
		return fmt.Sprintf("%d steps, seed %d", j.steps, j.seed)
	}
	return fmt.Sprintf("%d steps, seeds %d to %d", j.steps, j.seed, j.seed+uint64(j.seeds)-1)
}

// writeCurves writes the points and draws them.
func (j job) writeCurves(curves []curve) error {
	if len(curves) == 0 {
		return nil
	}
	err := run.WriteFile(filepath.Join(j.dir, "toy.csv"), func(w io.Writer) error { return j.writePoints(w, curves) })
	if err != nil {
		return err
	}
	for _, biased := range []bool{false, true} {
		var shown []curve
		suffix, kind := "", "Unbiased"
		if biased {
			suffix, kind = "-biased", "Biased"
		}
		for _, c := range curves {
			if c.Unbiased != biased {
				shown = append(shown, c)
			}
		}
		// Those that the figure of variances leaves out come last, so that a line looks the same in both.
		slices.SortStableFunc(shown, func(a, b curve) int { return cmp.Compare(a.still(), b.still()) })
		if err := j.drawLoss("toy-loss"+suffix, kind, shown); err != nil {
			return err
		}
		if err := j.drawVariance("toy-variance"+suffix, kind, shown); err != nil {
			return err
		}
	}
	return nil
}

func (j job) writePoints(w io.Writer, curves []curve) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"t", "seed", "step", "estimator", "theta", "loss", "variance", "log_variance"}) // Error reports it.
	for _, curve := range curves {
		for k, points := range curve.seeds {
			for _, p := range points {
				_ = c.Write([]string{
					number(j.target()), strconv.FormatUint(j.seed+uint64(k), 10), strconv.Itoa(p.Step), curve.Name,
					number(p.Theta), strconv.FormatFloat(p.Loss, 'f', 9, 64), number(p.Variance), logarithm(p.Variance, 4),
				})
			}
		}
	}
	c.Flush()
	return c.Error()
}

// drawLoss draws how far the loss is above the best one.
func (j job) drawLoss(name, kind string, curves []curve) error {
	t := j.target()
	lowest := math.Min(t*t, (1-t)*(1-t))
	return j.draw(name, curves, func(c curve, i int) (float64, bool) {
		return 1000 * (c.mean(i, func(p study.Point) float64 { return p.Loss }) - lowest), true
	}, plots.CurveOptions{
		XLabel:  "step, one estimate each",
		YLabel:  "loss above the best one, in thousandths",
		Caption: fmt.Sprintf("%s estimators train one bit on f(b) = (b − %v)² from θ = 0.5 by Adam, rate 0.01, %s%s: E f(b), exact, above its least value. Lower is better.\n%s", kind, t, j.protocol(), j.average("mean"), j.command),
	})
}

// drawVariance draws ln variance, where there is any.
func (j job) drawVariance(name, kind string, curves []curve) error {
	return j.draw(name, curves, func(c curve, i int) (float64, bool) {
		v := c.variance(i, i+1)
		return math.Log(v), v > 0
	}, plots.CurveOptions{
		XLabel: "step, one estimate each",
		YLabel: "ln variance of the gradient estimate",
		Caption: fmt.Sprintf("%s estimators train one bit on f(b) = (b − %v)², %s%s: variance of 1000 estimates at θ and the control variate as they stand, "+
			"of the same noise for all. No variance, no line. Lower is better.\n%s", kind, j.target(), j.protocol(), j.average("median"), j.command),
	})
}

// average says how seeds became one line.
func (j job) average(how string) string {
	if j.seeds == 1 {
		return ""
	}
	return ", " + how + " over seeds"
}

// draw draws a line for each curve that has points, a figure if there are lines.
func (j job) draw(name string, curves []curve, y func(c curve, i int) (float64, bool), opt plots.CurveOptions) error {
	var lines []plots.Series
	for _, c := range curves {
		s := plots.Series{Name: c.Name}
		for i, p := range c.seeds[0] {
			if v, ok := y(c, i); ok {
				s.X, s.Y = append(s.X, float64(p.Step)), append(s.Y, v)
			}
		}
		if len(s.X) > 0 {
			lines = append(lines, s)
		}
	}
	if len(lines) == 0 {
		return nil
	}
	figure, err := plots.Curves(lines, opt)
	if err != nil {
		return fmt.Errorf("cannot draw %s: %w", name, err)
	}
	return figure.Save(j.dir, name)
}
