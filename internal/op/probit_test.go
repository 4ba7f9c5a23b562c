package op_test

import (
	"math"
	"testing"

	"relaxgo/internal/op"
)

// TestNormalQuantile compares both directions with pairs x, logit Φ(x) to 18 digits, from 50-digit arithmetic.
func TestNormalQuantile(t *testing.T) {
	table := [][2]float64{
		{6.266570686577501256e-13, 1e-12},
		{0.0006266570574509375768, 0.001},
		{0.311946296049254096, 0.5},
		{1.125878505259318095, 1.9},
		{1.178980742823624856, 2},
		{2.096839762706873249, 3.999},
		{2.097638272269934952, 4.001},
		{2.473339222797829296, 5},
		{4.306477213609962521, 11.7},
		{8.205116084026953769, 36.7},
		{9.674825283612356509, 50},
		{13.0007861495422189, 88},
		{37.29507963264741696, 700},
		{141.3798398731271637, 1e4},
		{1414213.562362431155, 1e12},
		{0, 0},
	}
	var xs, ss []float64
	for _, pair := range table {
		xs, ss = append(xs, pair[0], -pair[0]), append(ss, pair[1], -pair[1])
	}
	for _, c := range []struct {
		name     string
		build    build
		in, want []float64
	}{
		{"NormalQuantile", unary(op.NormalQuantile), ss, xs},
		{"LogitNormalCDF", unary(op.LogitNormalCDF), xs, ss},
	} {
		b, err := newBench[float64](opCase{build: c.build}, [][]int{{1, len(c.in)}}, [][]float64{c.in}, 1)
		if err != nil {
			t.Fatal(err)
		}
		b.run(t)
		for i, got := range b.prog.Output("value") {
			const tol = 1e-14 // some ten roundings, relative
			if !(math.Abs(got-c.want[i]) <= tol*math.Abs(c.want[i])) {
				t.Errorf("%s(%g) = %.17g, want %.17g within %.0g", c.name, c.in[i], got, c.want[i], tol)
			}
		}
	}
}
