package bridge

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// The densities, divergences and gradients of PyTorch; see testdata/README.md. The gradient of the log-density is
// log π_k − E log π_k, and that of KL(q ‖ p) to α_p is the difference of the two E log π: they prove MeanLog.
func TestDirichletAgainstPyTorch(t *testing.T) {
	raw := must[[]byte](t)(os.ReadFile("testdata/dirichlet.json"))
	var file struct {
		Cases []struct {
			Case   string
			Params struct {
				Alpha  []float64
				QAlpha []float64 `json:"q_alpha"`
				PAlpha []float64 `json:"p_alpha"`
			}
			Value   [][]float64
			LogProb []float64 `json:"log_prob"`
			KL      float64
			Grad    struct{ Alpha []float64 } `json:"grad_of_sum_log_prob"`
			GradKL  struct {
				Q []float64 `json:"q_alpha"`
				P []float64 `json:"p_alpha"`
			} `json:"grad_of_sum_kl"`
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, c := range file.Cases {
		seen[c.Case]++
		switch c.Case {
		case "dirichlet":
			d := dirichlet(t, c.Params.Alpha...)
			for i, pi := range c.Value {
				near(t, "log p", must[float64](t)(d.LogProb(pi)), c.LogProb[i], 1e-13)
				near(t, "p", must[float64](t)(d.Prob(pi)), math.Exp(c.LogProb[i]), 1e-12)
			}
			for k, m := range d.MeanLog() {
				grad := -float64(len(c.Value)) * m
				for _, pi := range c.Value {
					grad += math.Log(pi[k])
				}
				near(t, "∂ log p", grad, c.Grad.Alpha[k], 1e-12)
			}
		case "kl_dirichlet":
			q, p := dirichlet(t, c.Params.QAlpha...), dirichlet(t, c.Params.PAlpha...)
			near(t, "KL", must[float64](t)(KL(q, p)), c.KL, 1e-13)
			for k := range c.Params.QAlpha {
				near(t, "∂KL/∂α_p", p.MeanLog()[k]-q.MeanLog()[k], c.GradKL.P[k], 1e-12)
				const h = 1e-5
				at := func(step float64) float64 {
					alpha := q.Alpha()
					alpha[k] += step
					return must[float64](t)(KL(dirichlet(t, alpha...), p))
				}
				near(t, "∂KL/∂α_q", (at(h)-at(-h))/(2*h), c.GradKL.Q[k], 1e-9)
			}
		}
	}
	if seen["dirichlet"] != 3 || seen["kl_dirichlet"] != 1 {
		t.Errorf("cases seen: %v", seen)
	}
}

func TestDirichletByHand(t *testing.T) {
	d := dirichlet(t, 8, 2, 2)
	nearAll(t, "Mean", d.Mean(), []float64{2. / 3, 1. / 6, 1. / 6}, 1e-15)
	nearAll(t, "Mode", must[[]float64](t)(d.Mode()), []float64{7. / 9, 1. / 9, 1. / 9}, 1e-15)
	nearAll(t, "ModeSoftmax", d.ModeSoftmax(), []float64{2. / 3, 1. / 6, 1. / 6}, 1e-15)
	nearAll(t, "Variance", d.Variance(), []float64{8 * 4. / (144 * 13), 2 * 10. / (144 * 13), 2 * 10. / (144 * 13)}, 1e-16)
	near(t, "Covariance", d.Covariance().At(0, 1), -8*2./(144*13), 1e-16)
	// Γ(12)/Γ(8) = 7920, so p(⅔, ⅙, ⅙) = 7920·(⅔)⁷/36.
	pi := []float64{2. / 3, 1. / 6, 1. / 6}
	density := 7920 * math.Pow(2./3, 7) / 36
	near(t, "p(π)", must[float64](t)(d.Prob(pi)), density, 1e-13)
	z := []float64{math.Log(8) + 3, math.Log(2) + 3, math.Log(2) + 3}
	near(t, "p(y)", must[float64](t)(d.ProbSoftmax(z)), density*(2./3)/36, 1e-14)
	near(t, "log p(y)", must[float64](t)(d.LogProbSoftmax(z)), math.Log(density*(2./3)/36), 1e-13)
	// The uniform distribution on a triangle of area ½.
	flat := dirichlet(t, 1, 1, 1)
	near(t, "Entropy", flat.Entropy(), -math.Log(2), 1e-15)
	near(t, "p", must[float64](t)(flat.Prob([]float64{0, 0.5, 0.5})), 2, 1e-15)
	// −E log(1 / (π √(x(1−x)))) of the arcsine law is log(π/4).
	near(t, "Entropy", dirichlet(t, 0.5, 0.5).Entropy(), math.Log(math.Pi/4), 1e-14)
	nearAll(t, "Alpha", d.Alpha(), []float64{8, 2, 2}, 0)
}

// Both modes are what a search around them finds: lower everywhere near.
func TestDirichletModesAreHighest(t *testing.T) {
	d := dirichlet(t, 8, 2, 3)
	mode := must[[]float64](t)(d.Mode())
	soft := d.ModeSoftmax()
	logits := make([]float64, 3)
	for k, p := range soft {
		logits[k] = math.Log(p)
	}
	for _, step := range [][]float64{{1, -1, 0}, {-1, 1, 0}, {1, 0, -1}, {-1, 0, 1}, {0, 1, -1}, {0, -1, 1}} {
		pi, z := make([]float64, 3), make([]float64, 3)
		for k := range step {
			pi[k] = mode[k] + 1e-4*step[k]
			z[k] = logits[k] + 1e-4*step[k]
		}
		if !(must[float64](t)(d.LogProb(pi)) < must[float64](t)(d.LogProb(mode))) {
			t.Errorf("the density on the simplex rises from its mode towards %v", step)
		}
		if !(must[float64](t)(d.LogProbSoftmax(z)) < must[float64](t)(d.LogProbSoftmax(logits))) {
			t.Errorf("the softmax density rises from its mode towards %v", step)
		}
	}
}

func TestDirichletModeAtTheEdges(t *testing.T) {
	nearAll(t, "Mode", must[[]float64](t)(dirichlet(t, 2, 1, 1).Mode()), []float64{1, 0, 0}, 0)
	for _, alpha := range [][]float64{{1, 1, 1}, {0.5, 9, 9}, {0.5, 0.5}} {
		_, err := dirichlet(t, alpha...).Mode()
		wantError(t, "Mode", err, "ModeSoftmax")
	}
}

func TestDirichletIntegratesToOne(t *testing.T) {
	for _, alpha := range [][]float64{{8, 2, 2}, {1, 1, 1}, {2.5, 4, 1.5}} {
		d := dirichlet(t, alpha...)
		near(t, "∫p dπ", overTriangle(func(pi []float64) float64 { return must[float64](t)(d.Prob(pi)) }), 1, 1e-8)
	}
	for _, alpha := range [][]float64{{8, 2, 2}, {1, 1, 1}, {0.5, 2, 7}} {
		d := dirichlet(t, alpha...)
		near(t, "∫p dy", overPlane(70, 0.5, func(z []float64) float64 { return must[float64](t)(d.ProbSoftmax(z)) }), 1, 1e-6)
	}
}

func TestDirichletOnTheEdges(t *testing.T) {
	inf := math.Inf(1)
	edge := []float64{0, 0.25, 0.75}
	for _, c := range []struct {
		alpha []float64
		want  float64
	}{{[]float64{2, 1, 1}, -inf}, {[]float64{1, 1, 1}, math.Log(2)}, {[]float64{0.5, 1, 1}, inf}} {
		if got := must[float64](t)(dirichlet(t, c.alpha...).LogProb(edge)); got != c.want && !(math.Abs(got-c.want) < 1e-15) {
			t.Errorf("log p of %v on the edge is %g, want %g", c.alpha, got, c.want)
		}
	}
	_, err := dirichlet(t, 0.5, 2, 1).LogProb([]float64{0, 0, 1})
	wantError(t, "a corner without limit", err, "corner")
}

func TestDirichletSampleMoments(t *testing.T) {
	n := 200_000
	if !testing.Short() {
		n = 1_000_000
	}
	for i, alpha := range [][]float64{{8, 2, 2}, {0.5, 2, 7, 1.3}} {
		d := dirichlet(t, alpha...)
		rows := drawn(t)(d.Sample(n, seeded(uint64(i))))
		samplesHave(t, "π", rows, d.Mean(), d.Covariance())
		logs := drawn(t)(d.Sample(n, seeded(uint64(i)+10)))
		logs.Apply(func(_, _ int, v float64) float64 { return math.Log(v) }, logs)
		// Cov(log π_i, log π_j) = δ_ij ψ′(α_i) − ψ′(A).
		cov := symmetric(d.K(), func(i, j int) float64 {
			if i == j {
				return trigamma(d.alpha[i]) - trigamma(d.total)
			}
			return -trigamma(d.total)
		})
		samplesHave(t, "log π", logs, d.MeanLog(), cov)
	}
}

// A library that divides Gamma variables returns 0/0 where all of them underflow.
func TestDirichletSamplesOfTinyConcentrations(t *testing.T) {
	d := dirichlet(t, 1e-3, 1e-3, 2e-3)
	rows := drawn(t)(d.Sample(20_000, seeded(1)))
	samplesHave(t, "π", rows, d.Mean(), d.Covariance())
	z := drawn(t)(dirichlet(t, minAlpha, minAlpha).SampleSoftmax(1000, seeded(2)))
	for i := range 1000 {
		if a, b := z.At(i, 0), z.At(i, 1); math.IsNaN(a) || math.IsInf(a, 0) || math.Abs(a+b) > 1e-14/minAlpha || math.Abs(a) > maxNumber {
			t.Fatalf("logits %g, %g", a, b)
		}
	}
}

func TestNewDirichletRefuses(t *testing.T) {
	for _, alpha := range [][]float64{{}, {1}, {1, 0}, {1, -1}, {math.NaN(), 1}, {1, math.Inf(1)}, {1, 1e-60}, {1, 1e10}} {
		_, err := NewDirichlet(alpha...)
		wantError(t, "NewDirichlet", err, "")
	}
}

func TestDirichletRefusesPointsOffTheSimplex(t *testing.T) {
	d := dirichlet(t, 8, 2, 2)
	q := Laplace(d)
	for _, pi := range [][]float64{nil, {1}, {0.5, 0.5}, {0.5, 0.5, 0.5}, {1.5, -0.5, 0}, {math.NaN(), 0.5, 0.5}, {math.Inf(1), 0, 0}} {
		for _, p := range []Distribution{d, q} {
			_, err := p.LogProb(pi)
			wantError(t, "LogProb", err, "")
			v, err := p.Prob(pi)
			wantError(t, "Prob", err, "")
			if !math.IsNaN(v) {
				t.Errorf("Prob(%v) = %g with an error, want NaN", pi, v)
			}
		}
	}
	for _, z := range [][]float64{nil, {1, 2}, {1, 2, math.NaN()}, {1, 2, math.Inf(-1)}, {1, 2, 1e300}} {
		for _, p := range []Distribution{d, q} {
			_, err := p.LogProbSoftmax(z)
			wantError(t, "LogProbSoftmax", err, "")
			_, err = p.ProbSoftmax(z)
			wantError(t, "ProbSoftmax", err, "")
		}
	}
	for _, p := range []Distribution{d, q} {
		_, err := p.Sample(0, seeded(1))
		wantError(t, "Sample", err, "samples")
		_, err = p.SampleSoftmax(math.MaxInt, seeded(1))
		wantError(t, "SampleSoftmax", err, "samples")
		_, err = p.Sample(1, nil)
		wantError(t, "Sample", err, "source")
	}
}
