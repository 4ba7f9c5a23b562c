package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"relaxgo/internal/cli/clitest"
)

// TestDamage spoils the files of runs in every way that comes to mind. All commands must say so in one line, with another
// that helps, and leave everything as it was.
func TestDamage(t *testing.T) {
	root := t.TempDir()
	args := append(slices.Clone(tiny), "-seeds=1", "-envs=4", "-agent=a2c,reinforce")
	if o := clitest.Call(t, root, args...); o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	if o := clitest.Call(t, root, append(slices.Clone(args), "-env=cartpole", "-agent=a2c")...); o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	const run = "results/rl/taxi/a2c/seed-1"
	read := func(name string) []byte {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := read(run + "/checkpoint.safetensors")
	flipped := slices.Clone(good)
	flipped[len(flipped)/2] ^= 4
	cut := func(n int) []byte { return good[:n] }
	metrics := read(run + "/metrics.csv")
	of := func(env string) []byte {
		return bytes.Replace(read(run+"/config.json"), []byte("Taxi-v3"), []byte(env), 1)
	}

	const resume, eval, watch, every = 1, 2, 4, 7
	for _, test := range []struct {
		name, file string
		text       []byte // nil: a directory in its place
		fails      int    // which commands
		says       string
	}{
		{"checkpoint of another environment", "checkpoint.safetensors", read("results/rl/cartpole/a2c/seed-1/checkpoint.safetensors"), every, "of another run: CartPole-v1, a2c, seed 1, not Taxi-v3"},
		{"checkpoint of another agent", "checkpoint.safetensors", read("results/rl/taxi/reinforce/seed-1/checkpoint.safetensors"), every, "of another run: Taxi-v3, reinforce"},
		{"flipped byte", "checkpoint.safetensors", flipped, every, "damaged"},
		{"cut checkpoint", "checkpoint.safetensors", cut(len(good) - 1), every, "bad header"},
		{"empty checkpoint", "checkpoint.safetensors", []byte{}, every, "0 bytes"},
		{"text for a checkpoint", "checkpoint.safetensors", []byte("once upon a time"), every, "bad header"},
		{"checkpoint that is a directory", "checkpoint.safetensors", nil, every, "checkpoint.safetensors"},
		{"text for a configuration", "config.json", []byte("hello"), every, "config.json"},
		{"empty configuration", "config.json", []byte{}, every, "config.json"},
		{"configuration of CartPole", "config.json", of("CartPole-v1"), every, "CartPole-v1"},
		{"configuration of nothing", "config.json", of("Nothing-v1"), every, "Nothing-v1"},
		{"configuration that is a directory", "config.json", nil, every, "config.json"},
		{"text for metrics", "metrics.csv", []byte("hello\n"), resume, "metrics.csv: line 1"},
		{"empty metrics", "metrics.csv", []byte{}, resume, "metrics.csv: line 1"},
		{"cut metrics", "metrics.csv", metrics[:len(metrics)/2], resume, "metrics.csv is damaged"},
		{"metrics that are a directory", "metrics.csv", nil, resume, "metrics.csv is a directory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(root)); err != nil {
				t.Fatal(err)
			}
			// The run has not been finished.
			if err := os.Remove(filepath.Join(dir, run, "summary.json")); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, run, test.file)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			err := os.WriteFile(path, test.text, 0o666)
			if test.text == nil {
				_ = os.Remove(path)
				err = os.Mkdir(path, 0o777)
			}
			if err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, dir)
			for _, command := range []struct {
				bit  int
				args []string
			}{
				{resume, append(slices.Clone(args), "-agent=a2c", "-resume")},
				{eval, []string{"eval", "-run=" + run, "-episodes=2"}},
				{watch, []string{"watch", "-run=" + run, "-gif=movie.gif"}},
			} {
				if test.fails&command.bit == 0 {
					continue
				}
				what := strings.Join(command.args[max(0, len(command.args)-2):], " ")
				o := clitest.Call(t, dir, command.args...)
				lines := strings.Split(strings.TrimSuffix(o.Stderr, "\n"), "\n")
				if o.Code != 1 || o.Stdout != "" || len(lines) < 2 {
					t.Fatalf("%s: %+v", what, o)
				}
				said, hint := lines[len(lines)-2], lines[len(lines)-1]
				if !strings.HasPrefix(said, "rl: error: ") || !strings.Contains(said, test.says) || !strings.HasPrefix(hint, "rl: hint: ") {
					t.Errorf("%s: stderr %q, want an error that says %q, and a hint", what, o.Stderr, test.says)
				}
				if regexp.MustCompile(`goroutine|panic|\.go:\d`).MatchString(o.Stderr) {
					t.Errorf("%s panics: %s", what, o.Stderr)
				}
				if after := snapshot(t, dir); !slices.Equal(after, before) {
					t.Fatalf("%s has changed files: %q, were %q", what, after, before)
				}
			}
		})
	}
}

// snapshot lists files with their contents.
func snapshot(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	for _, name := range clitest.Files(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(name) != ".lock" {
			list = append(list, name+"="+string(text))
		}
	}
	return list
}

// TestDamagedSummaries holds what is no summary for none, and makes the file again once it is gone.
func TestDamagedSummaries(t *testing.T) {
	dir := t.TempDir()
	args := append(slices.Clone(tiny), "-seeds=1", "-envs=4", "-agent=a2c")
	if o := clitest.Call(t, dir, args...); o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	path := filepath.Join(dir, "results/rl/taxi/a2c/seed-1/summary.json")
	for _, text := range []string{"hello", "", "{}", "null"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		o := clitest.Call(t, dir, append(slices.Clone(args), "-resume")...)
		if o.Code != 1 || o.Stdout != "" || !strings.Contains(o.Stderr, "seed-1/summary.json") || !strings.Contains(o.Stderr, "rl: hint: without that file") {
			t.Errorf("%q: %+v", text, o)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if o := clitest.Call(t, dir, append(slices.Clone(args), "-resume")...); o.Code != 0 {
		t.Errorf("%+v", o)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// TestEvaluationCanBeStopped ends an evaluation that would take hours.
func TestEvaluationCanBeStopped(t *testing.T) {
	dir := t.TempDir()
	if o := clitest.Call(t, dir, append(slices.Clone(tiny), "-env=cartpole", "-seeds=1", "-agent=a2c")...); o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	cmd := clitest.Process(dir, "eval", "-run=results/rl/cartpole/a2c/seed-1", "-episodes=1000000")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	if !bufio.NewScanner(stdout).Scan() { // the line above the numbers: it has begun
		t.Fatal(stderr.String())
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // The exit code says it all.
	if code := cmd.ProcessState.ExitCode(); code != 130 || stderr.String() != "rl: interrupted\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}
