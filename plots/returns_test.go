package plots

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relaxgo/internal/run"
)

// writeMetrics puts a metrics.csv into a new run directory.
func writeMetrics(t *testing.T, metrics string) string {
	t.Helper()
	dir := t.TempDir()
	text := "step,epoch,wall_s,split,name,value\n" + metrics
	if err := os.WriteFile(filepath.Join(dir, run.MetricsFile), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// row is a line of metrics.csv of the split train.
func row(step int, name string, value float64) string {
	return fmt.Sprintf("%d,0,0.5,train,%s,%v\n", step, name, value)
}

// ended is rows of episodes that ended at the given steps, value after step.
func ended(stepsAndReturns ...float64) string {
	var text strings.Builder
	for i := 0; i < len(stepsAndReturns); i += 2 {
		text.WriteString(row(int(stepsAndReturns[i]), "episode_return", stepsAndReturns[i+1]))
	}
	return text.String()
}

// learner writes runs of one agent as a training might leave them.
func learner(t *testing.T, rng *rand.Rand, name string, seeds, steps int, variance bool) AgentRuns {
	t.Helper()
	agent := AgentRuns{Name: name}
	for range seeds {
		var text strings.Builder
		half := 0.4 * float64(steps) * math.Exp(0.3*rng.NormFloat64())
		for step, episode := 0, 1; ; episode++ {
			level := 20 + 450/(1+math.Exp(5-5*float64(step)/half))
			length := int(min(500, max(8, level*math.Exp(0.3*rng.NormFloat64()))))
			if step += length; step > steps {
				break
			}
			text.WriteString(row(step, "episode_return", float64(length)))
			if variance && episode%5 == 0 {
				text.WriteString(row(step, "grad_logvar", 1-14*float64(step)/float64(steps)+rng.NormFloat64()))
			}
		}
		agent.Dirs = append(agent.Dirs, writeMetrics(t, text.String()+row(steps, "loss", 0)))
	}
	return agent
}

// table reads curves.csv.
func table(t *testing.T, dir string) [][]string {
	t.Helper()
	file, err := os.Open(filepath.Join(dir, "curves.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestDrawReturns(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 0))
	agents := []AgentRuns{learner(t, rng, "REINFORCE", 3, 30000, true), learner(t, rng, "A2C", 3, 30000, true), learner(t, rng, "RELAX", 1, 24000, true)}
	opt := ReturnOptions{Threshold: new(475.0), Curves: "First caption.", Variance: "Second caption."}
	dir := t.TempDir()
	names := []string{"curves.csv", "curves.png", "curves.svg", "variance.png", "variance.svg"}
	var before [][]byte
	for round := range 2 {
		if err := DrawReturns(dir, agents, opt); err != nil {
			t.Fatal(err)
		}
		for i, name := range names {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case round == 0:
				before = append(before, data)
			case !bytes.Equal(data, before[i]):
				t.Errorf("%s is not the same the second time", name)
			}
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != len(names) {
		t.Errorf("%d files, want %q", len(files), names)
	}
	for i, wants := range map[int][]string{
		2: {"First caption.", "environment steps (thousands)", "return, mean of the last", "REINFORCE, 3 seeds", "RELAX, 1 seed ", "solved", "475",
			"95 % bootstrap", "2000 draws, seed 1", "without a band: RELAX."},
		4: {"Second caption.", "variance of the gradient, exp(grad_logvar)", "geometric means over seeds", "1e−4"},
	} {
		for _, want := range wants {
			if !bytes.Contains(before[i], []byte(want)) {
				t.Errorf("%s lacks %q", names[i], want)
			}
		}
	}
	records := table(t, dir)
	if !slices.Equal(records[0], []string{"agent", "step", "mean", "low", "high", "seeds"}) {
		t.Errorf("header %q", records[0])
	}
	last := records[len(records)-1] // the grid has steps of 150
	if len(last) != 6 || last[0] != "RELAX" || last[1] != "24000" || last[3] != "" || last[4] != "" || last[5] != "1" {
		t.Errorf("the last row is %q", last)
	}
}

// Two seeds over eight steps, in windows of two episodes. From step 4 on, both
// have two episodes; the second seed goes to step 8, the first only to 7.
func TestReturnsByHand(t *testing.T) {
	a := writeMetrics(t, ended(1, 10, 3, 20, 5, 40)+row(7, "loss", 1))
	b := writeMetrics(t, ended(2, 0, 4, 2, 4, 6)+row(6, "loss", 1)+ended(8, 100))
	c := writeMetrics(t, ended(2, 1, 8, 3)) // one seed
	dir := t.TempDir()
	agents := []AgentRuns{{"both, of them", []string{a, b}}, {"one", []string{c}}}
	if err := DrawReturns(dir, agents, ReturnOptions{Window: 2}); err != nil {
		t.Fatal(err)
	}
	// The first seed: 15 at 4, 30 from 5 on. The second: (2+6)/2 = 4 from 4 on.
	want := [][]string{
		{"agent", "step", "mean", "low", "high", "seeds"},
		{"both, of them", "4", "9.5", "4", "15", "2"},
		{"both, of them", "5", "17", "4", "30", "2"},
		{"both, of them", "6", "17", "4", "30", "2"},
		{"both, of them", "7", "17", "4", "30", "2"},
		{"one", "8", "2", "", "", "1"},
	}
	if got := table(t, dir); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("curves.csv holds %q, want %q", got, want)
	}
	svg, err := os.ReadFile(filepath.Join(dir, "curves.svg"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"environment steps<", "mean of the last 2 episodes", "without a band: one.", "only up to step 7, which all"} {
		if !bytes.Contains(svg, []byte(want)) {
			t.Errorf("curves.svg lacks %q", want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "variance.png")); err == nil {
		t.Error("there are variances of nothing")
	}
}

// Logarithms are linear between measurements, and their mean is of the two seeds.
func TestVariancesByHand(t *testing.T) {
	h := history{logvars: []sample{{2, 1}, {4, 5}, {4, 7}, {8, 3}}}
	c := logVariances(h)
	for step, want := range map[int]float64{2: 1, 3: 3, 4: 5, 5: 6, 6: 5, 8: 3} {
		if got := c.at(step); got != want {
			t.Errorf("at step %d %v, want %v", step, got, want)
		}
	}
	if c.first != 2 || c.last != 8 {
		t.Errorf("from %d to %d, want 2 to 8", c.first, c.last)
	}
	a := agent{name: "a", runs: []history{{logvars: []sample{{1, 0}, {3, 4}}, lastStep: 4}, {logvars: []sample{{2, 6}, {4, 2}}, lastStep: 4}}}
	averages := averaged([]agent{a}, []int{1, 2, 3, 4}, logVariances)
	if len(averages) != 1 || !slices.Equal(averages[0].steps, []int{2, 3}) || !slices.Equal(averages[0].values.mean, []float64{4, 4}) {
		t.Fatalf("%+v, want 4 and 4 at steps 2 and 3", averages)
	}
	if y := lines(averages, 1, math.Exp)[0].Y; math.Abs(y[0]-math.Exp(4)) > 1e-12*y[0] {
		t.Errorf("drawn at %v, want e⁴", y[0])
	}
}

// An agent that was not measured is named, and the others keep their colours.
func TestVariancesOfSome(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 0))
	agents := []AgentRuns{learner(t, rng, "plain", 2, 4000, false), learner(t, rng, "measured", 2, 4000, true)}
	agents[0].Dirs = append(agents[0].Dirs, learner(t, rng, "", 1, 4000, true).Dirs...)
	read, err := readAgents(agents)
	if err != nil {
		t.Fatal(err)
	}
	grid := gridOf(read)
	variances := averaged(holding(read, history.variances), grid, logVariances)
	fig, err := varianceCurves(variances, read, grid, ReturnOptions{Variance: "Caption."})
	if err != nil {
		t.Fatal(err)
	}
	texts := strings.Join(checkLayout(t, fig), " ")
	for _, want := range []string{"measured, 2 seeds", "Not measured in all runs at common steps: plain.", "Caption."} {
		if !strings.Contains(texts, want) {
			t.Errorf("no %q in %q", want, texts)
		}
	}
	if s := lines(variances, 1, math.Exp)[0]; s.style(0).Color != lineStyle(1).Color {
		t.Error("the second agent has the colour of the first")
	}
}

// Agents without a line are named, and the others keep their colours.
func TestReturnsOfSome(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 0))
	agents := []AgentRuns{learner(t, rng, "slow", 2, 4000, false), learner(t, rng, "quick", 2, 4000, false)}
	agents[0].Dirs = append(agents[0].Dirs, writeMetrics(t, row(4000, "loss", 1)))
	read, err := readReturns(agents, 0)
	if err != nil {
		t.Fatal(err)
	}
	fig, err := returnCurves(read, ReturnOptions{Curves: "Caption."})
	if err != nil {
		t.Fatal(err)
	}
	panels, err := Environments([]Environment{{Name: "Gridworld", Agents: agents}}, "Caption.")
	if err != nil {
		t.Fatal(err)
	}
	const said = "Not drawn, as not all runs have ended enough episodes at a common step: "
	for fig, wants := range map[*Figure][]string{
		&fig:    {"quick, 2 seeds", said + "slow.", "Caption."},
		&panels: {"quick, 2 seeds", said + "Gridworld, slow.", "Caption."},
	} {
		texts := strings.Join(checkLayout(t, *fig), " ")
		for _, want := range wants {
			if !strings.Contains(texts, want) {
				t.Errorf("no %q in %q", want, texts)
			}
		}
	}
	if series, _ := read.lines(); len(series) != 1 || series[0].style(0).Color != lineStyle(1).Color {
		t.Errorf("%d lines, want one in the colour of the second agent", len(series))
	}
}

func TestReturnCurvesGolden(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 0))
	read, err := readReturns([]AgentRuns{learner(t, rng, "REINFORCE", 5, 30000, true), learner(t, rng, "RELAX", 5, 30000, true), learner(t, rng, "A2C", 1, 20000, true)}, 20)
	if err != nil {
		t.Fatal(err)
	}
	opt := ReturnOptions{Threshold: new(475.0), Curves: "CartPole-v1."}
	returns, err := returnCurves(read, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, returns)
	checkSVG(t, returns)
	checkGolden(t, returns, "returns", 48)
	variances, err := varianceCurves(averaged(holding(read.agents, history.variances), read.grid, logVariances), read.agents, read.grid, opt)
	if err != nil {
		t.Fatal(err)
	}
	checkLayout(t, variances)
	checkSVG(t, variances)
	checkGolden(t, variances, "variance", 48)
}

