package cli

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// ProgressMode is the value of the flag -progress. The zero value is auto.
type ProgressMode string

// The values of -progress.
const (
	ProgressAuto ProgressMode = "auto" // a live line on a terminal, log lines elsewhere
	ProgressOn   ProgressMode = "on"   // a live line whatever stderr is
	ProgressOff  ProgressMode = "off"  // none
)

// String is the mode as it is given on the command line.
func (m *ProgressMode) String() string {
	if m == nil || *m == "" {
		return string(ProgressAuto)
	}
	return string(*m)
}

// Set makes *ProgressMode a flag.Value.
func (m *ProgressMode) Set(text string) error {
	switch mode := ProgressMode(text); mode {
	case ProgressAuto, ProgressOn, ProgressOff:
		*m = mode
		return nil
	}
	return fmt.Errorf("want %s, %s or %s", ProgressAuto, ProgressOn, ProgressOff)
}

const (
	liveInterval = 100 * time.Millisecond
	logInterval  = 10 * time.Second
	clearLine    = "\r\x1b[K" // to the line's begin, then erase to its end
)

// Progress shows how far a command is: on a terminal in one live line, which is
// written again at most ten times a second and never wider than the terminal;
// elsewhere in a line of its own at most every ten seconds, beside the first
// one and those of Done. All methods may be called from several goroutines.
// Errors of the writer are ignored: progress must not stop the work.
type Progress struct {
	mu    sync.Mutex
	w     io.Writer
	off   bool
	live  bool
	width func() int // of the terminal, in columns
	now   func() time.Time

	last time.Time // of the last line written for Update
	line string    // the live line on the screen, "" if there is none
}

// NewProgress shows progress on w, which is a command's stderr.
func NewProgress(w io.Writer, mode ProgressMode) *Progress {
	p := &Progress{w: w, off: mode == ProgressOff, live: mode == ProgressOn, now: time.Now, width: func() int { return 80 }}
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return p
	}
	p.live = p.live || os.Getenv("TERM") != "dumb"
	p.width = func() int {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			return width
		}
		return 80
	}
	return p
}

// Update says how far the work is. Most calls write nothing, so it may be called
// at every step.
func (p *Progress) Update(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	interval := logInterval
	if p.live {
		interval = liveInterval
	}
	now := p.now()
	if p.off || !p.last.IsZero() && now.Sub(p.last) < interval {
		return
	}
	p.last = now
	if p.live {
		p.line = fit(oneLine(line), p.width()-1) // The last column would wrap on some terminals.
		p.write(clearLine + p.line)
		return
	}
	p.write(oneLine(line) + "\n")
}

// Println writes a line that stays, in every mode, above the live one.
func (p *Progress) Println(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line != "" {
		p.write(clearLine + line + "\n" + p.line)
		return
	}
	p.write(line + "\n")
}

// Done ends a phase with a line that stays in place of the live one; an empty
// line only clears that. A deferred Done("") leaves the terminal in order
// whatever happens.
func (p *Progress) Done(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.line != "" {
		p.line = ""
		p.write(clearLine)
	}
	if line == "" || p.off {
		return
	}
	p.write(line + "\n")
	if p.live {
		p.last = time.Time{} // The next phase shows at once; in a log it waits its turn.
	} else {
		p.last = p.now()
	}
}

func (p *Progress) write(text string) { _, _ = io.WriteString(p.w, text) }

// fit cuts text to width characters.
func fit(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(width, 0)])
}
