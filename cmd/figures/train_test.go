package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"relaxgo/internal/cli"
	"relaxgo/internal/run"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/study"
	"relaxgo/vae"
)

// store writes what is read of a run in its directory.
func store(t *testing.T, dir string, config any, finished bool) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := run.WriteJSON(filepath.Join(dir, run.ConfigFile), config); err != nil {
		t.Fatal(err)
	}
	if finished {
		if err := run.WriteJSON(filepath.Join(dir, run.SummaryFile), vae.Summary{}); err != nil {
			t.Fatal(err)
		}
	}
}

func newTestStudio(t *testing.T) *studio {
	return newStudio(t.TempDir(), false, cli.NewProgress(io.Discard, cli.ProgressOff))
}

// Runs of other commands are used if they have the settings that a figure needs, and are never touched else.
func TestFind(t *testing.T) {
	type config struct {
		Epochs int `json:"epochs"`
	}
	mine, others := config{10}, config{20}
	for _, test := range []struct {
		name             string
		shared, own      *config
		finished         bool
		want             string // directory
		isFinished, note bool
		force            bool
	}{
		{name: "nothing", want: "x"},
		{name: "unfinished", shared: &mine, want: "x"},
		{name: "finished", shared: &mine, finished: true, want: "x", isFinished: true},
		{name: "other settings", shared: &others, finished: true, want: "figures/runs/x", note: true},
		{name: "other settings, unfinished", shared: &others, want: "figures/runs/x", note: true},
		{name: "other settings, ours there", shared: &others, own: &mine, finished: true, want: "figures/runs/x", isFinished: true, note: true},
		{name: "other settings, ours outdated", shared: &others, own: &others, finished: true, want: "figures/runs/x", force: true, note: true},
	} {
		s := newTestStudio(t)
		if test.shared != nil {
			store(t, s.shared("x"), test.shared, test.finished)
		}
		if test.own != nil {
			store(t, s.own("x"), test.own, test.finished)
		}
		p, err := s.find("x", mine)
		if err != nil || p.dir != filepath.Join(s.out, filepath.FromSlash(test.want)) || p.finished != test.isFinished || p.force != test.force || (p.note != "") != test.note {
			t.Errorf("%s: %+v, %v", test.name, p, err)
		}
		if test.note && !strings.Contains(p.note, "epochs = 20, not 10") {
			t.Errorf("%s: note %q", test.name, p.note)
		}
	}
}

// Runs of all methods as cmd/vae makes them are drawn if all are there.
func TestMethodRuns(t *testing.T) {
	s := newTestStudio(t)
	complete := func(methods []vae.Method) {
		for _, m := range methods {
			cfg, err := vae.DefaultConfig().For(m.Name).Resolved()
			if err != nil {
				t.Fatal(err)
			}
			store(t, s.shared(s.vaeName(m.Name, 1)), cfg, true)
		}
	}
	all := vae.Methods()
	complete(all[1:])
	runs, err := s.methodRuns()
	if err != nil || len(runs) != len(all) {
		t.Fatalf("%d runs, %v", len(runs), err)
	}
	for _, r := range runs {
		if r.cfg.Epochs != 10 || r.cfg.IW != 1 || r.place.finished || !strings.HasPrefix(r.place.dir, s.dir) {
			t.Errorf("one is missing: %+v", r)
		}
	}
	for _, r := range runs {
		if correlated := s.own(s.vaeName(r.cfg.Relax, 1)); r.place.dir == correlated {
			t.Errorf("%s is where figures 1 and 2 keep a run with other settings", r.place.dir)
		}
	}
	complete(all[:1])
	if runs, err = s.methodRuns(); err != nil {
		t.Fatal(err)
	}
	for i, r := range runs {
		if r.cfg.Relax != all[i].Name || r.cfg.Epochs != 10 || r.cfg.IW != 100 || !r.place.finished || strings.HasPrefix(r.place.dir, s.dir) {
			t.Errorf("all are there: %+v", r)
		}
	}
}

func TestSuits(t *testing.T) {
	training := study.Training{T: 0.499, Steps: 100}
	estimators := []estimator.Estimator{estimator.RLOO{}, estimator.ARM{}}
	curves := func() []study.Curve {
		var list []study.Curve
		for _, e := range estimators {
			list = append(list, study.Curve{Info: e.Info(), Training: training, Points: make([][]study.Point, 3)})
		}
		return list
	}
	for _, test := range []struct {
		name   string
		change func(c []study.Curve) []study.Curve
		want   bool
	}{
		{"as wanted", func(c []study.Curve) []study.Curve { return c }, true},
		{"an estimator is missing", func(c []study.Curve) []study.Curve { return c[:1] }, false},
		{"another estimator", func(c []study.Curve) []study.Curve { c[1].Name = "nvil"; return c }, false},
		{"another t", func(c []study.Curve) []study.Curve { c[0].T = 0.45; return c }, false},
		{"shorter", func(c []study.Curve) []study.Curve { c[0].Steps = 50; return c }, false},
		{"fewer seeds", func(c []study.Curve) []study.Curve {
			c[0].Points, c[1].Points = c[0].Points[:1], c[1].Points[:1]
			return c
		}, false},
		{"seeds are missing", func(c []study.Curve) []study.Curve { c[1].Points = c[1].Points[:2]; return c }, false},
	} {
		if got := suits(test.change(curves()), training, 2, estimators); got != test.want {
			t.Errorf("%s: %t, want %t", test.name, got, test.want)
		}
	}
}
