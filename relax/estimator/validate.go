package estimator

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// validate is where every Build begins. It returns the problem with logits through which no gradient passes, once law,
// shapes and types are those that the estimator asks for.
func validate(e Estimator, p Problem, eps, params []*G.Node) (Problem, error) {
	info := e.Info()
	if err := p.validate(info.Laws); err != nil {
		return Problem{}, fmt.Errorf("estimator: %s: %w", info.Name, err)
	}
	specs := e.Noise(p)
	if len(eps) != len(specs) {
		return Problem{}, fmt.Errorf("estimator: %s: %d noise inputs; %d are needed, see Noise", info.Name, len(eps), len(specs))
	}
	for i, s := range specs {
		if err := p.like(fmt.Sprintf("noise input %d", i), eps[i], s.Shape); err != nil {
			return Problem{}, fmt.Errorf("estimator: %s: %w", info.Name, err)
		}
	}
	parameters := e.Parameters(p, 0)
	if len(params) != len(parameters) {
		return Problem{}, fmt.Errorf("estimator: %s: %d parameters; %d are needed, see Parameters", info.Name, len(params), len(parameters))
	}
	for i, w := range parameters {
		if err := p.like("parameter "+w.Name, params[i], w.Shape); err != nil {
			return Problem{}, fmt.Errorf("estimator: %s: %w", info.Name, err)
		}
	}
	// Gorgonia takes equal nodes for one. The product with 1 keeps the leaf that estimators differentiate by apart from an
	// objective that stops the gradient of its logits.
	var x op.Expr
	p.Logits = x.Of(op.StopGradient(x.Of(op.Scale(p.Logits, 1))))
	if err := x.Err(); err != nil {
		return Problem{}, fmt.Errorf("estimator: %s: %w", info.Name, err)
	}
	return p, nil
}

// validate checks what a caller may have got wrong in a problem, for an estimator of these laws.
func (p Problem) validate(laws []Law) error {
	if !slices.Contains(laws, p.Law) {
		names := make([]string, len(laws))
		for i, l := range laws {
			names[i] = l.String()
		}
		return fmt.Errorf("it is not offered for the %v law, only for %s", p.Law, strings.Join(names, " and "))
	}
	switch {
	case p.Logits == nil:
		return errors.New("the logits are nil")
	case len(p.Logits.Shape()) != p.Law.axes(): // Dims counts axes even if a node was made without their sizes
		return fmt.Errorf("the logits have shape %v; the %v law needs %s", p.Logits.Shape(), p.Law, p.Law.shape())
	case p.Logits.Dtype() != G.Float32 && p.Logits.Dtype() != G.Float64:
		return fmt.Errorf("the logits are %v; float32 or float64 is needed", p.Logits.Dtype())
	case p.F == nil:
		return errors.New("the objective F is nil")
	}
	if p.Context == nil {
		return nil
	}
	if s := p.Context.Shape(); len(s) != 2 || s[0] != p.rows() {
		return fmt.Errorf("the context has shape %v; [%d, C] is needed, a row for each of the logits", s, p.rows())
	}
	return p.like("the context", p.Context, p.Context.Shape())
}

// like checks a node that belongs to the problem.
func (p Problem) like(what string, n *G.Node, shape []int) error {
	switch {
	case n == nil:
		return fmt.Errorf("%s is nil", what)
	case !slices.Equal(n.Shape(), shape): // Shape.Eq takes a vector for a matrix of one row or column
		return fmt.Errorf("%s has shape %v; %v is needed", what, n.Shape(), shape)
	case n.Dtype() != p.Logits.Dtype():
		return fmt.Errorf("%s is %v, the logits are %v", what, n.Dtype(), p.Logits.Dtype())
	case n.Graph() != p.Logits.Graph():
		return fmt.Errorf("%s belongs to another graph than the logits", what)
	}
	return nil
}

// evaluate builds f(b) and checks that it has a number for each row.
func (p Problem) evaluate(f Objective, b *G.Node) (*G.Node, error) {
	if b == nil {
		return nil, errors.New("estimator: the sample is nil")
	}
	y, err := f(b)
	if err != nil {
		return nil, fmt.Errorf("estimator: the objective: %w", err)
	}
	if err := p.like("the objective's result", y, []int{p.rows()}); err != nil {
		return nil, fmt.Errorf("estimator: %w", err)
	}
	return y, nil
}

// samples is a setting of a number of samples, where zero means the default.
func samples(setting, byDefault int) int {
	if setting == 0 {
		return byDefault
	}
	return setting
}

// validateSamples checks a number of samples that are compared with each other.
func validateSamples(name string, n int) error {
	if n < 2 {
		return fmt.Errorf("estimator: %s: %d samples; at least 2 are needed, each is compared with the others", name, n)
	}
	return nil
}
