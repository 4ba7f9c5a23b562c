//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd) || pidlock

package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"syscall"
	"time"
)

// lock takes the lock file at path or says who holds it: whoever could create
// it, for as long as the process whose id it holds is alive. This serves
// systems without flock and is weaker: two processes that find the lock of a
// dead one at the same instant may both get it, and an id may be in use again.
// "go test -tags pidlock" tests it everywhere.
func lock(path string) (release func() error, err error) {
	for try := 0; ; try++ {
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if err == nil {
			release = func() error { return os.Remove(path) }
			_, err = fmt.Fprintln(f, os.Getpid())
			if err = errors.Join(err, f.Close()); err != nil {
				return nil, errors.Join(err, release())
			}
			return release, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		if f, err = os.Open(path); errors.Is(err, fs.ErrNotExist) {
			continue // It was released just now.
		} else if err != nil {
			return nil, err
		}
		pid := holder(f)
		if err := f.Close(); err != nil {
			return nil, err
		}
		if pid == 0 && try < 20 {
			// Its owner is about to write its id or, after so many tries, dead.
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if alive(pid) {
			return nil, heldError{pid}
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
}

func alive(pid int) bool {
	if pid == 0 {
		return false
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	if runtime.GOOS == "windows" {
		return true // There FindProcess fails for a process that is gone.
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, fs.ErrPermission)
}
