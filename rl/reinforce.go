package rl

import (
	"relaxgo/internal/run"
	"relaxgo/rl/returns"
)

// reinforce is REINFORCE: Monte-Carlo returns times scores,
//
//	ĝ = Σ_t (R_t − V(s_t))·∇log π(a_t|s_t),  R_t = Σ_{k≥t} γ^{k−t} r_k
//
// averaged over the episodes of an update. Without a baseline V is zero; with one it is a network that learns R_t by
// least squares. Returns less their baselines may be standardised over an update, which is biased and usually helps. A time
// limit is taken for a part of the task.
//
// Source: Williams (1992), "Simple statistical gradient-following algorithms for connectionist reinforcement learning",
// Machine Learning 8.
type reinforce struct {
	*learner
	player *player
	scores programs[*score]
}

func newReinforce(l *learner) (*reinforce, error) {
	p, err := l.newPlayer(l.Env, l.Seed, l.Envs)
	return &reinforce{learner: l, player: p, scores: programs[*score]{compile: l.newScore}}, err
}

// lesson makes a batch of episodes. Advantages are R_t − V(s_t), targets of the baseline R_t.
func (a *reinforce) lesson(episodes []episode) (l lesson, err error) {
	for _, e := range episodes {
		g, err := returns.Rollout{Reward: a.scaled(e.rewards)}.Discounted(nil, a.Gamma)
		if err != nil {
			return l, err
		}
		l.obs, l.bias = append(l.obs, e.obs...), append(l.bias, e.bias...)
		l.actions = append(l.actions, e.actions...)
		l.advantages = append(l.advantages, minus(g, e.values)...)
		l.targets = append(l.targets, g...)
	}
	return l, nil
}

func (a *reinforce) learn(update, step int) (experience, error) {
	episodes, err := a.player.play("train", update, a.Envs, false)
	if err != nil {
		return experience{}, err
	}
	l, err := a.lesson(episodes)
	if err != nil {
		return experience{}, err
	}
	if a.Standardize {
		if l.advantages, err = returns.Standardize(l.advantages, l.advantages); err != nil {
			return experience{}, err
		}
	}
	s, err := a.scores.fit(len(l.actions))
	if err != nil {
		return experience{}, err
	}
	if err := s.run(l, 1/float64(a.Envs), a.entropy.At(step)); err != nil {
		return experience{}, err
	}
	x := experience{steps: len(l.actions)}
	for i := range episodes {
		x.episodes = append(x.episodes, episodes[i].outcome(a.task.Goal))
	}
	x.numbers, err = a.follow(s, float64(len(l.actions))/float64(a.Envs), step)
	return x, err
}

func (a *reinforce) gradient(e episode) ([]float32, error) {
	l, err := a.lesson([]episode{e})
	if err != nil {
		return nil, err
	}
	s, err := a.scores.fit(len(l.actions))
	if err != nil {
		return nil, err
	}
	if err := s.run(l, 1, 0); err != nil {
		return nil, err
	}
	return a.flatten(s.gradient, -1/a.Scale), nil
}

// An episode is a function of the seed and of its number: there is nothing to remember.
func (a *reinforce) save(*run.Safetensors) error    { return nil }
func (a *reinforce) restore(*run.Safetensors) error { return nil }

// gradient is that of a parameter in the last run.
func (s *score) gradient(parameter string) []float32 {
	return s.program.Output(gradientName(parameter))
}

// follow moves policy and value along the gradients of a score, whose weights add up to total.
func (l *learner) follow(s *score, total float64, step int) ([]quantity, error) {
	numbers := []quantity{{"entropy", s.program.Scalar("entropy") / total}}
	if err := l.descend(l.policy, s.gradient, l.lr, step); err != nil {
		return nil, err
	}
	numbers = append(numbers, quantity{"grad_norm", l.optimizers[l.policy.name].Norm()})
	if l.value.name != "" {
		numbers = append(numbers, quantity{"value_loss", s.program.Scalar("value_loss") / total})
		if err := l.descend(l.value, s.gradient, l.valueLR, step); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}
