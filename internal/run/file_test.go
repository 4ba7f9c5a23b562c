package run

import (
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.png")
	say := func(text string, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			if _, err := io.WriteString(w, text); err != nil {
				return err
			}
			return err
		}
	}
	if err := WriteFile(path, say("one", nil)); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, say("two", nil)); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no ink")
	err := WriteFile(path, say("three", cause))
	wantError(t, err, "cannot write "+path+": no ink", "")
	if !errors.Is(err, cause) {
		t.Errorf("%v does not wrap its cause", err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = WriteFile(path, func(io.Writer) error { panic("in write") })
	}()
	// The path of an input file that could not be read must stay in the message.
	err = WriteFile(path, func(io.Writer) error {
		_, err := os.Open(filepath.Join(dir, "input"))
		return err
	})
	wantError(t, err, filepath.Join(dir, "input"), "")
	if got, want := tree(t, dir), map[string]string{"a.png": "two"}; !maps.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}

	wantError(t, WriteFile(filepath.Join(dir, "no", "b"), say("x", nil)), "no such file", "")
	wantError(t, WriteFile(filepath.Join(path, "b"), say("x", nil)), "not a directory", "")
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o777); err != nil {
		t.Fatal(err)
	}
	wantError(t, WriteFile(filepath.Join(dir, "d"), say("x", nil)), "cannot write "+filepath.Join(dir, "d")+": ", "")
	if got, want := tree(t, dir), map[string]string{"a.png": "two"}; !maps.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestWriteJSON(t *testing.T) {
	type inner struct{ ELBO float64 }
	type summary struct {
		Name   string             `json:"name"`
		Test   map[string]float64 `json:"test"`
		Hidden []int              `json:"hidden"`
		inner
	}
	path := filepath.Join(t.TempDir(), SummaryFile)
	err := WriteJSON(path, summary{"a<b", map[string]float64{"z": 1.5, "kl": 2}, []int{400, 20}, inner{-92}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{
  "name": "a<b",
  "test": {
    "kl": 2,
    "z": 1.5
  },
  "hidden": [
    400,
    20
  ],
  "ELBO": -92
}
`
	data, err := os.ReadFile(path)
	if err != nil || string(data) != want {
		t.Errorf("got %s, %v\nwant %s", data, err, want)
	}

	type cyclic struct{ Next any }
	loop := &cyclic{}
	loop.Next = loop
	for _, test := range []struct {
		value any
		err   string
	}{
		{summary{Test: map[string]float64{"a": 1, "elbo": math.NaN(), "f": math.Inf(1)}}, "test.elbo is NaN"},
		{&summary{inner: inner{math.Inf(-1)}}, "ELBO is -Inf"},
		{map[string]any{"curve": []any{1, map[int]float32{7: float32(math.Inf(1))}}}, "curve.1.7 is +Inf"},
		{struct {
			Skipped float64 `json:"-"`
			X       *float64
			Y       any `json:",omitempty"`
		}{Skipped: math.NaN(), Y: math.NaN()}, "Y is NaN"},
		{make(chan int), "unsupported type"},
		{loop, "cycle"},
	} {
		wantError(t, WriteJSON(path, test.value), test.err, "")
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != want {
		t.Errorf("a refused value changed the file: %s, %v", after, err)
	}
}

func TestCurrentEnvironment(t *testing.T) {
	env := CurrentEnvironment()
	if env.Go == "" || env.OS == "" || env.Arch == "" || env.CPUs < 1 || env.Module == "" || env.Version == "" || env.Revision == "" {
		t.Errorf("a fact is missing: %+v", env)
	}
}
