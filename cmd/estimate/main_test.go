package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"relaxgo/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestMistakes(t *testing.T) {
	const usage, failed = 2, 1
	file := filepath.Join(t.TempDir(), "FILE")
	if err := os.WriteFile(file, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args      string
		code      int
		err, hint string
	}{
		{"-estimators=rebra", usage, `unknown -estimators "rebra"`, `did you mean "rebar"? known: all, exact, score`},
		{"-estimators=relax,vimco", usage, `unknown -estimators "vimco"`, "known: all, exact, score"},
		{"-estimators=", usage, `unknown -estimators ""`, "known: all, exact"},
		{"-problem=vea", usage, `unknown -problem "vea"`, `did you mean "vae"? known: all, toy, vector, vae-bits, vae`},
		{"-problem=vae -estimators=arm", usage, "-estimators=arm is not for -problem=vae: it is not offered for the categorical law, only for Bernoulli", "arm can be compared with -problem=toy,vector,vae-bits;"},
		{"-problem=toy,vae -estimators=score,disarm", usage, "-estimators=disarm is not for -problem=vae", "-problem=toy,vector,vae-bits"},
		{"-problem=vae-bits -estimators=exact", usage, "-estimators=exact is not for -problem=vae-bits: an event of shape [12] has 4096 states", "-problem=toy,vector;"},
		{"-t=2", usage, "-t=2: b is 0 or 1", "-t=0.499"},
		{"-t=-0.1", usage, "-t=-0.1: b is 0 or 1", "-t=0.499"},
		{"-t=nan", usage, "-t=NaN: b is 0 or 1", "-t=0.499"},
		{"-t=0.4,0.5,0.4", usage, "0.4 is there twice", "once"},
		{"-t=half", usage, `-t cannot be "half": want numbers between commas`, "-h lists"},
		{"-t=", usage, `-t cannot be "": want numbers between commas`, "-h lists"},
		{"-samples=1", usage, "-samples=1: a variance needs 2 to", "-samples=20000"},
		{"-samples=1e9", usage, `-samples cannot be "1e9": want a whole number`, "-h lists"},
		{"-tuning=-1", usage, "-tuning=-1: tuning needs 0 to", "-tuning=1000"},
		{"-steps=0", usage, "-steps=0: training needs 1 to", "-steps=5000"},
		{"-seeds=0", usage, "-seeds=0: a mean needs 1 to", "-seeds=10"},
		{"-seed=-1", usage, `-seed cannot be "-1": want a whole number from 0`, "-h lists"},
		{"-problem=vector -steps=10", usage, "-steps is for the toy problem, which -problem=vector leaves out", "add toy to -problem"},
		{"-problem=vae -t=0.4", usage, "-t is for the toy problem", "leave -t out"},
		{"-sample=3", usage, "unknown flag -sample", "did you mean -samples?"},
		{"relax", usage, `unexpected argument "relax"`, "-name=value"},
		{"-out=" + file, failed, "FILE: not a directory", "-out"},
		{"-cpuprofile=" + file + "/x", failed, "-cpuprofile: open", "name a file"},
	}
	if runtime.GOOS == "linux" {
		tests = append(tests, struct {
			args      string
			code      int
			err, hint string
		}{"-out=/proc/x", failed, "cannot create /proc/x", "-out"})
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := clitest.Run(t, clitest.Process(dir, strings.Fields(test.args)...))
			if o.Code != test.code || o.Stdout != "" {
				t.Errorf("exit code %d, want %d; stdout %q, want none", o.Code, test.code, o.Stdout)
			}
			if left := clitest.Files(t, dir); len(left) > 0 {
				t.Errorf("files %q, want none", left)
			}
			lines := strings.Split(strings.TrimSuffix(o.Stderr, "\n"), "\n")
			if len(lines) != 2 || !strings.HasPrefix(lines[0], "estimate: error: ") || !strings.HasPrefix(lines[1], "estimate: hint: ") {
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
	o := clitest.Run(t, clitest.Process(dir, "-h"))
	if o.Code != 0 || o.Stderr != "" {
		t.Errorf("exit code %d, stderr %q", o.Code, o.Stderr)
	}
	for _, line := range strings.Split(o.Stdout, "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("line of %d characters: %s", n, line)
		}
	}
	for _, part := range append(estimatorNames(), "Usage:", "Examples:", "Exit codes:", "-version", "table.csv", "table.json", "toy.csv", "toy-loss", "toy-variance-biased") {
		if !strings.Contains(o.Stdout, part) {
			t.Errorf("help does not say %q", part)
		}
	}
	if strings.Contains(o.Stdout, "Other flags") {
		t.Errorf("a flag is in no group:\n%s", o.Stdout)
	}
	o = clitest.Run(t, clitest.Process(dir, "-list"))
	if lines := strings.Split(strings.TrimSpace(o.Stdout), "\n"); o.Code != 0 || o.Stderr != "" || len(lines) != len(estimatorNames()) {
		t.Errorf("-list: exit code %d, stdout %q, stderr %q", o.Code, o.Stdout, o.Stderr)
	} else {
		for i, name := range estimatorNames() {
			if !strings.HasPrefix(lines[i], name+" ") {
				t.Errorf("-list: %q, want %s", lines[i], name)
			}
		}
	}
	if left := clitest.Files(t, dir); len(left) > 0 {
		t.Errorf("files %q, want none", left)
	}
}

