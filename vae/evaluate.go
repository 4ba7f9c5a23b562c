package vae

import (
	"context"
	"fmt"
	"math"

	"relaxgo/data"
	"relaxgo/internal/run"
)

// testEpoch is the epoch whose draws a dynamically binarised test set always shows.
const testEpoch = 0

// evaluate gives the bounds on the test images, with fresh noise for each epoch.
func (t *trainer) evaluate(epoch int) (Bounds, error) {
	t.setTemperature()
	n := float64(t.set.Test.Len())
	var b Bounds
	err := t.eachTestBatch(func(index, rows int) error {
		fill(t.batch.noise, t.Seed, "test/noise", epoch, index)
		if err := t.batch.evaluate.Run(); err != nil {
			return t.explain(fmt.Sprintf("test after epoch %d", epoch), err)
		}
		for i := range rows {
			b.Loss += float64(t.batch.evaluate.Output(outSoft)[i]) / n
			b.NELBO += float64(t.batch.evaluate.Output(outHard)[i]) / n
			if t.L0 > 0 {
				b.Open += float64(t.batch.evaluate.Output(outOpen)[i]) / n
			}
		}
		return nil
	})
	return b, err
}

// eachTestBatch fills the images of one test batch after another into the training graph.
func (t *trainer) eachTestBatch(f func(index, rows int) error) error {
	for i := range t.test.PerEpoch() {
		rows, err := t.test.Fill(testEpoch, i, t.batch.x[:t.test.Size()*t.pixels])
		if err != nil {
			return err
		}
		if err := f(i, rows); err != nil {
			return err
		}
	}
	return nil
}

// weighedRows is about how many rows the importance-weighted bound decodes at once.
const weighedRows = 1000

// importanceWeighted is the bound −log 1/S Σ_s p(x|b_s)p(b_s)/q(b_s|x) with S = Config.IW discrete samples per image,
// averaged over the test images. Source: Burda, Grosse and Salakhutdinov (2016), arXiv:1509.00519, equation 8.
func (t *trainer) importanceWeighted(ctx context.Context) (float64, error) {
	size, images := t.headSize(), t.set.Test.Len()
	heads := make([]float32, 0, images*size)
	err := t.eachTestBatch(func(_, rows int) error {
		if err := t.batch.encode.Run(); err != nil {
			return t.explain("final test", err)
		}
		heads = append(heads, t.batch.encode.Output(outHead)[:rows*size]...)
		return nil
	})
	if err != nil {
		return 0, err
	}
	chunk := min(max(1, weighedRows/t.IW), images)
	w, err := t.weigher(chunk * t.IW)
	if err != nil {
		return 0, err
	}
	batches, err := data.NewBatches(t.set.Test, chunk, data.BatchOptions{Seed: t.Seed})
	if err != nil {
		return 0, err
	}
	x := make([]float32, chunk*t.pixels)
	sum, done := 0.0, 0
	for i := range batches.PerEpoch() {
		if ctx.Err() != nil {
			return 0, fmt.Errorf("stopped during the final test: %w", ctx.Err())
		}
		rows, err := batches.Fill(testEpoch, i, x)
		if err != nil {
			return 0, err
		}
		for j := range rows {
			head := heads[(done+j)*size:][:size]
			for s := range t.IW {
				copy(w.x[(j*t.IW+s)*t.pixels:], x[j*t.pixels:(j+1)*t.pixels])
				copy(w.head[(j*t.IW+s)*size:], head)
			}
		}
		fill(w.noise, t.Seed, "test/weights", i)
		if err := w.ratio.Run(); err != nil {
			return 0, t.explain("final test", err)
		}
		for j := range rows {
			sum -= logMeanExp(w.ratio.Output(outRatio)[j*t.IW : (j+1)*t.IW])
		}
		done += rows
		t.tell(Event{Phase: Bounding, Epoch: t.Epochs, Done: done, Total: images})
	}
	return sum / float64(images), nil
}

// logMeanExp is log 1/n Σ e^x.
func logMeanExp(x []float32) float64 {
	top := math.Inf(-1)
	for _, v := range x {
		top = math.Max(top, float64(v))
	}
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum/float64(len(x)))
}

// Sizes of the pictures of a run.
const (
	reconstructed = 8  // test images
	sampled       = 64 // codes from the prior
)

// pictures are the arrays that a run's figures are drawn from: test images, their reconstructions from discrete codes,
// and decoded codes from the prior.
func (t *trainer) pictures() (*run.Safetensors, error) {
	code := t.codeSize()
	n := min(reconstructed, t.test.Size())
	if _, err := t.test.Fill(testEpoch, 0, t.batch.x[:t.test.Size()*t.pixels]); err != nil {
		return nil, err
	}
	fill(t.batch.noise, t.Seed, "pictures/noise")
	if err := t.batch.encode.Run(); err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	d, err := t.decoder(n + sampled)
	if err != nil {
		return nil, err
	}
	copy(d.code, t.batch.encode.Output(outCode)[:n*code])
	prior, err := t.imagination(sampled)
	if err != nil {
		return nil, err
	}
	fill(prior.noise, t.Seed, "pictures/prior")
	if err := prior.code.Run(); err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	copy(d.code[n*code:], prior.code.Output(outCode))
	if err := d.mean.Run(); err != nil {
		return nil, fmt.Errorf("pictures: %w", err)
	}
	mean := d.mean.Output(outMean)
	grid := func(n int, pixels []float32) run.Tensor {
		return run.Tensor{Shape: []int{n, t.set.Test.Rows, t.set.Test.Cols}, Data: pixels}
	}
	return &run.Safetensors{Tensors: map[string]run.Tensor{
		"originals":       grid(n, t.batch.x[:n*t.pixels]),
		"reconstructions": grid(n, mean[:n*t.pixels]),
		"samples":         grid(sampled, mean[n*t.pixels:]),
	}}, nil
}
