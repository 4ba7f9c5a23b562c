package data

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// idx returns an IDX stream with the header and body given, right or wrong.
func idx(magic uint32, shape []uint32, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, magic)
	for _, n := range shape {
		out = binary.BigEndian.AppendUint32(out, n)
	}
	return append(out, body...)
}

// zip returns the stream gzipped.
func zip(t testing.TB, stream []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(stream); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestDecodeIDX(t *testing.T) {
	pixels := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	images := idx(imageMagic, []uint32{2, 3, 2}, pixels)
	zipped := zip(t, images)
	flipped := slices.Clone(zipped)
	flipped[len(flipped)-8] ^= 1 // in the checksum

	for _, test := range []struct {
		name   string
		stream []byte
		magic  uint32
		want   string // part of the error; empty: success
	}{
		{"images", images, imageMagic, ""},
		{"gzipped images", zipped, imageMagic, ""},
		{"two gzip members", append(zip(t, images[:20]), zip(t, images[20:])...), imageMagic, ""},
		{"empty", nil, imageMagic, "truncated: ends inside the magic number"},
		{"one byte", images[:1], imageMagic, "truncated: ends inside the magic number"},
		{"cut magic", images[:3], imageMagic, "truncated: ends inside the magic number"},
		{"cut header", images[:15], imageMagic, "truncated: ends inside the header"},
		{"no body", images[:16], imageMagic, "truncated: ends after 0 of the 12 bytes"},
		{"cut body", images[:27], imageMagic, "truncated: ends after 11 of the 12 bytes"},
		{"trailing byte", append(slices.Clone(images), 0), imageMagic, "more bytes follow the 12"},
		{"labels for images", idx(labelMagic, []uint32{12}, pixels), imageMagic, "magic number 0x00000801 (labels), want 0x00000803 (images)"},
		{"images for labels", images, labelMagic, "magic number 0x00000803 (images), want 0x00000801 (labels)"},
		{"floats", idx(0x00000d03, []uint32{2, 3, 2}, pixels), imageMagic, "neither images nor labels"},
		{"a web page", []byte("<!DOCTYPE html><html>"), imageMagic, "neither images nor labels"},
		{"no items", idx(imageMagic, []uint32{0, 28, 28}, nil), imageMagic, "no items"},
		{"no rows", idx(imageMagic, []uint32{2, 0, 28}, nil), imageMagic, "no pixels"},
		{"no columns", idx(imageMagic, []uint32{2, 28, 0}, nil), imageMagic, "no pixels"},
		{"two million images", idx(imageMagic, []uint32{2_000_000, 28, 28}, nil), imageMagic, "truncated: ends after 0 of the 1568000000 bytes"},
		{"two billion labels", idx(labelMagic, []uint32{1<<31 - 1}, pixels), labelMagic, "truncated: ends after 12 of"},
		{"2^96 bytes", idx(imageMagic, []uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, pixels), imageMagic, "more bytes than memory can address"},
		{"cut gzip header", zipped[:5], imageMagic, "truncated: ends inside the gzip header"},
		{"cut gzip body", zipped[:len(zipped)-12], imageMagic, "truncated: ends "},
		{"cut gzip checksum", zipped[:len(zipped)-3], imageMagic, "gzip"},
		{"wrong gzip checksum", flipped, imageMagic, "gzip: invalid checksum"},
		{"garbage after gzip", append(slices.Clone(zipped), "garbage and more"...), imageMagic, "gzip: invalid header"},
		{"trailing byte in gzip", zip(t, append(slices.Clone(images), 0)), imageMagic, "more bytes follow the 12"},
		{"two million zipped images", zip(t, idx(imageMagic, []uint32{2_000_000, 28, 28}, pixels)), imageMagic, "truncated: ends after 12 of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			shape, body, err := decodeIDX(bytes.NewReader(test.stream), int64(len(test.stream)), test.magic)
			if test.want != "" {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got error %v, want one with %q", err, test.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(shape, []int{2, 3, 2}) || !bytes.Equal(body, pixels) {
				t.Errorf("got shape %v, body %v", shape, body)
			}
		})
	}
}

// A header that lies must not cost more memory than the stream deserves.
func TestDecodeIDXMemory(t *testing.T) {
	lie := idx(imageMagic, []uint32{1<<32 - 1, 28, 28}, nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, _, err := decodeIDX(bytes.NewReader(lie), int64(len(lie)), imageMagic); err == nil {
		t.Fatal("no error")
	}
	runtime.ReadMemStats(&after)
	// The read buffer has 64 KiB.
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<18 {
		t.Errorf("16 bytes that claim 3 TB took %d bytes of memory, want at most %d", used, 1<<18)
	}
}

// Images that compress better than the first guess of memory are read whole, in no
// more than twice their size.
func TestReadBodyGrows(t *testing.T) {
	want := make([]byte, 1_000_003)
	for i := range want {
		want[i] = byte(i % 251)
	}
	body, err := readBody(bytes.NewReader(want), len(want), 1)
	if err != nil || !bytes.Equal(body, want) || cap(body) > 2*len(want) {
		t.Errorf("got %d bytes in room for %d and error %v, want %d", len(body), cap(body), err, len(want))
	}
	body, err = readBody(bytes.NewReader(want[:70]), 1<<30, 1)
	if err != io.ErrUnexpectedEOF || len(body) != 70 || cap(body) > 2*70 {
		t.Errorf("got %d bytes in room for %d and error %v, want 70 bytes and unexpected EOF", len(body), cap(body), err)
	}
}

func FuzzIDX(f *testing.F) {
	images := idx(imageMagic, []uint32{2, 3, 2}, []byte("twelve bytes"))
	labels := idx(labelMagic, []uint32{3}, []byte{7, 2, 1})
	for _, stream := range [][]byte{
		nil, images, labels, images[:17], zip(f, images), zip(f, labels), zip(f, images)[:30],
		idx(imageMagic, []uint32{1<<32 - 1, 1<<32 - 1, 1<<32 - 1}, nil),
		zip(f, idx(labelMagic, []uint32{100_000}, make([]byte, 100_000))),
	} {
		f.Add(stream)
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, magic := range []uint32{imageMagic, labelMagic} {
			shape, body, err := decodeIDX(bytes.NewReader(stream), int64(len(stream)), magic)
			if err != nil {
				continue
			}
			size := 1
			dims := make([]uint32, len(shape))
			for i, n := range shape {
				size *= n
				dims[i] = uint32(n)
			}
			if size != len(body) || size == 0 {
				t.Fatalf("shape %v with %d bytes", shape, len(body))
			}
			if cap(body) > max(16*len(stream), 2*len(body)) {
				t.Errorf("room for %d bytes, read %d from a stream of %d", cap(body), len(body), len(stream))
			}
			plain := stream
			if stream[0] == 0x1f {
				z, err := gzip.NewReader(bytes.NewReader(stream))
				if err != nil {
					t.Fatal(err)
				}
				if plain, err = io.ReadAll(z); err != nil {
					t.Fatal(err)
				}
			}
			if again := idx(magic, dims, body); !bytes.Equal(again, plain) {
				t.Errorf("encoded again: %x, was %x", again, plain)
			}
		}
	})
}
