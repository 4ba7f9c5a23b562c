// Command rl trains agents in reinforcement-learning environments and compares them, and evaluates and shows what they
// have learned.
package main

import (
	"context"
	"io"
	"os"
	"strings"

	"relaxgo/internal/cli"
)

func main() { os.Exit(cli.Main("rl", dispatch)) }

// commands are those besides training, which needs no name.
var commands = map[string]func(ctx context.Context, args []string, stdout, stderr io.Writer) error{
	"eval":  evaluate,
	"watch": watch,
}

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return train(ctx, args, stdout, stderr)
	}
	command, ok := commands[args[0]]
	if !ok {
		return cli.Unknown("command", args[0], []string{"eval", "watch"})
	}
	return command(ctx, args[1:], stdout, stderr)
}
