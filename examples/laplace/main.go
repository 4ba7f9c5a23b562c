// Command laplace gives a trained MNIST classifier uncertainty and asks what a prediction with it costs.
//
// The last layer's weights get a Gaussian posterior, a Laplace approximation with Kronecker factors, so that every image has
// Gaussian logits. What class probabilities these mean has no closed form: sampling averages the softmax of many draws, while
// the Laplace bridge reads a Dirichlet distribution off mean and variances and takes its mean. The command prints accuracy,
// negative log-likelihood, calibration error and time per image of both, beside the plain softmax. The network is trained until
// it is too sure of itself.
//
// The covariance enters the bridge's mean through the ratios of variances alone: twice the covariance is half of every α. So the
// bridge by itself is as sure as the softmax; normalised, it takes the size of the variances into account.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"relaxgo/data"
	"relaxgo/internal/cli"
)

func main() { os.Exit(cli.Main("laplace", laplace)) }

// config is what a run depends on.
type config struct {
	train, test, epochs int
	samples             int // of the logits, for each image
	seed                uint64
}

const legend = `accuracy  share of test images whose most probable class is right
NLL       mean −log probability of the right class, nats
ECE       expected calibration error: mean |accuracy − confidence| over 15 bins of confidence
µs        microseconds for an image, network included, in batches of 128
TV, same  against Monte Carlo: mean total variation distance, and share of images with the same most probable class`

func laplace(_ context.Context, args []string, stdout, stderr io.Writer) error {
	cfg := config{train: 60_000, test: 10_000, epochs: 40}
	var quick bool
	fs := flag.NewFlagSet("laplace", flag.ContinueOnError)
	fs.IntVar(&cfg.samples, "samples", 100, "`number` of logits that Monte Carlo draws for an image, 1 to 10000")
	fs.Uint64Var(&cfg.seed, "seed", 1, "`number` that everything random derives from")
	fs.BoolVar(&quick, "quick", false, "a small run of a few seconds: a tenth of the images")
	cmd := cli.Command{
		Name:     "laplace",
		Purpose:  "compares the Laplace bridge with Monte Carlo for the predictions of a Bayesian last layer on MNIST.",
		Examples: []string{"go run ./examples/laplace", "go run ./examples/laplace -quick -samples=1000"},
		Flags:    fs,
		Sections: []cli.Section{{Title: "Columns", Text: legend}},
	}
	if err := cmd.Parse(args, stdout); err != nil {
		return err
	}
	if cfg.samples < 1 || cfg.samples > 10_000 {
		return cli.Usagef("-samples=%d; it must lie between 1 and 10000", cfg.samples)
	}
	if quick {
		cfg.train, cfg.test = cfg.train/10, cfg.test/10
	}
	set, err := data.Load("")
	if err != nil {
		return err
	}
	report, err := compare(cfg, set, stderr)
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, report.String())
	return err
}

// comparison is what a run has found.
type comparison struct {
	config
	precision float64 // of the prior
	rows      []row
}

// row is one way to predict.
type row struct {
	name string
	score
	tv, same float64 // against Monte Carlo, which has none
}

// compare trains a classifier, fits the posterior of its last layer and predicts the test images in every way.
func compare(cfg config, set data.Dataset, progress io.Writer) (comparison, error) {
	train, test := first(set.Train, cfg.train), first(set.Test, cfg.test)
	net, err := fit(train, cfg.epochs, cfg.seed, progress)
	if err != nil {
		return comparison{}, err
	}
	post, err := net.posterior(train)
	if err != nil {
		return comparison{}, err
	}
	ways, err := net.predictors(post, cfg)
	if err != nil {
		return comparison{}, err
	}
	out := comparison{config: cfg, precision: post.precision}
	all := make([][]float32, len(ways))
	for i, w := range ways {
		var took float64
		if all[i], took, err = w.predict(test); err != nil {
			return comparison{}, err
		}
		out.rows = append(out.rows, row{name: w.name, score: scoreOf(all[i], test.Labels)})
		out.rows[i].micros = took
	}
	for i, p := range all[:len(all)-1] {
		out.rows[i].tv, out.rows[i].same = agreement(p, all[len(all)-1])
	}
	return out, nil
}

func (c comparison) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d training images, %d epochs, %d test images; prior precision %.3g\n\n", c.train, c.epochs, c.test, c.precision)
	fmt.Fprintf(&b, "%-28s  %8s  %7s  %7s  %7s  %7s  %7s\n", "prediction", "accuracy", "NLL", "ECE", "µs", "TV", "same")
	for i, r := range c.rows {
		fmt.Fprintf(&b, "%-28s  %7.2f%%  %7.4f  %6.2f%%  %7.1f", r.name, 100*r.accuracy, r.nll, 100*r.ece, r.micros)
		if i < len(c.rows)-1 {
			fmt.Fprintf(&b, "  %7.4f  %6.2f%%", r.tv, 100*r.same)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// first is the first n images of a set.
func first(s data.Set, n int) data.Set {
	s.Images, s.Labels = s.Images[:n*s.Pixels()], s.Labels[:n]
	return s
}
