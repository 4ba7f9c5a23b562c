// Command vae trains a variational autoencoder with discrete latent variables on MNIST.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"relaxgo/data"
	"relaxgo/internal/cli"
	"relaxgo/plots"
	"relaxgo/vae"
)

func main() { os.Exit(cli.Main("vae", train)) }

// options are the flags that do not change the numbers of a run.
type options struct {
	dataDir, targets     string
	out                  string
	resume, force, quick bool
	list                 bool
	profile              string
	progress             cli.ProgressMode
}

// flags declares all flags, with cfg and opt as their targets.
func flags(cfg *vae.Config, opt *options) *flag.FlagSet {
	fs := flag.NewFlagSet("vae", flag.ContinueOnError)
	fs.StringVar(&cfg.Relax, "relax", cfg.Relax, "`method` of training through the discrete code, see below")
	fs.StringVar(&cfg.Temperature, "temperature", "", "temperature of the relaxation: a `number` or a schedule over steps such as exp:1:0.5:4690 (default: the method's)")
	fs.StringVar(&cfg.KL, "kl", cfg.KL, "`divergence` in the training loss: discrete or relaxed")
	fs.Float64Var(&cfg.Beta, "beta", cfg.Beta, "`weight` of the divergence in the training loss")

	fs.IntVar(&cfg.Latent, "latent", cfg.Latent, "`number` of latent variables")
	fs.IntVar(&cfg.Classes, "classes", cfg.Classes, "`number` of classes of each latent variable, for categorical methods")
	fs.IntVar(&cfg.Layers, "layers", cfg.Layers, "`number` of hidden layers of encoder and decoder, 0 for linear ones")
	fs.IntVar(&cfg.Hidden, "hidden", cfg.Hidden, "`number` of units in a hidden layer")

	fs.IntVar(&cfg.Epochs, "epochs", cfg.Epochs, "`number` of passes over the training images")
	fs.IntVar(&cfg.Batch, "batch", cfg.Batch, "`number` of images per step")
	fs.StringVar(&cfg.LR, "lr", cfg.LR, "learning rate of Adam: a `number` or a schedule over steps such as cosine:1e-3:1e-5:4690")
	fs.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "`number` that everything random derives from")
	fs.BoolVar(&opt.quick, "quick", false, "a small run of a few seconds, for trying out: one epoch on part of the images")

	fs.StringVar(&opt.dataDir, "data", "", "`directory` with four IDX files, gzipped or not (default: MNIST as shipped with GoMNIST)")
	fs.StringVar(&opt.targets, "binarize", cfg.Targets.String(), "`targets` that pixels become: grey, or 0 and 1 drawn once (static), anew in every epoch (dynamic) or cut at one half (threshold)")
	fs.IntVar(&cfg.TrainImages, "train", cfg.TrainImages, "use the first `number` of training images, 0 for all")
	fs.IntVar(&cfg.TestImages, "test", cfg.TestImages, "use the first `number` of test images, 0 for all")
	fs.IntVar(&cfg.IW, "iw", cfg.IW, "`number` of discrete samples per image in the final bound test_nll")

	fs.StringVar(&opt.out, "out", "results", "`directory` under which runs are kept")
	fs.BoolVar(&opt.resume, "resume", false, "continue an interrupted run")
	fs.BoolVar(&opt.force, "force", false, "begin again, in place of a run that is there")
	fs.BoolVar(&opt.list, "list", false, "list the methods and exit")
	fs.StringVar(&opt.profile, "cpuprofile", "", "write a CPU profile to this `file`")
	fs.Var(&opt.progress, "progress", "`mode` of the live progress on stderr, besides a line an epoch: auto, on or off")
	return fs
}

func command(fs *flag.FlagSet) *cli.Command {
	return &cli.Command{
		Name:    "vae",
		Purpose: "trains a variational autoencoder with discrete latent variables on MNIST and draws what it has learnt.",
		Examples: []string{
			"go run ./cmd/vae -relax=hardconcrete",
			"go run ./cmd/vae -relax=gumbelsoftmax -temperature=exp:1:0.5:4690 -seed=2",
			"go run ./cmd/vae -relax=straightthrough -binarize=dynamic -quick",
		},
		Flags: fs,
		Groups: []cli.Group{
			{Title: "Method", Flags: []string{"relax", "temperature", "kl", "beta"}},
			{Title: "Model", Flags: []string{"latent", "classes", "layers", "hidden"}},
			{Title: "Training", Flags: []string{"epochs", "batch", "lr", "seed", "quick"}},
			{Title: "Data", Flags: []string{"data", "binarize", "train", "test", "iw"}},
			{Title: "Run", Flags: []string{"out", "resume", "force", "progress", "cpuprofile", "list", "version"}},
		},
		Sections: []cli.Section{
			{Title: "Methods", Entries: methods()},
			{Title: "Files", Text: strings.Join([]string{
				"results/vae/METHOD/seed-N/ holds",
				"  config.json              the resolved configuration",
				"  metrics.csv              step, epoch, wall_s, split, name, value",
				"  summary.json             the final numbers",
				"  checkpoint.safetensors   weights, optimiser, position",
				"  images.safetensors       test images, reconstructions, samples",
				"  reconstruction, samples, curves as .png and .svg",
				"Runs with -quick are kept in seed-N-quick.",
			}, "\n")},
		},
	}
}

// methods says what each method does and where it comes from.
func methods() []cli.Entry {
	var list []cli.Entry
	for _, m := range vae.Methods() {
		list = append(list, cli.Entry{Name: m.Name, Text: fmt.Sprintf("%s (%s)", m.Summary, m.Source)})
	}
	return list
}

