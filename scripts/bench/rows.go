package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	G "gorgonia.org/gorgonia"

	"relaxgo/data"
	"relaxgo/internal/autodiff"
	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/internal/optim"
	"relaxgo/internal/program"
	"relaxgo/plots"
	"relaxgo/vae"
)

// row is one thing to measure. start prepares it and returns a function that does it and gives milliseconds per unit.
type row struct {
	name, unit string
	start      func() (func() (float64, error), error)
	peer       work // the same work for PyTorch; nil: ours alone
}

func rows() []row {
	var all []row
	for _, method := range []string{"relaxedbernoulli", "gumbelsoftmax"} {
		for _, batch := range []int{128, 512} {
			for _, hidden := range []int{400, 1000} {
				all = append(all, vaeStep(method, batch, hidden))
			}
		}
	}
	for _, batch := range []int{8, 32, 64, 256} {
		all = append(all, policy("forward", batch), policy("step", batch))
	}
	return append(all, plainGorgonia(), wholeRun())
}

// vaeStep is a training step of the VAE 784-hidden-20-hidden-784 (or 20×10 classes): images, noise, forward, backward,
// Adam. Ours is the mean over an epoch, because every run starts cold; the peer's process stays warm.
func vaeStep(method string, batch, hidden int) row {
	return row{
		name: fmt.Sprintf("vae %s batch %d hidden %d", method, batch, hidden),
		unit: "step",
		start: func() (func() (float64, error), error) {
			set, err := data.Load("")
			if err != nil {
				return nil, err
			}
			cfg := vae.DefaultConfig()
			cfg.Relax, cfg.Batch, cfg.Hidden = method, batch, []int{hidden}
			cfg.Epochs, cfg.TestImages, cfg.IW = 1, batch, 1
			return func() (float64, error) {
				dir, err := os.MkdirTemp("", "bench")
				if err != nil {
					return 0, err
				}
				defer os.RemoveAll(dir)
				s, err := vae.Train(context.Background(), cfg, set, filepath.Join(dir, "run"), vae.Options{})
				return s.MsPerStep, err
			}, nil
		},
		peer: work{"kind": "vae", "method": method, "batch": batch, "hidden": hidden, "steps": 100},
	}
}

// policy is the small network 4-64-64-2 with tanh that policy-gradient methods use on CartPole: its forward pass, or a
// training step on a weighted log-likelihood with Adam.
func policy(what string, batch int) row {
	const repeats = 2000
	return row{
		name: fmt.Sprintf("policy %s 4-64-64-2 batch %d", what, batch),
		unit: what,
		start: func() (func() (float64, error), error) {
			params := nn.NewParams(1)
			sizes := []int{4, 64, 64, 2}
			for i := range len(sizes) - 1 {
				if err := nn.AddDense(params, fmt.Sprint(i), sizes[i], sizes[i+1]); err != nil {
					return nil, err
				}
			}
			outs := program.Outputs{Plain: map[string]*G.Node{}}
			var slots []optim.Slot
			g, err := program.Build(func(g *program.Graph[float32]) error {
				w, err := nn.Bind(g, params)
				if err != nil {
					return err
				}
				x, err := g.Input("x", batch, sizes[0])
				if err != nil {
					return err
				}
				weights, err := g.Input("weights", batch, 2)
				if err != nil {
					return err
				}
				for i := range x.Data {
					x.Data[i] = float32(i%7) / 7
				}
				for i := range batch {
					weights.Data[2*i+i%2] = 1 / float32(batch)
				}
				var e op.Expr
				h := e.Of(w.Dense("0", x.Node, op.ActTanh))
				h = e.Of(w.Dense("1", h, op.ActTanh))
				logp := e.Of(op.LogSoftmax(e.Of(w.Dense("2", h, op.ActIdentity))))
				if what == "forward" {
					outs.Plain["logp"] = logp
					return e.Err()
				}
				loss := e.Of(op.Neg(e.Of(op.SumAll(e.Of(op.Mul(logp, weights.Node))))))
				if e.Err() != nil {
					return e.Err()
				}
				var nodes []*G.Node
				for _, p := range params.All() {
					nodes = append(nodes, w[p.Name])
					slots = append(slots, optim.Slot{Name: p.Name, Value: p.Data})
				}
				grads, err := autodiff.Gradient(loss, nodes...)
				for i, d := range grads {
					outs.Plain[slots[i].Name] = d
				}
				outs.Plain["loss"] = loss
				return err
			})
			if err != nil {
				return nil, err
			}
			p, err := program.Compile(g, outs)
			if err != nil {
				return nil, err
			}
			adam, err := optim.NewAdam(optim.AdamSettings{})
			if err != nil {
				return nil, err
			}
			return func() (float64, error) {
				start := time.Now()
				for range repeats {
					if err := p.Run(); err != nil {
						return 0, err
					}
					if what == "forward" {
						continue
					}
					for i, s := range slots {
						slots[i].Grad = p.Output(s.Name)
					}
					if err := adam.Step(slots, 1e-3); err != nil {
						return 0, err
					}
				}
				return time.Since(start).Seconds() * 1000 / repeats, nil
			}, nil
		},
		peer: work{"kind": "policy", "what": what, "batch": batch, "repeats": repeats},
	}
}

// wholeRun is ten epochs of the default VAE on MNIST with a test after each: for us with the final bound over 100 samples
// and the pictures, which the peer does not do.
func wholeRun() row {
	return row{
		name: "whole run, 10 epochs",
		unit: "run",
		start: func() (func() (float64, error), error) {
			return func() (float64, error) {
				dir, err := os.MkdirTemp("", "bench")
				if err != nil {
					return 0, err
				}
				defer os.RemoveAll(dir)
				start := time.Now()
				set, err := data.Load("")
				if err != nil {
					return 0, err
				}
				dir = filepath.Join(dir, "run")
				if _, err := vae.Train(context.Background(), vae.DefaultConfig(), set, dir, vae.Options{}); err != nil {
					return 0, err
				}
				err = plots.DrawRun(dir, plots.Captions{})
				return time.Since(start).Seconds() * 1000, err
			}, nil
		},
		peer: work{"kind": "whole", "epochs": 10},
	}
}
