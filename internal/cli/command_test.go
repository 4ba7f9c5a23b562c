package cli

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	cmd, cfg := example()
	err := cmd.Parse([]string{"-lr=0.5", "--epochs", "3", "-seed=18446744073709551615", "-quick", "-pause=2s", "-progress=on"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := settings{"hardconcrete", 0.5, 3, 1<<64 - 1, 2e9, true, ProgressOn}
	if *cfg != want {
		t.Errorf("got %+v, want %+v", *cfg, want)
	}
}

// TestParseErrors also holds the wording of package flag, from which the
// messages are made.
func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ args, err, hint string }{
		{"-relx=a", "unknown flag -relx", "did you mean -relax? vae -h lists the flags"},
		{"--sede 1", "unknown flag -sede", "did you mean -seed? vae -h lists the flags"},
		{"-verzion", "unknown flag -verzion", "did you mean -version? vae -h lists the flags"},
		{"-zzz", "unknown flag -zzz", ""},
		{"-lr", "-lr needs a value: -lr=rate", ""},
		{"-lr=fast", `-lr cannot be "fast": want a number`, ""},
		{"-lr=1e999", `-lr cannot be "1e999": value out of range`, ""},
		{"-lr=", `-lr cannot be "": want a number`, ""},
		{"-epochs=1.5", `-epochs cannot be "1.5": want a whole number`, ""},
		{"-epochs=99999999999999999999", `-epochs cannot be "99999999999999999999": value out of range`, ""},
		{"-seed=-1", `-seed cannot be "-1": want a whole number from 0`, ""},
		{"-pause=1", `-pause cannot be "1": want a duration such as 90s or 1h30m`, ""},
		{"-quick=maybe", `-quick cannot be "maybe": want true or false`, ""},
		{"-progress=no", `-progress cannot be "no": want auto, on or off`, ""},
		{"-lr=a\"\nfor_-lr:_b", `-lr cannot be "a\"\nfor_-lr:_b": want a number`, ""},
		{"---lr=1", "bad flag syntax: ---lr=1", ""},
		{"-=1", "bad flag syntax: -=1", ""},
		{"-quick false", `unexpected argument "false"`, "flags are given as -name=value"},
		{"relax=st", `unexpected argument "relax=st"`, "did you mean -relax? flags are given as -name=value"},
	} {
		cmd, _ := example()
		var stdout bytes.Buffer
		err := cmd.Parse(strings.Split(test.args, " "), &stdout)
		var usage *UsageError
		if !errors.As(err, &usage) || err.Error() != test.err {
			t.Errorf("%q: error %v, want the usage error %s", test.args, err, test.err)
			continue
		}
		hint := ""
		var h interface{ Hint() string }
		if errors.As(err, &h) {
			hint = h.Hint()
		}
		if hint != test.hint {
			t.Errorf("%q: hint %q, want %q", test.args, hint, test.hint)
		}
		if stdout.Len() > 0 {
			t.Errorf("%q printed %q to stdout", test.args, stdout.String())
		}
	}
}

const wantHelp = `vae trains a variational autoencoder.

Usage:
  vae [-flag=value ...]

Examples:
  vae -quick
  vae -relax=hardconcrete -epochs=20
  vae -seed=2 -progress=off

Model:
  -relax=name     name of the relaxation (default hardconcrete)

Training:
  -lr=rate        learning rate of Adam, which is halved when the validation
                  bound has not improved for three epochs (default 0.001)
  -epochs=number  passes over the training set, a number (default 10)
  -seed=number    number that all random streams derive from (default 0)

Other flags:
  -pause=time     time between epochs on a computer that others use (default 0s)
  -progress=mode  show progress: mode auto, on or off (default auto)
  -quick          a small run of a few seconds
  -version        print the version and exit

Files:
  config.json   the configuration

  summary.json  the result

Exit codes:
  0    done
  1    failed
  2    usage
  130  interrupted, after saving
`

func TestHelp(t *testing.T) {
	for _, arg := range []string{"-h", "-help", "--help"} {
		cmd, _ := example()
		var stdout bytes.Buffer
		if err := cmd.Parse([]string{"-lr=0.1", arg}, &stdout); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%s: error %v, want flag.ErrHelp", arg, err)
		}
		if stdout.String() != wantHelp {
			t.Errorf("%s: got\n%s\nwant\n%s", arg, stdout.String(), wantHelp)
		}
	}
	names := Command{Name: "x", Purpose: "does.", Flags: flag.NewFlagSet("x", flag.ContinueOnError), Sections: []Section{{
		Title: "Methods", Text: "All are old.",
		Entries: []Entry{
			{"short", "a text of many words that does not fit into the eighty columns of a line and goes on below"},
			{"considerable", "a short text"},
		},
	}}}
	var help bytes.Buffer
	_ = names.Parse([]string{"-h"}, &help)
	if want := `
Methods:
  short         a text of many words that does not fit into the eighty columns
                of a line and goes on below
  considerable  a short text
  All are old.
`; !strings.Contains(help.String(), want) {
		t.Errorf("got\n%s\nwant it to hold\n%s", help.String(), want)
	}
	bare := Command{Name: "x", Purpose: "does.", Flags: flag.NewFlagSet("x", flag.ContinueOnError)}
	var stdout bytes.Buffer
	_ = bare.Parse([]string{"-h"}, &stdout)
	if strings.Contains(stdout.String(), "Examples") {
		t.Errorf("a section without lines:\n%s", stdout.String())
	}
	if want := "\nFlags:\n  -version  print the version and exit\n"; !strings.Contains(stdout.String(), want) {
		t.Errorf("got\n%s\nwant it to hold\n%s", stdout.String(), want)
	}
}

func TestVersion(t *testing.T) {
	cmd, _ := example()
	var stdout bytes.Buffer
	if err := cmd.Parse([]string{"-version"}, &stdout); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("error %v, want flag.ErrHelp", err)
	}
	got := stdout.String()
	if !strings.HasPrefix(got, "vae: relaxgo ") || !strings.Contains(got, "(revision ") || !strings.Contains(got, " go1.") || strings.Count(got, "\n") != 1 {
		t.Errorf("got %q", got)
	}
}