// TestRun compares a few estimators on all problems.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-estimators=relaxation,score,disarm,exact", "-samples=1000", "-tuning=2", "-steps=60", "-seeds=2", "-t=0.45,0.3", "-seed=5"}
	o := clitest.Run(t, clitest.Process(dir, args...))
	if o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	want := []string{"table.csv", "table.json", "toy-loss-biased.png", "toy-loss-biased.svg", "toy-loss.png", "toy-loss.svg",
		"toy-variance-biased.png", "toy-variance-biased.svg", "toy-variance.png", "toy-variance.svg", "toy.csv"}
	for i, name := range want {
		want[i] = "results/estimate/" + name
	}
	if left := clitest.Files(t, dir); !slices.Equal(left, want) {
		t.Errorf("files %q, want %q", left, want)
	}

	// Rows are those that are offered, in the order of the registry.
	results := filepath.Join(dir, "results", "estimate")
	rows, err := csv.NewReader(strings.NewReader(read(t, results, "table.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows[1:] {
		got = append(got, row[0]+"/"+row[1])
	}
	var expected []string
	for _, p := range []string{"toy t=0.45", "toy t=0.3", "vector"} {
		expected = append(expected, p+"/exact", p+"/score", p+"/disarm", p+"/relaxation")
	}
	expected = append(expected, "vae-bits/score", "vae-bits/disarm", "vae-bits/relaxation", "vae/score", "vae/relaxation")
	if !slices.Equal(got, expected) {
		t.Errorf("table.csv has rows %q, want %q", got, expected)
	}
	for _, p := range []string{"toy t=0.45: f(b) = (b − 0.45)² of one bit, P(b=1) = 0.2, exact gradient of norm 0.016\n", "\nvae: ", "\ntraining of toy t=0.3 from θ = 0.5, 60 steps, seeds 5 to 6: the best loss is 0.09, at θ = 0\n", "\nfiles  results/estimate\n"} {
		if !strings.Contains(o.Stdout, p) {
			t.Errorf("stdout does not say %q:\n%s", p, o.Stdout)
		}
	}
	if !regexp.MustCompile(`\nscore +yes( +[\d.e-]+){3} +[\d.]+ +-\d\.\d\d( +-?[01]\.\d{3}){2} +1 +\d+\n`).MatchString(o.Stdout) {
		t.Errorf("stdout has no row of score:\n%s", o.Stdout)
	}

	var report report
	if err := json.Unmarshal([]byte(read(t, results, "table.json")), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Problems) != 5 || report.Seed != 5 || report.Training == nil || len(report.Training.Ends) != 4 || report.Training.T != 0.3 ||
		report.Command != "go run ./cmd/estimate -estimators=relaxation,score,disarm,exact -samples=1000 -seed=5 -seeds=2 -steps=60 -t=0.45,0.3 -tuning=2" {
		t.Errorf("table.json: %+v", report)
	}
	if last := report.Problems[4]; last.Name != "vae" || len(last.Gradient) != 32 || len(last.Estimators) != 2 || len(last.Estimators[0].Variance) != 32 || last.Estimators[0].NsPerEstimate <= 0 {
		t.Errorf("table.json: %+v", last)
	}

	// Points every step of 60/50 = 1, for 4 estimators and 2 seeds. The loss is t² + θ(1−2t) up to the rounding of θ.
	points, err := csv.NewReader(strings.NewReader(read(t, results, "toy.csv"))).ReadAll()
	if err != nil || len(points) != 1+4*2*61 {
		t.Fatalf("toy.csv has %d lines, %v", len(points), err)
	}
	for _, p := range points[1:] {
		θ, _ := strconv.ParseFloat(p[4], 64)
		loss, _ := strconv.ParseFloat(p[5], 64)
		if d := loss - (0.09 + 0.4*θ); d > 1e-6 || d < -1e-6 {
			t.Fatalf("toy.csv: %q, want loss %.9f", p, 0.09+0.4*θ)
		}
	}
	for _, name := range []string{"toy-loss.svg", "toy-variance.svg"} {
		if svg := read(t, results, name); !strings.Contains(svg, "disarm") || strings.Contains(svg, ">relaxation") || !strings.Contains(svg, "-seed=5") {
			t.Errorf("%s lacks disarm or the command, or has relaxation", name)
		}
	}

	// The same seed gives the same bytes, on any number of cores, and another one others.
	again := clitest.Process(dir, append(args, "-out=again")...)
	again.Env = append(again.Env, "GOMAXPROCS=1")
	if o := clitest.Run(t, again); o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	for _, name := range []string{"table.csv", "toy.csv", "toy-loss.png", "toy-variance.svg"} {
		if read(t, results, name) != read(t, dir, "again", "estimate", name) {
			t.Errorf("%s differs from that of one core", name)
		}
	}
	if o := clitest.Run(t, clitest.Process(dir, "-quick", "-seed=6", "-problem=toy", "-estimators=score,disarm", "-t=0.45")); o.Code != 0 || !strings.Contains(o.Stdout, "500 steps, seed 6") {
		t.Errorf("%+v", o)
	}
	if text := read(t, dir, "results", "estimate-quick", "table.csv"); strings.Contains(read(t, results, "table.csv"), strings.Split(text, "\n")[1]) {
		t.Error("another seed gives the same numbers")
	}
	if left := clitest.Files(t, filepath.Join(dir, "results", "estimate-quick")); slices.Contains(left, "toy-loss-biased.png") {
		t.Errorf("a figure without lines: %q", left)
	}
}

// Without the toy problem there is no training.
func TestVectorAlone(t *testing.T) {
	dir := t.TempDir()
	o := clitest.Run(t, clitest.Process(dir, "-problem=vector", "-estimators=rloo", "-samples=1000", "-out=x"))
	if o.Code != 0 || strings.Contains(o.Stdout, "training") {
		t.Errorf("%+v", o)
	}
	if left := clitest.Files(t, dir); !slices.Equal(left, []string{"x/estimate/table.csv", "x/estimate/table.json"}) {
		t.Errorf("files %q", left)
	}
}

// TestInterrupt stops the command by Ctrl-C.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	o := clitest.Interrupt(t, dir, func(lines []string) bool {
		return strings.HasPrefix(lines[len(lines)-1], "measuring")
	}, "-problem=toy", "-estimators=score,rebar", "-samples=1000", "-tuning=1000000")
	if o.Code != 130 || o.Stdout != "" || !strings.HasSuffix(o.Stderr, "\nestimate: interrupted, nothing was written\n") {
		t.Errorf("%+v", o)
	}
	if left := clitest.Files(t, dir); len(left) > 0 {
		t.Errorf("files %q, want none", left)
	}
}
