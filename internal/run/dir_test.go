package run

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

type config struct {
	Relax  string  `json:"relax"`
	LR     float64 `json:"lr"`
	Epochs int     `json:"epochs"`
	Seed   uint64  `json:"seed"`
}

var base = config{"hardconcrete", 1e-3, 10, math.MaxUint64}

const baseJSON = `{
  "relax": "hardconcrete",
  "lr": 0.001,
  "epochs": 10,
  "seed": 18446744073709551615
}
`

func TestCreate(t *testing.T) {
	longer, faster, other := base, base, base
	longer.Epochs = 20
	faster.LR = 1e-2
	other.Seed-- // The same float64.

	begun := map[string]string{ConfigFile: baseJSON, MetricsFile: "m"}
	saved := map[string]string{ConfigFile: baseJSON, MetricsFile: "m", CheckpointFile: "c", "a.png": "p"}
	finished := map[string]string{ConfigFile: baseJSON, MetricsFile: "m", CheckpointFile: "c", SummaryFile: "s", ImagesFile: "i", "a.png": "p", "a.svg": "v"}
	fresh := map[string]string{ConfigFile: baseJSON}
	with := func(m map[string]string, more ...string) map[string]string {
		m = maps.Clone(m)
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}

	for _, test := range []struct {
		name       string
		files      map[string]string // nil: no directory
		config     any
		opt        Options
		err, hint  string
		after      map[string]string // nil: as before
		resumed    bool
		isFinished bool
	}{
		{name: "nothing there", after: fresh},
		{name: "nothing there, force", opt: Options{Force: true}, after: fresh},
		{name: "nothing there, resume", opt: Options{Resume: true}, after: fresh},
		{name: "empty", files: map[string]string{}, after: fresh},
		{name: "killed before config.json", files: map[string]string{".lock": "", "config.json.0.tmp": "{"}, after: fresh},

		{name: "unfinished", files: saved, err: "holds an unfinished run", hint: "-resume to continue or -force to start again"},
		{name: "unfinished, force", files: saved, opt: Options{Force: true}, after: fresh},
		{name: "unfinished, force, other config", files: with(saved, ConfigFile, "{"), opt: Options{Force: true}, after: fresh},
		{name: "unfinished, resume", files: saved, opt: Options{Resume: true}, resumed: true, after: saved},
		{
			name: "leftovers", files: with(saved, "summary.json.3.tmp", "{", "a.png.0.tmp", "", "notes.tmp", "mine"),
			opt: Options{Resume: true}, resumed: true, after: with(saved, "notes.tmp", "mine"),
		},
		{name: "no checkpoint, resume", files: begun, opt: Options{Resume: true}, after: fresh},

		{name: "finished", files: finished, err: "holds a finished run", hint: "-force to do it again"},
		{name: "finished, force", files: finished, opt: Options{Force: true}, after: fresh},
		{name: "finished, resume", files: finished, opt: Options{Resume: true}, err: "already finished", hint: "-force to do it again", isFinished: true},
		{
			name: "finished, resume for longer", files: finished, config: longer, opt: Options{Resume: true},
			err: "already finished, with epochs = 10, not 20", hint: "-force to do it again", isFinished: true,
		},

		{
			name: "longer", files: saved, config: longer, opt: Options{Resume: true}, resumed: true,
			after: with(saved, ConfigFile, strings.Replace(baseJSON, "10", "20", 1)),
		},
		{name: "other lr", files: saved, config: faster, opt: Options{Resume: true}, err: "was begun with lr = 0.001, not 0.01", hint: "the same configuration to continue, or -force"},
		{name: "other seed", files: saved, config: other, opt: Options{Resume: true}, err: "seed = 18446744073709551615, not 18446744073709551614", hint: "-force"},
		{name: "finished, other lr", files: finished, config: faster, opt: Options{Resume: true}, err: "lr = 0.001, not 0.01", hint: "-force"},
		{name: "key more", files: with(saved, ConfigFile, `{"relax":"hardconcrete","lr":0.001,"seed":18446744073709551615,"beta":{"max":1}}`), opt: Options{Resume: true}, err: "beta.max = 1, not absent", hint: "-force"},
		{name: "empty config", files: with(saved, ConfigFile, "{}"), opt: Options{Resume: true}, err: "config.json: it holds no settings", hint: "-force to start again"},
		{name: "config is a list", files: with(saved, ConfigFile, "[1]"), opt: Options{Resume: true}, err: "config.json: it holds no settings", hint: "-force to start again"},
		{name: "broken config", files: with(saved, ConfigFile, "{"), opt: Options{Resume: true}, err: "config.json: unexpected EOF", hint: "-force to start again"},

		{name: "foreign", files: map[string]string{"thesis.tex": "x", "a.png": "p"}, err: "holds other files (a.png) and no run", hint: "-out"},
		{name: "foreign, force", files: map[string]string{"thesis.tex": "x"}, opt: Options{Force: true}, err: "holds other files (thesis.tex) and no run", hint: "-out"},
		{name: "foreign file in a run, force", files: with(finished, "notes.md", "n"), opt: Options{Force: true}, after: with(fresh, "notes.md", "n")},

		{name: "both", files: saved, opt: Options{Force: true, Resume: true}, err: "exclude each other", hint: "-resume"},
		{name: "config is not JSON", files: saved, config: map[string]float64{"lr": math.NaN()}, opt: Options{Force: true}, err: "lr is NaN, which JSON cannot hold"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vae", "seed-1")
			if test.files != nil {
				put(t, path, test.files)
			}
			test.opt.Config = test.config
			if test.config == nil {
				test.opt.Config = base
			}
			test.opt.Extent = []string{"epochs"}
			d, err := Create(path, test.opt)
			if test.err != "" {
				wantError(t, err, test.err, test.hint)
			} else if err != nil {
				t.Fatal(err)
			}
			if errors.Is(err, ErrFinished) != test.isFinished {
				t.Errorf("error %v is ErrFinished: %t", err, !test.isFinished)
			}
			if err == nil {
				if d.Resumed() != test.resumed {
					t.Errorf("resumed: %t, want %t", d.Resumed(), test.resumed)
				}
				for range 2 { // The second does nothing.
					if err := d.Close(); err != nil {
						t.Error(err)
					}
				}
			}
			want := test.after
			if want == nil {
				want = test.files
			}
			if got := tree(t, path); !maps.Equal(got, want) {
				t.Errorf("files after: %q\nwant %q", got, want)
			}
		})
	}
}

