package rl

import (
	"fmt"
	"math"

	"relaxgo/rl/env"
)

// guard is an environment with eyes on what it yields. A reward or an observation that is no finite number, or a discrete
// observation that is none of the states, is an error: otherwise one bad number would spoil a policy in silence, or be
// blamed on it.
type guard struct {
	env.Env
	id    string
	space env.Space
}

var _ interface {
	env.Wrapper
	env.Saver
} = (*guard)(nil)

// makeEnv is a registered environment under guard, as all that agents play in.
func makeEnv(id string) (env.Env, error) {
	e, err := env.Make(id)
	if err != nil {
		return nil, err
	}
	return &guard{e, id, e.Space()}, nil
}

func (g *guard) Unwrap() env.Env { return g.Env }

func (g *guard) Reset(obs []float32) error {
	if err := g.Env.Reset(obs); err != nil {
		return err
	}
	return g.look(obs)
}

func (g *guard) Step(action int, obs []float32) (env.Result, error) {
	r, err := g.Env.Step(action, obs)
	if err != nil {
		return r, err
	}
	if r.Reward-r.Reward != 0 { // it is not finite
		return r, g.broken("the reward of action %d is %v", action, r.Reward)
	}
	return r, g.look(obs)
}

func (g *guard) look(obs []float32) error {
	for i, x := range obs {
		if x-x != 0 {
			return g.broken("value %d of an observation is %v", i, x)
		}
	}
	if n := g.space.States; n > 0 && !(obs[0] >= 0 && obs[0] < float32(n) && float64(obs[0]) == math.Trunc(float64(obs[0]))) {
		return g.broken("the observation %v is none of %d states", obs[0], n)
	}
	return nil
}

// MarshalBinary and UnmarshalBinary are those of the environment.
func (g *guard) MarshalBinary() ([]byte, error) {
	if s, ok := g.Env.(env.Saver); ok {
		return s.MarshalBinary()
	}
	return nil, fmt.Errorf("%s: %w", g.id, env.ErrNotSaved)
}

func (g *guard) UnmarshalBinary(data []byte) error {
	if s, ok := g.Env.(env.Saver); ok {
		return s.UnmarshalBinary(data)
	}
	return fmt.Errorf("%s: %w", g.id, env.ErrNotSaved)
}

func (g *guard) broken(format string, args ...any) error {
	return &broken{fmt.Errorf("%s: %s", g.id, fmt.Sprintf(format, args...))}
}

// broken is an environment that does not keep its contract.
type broken struct{ error }

func (e *broken) Unwrap() error { return e.error }
func (e *broken) Hint() string {
	return "the environment is at fault; env.Check finds such mistakes before training does"
}
