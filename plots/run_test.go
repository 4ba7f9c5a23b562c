package plots

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"relaxgo/internal/run"
)

// writeRun puts the result files of a tiny run into a new directory.
func writeRun(t *testing.T, metrics string, tensors map[string]run.Tensor) string {
	t.Helper()
	dir := t.TempDir()
	text := []byte("step,epoch,wall_s,split,name,value\n" + metrics)
	if err := os.WriteFile(filepath.Join(dir, run.MetricsFile), text, 0o666); err != nil {
		t.Fatal(err)
	}
	file := run.Safetensors{Tensors: tensors}
	if err := file.WriteFile(filepath.Join(dir, run.ImagesFile)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func tensors() map[string]run.Tensor {
	return map[string]run.Tensor{
		"originals":       {Shape: []int{2, 3, 4}, Data: ramp(2, 3, 4).Pixels},
		"reconstructions": {Shape: []int{2, 3, 4}, Data: ramp(2, 3, 4).Pixels},
		"samples":         {Shape: []int{5, 3, 4}, Data: ramp(5, 3, 4).Pixels},
	}
}

var pictures = []string{
	"reconstruction.png", "reconstruction.svg", "samples.png", "samples.svg", "curves.png", "curves.svg",
}

const oneEpoch = "9,1,0.5,train,loss,160\n9,1,0.6,train,seconds,3\n9,1,0.7,test,test_loss,150\n9,1,0.8,test,test_nelbo,152\n"

func TestDrawRun(t *testing.T) {
	dir := writeRun(t, oneEpoch, tensors())
	captions := Captions{"First caption.", "Second caption.", "Third caption."}
	var before [][]byte
	for round := range 2 {
		if err := DrawRun(dir, captions); err != nil {
			t.Fatal(err)
		}
		for i, picture := range pictures {
			data, err := os.ReadFile(filepath.Join(dir, picture))
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case round == 0:
				before = append(before, data)
			case !bytes.Equal(data, before[i]):
				t.Errorf("%s is not the same the second time", picture)
			}
		}
	}
	for i, caption := range map[int]string{1: captions.Reconstruction, 3: captions.Samples, 5: captions.Curves} {
		if !bytes.Contains(before[i], []byte(caption)) {
			t.Errorf("%s lacks its caption", pictures[i])
		}
	}
}

func TestLossCurves(t *testing.T) {
	for _, test := range []struct {
		name, metrics string
		want          []string // names and last values, from below
	}{
		{"one epoch", oneEpoch, []string{"test loss ", "150.00", "test −ELBO, discrete codes ", "152.00", "train loss ", "160.00"}},
		{"no test", "9,1,0.5,train,loss,160\n18,2,1,train,loss,120\n", []string{"train loss ", "120.00"}},
		{"no train", "9,1,0.7,test,test_nelbo,150\n", []string{"test −ELBO, discrete codes ", "150.00"}},
		{"under way", "9,1,0.5,train,loss,160\n18,2,1,train,loss,12", []string{"train loss ", "160.00"}},
		{"rarer tests", "9,1,0.5,train,loss,160\n18,2,1,train,loss,120\n18,2,1.6,test,test_loss,121\n27,3,1.5,train,loss,110\n",
			[]string{"train loss ", "110.00", "test loss ", "121.00"}},
		{"from epoch 0", "0,0,0,test,test_loss,540\n9,1,0.5,test,test_loss,150\n", []string{"test loss ", "150.00"}},
		{"other splits", oneEpoch + "9,1,0.9,test,loss,1\n9,1,0.9,train,test_loss,2\n",
			[]string{"test loss ", "150.00", "test −ELBO, discrete codes ", "152.00", "train loss ", "160.00"}},
	} {
		fig, err := drawMetrics(filepath.Join(writeRun(t, test.metrics, nil), run.MetricsFile), "")
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		texts := checkLayout(t, fig)
		if got := texts[max(0, len(texts)-len(test.want)):]; !slices.Equal(got, test.want) {
			t.Errorf("%s: names %q, want %q", test.name, got, test.want)
		}
	}
}

func TestDrawRunErrors(t *testing.T) {
	const good = "9,1,0.5,train,loss,160\n"
	for _, test := range []struct {
		name    string
		metrics string
		change  func(map[string]run.Tensor)
		file    string
		want    []string
	}{
		{name: "tensor missing", metrics: good, file: run.ImagesFile, want: []string{`"samples"`},
			change: func(m map[string]run.Tensor) { delete(m, "samples") }},
		{name: "float64", metrics: good, file: run.ImagesFile, want: []string{`"originals"`, "float32"},
			change: func(m map[string]run.Tensor) {
				m["originals"] = run.Tensor{Shape: []int{1, 1, 1}, Data: []float64{1}}
			}},
		{name: "rank", metrics: good, file: run.ImagesFile, want: []string{`"samples"`, "[5 12]"},
			change: func(m map[string]run.Tensor) {
				m["samples"] = run.Tensor{Shape: []int{5, 12}, Data: m["samples"].Data}
			}},
		{name: "no image", metrics: good, file: run.ImagesFile, want: []string{`"samples"`, "at least one image"},
			change: func(m map[string]run.Tensor) {
				m["samples"] = run.Tensor{Shape: []int{0, 3, 4}, Data: []float32{}}
			}},
		{name: "NaN", metrics: good, file: run.ImagesFile, want: []string{`"reconstructions"`, "image 1, row 0, column 1 is NaN"},
			change: func(m map[string]run.Tensor) {
				m["reconstructions"].Data.([]float32)[13] = float32(math.NaN())
			}},
		{name: "out of range", metrics: good, file: run.ImagesFile, want: []string{`"samples"`, "is 1.5"},
			change: func(m map[string]run.Tensor) { m["samples"].Data.([]float32)[0] = 1.5 }},
		{name: "no losses", metrics: "9,1,0.5,train,kl,160\n", file: run.MetricsFile, want: []string{"train,loss"}},
		{name: "no rows", file: run.MetricsFile, want: []string{"train,loss"}},
		{name: "bad row", metrics: "9,1,0.5,train,loss\n", file: run.MetricsFile, want: []string{"line 2"}},
		{name: "NaN loss", metrics: good + "18,2,0.5,train,loss,NaN\n", file: run.MetricsFile, want: []string{`"train loss"`, "NaN at x = 2"}},
		{name: "epoch twice", metrics: good + "18,1,0.5,train,loss,150\n", file: run.MetricsFile, want: []string{`"train loss"`, "x = 1 comes after x = 1"}},
	} {
		m := tensors()
		if test.change != nil {
			test.change(m)
		}
		dir := writeRun(t, test.metrics, m)
		checkError(t, test.name, DrawRun(dir, Captions{}), append(test.want, filepath.Join(dir, test.file))...)
		checkNoPictures(t, dir)
	}
	for _, name := range []string{run.ImagesFile, run.MetricsFile} {
		dir := writeRun(t, good, tensors())
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		checkError(t, name, DrawRun(dir, Captions{}), filepath.Join(dir, name))
		checkNoPictures(t, dir)
	}
	for _, captions := range []Captions{{Reconstruction: "\x00"}, {Samples: "\x00"}, {Curves: "\x00"}} {
		dir := writeRun(t, good, tensors())
		checkError(t, "caption", DrawRun(dir, captions), "caption")
		checkNoPictures(t, dir)
	}
}

func checkNoPictures(t *testing.T, dir string) {
	t.Helper()
	for _, name := range pictures {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}
