package rl

import (
	"math"
	"testing"

	"relaxgo/rl/env"
)

// gamble is a task of one or two choices between three actions: a bandit, or a Markov decision process of two steps. It
// begins in state 0. Action a of the first step leads to state 1+a with probability 0.7, else to the one after it. An
// action is rewarded by a number from a table, plus or minus one by chance. States are seen as two real numbers.
type gamble struct {
	rng             env.Rand
	steps, t, state int
	running         bool
}

const (
	banditID  = "Bandit-v0"
	twoStepID = "TwoStep-v0"

	gambleActions = 3
	gambleStays   = 0.7
)

var (
	gambleRewards  = [4][gambleActions]float64{{1, -0.5, 2}, {3, 0, -1}, {-2, 1.5, 0.5}, {0, 2.5, -3}}
	gambleFeatures = [4][2]float32{{1, 0.5}, {-1, 0.5}, {0.25, -1}, {0.75, 1.5}}
)

func init() {
	for id, steps := range map[string]int{banditID: 1, twoStepID: 2} {
		if err := env.Register(env.Spec{ID: id, New: func() (env.Env, error) { return &gamble{steps: steps}, nil }, MaxSteps: 10}); err != nil {
			panic(err)
		}
	}
}

func (g *gamble) Space() env.Space { return env.Space{Actions: gambleActions, Size: 2} }
func (g *gamble) Seed(seed uint64) { g.rng.Seed(seed) }

func (g *gamble) Reset(obs []float32) error {
	g.t, g.state, g.running = 0, 0, true
	copy(obs, gambleFeatures[0][:])
	return nil
}

func (g *gamble) Step(a int, obs []float32) (env.Result, error) {
	if !g.running {
		return env.Result{}, env.ErrNeedsReset
	}
	r := env.Result{Reward: gambleRewards[g.state][a] + 2*float64(g.rng.Uint32N(2)) - 1, Terminated: g.t == g.steps-1}
	if g.state = 1 + a; g.rng.Float64() >= gambleStays {
		g.state = 1 + (a+1)%gambleActions
	}
	g.t, g.running = g.t+1, !r.Terminated
	copy(obs, gambleFeatures[g.state][:])
	return r, nil
}

// gambleReturn is the expected return of a policy that gives the probabilities of the actions in a state.
func gambleReturn(steps int, policy func(state int) [gambleActions]float64) float64 {
	sum := 0.0
	for a, p := range policy(0) {
		sum += p * gambleRewards[0][a]
		if steps == 1 {
			continue
		}
		for state, chance := range map[int]float64{1 + a: gambleStays, 1 + (a+1)%gambleActions: 1 - gambleStays} {
			for b, q := range policy(state) {
				sum += p * chance * q * gambleRewards[state][b]
			}
		}
	}
	return sum
}

// gambleGradient is the gradient of the expected return by the parameters of a policy with at most one hidden layer:
// central differences of the enumeration in float64, good to 10⁻⁹. It also gives the largest |log Σ exp| of the logits.
func gambleGradient(m *model, steps int) (grad []float64, largest float64) {
	params := m.of(m.policy)
	weights := map[string][]float64{}
	for _, p := range params {
		for _, w := range p.Data {
			weights[p.Name] = append(weights[p.Name], float64(w))
		}
	}
	dense := func(x []float64, layer string) []float64 {
		y := append([]float64(nil), weights[layer+".bias"]...)
		for i, v := range x {
			for j := range y {
				y[j] += v * weights[layer+".weight"][i*len(y)+j]
			}
		}
		return y
	}
	policy := func(state int) (p [gambleActions]float64) {
		x := []float64{float64(gambleFeatures[state][0]), float64(gambleFeatures[state][1])}
		if weights["policy.hidden1.weight"] != nil {
			x = dense(x, "policy.hidden1")
			for i := range x {
				x[i] = math.Tanh(x[i])
			}
		}
		total := 0.0
		for a, l := range dense(x, "policy.output") {
			p[a] = math.Exp(l)
			total += p[a]
		}
		largest = max(largest, math.Abs(math.Log(total)))
		for a := range p {
			p[a] /= total
		}
		return p
	}
	for _, param := range params {
		for i, w := range weights[param.Name] {
			const h = 1e-5
			weights[param.Name][i] = w + h
			high := gambleReturn(steps, policy)
			weights[param.Name][i] = w - h
			low := gambleReturn(steps, policy)
			weights[param.Name][i] = w
			grad = append(grad, (high-low)/(2*h))
		}
	}
	return grad, largest
}

// A million estimates of RELAX have the policy gradient for their mean: every coordinate is within four standard errors of
// what enumeration gives, on a bandit with three arms and a process of two steps, with a random control variate and
// logits that are far from normalised. With a sampler that takes logits for log-probabilities, or draws the largest z̃
// from another law, dozens to hundreds of standard errors lie between them.
func TestAMillionEstimates(t *testing.T) {
	episodes := 1_000_000
	if testing.Short() {
		episodes /= 10
	}
	for _, test := range []struct {
		id       string
		steps    int
		hidden   []int
		baseline bool
	}{{banditID, 1, nil, false}, {twoStepID, 2, []int{3}, true}} {
		t.Run(test.id, func(t *testing.T) {
			t.Parallel()
			c := latticeConfig(RELAX, test.id, false)
			c.Hidden, c.CVHidden, c.ValueHidden, c.Baseline = test.hidden, []int{4}, nil, test.baseline
			c.CVObjective = CVLogit // the cheapest; the policy's gradient is the same for all
			ag, l := newLattice(t, c)
			a := ag.(*relaxAgent)
			for _, p := range l.of(l.control) {
				for i := range p.Data {
					p.Data[i] *= 3
				}
			}
			want, normaliser := gambleGradient(l.model, test.steps)
			if normaliser < 0.5 {
				t.Fatalf("log Σ exp of the logits is %.2f: they are all but normalised", normaliser)
			}
			var estimates [][]float64
			for g := range groups(t, l, test.id, episodes) {
				estimates = append(estimates, relaxEstimate(t, a, g))
				if len(estimates) == 1 {
					controlMatters(t, a, g, estimates[0])
				}
			}
			n := float64(len(estimates))
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
				z := (mean - w) / se
				t.Logf("coordinate %2d: mean %+.5f, want %+.5f, standard error %.5f, z %+.2f", i, mean, w, se, z)
				if !(math.Abs(z) < 4) {
					t.Errorf("coordinate %d: z = %.1f", i, z)
				}
			}
		})
	}
}

// controlMatters tests that the control variate depends on z: without that, estimates from the same episodes are others by
// a fifth of their norm or more.
func controlMatters(t *testing.T, a *relaxAgent, g group, with []float64) {
	t.Helper()
	beside, ok := a.params.Get("control.hidden1.beside")
	if !ok {
		t.Fatal("the control variate does not see z")
	}
	before := append([]float32(nil), beside.Data...)
	clear(beside.Data)
	without := relaxEstimate(t, a, g)
	copy(beside.Data, before)
	var change, norm float64
	for i := range with {
		change += (with[i] - without[i]) * (with[i] - without[i])
		norm += without[i] * without[i]
	}
	if change < 0.04*norm {
		t.Errorf("z changes the estimates by %.2g of their norm", math.Sqrt(change/norm))
	}
}
