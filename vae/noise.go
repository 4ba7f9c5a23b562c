package vae

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/kernel"
	"relaxgo/internal/program"
	"relaxgo/relax/noise"
)

// noiseInput is a noise node with the law that fills it.
type noiseInput struct {
	kind noise.Kind
	data []float32
}

func noiseInputs(g *program.Graph[float32], name string, specs []noise.Spec) ([]noiseInput, []*G.Node, error) {
	var inputs []noiseInput
	var nodes []*G.Node
	for i, s := range specs {
		in, err := g.Input(fmt.Sprintf("%s.%d", name, i), s.Shape...)
		if err != nil {
			return nil, nil, err
		}
		inputs = append(inputs, noiseInput{kind: s.Kind, data: in.Data})
		nodes = append(nodes, in.Node)
	}
	return inputs, nodes, nil
}

// noiseSegment is the number of elements that have a random stream of their own, so that the noise of one purpose can be
// drawn on several cores and is the same on any number of them.
const noiseSegment = 1 << 13

// fill draws the noise of inputs for a purpose, a stream's name and counters, on all cores.
func fill(inputs []noiseInput, seed uint64, name string, counters ...int) {
	for i, in := range inputs {
		kernel.Parallel(len(in.data), noiseSegment, func(lo, hi int) {
			fillSegment(in.kind, in.data[lo:hi], seed, name, append(slices.Clip(counters), i, lo/noiseSegment)...)
		})
	}
}

func fillSegment(kind noise.Kind, dst []float32, seed uint64, name string, counters ...int) {
	noise.Fill(noise.NewSource(seed, name, counters...), kind, dst)
}
