package rl_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"relaxgo/rl"
)

// An agent is trained in a directory, which then holds its policy.
func Example() {
	dir, err := os.MkdirTemp("", "rl")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	cfg := rl.Defaults("CartPole-v1", rl.A2C)
	cfg.Steps, cfg.Seed = 20_000, 7
	path := filepath.Join(dir, "run")
	summary, err := rl.Train(context.Background(), cfg, path, rl.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	policy, err := rl.LoadPolicy(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	evaluation, err := policy.Evaluate(context.Background(), 10, 1, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("at least 20000 steps:", summary.Steps >= 20_000)
	fmt.Println("better than a random policy:", evaluation.Return > 22)
	// Output:
	// at least 20000 steps: true
	// better than a random policy: true
}
