package relax

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// Dirichlet is the law on the simplex over the last axis with concentrations α_1 … α_K and total A = Σ_k α_k; with
// parameters [B, N, K] each row holds N independent variables. Its density over the first K−1 coordinates is
//
//	p(π) = Γ(A) / Π_k Γ(α_k) · Π_k π_k^(α_k − 1)
//
// Its mean α/A is softmax(log α), so that the predictive law of the classes is the [Categorical] whose logits are LogAlpha:
// that one's LogProb is log E π_k, stable for any α.
//
// It is no [Distribution], because it has no sampler here: a Dirichlet draw is no simple function of parameters and noise.
// [LaplaceBridge] makes one of Gaussian logits; package bridge has the same law in float64, with samples.
//
// In float32 LogAlpha must stay below 88, where α overflows, and for MeanLog and Entropy above −85. Rounding errors are of
// some 1e-6·(1 + |LogAlpha|), and for LogProb and KL of some 1e-6·A.
type Dirichlet struct {
	LogAlpha *G.Node // log α [B, …, K], K ≥ 2
}

// Alpha is α: LogAlpha's shape.
func (d Dirichlet) Alpha() (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	return op.Exp(d.LogAlpha)
}

// Mean is E π_k = α_k/A: LogAlpha's shape.
func (d Dirichlet) Mean() (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	return op.Softmax(d.LogAlpha)
}

// MeanLog is E log π_k = ψ(α_k) − ψ(A), with ψ the digamma function: LogAlpha's shape. The expected log-likelihood of
// one-hot labels y is ⟨y, MeanLog⟩.
func (d Dirichlet) MeanLog() (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	k := classes(d.LogAlpha)
	var e op.Expr
	correction := func(x *G.Node) *G.Node { // ψ(α) − log α at α = e^x
		return e.Of(op.Mul(e.Of(op.DigammaRemainder(x)), e.Of(op.Exp(e.Of(op.Neg(x))))))
	}
	own := e.Of(op.Add(e.Of(op.LogSoftmax(d.LogAlpha)), correction(d.LogAlpha)))
	return e.Node(e.Of(op.Sub(own, e.Of(op.SpreadLast(correction(e.Of(d.logTotal())), k)))))
}

// LogProb is the log-density of the point π whose logarithm is the draw's Logit, as samplers on the simplex give it: [B].
// Logit must be finite and normalised. With p̄ = α/A and w the remainder of log Γ(α) past α·log α − α it is
//
//	Σ_k α_k·log(π_k/p̄_k) − Σ_k log π_k − Σ_k w(α_k) + w(A)
//
// in which, unlike the textbook's, no large terms cancel.
func (d Dirichlet) LogProb(x Draw) (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Logit", x.Logit, d.LogAlpha); err != nil {
		return nil, err
	}
	var e op.Expr
	ratio := e.Of(op.Sub(x.Logit, e.Of(op.LogSoftmax(d.LogAlpha))))
	own := e.Of(op.Sub(e.Of(op.Mul(e.Of(op.Exp(d.LogAlpha)), ratio)), x.Logit))
	own = e.Of(op.Sub(own, e.Of(op.LogGammaRemainder(d.LogAlpha))))
	total := e.Of(op.LogGammaRemainder(e.Of(d.logTotal())))
	return e.Node(e.Of(op.Add(e.Of(op.SumEvent(own)), e.Of(op.SumEvent(total)))))
}

// Entropy is the differential entropy −E log p(π) over the first K−1 coordinates, in nats: [B]. It is negative for laws
// narrower than the uniform one on the unit cube. With w as for LogProb and ẇ(α) = α·(ψ(α) − log α) it is
//
//	Σ_k (w − ẇ)(α_k) − (w − ẇ)(A) + Σ_k E log π_k
func (d Dirichlet) Entropy() (*G.Node, error) {
	meanLog, err := d.MeanLog()
	if err != nil {
		return nil, err
	}
	var e op.Expr
	part := func(x *G.Node) *G.Node {
		return e.Of(op.Sub(e.Of(op.LogGammaRemainder(x)), e.Of(op.DigammaRemainder(x))))
	}
	own := e.Of(op.SumEvent(e.Of(op.Add(part(d.LogAlpha), meanLog))))
	return e.Node(e.Of(op.Sub(own, e.Of(op.SumEvent(part(e.Of(d.logTotal())))))))
}

// KL is the divergence KL(d ‖ p) = E_d[log d − log p] in nats, summed over the event: [B]. p's LogAlpha may lack the batch
// axis. With α of d, β of p, B = Σ_k β_k, and w and ẇ as for Entropy it is
//
//	Σ_k β_k·log((β_k/B)/(α_k/A)) + Σ_k D(β_k, α_k) − D(B, A),  D(β, α) = w(β) − w(α) − ẇ(α)·(β/α − 1)
func (d Dirichlet) KL(p Dirichlet) (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	logBeta, err := prior("LogAlpha", d.LogAlpha, p.LogAlpha)
	if err != nil {
		return nil, err
	}
	p.LogAlpha = logBeta
	var e op.Expr
	remainder := func(β, α *G.Node) *G.Node { // D, of logarithms
		excess := e.Of(op.Shift(e.Of(op.Exp(e.Of(op.Sub(β, α)))), -1))
		first := e.Of(op.Mul(e.Of(op.DigammaRemainder(α)), excess))
		return e.Of(op.Sub(e.Of(op.Sub(e.Of(op.LogGammaRemainder(β)), e.Of(op.LogGammaRemainder(α)))), first))
	}
	ratio := e.Of(op.Sub(e.Of(op.LogSoftmax(p.LogAlpha)), e.Of(op.LogSoftmax(d.LogAlpha))))
	own := e.Of(op.Add(e.Of(op.Mul(e.Of(op.Exp(p.LogAlpha)), ratio)), remainder(p.LogAlpha, d.LogAlpha)))
	total := remainder(e.Of(p.logTotal()), e.Of(d.logTotal()))
	return e.Node(e.Of(op.Sub(e.Of(op.SumEvent(own)), e.Of(op.SumEvent(total)))))
}

// logTotal is log A: […].
func (d Dirichlet) logTotal() (*G.Node, error) { return op.LogSumExp(d.LogAlpha) }

func (d Dirichlet) validate() error {
	if err := parameter("Dirichlet.LogAlpha", d.LogAlpha); err != nil {
		return err
	}
	if k := classes(d.LogAlpha); k < 2 {
		return fmt.Errorf("relax: %d class; a Dirichlet distribution needs at least 2", k)
	}
	return nil
}
