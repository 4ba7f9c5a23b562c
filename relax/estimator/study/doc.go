// Package study compares gradient estimators where the right answer is known. It has the problems, measures every estimator
// on them with its control variate tuned, and trains the toy problem of the literature:
//
//	for _, p := range study.Problems(0.45, 0.499) {
//		e, err := p.Find("rebar")
//		r, err := p.Compare(ctx, e, study.Effort{Estimates: 20_000, Tuning: 1000, Seed: 1})
//		fmt.Println(p.Name, r.BiasNorm, r.MeanVariance, r.MeanCosine)
//	}
//	points, err := study.Published().Run(ctx, e)
//
// Noise comes from named streams that all estimators share: the same seed gives the same numbers, times excepted, and
// differences between estimators are not those of their luck.
package study
