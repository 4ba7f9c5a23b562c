package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"image/gif"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"relaxgo/internal/cli/clitest"
	"relaxgo/rl"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestMistakes(t *testing.T) {
	const usage, failed = 2, 1
	tests := []struct {
		args      string
		code      int
		err, hint string
	}{
		{"-env=taxy", usage, `unknown -env "taxy"`, `did you mean "taxi"?`},
		{"-agent=a2d", usage, `unknown -agent "a2d"`, `did you mean "a2c"?`},
		{"-agent=relax,ppo", usage, `unknown -agent "ppo"`, "known: reinforce, a2c, relax, all"},
		{"-seeds=0", usage, "-seeds=0", "-seeds=5"},
		{"-seeds=x", usage, `-seeds cannot be "x"`, "-h"},
		{"-lr=fast", usage, "-lr=fast", "-lr=0.001"},
		{"-gamma=2", usage, "-gamma=2", "-h"},
		{"-hidden=3,x", usage, `-hidden cannot be "3,x"`, "-h"},
		{"-agent=a2c -cv-objective=mse", usage, "-cv-objective is no option of a2c", "-agent=relax"},
		{"-agent=relax -cv-objective=msa", usage, `unknown -cv-objective "msa"`, `"mse"`},
		{"-agent=relax -standardize", usage, "-standardize is no option of relax", "-agent=reinforce,a2c"},
		{"-steps=0", usage, "-steps=0", "-episodes"},
		{"-step=5", usage, "unknown flag -step", "-steps"},
		{"-resume -force", usage, "exclude each other", "-resume"},
		{"train", usage, `unknown command "train"`, "known: eval, watch"},
		{"wach", usage, `unknown command "wach"`, `did you mean "watch"?`},
		{"eval", usage, "-run is missing", "-run=results"},
		{"eval -run=nowhere", failed, "nowhere holds no run", "seed-1"},
		{"eval -run=x -episodes=0", usage, "-episodes=0", "-episodes=100"},
		{"watch -run=nowhere", failed, "nowhere holds no run", "seed-1"},
		{"watch -run=x -fps=1000", usage, "-fps=1000", "-fps=0"},
		{"watch -run=x -gfi=y", usage, "unknown flag -gfi", "-gif"},
	}
	if runtime.GOOS == "linux" {
		tests = append(tests, struct {
			args      string
			code      int
			err, hint string
		}{"-quick -agent=a2c -seeds=1 -progress=off -out=/proc/x", failed, "cannot create /proc/x/rl", "-out"})
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := clitest.Call(t, dir, strings.Fields(test.args)...)
			if o.Code != test.code {
				t.Errorf("exit code %d, want %d", o.Code, test.code)
			}
			if o.Stdout != "" {
				t.Errorf("stdout %q, want none", o.Stdout)
			}
			if left := clitest.Files(t, dir); len(left) > 0 {
				t.Errorf("files %q, want none", left)
			}
			lines := strings.Split(strings.TrimSuffix(o.Stderr, "\n"), "\n")
			if len(lines) == 3 { // a run that failed has said so itself
				lines = lines[1:]
			}
			if len(lines) != 2 || !strings.HasPrefix(lines[0], "rl: error: ") || !strings.HasPrefix(lines[1], "rl: hint: ") {
				t.Fatalf("stderr %q, want a line with the error and one with a hint", o.Stderr)
			}
			if !strings.Contains(lines[0], test.err) || !strings.Contains(lines[1], test.hint) {
				t.Errorf("stderr %q, want it to say %q and %q", o.Stderr, test.err, test.hint)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"-h"}, {"eval", "-h"}, {"watch", "-h"}} {
		o := clitest.Call(t, dir, args...)
		if o.Code != 0 || o.Stderr != "" {
			t.Errorf("%v: exit code %d, stderr %q", args, o.Code, o.Stderr)
		}
		for _, line := range strings.Split(o.Stdout, "\n") {
			if n := len([]rune(line)); n > 80 {
				t.Errorf("%v: line of %d characters: %s", args, n, line)
			}
		}
		for _, part := range []string{"Usage:", "Examples:", "Exit codes:"} {
			if !strings.Contains(o.Stdout, part) {
				t.Errorf("%v: help does not say %q", args, part)
			}
		}
	}
	o := clitest.Call(t, dir, "-h")
	for _, part := range append(rl.Agents(), "eval", "watch", "-cv-objective", "curves", "compare.csv") {
		if !strings.Contains(o.Stdout, part) {
			t.Errorf("help does not say %q", part)
		}
	}
	if strings.Contains(o.Stdout, "Other flags") {
		t.Errorf("a flag is in no group:\n%s", o.Stdout)
	}
	if o = clitest.Call(t, dir, "-list", "-env=taxi"); o.Code != 0 || o.Stderr != "" || !strings.Contains(o.Stdout, "settings for Taxi-v3") || !strings.Contains(o.Stdout, "-cv-temperature") {
		t.Errorf("-list: %+v", o)
	}
	if o = clitest.Call(t, dir, "-version"); o.Code != 0 || !strings.HasPrefix(o.Stdout, "rl: relaxgo ") {
		t.Errorf("-version: %+v", o)
	}
	if left := clitest.Files(t, dir); len(left) > 0 {
		t.Errorf("files %q, want none", left)
	}
}

