package main

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"relaxgo/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestMistakes(t *testing.T) {
	const usage, failed = 2, 1
	file := filepath.Join(t.TempDir(), "FILE")
	if err := os.WriteFile(file, []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args      string
		code      int
		err, hint string
	}{
		{"-fig=9", usage, `unknown -fig "9"`, "known: all, 1, 2, 3, 4, 5, 6, 7, 8, copula, toy, methods"},
		{"-fig=4,copla", usage, `unknown -fig "copla"`, `did you mean "copula"?`},
		{"-fig=all,method", usage, `unknown -fig "method"`, `did you mean "methods"?`},
		{"-fig=", usage, `unknown -fig ""`, "known: all, 1"},
		{"-figs=4", usage, "unknown flag -figs", "did you mean -fig?"},
		{"fig4", usage, `unexpected argument "fig4"`, "-name=value"},
		{"-progress=yes", usage, `-progress cannot be "yes": want auto, on or off`, "-h lists"},
		{"-fig=4 -out=" + file, failed, "FILE: not a directory", "-out"},
	}
	if runtime.GOOS == "linux" {
		tests = append(tests, struct {
			args      string
			code      int
			err, hint string
		}{"-out=/proc/x", failed, "cannot create /proc/x", "-out"})
	}
	for _, test := range tests {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			o := clitest.Call(t, dir, strings.Fields(test.args)...)
			if o.Code != test.code || o.Stdout != "" {
				t.Errorf("exit code %d, want %d; stdout %q, want none", o.Code, test.code, o.Stdout)
			}
			if left := clitest.Files(t, dir); len(left) > 0 {
				t.Errorf("files %q, want none", left)
			}
			lines := strings.Split(strings.TrimSuffix(o.Stderr, "\n"), "\n")
			if len(lines) != 2 || !strings.HasPrefix(lines[0], "figures: error: ") || !strings.HasPrefix(lines[1], "figures: hint: ") {
				t.Fatalf("stderr %q, want a line with the error and one with a hint", o.Stderr)
			}
			if !strings.Contains(lines[0], test.err) || !strings.Contains(lines[1], test.hint) {
				t.Errorf("stderr %q, want it to say %q and %q", o.Stderr, test.err, test.hint)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	dir := t.TempDir()
	o := clitest.Call(t, dir, "-h")
	if o.Code != 0 || o.Stderr != "" {
		t.Errorf("exit code %d, stderr %q", o.Code, o.Stderr)
	}
	for _, line := range strings.Split(o.Stdout, "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("line of %d characters: %s", n, line)
		}
	}
	for _, part := range []string{"Usage:", "Examples:", "Exit codes:", "copula", "toy", "methods", "-quick", "index.html", "results/figures-quick", "-version"} {
		if !strings.Contains(o.Stdout, part) {
			t.Errorf("help does not say %q", part)
		}
	}
	if strings.Contains(o.Stdout, "Other flags") {
		t.Errorf("a flag is in no group:\n%s", o.Stdout)
	}
	if o = clitest.Call(t, dir, "-list"); o.Code != 0 || o.Stderr != "" || strings.Count(o.Stdout, "\n") != len(subjects()) || !strings.Contains(o.Stdout, "\ncopula   ") {
		t.Errorf("-list: %+v", o)
	}
	if o = clitest.Call(t, dir, "-version"); o.Code != 0 || !strings.HasPrefix(o.Stdout, "figures: relaxgo ") {
		t.Errorf("-version: %+v", o)
	}
	if left := clitest.Files(t, dir); len(left) > 0 {
		t.Errorf("files %q, want none", left)
	}
}

// runOf are the files of a run of a VAE.
func runOf(dir string) []string {
	return []string{dir + "/checkpoint.safetensors", dir + "/config.json", dir + "/images.safetensors", dir + "/metrics.csv", dir + "/summary.json"}
}

// picturesOf are the files of figures.
func picturesOf(dir string, names ...string) []string {
	list := []string{dir + "/index.html"}
	for _, name := range names {
		list = append(list, dir+"/"+name+".png", dir+"/"+name+".svg")
	}
	return list
}

