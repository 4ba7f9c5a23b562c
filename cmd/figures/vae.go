package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"relaxgo/vae"
)

// trained is a finished run of a VAE.
type trained struct {
	vae.Summary
	dir string
}

// vaeRun is a run of a VAE that may have to be made.
type vaeRun struct {
	cfg   vae.Config
	place place
}

// run is a run in the place that find finds for its resolved configuration.
func (s *studio) run(cfg vae.Config, find func(config any) (place, error)) (vaeRun, error) {
	resolved, err := cfg.Resolved()
	if err != nil {
		return vaeRun{}, err
	}
	p, err := find(resolved)
	return vaeRun{cfg, p}, err
}

// quickEpochs is how long quick runs are, which see a part of the images only.
const quickEpochs = 3

// config is that of the runs that cmd/vae makes of a method, before they are resolved, or of quick ones.
func (s *studio) config(method string) (vae.Config, error) {
	cfg := vae.DefaultConfig().For(method)
	if !s.quick {
		return cfg, nil
	}
	set, err := s.data()
	cfg = cfg.Quick(set)
	cfg.Epochs = quickEpochs
	return cfg, err
}

// vaeName is that of the directory in which a run of a method is kept.
func (s *studio) vaeName(method string, seed uint64) string {
	return filepath.Join("vae", method, fmt.Sprintf("seed-%d", seed))
}

// vae trains a run in its place, unless it is finished.
func (s *studio) vae(ctx context.Context, what string, cfg vae.Config, p place) (trained, error) {
	summary, err := complete(s, p, vae.ReadSummary, func() (vae.Summary, error) {
		set, err := s.data()
		if err != nil {
			return vae.Summary{}, err
		}
		s.progress.Println(fmt.Sprintf("%s: training %s, seed %d, in %s", what, cfg.Relax, cfg.Seed, p.dir))
		return vae.Train(ctx, cfg, set, p.dir, vae.Options{Force: p.force, Resume: !p.force, Report: func(e vae.Event) {
			switch e.Phase {
			case vae.Training:
				left := time.Duration(float64(e.Total-e.Done) * e.MsPerStep * float64(time.Millisecond))
				s.progress.Update(fmt.Sprintf("%s: %s  epoch %d/%d  step %d/%d  loss %.2f  %v left",
					what, cfg.Relax, e.Epoch, cfg.Epochs, e.Done, e.Total, e.Loss, left.Round(time.Second)))
			case vae.Bounding:
				s.progress.Update(fmt.Sprintf("%s: %s  importance-weighted bound  image %d/%d", what, cfg.Relax, e.Done, e.Total))
			}
		}})
	})
	return trained{summary, p.dir}, err
}

func epochs(n int) string {
	if n == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%d epochs", n)
}
