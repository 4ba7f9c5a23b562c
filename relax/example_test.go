package relax_test

import (
	"errors"
	"fmt"
	"log"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// Trains 500 bits in a program of plain Gorgonia: each minimises E(b−t)² for t = 0.45, through relaxed samples. The
// target is nearer to 0 than to 1, so that the best bit is 0 always and the best loss t² = 0.2025.
func ExampleRelaxedBernoulli() {
	const bits, t = 500, 0.45
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(1, bits),
		G.WithValue(tensor.New(tensor.WithShape(1, bits), tensor.Of(G.Float64))))
	τ, err := relax.Temperature(logits, 0.1)
	if err != nil {
		log.Fatal(err)
	}
	d := relax.RelaxedBernoulli{Logits: logits, Temperature: τ}

	// Noise is an input, filled before each run.
	spec := d.Noise()[0]
	ε := make([]float64, spec.Size())
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(ε))))
	source := noise.NewSource(1, "training")

	sample, err := d.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	loss := G.Must(G.Mean(G.Must(G.Square(G.Must(G.Sub(sample.Value, G.NewConstant(t)))))))
	if _, err := G.Grad(loss, logits); err != nil {
		log.Fatal(err)
	}
	machine := G.NewTapeMachine(g, G.BindDualValues(logits))
	defer machine.Close()
	solver := G.NewAdamSolver(G.WithLearnRate(0.1))
	for range 1000 {
		noise.Fill(source, spec.Kind, ε)
		if err := machine.RunAll(); err != nil {
			log.Fatal(err)
		}
		if err := solver.Step(G.NodesToValueGrads(G.Nodes{logits})); err != nil {
			log.Fatal(err)
		}
		machine.Reset()
	}

	expected := 0.0
	for _, ℓ := range logits.Value().Data().([]float64) {
		p := 1 / (1 + math.Exp(-ℓ))
		expected += (p*(1-t)*(1-t) + (1-p)*t*t) / bits
	}
	fmt.Printf("E(b−t)² is %.4f before and %.2f after training\n", (t*t+(1-t)*(1-t))/2, expected)
	// Output:
	// E(b−t)² is 0.2525 before and 0.21 after training
}

// Gates of a layer: how likely each is to be open, the penalty on their number, and the gates of the trained model.
func ExampleHardConcrete() {
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(1, 4),
		G.WithValue(tensor.New(tensor.WithShape(1, 4), tensor.WithBacking([]float64{-4, -1, 1, 4}))))
	gates := relax.HardConcrete{Logits: logits}

	open := G.Must(gates.ProbNonZero())
	penalty := G.Must(G.Sum(open))
	test := G.Must(gates.TestGate())
	var openValue, penaltyValue, testValue G.Value
	G.Read(open, &openValue)
	G.Read(penalty, &penaltyValue)
	G.Read(test, &testValue)

	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("open with probability %.3f\n", openValue.Data())
	fmt.Printf("expected number of open gates %.3f\n", penaltyValue.Data())
	fmt.Printf("gates of the trained model %.3f\n", testValue.Data())
	// Output:
	// open with probability [0.083 0.645 0.931 0.996]
	// expected number of open gates 2.655
	// gates of the trained model [0.000 0.223 0.777 1.000]
}

// Draws exactly one-hot vectors through which a gradient passes nevertheless.
func ExampleRelaxedCategorical_straightThrough() {
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(2, 3),
		G.WithValue(tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{0, 1, 2, 2, 1, 0}))))
	d := relax.RelaxedCategorical{Logits: logits, StraightThrough: true}

	spec := d.Noise()[0]
	gumbel := make([]float64, spec.Size())
	noise.Fill(noise.NewSource(1, "example"), spec.Kind, gumbel)
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(gumbel))))
	sample, err := d.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	reward := G.NewMatrix(g, G.Float64, G.WithName("reward"), G.WithShape(2, 3),
		G.WithValue(tensor.New(tensor.WithShape(2, 3), tensor.WithBacking([]float64{1, 0, 0, 1, 0, 0}))))
	grads, err := G.Grad(G.Must(G.Sum(G.Must(G.HadamardProd(reward, sample.Value)))), logits)
	if err != nil {
		log.Fatal(err)
	}
	var value, gradient G.Value
	G.Read(sample.Value, &value)
	G.Read(grads[0], &gradient)

	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(value.Data())
	fmt.Printf("%.3f\n", gradient.Data())
	// Output:
	// [0 0 1 1 0 0]
	// [0.072 -0.016 -0.057 0.365 -0.306 -0.059]
}

