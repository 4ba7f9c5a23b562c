package estimator_test

import (
	"fmt"
	"log"
	"math"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
	"relaxgo/relax/noise"
)

// Trains a bit in a program of plain Gorgonia, for 100 rows at once: each minimises E(b−t)² for t = 0.45 through unbiased
// estimates of the gradient, without any relaxation. The target is nearer to 0 than to 1, so that the best bit is 0 always
// and the best loss is t² = 0.2025.
func Example() {
	const rows, t, rate = 100, 0.45, 10
	g := G.NewGraph()
	ℓ := make([]float64, rows)
	logits := G.NewMatrix(g, G.Float64, G.WithName("logits"), G.WithShape(rows, 1),
		G.WithValue(tensor.New(tensor.WithShape(rows, 1), tensor.WithBacking(ℓ))))
	p := estimator.Problem{
		Law:    estimator.Bernoulli,
		Logits: logits,
		F: func(b *G.Node) (*G.Node, error) { // any graph with a number for each row
			d, err := G.Sub(b, G.NewConstant(t))
			if err != nil {
				return nil, err
			}
			if d, err = G.Square(d); err != nil {
				return nil, err
			}
			return G.Sum(d, 1)
		},
	}
	rloo := estimator.RLOO{Samples: 4}

	// Noise is an input for each Spec, filled before each run.
	var eps []*G.Node
	var fill []func()
	for i, spec := range rloo.Noise(p) {
		ε := make([]float64, spec.Size())
		source := noise.NewSource(1, "training", i)
		eps = append(eps, G.NewTensor(g, G.Float64, len(spec.Shape), G.WithName(fmt.Sprint("eps", i)), G.WithShape(spec.Shape...),
			G.WithValue(tensor.New(tensor.WithShape(spec.Shape...), tensor.WithBacking(ε)))))
		fill = append(fill, func() { noise.Fill(source, spec.Kind, ε) })
	}
	estimate, err := rloo.Build(p, eps, nil)
	if err != nil {
		log.Fatal(err)
	}
	var value, grad G.Value
	G.Read(estimate.Value, &value)
	G.Read(estimate.Grad, &grad)

	machine := G.NewTapeMachine(g)
	defer machine.Close()
	for range 100 {
		for _, f := range fill {
			f()
		}
		if err := machine.RunAll(); err != nil {
			log.Fatal(err)
		}
		for i, d := range grad.Data().([]float64) {
			ℓ[i] -= rate * d
		}
		machine.Reset()
	}

	expected := 0.0
	for _, ℓ := range ℓ {
		p := 1 / (1 + math.Exp(-ℓ))
		expected += (p*(1-t)*(1-t) + (1-p)*t*t) / rows
	}
	fmt.Printf("E(b−t)² is %.4f before and %.4f after training\n", (t*t+(1-t)*(1-t))/2, expected)
	// Output:
	// E(b−t)² is 0.2525 before and 0.2035 after training
}

// Compares estimators of the gradient of E(b−t)² at π = 0.2, t = 0.45, where the right answer is 0.016.
func Example_meter() {
	c := meter.Case{
		Law:    estimator.Bernoulli,
		Logits: []float64{math.Log(0.2 / 0.8)},
		Shape:  []int{1},
		F:      distance(0.45),
	}
	for _, name := range []string{"score", "rloo", "disarm"} {
		e, err := estimator.Find(name)
		if err != nil {
			log.Fatal(err)
		}
		m, err := meter.Measure(c, e, 100_000, 1, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%-6s mean %.3f variance %.5f\n", name, m.Mean[0], m.Variance[0])
	}
	// Output:
	// score  mean 0.016 variance 0.01279
	// rloo   mean 0.016 variance 0.00054
	// disarm mean 0.016 variance 0.00038
}
