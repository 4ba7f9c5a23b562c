package op

import G "gorgonia.org/gorgonia"

// StopGradient is x with no gradient: a constant to everything that is differentiated.
func StopGradient(x *G.Node) (*G.Node, error) {
	const name = "stopgradient"
	if err := check(name, x); err != nil {
		return nil, err
	}
	return apply(spec{
		name:  name,
		shape: x.Shape(),
		f32:   func(out []float32, in [][]float32) { copy(out, in[0]) },
		f64:   func(out []float64, in [][]float64) { copy(out, in[0]) },
		wrt:   none(1),
	}, x)
}
