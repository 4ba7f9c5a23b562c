package data

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
)

// The IDX format (http://yann.lecun.com/exdb/mnist/): two zero bytes, the type
// of the values, the number of dimensions, then the dimensions as big-endian
// uint32 and the values, last dimension fastest. The four bytes at the start
// are called the magic number.
const (
	imageMagic = 0x00000803 // unsigned bytes, 3 dimensions: images, rows, columns
	labelMagic = 0x00000801 // unsigned bytes, 1 dimension: labels
)

// readIDX reads the IDX file at path, gzipped or not. It returns the
// dimensions, all at least 1, and their product's number of bytes.
func readIDX(path string, magic uint32) (shape []int, body []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, fmt.Errorf("data: %w", err)
	}
	shape, body, err = decodeIDX(f, info.Size(), magic)
	if err != nil {
		return nil, nil, fmt.Errorf("data: %s: %w; replace it by an intact copy", path, err)
	}
	return shape, body, nil
}

// decodeIDX is readIDX for a stream of size bytes. What the header claims is
// not believed: memory follows the size of the stream and the bytes that have
// really arrived.
func decodeIDX(r io.Reader, size int64, magic uint32) (shape []int, body []byte, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	r = in
	// The content decides about gzip, not the name: an IDX file starts with zeros.
	if start, _ := in.Peek(2); len(start) == 2 && start[0] == 0x1f && start[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, nil, readError(err, "inside the gzip header")
		}
		r = z
	}

	var word [4]byte
	if _, err := io.ReadFull(r, word[:]); err != nil {
		return nil, nil, readError(err, "inside the magic number")
	}
	if m := binary.BigEndian.Uint32(word[:]); m != magic {
		return nil, nil, fmt.Errorf("magic number %s, want %s", magicName(m), magicName(magic))
	}
	shape = make([]int, magic&0xff)
	want := uint64(1)
	for i := range shape {
		if _, err := io.ReadFull(r, word[:]); err != nil {
			return nil, nil, readError(err, "inside the header")
		}
		n := uint64(binary.BigEndian.Uint32(word[:]))
		switch {
		case n == 0 && i == 0:
			return nil, nil, errors.New("the header says that it holds no items")
		case n == 0:
			return nil, nil, errors.New("the header says that its images have no pixels")
		case n > math.MaxInt/want:
			return nil, nil, errors.New("the header claims more bytes than memory can address")
		}
		want *= n
		shape[i] = int(n)
	}

	body, err = readBody(r, int(want), size)
	if err != nil {
		return nil, nil, readError(err, fmt.Sprintf("after %d of the %d bytes that its header announces", len(body), want))
	}
	// Reading on to the end also lets gzip compare its checksum.
	switch _, err := io.ReadFull(r, word[:1]); {
	case err == nil:
		return nil, nil, fmt.Errorf("more bytes follow the %d that its header announces", want)
	case err != io.EOF:
		return nil, nil, readError(err, "inside the gzip checksum")
	}
	return shape, body, nil
}

// readBody reads want bytes from a stream that came from size bytes on disk.
// 16 times the size is room for images as they usually compress, MNIST by 5,
// in one allocation; beyond it the room doubles as it fills. On an error it
// returns the bytes read so far.
func readBody(r io.Reader, want int, size int64) ([]byte, error) {
	body := make([]byte, 0, min(int64(want), 16*max(size, 1)))
	for {
		n, err := io.ReadFull(r, body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err != nil || len(body) == want {
			return body, err
		}
		more := cap(body)
		if more > want-more {
			more = want - more
		}
		body = append(make([]byte, 0, cap(body)+more), body...)
	}
}

// readError words an error of reading that happened at the given place.
func readError(err error, place string) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("truncated: ends %s: %w", place, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("unreadable %s: %w", place, err)
}

// magicName returns a magic number with its meaning.
func magicName(magic uint32) string {
	switch magic {
	case imageMagic:
		return fmt.Sprintf("%#08x (images)", magic)
	case labelMagic:
		return fmt.Sprintf("%#08x (labels)", magic)
	}
	return fmt.Sprintf("%#08x (neither images nor labels)", magic)
}
