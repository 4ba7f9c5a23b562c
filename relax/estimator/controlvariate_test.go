package estimator_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/autodiff"
	"relaxgo/internal/op"
	"relaxgo/internal/optim"
	"relaxgo/internal/program"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
	"relaxgo/relax/noise"
)

// relaxedQuadratic is η·(σ_λ(z) − t)² and its total derivative by ℓ, where z moves at the rate slope.
func relaxedQuadratic(ℓ, z, slope, η, λ, t float64) (c, dc float64) {
	a := (λ*λ + λ + 1) / (λ * (λ + 1)) // of ℓ if z = ℓ + logit u
	s := 1 / (1 + math.Exp(-(a*ℓ + (z-ℓ)/λ)))
	return η * (s - t) * (s - t), 2 * η * (s - t) * s * (1 - s) * (a + (slope-1)/λ)
}

// rebarByHand is the REBAR estimate of one bit with f = (b − t)², from the definitions in uniform numbers u and v.
func rebarByHand(ℓ, u, v, η, λ, t float64) float64 {
	π := 1 / (1 + math.Exp(-ℓ))
	z := ℓ + logit(u)
	b, w, dw := 0., v*(1-π), -v*π*(1-π) // w is v′, and dw its derivative by ℓ
	if z > 0 {
		b, w, dw = 1, v*π+1-π, (v-1)*π*(1-π)
	}
	_, free := relaxedQuadratic(ℓ, z, 1, η, λ, t)
	c, given := relaxedQuadratic(ℓ, ℓ+logit(w), 1+dw/(w*(1-w)), η, λ, t)
	return ((b-t)*(b-t)-c)*(b-π) + free - given
}

// coupledNoise is the v for which z̃ = z.
func coupledNoise(ℓ, u float64) float64 {
	split := 1 / (1 + math.Exp(ℓ))
	if u > split {
		return (u - split) / (1 - split)
	}
	return u / split
}

// Estimates on a grid of noise, the midpoints of 200×200 cells for (u, v), are those of the formula in uniform numbers, and
// their variance is that of an independent integration, of which two or three digits are known. The relaxation matters:
// with plain σ(z/λ) nothing is gained on this f. Coupled noise uses 40000 midpoints for u.
func TestREBARVariance(t *testing.T) {
	const cells, target = 200, 0.499
	for _, c := range []struct {
		π, λ, η, want float64 // the variance of the score function is 2.99e-3 and 1.005e-2
	}{
		{0.05, 3, 1.18, 7.4e-4},
		{0.2, 3, 2.17, 5.1e-3},
	} {
		ℓ := logit(c.π)
		params := [][]float64{{c.η}, {math.Log(c.λ)}}
		for _, coupled := range []bool{false, true} {
			b := assemble(t, estimator.REBAR{Coupled: coupled}, meter.Case{Logits: []float64{ℓ}, Shape: []int{1}, F: distance(target), Context: []float64{1}},
				cells*cells, params, estimates[float64])
			byHand := make([]float64, cells*cells)
			for i := range byHand {
				u, v := (float64(i/cells)+0.5)/cells, (float64(i%cells)+0.5)/cells
				if coupled {
					u = (float64(i) + 0.5) / (cells * cells)
					v = coupledNoise(ℓ, u)
				} else {
					b.eps[1].Data[i] = logit(v)
				}
				b.eps[0].Data[i] = logit(u)
				byHand[i] = rebarByHand(ℓ, u, v, c.η, c.λ, target)
			}
			grads := b.output(t, "grad")
			sum, squares := 0., 0.
			for i, g := range grads {
				if math.Abs(g-byHand[i]) > 1e-9 { // the formula in uniform numbers loses digits in the tails
					t.Fatalf("π = %g, coupled %t: estimate %d is %.12g, by hand %.12g", c.π, coupled, i, g, byHand[i])
				}
				sum += g
				squares += g * g
			}
			n := float64(len(grads))
			mean := sum / n
			variance := squares/n - mean*mean
			if !coupled && math.Abs(variance-c.want) > 0.01*c.want { // as many digits as are known
				t.Errorf("π = %g: variance %.4g, want %.3g", c.π, variance, c.want)
			}
			if coupled && !(variance < c.want) {
				t.Errorf("π = %g, coupled: variance %.4g is not below that of independent noise", c.π, variance)
			}
		}
	}
}

