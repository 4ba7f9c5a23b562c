// Package optim updates weights from gradients: Adam, AdamW, RMSProp and SGD
// with PyTorch's semantics, clipping by the global norm, state that can be
// saved, and schedules for whatever changes over a run.
//
// The optimisers work on plain float32 slices, in place. Each step measures
// the norm of all gradients together, then updates every weight in one fused
// pass; the work is cut into the same blocks on any number of cores, so the
// result does not depend on how many there are. In steady state a step
// allocates nothing of its own.
package optim

// Slot ties a named weight to its gradient. Step updates Value in place and
// may overwrite Grad.
type Slot struct {
	Name        string
	Value, Grad []float32
}

// Optimizer updates weights by the gradients of a loss. It is not safe for
// concurrent use.
type Optimizer interface {
	// Step makes one update at learning rate lr. What the optimiser remembers
	// of a weight it keeps by the slot's name, so slots may come in any order
	// and need not all come every time.
	//
	// An error leaves weights and state as they were: a learning rate that is
	// negative or not finite; a slot without a name, a name given twice, a
	// value and a gradient of different sizes, a size that differs from the
	// state's; and a gradient that holds NaN or ±Inf, or whose norm after
	// clipping is so large that float32 cannot hold its square.
	Step(slots []Slot, lr float64) error

	// Norm returns the global norm ‖g‖₂ of the latest step's gradients before
	// clipping, 0 before the first.
	Norm() float64

	// State returns a copy of everything the optimiser remembers.
	State() State

	// SetState replaces what the optimiser remembers by a copy of state,
	// after which it continues bit for bit as the optimiser that saved it
	// would have. The zero State makes it forget everything. A state that is
	// not one of this algorithm's is an error and changes nothing.
	SetState(State) error
}

// State is an optimiser's memory between steps.
type State struct {
	Steps   map[string]int64     // number of updates made, by weight
	Moments map[string][]float32 // running averages, by weight + "/" + moment
}
