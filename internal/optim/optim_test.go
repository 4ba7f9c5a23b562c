package optim

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// must returns the optimiser of a constructor that may not fail.
func must(t testing.TB, make func() (Optimizer, error)) Optimizer {
	t.Helper()
	opt, err := make()
	if err != nil {
		t.Fatal(err)
	}
	return opt
}

func step(t testing.TB, opt Optimizer, slots []Slot, lr float64) {
	t.Helper()
	if err := opt.Step(slots, lr); err != nil {
		t.Fatal(err)
	}
}

// update is one step of a reference in float64: weights, gradients, and the
// number of the step from 1.
type update func(w, g []float64, t int)

// algorithm is one optimiser with given settings and its reference.
type algorithm struct {
	name string
	make func() (Optimizer, error)
	// clips and decays tell whether gradients are clipped, weights decay.
	clips, decays bool
	// want are the weights after the four steps of TestLiteral.
	want [3]float64
	// reference returns the update for n weights.
	reference func(n int) update
}

func adamReference(beta1, beta2, eps, l2, decoupled, clip float64) func(n int) update {
	return func(n int) update {
		m, v := make([]float64, n), make([]float64, n)
		return func(w, g []float64, t int) {
			scale := clipReference(g, clip)
			for i := range w {
				grad := g[i]*scale + l2*w[i]
				w[i] *= 1 - lrForTests*decoupled
				m[i] += (1 - beta1) * (grad - m[i])
				v[i] += (1 - beta2) * (grad*grad - v[i])
				mhat := m[i] / (1 - math.Pow(beta1, float64(t)))
				vhat := v[i] / (1 - math.Pow(beta2, float64(t)))
				w[i] -= lrForTests * mhat / (math.Sqrt(vhat) + eps)
			}
		}
	}
}

func rmspropReference(alpha, eps, l2, clip float64) func(n int) update {
	return func(n int) update {
		v := make([]float64, n)
		return func(w, g []float64, _ int) {
			scale := clipReference(g, clip)
			for i := range w {
				grad := g[i]*scale + l2*w[i]
				v[i] += (1 - alpha) * (grad*grad - v[i])
				w[i] -= lrForTests * grad / (math.Sqrt(v[i]) + eps)
			}
		}
	}
}

func sgdReference(mu, l2, clip float64, nesterov bool) func(n int) update {
	return func(n int) update {
		b := make([]float64, n)
		return func(w, g []float64, t int) {
			scale := clipReference(g, clip)
			for i := range w {
				grad := g[i]*scale + l2*w[i]
				if b[i] = mu*b[i] + grad; t == 1 {
					b[i] = grad
				}
				if nesterov {
					w[i] -= lrForTests * (grad + mu*b[i])
				} else {
					w[i] -= lrForTests * b[i]
				}
			}
		}
	}
}

func clipReference(g []float64, clip float64) float64 {
	var sum float64
	for _, x := range g {
		sum += x * x
	}
	if clip > 0 && math.Sqrt(sum) > clip {
		return clip / math.Sqrt(sum)
	}
	return 1
}

const lrForTests = 0.1

