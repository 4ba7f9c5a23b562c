package main

import (
	"fmt"
	"path/filepath"
	"sync"

	"relaxgo/data"
	"relaxgo/internal/cli"
	"relaxgo/internal/run"
)

// studio is what the figures of one command are made with.
type studio struct {
	out      string // where all commands keep their results
	dir      string // where the figures go
	quick    bool
	progress *cli.Progress
	data     func() (data.Dataset, error) // MNIST, read when it is first needed
}

func newStudio(out string, quick bool, progress *cli.Progress) *studio {
	s := &studio{out: out, dir: filepath.Join(out, "figures"), quick: quick, progress: progress}
	s.data = sync.OnceValues(func() (data.Dataset, error) { return data.Load("") })
	if quick {
		s.dir += "-quick"
	}
	return s
}

// small ends the caption of a figure of quick runs.
func (s *studio) small() string {
	if s.quick {
		return " A quick look: shorter or fewer runs than usual."
	}
	return ""
}

// own is where a run is kept that no other command would make, or that finds its place taken.
func (s *studio) own(name string) string { return filepath.Join(s.dir, "runs", name) }

// shared is where the other commands keep a run of that name.
func (s *studio) shared(name string) string { return filepath.Join(s.out, name) }

// place is a run directory for a run with a certain configuration.
type place struct {
	dir      string
	finished bool   // the run is there
	force    bool   // a run with another configuration is there, which was ours
	note     string // why the run is not where it would be expected; empty if it is
}

// find finds the place for a run that another command would make, too: where that keeps it, unless a run with other
// settings is there, which is left alone.
func (s *studio) find(name string, config any) (place, error) {
	dir := s.shared(name)
	state, difference, err := run.Look(dir, config)
	if err != nil {
		return place{}, damaged(err, dir)
	}
	if state != run.Other {
		return place{dir: dir, finished: state == run.Finished}, nil
	}
	p, err := s.findOwn(name, config)
	p.note = fmt.Sprintf("%s was made with %s, so it stays as it is and another run is made", dir, difference)
	return p, err
}

// findOwn finds the place for a run that no other command would make.
func (s *studio) findOwn(name string, config any) (place, error) {
	dir := s.own(name)
	state, _, err := run.Look(dir, config)
	if err != nil {
		return place{}, damaged(err, dir)
	}
	return place{dir: dir, finished: state == run.Finished, force: state == run.Other}, nil
}

// damaged is an error about the files of a run.
func damaged(err error, dir string) error {
	return cli.Hint(err, "remove %s to have it made again, or name another directory with -out", dir)
}

// complete trains the run of a place unless it is finished, and returns its outcome.
func complete[Summary any](s *studio, p place, read func(dir string) (Summary, error), train func() (Summary, error)) (Summary, error) {
	if p.finished {
		summary, err := read(p.dir)
		if err != nil {
			err = damaged(err, p.dir)
		}
		return summary, err
	}
	if p.note != "" {
		s.progress.Println(p.note)
	}
	return train()
}
