package data

import (
	"fmt"
	"math/bits"
	"math/rand/v2"

	"relaxgo/internal/stream"
)

// Targets says what the pixels of a set become before a model sees them. Results for
// different targets are not comparable with each other. A Targets works
// with flag.TextVar and as a JSON string.
type Targets int

// The kinds of targets, of a pixel with value v in 0…255.
const (
	Grey      Targets = iota // v/255
	Static                   // one draw of Bernoulli(v/255), fixed for good
	Dynamic                  // a new draw of Bernoulli(v/255) in every epoch
	Threshold                // 1 if v ≥ 128, else 0
)

var targetNames = [...]string{Grey: "grey", Static: "static", Dynamic: "dynamic", Threshold: "threshold"}

// ParseTargets returns the targets of the given name: "grey" (also "gray",
// "none" and the empty name), "static", "dynamic" or "threshold".
func ParseTargets(name string) (Targets, error) {
	switch name {
	case "", "gray", "none":
		return Grey, nil
	}
	for t, known := range targetNames {
		if name == known {
			return Targets(t), nil
		}
	}
	return 0, fmt.Errorf("data: unknown binarisation %q; known are grey, static, dynamic and threshold", name)
}

// MarshalText returns the name of t.
func (t Targets) MarshalText() ([]byte, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	return []byte(targetNames[t]), nil
}

// String returns the name of t.
func (t Targets) String() string {
	if t.check() != nil {
		return fmt.Sprintf("Targets(%d)", int(t))
	}
	return targetNames[t]
}

// UnmarshalText sets t to the targets of the given name, see [ParseTargets].
func (t *Targets) UnmarshalText(name []byte) error {
	parsed, err := ParseTargets(string(name))
	if err == nil {
		*t = parsed
	}
	return err
}

// check returns an error if t is none of the known kinds.
func (t Targets) check() error {
	if t < 0 || int(t) >= len(targetNames) {
		return fmt.Errorf("data: unknown targets %d; known are Grey, Static, Dynamic and Threshold", int(t))
	}
	return nil
}

// Binarize returns d, whose pixels must be grey values, with pixels for the
// targets t. Static and Threshold make new pixels, 0 or 255, and leave those
// of d alone; Static draws each with the seed, independently for all images of
// both sets. Grey and Dynamic share the pixels with d and fix only what
// [Batches] does with them.
func (d Dataset) Binarize(t Targets, seed uint64) (Dataset, error) {
	if err := t.check(); err != nil {
		return Dataset{}, err
	}
	for _, s := range []*Set{&d.Train, &d.Test} {
		if err := s.check(); err != nil {
			return Dataset{}, err
		}
		s.Dynamic = t == Dynamic
		switch t {
		case Static:
			s.drawAll(seed)
		case Threshold:
			s.threshold()
		}
	}
	return d, nil
}

// drawAll replaces the pixels of s by new ones, drawn once.
func (s *Set) drawAll(seed uint64) {
	var src rand.PCG
	drawn := make([]byte, len(s.Images))
	p, name := s.Pixels(), "data/static/"+s.Name
	for i := range s.Len() {
		stream.Seed(&src, seed, name, i)
		draw(drawn[i*p:(i+1)*p], s.Image(i), 255, &src)
	}
	s.Images = drawn
}

// threshold replaces the pixels of s by new ones, rounded to black or white.
func (s *Set) threshold() {
	rounded := make([]byte, len(s.Images))
	for i, v := range s.Images {
		if v >= 128 {
			rounded[i] = 255
		}
	}
	s.Images = rounded
}

// draw sets dst[i] to one with probability image[i]/255, else to 0.
func draw[T byte | float32](dst []T, image []byte, one T, src *rand.PCG) {
	dst = dst[:len(image)]
	for i, v := range image {
		// Most pixels are 0 or 255 and need no random number.
		switch v {
		case 0:
			dst[i] = 0
		case 255:
			dst[i] = one
		default:
			// k is uniform on 0…254 to within 2⁻⁵⁶, hence P(k < v) = v/255.
			k, _ := bits.Mul64(src.Uint64(), 255)
			dst[i] = 0
			if k < uint64(v) {
				dst[i] = one
			}
		}
	}
}
