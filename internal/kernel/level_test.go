package kernel

import "testing"

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
	if got := choose("avx2").level; len(supported) > 1 && got != "avx2" {
		t.Errorf(`choose("avx2") is %s`, got)
	}
	t.Logf("supported up to %s, in force %s", best, Level())
}
