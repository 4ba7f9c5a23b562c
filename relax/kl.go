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
// Known are the pairs of one kind of Bernoulli, Categorical and Normal, of Poisson and Geometric, of Binomial of equal
// Trials and NegativeBinomial of equal Failures, and of CensoredCount of one Max, whatever its law; pairs of
// RelaxedBernoulli, StickBreaking and InvertibleGaussian of one temperature (and Delta), of HardConcrete of one
// temperature and stretch, and of LogisticNormal; and the straight-through distributions, whose law is that of the
// discrete one. Of CorrelatedRelaxedBernoulli, pairs that share logits and temperature are known, and that with a
// RelaxedBernoulli p of the same temperature. Every other pair is an error that names both, never an approximation: the
// divergence between Bernoulli laws, say, bounds nothing for relaxed samples. See SampleKL for the rest.
//
// A parameter of p may lack the batch axis, [D]; it is then the same for every row.
func KL(q, p Distribution) (*G.Node, error) {
	q, p = law(q), law(p)
	for _, d := range []Distribution{q, p} {
		if d, ok := d.(invalid); ok {
			return nil, d.err
		}
	}
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
// the same to both. HardConcrete and GaussianRelaxedBernoulli are refused, because their densities jump, and
// StochasticTimesSmooth, whose divergence is infinite.
func SampleKL(q, p Distribution, x Draw) (*G.Node, error) {
	if q == nil || reflect.TypeOf(q) != reflect.TypeOf(p) || reflect.TypeOf(law(q)) != reflect.TypeOf(law(p)) {
		return nil, fmt.Errorf("relax: SampleKL(%s‖%s): two distributions of one kind are needed", typeName(q), typeName(p))
	}
	switch q.(type) {
	case HardConcrete, *HardConcrete:
		return nil, errors.New("relax: SampleKL(HardConcrete‖HardConcrete): the gradient would be biased, because the density " +
			"jumps at the atoms; use KL, or KL of the Concrete distributions, which bounds it from above")
	case GaussianRelaxedBernoulli, *GaussianRelaxedBernoulli:
		return nil, errors.New("relax: SampleKL(GaussianRelaxedBernoulli‖GaussianRelaxedBernoulli): the gradient would be biased, because the density " +
			"jumps at the atoms; use KL of the Gaussian distributions, which bounds it from above")
	case StochasticTimesSmooth, *StochasticTimesSmooth:
		return nil, errors.New("relax: SampleKL(StochasticTimesSmooth‖StochasticTimesSmooth): the divergence is infinite, because " +
			"the values {0, √p} differ; use KL of the Discrete laws of the bits")
	}
	var e op.Expr
	return e.Node(e.Of(op.Sub(e.Of(q.LogProb(x)), e.Of(p.LogProb(x)))))
}

// law replaces a distribution by the discrete one if its samples have exactly that law.
func law(d Distribution) Distribution {
	switch d := d.(type) {
	case StraightThroughBernoulli:
		return d.Discrete()
	case DecoupledStraightThrough:
		return d.Discrete()
	case RelaxedCategorical:
		if d.StraightThrough {
			return d.Discrete()
		}
	case GeneralizedGumbelSoftmax:
		if d.StraightThrough {
			return d.Discrete()
		}
	}
	return d
}

func typeName(d Distribution) string { return strings.Replace(fmt.Sprintf("%T", d), "relax.", "", 1) }

// divergences holds the closed forms by the types of q and p.
var divergences = map[[2]reflect.Type]func(q, p Distribution) (*G.Node, error){
	pair[Bernoulli]():                  closedForm(klBernoulli),
	pair[Categorical]():                closedForm(klCategorical),
	pair[Normal]():                     closedForm(klNormal),
	pair[RelaxedBernoulli]():           closedForm(klRelaxedBernoulli),
	pair[HardConcrete]():               closedForm(klHardConcrete),
	pair[CorrelatedRelaxedBernoulli](): closedForm(klCorrelated),
	{reflect.TypeFor[CorrelatedRelaxedBernoulli](), reflect.TypeFor[RelaxedBernoulli]()}: func(q, p Distribution) (*G.Node, error) {
		return klIndependent(q.(CorrelatedRelaxedBernoulli), p.(RelaxedBernoulli))
	},
	pair[StochasticTimesSmooth](): closedForm(klStochasticTimesSmooth),
	pair[InvertibleGaussian]():    closedForm(klInvertibleGaussian),
	pair[StickBreaking]():         closedForm(klStickBreaking),
	pair[LogisticNormal]():        closedForm(klLogisticNormal),
	pair[Poisson]():               closedForm(klCount[Poisson]),
	pair[Geometric]():             closedForm(klCount[Geometric]),
	pair[Binomial]():              closedForm(klCount[Binomial]),
	pair[NegativeBinomial]():      closedForm(klCount[NegativeBinomial]),
	pair[CensoredCount]():         closedForm(klCensored),
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
	return op.BernoulliKL(q.Logits, lp)
}

// klCategorical is Σ_n ⟨softmax(ℓ_q), log softmax(ℓ_q) − log softmax(ℓ_p)⟩.
func klCategorical(q, p Categorical) (*G.Node, error) {
	if err := paired("Logits", q.Logits, p.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	logp := e.Of(op.LogSoftmax(p.Logits))
	if err := e.Err(); err != nil {
		return nil, err
	}
	return e.Node(e.Of(op.CategoricalKL(q.Logits, e.Of(overBatch(logp, q.Logits)))))
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
	if err := sameTemperature(q.Temperature, p.Temperature, q.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	half := e.Of(op.Scale(e.Of(op.Sub(q.Logits, lp)), 0.5))
	return e.Node(e.Of(op.SumEvent(e.Of(op.Scale(e.Of(op.XCothM1(half)), 2)))))
}

// klHardConcrete is that of the logits y, clipped where z is: a logistic variable of scale 1/β with all that lies outside
// the edges moved to them. The map from there to z is invertible.
func klHardConcrete(q, p HardConcrete) (*G.Node, error) {
	γ, ζ, err := q.stretch()
	if err != nil {
		return nil, err
	}
	if γp, ζp, err := p.stretch(); err != nil {
		return nil, err
	} else if γp != γ || ζp != ζ {
		return nil, fmt.Errorf("%w for unequal stretches, over (%g, %g) and (%g, %g)", ErrNoKL, γ, ζ, γp, ζp)
	}
	lp, err := prior("Logits", q.Logits, p.Logits)
	if err != nil {
		return nil, err
	}
	if err := sameTemperature(q.Temperature, p.Temperature, q.Logits); err != nil {
		return nil, err
	}
	β, err := temperature(q.Temperature, q.Logits)
	if err != nil {
		return nil, err
	}
	low, high := edges(γ, ζ)
	var e op.Expr
	point := func(edge float64) *G.Node { // βy − ℓ_q at an edge
		return e.Of(op.Sub(e.Of(op.Scale(β, edge)), q.Logits))
	}
	return e.Node(e.Of(op.SumEvent(e.Of(op.CensoredLogisticKL(point(low), point(high), e.Of(op.Sub(q.Logits, lp)))))))
}

// sameTemperature is an error unless two Temperature fields are one temperature.
func sameTemperature(q, p, like *G.Node) error {
	τq, err := temperature(q, like)
	if err != nil {
		return err
	}
	τp, err := temperature(p, like)
	if err != nil {
		return err
	}
	if τq != τp && !op.SameConstant(τq, τp) {
		return fmt.Errorf("%w for unequal temperatures; give both the same Temperature node", ErrNoKL)
	}
	return nil
}

// klCorrelated is the divergence between the Gaussian vectors v that two laws of the same logits and temperature map to
// their values in the same invertible way: ½(tr(R_p⁻¹R_q) − D + log |R_p| − log |R_q|) for each of the N vectors of a row.
func klCorrelated(q, p CorrelatedRelaxedBernoulli) (*G.Node, error) {
	if err := q.bits().validate(); err != nil {
		return nil, err
	}
	if p.Logits != q.Logits {
		return nil, fmt.Errorf("%w for unequal logits; give both the same Logits node, or take p independent: RelaxedBernoulli", ErrNoKL)
	}
	if err := factor("p's Chol", p.Chol, p.Logits); err != nil {
		return nil, err
	}
	if err := sameTemperature(q.Temperature, p.Temperature, q.Logits); err != nil {
		return nil, err
	}
	shape := q.Logits.Shape()
	rows, width := shape[0], shape[len(shape)-1]
	n := float64(shape.TotalSize() / (rows * width))
	var e op.Expr
	// tr(R_p⁻¹R_q) is the sum of squares of L_p⁻¹L_q, whose columns are made of unit vectors in place of noise.
	units := e.Of(op.DiagonalMatrix(e.Of(op.FullLike(e.Of(op.Diagonal(q.Chol)), 1))))
	columns := e.Of(op.MatMul(units, e.Of(op.LowerTriangle(q.Chol, 0)), false, true))
	trace := e.Of(op.SumAll(e.Of(op.Square(e.Of(op.TriSolve(p.Chol, columns, false))))))
	dets := e.Of(op.Sub(e.Of(p.halfLogDet()), e.Of(q.halfLogDet())))
	total := e.Of(op.Add(e.Of(op.Affine(trace, n/2, -n*float64(width)/2)), dets))
	return e.Node(e.Of(op.SpreadAll(total, rows)))
}

// klIndependent is the divergence of the marginal laws plus that of the copula from independence, −½ log |R|.
func klIndependent(q CorrelatedRelaxedBernoulli, p RelaxedBernoulli) (*G.Node, error) {
	if err := q.bits().validate(); err != nil {
		return nil, err
	}
	var e op.Expr
	marginals, err := klRelaxedBernoulli(q.marginals(), p)
	if err != nil {
		return nil, err
	}
	return e.Node(e.Of(op.Sub(marginals, e.Of(q.halfLogDet()))))
}

// klStochasticTimesSmooth is infinite for any two p that differ, since each law puts mass on a value that the other
// never takes.
func klStochasticTimesSmooth(_, _ StochasticTimesSmooth) (*G.Node, error) {
	return nil, fmt.Errorf("%w: it is infinite, because the values {0, √p} differ; use that of the Discrete laws of the bits", ErrNoKL)
}

// klInvertibleGaussian is that of the Gaussian vectors: divergences do not change under an invertible map that both share.
func klInvertibleGaussian(q, p InvertibleGaussian) (*G.Node, error) {
	if q.delta() != p.delta() {
		return nil, fmt.Errorf("%w for unequal Delta, %g and %g", ErrNoKL, q.delta(), p.delta())
	}
	if _, _, err := q.constants(); err != nil {
		return nil, err
	}
	if err := sameTemperature(q.Temperature, p.Temperature, q.Mu); err != nil {
		return nil, err
	}
	return klNormal(q.Gaussian(), p.Gaussian())
}

// klStickBreaking is that of the Gaussian vectors, as above.
func klStickBreaking(q, p StickBreaking) (*G.Node, error) {
	if err := q.Gaussian().validate(); err != nil {
		return nil, err
	}
	if err := sameTemperature(q.Temperature, p.Temperature, q.Mu); err != nil {
		return nil, err
	}
	return klNormal(q.Gaussian(), p.Gaussian())
}

// klLogisticNormal is that of the Gaussian vectors, as above.
func klLogisticNormal(q, p LogisticNormal) (*G.Node, error) {
	return klNormal(q.Gaussian(), p.Gaussian())
}

// klCount is Σ_d E_q[X]·(a_q − a_p) − A_q + A_p, for two laws of one family.
func klCount[D Count](q, p D) (*G.Node, error) {
	lq, lp := q.count(), p.count()
	if err := lq.validate(); err != nil {
		return nil, err
	}
	if lp.invalid != nil {
		return nil, lp.invalid
	}
	if lq.family.Name != lp.family.Name {
		return nil, fmt.Errorf("%w between %s and %s", ErrNoKL, lq.family.Name, lp.family.Name)
	}
	var err error
	if lp.param, err = prior(lq.name, lq.param, lp.param); err != nil {
		return nil, err
	}
	aq, Aq, mean, err := lq.nodes()
	if err != nil {
		return nil, err
	}
	ap, Ap, _, err := lp.nodes()
	if err != nil {
		return nil, err
	}
	var e op.Expr
	linear := e.Of(op.Mul(mean, e.Of(op.Sub(aq, ap))))
	return e.Node(e.Of(op.SumEvent(e.Of(op.Add(linear, e.Of(op.Sub(Ap, Aq)))))))
}

// klCensored is the categorical divergence over the common points. The laws may be of different families.
func klCensored(q, p CensoredCount) (*G.Node, error) {
	if q.Max != p.Max {
		return nil, fmt.Errorf("%w between counts up to %d and up to %d", ErrNoKL, q.Max, p.Max)
	}
	cq, err := q.categorical()
	if err != nil {
		return nil, err
	}
	if p.Law == nil {
		return nil, errors.New("relax: p's Law is nil")
	}
	lp := p.Law.count()
	if err := paired(lp.name, q.Law.count().param, lp.param); err != nil {
		return nil, err
	}
	logits, err := lp.censoredLogits(p.Max)
	if err != nil {
		return nil, err
	}
	return klCategorical(cq, Categorical{Logits: logits})
}

// prior validates the parameters of a pair and gives p's the batch axis if it has none.
func prior(name string, q, p *G.Node) (*G.Node, error) {
	if err := paired(name, q, p); err != nil {
		return nil, err
	}
	return overBatch(p, q)
}

// paired validates the parameters of a pair. What is computed from p's alone is computed before it is spread over
// the batch, once and not for every row.
func paired(name string, q, p *G.Node) error {
	if err := parameter("q's "+name, q); err != nil {
		return err
	}
	if p == nil {
		return fmt.Errorf("relax: p's %s is nil", name)
	}
	if slices.Equal(p.Shape(), q.Shape()[1:]) {
		return nil
	}
	return drawn("p's "+name, p, q)
}

// overBatch gives a node of p the batch axis of one of q if it has none.
func overBatch(p, q *G.Node) (*G.Node, error) {
	if p.Dims() < q.Dims() {
		return op.SpreadBatch(p, q.Shape()[0])
	}
	return p, nil
}
