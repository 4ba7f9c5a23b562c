package rl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"relaxgo/internal/run"
)

// brief is a run that has many checkpoints.
func brief(id, agent string) Config {
	c := small(id, agent)
	c.Hidden, c.ValueHidden, c.Steps, c.EvalEvery, c.VarianceEpisodes = []int{4}, []int{4}, 3_000, 300, 0
	if agent == RELAX {
		c.CVHidden = []int{4}
	}
	return c
}

// interrupted is the directory of a run that was interrupted after some updates.
func interrupted(t *testing.T, c Config) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "run")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := Train(ctx, c, dir, Options{Report: func(e Event) {
		if e.Step > 1_000 {
			cancel()
		}
	}}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return dir
}

// contents are the files of a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil && !e.IsDir() {
			t.Fatal(err)
		}
		files[e.Name()] = string(text)
	}
	return files
}

// A run with damaged files, or with those of another run, is neither resumed nor loaded; the error says what is wrong and
// what to do, and nothing is changed.
func TestDamagedRuns(t *testing.T) {
	c := brief("CartPole-v1", A2C)
	good := interrupted(t, c)
	checkpoint := contents(t, good)[run.CheckpointFile]
	of := func(change func(*Config)) string {
		other := c
		change(&other)
		return contents(t, interrupted(t, other))[run.CheckpointFile]
	}
	flipped := func(at int) string {
		b := []byte(checkpoint)
		b[at] ^= 0x10
		return string(b)
	}
	for _, test := range []struct {
		name, file, text string
		resume, load     string // what the errors say; none if it is "-"
	}{
		{"another environment", run.CheckpointFile, contents(t, interrupted(t, brief("Taxi-v3", A2C)))[run.CheckpointFile], "Taxi-v3, a2c, seed 1, not CartPole-v1, a2c, seed 1", "of another run"},
		{"an environment of the same shape", run.CheckpointFile, of(func(c *Config) { c.Env = "CartPole-v0" }), "CartPole-v0, a2c, seed 1, not", "of another run"},
		{"another agent", run.CheckpointFile, contents(t, interrupted(t, brief("CartPole-v1", RELAX)))[run.CheckpointFile], "CartPole-v1, relax, seed 1, not", "of another run"},
		{"another seed", run.CheckpointFile, of(func(c *Config) { c.Seed = 2 }), "seed 2, not", "of another run"},
		{"other networks", run.CheckpointFile, of(func(c *Config) { c.Hidden = []int{5} }), "has shape", "has shape"},
		{"empty", run.CheckpointFile, "", "0 bytes", "0 bytes"},
		{"text", run.CheckpointFile, "this is no checkpoint", "bad header", "bad header"},
		{"cut short", run.CheckpointFile, checkpoint[:len(checkpoint)-1], "bad header", "bad header"},
		{"cut to the header", run.CheckpointFile, checkpoint[:100], "bad header", "bad header"},
		{"a bit of the weights", run.CheckpointFile, flipped(len(checkpoint) - 3000), "damaged", "damaged"},
		{"the last bit", run.CheckpointFile, flipped(len(checkpoint) - 1), "damaged", "damaged"},
		{"a digit of the progress", run.CheckpointFile, strings.Replace(checkpoint, `Episodes\":`, `Episodes\":1`, 1), "", ""},
		{"no configuration", run.ConfigFile, "hello", "config.json", "config.json"},
		{"an empty configuration", run.ConfigFile, "", "config.json", "config.json"},
		{"a number for a name", run.ConfigFile, `{"env": 5}`, "begun with", "config.json"},
		{"an environment of others", run.ConfigFile, `{"env": "Foo-v1"}`, "begun with", `unknown environment "Foo-v1"`},
		{"empty metrics", run.MetricsFile, "", "line 1", "-"},
		{"text for metrics", run.MetricsFile, "hello\nworld\n", "line 1", "-"},
		{"metrics cut short", run.MetricsFile, contents(t, good)[run.MetricsFile][:500], "of the", "-"},
		{"a bad row", run.MetricsFile, strings.Replace(contents(t, good)[run.MetricsFile], "train", "tra,in", 1), "line 2", "-"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, test.file), []byte(test.text), 0o666); err != nil {
				t.Fatal(err)
			}
			before := contents(t, dir)
			_, resume := Train(context.Background(), c, dir, Options{Resume: true})
			_, load := LoadPolicy(dir)
			for what, got := range map[string]struct {
				err  error
				want string
			}{"resume": {resume, test.resume}, "load": {load, test.load}} {
				if got.want == "-" {
					if got.err != nil {
						t.Errorf("%s: %v", what, got.err)
					}
					continue
				}
				var hint interface{ Hint() string }
				if got.err == nil || !strings.Contains(got.err.Error(), got.want) || !strings.Contains(got.err.Error(), dir) {
					t.Errorf("%s: %v, want it to say %q, and where", what, got.err, got.want)
				} else if !errors.As(got.err, &hint) || hint.Hint() == "" {
					t.Errorf("%s: %v has no hint", what, got.err)
				} else if strings.Count(got.err.Error(), dir) > 1 {
					t.Errorf("%s says twice where: %v", what, got.err)
				}
			}
			if after := contents(t, dir); !equalFiles(after, before) {
				t.Error("the directory has changed")
			}
		})
	}
	// The run itself is fine.
	if _, err := Train(context.Background(), c, good, Options{Resume: true}); err != nil {
		t.Error(err)
	}
}

// equalFiles compares files, but for the lock.
func equalFiles(a, b map[string]string) bool {
	delete(a, ".lock")
	delete(b, ".lock")
	for name, text := range a {
		if was, ok := b[name]; !ok || was != text {
			return false
		}
	}
	return len(a) == len(b)
}

