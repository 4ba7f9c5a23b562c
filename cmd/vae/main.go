// Command vae trains a variational autoencoder with discrete latent variables on MNIST.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"relaxgo/data"
	"relaxgo/internal/cli"
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
	fs.StringVar(&cfg.Relax, "relax", cfg.Relax, "`method` of training through the discrete code, see below; several between commas, or all, are compared")
	fs.StringVar(&cfg.Temperature, "temperature", "", "temperature of the relaxation: a `number`, a schedule over steps such as exp:1:0.5:4690, or learned (default: the method's)")
	fs.StringVar((*string)(&cfg.Codes), "codes", "", "estimators for both: `codes` bits or one-hot (default bits)")
	fs.IntVar(&cfg.Samples, "samples", 0, "rloo, arms, doublecv, gumbelrao: `number` of codes drawn for an image (default: the method's)")
	fs.StringVar(&cfg.CVLR, "cvlr", "", "estimators that learn a control variate or baseline: its learning `rate` (default: the method's)")
	fs.Float64Var(&cfg.Forward, "forward", 0, "decoupled: `temperature` that codes are drawn at, while -temperature is that of the gradient (default 1)")
	fs.StringVar(&cfg.Corr, "corr", "", "correlated: `correlation` of neighbouring bits, learned, or a CSV file with the matrix (default 0.5)")
	fs.IntVar(&cfg.Subset, "subset", 0, "topk: `number` of bits that are 1 (default 8, at most half of them)")
	fs.IntVar(&cfg.Trials, "trials", 0, "binomial: `number` of trials (default 10)")
	fs.Float64Var(&cfg.Failures, "failures", 0, "negativebinomial: `number` of failures that end the count (default 10)")
	fs.Float64Var(&cfg.L0, "l0", 0, "hardconcrete, gaussian: `weight` of the expected number of open gates in the training loss")
	fs.StringVar(&cfg.KL, "kl", cfg.KL, "`divergence` in the training loss: discrete or relaxed (default: discrete, but for stickbreaking)")
	fs.Float64Var(&cfg.Beta, "beta", cfg.Beta, "`weight` of the divergence in the training loss")

	fs.IntVar(&cfg.Latent, "latent", cfg.Latent, "`number` of latent variables")
	fs.Var((*cli.Widths)(&cfg.Layers), "layers", "`widths` of several stochastic layers, the lowest first, such as 200,200 (default: one of -latent)")
	fs.StringVar(&cfg.Prior, "prior", cfg.Prior, "`prior` of the code: uniform or learned")
	fs.IntVar(&cfg.Classes, "classes", cfg.Classes, "`number` of classes of each latent variable, for categorical methods")
	fs.Var((*cli.Widths)(&cfg.Hidden), "hidden", "`widths` of the hidden layers of encoder and decoder: 400, 200,200 or none")

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

	opt.out = "results"
	fs.Var((*cli.Directory)(&opt.out), "out", "`directory` under which runs are kept")
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
			"go run ./cmd/vae -relax=all -quick",
		},
		Flags: fs,
		Groups: []cli.Group{
			{Title: "Method", Flags: []string{"relax", "temperature", "kl", "beta"}},
			{Title: "Options of single methods", Flags: []string{"codes", "samples", "cvlr", "forward", "corr", "subset", "trials", "failures", "l0"}},
			{Title: "Model", Flags: []string{"latent", "layers", "prior", "classes", "hidden"}},
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
				"Runs with -quick are kept in seed-N-quick. -relax=all leaves",
				"compare.csv and the pictures curves and methods in results/vae,",
				"other comparisons with the names of the methods behind these.",
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

// given tells whether the user has set a flag.
func given(fs *flag.FlagSet, name string) bool {
	found := false
	fs.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// quickly shrinks what the user did not set himself to a run of a few seconds.
func quickly(cfg *vae.Config, fs *flag.FlagSet, set data.Dataset) {
	small := cfg.Quick(set)
	for name, shrink := range map[string]func(){
		"epochs": func() { cfg.Epochs = small.Epochs },
		"train":  func() { cfg.TrainImages = small.TrainImages },
		"test":   func() { cfg.TestImages = small.TestImages },
		"iw":     func() { cfg.IW = small.IW },
	} {
		if !given(fs, name) {
			shrink()
		}
	}
}

// wanted are the methods that a value of -relax names: one, several between commas, or all.
func wanted(relax string) []string {
	names := strings.Split(relax, ",")
	if i := slices.Index(names, everything); i >= 0 {
		names = slices.Replace(names, i, i+1, vae.MethodNames()...)
	}
	var once []string
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

// known tells whether there is a method of that name.
func known(name string) bool { return slices.Contains(vae.MethodNames(), name) }

// validate checks the configuration for every method, and that each option is for one of them.
func validate(cfg vae.Config, names []string) error {
	var mistake *vae.ConfigError
	if len(names) == 1 {
		cfg.Relax = names[0]
		return usage(cfg.Validate())
	}
	for _, name := range names {
		if err := cfg.For(name).Validate(); err != nil {
			return usage(err)
		}
	}
	for _, key := range vae.OptionKeys() {
		if !slices.ContainsFunc(names, func(name string) bool { return takes(name, key) }) {
			cfg.Relax = names[0]
			if err := cfg.Validate(); errors.As(err, &mistake) && mistake.Key == key {
				return usage(err)
			}
		}
	}
	return nil
}

// takes tells whether a method takes the flag of that name.
func takes(method, name string) bool {
	if !known(method) || !slices.Contains(vae.OptionKeys(), name) {
		return true
	}
	for _, m := range vae.Methods() {
		if m.Name == method {
			return m.Takes(name)
		}
	}
	return false
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
	if given(fs, "latent") && len(cfg.Layers) > 0 {
		return cli.Hint(cli.Usagef("-latent and -layers exclude each other"), "-layers=200,200 is two layers of 200 latent variables, -latent=200 one")
	}
	if cfg.Targets, err = targets(opt.targets); err != nil {
		return err
	}
	if err := readCorrelation(&cfg); err != nil {
		return err
	}
	names := wanted(cfg.Relax)
	if err := validate(cfg, names); err != nil {
		return err
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
	j := job{cfg: cfg, set: set, out: opt.out, quick: opt.quick, force: opt.force, resume: opt.resume, progress: cli.NewProgress(stderr, opt.progress)}
	fs.Visit(func(f *flag.Flag) { j.given = append(j.given, f) })
	defer j.progress.Done("")
	if len(names) > 1 {
		return j.compare(ctx, names, stdout)
	}
	summary, err := j.train(ctx, names[0])
	if summary.Steps == 0 {
		return err
	}
	j.progress.Done("")
	return errors.Join(err, report(stdout, j.dir(names[0]), summary))
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

// report prints the outcome of one run.
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
