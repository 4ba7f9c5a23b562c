package relaxgo_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"relaxgo/vae"
)

var update = flag.Bool("update", false, "write the method table into README.md")

// The README's table of methods is the registry that the command, its help and its errors read.
func TestReadmeListsTheMethods(t *testing.T) {
	var table strings.Builder
	table.WriteString("| `-relax=` | a sample is | codes | default temperature | source |\n|---|---|---|---|---|\n")
	for _, m := range vae.Methods() {
		temperature := m.Temperature
		if temperature == "" {
			temperature = "–"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Summary, m.Codes, temperature, m.Source)
	}
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- methods -->\n", "<!-- /methods -->"
	before, rest, ok := strings.Cut(string(text), begin)
	got, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("README.md has no section between %q and %q", begin, end)
	}
	if got == table.String() {
		return
	}
	if !*update {
		t.Fatalf("README.md lists other methods than the registry; go test . -update mends it. Want:\n%s", table.String())
	}
	if err := os.WriteFile("README.md", []byte(before+begin+table.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
