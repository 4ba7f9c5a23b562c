package op_test

import (
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/internal/program"
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

// TestFittedProbit: in float32 both directions and their derivatives are within a unit in the last place of those in
// float64, from near zero to far beyond where the fits end.
func TestFittedProbit(t *testing.T) {
	var x []float64
	for v := 1e-6; v < 1e4; v *= 1.003 {
		x = append(x, float64(float32(v)), -float64(float32(v)))
	}
	x = append(x, 0, 6, float64(float32(20.736768)), float64(math.Nextafter32(6, 7)))
	for _, f := range []struct {
		name  string
		build build
	}{{"LogitNormalCDF", unary(op.LogitNormalCDF)}, {"NormalQuantile", unary(op.NormalQuantile)}} {
		slope := func(in ...*G.Node) (*G.Node, error) {
			y, err := f.build(in...)
			if err != nil {
				return nil, err
			}
			var e op.Expr
			d, err := autodiff.Gradient(e.Of(op.SumAll(y)), in[0])
			if err != nil {
				return nil, err
			}
			return d[0], nil
		}
		for name, build := range map[string]build{f.name: f.build, f.name + "′": slope} {
			want, err := compute[float64](build, [][]int{{1, len(x)}}, [][]float64{x})
			if err != nil {
				t.Fatal(err)
			}
			got, err := compute[float32](build, [][]int{{1, len(x)}}, [][]float64{x})
			if err != nil {
				t.Fatal(err)
			}
			for i, w := range want {
				const tol = 0x1p-24 + 1e-8 // rounding, and the error of the fit
				if !(math.Abs(got[i]-w) <= tol*math.Abs(w)) {
					t.Errorf("%s(%g) = %.9g in float32, want %.9g; %.2g of it, at most %.2g", name, x[i], got[i], w, math.Abs(got[i]/w-1), tol)
				}
			}
		}
	}
}

// compute evaluates a formula.
func compute[T op.Float](f build, shapes [][]int, in [][]float64) ([]float64, error) {
	outs := make(map[string]*G.Node)
	g, err := program.Build(func(g *program.Graph[T]) error {
		var nodes []*G.Node
		for i, s := range shapes {
			input, err := g.Input(fmt.Sprintf("in%d", i), s...)
			if err != nil {
				return err
			}
			for j, v := range in[i] {
				input.Data[j] = T(v)
			}
			nodes = append(nodes, input.Node)
		}
		var err error
		outs["y"], err = f(nodes...)
		return err
	})
	if err != nil {
		return nil, err
	}
	p, err := program.Compile(g, program.Outputs{Plain: outs})
	if err != nil {
		return nil, err
	}
	if err := p.Run(); err != nil {
		return nil, err
	}
	var y []float64
	for _, v := range p.Output("y") {
		y = append(y, float64(v))
	}
	return y, nil
}