// With one-hot vectors of two classes the relaxed objective is that of a bit.
func TestTwoClassesAreABit(t *testing.T) {
	const rows, ℓ = 200, 0.7
	first := func(b *G.Node) (*G.Node, error) { // f(b) = tanh(3b₁ − 1) for the first class, or the bit
		var e op.Expr
		if b.Dims() == 3 {
			b = e.Of(op.SliceLast(b, 0, 1))
		}
		return e.Node(e.Of(op.SumEvent(e.Of(op.Tanh(e.Of(op.Affine(b, 3, -1)))))))
	}
	for _, e := range []estimator.Estimator{
		estimator.REBAR{Coupled: true}, estimator.Relaxation{}, estimator.STGumbelSoftmax{}, estimator.StraightThrough{},
		estimator.ReinMax{}, estimator.ReinMax{Temperature: 1.4}, estimator.GappedST{}, estimator.GappedST{Gap: 0.3, Temperature: 0.6},
		estimator.Decoupled{Forward: 0.5, Backward: 1.5},
	} {
		bit := assemble(t, e, meter.Case{Logits: []float64{ℓ}, Shape: []int{1}, F: first, Context: []float64{1}}, rows, nil, estimates[float64])
		classes := assemble(t, e, meter.Case{Law: estimator.Categorical, Logits: []float64{ℓ + 2, 2}, Shape: []int{1, 2}, F: first, Context: []float64{1}}, rows, nil, estimates[float64])
		for i := range rows { // the difference of two Gumbel variables is logistic
			bit.eps[0].Data[i] = classes.eps[0].Data[2*i] - classes.eps[0].Data[2*i+1]
		}
		got, want := classes.output(t, "grad"), bit.output(t, "grad")
		for i := range rows {
			if math.Abs(got[2*i]-want[i]) > 1e-12 || math.Abs(got[2*i]+got[2*i+1]) > 1e-12 {
				t.Fatalf("%+v: row %d: gradient %v of two classes, %v of a bit", e, i, got[2*i:2*i+2], want[i])
			}
		}
	}
}

// An estimator builds the objective and its surrogate as often as it says that it evaluates them.
func TestEvaluations(t *testing.T) {
	list := slices.Concat([]estimator.Estimator{
		estimator.REBAR{}, estimator.RELAX{}, estimator.DLAX{}, estimator.StraightThrough{}, estimator.STGumbelSoftmax{},
		estimator.Decoupled{}, estimator.GumbelRao{}, estimator.ReinMax{}, estimator.GappedST{}, estimator.Relaxation{},
	}, variants)
	each(t, list, func(t *testing.T, e estimator.Estimator, c meter.Case) {
		calls := 0
		count := func(f estimator.Objective) estimator.Objective {
			return func(b *G.Node) (*G.Node, error) {
				calls++
				return f(b)
			}
		}
		c.F, c.Smooth = count(cubic), count(other)
		if e.Info().Name == "doublecv" { // takes the slope of the surrogate at every sample, for which that of f serves if there is none
			c.Smooth = nil
		}
		assemble(t, e, c, 3, nil, estimates[float64])
		if want := e.Info().Evaluations; calls != want {
			t.Errorf("%d evaluations, Info says %d", calls, want)
		}
	})
}

