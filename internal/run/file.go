package run

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// WriteFile puts what write produces into the file at path, or leaves path as
// it was: the data goes to a temporary file in the same directory, is synced to
// disk and renamed. If anything fails, write included, the temporary file is
// removed and the error names path.
func WriteFile(path string, write func(io.Writer) error) error {
	f, err := createTemp(path)
	if err != nil {
		return failed("write", path, err)
	}
	renamed := false
	defer func() {
		if !renamed {
			_ = f.Close() // A second Close only returns an error.
			_ = os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<16)
	if err := write(w); err != nil {
		return failed("write", path, err)
	}
	if err := errors.Join(w.Flush(), f.Sync(), f.Close()); err != nil {
		return failed("write", path, err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return failed("write", path, err)
	}
	renamed = true
	return nil
}

// createTemp opens a new file beside path. Unlike os.CreateTemp it leaves the
// permissions to the umask, as for any other file.
func createTemp(path string) (*os.File, error) {
	for n := 0; ; n++ {
		f, err := os.OpenFile(fmt.Sprintf("%s.%d%s", path, n, tempSuffix), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if !errors.Is(err, fs.ErrExist) || n == 99 {
			return f, err
		}
	}
}

const tempSuffix = ".tmp"
