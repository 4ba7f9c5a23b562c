package run

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// Element is a type of number that a tensor of a safetensors file may hold
// here. The format's names are F32, F64, U8, I64 and U64.
type Element interface {
	float32 | float64 | uint8 | int64 | uint64
}

// Tensor is an array in row-major order. The empty shape is a scalar.
type Tensor struct {
	Shape []int
	Data  any // []T with T an [Element], as long as the product of Shape
}

// Safetensors is the content of a file in the safetensors format: named tensors
// and a map of strings. A file is
//
//	8 bytes          little-endian length N of the header
//	N bytes          JSON: {"__metadata__": {…}, "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
//	remaining bytes  the tensors, little-endian, without gaps or overlaps
//
// Format: https://github.com/huggingface/safetensors. The order of tensors is that
// of the reference implementation: by type, widest first, then by name. Equal
// content gives equal bytes.
type Safetensors struct {
	Tensors  map[string]Tensor
	Metadata map[string]string

	path string // where it was read from, for error messages
}

const (
	metadataKey = "__metadata__"
	// maxHeader is the limit of the reference implementation.
	maxHeader = 100_000_000
	// chunk is how many bytes are converted at a time.
	chunk = 1 << 16
)

// dtypes are the supported types in the order in which their tensors are written.
var dtypes = []struct {
	name string
	size int
}{{"U64", 8}, {"I64", 8}, {"F64", 8}, {"F32", 4}, {"U8", 1}}

// entry is what the header says of one tensor.
type entry struct {
	name    string
	DType   string  `json:"dtype"`
	Shape   []int   `json:"shape"`
	Offsets []int64 `json:"data_offsets"`
}

// Values is the data of the tensor of that name. Errors, which name the file
// that s was read from: there is no such tensor, it is of another type or of
// another shape.
func Values[T Element](s *Safetensors, name string, shape []int) ([]T, error) {
	t, ok := s.Tensors[name]
	if !ok {
		return nil, s.errorf("no tensor %q", name)
	}
	data, ok := t.Data.([]T)
	if !ok {
		return nil, s.errorf("tensor %q is %T, want %T", name, t.Data, data)
	}
	if !slices.Equal(t.Shape, shape) {
		return nil, s.errorf("tensor %q has shape %v, want %v", name, t.Shape, shape)
	}
	return data, nil
}

func (s *Safetensors) errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if s.path != "" {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	return err
}

// WriteFile writes s to path as the function [WriteFile] does. A tensor whose
// data is of another type or length than it should be is an error.
func (s *Safetensors) WriteFile(path string) error {
	return WriteFile(path, s.encode)
}

