package main

import (
	"context"
	"fmt"
	"math"

	"gonum.org/v1/gonum/integrate/quad"
	"gonum.org/v1/gonum/stat/distuv"
	G "gorgonia.org/gorgonia"

	"relaxgo/internal/program"
	"relaxgo/plots"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

const (
	copulaSeed        = 1
	copulaN           = 200_000 // draws of each vector of gates
	copulaTemperature = 0.1
)

// The report's demonstration of correlated gates: two vectors of three, one correlation matrix.
var (
	copulaProbs       = [][]float64{{0.2, 0.4, 0.4}, {0.3, 0.5, 0.2}}
	copulaCorrelation = [][]float64{{1, 0.5, 0.3}, {0.5, 1, 0.7}, {0.3, 0.7, 1}}
	independence      = [][]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}

	copulaPairs = [][2]int{{0, 1}, {0, 2}, {1, 2}}
)

// gates are samples of the two vectors: [vector][draw][gate].
type gates [][][]float64

// copulaGates draws n relaxed samples of each vector, and the hard gates made of the same noise.
func copulaGates(ctx context.Context, n int, correlation [][]float64) (soft, hard gates, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	vectors, d := len(copulaProbs), len(correlation)
	var row []float64 // of logits, vector after vector
	for _, probs := range copulaProbs {
		for _, p := range probs {
			row = append(row, math.Log(p)-math.Log1p(-p))
		}
	}
	var normal *program.Input[float64]
	nodes := make(map[string]*G.Node)
	graph, err := program.Build(func(g *program.Graph[float64]) error {
		logits, err := g.Bind("logits", repeated(row, n), n, vectors, d)
		if err != nil {
			return err
		}
		if normal, err = g.Input("normal", n, vectors, d); err != nil {
			return err
		}
		chol, err := relax.Cholesky(logits.Node, correlation)
		if err != nil {
			return err
		}
		temperature, err := relax.Temperature(logits.Node, copulaTemperature)
		if err != nil {
			return err
		}
		draw, err := relax.CorrelatedRelaxedBernoulli{Logits: logits.Node, Temperature: temperature, Chol: chol}.Rsample(normal.Node)
		nodes["soft"], nodes["hard"] = draw.Value, draw.Hard
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	p, err := program.Compile(graph, program.Outputs{Finite: nodes})
	if err != nil {
		return nil, nil, err
	}
	noise.Fill(noise.NewSource(copulaSeed, "copula/normal"), noise.Normal, normal.Data)
	if err := p.Run(); err != nil {
		return nil, nil, err
	}
	split := func(name string) gates {
		out := make(gates, vectors)
		for i, row := range rowsOf(p.Output(name), d) {
			out[i%vectors] = append(out[i%vectors], row)
		}
		return out
	}
	return split("soft"), split("hard"), nil
}

// gateCorrelation is the correlation of two bits 1[v_k ≤ Φ⁻¹(p_k)] whose v are standard normal with correlation ρ,
//
//	(P(both) − p q)/√(p(1−p) q(1−q)),  P(both) = p q + ∫_0^ρ φ₂(Φ⁻¹(p), Φ⁻¹(q); r) dr
//
// with φ₂ the bivariate normal density (Plackett, 1954, Biometrika 41).
func gateCorrelation(p, q, rho float64) float64 {
	x, y := distuv.UnitNormal.Quantile(p), distuv.UnitNormal.Quantile(q)
	excess := rho * quad.Fixed(func(t float64) float64 {
		r := rho * t
		free := 1 - r*r
		return math.Exp(-(x*x-2*r*x*y+y*y)/(2*free)) / (2 * math.Pi * math.Sqrt(free))
	}, 0, 1, 64, nil, 0)
	return excess / math.Sqrt(p*(1-p)*q*(1-q))
}

// correlationOf is the sample correlation of two gates. Its standard error is that of the mean of
// z_i z_j − r (z_i² + z_j²)/2, with z the standardised gates: the first order of r in the sample moments.
func correlationOf(rows [][]float64, i, j int) average {
	n := float64(len(rows))
	mean := meanRow(rows)
	var ii, ij, jj float64
	for _, row := range rows {
		a, b := row[i]-mean[i], row[j]-mean[j]
		ii, ij, jj = ii+a*a/n, ij+a*b/n, jj+b*b/n
	}
	r := ij / math.Sqrt(ii*jj)
	influence := averageOf(each(rows, func(row []float64) float64 {
		a, b := (row[i]-mean[i])/math.Sqrt(ii), (row[j]-mean[j])/math.Sqrt(jj)
		return a*b - r*(a*a+b*b)/2
	}))
	return average{r, influence.stdErr}
}

// copulaFigure is how much of a Gaussian correlation reaches the hard gates of a copula.
func copulaFigure(ctx context.Context, command string) (figure, error) {
	soft, hard, err := copulaGates(ctx, copulaN, copulaCorrelation)
	if err != nil {
		return figure{}, err
	}
	_, alone, err := copulaGates(ctx, copulaN, independence)
	if err != nil {
		return figure{}, err
	}
	f := figure{
		name: "copula", title: "Correlation of hard gates",
		original: "The report has no figure of its demonstration, only the parameters; the notebook prints one sample, in which no correlation can be seen, and a log-density that ignores R: " +
			"it is that of a clipped Gaussian N(π, τ²), for which P(z₁ > ½) is 0.00135 where π₁ = 0.2. By the report's formula, with independent noise, the gates are independent.",
		table: &table{head: []string{"π", "gates", "Gaussian correlation R", "hard gates, exact", "hard gates, measured ± standard error", "z", "relaxed values, measured", "independent noise, measured"}},
	}
	var panels []plots.BarPanel
	worst, least, most := 0.0, 1.0, 0.0
	for k, probs := range copulaProbs {
		name := fmt.Sprintf("π = (%g, %g, %g)", probs[0], probs[1], probs[2])
		panel := plots.BarPanel{Title: name, XLabel: "pair of gates", Series: make([]plots.BarSeries, 4)}
		for _, pair := range copulaPairs {
			i, j := pair[0], pair[1]
			rho := copulaCorrelation[i][j]
			exact := gateCorrelation(probs[i], probs[j], rho)
			measured, relaxed, independent := correlationOf(hard[k], i, j), correlationOf(soft[k], i, j), correlationOf(alone[k], i, j)
			z := measured.z(exact)
			worst, least, most = max(worst, math.Abs(z)), min(least, exact/rho), max(most, exact/rho)
			gates := fmt.Sprintf("%d and %d", i+1, j+1)
			f.table.rows = append(f.table.rows, []string{name, gates, decimals(rho, 1), decimals(exact, 5), measured.String(), decimals(z, 1), relaxed.String(), independent.String()})
			panel.Marks = append(panel.Marks, gates)
			for s, v := range []average{{rho, 0}, {exact, 0}, measured, independent} {
				bars := &panel.Series[s]
				bars.Y = append(bars.Y, v.value)
				if s >= 2 {
					bars.Low, bars.High = append(bars.Low, v.value-2*v.stdErr), append(bars.High, v.value+2*v.stdErr)
				}
			}
		}
		panels = append(panels, panel)
	}
	f.caption = fmt.Sprintf("Gates of a Gaussian copula with correlations R of 0.5, 0.3 and 0.7 at temperature τ = 0.1. Rounding leaves a part of R that depends on the probabilities π, here %.0f to %.0f %%; "+
		"with independent noise, as in the report's formula, nothing is left. The exact values are integrals of the bivariate normal law. Whiskers: ± 2 standard errors of n = %s draws, seed %d; measured and exact differ by at most %.1f standard errors.\n%s",
		100*least, 100*most, grouped(copulaN), copulaSeed, math.Ceil(10*worst)/10, command)
	f.Figure, err = plots.Bars(panels, plots.BarOptions{
		Names:  []string{"Gaussian, R", "hard gates, exact", "hard gates, measured", "measured, independent noise"},
		YLabel: "correlation", Caption: f.caption,
	})
	return f, err
}
