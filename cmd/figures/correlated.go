package main

import (
	"context"
	"fmt"

	"relaxgo/plots"
	"relaxgo/vae"
)

// correlation is how the bits of figures 1 and 2 depend on each other.
type correlation struct {
	name string
	corr string // as in vae.Config
	// find finds the place of a run.
	find func(s *studio, seed uint64, config any) (place, error)
}

// correlations are R = I, for which no other command makes runs by default, and the default.
var correlations = []correlation{
	{"R = I, as in the report", "0", func(s *studio, seed uint64, config any) (place, error) {
		return s.findOwn(s.vaeName("correlated-identity", seed), config)
	}},
	{"R_ij = 0.5^|i−j|", "", func(s *studio, seed uint64, config any) (place, error) {
		if s.quick {
			return s.findOwn(s.vaeName("correlated", seed), config)
		}
		return s.find(s.vaeName("correlated", seed), config)
	}},
}

// correlatedRuns are runs of each correlation, for seeds from 1 on.
func (s *studio) correlatedRuns(ctx context.Context, what string, seeds int) ([][]trained, error) {
	cfg, err := s.config("correlated")
	if err != nil {
		return nil, err
	}
	cfg.TrainImages = vae.DefaultConfig().TrainImages // pictures need more than a quick look at all methods
	runs := make([][]trained, len(correlations))
	for seed := range seeds {
		for i, c := range correlations {
			cfg.Seed, cfg.Corr = uint64(seed+1), c.corr
			r, err := s.run(cfg, func(config any) (place, error) { return c.find(s, cfg.Seed, config) })
			if err != nil {
				return nil, err
			}
			t, err := s.vae(ctx, what, r.cfg, r.place)
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], t)
		}
	}
	return runs, nil
}

// compared are the runs of seed 1.
func compared(runs [][]trained) []plots.Compared {
	var list []plots.Compared
	for i, c := range correlations {
		list = append(list, plots.Compared{Name: c.name, Dir: runs[i][0].dir})
	}
	return list
}

// setting says what figures 1 and 2 have in common.
func (s *studio) setting(r vae.Summary, command string) string {
	return fmt.Sprintf("20 latent bits of the correlated relaxed Bernoulli, τ = 0.1, %s training images, %s, seed %d.%s\n%s",
		grouped(r.TrainImages), epochs(r.Epochs), r.Seed, s.small(), command)
}

// correlatedSeeds is how many seeds the table of figure 1 is over.
func (s *studio) correlatedSeeds() int {
	if s.quick {
		return 1
	}
	return 3
}

func fig1(ctx context.Context, s *studio, command string) (figure, error) {
	runs, err := s.correlatedRuns(ctx, "figure 1", s.correlatedSeeds())
	if err != nil {
		return figure{}, err
	}
	f := figure{
		name: "fig1", title: "Reconstructions of a VAE with correlated bits",
		caption: fmt.Sprintf("The first 8 test images and their reconstructions from one exactly discrete code each; bounds over n = %s test images. "+
			"With R = I, as in the original, bits called correlated are independent; in the last row neighbouring bits do depend on each other. ", grouped(runs[0][0].TestImages)) + s.setting(runs[0][0].Summary, command),
		original: "One row of reconstructions of relaxed samples, without a number, under the name of correlated bits. " +
			"Their correlation matrix is R = I: the bits are independent, the correlations idle, and the law is that of the ordinary relaxed Bernoulli. " +
			"The only losses that the demonstration prints, 127.56 at last, take the relaxed sample, which is no bound on the likelihood; what compares with them here is test_loss.",
		table: &table{
			head: []string{"nats per test image, mean (least to greatest)", "seeds", "epochs", "test_loss: relaxed sample", "test_nelbo: exact bits", "test_nll: exact bits, importance-weighted"},
			rows: [][]string{{"the report’s demonstration, R = I", "1", "10", "127.56", "–", "–"}},
		},
	}
	for i, c := range correlations {
		f.table.rows = append(f.table.rows, []string{
			"here, " + c.name, fmt.Sprint(len(runs[i])), fmt.Sprint(runs[i][0].Epochs),
			overSeeds(runs[i], func(s vae.Summary) float64 { return s.TestLoss }),
			overSeeds(runs[i], func(s vae.Summary) float64 { return s.TestNELBO }),
			overSeeds(runs[i], func(s vae.Summary) float64 { return s.TestNLL }),
		})
	}
	f.Figure, err = plots.ComparisonReconstructions(compared(runs), f.caption)
	return f, err
}

// overSeeds is a number of runs, its mean and range.
func overSeeds(runs []trained, of func(vae.Summary) float64) string {
	sum, least, greatest := 0.0, of(runs[0].Summary), of(runs[0].Summary)
	for _, r := range runs {
		v := of(r.Summary)
		sum, least, greatest = sum+v, min(least, v), max(greatest, v)
	}
	mean := decimals(sum/float64(len(runs)), 2)
	if len(runs) == 1 {
		return mean
	}
	return fmt.Sprintf("%s (%s to %s)", mean, decimals(least, 2), decimals(greatest, 2))
}

func fig2(ctx context.Context, s *studio, command string) (figure, error) {
	runs, err := s.correlatedRuns(ctx, "figure 2", 1)
	if err != nil {
		return figure{}, err
	}
	f := figure{
		name: "fig2", title: "Samples of a VAE with correlated bits",
		caption: "Decoder means for n = 64 codes of independent fair bits, the prior of both; only the posterior is correlated, and with R = I, as in the original, not even that. " + s.setting(runs[0][0].Summary, command),
		original: "64 decoder means of the run of figure 1, so of independent bits again. The codes are exact bits, while training and test loss have seen relaxed ones only: " +
			"what the difference costs is not said. Pictures of samples rank no models; the bounds of figure 1 do.",
	}
	f.Figure, err = plots.ComparisonSamples(compared(runs), f.caption)
	return f, err
}
