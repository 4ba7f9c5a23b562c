package vae

import (
	"math"
	"regexp"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/optim"
	"relaxgo/relax"
)

func TestRegistry(t *testing.T) {
	var names []string
	for _, m := range Methods() {
		if !regexp.MustCompile(`^[a-z]+$`).MatchString(m.Name) || slices.Contains(names, m.Name) {
			t.Errorf("name %q: want lower-case letters, and each name once", m.Name)
		}
		names = append(names, m.Name)
		if m.Summary == "" || !regexp.MustCompile(` (19|20)\d\d$`).MatchString(m.Source) {
			t.Errorf("%s: summary %q, source %q", m.Name, m.Summary, m.Source)
		}
		if m.Temperature != "" {
			if s, err := optim.Parse(m.Temperature); err != nil || !(s.From > 0) {
				t.Errorf("%s: default temperature %q: %v", m.Name, m.Temperature, err)
			}
		}
		if found, ok := method(m.Name); !ok || found.Name != m.Name {
			t.Errorf("%s is not found", m.Name)
		}

		// The posterior has the law and the temperature that the registry says.
		g := G.NewGraph()
		shape := []int{4, 3}
		if m.Categorical {
			shape = append(shape, 2)
		}
		logits := G.NewTensor(g, G.Float32, len(shape), G.WithShape(shape...), G.WithName("logits"))
		τ := G.NewScalar(g, G.Float32, G.WithName("temperature"))
		q := m.posterior(logits, τ)
		_, categorical := q.Discrete().(relax.Categorical)
		if _, bits := q.Discrete().(relax.Bernoulli); categorical != m.Categorical || bits == m.Categorical {
			t.Errorf("%s: discrete law %T, categorical: %t", m.Name, q.Discrete(), m.Categorical)
		}
		discrete, softened := false, false
		switch q := q.(type) {
		case relax.StraightThroughBernoulli:
			discrete = true
		case relax.RelaxedCategorical:
			discrete, softened = q.StraightThrough, q.Temperature == τ
		case relax.RelaxedBernoulli:
			softened = q.Temperature == τ
		case relax.HardConcrete:
			softened = q.Temperature == τ
		default:
			t.Errorf("%s: unexpected posterior %T", m.Name, q)
		}
		if softened != (m.Temperature != "") {
			t.Errorf("%s: the posterior takes the temperature: %t, default temperature %q", m.Name, softened, m.Temperature)
		}
		if discrete != (m.relaxedKL == nil) {
			t.Errorf("%s: discrete samples: %t, relaxed divergence: %t", m.Name, discrete, m.relaxedKL != nil)
		}
	}
	if !slices.Equal(MethodNames(), names) {
		t.Errorf("names %v, want %v", MethodNames(), names)
	}
	if _, ok := method(""); ok {
		t.Error("the empty name is a method")
	}
}

// TestEveryMethodLearns trains 60 steps on few images. An untrained decoder is about undecided about 784 pixels, which
// costs 784·log 2 = 543 nats; one grey image for all would do with about 206.
func TestEveryMethodLearns(t *testing.T) {
	for _, c := range variants() {
		t.Run(c.label(), func(t *testing.T) {
			c.LR = "0.01"
			tr := trained(t, c, 1)
			first := tr.lossSum / float64(tr.images)
			advance(t, tr, 59)
			last := tr.lossSum / float64(tr.images)
			if !(math.Abs(first-543) < 10) || !(last < 300) {
				t.Errorf("loss %.1f, then %.1f; want about 543 and less than 300", first, last)
			}
		})
	}
}

// TestQuality trains two epochs of 100 steps. The limits stand a twentieth above what was measured, below the 206
// nats of a model that ignores its code.
func TestQuality(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for some seconds")
	}
	for name, limit := range map[string]float64{
		"hardconcrete": 183, "relaxedbernoulli": 185, "gumbelsoftmax": 197, "stgumbelsoftmax": 197, "straightthrough": 185,
	} {
		c := DefaultConfig()
		c.Relax, c.Epochs, c.TrainImages, c.TestImages, c.IW = name, 2, 12800, 1000, 10
		s := mustTrain(t, c, t.TempDir(), Options{})
		t.Logf("%s: train %.2f, test_loss %.2f, test_nelbo %.2f, test_nll %.2f", name, s.TrainLoss, s.TestLoss, s.TestNELBO, s.TestNLL)
		if !(s.TestNELBO < limit) {
			t.Errorf("%s: test_nelbo %.1f, want less than %.0f", name, s.TestNELBO, limit)
		}
		if !(s.TestNLL < s.TestNELBO) {
			t.Errorf("%s: test_nll %.2f, want less than test_nelbo %.2f", name, s.TestNLL, s.TestNELBO)
		}
	}
}
