package run

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// reference was written by the format's reference implementation:
//
//	import numpy as np
//	from safetensors.numpy import save        # safetensors 0.8.0
//	save({"b.weight": np.array([[1.5, -2, 3], [0, np.inf, 1e-3]], dtype=np.float32),
//	      "a<&>é": np.array([7, 8, 9], dtype=np.uint8),
//	      "scalar": np.array(2.5, dtype=np.float64),
//	      "a.weight": np.array([0.25], dtype=np.float32),
//	      "steps": np.array([-1, 2**40], dtype=np.int64),
//	      "rng": np.array([2**64-1, 1], dtype=np.uint64),
//	      "empty": np.zeros((0, 4), dtype=np.float32)}, metadata={"step": "1200 <x>"})
const reference = "\xc8\x01\x00\x00\x00\x00\x00\x00" +
	`{"__metadata__":{"step":"1200 <x>"},` +
	`"rng":{"dtype":"U64","shape":[2],"data_offsets":[0,16]},` +
	`"steps":{"dtype":"I64","shape":[2],"data_offsets":[16,32]},` +
	`"scalar":{"dtype":"F64","shape":[],"data_offsets":[32,40]},` +
	`"a.weight":{"dtype":"F32","shape":[1],"data_offsets":[40,44]},` +
	`"b.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[44,68]},` +
	`"empty":{"dtype":"F32","shape":[0,4],"data_offsets":[68,68]},` +
	`"a<&>` + "\xc3\xa9" + `":{"dtype":"U8","shape":[3],"data_offsets":[68,71]}}` +
	"\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00\x00\x00\x00\x00" +
	"\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x01\x00\x00" +
	"\x00\x00\x00\x00\x00\x00\x04@" +
	"\x00\x00\x80>" +
	"\x00\x00\xc0?\x00\x00\x00\xc0\x00\x00@@\x00\x00\x00\x00\x00\x00\x80\x7fo\x12\x83:" +
	"\x07\x08\t"

func referenceContent() *Safetensors {
	return &Safetensors{
		Tensors: map[string]Tensor{
			"b.weight": {[]int{2, 3}, []float32{1.5, -2, 3, 0, float32(math.Inf(1)), 1e-3}},
			"a<&>é":    {[]int{3}, []uint8{7, 8, 9}},
			"scalar":   {[]int{}, []float64{2.5}},
			"a.weight": {[]int{1}, []float32{0.25}},
			"steps":    {[]int{2}, []int64{-1, 1 << 40}},
			"rng":      {[]int{2}, []uint64{math.MaxUint64, 1}},
			"empty":    {[]int{0, 4}, []float32{}},
		},
		Metadata: map[string]string{"step": "1200 <x>"},
	}
}

func TestSafetensorsReference(t *testing.T) {
	dir := t.TempDir()
	theirs, ours := filepath.Join(dir, "theirs"), filepath.Join(dir, "ours")
	put(t, dir, map[string]string{"theirs": reference})
	got, err := ReadSafetensors(theirs)
	if err != nil {
		t.Fatal(err)
	}
	want := referenceContent()
	if !reflect.DeepEqual(got.Tensors, want.Tensors) || !reflect.DeepEqual(got.Metadata, want.Metadata) {
		t.Errorf("read %v\nwant %v", got, want)
	}
	if err := want.WriteFile(ours); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(ours); err != nil || string(data) != reference {
		t.Errorf("wrote %q, %v\nwant  %q", data, err, reference)
	}

	w, err := Values[float32](got, "b.weight", []int{2, 3})
	if err != nil || w[1] != -2 {
		t.Errorf("b.weight = %v, %v", w, err)
	}
	if s, err := Values[float64](got, "scalar", nil); err != nil || s[0] != 2.5 {
		t.Errorf("scalar = %v, %v", s, err)
	}
	_, err = Values[float32](got, "c.weight", nil)
	wantError(t, err, theirs+`: no tensor "c.weight"`, "")
	_, err = Values[float64](got, "b.weight", []int{2, 3})
	wantError(t, err, theirs+`: tensor "b.weight" is []float32, want []float64`, "")
	_, err = Values[float32](got, "b.weight", []int{3, 2})
	wantError(t, err, theirs+`: tensor "b.weight" has shape [2 3], want [3 2]`, "")
}

