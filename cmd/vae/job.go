package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"relaxgo/data"
	"relaxgo/internal/cli"
	"relaxgo/plots"
	"relaxgo/vae"
)

// job is what the runs of one command share.
type job struct {
	cfg      vae.Config // but for the method
	set      data.Dataset
	out      string
	quick    bool
	force    bool
	resume   bool
	given    []*flag.Flag // by the user
	progress *cli.Progress
}

// dir is where the run of a method is kept.
func (j job) dir(method string) string {
	dir := filepath.Join(j.out, "vae", method, fmt.Sprintf("seed-%d", j.cfg.Seed))
	if j.quick {
		dir += quickSuffix
	}
	return dir
}

// quickSuffix marks what comes of -quick.
const quickSuffix = "-quick"

// train makes the run of a method with its pictures. That of a finished run is drawn again.
func (j job) train(ctx context.Context, method string) (vae.Summary, error) {
	cfg, dir := j.cfg.For(method), j.dir(method)
	summary, err := vae.Train(ctx, cfg, j.set, dir, vae.Options{Force: j.force, Resume: j.resume, Report: reporter(j.progress, cfg, j.set)})
	switch {
	case errors.Is(err, context.Canceled):
		return summary, cli.Hint(fmt.Errorf("%w, saved in %s", cli.ErrInterrupted, dir), "the same command with -resume continues")
	case errors.Is(err, vae.ErrFinished):
		// The pictures may be missing all the same, if the command was killed before it had drawn them.
		finished := err
		if summary, err = vae.ReadSummary(dir); err != nil || summary.Epochs != cfg.Epochs {
			return vae.Summary{}, errors.Join(finished, err)
		}
		j.progress.Println(method + ": the run was finished before; drawing it again")
	case err != nil:
		return summary, usage(err)
	}
	return summary, draw(dir, summary, j.again(method))
}

// again is the command line that makes a run's numbers again.
func (j job) again(method string) string {
	line := "go run ./cmd/vae -relax=" + method
	for _, f := range j.given {
		switch f.Name {
		case "relax", "out", "resume", "force", "progress", "cpuprofile": // these change where and how, not what
		default:
			if j.heeds(method, f.Name) {
				line += fmt.Sprintf(" -%s=%v", f.Name, f.Value)
			}
		}
	}
	return strings.ReplaceAll(line, "=true", "")
}

// heeds tells whether a flag that was given bears on a method.
func (j job) heeds(method, flag string) bool {
	cfg := j.cfg.For(method)
	dropped := flag == "temperature" && cfg.Temperature == "" || flag == "kl" && cfg.KL == ""
	return takes(method, flag) && (!known(method) || !dropped)
}

// reporter turns the events of a run into progress lines.
func reporter(p *cli.Progress, cfg vae.Config, set data.Dataset) func(vae.Event) {
	begin := sync.OnceFunc(func() {
		images := cfg.TrainImages
		if images == 0 {
			images = set.Train.Len()
		}
		p.Println(fmt.Sprintf("training %s, seed %d, on %d images", cfg.Relax, cfg.Seed, images))
	})
	return func(e vae.Event) {
		begin() // not before it is clear that nothing is wrong with the configuration
		switch e.Phase {
		case vae.Training:
			left := time.Duration(float64(e.Total-e.Done) * e.MsPerStep * float64(time.Millisecond))
			p.Update(fmt.Sprintf("epoch %d/%d  step %d/%d  loss %.2f  %.2f ms/step  %v left",
				e.Epoch, cfg.Epochs, e.Done, e.Total, e.Loss, e.MsPerStep, left.Round(time.Second)))
		case vae.EpochEnd:
			p.Println(fmt.Sprintf("epoch %d/%d  train %.2f  test_loss %.2f  test_nelbo %.2f nats/image  %.2f ms/step",
				e.Epoch, cfg.Epochs, e.Loss, e.Test.Loss, e.Test.NELBO, e.MsPerStep))
		case vae.Bounding:
			p.Update(fmt.Sprintf("importance-weighted bound  image %d/%d", e.Done, e.Total))
		}
	}
}

// draw makes the pictures of a finished run from its files.
func draw(dir string, s vae.Summary, command string) error {
	what := fmt.Sprintf("%s, seed %d, %s: %.1f nats per test image (test_nelbo).\n%s", s.Relax, s.Seed, epochs(s.Epochs), s.TestNELBO, command)
	return plots.DrawRun(dir, plots.Captions{
		Reconstruction: "Test images and their reconstructions from one exactly discrete code each. " + what,
		Samples:        "Decoder means for 64 codes drawn from the prior. " + what,
		Curves:         "Losses after every epoch. " + what,
	})
}

func epochs(n int) string {
	if n == 1 {
		return "1 epoch"
	}
	return fmt.Sprintf("%d epochs", n)
}