// TestRun draws figures of all kinds, and again without training.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	args := []string{"-quick", "-fig=2,1,toy,5"}
	o := clitest.Call(t, dir, args...)
	if o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	const figures = "results/figures-quick"
	want := slices.Concat(
		picturesOf(figures, "fig1", "fig2", "fig5", "toy"),
		runOf(figures+"/runs/vae/correlated-identity/seed-1"),
		runOf(figures+"/runs/vae/correlated/seed-1"),
		[]string{"results/estimate-quick/toy.csv"},
	)
	slices.Sort(want)
	if got := clitest.Files(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	lines := strings.Split(strings.TrimSpace(o.Stdout), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0], "fig1 ") || !strings.HasPrefix(lines[3], "toy ") || !strings.Contains(lines[4], filepath.FromSlash(figures+"/index.html")) {
		t.Errorf("stdout %q", o.Stdout)
	}
	if n := strings.Count(o.Stderr, "training correlated, seed 1"); n != 2 {
		t.Errorf("%d runs were trained, want 2: %s", n, o.Stderr)
	}
	page := read(t, dir, figures, "index.html")
	checkPage(t, page)
	for _, part := range []string{
		`name="viewport"`, "This is a quick look", "Figure 1. ", "Gradient variance", "τ = 0.1", "127.56", "n = 1\u00a0000 test images", "seed 1", "A quick look: shorter or fewer runs than usual.",
		"<code>go run ./cmd/figures -fig=2 -quick</code>", "<code>go run ./cmd/figures -fig=5</code>", "straightthrough-identity",
	} {
		if !strings.Contains(page, part) {
			t.Errorf("the page does not say %q", part)
		}
	}
	for name, parts := range map[string][]string{
		"fig1.svg": {"R = I, as in the report", "go run ./cmd/figures -fig=1 -quick", "A quick look: shorter or fewer runs than usual."},
		"toy.svg":  {"500 steps", "seeds (1 to 2)", "disarm"},
	} {
		for _, part := range parts {
			if !strings.Contains(strings.ReplaceAll(read(t, dir, figures, name), "\u00a0", " "), part) {
				t.Errorf("%s does not say %q", name, part)
			}
		}
	}

	o = clitest.Call(t, dir, args...)
	if o.Code != 0 || strings.Contains(o.Stderr, "training") {
		t.Errorf("again: %+v", o)
	}
	if read(t, dir, figures, "index.html") != page {
		t.Error("the page differs the second time")
	}
	if got := clitest.Files(t, dir); !slices.Equal(got, want) {
		t.Errorf("again: files %q, want %q", got, want)
	}
}

// A figure that fails does not keep the others from being drawn.
func TestFailedFigure(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "results", "figures-quick", "runs", "vae", "correlated", "seed-1")
	if err := os.MkdirAll(taken, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(taken, "notes.txt"), []byte("mine"), 0o666); err != nil {
		t.Fatal(err)
	}
	o := clitest.Call(t, dir, "-quick", "-fig=1,5")
	if o.Code != 1 || !strings.Contains(o.Stderr, "figures: error: -fig=1: ") || !strings.Contains(o.Stderr, "notes.txt") || !strings.HasPrefix(o.Stdout, "fig5 ") {
		t.Errorf("%+v", o)
	}
	got := clitest.Files(t, filepath.Join(dir, "results", "figures-quick"))
	want := append([]string{"fig5.png", "fig5.svg", "index.html", "runs/vae/correlated/seed-1/notes.txt"}, runOf("runs/vae/correlated-identity/seed-1")...)
	if slices.Sort(want); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

