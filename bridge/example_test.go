package bridge_test

import (
	"fmt"
	"log"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"relaxgo/bridge"
)

func Example() {
	d, err := bridge.NewDirichlet(8, 2, 2)
	if err != nil {
		log.Fatal(err)
	}
	q := bridge.Laplace(d)
	tv, err := bridge.TV(d, q)
	if err != nil {
		log.Fatal(err)
	}
	kl, err := bridge.KL(d, q)
	if err != nil {
		log.Fatal(err)
	}
	back, err := bridge.LaplaceInverse(q.Mu(), q.Variance())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("μ = %.3f\n", q.Mu())
	fmt.Printf("TV = %.4f, KL = %.4f\n", tv, kl)
	fmt.Printf("α = %.3f\n", back.Alpha())
	// Output:
	// μ = [0.924 -0.462 -0.462]
	// TV = 0.1224, KL = 0.1382
	// α = [8.000 2.000 2.000]
}

// The two bases have different modes, and only the softmax basis always has one.
func ExampleDirichlet() {
	d, err := bridge.NewDirichlet(8, 2, 2)
	if err != nil {
		log.Fatal(err)
	}
	mode, err := d.Mode()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("simplex %.3f, softmax %.3f\n", mode, d.ModeSoftmax())
	sharp, err := bridge.NewDirichlet(0.5, 0.5)
	if err != nil {
		log.Fatal(err)
	}
	_, err = sharp.Mode()
	fmt.Println(err)
	// Output:
	// simplex [0.778 0.111 0.111], softmax [0.667 0.167 0.167]
	// bridge: Dirichlet([0.5 0.5]) has no mode on the simplex, which needs every α ≥ 1 and one above; ModeSoftmax always exists
}

// The nearest logistic-normal in divergence, beside the Laplace bridge.
func ExampleMoments() {
	d, err := bridge.NewDirichlet(8, 2, 2)
	if err != nil {
		log.Fatal(err)
	}
	for _, q := range []bridge.LogisticNormal{bridge.Laplace(d), bridge.LaplaceDiagonal(d), bridge.Moments(d)} {
		kl, err := bridge.KL(d, q)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%.4f\n", kl)
	}
	// Output:
	// 0.1382
	// 0.3711
	// 0.0536
}

// A network's Gaussian logits become a Dirichlet distribution over its classes.
func ExampleZeroSum() {
	mu := []float64{2, 0, 1}
	sigma := mat.NewSymDense(3, []float64{
		1.0, 0.2, 0.1,
		0.2, 1.5, 0.0,
		0.1, 0.0, 0.8,
	})
	q, err := bridge.ZeroSum(mu, sigma)
	if err != nil {
		log.Fatal(err)
	}
	q = bridge.NormalizeVariance(q)
	d, err := bridge.LaplaceInverse(q.Mu(), q.Variance())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("α = %.3f\nE π = %.3f\n", d.Alpha(), d.Mean())
	// Output:
	// α = [3.172 0.317 1.345]
	// E π = [0.656 0.066 0.278]
}

// Distances of many classes are estimated.
func ExampleTVMonteCarlo() {
	d, err := bridge.NewDirichlet(3, 1, 4, 1, 5)
	if err != nil {
		log.Fatal(err)
	}
	e, err := bridge.TVMonteCarlo(d, bridge.Moments(d), 10_000, rand.NewPCG(1, 1))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.3f ± %.3f\n", e.Value, e.StdErr)
	// Output:
	// 0.184 ± 0.002
}