// Tuned by Adam, control variates remove variance where f(0) and f(1) are nearly equal and the relaxed objective alone
// removes nothing: f = (b − 0.499)² at π = ½, where the score function has the variance 0.0156.
func TestTuning(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	c := meter.Case{Logits: []float64{0}, Shape: []int{1}, F: distance(0.499), Context: []float64{1}}
	for _, test := range []struct {
		estimator.Estimator
		least, most float64 // variance
	}{
		{estimator.RELAX{Free: true, Hidden: 10}, 0, 1e-5},
		{estimator.RELAX{Free: true, Coupled: true, Hidden: 10}, 0, 1e-5},
		{estimator.RELAX{Hidden: 10}, 0, 1e-4},
		{estimator.DLAX{Hidden: 10}, 0, 2e-3},
		{estimator.REBAR{}, 0.015, 0.016},
	} {
		e := test.Estimator
		b := assemble(t, e, c, 100, nil, func(b *built[float32]) (map[string]*G.Node, error) {
			var nodes []*G.Node
			for _, p := range b.params {
				nodes = append(nodes, p.Node)
			}
			outs := map[string]*G.Node{}
			grads, err := autodiff.Gradient(b.estimate.Tuning, nodes...)
			for i, g := range grads {
				outs[b.params[i].Name] = g
			}
			return outs, err
		})
		adam, err := optim.NewAdam(optim.AdamSettings{})
		if err != nil {
			t.Fatal(err)
		}
		source := noise.NewSource(1, "tuning")
		for range 1000 {
			for i, s := range b.specs {
				noise.Fill(source, s.Kind, b.eps[i].Data)
			}
			if err := b.prog.Run(); err != nil {
				t.Fatal(err)
			}
			var slots []optim.Slot
			for _, p := range b.params {
				slots = append(slots, optim.Slot{Name: p.Name, Value: p.Data, Grad: b.prog.Output(p.Name)})
			}
			if err := adam.Step(slots, 0.02); err != nil {
				t.Fatal(err)
			}
		}
		var tuned [][]float64
		for _, p := range b.params {
			tuned = append(tuned, convert[float64](p.Data))
		}
		m, err := meter.Measure(c, e, 50_000, 1, tuned)
		if err != nil {
			t.Fatal(err)
		}
		if v := m.TotalVariance; !(v >= test.least && v <= test.most) {
			t.Errorf("%+v: variance %.3g after tuning, want %.3g to %.3g", e, v, test.least, test.most)
		}
	}
}

// bitOf is 1[x > 0].
func bitOf(x float64) float64 {
	if x > 0 {
		return 1
	}
	return 0
}

// With a net for control variate the estimates of RELAX and DLAX for one bit are those of the formulas in uniform numbers,
// with each activation and with a context.
func TestNetByHand(t *testing.T) {
	const ℓ, x, target, rows = 0.6, -0.7, 0.3, 50
	π := 1 / (1 + math.Exp(-ℓ))
	c := meter.Case{Logits: []float64{ℓ}, Shape: []int{1}, F: distance(target), Context: []float64{x}}
	params := [][]float64{{0.8, -1.1, 0.5, 0.9}, {0.2, -0.3}, {1.2, -0.7}, {0.15}} // [z; x] → 2, 2, 2 → 1, 1
	for activation, h := range map[estimator.Activation][2]func(float64) float64{
		estimator.Tanh:     {math.Tanh, func(y float64) float64 { return 1 - math.Tanh(y)*math.Tanh(y) }},
		estimator.ReLU:     {func(y float64) float64 { return math.Max(y, 0) }, bitOf},
		estimator.Softplus: {func(y float64) float64 { return math.Log(1 + math.Exp(y)) }, func(y float64) float64 { return 1 / (1 + math.Exp(-y)) }},
	} {
		net := func(z float64) (c, dc float64) {
			c = params[3][0]
			for i := range 2 {
				y := params[0][i]*z + params[0][2+i]*x + params[1][i]
				c += params[2][i] * h[0](y)
				dc += params[2][i] * h[1](y) * params[0][i]
			}
			return c, dc
		}
		for _, e := range []estimator.Estimator{
			estimator.RELAX{Free: true, Activation: activation, Hidden: 2},
			estimator.RELAX{Free: true, Activation: activation, Hidden: 2, Coupled: true},
			estimator.DLAX{Activation: activation, Hidden: 2},
		} {
			b := assemble(t, e, c, rows, params, estimates[float64])
			grads := b.output(t, "grad")
			for i, g := range grads {
				ε := b.eps[0].Data[i]
				u := 1 / (1 + math.Exp(-ε))
				hard := bitOf(ℓ + ε)
				f := (hard - target) * (hard - target)
				free, slope := net(ℓ + ε)
				want := f*(hard-π) - free*(2*u-1) + slope
				if _, ok := e.(estimator.RELAX); ok {
					v := coupledNoise(ℓ, u)
					if len(b.eps) > 1 {
						v = 1 / (1 + math.Exp(-b.eps[1].Data[i]))
					}
					w, dw := v*(1-π), -v*π*(1-π)
					if hard == 1 {
						w, dw = v*π+1-π, (v-1)*π*(1-π)
					}
					given, givenSlope := net(ℓ + logit(w))
					want = (f-given)*(hard-π) + slope - givenSlope*(1+dw/(w*(1-w)))
				}
				if math.Abs(g-want) > 1e-10 {
					t.Fatalf("%+v: estimate %d is %.12g, by hand %.12g", e, i, g, want)
				}
			}
		}
	}
}

