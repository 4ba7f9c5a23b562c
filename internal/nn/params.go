package nn

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"relaxgo/internal/stream"
)

// Param is one named weight tensor in row-major order. A graph binds Data
// through a tensor header of its own, so several graphs share one Param and
// all see an update made in place.
type Param struct {
	Name  string
	Shape []int     // [in, out] for a dense weight, empty for a scalar
	Data  []float32 // as many numbers as Shape asks for
}

// Params is an ordered set of parameters whose names are all distinct. The
// zero value is an empty set with seed 0. It may be read from several
// goroutines, but Add and SetState need it alone.
type Params struct {
	seed uint64
	list []*Param
}

// NewParams returns an empty set whose initial weights are drawn from seed.
func NewParams(seed uint64) *Params { return &Params{seed: seed} }

// Add appends a parameter and initialises it. The random numbers come from a
// stream of the parameter's own, named "init/" + name, so that its first
// weights depend on the seed, its name and its shape, and on no other
// parameter.
//
// An empty or used name, an axis below 1, a size that overflows, a missing
// initialiser, or one that yields a number that is not finite is an error;
// the set is then unchanged.
func (p *Params) Add(name string, shape []int, init Init) (*Param, error) {
	if name == "" {
		return nil, errors.New("nn: parameter without a name")
	}
	if _, taken := p.Get(name); taken {
		return nil, fmt.Errorf("nn: parameter %q exists already: names must be distinct", name)
	}
	if init == nil {
		return nil, fmt.Errorf("nn: parameter %q has no initialiser", name)
	}
	n, err := size(shape)
	if err != nil {
		return nil, fmt.Errorf("nn: parameter %q: %w", name, err)
	}
	param := &Param{Name: name, Shape: slices.Clone(shape), Data: make([]float32, n)}
	init(slices.Clone(shape), param.Data, rand.New(stream.New(p.seed, "init/"+name)))
	for i, x := range param.Data {
		if x-x != 0 {
			return nil, fmt.Errorf("nn: parameter %q: initial value %v at index %d is not finite: check the initialiser's arguments", name, x, i)
		}
	}
	p.list = append(p.list, param)
	return param, nil
}

// Get returns the parameter called name and whether there is one.
func (p *Params) Get(name string) (*Param, bool) {
	for _, param := range p.list {
		if param.Name == name {
			return param, true
		}
	}
	return nil, false
}

// All returns the parameters in the order in which they were added.
func (p *Params) All() []*Param { return slices.Clone(p.list) }

// Count returns how many numbers the set holds.
func (p *Params) Count() int {
	n := 0
	for _, param := range p.list {
		n += len(param.Data)
	}
	return n
}

// State returns every parameter's Data by name: the live weights, not copies.
func (p *Params) State() map[string][]float32 {
	state := make(map[string][]float32, len(p.list))
	for _, param := range p.list {
		state[param.Name] = param.Data
	}
	return state
}

// SetState copies the weights of state into the parameters. Names and sizes
// must match exactly; otherwise the error lists everything that is missing,
// surplus or of the wrong size, and no weight is changed.
func (p *Params) SetState(state map[string][]float32) error {
	var faults, surplus []string
	for _, param := range p.list {
		switch data, ok := state[param.Name]; {
		case !ok:
			faults = append(faults, fmt.Sprintf("%q is missing", param.Name))
		case len(data) != len(param.Data):
			faults = append(faults, fmt.Sprintf("%q has %d numbers, shape %v needs %d", param.Name, len(data), param.Shape, len(param.Data)))
		}
	}
	for name := range state {
		if _, known := p.Get(name); !known {
			surplus = append(surplus, fmt.Sprintf("%q is surplus", name))
		}
	}
	slices.Sort(surplus)
	if faults = append(faults, surplus...); len(faults) > 0 {
		return fmt.Errorf("nn: state does not fit the parameters: %s: was it saved from a model of the same structure?", strings.Join(faults, "; "))
	}
	for _, param := range p.list {
		copy(param.Data, state[param.Name])
	}
	return nil
}

// size returns how many numbers a tensor of the given shape holds.
func size(shape []int) (int, error) {
	n := 1
	for _, dim := range shape {
		if dim < 1 {
			return 0, fmt.Errorf("shape %v: every axis must be at least 1", shape)
		}
		if n > math.MaxInt32/dim {
			return 0, fmt.Errorf("shape %v: more than %d numbers", shape, math.MaxInt32)
		}
		n *= dim
	}
	return n, nil
}
