package main

import (
	"errors"
	"math"

	"gonum.org/v1/gonum/mat"
	G "gorgonia.org/gorgonia"

	"relaxgo/data"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
)

// posterior is the Laplace approximation of the last layer: weights and biases Gaussian around the trained ones, with the
// generalised Gauss–Newton matrix of the training loss plus the prior's precision δ as their precision. With a the hidden
// layer and a constant 1, and π the probabilities, that matrix is taken to be N·A⊗B,
//
//	A = E aaᵀ,  B = E diag(π) − ππᵀ
//
// In the eigenvectors u_i of A and v_j of B, of eigenvalues λ_i and γ_j, the weights are independent with precisions
// N·λ_i·γ_j + δ. So an image's logits have the covariance
//
//	Σ = Σ_j s_j·v_j·v_jᵀ,  s_j = Σ_i (aᵀu_i)²/(N·λ_i·γ_j + δ)
//
// B·1 = 0: one v_j is 1/√K, the common shift of all logits, which no probability depends on. It is left out, and what remains
// sums to zero, as the bridge needs it.
//
// Sources: Ritter, Botev and Barber (2018), A scalable Laplace approximation for neural networks, ICLR; Daxberger et al.
// (2021), Laplace redux, NeurIPS.
type posterior struct {
	inputs    *mat.Dense // columns u_i, [hidden+1, hidden+1]
	outputs   *mat.Dense // columns v_j but the shift, [classes, classes−1]
	variances *mat.Dense // 1/(N·λ_i·γ_j + δ), [hidden+1, classes−1]
	precision float64    // δ
}

// posterior fits the factors to the training images, and δ to their evidence.
func (net network) posterior(train data.Set) (posterior, error) {
	f, err := net.forward(func(_ *program.Graph[float32], n layers) (program.Outputs, error) {
		var e op.Expr
		return program.Outputs{Plain: map[string]*G.Node{"h": n.h, "probabilities": e.Of(op.Softmax(n.logits))}}, e.Err()
	})
	if err != nil {
		return posterior{}, err
	}
	n := float64(train.Len())
	a, b := mat.NewDense(hidden+1, hidden+1, nil), mat.NewDense(classes, classes, nil)
	inputs, π := mat.NewDense(batch, hidden+1, nil), mat.NewDense(batch, classes, nil)
	err = f.over(train, func(_, rows int) {
		h, p := f.Output("h"), f.Output("probabilities")
		for i := range rows {
			for j := range hidden {
				inputs.Set(i, j, float64(h[i*hidden+j]))
			}
			inputs.Set(i, hidden, 1)
			for k := range classes {
				v := float64(p[i*classes+k])
				π.Set(i, k, v)
				b.Set(k, k, b.At(k, k)+v/n)
			}
		}
		a.Add(a, outer(inputs.Slice(0, rows, 0, hidden+1), 1/n))
		b.Sub(b, outer(π.Slice(0, rows, 0, classes), 1/n))
	})
	if err != nil {
		return posterior{}, err
	}
	λ, u, err := eigen(a)
	if err != nil {
		return posterior{}, err
	}
	γ, v, err := eigen(b)
	if err != nil {
		return posterior{}, err
	}
	γ, v = γ[1:], mat.DenseCopyOf(v.Slice(0, classes, 1, classes)) // the least eigenvalue is the shift's
	δ := net.evidence(n, λ, γ)
	variances := mat.NewDense(hidden+1, classes-1, nil)
	variances.Apply(func(i, j int, _ float64) float64 { return 1 / (n*λ[i]*γ[j] + δ) }, variances)
	return posterior{inputs: u, outputs: v, variances: variances, precision: δ}, nil
}

// outer is scale·xᵀx, the sum of the rows' outer products.
func outer(x mat.Matrix, scale float64) *mat.Dense {
	var product mat.Dense
	product.Mul(x.T(), x)
	product.Scale(scale, &product)
	return &product
}

// evidence is the precision δ of the prior, on a grid, for which the Laplace approximation of the log-evidence
//
//	log p(labels | weights) − ½·δ·‖weights‖² − ½ Σ_ij log((N·λ_i·γ_j + δ)/δ)
//
// is greatest; the first term does not depend on δ.
func (net network) evidence(n float64, λ, γ []float64) float64 {
	norm := 0.0 // squared
	for _, name := range []string{"last.weight", "last.bias"} {
		p, _ := net.params.Get(name)
		for _, w := range p.Data {
			norm += float64(w) * float64(w)
		}
	}
	best, precision := math.Inf(-1), 0.0
	for step := -24; step <= 24; step++ {
		δ := math.Pow(10, float64(step)/8)
		log := -0.5 * δ * norm
		for _, l := range λ {
			for _, g := range γ {
				log -= 0.5 * math.Log1p(n*l*g/δ)
			}
		}
		if log > best {
			best, precision = log, δ
		}
	}
	return precision
}

// eigen is the eigenvalues of a positive semi-definite matrix, ascending, and their eigenvectors, one a column.
func eigen(m *mat.Dense) ([]float64, *mat.Dense, error) {
	k, _ := m.Dims()
	var e mat.EigenSym
	if !e.Factorize(mat.NewSymDense(k, m.RawMatrix().Data), true) {
		return nil, nil, errors.New("laplace: a Kronecker factor has no eigenvalues; is the training loss finite?")
	}
	values := e.Values(nil)
	for i, v := range values {
		values[i] = max(v, 0) // rounding
	}
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	return values, &vectors, nil
}
