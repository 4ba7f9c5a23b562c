package vae

import "relaxgo/data"

// feed prepares the images and the noise of training steps, one step ahead of the training, on a goroutine of its own.
// What it prepares is a function of the step alone, so that being ahead changes nothing.
type feed struct {
	ready, spare chan *input
	stop         chan struct{}
}

// input is everything that a training step takes from outside.
type input struct {
	x     []float32
	noise [][]float32
	rows  int // images in x
	err   error
}

// newFeed begins to prepare the given step and those behind it, up to but excluding step end. Until close, the
// goroutine alone uses the batches.
func newFeed(batches *data.Batches, pixels int, kinds []noiseInput, seed uint64, step, end int) *feed {
	f := &feed{ready: make(chan *input, 1), spare: make(chan *input, 2), stop: make(chan struct{})}
	for range cap(f.spare) {
		in := &input{x: make([]float32, batches.Size()*pixels)}
		for _, k := range kinds {
			in.noise = append(in.noise, make([]float32, len(k.data)))
		}
		f.spare <- in
	}
	go func() {
		defer close(f.ready)
		for ; step < end; step++ {
			var in *input
			select {
			case in = <-f.spare:
			case <-f.stop:
				return
			}
			in.rows, in.err = batches.Fill(step/batches.PerEpoch(), step%batches.PerEpoch(), in.x)
			for i, k := range kinds { // on this core alone: the other one trains
				for lo := 0; lo < len(k.data); lo += noiseSegment {
					hi := min(lo+noiseSegment, len(k.data))
					fillSegment(k.kind, in.noise[i][lo:hi], seed, "train/noise", step, i, lo/noiseSegment)
				}
			}
			select {
			case f.ready <- in:
			case <-f.stop:
				return
			}
		}
	}()
	return f
}

// take writes the inputs of the next step into the graph and returns how many images there are.
func (f *feed) take(b *bound) (rows int, err error) {
	in := <-f.ready
	copy(b.x, in.x)
	for i, n := range in.noise {
		copy(b.noise[i].data, n)
	}
	rows, err = in.rows, in.err
	f.spare <- in
	return rows, err
}

// close ends the preparation; the batches are free again when it returns.
func (f *feed) close() {
	close(f.stop)
	for range f.ready { // until the goroutine has seen it
	}
}
