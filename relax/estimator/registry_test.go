package estimator_test

import (
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/program"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
)

// Every estimator is found by its name, and says what it is.
func TestFind(t *testing.T) {
	names := map[string]bool{}
	for _, e := range estimator.All() {
		info := e.Info()
		if info.Name == "" || info.Summary == "" || info.Source == "" || len(info.Laws) == 0 {
			t.Errorf("%T: %+v", e, info)
		}
		if names[info.Name] {
			t.Errorf("there are two estimators %q", info.Name)
		}
		names[info.Name] = true
		if got, err := estimator.Find(info.Name); err != nil || got != e {
			t.Errorf("Find(%q) = %#v, %v", info.Name, got, err)
		}
	}
	_, err := estimator.Find("rlo")
	if err == nil {
		t.Fatal("an unknown name is found")
	}
	for name := range names {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("the error %q does not list %s", err, name)
		}
	}
}

// A law that is not offered is an error that names those that are.
func TestLawsThatAreNotOffered(t *testing.T) {
	for _, e := range estimator.All() {
		if len(e.Info().Laws) == 2 {
			continue
		}
		c := meter.Case{Law: estimator.Categorical, Logits: []float64{1, 2, 3}, Shape: []int{1, 3}, F: cubic}
		want := "not offered for the categorical law, only for Bernoulli"
		if _, err := meter.Measure(c, e, 1000, 1, nil); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), e.Info().Name) {
			t.Errorf("%s: %v", e.Info().Name, err)
		}
	}
}

// Senseless settings are errors.
func TestSettings(t *testing.T) {
	for _, e := range []estimator.Estimator{
		estimator.RLOO{Samples: 1}, estimator.RLOO{Samples: -3},
		estimator.DoubleCV{Samples: 1}, estimator.DoubleCV{Samples: -3},
		estimator.ARMS{Samples: 1}, estimator.ARMS{Samples: -3},
		estimator.ScoreFunction{Baseline: 9}, estimator.ScoreFunction{Baseline: -1},
		estimator.ScoreFunction{Baseline: estimator.LearnedBaseline, Hidden: -1},
		estimator.MuProp{Baseline: 9}, estimator.MuProp{Baseline: estimator.LearnedBaseline, Hidden: -1},
	} {
		_, err := program.Build(func(g *program.Graph[float32]) error {
			logits, err := g.Input("logits", 2, 3)
			if err != nil {
				return err
			}
			p := estimator.Problem{Logits: logits.Node, Context: logits.Node, F: cubic}
			e.Noise(p)
			e.Parameters(p, 1)
			_, err = e.Build(p, []*G.Node{logits.Node}, nil)
			return err
		})
		if err == nil || !strings.Contains(err.Error(), e.Info().Name) {
			t.Errorf("%+v: %v", e, err)
		} else if strings.Contains(err.Error(), "needed, see") {
			t.Errorf("%+v: the error is about inputs, not about the setting: %v", e, err)
		}
	}
}
