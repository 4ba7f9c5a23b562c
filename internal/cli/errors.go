package cli

import (
	"errors"
	"fmt"
	"strings"
)

// ErrInterrupted says that a command was interrupted and has saved its work.
// Commands wrap it to say what they saved.
var ErrInterrupted = errors.New("interrupted")

// UsageError is a mistake in how a command was called: exit code 2.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

// Usagef formats a [UsageError].
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}

// hinted is an error with one line of advice.
type hinted struct {
	error
	hint string
}

func (e *hinted) Unwrap() error { return e.error }
func (e *hinted) Hint() string  { return e.hint }

// Hint adds a line of advice to an error; [Main] prints it below the error. It
// does so for any error with a method Hint() string, the outermost one first.
func Hint(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// Unknown is the usage error for a name that is not among the known ones, such
// as Unknown("-relax", "hardconcret", names):
//
//	vae: error: unknown -relax "hardconcret"
//	vae: hint: did you mean "hardconcrete"? known: concrete, hardconcrete
func Unknown(kind, got string, known []string) error {
	hint := "known: " + strings.Join(known, ", ")
	if near, ok := Nearest(got, known); ok {
		hint = fmt.Sprintf("did you mean %q? %s", near, hint)
	}
	return Hint(Usagef("unknown %s %q", kind, got), "%s", hint)
}
