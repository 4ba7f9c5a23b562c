package main

import (
	"context"
	"fmt"
	"path/filepath"

	"relaxgo/plots"
	"relaxgo/vae"
)

// methodRuns are the runs of all methods: those of cmd/vae if all are there, else some without the importance-weighted
// bound, which takes longer than the training.
func (s *studio) methodRuns() ([]vaeRun, error) {
	var usual, own []vaeRun
	there := !s.quick // quick runs are never those of cmd/vae
	for _, m := range vae.Methods() {
		cfg, err := s.config(m.Name)
		if err != nil {
			return nil, err
		}
		name := s.vaeName(m.Name, cfg.Seed)
		if !s.quick {
			r, err := s.run(cfg, func(config any) (place, error) { return s.find(name, config) })
			if err != nil {
				return nil, err
			}
			usual = append(usual, r)
			there = there && r.place.finished
		}
		cfg.IW = 1
		r, err := s.run(cfg, func(config any) (place, error) {
			return s.findOwn(filepath.Join("methods", m.Name, fmt.Sprintf("seed-%d", cfg.Seed)), config)
		})
		if err != nil {
			return nil, err
		}
		own = append(own, r)
	}
	if there {
		return usual, nil
	}
	return own, nil
}

// methodsFigure is the learning curves of all methods.
func methodsFigure(ctx context.Context, s *studio, command string) (figure, error) {
	runs, err := s.methodRuns()
	if err != nil {
		return figure{}, err
	}
	f := figure{
		name: "methods", title: "Learning curves of all methods",
		table: &table{head: []string{"method", "codes", "test_loss: sample of training", "test_nelbo: exact codes", "ms per step", "remark"}},
	}
	var list []plots.Compared
	var last trained
	for i, m := range vae.Methods() {
		what := fmt.Sprintf("figure methods, %d/%d", i+1, len(runs))
		if last, err = s.vae(ctx, what, runs[i].cfg, runs[i].place); err != nil {
			return figure{}, err
		}
		list = append(list, plots.Compared{Name: m.Name, Group: m.Family(), Dir: last.dir})
		f.table.rows = append(f.table.rows, []string{m.Name, string(m.Codes), decimals(last.TestLoss, 2), decimals(last.TestNELBO, 2), decimals(last.MsPerStep, 2), m.Caveat})
	}
	f.caption = fmt.Sprintf("Negative evidence bound with exactly discrete codes (test_nelbo) after every epoch, of all methods at their default settings: "+
		"%s training images, n = %s test images, %s, seed %d. Codes of different panels can carry different amounts of information.%s\n%s",
		grouped(last.TrainImages), grouped(last.TestImages), epochs(last.Epochs), last.Seed, s.small(), command)
	f.Figure, err = plots.ComparisonCurves(list, f.caption)
	return f, err
}
