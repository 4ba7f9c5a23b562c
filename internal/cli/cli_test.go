package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// child names the command of scenarios that this test binary is to be, see
// TestMain. Exit codes and signals can be seen from outside a process only.
const child = "RELAXGO_CLI_TEST_CHILD"

func TestMain(m *testing.M) {
	if name := os.Getenv(child); name != "" {
		os.Exit(Main("vae", scenarios[name]))
	}
	os.Exit(m.Run())
}

var scenarios = map[string]func(ctx context.Context, args []string, stdout, stderr io.Writer) error{
	"flags": func(_ context.Context, args []string, stdout, _ io.Writer) error {
		cmd, cfg := example()
		if err := cmd.Parse(args, stdout); err != nil {
			return err
		}
		if cfg.relax != "hardconcrete" {
			return Unknown("-relax", cfg.relax, []string{"concrete", "hardconcrete"})
		}
		fmt.Fprintf(stdout, "%+v\n", *cfg)
		return nil
	},
	"fail": func(context.Context, []string, io.Writer, io.Writer) error {
		return errors.Join(errors.New("loss is NaN\tat step 7"), Hint(errors.New("disk\x1b[2J full"), "lower\n-lr"))
	},
	"print": func(_ context.Context, _ []string, stdout, stderr io.Writer) error {
		for range 1000 {
			fmt.Fprintln(stdout, "a line that is written to nobody")
		}
		fmt.Fprintln(stderr, "to the end")
		return nil
	},
	"save": func(ctx context.Context, _ []string, stdout, _ io.Writer) error {
		fmt.Fprintln(stdout, "ready")
		<-ctx.Done()
		return Hint(fmt.Errorf("%w, saved at step 1200", ErrInterrupted), "-resume to continue")
	},
	"hang": func(ctx context.Context, _ []string, stdout, _ io.Writer) error {
		fmt.Fprintln(stdout, "ready")
		<-ctx.Done()
		fmt.Fprintln(stdout, "saving")
		time.Sleep(time.Minute)
		return nil
	},
}

func command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), child+"="+name)
	return cmd
}

func TestMainExit(t *testing.T) {
	for _, test := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string // stdout: how it begins
	}{
		{"flags", []string{"-lr=0.5"}, 0, "{relax:hardconcrete lr:0.5", ""},
		{"flags", []string{"-h"}, 0, "vae trains", ""},
		{"flags", []string{"-version"}, 0, "vae: relaxgo ", ""},
		{"flags", []string{"-relax=hardconcret"}, 2, "", "vae: error: unknown -relax \"hardconcret\"\nvae: hint: did you mean \"hardconcrete\"? known: concrete, hardconcrete\n"},
		{"flags", []string{"-epoch=3"}, 2, "", "vae: error: unknown flag -epoch\nvae: hint: did you mean -epochs? vae -h lists the flags\n"},
		{"flags", []string{"-lr=fast"}, 2, "", "vae: error: -lr cannot be \"fast\": want a number\nvae: hint: vae -h lists the flags\n"},
		{"fail", nil, 1, "", "vae: error: loss is NaN at step 7; disk [2J full\nvae: hint: lower; -lr\n"},
	} {
		cmd := command(test.name, test.args...)
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // The exit code says it all.
		if code := cmd.ProcessState.ExitCode(); code != test.code {
			t.Errorf("%s %v: exit code %d, want %d", test.name, test.args, code, test.code)
		}
		if !strings.HasPrefix(stdout.String(), test.stdout) || test.stdout == "" && stdout.Len() > 0 {
			t.Errorf("%s %v: stdout %q, want %q", test.name, test.args, stdout.String(), test.stdout)
		}
		if stderr.String() != test.stderr {
			t.Errorf("%s %v: stderr %q, want %q", test.name, test.args, stderr.String(), test.stderr)
		}
	}
}

// start runs a scenario until it has printed "ready".
func start(t *testing.T, name string) (cmd *exec.Cmd, stdout io.Reader, stderr *bytes.Buffer) {
	t.Helper()
	cmd = command(name)
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	expect(t, out, "ready\n")
	return cmd, out, stderr
}

func expect(t *testing.T, r io.Reader, text string) {
	t.Helper()
	got := make([]byte, len(text))
	if _, err := io.ReadFull(r, got); err != nil || string(got) != text {
		t.Fatalf("child says %q, %v, want %q", got, err, text)
	}
}

func TestMainInterrupted(t *testing.T) {
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		cmd, _, stderr := start(t, "save")
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			t.Errorf("%v: exit code %d, want 130", sig, code)
		}
		if got, want := stderr.String(), "vae: interrupted, saved at step 1200\nvae: hint: -resume to continue\n"; got != want {
			t.Errorf("%v: stderr %q, want %q", sig, got, want)
		}
	}
}

func TestMainSecondInterrupt(t *testing.T) {
	cmd, out, _ := start(t, "hang")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	expect(t, out, "saving\n")
	// The handler is taken away a moment after ctx is done, hence the repetition.
	killed := make(chan struct{})
	begin := time.Now()
	go func() {
		defer close(killed)
		_ = cmd.Wait()
	}()
	for {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-killed:
			if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signal() != syscall.SIGINT {
				t.Errorf("ended with %v, want the signal", cmd.ProcessState)
			}
			return
		case <-time.After(20 * time.Millisecond):
			if time.Since(begin) > 10*time.Second {
				t.Fatal("a second interrupt does not kill")
			}
		}
	}
}

func TestMainBrokenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	cmd := command("print")
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = w, &stderr
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 1 || stderr.String() != "to the end\n" {
		t.Errorf("exit code %d, stderr %q, want 1 and the command's end without a message", code, stderr.String())
	}
}

func TestMainFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	for _, test := range []struct{ name, stderr string }{
		{"print", "to the end\nvae: error: cannot write the results: write /dev/stdout: no space left on device\n"},
		{"flags", "vae: error: cannot write the results: write /dev/stdout: no space left on device\n"},
	} {
		cmd := command(test.name, "-h")
		var stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = full, &stderr
		_ = cmd.Run()
		if code := cmd.ProcessState.ExitCode(); code != 1 || stderr.String() != test.stderr {
			t.Errorf("%s: exit code %d, stderr %q, want 1 and %q", test.name, code, stderr.String(), test.stderr)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"concrete", "hardconcrete", "gumbelsoftmax", "st", "ste", "a2c", "relax", "rebar", "x"}
	for _, test := range []struct{ word, want string }{
		{"hardconcret", "hardconcrete"},
		{"HardConcrete", "hardconcrete"},
		{"cnocrete", "concrete"},
		{"gumbel-softmax", "gumbelsoftmax"},
		{"a2", "a2c"},
		{"relx", "relax"},
		{"rebax", "relax"}, // rebar is as near but comes later
		{"st", "st"},
		{"sd", "st"},
		{"ebar", "rebar"},
		{"y", ""}, // one letter is no clue to another
		{"", ""},
		{"ppo", ""},
		{"laplace", ""},
	} {
		if got, ok := Nearest(test.word, known); got != test.want || ok != (test.want != "") {
			t.Errorf("Nearest(%q) = %q, %t, want %q", test.word, got, ok, test.want)
		}
	}
	if got, ok := Nearest("x", nil); ok {
		t.Errorf("nearest of none is %q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"kitten", "sitting", 3}, {"abcd", "acbd", 1}, {"ab", "ba", 1},
		{"ca", "abc", 3}, // 2 if a letter could be edited twice
		{"größe", "grösse", 2},
	} {
		if got := distance([]rune(test.a), []rune(test.b)); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.a, test.b, got, test.want)
		}
		if got := distance([]rune(test.b), []rune(test.a)); got != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.b, test.a, got, test.want)
		}
	}
}

func TestHint(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("outer: %w", Hint(Hint(cause, "inner"), "try %d", 1))
	var buf bytes.Buffer
	if code := report(&buf, "rl", err); code != 1 || buf.String() != "rl: error: outer: cause\nrl: hint: try 1\n" {
		t.Errorf("code %d, %q", code, buf.String())
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	wrapped := Usagef("bad: %w", cause)
	if !errors.Is(wrapped, cause) {
		t.Error("the cause of a usage error is lost")
	}
	buf.Reset()
	if code := report(&buf, "rl", fmt.Errorf("config.json: %w", Hint(wrapped, "mend it"))); code != 2 || buf.String() != "rl: error: config.json: bad: cause\nrl: hint: mend it\n" {
		t.Errorf("code %d, %q", code, buf.String())
	}
	if code := report(&buf, "rl", nil); code != 0 {
		t.Errorf("code %d for no error", code)
	}
}

func TestStartCPUProfile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cpu.prof")
	stop, err := StartCPUProfile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StartCPUProfile(path + "2"); err == nil {
		t.Error("two profiles at once")
	} else if _, err := os.Stat(path + "2"); err == nil {
		t.Error("the second left a file")
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("profile: %v, %v", info, err)
	}

	var h interface{ Hint() string }
	if _, err := StartCPUProfile(filepath.Join(path, "x")); !errors.As(err, &h) {
		t.Errorf("an unwritable file gives %v", err)
	}
	stop, err = StartCPUProfile("")
	if err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// settings has a flag of every kind.
type settings struct {
	relax    string
	lr       float64
	epochs   int
	seed     uint64
	pause    time.Duration
	quick    bool
	progress ProgressMode
}

func example() (*Command, *settings) {
	cfg := new(settings)
	fs := flag.NewFlagSet("vae", flag.ContinueOnError)
	fs.StringVar(&cfg.relax, "relax", "hardconcrete", "`name` of the relaxation")
	fs.Float64Var(&cfg.lr, "lr", 1e-3, "learning `rate` of Adam, which is halved when the validation bound has not improved for three epochs")
	fs.IntVar(&cfg.epochs, "epochs", 10, "passes over the training set, a `number`")
	fs.Uint64Var(&cfg.seed, "seed", 0, "`number` that all random streams derive from")
	fs.DurationVar(&cfg.pause, "pause", 0, "`time` between epochs on a computer that others use")
	fs.BoolVar(&cfg.quick, "quick", false, "a small run of a few seconds")
	fs.Var(&cfg.progress, "progress", "show progress: `mode` auto, on or off")
	return &Command{
		Name:     "vae",
		Purpose:  "trains a variational autoencoder.",
		Examples: []string{"vae -quick", "vae -relax=hardconcrete -epochs=20", "vae -seed=2 -progress=off"},
		Flags:    fs,
		Groups:   []Group{{"Model", []string{"relax"}}, {"Training", []string{"lr", "epochs", "seed", "gone"}}},
		Sections: []Section{{Title: "Files", Text: "\nconfig.json   the configuration\n\nsummary.json  the result\n"}},
	}, cfg
}
