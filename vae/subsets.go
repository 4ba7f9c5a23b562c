package vae

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
)

// subsetMethods train through subsets of fixed size: at zero encoder outputs all are equally probable.
func subsetMethods() []Method {
	return []Method{{
		Name:        "topk",
		Summary:     "exactly -subset of the bits are 1, drawn by Gumbel top-k, with the gradient of a softened subset",
		Source:      "Kool et al. 2019, Xie and Ermon 2019",
		Codes:       Subsets,
		Temperature: "0.5",
		options:     []string{"subset"},
		posterior: func(s scope) (relax.Relaxation, error) {
			return relax.GumbelTopK{Logits: s.head, K: s.Subset, Temperature: s.temperature, StraightThrough: true}, nil
		},
		discreteKL: func(x sample) (*G.Node, error) {
			return relax.SequentialKL(x.q.(relax.GumbelTopK), x.p.(relax.GumbelTopK), x.draw)
		},
		logRatio: func(x sample) (*G.Node, error) {
			q, p := x.q.(relax.GumbelTopK), x.p.(relax.GumbelTopK)
			logProb := relax.GumbelTopK.LogProb // of the order
			if q.K <= op.MaxSubset {
				logProb = relax.GumbelTopK.LogProbSet
			}
			var e op.Expr
			return e.Node(e.Of(op.Sub(e.Of(logProb(p, x.draw)), e.Of(logProb(q, x.draw)))))
		},
	}}
}
