package vae

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"relaxgo/data"
	"relaxgo/internal/optim"
	"relaxgo/internal/program"
	"relaxgo/internal/run"
)

// Options says how a run treats its directory and whom it tells about its progress.
type Options struct {
	Force  bool        // begin again if the directory holds a run
	Resume bool        // continue an interrupted run
	Report func(Event) // called during the run, often; may be nil
}

// Event tells how far a run is.
type Event struct {
	Phase       Phase
	Epoch       int     // the epoch under way, or the one that has just ended, from 1
	Done, Total int     // steps of the run, or images of the final bound
	Loss        float64 // Training: mean training loss of the epoch so far; EpochEnd: of the epoch
	MsPerStep   float64 // mean time of a training step so far
	Test        Bounds  // EpochEnd: on the test images
}

// Phase is what a run is at.
type Phase int

const (
	Training Phase = iota // a training step is done
	EpochEnd              // an epoch is trained and tested
	Bounding              // some images of the importance-weighted bound are done
)

// Bounds are negative evidence bounds in nats per image.
type Bounds struct {
	Loss  float64 // with the training sample and the training divergence
	NELBO float64 // with the discrete sample and the discrete divergence
	Open  float64 // expected number of gates that are not zero, if Config.L0 is positive
}

// Summary is the outcome of a run: summary.json.
type Summary struct {
	Relax        string  `json:"relax"`
	Seed         uint64  `json:"seed"`
	Epochs       int     `json:"epochs"`
	Steps        int     `json:"steps"`
	TrainLoss    float64 `json:"train_loss"` // of the last epoch, nats per image
	TestLoss     float64 `json:"test_loss"`  // nats per test image
	TestNELBO    float64 `json:"test_nelbo"`
	TestNLL      float64 `json:"test_nll"`
	GradLogVar   float64 `json:"grad_logvar"`   // of the encoders' gradient after the last epoch, see metrics.csv
	TrainSeconds float64 `json:"train_seconds"` // spent in training steps
	MsPerStep    float64 `json:"ms_per_step"`
	WallSeconds  float64 `json:"wall_seconds"` // of the whole run, evaluation included
	Parameters   int     `json:"parameters"`
	TrainImages  int     `json:"train_images"`
	TestImages   int     `json:"test_images"`
}

