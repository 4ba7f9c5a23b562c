package vae

import (
	"context"
	"testing"
)

// BenchmarkStep is one training step at the default sizes: batch 128, 784-400-20-400-784.
func BenchmarkStep(b *testing.B) {
	for _, m := range Methods() {
		b.Run(m.Name, func(b *testing.B) {
			c := DefaultConfig()
			c.Relax = m.Name
			tr := trained(b, c, 3)
			f := newFeed(tr.train, tr.pixels, tr.batch.noise, tr.Seed, tr.step, 1<<40)
			defer f.close()
			b.ReportAllocs()
			for b.Loop() {
				if err := tr.trainStep(f); err != nil {
					b.Fatal(err)
				}
			}
			reportMilliseconds(b, 1, "ms/step")
		})
	}
}

// BenchmarkEvaluate is test_loss and test_nelbo on 10 000 images.
func BenchmarkEvaluate(b *testing.B) {
	tr := trained(b, DefaultConfig(), 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.evaluate(1); err != nil {
			b.Fatal(err)
		}
	}
	reportMilliseconds(b, 1, "ms/test")
}

// BenchmarkImportanceWeighted is test_nll with 100 samples on 500 images.
func BenchmarkImportanceWeighted(b *testing.B) {
	c := DefaultConfig()
	c.TestImages = 500
	tr := trained(b, c, 3)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tr.importanceWeighted(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	reportMilliseconds(b, c.TestImages, "ms/image")
}

// BenchmarkStart is what a run does before its first step, apart from reading the images.
func BenchmarkStart(b *testing.B) {
	set := mnist(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := newTrainer(DefaultConfig(), set); err != nil {
			b.Fatal(err)
		}
	}
}

// reportMilliseconds reports the time of each of n parts of an iteration.
func reportMilliseconds(b *testing.B, n int, unit string) {
	b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N*n), unit)
}
