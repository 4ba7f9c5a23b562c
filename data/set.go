package data

import "fmt"

// Set is a list of grey images of one size with their labels.
type Set struct {
	Name       string // "train" or "test"; part of the names of the set's random streams
	Images     []byte // pixels, 0 (background) to 255, image after image, row after row
	Labels     []byte // one class per image
	Rows, Cols int    // size of an image

	// Dynamic says that value/255 is the probability of a pixel, from which
	// Batches draws 0 or 1 anew in every epoch. See [Dataset.Binarize].
	Dynamic bool
}

// Dataset is a training set and a test set of images of the same size.
type Dataset struct {
	Train, Test Set
	Source      string // folder that the files were read from
}

// Image returns the pixels of image i, 0 ≤ i < Len(), as a part of s.Images.
func (s Set) Image(i int) []byte {
	p := s.Pixels()
	return s.Images[i*p : (i+1)*p : (i+1)*p]
}

// Len returns the number of images.
func (s Set) Len() int { return len(s.Labels) }

// Pixels returns the number of pixels of an image, Rows·Cols.
func (s Set) Pixels() int { return s.Rows * s.Cols }

// check returns an error if the fields contradict each other.
func (s Set) check() error {
	if s.Rows < 1 || s.Cols < 1 {
		return fmt.Errorf("data: set %q has images of %d×%d pixels; both sides must be at least 1", s.Name, s.Rows, s.Cols)
	}
	if len(s.Images) != s.Len()*s.Pixels() {
		return fmt.Errorf("data: set %q has %d pixel bytes, but %d labels and %d×%d images make %d",
			s.Name, len(s.Images), s.Len(), s.Rows, s.Cols, s.Len()*s.Pixels())
	}
	return nil
}