func TestCreateLeavesDirectoriesAlone(t *testing.T) {
	path := t.TempDir()
	put(t, path, map[string]string{ConfigFile: baseJSON})
	put(t, filepath.Join(path, "album.png"), map[string]string{"x": "y"})
	d, err := Create(path, Options{Config: base, Force: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := os.Stat(filepath.Join(path, "album.png", "x")); err != nil {
		t.Error(err)
	}
}

// TestCreateInTheWay finds directories where a run has files before it destroys
// anything.
func TestCreateInTheWay(t *testing.T) {
	for _, name := range []string{ConfigFile, MetricsFile, CheckpointFile, SummaryFile} {
		path := t.TempDir()
		files := map[string]string{ConfigFile: baseJSON, MetricsFile: "m", CheckpointFile: "c"}
		delete(files, name)
		put(t, path, files)
		put(t, filepath.Join(path, name), map[string]string{"x": "y"})
		before := tree(t, path)
		for _, opt := range []Options{{Config: base}, {Config: base, Force: true}, {Config: base, Resume: true}} {
			_, err := Create(path, opt)
			wantError(t, err, filepath.Join(path, name)+" is a directory", "remove it")
		}
		if got := tree(t, path); !maps.Equal(got, before) {
			t.Errorf("files %q, want %q", got, before)
		}
	}
}

// TestCreateFailing lets the last step of a forced start fail: what is left must
// still be a run directory, which can be started again.
func TestCreateFailing(t *testing.T) {
	path := t.TempDir()
	put(t, path, map[string]string{ConfigFile: baseJSON, SummaryFile: "s"})
	for n := range 100 { // every temporary name of config.json
		put(t, filepath.Join(path, fmt.Sprintf("config.json.%d.tmp", n)), nil)
	}
	_, err := Create(path, Options{Config: base, Force: true})
	wantError(t, err, "cannot write "+filepath.Join(path, ConfigFile)+": file exists", "")
	if got, want := tree(t, path), map[string]string{ConfigFile: baseJSON}; !maps.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestCreateUnwritable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	put(t, filepath.Dir(file), map[string]string{"file": "x"})
	_, err := Create(file, Options{})
	wantError(t, err, "is a file, not a directory", "-out")
	_, err = Create(filepath.Join(file, "vae", "seed-1"), Options{})
	wantError(t, err, "not a directory", "-out")

	readOnly := t.TempDir()
	if err := os.Chmod(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Create(filepath.Join(readOnly, "probe")); err == nil {
		_ = f.Close()
		t.Skip("permission bits do not bind this user")
	}
	_, err = Create(filepath.Join(readOnly, "vae"), Options{})
	wantError(t, err, "cannot create", "-out")
	_, err = Create(readOnly, Options{})
	wantError(t, err, "cannot write to", "-out")
}

// TestLockConcurrent lets many goroutines create one run at once. As the holders
// wait for each other at the end, exactly one may succeed.
func TestLockConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	const n = 16
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { _, errs[i] = Create(path, Options{Config: base, Force: true}) })
	}
	wg.Wait()
	winners := 0
	for _, err := range errs {
		if err == nil {
			winners++
			continue
		}
		wantError(t, err, "is in use by", "wait for it to end")
	}
	if winners != 1 {
		t.Errorf("%d of %d hold the lock, want 1", winners, n)
	}
}

