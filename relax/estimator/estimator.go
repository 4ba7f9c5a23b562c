// Package estimator builds estimates of ∂/∂ℓ E_{b~p(b|ℓ)} f(b) for discrete b into Gorgonia expression graphs.
//
// An [Estimator] takes a [Problem] – logits, a law and a function f that builds nodes – and returns nodes: the value of
// f at what was drawn, and an estimate of the gradient for every logit. Like the distributions of package relax it runs
// nothing, owns no randomness and keeps no state: noise and the parameters of control variates are input nodes that the
// caller creates, fills and updates.
//
// The estimate reaches the parameters of whatever made the logits as the gradient of Σ StopGradient(Grad)∘Logits, and
// those of f as the gradient of Value. One definition so serves toy problems, variational autoencoders and tests.
package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/relax/noise"
)

// Law says what the logits of a problem parametrise.
type Law int

// Laws.
const (
	Bernoulli   Law = iota // bits: log-odds [B, D]; P(b=1) = σ(ℓ)
	Categorical            // one-hot vectors over the last axis: unnormalised log-probabilities [B, N, K]
)

func (l Law) String() string {
	if l == Categorical {
		return "categorical"
	}
	return "Bernoulli"
}

// Objective builds f(b), one value per row: [B, …] → [B]. Row i may depend on row i of b alone. Estimators call it with
// exactly discrete b and, if Info.Smooth says so, with b inside the unit interval or the simplex.
type Objective func(b *G.Node) (*G.Node, error)

// Problem is an expectation whose gradient with respect to the logits is wanted.
type Problem struct {
	Law    Law
	Logits *G.Node // ℓ, [B, D] or [B, N, K] as the law says
	F      Objective
	// Smooth is what control variates use in place of F where b is not discrete; nil: F. It may differ from F, as
	// unbiasedness does not depend on it, but must be differentiable in b.
	Smooth Objective
	// Context [B, C] is what f is made of beside b, such as an image or a state: learned baselines look at it. It may
	// be nil, for baselines that are constant.
	Context *G.Node
}

// Parameter is a tensor that an estimator learns: the node for it is an input that the caller fills with Initial and
// then updates with the gradient of Estimate.Tuning.
type Parameter struct {
	Name    string
	Shape   []int
	Initial []float64
}

// Info describes an estimator.
type Info struct {
	Name    string // as on the command line
	Summary string // half a sentence
	Source  string // paper, with equation where there is one
	Laws    []Law  // that it is offered for

	Unbiased    bool // E Grad is the gradient, whatever the parameters of the control variate are
	Evaluations int  // of f, or of its surrogate, for one estimate; 0: as many as b has states
	Gradient    bool // needs ∂f/∂b
	Smooth      bool // calls the objective with b that is not discrete
}

// Estimate is the nodes of one estimate for every row.
type Estimate struct {
	Value  *G.Node // f at the discrete samples, their mean if there are several: [B]. Gradients reach what f is made of, not the logits
	Sample *G.Node // b, the first of the discrete samples: the logits' shape
	Grad   *G.Node // estimate of ∂E f/∂ℓ for each row: the logits' shape
	Tuning *G.Node // what the parameters minimise, over rows: [B]; to be differentiated with respect to them alone; nil if there are none
}

// Estimator is a way to estimate a gradient. It is a struct of its settings.
type Estimator interface {
	Info() Info
	// Noise lists the noise inputs that Build takes, in order.
	Noise(p Problem) []noise.Spec
	// Parameters lists the parameters that Build takes, in order, with initial values that depend on the seed and the
	// problem's shapes alone. Most estimators have none.
	Parameters(p Problem, seed uint64) []Parameter
	// Build adds the estimate to the graph of the logits. Each eps has the shape of its Spec, each param that of its
	// Parameter; all have the type of the logits. A law that is not offered is an error, and so are wrong shapes.
	Build(p Problem, eps, params []*G.Node) (Estimate, error)
}
