// Command figures draws the figures of the report "Just Relax It!" again, and some more, from the files of runs; what is
// missing it trains first.
package main

import (
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
)

func main() { os.Exit(cli.Main("figures", figures)) }

// everything is the value of -fig that stands for all figures.
const everything = "all"

// subject is a figure that can be asked for.
type subject struct {
	name    string // as in -fig
	summary string // half a sentence
	draw    func(ctx context.Context, s *studio, command string) (figure, error)
}

// subjects lists the figures in the order of the page.
func subjects() []subject {
	// computed figures need no runs: they take seconds, and -quick changes nothing about them
	computed := func(draw func(context.Context, string) (figure, error)) func(context.Context, *studio, string) (figure, error) {
		return func(ctx context.Context, _ *studio, command string) (figure, error) {
			return draw(ctx, strings.TrimSuffix(command, quickFlag))
		}
	}
	return []subject{
		{"1", "reconstructions of a VAE with correlated bits, with and without correlations", fig1},
		{"2", "its samples", fig2},
		{"3", "learning curves of REINFORCE, A2C and RELAX on CartPole and Taxi", fig3},
		{"4", "Laplace bridge from a Dirichlet to a logistic-normal", computed(fig4)},
		{"5", "the Dirichlet itself", computed(fig5)},
		{"6", "Laplace bridge back from a logistic-normal", computed(fig6)},
		{"7", "temperature and sharpness", computed(fig7)},
		{"8", "forward and backward temperature of the decoupled estimator", computed(fig8)},
		{"copula", "correlation of the hard gates of a copula", computed(copulaFigure)},
		{"toy", "gradient variance of all estimators on the toy problem", toyFigure},
		{"methods", "learning curves of all methods of the VAE", methodsFigure},
	}
}

// options are the flags.
type options struct {
	figures  string
	quick    bool
	out      string
	list     bool
	progress cli.ProgressMode
}

func flags(opt *options) *flag.FlagSet {
	fs := flag.NewFlagSet("figures", flag.ContinueOnError)
	fs.StringVar(&opt.figures, "fig", everything, "`figures` between commas, or all, see below")
	fs.BoolVar(&opt.quick, "quick", false, "a quick look: figures of small runs, which take a minute or two to train in place of eight")
	opt.out = "results"
	fs.Var((*cli.Directory)(&opt.out), "out", "`directory` under which runs and figures are kept")
	fs.BoolVar(&opt.list, "list", false, "list the figures and exit")
	fs.Var(&opt.progress, "progress", "`mode` of the live progress on stderr, besides a line a run: auto, on or off")
	return fs
}

func command(fs *flag.FlagSet) *cli.Command {
	var entries []cli.Entry
	for _, s := range subjects() {
		entries = append(entries, cli.Entry{Name: s.name, Text: s.summary})
	}
	return &cli.Command{
		Name:    "figures",
		Purpose: "draws the figures of the report \"Just Relax It!\" again, and some more, from the files of runs. What is missing it trains first; what is there it does not train again.",
		Examples: []string{
			"go run ./cmd/figures",
			"go run ./cmd/figures -fig=4,5,6",
			"go run ./cmd/figures -quick",
		},
		Flags:  fs,
		Groups: []cli.Group{{Title: "What", Flags: []string{"fig", "quick"}}, {Title: "Run", Flags: []string{"out", "progress", "list", "version"}}},
		Sections: []cli.Section{
			{Title: "Figures", Entries: entries},
			{Title: "Files", Text: strings.Join([]string{
				"results/figures/ (results/figures-quick/ with -quick) holds",
				"  fig1 to fig8, copula, toy, methods, as .png and .svg",
				"  index.html   all that the last command has drawn, with tables",
				"  runs/        runs that no other command would make",
				"Other runs are those of cmd/vae, cmd/rl and cmd/estimate at their",
				"default settings, kept where these keep them: made by one, they are",
				"used by the other. One with other settings is left alone. Runs of the",
				"methods are used if all are there, such as after",
				"  go run ./cmd/vae -relax=all",
				"else all are trained, without their importance-weighted bound; those",
				"of toy, if there are ten seeds of all estimators, such as after",
				"  go run ./cmd/estimate -problem=toy -seeds=10",
			}, "\n")},
		},
	}
}

// wanted are the figures that a value of -fig names, in their order.
func wanted(value string) ([]subject, error) {
	all := subjects()
	names := strings.Split(value, ",")
	known := []string{everything}
	for _, s := range all {
		known = append(known, s.name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, cli.Unknown("-fig", name, known)
		}
	}
	if slices.Contains(names, everything) {
		return all, nil
	}
	return slices.DeleteFunc(all, func(s subject) bool { return !slices.Contains(names, s.name) }), nil
}

// quickFlag ends the command that makes a quick figure again.
const quickFlag = " -quick"

// again is the command that makes a figure again.
func (opt options) again(s subject) string {
	line := "go run ./cmd/figures -fig=" + s.name
	if opt.quick {
		line += quickFlag
	}
	return line
}

func figures(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var opt options
	fs := flags(&opt)
	if err := command(fs).Parse(args, stdout); err != nil {
		return err
	}
	if opt.list {
		for _, s := range subjects() {
			fmt.Fprintf(stdout, "%-8s %s\n", s.name, s.summary)
		}
		return nil
	}
	chosen, err := wanted(opt.figures)
	if err != nil {
		return err
	}
	s := newStudio(opt.out, opt.quick, cli.NewProgress(stderr, opt.progress))
	if err := cli.MakeDir(s.dir); err != nil {
		return err
	}
	defer s.progress.Done("")
	p := page{Quick: opt.quick}
	var failures error
	for _, c := range chosen {
		err := s.add(ctx, &p, c, opt.again(c))
		if errors.Is(err, cli.ErrInterrupted) {
			return err
		}
		if err != nil { // the others can be drawn all the same
			err = fmt.Errorf("-fig=%s: %w", c.name, err)
			s.progress.Println(err.Error())
			failures = errors.Join(failures, err)
		}
	}
	if len(p.Sections) == 0 {
		return failures
	}
	if err := p.write(s.dir); err != nil {
		return errors.Join(failures, err)
	}
	s.progress.Done("")
	for _, f := range p.Sections {
		fmt.Fprintf(stdout, "%-8s %s\n", f.ID, f.Title)
	}
	_, err = fmt.Fprintf(stdout, "each as .png and .svg, all on one page: %s\n", filepath.Join(s.dir, pageFile))
	return errors.Join(failures, err)
}

// add draws a figure, saves it and puts it onto the page.
func (s *studio) add(ctx context.Context, p *page, what subject, command string) error {
	s.progress.Update("figure " + what.name)
	f, err := what.draw(ctx, s, command)
	if errors.Is(err, context.Canceled) {
		return cli.Hint(fmt.Errorf("%w, runs are kept in %s", cli.ErrInterrupted, s.out), "the same command continues")
	}
	if err != nil {
		return err
	}
	if err := f.Save(s.dir, f.name); err != nil {
		return err
	}
	return p.add(f, command)
}
