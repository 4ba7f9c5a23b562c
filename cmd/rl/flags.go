package main

import (
	"flag"
	"fmt"
	"slices"
	"strings"

	"relaxgo/internal/cli"
	"relaxgo/rl"
)

// options are the flags that are not part of a run's configuration.
type options struct {
	env, agents          string
	seeds                int
	out                  string
	resume, force, quick bool
	list                 bool
	profile              string
	progress             cli.ProgressMode
}

// flags declares all flags, with cfg and opt as their targets.
func flags(cfg *rl.Config, opt *options) *flag.FlagSet {
	fs := flag.NewFlagSet("rl", flag.ContinueOnError)
	fs.StringVar(&opt.env, "env", "cartpole", "`name` of the environment: cartpole, taxi, acrobot, or the full name of any that -list shows")
	fs.StringVar(&opt.agents, "agent", everyone, "`agents` to train and compare: reinforce, a2c, relax, several between commas, or all")
	fs.IntVar(&opt.seeds, "seeds", 5, "`number` of seeds that each agent is trained with")
	fs.Uint64Var(&cfg.Seed, "seed", 1, "the first seed, a `number` that everything random derives from")
	fs.BoolVar(&opt.quick, "quick", false, "a small comparison of some seconds, for trying out: two seeds, a fraction of the steps")

	fs.IntVar(&cfg.Steps, "steps", cfg.Steps, "`number` of environment steps of a run, 0 for no limit")
	fs.IntVar(&cfg.Episodes, "episodes", cfg.Episodes, "`number` of episodes of a run, 0 for no limit; given without -steps there is no limit of steps")
	fs.IntVar(&cfg.Envs, "envs", cfg.Envs, "`number` of environments side by side; for reinforce and relax the episodes of an update")
	fs.StringVar(&cfg.LR, "lr", cfg.LR, "learning rate of the policy: a `number` or a schedule such as linear:1e-2:1e-3, over the whole run (without a limit of steps: as many as the default has), or linear:1e-2:1e-3:200000, over so many steps")
	fs.StringVar(&cfg.Optimizer, "optimizer", cfg.Optimizer, "`name` of the optimiser: adam or rmsprop")
	fs.Float64Var(&cfg.MaxNorm, "max-norm", cfg.MaxNorm, "clip gradients of policy and value to this `norm`, 0 for never")
	fs.Float64Var(&cfg.Gamma, "gamma", cfg.Gamma, "`discount` of rewards")
	fs.Float64Var(&cfg.Scale, "scale", cfg.Scale, "multiply rewards by this `number` for learning")
	fs.StringVar(&cfg.Entropy, "entropy", cfg.Entropy, "`weight` of the policy's entropy: a number or a schedule as for -lr")
	fs.BoolVar(&cfg.Mask, "mask", cfg.Mask, "never take an action that the environment's mask rules out")

	fs.Var((*cli.Widths)(&cfg.Hidden), "hidden", "`widths` of the policy's hidden layers, such as 32,32, or none")
	fs.StringVar(&cfg.Activation, "activation", cfg.Activation, "`function` of hidden layers: tanh or relu")

	fs.BoolVar(&cfg.Baseline, "baseline", cfg.Baseline, "reinforce, relax: subtract a learned value from returns")
	fs.BoolVar(&cfg.Standardize, "standardize", cfg.Standardize, "reinforce, a2c: standardise returns or advantages of an update, which is biased")
	fs.Var((*cli.Widths)(&cfg.ValueHidden), "value-hidden", "`widths` of the value's hidden layers")
	fs.StringVar(&cfg.ValueLR, "value-lr", cfg.ValueLR, "learning `rate` of the value")
	fs.IntVar(&cfg.Rollout, "rollout", cfg.Rollout, "a2c: `number` of steps of each environment per update")
	fs.Float64Var(&cfg.Lambda, "lambda", cfg.Lambda, "a2c: `decay` of generalised advantages; 1 for n-step returns")
	fs.StringVar(&cfg.CVObjective, "cv-objective", cfg.CVObjective, "relax: `what` the control variate reduces: total, step, logit or mse")
	fs.StringVar(&cfg.CVLR, "cv-lr", cfg.CVLR, "relax: learning `rate` of the control variate")
	fs.Var((*cli.Widths)(&cfg.CVHidden), "cv-hidden", "relax: `widths` of its hidden layers")
	fs.Float64Var(&cfg.Temperature, "cv-temperature", cfg.Temperature, "relax: `temperature` of the softmax through which it sees z")

	fs.IntVar(&cfg.LogEvery, "log-every", cfg.LogEvery, "`steps` between rows on training in metrics.csv")
	fs.IntVar(&cfg.EvalEvery, "eval-every", cfg.EvalEvery, "`steps` between evaluations, 0 for the last one only")
	fs.IntVar(&cfg.EvalEpisodes, "eval-episodes", cfg.EvalEpisodes, "`number` of greedy episodes of an evaluation, and of sampled ones; where starts can be counted, as in Taxi, a greedy one is played from each instead")
	fs.IntVar(&cfg.FinalEpisodes, "final-episodes", cfg.FinalEpisodes, "`number` of episodes of the last evaluation")
	fs.IntVar(&cfg.VarianceEvery, "variance-every", cfg.VarianceEvery, "`steps` between measurements of the gradient's variance")
	fs.IntVar(&cfg.VarianceEpisodes, "variance-episodes", cfg.VarianceEpisodes, "`number` of episodes of such a measurement, 0 for none")

	opt.out = "results"
	fs.Var((*cli.Directory)(&opt.out), "out", "`directory` under which runs are kept")
	fs.BoolVar(&opt.resume, "resume", false, "keep what is finished and continue what was interrupted; with more -steps only where -lr and -entropy do not end with the run, such as -lr=linear:1e-2:1e-3:300000")
	fs.BoolVar(&opt.force, "force", false, "begin again, in place of runs that are there")
	fs.BoolVar(&opt.list, "list", false, "list environments, agents and the settings of -env, and exit")
	fs.StringVar(&opt.profile, "cpuprofile", "", "write a CPU profile to this `file`")
	fs.Var(&opt.progress, "progress", "`mode` of the live progress on stderr, besides a line a run: auto, on or off")
	return fs
}

