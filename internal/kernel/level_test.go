package kernel

import (
	"runtime"
	"testing"
)

func TestChoose(t *testing.T) {
	supported := levels()
	best := supported[len(supported)-1].level
	if got := choose("go").level; got != "go" {
		t.Errorf(`choose("go") is %s`, got)
	}
	for _, asked := range []string{"", "avx512", "altivec"} {
		if got := choose(asked).level; got != best {
			t.Errorf("choose(%q) is %s, want the best supported, %s", asked, got, best)
		}
	}
	for _, l := range supported {
		if got := choose(l.level).level; got != l.level {
			t.Errorf("choose(%q) is %s", l.level, got)
		}
	}
	if got := choose("sse2").level; runtime.GOARCH == "amd64" && got != "sse2" {
		t.Errorf(`choose("sse2") is %s on amd64`, got)
	}
	t.Logf("supported up to %s, in force %s", best, Level())
}
