package rl

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"relaxgo/rl/env"
)

// lattice is a task small enough to be enumerated: three steps, three positions, three actions. The state is the step
// and the position; action a moves from x to (x+a) mod 3 for a reward from a table. Action 1 in position 2 ends the episode
// early. Some actions are ruled out by the mask, but work all the same.
type lattice struct {
	rng     env.Rand
	t, x    int
	running bool
}

const (
	latticeSteps   = 3
	latticeActions = 3
)

var latticeSpace = env.Space{Actions: latticeActions, Size: 1, States: 4 * latticeSteps}

func latticeState(t, x int) int { return 3*t + x }

func latticeReward(t, x, a int) float64 { return math.Sin(float64(7*t+3*x+5*a+1)) * 2 }

func latticeEnds(t, x, a int) bool { return t == latticeSteps-1 || x == 2 && a == 1 }

func latticeAllows(t, x, a int) bool { return (t+x+a)%4 != 1 }

func (l *lattice) Space() env.Space { return latticeSpace }
func (l *lattice) Seed(seed uint64) { l.rng.Seed(seed) }

func (l *lattice) Reset(obs []float32) error {
	l.t, l.x, l.running = 0, int(l.rng.Uint32N(2)), true
	obs[0] = float32(latticeState(l.t, l.x))
	return nil
}

func (l *lattice) Step(a int, obs []float32) (env.Result, error) {
	if !l.running {
		return env.Result{}, env.ErrNeedsReset
	}
	r := env.Result{Reward: latticeReward(l.t, l.x, a), Terminated: latticeEnds(l.t, l.x, a)}
	l.t, l.x, l.running = l.t+1, (l.x+a)%3, !r.Terminated
	obs[0] = float32(latticeState(l.t, l.x))
	return r, nil
}

func (l *lattice) Mask(mask []bool) {
	for a := range mask {
		mask[a] = latticeAllows(l.t, l.x, a)
	}
}

// The lattice as it is, and cut off after two steps.
const (
	latticeID    = "Lattice-v0"
	latticeCutID = "LatticeCut-v0"
)

func init() {
	for id, steps := range map[string]int{latticeID: 10, latticeCutID: 2} {
		if err := env.Register(env.Spec{ID: id, New: func() (env.Env, error) { return &lattice{}, nil }, MaxSteps: steps}); err != nil {
			panic(err)
		}
	}
}

// exact holds what enumeration knows about a policy on the lattice, by state and action. Values are those of the task
// that is not cut off.
type exact struct {
	p, q   [4 * latticeSteps][latticeActions]float64
	v      [4 * latticeSteps]float64
	visits [4 * latticeSteps]float64 // expected, per episode of at most that many steps
	ret    float64                   // expected return
}

// enumerate evaluates the policy with these probabilities.
func enumerate(p [4 * latticeSteps][latticeActions]float64, gamma float64, steps int) exact {
	x := exact{p: p}
	for t := latticeSteps - 1; t >= 0; t-- {
		for pos := range 3 {
			s := latticeState(t, pos)
			for a := range latticeActions {
				x.q[s][a] = latticeReward(t, pos, a)
				if !latticeEnds(t, pos, a) {
					x.q[s][a] += gamma * x.v[latticeState(t+1, (pos+a)%3)]
				}
				x.v[s] += p[s][a] * x.q[s][a]
			}
		}
	}
	for pos := range 2 {
		x.visits[latticeState(0, pos)] = 0.5
		x.ret += 0.5 * x.v[latticeState(0, pos)]
	}
	for t := range min(steps, latticeSteps) - 1 {
		for pos := range 3 {
			s := latticeState(t, pos)
			for a := range latticeActions {
				if !latticeEnds(t, pos, a) {
					x.visits[latticeState(t+1, (pos+a)%3)] += x.visits[s] * p[s][a]
				}
			}
		}
	}
	return x
}

// gradient is Σ_s d(s) Σ_a q(s, a)·∂π(a|s)/∂θ, which the estimators estimate, with the derivative of the policy by central
// differences of reference.
func (x exact) gradient(m *model) []float64 {
	surrogate := func() float64 {
		p, sum := reference(m), 0.0
		for s, d := range x.visits {
			for a := range latticeActions {
				sum += d * x.q[s][a] * p[s][a]
			}
		}
		return sum
	}
	return differences(m, surrogate)
}

// differences are the central differences of f by the parameters of the policy.
func differences(m *model, f func() float64) []float64 {
	var grad []float64
	for _, param := range m.of(m.policy) {
		for i, w := range param.Data {
			const h = 1.0 / 256 // a power of two, so that w ± h differs from w by h but for the rounding of w + h
			param.Data[i] = w + h
			above, high := param.Data[i], f()
			param.Data[i] = w - h
			below, low := param.Data[i], f()
			param.Data[i] = w
			grad = append(grad, (high-low)/(float64(above)-float64(below)))
		}
	}
	return grad
}

