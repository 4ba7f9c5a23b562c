package vae

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"relaxgo/data"
	"relaxgo/internal/program"
	"relaxgo/internal/run"
	"relaxgo/relax/noise"
)

// TestShortBatch trains one epoch of 5 steps, the last with 7 images in 12 rows, and makes the mean over the 55 images
// from the reference.
func TestShortBatch(t *testing.T) {
	tr := trained(t, small("hardconcrete"), 0)
	sum, images := 0.0, 0
	for step := range smallPerEpoch {
		r, rows := referenceTo(tr), 12
		advance(t, tr, 1)
		if step == smallPerEpoch-1 {
			rows = smallLast
		}
		for i, w := range tr.batch.weight {
			want := float32(0)
			if i < rows {
				want = 1 / float32(rows)
			}
			if w != want {
				t.Errorf("step %d: weight of row %d is %v, want %v", step+1, i, w, want)
			}
		}
		x, noise, τ := tr.rows()
		for i := range rows {
			sum += r.terms(x[i], noise[i], τ).loss
		}
		images += rows
	}
	if tr.images != 55 || images != 55 {
		t.Errorf("an epoch of %d images, want 55", tr.images)
	}
	if got, want := tr.lossSum/float64(tr.images), sum/55; !(math.Abs(got-want) <= 1e-4) {
		t.Errorf("training loss %.6f, want the mean %.6f over all images within 1e-4", got, want)
	}

	// Whatever the rows behind the last image hold, nothing depends on it.
	outputs := func() map[string][]float32 {
		if err := tr.batch.step.Run(); err != nil {
			t.Fatal(err)
		}
		m := map[string][]float32{outLoss: slices.Clone(tr.batch.step.Output(outLoss))}
		for _, p := range tr.params.All() {
			m[p.Name] = slices.Clone(tr.batch.step.Output(gradientOf(p.Name)))
		}
		return m
	}
	before := outputs()
	for i := smallLast * tr.pixels; i < len(tr.batch.x); i++ {
		tr.batch.x[i] = float32(i%7) - 3
	}
	noise := tr.batch.noise[0].data
	for i := smallLast * tr.codeSize(); i < len(noise); i++ {
		noise[i] = 50
	}
	for name, after := range outputs() {
		if !slices.Equal(after, before[name]) {
			t.Errorf("%s depends on rows that hold no image", name)
		}
	}
}

