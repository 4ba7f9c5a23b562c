package cli

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// script is a run of two phases, of 599 steps of 50 ms each, and a message
// in the middle of the first.
func script(mode ProgressMode, width int) string {
	var buf bytes.Buffer
	p := NewProgress(&buf, mode)
	clock := time.Unix(1000, 0)
	p.now = func() time.Time { return clock }
	if width > 0 {
		p.width = func() int { return width }
	}
	for phase := range 2 {
		for i := range 599 {
			p.Update(fmt.Sprintf("phase %d step %d", phase, i))
			if phase == 0 && i == 301 {
				p.Println("a message")
			}
			clock = clock.Add(50 * time.Millisecond)
		}
		p.Done(fmt.Sprintf("phase %d done", phase))
		p.Done("")
	}
	return buf.String()
}

func TestProgressLog(t *testing.T) {
	want := `phase 0 step 0
phase 0 step 200
a message
phase 0 step 400
phase 0 done
phase 1 step 200
phase 1 step 400
phase 1 done
`
	for _, mode := range []ProgressMode{ProgressAuto, ""} { // A buffer is no terminal.
		if got := script(mode, 0); got != want {
			t.Errorf("mode %q: got\n%s\nwant\n%s", mode, got, want)
		}
	}
}

func TestProgressOff(t *testing.T) {
	if got, want := script(ProgressOff, 0), "a message\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestProgressLive(t *testing.T) {
	got := script(ProgressOn, 0)
	begin := "\r\x1b[Kphase 0 step 0\r\x1b[Kphase 0 step 2\r\x1b[Kphase 0 step 4"
	if !strings.HasPrefix(got, begin) {
		t.Errorf("begins with %q, want %q", got[:len(begin)], begin)
	}
	for _, want := range []string{
		"\r\x1b[Kphase 0 step 300\r\x1b[Ka message\nphase 0 step 300\r\x1b[Kphase 0 step 302",
		"\r\x1b[Kphase 0 step 598\r\x1b[Kphase 0 done\n\r\x1b[Kphase 1 step 0\r",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want it to hold %q", got, want)
		}
	}
	if end := "\r\x1b[Kphase 1 done\n"; !strings.HasSuffix(got, end) {
		t.Errorf("ends with %q, want %q", got[len(got)-len(end):], end)
	}
	// Ten a second for 30 s, twice.
	if n := strings.Count(got, "step") - 1; n != 600 {
		t.Errorf("%d updates, want 600", n)
	}
	if lines := strings.Count(got, "\n"); lines != 3 {
		t.Errorf("%d lines, want 3", lines)
	}
}

func TestProgressWidth(t *testing.T) {
	var buf bytes.Buffer
	p := NewProgress(&buf, ProgressOn)
	p.width = func() int { return 10 }
	p.Update("größer\nals die Zeile")
	if got, want := buf.String(), "\r\x1b[Kgrößer; a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for width := range 3 {
		script(ProgressOn, width) // Nothing to see, but no panic either.
	}
}

func TestProgressInterrupted(t *testing.T) {
	var buf bytes.Buffer
	p := NewProgress(&buf, ProgressOn)
	p.Update("half")
	p.Done("")
	p.Done("")
	if got, want := buf.String(), "\r\x1b[Khalf\r\x1b[K"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestProgressConcurrent is for the race detector.
func TestProgressConcurrent(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/log") // A file is no terminal either.
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := NewProgress(f, ProgressAuto)
	if p.live {
		t.Error("a file is taken for a terminal")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				p.Update("a")
				p.Println("b")
			}
		})
	}
	wg.Wait()
	p.Done("c")
}

func TestProgressMode(t *testing.T) {
	var m ProgressMode
	for _, text := range []string{"auto", "on", "off"} {
		if err := m.Set(text); err != nil || m.String() != text {
			t.Errorf("Set(%q): %v, mode %q", text, err, m)
		}
	}
	if err := m.Set("On"); err == nil || m != ProgressOff {
		t.Errorf("Set(On): %v, mode %q", err, m)
	}
}
