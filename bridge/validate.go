package bridge

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

const (
	// minAlpha and maxAlpha bound a concentration. Below, the logits of a sample could not be squared; above, the
	// log-density would lose more than 1e-5 to cancellation between Gamma functions.
	minAlpha, maxAlpha = 1e-50, 1e9
	// maxNumber bounds means, variances and logits: products of three of them stay finite.
	maxNumber = 1e100
	// slack is how far a matrix may be from symmetric or positive semi-definite, and how far from one the sum of a
	// point of the simplex, and pass for rounded: both may have been computed in float32.
	slack = 1e-6
)

var errNoSource = errors.New("bridge: no random source; pass a seeded one such as rand.NewPCG(1, 1)")

// checkNumbers refuses NaN, infinities and numbers too large to compute with.
func checkNumbers(name string, x []float64) error {
	for k, v := range x {
		if !(math.Abs(v) <= maxNumber) {
			return fmt.Errorf("bridge: %s[%d] = %g; every %s must be finite and at most %g in size", name, k, v, name, maxNumber)
		}
	}
	return nil
}

// checkVariances refuses what is no positive variance.
func checkVariances(name string, v []float64) error {
	if err := checkNumbers(name, v); err != nil {
		return err
	}
	for k, v := range v {
		if !(v >= 1/maxNumber) {
			return fmt.Errorf("bridge: %s[%d] = %g; a variance must be positive (at least %g) – is it a logarithm?", name, k, v, 1/maxNumber)
		}
	}
	return nil
}

// checkLength compares the length of a vector with the number of classes.
func checkLength(name string, got, k int) error {
	if k < 2 {
		return fmt.Errorf("bridge: %d classes; a simplex needs at least 2 – was the distribution made by a New function?", k)
	}
	if got != k {
		return fmt.Errorf("bridge: %s has %d elements for %d classes; give one for each class", name, got, k)
	}
	return nil
}

// checkLogits refuses what is no vector of k logits.
func checkLogits(z []float64, k int) error {
	if err := checkLength("z", len(z), k); err != nil {
		return err
	}
	return checkNumbers("z", z)
}

// checkPoint refuses what is no point of the simplex of k classes.
func checkPoint(pi []float64, k int) error {
	if err := checkLength("π", len(pi), k); err != nil {
		return err
	}
	var sum float64
	for i, p := range pi {
		if !(p >= 0 && p <= 1+slack) {
			return fmt.Errorf("bridge: π[%d] = %g; a point of the simplex has elements in [0, 1] – are these logits?", i, p)
		}
		sum += p
	}
	if math.Abs(sum-1) > slack {
		return fmt.Errorf("bridge: the elements of π sum to %g; divide them by their sum", sum)
	}
	return nil
}

// checkSampling refuses a request for n samples of k classes that cannot be served.
func checkSampling(n, k int, src rand.Source) error {
	const most = 1 << 28 // 2 GiB of float64
	if err := checkLength("a sample", k, k); err != nil {
		return err
	}
	if n < 1 || n > most/k {
		return fmt.Errorf("bridge: %d samples of %d classes; ask for 1 to %d at a time, the source goes on where it stopped", n, k, most/k)
	}
	if src == nil {
		return errNoSource
	}
	return nil
}

// readCovariance copies a covariance of k classes, exactly symmetric, after checking what can be checked entry by entry.
// A matrix is the caller's code: should reading it panic, as a nil pointer does, that is an error too.
func readCovariance(sigma mat.Matrix, k int) (s *mat.SymDense, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			s, err = nil, fmt.Errorf("bridge: Σ cannot be read: %v; pass a matrix such as a *mat.SymDense", cause)
		}
	}()
	if sigma == nil {
		return nil, errors.New("bridge: Σ is nil; pass a matrix such as a *mat.SymDense")
	}
	if r, c := sigma.Dims(); r != k || c != k {
		return nil, fmt.Errorf("bridge: Σ is %d×%d for %d classes; it must be %d×%d", r, c, k, k, k)
	}
	diagonal := make([]float64, k)
	for i := range diagonal {
		diagonal[i] = sigma.At(i, i)
	}
	if err := checkVariances("diag(Σ)", diagonal); err != nil {
		return nil, err
	}
	return symmetric(k, func(i, j int) float64 {
		a, b := sigma.At(i, j), sigma.At(j, i)
		bound := math.Sqrt(diagonal[i]) * math.Sqrt(diagonal[j])
		if !(math.Abs(a-b) <= slack*bound) && err == nil {
			err = fmt.Errorf("bridge: Σ[%d,%d] = %g but Σ[%d,%d] = %g; a covariance is symmetric and finite", i, j, a, j, i, b)
		}
		if !(math.Abs(a) <= (1+slack)*bound) && err == nil {
			err = fmt.Errorf("bridge: Σ[%d,%d] = %g with variances %g and %g; that is a correlation beyond ±1, so Σ is indefinite", i, j, a, diagonal[i], diagonal[j])
		}
		return a
	}), err
}

// symmetric is the k×k matrix with the given entries, of which only those with i ≤ j are asked for.
func symmetric(k int, at func(i, j int) float64) *mat.SymDense {
	if k == 0 {
		return &mat.SymDense{} // mat.NewSymDense panics for size 0
	}
	s := mat.NewSymDense(k, nil)
	for i := range k {
		for j := i; j < k; j++ {
			s.SetSym(i, j, at(i, j))
		}
	}
	return s
}
