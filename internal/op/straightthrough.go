package op

import (
	"fmt"

	G "gorgonia.org/gorgonia"
)

// StraightThrough has the value of hard and the gradient of soft: forward the exact discrete sample, backward its
// surrogate. Writing it as hard + soft − stopgradient(soft) would leave rounding errors in the sample; this is
// exact. Source: Bengio, Léonard and Courville (2013), arXiv:1308.3432.
func StraightThrough(hard, soft *G.Node) (*G.Node, error) {
	const name = "straightthrough"
	if err := check(name, hard, soft); err != nil {
		return nil, err
	}
	if !sameShape(hard, soft) {
		return nil, fmt.Errorf("op: %s: hard has shape %v, soft %v", name, hard.Shape(), soft.Shape())
	}
	return apply(spec{
		name:  name,
		shape: hard.Shape(),
		f32:   func(out []float32, in [][]float32) { copy(out, in[0]) },
		f64:   func(out []float64, in [][]float64) { copy(out, in[0]) },
		wrt:   []bool{false, true},
		diff: func(_ []bool, _ G.Nodes, _, grad *G.Node) (G.Nodes, error) {
			return G.Nodes{nil, grad}, nil
		},
	}, hard, soft)
}
