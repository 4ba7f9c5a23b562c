package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
)

// StartCPUProfile begins to write a profile of the process to the file at path,
// for "go tool pprof". The profile is complete after stop. An empty path, the
// default of -cpuprofile, asks for none.
func StartCPUProfile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, Hint(fmt.Errorf("-cpuprofile: %w", err), "name a file that can be written")
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("-cpuprofile: %w", err), f.Close(), os.Remove(path))
	}
	return func() error {
		pprof.StopCPUProfile()
		if err := f.Close(); err != nil {
			return fmt.Errorf("-cpuprofile: %w", err)
		}
		return nil
	}, nil
}
