package vae

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"relaxgo/data"
	"relaxgo/internal/run"
	"relaxgo/relax/noise"
)

var loadMNIST = sync.OnceValues(func() (data.Dataset, error) { return data.Load("") })

func mnist(t testing.TB) data.Dataset {
	t.Helper()
	set, err := loadMNIST()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// small is a run of 3 epochs of 5 steps, the last of each a short one, that takes a few hundredths of a second.
func small(method string) Config {
	c := DefaultConfig()
	c.Relax, c.Epochs, c.Batch = method, 3, 12
	c.Hidden, c.Latent, c.Classes = []int{16}, 3, 3
	c.TrainImages, c.TestImages, c.IW = 55, 14, 7
	if method == "topk" { // which of 3 bits would choose but one
		c.Latent = 5
	}
	return c
}

const (
	smallPerEpoch = 5 // steps
	smallLast     = 7 // images of an epoch's last batch
)

// trained is a trainer after that many steps, without a run directory.
func trained(t testing.TB, c Config, steps int) *trainer {
	t.Helper()
	tr, err := newTrainer(c, mnist(t))
	if err != nil {
		t.Fatal(err)
	}
	advance(t, tr, steps)
	return tr
}

// randomPrior moves the parameters of a learned prior well away from zero, where training takes its time to go.
func randomPrior(t testing.TB, tr *trainer) {
	t.Helper()
	if p, ok := tr.params.Get(priorParam); ok {
		noise.Fill(noise.NewSource(3, "prior"), noise.Normal, p.Data)
	}
}

// oneBatch fills the graph of a step with a whole batch of training images and noise.
func oneBatch(t testing.TB, tr *trainer) {
	t.Helper()
	rows, err := tr.train.Fill(0, 0, tr.batch.x)
	if err != nil {
		t.Fatal(err)
	}
	tr.setWeights(rows)
	tr.setTemperature()
	fill(tr.batch.noise, 99, "rows")
}

// advance makes more steps.
func advance(t testing.TB, tr *trainer, steps int) {
	t.Helper()
	f := newFeed(tr.train, tr.pixels, tr.batch.noise, tr.Seed, tr.step, tr.step+steps)
	defer f.close()
	for range steps {
		if err := tr.trainStep(f); err != nil {
			t.Fatal(err)
		}
	}
}

func mustTrain(t testing.TB, c Config, dir string, opt Options) Summary {
	t.Helper()
	s, err := Train(context.Background(), c, mnist(t), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// interrupted trains until an event is the one, cancels then, and demands that the run ends by that.
func interrupted(t testing.TB, c Config, dir string, resume bool, the func(Event) bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	_, err := Train(ctx, c, mnist(t), dir, Options{Resume: resume, Report: func(e Event) {
		if the(e) {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want one that wraps context.Canceled", err)
	}
	if _, err := os.Stat(filepath.Join(dir, run.SummaryFile)); err == nil {
		t.Fatal("an interrupted run has a summary")
	}
}

// metrics are the bytes of metrics.csv without the wall-clock column.
func metrics(t testing.TB, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, run.MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i, line := range lines {
		if columns := strings.Split(line, ","); len(columns) == 6 {
			lines[i] = strings.Join(slices.Delete(columns, 2, 3), ",")
		}
	}
	return strings.Join(lines, "")
}

// sameRun demands that two finished runs differ in times alone.
func sameRun(t *testing.T, got, want string, gotSummary, wantSummary Summary) {
	t.Helper()
	if g, w := metrics(t, got), metrics(t, want); g != w {
		t.Errorf("metrics.csv without wall_s:\n%s\nwant\n%s", g, w)
	}
	for _, s := range []*Summary{&gotSummary, &wantSummary} {
		s.TrainSeconds, s.MsPerStep, s.WallSeconds = 0, 0, 0
	}
	if gotSummary != wantSummary {
		t.Errorf("summary %+v\nwant %+v", gotSummary, wantSummary)
	}
	sameCheckpoint(t, got, want)
	g, w := files(t, got), files(t, want)
	for _, name := range []string{run.ImagesFile, run.ConfigFile} {
		if g[name] != w[name] {
			t.Errorf("%s differs", name)
		}
	}
	if g, w := slices.Sorted(maps.Keys(g)), slices.Sorted(maps.Keys(w)); !slices.Equal(g, w) {
		t.Errorf("files %v, want %v", g, w)
	}
}

func sameCheckpoint(t *testing.T, got, want string) {
	t.Helper()
	g, w := checkpoint(t, got), checkpoint(t, want)
	if len(g.Tensors) != len(w.Tensors) {
		t.Errorf("checkpoint of %d tensors, want %d", len(g.Tensors), len(w.Tensors))
	}
	for name, tensor := range w.Tensors {
		if !equalTensors(g.Tensors[name], tensor) {
			t.Errorf("checkpoint: %s differs", name)
		}
	}
}

func equalTensors(a, b run.Tensor) bool {
	if !slices.Equal(a.Shape, b.Shape) {
		return false
	}
	switch y := b.Data.(type) {
	case []float32:
		x, ok := a.Data.([]float32)
		return ok && slices.Equal(x, y)
	case []int64:
		x, ok := a.Data.([]int64)
		return ok && slices.Equal(x, y)
	}
	return false
}

func checkpoint(t testing.TB, dir string) *run.Safetensors {
	t.Helper()
	s, err := run.ReadSafetensors(filepath.Join(dir, run.CheckpointFile))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// files are the contents of a directory by name.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]string)
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		m[e.Name()] = string(text)
	}
	return m
}

// snapshot copies a run directory as kill -9 would leave it.
func snapshot(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range files(t, from) {
		if name != ".lock" {
			put(t, to, name, text)
		}
	}
}

func put(t testing.TB, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func hint(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}
