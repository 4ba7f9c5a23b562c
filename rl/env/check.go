package env

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Check tests whether the environments of a constructor keep the contract of this package, by some thousand steps
// with random actions that the mask permits. The error names the first violation:
//
//   - the space is sensible and does not change;
//   - Step before Reset, Step after the end, an action out of range and a slice of the wrong length are errors, and
//     change nothing;
//   - Reset and Step write every value of the observation; observations and rewards are finite, a discrete
//     observation is one of the states;
//   - two copies with the same seed and actions agree in everything, however their steps interleave; Seed starts the
//     same episodes again;
//   - the mask, if there is one, is written in full, permits an action, and only depends on the state;
//   - starts, if they can be counted, are all accepted and no others are, and an episode goes on from there;
//   - a saved state, if it can be saved, restores what follows into the same copy and into another;
//   - nothing panics.
func Check(constructor func() (Env, error)) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("env: check: panic: %v", r)
		}
	}()
	if constructor == nil {
		return errors.New("env: check: no constructor")
	}
	var c checker
	for i := range c.subjects {
		e, err := Spec{New: constructor}.make()
		if err != nil {
			return fmt.Errorf("env: check: making one: %w", err)
		}
		c.subjects[i] = newSubject(e)
	}
	if err := c.run(); err != nil {
		return fmt.Errorf("env: check: %w", err)
	}
	return nil
}

const (
	checkSeeds    = 4
	checkEpisodes = 3   // for each seed
	checkSteps    = 400 // of an episode at most
)

// checker drives two copies side by side.
type checker struct {
	subjects [2]*subject
	actions  Rand
}

func (c *checker) run() error {
	for _, s := range c.subjects {
		if err := s.refused("a step before the first Reset", 0, s.obs); err != nil {
			return err
		}
	}
	for seed := range uint64(checkSeeds) {
		first, err := c.episodes(seed)
		if err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		again, err := c.episodes(seed)
		if err != nil {
			return fmt.Errorf("seed %d again: %w", seed, err)
		}
		if !slices.Equal(first, again) {
			return fmt.Errorf("seed %d: Seed does not start the same episodes again", seed)
		}
	}
	return c.starts()
}

// starts begins an episode in every start that can be counted.
func (c *checker) starts() error {
	s := c.subjects[0]
	starts, ok := As[Enumerator](s.env)
	if !ok {
		return nil
	}
	n := starts.Starts()
	for i := -1; i <= n; i++ {
		s.prepare()
		if err := s.env.Reset(s.obs); err != nil {
			return fmt.Errorf("before start %d: Reset: %w", i, err)
		}
		if i < 0 || i == n {
			if starts.Start(i, s.obs) == nil {
				return fmt.Errorf("start %d of %d is accepted, want an error", i, n)
			}
			continue
		}
		s.prepare()
		if err := starts.Start(i, s.obs); err != nil {
			return fmt.Errorf("start %d of %d: %w", i, n, err)
		}
		if err := s.look(Result{}); err != nil {
			return fmt.Errorf("start %d: %w", i, err)
		}
		if _, err := s.step(s.choose(&c.actions)); err != nil {
			return fmt.Errorf("start %d: %w", i, err)
		}
	}
	return nil
}

// episodes runs some episodes after a seed and returns a record of all that was seen.
func (c *checker) episodes(seed uint64) (record []float64, err error) {
	c.actions.Seed(seed)
	for _, s := range c.subjects {
		s.env.Seed(seed)
	}
	for episode := range checkEpisodes {
		if err := c.reset(); err != nil {
			return nil, fmt.Errorf("episode %d: Reset: %w", episode, err)
		}
		record = append(record, c.subjects[0].seen...)
		for step := range checkSteps {
			done, err := c.step(step)
			if err != nil {
				return nil, fmt.Errorf("episode %d: step %d: %w", episode, step, err)
			}
			record = append(record, c.subjects[0].seen...)
			if done {
				break
			}
		}
	}
	return record, nil
}

func (c *checker) reset() error {
	for _, s := range c.subjects {
		for _, size := range []int{len(s.obs) - 1, len(s.obs) + 1} {
			if s.env.Reset(make([]float32, size)) == nil {
				return fmt.Errorf("an observation slice of %d values is accepted, want an error unless it is %d", size, len(s.obs))
			}
		}
		s.prepare()
		if err := s.env.Reset(s.obs); err != nil {
			return err
		}
		if err := s.look(Result{}); err != nil {
			return err
		}
	}
	return c.agree("Reset")
}

// step takes one action in both copies; every so often it also tries what must be refused, and saves and restores.
func (c *checker) step(number int) (done bool, err error) {
	action := c.subjects[0].choose(&c.actions)
	probe := number%16 == 0
	if probe {
		if err := c.subjects[1].refuses(); err != nil {
			return false, err
		}
	}
	var saved []byte
	if probe {
		if saved, err = c.subjects[1].save(); err != nil {
			return false, err
		}
	}
	for _, s := range c.subjects {
		if done, err = s.step(action); err != nil {
			return false, err
		}
	}
	if err := c.agree("Step"); err != nil {
		return false, err
	}
	if saved != nil {
		for _, s := range c.subjects { // the second from its own state, the first from that of the other
			if err := s.replay(saved, action); err != nil {
				return false, err
			}
		}
	}
	if done {
		for _, s := range c.subjects {
			if err := s.refused("a step after the end of the episode", action, s.obs); err != nil {
				return false, err
			}
		}
	}
	return done, nil
}

