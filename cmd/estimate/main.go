// Command estimate compares gradient estimators where the right answer is known.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"relaxgo/internal/cli"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/study"
)

func main() { os.Exit(cli.Main("estimate", estimate)) }

// everything is the value of a flag that stands for all names.
const everything = "all"

// options are the flags.
type options struct {
	problems, estimators string
	ts                   numbers
	samples, tuning      int
	steps, seeds         int
	seed                 uint64
	quick                bool
	out                  string
	list                 bool
	profile              string
	progress             cli.ProgressMode
}

// flags declares all flags, with opt as their target.
func flags(opt *options) *flag.FlagSet {
	opt.ts = numbers{0.45, 0.499}
	fs := flag.NewFlagSet("estimate", flag.ContinueOnError)
	fs.StringVar(&opt.problems, "problem", everything, "`problems` between commas, or all: toy, vector, vae-bits, vae, see below")
	fs.StringVar(&opt.estimators, "estimators", everything, "`names` between commas, or all that are offered for a problem")
	fs.IntVar(&opt.samples, "samples", 20000, "`number` of estimates behind a row of the table, rounded up to thousands")
	fs.IntVar(&opt.tuning, "tuning", 1000, "`steps` in which control variates are tuned before they are measured")
	fs.Var(&opt.ts, "t", "toy: `targets` t between commas; θ is trained for the last")
	fs.IntVar(&opt.steps, "steps", 5000, "toy: `number` of training steps")
	fs.IntVar(&opt.seeds, "seeds", 1, "toy: `number` of trainings, of seeds from -seed on, that curves are averaged over")
	fs.Uint64Var(&opt.seed, "seed", 1, "`number` that everything random derives from")
	fs.BoolVar(&opt.quick, "quick", false, "a small run of a few seconds, for trying out: 2000 samples, 100 tuning steps, 500 training steps")
	opt.out = "results"
	fs.Var((*cli.Directory)(&opt.out), "out", "`directory` under which results are kept")
	fs.BoolVar(&opt.list, "list", false, "list the estimators and exit")
	fs.StringVar(&opt.profile, "cpuprofile", "", "write a CPU profile to this `file`")
	fs.Var(&opt.progress, "progress", "`mode` of the live progress on stderr: auto, on or off")
	return fs
}

func command(fs *flag.FlagSet) *cli.Command {
	return &cli.Command{
		Name:    "estimate",
		Purpose: "compares estimators of the gradient of E f(b), b discrete, on problems whose exact gradient is known.",
		Examples: []string{
			"go run ./cmd/estimate",
			"go run ./cmd/estimate -problem=toy -t=0.499 -seeds=10",
			"go run ./cmd/estimate -estimators=score,rebar,relax -samples=100000",
			"go run ./cmd/estimate -problem=vae -quick",
		},
		Flags: fs,
		Groups: []cli.Group{
			{Title: "What", Flags: []string{"problem", "estimators"}},
			{Title: "Table", Flags: []string{"samples", "tuning"}},
			{Title: "Training of the toy problem", Flags: []string{"t", "steps", "seeds"}},
			{Title: "Run", Flags: []string{"seed", "quick", "out", "progress", "cpuprofile", "list", "version"}},
		},
		Sections: []cli.Section{
			{Title: "Problems", Entries: []cli.Entry{
				{Name: "toy", Text: "f(b) = (b − t)² of one bit: a table at P(b=1) = 0.2 for each t, and training from 0.5 by Adam, rate 0.01, with one estimate a step"},
				{Name: "vector", Text: "f(b) = (v·b − 0.499)² of 8 bits that interact"},
				{Name: "vae-bits", Text: "−log p(x|b) of a picture and a code of 12 bits, 4096 states"},
				{Name: "vae", Text: "the same for a code of 4 variables of 8 classes, 4096 states"},
			}},
			{Title: "Estimators", Entries: entries()},
			{Title: "Files", Text: strings.Join([]string{
				"results/estimate/ (results/estimate-quick/ with -quick) holds",
				"  table.csv      the table, without times",
				"  table.json     the same with times and every coordinate",
				"  toy.csv        t, seed, step, estimator, theta, loss, variance, log_variance",
				"  toy-loss, toy-variance of unbiased and toy-loss-biased,",
				"  toy-variance-biased of biased estimators, as .png and .svg",
			}, "\n")},
		},
	}
}

// entries says what each estimator does and where it comes from.
func entries() []cli.Entry {
	var list []cli.Entry
	for _, e := range estimator.All() {
		info := e.Info()
		list = append(list, cli.Entry{Name: info.Name, Text: fmt.Sprintf("%s (%s)", info.Summary, info.Source)})
	}
	return list
}

// limits of what may be asked for.
const (
	maxSamples = 100_000_000
	maxSteps   = 1_000_000
	maxSeeds   = 1000
)

