package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"relaxgo/internal/jobs"
	"relaxgo/plots"
	"relaxgo/rl"
)

// arena is an environment of figure 3.
type arena struct {
	name    string // short
	episode string // what an episode is, and in the report
	theirs  map[string]string
}

// arenas have the last values of the report's curves, exponential moving averages after 200 episodes of one seed.
var arenas = []arena{
	{"cartpole", "500 steps (report: 70)", map[string]string{rl.REINFORCE: "40.0", rl.A2C: "44.4", rl.RELAX: "43.7"}},
	{"taxi", "200 steps (report: 30)", map[string]string{rl.REINFORCE: "−89.7", rl.A2C: "−107", rl.RELAX: "−85"}},
}

// seeds is how many seeds agents are trained with: as many as cmd/rl does by default, which takes half a minute, or, for a
// quick look, fewer.
func (s *studio) seeds() int {
	if s.quick {
		return 3
	}
	return 5
}

// agentRun is the run of an agent with a seed.
type agentRun struct {
	cfg     rl.Config
	place   place
	summary rl.Summary
}

func (r agentRun) String() string {
	return fmt.Sprintf("%s %s seed %d", rl.EnvName(r.cfg.Env), r.cfg.Agent, r.cfg.Seed)
}

// agentRuns are the runs of all agents in an environment, at their default settings.
func (s *studio) agentRuns(a arena) ([]agentRun, error) {
	var runs []agentRun
	for seed := range s.seeds() {
		for _, agent := range rl.Agents() {
			cfg := rl.Defaults(rl.EnvID(a.name), agent)
			cfg.Seed = uint64(seed + 1)
			cfg, err := cfg.Resolved()
			if err != nil {
				return nil, err
			}
			p, err := s.find(filepath.Join("rl", a.name, agent, fmt.Sprintf("seed-%d", cfg.Seed)), cfg)
			if err != nil {
				return nil, err
			}
			runs = append(runs, agentRun{cfg: cfg, place: p})
		}
	}
	return runs, nil
}

// train makes the runs that are not finished, as many at a time as there are cores.
func (s *studio) train(ctx context.Context, runs []agentRun) error {
	failures := jobs.Run(ctx, len(runs), func(i int) (err error) {
		r := &runs[i]
		r.summary, err = complete(s, r.place, rl.ReadSummary, func() (rl.Summary, error) {
			summary, err := rl.Train(ctx, r.cfg, r.place.dir, rl.Options{Force: r.place.force, Resume: !r.place.force, Report: func(e rl.Event) {
				s.progress.Update(fmt.Sprintf("figure 3, %d/%d: %v  step %d/%d", i+1, len(runs), r, e.Step, e.Steps))
			}})
			if err == nil {
				s.progress.Println(fmt.Sprintf("figure 3: trained %v in %.0f s, in %s", r, summary.WallSeconds, r.place.dir))
			}
			return summary, err
		})
		if err != nil {
			err = fmt.Errorf("%v: %w", r, err)
		}
		return err
	})
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(failures...)
}

func fig3(ctx context.Context, s *studio, command string) (figure, error) {
	var runs []agentRun
	for _, a := range arenas {
		of, err := s.agentRuns(a)
		if err != nil {
			return figure{}, err
		}
		runs = append(runs, of...)
	}
	if err := s.train(ctx, runs); err != nil {
		return figure{}, err
	}
	f := figure{
		name: "fig3", title: "Learning curves of REINFORCE, A2C and RELAX",
		original: "One seed, 200 episodes, environments without a seed, CartPole cut off after 70 steps and Taxi after 30. The curves are exponential moving averages that begin at the return of the " +
			"first episode, which still weighs 13 to 15 % at their end: the head start of RELAX on Taxi, −111 against −129 and −147, is the luck of that episode; a random policy is expected to get about −120. " +
			"With the averaging undone episodes 141 to 190 come to 55.6 (RELAX), 55.5 (REINFORCE) and 53.5 (A2C) on CartPole and to −68.7, −68.2 and −93.2 on Taxi, " +
			"where −30 is what an agent gets that never lets a passenger in or out. RELAX is biased there: its conditional samples are made of logits that are not normalised. " +
			"Nothing follows about the order of the three.",
		table: &table{head: []string{"environment", "agent", "return after training", "95 % interval (Student t)", "sampled actions", "episodes that end well", "steps to solve it (median)", "longest episode", "report: last value of the curve"}},
	}
	var environments []plots.Environment
	for _, a := range arenas {
		id := rl.EnvID(a.name)
		environment := plots.Environment{Name: id, Threshold: rl.TaskOf(id).Threshold}
		summaries := make(map[string][]rl.Summary)
		for _, agent := range rl.Agents() {
			of := plots.AgentRuns{Name: strings.ToUpper(agent)}
			for _, r := range runs {
				if r.cfg.Env == id && r.cfg.Agent == agent {
					of.Dirs = append(of.Dirs, r.place.dir)
					summaries[agent] = append(summaries[agent], r.summary)
				}
			}
			environment.Agents = append(environment.Agents, of)
		}
		environments = append(environments, environment)
		for _, st := range rl.Compare(rl.Agents(), summaries) {
			f.table.rows = append(f.table.rows, a.row(id, st))
		}
	}
	n := s.seeds()
	f.caption = fmt.Sprintf("Returns of training episodes at the default settings, n = %d seeds (1 to %d). CartPole-v1 with up to 500 steps an episode, %s steps a run; "+
		"Taxi-v3 with up to 200, %s, %s steps.%s The original is one seed of 200 episodes, cut off after 70 and 30 steps, with a biased RELAX.\n%s", n, n, grouped(runs[0].cfg.Steps), masked(runs[len(runs)-1].cfg), grouped(runs[len(runs)-1].cfg.Steps), s.small(), command)
	var err error
	f.Figure, err = plots.Environments(environments, f.caption)
	return f, err
}

// masked says whether the agent is kept from actions that come to nothing, as the report's was not.
func masked(cfg rl.Config) string {
	if cfg.Mask {
		return "actions that come to nothing ruled out"
	}
	return "all actions allowed"
}

// row is how an agent did.
func (a arena) row(id string, st rl.Standing) []string {
	interval, steps := "–", "never"
	if st.Low != nil {
		interval = decimals(*st.Low, 2) + " to " + decimals(*st.High, 2)
	}
	if st.ThresholdSteps != nil {
		steps = grouped(int(*st.ThresholdSteps))
		if st.Reached < st.Seeds {
			steps += fmt.Sprintf(" (%d of %d seeds)", st.Reached, st.Seeds)
		}
	}
	return []string{
		id, strings.ToUpper(st.Agent), decimals(st.Return, 2), interval, decimals(st.Sampled, 2), fmt.Sprintf("%.0f %%", 100*st.Success), steps,
		a.episode, a.theirs[st.Agent],
	}
}
