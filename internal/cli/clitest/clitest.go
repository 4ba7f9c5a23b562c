// Package clitest runs a command from its own tests as a process of its own, because exit codes, signals and what reaches
// stdout can be seen from outside only.
package clitest

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// child marks the environment of a process that is to be the command.
const child = "RELAXGO_TEST_CHILD"

// Main is the TestMain of a command's tests: in a child process it is the command's main, else it runs the tests.
func Main(m *testing.M, main func()) {
	if os.Getenv(child) != "" {
		main()
	}
	os.Exit(m.Run())
}

// Process is the command in a directory.
func Process(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), child+"=1")
	return cmd
}

// Outcome is what a finished command has left.
type Outcome struct {
	Code           int
	Stdout, Stderr string
}

// Call runs the command in a directory to its end.
func Call(t *testing.T, dir string, args ...string) Outcome {
	t.Helper()
	return Run(t, Process(dir, args...))
}

// Run runs a process to its end. What it prints must be fit for a file.
func Run(t *testing.T, cmd *exec.Cmd) Outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // The exit code says it all.
	o := Outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	if control := regexp.MustCompile(`[^\P{C}\n]`).FindString(o.Stdout + o.Stderr); control != "" {
		t.Errorf("%v prints the control character %q: %q, %q", cmd.Args[1:], control, o.Stdout, o.Stderr)
	}
	return o
}

// Interrupt runs the command in a directory and sends it an interrupt, as Ctrl-C does, when the lines that it has printed to
// stderr so far are such that now says so. A command that does not heed it is killed after a minute.
func Interrupt(t *testing.T, dir string, now func(lines []string) bool, args ...string) Outcome {
	t.Helper()
	cmd := Process(dir, args...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	var said []string
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		if said = append(said, lines.Text()); now(said) {
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // The exit code says it all.
	return Outcome{cmd.ProcessState.ExitCode(), stdout.String(), strings.Join(append(said, ""), "\n")}
}

// Files lists the regular files below a directory, with slashes.
func Files(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}
