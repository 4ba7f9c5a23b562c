package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130 // 128 + SIGINT, as shells have it
)

// Main runs a command with the arguments of the process and returns its exit
// code: 0 for no error and for flag.ErrHelp, 2 for a [UsageError], 130 for
// [ErrInterrupted], 1 for the rest. It prints the error and its hint to stderr.
//
// The first SIGINT or SIGTERM cancels ctx; from then on signals act as usual,
// so that a second Ctrl-C kills the process at once. If nobody reads stdout any
// more, the command runs to its end all the same and Main returns 1 in silence.
func Main(name string, run func(ctx context.Context, args []string, stdout, stderr io.Writer) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	signal.Ignore(syscall.SIGPIPE) // A write to a closed pipe is an error, not the end.

	stdout := &output{w: os.Stdout}
	err := run(ctx, os.Args[1:], stdout, os.Stderr)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		err = stdout.err
	}
	if stdout.err != nil && errors.Is(err, syscall.EPIPE) {
		return exitFailed
	}
	return report(os.Stderr, name, err)
}

// report prints err and its hint, and returns the exit code.
func report(stderr io.Writer, name string, err error) int {
	var usage *UsageError
	code, label := exitFailed, "error: "
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, ErrInterrupted):
		code, label = exitInterrupted, ""
	case errors.As(err, &usage):
		code = exitUsage
	}
	hint := ""
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		hint = h.Hint()
	} else if code == exitUsage {
		hint = name + " -h lists the flags"
	}
	// Nothing can be done if stderr cannot be written: the exit code has to do.
	_, _ = fmt.Fprintf(stderr, "%s: %s%s\n", name, label, oneLine(err.Error()))
	if hint != "" {
		_, _ = fmt.Fprintf(stderr, "%s: hint: %s\n", name, oneLine(hint))
	}
	return code
}

// oneLine joins lines with "; " and takes other control characters out.
func oneLine(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\n", "; ")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// output keeps the first error of a writer, so that a command may print without
// looking and a full disk still makes it fail.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = fmt.Errorf("cannot write the results: %w", err)
	}
	return n, err
}
