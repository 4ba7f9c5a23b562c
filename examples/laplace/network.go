package main

import (
	"fmt"
	"io"

	G "gorgonia.org/gorgonia"

	"relaxgo/data"
	"relaxgo/internal/autodiff"
	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/optim"
	"relaxgo/internal/program"
	"relaxgo/relax"
)

const (
	hidden  = 128
	classes = 10
	batch   = 128
)

// network is a classifier with one hidden layer of rectifiers.
type network struct {
	params *nn.Params
	pixels int
}

// layers are the nodes of a network for a batch of images.
type layers struct {
	weights nn.Binding
	h       *G.Node // the hidden layer [batch, hidden]
	logits  *G.Node // [batch, classes]
}

// forward computes something from batches of images.
type forward struct {
	images *program.Input[float32]
	*program.Program[float32]
}

// forward compiles the outputs that build makes of the layers.
func (net network) forward(build func(*program.Graph[float32], layers) (program.Outputs, error)) (forward, error) {
	var f forward
	var outs program.Outputs
	g, err := program.Build(func(g *program.Graph[float32]) (err error) {
		if f.images, err = g.Input("images", batch, net.pixels); err != nil {
			return err
		}
		var n layers
		if n.weights, err = nn.Bind(g, net.params); err != nil {
			return err
		}
		var e op.Expr
		n.h = e.Of(n.weights.Dense("hidden", f.images.Node, op.ActReLU))
		n.logits = e.Of(n.weights.Dense("last", n.h, op.ActIdentity))
		if err := e.Err(); err != nil {
			return err
		}
		outs, err = build(g, n)
		return err
	})
	if err != nil {
		return forward{}, err
	}
	f.Program, err = program.Compile(g, outs)
	return f, err
}

// over runs the program for all images of a set, and calls each after every batch with the first image and their number.
func (f forward) over(set data.Set, each func(start, rows int)) error {
	batches, err := data.NewBatches(set, batch, data.BatchOptions{})
	if err != nil {
		return err
	}
	for i := range batches.PerEpoch() {
		rows, err := batches.Fill(0, i, f.images.Data)
		if err != nil {
			return err
		}
		if err := f.Run(); err != nil {
			return err
		}
		each(i*batch, rows)
	}
	return nil
}

// fit trains a network by Adam.
func fit(train data.Set, epochs int, seed uint64, progress io.Writer) (network, error) {
	net := network{params: nn.NewParams(seed), pixels: train.Pixels()}
	if err := nn.AddDense(net.params, "hidden", net.pixels, hidden); err != nil {
		return network{}, err
	}
	if err := nn.AddDense(net.params, "last", hidden, classes); err != nil {
		return network{}, err
	}
	var labels *program.Input[float32] // one-hot
	step, err := net.forward(func(g *program.Graph[float32], n layers) (outs program.Outputs, err error) {
		if labels, err = g.Input("labels", batch, classes); err != nil {
			return outs, err
		}
		var e op.Expr
		likelihood := e.Of(relax.Categorical{Logits: n.logits}.LogProb(relax.Draw{Value: labels.Node}))
		loss := e.Of(op.Neg(e.Of(op.MeanAll(likelihood))))
		if err := e.Err(); err != nil {
			return outs, err
		}
		outs = program.Outputs{Finite: map[string]*G.Node{"loss": loss}, Plain: map[string]*G.Node{}}
		for _, p := range net.params.All() {
			grads, err := autodiff.Gradient(loss, n.weights[p.Name])
			if err != nil {
				return outs, err
			}
			outs.Plain[p.Name] = grads[0]
		}
		return outs, nil
	})
	if err != nil {
		return network{}, err
	}
	adam, err := optim.NewAdam(optim.AdamSettings{})
	if err != nil {
		return network{}, err
	}
	batches, err := data.NewBatches(train, batch, data.BatchOptions{Shuffle: true, Seed: seed})
	if err != nil {
		return network{}, err
	}
	slots := make([]optim.Slot, len(net.params.All()))
	for epoch := range epochs {
		loss, steps := 0.0, train.Len()/batch // without a shorter last batch
		for i := range steps {
			if _, err := batches.Fill(epoch, i, step.images.Data); err != nil {
				return network{}, err
			}
			samples, err := batches.Samples(epoch, i)
			if err != nil {
				return network{}, err
			}
			clear(labels.Data)
			for row, image := range samples {
				labels.Data[row*classes+int(train.Labels[image])] = 1
			}
			if err := step.Run(); err != nil {
				return network{}, err
			}
			for j, p := range net.params.All() {
				slots[j] = optim.Slot{Name: p.Name, Value: p.Data, Grad: step.Output(p.Name)}
			}
			if err := adam.Step(slots, 1e-3); err != nil {
				return network{}, err
			}
			loss += step.Scalar("loss") / float64(steps)
		}
		fmt.Fprintf(progress, "epoch %d of %d: training loss %.4f\n", epoch+1, epochs, loss)
	}
	return net, nil
}
