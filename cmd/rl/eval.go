package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"relaxgo/internal/cli"
	"relaxgo/internal/run"
	"relaxgo/rl"
)

// load reads the policy of -run.
func load(dir string) (*rl.Policy, error) {
	if dir == "" {
		return nil, cli.Hint(cli.Usagef("-run is missing"), "name the directory of a run, such as -run=results/rl/cartpole/a2c/seed-1")
	}
	if _, err := os.Stat(filepath.Join(dir, run.CheckpointFile)); err != nil {
		return nil, cli.Hint(fmt.Errorf("%s holds no run with a checkpoint", dir), "a run's directory is named like results/rl/cartpole/a2c/seed-1")
	}
	return rl.LoadPolicy(dir)
}

func evaluate(ctx context.Context, args []string, stdout, _ io.Writer) error {
	fs := flag.NewFlagSet("rl eval", flag.ContinueOnError)
	dir := fs.String("run", "", "`directory` of the run whose policy is evaluated")
	episodes := fs.Int("episodes", 100, "`number` of greedy episodes, and of sampled ones; where starts can be counted, as in Taxi, a greedy one is played from each instead")
	seed := fs.Uint64("seed", 1, "`number` that everything random derives from")
	cmd := cli.Command{
		Name: "rl eval", Purpose: "evaluates the policy of a run, greedy and sampled.", Flags: fs,
		Examples: []string{"go run ./cmd/rl eval -run=results/rl/taxi/a2c/seed-1 -episodes=1000"},
	}
	if err := cmd.Parse(args, stdout); err != nil {
		return err
	}
	if *episodes < 1 || *episodes > 1e6 {
		return cli.Hint(cli.Usagef("-episodes=%d: needs 1 to 1000000 episodes", *episodes), "-episodes=100 is the default")
	}
	policy, err := load(*dir)
	if err != nil {
		return err
	}
	cfg := policy.Config()
	fmt.Fprintf(stdout, "%s, %s, seed %d\n", cfg.Env, cfg.Agent, cfg.Seed)
	for _, how := range []string{"greedy", "sampled"} {
		v, err := policy.Evaluate(ctx, *episodes, *seed, how == "greedy")
		if errors.Is(err, context.Canceled) {
			return cli.ErrInterrupted
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(stdout, "%-8s return %.2f ± %.2f, length %.1f", how, v.Return, v.Std, v.Length)
		if rl.TaskOf(cfg.Env).Goal != rl.NoGoal {
			fmt.Fprintf(stdout, ", success %.1f %%", 100*v.Success)
		}
		unit := "episodes"
		if v.Exact {
			unit = "starts, all there are"
		}
		fmt.Fprintf(stdout, ", %d %s\n", v.Episodes, unit)
	}
	return nil
}