// The divergence between two relaxed distributions has a closed form if they share a temperature. That between a
// relaxed and a discrete one would bound nothing, and is refused.
func ExampleKL() {
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(3, 1),
		G.WithValue(tensor.New(tensor.WithShape(3, 1), tensor.WithBacking([]float64{0.5, 2, 5}))))
	prior := G.NewVector(g, G.Float64, G.WithName("prior"), G.WithShape(1), // one for all rows
		G.WithValue(tensor.New(tensor.WithShape(1), tensor.WithBacking([]float64{0}))))
	q, p := relax.RelaxedBernoulli{Logits: logits}, relax.RelaxedBernoulli{Logits: prior}

	var kl G.Value
	G.Read(G.Must(relax.KL(q, p)), &kl)
	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.7f\n", kl.Data())

	_, err := relax.KL(q, relax.Bernoulli{Logits: prior})
	fmt.Println(errors.Is(err, relax.ErrNoKL))
	fmt.Println(err)
	// Output:
	// [0.0414941 0.6260706 3.0678365]
	// true
	// relax: KL(RelaxedBernoulli‖Bernoulli): no closed form is known; SampleKL estimates it for two distributions of one kind
}

// A unit that is on with probability √p and then gives √p: its mean is p, and the gradient of a sample that is on is
// ½√p(1−p), while one that is off has none.
func ExampleStochasticTimesSmooth() {
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(1, 4),
		G.WithValue(tensor.New(tensor.WithShape(1, 4), tensor.WithBacking([]float64{-1, 0, 1, 2}))))
	d := relax.StochasticTimesSmooth{Logits: logits}

	spec := d.Noise()[0]
	logistic := make([]float64, spec.Size())
	noise.Fill(noise.NewSource(1, "example"), spec.Kind, logistic)
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(logistic))))
	sample, err := d.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	grads, err := G.Grad(G.Must(G.Sum(sample.Value)), logits)
	if err != nil {
		log.Fatal(err)
	}
	var value, gradient, mean, variance G.Value
	G.Read(sample.Value, &value)
	G.Read(grads[0], &gradient)
	G.Read(G.Must(d.Mean()), &mean)
	G.Read(G.Must(d.Variance()), &variance)

	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("values    %.3f\ngradients %.3f\nmeans     %.3f\nvariances %.3f\n", value.Data(), gradient.Data(), mean.Data(), variance.Data())
	// Output:
	// values    [0.000 0.000 0.855 0.939]
	// gradients [0.000 0.000 0.115 0.056]
	// means     [0.269 0.500 0.731 0.881]
	// variances [0.067 0.104 0.091 0.051]
}

// Selects features in a program of plain Gorgonia: feature k lowers the loss by c_k if its gate is open, and an open gate
// costs 0.2. The gates of the first two features open, the others close.
func ExampleGaussianRelaxedBernoulli() {
	const features, cost = 4, 0.2
	g := G.NewGraph()
	μ := G.NewMatrix(g, G.Float64, G.WithName("mu"), G.WithShape(1, features),
		G.WithValue(tensor.New(tensor.WithShape(1, features), tensor.WithBacking([]float64{0.5, 0.5, 0.5, 0.5}))))
	gates := relax.GaussianRelaxedBernoulli{Mu: μ} // σ = ½

	spec := gates.Noise()[0]
	ε := make([]float64, spec.Size())
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(ε))))
	source := noise.NewSource(1, "training")

	sample, err := gates.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	c := G.NewMatrix(g, G.Float64, G.WithName("c"), G.WithShape(1, features),
		G.WithValue(tensor.New(tensor.WithShape(1, features), tensor.WithBacking([]float64{1, 0.5, 0.05, 0}))))
	gain := G.Must(G.Sum(G.Must(G.HadamardProd(c, sample.Value))))
	open := G.Must(G.Sum(G.Must(gates.ProbNonZero())))
	loss := G.Must(G.Sub(G.Must(G.Mul(G.NewConstant(cost), open)), gain))
	if _, err := G.Grad(loss, μ); err != nil {
		log.Fatal(err)
	}
	var test G.Value
	G.Read(G.Must(gates.TestGate()), &test)

	machine := G.NewTapeMachine(g, G.BindDualValues(μ))
	defer machine.Close()
	solver := G.NewAdamSolver(G.WithLearnRate(0.02))
	for range 500 {
		noise.Fill(source, spec.Kind, ε)
		if err := machine.RunAll(); err != nil {
			log.Fatal(err)
		}
		if err := solver.Step(G.NodesToValueGrads(G.Nodes{μ})); err != nil {
			log.Fatal(err)
		}
		machine.Reset()
	}
	fmt.Println("gates of the trained model", test.Data())
	// Output:
	// gates of the trained model [1 1 0 0]
}