func TestWindow(t *testing.T) {
	agents := []agent{{runs: []history{{path: "a", returns: make([]sample, 95)}, {path: "b", returns: make([]sample, 70)}}}}
	long := []agent{{runs: []history{{path: "c", returns: make([]sample, 5000)}}}}
	short := []agent{{runs: []history{{path: "c", returns: make([]sample, 3)}}}}
	for _, test := range []struct {
		agents []agent
		asked  int
		want   int
	}{{agents, 0, 7}, {agents, 70, 70}, {agents, 1, 1}, {long, 0, 100}, {long, 400, 400}, {short, 0, 1}} {
		if got, err := windowOf(test.agents, test.asked); err != nil || got != test.want {
			t.Errorf("asked for %d: %d, %v, want %d", test.asked, got, err, test.want)
		}
	}
	_, err := windowOf(agents, 71)
	checkError(t, "too wide", err, "b holds 70 episodes, fewer than the window of 71")
	_, err = windowOf(agents, -1)
	checkError(t, "negative", err, "-1 episodes")
}

func TestGrid(t *testing.T) {
	reaching := func(steps ...int) (agents []agent) {
		for _, s := range steps {
			agents = append(agents, agent{runs: []history{{lastStep: s + 5}, {lastStep: s}}})
		}
		return agents
	}
	if got := gridOf(reaching(3, 4)); !slices.Equal(got, []int{1, 2, 3, 4}) {
		t.Errorf("%v, want 1 to 4", got)
	}
	for _, last := range []int{200, 201, 999, 100000, 1234567} {
		grid := gridOf(reaching(last, 17))
		if len(grid) != gridPoints || grid[len(grid)-1] != last || grid[0] != int(math.Round(float64(last)/gridPoints)) {
			t.Errorf("to %d: %d points from %d to %d", last, len(grid), grid[0], grid[len(grid)-1])
		}
		for i, step := range grid[1:] {
			if d := step - grid[i]; d < last/gridPoints || d > last/gridPoints+1 {
				t.Fatalf("to %d: %d after %d", last, step, grid[i])
			}
		}
	}
}

