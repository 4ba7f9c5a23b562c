package cli

import "testing"

func TestDirectory(t *testing.T) {
	d := Directory("results")
	if err := d.Set(""); err == nil || d != "results" {
		t.Errorf("an empty name: %v, %q", err, d)
	}
	if err := d.Set("."); err != nil || d.String() != "." {
		t.Errorf("%v, %q", err, d)
	}
}
