package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
)

// controlVariate builds c(z), one value per row, from the continuous variable z that b is the step function of. It may
// depend on the logits beside, and must be differentiable in both.
type controlVariate func(z, logits *G.Node) (*G.Node, error)

// reparameterisation is b = H(z) for one of the laws.
type reparameterisation interface {
	Reparameterise(eps *G.Node) (z, b *G.Node, err error)
	ReparameteriseGiven(b, eps *G.Node) (*G.Node, error)
	ReparameteriseCoupled(z, b *G.Node) (*G.Node, error)
}

func (p Problem) reparameterisation() reparameterisation {
	if p.Law == Categorical {
		return relax.Categorical{Logits: p.Logits}
	}
	return relax.Bernoulli{Logits: p.Logits}
}

// control builds the estimate that REBAR and RELAX have in common,
//
//	ĝ = [f(b) − c(z̃)]·∂log p(b)/∂ℓ + ∂c(z)/∂ℓ − ∂c(z̃)/∂ℓ
//
// from the noise of z and, unless that is coupled, of z̃.
func (p Problem) control(c controlVariate, eps []*G.Node) (Estimate, error) {
	d := p.reparameterisation()
	z, b, err := d.Reparameterise(eps[0])
	if err != nil {
		return Estimate{}, err
	}
	f, err := p.evaluate(p.F, b)
	if err != nil {
		return Estimate{}, err
	}
	paths := p.independentPaths
	if len(eps) == 1 {
		paths = p.coupledPaths
	}
	given, difference, err := paths(c, d, z, b, eps[1:])
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	score := e.Of(p.weighted(e.Of(op.Sub(f, given)), b))
	grad := e.Of(op.Add(score, difference))
	return Estimate{Value: f, Sample: b, Grad: grad, Tuning: e.Of(squares(grad))}, e.Err()
}

// independentPaths is c(z̃) and ∂c(z)/∂ℓ − ∂c(z̃)/∂ℓ for z̃ from noise of its own.
func (p Problem) independentPaths(c controlVariate, d reparameterisation, z, b *G.Node, eps []*G.Node) (given, difference *G.Node, err error) {
	var e op.Expr
	zGiven := e.Of(d.ReparameteriseGiven(b, eps[0]))
	if err := e.Err(); err != nil {
		return nil, nil, err
	}
	free := e.Of(c(z, p.Logits))
	given = e.Of(c(zGiven, p.Logits))
	difference = e.Of(op.Sub(free, given))
	if err := e.Err(); err != nil {
		return nil, nil, err
	}
	difference = e.Of(gradient(difference, p.Logits))
	return given, difference, e.Err()
}

// coupledPaths is the same for z̃ = z. Then c is needed once: the difference is ∂c/∂z·(∂z/∂ℓ − ∂z̃/∂ℓ), and what c owes
// to the logits directly cancels.
func (p Problem) coupledPaths(c controlVariate, d reparameterisation, z, b *G.Node, _ []*G.Node) (given, difference *G.Node, err error) {
	var e op.Expr
	zGiven := e.Of(d.ReparameteriseCoupled(z, b))
	at := e.Of(op.StopGradient(z))
	logits := e.Of(op.StopGradient(p.Logits))
	if err := e.Err(); err != nil {
		return nil, nil, err
	}
	given = e.Of(c(at, logits))
	if err := e.Err(); err != nil {
		return nil, nil, err
	}
	slope := e.Of(gradient(given, at))
	difference = e.Of(p.pullBack(slope, e.Of(op.Sub(z, zGiven))))
	return given, difference, e.Err()
}

// pullBack takes a gradient v with respect to a function s of the logits to the logits: (∂s/∂ℓ)ᵀv. v itself must not be
// a function of these logits.
func (p Problem) pullBack(v, s *G.Node) (*G.Node, error) {
	total, err := op.Mul(v, s)
	if err != nil {
		return nil, err
	}
	return gradient(total, p.Logits)
}

// squares is Σĝ² of each row. As the mean of ĝ does not depend on the parameters of a control variate, they minimise the
// variance of ĝ by minimising it.
func squares(grad *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.SumEvent(e.Of(op.Square(grad)))))
}

// relaxedObjective is the control variate η·f̃(σ_λ(z)) of REBAR.
func (p Problem) relaxedObjective(eta, logλ *G.Node) controlVariate {
	return func(z, logits *G.Node) (*G.Node, error) {
		var e op.Expr
		scaled := e.Of(op.Div(z, e.Of(op.Exp(logλ))))
		y := e.Of(op.Add(scaled, e.Of(op.Mul(logits, e.Of(op.Sigmoid(logλ)))))) // λ/(λ+1) = σ(log λ)
		if err := e.Err(); err != nil {
			return nil, err
		}
		return op.Mul(e.Of(p.evaluate(p.smooth(), e.Of(p.squash(y)))), eta)
	}
}

// squash is σ or softmax: from logits to the unit interval or the simplex.
func (p Problem) squash(y *G.Node) (*G.Node, error) {
	if p.Law == Categorical {
		return op.Softmax(y)
	}
	return op.Sigmoid(y)
}
