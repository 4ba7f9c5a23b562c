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
// is left out, which makes it a biased surrogate for K > 1. Differentiable once.
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
	return op.SequentialKL(q.Logits, lp, x.Logit, q.K)
}
