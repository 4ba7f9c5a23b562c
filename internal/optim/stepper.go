package optim

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"relaxgo/internal/kernel"
)

const (
	// maxMoments is the largest number of running averages per weight.
	maxMoments = 2

	// blockSize is the number of weights updated by one call of a rule: small
	// enough that a block's slices fit a core's second-level cache, large
	// enough that the call costs nothing beside it.
	blockSize = 1 << 14

	// maxGradNorm keeps g² within float32, whose largest number is 3.4e38.
	maxGradNorm = 1e19
)

// A rule is one algorithm's update of a block of weights w by gradients g,
// which count scale times. m holds the block's part of each running average,
// and step is the number of this update, counted from 1.
type rule interface {
	update(w, g []float32, m [maxMoments][]float32, step int64, lr, scale float64)
}

// stepper is the part that all optimisers share: checks, clipping, named
// state and the division of labour. It implements Optimizer around a rule.
type stepper struct {
	rule    rule
	moments []string // names of the rule's running averages
	maxNorm float64  // +Inf if gradients are not clipped

	memory map[string]*memory
	round  int64 // number of calls of Step, tells repeated names
	norm   float64

	// The running step.
	slots     []Slot
	memories  []*memory // of the slots, in their order
	blocks    []block
	lr, scale float64

	// Method values made once, because making one allocates.
	measureFunc, updateFunc func(lo, hi int)
}

// memory is what is remembered of one weight. With step 0 nothing is.
type memory struct {
	step    int64
	moments [maxMoments][]float32
	round   int64 // the last call of Step that named the weight
}

// block is the range lo ≤ i < hi of one slot.
type block struct {
	slot, lo, hi int
	sumsq        float64 // Σ g² over the range
}

// newStepper returns a stepper for a rule, which clips gradients to a global
// norm of clip, or not at all if that is 0.
func newStepper(r rule, clip float64, moments ...string) *stepper {
	if clip == 0 {
		clip = math.Inf(1)
	}
	s := &stepper{rule: r, moments: moments, maxNorm: clip, memory: make(map[string]*memory)}
	s.measureFunc, s.updateFunc = s.measure, s.update
	return s
}

// Step implements Optimizer.
func (s *stepper) Step(slots []Slot, lr float64) error {
	if !(lr >= 0) || lr > math.MaxFloat32 {
		return fmt.Errorf("optim: learning rate %v: want a finite number ≥ 0", lr)
	}
	if err := s.admit(slots); err != nil {
		return err
	}
	s.slots, s.lr = slots, lr
	defer func() { s.slots = nil }()

	s.divide()
	kernel.Parallel(len(s.blocks), 1, s.measureFunc)
	var sumsq float64
	for i := range s.blocks {
		sumsq += s.blocks[i].sumsq
	}
	norm := math.Sqrt(sumsq)
	if s.scale = 1; norm > s.maxNorm {
		s.scale = s.maxNorm / norm
	}
	if !(norm*s.scale <= maxGradNorm) {
		return s.divergence(norm)
	}

	s.norm = norm
	for i, m := range s.memories {
		if m.step == 0 {
			for k := range s.moments {
				m.moments[k] = make([]float32, len(slots[i].Value))
			}
		}
		m.step++
	}
	kernel.Parallel(len(s.blocks), 1, s.updateFunc)
	return nil
}

// Norm implements Optimizer.
func (s *stepper) Norm() float64 { return s.norm }

// admit checks the slots and looks up their memories.
func (s *stepper) admit(slots []Slot) error {
	s.round++
	s.memories = s.memories[:0]
	for _, slot := range slots {
		if slot.Name == "" {
			return errors.New("optim: slot without a name")
		}
		if len(slot.Grad) != len(slot.Value) {
			return fmt.Errorf("optim: %q has %d values and a gradient of %d", slot.Name, len(slot.Value), len(slot.Grad))
		}
		m := s.memory[slot.Name]
		if m == nil {
			m = new(memory)
			s.memory[slot.Name] = m
		}
		if m.round == s.round {
			return fmt.Errorf("optim: %q is given twice in one step", slot.Name)
		}
		m.round = s.round
		if m.step > 0 {
			for k := range s.moments {
				if len(m.moments[k]) != len(slot.Value) {
					return fmt.Errorf("optim: %q has %d values, its state %d: was the state saved from another model?", slot.Name, len(slot.Value), len(m.moments[k]))
				}
			}
		}
		s.memories = append(s.memories, m)
	}
	return nil
}

