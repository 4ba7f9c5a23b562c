package main

import (
	"context"
	"fmt"
	"math"
	"slices"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/plots"
	"relaxgo/relax"
	"relaxgo/relax/noise"
)

// What figures 7 and 8 are made of.
const (
	temperatureSeed = 1
	sharpnessN      = 100_000 // draws behind figure 7
	placementN      = 20_000  // draws in each cell of figure 8
)

var (
	sharpnessLogits = []float64{1, 1, 0.5, -0.5}
	placementLogits = []float64{2, 1, 0.5, -0.5}
)

// sharpness is what samples softmax((ℓ + g)/T) look like at one temperature.
type sharpness struct {
	temperature float64
	one         []float64 // the first draw
	classes     []spread  // the probability of each class
	largest     spread    // the largest probability of a draw
	entropy     spread    // of a draw, as a share of log K
}

// spread is the mean of many draws and the range that holds nine of ten.
type spread struct {
	average
	low, high float64
}

// spreadOf sorts values.
func spreadOf(values []float64) spread {
	slices.Sort(values)
	at := func(q float64) float64 { return values[int(math.Round(q*float64(len(values)-1)))] }
	return spread{averageOf(values), at(0.05), at(0.95)}
}

// sharpnesses draws n samples of relax.RelaxedCategorical from the same noise at each temperature.
func sharpnesses(ctx context.Context, n int, temperatures []float64) ([]sharpness, error) {
	k := len(sharpnessLogits)
	var gumbel, temperature *program.Input[float64]
	var soft *G.Node
	graph, err := program.Build(func(g *program.Graph[float64]) error {
		logits, err := g.Bind("logits", repeated(sharpnessLogits, n), n, k)
		if err != nil {
			return err
		}
		if gumbel, err = g.Input("gumbel", n, k); err != nil {
			return err
		}
		if temperature, err = g.Input("temperature"); err != nil {
			return err
		}
		draw, err := relax.RelaxedCategorical{Logits: logits.Node, Temperature: temperature.Node}.Rsample(gumbel.Node)
		soft = draw.Value
		return err
	})
	if err != nil {
		return nil, err
	}
	p, err := program.Compile(graph, program.Outputs{Finite: map[string]*G.Node{"soft": soft}})
	if err != nil {
		return nil, err
	}
	noise.Fill(noise.NewSource(temperatureSeed, "fig7/gumbel"), noise.Gumbel, gumbel.Data)

	var out []sharpness
	for _, t := range temperatures {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		temperature.Data[0] = t
		if err := p.Run(); err != nil {
			return nil, err
		}
		rows := rowsOf(p.Output("soft"), k)
		s := sharpness{temperature: t, one: slices.Clone(rows[0])}
		for class := range k {
			s.classes = append(s.classes, spreadOf(each(rows, func(row []float64) float64 { return row[class] })))
		}
		s.largest = spreadOf(each(rows, slices.Max[[]float64]))
		s.entropy = spreadOf(each(rows, func(row []float64) float64 { return entropy(row) / math.Log(float64(k)) }))
		out = append(out, s)
	}
	return out, nil
}

