package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// hinted is an error with one line of advice.
type hinted struct {
	error
	hint string
}

func (e hinted) Unwrap() error { return e.error }

// Hint is what the user may do about the error.
func (e hinted) Hint() string { return e.hint }

// failed says what could not be done to path. An error of package os says it
// again, of the same path, a temporary file beside it or a file within, so that
// only its cause is kept.
func failed(verb, path string, err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr) && strings.HasPrefix(pathErr.Path, path):
		err = pathErr.Err
	case errors.As(err, &linkErr) && strings.HasPrefix(linkErr.Old, path):
		err = linkErr.Err
	}
	return fmt.Errorf("cannot %s %s: %w", verb, path, err)
}
