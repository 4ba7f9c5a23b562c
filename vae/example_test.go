package vae_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"relaxgo/data"
	"relaxgo/vae"
)

// Train a small model on part of MNIST and keep the run in a directory.
func ExampleTrain() {
	dir, err := os.MkdirTemp("", "vae")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	images, err := data.Load("") // MNIST as shipped with GoMNIST
	if err != nil {
		log.Fatal(err)
	}
	cfg := vae.DefaultConfig()
	cfg.Relax = "gumbelsoftmax"
	cfg.Latent, cfg.Classes, cfg.Hidden = 6, 8, []int{100}
	cfg.Epochs, cfg.TrainImages, cfg.TestImages = 3, 2560, 200
	cfg.LR = "0.003"

	summary, err := vae.Train(context.Background(), cfg, images, filepath.Join(dir, "run"), vae.Options{
		Report: func(e vae.Event) {
			if e.Phase == vae.EpochEnd {
				fmt.Printf("epoch %d done, %d of %d steps\n", e.Epoch, e.Done, e.Total)
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s with %d parameters\n", summary.Relax, summary.Parameters)
	fmt.Println("less than 230 nats per test image:", summary.TestNELBO < 230)
	// Output:
	// epoch 1 done, 20 of 60 steps
	// epoch 2 done, 40 of 60 steps
	// epoch 3 done, 60 of 60 steps
	// gumbelsoftmax with 167432 parameters
	// less than 230 nats per test image: true
}

// Every method can be tried in turn; these are the first three.
func ExampleMethods() {
	for _, m := range vae.Methods()[:3] {
		fmt.Printf("%s: %s\n", m.Name, m.Summary)
	}
	// Output:
	// hardconcrete: bits stretched and clipped to [0, 1]: exact zeros and ones, gradients between
	// relaxedbernoulli: bits softened to (0, 1), the binary Concrete distribution
	// correlated: softened bits that a Gaussian copula makes dependent; exact bits are, too
}