// fig7 is temperature against sharpness: a draw and the law of draws.
func fig7(ctx context.Context, command string) (figure, error) {
	all, err := sharpnesses(ctx, sharpnessN, []float64{0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100})
	if err != nil {
		return figure{}, err
	}
	f := figure{
		name: "fig7", title: "Temperature and sharpness",
		caption: fmt.Sprintf("Samples softmax((ℓ + g)/T) with logits ℓ = (1, 1, 0.5, −0.5) and Gumbel noise g. Above, at four temperatures: one draw, and mean and "+
			"5 to 95 %% range of n = %s draws, of each class and of the largest probability. Below: how the draws soften. "+
			"The original has one draw a temperature, so that it shows chance as much as temperature. "+
			"The same noise at all temperatures, seed %d.\n%s", grouped(sharpnessN), temperatureSeed, command),
		original: "One draw without a seed at each of four temperatures, which tells the noise as much as the temperature: at low temperatures the winning class is chance, " +
			"with the probabilities of the logits. Though named for the decoupled estimator it has but one temperature.",
		table: &table{head: []string{"T", "largest probability, mean ± standard error", "5 to 95 %", "entropy / log 4, mean ± standard error", "5 to 95 %", "mean probabilities of the classes"}},
	}
	var panels []plots.BarPanel
	curve := plots.BarPanel{XLabel: "temperature T", Series: make([]plots.BarSeries, 2)}
	for _, s := range all {
		name := fmt.Sprint(s.temperature)
		classes := ""
		for i, c := range s.classes {
			classes += []string{"", ", "}[min(i, 1)] + decimals(c.value, 3)
		}
		f.table.rows = append(f.table.rows, []string{name, s.largest.String(), s.largest.span(), s.entropy.String(), s.entropy.span(), classes})
		curve.Marks = append(curve.Marks, name)
		s.largest.addTo(&curve.Series[0])
		s.entropy.addTo(&curve.Series[1])
		if !slices.Contains([]float64{0.1, 1, 10, 100}, s.temperature) {
			continue
		}
		panel := plots.BarPanel{Title: "T = " + name, XLabel: "class (max: the largest)", Series: make([]plots.BarSeries, 2)}
		for i, c := range append(slices.Clone(s.classes), s.largest) {
			panel.Marks = append(panel.Marks, fmt.Sprint(i))
			c.addTo(&panel.Series[1])
		}
		panel.Marks[len(s.classes)] = "max"
		panel.Series[0].Y = append(slices.Clone(s.one), slices.Max(s.one))
		panels = append(panels, panel)
	}
	above, err := plots.Bars(panels, plots.BarOptions{Names: []string{"one draw", "mean of all draws, 5 to 95 %"}, YLabel: "probability"})
	if err != nil {
		return figure{}, err
	}
	below, err := plots.Bars([]plots.BarPanel{curve}, plots.BarOptions{
		Names: []string{"largest probability of a draw", "entropy of a draw / log 4"}, YLabel: "mean, 5 to 95 % of draws", Colour: 2,
	})
	if err != nil {
		return figure{}, err
	}
	f.Figure, err = plots.Stack(f.caption, above, below)
	return f, err
}

// addTo appends s to bars with whiskers.
func (s spread) addTo(bars *plots.BarSeries) {
	bars.Y, bars.Low, bars.High = append(bars.Y, s.value), append(bars.Low, s.low), append(bars.High, s.high)
}

// span is the range, in words.
func (s spread) span() string { return decimals(s.low, 3) + " to " + decimals(s.high, 3) }

// placement is where the temperatures of the decoupled straight-through estimator stand.
type placement struct {
	title  string
	inside bool // they divide logits and noise together
}

var placements = []placement{
	{"(ℓ + g)/τ, as in the report", true},
	{"ℓ/τ + g, as in the paper", false},
}

// quantities of a cell of figure 8.
var quantities = []string{
	"entropy of mean soft sample, nats",
	"variance of soft samples",
	"largest soft probability",
	"|hard − soft|",
	"entropy of mean hard sample, nats",
}

// cells are the quantities of figure 8 at each forward and backward temperature: [quantity][forward][backward].
type cells [][][]average