// tiny are the flags of a comparison of a moment.
var tiny = strings.Fields("-env=taxi -seeds=2 -steps=3000 -hidden=none -eval-every=1000 -eval-episodes=2 -final-episodes=3 -variance-every=1000 -variance-episodes=3 -progress=off")

// comparison are the files beside the runs.
var comparison = []string{"compare.csv", "curves.csv", "curves.png", "curves.svg", "summary.json", "variance.png", "variance.svg"}

// runFiles are those of a run.
var runFiles = []string{"checkpoint.safetensors", "config.json", "metrics.csv", "summary.json"}

// TestRun goes through the life of a comparison.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	o := clitest.Call(t, dir, tiny...)
	if o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	var want []string
	for _, agent := range rl.Agents() {
		for _, seed := range []string{"seed-1", "seed-2"} {
			for _, name := range runFiles {
				want = append(want, "results/rl/taxi/"+agent+"/"+seed+"/"+name)
			}
		}
	}
	for _, name := range comparison {
		want = append(want, "results/rl/taxi/"+name)
	}
	slices.Sort(want)
	if got := clitest.Files(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for _, part := range append(rl.Agents(), "95 % interval", "IQM", "steps to 7", "success", "P(> a2c)", "steps/s", "files  results/rl/taxi") {
		if !strings.Contains(o.Stdout, part) {
			t.Errorf("stdout does not say %q: %s", part, o.Stdout)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "results/rl/taxi/compare.csv"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 4 {
		t.Errorf("compare.csv: %v, %v", rows, err)
	}
	var summary struct {
		Env, Command string
		Agents       []rl.Standing
	}
	text, err = os.ReadFile(filepath.Join(dir, "results/rl/taxi/summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &summary)
	}
	if err != nil || summary.Env != "Taxi-v3" || len(summary.Agents) != 3 || summary.Agents[0].Seeds != 2 || !strings.HasPrefix(summary.Command, "go run ./cmd/rl -env=taxi ") && !strings.Contains(summary.Command, "-env=taxi") {
		t.Errorf("summary.json: %+v, %v", summary, err)
	}

	// What is there is not touched without -force, and used with -resume: here by one seed more.
	before := stamp(t, dir, "results/rl/taxi/a2c/seed-1/metrics.csv")
	if o := clitest.Call(t, dir, tiny...); o.Code != 1 || !strings.Contains(o.Stderr, "holds a run") || !strings.Contains(o.Stderr, "-resume") {
		t.Errorf("again: %+v", o)
	}
	more := append(slices.Clone(tiny), "-resume", "-seeds=3")
	if o := clitest.Call(t, dir, more...); o.Code != 0 || !strings.Contains(o.Stdout, "a2c        3") {
		t.Errorf("one seed more: %+v", o)
	}
	if stamp(t, dir, "results/rl/taxi/a2c/seed-1/metrics.csv") != before {
		t.Error("a finished run was made again")
	}
	if o := clitest.Call(t, dir, append(slices.Clone(tiny), "-resume", "-gamma=0.9")...); o.Code != 1 || !strings.Contains(o.Stderr, "begun with gamma") {
		t.Errorf("other settings: %+v", o)
	}

	// The policy of a run can be evaluated and watched.
	const run = "-run=results/rl/taxi/a2c/seed-1"
	if o := clitest.Call(t, dir, "eval", run, "-episodes=7"); o.Code != 0 || !regexp.MustCompile(`^Taxi-v3, a2c, seed 1\ngreedy +return -?\d.* 300 starts, all there are\nsampled +return .*success.* 7 episodes\n$`).MatchString(o.Stdout) {
		t.Errorf("eval: %+v", o)
	}
	if o := clitest.Call(t, dir, "watch", run, "-episodes=2", "-sample"); o.Code != 0 || strings.Count(o.Stdout, "seed ") != 2 || !strings.Contains(o.Stdout, "|R: | : :G|") {
		t.Errorf("watch: %+v", o)
	}
	if o := clitest.Call(t, dir, "watch", run, "-gif=taxi.gif", "-fps=10"); o.Code != 0 {
		t.Errorf("watch -gif: %+v", o)
	}
	f, err := os.Open(filepath.Join(dir, "taxi.gif"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	movie, err := gif.DecodeAll(f)
	if err != nil || len(movie.Image) < 2 || movie.Delay[0] != 10 {
		t.Errorf("taxi.gif: %v", err)
	}
}

func stamp(t *testing.T, dir, name string) time.Time {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// A run that fails makes the command fail, but only after the others have been made and compared.
func TestFailedRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "results/rl/taxi/a2c/seed-2"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "results/rl/taxi/a2c/seed-2/notes.txt"), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	o := clitest.Call(t, dir, append(slices.Clone(tiny), "-agent=a2c,reinforce")...)
	if o.Code != 1 || !strings.Contains(o.Stderr, "a2c seed 2: ") || !strings.Contains(o.Stderr, "other files") || !strings.Contains(o.Stdout, "a2c        1") || !strings.Contains(o.Stdout, "reinforce  2") {
		t.Errorf("%+v", o)
	}
}

// Runs in which no episode ends have numbers, but no curves, not even those of the runs that they replace.
func TestNoEpisodeEnds(t *testing.T) {
	dir := t.TempDir()
	clitest.Call(t, dir, append(slices.Clone(tiny), "-agent=reinforce")...)
	if _, err := os.Stat(filepath.Join(dir, "results/rl/taxi/curves.png")); err != nil {
		t.Fatal(err)
	}
	o := clitest.Call(t, dir, append(slices.Clone(tiny), "-agent=a2c", "-steps=50", "-force")...)
	for _, name := range clitest.Files(t, dir) {
		if strings.Contains(name, "curves") || strings.Contains(name, "variance") {
			t.Errorf("%s is of earlier runs", name)
		}
	}
	if o.Code != 0 || !strings.Contains(o.Stdout, "a2c    2") || !strings.Contains(o.Stderr, "no figures: too few episodes have ended for a curve: no rows train,episode_return") {
		t.Errorf("%+v", o)
	}
	if files := clitest.Files(t, filepath.Join(dir, "results/rl/taxi")); !slices.Contains(files, "compare.csv") || slices.Contains(files, "curves.png") {
		t.Errorf("files %q", files)
	}
}

// TestInterrupt stops a comparison by Ctrl-C and continues it to the numbers of one that was left alone.
func TestInterrupt(t *testing.T) {
	args := strings.Fields("-env=cartpole -agent=a2c,relax -seeds=2 -steps=60000 -eval-every=10000 -variance-every=30000 -variance-episodes=5")
	undisturbed, dir := t.TempDir(), t.TempDir()
	if o := clitest.Call(t, undisturbed, args...); o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	o := clitest.Interrupt(t, dir, func(lines []string) bool {
		return len(lines) == 2 // the first line of progress, and the first run that has ended
	}, args...)
	if o.Code != 130 || o.Stdout != "" || !strings.HasSuffix(o.Stderr, "\nrl: interrupted, saved in "+filepath.FromSlash("results/rl/cartpole")+"\nrl: hint: the same command with -resume continues\n") {
		t.Errorf("%+v", o)
	}
	if o := clitest.Call(t, dir, append(args, "-resume")...); o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	if got, want := clitest.Files(t, dir), clitest.Files(t, undisturbed); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for _, name := range clitest.Files(t, undisturbed) {
		if filepath.Base(name) != "metrics.csv" && filepath.Base(name) != "curves.csv" {
			continue
		}
		read := func(dir string) string {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			return regexp.MustCompile(`(?m)^(\d+,\d+),[\d.]+,`).ReplaceAllString(string(text), "$1,,")
		}
		if read(dir) != read(undisturbed) {
			t.Errorf("%s differs", name)
		}
	}
}

// TestConfigure holds flags to the agents that take them.
func TestConfigure(t *testing.T) {
	var cfg rl.Config
	var opt options
	fs := flags(&cfg, &opt)
	if err := fs.Parse([]string{"-episodes=40", "-cv-hidden=7,8", "-hidden=none", "-standardize=false", "-baseline=false", "-gamma=0.5"}); err != nil {
		t.Fatal(err)
	}
	var given []*flag.Flag
	fs.Visit(func(f *flag.Flag) { given = append(given, f) })
	for _, agent := range rl.Agents() {
		got, err := configure("CartPole-v1", agent, false, given)
		if err != nil {
			t.Fatal(err)
		}
		want := rl.Defaults("CartPole-v1", agent)
		want.Steps, want.Episodes, want.Gamma, want.Hidden, want.Baseline, want.Standardize = 0, 40, 0.5, nil, false, false
		if agent == rl.RELAX {
			want.CVHidden = []int{7, 8}
		}
		a, _ := json.Marshal(got)
		b, _ := json.Marshal(want)
		if !bytes.Equal(a, b) {
			t.Errorf("%s: %s, want %s", agent, a, b)
		}
	}
}
