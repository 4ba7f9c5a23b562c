package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"relaxgo/bridge"
	"relaxgo/data"
	"relaxgo/internal/cli"
)

func mnist(t *testing.T) data.Dataset {
	t.Helper()
	set, err := data.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// fitted is a small network and its posterior.
func fitted(t *testing.T, train data.Set) (network, posterior) {
	t.Helper()
	net, err := fit(train, 10, 1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	post, err := net.posterior(train)
	if err != nil {
		t.Fatal(err)
	}
	return net, post
}

// lastLayer is the hidden layer, a constant 1 appended, the logits and their softmax for the first images of a set, from the
// weights by plain loops.
func lastLayer(net network, set data.Set, n int) (a, z, π [][]float64) {
	get := func(name string) []float32 { p, _ := net.params.Get(name); return p.Data }
	w, b, v, c := get("hidden.weight"), get("hidden.bias"), get("last.weight"), get("last.bias")
	for i := range n {
		h := make([]float64, hidden+1)
		h[hidden] = 1
		for j := range hidden {
			sum := float64(b[j])
			for k, x := range set.Image(i) {
				sum += float64(x) / 255 * float64(w[k*hidden+j])
			}
			h[j] = math.Max(sum, 0)
		}
		logits, probabilities, norm := make([]float64, classes), make([]float64, classes), 0.0
		for k := range classes {
			logits[k] = float64(c[k])
			for j := range hidden {
				logits[k] += h[j] * float64(v[j*classes+k])
			}
			norm += math.Exp(logits[k])
		}
		for k := range classes {
			probabilities[k] = math.Exp(logits[k]) / norm
		}
		a, z, π = append(a, h), append(z, logits), append(π, probabilities)
	}
	return a, z, π
}

// TestPosterior inverts the precision N·A⊗B + δI of all weights as one matrix, and takes the covariance of an image's logits
// from it. The part that sums to zero must be what the eigenvectors give.
func TestPosterior(t *testing.T) {
	const n = 300
	train := first(mnist(t).Train, n)
	net, post := fitted(t, train)
	as, _, πs := lastLayer(net, train, n)
	const size = (hidden + 1) * classes
	factor := func(rows [][]float64, sign float64) *mat.Dense { // E xxᵀ, or E diag(x) − xxᵀ
		k := len(rows[0])
		m := mat.NewDense(k, k, nil)
		for _, x := range rows {
			for i := range k {
				for j := range k {
					m.Set(i, j, m.At(i, j)+sign*x[i]*x[j]/n)
				}
				if sign < 0 {
					m.Set(i, i, m.At(i, i)+x[i]/n)
				}
			}
		}
		return m
	}
	var kronecker mat.Dense
	kronecker.Kronecker(factor(as, 1), factor(πs, -1))
	precision := mat.NewSymDense(size, nil)
	for i := range size {
		for j := i; j < size; j++ {
			precision.SetSym(i, j, n*kronecker.At(i, j))
		}
		precision.SetSym(i, i, precision.At(i, i)+post.precision)
	}
	var chol mat.Cholesky
	if !chol.Factorize(precision) {
		t.Fatal("the precision is not positive definite")
	}
	a := as[7]
	jacobian := mat.NewDense(size, classes, nil) // of the logits to the weights, centred
	for i, v := range a {
		for k := range classes {
			for l := range classes {
				jacobian.Set(i*classes+k, l, -v/classes)
			}
			jacobian.Set(i*classes+k, k, v*(1-1./classes))
		}
	}
	var solved, want mat.Dense
	if err := chol.SolveTo(&solved, jacobian); err != nil {
		t.Fatal(err)
	}
	want.Mul(jacobian.T(), &solved)
	got := covariance(post, a)
	for i := range classes {
		for j := range classes {
			// The hidden layer is summed in float32 there and in float64 here.
			if e := math.Abs(got.At(i, j) - want.At(i, j)); !(e <= 1e-4*want.At(i, i)) {
				t.Errorf("Σ[%d,%d] = %.6g, want %.6g", i, j, got.At(i, j), want.At(i, j))
			}
		}
	}
}

// covariance is that of the logits in the zero-sum gauge.
func covariance(p posterior, a []float64) *mat.SymDense {
	var along mat.VecDense
	along.MulVec(p.inputs.T(), mat.NewVecDense(len(a), a))
	sigma := mat.NewSymDense(classes, nil)
	for j := range classes - 1 {
		s := 0.0
		for i := range hidden + 1 {
			s += along.AtVec(i) * along.AtVec(i) * p.variances.At(i, j)
		}
		sigma.SymRankOne(sigma, s, p.outputs.ColView(j))
	}
	return sigma
}

// TestPredictions compares the graphs with package bridge, image by image: its Dirichlet's mean, and its own samples of the
// logistic-normal.
func TestPredictions(t *testing.T) {
	set := mnist(t)
	net, post := fitted(t, first(set.Train, 600))
	const images, samples = 20, 4000
	ways, err := net.predictors(post, config{samples: samples, seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	var got [][]float32
	for _, w := range ways {
		p, _, err := w.predict(first(set.Test, batch))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, p)
	}
	a, z, π := lastLayer(net, set.Test, images)
	for i := range images {
		sigma := covariance(post, a[i])
		q, err := bridge.NewLogisticNormal(z[i], sigma)
		if err != nil {
			t.Fatal(err)
		}
		normalized := bridge.NormalizeVariance(q)
		d, err := bridge.LaplaceInverse(q.Mu(), q.Variance())
		if err != nil {
			t.Fatal(err)
		}
		dn, err := bridge.LaplaceInverse(normalized.Mu(), normalized.Variance())
		if err != nil {
			t.Fatal(err)
		}
		rows, err := q.Sample(samples, rand.NewPCG(1, uint64(i)))
		if err != nil {
			t.Fatal(err)
		}
		for k := range classes {
			at := i*classes + k
			// Sums of a thousand float32 products.
			for j, want := range []float64{π[i][k], d.Mean()[k], dn.Mean()[k]} {
				if e := math.Abs(float64(got[j][at]) - want); !(e <= 1e-4) {
					t.Errorf("%s, image %d, class %d: %.6f, want %.6f", ways[j].name, i, k, got[j][at], want)
				}
			}
			column := mat.Col(nil, k, rows)
			mean, variance := 0.0, 0.0
			for _, v := range column {
				mean += v / samples
			}
			for _, v := range column {
				variance += (v - mean) * (v - mean) / (samples - 1)
			}
			// Two independent means; 5 standard errors for 200 comparisons.
			if e, bound := math.Abs(float64(got[3][at])-mean), 5*math.Sqrt(2*variance/samples)+1e-5; !(e <= bound) {
				t.Errorf("Monte Carlo, image %d, class %d: %.6f, want %.6f within %.6f", i, k, got[3][at], mean, bound)
			}
		}
	}
}

func TestScoreByHand(t *testing.T) {
	p := make([]float32, 4*classes)
	set := func(row int, values ...float32) { copy(p[row*classes:], values) }
	set(0, 0.9, 0.1)
	set(1, 0.9, 0.1)
	set(2, 0.5, 0.3, 0.2)
	set(3, 0, 1)
	s := scoreOf(p, []byte{0, 1, 0, 1})
	// Bins: 0.9 twice with one right, a gap of 0.8; 0.5 once, right, 0.5; 1 once, right, 0.
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"accuracy", s.accuracy, 0.75},
		{"NLL", s.nll, -(math.Log(0.9) + math.Log(0.1) + math.Log(0.5)) / 4},
		{"ECE", s.ece, (0.8 + 0.5) / 4},
	} {
		if math.Abs(c.got-c.want) > 1e-6 { // the probabilities are float32
			t.Errorf("%s = %g, want %g", c.name, c.got, c.want)
		}
	}
	q := append([]float32(nil), p...)
	copy(q[2*classes:], []float32{0.2, 0.6, 0.2}) // moves 0.3, changes the class
	if tv, same := agreement(p, q); math.Abs(tv-0.3/4) > 1e-6 || same != 0.75 {
		t.Errorf("agreement %g, %g; want 0.075, 0.75", tv, same)
	}
}

// TestComparison runs everything twice and gets the same numbers, apart from times. Trained long on few images, the network is
// too sure: both ways to use the posterior must improve its likelihood.
func TestComparison(t *testing.T) {
	set := mnist(t)
	cfg := config{train: 1000, test: 500, epochs: 60, samples: 50, seed: 1}
	run := func() comparison {
		c, err := compare(cfg, set, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		for i := range c.rows {
			if c.rows[i].micros <= 0 {
				t.Errorf("%s takes %g µs", c.rows[i].name, c.rows[i].micros)
			}
			c.rows[i].micros = 1
		}
		return c
	}
	c, again := run(), run()
	if c.String() != again.String() || fmt.Sprint(c) != fmt.Sprint(again) {
		t.Errorf("two runs of one seed differ:\n%v\n%v", c, again)
	}
	softmax, normalized, sampled := c.rows[0], c.rows[2], c.rows[3]
	if softmax.accuracy < 0.8 || normalized.nll >= softmax.nll || sampled.nll >= softmax.nll {
		t.Errorf("the posterior does not help:\n%v", c)
	}
}

func TestCommand(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{{"-samples=0"}, {"-samples=100000"}, {"-sample=1"}, {"more"}} {
		var usage *cli.UsageError
		if err := laplace(context.Background(), args, &out, io.Discard); !errors.As(err, &usage) || out.Len() > 0 {
			t.Errorf("%v: error %v, output %q", args, err, out.String())
		}
	}
	if testing.Short() {
		t.Skip("the rest takes two seconds")
	}
	if err := laplace(context.Background(), []string{"-quick", "-samples=20"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 7 || !strings.Contains(out.String(), "Monte Carlo, 20 samples") {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}
