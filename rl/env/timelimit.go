package env

import "fmt"

// TimeLimit truncates the episodes of an environment after a number of steps. An episode that terminates on its last
// permitted step is both terminated and truncated.
type TimeLimit struct {
	inner   Env
	limit   int
	elapsed int64
	running bool
}

var _ interface {
	Wrapper
	Saver
} = (*TimeLimit)(nil)

// NewTimeLimit limits the episodes of e to a positive number of steps.
func NewTimeLimit(e Env, steps int) (*TimeLimit, error) {
	if steps < 1 {
		return nil, fmt.Errorf("env: time limit of %d steps, want at least 1", steps)
	}
	return &TimeLimit{inner: e, limit: steps}, nil
}

// Steps returns the limit.
func (t *TimeLimit) Steps() int { return t.limit }

// Elapsed returns the number of steps since the last Reset.
func (t *TimeLimit) Elapsed() int { return int(t.elapsed) }

// Unwrap returns the environment inside.
func (t *TimeLimit) Unwrap() Env { return t.inner }

// Space returns that of the environment inside.
func (t *TimeLimit) Space() Space { return t.inner.Space() }

// Seed implements [Env].
func (t *TimeLimit) Seed(seed uint64) { t.inner.Seed(seed) }

// Reset implements [Env].
func (t *TimeLimit) Reset(obs []float32) error {
	if err := t.inner.Reset(obs); err != nil {
		return err
	}
	t.elapsed, t.running = 0, true
	return nil
}

// Step implements [Env].
func (t *TimeLimit) Step(action int, obs []float32) (Result, error) {
	if !t.running {
		return Result{}, ErrNeedsReset
	}
	r, err := t.inner.Step(action, obs)
	if err != nil {
		return r, err
	}
	t.elapsed++
	if t.elapsed >= int64(t.limit) {
		r.Truncated = true
	}
	t.running = !r.Done()
	return r, nil
}

// MarshalBinary implements [Saver] if the environment inside does, and fails otherwise.
func (t *TimeLimit) MarshalBinary() ([]byte, error) {
	return encodeAround(t.inner, "timelimit", &t.elapsed, &t.running)
}

// UnmarshalBinary implements [Saver].
func (t *TimeLimit) UnmarshalBinary(data []byte) error {
	next := *t
	accept := func() error {
		if next.elapsed < 0 || next.elapsed > int64(t.limit) {
			return fmt.Errorf("%w: step %d of at most %d (timelimit)", errState, next.elapsed, t.limit)
		}
		return nil
	}
	if err := decodeAround(t.inner, "timelimit", data, accept, &next.elapsed, &next.running); err != nil {
		return err
	}
	*t = next
	return nil
}
