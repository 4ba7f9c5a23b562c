package relax

import (
	"errors"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax/noise"
)

// CensoredCount is the law of min(X, m) for a count X: the tail of X is lumped into the last point, and no probability is
// lost or rescaled. Its variables take the values 0, …, m.
//
//   - Value: exactly a count, by the Gumbel-max trick over the m+1 points. Hard is the same.
//   - LogProb: the log-probability Σ_d log P(min(X, m) = x).
//   - Gradient: none passes through a sample.
//
// It is the discrete law of [GeneralizedGumbelSoftmax].
type CensoredCount struct {
	Law Count // of X [B, D]
	Max int   // m, the last point
}

// Noise is one Gumbel input [B, D, m+1].
func (d CensoredCount) Noise() []noise.Spec {
	if d.Law == nil || d.Law.count().param == nil {
		return nil
	}
	shape := d.Law.count().param.Shape().Clone()
	return []noise.Spec{{Kind: noise.Gumbel, Shape: append(shape, d.Max+1)}}
}

// Rsample draws counts.
func (d CensoredCount) Rsample(eps ...*G.Node) (Draw, error) {
	c, err := d.categorical()
	if err != nil {
		return Draw{}, err
	}
	x, err := c.Rsample(eps...)
	if err != nil {
		return Draw{}, err
	}
	count, err := d.countOf(x.Hard)
	return Draw{Value: count, Hard: count}, err
}

// LogProb is the log-probability of Value, whose elements are integers from 0 to m; any other is an error of the run: [B].
func (d CensoredCount) LogProb(x Draw) (*G.Node, error) {
	c, err := d.categorical()
	if err != nil {
		return nil, err
	}
	if err := drawn("the draw's Value", x.Value, d.Law.count().param); err != nil {
		return nil, err
	}
	marks, err := op.OneHot(x.Value, d.Max+1)
	if err != nil {
		return nil, err
	}
	return c.LogProb(Draw{Value: marks})
}

// Entropy is −Σ_d Σ_x P(x) log P(x), in nats: [B].
func (d CensoredCount) Entropy() (*G.Node, error) {
	c, err := d.categorical()
	if err != nil {
		return nil, err
	}
	return c.Entropy()
}

// Mean is Σ_x x·P(min(X, m) = x), which is less than that of X: [B, D].
func (d CensoredCount) Mean() (*G.Node, error) {
	c, err := d.categorical()
	if err != nil {
		return nil, err
	}
	p, err := c.Mean()
	if err != nil {
		return nil, err
	}
	return d.countOf(p)
}

// Mode is the most probable value, the first of equals: [B, D].
func (d CensoredCount) Mode() (*G.Node, error) {
	c, err := d.categorical()
	if err != nil {
		return nil, err
	}
	mode, err := c.Mode()
	if err != nil {
		return nil, err
	}
	return d.countOf(mode)
}

// TailMass is P(X > m), the probability that was moved to the last point: [B, D].
func (d CensoredCount) TailMass() (*G.Node, error) {
	if _, err := d.categorical(); err != nil {
		return nil, err
	}
	l := d.Law.count()
	a, logPartition, _, err := l.nodes()
	if err != nil {
		return nil, err
	}
	if d.Max == l.most {
		return op.FullLike(a, 0)
	}
	var e op.Expr
	tail := e.Of(op.LogTail(a, l.family, d.Max+1))
	return e.Node(e.Of(op.Exp(e.Of(op.Sub(tail, logPartition)))))
}

// categorical is the law of the position among the points: [B, D, m+1].
func (d CensoredCount) categorical() (Categorical, error) {
	if d.Law == nil {
		return Categorical{}, errors.New("relax: Law is nil")
	}
	logits, err := d.Law.count().censored(d.Max)
	return Categorical{Logits: logits}, err
}

// countOf is the count that weights of the points stand for: [B, D, m+1] → [B, D].
func (d CensoredCount) countOf(weights *G.Node) (*G.Node, error) {
	return op.DotLast(weights, support(d.Max+1))
}
