package run

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
)

// checksumKey is the key of the metadata that holds the checksum.
const checksumKey = "crc32"

// Seal adds a checksum of tensors and metadata to the metadata, by which
// [Safetensors.CheckSeal] finds damage that leaves a file readable. It is
// called last, before WriteFile.
func (s *Safetensors) Seal() error {
	sum, err := s.checksum()
	if err != nil {
		return err
	}
	if s.Metadata == nil {
		s.Metadata = make(map[string]string)
	}
	s.Metadata[checksumKey] = sum
	return nil
}

// CheckSeal is an error if s is not what [Safetensors.Seal] has seen.
func (s *Safetensors) CheckSeal() error {
	was, ok := s.Metadata[checksumKey]
	if !ok {
		return s.errorf("no checksum: it is no checkpoint, or damaged")
	}
	sum, err := s.checksum()
	if err == nil && sum != was {
		err = s.errorf("damaged: its checksum is %s, not %s", sum, was)
	}
	return err
}

// checksum is the CRC-32 of everything but itself.
func (s *Safetensors) checksum() (string, error) {
	h := crc32.NewIEEE() // Writing to it never fails.
	for _, key := range slices.Sorted(maps.Keys(s.Metadata)) {
		if key != checksumKey {
			_, _ = fmt.Fprintf(h, "%q %q\n", key, s.Metadata[key])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Tensors)) {
		t := s.Tensors[name]
		_, _ = fmt.Fprintf(h, "%q %T %d\n", name, t.Data, t.Shape)
		if err := binary.Write(h, binary.LittleEndian, t.Data); err != nil {
			return "", s.errorf("tensor %q: %w", name, err)
		}
	}
	return fmt.Sprintf("%08x", h.Sum32()), nil
}