// The mean of a window is that of a loop over all episodes.
func TestReturnsInWindow(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 0))
	h := history{}
	for range 300 {
		h.lastStep += rng.IntN(4) // several episodes may end at a step
		h.returns = append(h.returns, sample{h.lastStep, rng.NormFloat64()})
	}
	for _, window := range []int{1, 7, 300} {
		c := returnsIn(window)(h)
		for step := c.first; step <= c.last; step++ {
			var values []float64
			for _, s := range h.returns {
				if s.step <= step {
					values = append(values, s.value)
				}
			}
			sum := 0.0
			for _, v := range values[len(values)-window:] {
				sum += v
			}
			if got, want := c.at(step), sum/float64(window); math.Abs(got-want) > 1e-12 {
				t.Fatalf("window %d, step %d: %v, want %v", window, step, got, want)
			}
		}
	}
}

func TestStepAxis(t *testing.T) {
	for last, want := range map[int]int{1: 1, 19999: 1, 20000: 1000, 19_999_999: 1000, 20_000_000: 1_000_000} {
		if _, unit := stepAxis(last); unit != want {
			t.Errorf("to %d in units of %d, want %d", last, unit, want)
		}
	}
}

func TestDrawReturnsErrors(t *testing.T) {
	good := ended(1, 10, 3, 20, 5, 40)
	one := func(metrics ...string) []AgentRuns {
		a := AgentRuns{Name: "a"}
		for _, m := range metrics {
			a.Dirs = append(a.Dirs, writeMetrics(t, m))
		}
		return []AgentRuns{a}
	}
	named := func(name string) AgentRuns { a := one(good)[0]; a.Name = name; return a }
	var many []AgentRuns
	for i := range maxSeries {
		many = append(many, named(strconv.Itoa(i)))
	}
	twice := named("a")
	missing := filepath.Join(t.TempDir(), "none")
	for _, test := range []struct {
		name   string
		agents []AgentRuns
		opt    ReturnOptions
		want   []string
	}{
		{"nothing", nil, ReturnOptions{}, []string{"0 agents", "1 to 13"}},
		{"too many", many, ReturnOptions{}, []string{"14 agents"}},
		{"no name", []AgentRuns{named("")}, ReturnOptions{}, []string{"no name"}},
		{"bad name", []AgentRuns{named("a\x00")}, ReturnOptions{}, []string{"name of a series"}},
		{"same name", []AgentRuns{named("a"), named("a")}, ReturnOptions{}, []string{`two agents "a"`}},
		{"no runs", []AgentRuns{{Name: "a"}}, ReturnOptions{}, []string{`"a" has no runs`}},
		{"same run", []AgentRuns{twice, {"b", []string{twice.Dirs[0] + "/"}}}, ReturnOptions{}, []string{"twice", twice.Dirs[0]}},
		{"no file", []AgentRuns{{"a", []string{missing}}}, ReturnOptions{}, []string{filepath.Join(missing, run.MetricsFile)}},
		{"bad file", one("1,2\n"), ReturnOptions{}, []string{"line 2", run.MetricsFile}},
		{"steps", one(ended(5, 1, 4, 1)), ReturnOptions{}, []string{"step 4 comes after step 5", run.MetricsFile}},
		{"NaN", one(good, ended(1, math.NaN())), ReturnOptions{}, []string{"episode_return is NaN at step 1", run.MetricsFile}},
		{"infinite", one(good + row(9, "grad_logvar", math.Inf(-1))), ReturnOptions{}, []string{"grad_logvar is -Inf at step 9", run.MetricsFile}},
		{"no returns", one(good, row(1, "loss", 2)), ReturnOptions{}, []string{`"a"`, "no step in common"}},
		{"no returns at all", one(row(1, "loss", 2), row(2, "loss", 1)), ReturnOptions{}, []string{"no rows train,episode_return", run.MetricsFile}},
		{"window", one(good), ReturnOptions{Window: 4}, []string{"3 episodes", "window of 4", run.MetricsFile}},
		{"negative window", one(good), ReturnOptions{Window: -1}, []string{"-1 episodes"}},
		{"nothing common", one(good, ended(6, 1)), ReturnOptions{}, []string{`"a"`, "no step in common", "ended 1 episode"}},
		{"threshold", one(good), ReturnOptions{Threshold: new(math.NaN())}, []string{`"solved"`, "NaN"}},
		{"caption", one(good), ReturnOptions{Curves: "\x00"}, []string{"caption", "curves"}},
		{"other caption", one(good + row(5, "grad_logvar", 1)), ReturnOptions{Variance: "\x00"}, []string{"caption", "variance"}},
		{"variance", one(good + row(5, "grad_logvar", 700)), ReturnOptions{}, []string{"variance", `"a, 1 seed"`}},
	} {
		dir := t.TempDir()
		checkError(t, test.name, DrawReturns(dir, test.agents, test.opt), test.want...)
		if files, _ := os.ReadDir(dir); len(files) != 0 {
			t.Errorf("%s: %d files were written", test.name, len(files))
		}
	}
	checkError(t, "no directory", DrawReturns(missing, one(good), ReturnOptions{}), filepath.Join(missing, "curves.png"))
}
