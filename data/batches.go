package data

import (
	"fmt"
	"math/rand/v2"

	"relaxgo/internal/kernel"
	"relaxgo/internal/stream"
)

// BatchOptions says in which order batches come. The zero value goes through
// the set from front to back.
type BatchOptions struct {
	Shuffle bool   // a new order in every epoch
	Seed    uint64 // of the order and of the draws of a dynamic set
}

// Batches cuts a set into batches of one size, the last of an epoch being
// shorter if the size does not divide the set. Epochs and batches count from 0
// and can be visited in any order. Methods must not run concurrently.
type Batches struct {
	set  Set
	size int
	opt  BatchOptions

	src    *rand.PCG
	rng    *rand.Rand // draws from src
	pixels string     // name of the stream that draws the pixels of a dynamic set
	order  []int      // of epoch
	epoch  int
}

// NewBatches returns the batches of size images of a set. A size less than 1
// or greater than the set is an error.
func NewBatches(set Set, size int, opt BatchOptions) (*Batches, error) {
	if err := set.check(); err != nil {
		return nil, err
	}
	if size < 1 || size > set.Len() {
		return nil, fmt.Errorf("data: batch size %d; it must be 1 to %d, the number of images in set %q", size, set.Len(), set.Name)
	}
	src := new(rand.PCG)
	b := &Batches{set: set, size: size, opt: opt, src: src, rng: rand.New(src), order: make([]int, set.Len()), pixels: "data/dynamic/" + set.Name}
	b.arrange(0)
	return b, nil
}

// Fill writes the images of a batch into the rows of x, which has Size rows of
// Set.Pixels values: value/255 in float32, or a draw of 0 or 1 if the set is
// dynamic. It returns the number of images; the rows behind them, in the last
// batch of an epoch, are set to 0. It allocates nothing.
func (b *Batches) Fill(epoch, index int, x []float32) (rows int, err error) {
	p := b.set.Pixels()
	if len(x) != b.size*p {
		return 0, fmt.Errorf("data: batch of %d values; %d images of %d pixels need %d", len(x), b.size, p, b.size*p)
	}
	samples, err := b.Samples(epoch, index)
	if err != nil {
		return 0, err
	}
	for row, i := range samples {
		dst, image := x[row*p:(row+1)*p], b.set.Image(i)
		if b.set.Dynamic {
			stream.Seed(b.src, b.opt.Seed, b.pixels, epoch, i)
			draw(dst, image, 1, b.src)
			continue
		}
		kernel.FromBytes(dst, image)
	}
	clear(x[len(samples)*p:])
	return len(samples), nil
}

// PerEpoch returns the number of batches in an epoch, the set's length by the
// batch size, rounded up.
func (b *Batches) PerEpoch() int { return (len(b.order)-1)/b.size + 1 }

// Samples returns the places in the set of the images of a batch, in the order
// of the rows that Fill writes; the labels are Labels[i] of them. The slice
// belongs to b: it must not be written to, and holds until another epoch is
// asked for.
func (b *Batches) Samples(epoch, index int) ([]int, error) {
	if epoch < 0 {
		return nil, fmt.Errorf("data: epoch %d; epochs count from 0", epoch)
	}
	if index < 0 || index >= b.PerEpoch() {
		return nil, fmt.Errorf("data: batch %d of an epoch; it must be 0 to %d", index, b.PerEpoch()-1)
	}
	if b.opt.Shuffle && epoch != b.epoch {
		b.arrange(epoch)
	}
	first := index * b.size
	last := min(first+b.size, len(b.order))
	return b.order[first:last:last], nil
}

// Size returns the number of rows of a batch.
func (b *Batches) Size() int { return b.size }

// arrange sets the order to that of an epoch.
func (b *Batches) arrange(epoch int) {
	for i := range b.order {
		b.order[i] = i
	}
	if b.opt.Shuffle {
		stream.Seed(b.src, b.opt.Seed, "data/shuffle/"+b.set.Name, epoch)
		b.rng.Shuffle(len(b.order), func(i, j int) { b.order[i], b.order[j] = b.order[j], b.order[i] })
	}
	b.epoch = epoch
}