// reference computes the policy of all states in float64, straight from the parameters: one hidden layer of tanh.
func reference(m *model) (p [4 * latticeSteps][latticeActions]float64) {
	get := func(name string) []float32 {
		param, _ := m.params.Get(name)
		return param.Data
	}
	table, weight, bias := get("policy.hidden1.weight"), get("policy.output.weight"), get("policy.output.bias")
	hidden := len(weight) / latticeActions
	for s := range p {
		total := 0.0
		for a := range latticeActions {
			l := float64(bias[a])
			for i := range hidden {
				l += math.Tanh(float64(table[s*hidden+i])) * float64(weight[i*latticeActions+a])
			}
			if m.masked && !latticeAllows(s/3, s%3, a) {
				continue
			}
			p[s][a] = math.Exp(l)
			total += p[s][a]
		}
		for a := range p[s] {
			p[s][a] /= total
		}
	}
	return p
}

// latticeConfig is a small agent for the lattice.
func latticeConfig(agent, id string, mask bool) Config {
	c := Defaults(id, agent)
	c.Hidden, c.Mask, c.Gamma, c.Scale, c.MaxNorm, c.Standardize = []int{4}, mask, 1, 1, 0, false
	if agent == RELAX {
		c.CVHidden = []int{5}
	}
	return c
}

// newLattice makes an agent whose parameters are all random, with logits far from normalised and no action that is so rare
// that a sample of thousands may miss it.
func newLattice(t testing.TB, c Config) (agent, *learner) {
	t.Helper()
	p, err := c.resolve()
	if err != nil {
		t.Fatal(err)
	}
	a, l, err := newAgent(p)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(11, 13))
	for _, param := range l.params.All() {
		for i := range param.Data {
			param.Data[i] = float32(0.7 * rng.NormFloat64())
		}
	}
	if bias, ok := l.params.Get("policy.output.bias"); ok {
		for i := range bias.Data {
			bias.Data[i] += 2
		}
	}
	return a, l
}

// meanOf compares the mean of estimates, each the mean of equally many others, with the truth: all coordinates within four
// standard errors, and one that does not vary, equal. Float32 may err by 1e-5.
func meanOf(t *testing.T, estimates [][]float64, want []float64) {
	t.Helper()
	n := float64(len(estimates))
	worst := 0.0
	for i, w := range want {
		var sum, squares float64
		for _, e := range estimates {
			sum += e[i]
		}
		mean := sum / n
		for _, e := range estimates {
			squares += (e[i] - mean) * (e[i] - mean)
		}
		se := math.Sqrt(squares / (n - 1) / n)
		worst = max(worst, math.Abs(mean-w)/(se+2.5e-6))
		if math.Abs(mean-w) > 4*se+1e-5 {
			t.Errorf("parameter %d: mean %.5f, want %.5f: %.1f standard errors of %.2g", i, mean, w, (mean-w)/se, se)
		}
	}
	t.Logf("%.0f estimates of %d parameters, at most %.2f standard errors away", n, len(want), worst)
}

// The reference has the gradient of the expected return, if nothing is discounted.
func TestPolicyGradientTheorem(t *testing.T) {
	for _, mask := range []bool{false, true} {
		_, l := newLattice(t, latticeConfig(REINFORCE, latticeID, mask))
		x := enumerate(reference(l.model), 1, 10)
		got := x.gradient(l.model)
		want := differences(l.model, func() float64 { return enumerate(reference(l.model), 1, 10).ret })
		for i := range want {
			if d := math.Abs(got[i] - want[i]); d > 1e-4 { // h² of the differences
				t.Errorf("mask %v, parameter %d: %g, want %g", mask, i, got[i], want[i])
			}
		}
	}
}

// Graph and reference have the same policy, and the mask holds for everything that is played.
func TestPolicyOnTheLattice(t *testing.T) {
	for _, mask := range []bool{false, true} {
		_, l := newLattice(t, latticeConfig(REINFORCE, latticeID, mask))
		p := reference(l.model)
		judge, err := l.newPlayer(latticeID, 5, 64)
		if err != nil {
			t.Fatal(err)
		}
		episodes, err := judge.play("test", 0, 50_000, false)
		if err != nil {
			t.Fatal(err)
		}
		var counts [4 * latticeSteps][latticeActions]float64
		for _, e := range episodes {
			for i, a := range e.actions {
				counts[int(e.obs[i])][a]++
				if s := int(e.obs[i]); mask && !latticeAllows(s/3, s%3, a) {
					t.Fatalf("action %d in state %d is ruled out", a, s)
				}
			}
		}
		for s := range counts {
			n := counts[s][0] + counts[s][1] + counts[s][2]
			for a, c := range counts[s] {
				if tol := 4 * math.Sqrt(n*p[s][a]*(1-p[s][a])); math.Abs(c-n*p[s][a]) > tol {
					t.Errorf("mask %v: action %d in state %d: %.0f of %.0f times, want %.1f ± %.1f", mask, a, s, c, n, n*p[s][a], tol)
				}
			}
		}
	}
}

func name(parts ...any) string { return fmt.Sprint(parts...) }
