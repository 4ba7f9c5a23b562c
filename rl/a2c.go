package rl

import (
	"errors"

	"relaxgo/internal/run"
	"relaxgo/internal/stream"
	"relaxgo/relax/noise"
	"relaxgo/rl/env"
	"relaxgo/rl/returns"
)

// a2c is the advantage actor-critic: several environments side by side, a few steps of each per update, and a value that
// completes what has not happened yet,
//
//	ĝ = Σ_t A_t·∇log π(a_t|s_t),  A_t = δ_t + γλ·A_{t+1},  δ_t = r_t + γ·V(s_{t+1}) − V(s_t)
//
// averaged over the steps of an update. Where the rollout stops in the middle of an episode, or a time limit has cut one
// off, V(s_{t+1}) is the value of the observation that followed; after a terminated step it is zero. With λ = 1 these are
// the n-step returns of the original, with n counted down to the end of the rollout. V learns A_t + V(s_t) by least
// squares.
//
// Source: Mnih et al. (2016), "Asynchronous methods for deep reinforcement learning", ICML, arXiv:1602.01783; Schulman et
// al. (2016), "High-dimensional continuous control using generalized advantage estimation", ICLR, arXiv:1506.02438.
type a2c struct {
	*learner
	vector  *env.Vector
	updates int // so far
	actor   *actor
	score   *score
	scores  programs[*score] // for whole episodes

	// A rollout, the steps of one environment after those of another.
	lesson     lesson
	rewards    []float64
	values     []float64
	bootstrap  []float64
	terminated []bool
	truncated  []bool
}

func newA2C(l *learner) (*a2c, error) {
	rows, actions := l.Envs*l.Rollout, l.space.Actions
	a := &a2c{
		learner: l, scores: programs[*score]{compile: l.newScore},
		lesson:  lesson{obs: make([]float32, rows*l.space.Size), actions: make([]int, rows)},
		rewards: make([]float64, rows), values: make([]float64, rows), bootstrap: make([]float64, rows),
		terminated: make([]bool, rows), truncated: make([]bool, rows),
	}
	if l.masked {
		a.lesson.bias = make([]float32, rows*actions)
	}
	var err error
	if a.vector, err = env.NewVector(l.Envs, env.SameStep, func() (env.Env, error) { return makeEnv(l.Env) }); err != nil {
		return nil, err
	}
	if err := a.begin("train/environments"); err != nil {
		return nil, err
	}
	if a.actor, err = l.newActor(l.Envs); err != nil {
		return nil, err
	}
	a.score, err = l.newScore(rows)
	return a, err
}

func (a *a2c) learn(update, step int) (experience, error) {
	a.updates = update + 1
	finished, err := a.collect(update)
	if err != nil {
		return experience{}, err
	}
	advantages, err := a.advantages()
	if err != nil {
		return experience{}, err
	}
	l := a.lesson
	l.targets = make([]float64, len(advantages))
	for t, v := range a.values {
		l.targets[t] = advantages[t] + v
	}
	if l.advantages = advantages; a.Standardize {
		if l.advantages, err = returns.Standardize(nil, advantages); err != nil {
			return experience{}, err
		}
	}
	explained, err := returns.ExplainedVariance(a.values, l.targets)
	if err != nil {
		return experience{}, err
	}
	if err := a.score.run(l, 1/float64(len(advantages)), a.entropy.At(step)); err != nil {
		return experience{}, err
	}
	x := experience{steps: len(advantages), episodes: finished}
	x.numbers, err = a.follow(a.score, 1, step)
	x.numbers = append(x.numbers, quantity{"explained_variance", explained})
	return x, err
}

// collect takes Config.Rollout steps in every environment.
func (a *a2c) collect(update int) ([]Played, error) {
	source := noise.NewSource(a.Seed, "train/action", update)
	n, size, k := a.Envs, a.space.Size, a.space.Actions
	gumbel, actions := make([]float32, n*k), make([]int, n)
	var finished []Played
	batch := a.vector.Batch()
	for t := range a.Rollout {
		if err := a.evaluate(batch.Obs, batch.Mask); err != nil {
			return nil, err
		}
		noise.Fill(source, noise.Gumbel, gumbel)
		for i := range n {
			at := i*a.Rollout + t
			actions[i] = a.actor.sample(i, gumbel[i*k:(i+1)*k])
			a.lesson.actions[at], a.values[at] = actions[i], a.actor.value(i)
			copy(a.lesson.obs[at*size:], batch.Obs[i*size:(i+1)*size])
			if a.masked {
				copy(a.lesson.bias[at*k:], a.actor.bias.Data[i*k:(i+1)*k])
			}
		}
		var err error
		if batch, err = a.vector.Step(actions); err != nil {
			return nil, err
		}
		needed := t == a.Rollout-1
		for i := range n {
			at := i*a.Rollout + t
			end := env.Result{Reward: batch.Reward[i], Terminated: batch.Terminated[i], Truncated: batch.Truncated[i]}
			a.rewards[at], a.terminated[at], a.truncated[at] = a.Scale*end.Reward, end.Terminated, end.Truncated
			if end.Done() {
				finished = append(finished, Played{env.Episode{Return: batch.Return[i], Length: int(batch.Length[i])}, a.task.Goal.Succeeded(end)})
			}
			needed = needed || end.Truncated && !end.Terminated
		}
		if !needed {
			continue
		}
		if err := a.evaluate(batch.Next, nil); err != nil {
			return nil, err
		}
		for i := range n {
			a.bootstrap[i*a.Rollout+t] = a.actor.value(i)
		}
	}
	return finished, nil
}

