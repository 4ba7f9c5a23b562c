package plots

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// AgentRuns is the runs of one agent in one environment. They differ in nothing
// but their seeds.
type AgentRuns struct {
	Name string
	Dirs []string // run directories, one a seed
}

// ReturnOptions say how returns are drawn.
type ReturnOptions struct {
	// Window is how many episodes a mean return is of. Zero means a tenth of the
	// episodes of the run that has fewest, from 1 to 100.
	Window int
	// Threshold is the mean return from which on the environment counts as
	// solved; nil means that there is none.
	Threshold *float64
	// Curves and Variance are the texts below the two figures.
	Curves, Variance string
}

// ErrNoCurve is the error of runs that are too short for a curve of returns.
var ErrNoCurve = errors.New("too few episodes have ended for a curve")

// DrawReturns draws the learning curves of agents in one environment into dir:
//
//	curves.png/.svg    mean return against environment steps, a line for each agent
//	curves.csv         the same as numbers: agent,step,mean,low,high,seeds
//	variance.png/.svg  variance of the gradient against environment steps, if it was measured
//
// Returns are the rows train,episode_return of metrics.csv, at the step at which
// the episode ended. A run's return at a step is the mean of the last Window
// episodes that had ended by then; before there are as many, it has none. It is
// taken at 200 equally spaced steps, the same for all agents. A line is the mean
// over an agent's seeds, the band around it the 95 % percentile bootstrap of
// that mean with a fixed seed: too narrow for few seeds, about 84 % for five. A
// single seed has no band, and low and high are empty in curves.csv. A line goes
// as far as all seeds of its agent do. Agents whose runs have no such steps in
// common are left out, of curves.csv too. What of this the reader must know
// stands above the caption.
//
// Variances are the rows train,grad_logvar, natural logarithms, linear between
// the steps at which they were measured. The logarithms are averaged as the
// returns are, and their exponentials drawn over a logarithmic axis. Agents
// whose runs do not all have such rows, over common steps, are not in this figure;
// if there are only such, it is not drawn.
//
// Nothing is written unless all could be drawn. Errors: no agents or more than
// 13; agents without a name, of the same name or without runs; a run given
// twice; a file that is missing or bad; steps that decrease; a value that is not
// finite; a run with fewer returns than Window, but some; [ErrNoCurve], if no
// agent has a line.
// Errors about files name them.
func DrawReturns(dir string, agents []AgentRuns, opt ReturnOptions) error {
	r, err := readReturns(agents, opt.Window)
	if err != nil {
		return err
	}
	curves, err := returnCurves(r, opt)
	if err != nil {
		return fmt.Errorf("cannot draw %s: %w", filepath.Join(dir, "curves"), err)
	}
	figures := []namedFigure{{"curves", curves}}
	if variances := averaged(holding(r.agents, history.variances), r.grid, logVariances); len(variances) > 0 {
		variance, err := varianceCurves(variances, r.agents, r.grid, opt)
		if err != nil {
			return fmt.Errorf("cannot draw %s: %w", filepath.Join(dir, "variance"), err)
		}
		figures = append(figures, namedFigure{"variance", variance})
	}
	files, err := render(dir, figures...)
	if err != nil {
		return err
	}
	return writeFiles(append(files, file{filepath.Join(dir, "curves.csv"), returnTable(r.averages)}))
}

// learning is the returns of agents in one environment.
type learning struct {
	agents   []agent
	window   int // episodes
	grid     []int
	averages []average
}

func readReturns(runs []AgentRuns, window int) (learning, error) {
	agents, err := readAgents(runs)
	if err != nil {
		return learning{}, err
	}
	if window, err = windowOf(agents, window); err != nil {
		return learning{}, err
	}
	grid := gridOf(agents)
	averages := averaged(holding(agents, history.ended), grid, returnsIn(window))
	if len(averages) == 0 {
		return learning{}, fmt.Errorf("%w: the runs of agent %q have no step in common at which each has ended %s", ErrNoCurve, agents[0].name, episodes(window))
	}
	return learning{agents, window, grid, averages}, nil
}

// lines are the averages as series over steps, in the given unit.
func lines(averages []average, unit int, transform func(float64) float64) []Series {
	apply := func(values []float64) []float64 {
		var out []float64
		for _, v := range values {
			out = append(out, transform(v))
		}
		return out
	}
	var series []Series
	for i, a := range averages {
		s := Series{Name: a.name + ", " + seeds(len(a.runs)), shift: a.place - i}
		s.Y, s.Low, s.High = apply(a.values.mean), apply(a.values.low), apply(a.values.high)
		for _, step := range a.steps {
			s.X = append(s.X, float64(step)/float64(unit))
		}
		series = append(series, s)
	}
	return series
}

