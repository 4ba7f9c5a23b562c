package data

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"slices"
	"testing"
)

func TestParseTargets(t *testing.T) {
	for name, want := range map[string]Targets{
		"": Grey, "grey": Grey, "gray": Grey, "none": Grey,
		"static": Static, "dynamic": Dynamic, "threshold": Threshold,
	} {
		got, err := ParseTargets(name)
		if err != nil || got != want {
			t.Errorf("%q: got %v and error %v, want %v", name, got, err, want)
		}
		if again, err := ParseTargets(got.String()); err != nil || again != want {
			t.Errorf("%q: its name %q gives %v and error %v", name, got, again, err)
		}
	}
	_, err := ParseTargets("Statik")
	checkError(t, err, "Statik", "grey", "static", "dynamic", "threshold")
}

func TestTargetsAsText(t *testing.T) {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	var targets Targets
	fs.TextVar(&targets, "binarize", Grey, "")
	if err := fs.Parse([]string{"-binarize=dynamic"}); err != nil || targets != Dynamic {
		t.Errorf("flag: got %v and error %v", targets, err)
	}
	text, err := json.Marshal(targets)
	if err != nil || string(text) != `"dynamic"` {
		t.Errorf("JSON: got %s and error %v", text, err)
	}
	if err := json.Unmarshal([]byte(`"sometimes"`), &targets); err == nil || targets != Dynamic {
		t.Errorf("unknown name: got %v and error %v", targets, err)
	}
	if _, err := Targets(7).MarshalText(); err == nil || Targets(-1).String() != "Targets(-1)" {
		t.Error("an unknown value has a name")
	}
}

// ramp returns a set of n images, each the 256 grey values in order.
func ramp(name string, n int) Set {
	s := Set{Name: name, Images: make([]byte, 256*n), Labels: make([]byte, n), Rows: 16, Cols: 16}
	for i := range s.Images {
		s.Images[i] = byte(i)
	}
	return s
}

// checkFrequencies compares how often each grey value became one in n images
// with value/255, to within 4.5 standard errors: among the 256 values one
// beyond that is expected in 600 seeds. 0 and 255 have no error at all.
func checkFrequencies(t *testing.T, count *[256]int, n int) {
	t.Helper()
	for v, c := range count {
		p := float64(v) / 255
		got := float64(c) / float64(n)
		tolerance := 4.5 * math.Sqrt(p*(1-p)/float64(n))
		if math.Abs(got-p) > tolerance {
			t.Errorf("value %d: frequency %.5f, want %.5f ± %.5f", v, got, p, tolerance)
		}
	}
}

func TestBinarizeStatic(t *testing.T) {
	const n = 4000
	d := Dataset{Train: ramp("train", n), Test: ramp("test", n)}
	before := bytes.Clone(d.Train.Images)
	one, err := d.Binarize(Static, 7)
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Binarize(Static, 7)
	if err != nil {
		t.Fatal(err)
	}
	other, err := d.Binarize(Static, 8)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.Train.Images, before) {
		t.Error("the grey pixels have changed")
	}
	if !bytes.Equal(one.Train.Images, again.Train.Images) || !bytes.Equal(one.Test.Images, again.Test.Images) {
		t.Error("the same seed gives other pixels")
	}
	if one.Train.Dynamic || one.Test.Dynamic {
		t.Error("static pixels are dynamic")
	}
	var count [256]int
	for i, v := range one.Train.Images {
		switch v {
		case 0:
		case 255:
			count[i%256]++
		default:
			t.Fatalf("pixel %d is %d", i, v)
		}
	}
	checkFrequencies(t, &count, n)
	checkIndependent(t, "seeds", one.Train.Images, other.Train.Images)
	checkIndependent(t, "train and test", one.Train.Images, one.Test.Images)
	checkIndependent(t, "neighbouring images", one.Train.Images[256:], one.Train.Images[:256*(n-1)])
}

// checkIndependent compares how often two binarisations of ramps agree with
// what independence predicts: p² + (1−p)² for each value.
func checkIndependent(t *testing.T, what string, a, b []byte) {
	t.Helper()
	var agree, mean, variance float64
	for i := range a {
		if a[i] == b[i] {
			agree++
		}
		p := float64(i%256) / 255
		q := p*p + (1-p)*(1-p)
		mean += q
		variance += q * (1 - q)
	}
	if tolerance := 4 * math.Sqrt(variance); math.Abs(agree-mean) > tolerance {
		t.Errorf("%s agree in %.0f of %d pixels, want %.0f ± %.0f", what, agree, len(a), mean, tolerance)
	}
}

func TestBinarizeOthers(t *testing.T) {
	d := Dataset{Train: ramp("train", 2), Test: ramp("test", 1)}

	for _, targets := range []Targets{Grey, Dynamic} {
		got, err := d.Binarize(targets, 1)
		if err != nil {
			t.Fatal(err)
		}
		if &got.Train.Images[0] != &d.Train.Images[0] {
			t.Errorf("%v: the pixels were copied", targets)
		}
		if want := targets == Dynamic; got.Train.Dynamic != want || got.Test.Dynamic != want {
			t.Errorf("%v: Dynamic is %v and %v", targets, got.Train.Dynamic, got.Test.Dynamic)
		}
	}

	got, err := d.Binarize(Threshold, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Concat(make([]byte, 128), bytes.Repeat([]byte{255}, 128))
	if !bytes.Equal(got.Test.Images, want) || !bytes.Equal(got.Train.Images, slices.Concat(want, want)) {
		t.Errorf("threshold: got %v", got.Test.Images)
	}

	_, err = d.Binarize(Targets(4), 1)
	checkError(t, err, "unknown targets 4")
	d.Test.Images = d.Test.Images[1:]
	_, err = d.Binarize(Static, 1)
	checkError(t, err, `"test"`, "255 pixel bytes")
}