// algorithms lists every rule with default and with other settings. The
// literals were computed once in Python floats from the formulas of PyTorch's
// documentation.
var algorithms = []algorithm{
	{"Adam", func() (Optimizer, error) { return NewAdam(AdamSettings{}) },
		false, false, [3]float64{0.7319189975, -2.0094421862, 0.3873777789}, adamReference(.9, .999, 1e-8, 0, 0, 0)},
	{"Adam with penalty", func() (Optimizer, error) {
		return NewAdam(AdamSettings{Beta1: .8, Beta2: .9, Eps: .01, WeightDecay: .05})
	}, false, true, [3]float64{0.7218287857, -1.9993546339, 0.4009180521}, adamReference(.8, .9, .01, .05, 0, 0)},
	{"Adam clipped", func() (Optimizer, error) { return NewAdam(AdamSettings{Eps: .1, MaxNorm: 1.5}) },
		true, false, [3]float64{0.7766880156, -1.9871657926, 0.3593609105}, adamReference(.9, .999, .1, 0, 0, 1.5)},
	{"Adam clipped with penalty", func() (Optimizer, error) {
		return NewAdam(AdamSettings{Eps: .1, WeightDecay: .05, MaxNorm: 1.5})
	}, true, true, [3]float64{0.7537038578, -1.9593678811, 0.3546164290}, adamReference(.9, .999, .1, .05, 0, 1.5)},
	{"AdamW", func() (Optimizer, error) { return NewAdamW(AdamWSettings{}) },
		false, true, [3]float64{0.7283449844, -2.0016168887, 0.3857910607}, adamReference(.9, .999, 1e-8, 0, .01, 0)},
	{"AdamW with settings", func() (Optimizer, error) {
		return NewAdamW(AdamWSettings{Beta1: .8, Beta2: .9, Eps: .01, WeightDecay: .3})
	}, false, true, [3]float64{0.6342194259, -1.7884660249, 0.3573436255}, adamReference(.8, .9, .01, 0, .3, 0)},
	{"RMSProp", func() (Optimizer, error) { return NewRMSProp(RMSPropSettings{}) },
		false, false, [3]float64{-0.9154505365, -1.7913688914, 0.3329483015}, rmspropReference(.99, 1e-8, 0, 0)},
	{"RMSProp with settings", func() (Optimizer, error) {
		return NewRMSProp(RMSPropSettings{Alpha: .9, Eps: .1, WeightDecay: .05})
	}, false, true, [3]float64{0.5039894545, -1.9546272539, 0.4736947800}, rmspropReference(.9, .1, .05, 0)},
	{"RMSProp clipped with penalty", func() (Optimizer, error) {
		return NewRMSProp(RMSPropSettings{Alpha: .9, Eps: .1, WeightDecay: .05, MaxNorm: 1.5})
	}, true, true, [3]float64{0.4960513632, -1.8923243011, 0.4302655334}, rmspropReference(.9, .1, .05, 1.5)},
	{"SGD", func() (Optimizer, error) { return NewSGD(SGDSettings{}) },
		false, false, [3]float64{0.75, -2.15, 0.6874}, sgdReference(0, 0, 0, false)},
	{"SGD clipped with penalty", func() (Optimizer, error) {
		return NewSGD(SGDSettings{WeightDecay: .05, MaxNorm: 1.5})
	}, true, true, [3]float64{0.8328221302, -1.9936740816, 0.4945843298}, sgdReference(0, .05, 1.5, false)},
	{"SGD with momentum", func() (Optimizer, error) { return NewSGD(SGDSettings{Momentum: .9}) },
		false, false, [3]float64{0.5358, -2.4191, 0.538225}, sgdReference(.9, 0, 0, false)},
	{"SGD with momentum clipped", func() (Optimizer, error) { return NewSGD(SGDSettings{Momentum: .9, MaxNorm: 1.5}) },
		true, false, [3]float64{0.7460910439, -2.1296116837, 0.2996185592}, sgdReference(.9, 0, 1.5, false)},
	{"SGD with Nesterov clipped with penalty", func() (Optimizer, error) {
		return NewSGD(SGDSettings{Momentum: .9, Nesterov: true, WeightDecay: .05, MaxNorm: 1.5})
	}, true, true, [3]float64{0.5672885610, -2.0297732759, 0.3039701707}, sgdReference(.9, .05, 1.5, true)},
	{"SGD with Nesterov", func() (Optimizer, error) {
		return NewSGD(SGDSettings{Momentum: .9, Nesterov: true, WeightDecay: .05})
	}, false, true, [3]float64{0.2788439963, -2.4021933614, 0.7055563557}, sgdReference(.9, .05, 0, true)},
}

