package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"relaxgo/internal/cli"
	"relaxgo/internal/jobs"
	"relaxgo/internal/run"
	"relaxgo/rl"
	"relaxgo/rl/env"
)

// job is one run.
type job struct {
	cfg rl.Config
	dir string
}

func (j job) name() string { return fmt.Sprintf("%s seed %d", j.cfg.Agent, j.cfg.Seed) }

// sweep is what the runs of one command share.
type sweep struct {
	options
	id       string // of the environment
	dir      string // of the comparison
	agents   []string
	jobs     []job
	given    []*flag.Flag // by the user
	progress *cli.Progress
}

func train(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	var cfg rl.Config
	s := sweep{}
	fs := flags(&cfg, &s.options)
	if err := command(fs).Parse(args, stdout); err != nil {
		return err
	}
	fs.Visit(func(f *flag.Flag) { s.given = append(s.given, f) })
	if err := s.plan(cfg.Seed); err != nil {
		return err
	}
	if s.list {
		return s.print(stdout)
	}
	if err := s.vacant(); err != nil {
		return err
	}
	stop, err := cli.StartCPUProfile(s.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	s.progress = cli.NewProgress(stderr, s.options.progress)
	defer s.progress.Done("")
	runs, err := s.train(ctx)
	if errors.Is(err, cli.ErrInterrupted) || len(runs) == 0 {
		return err
	}
	return errors.Join(s.report(stdout, runs), err)
}

// plan works out the runs, or finds the mistake in the flags.
func (s *sweep) plan(seed uint64) (err error) {
	if s.resume && s.force {
		return cli.Hint(cli.Usagef("-resume and -force exclude each other"), "-resume keeps what is there, -force begins again")
	}
	s.id = rl.EnvID(s.env)
	if _, err := env.Lookup(s.id); err != nil {
		return cli.Unknown("-env", s.env, append([]string{"cartpole", "taxi", "acrobot"}, env.IDs()...))
	}
	if s.agents, err = wanted(s.options.agents); err != nil {
		return err
	}
	for _, f := range s.given {
		if !slices.ContainsFunc(s.agents, func(agent string) bool { return rl.Takes(agent, f.Name) }) {
			takers := slices.DeleteFunc(rl.Agents(), func(agent string) bool { return !rl.Takes(agent, f.Name) })
			return cli.Hint(cli.Usagef("-%s is no option of %s", f.Name, strings.Join(s.agents, " or ")), "it is for -agent=%s", strings.Join(takers, ","))
		}
	}
	given := func(name string) bool {
		return slices.ContainsFunc(s.given, func(f *flag.Flag) bool { return f.Name == name })
	}
	if s.quick && !given("seeds") {
		s.seeds = 2
	}
	if s.seeds < 1 || s.seeds > 10_000 {
		return cli.Hint(cli.Usagef("-seeds=%d: needs 1 to 10000 seeds", s.seeds), "-seeds=5 is the default")
	}
	s.dir = filepath.Join(s.out, "rl", rl.EnvName(s.id))
	if s.quick {
		s.dir += "-quick"
	}
	for k := range s.seeds {
		for _, agent := range s.agents {
			cfg, err := configure(s.id, agent, s.quick, s.given)
			if err != nil {
				return err
			}
			if cfg.Seed = seed + uint64(k); k == 0 {
				if err := usage(cfg.Validate()); err != nil {
					return err
				}
			}
			s.jobs = append(s.jobs, job{cfg, filepath.Join(s.dir, agent, fmt.Sprintf("seed-%d", cfg.Seed))})
		}
	}
	return nil
}

// usage makes a mistake in the configuration a mistake in the command line.
func usage(err error) error {
	var mistake *rl.ConfigError
	if !errors.As(err, &mistake) {
		return err
	}
	if mistake.Known != nil {
		return cli.Unknown("-"+mistake.Key, mistake.Unknown, mistake.Known)
	}
	if mistake.Advice == "" {
		return cli.Usagef("%v", mistake)
	}
	return cli.Hint(cli.Usagef("%v", mistake), "%s", mistake.Advice)
}

// vacant is an error if a run is there that nobody has said what to do about: none begins then.
func (s *sweep) vacant() error {
	if s.resume || s.force {
		return nil
	}
	for _, j := range s.jobs {
		if _, err := os.Stat(filepath.Join(j.dir, run.ConfigFile)); err == nil {
			return cli.Hint(fmt.Errorf("%s holds a run", j.dir), "-resume to keep what is finished and continue the rest, or -force to start again")
		}
	}
	return nil
}

// train makes all runs, as many at a time as there are cores, and returns what they came to by agent, in the order of
// seeds. A run that fails does not keep the others from being made.
func (s *sweep) train(ctx context.Context) (map[string][]rl.Summary, error) {
	summaries := make([]rl.Summary, len(s.jobs))
	board := &board{progress: s.progress, total: len(s.jobs), lines: make([]string, len(s.jobs))}
	failures := jobs.Run(ctx, len(s.jobs), func(i int) (err error) {
		summaries[i], err = s.jobs[i].train(ctx, s.options, func(e rl.Event) { board.update(i, s.jobs[i], e) })
		board.finish(i, s.jobs[i], summaries[i], err)
		return err
	})
	runs := make(map[string][]rl.Summary)
	var errs []error
	for i, j := range s.jobs {
		switch err := failures[i]; {
		case errors.Is(err, context.Canceled):
		case err != nil:
			errs = append(errs, fmt.Errorf("%s: %w", j.name(), err))
		case summaries[i].Steps > 0:
			runs[j.cfg.Agent] = append(runs[j.cfg.Agent], summaries[i])
		}
	}
	if ctx.Err() != nil && slices.ContainsFunc(summaries, func(r rl.Summary) bool { return r.Steps == 0 }) {
		return nil, cli.Hint(fmt.Errorf("%w, saved in %s", cli.ErrInterrupted, s.dir), "the same command with -resume continues")
	}
	return runs, errors.Join(errs...)
}

// train makes the run, or takes up what is there.
func (j job) train(ctx context.Context, opt options, report func(rl.Event)) (rl.Summary, error) {
	summary, err := rl.Train(ctx, j.cfg, j.dir, rl.Options{Force: opt.force, Resume: opt.resume, Report: report})
	if !errors.Is(err, rl.ErrFinished) {
		return summary, err
	}
	var was rl.Config
	text, readErr := os.ReadFile(filepath.Join(j.dir, run.ConfigFile))
	if readErr == nil {
		readErr = json.Unmarshal(text, &was)
	}
	if readErr != nil || was.Steps != j.cfg.Steps || was.Episodes != j.cfg.Episodes {
		return rl.Summary{}, errors.Join(err, readErr)
	}
	return rl.ReadSummary(j.dir)
}

// board shows how far the runs are.
type board struct {
	mu       sync.Mutex
	progress *cli.Progress
	total    int
	done     int
	lines    []string // of the runs under way
}

func (b *board) update(i int, j job, e rl.Event) {
	line := fmt.Sprintf("%s: step %d", j.name(), e.Step)
	if e.Steps > 0 {
		line += fmt.Sprintf("/%d", e.Steps)
	}
	if e.Episode > 0 {
		line += fmt.Sprintf(" return %.1f", e.Return)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines[i] = line
	text := fmt.Sprintf("%d/%d done", b.done, b.total)
	for _, l := range b.lines {
		if l != "" {
			text += " | " + l
		}
	}
	b.progress.Update(text)
}

func (b *board) finish(i int, j job, s rl.Summary, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines[i] = ""
	b.done++
	switch {
	case errors.Is(err, context.Canceled):
	case err != nil:
		b.progress.Println(fmt.Sprintf("%s: %v", j.name(), err))
	default:
		b.progress.Println(fmt.Sprintf("%s: return %.1f greedy, %.1f sampled, after %d steps in %.1f s", j.name(), s.Greedy.Return, s.Sampled.Return, s.Steps, s.WallSeconds))
	}
}

// print lists what there is, and the settings for the environment.
func (s *sweep) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "environment\tshort name\tsteps of an episode\tthreshold")
	for _, id := range env.IDs() {
		short, threshold, limit := rl.EnvName(id), "none", "no limit"
		if short == id {
			short = ""
		}
		if to := rl.TaskOf(id).Threshold; to != nil {
			threshold = fmt.Sprint(*to)
		}
		if spec, err := env.Lookup(id); err == nil && spec.MaxSteps > 0 {
			limit = fmt.Sprint(spec.MaxSteps)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", id, short, limit, threshold)
	}
	fmt.Fprintf(t, "\nsettings for %s\t%s\n", s.id, strings.Join(rl.Agents(), "\t"))
	sets := make([]*flag.FlagSet, len(rl.Agents()))
	for i, agent := range rl.Agents() {
		cfg := rl.Defaults(s.id, agent)
		sets[i] = flags(&cfg, new(options))
	}
	for _, name := range tuned {
		fmt.Fprintf(t, "-%s", name)
		for i, agent := range rl.Agents() {
			value := ""
			if rl.Takes(agent, name) {
				value = sets[i].Lookup(name).Value.String()
			}
			fmt.Fprintf(t, "\t%s", value)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}
