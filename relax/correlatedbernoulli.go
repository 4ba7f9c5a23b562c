package relax

import (
	"errors"
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// CorrelatedBernoulli is the law of D bits per row with P(b_k = 1) = σ(ℓ_k), made dependent by a Gaussian copula. With
// logits [B, N, D] each row holds N independent vectors of D bits.
//
//		b_k = 1[ℓ_k + logit Φ(v_k) > 0],  v = Lε,  ε standard normal,  so that v has correlation matrix R = LLᵀ
//
//	  - Value: exactly 0 or 1. Hard is the same; Logit is ℓ + logit Φ(v).
//	  - LogProb: always an error. The probability of an outcome is an integral of dimension D without closed form; see
//	    Conditional, which bounds and estimates it.
//	  - Gradient: none passes through a sample.
//
// For two bits with σ(ℓ) = ½, P(both 1) = ¼ + arcsin(R_12)/2π.
//
// Source: the hard gates of Lee, Imrie and van der Schaar (2022), openreview.net/forum?id=oDFvtxzPOx, equation 4.
type CorrelatedBernoulli struct {
	Logits *G.Node // ℓ [B, …, D]
	Chol   *G.Node // L [D, D], lower triangular with rows of unit length and a positive diagonal: see Cholesky, LearnedCholesky
}

// errOrthant is why correlated bits have no LogProb.
var errOrthant = errors.New("relax: CorrelatedBernoulli.LogProb: the probability of correlated bits has no closed form; " +
	"the law that Conditional gives for their noise bounds and estimates it")

// Noise is one standard normal input of the logits' shape.
func (d CorrelatedBernoulli) Noise() []noise.Spec { return specLike(noise.Normal, d.Logits) }

// Rsample draws bits.
func (d CorrelatedBernoulli) Rsample(eps ...*G.Node) (Draw, error) {
	sum, hard, err := d.threshold(eps)
	if err != nil {
		return Draw{}, err
	}
	return Draw{Value: hard, Logit: sum, Hard: hard}, nil
}

// LogProb is an error.
func (d CorrelatedBernoulli) LogProb(Draw) (*G.Node, error) { return nil, errOrthant }

// Mean is σ(ℓ): the logits' shape.
func (d CorrelatedBernoulli) Mean() (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	return op.Sigmoid(d.Logits)
}

// Conditional is the law of each bit given the noise of those before it, for the noise that the bits were drawn with:
//
//	P(b_k = 1 | ε_1, …, ε_{k−1}) = Φ((Φ⁻¹(σ(ℓ_k)) + Σ_{j<k} L_kj ε_j) / L_kk)
//
// Let w(b, ε) be the probability that it gives to bits b, and p any distribution of bits, q this one.
//
//   - For p of independent bits, the mean over ε of KL(Conditional‖p) is an upper bound of KL(q‖p), and so a valid
//     divergence in an evidence bound. It is exact for R = I, and at most Σ_k KL(q_k‖p_k) − ½ log |R|.
//   - For b drawn with ε, the mean of f(b)/w(b, ε) is Σ_b f(b): in importance sampling, where f(b) is the joint
//     probability of data and bits, w takes the place of q(b).
//
// Gradients reach the logits and L, at fixed noise. The weights are those of the simulator of Geweke, Hajivassiliou
// and Keane; see Hajivassiliou, McFadden and Ruud (1996), Journal of Econometrics 72, 85–134.
func (d CorrelatedBernoulli) Conditional(eps *G.Node) (Bernoulli, error) {
	if err := d.validate(); err != nil {
		return Bernoulli{}, err
	}
	ε, err := sampleNoise(d.Logits, []*G.Node{eps})
	if err != nil {
		return Bernoulli{}, err
	}
	var e op.Expr
	before := e.Of(couple(e.Of(op.LowerTriangle(d.Chol, -1)), ε))
	t, err := e.Node(e.Of(op.Add(e.Of(op.NormalQuantile(d.Logits)), before)))
	if err != nil {
		return Bernoulli{}, err
	}
	rows := e.Of(vectors(t))
	own := e.Of(op.SpreadBatch(e.Of(op.Diagonal(d.Chol)), t.Shape().TotalSize()/d.Chol.Shape()[0]))
	logits := e.Of(op.LogitNormalCDF(e.Of(op.Div(rows, own))))
	return Bernoulli{Logits: e.Of(op.Reshape(logits, t.Shape()...))}, e.Err()
}

// threshold makes logistic noise of correlated normal noise, adds it to the logits and cuts at zero.
func (d CorrelatedBernoulli) threshold(eps []*G.Node) (sum, hard *G.Node, err error) {
	if err := d.validate(); err != nil {
		return nil, nil, err
	}
	ε, err := sampleNoise(d.Logits, eps)
	if err != nil {
		return nil, nil, err
	}
	var e op.Expr
	logistic := e.Of(op.LogitNormalCDF(e.Of(couple(e.Of(op.LowerTriangle(d.Chol, 0)), ε))))
	return threshold(d.Logits, []*G.Node{logistic})
}

func (d CorrelatedBernoulli) validate() error {
	if err := parameter("Logits", d.Logits); err != nil {
		return err
	}
	return factor("Chol", d.Chol, d.Logits)
}

// factor validates a Cholesky factor for the last axis of the logits.
func factor(name string, l, logits *G.Node) error {
	shape := logits.Shape()
	width := shape[len(shape)-1]
	switch {
	case l == nil:
		return fmt.Errorf("relax: %s is nil; without correlation use RelaxedBernoulli", name)
	case !slices.Equal(l.Shape(), []int{width, width}):
		return fmt.Errorf("relax: %s has shape %v; vectors of %d bits need %v", name, l.Shape(), width, []int{width, width})
	case l.Dtype() != logits.Dtype() || l.Graph() != logits.Graph():
		return fmt.Errorf("relax: %s is %v; it must have the type %v and the graph of the logits", name, l.Dtype(), logits.Dtype())
	}
	return nil
}

// couple is Lε for each vector ε along the last axis.
func couple(l, ε *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.Reshape(e.Of(op.MatMul(e.Of(vectors(ε)), l, false, true)), ε.Shape()...)))
}

// vectors lays a node out as the matrix of its vectors along the last axis.
func vectors(x *G.Node) (*G.Node, error) {
	shape := x.Shape()
	width := shape[len(shape)-1]
	return op.Reshape(x, shape.TotalSize()/width, width)
}
