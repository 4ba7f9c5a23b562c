package op_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
)

// successiveSoftmax tries op.SuccessiveSoftmax of k on keys of those shapes.
func successiveSoftmax(k int, keys ...[][]int) opCase {
	c := opCase{
		name:  fmt.Sprint("successivesoftmax ", k),
		build: func(in ...*G.Node) (*G.Node, error) { return op.SuccessiveSoftmax(in[0], in[1], k) },
		order: 1,
		draw: func(i int, r *rand.Rand) float64 {
			if i == 1 {
				return 0.5 + r.Float64()
			}
			return 2 * r.NormFloat64()
		},
		value: func(shapes [][]int, in [][]float64) []float64 {
			return lastAxis(func(row []float64) []float64 { return successive(row, in[1][0], k) })(shapes, in)
		},
	}
	for _, s := range keys {
		c.shapes = append(c.shapes, [][]int{s[0], {}})
	}
	return c
}

// successive is the sum of k softmaxes, in logarithms throughout.
func successive(keys []float64, τ float64, k int) []float64 {
	α, sum := slices.Clone(keys), make([]float64, len(keys))
	for range k {
		scaled := make([]float64, len(α))
		for i, v := range α {
			scaled[i] = v / τ
		}
		all := stableLogSumExp(scaled)
		for i, v := range scaled {
			sum[i] += math.Exp(v - all)
			α[i] += stableLogSumExp(slices.Concat(scaled[:i], scaled[i+1:])) - all
		}
	}
	return sum
}

func stableLogSumExp(x []float64) float64 {
	if len(x) == 0 {
		return math.Inf(-1)
	}
	top, sum := slices.Max(x), 0.
	for _, v := range x {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}

// temperature is a constant ½ in the graph of x.
func temperature(x *G.Node) *G.Node {
	τ, err := op.ConstantLike(x, 0.5)
	if err != nil {
		panic(err)
	}
	return τ
}

// Large keys and low temperatures give finite values and gradients in both precisions, and the values are right.
func TestSuccessiveSoftmaxExtremes(t *testing.T) {
	for _, keys := range [][]float64{
		{50, -50, 0, 50, -50, 1, 1.5},
		{1e4, -1e4, 0, -1e4, 0, 50, -50},
		{0, 0, 0, 0, 0, 0, 0},
		{-50, -49.9, -50, -50, -49.9, -50.5, 50},
		{-1, 80},
	} {
		for _, τ := range []float64{1e-3, 0.1, 1, 10} {
			for k := 1; k <= len(keys); k++ {
				c := opCase{order: 1, build: func(in ...*G.Node) (*G.Node, error) { return op.SuccessiveSoftmax(in[0], in[1], k) }}
				shapes, in := [][]int{{1, len(keys)}, {}}, [][]float64{keys, {τ}}
				b64, err := newBench[float64](c, shapes, in, 1)
				if err != nil {
					t.Fatal(err)
				}
				b32, err := newBench[float32](c, shapes, in, 1)
				if err != nil {
					t.Fatal(err)
				}
				b64.run(t)
				b32.run(t)
				what := fmt.Sprintf("%v, τ = %g, k = %d", keys, τ, k)
				near(t, what, b64.prog.Output("value"), successive(keys, τ, k), 1e-10) // of numbers up to 10⁷ before the exponential
				sum := 0.
				for _, v := range b32.prog.Output("value") {
					sum += float64(v)
				}
				near(t, what+": float32, sum", []float64{sum}, []float64{float64(k)}, 1e-6)
				for _, v := range slices.Concat(b64.prog.Output("d0"), b64.prog.Output("d1"), widen(b32.prog.Output("d0")), widen(b32.prog.Output("d1"))) {
					if math.IsNaN(v) || math.IsInf(v, 0) {
						t.Fatalf("%s: gradients %v and %v, float32 %v and %v", what, b64.prog.Output("d0"), b64.prog.Output("d1"),
							b32.prog.Output("d0"), b32.prog.Output("d1"))
					}
				}
			}
		}
	}
}

// StraightThroughTopK has the value of TopK, ties included, and the gradient of SuccessiveSoftmax.
func TestStraightThroughTopK(t *testing.T) {
	shapes, in := [][]int{{2, 4}, {}}, [][]float64{{1, 1, 1, 1, 0, 5, 5, -5}, {0.7}}
	for k := 1; k <= 4; k++ {
		outputs := make(map[string][][]float64)
		for name, build := range map[string]build{
			"hard": func(in ...*G.Node) (*G.Node, error) { return op.StraightThroughTopK(in[0], in[1], k) },
			"soft": func(in ...*G.Node) (*G.Node, error) { return op.SuccessiveSoftmax(in[0], in[1], k) },
			"top":  func(in ...*G.Node) (*G.Node, error) { return op.TopK(in[0], k) },
		} {
			order := 1
			if name == "top" {
				order = 2
			}
			b, err := newBench[float64](opCase{build: build, order: order}, shapes, in, 1)
			if err != nil {
				t.Fatal(err)
			}
			b.run(t)
			for _, o := range []string{"value", "d0", "d1"} {
				if o == "d1" {
					outputs[name] = append(outputs[name], []float64{b.prog.Scalar(o)})
				} else {
					outputs[name] = append(outputs[name], slices.Clone(b.prog.Output(o)))
				}
			}
		}
		hard, soft, top := outputs["hard"], outputs["soft"], outputs["top"]
		if !slices.Equal(hard[0], top[0]) {
			t.Errorf("k = %d: value %v, want %v", k, hard[0], top[0])
		}
		if !slices.Equal(hard[1], soft[1]) || !slices.Equal(hard[2], soft[2]) {
			t.Errorf("k = %d: gradients %v, want those of the softmaxes %v", k, hard[1:], soft[1:])
		}
	}
}
