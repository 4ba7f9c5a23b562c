package run

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// heldError says that another process holds a lock. Its id is 0 if unknown.
type heldError struct{ pid int }

func (e heldError) Error() string {
	if e.pid == 0 {
		return "in use by another process"
	}
	return fmt.Sprintf("in use by process %d", e.pid)
}

// holder reads the process id that a lock file holds, 0 if there is none.
func holder(lockFile io.Reader) int {
	text, err := io.ReadAll(io.LimitReader(lockFile, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
