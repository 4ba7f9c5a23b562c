// Package plots draws the figures of a run from its result files. It knows
// nothing of models: arrays and metrics go in, pictures come out, so that a
// figure can be drawn again long after the run.
//
//	images.safetensors ──► reconstruction.png/.svg, samples.png/.svg
//	metrics.csv        ──► curves.png/.svg
//
// [DrawRun] does this for a run directory; [Reconstruction], [Samples] and
// [Curves] make single figures of arrays.
//
// # Look
//
// Every figure has its content above and a caption below that says what made
// it. Colours are those of Okabe and Ito, which stay apart under the common
// forms of colour blindness, and every colour comes with a dash pattern of its
// own. Images are enlarged by whole factors without smoothing. PNG and SVG come
// from the same drawing; equal input gives equal bytes.
//
// # Errors
//
// Data that cannot be drawn (NaN, values out of range, lengths that differ,
// nothing at all) is an error that says where. Files are written whole or not
// at all.
package plots
