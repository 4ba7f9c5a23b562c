package env

import (
	"errors"
	"fmt"
)

// Autoreset says when a copy in a [Vector] whose episode has ended begins the next one.
type Autoreset int

const (
	// NextStep resets on the step after the last one of an episode: that step ignores the action, its reward is zero
	// and no flag but Batch.Reset is set. It is no transition and must be left out of the loss. Gymnasium's default.
	NextStep Autoreset = iota
	// SameStep resets within the last step of an episode: Batch.Obs already begins the next one, and Batch.Next holds
	// the last observation of the one that ended.
	SameStep
)

// Batch is what one step of n copies yields, row i for copy i. Its slices belong to the vector and are overwritten by
// the next Step or Reset; within that time the caller may change them, to normalise in place for example.
type Batch struct {
	Obs        []float32 // [n, size]: what to act on next
	Next       []float32 // [n, size]: what the actions led to, before any reset; with NextStep the same slice as Obs
	Mask       []bool    // [n, actions]: actions of use at Obs; nil if the environment is no [Masker]
	Reward     []float64 // [n]
	Terminated []bool    // [n]
	Truncated  []bool    // [n]
	Reset      []bool    // [n]: with NextStep, this step was a reset and is no transition
	Return     []float64 // [n]: sum of the rewards of the episode up to this step, and with it
	Length     []int64   // [n]: steps of the episode up to this one
}

// Vector steps n copies of an environment together, one after the other on the calling goroutine, without allocating.
// It fills the rows of one [Batch]. Different vectors can be used at the same time.
type Vector struct {
	copies  []Env
	maskers []Masker // of the copies; nil if there are no masks
	space   Space
	mode    Autoreset
	running bool // false before the first Reset and after an error
	batch   Batch
}

// NewVector makes n copies by calling a constructor n times, with a function such as
//
//	func() (env.Env, error) { return env.Make("CartPole-v1") }
func NewVector(n int, mode Autoreset, constructor func() (Env, error)) (*Vector, error) {
	if n < 1 {
		return nil, fmt.Errorf("env: vector of %d environments, want at least 1", n)
	}
	if mode != NextStep && mode != SameStep {
		return nil, fmt.Errorf("env: autoreset mode %d, want NextStep or SameStep", mode)
	}
	if constructor == nil {
		return nil, errors.New("env: vector without a constructor")
	}
	v := &Vector{copies: make([]Env, n), mode: mode}
	for i := range v.copies {
		e, err := Spec{New: constructor}.make()
		if err != nil {
			return nil, fmt.Errorf("env: copy %d of %d: %w", i, n, err)
		}
		if i == 0 {
			v.space = e.Space()
		} else if e.Space() != v.space {
			return nil, fmt.Errorf("env: copy %d has space %+v, the first %+v", i, e.Space(), v.space)
		}
		v.copies[i] = e
		if m, ok := As[Masker](e); ok {
			v.maskers = append(v.maskers, m)
		}
	}
	if v.maskers != nil && len(v.maskers) != n {
		return nil, fmt.Errorf("env: %d of %d copies have action masks, want all or none", len(v.maskers), n)
	}
	v.batch = Batch{
		Obs: make([]float32, n*v.space.Size), Reward: make([]float64, n),
		Terminated: make([]bool, n), Truncated: make([]bool, n), Reset: make([]bool, n),
		Return: make([]float64, n), Length: make([]int64, n),
	}
	v.batch.Next = v.batch.Obs
	if mode == SameStep {
		v.batch.Next = make([]float32, len(v.batch.Obs))
	}
	if v.maskers != nil {
		v.batch.Mask = make([]bool, n*v.space.Actions)
	}
	return v, nil
}

// Len returns the number of copies.
func (v *Vector) Len() int { return len(v.copies) }

// Space returns the space of one copy.
func (v *Vector) Space() Space { return v.space }

// Env returns copy i, for drawing or inspection; stepping it apart from the others disturbs the vector.
func (v *Vector) Env(i int) Env { return v.copies[i] }

// Batch returns the rows of the last Step or Reset, or of a restored state.
func (v *Vector) Batch() *Batch { return &v.batch }

// Seed seeds copy i with seed + i. It takes effect at the next Reset.
func (v *Vector) Seed(seed uint64) {
	for i, e := range v.copies {
		e.Seed(seed + uint64(i))
	}
}

