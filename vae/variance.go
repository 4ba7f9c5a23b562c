package vae

import (
	"fmt"
	"math"
	"strings"
)

// varianceDraws is the number of gradients that gradientLogVar compares.
const varianceDraws = 10

// leastLogVar stands for the logarithm of zero: it is that of the smallest positive float64.
const leastLogVar = -744

// gradientLogVar is the logarithm of the variance of the encoders' gradient, the mean over their parameters, over draws of
// the training noise for one batch of test images with the model as it is.
func (t *trainer) gradientLogVar(epoch int) (float64, error) {
	rows, err := t.test.Fill(testEpoch, 0, t.batch.x[:t.test.Size()*t.pixels])
	if err != nil {
		return 0, err
	}
	t.setWeights(rows)
	t.setTemperature()
	// Sums of squared deviations from a running mean, Welford's way.
	means, squares := make(map[string][]float64), 0.0
	parameters := 0
	for n := range varianceDraws {
		fill(t.batch.noise, t.Seed, "variance/noise", epoch, n)
		if err := t.batch.step.Run(); err != nil {
			return 0, t.explain(fmt.Sprintf("gradient variance after epoch %d", epoch), err)
		}
		for _, s := range t.batch.gradient(t.batch.slots) {
			if !strings.HasPrefix(s.Name, encoderName) {
				continue
			}
			mean := means[s.Name]
			if mean == nil {
				mean = make([]float64, len(s.Grad))
				means[s.Name] = mean
				parameters += len(mean)
			}
			for i, g := range s.Grad {
				d := float64(g) - mean[i]
				mean[i] += d / float64(n+1)
				squares += d * (float64(g) - mean[i])
			}
		}
	}
	return math.Max(leastLogVar, math.Log(squares/float64(varianceDraws-1)/float64(parameters))), nil
}