// TestLockChain takes and releases one lock from several goroutines; whoever
// holds it counts, which the race detector and the sum check.
func TestLockChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), lockFile)
	const workers, rounds = 4, 50
	count := 0
	var mu sync.Mutex // Held for no time at all: TryLock fails only if the file lock does.
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for done := 0; done < rounds; {
				release, err := lock(path)
				if errors.As(err, new(heldError)) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if !mu.TryLock() {
					t.Error("two hold the lock")
					return
				}
				count++
				done++
				mu.Unlock()
				if err := release(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if count != workers*rounds {
		t.Errorf("%d rounds, want %d", count, workers*rounds)
	}
}

// holdForever is a process that is killed while it writes a run.
func holdForever(dir string) {
	d, err := Create(dir, Options{Config: base})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	if err := os.WriteFile(d.Path(CheckpointFile), []byte("c"), 0o666); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("holding")
	select {}
}

func TestResumeAfterKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), child+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill := sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	defer kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "holding\n" {
		t.Fatalf("child says %q, %v", line, err)
	}

	_, err = Create(path, Options{Config: base, Resume: true})
	wantError(t, err, fmt.Sprintf("is in use by process %d", cmd.Process.Pid), "-out")

	kill()
	if _, err := os.Stat(filepath.Join(path, lockFile)); err != nil {
		t.Errorf("the killed process should have left its lock file: %v", err)
	}
	d, err := Create(path, Options{Config: base, Resume: true})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Resumed() {
		t.Error("not resumed")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	got := slices.Sorted(maps.Keys(tree(t, path)))
	if want := []string{CheckpointFile, ConfigFile}; !slices.Equal(got, want) {
		t.Errorf("files %v, want %v", got, want)
	}
}