// TestAgents draws figure 3.
func TestAgents(t *testing.T) {
	if testing.Short() {
		t.Skip("trains eighteen agents")
	}
	dir := t.TempDir()
	o := clitest.Call(t, dir, "-quick", "-fig=3")
	if o.Code != 0 {
		t.Fatalf("%+v", o)
	}
	if n := strings.Count(o.Stderr, "trained "); n != 18 {
		t.Errorf("%d runs, want 2 environments × 3 agents × 3 seeds: %s", n, o.Stderr)
	}
	for _, run := range []string{"cartpole/a2c/seed-1", "cartpole/relax/seed-2", "taxi/reinforce/seed-3"} {
		if _, err := os.Stat(filepath.Join(dir, "results", "rl", run, "summary.json")); err != nil {
			t.Error(err)
		}
	}
	svg := read(t, dir, "results/figures-quick/fig3.svg")
	for _, part := range []string{"CartPole-v1", "Taxi-v3", "REINFORCE, 3 seeds", "95 % bootstrap", "solved", "-fig=3 -quick"} {
		if !strings.Contains(svg, part) {
			t.Errorf("fig3.svg does not say %q", part)
		}
	}
	page := read(t, dir, "results/figures-quick/index.html")
	checkPage(t, page)
	if strings.Count(page, "<tr><td>Taxi-v3</td>") != 3 {
		t.Error("the table has not a row for each agent on Taxi")
	}
	if o = clitest.Call(t, dir, "-quick", "-fig=3"); o.Code != 0 || strings.Contains(o.Stderr, "trained") || read(t, dir, "results/figures-quick/index.html") != page {
		t.Errorf("again: %+v", o)
	}
}

// TestInterrupt stops a long training by Ctrl-C.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	o := clitest.Interrupt(t, dir, func(lines []string) bool {
		return strings.Contains(lines[len(lines)-1], "training correlated")
	}, "-fig=5,1")
	if o.Code != 130 || o.Stdout != "" || !strings.HasSuffix(o.Stderr, "\nfigures: interrupted, runs are kept in results\nfigures: hint: the same command continues\n") {
		t.Errorf("%+v", o)
	}
	const run = "results/figures/runs/vae/correlated-identity/seed-1/"
	if got, want := clitest.Files(t, dir), []string{run + "checkpoint.safetensors", run + "config.json", run + "metrics.csv"}; !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func read(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// checkPage holds a page to being well-formed and complete in itself.
func checkPage(t *testing.T, page string) {
	t.Helper()
	in := xml.NewDecoder(strings.NewReader(page))
	in.Strict, in.AutoClose, in.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	ids, links := make(map[string]bool), make(map[string]bool)
	var open []string
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page does not parse: %v", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
			attributes := make(map[string]string)
			for _, a := range e.Attr {
				attributes[a.Name.Local] = a.Value
			}
			checkElement(t, e.Name.Local, attributes)
			if id, ok := attributes["id"]; ok {
				if ids[id] {
					t.Errorf("the id %q is there twice", id)
				}
				ids[id] = true
			}
			if link, ok := attributes["href"]; ok {
				links[link] = true
			}
		case xml.EndElement:
			if last := open[len(open)-1]; last != e.Name.Local {
				t.Fatalf("</%s> ends <%s>", e.Name.Local, last)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%q are not closed", open)
	}
	for link := range links {
		if name, ok := strings.CutPrefix(link, "#"); !ok || !ids[name] {
			t.Errorf("the link %q leads nowhere on the page", link)
		}
	}
	if len(page) > 5<<20 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// checkElement returns an error for an element that needs the network or runs something, or a picture that cannot be seen.
func checkElement(t *testing.T, name string, attributes map[string]string) {
	t.Helper()
	for _, banned := range []string{"script", "link", "iframe", "object", "embed"} {
		if name == banned {
			t.Errorf("the page has <%s>", name)
		}
	}
	if name != "img" {
		if src, ok := attributes["src"]; ok {
			t.Errorf("<%s src=%q>", name, src)
		}
		return
	}
	if len(attributes["alt"]) < 20 {
		t.Errorf("a picture has the alternative text %q", attributes["alt"])
	}
	head, body, _ := strings.Cut(attributes["src"], ",")
	data, err := base64.StdEncoding.DecodeString(body)
	switch {
	case err != nil:
		t.Errorf("a picture cannot be read: %v", err)
	case head == "data:image/png;base64":
		if !bytes.HasPrefix(data, []byte("\x89PNG")) {
			t.Error("a picture is no PNG")
		}
	case head == "data:image/svg+xml;base64":
		svg := strings.NewReplacer(`xmlns="http://www.w3.org/2000/svg"`, "", `xmlns:xlink="http://www.w3.org/1999/xlink"`, "").Replace(string(data))
		if !strings.Contains(svg, "<svg") || strings.Contains(svg, "http") && strings.Contains(svg, `href="http`) {
			t.Errorf("a picture is no SVG that stands alone: %.200s", svg)
		}
	default:
		t.Errorf("a picture is %.60q", head)
	}
}
