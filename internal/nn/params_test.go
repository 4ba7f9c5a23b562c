package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"relaxgo/internal/stream"
)

// build returns a set with the named 4×3 weights.
func build(t *testing.T, seed uint64, names ...string) *Params {
	t.Helper()
	p := NewParams(seed)
	for _, name := range names {
		if _, err := p.Add(name, []int{4, 3}, GlorotUniform); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error: want one about %q", parts)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestAddKeepsOrderAndCounts(t *testing.T) {
	p := build(t, 1, "z", "a")
	scalar, err := p.Add("m", nil, Constant(2))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, param := range p.All() {
		names = append(names, param.Name)
	}
	if want := []string{"z", "a", "m"}; !slices.Equal(names, want) {
		t.Errorf("order %v: want %v", names, want)
	}
	if p.Count() != 25 {
		t.Errorf("Count() = %d: want 4·3 + 4·3 + 1", p.Count())
	}
	if got, ok := p.Get("m"); !ok || got != scalar || len(got.Data) != 1 {
		t.Errorf("Get(m) = %v, %v", got, ok)
	}
	if got, ok := p.Get("absent"); ok || got != nil {
		t.Errorf("Get(absent) = %v, %v", got, ok)
	}
}

func TestWeightsDependOnSeedAndNameAlone(t *testing.T) {
	p, q := build(t, 7, "a", "b"), build(t, 7, "extra", "b", "a")
	for _, name := range []string{"a", "b"} {
		x, _ := p.Get(name)
		y, _ := q.Get(name)
		if !slices.Equal(x.Data, y.Data) {
			t.Errorf("%s changed with the order of Add: %v, %v", name, x.Data, y.Data)
		}
	}
	a, _ := p.Get("a")
	b, _ := p.Get("b")
	if slices.Equal(a.Data, b.Data) {
		t.Error("two names share one stream")
	}
	other, _ := build(t, 8, "a").Get("a")
	if slices.Equal(a.Data, other.Data) {
		t.Error("two seeds give the same weights")
	}
}

// TestStream pins the stream's name and the order of draws: a change would
// change every published result.
func TestStream(t *testing.T) {
	rng := rand.New(stream.New(7, "init/a"))
	a, _ := build(t, 7, "a").Get("a")
	bound := math.Sqrt(6.0 / 7)
	for i, x := range a.Data {
		if want := float32(bound * (2*rng.Float64() - 1)); x != want {
			t.Fatalf("weight %d is %v: want %v", i, x, want)
		}
	}
}

func TestAddErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		shape []int
		init  Init
		want  string
	}{
		{"", []int{1}, Zeros, "without a name"},
		{"taken", []int{1}, Zeros, `"taken" exists already`},
		{"w", []int{1}, nil, `"w" has no initialiser`},
		{"w", []int{3, 0}, Zeros, "shape [3 0]"},
		{"w", []int{-1}, Zeros, "at least 1"},
		{"w", []int{math.MaxInt, math.MaxInt}, Zeros, "more than"},
		{"w", []int{1 << 16, 1 << 16}, Zeros, "more than"},
		{"w", []int{2}, TorchLinear(0), "not finite"},
		{"w", []int{2}, TorchLinear(-3), "not finite"},
		{"w", []int{2}, Constant(float32(math.Inf(1))), "not finite"},
	} {
		p := build(t, 1, "taken")
		_, err := p.Add(test.name, test.shape, test.init)
		wantError(t, err, test.want)
		if len(p.All()) != 1 {
			t.Errorf("Add(%q, %v) failed but changed the set", test.name, test.shape)
		}
	}
}

func TestAddKeepsItsOwnShape(t *testing.T) {
	shape := []int{2, 3}
	param, err := new(Params).Add("w", shape, func(s []int, dst []float32, _ *rand.Rand) { s[0] = 9; clear(dst) })
	if err != nil {
		t.Fatal(err)
	}
	shape[1] = 5
	if !slices.Equal(param.Shape, []int{2, 3}) {
		t.Errorf("shape %v: want [2 3]", param.Shape)
	}
}

func TestStateRoundTrip(t *testing.T) {
	p, q := build(t, 1, "a", "b"), build(t, 2, "a", "b")
	if err := q.SetState(p.State()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "b"} {
		x, _ := p.Get(name)
		y, _ := q.Get(name)
		if !slices.Equal(x.Data, y.Data) {
			t.Errorf("%s: %v became %v", name, x.Data, y.Data)
		}
	}
	a, _ := p.Get("a")
	p.State()["a"][0] = 42
	if a.Data[0] != 42 {
		t.Error("State is not a view")
	}
	if b, _ := q.Get("a"); b.Data[0] == 42 {
		t.Error("SetState keeps the caller's slice")
	}
}

func TestSetStateNamesEveryFault(t *testing.T) {
	p := build(t, 1, "a", "b", "c")
	before := make(map[string][]float32)
	for name, data := range p.State() {
		before[name] = slices.Clone(data)
	}
	err := p.SetState(map[string][]float32{
		"a": make([]float32, 12), "b": make([]float32, 5), "y": nil, "x": nil,
	})
	wantError(t, err, `"b" has 5 numbers, shape [4 3] needs 12`, `"c" is missing`, `"x" is surplus; "y" is surplus`)
	for name, data := range p.State() {
		if !slices.Equal(data, before[name]) {
			t.Errorf("%s changed although SetState failed", name)
		}
	}
}