// TestLiteral makes four steps by hand. A float32 weight of size 2 rounds by
// at most 1.2e-7 a step; a few such errors stay below 2e-6.
func TestLiteral(t *testing.T) {
	const tol = 2e-6
	for _, a := range algorithms {
		t.Run(a.name, func(t *testing.T) {
			opt := must(t, a.make)
			w := []float32{1, -2, .5}
			for _, g := range [][]float32{{.5, -1, 2}, {-.25, 3, .125}, {1.5, 0, -4}, {.75, -.5, 1e-3}} {
				step(t, opt, []Slot{{"w", w, g}}, lrForTests)
			}
			for i, want := range a.want {
				if math.Abs(float64(w[i])-want) > tol {
					t.Errorf("weight %d is %.9g: want %.9g within %g", i, w[i], want, tol)
				}
			}
		})
	}
}

// TestReference makes 100 steps with random gradients of sizes 1e-3 to 1e1
// and holds every weight to the float64 loops above. The tolerance is 1e-6 of
// the longest way a weight can have gone: a few roundings of 2⁻²⁴ = 6e-8 a
// step, and β₂, which in float32 is off by 1.3e-5 of 1−β₂ and so changes v̂ by
// a part of that.
func TestReference(t *testing.T) {
	const n, steps = 12, 100
	for _, a := range algorithms {
		t.Run(a.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(3, 4))
			opt, reference := must(t, a.make), a.reference(n)
			w, g := make([]float32, n), make([]float32, n)
			wide, wideG := make([]float64, n), make([]float64, n)
			var longest float64 // step of a weight so far
			for k := 1; k <= steps; k++ {
				for i := range g {
					g[i] = float32((rng.NormFloat64() + .3) * math.Pow(10, float64(i%5)-3))
					wideG[i] = float64(g[i])
				}
				before := slices.Clone(wide)
				reference(wide, wideG, k)
				for i := range wide {
					longest = max(longest, math.Abs(wide[i]-before[i]))
				}
				step(t, opt, []Slot{{"a", w[:5], g[:5]}, {"b", w[5:], g[5:]}}, lrForTests)
				tol := 1e-6 * (1 + longest*float64(k))
				for i := range w {
					if math.Abs(float64(w[i])-wide[i]) > tol {
						t.Fatalf("step %d, weight %d is %v: want %v within %.2g", k, i, w[i], wide[i], tol)
					}
				}
			}
		})
	}
}

// problem is a set of slots with gradients drawn anew for each step.
type problem struct {
	slots []Slot
	rng   *rand.Rand
}

func newProblem(sizes ...int) *problem {
	p := &problem{rng: rand.New(rand.NewPCG(1, 2))}
	for i, n := range sizes {
		s := Slot{fmt.Sprintf("layer/%d", i), make([]float32, n), make([]float32, n)}
		for j := range s.Value {
			s.Value[j] = float32(p.rng.NormFloat64())
		}
		p.slots = append(p.slots, s)
	}
	return p
}

// next draws gradients.
func (p *problem) next() []Slot {
	for _, s := range p.slots {
		for i := range s.Grad {
			s.Grad[i] = float32(p.rng.NormFloat64())
		}
	}
	return p.slots
}

func (p *problem) weights() []float32 {
	var all []float32
	for _, s := range p.slots {
		all = append(all, s.Value...)
	}
	return all
}

func TestStateRoundTrip(t *testing.T) {
	for _, a := range algorithms {
		t.Run(a.name, func(t *testing.T) {
			straight := newProblem(3, 40, 1)
			opt := must(t, a.make)
			for range 5 {
				step(t, opt, straight.next(), .01)
			}
			broken := newProblem(3, 40, 1)
			first := must(t, a.make)
			for range 2 {
				step(t, first, broken.next(), .01)
			}
			saved, untouched := first.State(), first.State()
			step(t, first, newProblem(3, 40, 1).next(), .5)
			second := must(t, a.make)
			if err := second.SetState(saved); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				step(t, second, broken.next(), .01)
			}
			if !slices.Equal(straight.weights(), broken.weights()) {
				t.Error("weights differ after a restart")
			}
			if !sameState(saved, untouched) {
				t.Error("a saved state changes with an optimiser")
			}
			if !sameState(opt.State(), second.State()) {
				t.Error("states differ after a restart")
			}
			if !maps.Equal(saved.Steps, map[string]int64{"layer/0": 2, "layer/1": 2, "layer/2": 2}) {
				t.Errorf("steps %v: want 2 of each", saved.Steps)
			}
		})
	}
}