func (c *checker) agree(what string) error {
	if a, b := c.subjects[0].seen, c.subjects[1].seen; !slices.Equal(a, b) {
		return fmt.Errorf("two copies with the same seed and actions differ after %s: %v and %v", what, a, b)
	}
	return nil
}

// subject is one copy and what was last seen of it.
type subject struct {
	env    Env
	space  Space
	masker Masker
	saver  Saver
	obs    []float32
	mask   []bool
	seen   []float64 // observation, reward, flags and mask
}

func newSubject(e Env) *subject {
	s := &subject{env: e, space: e.Space()}
	s.masker, _ = As[Masker](e)
	if saver, ok := e.(Saver); ok {
		if _, err := saver.MarshalBinary(); err == nil { // wrappers of what cannot be saved fail here
			s.saver = saver
		}
	}
	s.obs = make([]float32, s.space.Size)
	s.mask = make([]bool, s.space.Actions)
	return s
}

// prepare fills the observation with what no environment may leave there.
func (s *subject) prepare() {
	for i := range s.obs {
		s.obs[i] = float32(math.NaN())
	}
}

// refused tests that a step is an error.
func (s *subject) refused(what string, action int, obs []float32) error {
	if _, err := s.env.Step(action, obs); err == nil {
		return fmt.Errorf("%s is accepted, want an error", what)
	}
	return nil
}

// refuses tests that senseless steps are errors.
func (s *subject) refuses() error {
	for _, action := range []int{-1, s.space.Actions} {
		if err := s.refused(fmt.Sprintf("action %d of %d", action, s.space.Actions), action, s.obs); err != nil {
			return err
		}
	}
	for _, size := range []int{len(s.obs) - 1, len(s.obs) + 1} {
		if err := s.refused(fmt.Sprintf("an observation slice of %d values instead of %d", size, len(s.obs)), 0, make([]float32, size)); err != nil {
			return err
		}
	}
	return nil
}

func (s *subject) step(action int) (done bool, err error) {
	s.prepare()
	r, err := s.env.Step(action, s.obs)
	if err != nil {
		return false, fmt.Errorf("action %d: %w", action, err)
	}
	return r.Done(), s.look(r)
}

// look records what a call has yielded and tests it.
func (s *subject) look(r Result) error {
	if s.env.Space() != s.space {
		return fmt.Errorf("the space has changed from %+v to %+v", s.space, s.env.Space())
	}
	if math.IsNaN(r.Reward) || math.IsInf(r.Reward, 0) {
		return fmt.Errorf("the reward is %v", r.Reward)
	}
	s.seen = append(s.seen[:0], r.Reward, number(r.Terminated), number(r.Truncated))
	for i, x := range s.obs {
		if v := float64(x); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("value %d of the observation is not written or not finite: %v", i, v)
		}
		s.seen = append(s.seen, float64(x))
	}
	if s.space.Discrete() && (s.obs[0] < 0 || int(s.obs[0]) >= s.space.States || s.obs[0] != float32(int(s.obs[0]))) {
		return fmt.Errorf("the observation %v is none of %d states", s.obs[0], s.space.States)
	}
	if s.masker == nil {
		return nil
	}
	for i := range s.mask {
		s.mask[i] = true
	}
	s.masker.Mask(s.mask)
	other := make([]bool, len(s.mask))
	s.masker.Mask(other)
	if !slices.Equal(s.mask, other) {
		return fmt.Errorf("the mask is not written in full or differs between calls: %v and %v", s.mask, other)
	}
	if !r.Done() && !slices.Contains(s.mask, true) {
		return errors.New("the mask permits no action")
	}
	for _, useful := range s.mask {
		s.seen = append(s.seen, number(useful))
	}
	return nil
}

// choose draws an action that the mask permits.
func (s *subject) choose(random *Rand) int {
	for {
		action := int(random.Uint32N(uint32(s.space.Actions)))
		if s.masker == nil || s.mask[action] {
			return action
		}
	}
}

func (s *subject) save() ([]byte, error) {
	if s.saver == nil {
		return nil, nil
	}
	data, err := s.saver.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("saving: %w", err)
	}
	again, err := s.saver.MarshalBinary()
	if err != nil || !bytes.Equal(data, again) {
		return nil, errors.New("saving twice yields different states")
	}
	return data, nil
}

// replay restores a state and repeats the step that followed it.
func (s *subject) replay(saved []byte, action int) error {
	before := slices.Clone(s.seen)
	if err := s.saver.UnmarshalBinary(saved); err != nil {
		return fmt.Errorf("restoring: %w", err)
	}
	if _, err := s.step(action); err != nil {
		return fmt.Errorf("after restoring: %w", err)
	}
	if !slices.Equal(s.seen, before) {
		return fmt.Errorf("a restored state is followed by %v instead of %v", s.seen, before)
	}
	return nil
}

// number is 1 for true.
func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
