package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"relaxgo/internal/run"
)

// Command describes a command to its users. Flags, named with a single dash, are
// all that it takes.
type Command struct {
	Name     string
	Purpose  string   // one sentence that goes on after the name: "trains …"
	Examples []string // command lines that run as they are
	Flags    *flag.FlagSet
	Groups   []Group   // in the order of help; flags in none of them come last
	Sections []Section // what else help says, such as the known names and the files written
}

// Group puts flags together in the help.
type Group struct {
	Title string
	Flags []string
}

// Section is a titled part of the help: entries, whose texts are wrapped beside
// their names, then text, whose lines are printed as they are.
type Section struct {
	Title   string
	Entries []Entry
	Text    string
}

// Entry is a name and what it stands for.
type Entry struct{ Name, Text string }

// Parse sets the flags from args. After -h, -help or -version it has printed to
// stdout and returns flag.ErrHelp. A mistake is a one-line [UsageError]: a flag
// that there is not (the hint names the nearest), a value that does not parse,
// an argument that is no flag.
func (c *Command) Parse(args []string, stdout io.Writer) error {
	version := c.Flags.Bool("version", false, "print the version and exit")
	c.Flags.SetOutput(io.Discard)
	c.Flags.Usage = func() {} // Parse returns an error: we print.
	err := c.Flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(stdout, c.help()) // Main keeps an eye on stdout.
		return flag.ErrHelp
	case err != nil:
		return c.explain(err)
	case *version:
		_, _ = io.WriteString(stdout, c.version())
		return flag.ErrHelp
	case c.Flags.NArg() > 0:
		return c.stray(c.Flags.Arg(0))
	}
	return nil
}

// The wording of package flag, which has no typed errors.
const (
	notDefined = "flag provided but not defined: -"
	noValue    = "flag needs an argument: -"
)

var badValue = regexp.MustCompile(`^invalid (?:boolean )?value (".*") for (?:flag )?-([^:]+): (.*)$`)

// explain puts an error of package flag in our words.
func (c *Command) explain(err error) error {
	if name, ok := strings.CutPrefix(err.Error(), notDefined); ok {
		err := Usagef("unknown flag -%s", name)
		if near, ok := Nearest(name, c.names()); ok {
			return Hint(err, "did you mean -%s? %s -h lists the flags", near, c.Name)
		}
		return err
	}
	if name, ok := strings.CutPrefix(err.Error(), noValue); ok {
		return Usagef("-%s needs a value: %s", name, heading(c.Flags.Lookup(name)))
	}
	if m := badValue.FindStringSubmatch(err.Error()); m != nil {
		value, name, reason := m[1], m[2], m[3]
		return Usagef("-%s cannot be %s: %s", name, value, expected(c.Flags.Lookup(name), reason))
	}
	return Usagef("%w", err)
}

// expected says what values a flag takes. reason is the complaint of its Set,
// which says so itself for the types that are not from package flag.
func expected(f *flag.Flag, reason string) string {
	getter, ok := f.Value.(flag.Getter)
	if !ok {
		return reason
	}
	want := ""
	switch getter.Get().(type) {
	case bool:
		want = "want true or false"
	case int, int64:
		want = "want a whole number"
	case uint, uint64:
		want = "want a whole number from 0"
	case float64:
		want = "want a number"
	case time.Duration:
		want = "want a duration such as 90s or 1h30m"
	default:
		return reason
	}
	if strings.Contains(reason, "out of range") {
		want = reason
	}
	return want
}

// stray is the error for an argument that is not a flag.
func (c *Command) stray(arg string) error {
	err := Usagef("unexpected argument %q", arg)
	name, _, _ := strings.Cut(arg, "=")
	if near, ok := Nearest(name, c.names()); ok {
		return Hint(err, "did you mean -%s? flags are given as -name=value", near)
	}
	return Hint(err, "flags are given as -name=value")
}

func (c *Command) names() []string {
	var names []string
	c.Flags.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	return names
}

// version names the module's version and commit and the toolchain.
func (c *Command) version() string {
	env := run.CurrentEnvironment()
	modified := ""
	if env.Modified {
		modified = ", modified"
	}
	return fmt.Sprintf("%s: %s %s (revision %s%s), %s %s/%s\n",
		c.Name, env.Module, env.Version, env.Revision, modified, env.Go, env.OS, env.Arch)
}
