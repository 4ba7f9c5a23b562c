package main

import (
	"context"
	"math"
	"testing"
)

// Correlations of hard gates in the limit, by an independent quadrature, and where they have a closed form.
func TestGateCorrelation(t *testing.T) {
	want := [][]float64{{0.29584, 0.17182, 0.49011}, {0.31256, 0.17087, 0.39605}}
	for k, probs := range copulaProbs {
		for m, pair := range copulaPairs {
			i, j := pair[0], pair[1]
			near(t, "correlation", gateCorrelation(probs[i], probs[j], copulaCorrelation[i][j]), want[k][m], 6e-6)
		}
	}
	for _, rho := range []float64{-0.9, -0.3, 0, 0.5, 0.99} {
		near(t, "correlation of fair gates", gateCorrelation(0.5, 0.5, rho), 2/math.Pi*math.Asin(rho), 1e-9)
	}
}

func TestCopulaFigure(t *testing.T) {
	f, err := copulaFigure(context.Background(), testCommand)
	if err != nil {
		t.Fatal(err)
	}
	checkCaption(t, f, copulaN, "57 to 70 %")
	for m, want := range []float64{0.29584, 0.17182, 0.49011, 0.31256, 0.17087, 0.39605} {
		row := f.table.rows[m]
		near(t, "exact", number(t, row[3]), want, 1e-5)
		if z := number(t, row[5]); math.Abs(z) > 4 {
			t.Errorf("gates %s of %s: measured %s is %v standard errors from %v", row[1], row[0], row[4], z, want)
		}
		near(t, "measured", number(t, row[4]), want, 0.012)             // 5 standard errors
		near(t, "of independent noise", number(t, row[7]), 0, 5*0.0023) // 1/√n = 0.0022
		if hard, soft, gaussian := number(t, row[4]), number(t, row[6]), number(t, row[2]); !(hard < soft && soft < gaussian) {
			t.Errorf("correlations of hard, relaxed and Gaussian values are %v, %v and %v; want them to increase", hard, soft, gaussian)
		}
	}
}

// Each gate alone is open with its probability, whatever the correlations; a relaxed gate is on the side of the hard one.
func TestCopulaMarginals(t *testing.T) {
	const n = 20_000
	soft, hard, err := copulaGates(context.Background(), n, copulaCorrelation)
	if err != nil {
		t.Fatal(err)
	}
	for k, probs := range copulaProbs {
		for i, p := range probs {
			open := averageOf(each(hard[k], func(row []float64) float64 { return row[i] }))
			near(t, "probability", open.value, p, 4*open.stdErr)
		}
		for row := range hard[k] {
			for i, b := range hard[k][row] {
				if z := soft[k][row][i]; (z > 0.5) != (b == 1) || b != 0 && b != 1 {
					t.Fatalf("vector %d, draw %d, gate %d: relaxed %v, hard %v", k, row, i, z, b)
				}
			}
		}
	}
}

// What the text says of the original's log-density: that of N(π, τ²).
func TestClippedGaussian(t *testing.T) {
	near(t, "P(N(0.2, 0.1²) > ½)", math.Erfc((0.5-0.2)/copulaTemperature/math.Sqrt2)/2, 0.00135, 5e-6)
}

// Standard errors of correlations are their spread over other samples: of 200, to within 20 %, four times its own error.
func TestCorrelationOf(t *testing.T) {
	_, hard, err := copulaGates(context.Background(), 200*500, copulaCorrelation)
	if err != nil {
		t.Fatal(err)
	}
	var values, errors []float64
	for block := range 200 {
		r := correlationOf(hard[0][block*500:(block+1)*500], 1, 2)
		values, errors = append(values, r.value), append(errors, r.stdErr)
	}
	near(t, "spread of correlations over their errors", averageOf(values).stdErr*math.Sqrt(200)/averageOf(errors).value, 1, 0.2)

	exact := correlationOf([][]float64{{1, 2}, {2, 4}, {3, 6}}, 0, 1)
	near(t, "correlation of a line", exact.value, 1, 1e-12)
	near(t, "its error", exact.stdErr, 0, 1e-12)
}
