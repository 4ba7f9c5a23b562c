package env

import (
	"encoding"
	"errors"
	"fmt"
	"image"
)

// Env is an environment with a finite set of actions, stepped by one goroutine at a time.
//
// Seed restarts the random generator of the environment; it takes effect at the next Reset. An environment that was
// never seeded behaves as after Seed(0).
//
// Reset begins an episode and writes its first observation into obs. Without a Seed before it the random stream
// continues, so that one seed determines a whole sequence of episodes.
//
// Step takes an action and writes the observation that follows into obs. Once it reports the end of an episode, and
// before the first Reset, it fails with [ErrNeedsReset].
//
// The slice obs must hold exactly Space().Size values ([ErrObservation] otherwise); actions are counted from 0
// ([ErrAction] otherwise). A call that fails for one of these reasons changes nothing.
type Env interface {
	Space() Space
	Seed(seed uint64)
	Reset(obs []float32) error
	Step(action int, obs []float32) (Result, error)
}

// Space describes the actions and observations of an environment. It never changes.
type Space struct {
	Actions int // actions are 0, …, Actions-1
	Size    int // values of one observation

	// States is the number of states if the observation is discrete: a single value, one of 0, …, States-1, which a
	// float32 holds exactly up to 2²⁴ states. It is zero if the observation is a vector of real numbers.
	States int
}

// Discrete reports whether an observation is the index of a state rather than a vector of real numbers.
func (s Space) Discrete() bool { return s.States > 0 }

// validate reports what is wrong with a space.
func (s Space) validate() error {
	switch {
	case s.Actions < 1:
		return fmt.Errorf("env: space has %d actions, want at least 1", s.Actions)
	case s.Size < 1:
		return fmt.Errorf("env: space has observations of %d values, want at least 1", s.Size)
	case s.States < 0 || s.States > 1<<24:
		return fmt.Errorf("env: space has %d states, want 0 (not discrete) to %d", s.States, 1<<24)
	case s.Discrete() && s.Size != 1:
		return fmt.Errorf("env: space is discrete and has observations of %d values, want 1", s.Size)
	}
	return nil
}

// Result is what a step yields besides the observation. Terminated and Truncated are different things, and both may
// hold: a terminated episode has no future, so the value of its last observation is zero; a truncated one was cut off,
// usually by a time limit, and its return should be completed by the value of the last observation.
type Result struct {
	Reward     float64
	Terminated bool
	Truncated  bool
}

// Done reports whether the episode has ended, in one way or the other.
func (r Result) Done() bool { return r.Terminated || r.Truncated }

// Masker is an environment in which some actions are pointless or forbidden in some states.
type Masker interface {
	// Mask sets mask[a] to whether action a is of use in the present state. The length of mask is Space().Actions.
	// At least one action is of use while an episode runs.
	Mask(mask []bool)
}

// Enumerator is an environment whose episodes start in one of a number of states, all equally likely, with nothing left
// to chance after that: one episode from every start gives the expected return of a deterministic policy exactly.
type Enumerator interface {
	// Starts is the number of starts, 0 if there are too many to count or chance has a say later on.
	Starts() int
	// Start puts the episode that Reset has just begun into start i, counted from 0, and writes its first observation.
	Start(i int, obs []float32) error
}

// Renderer is an environment that can be looked at. Before the first Reset it shows some valid state.
type Renderer interface {
	Text() string       // lines for a terminal, coloured by ANSI escape sequences
	Frame() image.Image // a picture of a size that does not change
}

// Saver is an environment whose complete state, random generator included, can be saved and restored, so that what
// follows is the same to the bit. UnmarshalBinary refuses what does not fit and then leaves the environment unchanged. A
// wrapper is a Saver whatever is inside; around an environment that is none it fails with [ErrNotSaved].
type Saver interface {
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

// Wrapper is an environment around another one. Optional abilities of the inner environment stay within reach of [As].
type Wrapper interface {
	Env
	Unwrap() Env
}

// Errors that every environment of this package wraps.
var (
	ErrNeedsReset  = errors.New("env: no episode is running: call Reset first")
	ErrAction      = errors.New("env: action out of range")
	ErrObservation = errors.New("env: observation slice of the wrong length")
	ErrStart       = errors.New("env: start out of range")
	ErrNotSaved    = errors.New("env: the environment cannot be saved: it is no Saver")
)

// As finds the outermost environment in a chain of wrappers that is a T: an optional interface such as [Renderer], or
// a type such as *[Statistics].
func As[T any](e Env) (T, bool) {
	for {
		if t, ok := e.(T); ok {
			return t, true
		}
		w, ok := e.(Wrapper)
		if !ok {
			var none T
			return none, false
		}
		e = w.Unwrap()
	}
}

// resetError checks the argument of Reset.
func resetError(obs []float32, size int) error {
	if len(obs) != size {
		return fmt.Errorf("%w: %d values, want %d", ErrObservation, len(obs), size)
	}
	return nil
}

// stepError explains why a step is refused. Environments test the three conditions in one expression and call it only
// when one of them holds.
func stepError(running bool, action int, obs []float32, space Space) error {
	switch {
	case !running:
		return ErrNeedsReset
	case action < 0 || action >= space.Actions:
		return fmt.Errorf("%w: %d, want 0 to %d", ErrAction, action, space.Actions-1)
	default:
		return resetError(obs, space.Size)
	}
}