// validate checks the flags; given are the names of those on the command line.
func (opt options) validate(given []string) error {
	for _, c := range []struct {
		flag           string
		value          int
		least, most    int
		example, cause string
	}{
		{"samples", opt.samples, 2, maxSamples, "-samples=20000", "a variance"},
		{"tuning", opt.tuning, 0, maxSteps, "-tuning=1000", "tuning"},
		{"steps", opt.steps, 1, maxSteps, "-steps=5000", "training"},
		{"seeds", opt.seeds, 1, maxSeeds, "-seeds=10", "a mean"},
	} {
		if c.value < c.least || c.value > c.most {
			return cli.Hint(cli.Usagef("-%s=%d: %s needs %d to %d", c.flag, c.value, c.cause, c.least, c.most), "such as %s", c.example)
		}
	}
	for i, t := range opt.ts {
		if !(t >= 0 && t <= 1) {
			return cli.Hint(cli.Usagef("-t=%v: b is 0 or 1, and t must not lie outside", t), "-t=0.499 is the hardest that was published; at 0.5 the gradient is zero")
		}
		if slices.Contains(opt.ts[:i], t) {
			return cli.Hint(cli.Usagef("-t=%v: %v is there twice", opt.ts.String(), t), "give each target once")
		}
	}
	if kinds := names(opt.problems, study.Kinds()); !slices.Contains(kinds, "toy") {
		for _, name := range []string{"t", "steps", "seeds"} {
			if slices.Contains(given, name) {
				return cli.Hint(cli.Usagef("-%s is for the toy problem, which -problem=%s leaves out", name, opt.problems), "leave -%s out, or add toy to -problem", name)
			}
		}
	}
	return nil
}

// names are those that a value stands for: all, or those between its commas.
func names(value string, all []string) []string {
	list := strings.Split(value, ",")
	if slices.Contains(list, everything) {
		return all
	}
	return list
}

// check returns an error for a name that is not among the known ones.
func check(flag, value string, known []string) error {
	for _, name := range names(value, known) {
		if !slices.Contains(known, name) {
			return cli.Unknown(flag, name, append([]string{everything}, known...))
		}
	}
	return nil
}

// estimatorNames lists the estimators in the order of tables.
func estimatorNames() []string {
	var list []string
	for _, e := range estimator.All() {
		list = append(list, e.Info().Name)
	}
	return list
}

// quickly shrinks what the user did not set himself.
func (opt *options) quickly(given []string) {
	for name, shrink := range map[string]func(){
		"samples": func() { opt.samples = 2000 },
		"tuning":  func() { opt.tuning = 100 },
		"steps":   func() { opt.steps = 500 },
	} {
		if !slices.Contains(given, name) {
			shrink()
		}
	}
}

func estimate(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var opt options
	fs := flags(&opt)
	if err := command(fs).Parse(args, stdout); err != nil {
		return err
	}
	if opt.list {
		for _, e := range entries() {
			fmt.Fprintf(stdout, "%-24s %s\n", e.Name, e.Text)
		}
		return nil
	}
	var given []string
	fs.Visit(func(f *flag.Flag) { given = append(given, f.Name) })
	if opt.quick {
		opt.quickly(given)
	}
	if err := cmp.Or(check("-problem", opt.problems, study.Kinds()), check("-estimators", opt.estimators, estimatorNames())); err != nil {
		return err
	}
	if err := opt.validate(given); err != nil {
		return err
	}
	chosen, err := choose(opt)
	if err != nil {
		return err
	}
	stop, err := cli.StartCPUProfile(opt.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	j := job{options: opt, command: again(fs), dir: filepath.Join(opt.out, "estimate"), progress: cli.NewProgress(stderr, opt.progress)}
	if opt.quick {
		j.dir += "-quick"
	}
	defer j.progress.Done("")
	return j.run(ctx, chosen, stdout)
}

// again is the command line that makes the numbers again.
func again(fs *flag.FlagSet) string {
	line := "go run ./cmd/estimate"
	fs.Visit(func(f *flag.Flag) {
		switch f.Name {
		case "out", "progress", "cpuprofile": // these change where and how, not what
		default:
			line += fmt.Sprintf(" -%s=%v", f.Name, f.Value)
		}
	})
	return strings.ReplaceAll(line, "-quick=true", "-quick")
}

// task is a problem with the estimators to be compared on it.
type task struct {
	study.Problem
	estimators []estimator.Estimator
}

// choose finds the estimators for each problem. One that is not offered is left out, unless both were asked for by name.
func choose(opt options) ([]task, error) {
	wanted := names(opt.estimators, estimatorNames())
	var tasks []task
	refused := make(map[string]error) // by estimator
	for _, p := range study.Problems(opt.ts...) {
		if !slices.Contains(names(opt.problems, study.Kinds()), p.Kind) {
			continue
		}
		t := task{Problem: p}
		for _, name := range estimatorNames() {
			if !slices.Contains(wanted, name) {
				continue
			}
			e, err := p.Find(name)
			if err != nil {
				refused[name] = fmt.Errorf("-estimators=%s is not for -problem=%s: %s", name, p.Kind, strings.TrimPrefix(err.Error(), "estimator: "+name+": "))
				continue
			}
			t.estimators = append(t.estimators, e)
		}
		if len(t.estimators) > 0 {
			tasks = append(tasks, t)
		}
	}
	for _, name := range wanted {
		err := refused[name]
		if err == nil || opt.estimators == everything || opt.problems == everything {
			continue
		}
		return nil, cli.Hint(cli.Usagef("%w", err), "%s", advice(name))
	}
	return tasks, nil
}

// advice says where an estimator is offered.
func advice(name string) string {
	var kinds []string
	for _, p := range study.Problems(0.499) {
		if _, err := p.Find(name); err == nil {
			kinds = append(kinds, p.Kind)
		}
	}
	return fmt.Sprintf("%s can be compared with -problem=%s; -estimators=all takes those that a problem offers", name, strings.Join(kinds, ","))
}
