package rl

import (
	"context"
	"fmt"
	"path/filepath"

	"relaxgo/internal/run"
	"relaxgo/relax/noise"
	"relaxgo/rl/env"
)

// Policy is a trained policy. It is for one goroutine at a time.
type Policy struct {
	cfg    Config
	model  *model
	actor  *actor
	task   Task
	gumbel []float32
}

// LoadPolicy reads the policy of the run in the directory dir, finished or not. Its environment must be registered.
func LoadPolicy(dir string) (*Policy, error) {
	var cfg Config
	if err := readJSON(filepath.Join(dir, run.ConfigFile), &cfg); err != nil {
		return nil, &unusable{err}
	}
	if _, err := env.Lookup(cfg.Env); err != nil {
		return nil, &unregistered{fmt.Errorf("%s: %w", filepath.Join(dir, run.ConfigFile), err)}
	}
	plan, err := cfg.resolve()
	if err != nil {
		return nil, &unusable{fmt.Errorf("%s: %w", filepath.Join(dir, run.ConfigFile), err)}
	}
	s, err := readCheckpoint(filepath.Join(dir, run.CheckpointFile), cfg)
	if err != nil {
		return nil, &unusable{err}
	}
	p := &Policy{cfg: cfg, task: plan.task}
	if p.model, err = newModel(plan); err != nil {
		return nil, err
	}
	if err := p.model.parameters(s); err != nil {
		return nil, &unusable{err}
	}
	p.gumbel = make([]float32, p.model.space.Actions)
	p.actor, err = p.model.newActor(1)
	return p, err
}

// Config is the configuration of the run that the policy comes from.
func (p *Policy) Config() Config { return p.cfg }

// Act chooses an action for an observation: the most probable one if source is nil, or one drawn from the policy. The mask
// rules out actions where it is false; nil, and the mask of a policy that was trained without, rules out none.
func (p *Policy) Act(obs []float32, mask []bool, source *noise.Source) (int, error) {
	if len(obs) != p.model.space.Size {
		return 0, fmt.Errorf("rl: observation of %d values, want %d", len(obs), p.model.space.Size)
	}
	if mask != nil && len(mask) != p.model.space.Actions {
		return 0, fmt.Errorf("rl: mask of %d actions, want %d", len(mask), p.model.space.Actions)
	}
	p.actor.load(obs, nil)
	if p.actor.bias != nil {
		clear(p.actor.bias.Data)
		p.actor.setMask(0, mask)
	}
	if err := p.actor.run(); err != nil {
		return 0, err
	}
	if source == nil {
		return p.actor.greedy(0), nil
	}
	noise.Fill(source, noise.Gumbel, p.gumbel)
	return p.actor.sample(0, p.gumbel), nil
}

// Evaluate plays n episodes that are determined by the seed, with the most probable actions if greedy, else with actions
// drawn from the policy. A greedy policy plays one episode from every start instead, where an environment is an
// [env.Enumerator] of them, and the evaluation is exact. It ends with ctx.Err() when ctx is cancelled.
func (p *Policy) Evaluate(ctx context.Context, n int, seed uint64, greedy bool) (Evaluation, error) {
	if n < 1 {
		return Evaluation{}, fmt.Errorf("rl: evaluation of %d episodes, want at least 1", n)
	}
	player, err := p.model.newPlayer(p.cfg.Env, seed, min(n, evaluators))
	if err != nil {
		return Evaluation{}, err
	}
	player.interrupted = ctx.Err
	return player.evaluate("evaluate", n, greedy, p.task.Goal)
}

// Watched is a moment of an episode that is being watched.
type Watched struct {
	Env    env.Env    // as it is now
	Step   int        // steps taken
	Action int        // the last one; −1 at the beginning
	Return float64    // so far
	Result env.Result // of the last step
}

// Watch plays an episode that is determined by the seed and shows every moment of it, the first and the last included, to
// a function; an error of that ends the episode.
func (p *Policy) Watch(seed uint64, greedy bool, show func(Watched) error) error {
	e, err := makeEnv(p.cfg.Env)
	if err != nil {
		return err
	}
	var source *noise.Source
	if !greedy {
		source = noise.NewSource(seed, "watch/action")
	}
	obs := make([]float32, p.model.space.Size)
	var mask []bool
	masker, masks := env.As[env.Masker](e)
	if masks {
		mask = make([]bool, p.model.space.Actions)
	}
	e.Seed(seed)
	if err := e.Reset(obs); err != nil {
		return err
	}
	w := Watched{Env: e, Action: -1}
	for {
		if err := show(w); err != nil || w.Result.Done() {
			return err
		}
		if masks {
			masker.Mask(mask)
		}
		if w.Action, err = p.Act(obs, mask, source); err != nil {
			return err
		}
		if w.Result, err = e.Step(w.Action, obs); err != nil {
			return err
		}
		w.Step++
		w.Return += w.Result.Reward
	}
}
