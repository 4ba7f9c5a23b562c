package op_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
)

// sequentialKL tries op.SequentialKL of k draws on those shapes.
func sequentialKL(k int, shapes ...[]int) opCase {
	c := opCase{
		name:  fmt.Sprint("sequentialkl ", k),
		build: func(in ...*G.Node) (*G.Node, error) { return op.SequentialKL(in[0], in[1], in[2], k) },
		order: 1,
		fixed: []bool{false, false, true},
		value: func(shapes [][]int, in [][]float64) []float64 {
			n := shapes[0][len(shapes[0])-1]
			out := make([]float64, shapes[0][0])
			for i := 0; i < len(in[0]); i += n {
				v, _, _ := sequential(in[0][i:i+n], in[1][i:i+n], in[2][i:i+n], k)
				out[i*len(out)/len(in[0])] += v
			}
			return out
		},
	}
	for _, s := range shapes {
		c.shapes = append(c.shapes, [][]int{s, s, s})
	}
	return c
}

// sequential adds up the divergences draw by draw, and their gradients in q and p.
func sequential(q, p, keys []float64, k int) (kl float64, dq, dp []float64) {
	left := make([]int, len(keys))
	for i := range left {
		left[i] = i
	}
	dq, dp = make([]float64, len(q)), make([]float64, len(q))
	for range k {
		var φ, ψ []float64
		for _, i := range left {
			φ, ψ = append(φ, q[i]), append(ψ, p[i])
		}
		logs := func(x []float64, j int) float64 { return x[j] - stableLogSumExp(x) }
		mean := 0.
		for j := range left {
			mean += math.Exp(logs(φ, j)) * (logs(φ, j) - logs(ψ, j))
		}
		kl += mean
		next := 0
		for j, i := range left {
			π, ρ := math.Exp(logs(φ, j)), math.Exp(logs(ψ, j))
			dq[i] += π * (logs(φ, j) - logs(ψ, j) - mean)
			dp[i] += ρ - π
			if keys[i] > keys[left[next]] {
				next = j
			}
		}
		left = slices.Delete(left, next, next+1)
	}
	return kl, dq, dp
}

// Logits that are far apart give the right values and gradients in both precisions, and so do equal keys, of which the
// first is drawn first.
func TestSequentialKLExtremes(t *testing.T) {
	for _, c := range []struct{ q, p, keys []float64 }{
		{[]float64{50, -50, 0, 50, -50}, []float64{-50, 50, 0, 50, 50}, []float64{3, 1, 2, 5, 4}},
		{[]float64{50, -50, 0, 50, -50}, []float64{-50, 50, 0, 50, 50}, []float64{1, 2, 5, 3, 4}},
		{[]float64{50, -50, 0, 50, -50}, []float64{0, 0, 0, 0, 0}, []float64{2, 2, 2, 2, 2}},
		{[]float64{1e4, -1e4, 0, 5e3, -5e3}, []float64{0, 0, 1e4, -1e4, 1}, []float64{5, 4, 3, 2, 1}},
		{[]float64{1e4, -1e4, 0, 5e3, -5e3}, []float64{0, 0, 1e4, -1e4, 1}, []float64{1, 4, 1, 4, 3}},
		{[]float64{-800, 700, 0.5, 0.25, 3}, []float64{700, -800, 0.5, 0.25, 2}, []float64{-1, 8, 8, 3, -1}},
	} {
		for k := 1; k <= len(c.q); k++ {
			build := opCase{order: 1, fixed: []bool{false, false, true}, build: func(in ...*G.Node) (*G.Node, error) {
				return op.SequentialKL(in[0], in[1], in[2], k)
			}}
			shape := []int{1, len(c.q)}
			shapes, in := [][]int{shape, shape, shape}, [][]float64{c.q, c.p, c.keys}
			b64, err := newBench[float64](build, shapes, in, 1)
			if err != nil {
				t.Fatal(err)
			}
			b32, err := newBench[float32](build, shapes, in, 1)
			if err != nil {
				t.Fatal(err)
			}
			b64.run(t)
			b32.run(t)
			kl, dq, dp := sequential(c.q, c.p, c.keys, k)
			g := rand.New(rand.NewPCG(1, 7)).NormFloat64() // the projection's number
			for i := range dq {
				dq[i] *= g
				dp[i] *= g
			}
			what := fmt.Sprintf("%v, k = %d: ", c, k)
			for i, want := range [][]float64{{kl}, dq, dp} {
				name := []string{"value", "d0", "d1"}[i]
				near(t, what+name, b64.prog.Output(name), want, 1e-12) // the reference's normalisers are up to 10⁴
				near(t, what+"float32 "+name, widen(b32.prog.Output(name)), want, 1e-6)
			}
		}
	}
}

// Rows that are computed on several cores are, to the last bit, what they are alone, and so are their gradients.
func TestDrawsInPieces(t *testing.T) {
	const rows, n, k = 120, 20, 8
	r := rand.New(rand.NewPCG(1, 2))
	in := make([][]float64, 3)
	for i := range in {
		for range rows * n {
			in[i] = append(in[i], float64(float32(r.NormFloat64())))
		}
	}
	gradient := func(f build, wrt int) build {
		return func(in ...*G.Node) (*G.Node, error) {
			var e op.Expr
			loss := e.Of(op.SumAll(e.Of(op.Square(e.Of(f(in...))))))
			if e.Err() != nil {
				return nil, e.Err()
			}
			grads, err := autodiff.Gradient(loss, in[wrt])
			if err != nil {
				return nil, err
			}
			return grads[0], nil
		}
	}
	kl := func(in ...*G.Node) (*G.Node, error) { return op.SequentialKL(in[0], in[1], in[2], k) }
	soft := func(in ...*G.Node) (*G.Node, error) { return op.SuccessiveSoftmax(in[0], temperature(in[0]), k) }
	for name, c := range map[string]struct {
		f      build
		inputs int
	}{
		"divergence": {kl, 3}, "its gradient in q": {gradient(kl, 0), 3}, "its gradient in p": {gradient(kl, 1), 3},
		"softmaxes": {soft, 1}, "their gradient": {gradient(soft, 0), 1},
	} {
		at := func(from, to int) (f32, f64 []float64) {
			var shapes [][]int
			var part [][]float64
			for _, x := range in[:c.inputs] {
				shapes, part = append(shapes, []int{to - from, n}), append(part, x[from*n:to*n])
			}
			f32, err := compute[float32](c.f, shapes, part)
			if err != nil {
				t.Fatal(err)
			}
			if f64, err = compute[float64](c.f, shapes, part); err != nil {
				t.Fatal(err)
			}
			return f32, f64
		}
		all32, all64 := at(0, rows)
		width := len(all64) / rows
		for _, from := range []int{0, 17, 64, rows - 3} {
			f32, f64 := at(from, from+3)
			if !slices.Equal(f32, all32[from*width:(from+3)*width]) || !slices.Equal(f64, all64[from*width:(from+3)*width]) {
				t.Errorf("%s: rows %d to %d differ from what they are alone", name, from, from+2)
			}
		}
	}
}
