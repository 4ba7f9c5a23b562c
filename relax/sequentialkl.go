package relax

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// SequentialKL estimates the divergence between the laws of the ordered draws of two GumbelTopK from one draw x of q: [B].
// Its mean over draws is KL(q‖p), which bounds that of the sets from above.
//
//	Σ_j KL(q(i_j | i_1, …, i_{j−1}) ‖ p(i_j | i_1, …, i_{j−1}))
//
// Each summand is a closed form over the classes that are left, so that one draw has less variance than the one that
// [SampleKL] takes, and with K = 1 none. The gradient is that at the draw's own order: how the order depends on the logits
// is left out, which makes it a biased surrogate for K > 1.
func SequentialKL(q, p GumbelTopK, x Draw) (*G.Node, error) {
	if err := q.validate(); err != nil {
		return nil, err
	}
	if q.K != p.K {
		return nil, fmt.Errorf("relax: SequentialKL: %w between subsets of %d and of %d", ErrNoKL, q.K, p.K)
	}
	lp, err := prior("Logits", q.Logits, p.Logits)
	if err != nil {
		return nil, err
	}
	if err := drawn("the draw's Logit", x.Logit, q.Logits); err != nil {
		return nil, err
	}
	n := classes(q.Logits)
	var e op.Expr
	ratio := e.Of(op.Sub(q.Logits, lp))
	total := e.Of(op.Sub(e.Of(op.LogSumExp(lp)), e.Of(op.LogSumExp(q.Logits))))
	total = e.Of(op.Add(total, e.Of(op.SumLast(e.Of(op.Mul(e.Of(op.Softmax(q.Logits)), ratio))))))
	for j := 1; j < min(q.K, n-1); j++ { // with one class left there is nothing to choose
		left := e.Of(op.OneMinus(e.Of(op.TopK(x.Logit, j))))
		mask := e.Of(op.Log(left))
		ℓ := e.Of(op.Add(q.Logits, mask))
		norms := e.Of(op.Sub(e.Of(op.LogSumExp(e.Of(op.Add(lp, mask)))), e.Of(op.LogSumExp(ℓ))))
		mean := e.Of(op.SumLast(e.Of(op.Mul(e.Of(op.Softmax(ℓ)), ratio))))
		total = e.Of(op.Add(total, e.Of(op.Add(mean, norms))))
	}
	return e.Node(e.Of(op.SumEvent(total)))
}
