package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"relaxgo/internal/cli"
	"relaxgo/vae"
)

// readCorrelation puts the matrix of a CSV file in place of its name in cfg.Corr. Numbers and "learned" stay.
func readCorrelation(cfg *vae.Config) error {
	if _, err := strconv.ParseFloat(cfg.Corr, 64); err == nil || cfg.Corr == "" || cfg.Corr == vae.CorrLearned {
		return nil
	}
	fail := func(err error) error {
		return cli.Hint(cli.Usagef("-corr=%s: %v", cfg.Corr, err), "a number, learned, or a CSV file with a correlation matrix: a line per row, numbers between commas")
	}
	f, err := os.Open(cfg.Corr)
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return fail(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	lines, err := r.ReadAll()
	if err != nil {
		return fail(err)
	}
	if len(lines) == 0 {
		return fail(errors.New("the file is empty"))
	}
	for i, line := range lines {
		row := make([]float64, len(line))
		for j, text := range line {
			if row[j], err = strconv.ParseFloat(strings.TrimSpace(text), 64); err != nil {
				return fail(fmt.Errorf("row %d, column %d: %q is not a number", i+1, j+1, text))
			}
		}
		cfg.Correlation = append(cfg.Correlation, row)
	}
	return nil
}