// TestSafetensorsLarge crosses the borders of the chunks in which data is
// converted, and keeps the bits of a NaN.
func TestSafetensorsLarge(t *testing.T) {
	const n = 3*chunk + 5
	x, b := make([]float32, n), make([]uint8, n)
	for i := range x {
		x[i], b[i] = float32(i), uint8(i%251)
	}
	x[n-1] = math.Float32frombits(0x7fc0beef)
	path := filepath.Join(t.TempDir(), CheckpointFile)
	s := &Safetensors{Tensors: map[string]Tensor{"x": {[]int{n}, x}, "b": {[]int{n, 1}, b}, "scalar": {nil, []float64{7}}}}
	if err := s.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadSafetensors(path)
	if err != nil {
		t.Fatal(err)
	}
	x2, err1 := Values[float32](got, "x", []int{n})
	b2, err2 := Values[uint8](got, "b", []int{n, 1})
	c, err3 := Values[float64](got, "scalar", nil)
	if err1 != nil || err2 != nil || err3 != nil {
		t.Fatal(err1, err2, err3)
	}
	if c[0] != 7 {
		t.Errorf("scalar = %v, want 7", c[0])
	}
	if !bytes.Equal(b, b2) {
		t.Error("the bytes differ")
	}
	for i := range x {
		if math.Float32bits(x[i]) != math.Float32bits(x2[i]) {
			t.Fatalf("x[%d] = %x, want %x", i, math.Float32bits(x2[i]), math.Float32bits(x[i]))
		}
	}
}

// TestSafetensorsAligned writes headers of different lengths: data must begin at
// a multiple of 8.
func TestSafetensorsAligned(t *testing.T) {
	for n := range 9 {
		name := strings.Repeat("x", n)
		var buf bytes.Buffer
		s := Safetensors{Tensors: map[string]Tensor{name: {[]int{1}, []float64{1}}}}
		if err := s.encode(&buf); err != nil {
			t.Fatal(err)
		}
		if n := binary.LittleEndian.Uint64(buf.Bytes()); n%8 != 0 {
			t.Errorf("a header of %d bytes", n)
		}
		if _, err := decode(&buf, int64(buf.Len())); err != nil {
			t.Error(err)
		}
	}
}

func TestSafetensorsWriteErrors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, CheckpointFile)
	for err, s := range map[string]Safetensors{
		`tensor "x": 8 bytes of data, shape [3] needs 12`: {Tensors: map[string]Tensor{"x": {[]int{3}, []float32{1, 2}}}},
		`tensor "x": impossible shape [-1]`:               {Tensors: map[string]Tensor{"x": {[]int{-1}, []float32{}}}},
		`tensor "x": data of type []int cannot be stored`: {Tensors: map[string]Tensor{"x": {[]int{1}, []int{1}}}},
		`tensor "x": data of type <nil> cannot be stored`: {Tensors: map[string]Tensor{"x": {}}},
		`a tensor cannot be named "__metadata__"`:         {Tensors: map[string]Tensor{metadataKey: {[]int{1}, []uint8{1}}}},
		`a tensor cannot be named "\xff"`:                 {Tensors: map[string]Tensor{"\xff": {[]int{1}, []uint8{1}}}},
		`metadata "k" is not UTF-8`:                       {Metadata: map[string]string{"k": "\xff"}},
	} {
		wantError(t, s.WriteFile(path), "cannot write "+path+": "+err, "")
	}
	if got := tree(t, dir); len(got) != 0 {
		t.Errorf("failed writes left %q", got)
	}
}

// file puts a header and n bytes of data together.
func file(header string, n int) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(len(header)))) + header + strings.Repeat("\x01", n)
}

