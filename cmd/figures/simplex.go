package main

import (
	"context"
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/gonum/mat"

	"relaxgo/bridge"
	"relaxgo/internal/stream"
	"relaxgo/plots"
)

// What figures 4 to 6 share, so that they can be compared.
const (
	simplexSeed = 1
	simplexN    = 200_000 // samples behind a histogram
	simplexTop  = 20      // density at the upper end of their colours
)

// simplexAlpha are the concentrations of the report's figures 4 to 6.
var simplexAlpha = []float64{8, 2, 2}

// fig4 is the Laplace bridge from a Dirichlet distribution to a logistic-normal.
func fig4(ctx context.Context, command string) (figure, error) {
	d, err := bridge.NewDirichlet(simplexAlpha...)
	if err != nil {
		return figure{}, err
	}
	q := bridge.Laplace(d)
	original, err := varianceAsDeviation(d)
	if err != nil {
		return figure{}, err
	}
	laws := []struct {
		name string
		law  bridge.LogisticNormal
	}{
		{"Laplace bridge, full covariance", q},
		{"the same without its covariances", bridge.LaplaceDiagonal(d)},
		{"variances taken for standard deviations, no covariances: the original", original},
		{"exact moments of the logits instead", bridge.Moments(d)},
	}
	distances := &table{head: []string{"logistic-normal for Dirichlet(8, 2, 2)", "total variation", "KL(Dirichlet ‖ it), nats"}}
	for _, l := range laws {
		tv, kl, err := distance(d, l.law)
		if err != nil {
			return figure{}, err
		}
		distances.rows = append(distances.rows, []string{l.name, tv, kl})
	}
	ours, theirs := distances.rows[0], distances.rows[2]

	samples, err := simplexSamples(ctx, q, "fig4/samples")
	if err != nil {
		return figure{}, err
	}
	caption := fmt.Sprintf("The Laplace bridge takes Dirichlet(8, 2, 2) to a logistic-normal with total variation distance %s and KL %s nats; "+
		"the original, which takes variances for standard deviations and drops the covariances, is %s and %s away. "+
		"n = %s samples, seed %d.\n%s", ours[1], ours[2], theirs[1], theirs[2], grouped(simplexN), simplexSeed, command)
	return simplexFigure(figure{
		name: "fig4", title: "Laplace bridge: Dirichlet to logistic-normal", caption: caption, table: distances,
		original: "Samples of a logistic-normal whose variances had been passed as standard deviations and whose covariances had been dropped, " +
			"so that the blob is less than half as wide as it should be. A colour scale of its own, without a bar, hides that its peak is five times as high.",
	}, []plots.Simplex{
		exactly("Dirichlet(8, 2, 2)", d),
		exactly("original: variance as deviation", original),
		exactly("logistic-normal by the bridge", q),
		{Title: "its samples", Samples: samples},
	})
}

// fig5 is the Dirichlet distribution itself.
func fig5(ctx context.Context, command string) (figure, error) {
	d, err := bridge.NewDirichlet(simplexAlpha...)
	if err != nil {
		return figure{}, err
	}
	samples, err := simplexSamples(ctx, d, "fig5/samples")
	if err != nil {
		return figure{}, err
	}
	moments := &table{head: []string{"component", "mean", "of the samples", "standard deviation", "of the samples"}}
	var worst float64 // |z| of all comparisons
	for k, mean := range d.Mean() {
		deviation := math.Sqrt(d.Variance()[k])
		m, s := momentsOf(samples, k)
		worst = max(worst, math.Abs(m.z(mean)), math.Abs(s.z(deviation)))
		moments.rows = append(moments.rows, []string{fmt.Sprint(k + 1), decimals(mean, 5), m.String(), decimals(deviation, 5), s.String()})
	}
	caption := fmt.Sprintf("The density of Dirichlet(8, 2, 2) beside a histogram of n = %s samples, seed %d. Means and standard deviations of the samples "+
		"are within %.1f standard errors of the exact ones. The original has samples alone, of parameters that it does not give.\n%s", grouped(simplexN), simplexSeed, math.Ceil(10*worst)/10, command)
	return simplexFigure(figure{
		name: "fig5", title: "Dirichlet(8, 2, 2)", caption: caption, table: moments,
		original: "Samples of a Dirichlet whose parameters were drawn at random without a seed and not given: (8, 2, 2), by a fit to the picture. " +
			"The picture is right, but has no scale of colours and no exact density to compare with.",
	}, []plots.Simplex{exactly("exact density", d), {Title: "samples", Samples: samples}})
}

