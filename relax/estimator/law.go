package estimator

import (
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// axes is the number of axes of the logits.
func (l Law) axes() int {
	if l == Categorical {
		return 3
	}
	return 2
}

// shape is the shape of the logits as the documentation writes it.
func (l Law) shape() string {
	if l == Categorical {
		return "[B, N, K]"
	}
	return "[B, D]"
}

// rows is the number of rows of the batch.
func (p Problem) rows() int { return p.Logits.Shape()[0] }

// event is the shape of one row.
func (p Problem) event() []int { return p.Logits.Shape()[1:] }

// sampleNoise lists the noise for n independent draws of b.
func (p Problem) sampleNoise(n int) []noise.Spec {
	kind := noise.Logistic
	if p.Law == Categorical {
		kind = noise.Gumbel
	}
	return p.noise(kind, n)
}

// noise lists n noise inputs of the logits' shape; none for a problem without logits, which Build refuses.
func (p Problem) noise(kind noise.Kind, n int) []noise.Spec {
	if p.Logits == nil {
		return nil
	}
	var specs []noise.Spec
	for range n {
		specs = append(specs, noise.Spec{Kind: kind, Shape: p.Logits.Shape()})
	}
	return specs
}

// sample draws b from noise of sampleNoise: exactly discrete, without a gradient.
func (p Problem) sample(eps *G.Node) (*G.Node, error) {
	var d relax.Distribution = relax.Bernoulli{Logits: p.Logits}
	if p.Law == Categorical {
		d = relax.Categorical{Logits: p.Logits}
	}
	draw, err := d.Rsample(eps)
	return draw.Hard, err
}

// mean is π = E b: σ(ℓ) or softmax(ℓ).
func (p Problem) mean() (*G.Node, error) {
	if p.Law == Categorical {
		return op.Softmax(p.Logits)
	}
	return op.Sigmoid(p.Logits)
}

// weighted is w∘∂log p(b)/∂ℓ = w∘(b − π) for a weight w [B] per row. The score is the same for both laws.
func (p Problem) weighted(w, b *G.Node) (*G.Node, error) {
	var e op.Expr
	score := e.Of(op.Sub(b, e.Of(p.mean())))
	return e.Node(e.Of(op.Mul(e.Of(op.SpreadEvent(w, p.event()...)), score)))
}

// throughMean takes a gradient with respect to π to the logits: v ↦ (∂π/∂ℓ)ᵀv, that is π(1−π)·v for bits and
// π∘(v − ⟨π, v⟩) for each one-hot vector. The same matrix is the covariance of b.
func (p Problem) throughMean(v *G.Node) (*G.Node, error) {
	var e op.Expr
	π := e.Of(p.mean())
	if p.Law == Categorical {
		inner := e.Of(op.SumLast(e.Of(op.Mul(π, v))))
		classes := p.Logits.Shape()[p.Logits.Dims()-1]
		return e.Node(e.Of(op.Mul(π, e.Of(op.Sub(v, e.Of(op.SpreadLast(inner, classes)))))))
	}
	complement := e.Of(op.Sigmoid(e.Of(op.Neg(p.Logits)))) // 1−σ(ℓ) would round to 0
	return e.Node(e.Of(op.Mul(v, e.Of(op.Mul(π, complement)))))
}
