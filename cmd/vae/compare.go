package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"relaxgo/internal/cli"
	"relaxgo/internal/run"
	"relaxgo/plots"
	"relaxgo/vae"
)

// everything is the value of -relax that stands for all methods.
const everything = "all"

// compared is a run of a comparison.
type compared struct {
	vae.Summary
	method vae.Method
	config vae.Config // resolved
}

// compare trains the methods in turn and writes one comparison. What was finished before is not trained again, what was
// interrupted is continued. A method that fails does not keep the others from being compared, but is an error in the
// end.
func (j job) compare(ctx context.Context, names []string, stdout io.Writer) error {
	j.resume = !j.force
	var runs []compared
	var failures error
	for _, m := range vae.Methods() {
		if !slices.Contains(names, m.Name) {
			continue
		}
		summary, err := j.train(ctx, m.Name)
		if errors.Is(err, cli.ErrInterrupted) {
			return cli.Hint(err, "the same command continues")
		}
		if err != nil {
			j.progress.Println(fmt.Sprintf("%s: %v", m.Name, err))
			failures = errors.Join(failures, fmt.Errorf("%s: %w", m.Name, err))
			continue
		}
		cfg, err := j.cfg.For(m.Name).Resolved()
		if err != nil {
			return err
		}
		runs = append(runs, compared{summary, m, cfg})
	}
	if len(runs) == 0 {
		return failures
	}
	suffix, what := "", everything
	if len(names) < len(vae.Methods()) { // not in place of the comparison of all
		what = strings.Join(names, ",")
		suffix = "-" + strings.Join(names, "-")
	}
	if j.quick {
		suffix += quickSuffix
	}
	dir := filepath.Join(j.out, "vae")
	err := cmp.Or(
		writeComparison(filepath.Join(dir, "compare"+suffix+".csv"), runs),
		j.drawComparison(dir, suffix, what, runs),
	)
	j.progress.Done("")
	return errors.Join(err, printComparison(stdout, dir, suffix, runs), failures)
}

// codes is the kind of code that the run had.
func (c compared) codes() vae.Codes { return cmp.Or(c.config.Codes, c.method.Codes) }

// family is what the run is drawn with.
func (c compared) family() string {
	if f := c.method.Family(); c.codes() != vae.OneHot || f == string(vae.OneHot) {
		return f
	}
	return c.method.Family() + " of one-hot codes"
}

// remark says what the honest bound of a run shows that its test_loss hides.
func (c compared) remark() string {
	var parts []string
	if gap := c.TestNELBO - c.TestLoss; gap >= 0.5 {
		parts = append(parts, fmt.Sprintf("exact codes are %.1f nats worse than test_loss says", gap))
	}
	if c.method.Caveat != "" {
		parts = append(parts, c.method.Caveat)
	}
	return strings.Join(parts, "; ")
}

func writeComparison(path string, runs []compared) error {
	return run.WriteFile(path, func(w io.Writer) error {
		t := csv.NewWriter(w)
		_ = t.Write([]string{"method", "codes", "temperature", "seed", "epochs", "test_loss", "test_nelbo", "test_nll", "ms_per_step", "wall_s", "parameters", "remark"})
		for _, r := range runs {
			number := func(x float64, digits int) string { return strconv.FormatFloat(x, 'f', digits, 64) }
			_ = t.Write([]string{
				r.Relax, string(r.codes()), r.config.Temperature, strconv.FormatUint(r.Seed, 10), strconv.Itoa(r.Epochs),
				number(r.TestLoss, 4), number(r.TestNELBO, 4), number(r.TestNLL, 4),
				number(r.MsPerStep, 3), number(r.WallSeconds, 1), strconv.Itoa(r.Parameters), r.remark(),
			})
		}
		t.Flush()
		return t.Error()
	})
}

func (j job) drawComparison(dir, suffix, names string, runs []compared) error {
	var list []plots.Compared
	for _, r := range runs {
		list = append(list, plots.Compared{Name: r.Relax, Group: r.family(), Dir: j.dir(r.Relax)})
	}
	what := fmt.Sprintf("seed %d, %s.\n%s", runs[0].Seed, epochs(runs[0].Epochs), j.again(names))
	return plots.DrawComparison(dir, suffix, list, plots.ComparisonCaptions{
		Curves:  "Negative evidence bound on test images with exactly discrete codes (test_nelbo) after every epoch, " + what,
		Methods: "Test images, their reconstructions from one exactly discrete code each, and decoder means for codes drawn from the prior, " + what,
	})
}

func printComparison(w io.Writer, dir, suffix string, runs []compared) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "method\tcodes\ttest_loss\ttest_nelbo\ttest_nll\tms/step\tremark")
	for _, r := range runs {
		fmt.Fprintf(t, "%s\t%s\t%8.2f\t%8.2f\t%8.2f\t%5.2f\t%s\n", r.Relax, r.codes(), r.TestLoss, r.TestNELBO, r.TestNLL, r.MsPerStep, r.remark())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "nats per test image, lower is better; test_nelbo and test_nll are bounds with exactly discrete codes\nfiles  %s/{compare%s.csv, curves%s.png, methods%s.png}\n", dir, suffix, suffix, suffix)
	return err
}
