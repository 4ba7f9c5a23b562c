package vae

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/nn"
	"relaxgo/internal/op"
	"relaxgo/relax"
)

// bitMethods train through bits: one encoder output each, at zero a fair bit.
func bitMethods() []Method {
	return []Method{
		{
			Name:        "hardconcrete",
			Summary:     "bits stretched and clipped to [0, 1]: exact zeros and ones, gradients between",
			Source:      "Louizos et al. 2018",
			Codes:       Bits,
			Temperature: "0.6667",
			options:     []string{"l0"},
			posterior: func(s scope) (relax.Relaxation, error) {
				return relax.HardConcrete{Logits: s.head, Temperature: s.temperature}, nil
			},
			relaxedKL: func(x sample) (*G.Node, error) {
				return relax.KL(x.q.(relax.HardConcrete).Concrete(), x.p.(relax.HardConcrete).Concrete())
			},
		},
		{
			Name:        "relaxedbernoulli",
			Summary:     "bits softened to (0, 1), the binary Concrete distribution",
			Source:      "Maddison et al. 2017, Jang et al. 2017",
			Codes:       Bits,
			Temperature: "0.5",
			posterior: func(s scope) (relax.Relaxation, error) {
				return relax.RelaxedBernoulli{Logits: s.head, Temperature: s.temperature}, nil
			},
			relaxedKL: closedKL,
		},
		{
			Name:        "correlated",
			Summary:     "softened bits that a Gaussian copula makes dependent; exact bits are, too",
			Source:      "Lee et al. 2022",
			Codes:       Bits,
			Temperature: "0.1",
			options:     []string{"corr"},
			learn:       learnCorrelation,
			posterior:   correlatedPosterior,
			prior: func(s scope) (relax.Relaxation, error) { // independent: what is shared is for the posterior to find
				return relax.RelaxedBernoulli{Logits: s.head, Temperature: s.temperature}, nil
			},
			relaxedKL: closedKL,
			discreteKL: func(x sample) (*G.Node, error) {
				given, err := x.q.Discrete().(relax.CorrelatedBernoulli).Conditional(x.eps[0])
				if err != nil {
					return nil, err
				}
				return relax.KL(given, x.p.Discrete())
			},
			logRatio: func(x sample) (*G.Node, error) {
				given, err := x.q.Discrete().(relax.CorrelatedBernoulli).Conditional(x.eps[0])
				if err != nil {
					return nil, err
				}
				var e op.Expr
				return e.Node(e.Of(op.Sub(e.Of(x.p.Discrete().LogProb(x.draw)), e.Of(given.LogProb(x.draw)))))
			},
		},
		{
			Name:    "gaussian",
			Summary: "Gaussian gates clipped to [0, 1]: stochastic gates",
			Source:  "Yamada et al. 2020",
			Codes:   Bits,
			options: []string{"l0"},
			posterior: func(s scope) (relax.Relaxation, error) {
				μ, err := op.Shift(s.head, 0.5)
				return relax.GaussianRelaxedBernoulli{Mu: μ}, err
			},
			relaxedKL: func(x sample) (*G.Node, error) {
				q, err := x.q.(relax.GaussianRelaxedBernoulli).Gaussian()
				if err != nil {
					return nil, err
				}
				p, err := x.p.(relax.GaussianRelaxedBernoulli).Gaussian()
				if err != nil {
					return nil, err
				}
				return relax.KL(q, p)
			},
		},
		{
			Name:    "straightthrough",
			Summary: "exact bits with the gradient of their probabilities",
			Source:  "Bengio et al. 2013",
			Codes:   Bits,
			posterior: func(s scope) (relax.Relaxation, error) {
				return relax.StraightThroughBernoulli{Logits: s.head}, nil
			},
		},
		{
			Name:    "sts",
			Summary: "stochastic times smooth: exact bits times the root of a probability",
			Source:  "Bengio et al. 2013",
			Codes:   Bits,
			Caveat:  "the decoder learns from b·√p and is tested with b",
			posterior: func(s scope) (relax.Relaxation, error) {
				a, err := op.Shift(s.head, -math.Log(3)) // √p = ½, a fair bit, at head 0
				return relax.StochasticTimesSmooth{Logits: a}, err
			},
		},
	}
}

// closedKL is the divergence of two distributions that have one in closed form.
func closedKL(x sample) (*G.Node, error) { return relax.KL(x.q, x.p) }

// correlationParam is the parameter of a learned correlation matrix, see relax.LearnedCholesky.
const correlationParam = "correlation"

func learnCorrelation(p plan, params *nn.Params) error {
	if p.Corr != CorrLearned {
		return nil
	}
	_, err := params.Add(correlationParam, []int{p.Latent, p.Latent}, nn.Zeros)
	return err
}

func correlatedPosterior(s scope) (relax.Relaxation, error) {
	var l *G.Node
	var err error
	if s.Corr == CorrLearned {
		l, err = relax.LearnedCholesky(s.weights[correlationParam])
	} else {
		l, err = relax.Cholesky(s.head, s.correlation)
	}
	return relax.CorrelatedRelaxedBernoulli{Logits: s.head, Temperature: s.temperature, Chol: l}, err
}
