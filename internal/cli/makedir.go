package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// MakeDir makes a directory for results, with its parents as needed.
func MakeDir(dir string) error {
	err := os.MkdirAll(dir, 0o777)
	if err == nil {
		return nil
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = fmt.Errorf("cannot create %s: %w", path.Path, path.Err)
	}
	return Hint(err, "-out names another directory")
}
