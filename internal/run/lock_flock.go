//go:build (darwin || dragonfly || freebsd || linux || netbsd || openbsd) && !pidlock

package run

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lock takes the lock file at path or says who holds it. The lock is the
// kernel's, on the open file, so it ends with the process however that dies;
// the process id in the file is for the error message only. On a file system
// without locks every process gets it.
func lock(path string) (release func() error, err error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EWOULDBLOCK):
			pid := holder(f)
			return nil, errors.Join(heldError{pid}, f.Close())
		case err != nil && !errors.Is(err, errors.ErrUnsupported):
			return nil, errors.Join(err, f.Close())
		}
		// The holder may have removed the file between our open and our lock;
		// what we hold then is a file that nobody else can find.
		ours, err1 := f.Stat()
		named, err2 := os.Stat(path)
		if err1 != nil || err2 != nil || !os.SameFile(ours, named) {
			if err := f.Close(); err != nil {
				return nil, err
			}
			continue
		}
		release = func() error { return errors.Join(os.Remove(path), f.Close()) }
		if err := f.Truncate(0); err != nil {
			return nil, errors.Join(err, release())
		}
		if _, err := fmt.Fprintln(f, os.Getpid()); err != nil {
			return nil, errors.Join(err, release())
		}
		return release, nil
	}
}
