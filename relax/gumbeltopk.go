package relax

import (
	"fmt"
	"math"
	"math/bits"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// GumbelTopK draws k of n classes without replacement: those of the k largest perturbed logits, in their order. With
// logits [B, N, n] each row holds N independent draws.
//
//		i_1, …, i_k = argtop_k (ℓ + g),  g Gumbel
//
//	  - Value: a relaxed k-hot vector Σ_j a^j of k softmaxes, a^j = softmax(α^j/τ), α^1 = ℓ + g, α^{j+1} = α^j + log(1 − a^j),
//	    [B, …, n]. Its elements add up to k and tend to 0 and 1 as τ → 0; where τ is
//	    not small against the gaps between the perturbed logits, one may exceed 1. With StraightThrough it is exactly k-hot instead. Hard marks the k classes; Logit is ℓ + g, which holds their order.
//	  - LogProb: the Plackett–Luce log-probability of the classes in the order of Logit, whatever the temperature,
//	    Σ_j ℓ_{i_j} − log Σ_{i not drawn before j} e^{ℓ_i}. LogProbSet is that of the set, in any order. The relaxed vector has no
//	    density in closed form.
//	  - Gradient: exact, differentiable once; with StraightThrough the same gradient is attached to the k-hot value, which makes it a biased
//	    surrogate. None passes through LogProb to the draw.
//
// With k = 1 a sample is that of [RelaxedCategorical]. Source: Kool, van Hoof and Welling (2019), arXiv:1903.06059; Xie and Ermon (2019),
// arXiv:1901.10517, for the relaxation.
type GumbelTopK struct {
	Logits          *G.Node // ℓ [B, …, n]
	K               int     // k, from 1 to n
	Temperature     *G.Node // τ, a positive scalar; nil: 2/3
	StraightThrough bool    // k-hot values with the gradient of the soft ones
}

// Noise is one Gumbel input of the logits' shape.
func (d GumbelTopK) Noise() []noise.Spec { return specLike(noise.Gumbel, d.Logits) }

// Rsample draws subsets.
func (d GumbelTopK) Rsample(eps ...*G.Node) (Draw, error) {
	if err := d.validate(); err != nil {
		return Draw{}, err
	}
	g, err := sampleNoise(d.Logits, eps)
	if err != nil {
		return Draw{}, err
	}
	τ, err := temperature(d.Temperature, d.Logits)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	keys := e.Of(op.Add(d.Logits, g))
	soften := op.SuccessiveSoftmax
	if d.StraightThrough {
		soften = op.StraightThroughTopK
	}
	value, hard := e.Of(soften(keys, τ, d.K)), e.Of(op.TopK(keys, d.K))
	return Draw{Value: value, Logit: keys, Hard: hard}, e.Err()
}

// LogProb is the log-probability of the ordered draw, computed from Logit: [B].
func (d GumbelTopK) LogProb(x Draw) (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Logit", x.Logit, d.Logits); err != nil {
		return nil, err
	}
	var e op.Expr
	chosen := e.Of(op.SumLast(e.Of(op.Mul(d.Logits, e.Of(op.TopK(x.Logit, d.K))))))
	total := e.Of(op.Sub(chosen, e.Of(op.LogSumExp(d.Logits))))
	for j := 1; j < d.K; j++ {
		left := e.Of(op.OneMinus(e.Of(op.TopK(x.Logit, j))))
		total = e.Of(op.Sub(total, e.Of(logSumExpWhere(d.Logits, left))))
	}
	return e.Node(e.Of(op.SumEvent(total)))
}

// LogProbSet is the log-probability of the classes that Hard marks, drawn in any order, the sum over k! orders; k is at
// most 8. Differentiable once: [B].
func (d GumbelTopK) LogProbSet(x Draw) (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Hard", x.Hard, d.Logits); err != nil {
		return nil, err
	}
	if d.K > op.MaxSubset {
		return nil, fmt.Errorf("relax: the probability of a set of %d classes; at most %d are summed over their orders", d.K, op.MaxSubset)
	}
	var e op.Expr
	return e.Node(e.Of(op.SumEvent(e.Of(op.LogSubset(d.Logits, x.Hard, d.K)))))
}

