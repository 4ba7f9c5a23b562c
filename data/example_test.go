package data_test

import (
	"fmt"
	"log"

	"relaxgo/data"
)

// One pass over MNIST in the order of the first epoch, with pixels drawn anew.
func Example() {
	set, err := data.Load("")
	if err != nil {
		log.Fatal(err)
	}
	set, err = set.Binarize(data.Dynamic, 1)
	if err != nil {
		log.Fatal(err)
	}
	batches, err := data.NewBatches(set.Train, 128, data.BatchOptions{Shuffle: true, Seed: 1})
	if err != nil {
		log.Fatal(err)
	}

	x := make([]float32, batches.Size()*set.Train.Pixels())
	images, rows := 0, 0
	for index := range batches.PerEpoch() {
		if rows, err = batches.Fill(0, index, x); err != nil {
			log.Fatal(err)
		}
		images += rows
	}
	fmt.Println(images, "images in", batches.PerEpoch(), "batches; the last has", rows)
	// Output: 60000 images in 469 batches; the last has 96
}
