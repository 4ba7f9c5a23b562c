package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"relaxgo/internal/cli"
	"relaxgo/internal/jobs"
	"relaxgo/internal/run"
	"relaxgo/plots"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/study"
)

// toySettings are how the toy problem is trained, and with how many seeds.
func (s *studio) toySettings() (study.Training, int) {
	t, seeds := study.Published(), 10
	if s.quick {
		t.Steps, seeds = 500, 2
	}
	t.Every = t.Steps / 50
	return t, seeds
}

// toyEstimators are all that the toy problem takes.
func toyEstimators(t float64) []estimator.Estimator {
	p := study.Problems(t)[0]
	var list []estimator.Estimator
	for _, e := range estimator.All() {
		if e, err := p.Find(e.Info().Name); err == nil {
			list = append(list, e)
		}
	}
	return list
}

// toyCurves are the trainings of the toy problem: those of cmd/estimate if they suit, else our own.
func (s *studio) toyCurves(ctx context.Context) ([]study.Curve, error) {
	t, seeds := s.toySettings()
	estimators := toyEstimators(t.T)
	name := filepath.Join("estimate", "toy.csv")
	if s.quick { // the place of cmd/estimate is for runs of the usual length
		name = filepath.Join("estimate-quick", "toy.csv")
	}
	path := s.shared(name)
	for _, path := range []string{path, s.own(name)} {
		if curves, err := readToy(path); err == nil && suits(curves, t, seeds, estimators) {
			return curves, nil
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) { // it holds something else
		path = s.own(name)
	}
	curves := make([]study.Curve, len(estimators))
	failures := jobs.Run(ctx, len(estimators), func(i int) (err error) {
		s.progress.Update(fmt.Sprintf("figure toy: training with %s, %d/%d", estimators[i].Info().Name, i+1, len(estimators)))
		curves[i], err = t.Curve(ctx, estimators[i], seeds)
		return err
	})
	if err := cmp.Or(append(failures, cli.MakeDir(filepath.Dir(path)))...); err != nil {
		return nil, err
	}
	if err := run.WriteFile(path, func(w io.Writer) error { return study.WriteCurves(w, curves) }); err != nil {
		return nil, err
	}
	return readToy(path) // rounded, as the next command will find them
}

func readToy(path string) ([]study.Curve, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return study.ReadCurves(f)
}

// suits tells whether curves are of all the estimators, as long and of as many seeds at least.
func suits(curves []study.Curve, t study.Training, seeds int, estimators []estimator.Estimator) bool {
	if len(curves) != len(estimators) {
		return false
	}
	for i, c := range curves {
		if c.Name != estimators[i].Info().Name || c.T != t.T || c.Steps != t.Steps || len(c.Points) < seeds || len(c.Points) != len(curves[0].Points) {
			return false
		}
	}
	return true
}

// toyFigure is the variance of all estimators while they train the toy problem.
func toyFigure(ctx context.Context, s *studio, command string) (figure, error) {
	curves, err := s.toyCurves(ctx)
	if err != nil {
		return figure{}, err
	}
	first := curves[0]
	n := len(first.Points)
	f := figure{
		name: "toy", title: "Gradient variance of all estimators",
		caption: fmt.Sprintf("One bit is trained on f(b) = (b − %v)² from P(b = 1) = 0.5 by Adam, rate 0.01, with one estimate a step, %s steps: "+
			"ln of the variance of 1000 estimates at the bit and the control variate as they stand, median over n = %d seeds (%d to %d). "+
			"No variance, no line. Lower is better among unbiased estimators; a biased one may be still and wrong.%s\n%s",
			first.T, grouped(first.Steps), n, first.Seed, first.Seed+uint64(n)-1, s.small(), command),
		table: &table{head: []string{"estimator", "unbiased", "evaluations of f", "ln variance, median of the second half", "P(b = 1) after training, mean (best: 0)", "loss above the best, in thousandths, mean"}},
	}
	panels := []plots.Panel{{Title: "unbiased"}, {Title: "biased"}}
	for _, c := range curves {
		panel, unbiased := &panels[0], "yes"
		if !c.Unbiased {
			panel, unbiased = &panels[1], "no"
		}
		if steps, values := c.LogVariances(); len(steps) > 0 {
			panel.Series = append(panel.Series, plots.Series{Name: c.Name, X: steps, Y: values})
		}
		end, evaluations, variance := c.End(), "all", "none"
		if c.Evaluations > 0 {
			evaluations = strconv.Itoa(c.Evaluations)
		}
		if end.Variance > 0 {
			variance = decimals(math.Log(end.Variance), 2)
		}
		f.table.rows = append(f.table.rows, []string{c.Name, unbiased, evaluations, variance, decimals(end.Theta, 4), decimals(1000*(end.Loss-c.Lowest()), 3)})
	}
	panels = slices.DeleteFunc(panels, func(p plots.Panel) bool { return len(p.Series) == 0 })
	f.Figure, err = plots.CurvePanels(panels, plots.PanelOptions{XLabel: "step, one estimate each", YLabel: "ln variance of the gradient estimate", Caption: f.caption})
	return f, err
}