// evaluate runs policy and value on observations. A mask of nil leaves that of before, for when only values matter.
func (a *a2c) evaluate(obs []float32, mask []bool) error {
	copy(a.actor.obs.Data, obs)
	if mask != nil && a.masked {
		writeBias(a.actor.bias.Data, mask)
	}
	return a.actor.run()
}

// advantages are those of the rollout, environment by environment.
func (a *a2c) advantages() ([]float64, error) {
	all := make([]float64, len(a.rewards))
	for i := range a.Envs {
		from, to := i*a.Rollout, (i+1)*a.Rollout
		r := returns.Rollout{
			Reward: a.rewards[from:to], Value: a.values[from:to], Bootstrap: a.bootstrap[from:to],
			Terminated: a.terminated[from:to], Truncated: a.truncated[from:to],
		}
		if _, err := r.GAE(all[from:to], a.Gamma, a.Lambda); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// gradient cuts the episode into rollouts from its beginning.
func (a *a2c) gradient(e episode) ([]float32, error) {
	n := len(e.actions)
	l := lesson{obs: e.obs, bias: e.bias, actions: e.actions, advantages: make([]float64, n)}
	rewards, ends, bootstrap := a.scaled(e.rewards), make([]bool, n), make([]float64, n)
	ends[n-1] = e.end.Terminated
	for t := range n - 1 {
		bootstrap[t] = e.values[t+1]
	}
	bootstrap[n-1] = e.last
	for from := 0; from < n; from += a.Rollout {
		to := min(from+a.Rollout, n)
		r := returns.Rollout{Reward: rewards[from:to], Value: e.values[from:to], Bootstrap: bootstrap[from:to], Terminated: ends[from:to]}
		if _, err := r.GAE(l.advantages[from:to], a.Gamma, a.Lambda); err != nil {
			return nil, err
		}
	}
	s, err := a.scores.fit(n)
	if err != nil {
		return nil, err
	}
	if err := s.run(l, 1, 0); err != nil {
		return nil, err
	}
	return a.flatten(s.gradient, -1/a.Scale), nil
}

// begin starts the episodes of a random stream in all environments.
func (a *a2c) begin(name string, counters ...int) error {
	a.vector.Seed(stream.New(a.Seed, name, counters...).Uint64())
	_, err := a.vector.Reset()
	return err
}

// Tensors of a checkpoint: the state of the environments, which stand in the middle of episodes, and the number of
// updates.
const (
	environmentsTensor = "environments"
	updatesTensor      = "updates"
)

// save leaves the environments out if they cannot be saved.
func (a *a2c) save(s *run.Safetensors) error {
	s.Tensors[updatesTensor] = run.Tensor{Data: []int64{int64(a.updates)}}
	state, err := a.vector.MarshalBinary()
	if errors.Is(err, env.ErrNotSaved) {
		return nil
	}
	if err != nil {
		return err
	}
	s.Tensors[environmentsTensor] = run.Tensor{Shape: []int{len(state)}, Data: state}
	return nil
}

// restore begins new episodes if the environments were left out.
func (a *a2c) restore(s *run.Safetensors) error {
	updates, err := run.Values[int64](s, updatesTensor, nil)
	if err != nil {
		return err
	}
	a.updates = int(updates[0])
	t, ok := s.Tensors[environmentsTensor]
	if _, err := a.vector.MarshalBinary(); !ok && errors.Is(err, env.ErrNotSaved) {
		return a.begin("train/environments/again", a.updates)
	}
	state, err := run.Values[uint8](s, environmentsTensor, t.Shape)
	if err != nil {
		return err
	}
	return a.vector.UnmarshalBinary(state)
}
