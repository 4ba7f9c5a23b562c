package rl

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"relaxgo/internal/optim"
	"relaxgo/internal/run"
)

// Prefixes of a checkpoint's tensors. Moments and steps are those of a network's optimiser.
const (
	prefixParam  = "parameter/"
	prefixMoment = "moment/"
	prefixSteps  = "steps/"
)

// Keys of a checkpoint's metadata.
const (
	keyRun      = "run" // see Config.identity
	keyProgress = "progress"
	keyElapsed  = "elapsed"
)

// save writes a checkpoint: parameters, the optimisers' state, what the agent remembers, and how far the run is.
func (t *trainer) save(d *run.Dir) error {
	if err := t.metrics.Flush(); err != nil {
		return err
	}
	progress, err := json.Marshal(t.at)
	if err != nil {
		return err
	}
	s := run.Safetensors{Tensors: map[string]run.Tensor{}, Metadata: map[string]string{
		keyRun:      t.identity(),
		keyProgress: string(progress),
		keyElapsed:  t.metrics.Elapsed().String(),
	}}
	for _, p := range t.params.All() {
		s.Tensors[prefixParam+p.Name] = run.Tensor{Shape: p.Shape, Data: p.Data}
	}
	for _, o := range t.optimizers { // the names of parameters tell whose state it is
		state := o.State()
		for name, m := range state.Moments {
			s.Tensors[prefixMoment+name] = run.Tensor{Shape: []int{len(m)}, Data: m}
		}
		for name, n := range state.Steps {
			s.Tensors[prefixSteps+name] = run.Tensor{Data: []int64{n}}
		}
	}
	if err := t.agent.save(&s); err != nil {
		return err
	}
	if err := s.Seal(); err != nil {
		return err
	}
	return s.WriteFile(d.Path(run.CheckpointFile))
}

// identity names the run of a configuration, so that the checkpoint of one is not taken for that of another.
func (c Config) identity() string { return fmt.Sprintf("%s, %s, seed %d", c.Env, c.Agent, c.Seed) }

// readCheckpoint reads the checkpoint of a run, and makes sure that it is whole and of that run.
func readCheckpoint(path string, c Config) (*run.Safetensors, error) {
	s, err := run.ReadSafetensors(path)
	if err != nil {
		return nil, err
	}
	if err := s.CheckSeal(); err != nil {
		return nil, err
	}
	if of := s.Metadata[keyRun]; of != c.identity() {
		return nil, fmt.Errorf("%s is of another run: %s, not %s", path, of, c.identity())
	}
	return s, nil
}

// parameters reads those of the model from a checkpoint.
func (m *model) parameters(s *run.Safetensors) error {
	weights := make(map[string][]float32)
	var err error
	for _, p := range m.params.All() {
		if weights[p.Name], err = run.Values[float32](s, prefixParam+p.Name, p.Shape); err != nil {
			return err
		}
	}
	return m.params.SetState(weights)
}

// resume takes up the checkpoint of a run directory and its metrics.
func (t *trainer) resume(d *run.Dir) error {
	s, err := readCheckpoint(d.Path(run.CheckpointFile), t.Config)
	if err != nil {
		return &unusable{err}
	}
	elapsed, err := t.restore(s)
	if err != nil {
		return &unusable{fmt.Errorf("cannot resume: %w", err)}
	}
	if err := t.complete(d.Path(run.MetricsFile)); err != nil {
		return &unusable{err}
	}
	if t.metrics, err = run.ContinueMetrics(d.Path(run.MetricsFile), t.at.Step, elapsed); err != nil {
		return &unusable{err}
	}
	return nil
}

// complete makes sure that metrics.csv holds all training episodes that the checkpoint counts.
func (t *trainer) complete(path string) error {
	rows, err := run.ReadMetrics(path)
	if err != nil {
		return err
	}
	episodes := 0
	for _, r := range rows {
		if r.Step <= t.at.Step && r.Split == splitTrain && r.Name == rowReturn {
			episodes++
		}
	}
	if episodes != t.at.Episodes {
		return fmt.Errorf("%s is damaged: it has %d of the %d episodes up to the checkpoint", path, episodes, t.at.Episodes)
	}
	return nil
}

func (t *trainer) restore(s *run.Safetensors) (elapsed time.Duration, err error) {
	if err := json.Unmarshal([]byte(s.Metadata[keyProgress]), &t.at); err != nil {
		return 0, fmt.Errorf("%s: %w", keyProgress, err)
	}
	if elapsed, err = time.ParseDuration(s.Metadata[keyElapsed]); err != nil {
		return 0, fmt.Errorf("%s: %w", keyElapsed, err)
	}
	if err := t.parameters(s); err != nil {
		return 0, err
	}
	for _, n := range []network{t.policy, t.value, t.control} {
		if n.name == "" {
			continue
		}
		state := optim.State{Steps: map[string]int64{}, Moments: map[string][]float32{}}
		for _, name := range slices.Sorted(maps.Keys(s.Tensors)) {
			if of, ok := strings.CutPrefix(name, prefixMoment); ok && n.owns(of) {
				if state.Moments[of], err = run.Values[float32](s, name, s.Tensors[name].Shape); err != nil {
					return 0, err
				}
			}
			if of, ok := strings.CutPrefix(name, prefixSteps); ok && n.owns(of) {
				count, err := run.Values[int64](s, name, nil)
				if err != nil {
					return 0, err
				}
				state.Steps[of] = count[0]
			}
		}
		if err := t.optimizers[n.name].SetState(state); err != nil {
			return 0, err
		}
	}
	return elapsed, t.agent.restore(s)
}

// unusable is a run whose files cannot be used.
type unusable struct{ error }

func (e *unusable) Unwrap() error { return e.error }
func (e *unusable) Hint() string  { return "training with -force begins the run again" }

// unregistered is a run in an environment that this program does not know.
type unregistered struct{ error }

func (e *unregistered) Unwrap() error { return e.error }
func (e *unregistered) Hint() string {
	return "a program that registers that environment can load the run; if the name is damaged, training with -force begins it again"
}