// targets finds the targets of that name.
func targets(name string) (data.Targets, error) {
	var known []string
	for _, t := range []data.Targets{data.Grey, data.Static, data.Dynamic, data.Threshold} {
		if t.String() == name {
			return t, nil
		}
		known = append(known, t.String())
	}
	return 0, cli.Unknown("-binarize", name, known)
}

// quickly shrinks what the user did not set himself to a run of a few seconds.
func quickly(cfg *vae.Config, fs *flag.FlagSet, set data.Dataset) {
	given := make(map[string]bool)
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	for name, shrink := range map[string]func(){
		"epochs": func() { cfg.Epochs = 1 },
		"train":  func() { cfg.TrainImages = min(12800, set.Train.Len()) },
		"test":   func() { cfg.TestImages = min(1000, set.Test.Len()) },
		"iw":     func() { cfg.IW = 10 },
	} {
		if !given[name] {
			shrink()
		}
	}
}

func train(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	cfg, opt := vae.DefaultConfig(), options{}
	fs := flags(&cfg, &opt)
	if err := command(fs).Parse(args, stdout); err != nil {
		return err
	}
	if opt.list {
		for _, m := range methods() {
			fmt.Fprintf(stdout, "%-17s %s\n", m.Name, m.Text)
		}
		return nil
	}
	if opt.resume && opt.force {
		return cli.Hint(cli.Usagef("-resume and -force exclude each other"), "-resume continues the run that is there, -force begins again")
	}
	dir := filepath.Join(opt.out, "vae", cfg.Relax, fmt.Sprintf("seed-%d", cfg.Seed))
	if opt.quick {
		dir += "-quick"
	}
	if cfg.Targets, err = targets(opt.targets); err != nil {
		return err
	}
	if err := cfg.Validate(); err != nil {
		return usage(err)
	}
	stop, err := cli.StartCPUProfile(opt.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()

	set, err := data.Load(opt.dataDir)
	if err != nil {
		return err
	}
	if opt.quick {
		quickly(&cfg, fs, set)
	}
	progress := cli.NewProgress(stderr, opt.progress)
	defer progress.Done("")
	summary, err := vae.Train(ctx, cfg, set, dir, vae.Options{Force: opt.force, Resume: opt.resume, Report: reporter(progress, cfg, set)})
	switch {
	case errors.Is(err, context.Canceled):
		return cli.Hint(fmt.Errorf("%w, saved in %s", cli.ErrInterrupted, dir), "the same command with -resume continues")
	case errors.Is(err, vae.ErrFinished):
		// The pictures may be missing all the same, if the command was killed before it had drawn them.
		finished := err
		if summary, err = vae.ReadSummary(dir); err != nil || summary.Epochs != cfg.Epochs {
			return errors.Join(finished, err)
		}
		progress.Println("the run was finished before; drawing it again")
	case err != nil:
		return usage(err)
	}
	err = draw(dir, summary, again(fs))
	progress.Done("")
	return errors.Join(err, report(stdout, dir, summary))
}

// usage makes a mistake in the configuration a mistake in the command line.
func usage(err error) error {
	var mistake *vae.ConfigError
	if !errors.As(err, &mistake) {
		return err
	}
	if mistake.Known != nil {
		return cli.Unknown("-"+mistake.Key, mistake.Unknown, mistake.Known)
	}
	return cli.Hint(cli.Usagef("%v", mistake), "%s", mistake.Advice)
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

// again is the command line that makes a run's numbers again.
func again(fs *flag.FlagSet) string {
	line := "go run ./cmd/vae"
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "out", "resume", "force", "progress", "cpuprofile": // these change where and how, not what
		default:
			line += fmt.Sprintf(" -%s=%v", f.Name, f.Value)
		}
	})
	return strings.ReplaceAll(line, "=true", "")
}

// draw makes the pictures of a finished run from its files.
func draw(dir string, s vae.Summary, command string) error {
	epochs := "1 epoch"
	if s.Epochs > 1 {
		epochs = fmt.Sprintf("%d epochs", s.Epochs)
	}
	what := fmt.Sprintf("%s, seed %d, %s: %.1f nats per test image (test_nelbo).\n%s", s.Relax, s.Seed, epochs, s.TestNELBO, command)
	return plots.DrawRun(dir, plots.Captions{
		Reconstruction: "Test images and their reconstructions from one exactly discrete code each. " + what,
		Samples:        "Decoder means for 64 codes drawn from the uniform prior. " + what,
		Curves:         "Losses after every epoch. " + what,
	})
}

// report prints the outcome.
func report(w io.Writer, dir string, s vae.Summary) error {
	for _, row := range []struct {
		name, meaning string
		value         float64
	}{
		{"test_loss", "with the sample of training, which is no bound if that is relaxed", s.TestLoss},
		{"test_nelbo", "negative evidence bound with exactly discrete codes", s.TestNELBO},
		{"test_nll", "importance-weighted bound with exactly discrete codes", s.TestNLL},
	} {
		fmt.Fprintf(w, "%-11s %8.2f  nats per test image, %s\n", row.name, row.value, row.meaning)
	}
	fmt.Fprintf(w, "%-11s %8.2f  ms per training step, %d steps in %.1f s\n", "ms_per_step", s.MsPerStep, s.Steps, s.TrainSeconds)
	_, err := fmt.Fprintf(w, "%-11s %s\n", "files", dir)
	return err
}
