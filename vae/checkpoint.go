package vae

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"relaxgo/data"
	"relaxgo/internal/optim"
	"relaxgo/internal/run"
)

// Prefixes of a checkpoint's tensors.
const (
	prefixParam  = "parameter/"
	prefixMoment = "moment/"
	prefixSteps  = "steps/"
)

// save writes a checkpoint: weights, the optimiser's state, and how far the run is.
func (t *trainer) save(d *run.Dir) error {
	if err := t.metrics.Flush(); err != nil {
		return err
	}
	s := run.Safetensors{Tensors: map[string]run.Tensor{}, Metadata: map[string]string{
		"data":       t.data,
		"step":       strconv.Itoa(t.step),
		"images":     strconv.Itoa(t.images),
		"loss_sum":   strconv.FormatFloat(t.lossSum, 'g', -1, 64),
		"train_time": t.trainTime.String(),
		"elapsed":    t.metrics.Elapsed().String(),
	}}
	for _, p := range t.params.All() {
		s.Tensors[prefixParam+p.Name] = run.Tensor{Shape: p.Shape, Data: p.Data}
	}
	state := t.adam.State()
	for name, m := range state.Moments {
		s.Tensors[prefixMoment+name] = run.Tensor{Shape: []int{len(m)}, Data: m}
	}
	for name, n := range state.Steps {
		s.Tensors[prefixSteps+name] = run.Tensor{Data: []int64{n}}
	}
	if err := s.Seal(); err != nil {
		return err
	}
	return s.WriteFile(d.Path(run.CheckpointFile))
}

// restore takes up the checkpoint of a run directory and its metrics.
func (t *trainer) restore(d *run.Dir) error {
	path := d.Path(run.CheckpointFile)
	s, err := run.ReadSafetensors(path)
	if err == nil {
		err = s.CheckSeal()
	}
	if err != nil {
		return &unusable{err}
	}
	fail := func(err error) error {
		return &unusable{fmt.Errorf("%s cannot be resumed from: %w", path, err)}
	}
	if s.Metadata["data"] != t.data {
		return &ConfigError{Key: "data", Reason: t.set.Source + ": these are not the images that the run was begun with", Advice: "give -data as before, or -force to begin again"}
	}
	weights := make(map[string][]float32)
	for _, p := range t.params.All() {
		if weights[p.Name], err = run.Values[float32](s, prefixParam+p.Name, p.Shape); err != nil {
			return fail(err)
		}
	}
	state := optim.State{Steps: map[string]int64{}, Moments: map[string][]float32{}}
	for _, name := range slices.Sorted(maps.Keys(s.Tensors)) {
		tensor := s.Tensors[name]
		switch {
		case strings.HasPrefix(name, prefixMoment):
			if state.Moments[name[len(prefixMoment):]], err = run.Values[float32](s, name, tensor.Shape); err != nil {
				return fail(err)
			}
		case strings.HasPrefix(name, prefixSteps):
			n, err := run.Values[int64](s, name, nil)
			if err != nil {
				return fail(err)
			}
			state.Steps[name[len(prefixSteps):]] = n[0]
		}
	}
	var p progress
	var elapsed time.Duration
	for key, parse := range map[string]func(string) error{
		"step":       func(v string) (err error) { p.step, err = strconv.Atoi(v); return },
		"images":     func(v string) (err error) { p.images, err = strconv.Atoi(v); return },
		"loss_sum":   func(v string) (err error) { p.lossSum, err = strconv.ParseFloat(v, 64); return },
		"train_time": func(v string) (err error) { p.trainTime, err = time.ParseDuration(v); return },
		"elapsed":    func(v string) (err error) { elapsed, err = time.ParseDuration(v); return },
	} {
		if err := parse(s.Metadata[key]); err != nil {
			return fail(fmt.Errorf("%s: %w", key, err))
		}
	}
	if perEpoch := t.train.PerEpoch(); p.step > t.steps() {
		return &ConfigError{
			Key: "epochs", Reason: fmt.Sprintf("%d: the run has gone further already", t.Epochs),
			Advice: fmt.Sprintf("-epochs=%d or more continues", (p.step-1)/perEpoch+1),
		}
	}
	if p.step < 0 || p.images != t.imagesAfter(p.step) {
		return fail(fmt.Errorf("it stands at step %d after %d images of the epoch", p.step, p.images))
	}
	if err := t.params.SetState(weights); err != nil {
		return fail(err)
	}
	if err := t.adam.SetState(state); err != nil {
		return fail(err)
	}
	t.progress = p
	// Rows of the checkpoint's own step come from an evaluation that is made again.
	if t.metrics, err = run.ContinueMetrics(d.Path(run.MetricsFile), p.step-1, elapsed); err != nil {
		return &unusable{err}
	}
	return nil
}

// imagesAfter is how many images an epoch has seen after that many steps of the run.
func (t *trainer) imagesAfter(step int) int {
	if step == 0 {
		return 0
	}
	return min(((step-1)%t.train.PerEpoch()+1)*t.train.Size(), t.set.Train.Len())
}

// unusable is a run that cannot be continued from its files.
type unusable struct{ error }

func (e *unusable) Unwrap() error { return e.error }
func (e *unusable) Hint() string  { return "-force begins again" }

// fingerprint tells data sets apart.
func fingerprint(d data.Dataset) string {
	h := sha256.New()
	for _, s := range []data.Set{d.Train, d.Test} {
		fmt.Fprintln(h, s.Len(), s.Rows, s.Cols)
		_, _ = h.Write(s.Images) // A hash takes everything.
	}
	return hex.EncodeToString(h.Sum(nil))
}
