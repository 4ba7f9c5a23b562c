package op_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
)

// TestPieces: large work is cut into pieces for several cores, and each row of it is, to the last bit, what it is alone,
// and so is its gradient.
func TestPieces(t *testing.T) {
	const rows, width, k = 120, 16, 20 // 38 400 elements
	points := make([]float64, k)
	for i := range points {
		points[i] = float64(i)
	}
	for _, c := range []struct {
		name  string
		event [][]int // of the inputs
		f     build
	}{
		{"softmax", [][]int{{width, k}}, unary(op.Softmax)},
		{"logsoftmax", [][]int{{width, k}}, unary(op.LogSoftmax)},
		{"logsumexp", [][]int{{width, k}}, unary(op.LogSumExp)},
		{"onehotmax", [][]int{{width, k}}, unary(op.OneHotMax)},
		{"scalar", [][]int{{width, k}}, func(in ...*G.Node) (*G.Node, error) {
			var e op.Expr
			return e.Node(e.Of(op.Div(in[0], e.Of(op.ConstantLike(in[0], 3)))))
		}},
		{"dot", [][]int{{width, k}}, func(in ...*G.Node) (*G.Node, error) { return op.DotLast(in[0], points) }},
		{"lines", [][]int{{width}}, func(in ...*G.Node) (*G.Node, error) { return op.LinesLast(in[0], points, points) }},
		{"censored", [][]int{{width}}, func(in ...*G.Node) (*G.Node, error) { return op.CensoredLogits(in[0], poisson, k-1) }},
		{"categoricalkl", [][]int{{width, k}, {width, k}}, binary(op.CategoricalKL)},
		{"censoredlogistickl", [][]int{{width * k}, {width * k}, {width * k}}, func(in ...*G.Node) (*G.Node, error) {
			return op.CensoredLogisticKL(in[0], in[1], in[2])
		}},
		{"logitnormalcdf", [][]int{{width, k}}, unary(op.LogitNormalCDF)},
		{"normalquantile", [][]int{{width, k}}, unary(op.NormalQuantile)},
	} {
		r := rand.New(rand.NewPCG(1, 2))
		in := make([][]float64, len(c.event))
		size := make([]int, len(c.event))
		for i, event := range c.event {
			size[i] = 1
			for _, d := range event {
				size[i] *= d
			}
			for range rows * size[i] {
				in[i] = append(in[i], float64(float32(r.NormFloat64())))
			}
		}
		gradient := func(in ...*G.Node) (*G.Node, error) {
			y, err := c.f(in...)
			if err != nil {
				return nil, err
			}
			var e op.Expr
			grads, err := autodiff.Gradient(e.Of(op.SumAll(e.Of(op.Square(y)))), in...)
			if err != nil {
				return nil, err
			}
			return grads[0], nil
		}
		for what, f := range map[string]build{"value": c.f, "gradient": gradient} {
			at := func(from, to int) []float64 {
				var shapes [][]int
				var part [][]float64
				for i, event := range c.event {
					shapes = append(shapes, append([]int{to - from}, event...))
					part = append(part, in[i][from*size[i]:to*size[i]])
				}
				y32, err := compute[float32](f, shapes, part)
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				y64, err := compute[float64](f, shapes, part)
				if err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
				return slices.Concat(y32, y64)
			}
			all := at(0, rows)
			n := len(all) / 2 / rows
			for _, from := range []int{0, 17, rows - 3} {
				part := at(from, from+3)
				whole := slices.Concat(all[from*n:(from+3)*n], all[(rows+from)*n:(rows+from+3)*n])
				if !slices.Equal(part, whole) {
					t.Errorf("%s: %s of rows %d to %d differs from what they give alone", c.name, what, from, from+2)
				}
			}
		}
	}
}