func (s *Safetensors) encode(w io.Writer) error {
	entries, err := s.entries()
	if err != nil {
		return err
	}
	header, err := encodeHeader(entries, s.Metadata)
	if err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, uint64(len(header))); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	for _, e := range entries {
		switch data := s.Tensors[e.name].Data.(type) {
		case []float32:
			err = writeData(w, data)
		case []float64:
			err = writeData(w, data)
		case []uint8:
			err = writeData(w, data)
		case []int64:
			err = writeData(w, data)
		case []uint64:
			err = writeData(w, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// entries lays the tensors out in the file.
func (s *Safetensors) entries() ([]entry, error) {
	rank := make(map[string]int)
	for i, d := range dtypes {
		rank[d.name] = i
	}
	var entries []entry
	for name, t := range s.Tensors {
		dtype, n, err := describe(t.Data)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		size, err := byteSize(dtype, t.Shape)
		switch {
		case name == metadataKey || !utf8.ValidString(name):
			return nil, fmt.Errorf("a tensor cannot be named %q", name)
		case err != nil:
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		case size != n:
			return nil, fmt.Errorf("tensor %q: %d bytes of data, shape %v needs %d", name, n, t.Shape, size)
		}
		// The copy turns a nil shape into JSON's [] instead of null.
		entries = append(entries, entry{name: name, DType: dtype, Shape: append([]int{}, t.Shape...), Offsets: []int64{0, size}})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(rank[a.DType], rank[b.DType]), strings.Compare(a.name, b.name))
	})
	var end int64
	for i := range entries {
		offsets := entries[i].Offsets
		offsets[0], offsets[1] = end, end+offsets[1]
		end = offsets[1]
	}
	return entries, nil
}

// describe gives the format's name of the type of data and its size in bytes.
func describe(data any) (dtype string, bytes int64, err error) {
	switch data := data.(type) {
	case []float32:
		return "F32", 4 * int64(len(data)), nil
	case []float64:
		return "F64", 8 * int64(len(data)), nil
	case []uint8:
		return "U8", int64(len(data)), nil
	case []int64:
		return "I64", 8 * int64(len(data)), nil
	case []uint64:
		return "U64", 8 * int64(len(data)), nil
	}
	return "", 0, fmt.Errorf("data of type %T cannot be stored", data)
}

// byteSize is how many bytes a tensor of that type and shape takes.
func byteSize(dtype string, shape []int) (int64, error) {
	size := int64(0)
	for _, d := range dtypes {
		if d.name == dtype {
			size = int64(d.size)
		}
	}
	if size == 0 {
		return 0, fmt.Errorf("dtype %q is not supported (F32, F64, U8, I64, U64 are)", dtype)
	}
	for _, d := range shape {
		if d < 0 || d > 0 && size > math.MaxInt64/int64(d) {
			return 0, fmt.Errorf("impossible shape %v", shape)
		}
		size *= int64(d)
	}
	return size, nil
}

// encodeHeader writes the JSON by hand where the order of keys matters, and
// pads it with spaces so that the data begins at a multiple of 8.
func encodeHeader(entries []entry, metadata map[string]string) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	field := func(name string, v any) error {
		lead := byte(',')
		if buf.Len() == 0 {
			lead = '{'
		}
		buf.WriteByte(lead)
		if err := enc.Encode(name); err != nil {
			return err
		}
		buf.Truncate(buf.Len() - 1) // Encode ends with a newline.
		buf.WriteByte(':')
		if err := enc.Encode(v); err != nil {
			return err
		}
		buf.Truncate(buf.Len() - 1)
		return nil
	}
	if len(metadata) > 0 {
		for k, v := range metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, fmt.Errorf("metadata %q is not UTF-8", k)
			}
		}
		if err := field(metadataKey, metadata); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		if err := field(e.name, e); err != nil {
			return nil, err
		}
	}
	if buf.Len() == 0 {
		buf.WriteByte('{')
	}
	buf.WriteByte('}')
	for buf.Len()%8 != 0 {
		buf.WriteByte(' ')
	}
	if buf.Len() > maxHeader {
		return nil, fmt.Errorf("the header of %d bytes is over the format's limit of %d", buf.Len(), maxHeader)
	}
	return buf.Bytes(), nil
}

