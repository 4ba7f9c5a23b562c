package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/blas/gonum"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/internal/kernel"
)

// plainGorgonia is the training step of vaeStep at its default sizes as Gorgonia's users write it: built-in ops,
// gorgonia.Grad, the tape machine, Gorgonia's Adam, gonum's matrix product. Images and noise stay the same throughout.
func plainGorgonia() row {
	const batch, steps = 128, 20
	return row{
		name: "plain Gorgonia, vae relaxedbernoulli batch 128 hidden 400",
		unit: "step",
		start: func() (func() (float64, error), error) {
			g := G.NewGraph()
			r := rand.New(rand.NewPCG(1, 1))
			matrix := func(name string, rows, cols int, scale float32) *G.Node {
				data := make([]float32, rows*cols)
				for i := range data {
					data[i] = scale * (2*r.Float32() - 1)
				}
				return G.NewMatrix(g, G.Float32, G.WithShape(rows, cols), G.WithName(name),
					G.WithValue(tensor.New(tensor.WithShape(rows, cols), tensor.WithBacking(data))))
			}
			var params G.Nodes
			layer := func(name string, x *G.Node, in, out int) *G.Node {
				w, b := matrix(name+".w", in, out, 0.05), matrix(name+".b", 1, out, 0.05)
				params = append(params, w, b)
				return G.Must(G.BroadcastAdd(G.Must(G.Mul(x, w)), b, nil, []byte{0}))
			}
			x, noise := matrix("x", batch, 784, 1), matrix("noise", batch, 20, 2)
			tau := G.NewConstant(float32(0.5))
			logits := layer("2", G.Must(G.Rectify(layer("1", x, 784, 400))), 400, 20)
			z := G.Must(G.Sigmoid(G.Must(G.HadamardDiv(G.Must(G.Add(logits, noise)), tau))))
			out := layer("4", G.Must(G.Rectify(layer("3", z, 20, 400))), 400, 784)
			nll := G.Must(G.Sum(G.Must(G.Sub(G.Must(G.Softplus(out)), G.Must(G.HadamardProd(x, out))))))
			kl := G.Must(G.Sum(G.Must(G.Sub(G.Must(G.HadamardProd(G.Must(G.Sigmoid(logits)), logits)), G.Must(G.Softplus(logits))))))
			loss := G.Must(G.HadamardDiv(G.Must(G.Add(nll, kl)), G.NewConstant(float32(batch))))
			if _, err := G.Grad(loss, params...); err != nil {
				return nil, err
			}
			G.Use(gonum.Implementation{})
			defer G.Use(kernel.BLAS{})
			machine := G.NewTapeMachine(g, G.BindDualValues(params...))
			solver := G.NewAdamSolver(G.WithLearnRate(1e-3))
			model := G.NodesToValueGrads(params)
			return func() (float64, error) {
				G.Use(gonum.Implementation{})
				defer G.Use(kernel.BLAS{})
				start := time.Now()
				for i := range steps {
					if err := machine.RunAll(); err != nil {
						return 0, fmt.Errorf("step %d: %w", i, err)
					}
					if err := solver.Step(model); err != nil {
						return 0, err
					}
					machine.Reset()
				}
				return time.Since(start).Seconds() * 1000 / steps, nil
			}, nil
		},
	}
}
