package kernel

import (
	"math"
	"slices"
	"testing"
)

// elementary lists the functions with their float64 references and the error
// that is stated for them.
var elementary = []struct {
	name string
	f    func(dst, x []float32)
	want func(x float64) float64
}{
	{"Exp", Exp, math.Exp},
	{"Log", Log, math.Log},
	{"Log1p", Log1p, math.Log1p},
	{"Sigmoid", Sigmoid, sigmoidRef},
	{"Softplus", Softplus, softplusRef},
	{"Tanh", Tanh, math.Tanh},
}

const ulpBound = 3

func sigmoidRef(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplusRef(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// ulps returns the distance of got from want in units of the last place of
// want, as float32 has it; zero if both are NaN or the same infinity.
func ulps(got float32, want float64) float64 {
	rounded := float32(want)
	switch {
	case math.IsNaN(want) && got != got, got == rounded:
		return 0
	case math.IsNaN(want) || got != got:
		return math.Inf(1)
	case math.IsInf(float64(got), 0) || math.IsInf(float64(rounded), 0):
		return math.Inf(1)
	}
	size := float32(math.Abs(want))
	unit := float64(math.Float32frombits(math.Float32bits(size)+1)) - float64(size)
	return math.Abs(float64(got)-want) / unit
}

var specials = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 2, -2, 50, -50, 1e4, -1e4,
	0x1p-149, -0x1p-149, 0x1p-127, -0x1p-127, 0x1p-126, 0x1.fffffep-127, 1e-30, -1e-30, 1e-7, -1e-7, 6e-8,
	88.722, 88.723, 88.73, 89, 90, -87.3, -87.4, -88, -100, -103, -103.9, -103.98, -104, -105, 9.01, 9.02, 10, 20, 44,
	math.MaxFloat32, -math.MaxFloat32, 0x1p127, 0x1.8p127, -0.99999994, -1.0000001, 0.99999994, 1.0000001,
	float32(math.Sqrt2), float32(math.Sqrt2) / 2, 0.41421356, 0.4142136, 0.346573, 0.346574, -0.346574,
	float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), math.Float32frombits(0xffc00001),
}

func TestElementaryFunctions(t *testing.T) {
	// Every 4099th float32, and more where the functions bend.
	x := slices.Clone(specials)
	for bits := uint64(0); bits < 1<<32; bits += 4099 {
		x = append(x, math.Float32frombits(uint32(bits)))
	}
	for v := float32(-110); v < 100; v += 0.0031 {
		x = append(x, v)
	}
	for v := float32(-1.2); v < 2.5; v += 0.000013 {
		x = append(x, v)
	}
	if testing.Short() || raceEnabled {
		x = x[:200_000]
	}
	got := make([]float32, len(x))
	atEachLevel(t, func(t *testing.T) {
		for _, f := range elementary {
			f.f(got, x)
			worst, where := 0.0, 0
			for i, v := range x {
				if e := ulps(got[i], f.want(float64(v))); e > worst {
					worst, where = e, i
				}
			}
			t.Logf("%s: at most %.2f ulp, at %v", f.name, worst, x[where])
			if worst > ulpBound {
				t.Errorf("%s(%v) = %v, want %v: %.2f ulp, bound %v",
					f.name, x[where], got[where], float32(f.want(float64(x[where]))), worst, ulpBound)
			}
		}
	})
}

func TestElementaryLimits(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, c := range []struct {
		name    string
		f       func(dst, x []float32)
		x, want float32
	}{
		{"Exp", Exp, -inf, 0},
		{"Exp", Exp, inf, inf},
		{"Exp", Exp, 1e4, inf},
		{"Exp", Exp, -1e4, 0},
		{"Exp", Exp, 0, 1},
		{"Exp", Exp, nan, nan},
		{"Log", Log, 0, -inf},
		{"Log", Log, -1, nan},
		{"Log", Log, inf, inf},
		{"Log", Log, -inf, nan},
		{"Log", Log, 1, 0},
		{"Log", Log, 0x1p-149, -103.27893},
		{"Log1p", Log1p, -1, -inf},
		{"Log1p", Log1p, -2, nan},
		{"Log1p", Log1p, inf, inf},
		{"Log1p", Log1p, 1e-20, 1e-20},
		{"Log1p", Log1p, 0, 0},
		{"Sigmoid", Sigmoid, 0, 0.5},
		{"Sigmoid", Sigmoid, inf, 1},
		{"Sigmoid", Sigmoid, -inf, 0},
		{"Sigmoid", Sigmoid, -1e4, 0},
		{"Sigmoid", Sigmoid, -50, 1.9287498e-22},
		{"Softplus", Softplus, -50, 1.9287498e-22},
		{"Softplus", Softplus, 1e4, 1e4},
		{"Softplus", Softplus, inf, inf},
		{"Softplus", Softplus, -inf, 0},
		{"Softplus", Softplus, 0, math.Ln2},
		{"Tanh", Tanh, inf, 1},
		{"Tanh", Tanh, -inf, -1},
		{"Tanh", Tanh, 50, 1},
		{"Tanh", Tanh, 1e-20, 1e-20},
		{"Tanh", Tanh, nan, nan},
	} {
		atEachLevel(t, func(t *testing.T) {
			got := []float32{0}
			c.f(got, []float32{c.x})
			if e := ulps(got[0], float64(c.want)); e > ulpBound {
				t.Errorf("%s(%v) = %v, want %v", c.name, c.x, got[0], c.want)
			}
		})
	}
}