// What the objective owes to the logits directly, as an evidence bound does, reaches them through Value alone: Grad is the
// same as if those logits were constants.
func TestObjectiveOfLogits(t *testing.T) {
	each(t, slices.Concat(estimator.All(), variants), func(t *testing.T, e estimator.Estimator, c meter.Case) {
		outs := map[string]*G.Node{}
		g, err := program.Build(func(g *program.Graph[float64]) error {
			p, err := problem(g, c, 5)
			if err != nil {
				return err
			}
			var eps, params []*G.Node
			for i, s := range e.Noise(p) {
				in, err := g.Input(fmt.Sprint("noise", i), s.Shape...)
				if err != nil {
					return err
				}
				noise.Fill(noise.NewSource(2, "logits", i), s.Kind, in.Data)
				eps = append(eps, in.Node)
			}
			for _, w := range e.Parameters(p, 1) {
				in, err := g.Bind(w.Name, w.Initial, w.Shape...)
				if err != nil {
					return err
				}
				params = append(params, in.Node)
			}
			for name, constant := range map[string]bool{"direct": false, "constant": true} {
				p.F = func(b *G.Node) (*G.Node, error) {
					var e op.Expr
					logits := p.Logits
					if constant {
						logits = e.Of(op.StopGradient(logits))
					}
					return e.Node(e.Of(op.Mul(e.Of(cubic(b)), e.Of(op.SumEvent(e.Of(op.Square(logits)))))))
				}
				estimate, err := e.Build(p, eps, params)
				if err != nil {
					return err
				}
				var sum op.Expr
				grads, err := autodiff.Gradient(sum.Of(op.SumAll(estimate.Value)), p.Logits)
				if err != nil {
					return err
				}
				outs[name], outs[name+" value"] = estimate.Grad, grads[0]
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		prog, err := program.Compile(g, program.Outputs{Plain: outs})
		if err != nil {
			t.Fatal(err)
		}
		if err := prog.Run(); err != nil {
			t.Fatal(err)
		}
		if got, want := prog.Output("direct"), prog.Output("constant"); !slices.Equal(got, want) {
			t.Errorf("gradient %v, with constant logits %v", got, want)
		}
		nonZero := func(x float64) bool { return x != 0 }
		if !slices.ContainsFunc(prog.Output("direct value"), nonZero) {
			t.Errorf("no gradient of the logits through Value")
		}
		if constant := prog.Output("constant value"); slices.ContainsFunc(constant, nonZero) {
			t.Errorf("a gradient of constant logits through Value: %v", constant)
		}
	})
}
