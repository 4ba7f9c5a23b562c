package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"

	"relaxgo/internal/run"
	"relaxgo/relax/estimator/meter"
	"relaxgo/relax/estimator/study"
)

// table is the results on one problem.
type table struct {
	study.Problem
	exact   meter.Exact
	results []study.Result
}

// measure compares the estimators of all tasks.
func (j job) measure(ctx context.Context, tasks []task) ([]table, error) {
	tables := make([]table, len(tasks))
	var places [][2]int // task and estimator
	for i, t := range tasks {
		exact, err := t.Exact()
		if err != nil {
			return nil, err
		}
		tables[i] = table{Problem: t.Problem, exact: exact, results: make([]study.Result, len(t.estimators))}
		for k := range t.estimators {
			places = append(places, [2]int{i, k})
		}
	}
	effort := study.Effort{Estimates: j.samples, Tuning: j.tuning, Seed: j.seed}
	err := j.parallel(ctx, len(places), func(n int) (err error) {
		i, k := places[n][0], places[n][1]
		e := tasks[i].estimators[k]
		j.progress.Update(fmt.Sprintf("measuring %d/%d  %s: %s", n+1, len(places), tasks[i].Name, e.Info().Name))
		tables[i].results[k], err = tasks[i].Compare(ctx, e, effort)
		return err
	})
	return tables, err
}

const legend = `bias      norm of mean estimate − exact gradient, ± what it would be on average without a bias
z         greatest bias of a coordinate in its standard errors
variance  of one estimate, mean over coordinates, and its natural logarithm
cosine    of the angle to the exact gradient: of the mean estimate, and of single ones on average
f, ns     evaluations of f and nanoseconds for one estimate, in batches of 1000`

func (t table) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %s, exact gradient of norm %.4g\n", t.Name, t.Text, norm(t.exact.Grad))
	const row = "%-24s  %-8s  %8s  %8s  %6s  %8s  %6s  %6s  %6s  %3s  %7s\n"
	fmt.Fprintf(w, row, "estimator", "unbiased", "bias", "±", "z", "variance", "ln", "cosine", "of one", "f", "ns")
	for _, r := range t.results {
		fmt.Fprintf(w, row, r.Name, yes(r.Unbiased),
			fmt.Sprintf("%.2g", r.BiasNorm), fmt.Sprintf("%.2g", r.BiasNormError), fmt.Sprintf("%.1f", r.MaxZ),
			fmt.Sprintf("%.3g", r.MeanVariance), logarithm(r.MeanVariance, 2),
			fmt.Sprintf("%.3f", r.Cosine), fmt.Sprintf("%.3f", r.MeanCosine),
			evaluations(r), strconv.FormatInt(r.Time.Nanoseconds(), 10))
	}
	fmt.Fprintln(w)
}

func norm(x []float64) float64 {
	squares := 0.0
	for _, v := range x {
		squares += v * v
	}
	return math.Sqrt(squares)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// logarithm is empty for 0, which has none.
func logarithm(x float64, digits int) string {
	if x == 0 {
		return ""
	}
	return strconv.FormatFloat(math.Log(x), 'f', digits, 64)
}

// evaluations of f for one estimate; exact sums need all states.
func evaluations(r study.Result) string {
	if r.Evaluations == 0 {
		return "all"
	}
	return strconv.Itoa(r.Evaluations)
}

// writeTables writes the measurements, and to table.json what became of training.
func (j job) writeTables(tables []table, curves []study.Curve) error {
	return cmp.Or(
		run.WriteFile(filepath.Join(j.dir, "table.csv"), func(w io.Writer) error { return writeTables(w, tables) }),
		run.WriteJSON(filepath.Join(j.dir, "table.json"), j.report(tables, curves)),
	)
}

// writeTables leaves times out: the same seed gives the same bytes.
func writeTables(w io.Writer, tables []table) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"problem", "estimator", "unbiased", "evaluations", "estimates", "bias", "bias_error", "max_z", "variance", "log_variance", "cosine", "mean_cosine"}) // Error reports it.
	for _, t := range tables {
		for _, r := range t.results {
			_ = c.Write([]string{
				t.Name, r.Name, yes(r.Unbiased), evaluations(r), strconv.Itoa(r.Estimates),
				number(r.BiasNorm), number(r.BiasNormError), number(r.MaxZ), number(r.MeanVariance), logarithm(r.MeanVariance, 4),
				number(r.Cosine), number(r.MeanCosine),
			})
		}
	}
	c.Flush()
	return c.Error()
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// report is what table.json holds.
type report struct {
	Command     string          `json:"command"`
	Seed        uint64          `json:"seed"`
	TuningSteps int             `json:"tuning_steps"`
	Problems    []problemReport `json:"problems"`
	Training    *trainingReport `json:"training,omitempty"`
}

type problemReport struct {
	Name       string            `json:"name"`
	Text       string            `json:"text"`
	Value      float64           `json:"value"` // E f, exact like the gradient
	Gradient   []float64         `json:"gradient"`
	Estimators []estimatorReport `json:"estimators"`
}

type estimatorReport struct {
	Name           string    `json:"name"`
	Unbiased       bool      `json:"unbiased"`
	Evaluations    int       `json:"evaluations"` // 0: all states
	Estimates      int       `json:"estimates"`
	Bias           []float64 `json:"bias"` // with its error and the variance, for each coordinate
	BiasError      []float64 `json:"bias_error"`
	Variance       []float64 `json:"variance"`
	Cosine         float64   `json:"cosine"`
	MeanCosine     float64   `json:"mean_cosine"`
	NsPerEstimate  int64     `json:"ns_per_estimate"`
	EstimatedValue float64   `json:"estimated_value"` // mean of f at the samples
}

type trainingReport struct {
	T     float64     `json:"t"`
	Steps int         `json:"steps"`
	Seeds int         `json:"seeds"`
	Ends  []study.End `json:"estimators"`
}

func (j job) report(tables []table, curves []study.Curve) report {
	r := report{Command: j.command, Seed: j.seed, TuningSteps: j.tuning}
	for _, t := range tables {
		p := problemReport{Name: t.Name, Text: t.Text, Value: t.exact.Value, Gradient: t.exact.Grad}
		for _, m := range t.results {
			p.Estimators = append(p.Estimators, estimatorReport{
				Name: m.Name, Unbiased: m.Unbiased, Evaluations: m.Evaluations, Estimates: m.Estimates,
				Bias: m.Bias, BiasError: m.BiasError, Variance: m.Variance,
				Cosine: m.Cosine, MeanCosine: m.MeanCosine, NsPerEstimate: m.Time.Nanoseconds(), EstimatedValue: m.Measurement.Value,
			})
		}
		r.Problems = append(r.Problems, p)
	}
	if len(curves) > 0 {
		r.Training = &trainingReport{T: j.target(), Steps: j.steps, Seeds: j.seeds}
		for _, c := range curves {
			r.Training.Ends = append(r.Training.Ends, c.End())
		}
	}
	return r
}