// No byte of a checkpoint can be another without a policy being the same or an error.
func TestFlippedBytes(t *testing.T) {
	c := brief("CartPole-v1", REINFORCE)
	dir := interrupted(t, c)
	path := filepath.Join(dir, run.CheckpointFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := run.ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(good); i += 7 {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if err := os.WriteFile(path, bad, 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := readCheckpoint(path, c)
		if err != nil {
			continue
		}
		for name, tensor := range whole.Tensors {
			a, b := tensor.Data, s.Tensors[name].Data
			if x, ok := a.([]float32); ok && !slices.Equal(x, b.([]float32)) {
				t.Fatalf("byte %d of %d changes %s in silence", i, len(good), name)
			}
		}
	}
}

// A summary that is none is not taken for that of a run of no steps; without it, the run ends again from its checkpoint.
func TestDamagedSummary(t *testing.T) {
	c := brief("CartPole-v1", A2C)
	dir, want := train(t, c)
	path := filepath.Join(dir, run.SummaryFile)
	metricsWant := metrics(t, dir)
	for _, text := range []string{"", "hello", "{}", "null", `{"steps": "x"}`, "[1]"} {
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := ReadSummary(dir)
		var hint interface{ Hint() string }
		if err == nil || !strings.Contains(err.Error(), path) || !errors.As(err, &hint) || !strings.Contains(hint.Hint(), "-resume") {
			t.Errorf("%q: %+v, %v", text, s, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	got, err := Train(context.Background(), c, dir, Options{Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	if got.Greedy != want.Greedy || got.Steps != want.Steps || metrics(t, dir) != metricsWant {
		t.Errorf("it has become %+v, was %+v", got, want)
	}
}

// countdown is a context that is cancelled when it has been asked so often.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A run can be interrupted at any moment: before the first update, between updates, in the middle of measurements, and in
// the last evaluation. It comes to the same numbers, and has no summary before.
func TestInterruptAnywhere(t *testing.T) {
	for _, agent := range []string{A2C, REINFORCE} {
		c := brief("CartPole-v1", agent)
		c.Steps, c.LogEvery, c.EvalEvery, c.VarianceEvery, c.VarianceEpisodes = 600, 100, 150, 200, 3
		whole, want := train(t, c)
		moments := map[int]int{} // by the step at which the run has been interrupted
		for asked := 0; ; asked += 1 + asked/3 {
			dir := filepath.Join(t.TempDir(), "run")
			_, err := Train(&countdown{context.Background(), asked}, c, dir, Options{})
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			var step int
			if _, err := fmt.Sscanf(err.Error(), "stopped after step %d", &step); err != nil {
				t.Fatal(err)
			}
			moments[step]++
			if _, err := os.Stat(filepath.Join(dir, run.SummaryFile)); err == nil {
				t.Errorf("step %d: there is a summary", step)
			}
			got, err := Train(context.Background(), c, dir, Options{Resume: true})
			if err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
			if got.Greedy != want.Greedy || metrics(t, dir) != metrics(t, whole) {
				t.Errorf("interrupted after step %d, when asked %d times: other numbers than undisturbed", step, asked)
			}
		}
		t.Logf("%s was interrupted so often by steps: %v", agent, moments)
		if moments[0] < 2 || moments[want.Steps] < 2 || len(moments) < 4 {
			t.Errorf("%s was interrupted so often by steps: %v, want more at the beginning, in between and at the end", agent, moments)
		}
	}
}

// fixed is an agent that is told what it experiences.
type fixed struct {
	agent
	next experience
}

func (f *fixed) learn(int, int) (experience, error) { return f.next, nil }

// The threshold is reached when the mean of the last hundred training episodes is; what happens before there are a
// hundred, and afterwards, does not matter.
func TestThreshold(t *testing.T) {
	for _, test := range []struct {
		name    string
		returns func(episode int) float64 // counted from 1
		steps   int                       // 0: never
	}{
		{"at once", func(int) float64 { return 20 }, 100},
		{"never", func(int) float64 { return 9.999 }, 0},
		{"just", func(int) float64 { return 10 }, 100},
		{"late", func(k int) float64 { return map[bool]float64{true: 20}[k > 150] }, 200},
		{"a good beginning", func(k int) float64 {
			return map[bool]float64{true: 1000}[k < 10] - 90*map[bool]float64{true: 1}[k >= 10]
		}, 0},
		{"and lost again", func(k int) float64 { return map[bool]float64{true: 10, false: -500}[k <= 120] }, 100},
		{"a window of the last", func(k int) float64 { return map[bool]float64{true: -1e6, false: 10}[k <= 200] }, 300},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &fixed{}
			tr := &trainer{learner: &learner{plan: plan{task: Task{Threshold: new(10.0)}}}, agent: f}
			var err error
			if tr.metrics, err = run.CreateMetrics(filepath.Join(t.TempDir(), run.MetricsFile)); err != nil {
				t.Fatal(err)
			}
			defer tr.metrics.Close()
			for k := 1; k <= 400; k += 2 { // two episodes an update, of a step each
				f.next = experience{steps: 2}
				for _, episode := range []int{k, k + 1} {
					p := Played{}
					p.Return, p.Length = test.returns(episode), 1
					f.next.episodes = append(f.next.episodes, p)
				}
				if err := tr.update(); err != nil {
					t.Fatal(err)
				}
			}
			got := 0
			if tr.at.ThresholdSteps != nil {
				got = *tr.at.ThresholdSteps
			}
			if got != test.steps || got > 0 && *tr.at.ThresholdEpisodes != test.steps {
				t.Errorf("reached after %d steps, want %d", got, test.steps)
			}
		})
	}
}
