package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"relaxgo/internal/cli"
	"relaxgo/internal/jobs"
	"relaxgo/relax/estimator"
)

// job is one run of the command.
type job struct {
	options
	command  string // that makes its numbers again
	dir      string
	progress *cli.Progress
}

// run computes everything, then writes it.
func (j job) run(ctx context.Context, tasks []task, stdout io.Writer) error {
	if err := cli.MakeDir(j.dir); err != nil {
		return err
	}
	tables, err := j.measure(ctx, tasks)
	if err != nil {
		return err
	}
	curves, err := j.train(ctx, trained(tasks))
	if err != nil {
		return err
	}
	j.progress.Done("")
	for _, t := range tables {
		t.print(stdout)
	}
	fmt.Fprintln(stdout, legend)
	printCurves(stdout, j, curves)
	if err := cmp.Or(j.writeTables(tables, curves), j.writeCurves(curves)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "\nfiles  %s\n", j.dir)
	return err
}

// trained are the estimators of the last toy problem, none if there is no toy problem.
func trained(tasks []task) []estimator.Estimator {
	var list []estimator.Estimator
	for _, t := range tasks {
		if t.Kind == "toy" {
			list = t.estimators
		}
	}
	return list
}

// parallel calls f on 0 to n−1 on all cores and returns the error of the first that fails. Once one has, or the user
// interrupts, no more are begun.
func (j job) parallel(ctx context.Context, n int, f func(i int) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := jobs.Run(ctx, n, func(i int) error {
		err := f(i)
		if err != nil {
			cancel()
		}
		return err
	})
	for _, err := range failures {
		if err != nil && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%w, nothing was written", cli.ErrInterrupted)
	}
	return nil
}
