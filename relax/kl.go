package relax

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// ErrNoKL is the cause of the error that KL returns for a pair without a known closed form.
var ErrNoKL = errors.New("no closed form is known")

// KL is the Kullback–Leibler divergence KL(q‖p) = E_q[log q − log p] in nats, in closed form, summed over the event: [B].
//
// Known are Bernoulli, Categorical and Normal pairs, RelaxedBernoulli pairs of one temperature, and the
// straight-through distributions, whose law is that of the discrete one. Every other pair is an error that names
// both, never an approximation: the divergence between Bernoulli laws, say, bounds nothing for relaxed samples. See
// SampleKL for the rest.
//
// A parameter of p may lack the batch axis, [D]; it is then the same for every row.
func KL(q, p Distribution) (*G.Node, error) {
	q, p = law(q), law(p)
	if f := divergences[[2]reflect.Type{reflect.TypeOf(q), reflect.TypeOf(p)}]; f != nil {
		n, err := f(q, p)
		if err != nil {
			return nil, fmt.Errorf("relax: KL(%s‖%s): %w", typeName(q), typeName(p), err)
		}
		return n, nil
	}
	return nil, fmt.Errorf("relax: KL(%s‖%s): %w; SampleKL estimates it for two distributions of one kind",
		typeName(q), typeName(p), ErrNoKL)
}

// SampleKL is the one-sample estimate log q(x) − log p(x) of KL(q‖p), for a draw x of q: [B]. It is unbiased, and so is
// its gradient if densities are continuous along the draw. Both distributions are of one kind, so that the draw means
// the same to both. HardConcrete is refused: its density jumps.
func SampleKL(q, p Distribution, x Draw) (*G.Node, error) {
	if q == nil || reflect.TypeOf(q) != reflect.TypeOf(p) || reflect.TypeOf(law(q)) != reflect.TypeOf(law(p)) {
		return nil, fmt.Errorf("relax: SampleKL(%s‖%s): two distributions of one kind are needed", typeName(q), typeName(p))
	}
	switch q.(type) {
	case HardConcrete, *HardConcrete:
		return nil, errors.New("relax: SampleKL(HardConcrete‖HardConcrete): the gradient would be biased, because the density " +
			"jumps at the atoms; use KL of the Concrete distributions, which bounds it from above")
	}
	var e op.Expr
	return e.Node(e.Of(op.Sub(e.Of(q.LogProb(x)), e.Of(p.LogProb(x)))))
}

// law replaces a distribution by the discrete one if its samples have exactly that law.
func law(d Distribution) Distribution {
	switch d := d.(type) {
	case StraightThroughBernoulli:
		return d.Discrete()
	case RelaxedCategorical:
		if d.StraightThrough {
			return d.Discrete()
		}
	}
	return d
}

func typeName(d Distribution) string { return strings.Replace(fmt.Sprintf("%T", d), "relax.", "", 1) }

// divergences holds the closed forms by the types of q and p.
var divergences = map[[2]reflect.Type]func(q, p Distribution) (*G.Node, error){
	pair[Bernoulli]():        closedForm(klBernoulli),
	pair[Categorical]():      closedForm(klCategorical),
	pair[Normal]():           closedForm(klNormal),
	pair[RelaxedBernoulli](): closedForm(klRelaxedBernoulli),
}

func pair[D Distribution]() [2]reflect.Type {
	t := reflect.TypeFor[D]()
	return [2]reflect.Type{t, t}
}

func closedForm[D Distribution](f func(q, p D) (*G.Node, error)) func(q, p Distribution) (*G.Node, error) {
	return func(q, p Distribution) (*G.Node, error) { return f(q.(D), p.(D)) }
}

// klBernoulli is Σ_d π(ℓ_q − ℓ_p) − softplus(ℓ_q) + softplus(ℓ_p) with π = σ(ℓ_q).
func klBernoulli(q, p Bernoulli) (*G.Node, error) {
	lp, err := prior("Logits", q.Logits, p.Logits)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	linear := e.Of(op.Mul(e.Of(op.Sigmoid(q.Logits)), e.Of(op.Sub(q.Logits, lp))))
	normaliser := e.Of(op.Sub(e.Of(op.Softplus(lp)), e.Of(op.Softplus(q.Logits))))
	return e.Node(e.Of(op.SumEvent(e.Of(op.Add(linear, normaliser)))))
}

// klCategorical is Σ_n ⟨softmax(ℓ_q), log softmax(ℓ_q) − log softmax(ℓ_p)⟩.
func klCategorical(q, p Categorical) (*G.Node, error) {
	lp, err := prior("Logits", q.Logits, p.Logits)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	ratio := e.Of(op.Sub(e.Of(op.LogSoftmax(q.Logits)), e.Of(op.LogSoftmax(lp))))
	return e.Node(e.Of(op.SumEvent(e.Of(op.Mul(e.Of(op.Softmax(q.Logits)), ratio)))))
}

// klNormal is Σ_d ½(r² + ((μ_q−μ_p)/σ_p)² − 1) − log r with r = σ_q/σ_p.
func klNormal(q, p Normal) (*G.Node, error) {
	if err := q.validate(); err != nil {
		return nil, err
	}
	μp, err := prior("Mu", q.Mu, p.Mu)
	if err != nil {
		return nil, err
	}
	σp, err := prior("Sigma", q.Sigma, p.Sigma)
	if err != nil {
		return nil, err
	}
	var e op.Expr
	r := e.Of(op.Div(q.Sigma, σp))
	shift := e.Of(op.Div(e.Of(op.Sub(q.Mu, μp)), σp))
	squares := e.Of(op.Add(e.Of(op.Square(r)), e.Of(op.Square(shift))))
	return e.Node(e.Of(op.SumEvent(e.Of(op.Sub(e.Of(op.Affine(squares, 0.5, -0.5)), e.Of(op.Log(r)))))))
}

// klRelaxedBernoulli is Σ_d δ coth(δ/2) − 2 with δ = ℓ_q − ℓ_p, for any temperature that both share: in the logit y the
// two laws are logistic with one scale, and divergences do not change under the invertible map z = σ(y).
func klRelaxedBernoulli(q, p RelaxedBernoulli) (*G.Node, error) {
	lp, err := prior("Logits", q.Logits, p.Logits)
	if err != nil {
		return nil, err
	}
	τq, err := temperature(q.Temperature, q.Logits)
	if err != nil {
		return nil, err
	}
	τp, err := temperature(p.Temperature, q.Logits)
	if err != nil {
		return nil, err
	}
	if τq != τp && !op.SameConstant(τq, τp) {
		return nil, fmt.Errorf("%w for unequal temperatures; give both the same Temperature node", ErrNoKL)
	}
	var e op.Expr
	half := e.Of(op.Scale(e.Of(op.Sub(q.Logits, lp)), 0.5))
	return e.Node(e.Of(op.SumEvent(e.Of(op.Scale(e.Of(op.XCothM1(half)), 2)))))
}

// prior validates the parameters of a pair and gives p's the batch axis if it has none.
func prior(name string, q, p *G.Node) (*G.Node, error) {
	if err := parameter("q's "+name, q); err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("relax: p's %s is nil", name)
	}
	if slices.Equal(p.Shape(), q.Shape()[1:]) {
		return op.SpreadBatch(p, q.Shape()[0])
	}
	return p, drawn("p's "+name, p, q)
}