// The forward temperature decides how random the one-hot samples are, the backward one how smooth their gradients.
func ExampleDecoupledStraightThrough() {
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(1, 3),
		G.WithValue(tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float64{2, 1, 0}))))
	cold, err := relax.Temperature(logits, 0.5)
	if err != nil {
		log.Fatal(err)
	}
	warm, err := relax.Temperature(logits, 2)
	if err != nil {
		log.Fatal(err)
	}
	d := relax.DecoupledStraightThrough{Logits: logits, Forward: cold, Backward: warm}

	spec := d.Noise()[0]
	gumbel := make([]float64, spec.Size())
	noise.Fill(noise.NewSource(1, "example"), spec.Kind, gumbel)
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(gumbel))))
	sample, err := d.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	reward := G.NewMatrix(g, G.Float64, G.WithName("reward"), G.WithShape(1, 3),
		G.WithValue(tensor.New(tensor.WithShape(1, 3), tensor.WithBacking([]float64{1, 0, 0}))))
	grads, err := G.Grad(G.Must(G.Sum(G.Must(G.HadamardProd(reward, sample.Value)))), logits)
	if err != nil {
		log.Fatal(err)
	}
	var value, gradient, mean G.Value
	G.Read(sample.Value, &value)
	G.Read(grads[0], &gradient)
	G.Read(G.Must(d.Mean()), &mean)

	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("sample", value.Data())
	fmt.Printf("drawn with probabilities %.3f\n", mean.Data())
	fmt.Printf("gradient %.3f\n", gradient.Data())
	// Output:
	// sample [1 0 0]
	// drawn with probabilities [0.867 0.117 0.016]
	// gradient [0.124 -0.081 -0.043]
}

// Draws fair bits that agree more often than chance: two of correlation ρ are both on with probability
// ¼ + arcsin(ρ)/2π, which is ⅓ for ρ = ½.
func ExampleCorrelatedRelaxedBernoulli() {
	const rows, bits = 40000, 3
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(rows, bits),
		G.WithValue(tensor.New(tensor.WithShape(rows, bits), tensor.Of(G.Float64))))
	r, err := relax.Toeplitz(bits, 0.5) // or any correlation matrix, or relax.LearnedCholesky
	if err != nil {
		log.Fatal(err)
	}
	factor, err := relax.Cholesky(logits, r)
	if err != nil {
		log.Fatal(err)
	}
	d := relax.CorrelatedRelaxedBernoulli{Logits: logits, Chol: factor}

	spec := d.Noise()[0]
	normal := make([]float64, spec.Size())
	noise.Fill(noise.NewSource(1, "example"), spec.Kind, normal)
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(normal))))
	sample, err := d.Rsample(eps)
	if err != nil {
		log.Fatal(err)
	}
	density, err := d.LogProb(sample)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := G.Grad(G.Must(G.Mean(density)), logits); err != nil {
		log.Fatal(err)
	}
	var hard G.Value
	G.Read(sample.Hard, &hard)

	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	near, far := 0.0, 0.0
	for row := range slices.Chunk(hard.Data().([]float64), bits) {
		near += row[0] * row[1] / rows
		far += row[0] * row[2] / rows
	}
	fmt.Printf("neighbours both on: %.2f, expected %.4f\n", near, 0.25+math.Asin(0.5)/(2*math.Pi))
	fmt.Printf("first and third:    %.2f, expected %.4f\n", far, 0.25+math.Asin(0.25)/(2*math.Pi))
	// Output:
	// neighbours both on: 0.34, expected 0.3333
	// first and third:    0.29, expected 0.2902
}

// The law of correlated bits has no probabilities in closed form. Given the noise, that of each bit has: it bounds the
// divergence from independent bits, here fair ones, more tightly than that of the copula does.
func ExampleCorrelatedBernoulli_Conditional() {
	const rows, bits = 10000, 2
	g := G.NewGraph()
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(rows, bits),
		G.WithValue(tensor.New(tensor.WithShape(rows, bits), tensor.Of(G.Float64))))
	factor, err := relax.Cholesky(logits, [][]float64{{1, 0.5}, {0.5, 1}})
	if err != nil {
		log.Fatal(err)
	}
	q := relax.CorrelatedBernoulli{Logits: logits, Chol: factor}

	spec := q.Noise()[0]
	normal := make([]float64, spec.Size())
	noise.Fill(noise.NewSource(1, "example"), spec.Kind, normal)
	eps := G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName("eps"), G.WithShape(spec.Shape...),
		G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(normal))))
	conditional, err := q.Conditional(eps)
	if err != nil {
		log.Fatal(err)
	}
	prior := G.NewVector(g, G.Float64, G.WithName("prior"), G.WithShape(bits),
		G.WithValue(tensor.New(tensor.WithShape(bits), tensor.Of(G.Float64))))
	var bound G.Value
	G.Read(G.Must(G.Mean(G.Must(relax.KL(conditional, relax.Bernoulli{Logits: prior})))), &bound)

	machine := G.NewTapeMachine(g)
	defer machine.Close()
	if err := machine.RunAll(); err != nil {
		log.Fatal(err)
	}
	exact := math.Log(4)
	for _, p := range []float64{1. / 3, 1. / 6, 1. / 6, 1. / 3} {
		exact += p * math.Log(p)
	}
	fmt.Printf("exact %.3f, bound %.2f, of the copula %.3f\n", exact, bound.Data(), -math.Log(0.75)/2)
	// Output:
	// exact 0.057, bound 0.09, of the copula 0.144
}
