package optim

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Kind is the course that a schedule takes.
type Kind int

// The kinds of schedule, with their value at progress p = step/Steps ≤ 1.
const (
	Constant    Kind = iota // From
	Linear                  // From·(1−p) + To·p
	Exponential             // From·(To/From)^p
	Cosine                  // To + (From−To)·(1+cos πp)/2
)

// kindNames are the kinds as Parse reads them; a constant is just its number.
var kindNames = [...]string{Linear: "linear", Exponential: "exp", Cosine: "cosine"}

const (
	syntax     = "want a number, or KIND:FROM:TO:STEPS where KIND is linear, exp or cosine, either after warmup:STEPS: or not; for example 0.5, exp:1:0.1:5000, warmup:500:cosine:1e-3:1e-5:50000"
	openSyntax = syntax + "; without :STEPS it ends with the run"
)

// Schedule is a number that changes over a run, such as a learning rate or a
// temperature. It goes from From to To in Steps steps and then stays at To.
// So To is the floor of an annealed temperature: the common
//
//	max(τ, e^(−r·step))
//
// is Exponential from 1 to τ in ln(1/τ)/r steps. A schedule with Warmup = n
// first spends n steps on the way up, with value From·(step+1)/(n+1), and
// begins its course at step n.
//
// The zero Schedule is the constant 0. Schedules are comparable. They read and
// write themselves as text, so flag.TextVar and encoding/json know them.
type Schedule struct {
	Kind     Kind
	From, To float64 // To is 0 for a constant
	Steps    int     // 0 for a constant
	Warmup   int
}

// Parse reads a schedule:
//
//	0.5                                  constant
//	linear:1:0.1:5000                    from 1 to 0.1 in 5000 steps
//	exp:1:0.1:5000
//	cosine:1:0.1:5000
//	warmup:500:cosine:1e-3:1e-5:50000    500 steps up, then 50000 down
//
// Any other text, and one that Validate rejects, is an error which quotes it.
func Parse(text string) (Schedule, error) {
	s, err := parse(text)
	if err == nil {
		err = s.Validate()
	}
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w; %s", text, err, syntax)
	}
	return s, nil
}

// ParseFor reads a schedule for a run of that many steps, like Parse but that
// the steps of its course may be left out. The course then ends with the run:
//
//	linear:1:0.1                    from 1 to 0.1 over the whole run
//	warmup:500:cosine:1e-3:1e-5     500 steps up, down over the rest of it
//
// It is an error to leave them out if the run, or what the warm-up leaves of
// it, has no steps: 0 stands for a run whose end is not known.
func ParseFor(text string, run int) (Schedule, error) {
	s, err := parse(text)
	if err == errOpen {
		if s.Steps, err = run-s.Warmup, nil; s.Steps < 1 {
			err = fmt.Errorf("it has no STEPS, and a run of %d steps leaves it none", run)
		}
	}
	if err == nil {
		err = s.Validate()
	}
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w; %s", text, err, openSyntax)
	}
	return s, nil
}

// errOpen says that all of a schedule was read but its steps, which it lacks.
var errOpen = errors.New("3 fields instead of 4")

func parse(text string) (s Schedule, err error) {
	fields := strings.Split(text, ":")
	if fields[0] == "warmup" {
		if len(fields) < 3 {
			return s, fmt.Errorf("warm-up without a schedule")
		}
		if s.Warmup, err = steps(fields[1]); err != nil {
			return s, err
		}
		fields = fields[2:]
	}
	if len(fields) == 1 {
		s.From, err = number(fields[0])
		return s, err
	}
	for kind, name := range kindNames {
		if name == fields[0] && name != "" {
			s.Kind = Kind(kind)
		}
	}
	if s.Kind == Constant {
		return s, fmt.Errorf("unknown kind %q", fields[0])
	}
	if len(fields) < 3 || len(fields) > 4 {
		return s, fmt.Errorf("%d fields instead of 4", len(fields))
	}
	if s.From, err = number(fields[1]); err != nil {
		return s, err
	}
	if s.To, err = number(fields[2]); err != nil {
		return s, err
	}
	if len(fields) == 3 {
		return s, errOpen
	}
	s.Steps, err = steps(fields[3])
	return s, err
}

// number reads a floating-point number.
func number(text string) (float64, error) {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return x, nil
}

// steps reads a number of steps.
func steps(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a whole number of steps above 0", text)
	}
	return n, nil
}

// Validate reports whether s is a schedule: of a known kind, with finite ends,
// which an exponential needs above 0, at least one step unless it is
// constant, and a warm-up that is not negative.
func (s Schedule) Validate() error {
	switch {
	case s.Kind < Constant || s.Kind > Cosine:
		return fmt.Errorf("unknown kind %d", int(s.Kind))
	case s.From-s.From != 0 || s.To-s.To != 0:
		return fmt.Errorf("from %v to %v: both must be finite", s.From, s.To)
	case s.Warmup < 0:
		return fmt.Errorf("%d steps of warm-up: want 0 or more", s.Warmup)
	case s.Kind == Constant && (s.To != 0 || s.Steps != 0):
		return fmt.Errorf("a constant goes nowhere: want To and Steps 0, not %v and %d", s.To, s.Steps)
	case s.Kind != Constant && s.Steps < 1:
		return fmt.Errorf("%d steps: want 1 or more", s.Steps)
	case s.Kind == Exponential && !(s.From > 0 && s.To > 0):
		return fmt.Errorf("exponential from %v to %v: both must be above 0", s.From, s.To)
	}
	return nil
}

// At returns the value at a step, counted from 0; before that it is the value
// at 0. s must be valid.
func (s Schedule) At(step int) float64 {
	step = max(step, 0)
	if step < s.Warmup {
		return s.From * (float64(step+1) / float64(s.Warmup+1))
	}
	step -= s.Warmup
	if s.Kind == Constant {
		return s.From
	}
	if step >= s.Steps {
		return s.To
	}
	p := float64(step) / float64(s.Steps)
	switch s.Kind {
	case Exponential:
		return math.Pow(s.From, 1-p) * math.Pow(s.To, p)
	case Cosine:
		p = (1 - math.Cos(math.Pi*p)) / 2
	}
	return s.From*(1-p) + s.To*p
}

// String returns the text from which Parse makes s.
func (s Schedule) String() string {
	var b strings.Builder
	if s.Warmup != 0 {
		fmt.Fprintf(&b, "warmup:%d:", s.Warmup)
	}
	if s.Kind == Constant {
		fmt.Fprintf(&b, "%v", s.From)
	} else if int(s.Kind) < len(kindNames) && s.Kind > 0 {
		fmt.Fprintf(&b, "%s:%v:%v:%d", kindNames[s.Kind], s.From, s.To, s.Steps)
	} else {
		fmt.Fprintf(&b, "Kind(%d)", int(s.Kind))
	}
	return b.String()
}

// MarshalText implements encoding.TextMarshaler.
func (s Schedule) MarshalText() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	return []byte(s.String()), nil
}

// UnmarshalText implements encoding.TextUnmarshaler. It leaves s as it is if
// the text is no schedule.
func (s *Schedule) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err == nil {
		*s = parsed
	}
	return err
}
