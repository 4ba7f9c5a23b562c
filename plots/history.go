package plots

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sort"

	"relaxgo/internal/run"
)

const (
	gridPoints = 200
	maxWindow  = 100 // episodes, unless the caller asks for more
)

// agent is what the runs of an agent hold, seed by seed.
type agent struct {
	name  string
	place int // among the agents
	runs  []history
}

// history is what one run holds.
type history struct {
	path     string
	returns  []sample
	logvars  []sample
	lastStep int // of all rows
}

func (h history) ended() []sample     { return h.returns }
func (h history) variances() []sample { return h.logvars }

// sample is a value at a step.
type sample struct {
	step  int
	value float64
}

func readAgents(agents []AgentRuns) ([]agent, error) {
	const most = maxSeries - 1 // the threshold takes one
	if len(agents) == 0 || len(agents) > most {
		return nil, fmt.Errorf("%d agents; there must be 1 to %d", len(agents), most)
	}
	var read []agent
	names, dirs := make(map[string]bool), make(map[string]bool)
	for _, a := range agents {
		switch {
		case a.Name == "":
			return nil, errors.New("an agent has no name")
		case names[a.Name]:
			return nil, fmt.Errorf("there are two agents %q", a.Name)
		case len(a.Dirs) == 0:
			return nil, fmt.Errorf("agent %q has no runs", a.Name)
		}
		names[a.Name] = true
		runs := agent{name: a.Name, place: len(read)}
		for _, dir := range a.Dirs {
			if dir = filepath.Clean(dir); dirs[dir] {
				return nil, fmt.Errorf("the run in %s is there twice", dir)
			}
			dirs[dir] = true
			h, err := readHistory(filepath.Join(dir, run.MetricsFile))
			if err != nil {
				return nil, err
			}
			runs.runs = append(runs.runs, h)
		}
		read = append(read, runs)
	}
	return read, nil
}

func readHistory(path string) (history, error) {
	rows, err := run.ReadMetrics(path)
	if err != nil {
		return history{}, err
	}
	h := history{path: path}
	for _, row := range rows {
		if row.Step < h.lastStep {
			return history{}, fmt.Errorf("%s: step %d comes after step %d", path, row.Step, h.lastStep)
		}
		h.lastStep = row.Step
		var into *[]sample
		switch {
		case row.Split == "train" && row.Name == "episode_return":
			into = &h.returns
		case row.Split == "train" && row.Name == "grad_logvar":
			into = &h.logvars
		default:
			continue
		}
		if !(math.Abs(row.Value) <= maxNumber) {
			return history{}, fmt.Errorf("%s: %s is %v at step %d; it must be finite, within ±%g", path, row.Name, row.Value, row.Step, maxNumber)
		}
		*into = append(*into, sample{row.Step, row.Value})
	}
	return h, nil
}

// windowOf is the window asked for, or one that suits the shortest run. Runs
// without returns do not count.
func windowOf(agents []agent, asked int) (int, error) {
	fewest := history{}
	for _, a := range agents {
		for _, h := range a.runs {
			if n := len(h.returns); n > 0 && (fewest.path == "" || n < len(fewest.returns)) {
				fewest = h
			}
		}
	}
	switch n := len(fewest.returns); {
	case n == 0:
		return 0, fmt.Errorf("%w: no rows train,episode_return in %s", ErrNoCurve, agents[0].runs[0].path)
	case asked < 0:
		return 0, fmt.Errorf("a window of %d episodes; it must be 1 at least, or 0 for one that suits the runs", asked)
	case asked > n:
		return 0, fmt.Errorf("%s holds %d episodes, fewer than the window of %d", fewest.path, n, asked)
	case asked == 0:
		return max(1, min(maxWindow, n/10)), nil
	}
	return asked, nil
}

// reached is the step that all runs of the agent have reached.
func (a agent) reached() int {
	least := math.MaxInt
	for _, h := range a.runs {
		least = min(least, h.lastStep)
	}
	return least
}

// gridOf is the steps at which curves are taken, equally spaced up to the last
// that an agent reaches.
func gridOf(agents []agent) []int {
	last := 1
	for _, a := range agents {
		last = max(last, a.reached())
	}
	n := min(gridPoints, last)
	grid := make([]int, n)
	for i := range grid {
		grid[i] = int(math.Round(float64(i+1) * float64(last) / float64(n)))
	}
	return grid
}

// curve is a quantity over the steps of a grid that lie within its range.
type curve struct {
	first, last int // step
	at          func(step int) float64
}

// returnsIn makes the curve of mean returns over that many episodes.
func returnsIn(window int) func(history) curve {
	return func(h history) curve {
		return curve{h.returns[window-1].step, h.lastStep, func(step int) float64 {
			ended := sort.Search(len(h.returns), func(i int) bool { return h.returns[i].step > step })
			sum := 0.0
			for _, s := range h.returns[ended-window : ended] {
				sum += s.value
			}
			return sum / float64(window)
		}}
	}
}

// logVariances is the curve of the gradient's logarithmic variance, of a run in
// which it was measured.
func logVariances(h history) curve {
	s := h.logvars
	return curve{s[0].step, s[len(s)-1].step, func(step int) float64 {
		k := sort.Search(len(s), func(i int) bool { return s[i].step >= step })
		if s[k].step == step {
			return s[k].value
		}
		a, b := s[k-1], s[k]
		return a.value + (b.value-a.value)*float64(step-a.step)/float64(b.step-a.step)
	}}
}

// holding is the agents whose runs all hold something.
func holding(agents []agent, of func(history) []sample) []agent {
	return slices.DeleteFunc(slices.Clone(agents), func(a agent) bool {
		return slices.ContainsFunc(a.runs, func(h history) bool { return len(of(h)) == 0 })
	})
}

// average is a mean curve of an agent over its seeds.
type average struct {
	agent
	steps  []int
	values band
	cut    int // step that all seeds have reached although one went on, or 0
}

// averaged takes the curve of each run on the part of the grid that all runs of
// the agent have, and averages them. Agents without such a part are left out.
func averaged(agents []agent, grid []int, curveOf func(history) curve) []average {
	var all []average
	for _, a := range agents {
		var curves []curve
		first, last, longest := 0, math.MaxInt, 0
		for _, h := range a.runs {
			c := curveOf(h)
			curves = append(curves, c)
			first, last, longest = max(first, c.first), min(last, c.last), max(longest, h.lastStep)
		}
		avg := average{agent: a}
		for _, step := range grid {
			if step >= first && step <= last {
				avg.steps = append(avg.steps, step)
			}
		}
		if len(avg.steps) == 0 {
			continue
		}
		// The last episode goes beyond the steps that were asked for; a twentieth is no difference worth a word.
		if reached := a.reached(); 20*(longest-reached) >= longest {
			avg.cut = reached
		}
		values := make([][]float64, len(curves))
		for i, c := range curves {
			for _, step := range avg.steps {
				values[i] = append(values[i], c.at(step))
			}
		}
		avg.values = meanBand(values)
		all = append(all, avg)
	}
	return all
}

// without is the names of the agents that have no average.
func without(agents []agent, averages []average) []string {
	var names []string
	for _, a := range agents {
		if !slices.ContainsFunc(averages, func(avg average) bool { return avg.place == a.place }) {
			names = append(names, a.name)
		}
	}
	return names
}