func seeds(n int) string {
	if n == 1 {
		return "1 seed"
	}
	return strconv.Itoa(n) + " seeds"
}

// stepAxis is the label of an axis to that step, and the unit of its numbers.
func stepAxis(last int) (label string, unit int) {
	switch {
	case last >= 20_000_000:
		return "environment steps (millions)", 1_000_000
	case last >= 20_000:
		return "environment steps (thousands)", 1000
	}
	return "environment steps", 1
}

// returnCurves is the figure of returns.
func returnCurves(r learning, opt ReturnOptions) (Figure, error) {
	series, labels := r.lines()
	key := seedKey("means", r.averages) + notDrawn(without(r.agents, r.averages))
	return Curves(series, CurveOptions{
		XLabel:  labels.x,
		YLabel:  labels.y,
		Caption: strings.TrimRight(key+"\n"+opt.Curves, "\n"),
		Levels:  solved(opt.Threshold),
	})
}

// lines are the returns as series, and what stands along their axes.
func (r learning) lines() ([]Series, axisLabels) {
	label, unit := stepAxis(r.grid[len(r.grid)-1])
	return lines(r.averages, unit, func(v float64) float64 { return v }),
		axisLabels{label, "return, mean of the last " + strings.TrimPrefix(episodes(r.window), "1 ")}
}

// solved is the level of a threshold, if there is one.
func solved(threshold *float64) []Level {
	if threshold == nil {
		return nil
	}
	return []Level{{"solved", *threshold}}
}

func episodes(n int) string {
	if n == 1 {
		return "1 episode"
	}
	return strconv.Itoa(n) + " episodes"
}

// varianceCurves is the figure of variances.
func varianceCurves(averages []average, agents []agent, grid []int, opt ReturnOptions) (Figure, error) {
	label, unit := stepAxis(grid[len(grid)-1])
	key := seedKey("geometric means", averages)
	if missing := without(agents, averages); len(missing) > 0 {
		key += " Not measured in all runs at common steps: " + strings.Join(missing, ", ") + "."
	}
	return Curves(lines(averages, unit, math.Exp), CurveOptions{
		XLabel:  label,
		YLabel:  "variance of the gradient, exp(grad_logvar)",
		LogY:    true,
		Caption: strings.TrimRight(key+"\n"+opt.Variance, "\n"),
	})
}

// seedKey says how seeds became lines and bands.
func seedKey(means string, averages []average) string {
	several := func(a average) bool { return len(a.runs) > 1 }
	var words []string
	if slices.ContainsFunc(averages, several) {
		words = append(words, fmt.Sprintf("Lines: %s over seeds. Bands: 95 %% bootstrap of these means over seeds (percentiles of %d draws, seed %d).",
			means, bootstrapDraws, bootstrapSeed))
	}
	var single []string
	for _, a := range averages {
		if !several(a) {
			single = append(single, a.name)
		}
	}
	if len(single) > 0 {
		words = append(words, "A single seed, so without a band: "+strings.Join(single, ", ")+".")
	}
	for _, a := range averages {
		if a.cut > 0 {
			words = append(words, fmt.Sprintf("%s: only up to step %s, which all its seeds have reached.", a.name, formatCount(a.cut)))
		}
	}
	return strings.Join(words, " ")
}

// notDrawn says which agents have no line of returns.
func notDrawn(agents []string) string {
	if len(agents) == 0 {
		return ""
	}
	return " Not drawn, as not all runs have ended enough episodes at a common step: " + strings.Join(agents, ", ") + "."
}

// returnTable is curves.csv.
func returnTable(averages []average) []byte {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	var buf bytes.Buffer
	w := csv.NewWriter(&buf) // writes to memory, which never fails
	_ = w.Write([]string{"agent", "step", "mean", "low", "high", "seeds"})
	for _, a := range averages {
		for i, step := range a.steps {
			low, high := "", ""
			if a.values.low != nil {
				low, high = number(a.values.low[i]), number(a.values.high[i])
			}
			_ = w.Write([]string{a.name, strconv.Itoa(step), number(a.values.mean[i]), low, high, strconv.Itoa(len(a.runs))})
		}
	}
	w.Flush()
	return buf.Bytes()
}
