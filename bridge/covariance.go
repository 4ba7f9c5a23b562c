package bridge

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// covariance is a K×K covariance Σ with Σ·1 = 0 and rank K−1, in one of two forms.
type covariance interface {
	at(i, j int) float64              // Σ_ij
	ratio(i, j int) float64           // C_ij, the covariance of z_i − z_K and z_j − z_K
	precision(i, j int) float64       // Σ⁺_ij
	logDet() float64                  // log det C = log K + the logarithms of Σ's K−1 positive eigenvalues
	distance(r []float64) float64     // rᵀ Σ⁺ r, whatever the shift of r
	draw(rng *rand.Rand, z []float64) // z ~ N(0, Σ)
	scale(factor float64) covariance  // factor·Σ
}

var errNoEigenvalues = errors.New("bridge: no eigenvalues found for Σ; scale it or use NewIndependentLogisticNormal")

// independent is Σ = P·D·P with P = I − 11ᵀ/K and D = diag(d): of independent logits, what remains when they are centred.
type independent []float64

func (d independent) at(i, j int) float64 {
	k := float64(len(d))
	var sum float64
	for _, v := range d {
		sum += v
	}
	if i == j {
		return d[i]*(1-2/k) + sum/(k*k)
	}
	return sum/(k*k) - (d[i]+d[j])/k
}

func (d independent) ratio(i, j int) float64 {
	last := d[len(d)-1]
	if i == j {
		return d[i] + last
	}
	return last
}

func (d independent) precision(i, j int) float64 {
	total := d.sumInverse()
	if i != j {
		return -1 / d[i] / d[j] / total
	}
	var others float64
	for l, v := range d {
		if l != i {
			others += 1 / v
		}
	}
	return others / d[i] / total
}

func (d independent) logDet() float64 {
	sum := math.Log(d.sumInverse())
	for _, v := range d {
		sum += math.Log(v)
	}
	return sum
}

// distance is the least Σ (r_k − c)²/d_k over shifts c, taken where it is reached.
func (d independent) distance(r []float64) float64 {
	total := d.sumInverse()
	var c float64
	for k, v := range d {
		c += r[k] / v / total
	}
	var sum float64
	for k, v := range d {
		sum += (r[k] - c) * (r[k] - c) / v
	}
	return sum
}

// draw is P·D^½·ε for standard normal ε.
func (d independent) draw(rng *rand.Rand, z []float64) {
	for k, v := range d {
		z[k] = math.Sqrt(v) * rng.NormFloat64()
	}
	center(z)
}

func (d independent) scale(factor float64) covariance {
	out := make(independent, len(d))
	for k, v := range d {
		out[k] = factor * v
	}
	return out
}

func (d independent) sumInverse() float64 {
	var sum float64
	for _, v := range d {
		sum += 1 / v
	}
	return sum
}

// correlated is any Σ, with its K−1 positive eigenvalues and their eigenvectors, one a row.
type correlated struct {
	sigma   *mat.SymDense
	values  []float64
	vectors *mat.Dense
}

// decompose finds the eigenvalues and eigenvectors of a zero-sum Σ. The one eigenvalue that is zero belongs to 1 and is
// dropped; a second one means that some combination of logits does not vary.
func decompose(sigma *mat.SymDense) (correlated, error) {
	k, _ := sigma.Dims()
	var eigen mat.EigenSym
	if !eigen.Factorize(sigma, true) {
		return correlated{}, errNoEigenvalues
	}
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	values = values[1:]
	if least, most := values[0], values[k-2]; !(least > 1e-14*float64(k)*most) {
		return correlated{}, fmt.Errorf("bridge: Σ has eigenvalues from %g to %g among logits that sum to zero; some combination of them does not vary, so there is no density – add a little to the diagonal", least, most)
	}
	return correlated{sigma, values, mat.DenseCopyOf(vectors.Slice(0, k, 1, k).T())}, nil
}

// checkDefinite refuses a Σ that is indefinite beyond rounding.
func checkDefinite(sigma *mat.SymDense) error {
	var eigen mat.EigenSym
	if !eigen.Factorize(sigma, false) {
		return errNoEigenvalues
	}
	values := eigen.Values(nil)
	if least, most := values[0], values[len(values)-1]; !(least >= -slack*most) {
		return fmt.Errorf("bridge: Σ has the eigenvalue %g (largest %g); a covariance is positive semi-definite", least, most)
	}
	return nil
}

func (c correlated) at(i, j int) float64 { return c.sigma.At(i, j) }

func (c correlated) ratio(i, j int) float64 {
	last := len(c.values)
	return c.at(i, j) - c.at(i, last) - c.at(j, last) + c.at(last, last)
}

func (c correlated) precision(i, j int) float64 {
	var sum float64
	for l, v := range c.values {
		sum += c.vectors.At(l, i) * c.vectors.At(l, j) / v
	}
	return sum
}

func (c correlated) logDet() float64 {
	sum := math.Log(float64(len(c.values) + 1))
	for _, v := range c.values {
		sum += math.Log(v)
	}
	return sum
}

func (c correlated) distance(r []float64) float64 {
	var sum float64
	for l, v := range c.values {
		var dot float64
		for k, x := range c.vectors.RawRowView(l) {
			dot += x * r[k]
		}
		sum += dot * dot / v
	}
	return sum
}

// draw is V·Λ^½·ε for K−1 standard normal ε.
func (c correlated) draw(rng *rand.Rand, z []float64) {
	clear(z)
	for l, v := range c.values {
		eps := math.Sqrt(v) * rng.NormFloat64()
		for k, x := range c.vectors.RawRowView(l) {
			z[k] += x * eps
		}
	}
}

func (c correlated) scale(factor float64) covariance {
	k := len(c.values) + 1
	out := correlated{symmetric(k, func(i, j int) float64 { return factor * c.at(i, j) }), make([]float64, k-1), c.vectors}
	for l, v := range c.values {
		out.values[l] = factor * v
	}
	return out
}