func sameState(a, b State) bool {
	return maps.Equal(a.Steps, b.Steps) && maps.EqualFunc(a.Moments, b.Moments, slices.Equal)
}

func TestZeroStateForgets(t *testing.T) {
	p, q := newProblem(4), newProblem(4)
	opt := must(t, algorithms[0].make)
	step(t, opt, p.next(), .1)
	if err := opt.SetState(State{}); err != nil {
		t.Fatal(err)
	}
	step(t, opt, p.next(), .1)
	step(t, must(t, algorithms[0].make), q.next(), .1)
	step(t, must(t, algorithms[0].make), q.next(), .1)
	if !slices.Equal(p.weights(), q.weights()) {
		t.Error("a forgetful optimiser differs from a new one")
	}
}

// TestSlotOrder holds the state to names. Clipping is left out: the norm may
// round differently when the sum runs in another order.
func TestSlotOrder(t *testing.T) {
	for _, a := range algorithms {
		if a.clips {
			continue
		}
		p, q := newProblem(7, 20, 5), newProblem(7, 20, 5)
		x, y := must(t, a.make), must(t, a.make)
		for i := range 4 {
			step(t, x, p.next(), .1)
			turned := slices.Clone(q.next())
			slices.Reverse(turned[i%3:])
			step(t, y, turned, .1)
		}
		if !slices.Equal(p.weights(), q.weights()) {
			t.Errorf("%s: the order of slots matters", a.name)
		}
	}
}

// TestOwnStepCount leaves a slot out once: its bias correction must follow the
// number of its own updates.
func TestOwnStepCount(t *testing.T) {
	p, q := newProblem(3, 3), newProblem(3, 3)
	opt := must(t, algorithms[0].make)
	g := p.next()
	step(t, opt, g[:1], .1)
	step(t, opt, g, .1)
	g = q.next()
	step(t, must(t, algorithms[0].make), g[1:], .1)
	if !slices.Equal(p.slots[1].Value, q.slots[1].Value) {
		t.Errorf("late slot %v: want %v, as at a first step", p.slots[1].Value, q.slots[1].Value)
	}
}

// TestCutsDoNotMatter updates the same numbers on one core and on several, as
// one slot and as many, to the same bits.
func TestCutsDoNotMatter(t *testing.T) {
	const n = 3*blockSize + 1234
	for _, a := range algorithms {
		run := func(cores int, cuts ...int) []float32 {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(cores))
			p, opt := newProblem(n), must(t, a.make)
			for range 2 {
				whole := p.next()[0]
				var slots []Slot
				lo := 0
				for i, hi := range append(cuts, n) {
					slots = append(slots, Slot{fmt.Sprint(i), whole.Value[lo:hi], whole.Grad[lo:hi]})
					lo = hi
				}
				step(t, opt, slots, .01)
			}
			return p.weights()
		}
		single := run(1)
		if !slices.Equal(run(4), single) {
			t.Errorf("%s: the number of cores matters", a.name)
		}
		if !a.clips && !slices.Equal(run(2, 1, 18, 20000, 20000, 40001), single) {
			t.Errorf("%s: the division into slots matters", a.name)
		}
	}
}

// TestConvergence minimises Σ aᵢ(wᵢ−cᵢ)²/2 with curvatures from 0.1 to 10.
// Rules that decay the weights have another minimum and are left out.
func TestConvergence(t *testing.T) {
	target, curvature := []float32{1, -2, 3}, []float32{.1, 1, 10}
	for _, a := range algorithms {
		if a.decays {
			continue
		}
		opt := must(t, a.make)
		w, g := make([]float32, 3), make([]float32, 3)
		schedule := Schedule{Kind: Cosine, From: .05, To: 1e-4, Steps: 4000}
		for k := range schedule.Steps {
			for i := range w {
				g[i] = curvature[i] * (w[i] - target[i])
			}
			step(t, opt, []Slot{{"w", w, g}}, schedule.At(k))
		}
		for i := range w {
			// RMSProp's last steps are about as long as the last rates, 1e-4.
			if diff := math.Abs(float64(w[i] - target[i])); diff > 1e-3 {
				t.Errorf("%s: weight %d ends at %v: want %v within 1e-3", a.name, i, w[i], target[i])
			}
		}
	}
}