// Groups of flags whose defaults are those of rl.Defaults for the environment and the agent.
var (
	training  = []string{"steps", "episodes", "envs", "lr", "optimizer", "max-norm", "gamma", "scale", "entropy", "mask"}
	networks  = []string{"hidden", "activation"}
	special   = []string{"baseline", "standardize", "value-hidden", "value-lr", "rollout", "lambda", "cv-objective", "cv-lr", "cv-hidden", "cv-temperature"}
	measuring = []string{"log-every", "eval-every", "eval-episodes", "final-episodes", "variance-every", "variance-episodes"}
	tuned     = slices.Concat(training, networks, special, measuring)
)

func command(fs *flag.FlagSet) *cli.Command {
	for _, name := range tuned {
		fs.Lookup(name).DefValue = "" // -list shows them
	}
	return &cli.Command{
		Name:    "rl",
		Purpose: "trains agents in a reinforcement-learning environment over several seeds and compares them. Settings that are not given are tuned ones, for the environment and the agent: see -list.",
		Examples: []string{
			"go run ./cmd/rl -env=taxi",
			"go run ./cmd/rl -env=cartpole -agent=relax -seeds=10",
			"go run ./cmd/rl -env=acrobot -agent=a2c,relax -quick",
			"go run ./cmd/rl eval -run=results/rl/taxi/a2c/seed-1",
			"go run ./cmd/rl watch -run=results/rl/taxi/a2c/seed-1 -gif=taxi.gif",
		},
		Flags: fs,
		Groups: []cli.Group{
			{Title: "What", Flags: []string{"env", "agent", "seeds", "seed", "quick"}},
			{Title: "Training", Flags: training},
			{Title: "Networks", Flags: networks},
			{Title: "Options of single agents", Flags: special},
			{Title: "Measuring", Flags: measuring},
			{Title: "Run", Flags: []string{"out", "resume", "force", "progress", "cpuprofile", "list", "version"}},
		},
		Sections: []cli.Section{
			{Title: "Commands", Entries: []cli.Entry{
				{Name: "eval", Text: "evaluates the policy of a run: rl eval -h"},
				{Name: "watch", Text: "shows it at play, in the terminal or as an animation: rl watch -h"},
			}},
			{Title: "Agents", Entries: agentEntries()},
			{Title: "Files", Text: strings.Join([]string{
				"results/rl/ENV/AGENT/seed-N/ holds",
				"  config.json              the resolved configuration",
				"  metrics.csv              step, epoch (updates), wall_s, split, name, value",
				"  summary.json             the final numbers",
				"  checkpoint.safetensors   weights, optimisers, position",
				"results/rl/ENV/ holds the comparison of the agents:",
				"  summary.json, compare.csv",
				"  curves.csv, curves as .png and .svg      returns",
				"  variance as .png and .svg                variance of the gradients",
				"Runs with -quick are kept below results/rl/ENV-quick.",
			}, "\n")},
		},
	}
}

func agentEntries() []cli.Entry {
	return []cli.Entry{
		{Name: rl.REINFORCE, Text: "Monte-Carlo returns times scores (Williams 1992)"},
		{Name: rl.A2C, Text: "advantages completed by a learned value, environments side by side (Mnih et al. 2016, arXiv:1602.01783)"},
		{Name: rl.RELAX, Text: "Monte-Carlo returns with a learned control variate, unbiased (Grathwohl et al. 2018, arXiv:1711.00123)"},
	}
}

// everyone is the value of -agent that stands for all agents.
const everyone = "all"

// wanted are the agents that a value of -agent names, in their usual order.
func wanted(agents string) ([]string, error) {
	names, known := strings.Split(agents, ","), append(rl.Agents(), everyone)
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, cli.Unknown("-agent", name, known)
		}
	}
	if slices.Contains(names, everyone) {
		return rl.Agents(), nil
	}
	return slices.DeleteFunc(rl.Agents(), func(a string) bool { return !slices.Contains(names, a) }), nil
}

// configure is the configuration of an agent: its defaults, and what of the given flags it takes.
func configure(id, agent string, quick bool, given []*flag.Flag) (rl.Config, error) {
	cfg := rl.Defaults(id, agent)
	if quick {
		cfg = cfg.Quick()
	}
	steps := cfg.Steps
	cfg.Steps = 0
	fs := flags(&cfg, new(options))
	bounded := false
	for _, f := range given {
		if !rl.Takes(agent, f.Name) {
			continue
		}
		if err := fs.Set(f.Name, f.Value.String()); err != nil {
			return cfg, fmt.Errorf("-%s: %w", f.Name, err) // it has been read before: this cannot happen
		}
		bounded = bounded || f.Name == "steps" || f.Name == "episodes"
	}
	if !bounded {
		cfg.Steps = steps
	}
	return cfg, nil
}
