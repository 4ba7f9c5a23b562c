package plots

import (
	"fmt"
	"path/filepath"

	"relaxgo/internal/run"
)

// Captions are the texts below the figures of a run.
type Captions struct {
	Reconstruction, Samples, Curves string
}

// DrawRun draws the figures of a VAE's run directory, each as PNG and SVG:
//
//	reconstruction  tensors "originals" and "reconstructions" of images.safetensors, see [Reconstruction]
//	samples         tensor "samples", see [Samples]
//	curves          the losses in metrics.csv over epochs, see [Curves]
//
// Tensors are F32 of shape [images, rows, columns]. The curves are train/loss,
// test/test_loss and test/test_nelbo (split/name), as many as there are.
// Nothing is written unless all figures could be drawn. Errors name the file and
// what is wrong with it.
func DrawRun(dir string, captions Captions) error {
	reconstruction, samples, err := drawImages(filepath.Join(dir, run.ImagesFile), captions)
	if err != nil {
		return err
	}
	curves, err := drawMetrics(filepath.Join(dir, run.MetricsFile), captions.Curves)
	if err != nil {
		return err
	}
	return save(dir, namedFigure{"reconstruction", reconstruction}, namedFigure{"samples", samples}, namedFigure{"curves", curves})
}

func drawImages(path string, captions Captions) (reconstruction, samples Figure, err error) {
	p, err := readRunImages(path)
	if err != nil {
		return Figure{}, Figure{}, err
	}
	if reconstruction, err = Reconstruction(p.originals, p.reconstructions, captions.Reconstruction); err != nil {
		return Figure{}, Figure{}, fmt.Errorf("cannot draw %s: %w", path, err)
	}
	if samples, err = Samples(p.samples, captions.Samples); err != nil {
		return Figure{}, Figure{}, fmt.Errorf("cannot draw %s: %w", path, err)
	}
	return reconstruction, samples, nil
}

// runImages is what a run's images.safetensors holds.
type runImages struct {
	originals, reconstructions, samples Images
}

func readRunImages(path string) (runImages, error) {
	file, err := run.ReadSafetensors(path)
	if err != nil {
		return runImages{}, err
	}
	var images [3]Images
	for i, name := range []string{"originals", "reconstructions", "samples"} {
		if images[i], err = readImages(file, path, name); err != nil {
			return runImages{}, err
		}
	}
	return runImages{images[0], images[1], images[2]}, nil
}

func readImages(file *run.Safetensors, path, name string) (Images, error) {
	shape := file.Tensors[name].Shape
	pixels, err := run.Values[float32](file, name, shape)
	if err != nil {
		return Images{}, err
	}
	if len(shape) != 3 {
		return Images{}, fmt.Errorf("%s: tensor %q has shape %v, want [images, rows, columns]", path, name, shape)
	}
	return Images{Rows: shape[1], Cols: shape[2], Pixels: pixels}, nil
}

// losses are the rows of metrics.csv that are drawn, and what they are called.
var losses = []struct{ split, name, label string }{
	{"train", "loss", "train loss"},
	{"test", "test_loss", "test loss"},
	{"test", "test_nelbo", "test −ELBO, discrete codes"},
}

func drawMetrics(path, caption string) (Figure, error) {
	rows, err := run.ReadMetrics(path)
	if err != nil {
		return Figure{}, err
	}
	var series []Series
	for _, loss := range losses {
		if s := seriesOf(rows, loss.split, loss.name, loss.label); len(s.X) > 0 {
			series = append(series, s)
		}
	}
	if len(series) == 0 {
		return Figure{}, fmt.Errorf("%s: no rows train,loss or test,test_loss or test,test_nelbo", path)
	}
	figure, err := Curves(series, CurveOptions{
		XLabel:  "epoch (passes over the training images)",
		YLabel:  "nats per image (lower is better)",
		Caption: caption,
	})
	if err != nil {
		return Figure{}, fmt.Errorf("cannot draw %s: %w", path, err)
	}
	return figure, nil
}

// seriesOf is the values of that split and name over epochs.
func seriesOf(rows []run.Row, split, name, label string) Series {
	s := Series{Name: label}
	for _, row := range rows {
		if row.Split == split && row.Name == name {
			s.X = append(s.X, float64(row.Epoch))
			s.Y = append(s.Y, row.Value)
		}
	}
	return s
}