func TestClipping(t *testing.T) {
	for _, test := range []struct {
		maxNorm float64
		want    [2]float32 // displacement of plain descent at rate 1
	}{
		{0, [2]float32{3, 4}},
		{5, [2]float32{3, 4}},
		{6, [2]float32{3, 4}},
		{2.5, [2]float32{1.5, 2}},
		{1.25, [2]float32{.75, 1}},
	} {
		opt := must(t, func() (Optimizer, error) { return NewSGD(SGDSettings{MaxNorm: test.maxNorm}) })
		if opt.Norm() != 0 {
			t.Errorf("norm %v before the first step", opt.Norm())
		}
		a, b := []float32{0}, []float32{0, 0}
		step(t, opt, []Slot{{"a", a, []float32{3}}, {"b", b, []float32{0, 4}}}, 1)
		if a[0] != -test.want[0] || b[0] != 0 || b[1] != -test.want[1] {
			t.Errorf("MaxNorm %v: moved by %v, %v: want %v", test.maxNorm, a, b, test.want)
		}
		if opt.Norm() != 5 {
			t.Errorf("MaxNorm %v: norm %v: want 5, as before clipping", test.maxNorm, opt.Norm())
		}
	}
}

func TestNormHasNoOverflow(t *testing.T) {
	opt := must(t, func() (Optimizer, error) { return NewAdam(AdamSettings{MaxNorm: 1}) })
	w := []float32{0, 0}
	step(t, opt, []Slot{{"w", w, []float32{3e38, -3e38}}}, .5)
	if want := 3e38 * math.Sqrt2; math.Abs(opt.Norm()/want-1) > 1e-6 {
		t.Errorf("norm %v: want %v within 1e-6 of it", opt.Norm(), want)
	}
	for i, want := range []float64{-.5, .5} { // a first step has length lr
		if math.Abs(float64(w[i])-want) > 1e-6 {
			t.Errorf("weight %d is %v: want %v within 1e-6", i, w[i], want)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	for _, a := range algorithms {
		opt := must(t, a.make)
		step(t, opt, nil, .1)
		step(t, opt, []Slot{{Name: "empty"}}, .1)
		if opt.Norm() != 0 {
			t.Errorf("%s: norm %v of nothing", a.name, opt.Norm())
		}
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "optim: ") {
		t.Errorf("error %v: want optim: … %q", err, want)
	}
}

func TestStepErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	good := func(name string) Slot { return Slot{name, []float32{1, 2}, []float32{3, 4}} }
	with := func(name string, g ...float32) Slot { return Slot{name, make([]float32, len(g)), g} }
	for _, test := range []struct {
		slots []Slot
		lr    float64
		want  string
	}{
		{[]Slot{good("a")}, math.NaN(), "learning rate NaN"},
		{[]Slot{good("a")}, math.Inf(1), "learning rate +Inf"},
		{[]Slot{good("a")}, 1e39, "learning rate 1e+39"},
		{[]Slot{good("a")}, -1e-3, "learning rate -0.001"},
		{[]Slot{good("a"), good("")}, 1, "without a name"},
		{[]Slot{good("a"), good("new"), good("a")}, 1, `"a" is given twice`},
		{[]Slot{good("new"), good("new")}, 1, `"new" is given twice`},
		{[]Slot{{"a", []float32{1}, []float32{1, 2}}}, 1, `"a" has 1 values and a gradient of 2`},
		{[]Slot{good("new"), with("a", 1, 2, 3)}, 1, `"a" has 3 values, its state 2`},
		{[]Slot{good("a"), with("b", 1, 2, nan), with("c", inf)}, 1, `gradient of "b" is NaN at index 2`},
		{[]Slot{good("a"), with("c", inf)}, 1, `gradient of "c" is -Inf at index 0`},
		{[]Slot{good("a"), with("c", 1e20)}, 1, "gradient norm 1e+20 is above 1e+19"},
	} {
		for _, clip := range []float64{0, 1} {
			if clip != 0 && strings.Contains(test.want, "norm") {
				continue // clipping is the cure
			}
			opt := must(t, func() (Optimizer, error) { return NewAdam(AdamSettings{MaxNorm: clip}) })
			step(t, opt, []Slot{good("a")}, 1)
			before := opt.State()
			var weights []float32
			for _, s := range test.slots {
				weights = append(weights, s.Value...)
			}
			wantError(t, opt.Step(test.slots, test.lr), test.want)
			for _, s := range test.slots {
				if !slices.Equal(s.Value, weights[:len(s.Value)]) {
					t.Errorf("%s: weights of %q changed", test.want, s.Name)
				}
				weights = weights[len(s.Value):]
			}
			if !sameState(opt.State(), before) || opt.Norm() != 5 {
				t.Errorf("%s: the state changed", test.want)
			}
			// A name seen only in a failed step has no size yet.
			step(t, opt, []Slot{with("new", 1, 2, 3)}, 1)
		}
	}
}

func TestSettingsErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	adam := func(s AdamSettings) func() (Optimizer, error) {
		return func() (Optimizer, error) { return NewAdam(s) }
	}
	adamW := func(s AdamWSettings) func() (Optimizer, error) {
		return func() (Optimizer, error) { return NewAdamW(s) }
	}
	rmsprop := func(s RMSPropSettings) func() (Optimizer, error) {
		return func() (Optimizer, error) { return NewRMSProp(s) }
	}
	sgd := func(s SGDSettings) func() (Optimizer, error) {
		return func() (Optimizer, error) { return NewSGD(s) }
	}
	for _, test := range []struct {
		make func() (Optimizer, error)
		want string
	}{
		{adam(AdamSettings{Beta1: 1}), "Adam: Beta1 = 1"},
		{adam(AdamSettings{Beta1: -.1}), "Adam: Beta1 = -0.1"},
		{adam(AdamSettings{Beta2: nan}), "Adam: Beta2 = NaN"},
		{adam(AdamSettings{Beta2: 1 - 1e-9}), "Adam: Beta2 = 0.999999999"},
		{adam(AdamSettings{Eps: -1e-8}), "Adam: Eps = -1e-08"},
		{adam(AdamSettings{Eps: 1e-60}), "Adam: Eps = 1e-60"},
		{adam(AdamSettings{Eps: inf}), "Adam: Eps = +Inf"},
		{adam(AdamSettings{WeightDecay: -1}), "Adam: WeightDecay = -1"},
		{adam(AdamSettings{MaxNorm: -1}), "Adam: MaxNorm = -1"},
		{adam(AdamSettings{MaxNorm: inf}), "Adam: MaxNorm = +Inf"},
		{adam(AdamSettings{MaxNorm: nan}), "Adam: MaxNorm = NaN"},
		{adam(AdamSettings{Beta1: 2, Eps: -1}), "Adam: Beta1 = 2"},
		{adamW(AdamWSettings{Beta2: 1}), "AdamW: Beta2 = 1"},
		{adamW(AdamWSettings{WeightDecay: -.01}), "AdamW: WeightDecay = -0.01"},
		{adamW(AdamWSettings{WeightDecay: nan}), "AdamW: WeightDecay = NaN"},
		{rmsprop(RMSPropSettings{Alpha: 1}), "RMSProp: Alpha = 1"},
		{rmsprop(RMSPropSettings{Eps: nan}), "RMSProp: Eps = NaN"},
		{rmsprop(RMSPropSettings{WeightDecay: inf}), "RMSProp: WeightDecay = +Inf"},
		{sgd(SGDSettings{Momentum: 1}), "SGD: Momentum = 1"},
		{sgd(SGDSettings{Momentum: -.5}), "SGD: Momentum = -0.5"},
		{sgd(SGDSettings{Nesterov: true}), "SGD: Nesterov without Momentum"},
		{sgd(SGDSettings{WeightDecay: -1}), "SGD: WeightDecay = -1"},
		{sgd(SGDSettings{MaxNorm: -1}), "SGD: MaxNorm = -1"},
	} {
		opt, err := test.make()
		wantError(t, err, test.want)
		if opt != nil {
			t.Errorf("%s: an optimiser comes with the error", test.want)
		}
	}
}

