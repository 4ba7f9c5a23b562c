package meter

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/program"
	"relaxgo/relax/estimator"
	"relaxgo/relax/noise"
)

// batch is the number of estimates of one run, each a row.
const batch = 1000

// Measurement is how an estimator does on a case. Slices have a number for each logit.
type Measurement struct {
	Estimates int   // n, the number of independent estimates
	Exact     Exact // what they should be

	Value      float64   // mean of Estimate.Value
	ValueError float64   // its standard error
	Mean       []float64 // mean of the estimates
	Bias       []float64 // Mean − Exact.Grad
	BiasError  []float64 // standard error of Mean, √(Variance/n)
	Variance   []float64 // of one estimate
	// VarianceError is the standard error of Variance, √((m₄ − m₂²)/n + 2m₂²/n(n−1)) with the central moments m₂ and m₄.
	// The second term is all there is for two values of equal probability.
	VarianceError []float64

	TotalVariance float64 // Σ Variance
	// Cosine is that of the angle between Mean and the exact gradient, MeanCosine the mean over single estimates. The
	// angle to a vector of zeros counts as a right one.
	Cosine, MeanCosine float64

	Time time.Duration // for one estimate, a row of a batch of 1000
}

// LogVariance is the natural logarithm of TotalVariance, −∞ for an estimator without variance.
func (m Measurement) LogVariance() float64 { return math.Log(m.TotalVariance) }

// Measure makes at least n independent estimates, n rounded up to a multiple of 1000 rows that share the logits of the
// case. Noise comes from streams of the seed. The params are the values of the estimator's parameters, in order; nil takes
// the initial ones of the seed.
//
// Estimates that are not finite, and parameters of wrong number or size, are errors; so is what Case.Exact and
// Estimator.Build refuse.
func Measure(c Case, e estimator.Estimator, n int, seed uint64, params [][]float64) (Measurement, error) {
	if n < 2 {
		return Measurement{}, fmt.Errorf("meter: %d estimates; a variance needs at least 2", n)
	}
	exact, err := c.Exact()
	if err != nil {
		return Measurement{}, err
	}
	b, err := newBench(c, e, seed, params)
	if err != nil {
		return Measurement{}, fmt.Errorf("meter: %s: %w", e.Info().Name, err)
	}
	s := sums{exact: exact, moments: make([]moments, len(c.Logits))}
	for s.n < n {
		values, grads, err := b.run()
		if err != nil {
			return Measurement{}, fmt.Errorf("meter: %s: %w", e.Info().Name, err)
		}
		s.add(values, grads)
	}
	m := s.measurement()
	m.Time = b.elapsed / time.Duration(s.n)
	return m, nil
}

// A bench is an estimator at work on a case, batch estimates at a time.
type bench struct {
	prog    *program.Program[float64]
	specs   []noise.Spec
	noise   []*program.Input[float64]
	sources []*noise.Source
	elapsed time.Duration
}