// fig6 goes back from a logistic-normal that is nobody's bridge image.
func fig6(ctx context.Context, command string) (figure, error) {
	q, err := competingClasses()
	if err != nil {
		return figure{}, err
	}
	inverse, err := bridge.LaplaceInverse(q.Mu(), q.Variance())
	if err != nil {
		return figure{}, err
	}
	moments, err := bridge.MomentsInverse(q.Mu(), q.Variance())
	if err != nil {
		return figure{}, err
	}
	distances := &table{head: []string{"Dirichlet for the logistic-normal", "α", "total variation", "KL(logistic-normal ‖ it), nats"}}
	for _, l := range []struct {
		name string
		law  bridge.Dirichlet
	}{{"inverse Laplace bridge", inverse}, {"exact moments of the logits", moments}} {
		tv, kl, err := distance(q, l.law)
		if err != nil {
			return figure{}, err
		}
		distances.rows = append(distances.rows, []string{l.name, concentrations(l.law), tv, kl})
	}
	byBridge, byMoments := distances.rows[0], distances.rows[1]

	samples, err := simplexSamples(ctx, q, "fig6/samples")
	if err != nil {
		return figure{}, err
	}
	caption := fmt.Sprintf("Logits with means (1, 0.5, −0.5), variances (0.5, 0.5, 0.3) and correlation −0.6 of the first two: classes that compete, for which a Dirichlet has no parameter. "+
		"Dirichlet by the inverse bridge: α = %s, total variation distance %s, KL %s nats; by moments: α = %s, %s, %s. The original maps (8, 2, 2) there and back, which gives (8, 2, 2) whatever lies between. n = %s samples, seed %d.\n%s",
		byBridge[1], byBridge[2], byBridge[3], byMoments[1], byMoments[2], byMoments[3], grouped(simplexN), simplexSeed, command)
	return simplexFigure(figure{
		name: "fig6", title: "Back from a logistic-normal to a Dirichlet", caption: caption, table: distances,
		original: "A Dirichlet taken to a logistic-normal and back, which gives the same (8, 2, 2) by construction, whatever the logistic-normal in between was: " +
			"its figure equals figure 5, hides the mistake in figure 4 and tests nothing.",
	}, []plots.Simplex{
		exactly("logistic-normal", q),
		{Title: "its samples", Samples: samples},
		exactly("Dirichlet by the inverse bridge", inverse),
		exactly("Dirichlet by moments", moments),
	})
}

// varianceAsDeviation is what the original library takes for the Laplace bridge: independent logits whose standard
// deviations are the variances Σ_kk.
func varianceAsDeviation(d bridge.Dirichlet) (bridge.LogisticNormal, error) {
	q := bridge.Laplace(d)
	squares := q.Variance()
	for k, v := range squares {
		squares[k] = v * v
	}
	return bridge.NewIndependentLogisticNormal(q.Mu(), squares)
}

// competingClasses is a logistic-normal as a classifier may give it: where the logit of class 1 is high, that of class 2
// is low.
func competingClasses() (bridge.LogisticNormal, error) {
	return bridge.NewLogisticNormal([]float64{1, 0.5, -0.5}, mat.NewSymDense(3, []float64{
		0.5, -0.3, 0,
		-0.3, 0.5, 0,
		0, 0, 0.3,
	}))
}

// simplexFigure draws the panels and completes f.
func simplexFigure(f figure, panels []plots.Simplex) (figure, error) {
	fig, err := plots.Simplices(panels, plots.SimplexOptions{Top: simplexTop, Columns: 2, Caption: f.caption})
	f.Figure = fig
	return f, err
}

// exactly is the density of d as a panel.
func exactly(title string, d bridge.Distribution) plots.Simplex {
	return plots.Simplex{Title: title, Density: func(pi [3]float64) float64 {
		p, err := d.Prob(pi[:])
		if err != nil {
			return math.NaN() // which plots refuses
		}
		return p
	}}
}

// simplexSamples draws the samples of a histogram.
func simplexSamples(ctx context.Context, d bridge.Distribution, name string) ([][3]float64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := d.Sample(simplexN, stream.New(simplexSeed, name))
	if err != nil {
		return nil, err
	}
	samples := make([][3]float64, simplexN)
	for i := range samples {
		copy(samples[i][:], rows.RawRowView(i))
	}
	return samples, nil
}

// distance is how far q is from p, in words.
func distance(p, q bridge.Distribution) (tv, kl string, err error) {
	t, err := bridge.TV(p, q)
	if err != nil {
		return "", "", err
	}
	k, err := bridge.KL(p, q)
	return decimals(t, 4), decimals(k, 4), err
}

func concentrations(d bridge.Dirichlet) string {
	var words []string
	for _, a := range d.Alpha() {
		words = append(words, decimals(a, 2))
	}
	return "(" + strings.Join(words, ", ") + ")"
}

// momentsOf estimates mean and standard deviation of component k.
func momentsOf(samples [][3]float64, k int) (mean, deviation average) {
	n := float64(len(samples))
	var m, m2, m4 float64
	for _, pi := range samples {
		m += pi[k] / n
	}
	for _, pi := range samples {
		square := (pi[k] - m) * (pi[k] - m)
		m2 += square / n
		m4 += square * square / n
	}
	s := math.Sqrt(m2)
	return average{m, s / math.Sqrt(n)}, average{s, math.Sqrt((m4-m2*m2)/n) / (2 * s)}
}
