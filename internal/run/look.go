package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// State is what a directory holds of a run with a certain configuration.
type State int

// States.
const (
	Vacant     State = iota // no run
	Unfinished              // a run with that configuration, begun
	Finished                // the same, finished
	Other                   // a run with another configuration
)

// Look tells what the directory at path holds of a run with that configuration,
// and of one with another what differs first, such as "epochs = 10, not 20". It
// changes nothing.
func Look(path string, config any) (state State, difference string, err error) {
	now, err := encodeJSON(config)
	if err != nil {
		return Vacant, "", fmt.Errorf("the configuration cannot be written: %w", err)
	}
	name := filepath.Join(path, ConfigFile)
	was, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return Vacant, "", nil
	} else if err != nil {
		return Vacant, "", failed("read", name, err)
	}
	list, err := changes(was, now)
	if err != nil {
		return Vacant, "", failed("read", name, err)
	}
	if len(list) > 0 {
		return Other, fmt.Sprintf("%s = %s, not %s", list[0].key, list[0].was, list[0].now), nil
	}
	switch _, err := os.Stat(filepath.Join(path, SummaryFile)); {
	case err == nil:
		return Finished, "", nil
	case errors.Is(err, fs.ErrNotExist):
		return Unfinished, "", nil
	default:
		return Vacant, "", failed("read", filepath.Join(path, SummaryFile), err)
	}
}