// TestTestSetPadding gives the test images in batches with and without a short one.
func TestTestSetPadding(t *testing.T) {
	c := small("straightthrough")
	c.TestImages = 24
	whole, err := trained(t, c, 3).evaluate(1)
	if err != nil {
		t.Fatal(err)
	}
	c.TestImages = 17 // the same noise and images in a full and a short batch
	tr := trained(t, c, 3)
	part, err := tr.evaluate(1)
	if err != nil {
		t.Fatal(err)
	}
	c.TestImages = 24
	full := trained(t, c, 3)
	sum := 0.0
	if err := full.eachTestBatch(func(index, _ int) error {
		fill(full.batch.noise, full.Seed, "test/noise", 1, index)
		err := full.batch.evaluate.Run()
		for i, v := range full.batch.evaluate.Output(outHard) {
			if 12*index+i < 17 {
				sum += float64(v)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if part.NELBO != sum/17 {
		t.Errorf("test_nelbo of 17 images %v, want %v", part.NELBO, sum/17)
	}
	if part.Loss != part.NELBO { // the training sample is discrete
		t.Errorf("test_loss %v, want test_nelbo %v", part.Loss, part.NELBO)
	}
	if part.NELBO == whole.NELBO {
		t.Error("7 more images change nothing")
	}
}

// TestFreshNoise holds every step and every batch of a test to noise of its own.
func TestFreshNoise(t *testing.T) {
	tr := trained(t, small("hardconcrete"), 0)
	var seen [][]float32
	for range 2 * smallPerEpoch {
		advance(t, tr, 1)
		noise := slices.Clone(tr.batch.noise[0].data)
		if slices.ContainsFunc(seen, func(old []float32) bool { return slices.Equal(old, noise) }) {
			t.Errorf("step %d has the noise of an earlier one", tr.step)
		}
		seen = append(seen, noise)
	}
	if a, err := tr.evaluate(1); err != nil {
		t.Error(err)
	} else if b, err := tr.evaluate(2); err != nil || a == b {
		t.Errorf("two epochs are tested with %+v and %+v, %v", a, b, err)
	}

	// Were a batch's noise that of another, copies of one image would have the same mean in one batch and in two.
	set := mnist(t)
	set.Test.Images, set.Test.Labels = bytes.Repeat(set.Test.Image(0), 24), make([]byte, 24)
	means := func(images int) (nelbo, nll float64) {
		c := small("hardconcrete")
		c.IW, c.TestImages = 100, images // 10 images at a time
		tr, err := newTrainer(c, set)
		if err != nil {
			t.Fatal(err)
		}
		advance(t, tr, 2*smallPerEpoch)
		bounds, err := tr.evaluate(1)
		if err != nil {
			t.Fatal(err)
		}
		nll, err = tr.importanceWeighted(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return bounds.NELBO, nll
	}
	one, _ := means(12)
	two, _ := means(24)
	_, oneNLL := means(10)
	_, twoNLL := means(20)
	if one == two || oneNLL == twoNLL {
		t.Errorf("test_nelbo %v and %v, test_nll %v and %v: want different ones", one, two, oneNLL, twoNLL)
	}
}

func TestSeeds(t *testing.T) {
	c := small("gumbelsoftmax")
	c.Targets = data.Dynamic
	a, b, other := t.TempDir(), t.TempDir(), t.TempDir()
	first, second := mustTrain(t, c, a, Options{}), mustTrain(t, c, b, Options{})
	sameRun(t, b, a, second, first)
	c.Seed = 2
	if s := mustTrain(t, c, other, Options{}); s.TestNLL == first.TestNLL || metrics(t, other) == metrics(t, a) {
		t.Error("two seeds give the same numbers")
	}
}

// TestCores makes steps at the default sizes, at which all loops are shared between cores.
func TestCores(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(before)
	c := DefaultConfig()
	c.TrainImages, c.TestImages = 300, 100
	var weights map[string][]float32
	var bounds Bounds
	for _, cores := range []int{1, 2, 5} {
		runtime.GOMAXPROCS(cores)
		tr := trained(t, c, 4)
		b, err := tr.evaluate(1)
		if err != nil {
			t.Fatal(err)
		}
		if weights == nil {
			weights, bounds = tr.params.State(), b
			continue
		}
		if b != bounds {
			t.Errorf("%d cores: %+v, 1 core: %+v", cores, b, bounds)
		}
		for name, w := range tr.params.State() {
			if !slices.Equal(w, weights[name]) {
				t.Errorf("%d cores: %s differs from that of 1 core", cores, name)
			}
		}
	}
}

func step(n int) func(Event) bool {
	return func(e Event) bool { return e.Phase == Training && e.Done == n }
}

func at(p Phase) func(Event) bool { return func(e Event) bool { return e.Phase == p } }

func TestInterrupted(t *testing.T) {
	learned := small("correlated")
	learned.Corr, learned.KL, learned.Temperature = CorrLearned, KLRelaxed, "learned:0.5"
	for _, c := range []Config{small("hardconcrete"), small("stgumbelsoftmax"), learned} {
		c.IW = 500 // 2 images at a time, so that there is something to interrupt
		undisturbed := t.TempDir()
		want := mustTrain(t, c, undisturbed, Options{})
		for _, test := range []struct {
			name  string
			stops []func(Event) bool
		}{
			{"before the first step", []func(Event) bool{nil}},
			{"first step", []func(Event) bool{step(1)}},
			{"mid-epoch", []func(Event) bool{step(7)}},
			{"last step of an epoch", []func(Event) bool{step(5)}},
			{"end of an epoch", []func(Event) bool{at(EpochEnd)}},
			{"first step of an epoch", []func(Event) bool{step(6)}},
			{"last step", []func(Event) bool{step(15)}},
			{"final bound", []func(Event) bool{at(Bounding)}},
			{"twice", []func(Event) bool{step(3), step(12)}},
			{"twice at one place", []func(Event) bool{step(10), at(EpochEnd)}},
			{"ends of epochs", []func(Event) bool{at(EpochEnd), at(EpochEnd), at(Bounding), at(Bounding)}},
		} {
			t.Run(c.Relax+"/"+test.name, func(t *testing.T) {
				dir := t.TempDir()
				for i, stop := range test.stops {
					if stop == nil {
						ctx, cancel := context.WithCancel(context.Background())
						cancel()
						if _, err := Train(ctx, c, mnist(t), dir, Options{}); !errors.Is(err, context.Canceled) {
							t.Fatalf("error %v, want one that wraps context.Canceled", err)
						}
						continue
					}
					interrupted(t, c, dir, i > 0, stop)
				}
				got := mustTrain(t, c, dir, Options{Resume: true})
				sameRun(t, dir, undisturbed, got, want)
			})
		}
	}
}

// TestKilled resumes from what kill -9 leaves: metrics ahead of the checkpoint, half a row.
func TestKilled(t *testing.T) {
	c := small("relaxedbernoulli")
	undisturbed := t.TempDir()
	want := mustTrain(t, c, undisturbed, Options{})
	for _, test := range []struct {
		name string
		when func(Event) bool
		rest string // of metrics.csv
	}{
		{"before the first checkpoint", step(3), ""},
		{"while an epoch is tested", at(EpochEnd), ""},
		{"in the second epoch", step(8), ""},
		{"half a row", step(8), "10,2,0.1,tr"},
		{"rows ahead", step(8), "8,2,0.1,train,loss,1\n10,2,0.1,train,loss,1\n10,2,0.1,test,test_loss,2"},
		{"in the final bound", at(Bounding), "15,3,0.1,test,test_nll,3\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			copied := false
			alive := t.TempDir()
			if _, err := Train(context.Background(), c, mnist(t), alive, Options{Report: func(e Event) {
				if !copied && test.when(e) {
					copied = true
					snapshot(t, alive, dir)
				}
			}}); err != nil {
				t.Fatal(err)
			}
			text := files(t, dir)[run.MetricsFile]
			put(t, dir, run.MetricsFile, text+test.rest)
			put(t, dir, "checkpoint.safetensors.0.tmp", "half")
			got := mustTrain(t, c, dir, Options{Resume: true})
			sameRun(t, dir, undisturbed, got, want)
		})
	}
}

// TestLonger continues an interrupted run to more epochs than were first asked for.
func TestLonger(t *testing.T) {
	c := small("straightthrough")
	c.IW = 500
	want, dir := t.TempDir(), t.TempDir()
	wantSummary := mustTrain(t, c, want, Options{})
	c.Epochs = 2
	interrupted(t, c, dir, false, at(Bounding))
	c.Epochs = 1
	_, err := Train(context.Background(), c, mnist(t), dir, Options{Resume: true})
	var mistake *ConfigError
	if !errors.As(err, &mistake) || mistake.Key != "epochs" || !strings.Contains(mistake.Advice, "-epochs=2") {
		t.Errorf("fewer epochs than done: error %v, hint %q", err, hint(err))
	}
	c.Epochs = 3
	sameRun(t, dir, want, mustTrain(t, c, dir, Options{Resume: true}), wantSummary)
}

func TestRefusals(t *testing.T) {
	c := small("hardconcrete")
	done, begun := t.TempDir(), t.TempDir()
	mustTrain(t, c, done, Options{})
	interrupted(t, c, begun, false, step(7))
	other := c
	other.Hidden = []int{17}
	shorter := mnist(t)
	shorter.Train.Images, shorter.Train.Labels = shorter.Train.Images[28*28:], shorter.Train.Labels[1:]

	for _, test := range []struct {
		name, dir string
		config    Config
		set       data.Dataset
		opt       Options
		err, hint string
	}{
		{"finished", done, c, mnist(t), Options{}, "holds a finished run", "-force"},
		{"finished, resume", done, c, mnist(t), Options{Resume: true}, "already finished", "-force"},
		{"begun", begun, c, mnist(t), Options{}, "holds an unfinished run", "-resume"},
		{"other configuration", begun, other, mnist(t), Options{Resume: true}, "hidden = [16], not [17]", "-force"},
		{"other images", begun, c, shorter, Options{Resume: true}, "not the images that the run was begun with", "-data as before"},
	} {
		before := files(t, test.dir)
		_, err := Train(context.Background(), test.config, test.set, test.dir, test.opt)
		wantError(t, err, test.err)
		if !strings.Contains(hint(err), test.hint) {
			t.Errorf("%s: hint %q, want one with %q", test.name, hint(err), test.hint)
		}
		if errors.Is(err, ErrFinished) != (test.name == "finished, resume") {
			t.Errorf("%s: ErrFinished: %t", test.name, errors.Is(err, ErrFinished))
		}
		if !maps.Equal(files(t, test.dir), before) {
			t.Errorf("%s: the refusal has changed files", test.name)
		}
	}
}

func TestDamagedCheckpoint(t *testing.T) {
	c := small("hardconcrete")
	whole := t.TempDir()
	interrupted(t, c, whole, false, step(7))
	text := files(t, whole)[run.CheckpointFile]
	edit := func(f func(s *run.Safetensors)) func(dir string) {
		return func(dir string) {
			s := checkpoint(t, whole)
			f(s)
			if err := s.Seal(); err != nil {
				t.Fatal(err)
			}
			if err := s.WriteFile(filepath.Join(dir, run.CheckpointFile)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		name   string
		damage func(dir string)
		err    string
	}{
		{"empty", func(dir string) { put(t, dir, run.CheckpointFile, "") }, run.CheckpointFile},
		{"truncated header", func(dir string) { put(t, dir, run.CheckpointFile, text[:20]) }, run.CheckpointFile},
		{"truncated data", func(dir string) { put(t, dir, run.CheckpointFile, text[:len(text)-1]) }, run.CheckpointFile},
		{"no safetensors", func(dir string) { put(t, dir, run.CheckpointFile, strings.Repeat("x", 500)) }, run.CheckpointFile},
		{"a bit", func(dir string) {
			flipped := []byte(text)
			flipped[len(flipped)-3] ^= 1
			put(t, dir, run.CheckpointFile, string(flipped))
		}, "damaged"},
		{"no weight", edit(func(s *run.Safetensors) { delete(s.Tensors, "parameter/decoder.1.bias") }), "parameter/decoder.1.bias"},
		{"weight of another shape", edit(func(s *run.Safetensors) {
			s.Tensors["parameter/encoder.1.bias"] = run.Tensor{Shape: []int{4}, Data: make([]float32, 4)}
		}), "parameter/encoder.1.bias"},
		{"moment of another shape", edit(func(s *run.Safetensors) {
			s.Tensors["moment/encoder.1.bias/m"] = run.Tensor{Shape: []int{4}, Data: make([]float32, 4)}
		}), "encoder.1.bias"},
		{"no moment", edit(func(s *run.Safetensors) { delete(s.Tensors, "moment/encoder.1.bias/m") }), "encoder.1.bias"},
		{"steps of another type", edit(func(s *run.Safetensors) {
			s.Tensors["steps/encoder.1.bias"] = run.Tensor{Data: []float32{7}}
		}), "steps/encoder.1.bias"},
		{"no step", edit(func(s *run.Safetensors) { delete(s.Metadata, "step") }), "step"},
		{"negative step", edit(func(s *run.Safetensors) { s.Metadata["step"] = "-1" }), "step -1"},
		{"other images", edit(func(s *run.Safetensors) { s.Metadata["images"] = "0" }), "step 7 after 0 images"},
		{"no loss", edit(func(s *run.Safetensors) { s.Metadata["loss_sum"] = "much" }), "loss_sum"},
		{"no metrics", func(dir string) { _ = os.Remove(filepath.Join(dir, run.MetricsFile)) }, run.MetricsFile},
		{"broken metrics", func(dir string) { put(t, dir, run.MetricsFile, "step\n1\n") }, run.MetricsFile},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			snapshot(t, whole, dir)
			test.damage(dir)
			before := files(t, dir)
			_, err := Train(context.Background(), c, mnist(t), dir, Options{Resume: true})
			wantError(t, err, test.err)
			if !strings.Contains(hint(err), "-force") {
				t.Errorf("error %v has the hint %q, want one with -force", err, hint(err))
			}
			if !maps.Equal(files(t, dir), before) {
				t.Error("the refusal has changed files")
			}
			mustTrain(t, c, dir, Options{Force: true})
		})
	}
}

func TestDiverged(t *testing.T) {
	c := small("hardconcrete")
	c.LR = "1e20"
	dir := t.TempDir()
	for i := range 2 { // a resumed run says the same
		_, err := Train(context.Background(), c, mnist(t), dir, Options{Resume: i > 0})
		wantError(t, err, "step 2: ", "loss is NaN")
		if !errors.As(err, new(*program.NonFiniteError)) {
			t.Errorf("error %v does not wrap the program's", err)
		}
		for _, part := range []string{"-lr", "-temperature", "-force"} {
			if !strings.Contains(hint(err), part) {
				t.Errorf("hint %q does not speak of %s", hint(err), part)
			}
		}
		if names := slices.Sorted(maps.Keys(files(t, dir))); !slices.Equal(names, []string{run.ConfigFile, run.MetricsFile}) {
			t.Errorf("files %v, want configuration and metrics only", names)
		}
	}

	// In a later epoch the state at the end of the last good one stays.
	c = small("straightthrough")
	c.LR = "exp:1e-3:1e25:40"
	c.Epochs = 20
	dir = t.TempDir()
	epochs := 0
	_, err := Train(context.Background(), c, mnist(t), dir, Options{Report: func(e Event) {
		if e.Phase == EpochEnd {
			epochs = e.Epoch
		}
	}})
	wantError(t, err, "step ")
	if strings.Contains(hint(err), "-temperature") {
		t.Errorf("hint %q, but %s has no temperature", hint(err), c.Relax)
	}
	s := checkpoint(t, dir)
	if want := fmt.Sprint(smallPerEpoch * epochs); epochs < 2 || s.Metadata["step"] != want {
		t.Errorf("checkpoint of step %s after %d epochs: want 2 epochs or more, and the end of the last", s.Metadata["step"], epochs)
	}
	for name, tensor := range s.Tensors {
		if w, ok := tensor.Data.([]float32); ok && slices.ContainsFunc(w, func(v float32) bool { return v-v != 0 }) {
			t.Errorf("checkpoint: %s is not finite", name)
		}
	}
	t.Logf("%v (%d epochs done)", err, epochs)
	if _, err := os.Stat(filepath.Join(dir, run.SummaryFile)); err == nil {
		t.Error("a diverged run has a summary")
	}
}

// TestNothingWritten holds Train to write nothing if the configuration does not fit the data.
func TestNothingWritten(t *testing.T) {
	for _, change := range []func(*Config){
		func(c *Config) { c.Latent = 0 },
		func(c *Config) { c.Batch = 56 },
		func(c *Config) { c.TrainImages = 60001 },
		func(c *Config) { c.TestImages = 10001 },
	} {
		c := small("hardconcrete")
		change(&c)
		dir := filepath.Join(t.TempDir(), "run")
		_, err := Train(context.Background(), c, mnist(t), dir, Options{})
		if !errors.As(err, new(*ConfigError)) || hint(err) == "" {
			t.Errorf("%+v: error %v with hint %q, want a ConfigError with advice", c, err, hint(err))
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%+v: a directory was made", c)
		}
	}
}

// TestEvents follows the course of a run.
func TestEvents(t *testing.T) {
	c := small("gumbelsoftmax")
	c.IW = 500
	var got []string
	_, err := Train(context.Background(), c, mnist(t), t.TempDir(), Options{Report: func(e Event) {
		got = append(got, fmt.Sprint(e.Phase, e.Epoch, e.Done, e.Total))
		if e.Phase != Bounding && !(e.Loss > 0) || e.Phase == EpochEnd && !(e.Test.Loss > 0 && e.Test.NELBO > 0) || !(e.MsPerStep > 0) {
			t.Errorf("event %+v", e)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for n := 1; n <= 15; n++ {
		epoch := (n + 4) / 5
		want = append(want, fmt.Sprint(Training, epoch, n, 15))
		if n%5 == 0 {
			want = append(want, fmt.Sprint(EpochEnd, epoch, n, 15))
		}
	}
	for n := 2; n <= 14; n += 2 {
		want = append(want, fmt.Sprint(Bounding, 3, n, 14))
	}
	if !slices.Equal(got, want) {
		t.Errorf("events %v\nwant %v", got, want)
	}
}

// TestExtraMetrics: a learned temperature and the expected number of open gates are recorded after every epoch.
func TestExtraMetrics(t *testing.T) {
	c := small("hardconcrete")
	c.L0, c.KL, c.Temperature = 2, KLRelaxed, "learned:0.5"
	dir := t.TempDir()
	var open []float64
	if _, err := Train(context.Background(), c, mnist(t), dir, Options{Report: func(e Event) {
		if e.Phase == EpochEnd {
			open = append(open, e.Test.Open)
		}
	}}); err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]string)
	for line := range strings.Lines(metrics(t, dir)) { // step, epoch, split, name, value
		if f := strings.Split(strings.TrimSpace(line), ","); len(f) == 5 {
			values[f[2]+" "+f[3]] = append(values[f[2]+" "+f[3]], f[4])
		}
	}
	var gates []string
	for _, v := range open {
		if gates = append(gates, fmt.Sprint(v)); !(v > 0 && v < 3) {
			t.Errorf("%v of 3 gates are open", v)
		}
	}
	if got := values["test open_gates"]; len(got) != 3 || !slices.Equal(got, gates) {
		t.Errorf("open gates %v, want those %v of 3 epochs", got, gates)
	}
	tr := trained(t, c, 3*smallPerEpoch)
	p, _ := tr.params.Get(temperatureParam)
	last := fmt.Sprint(math.Exp(float64(p.Data[0])))
	if got := values["train temperature"]; len(got) != 3 || got[2] != last || got[0] == got[2] {
		t.Errorf("temperatures %v, want those of 3 epochs, the last %s", got, last)
	}
	b, err := tr.evaluate(3)
	if err != nil {
		t.Fatal(err)
	}
	r, want := referenceTo(tr), 0.0
	for i := range c.TestImages {
		want += r.description().open(r.network("encoder", pixels(tr, i)), r.temperatureOr(0)) / float64(c.TestImages)
	}
	if !(math.Abs(b.Open-want) <= 1e-5) || fmt.Sprint(b.Open) != gates[2] {
		t.Errorf("%v gates are open after %d steps, recorded %s, want %v", b.Open, tr.step, gates[2], want)
	}
	if τ := math.Exp(float64(p.Data[0])); !(math.Abs(τ-0.5) < 0.02) || τ == 0.5 {
		t.Errorf("from ½, %d steps of 10⁻³ have led the temperature to %v", tr.step, τ)
	}

	plain := t.TempDir()
	mustTrain(t, small("hardconcrete"), plain, Options{})
	for _, name := range []string{"open_gates", "temperature"} {
		if strings.Contains(metrics(t, plain), name) {
			t.Errorf("%s is recorded where there is none", name)
		}
	}
}

func TestTargets(t *testing.T) {
	losses := make(map[float64]data.Targets)
	for _, targets := range []data.Targets{data.Grey, data.Static, data.Dynamic, data.Threshold} {
		c := small("relaxedbernoulli")
		c.Targets = targets
		dir := t.TempDir()
		s := mustTrain(t, c, dir, Options{})
		if other, seen := losses[s.TestNELBO]; seen || !(s.TestNELBO > 0) {
			t.Errorf("%v: test_nelbo %v, which %v has too", targets, s.TestNELBO, other)
		}
		losses[s.TestNELBO] = targets
		images, err := run.ReadSafetensors(filepath.Join(dir, run.ImagesFile))
		if err != nil {
			t.Fatal(err)
		}
		binary := true
		for _, v := range images.Tensors["originals"].Data.([]float32) {
			binary = binary && (v == 0 || v == 1)
		}
		if binary != (targets != data.Grey) {
			t.Errorf("%v: all pixels of the test images are 0 or 1: %t", targets, binary)
		}
	}
}

// TestPictures looks at the arrays that figures are drawn from.
func TestPictures(t *testing.T) {
	for _, test := range []struct {
		method           string
		images, pictured int
	}{{"hardconcrete", 14, 8}, {"gumbelsoftmax", 5, 5}, {"straightthrough", 1, 1}} {
		c := small(test.method)
		c.TestImages = test.images
		tr := trained(t, c, 2)
		s, err := tr.pictures()
		if err != nil {
			t.Fatal(err)
		}
		for name, n := range map[string]int{"originals": test.pictured, "reconstructions": test.pictured, "samples": 64} {
			tensor := s.Tensors[name]
			if !slices.Equal(tensor.Shape, []int{n, 28, 28}) {
				t.Errorf("%s: %s has shape %v, want %d images", test.method, name, tensor.Shape, n)
			}
			for _, v := range tensor.Data.([]float32) {
				if !(v >= 0 && v <= 1) {
					t.Fatalf("%s: %s holds %v", test.method, name, v)
				}
			}
		}
		for i := range test.pictured {
			want := pixels(tr, i)
			for j, v := range s.Tensors["originals"].Data.([]float32)[i*tr.pixels:][:tr.pixels] {
				if float64(v) != want[j] {
					t.Fatalf("%s: picture %d is not test image %d", test.method, i, i)
				}
			}
		}
	}
}

// Every segment of a noise input has a stream of its own, and the feed, which draws on one core and ahead of time, draws
// what fill draws.
func TestNoiseSegments(t *testing.T) {
	const step = 7
	noises := []noiseInput{
		{kind: noise.Gumbel, data: make([]float32, 3*noiseSegment+5)},
		{kind: noise.Gumbel, data: make([]float32, noiseSegment)},
	}
	fill(noises, 1, "train/noise", step)
	first := noises[0].data[:noiseSegment]
	for i, other := range [][]float32{noises[0].data[noiseSegment:], noises[0].data[2*noiseSegment:], noises[0].data[3*noiseSegment:], noises[1].data} {
		if n := min(len(other), noiseSegment); slices.Equal(other[:n], first[:n]) {
			t.Errorf("segment %d repeats the first", i+1)
		}
	}
	set := mnist(t)
	batches, err := data.NewBatches(set.Test, 10, data.BatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f := newFeed(batches, set.Test.Pixels(), noises, 1, step, step+1)
	defer f.close()
	in := <-f.ready
	for i, n := range noises {
		if !slices.Equal(in.noise[i], n.data) {
			t.Errorf("the feed draws other noise than fill for input %d", i)
		}
	}
}