func TestSafetensorsBroken(t *testing.T) {
	long := func(n uint64) string {
		return string(binary.LittleEndian.AppendUint64(nil, n)) + "{}"
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, test := range []struct{ data, err string }{
		{"", "0 bytes are too few"},
		{"\x02\x00\x00", "3 bytes are too few"},
		{long(3), "length 3 is over 2"},
		{long(math.MaxUint64), "length 18446744073709551615 is over 2"},
		{long(1), "bad header: "},
		{long(2) + "x", "the tensors take 0 bytes of 1"},
		{file("[]", 0), "not a JSON object"},
		{file("", 0), "not a JSON object"},
		{file("{} x", 0), "something follows"},
		{file("{}{}", 0), "something follows"},
		{file("{\"a\xff\":1}", 0), "not UTF-8"},
		{file(`{"a":1}`, 0), `tensor "a"`},
		{file(`{"a":null}`, 0), `tensor "a": dtype "" is not supported`},
		{file(`{"__metadata__":{"a":1}}`, 0), "cannot unmarshal number"},
		{file(`{"__metadata__":{},"__metadata__":{}}`, 0), "comes twice"},
		{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1), "key a comes twice"},
		{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"more":1}}`, 1), "unknown field"},
		{file(`{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}`, 2), `dtype "BF16" is not supported`},
		{file(`{"a":{"dtype":"U8","data_offsets":[0,1]}}`, 1), "no shape"},
		{file(`{"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}}`, 1), "cannot unmarshal"},
		{file(`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}}`, 1), "impossible shape [-1]"},
		{file(`{"a":{"dtype":"F64","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, 0), "impossible shape"},
		{file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), "impossible shape"},
		{file(`{"a":{"dtype":"U8","shape":[1]}}`, 1), "bad data_offsets []"},
		{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}`, 1), "bad data_offsets"},
		{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[-1,0]}}`, 1), "bad data_offsets"},
		{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`, 1), "bad data_offsets"},
		{file(`{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}`, 8), "bad data_offsets [0 4000000000], there are 8 bytes"},
		{file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), "but F32 [2] takes 8 bytes"},
		{file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 3), `tensor "b": data begins at 1, the one before ends at 2`},
		{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 3), `tensor "b": data begins at 2, the one before ends at 1`},
		{file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 2), "the tensors take 1 bytes of 2"},
		{reference[:len(reference)-1], "bad data_offsets [68 71], there are 70 bytes"},
	} {
		put(t, dir, map[string]string{"x": test.data})
		_, err := ReadSafetensors(path)
		wantError(t, err, "cannot read "+path+": ", "")
		wantError(t, err, test.err, "")
	}
	_, err := ReadSafetensors(dir)
	wantError(t, err, "cannot read "+dir+": not a regular file", "")
	_, err = ReadSafetensors(filepath.Join(dir, "y"))
	wantError(t, err, "no such file", "")
	// A file that shrinks after its size was asked for.
	if _, err := decode(strings.NewReader(reference[:300]), int64(len(reference))); err == nil {
		t.Error("a file cut short was read")
	}
}

// FuzzSafetensors writes what it could read: the same content, in bytes that no
// longer change.
func FuzzSafetensors(f *testing.F) {
	f.Add([]byte(reference))
	f.Add([]byte(file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"I64","shape":[],"data_offsets":[1,9]}}`, 9)))
	f.Add([]byte(file(`{}  `, 0)))
	f.Add([]byte(file(`{"a":{"dtype":"F32","shape":[1000000000],"data_offsets":[0,4000000000]}}`, 8)))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decode(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		var once, twice bytes.Buffer
		if err := s.encode(&once); err != nil {
			t.Fatalf("cannot write what was read: %v", err)
		}
		again, err := decode(bytes.NewReader(once.Bytes()), int64(once.Len()))
		if err != nil {
			t.Fatalf("cannot read what was written: %v", err)
		}
		if err := again.encode(&twice); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Fatalf("%q\nbecame %q", once.Bytes(), twice.Bytes())
		}
		if len(again.Tensors) != len(s.Tensors) {
			t.Fatalf("%d tensors became %d", len(s.Tensors), len(again.Tensors))
		}
	})
}

func BenchmarkSafetensorsWrite(b *testing.B) {
	const n = 650_000 // weights of a 784-400-20-400-784 autoencoder
	s := &Safetensors{Tensors: map[string]Tensor{"w": {[]int{n}, make([]float32, n)}}}
	path := filepath.Join(b.TempDir(), CheckpointFile)
	b.SetBytes(4 * n)
	for b.Loop() {
		if err := s.WriteFile(path); err != nil {
			b.Fatal(err)
		}
	}
}
