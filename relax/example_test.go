package relax_test

import (
	"errors"
	"fmt"
	"log"
	"math"

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