// Discrete is the law of the k-hot vector and its order.
func (d GumbelTopK) Discrete() Distribution {
	d.StraightThrough = true
	return d
}

func (d GumbelTopK) validate() error {
	if err := parameter("GumbelTopK.Logits", d.Logits); err != nil {
		return err
	}
	if n := classes(d.Logits); d.K < 1 || d.K > n {
		return fmt.Errorf("relax: GumbelTopK.K is %d of %d classes; it must lie between 1 and their number", d.K, n)
	}
	return nil
}

// logSumExpWhere is log Σ e^{x_k} over the elements that a mask of zeros and ones marks.
func logSumExpWhere(x, mask *G.Node) (*G.Node, error) {
	var e op.Expr
	return e.Node(e.Of(op.LogSumExp(e.Of(op.Add(x, e.Of(op.Log(mask)))))))
}

// ConditionalGumbel shifts perturbed logits such that their largest becomes what is given and the others keep their law
// given that: with Z = max_i g_i,
//
//	g̃_i = T − softplus(T − g_i + log(1 − e^{g_i−Z}))
//
// Perturbed logits ℓ + g [B, …, n] and T [B, …] give [B, …, n]. It is how perturbed log-probabilities of a tree are drawn
// from the root down. The gradient is exact. Source: Kool, van Hoof and Welling (2019), arXiv:1903.06059, appendix B.3.
func ConditionalGumbel(perturbed, largest *G.Node) (*G.Node, error) {
	if err := parameter("the perturbed logits", perturbed); err != nil {
		return nil, err
	}
	shape := perturbed.Shape()
	if err := drawnAs("the largest", largest, perturbed, shape[:len(shape)-1]); err != nil {
		return nil, err
	}
	n := classes(perturbed)
	var e op.Expr
	z := e.Of(op.SumLast(e.Of(op.Mul(perturbed, e.Of(op.OneHotMax(perturbed))))))
	below := e.Of(op.Log1mExp(e.Of(op.Sub(perturbed, e.Of(op.SpreadLast(z, n))))))
	t := e.Of(op.SpreadLast(largest, n))
	u := e.Of(op.Add(e.Of(op.Sub(t, perturbed)), below))
	return e.Node(e.Of(op.Sub(t, e.Of(op.Softplus(u)))))
}

// mostClasses bounds InclusionProbabilities, whose work is 2ⁿ·n.
const mostClasses = 16

// InclusionProbabilities is the probability of each class to be among k that are drawn without replacement: the mean of
// Hard. It goes through all subsets of at most 16 classes.
func InclusionProbabilities(logits []float64, k int) ([]float64, error) {
	n := len(logits)
	if n > mostClasses || k < 1 || k > n {
		return nil, fmt.Errorf("relax: inclusion probabilities of %d among %d classes; at least 1 and at most all of up to %d are possible", k, n, mostClasses)
	}
	for _, ℓ := range logits {
		if math.IsNaN(ℓ) || math.IsInf(ℓ, 0) {
			return nil, fmt.Errorf("relax: inclusion probabilities of the logit %g; it must be finite", ℓ)
		}
	}
	// Subset s holds class i if bit i is set. reached is the probability that the draws pass through s.
	reached := make([]float64, 1<<n)
	reached[0] = 1
	inclusion := make([]float64, n)
	for s := range reached {
		switch size := bits.OnesCount(uint(s)); {
		case size == k:
			for i := range n {
				inclusion[i] += reached[s] * float64(s>>i&1)
			}
		case size < k && reached[s] > 0:
			highest, left := math.Inf(-1), 0.
			for i, ℓ := range logits {
				if s>>i&1 == 0 {
					highest = math.Max(highest, ℓ)
				}
			}
			for i, ℓ := range logits {
				if s>>i&1 == 0 {
					left += math.Exp(ℓ - highest)
				}
			}
			for i, ℓ := range logits {
				if s>>i&1 == 0 {
					reached[s|1<<i] += reached[s] * math.Exp(ℓ-highest) / left
				}
			}
		}
	}
	return inclusion, nil
}
