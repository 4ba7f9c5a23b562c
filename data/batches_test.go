package data

import (
	"slices"
	"testing"
)

// numbered returns a set of n images of two pixels that hold the number of the
// image.
func numbered(n int) Set {
	s := Set{Name: "train", Rows: 1, Cols: 2}
	for i := range n {
		s.Images = append(s.Images, byte(i), byte(i))
		s.Labels = append(s.Labels, byte(i%3))
	}
	return s
}

// epochOrder returns the samples of all batches of an epoch.
func epochOrder(t *testing.T, b *Batches, epoch int) []int {
	t.Helper()
	var order []int
	for index := range b.PerEpoch() {
		samples, err := b.Samples(epoch, index)
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, samples...)
	}
	return order
}

func newBatches(t testing.TB, set Set, size int, opt BatchOptions) *Batches {
	t.Helper()
	b, err := NewBatches(set, size, opt)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestShuffle(t *testing.T) {
	const n = 101
	b := newBatches(t, numbered(n), 10, BatchOptions{Shuffle: true, Seed: 1})
	seen := make(map[[n]int]int)
	for epoch := range 50 {
		order := [n]int(epochOrder(t, b, epoch))
		sorted := order
		slices.Sort(sorted[:])
		for i, sample := range sorted {
			if i != sample {
				t.Fatalf("epoch %d is no permutation: %v", epoch, order)
			}
		}
		if before, ok := seen[order]; ok {
			t.Errorf("epochs %d and %d have the same order", before, epoch)
		}
		seen[order] = epoch
	}

	// The order depends on nothing that came before, nor on the batch size.
	same := newBatches(t, numbered(n), 7, BatchOptions{Shuffle: true, Seed: 1})
	for _, epoch := range []int{30, 2, 0, 49, 0} {
		if got, ok := seen[[n]int(epochOrder(t, same, epoch))]; !ok || got != epoch {
			t.Errorf("epoch %d visited alone has another order", epoch)
		}
	}
	other := newBatches(t, numbered(n), 10, BatchOptions{Shuffle: true, Seed: 2})
	if _, ok := seen[[n]int(epochOrder(t, other, 0))]; ok {
		t.Error("another seed gives the same order")
	}
}

// Every image comes first about equally often. χ² has 9 degrees of freedom;
// its 99.99 % quantile is 33.7.
func TestShuffleUniform(t *testing.T) {
	const n, epochs = 10, 5000
	b := newBatches(t, numbered(n), n, BatchOptions{Shuffle: true, Seed: 5})
	var first, last [n]float64
	for epoch := range epochs {
		order := epochOrder(t, b, epoch)
		first[order[0]]++
		last[order[n-1]]++
	}
	for _, counts := range [][n]float64{first, last} {
		chi2 := 0.0
		for _, c := range counts {
			d := c - epochs/n
			chi2 += d * d / (epochs / n)
		}
		if chi2 > 33.7 {
			t.Errorf("χ² = %.1f > 33.7 of the counts %v", chi2, counts)
		}
	}
}

func TestFill(t *testing.T) {
	b := newBatches(t, numbered(7), 3, BatchOptions{})
	if b.PerEpoch() != 3 || b.Size() != 3 {
		t.Fatalf("%d batches of %d, want 3 of 3", b.PerEpoch(), b.Size())
	}
	if got := newBatches(t, numbered(6), 3, BatchOptions{}).PerEpoch(); got != 2 {
		t.Errorf("%d batches of 3 in 6 images, want 2", got)
	}
	for _, test := range []struct {
		epoch, index, rows int
		want               []float32
	}{
		{0, 0, 3, []float32{0, 0, 1. / 255, 1. / 255, 2. / 255, 2. / 255}},
		{4, 1, 3, []float32{3. / 255, 3. / 255, 4. / 255, 4. / 255, 5. / 255, 5. / 255}},
		{4, 2, 1, []float32{6. / 255, 6. / 255, 0, 0, 0, 0}},
	} {
		x := []float32{9, 9, 9, 9, 9, 9}
		rows, err := b.Fill(test.epoch, test.index, x)
		if err != nil || rows != test.rows || !slices.Equal(x, test.want) {
			t.Errorf("batch %d: got %d rows %v and error %v, want %d rows %v", test.index, rows, x, err, test.rows, test.want)
		}
	}

	x := make([]float32, 256)
	if _, err := newBatches(t, ramp("train", 1), 1, BatchOptions{}).Fill(0, 0, x); err != nil || x[0] != 0 || x[255] != 1 {
		t.Errorf("0 and 255 became %v and %v, want 0 and 1; error %v", x[0], x[255], err)
	}

	// The rows are the samples, also when shuffled.
	b = newBatches(t, numbered(7), 3, BatchOptions{Shuffle: true, Seed: 3})
	x = make([]float32, 6)
	for index := range b.PerEpoch() {
		rows, err := b.Fill(2, index, x)
		if err != nil {
			t.Fatal(err)
		}
		samples, err := b.Samples(2, index)
		if err != nil || len(samples) != rows {
			t.Fatalf("%d samples for %d rows, error %v", len(samples), rows, err)
		}
		for row, i := range samples {
			if want := float32(i) / 255; x[2*row] != want || x[2*row+1] != want {
				t.Errorf("row %d is %v, want image %d", row, x[2*row:2*row+2], i)
			}
		}
	}
}

func TestFillDynamic(t *testing.T) {
	const n = 100
	set := ramp("train", n)
	set.Dynamic = true
	b := newBatches(t, set, n, BatchOptions{Seed: 1})
	fill := func(b *Batches, epoch int) []byte {
		t.Helper()
		x := make([]float32, n*256)
		out := make([]byte, 0, n*256)
		for index := range b.PerEpoch() {
			part := x[:b.Size()*256]
			rows, err := b.Fill(epoch, index, part)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range part[:rows*256] {
				if v != 0 && v != 1 {
					t.Fatalf("a pixel is %v", v)
				}
				out = append(out, byte(v))
			}
		}
		return out
	}
	var count [256]int
	const epochs = 40
	var before []byte
	for epoch := range epochs {
		pixels := fill(b, epoch)
		for i, v := range pixels {
			count[i%256] += int(v)
		}
		if before != nil {
			checkIndependent(t, "neighbouring epochs", before, pixels)
		}
		before = pixels
	}
	checkFrequencies(t, &count, n*epochs)

	// The draws of an image depend on seed and epoch only.
	want := fill(b, 17)
	if got := fill(newBatches(t, set, 7, BatchOptions{Seed: 1}), 17); !slices.Equal(got, want) {
		t.Error("another batch size gives other draws")
	}
	if got := fill(newBatches(t, set, n, BatchOptions{Seed: 2}), 17); slices.Equal(got, want) {
		t.Error("another seed gives the same draws")
	}
	shuffled := newBatches(t, set, n, BatchOptions{Seed: 1, Shuffle: true})
	got := fill(shuffled, 17)
	for row, i := range epochOrder(t, shuffled, 17) {
		if !slices.Equal(got[row*256:(row+1)*256], want[i*256:(i+1)*256]) {
			t.Fatalf("image %d has other draws when shuffled", i)
		}
	}
}

// Training and test sets have streams of their own.
func TestStreamsOfSets(t *testing.T) {
	set := numbered(50)
	order := epochOrder(t, newBatches(t, set, 50, BatchOptions{Shuffle: true}), 0)
	set.Name = "test"
	if slices.Equal(order, epochOrder(t, newBatches(t, set, 50, BatchOptions{Shuffle: true}), 0)) {
		t.Error("the order does not depend on the name of the set")
	}
}

func TestBatchErrors(t *testing.T) {
	for _, size := range []int{-1, 0, 8} {
		_, err := NewBatches(numbered(7), size, BatchOptions{})
		checkError(t, err, "batch size", "1 to 7")
	}
	_, err := NewBatches(Set{Name: "none"}, 1, BatchOptions{})
	checkError(t, err, `"none"`, "0×0")
	_, err = NewBatches(Set{Rows: 1, Cols: 1}, 1, BatchOptions{})
	checkError(t, err, "batch size")
	broken := numbered(7)
	broken.Labels = broken.Labels[1:]
	_, err = NewBatches(broken, 1, BatchOptions{})
	checkError(t, err, "14 pixel bytes", "6 labels")

	b := newBatches(t, numbered(7), 3, BatchOptions{})
	for _, test := range []struct {
		epoch, index, length int
		want                 string
	}{
		{0, 0, 5, "need 6"},
		{0, 0, 7, "need 6"},
		{-1, 0, 6, "epoch -1"},
		{0, -1, 6, "batch -1"},
		{0, 3, 6, "0 to 2"},
	} {
		_, err := b.Fill(test.epoch, test.index, make([]float32, test.length))
		checkError(t, err, test.want)
	}
}

func TestFillAllocatesNothing(t *testing.T) {
	for _, dynamic := range []bool{false, true} {
		set := ramp("train", 50)
		set.Dynamic = dynamic
		b := newBatches(t, set, 20, BatchOptions{Shuffle: true})
		x := make([]float32, 20*256)
		step := 0
		allocs := testing.AllocsPerRun(20, func() {
			if _, err := b.Fill(step/3, step%3, x); err != nil {
				t.Fatal(err)
			}
			step++
		})
		if allocs != 0 {
			t.Errorf("dynamic %v: %v allocations in a Fill, want none", dynamic, allocs)
		}
	}
}

func BenchmarkFill(b *testing.B) {
	d, err := mnist()
	if err != nil {
		b.Fatal(err)
	}
	for _, targets := range []Targets{Grey, Dynamic} {
		b.Run(targets.String(), func(b *testing.B) {
			d, err := d.Binarize(targets, 1)
			if err != nil {
				b.Fatal(err)
			}
			batches := newBatches(b, d.Train, 128, BatchOptions{Shuffle: true})
			x := make([]float32, 128*d.Train.Pixels())
			index := 0
			b.SetBytes(int64(len(x)))
			for b.Loop() {
				if _, err := batches.Fill(0, index%batches.PerEpoch(), x); err != nil {
					b.Fatal(err)
				}
				index++
			}
		})
	}
}

func BenchmarkBinarizeStatic(b *testing.B) {
	d, err := mnist()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := d.Binarize(Static, 1); err != nil {
			b.Fatal(err)
		}
	}
}