func TestSetStateErrors(t *testing.T) {
	opt := must(t, algorithms[0].make)
	p := newProblem(2)
	step(t, opt, p.next(), .1)
	before := opt.State()
	ones := []float32{1, 1}
	for _, test := range []struct {
		steps   map[string]int64
		moments map[string][]float32
		want    []string
	}{
		{map[string]int64{"w": 1}, nil, []string{`"w/m" is missing; "w/v" is missing`}},
		{map[string]int64{"w": 0}, map[string][]float32{"w/m": ones, "w/v": ones}, []string{`"w" has made 0 steps`}},
		{map[string]int64{"": 1}, map[string][]float32{"/m": ones, "/v": ones}, []string{"no name"}},
		{map[string]int64{"w": 1}, map[string][]float32{"w/m": ones, "w/v": ones[:1]}, []string{`"w/v" has 1 numbers, "w/m" 2`}},
		{map[string]int64{"w": 1}, map[string][]float32{"w/m": nil, "w/v": ones}, []string{`"w/v" has 2 numbers, "w/m" 0`}},
		{map[string]int64{"w": 1}, map[string][]float32{"w/m": ones, "w/v": {1, -1}}, []string{`"w/v" is -1 at index 1`}},
		{map[string]int64{"w": 1}, map[string][]float32{"w/m": {float32(math.NaN()), 1}, "w/v": ones}, []string{`"w/m" is NaN at index 0`}},
		{map[string]int64{"w": 1}, map[string][]float32{"w/m": {-1, 1}, "w/v": ones, "w/momentum": ones, "odd": ones, "x/m": ones},
			[]string{`"odd" is surplus; "w/momentum" is surplus; "x/m" has no step count`}},
	} {
		err := opt.SetState(State{test.steps, test.moments})
		for _, want := range test.want {
			wantError(t, err, want)
		}
		if !sameState(opt.State(), before) {
			t.Errorf("%v: the state changed", test.want)
		}
	}
	rmsprop := must(t, func() (Optimizer, error) { return NewRMSProp(RMSPropSettings{}) })
	wantError(t, rmsprop.SetState(before), `"layer/0/m" is surplus`)
	if err := must(t, func() (Optimizer, error) { return NewAdamW(AdamWSettings{}) }).SetState(before); err != nil {
		t.Errorf("AdamW rejects Adam's state: %v", err)
	}
}

// TestAllocations runs enough blocks to keep several cores busy.
func TestAllocations(t *testing.T) {
	for _, a := range algorithms {
		p, opt := newProblem(3*blockSize, 10, blockSize+7), must(t, a.make)
		slots := p.next()
		step(t, opt, slots, 1e-3)
		got := testing.AllocsPerRun(50, func() {
			if err := opt.Step(slots, 1e-3); err != nil {
				t.Fatal(err)
			}
		})
		if got > 0 {
			t.Errorf("%s: %v allocations a step: want 0", a.name, got)
		}
	}
}

// BenchmarkStep updates the weights of a 784-400-20-400-784 autoencoder.
func BenchmarkStep(b *testing.B) {
	for _, a := range algorithms {
		b.Run(a.name, func(b *testing.B) {
			p, opt := newProblem(784*400, 400, 400*40, 40, 20*400, 400, 400*784, 784), must(b, a.make)
			slots := p.next()
			step(b, opt, slots, 1e-3) // allocates the state
			b.ReportAllocs()
			for b.Loop() {
				step(b, opt, slots, 1e-3)
			}
		})
	}
}