// measure runs relax.DecoupledStraightThrough at all pairs of temperatures on the same n draws of noise. Its value is the
// hard sample; the soft sample whose gradient it hands back is that of relax.RelaxedCategorical.
func (p placement) measure(ctx context.Context, n int, forwards, backwards []float64) (cells, error) {
	k := len(placementLogits)
	var gumbel, forward, backward *program.Input[float64]
	nodes := make(map[string]*G.Node)
	graph, err := program.Build(func(g *program.Graph[float64]) error {
		logits, err := g.Bind("logits", repeated(placementLogits, n), n, k)
		if err != nil {
			return err
		}
		if gumbel, err = g.Input("gumbel", n, k); err != nil {
			return err
		}
		if forward, err = g.Input("forward"); err != nil {
			return err
		}
		if backward, err = g.Input("backward"); err != nil {
			return err
		}
		decoupled, err := relax.DecoupledStraightThrough{
			Logits: logits.Node, Forward: forward.Node, Backward: backward.Node, GumbelInside: p.inside,
		}.Rsample(gumbel.Node)
		if err != nil {
			return err
		}
		surrogate, err := p.surrogate(logits.Node, backward.Node)
		if err != nil {
			return err
		}
		soft, err := surrogate.Rsample(gumbel.Node)
		nodes["hard"], nodes["soft"] = decoupled.Value, soft.Value
		return err
	})
	if err != nil {
		return nil, err
	}
	program, err := program.Compile(graph, program.Outputs{Finite: nodes})
	if err != nil {
		return nil, err
	}
	noise.Fill(noise.NewSource(temperatureSeed, "fig8/gumbel"), noise.Gumbel, gumbel.Data)

	out := make(cells, len(quantities))
	for q := range out {
		out[q] = make([][]average, len(forwards))
	}
	for i, τf := range forwards {
		for _, τb := range backwards {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			forward.Data[0], backward.Data[0] = τf, τb
			if err := program.Run(); err != nil {
				return nil, err
			}
			for q, v := range summarise(rowsOf(program.Output("hard"), k), rowsOf(program.Output("soft"), k)) {
				out[q][i] = append(out[q][i], v)
			}
		}
	}
	return out, nil
}

// surrogate is the law of the soft samples.
func (p placement) surrogate(logits, backward *G.Node) (relax.RelaxedCategorical, error) {
	if p.inside {
		return relax.RelaxedCategorical{Logits: logits, Temperature: backward}, nil
	}
	one, err := relax.Temperature(logits, 1)
	if err != nil {
		return relax.RelaxedCategorical{}, err
	}
	scaled, err := op.Div(logits, backward)
	return relax.RelaxedCategorical{Logits: scaled, Temperature: one}, err
}

// summarise is the quantities of a cell, with standard errors to first order.
func summarise(hard, soft [][]float64) []average {
	mean := meanRow(soft)
	k := float64(len(mean))
	differences := make([]float64, len(soft))
	for i := range soft {
		for class := range soft[i] {
			differences[i] += math.Abs(hard[i][class]-soft[i][class]) / k
		}
	}
	return []average{
		entropyOfMean(soft),
		averageOf(each(soft, func(row []float64) (v float64) {
			for class, p := range row {
				v += (p - mean[class]) * (p - mean[class]) / k
			}
			return v
		})),
		averageOf(each(soft, slices.Max[[]float64])),
		averageOf(differences),
		entropyOfMean(hard),
	}
}

// entropyOfMean is the entropy H of the mean row; its standard error is that of Σ_k row_k ∂H/∂mean_k.
func entropyOfMean(rows [][]float64) average {
	mean := meanRow(rows)
	slope := averageOf(each(rows, func(row []float64) (v float64) {
		for class, p := range row {
			if mean[class] > 0 {
				v -= p * (1 + math.Log(mean[class]))
			}
		}
		return v
	}))
	return average{entropy(mean), slope.stdErr}
}

