package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The files of a run.
const (
	ConfigFile     = "config.json"
	MetricsFile    = "metrics.csv"
	CheckpointFile = "checkpoint.safetensors"
	ImagesFile     = "images.safetensors"
	SummaryFile    = "summary.json"

	lockFile = ".lock" // there while a process writes the directory
)

// ErrFinished says that a run that was to be resumed has been finished before,
// so that there is nothing to do.
var ErrFinished = errors.New("the run is already finished")

// Options says how [Create] treats a directory that holds a run. By default it
// is an error.
type Options struct {
	// Config is the resolved configuration; it is written to config.json.
	Config any
	// Force removes the files of the run that is there and starts again.
	Force bool
	// Resume continues the run that is there from its checkpoint. A run that
	// was interrupted before its first checkpoint, or never begun, simply starts.
	Resume bool
	// Extent lists the keys of Config, dotted and as in JSON, that only say how
	// far a run goes, such as "epochs". A resumed run may change them and no
	// others.
	Extent []string
}

// Dir is a run directory that this process alone may write.
type Dir struct {
	path    string
	resumed bool
	release func() error
}

// Create makes or opens the run directory at path, takes its lock, and writes
// config.json. Parent directories are made as needed.
//
// Errors: path is a file, or a directory that is not empty and holds no run;
// it cannot be written; another process is writing it; it holds a run and
// neither Force nor Resume is set; the run to be resumed was begun with another
// configuration. A finished run that is to be resumed gives [ErrFinished].
// A refusal changes nothing in the directory.
func Create(path string, opt Options) (*Dir, error) {
	if opt.Force && opt.Resume {
		return nil, hinted{errors.New("-force and -resume exclude each other"), "-resume to continue a run, -force to start it again"}
	}
	path = filepath.Clean(path)
	config, err := encodeJSON(opt.Config)
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be written: %w", err)
	}
	if err := makeDir(path); err != nil {
		return nil, err
	}
	release, err := lock(filepath.Join(path, lockFile))
	if held := (heldError{}); errors.As(err, &held) {
		return nil, hinted{fmt.Errorf("%s is %w", path, held), "wait for it to end, or name another directory with -out"}
	} else if err != nil {
		return nil, hinted{failed("write to", path, err), elsewhere}
	}
	d := &Dir{path: path, release: release}
	if err := d.prepare(config, opt); err != nil {
		return nil, errors.Join(err, release())
	}
	return d, nil
}

const elsewhere = "name another directory with -out"

// makeDir sees to it that path is a directory which is empty or holds a run.
func makeDir(path string) error {
	switch info, err := os.Stat(path); {
	case err == nil && !info.IsDir():
		return hinted{fmt.Errorf("%s is a file, not a directory", path), elsewhere}
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(path, 0o777); err != nil {
			return hinted{failed("create", path, err), elsewhere}
		}
	case err != nil:
		return hinted{failed("open", path, err), elsewhere}
	}
	names, err := fileNames(path)
	if err != nil {
		return hinted{err, elsewhere}
	}
	for _, name := range names {
		if file, isDir := strings.CutSuffix(name, string(filepath.Separator)); isDir && isRunFile(file) {
			return hinted{fmt.Errorf("%s is a directory, not a file", filepath.Join(path, file)), "remove it, or name another directory with -out"}
		}
	}
	if slices.Contains(names, ConfigFile) {
		return nil
	}
	for _, name := range names {
		if name != lockFile && !isTemp(name) {
			return hinted{fmt.Errorf("%s holds other files (%s) and no run", path, name), elsewhere}
		}
	}
	return nil
}

// prepare decides between starting and continuing, and writes config.json.
func (d *Dir) prepare(config []byte, opt Options) error {
	names, err := fileNames(d.path)
	if err != nil {
		return err
	}
	begun := slices.Contains(names, ConfigFile)
	finished := begun && slices.Contains(names, SummaryFile)
	extent := ""
	if begun && opt.Resume {
		if extent, err = d.compare(config, opt.Extent); err != nil {
			return err
		}
	}
	switch {
	case !begun || opt.Force:
	case finished && opt.Resume:
		return hinted{fmt.Errorf("%s: %w%s", d.path, ErrFinished, extent), "-force to do it again"}
	case finished:
		return hinted{fmt.Errorf("%s holds a finished run", d.path), "-force to do it again"}
	case !opt.Resume:
		return hinted{fmt.Errorf("%s holds an unfinished run", d.path), "-resume to continue or -force to start again"}
	default:
		d.resumed = slices.Contains(names, CheckpointFile)
	}
	// Whoever kills this half-way leaves a directory that still is a run's, so
	// config.json goes last.
	for _, name := range names {
		if isTemp(name) || !d.resumed && isOurs(name) && name != ConfigFile {
			if err := os.Remove(d.Path(name)); err != nil {
				return failed("remove", d.Path(name), err)
			}
		}
	}
	return writeBytes(d.Path(ConfigFile), config)
}

// compare returns an error for the first key outside extent in which config
// differs from config.json; otherwise a remark on the first one inside.
func (d *Dir) compare(config []byte, extent []string) (remark string, err error) {
	path := d.Path(ConfigFile)
	old, err := os.ReadFile(path)
	if err != nil {
		return "", failed("read", path, err)
	}
	list, err := changes(old, config)
	if err != nil {
		return "", hinted{failed("read", path, err), "-force to start again"}
	}
	for _, c := range list {
		switch {
		case !within(c.key, extent):
			return "", hinted{
				fmt.Errorf("%s was begun with %s = %s, not %s", d.path, c.key, c.was, c.now),
				"give the same configuration to continue, or -force to start again",
			}
		case remark == "":
			remark = fmt.Sprintf(", with %s = %s, not %s", c.key, c.was, c.now)
		}
	}
	return remark, nil
}

// Path is where the file of that name lies in the directory.
func (d *Dir) Path(name string) string { return filepath.Join(d.path, name) }

// Resumed tells whether there is a checkpoint to continue from.
func (d *Dir) Resumed() bool { return d.resumed }

// Close lets other processes write the directory. A second Close does nothing.
func (d *Dir) Close() error {
	release := d.release
	d.release = func() error { return nil }
	if err := release(); err != nil {
		return failed("unlock", d.path, err)
	}
	return nil
}

// fileNames lists what is in dir. Directories end in a separator, so that none
// is taken for a file of ours.
func fileNames(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, failed("read", dir, err)
	}
	var names []string
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += string(filepath.Separator)
		}
		names = append(names, name)
	}
	return names, nil
}

// isOurs tells whether a run writes a file of that name.
func isOurs(name string) bool {
	ext := filepath.Ext(name)
	return isRunFile(name) || ext == ".png" || ext == ".svg"
}

// isRunFile tells whether name is that of one of the files of every run.
func isRunFile(name string) bool {
	switch name {
	case ConfigFile, MetricsFile, CheckpointFile, ImagesFile, SummaryFile:
		return true
	}
	return false
}

// isTemp tells whether name is what createTemp gives a file of ours: a process
// was killed while it wrote.
func isTemp(name string) bool {
	stem, ok := strings.CutSuffix(name, tempSuffix)
	return ok && isOurs(strings.TrimSuffix(stem, filepath.Ext(stem)))
}
