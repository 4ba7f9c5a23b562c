package rl

import (
	"fmt"

	"relaxgo/internal/stream"
	"relaxgo/relax/noise"
	"relaxgo/rl/env"
)

// episode is a whole episode as it was played.
type episode struct {
	obs     []float32 // [T, size]: in which the actions were taken
	bias    []float32 // [T, actions]: mask; nil if none is in force
	noise   []float32 // [T, actions]: Gumbel noise that the actions were drawn with
	actions []int     // [T]
	rewards []float64 // [T], not scaled
	values  []float64 // [T]: V(s_t), if there is a value
	last    float64   // value of the observation at which the episode was cut off; 0 if it terminated or there is no value
	end     env.Result
	seed    uint64 // of the episode; other randomness about it derives from it
}

// Played is what is known about an episode from outside.
type Played struct {
	env.Episode
	Success bool // see Goal
}

// outcome sums up an episode.
func (e *episode) outcome(g Goal) Played {
	p := Played{Success: g.Succeeded(e.end)}
	p.Length = len(e.rewards)
	for _, r := range e.rewards {
		p.Return += r
	}
	return p
}

// player plays whole episodes in environments side by side. It keeps nothing between calls: each episode is a function of
// the policy, the seed, what it is for, and its number.
type player struct {
	*actor
	model   *model
	envs    []env.Env
	maskers []env.Masker // nil if no mask is in force
	mask    []bool
	starts  []env.Enumerator // nil if the starts cannot be counted
	seed    uint64

	interrupted func() error // asked on the way; nil: never
}

// newPlayer makes a player with that many environments.
func (m *model) newPlayer(id string, seed uint64, copies int) (*player, error) {
	a, err := m.newActor(copies)
	if err != nil {
		return nil, err
	}
	p := &player{actor: a, model: m, seed: seed, mask: make([]bool, m.space.Actions)}
	for range copies {
		e, err := makeEnv(id)
		if err != nil {
			return nil, err
		}
		p.envs = append(p.envs, e)
		if masker, ok := env.As[env.Masker](e); ok && m.masked {
			p.maskers = append(p.maskers, masker)
		}
		if s, ok := env.As[env.Enumerator](e); ok && s.Starts() > 0 {
			p.starts = append(p.starts, s)
		}
	}
	return p, nil
}

// play plays n episodes: those numbered from 0 for a purpose and a counter, such as "train" and the number of the update.
// Greedy takes the most probable actions instead of drawing them.
func (p *player) play(purpose string, counter, n int, greedy bool) ([]episode, error) {
	var source *noise.Source
	if !greedy {
		source = noise.NewSource(p.seed, purpose+"/action", counter)
	}
	return p.playFrom(n, source, func(k, row int, e *episode) error {
		e.seed = stream.New(p.seed, purpose+"/episode", counter, k).Uint64()
		p.envs[row].Seed(e.seed)
		return p.envs[row].Reset(p.row(row))
	})
}

// playStarts plays one episode from every start, with the most probable actions.
func (p *player) playStarts() ([]episode, error) {
	return p.playFrom(p.starts[0].Starts(), nil, func(k, row int, _ *episode) error {
		if err := p.envs[row].Reset(p.row(row)); err != nil {
			return err
		}
		return p.starts[row].Start(k, p.row(row))
	})
}

// playFrom plays n episodes, of which start begins the kth in the environment of a row. Without a source it takes the
// most probable actions.
func (p *player) playFrom(n int, source *noise.Source, start func(k, row int, e *episode) error) ([]episode, error) {
	episodes := make([]episode, n)
	gumbel := make([]float32, p.rows*p.actions)
	running := make([]int, p.rows) // the episode of each environment, −1 if none is left
	next, left := 0, n
	begin := func(row int) error {
		if running[row] = -1; next == n {
			return nil
		}
		if err := start(next, row, &episodes[next]); err != nil {
			return err
		}
		running[row] = next
		next++
		p.updateMask(row)
		return nil
	}
	for row := range p.rows {
		if err := begin(row); err != nil {
			return nil, err
		}
	}
	for left > 0 {
		if p.interrupted != nil {
			if err := p.interrupted(); err != nil {
				return nil, err
			}
		}
		if err := p.run(); err != nil {
			return nil, fmt.Errorf("the policy: %w", err)
		}
		if source != nil {
			noise.Fill(source, noise.Gumbel, gumbel)
		}
		cut := false
		for row, k := range running {
			if k < 0 {
				continue
			}
			e := &episodes[k]
			eps := gumbel[row*p.actions : (row+1)*p.actions]
			action := p.greedy(row)
			if source != nil {
				action = p.sample(row, eps)
			}
			p.record(e, row, action, eps)
			result, err := p.envs[row].Step(action, p.row(row))
			if err != nil {
				return nil, err
			}
			e.rewards = append(e.rewards, result.Reward)
			e.end = result
			cut = cut || result.Truncated && !result.Terminated
			if !result.Done() {
				p.updateMask(row)
			}
		}
		if cut && p.model.value.name != "" {
			if err := p.run(); err != nil {
				return nil, fmt.Errorf("the value: %w", err)
			}
		}
		for row, k := range running {
			if k < 0 || !episodes[k].end.Done() {
				continue
			}
			if e := &episodes[k]; p.model.value.name != "" && !e.end.Terminated {
				e.last = p.value(row)
			}
			left--
			if err := begin(row); err != nil {
				return nil, err
			}
		}
	}
	return episodes, nil
}

// record adds to an episode what the action of a row was based on.
func (p *player) record(e *episode, row, action int, eps []float32) {
	e.obs = append(e.obs, p.row(row)...)
	if p.bias != nil {
		e.bias = append(e.bias, p.bias.Data[row*p.actions:(row+1)*p.actions]...)
	}
	if p.model.value.name != "" {
		e.values = append(e.values, p.value(row))
	}
	e.noise = append(e.noise, eps...)
	e.actions = append(e.actions, action)
}

// row is where the observation of a row lies.
func (p *player) row(row int) []float32 {
	size := p.model.space.Size
	return p.obs.Data[row*size : (row+1)*size : (row+1)*size]
}

func (p *player) updateMask(row int) {
	if p.maskers != nil {
		p.maskers[row].Mask(p.mask)
		p.setMask(row, p.mask)
	}
}
