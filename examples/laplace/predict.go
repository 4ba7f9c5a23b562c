package main

import (
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"

	"relaxgo/data"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// predictor is a way to class probabilities.
type predictor struct {
	name string
	forward
	eps    []float32     // noise inputs, none for what does not sample
	source *noise.Source // of their numbers
}

// predictors are the ways to compare; Monte Carlo is the last.
func (net network) predictors(post posterior, cfg config) ([]predictor, error) {
	var eps *program.Input[float32]
	ways := []struct {
		name  string
		build func(*program.Graph[float32], layers) (*G.Node, error)
	}{
		{"softmax of the mean logits", func(_ *program.Graph[float32], n layers) (*G.Node, error) {
			return op.Softmax(n.logits)
		}},
		{"Laplace bridge", func(_ *program.Graph[float32], n layers) (*G.Node, error) {
			variance, err := post.variance(n.h)
			if err != nil {
				return nil, err
			}
			return bridgeMean(n.logits, variance)
		}},
		{"Laplace bridge, normalised", func(_ *program.Graph[float32], n layers) (*G.Node, error) {
			variance, err := post.variance(n.h)
			if err != nil {
				return nil, err
			}
			mu, variance, err := relax.NormalizeVariance(n.logits, variance)
			if err != nil {
				return nil, err
			}
			return bridgeMean(mu, variance)
		}},
		{fmt.Sprintf("Monte Carlo, %d samples", cfg.samples), func(g *program.Graph[float32], n layers) (p *G.Node, err error) {
			if eps, err = g.Input("eps", cfg.samples, batch, classes-1); err != nil {
				return nil, err
			}
			return post.sampled(n, eps.Node, cfg.samples)
		}},
	}
	var all []predictor
	for _, w := range ways {
		f, err := net.forward(func(g *program.Graph[float32], n layers) (program.Outputs, error) {
			p, err := w.build(g, n)
			return program.Outputs{Finite: map[string]*G.Node{"probabilities": p}}, err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, predictor{name: w.name, forward: f})
	}
	last := &all[len(all)-1]
	last.eps, last.source = eps.Data, noise.NewSource(cfg.seed, "laplace/logits")
	return all, nil
}

// bridgeMean is the mean of the Dirichlet law that the bridge makes of zero-sum Gaussian logits.
func bridgeMean(mu, variance *G.Node) (*G.Node, error) {
	d, err := relax.LaplaceBridge(mu, variance)
	if err != nil {
		return nil, err
	}
	return d.Mean()
}

// strengths are the variances s_j of the logits along their axes: [batch, classes−1].
func (p posterior) strengths(h *G.Node) (*G.Node, error) {
	var e op.Expr
	weight, bias := p.inputs.Slice(0, hidden, 0, hidden+1), p.inputs.Slice(hidden, hidden+1, 0, hidden+1)
	b := e.Of(op.Reshape(e.Of(constant(h, bias)), hidden+1))
	along := e.Of(op.Dense(h, e.Of(constant(h, weight)), b, op.ActIdentity)) // aᵀu_i
	return e.Node(e.Of(op.MatMul(e.Of(op.Square(along)), e.Of(constant(h, p.variances)), false, false)))
}

// variance is the variances Σ_kk of the logits: [batch, classes].
func (p posterior) variance(h *G.Node) (*G.Node, error) {
	var squares mat.Dense
	squares.MulElem(p.outputs, p.outputs)
	var e op.Expr
	return e.Node(e.Of(op.MatMul(e.Of(p.strengths(h)), e.Of(constant(h, &squares)), false, true)))
}

// sampled is the mean softmax of logits z = μ + Σ_j √s_j·ε_j·v_j, for noise ε [samples, batch, classes−1].
func (p posterior) sampled(n layers, ε *G.Node, samples int) (*G.Node, error) {
	var e op.Expr
	deviation := e.Of(op.Exp(e.Of(op.Scale(e.Of(op.Log(e.Of(p.strengths(n.h)))), 0.5))))
	along := e.Of(op.Mul(ε, e.Of(op.SpreadBatch(deviation, samples))))
	rows := e.Of(op.Reshape(along, samples*batch, classes-1))
	shifts := e.Of(op.MatMul(rows, e.Of(constant(n.h, p.outputs)), false, true))
	z := e.Of(op.Add(e.Of(op.Reshape(shifts, samples, batch, classes)), e.Of(op.SpreadBatch(n.logits, samples))))
	return e.Node(e.Of(op.Scale(e.Of(op.SumBatch(e.Of(op.Softmax(z)))), 1/float64(samples))))
}

// constant is a matrix in the graph of like.
func constant(like *G.Node, m mat.Matrix) (*G.Node, error) {
	dense := mat.DenseCopyOf(m)
	rows, columns := dense.Dims()
	return op.TensorLike(like, dense.RawMatrix().Data, rows, columns)
}

// predict is the class probabilities of all images of a set, and the time for each in microseconds.
func (p predictor) predict(set data.Set) (probabilities []float32, micros float64, err error) {
	if err := p.Run(); err != nil { // the first run allocates
		return nil, 0, err
	}
	begin := time.Now()
	p.draw()
	err = p.over(set, func(start, rows int) {
		probabilities = append(probabilities, p.Output("probabilities")[:rows*classes]...)
		if start+batch < set.Len() {
			p.draw()
		}
	})
	return probabilities, time.Since(begin).Seconds() * 1e6 / float64(set.Len()), err
}

// draw fills the noise for the next batch.
func (p predictor) draw() {
	if p.source != nil {
		noise.Fill(p.source, noise.Normal, p.eps)
	}
}

// score is how good predictions are.
type score struct{ accuracy, nll, ece, micros float64 }

// scoreOf compares probabilities with the labels.
func scoreOf(probabilities []float32, labels []byte) score {
	const bins = 15
	var s score
	var gap [bins]float64 // Σ (right − confidence) of the images in a bin
	n := float64(len(labels))
	for i, label := range labels {
		p := probabilities[i*classes : (i+1)*classes]
		k := top(p)
		confidence, right := float64(p[k]), 0.0
		if k == int(label) {
			right = 1
		}
		s.accuracy += right / n
		s.nll -= math.Log(float64(p[label])) / n
		gap[min(int(confidence*bins), bins-1)] += right - confidence
	}
	for _, g := range gap {
		s.ece += math.Abs(g) / n
	}
	return s
}

// agreement is the mean total variation distance ½ Σ_k |p_k − q_k| between the predictions of two ways, and the share of images
// for which both name the same class.
func agreement(p, q []float32) (tv, same float64) {
	n := float64(len(p) / classes)
	for i := 0; i < len(p); i += classes {
		if top(p[i:i+classes]) == top(q[i:i+classes]) {
			same += 1 / n
		}
		for k := range classes {
			tv += 0.5 * math.Abs(float64(p[i+k])-float64(q[i+k])) / n
		}
	}
	return tv, same
}

// top is the most probable class.
func top(p []float32) int {
	best := 0
	for k, v := range p {
		if v > p[best] {
			best = k
		}
	}
	return best
}