// fig8 is forward against backward temperature, for both places where they can stand.
func fig8(ctx context.Context, command string) (figure, error) {
	forwards, backwards := evenly(0.1, 1, 10), evenly(0.5, 2, 10)
	var measured []cells
	for _, p := range placements {
		c, err := p.measure(ctx, placementN, forwards, backwards)
		if err != nil {
			return figure{}, err
		}
		measured = append(measured, c)
	}
	f := figure{
		name: "fig8", title: "Forward and backward temperature",
		original: "With 100 draws a cell and new noise in each, rows differ by chance alone: the report's forward temperature divides logits and noise together, " +
			"which cannot change an argmax, and no forward temperature enters a soft sample. What looks like texture is the standard error.",
		table: &table{head: []string{"quantity", "placement", "least", "greatest", "greatest difference of rows", "greatest standard error"}},
	}
	var figures []plots.Figure
	worst := 0.0
	for q, quantity := range quantities {
		var maps []plots.HeatMap
		for i, p := range placements {
			s := measured[i].statistics(q)
			worst = max(worst, s.stdErr)
			f.table.rows = append(f.table.rows, []string{quantity, p.title, decimals(s.least, 4), decimals(s.greatest, 4), decimals(s.rows, 4), decimals(s.stdErr, 4)})
			maps = append(maps, plots.HeatMap{Title: p.title, Values: measured[i].values(q)})
		}
		fig, err := plots.HeatMaps(maps, plots.HeatMapOptions{
			XLabel: "backward temperature", YLabel: "forward temperature", Label: quantity, Compact: true,
			Columns: labels(backwards, 2), Rows: labels(forwards, 1),
		})
		if err != nil {
			return figure{}, fmt.Errorf("%s: %w", quantity, err)
		}
		figures = append(figures, fig)
	}
	f.caption = fmt.Sprintf("The decoupled straight-through estimator with logits ℓ = (2, 1, 0.5, −0.5): its forward temperature makes the hard samples, its backward temperature "+
		"the soft ones. Left, as in the original, temperatures divide logits and noise, and rows are equal throughout, for which 100 draws a cell were too few to see; right, where they divide the logits alone (Shah et al., 2024), rows differ as soon as hard samples count. "+
		"Entropies are those of the mean sample; the largest probability is a mean over draws, the rest are means over draws and classes. "+
		"n = %s draws in each cell, the same in all, seed %d; standard errors up to %s.\n%s", grouped(placementN), temperatureSeed, decimals(worst, 4), command)
	var err error
	f.Figure, err = plots.Stack(f.caption, figures...)
	return f, err
}

// values are the means of quantity q.
func (c cells) values(q int) [][]float64 {
	var rows [][]float64
	for _, row := range c[q] {
		values := make([]float64, len(row))
		for j, v := range row {
			values[j] = v.value
		}
		rows = append(rows, values)
	}
	return rows
}

// statistics of a map.
type statistics struct {
	least, greatest float64
	rows            float64 // by which two rows differ at most, in one column
	stdErr          float64 // the greatest
}

func (c cells) statistics(q int) statistics {
	s := statistics{least: math.Inf(1), greatest: math.Inf(-1)}
	for j := range c[q][0] {
		low, high := math.Inf(1), math.Inf(-1)
		for _, row := range c[q] {
			low, high = min(low, row[j].value), max(high, row[j].value)
			s.stdErr = max(s.stdErr, row[j].stdErr)
		}
		s.least, s.greatest, s.rows = min(s.least, low), max(s.greatest, high), max(s.rows, high-low)
	}
	return s
}

// repeated is n rows of the same values.
func repeated(row []float64, n int) []float64 {
	var out []float64
	for range n {
		out = append(out, row...)
	}
	return out
}

// rowsOf is a matrix of k columns as rows.
func rowsOf(values []float64, k int) [][]float64 {
	return slices.Collect(slices.Chunk(values, k))
}

// each is f of every row.
func each(rows [][]float64, f func([]float64) float64) []float64 {
	out := make([]float64, len(rows))
	for i, row := range rows {
		out[i] = f(row)
	}
	return out
}

func meanRow(rows [][]float64) []float64 {
	mean := make([]float64, len(rows[0]))
	for _, row := range rows {
		for k, v := range row {
			mean[k] += v / float64(len(rows))
		}
	}
	return mean
}

// entropy is −Σ p log p in nats.
func entropy(p []float64) float64 {
	sum := 0.0
	for _, v := range p {
		if v > 0 {
			sum -= v * math.Log(v)
		}
	}
	return sum
}

// evenly is n numbers from low to high.
func evenly(low, high float64, n int) []float64 {
	var out []float64
	for i := range n {
		out = append(out, low+(high-low)*float64(i)/float64(n-1))
	}
	return out
}

// labels are values with that many decimals.
func labels(values []float64, places int) []string {
	var out []string
	for _, v := range values {
		out = append(out, decimals(v, places))
	}
	return out
}
