package vae

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat"
)

// TestGradientVariance compares grad_logvar with the variances of the encoders' gradients, gathered at the same noise.
func TestGradientVariance(t *testing.T) {
	for _, c := range []Config{small("reinforce"), layered("rebar", 3, 2), layered("relaxedbernoulli", 2, 2, 2), small("topk")} {
		t.Run(c.label(), func(t *testing.T) {
			const epoch = 2
			tr := trained(t, c, smallPerEpoch) // the last batch was a short one
			got, err := tr.gradientLogVar(epoch)
			if err != nil {
				t.Fatal(err)
			}
			rows, err := tr.test.Fill(testEpoch, 0, tr.batch.x)
			if err != nil {
				t.Fatal(err)
			}
			for i := range tr.batch.weight {
				tr.batch.weight[i] = 0
				if i < rows {
					tr.batch.weight[i] = 1 / float32(rows)
				}
			}
			values := make(map[string][][]float64) // of each parameter
			for n := range 10 {
				fill(tr.batch.noise, tr.Seed, "variance/noise", epoch, n)
				if err := tr.batch.step.Run(); err != nil {
					t.Fatal(err)
				}
				for l := range tr.layers {
					for i := range 2 {
						for _, part := range []string{".weight", ".bias"} {
							name := layerName("encoder", l, i) + part
							grad := widen(tr.batch.step.Output(gradientOf(name)))
							if values[name] == nil {
								values[name] = make([][]float64, len(grad))
							}
							for i, g := range grad {
								values[name][i] = append(values[name][i], g)
							}
						}
					}
				}
			}
			sum, parameters := 0.0, 0
			for _, name := range slices.Sorted(maps.Keys(values)) {
				for _, v := range values[name] {
					sum += stat.Variance(v, nil)
					parameters++
				}
			}
			if want := math.Log(sum / float64(parameters)); !(math.Abs(got-want) <= 1e-9) {
				t.Errorf("grad_logvar %.12f, want %.12f", got, want)
			}
		})
	}
}

// TestNoVariance: where the encoder is so sure that no gradient depends on what is drawn, the variance is zero.
func TestNoVariance(t *testing.T) {
	tr := tiny(t, layered("straightthrough", 3, 2))
	for _, name := range []string{"encoder.1.bias", "encoder2.1.bias"} {
		p, ok := tr.params.Get(name)
		if !ok {
			t.Fatalf("there is no %s", name)
		}
		for i := range p.Data {
			p.Data[i] = 300
		}
	}
	if v, err := tr.gradientLogVar(1); err != nil || v != -744 {
		t.Errorf("grad_logvar %v, %v; want −744 in place of −∞", v, err)
	}
}

// TestVarianceDisturbsNothing: a training that is interrupted by tests goes on as if it were not.
func TestVarianceDisturbsNothing(t *testing.T) {
	for _, c := range []Config{layered("rebar", 3, 2), small("relaxedbernoulli")} {
		c.Temperature = ""
		want, tr := trained(t, c, 12), trained(t, c, 0)
		for range 3 {
			advance(t, tr, 4)
			first, err := tr.gradientLogVar(1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tr.evaluate(1); err != nil {
				t.Fatal(err)
			}
			if again, err := tr.gradientLogVar(1); err != nil || again != first {
				t.Errorf("%s: grad_logvar %v, then %v, %v", c.label(), first, again, err)
			}
			if other, err := tr.gradientLogVar(2); err != nil || other == first {
				t.Errorf("%s: another epoch gives the same grad_logvar %v, %v", c.label(), other, err)
			}
		}
		if tr.lossSum != want.lossSum || tr.images != want.images || tr.step != want.step {
			t.Errorf("%s: progress %+v, want %+v", c.label(), tr.progress, want.progress)
		}
		for name, w := range want.params.State() {
			if got, _ := tr.params.Get(name); !slices.Equal(got.Data, w) {
				t.Errorf("%s: %s differs", c.label(), name)
			}
		}
	}
}

// TestLowerVariance: on one trained model, control variates do what they are there for. What REINFORCE subtracts is here the mean
// of what it weighs, the best constant.
func TestLowerVariance(t *testing.T) {
	c := small("rebar")
	c.Batch, c.LR = 50, "0.01"
	rebar := trained(t, c, 100)
	logVar := func(method string) float64 {
		c.Relax = method
		tr := trained(t, c.For(method), 0)
		for _, p := range tr.params.All() {
			if trainedOne, ok := rebar.params.Get(p.Name); ok {
				copy(p.Data, trainedOne.Data)
			}
			if strings.HasSuffix(p.Name, "baseline.constant") {
				p.Data[0] = float32(rebar.lossSum / float64(rebar.images))
			}
		}
		v, err := tr.gradientLogVar(1)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	reinforce, rloo, controlled, biased := logVar("reinforce"), logVar("rloo"), logVar("rebar"), logVar("straightthrough")
	if !(controlled < reinforce-1 && rloo < reinforce && biased < controlled) {
		t.Errorf("grad_logvar: reinforce %.2f, rloo %.2f, rebar %.2f, straightthrough %.2f; want them to fall, by 1 from reinforce to rebar", reinforce, rloo, controlled, biased)
	}
	t.Logf("grad_logvar: reinforce %.2f, rloo %.2f, rebar %.2f, straightthrough %.2f", reinforce, rloo, controlled, biased)
}
