// Package run keeps the files of one training run in a directory of its own,
// such as results/vae/hardconcrete/seed-1:
//
//	config.json             the resolved configuration
//	metrics.csv             step,epoch,wall_s,split,name,value: one value a row
//	checkpoint.safetensors  everything needed to continue
//	images.safetensors      the arrays that figures are drawn from
//	summary.json            the final numbers; its presence marks a finished run
//	*.png, *.svg            pictures
//
// # Promises
//
// A file is either the whole old one or the whole new one: [WriteFile] writes
// to a temporary name, syncs and renames. metrics.csv alone grows in place; a
// row cut short by a crash is never read as a number. One process writes a run
// directory at a time. Files that a run does not write are never removed.
//
// # Life of a run
//
//	dir, err := run.Create(path, run.Options{Config: cfg, Resume: resume, Extent: []string{"epochs"}})
//	defer dir.Close()
//	m, err := run.CreateMetrics(dir.Path(run.MetricsFile))   // or ContinueMetrics if dir.Resumed()
//	for ... {
//		m.Add(step, epoch, "train", "loss", loss)
//		m.Flush()                                             // before the checkpoint of that step
//		ckpt.WriteFile(dir.Path(run.CheckpointFile))
//	}
//	m.Close()
//	run.WriteJSON(dir.Path(run.SummaryFile), summary)         // last of all
//
// Errors that a user can do something about have a method Hint() string, one
// line of advice that commands print below the error.
package run
