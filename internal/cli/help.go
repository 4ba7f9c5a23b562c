package cli

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// helpWidth is the column at which text is wrapped.
const helpWidth = 80

const exitCodes = `0    done
1    failed
2    usage
130  interrupted, after saving`

// help is the text that -h prints.
func (c *Command) help() string {
	var b strings.Builder
	section := func(title string, lines ...string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s:\n", title)
		for _, line := range lines {
			b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
		}
	}
	b.WriteString(strings.Join(wrap(c.Name+" "+c.Purpose, helpWidth), "\n") + "\n")
	section("Usage", c.Name+" [-flag=value ...]")
	section("Examples", c.Examples...)

	var rest []string // the flags in no group
	width := 0
	c.Flags.VisitAll(func(f *flag.Flag) {
		width = max(width, utf8.RuneCountInString(heading(f)))
		if !slices.ContainsFunc(c.Groups, func(g Group) bool { return slices.Contains(g.Flags, f.Name) }) {
			rest = append(rest, f.Name)
		}
	})
	title := "Flags"
	if len(c.Groups) > 0 {
		title = "Other flags"
	}
	for _, g := range append(slices.Clone(c.Groups), Group{title, rest}) {
		var lines []string
		for _, name := range g.Flags {
			if f := c.Flags.Lookup(name); f != nil {
				lines = append(lines, describe(f, width)...)
			}
		}
		section(g.Title, lines...)
	}

	for _, s := range c.Sections {
		section(s.Title, s.lines()...)
	}
	section("Exit codes", strings.Split(exitCodes, "\n")...)
	return b.String()
}

// heading is the flag as it is given, such as -lr=rate.
func heading(f *flag.Flag) string {
	if name, _ := flag.UnquoteUsage(f); name != "" {
		return "-" + f.Name + "=" + name
	}
	return "-" + f.Name
}

// describe is the flag's heading, padded to width, and beside it what the flag
// does and its default, unless the usage tells it, wrapped.
func describe(f *flag.Flag, width int) []string {
	_, usage := flag.UnquoteUsage(f)
	if f.DefValue != "" && f.DefValue != "false" && !strings.Contains(usage, "(default") {
		usage += " (default " + f.DefValue + ")"
	}
	return hang(heading(f), width, usage)
}

// lines are the section's, entries first.
func (s Section) lines() []string {
	var lines []string
	width := 0
	for _, e := range s.Entries {
		width = max(width, utf8.RuneCountInString(e.Name))
	}
	for _, e := range s.Entries {
		lines = append(lines, hang(e.Name, width, e.Text)...)
	}
	if text := strings.Trim(s.Text, "\n"); text != "" {
		lines = append(lines, strings.Split(text, "\n")...)
	}
	return lines
}

// hang puts text beside a name that is padded to width, wrapped within the
// lines of a section.
func hang(name string, width int, text string) []string {
	lines := wrap(text, helpWidth-len("  ")-width-len("  "))
	for i, line := range lines {
		lines[i] = pad(name, width) + "  " + line
		name = ""
	}
	return lines
}

// wrap breaks text between words into lines of at most width characters, as far
// as its words allow.
func wrap(text string, width int) []string {
	line := ""
	var lines []string
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
			line = word
		case utf8.RuneCountInString(line+" "+word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
