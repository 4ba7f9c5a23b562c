// Package relax builds relaxations of discrete random variables into Gorgonia expression graphs.
//
// A distribution is a struct of its parameters, which are nodes of a graph. Its methods add nodes for samples,
// densities and divergences to that graph and return them; they run nothing, own no randomness and keep no state.
// Noise enters as input nodes, one for each [noise.Spec] that Noise lists, which the caller creates and fills before
// each run (see package relax/noise). The nodes work under gorgonia.Grad and NewTapeMachine as well as under this
// project's own machinery.
//
// # Conventions
//
// Parameters are logits: log-odds for binary variables, unnormalised log-probabilities for categorical ones. Shapes
// are written [B, D]: B independent rows, each an event of D variables; an event may have several axes, and the last
// axis of a categorical parameter is that of the K classes. Densities and divergences are summed over the event and
// keep the batch: one number per row, shape [B]. Nodes follow the type of the parameters: float32 for training,
// float64 for checking.
//
// Every distribution documents three things: the value of a sample, the density that LogProb computes, and what a
// gradient through the sample is. Shape and type mistakes, and constants that make no sense, are errors when the graph
// is built.
package relax

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Draw is one sample of a distribution.
type Draw struct {
	// Value is what the model consumes.
	Value *G.Node
	// Logit is the value before it was squashed: the logit of a binary variable, the log-probabilities of a relaxed
	// categorical one. Densities are computed from it, because a saturated Value has lost it. It is nil for
	// distributions whose density needs no more than Value.
	Logit *G.Node
	// Hard is the exactly discrete sample that the same noise gives.
	Hard *G.Node
}

// Distribution is what every distribution of this package can do.
type Distribution interface {
	// Noise lists the noise inputs that Rsample takes, in order.
	Noise() []noise.Spec
	// Rsample draws a sample through which gradients reach the parameters. Each eps is an input node with the shape of
	// its Spec and the type of the parameters.
	Rsample(eps ...*G.Node) (Draw, error)
	// LogProb is the log-density of a draw, summed over the event: shape [B]. Gradients flow to the parameters
	// directly and through the draw; stop the draw's gradient first to get the score alone.
	LogProb(Draw) (*G.Node, error)
}

// Relaxation is a distribution that stands in for a discrete one during training.
type Relaxation interface {
	Distribution
	// Discrete is the law of Draw.Hard.
	Discrete() Distribution
}

// defaultTemperature is that of Maddison et al. (2017), appendix C, and of Louizos et al. (2018) for binary variables.
const defaultTemperature = 2.0 / 3

// Temperature is the constant τ as a scalar node in the graph of like, for a Temperature field. It is an error unless
// τ lies between 1e-30 and 1e30, where float32 neither underflows nor overflows.
func Temperature(like *G.Node, τ float64) (*G.Node, error) {
	if !(τ >= 1e-30 && τ <= 1e30) {
		return nil, fmt.Errorf("relax: temperature %g; it must lie between 1e-30 and 1e30", τ)
	}
	n, err := op.ConstantLike(like, τ)
	if err != nil {
		return nil, fmt.Errorf("relax: temperature: %w", err)
	}
	return n, nil
}

// temperature is the node of a Temperature field.
func temperature(field, like *G.Node) (*G.Node, error) {
	if field == nil {
		return Temperature(like, defaultTemperature)
	}
	if field.Dims() != 0 {
		return nil, fmt.Errorf("relax: the temperature has shape %v; it must be a scalar", field.Shape())
	}
	if field.Dtype() != like.Dtype() || field.Graph() != like.Graph() {
		return nil, errors.New("relax: the temperature must have the type and the graph of the parameters")
	}
	return field, nil
}

// parameter validates a parameter with a batch axis and an event.
func parameter(name string, n *G.Node) error {
	switch {
	case n == nil:
		return fmt.Errorf("relax: %s is nil", name)
	case len(n.Shape()) < 2: // Dims counts axes even if a node was made without their sizes
		return fmt.Errorf("relax: %s has shape %v; a batch axis and at least one event axis are needed, [B, D]", name, n.Shape())
	case n.Dtype() != G.Float32 && n.Dtype() != G.Float64:
		return fmt.Errorf("relax: %s is %v; float32 or float64 is needed", name, n.Dtype())
	}
	return nil
}

// sampleNoise validates the noise of a sampler that takes one input of the parameter's shape.
func sampleNoise(param *G.Node, eps []*G.Node) (*G.Node, error) {
	if len(eps) != 1 {
		return nil, fmt.Errorf("relax: %d noise inputs; 1 is needed", len(eps))
	}
	if err := drawn("noise", eps[0], param); err != nil {
		return nil, err
	}
	return eps[0], nil
}

// drawn validates a node that must look like the parameter.
func drawn(what string, n, param *G.Node) error { return drawnAs(what, n, param, param.Shape()) }

// drawnAs validates a node that must be like the parameter but have another shape.
func drawnAs(what string, n, param *G.Node, shape []int) error {
	switch {
	case n == nil:
		return fmt.Errorf("relax: %s is nil", what)
	case !slices.Equal(n.Shape(), shape): // Shape.Eq takes a vector for a matrix of one row or column
		return fmt.Errorf("relax: %s has shape %v where parameters of shape %v need %v", what, n.Shape(), param.Shape(), shape)
	case n.Dtype() != param.Dtype():
		return fmt.Errorf("relax: %s is %v, the parameters are %v", what, n.Dtype(), param.Dtype())
	case n.Graph() != param.Graph():
		return fmt.Errorf("relax: %s belongs to another graph than the parameters", what)
	}
	return nil
}

// specLike is the noise of a sampler that takes one input of the parameter's shape.
func specLike(kind noise.Kind, param *G.Node) []noise.Spec {
	if param == nil {
		return nil
	}
	return []noise.Spec{{Kind: kind, Shape: param.Shape()}}
}
