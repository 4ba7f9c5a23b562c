package rl

import (
	"fmt"

	"relaxgo/internal/optim"
	"relaxgo/internal/run"
)

// agent is one way to learn a policy.
type agent interface {
	// learn plays, and then updates all networks; update counts from 0, step is that of the environment before it.
	learn(update, step int) (experience, error)
	// gradient is the agent's estimate of the policy's gradient from one episode, an ascent direction in the units of
	// the plain rewards and without the entropy: what learn climbs but for scale, standardising and clipping. It holds
	// the parameters of the policy one after the other, and is valid until the next call.
	gradient(e episode) ([]float32, error)
	// save and restore keep what the agent remembers beside parameters and optimisers.
	save(s *run.Safetensors) error
	restore(s *run.Safetensors) error
}

// experience is what an update was made from.
type experience struct {
	steps    int
	episodes []Played   // that ended
	numbers  []quantity // for metrics.csv
}

// quantity is a number that says how training goes.
type quantity struct {
	name  string
	value float64
}

// Values of Config.Optimizer.
const (
	optimizerAdam    = "adam"
	optimizerRMSProp = "rmsprop"
)

// rmspropEps is what the reference implementations of A2C add to the root.
const rmspropEps = 1e-5

// learner is what the agents share: the model, and an optimiser for each of its networks.
type learner struct {
	plan
	*model
	optimizers map[string]optim.Optimizer // by the network's name
	flat       []float32                  // the policy's gradient, scratch
}

func newLearner(p plan) (*learner, error) {
	m, err := newModel(p)
	if err != nil {
		return nil, err
	}
	l := &learner{plan: p, model: m, optimizers: map[string]optim.Optimizer{}}
	for _, n := range []network{m.policy, m.value, m.control} {
		if n.name == "" {
			continue
		}
		clip := p.MaxNorm
		if n.name == m.control.name {
			clip = 0 // its objective is a square of gradients, for which another norm would be right
		}
		if l.optimizers[n.name], err = newOptimizer(p.Optimizer, clip); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func newOptimizer(name string, clip float64) (optim.Optimizer, error) {
	if name == optimizerRMSProp {
		return optim.NewRMSProp(optim.RMSPropSettings{Eps: rmspropEps, MaxNorm: clip})
	}
	return optim.NewAdam(optim.AdamSettings{MaxNorm: clip})
}

// newAgent makes the agent of a configuration.
func newAgent(p plan) (agent, *learner, error) {
	l, err := newLearner(p)
	if err != nil {
		return nil, nil, err
	}
	var a agent
	switch p.Agent {
	case REINFORCE:
		a, err = newReinforce(l)
	case A2C:
		a, err = newA2C(l)
	default:
		a, err = newRelax(l)
	}
	return a, l, err
}

// descend moves the parameters of a network against gradients by their names.
func (l *learner) descend(n network, gradient func(parameter string) []float32, rate optim.Schedule, step int) error {
	var slots []optim.Slot
	for _, p := range l.of(n) {
		slots = append(slots, optim.Slot{Name: p.Name, Value: p.Data, Grad: gradient(p.Name)})
	}
	if err := l.optimizers[n.name].Step(slots, rate.At(step)); err != nil {
		return fmt.Errorf("the %s: %w", n.name, err)
	}
	return nil
}

// flatten joins gradients of the policy's parameters, times a factor.
func (l *learner) flatten(gradient func(parameter string) []float32, factor float64) []float32 {
	l.flat = l.flat[:0]
	for _, p := range l.of(l.policy) {
		for _, g := range gradient(p.Name) {
			l.flat = append(l.flat, float32(factor)*g)
		}
	}
	return l.flat
}

// scaled is rewards times Config.Scale.
func (l *learner) scaled(rewards []float64) []float64 {
	r := make([]float64, len(rewards))
	for t, x := range rewards {
		r[t] = l.Scale * x
	}
	return r
}

// minus is a − b, or a if b is nil.
func minus(a, b []float64) []float64 {
	d := append([]float64(nil), a...)
	for i, x := range b {
		d[i] -= x
	}
	return d
}