// Reset begins an episode in every copy. In the batch rewards, flags, returns and lengths are zero.
func (v *Vector) Reset() (*Batch, error) {
	b := &v.batch
	v.running = false
	for i, e := range v.copies {
		if err := e.Reset(v.row(b.Obs, i)); err != nil {
			return nil, fmt.Errorf("env: copy %d: %w", i, err)
		}
		v.finish(i, Result{})
		b.Reset[i], b.Return[i], b.Length[i] = false, 0, 0
	}
	if v.mode == SameStep {
		copy(b.Next, b.Obs)
	}
	v.running = true
	return b, nil
}

// Step takes one action in every copy. With NextStep the actions of copies whose episode has ended are ignored.
// An action out of range is an error before any copy is stepped; after an error in a copy, the vector needs a Reset.
func (v *Vector) Step(actions []int) (*Batch, error) {
	if !v.running {
		return nil, ErrNeedsReset
	}
	if len(actions) != len(v.copies) {
		return nil, fmt.Errorf("env: %d actions for %d copies", len(actions), len(v.copies))
	}
	b := &v.batch
	for i, action := range actions {
		if (action < 0 || action >= v.space.Actions) && !v.pending(i) {
			return nil, fmt.Errorf("env: copy %d: %w: %d, want 0 to %d", i, ErrAction, action, v.space.Actions-1)
		}
	}
	v.running = false
	for i, e := range v.copies {
		if err := v.step(i, e, actions[i]); err != nil {
			return nil, fmt.Errorf("env: copy %d: %w", i, err)
		}
	}
	v.running = true
	return b, nil
}

// pending reports whether the next step of copy i is a reset.
func (v *Vector) pending(i int) bool {
	return v.mode == NextStep && (v.batch.Terminated[i] || v.batch.Truncated[i])
}

// step advances copy i.
func (v *Vector) step(i int, e Env, action int) error {
	b := &v.batch
	if b.Reset[i] = v.pending(i); b.Reset[i] {
		if err := e.Reset(v.row(b.Obs, i)); err != nil {
			return err
		}
		b.Return[i], b.Length[i] = 0, 0
		v.finish(i, Result{})
		return nil
	}
	if b.Terminated[i] || b.Truncated[i] { // the last step, with SameStep, has begun a new episode
		b.Return[i], b.Length[i] = 0, 0
	}
	r, err := e.Step(action, v.row(b.Next, i))
	if err != nil {
		return err
	}
	b.Return[i] += r.Reward
	b.Length[i]++
	if v.mode == SameStep {
		if r.Done() {
			err = e.Reset(v.row(b.Obs, i))
		} else {
			copy(v.row(b.Obs, i), v.row(b.Next, i))
		}
	}
	v.finish(i, r)
	return err
}

// finish writes the parts of row i that follow from the result and the present state of copy i.
func (v *Vector) finish(i int, r Result) {
	b := &v.batch
	b.Reward[i], b.Terminated[i], b.Truncated[i] = r.Reward, r.Terminated, r.Truncated
	if v.maskers != nil {
		v.maskers[i].Mask(b.Mask[i*v.space.Actions:][:v.space.Actions])
	}
}

// row returns row i of observations.
func (v *Vector) row(rows []float32, i int) []float32 {
	size := v.space.Size
	return rows[i*size : (i+1)*size : (i+1)*size]
}

// MarshalBinary returns the state of all copies and of the batch as bytes; it fails if a copy cannot be saved.
func (v *Vector) MarshalBinary() ([]byte, error) {
	parts, err := v.parts()
	if err != nil {
		return nil, err
	}
	return encode(v.kind(), parts...)
}

// UnmarshalBinary restores what MarshalBinary returned for a vector of as many copies of the same kind in the same
// mode, to the bit. If it fails, the vector is as before.
func (v *Vector) UnmarshalBinary(data []byte) error {
	before, err := v.MarshalBinary()
	if err != nil {
		return err
	}
	parts, err := v.parts()
	if err != nil {
		return err
	}
	if err := decode(v.kind(), data, parts...); err != nil {
		return errors.Join(err, decode(v.kind(), before, parts...))
	}
	return nil
}

// kind distinguishes the states of vectors that do not fit each other.
func (v *Vector) kind() string {
	return fmt.Sprintf("vector of %d copies, mode %d", len(v.copies), v.mode)
}

// parts lists what a saved state consists of.
func (v *Vector) parts() ([]any, error) {
	b := &v.batch
	parts := []any{&v.running, b.Obs, b.Next, b.Mask, b.Reward, b.Terminated, b.Truncated, b.Reset, b.Return, b.Length}
	for _, e := range v.copies {
		s, err := saver(e)
		if err != nil {
			return nil, err
		}
		parts = append(parts, s)
	}
	return parts, nil
}
