package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"relaxgo/internal/run"
	"relaxgo/plots"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/study"
)

// target is t of the training.
func (j job) target() float64 { return j.ts[len(j.ts)-1] }

// train trains with each estimator.
func (j job) train(ctx context.Context, estimators []estimator.Estimator) ([]study.Curve, error) {
	curves := make([]study.Curve, len(estimators))
	t := study.Published()
	t.T, t.Steps, t.Seed = j.target(), j.steps, j.seed
	t.Every = max(1, j.steps/50)
	err := j.parallel(ctx, len(estimators), func(i int) (err error) {
		j.progress.Update(fmt.Sprintf("training %d/%d  toy t=%v: %s", i+1, len(estimators), t.T, estimators[i].Info().Name))
		curves[i], err = t.Curve(ctx, estimators[i], j.seeds)
		return err
	})
	return curves, err
}

func printCurves(w io.Writer, j job, curves []study.Curve) {
	if len(curves) == 0 {
		return
	}
	t := j.target()
	fmt.Fprintf(w, "\ntraining of toy t=%v from θ = 0.5, %s: the best loss is %.6g, at %s\n", t, j.protocol(), curves[0].Lowest(), best(t))
	const row = "%-24s  %-8s  %6s  %8s  %11s\n"
	fmt.Fprintf(w, row, "estimator", "unbiased", "θ", "loss", "ln variance")
	for _, c := range curves {
		e := c.End()
		fmt.Fprintf(w, row, e.Name, yes(c.Unbiased), fmt.Sprintf("%.4f", e.Theta), fmt.Sprintf("%.6f", e.Loss), logarithm(e.Variance, 2))
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
func (j job) writeCurves(curves []study.Curve) error {
	if len(curves) == 0 {
		return nil
	}
	err := run.WriteFile(filepath.Join(j.dir, "toy.csv"), func(w io.Writer) error { return study.WriteCurves(w, curves) })
	if err != nil {
		return err
	}
	for _, biased := range []bool{false, true} {
		var shown []study.Curve
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
		slices.SortStableFunc(shown, func(a, b study.Curve) int { return cmp.Compare(still(a), still(b)) })
		if err := j.drawLoss("toy-loss"+suffix, kind, shown); err != nil {
			return err
		}
		if err := j.drawVariance("toy-variance"+suffix, kind, shown); err != nil {
			return err
		}
	}
	return nil
}

// still is 1 if the figure of variances leaves the curve out, else 0.
func still(c study.Curve) int {
	if steps, _ := c.LogVariances(); len(steps) == 0 {
		return 1
	}
	return 0
}

// drawLoss draws how far the loss is above the best one.
func (j job) drawLoss(name, kind string, curves []study.Curve) error {
	var lines []plots.Series
	for _, c := range curves {
		s := plots.Series{Name: c.Name}
		for i, p := range c.Points[0] {
			loss := c.Mean(i, func(p study.Point) float64 { return p.Loss })
			s.X, s.Y = append(s.X, float64(p.Step)), append(s.Y, 1000*(loss-c.Lowest()))
		}
		lines = append(lines, s)
	}
	return j.draw(name, lines, plots.CurveOptions{
		XLabel:  "step, one estimate each",
		YLabel:  "loss above the best one, in thousandths",
		Caption: fmt.Sprintf("%s estimators train one bit on f(b) = (b − %v)² from θ = 0.5 by Adam, rate 0.01, %s%s: E f(b), exact, above its least value. Lower is better.\n%s", kind, j.target(), j.protocol(), j.average("mean"), j.command),
	})
}

// drawVariance draws ln variance, where there is any.
func (j job) drawVariance(name, kind string, curves []study.Curve) error {
	var lines []plots.Series
	for _, c := range curves {
		if steps, values := c.LogVariances(); len(steps) > 0 {
			lines = append(lines, plots.Series{Name: c.Name, X: steps, Y: values})
		}
	}
	return j.draw(name, lines, plots.CurveOptions{
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

// draw makes a figure if there are lines.
func (j job) draw(name string, lines []plots.Series, opt plots.CurveOptions) error {
	if len(lines) == 0 {
		return nil
	}
	figure, err := plots.Curves(lines, opt)
	if err != nil {
		return fmt.Errorf("cannot draw %s: %w", name, err)
	}
	return figure.Save(j.dir, name)
}