// ReadSummary reads the outcome of the finished run in the directory dir.
func ReadSummary(dir string) (Summary, error) {
	var s Summary
	path := filepath.Join(dir, run.SummaryFile)
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ErrFinished says that the run to be resumed is finished already.
var ErrFinished = run.ErrFinished

// Train trains and tests a model and keeps the run in the directory dir: config.json, metrics.csv,
// checkpoint.safetensors, images.safetensors and, at the very end, summary.json.
//
// When ctx is cancelled the run saves a checkpoint and returns an error that wraps ctx.Err(); with Options.Resume it
// continues from there to the same numbers that it would have reached undisturbed. A loss that is not finite ends the
// run with an error that names the step. A configuration that makes no sense is a *ConfigError, and then nothing is
// written.
func Train(ctx context.Context, cfg Config, set data.Dataset, dir string, opt Options) (Summary, error) {
	t, err := newTrainer(cfg, set)
	if err != nil {
		return Summary{}, err
	}
	t.report = opt.Report
	d, err := run.Create(dir, run.Options{Config: t.plan.Config, Force: opt.Force, Resume: opt.Resume, Extent: []string{"epochs"}})
	if err != nil {
		return Summary{}, err
	}
	defer d.Close()
	if d.Resumed() {
		err = t.restore(d)
	} else {
		t.metrics, err = run.CreateMetrics(d.Path(run.MetricsFile))
	}
	if err != nil {
		return Summary{}, err
	}
	summary, err := t.run(ctx, d)
	return summary, errors.Join(err, t.metrics.Close())
}

// trainer is a run under way.
type trainer struct {
	*model
	set         data.Dataset
	train, test *data.Batches
	data        string // fingerprint of set
	batch       *bound
	adam        optim.Optimizer
	metrics     *run.Metrics
	report      func(Event)

	progress
	last Bounds // of the last evaluation
	nll  float64
	// logvar is that of the encoders' gradient after the last epoch.
	logvar float64
}

// progress is what a checkpoint keeps beside weights and moments. All randomness is a function of the step.
type progress struct {
	step      int           // training steps done
	lossSum   float64       // of the images of the epoch so far
	images    int           // how many they are
	trainTime time.Duration // spent in training steps
}

func newTrainer(cfg Config, set data.Dataset) (*trainer, error) {
	p, err := cfg.resolve()
	if err != nil {
		return nil, err
	}
	for _, s := range []struct {
		key  string
		set  *data.Set
		keep int
	}{{"train", &set.Train, p.TrainImages}, {"test", &set.Test, p.TestImages}} {
		if s.keep > s.set.Len() {
			return nil, &ConfigError{Key: s.key, Reason: fmt.Sprintf("%d: there are %d images", s.keep, s.set.Len()), Advice: fmt.Sprintf("-%s=0 uses all of them", s.key)}
		}
		if s.keep > 0 {
			s.set.Images, s.set.Labels = s.set.Images[:s.keep*s.set.Pixels()], s.set.Labels[:s.keep]
		}
	}
	if n := set.Train.Len(); p.Batch > n {
		return nil, &ConfigError{Key: "batch", Reason: fmt.Sprintf("%d: there are %d training images", p.Batch, n), Advice: fmt.Sprintf("-batch=%d or less", n)}
	}
	if set, err = set.Binarize(p.Targets, p.Seed); err != nil {
		return nil, err
	}
	t := &trainer{set: set, data: fingerprint(set)}
	if t.train, err = data.NewBatches(set.Train, p.Batch, data.BatchOptions{Shuffle: true, Seed: p.Seed}); err != nil {
		return nil, err
	}
	if t.test, err = data.NewBatches(set.Test, min(p.Batch, set.Test.Len()), data.BatchOptions{Seed: p.Seed}); err != nil {
		return nil, err
	}
	if t.model, err = newModel(p, set.Train.Pixels()); err != nil {
		return nil, err
	}
	if t.batch, err = t.bind(p.Batch); err != nil {
		return nil, err
	}
	t.adam, err = optim.NewAdam(optim.AdamSettings{})
	return t, err
}

func (t *trainer) steps() int { return t.Epochs * t.train.PerEpoch() }

func (t *trainer) tell(e Event) {
	if t.report == nil {
		return
	}
	if t.step > 0 {
		e.MsPerStep = t.trainTime.Seconds() * 1000 / float64(t.step)
	}
	t.report(e)
}

// run trains from where progress stands to the end.
func (t *trainer) run(ctx context.Context, d *run.Dir) (Summary, error) {
	perEpoch := t.train.PerEpoch()
	if t.step > 0 && t.step%perEpoch == 0 { // a checkpoint of an epoch's end is taken before its evaluation
		if err := t.endEpoch(ctx); err != nil {
			return Summary{}, err
		}
	}
	f := newFeed(t.train, t.pixels, t.batch.noise, t.Seed, t.step, t.steps())
	defer f.close()
	for t.step < t.steps() {
		if ctx.Err() != nil {
			if err := t.save(d); err != nil {
				return Summary{}, err
			}
			return Summary{}, fmt.Errorf("stopped after step %d of %d: %w", t.step, t.steps(), ctx.Err())
		}
		if err := t.trainStep(f); err != nil {
			return Summary{}, err
		}
		t.tell(Event{Phase: Training, Epoch: (t.step-1)/perEpoch + 1, Done: t.step, Total: t.steps(), Loss: t.lossSum / float64(t.images)})
		if t.step%perEpoch == 0 {
			if err := t.save(d); err != nil {
				return Summary{}, err
			}
			if err := t.endEpoch(ctx); err != nil {
				return Summary{}, err
			}
		}
	}
	return t.finish(d)
}

// trainStep makes one update from the next input of the feed.
func (t *trainer) trainStep(f *feed) error {
	start := time.Now()
	if t.step%t.train.PerEpoch() == 0 {
		t.lossSum, t.images = 0, 0
	}
	rows, err := f.take(t.batch)
	if err != nil {
		return err
	}
	t.setWeights(rows)
	t.setTemperature()
	if err := t.batch.step.Run(); err != nil {
		return t.explain(fmt.Sprint("step ", t.step+1), err)
	}
	if err := t.update(); err != nil {
		return t.astray(fmt.Sprint("step ", t.step+1), err) // by a gradient: all else has been validated
	}
	for _, v := range t.batch.step.Output(outRows)[:rows] {
		t.lossSum += float64(v)
	}
	t.images += rows
	t.step++
	t.trainTime += time.Since(start)
	return nil
}

// setWeights makes the loss the mean over rows; those behind the last image of an epoch count for nothing.
func (t *trainer) setWeights(rows int) {
	for i := range t.batch.weight {
		t.batch.weight[i] = 0
		if i < rows {
			t.batch.weight[i] = 1 / float32(rows)
		}
	}
}

// update moves all parameters along the gradients of the last step.
func (t *trainer) update() error {
	if err := t.adam.Step(t.batch.gradient(t.batch.slots), t.lr.At(t.step)); err != nil || len(t.batch.control) == 0 {
		return err
	}
	return t.adam.Step(t.batch.gradient(t.batch.control), t.cvlr.At(t.step))
}

// explain says where a program failed and, if its numbers are not finite any more, what helps.
func (t *trainer) explain(where string, err error) error {
	if errors.As(err, new(*program.NonFiniteError)) {
		return t.astray(where, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// astray is the error for numbers that are not finite any more.
func (t *trainer) astray(where string, err error) error {
	cure := "a smaller -lr"
	if t.method.Temperature != "" {
		cure += " or a higher -temperature"
	}
	if len(t.batch.control) > 0 {
		cure += " or a smaller -cvlr"
	}
	return &diverged{fmt.Errorf("%s: %w", where, err), cure + " usually keeps the loss finite; -force begins again"}
}

// diverged is a run whose loss is not finite any more.
type diverged struct {
	error
	hint string
}

func (e *diverged) Unwrap() error { return e.error }
func (e *diverged) Hint() string  { return e.hint }

func (t *trainer) setTemperature() {
	if t.batch.temperature != nil {
		t.batch.temperature[0] = float32(t.temperature.At(t.step))
	}
}

// endEpoch tests the model and records the epoch; after the last one it computes the importance-weighted bound too.
func (t *trainer) endEpoch(ctx context.Context) error {
	epoch := t.step / t.train.PerEpoch()
	loss := t.lossSum / float64(t.images)
	var err error
	if t.last, err = t.evaluate(epoch); err != nil {
		return err
	}
	if t.logvar, err = t.gradientLogVar(epoch); err != nil {
		return err
	}
	t.metrics.Add(t.step, epoch, "train", "loss", loss)
	t.metrics.Add(t.step, epoch, "train", "grad_logvar", t.logvar)
	t.metrics.Add(t.step, epoch, "test", "test_loss", t.last.Loss)
	t.metrics.Add(t.step, epoch, "test", "test_nelbo", t.last.NELBO)
	if t.L0 > 0 {
		t.metrics.Add(t.step, epoch, "test", "open_gates", t.last.Open)
	}
	if p, ok := t.params.Get(temperatureParam); ok {
		t.metrics.Add(t.step, epoch, "train", "temperature", math.Exp(float64(p.Data[0])))
	}
	t.tell(Event{Phase: EpochEnd, Epoch: epoch, Done: t.step, Total: t.steps(), Loss: loss, Test: t.last})
	if t.step == t.steps() {
		if t.nll, err = t.importanceWeighted(ctx); err != nil {
			return err
		}
		t.metrics.Add(t.step, epoch, "test", "test_nll", t.nll)
	}
	return t.metrics.Flush()
}

// finish writes what a finished run leaves behind, the summary last.
func (t *trainer) finish(d *run.Dir) (Summary, error) {
	images, err := t.pictures()
	if err != nil {
		return Summary{}, err
	}
	if err := images.WriteFile(d.Path(run.ImagesFile)); err != nil {
		return Summary{}, err
	}
	s := Summary{
		Relax: t.Relax, Seed: t.Seed, Epochs: t.Epochs, Steps: t.step,
		TrainLoss: t.lossSum / float64(t.images), TestLoss: t.last.Loss, TestNELBO: t.last.NELBO, TestNLL: t.nll, GradLogVar: t.logvar,
		TrainSeconds: t.trainTime.Seconds(), MsPerStep: t.trainTime.Seconds() * 1000 / float64(t.step),
		WallSeconds: t.metrics.Elapsed().Seconds(), Parameters: t.params.Count(),
		TrainImages: t.set.Train.Len(), TestImages: t.set.Test.Len(),
	}
	return s, run.WriteJSON(d.Path(run.SummaryFile), struct {
		Summary
		Environment run.Environment `json:"environment"`
	}{s, run.CurrentEnvironment()})
}
