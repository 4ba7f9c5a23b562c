package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// RELAX is REBAR with a learned control variate, a function of z and of Problem.Context:
//
//	ĝ = [f(b) − c(z̃)]·∂log p(b)/∂ℓ + ∂c(z)/∂ℓ − ∂c(z̃)/∂ℓ,  c(z) = η·f̃(σ_λ(z)) + r(z, x)
//
// with z, z̃, σ_λ and f̃ as in REBAR, and a net with one hidden layer r(z, x) = w·h(W(z, x) + a) + c. Free leaves r alone,
// for an f̃ that does not exist outside the discrete points, such as the return of an environment.
//
//   - Laws: Bernoulli and categorical.
//   - Bias: none, for any parameters; see REBAR.
//   - Work: f at b and f̃ at σ_λ(z) and σ_λ(z̃): three evaluations, two if Coupled; if Free, one.
//   - Parameters: η and log λ of REBAR unless Free, and those of the net; Tuning is Σĝ². The output layer is
//     zero to begin with, so that RELAX starts as REBAR and, if Free, as the score function.
//
// The paper has η = 1 and σ(z/λ) for σ_λ; its program for variational autoencoders multiplies the whole control variate by
// η. With both, REBAR is the case r = 0.
//
// Source: Grathwohl, Choi, Wu, Roeder and Duvenaud (2018), "Backpropagation through the void: optimizing control variates
// for black-box gradient estimation", ICLR, arXiv:1711.00123, section 3.
type RELAX struct {
	Free       bool       // c is the net alone
	Activation Activation // h; zero: Tanh
	Hidden     int        // units of the hidden layer; zero: 100
	Coupled    bool       // as in REBAR
}

// Info describes the estimator.
func (r RELAX) Info() Info {
	info := Info{
		Name:        "relax",
		Summary:     "score function with the relaxed objective and a net as control variate",
		Source:      "Grathwohl et al. 2018, arXiv:1711.00123, section 3",
		Laws:        []Law{Bernoulli, Categorical},
		Unbiased:    true,
		Evaluations: controlEvaluations(r.Coupled),
		Gradient:    true,
		Smooth:      true,
	}
	if r.Free {
		info.Summary = "score function with a net as control variate"
		info.Evaluations, info.Gradient, info.Smooth = 1, false, false
	}
	return info
}

// Noise is that of z and, unless they are coupled, of z̃: logistic or Gumbel, the logits' shape.
func (r RELAX) Noise(p Problem) []noise.Spec { return p.controlNoise(r.Coupled) }

// Parameters are the scalars η and log λ, unless Free, and those of the net.
func (r RELAX) Parameters(p Problem, seed uint64) []Parameter {
	net := p.netParameters(seed, r.Hidden)
	if r.Free {
		return net
	}
	return append(relaxationParameters(), net...)
}

// Build adds the estimate to the graph.
func (r RELAX) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	if err := r.Activation.validate("relax", r.Hidden); err != nil {
		return Estimate{}, err
	}
	p, err := validate(r, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	if r.Free {
		return p.control(p.net(r.Activation, params), eps)
	}
	relaxed, net := p.relaxedObjective(params[0], params[1]), p.net(r.Activation, params[2:])
	return p.control(func(z, logits *G.Node) (*G.Node, error) {
		var e op.Expr
		first := e.Of(relaxed(z, logits))
		if err := e.Err(); err != nil {
			return nil, err
		}
		return e.Node(e.Of(op.Add(first, e.Of(net(z, logits)))))
	}, eps)
}

// DLAX is RELAX without z̃: the control variate c(z) meets the score of z instead of that of b,
//
//	ĝ = f(b)·∂log p(b)/∂ℓ − c(z)·∂log p(z)/∂ℓ + ∂c(z)/∂ℓ
//
// where z = ℓ + noise is what b is the step function of, and c is a net of z and Problem.Context like that of RELAX. The
// score ∂log p(z)/∂ℓ at fixed z is tanh(ε/2) for logistic noise ε, and for Gumbel noise g it is that of log softmax(ℓ),
// 1 − e^{−g}, taken to the logits.
//
//   - Laws: Bernoulli and categorical. LAX itself, the same estimator of an f that is a function of a continuous z, is not
//     offered: this package is about discrete b.
//   - Bias: none, for any parameters: E c(z)·∂log p(z)/∂ℓ and E ∂c(z)/∂ℓ are both ∂E c(z)/∂ℓ.
//   - Work: one evaluation of f, which need not be differentiable. The variance is higher than that of RELAX, as the two
//     scores differ.
//   - Parameters: those of the net; Tuning is Σĝ². The output layer is zero to begin with, so that DLAX starts
//     as the score function.
//
// Source: Grathwohl et al. (2018), arXiv:1711.00123, section 3.
type DLAX struct {
	Activation Activation // of the net; zero: Tanh
	Hidden     int        // units of its hidden layer; zero: 100
}

// Info describes the estimator.
func (d DLAX) Info() Info {
	return Info{
		Name:        "dlax",
		Summary:     "score function with a net and the score of the continuous variable as control variate",
		Source:      "Grathwohl et al. 2018, arXiv:1711.00123, section 3",
		Laws:        []Law{Bernoulli, Categorical},
		Unbiased:    true,
		Evaluations: 1,
	}
}

// Noise is that of z: logistic or Gumbel, the logits' shape.
func (d DLAX) Noise(p Problem) []noise.Spec { return p.sampleNoise(1) }

// Parameters are those of the net.
func (d DLAX) Parameters(p Problem, seed uint64) []Parameter { return p.netParameters(seed, d.Hidden) }

// Build adds the estimate to the graph.
func (d DLAX) Build(p Problem, eps, params []*G.Node) (Estimate, error) {
	if err := d.Activation.validate("dlax", d.Hidden); err != nil {
		return Estimate{}, err
	}
	p, err := validate(d, p, eps, params)
	if err != nil {
		return Estimate{}, err
	}
	z, b, err := p.reparameterisation().Reparameterise(eps[0])
	if err != nil {
		return Estimate{}, err
	}
	var e op.Expr
	f := e.Of(p.evaluate(p.F, b))
	c := e.Of(p.net(d.Activation, params)(z, p.Logits))
	if err := e.Err(); err != nil {
		return Estimate{}, err
	}
	discrete := e.Of(p.weighted(f, b))
	continuous := e.Of(op.Mul(e.Of(op.SpreadEvent(c, p.event()...)), e.Of(p.continuousScore(eps[0]))))
	grad := e.Of(op.Add(e.Of(op.Sub(discrete, continuous)), e.Of(gradient(c, p.Logits))))
	return Estimate{Value: f, Sample: b, Grad: grad, Tuning: e.Of(squares(grad))}, e.Err()
}

// continuousScore is ∂log p(z)/∂ℓ at the z that the noise gives.
func (p Problem) continuousScore(eps *G.Node) (*G.Node, error) {
	var e op.Expr
	if p.Law == Bernoulli {
		return e.Node(e.Of(op.Tanh(e.Of(op.Scale(eps, 0.5)))))
	}
	score := e.Of(op.OneMinus(e.Of(op.Exp(e.Of(op.Neg(eps))))))
	return e.Node(e.Of(p.pullBack(score, e.Of(op.LogSoftmax(p.Logits)))))
}
