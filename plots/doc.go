// Package plots draws the figures of runs from their result files. It knows
// nothing of models: arrays and metrics go in, pictures come out, so that a
// figure can be drawn again long after the run.
//
//	images.safetensors ──► reconstruction.png/.svg, samples.png/.svg
//	metrics.csv        ──► curves.png/.svg
//
//	both, of many runs ──► curves.png/.svg, methods.png/.svg
//
//	metrics.csv, of many agents and seeds ──► curves.png/.svg/.csv, variance.png/.svg
//
// [DrawRun] does the first for the run directory of a VAE, [DrawComparison] the
// second for several; [DrawReturns] draws the learning curves of agents.
// [ComparisonCurves], [ComparisonReconstructions] and [ComparisonSamples] make
// single figures of several runs, [Environments] one of agents in several
// environments. [Reconstruction], [Samples], [Curves], [CurvePanels], [HeatMaps],
// [Bars] and [Simplices] make figures of numbers.
//
// # Look
//
// Every figure has its content above and a caption below that says what made
// it. Colours are those of Okabe and Ito, which stay apart under the common
// forms of colour blindness, and every colour comes with a dash pattern of its
// own. Lines are named at their ends, and what is cut off is said to be. Where
// colours are numbers, they go evenly from pale yellow to dark blue, and pictures
// side by side share one scale. Images are enlarged by whole factors without
// smoothing. PNG and SVG come from the same drawing; equal input gives equal bytes.
//
// # Errors
//
// Data that cannot be drawn (NaN, values out of range, lengths that differ,
// nothing at all) is an error that says where. Files are written whole or not
// at all.
package plots