func writeData[T Element](w io.Writer, data []T) error {
	buf := make([]byte, 0, chunk)
	for part := range slices.Chunk(data, chunk/8) {
		b, err := binary.Append(buf, binary.LittleEndian, part)
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// ReadSafetensors reads the file at path. Everything that the header says is
// checked against the file's size before memory is taken, so that a broken or
// hostile file gives an error, never a crash or a wrong array.
func ReadSafetensors(path string) (*Safetensors, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, failed("read", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, failed("read", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, failed("read", path, errors.New("not a regular file"))
	}
	s, err := decode(f, info.Size())
	if err != nil {
		return nil, failed("read", path, err)
	}
	s.path = path
	return s, nil
}

// decode reads a file of the given size.
func decode(r io.Reader, size int64) (*Safetensors, error) {
	var prefix [8]byte
	if size < int64(len(prefix)) {
		return nil, fmt.Errorf("%d bytes are too few for a safetensors file", size)
	}
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, err
	}
	size -= int64(len(prefix))
	n := binary.LittleEndian.Uint64(prefix[:])
	if n > maxHeader || n > uint64(size) {
		return nil, fmt.Errorf("bad header: its length %d is over %d", n, min(maxHeader, size))
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, err
	}
	size -= int64(n)
	s := &Safetensors{Tensors: make(map[string]Tensor)}
	entries, err := s.decodeHeader(header)
	if err != nil {
		return nil, fmt.Errorf("bad header: %w", err)
	}
	if err := checkLayout(entries, size); err != nil {
		return nil, fmt.Errorf("bad header: %w", err)
	}
	for _, e := range entries {
		data, err := readTensor(r, e.DType, e.Offsets[1]-e.Offsets[0])
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", e.name, err)
		}
		s.Tensors[e.name] = Tensor{e.Shape, data}
	}
	return s, nil
}

// decodeHeader reads the metadata into s and returns the entries as they stand.
// It goes through the object key by key because package json would take the
// last of several equal keys in silence.
func (s *Safetensors) decodeHeader(header []byte) ([]entry, error) {
	if !utf8.Valid(header) {
		return nil, errors.New("not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(header))
	dec.DisallowUnknownFields()
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("not a JSON object")
	}
	seen := make(map[string]bool)
	var entries []entry
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, ok := token.(string)
		if !ok || seen[name] {
			return nil, fmt.Errorf("key %v comes twice or is no string", token)
		}
		seen[name] = true
		if name == metadataKey {
			if err := dec.Decode(&s.Metadata); err != nil {
				return nil, err
			}
			continue
		}
		e := entry{name: name}
		if err := dec.Decode(&e); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		entries = append(entries, e)
	}
	if _, err := dec.Token(); err != nil {
		return nil, err
	}
	if rest := header[dec.InputOffset():]; len(bytes.Trim(rest, " ")) > 0 {
		return nil, errors.New("something follows the JSON object")
	}
	return entries, nil
}

// checkLayout puts the entries in the order of their data and makes sure that
// they fill exactly size bytes, each with as many as its type and shape need.
func checkLayout(entries []entry, size int64) error {
	for _, e := range entries {
		need, err := byteSize(e.DType, e.Shape)
		switch {
		case err != nil:
			return fmt.Errorf("tensor %q: %w", e.name, err)
		case e.Shape == nil:
			return fmt.Errorf("tensor %q: no shape", e.name)
		case len(e.Offsets) != 2 || e.Offsets[0] < 0 || e.Offsets[1] < e.Offsets[0] || e.Offsets[1] > size:
			return fmt.Errorf("tensor %q: bad data_offsets %v, there are %d bytes", e.name, e.Offsets, size)
		case e.Offsets[1]-e.Offsets[0] != need:
			return fmt.Errorf("tensor %q: data_offsets %v, but %s %v takes %d bytes", e.name, e.Offsets, e.DType, e.Shape, need)
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return slices.Compare(a.Offsets, b.Offsets) })
	end := int64(0)
	for _, e := range entries {
		if e.Offsets[0] != end {
			return fmt.Errorf("tensor %q: data begins at %d, the one before ends at %d", e.name, e.Offsets[0], end)
		}
		end = e.Offsets[1]
	}
	if end != size {
		return fmt.Errorf("the tensors take %d bytes of %d", end, size)
	}
	return nil
}

func readTensor(r io.Reader, dtype string, bytes int64) (any, error) {
	switch dtype {
	case "F32":
		return readData[float32](r, bytes/4)
	case "F64":
		return readData[float64](r, bytes/8)
	case "U8":
		return readData[uint8](r, bytes)
	case "I64":
		return readData[int64](r, bytes/8)
	default:
		return readData[uint64](r, bytes/8)
	}
}

func readData[T Element](r io.Reader, n int64) ([]T, error) {
	data := make([]T, n)
	buf := make([]byte, min(chunk, n*8))
	for part := range slices.Chunk(data, chunk/8) {
		b := buf[:binary.Size(part)]
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		if _, err := binary.Decode(b, binary.LittleEndian, part); err != nil {
			return nil, err
		}
	}
	return data, nil
}