// newBench builds and compiles the estimator.
func newBench(c Case, e estimator.Estimator, seed uint64, values [][]float64) (*bench, error) {
	b := new(bench)
	var est estimator.Estimate
	g, err := program.Build(func(g *program.Graph[float64]) error {
		p, err := c.problem(g)
		if err != nil {
			return err
		}
		b.specs = e.Noise(p)
		var eps, params []*G.Node
		for i, s := range b.specs {
			in, err := g.Input(fmt.Sprintf("noise%d", i), s.Shape...)
			if err != nil {
				return err
			}
			b.noise, eps = append(b.noise, in), append(eps, in.Node)
			b.sources = append(b.sources, noise.NewSource(seed, "meter/noise", i))
		}
		list := e.Parameters(p, seed)
		if values != nil && len(values) != len(list) {
			return fmt.Errorf("values for %d parameters; there are %d", len(values), len(list))
		}
		for i, w := range list {
			value := w.Initial
			if values != nil {
				value = values[i]
			}
			in, err := g.Bind("parameter "+w.Name, slices.Clone(value), w.Shape...)
			if err != nil {
				return err
			}
			params = append(params, in.Node)
		}
		if est, err = e.Build(p, eps, params); err != nil {
			return err
		}
		if est.Value == nil || est.Grad == nil {
			return errors.New("the estimate lacks a value or a gradient")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	b.prog, err = program.Compile(g, program.Outputs{Finite: map[string]*G.Node{"value": est.Value, "grad": est.Grad}})
	return b, err
}

// problem is the case with its row repeated.
func (c Case) problem(g *program.Graph[float64]) (estimator.Problem, error) {
	logits, err := g.Bind("logits", slices.Repeat(c.Logits, batch), append([]int{batch}, c.Shape...)...)
	if err != nil {
		return estimator.Problem{}, err
	}
	p := estimator.Problem{Law: c.Law, Logits: logits.Node, F: c.F, Smooth: c.Smooth}
	if len(c.Context) > 0 {
		context, err := g.Bind("context", slices.Repeat(c.Context, batch), batch, len(c.Context))
		if err != nil {
			return estimator.Problem{}, err
		}
		p.Context = context.Node
	}
	return p, nil
}

// run makes one batch of estimates, which hold until the next run.
func (b *bench) run() (values, grads []float64, err error) {
	start := time.Now()
	for i, s := range b.specs {
		noise.Fill(b.sources[i], s.Kind, b.noise[i].Data)
	}
	if err := b.prog.Run(); err != nil {
		return nil, nil, err
	}
	b.elapsed += time.Since(start)
	return b.prog.Output("value"), b.prog.Output("grad"), nil
}

// sums is what estimates add up to.
type sums struct {
	exact   Exact
	n       int
	value   moments
	moments []moments // of each coordinate's deviation from the exact gradient
	cosines float64
}

func (s *sums) add(values, grads []float64) {
	for _, v := range values {
		s.value.add(v - s.exact.Value)
	}
	for row := range slices.Chunk(grads, len(s.moments)) {
		s.n++
		s.cosines += cosine(row, s.exact.Grad)
		for i, g := range row {
			s.moments[i].add(g - s.exact.Grad[i])
		}
	}
}

func (s *sums) measurement() Measurement {
	n := float64(s.n)
	m := Measurement{Estimates: s.n, Exact: s.exact, MeanCosine: s.cosines / n}
	mean, second, _ := s.value.central(n)
	m.Value, m.ValueError = s.exact.Value+mean, math.Sqrt(second/(n-1))
	for i := range s.moments {
		bias, second, fourth := s.moments[i].central(n)
		variance := second * n / (n - 1)
		m.Mean = append(m.Mean, s.exact.Grad[i]+bias)
		m.Bias = append(m.Bias, bias)
		m.BiasError = append(m.BiasError, math.Sqrt(variance/n))
		m.Variance = append(m.Variance, variance)
		m.VarianceError = append(m.VarianceError, math.Sqrt((max(fourth-second*second, 0)+2*second*second/(n-1))/n))
		m.TotalVariance += variance
	}
	m.Cosine = cosine(m.Mean, s.exact.Grad)
	return m
}

// moments is the sums of the first four powers.
type moments [4]float64

func (s *moments) add(x float64) {
	p := x
	for i := range s {
		s[i] += p
		p *= x
	}
}

// central is the mean, and the second and fourth central moment of n numbers. Numbers that were taken relative to about
// their mean lose no accuracy.
func (s *moments) central(n float64) (mean, second, fourth float64) {
	mean = s[0] / n
	second = max(s[1]/n-mean*mean, 0)
	fourth = s[3]/n - mean*(4*s[2]/n-mean*(6*s[1]/n-3*mean*mean))
	return mean, second, fourth
}

// cosine is that of the angle between two vectors, 0 if one has no direction.
func cosine(a, b []float64) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += a[i] * b[i]
		aa += a[i] * a[i]
		bb += b[i] * b[i]
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa) / math.Sqrt(bb)
}
