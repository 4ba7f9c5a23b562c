package cli

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// helpWidth is the column at which the text of flags is wrapped.
const helpWidth = 80

const exitCodes = `0    done
1    failed
2    usage
130  interrupted, after saving`

// help is the text that -h prints.
func (c *Command) help() string {
	var b strings.Builder
	section := func(title string, lines ...string) {
		fmt.Fprintf(&b, "\n%s:\n", title)
		for _, line := range lines {
			b.WriteString(strings.TrimRight("  "+line, " ") + "\n")
		}
	}
	fmt.Fprintf(&b, "%s %s\n", c.Name, c.Purpose)
	section("Usage", c.Name+" [-flag=value ...]")
	if len(c.Examples) > 0 {
		section("Examples", c.Examples...)
	}

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
		section(s.Title, strings.Split(strings.Trim(s.Text, "\n"), "\n")...)
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
// does and its default, wrapped.
func describe(f *flag.Flag, width int) []string {
	_, usage := flag.UnquoteUsage(f)
	if f.DefValue != "" && f.DefValue != "false" {
		usage += " (default " + f.DefValue + ")"
	}
	var lines []string
	line := pad(heading(f), width) + " "
	for i, word := range strings.Fields(usage) {
		if i > 0 && utf8.RuneCountInString("  "+line+" "+word) > helpWidth {
			lines = append(lines, line)
			line = pad("", width) + " "
		}
		line += " " + word
	}
	return append(lines, line)
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(text)))
}
