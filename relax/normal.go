package relax

import (
	"math"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// Normal is the law of D independent Gaussian variables per row, with location μ and standard deviation σ.
//
//   - Value: μ + σε for standard normal ε. There is no discrete sample: Hard and Logit are nil.
//   - LogProb: Σ_d −(x−μ)²/(2σ²) − log σ − ½ log 2π.
//   - Gradient: exact.
type Normal struct {
	Mu    *G.Node // μ [B, D]
	Sigma *G.Node // σ [B, D], positive
}

// Noise is one standard normal input [B, D].
func (d Normal) Noise() []noise.Spec { return specLike(noise.Normal, d.Mu) }

// Rsample draws Gaussian values.
func (d Normal) Rsample(eps ...*G.Node) (Draw, error) {
	if err := d.validate(); err != nil {
		return Draw{}, err
	}
	ε, err := sampleNoise(d.Mu, eps)
	if err != nil {
		return Draw{}, err
	}
	var e op.Expr
	return Draw{Value: e.Of(op.Add(d.Mu, e.Of(op.Mul(d.Sigma, ε))))}, e.Err()
}

// LogProb is the log-density of Value: [B].
func (d Normal) LogProb(x Draw) (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	if err := drawn("the draw's Value", x.Value, d.Mu); err != nil {
		return nil, err
	}
	var e op.Expr
	r := e.Of(op.Div(e.Of(op.Sub(x.Value, d.Mu)), d.Sigma))
	quadratic := e.Of(op.Affine(e.Of(op.Square(r)), -0.5, -0.5*math.Log(2*math.Pi)))
	return e.Node(e.Of(op.SumEvent(e.Of(op.Sub(quadratic, e.Of(op.Log(d.Sigma)))))))
}

// Entropy is Σ_d ½ + ½ log 2π + log σ, in nats: [B].
func (d Normal) Entropy() (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	var e op.Expr
	return e.Node(e.Of(op.SumEvent(e.Of(op.Shift(e.Of(op.Log(d.Sigma)), 0.5+0.5*math.Log(2*math.Pi))))))
}

// Mean is μ: [B, D].
func (d Normal) Mean() (*G.Node, error) {
	if err := d.validate(); err != nil {
		return nil, err
	}
	return d.Mu, nil
}

// Mode is μ: [B, D].
func (d Normal) Mode() (*G.Node, error) { return d.Mean() }

func (d Normal) validate() error {
	if err := parameter("Normal.Mu", d.Mu); err != nil {
		return err
	}
	if err := parameter("Normal.Sigma", d.Sigma); err != nil {
		return err
	}
	return drawn("Normal.Sigma", d.Sigma, d.Mu)
}
