package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"

	"relaxgo/internal/cli"
	"relaxgo/internal/run"
	"relaxgo/plots"
	"relaxgo/rl"
)

// report writes the comparison of the runs and prints it.
func (s *sweep) report(stdout io.Writer, runs map[string][]rl.Summary) error {
	standings := rl.Compare(s.agents, runs)
	err := cmp.Or(
		run.WriteJSON(filepath.Join(s.dir, run.SummaryFile), struct {
			Env     string        `json:"env"`
			Command string        `json:"command"`
			Agents  []rl.Standing `json:"agents"`
		}{s.id, s.again(), standings}),
		s.writeComparison(standings),
		s.draw(standings, runs),
	)
	if err != nil {
		err = cli.Hint(err, "the runs are done; -resume compares them again, and -force makes damaged ones again")
	}
	s.progress.Done("")
	return cmp.Or(err, s.printComparison(stdout, standings))
}

func (s *sweep) writeComparison(standings []rl.Standing) error {
	return run.WriteFile(filepath.Join(s.dir, "compare.csv"), func(w io.Writer) error {
		t := csv.NewWriter(w)
		head := []string{"agent", "seeds", "steps", "return", "low", "high", "iqm", "sampled", "success", "reached", "threshold_steps", "grad_logvar", "steps_per_second", "wall_s"}
		for _, st := range standings {
			head = append(head, "beats_"+st.Agent)
		}
		_ = t.Write(head)
		number := func(x *float64) string {
			if x == nil {
				return ""
			}
			return strconv.FormatFloat(*x, 'g', 6, 64)
		}
		for _, st := range standings {
			row := []string{
				st.Agent, strconv.Itoa(st.Seeds), strconv.Itoa(st.Steps), number(&st.Return), number(st.Low), number(st.High), number(&st.IQM), number(&st.Sampled),
				number(&st.Success), strconv.Itoa(st.Reached), number(st.ThresholdSteps), number(st.GradLogVar), number(&st.StepsPerSecond), number(&st.WallSeconds),
			}
			for _, other := range standings {
				cell := ""
				if p, ok := st.Beats[other.Agent]; ok {
					cell = number(&p)
				}
				row = append(row, cell)
			}
			_ = t.Write(row)
		}
		t.Flush()
		return t.Error()
	})
}

// draw makes the figures from the files of the runs that have been finished.
func (s *sweep) draw(standings []rl.Standing, runs map[string][]rl.Summary) error {
	var list []plots.AgentRuns
	for _, st := range standings {
		a := plots.AgentRuns{Name: st.Agent}
		for _, r := range runs[st.Agent] {
			a.Dirs = append(a.Dirs, filepath.Join(s.dir, st.Agent, fmt.Sprintf("seed-%d", r.Seed)))
		}
		list = append(list, a)
	}
	// What earlier runs left must not be taken for figures of these.
	for _, name := range []string{"curves.csv", "curves.png", "curves.svg", "variance.png", "variance.svg"} {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := plots.DrawReturns(s.dir, list, plots.ReturnOptions{
		Threshold: rl.TaskOf(s.id).Threshold,
		Curves:    fmt.Sprintf("Returns of training episodes in %s.\n%s", s.id, s.again()),
		Variance:  fmt.Sprintf("Variance of the estimated policy gradient over episodes with the policy as it was, geometric mean over its parameters, in %s.\n%s", s.id, s.again()),
	})
	if errors.Is(err, plots.ErrNoCurve) { // the runs are what they were asked to be
		s.progress.Println("no figures: " + err.Error())
		return nil
	}
	return err
}

// again is the command line that makes the numbers again.
func (s *sweep) again() string {
	line := "go run ./cmd/rl"
	if !s.has("env") {
		line += " -env=" + rl.EnvName(s.id)
	}
	for _, f := range s.given {
		switch f.Name {
		case "out", "resume", "force", "progress", "cpuprofile": // these change where and how, not what
		default:
			line += fmt.Sprintf(" -%s=%v", f.Name, f.Value)
		}
	}
	return strings.ReplaceAll(line, "=true", "")
}

func (s *sweep) has(name string) bool {
	for _, f := range s.given {
		if f.Name == name {
			return true
		}
	}
	return false
}

func (s *sweep) printComparison(w io.Writer, standings []rl.Standing) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	threshold := rl.TaskOf(s.id).Threshold
	goal := rl.TaskOf(s.id).Goal
	fmt.Fprint(t, "agent\tseeds\treturn\t95 % interval\tIQM\tsampled")
	if goal != rl.NoGoal {
		fmt.Fprint(t, "\tsuccess")
	}
	if threshold != nil {
		fmt.Fprintf(t, "\tsteps to %g", *threshold)
	}
	fmt.Fprint(t, "\tgrad_logvar\tsteps/s\ts/run")
	if len(standings) > 1 {
		for _, st := range standings {
			fmt.Fprintf(t, "\tP(> %s)", st.Agent)
		}
	}
	fmt.Fprintln(t)
	for _, st := range standings {
		interval := "–"
		if st.Low != nil {
			interval = fmt.Sprintf("%.1f to %.1f", *st.Low, *st.High)
		}
		fmt.Fprintf(t, "%s\t%d\t%.2f\t%s\t%.2f\t%.2f", st.Agent, st.Seeds, st.Return, interval, st.IQM, st.Sampled)
		if goal != rl.NoGoal {
			fmt.Fprintf(t, "\t%.0f %%", 100*st.Success)
		}
		if threshold != nil {
			steps := "never"
			if st.ThresholdSteps != nil {
				steps = fmt.Sprintf("%.0f", *st.ThresholdSteps)
			}
			if st.Reached < st.Seeds && st.Reached > 0 {
				steps += fmt.Sprintf(" (%d of %d)", st.Reached, st.Seeds)
			}
			fmt.Fprintf(t, "\t%s", steps)
		}
		variance := "–"
		if st.GradLogVar != nil {
			variance = fmt.Sprintf("%.2f", *st.GradLogVar)
		}
		fmt.Fprintf(t, "\t%s\t%.0f\t%.1f", variance, st.StepsPerSecond, st.WallSeconds)
		if len(standings) > 1 {
			for _, other := range standings {
				cell := "–"
				if p, ok := st.Beats[other.Agent]; ok {
					cell = fmt.Sprintf("%.2f", p)
				}
				fmt.Fprintf(t, "\t%s", cell)
			}
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "return: %s, mean over seeds of the final greedy episodes; sampled: actions drawn from the policy instead\nfiles  %s\n", s.id, s.dir)
	return err
}