// divide cuts the slots into blocks.
func (s *stepper) divide() {
	s.blocks = s.blocks[:0]
	for i, slot := range s.slots {
		for lo := 0; lo < len(slot.Grad); lo += blockSize {
			s.blocks = append(s.blocks, block{slot: i, lo: lo, hi: min(lo+blockSize, len(slot.Grad))})
		}
	}
}

// measure sets Σ g² of blocks lo to hi.
func (s *stepper) measure(lo, hi int) {
	for i := lo; i < hi; i++ {
		b := &s.blocks[i]
		b.sumsq = kernel.SumSquares(s.slots[b.slot].Grad[b.lo:b.hi])
	}
}

// update applies the rule to blocks lo to hi.
func (s *stepper) update(lo, hi int) {
	for _, b := range s.blocks[lo:hi] {
		slot, memory := s.slots[b.slot], s.memories[b.slot]
		var m [maxMoments][]float32
		for k := range s.moments {
			m[k] = memory.moments[k][b.lo:b.hi]
		}
		s.rule.update(slot.Value[b.lo:b.hi], slot.Grad[b.lo:b.hi], m, memory.step, s.lr, s.scale)
	}
}

// divergence describes gradients that no step can be made with.
func (s *stepper) divergence(norm float64) error {
	for _, slot := range s.slots {
		for i, g := range slot.Grad {
			if g-g != 0 {
				return fmt.Errorf("optim: gradient of %q is %v at index %d: no weight was changed; lower the learning rate or look for log 0 and division by 0 in the loss", slot.Name, g, i)
			}
		}
	}
	return fmt.Errorf("optim: gradient norm %.3g is above %.0e: no weight was changed; lower the learning rate or set MaxNorm", norm, maxGradNorm)
}

// State implements Optimizer.
func (s *stepper) State() State {
	state := State{Steps: make(map[string]int64), Moments: make(map[string][]float32)}
	for name, m := range s.memory {
		if m.step == 0 {
			continue
		}
		state.Steps[name] = m.step
		for k, moment := range s.moments {
			state.Moments[name+"/"+moment] = slices.Clone(m.moments[k])
		}
	}
	return state
}

// SetState implements Optimizer.
func (s *stepper) SetState(state State) error {
	restored := make(map[string]*memory, len(state.Steps))
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }

	for _, name := range slices.Sorted(maps.Keys(state.Steps)) {
		m := &memory{step: state.Steps[name]}
		if name == "" {
			fault("a weight has no name")
		}
		if m.step < 1 {
			fault("%q has made %d steps", name, m.step)
		}
		for k, moment := range s.moments {
			data, ok := state.Moments[name+"/"+moment]
			if !ok {
				fault("%q is missing", name+"/"+moment)
				continue
			}
			m.moments[k] = slices.Clone(data)
			if first, ok := state.Moments[name+"/"+s.moments[0]]; ok && len(data) != len(first) {
				fault("%q has %d numbers, %q %d", name+"/"+moment, len(data), name+"/"+s.moments[0], len(first))
			}
			if i := slices.IndexFunc(data, func(x float32) bool { return x-x != 0 || moment == secondMoment && x < 0 }); i >= 0 {
				fault("%q is %v at index %d", name+"/"+moment, data[i], i)
			}
		}
		restored[name] = m
	}
	for _, key := range slices.Sorted(maps.Keys(state.Moments)) {
		cut := strings.LastIndexByte(key, '/')
		if cut < 0 || !slices.Contains(s.moments, key[cut+1:]) {
			fault("%q is surplus", key)
		} else if _, ok := state.Steps[key[:cut]]; !ok {
			fault("%q has no step count", key)
		}
	}
	if len(faults) > 0 {
		return fmt.Errorf("optim: unusable state: %s: was it saved by the same algorithm?", strings.Join(faults, "; "))
	}
	s.memory = restored
	return nil
}
