package run

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// Whatever byte of a sealed file is another, reading it or its seal tells, unless it reads the same.
func TestSealFindsDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), CheckpointFile)
	s := Safetensors{
		Tensors: map[string]Tensor{
			"a": {Shape: []int{2, 1}, Data: []float32{1, -2}},
			"b": {Data: []int64{7}},
			"c": {Shape: []int{3}, Data: []uint8{1, 2, 3}},
			"d": {Shape: []int{0}, Data: []float32{}},
		},
		Metadata: map[string]string{"progress": "12", "other": "x"},
	}
	if err := s.Seal(); err != nil {
		t.Fatal(err)
	}
	if err := s.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	read, err := ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := read.CheckSeal(); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range good {
		for _, flip := range []byte{1, 0x20, 0xff} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			if err := os.WriteFile(path, bad, 0o666); err != nil {
				t.Fatal(err)
			}
			// A capital in a key of the header is read like a small letter.
			if damaged, err := ReadSafetensors(path); err == nil && damaged.CheckSeal() == nil && !reflect.DeepEqual(damaged, read) {
				t.Errorf("byte %d of %d: %q instead of %q goes unnoticed", i, len(good), bad[i], good[i])
			}
		}
	}
	delete(s.Metadata, checksumKey)
	if s.CheckSeal() == nil {
		t.Error("no seal is taken for a good one")
	}
}
