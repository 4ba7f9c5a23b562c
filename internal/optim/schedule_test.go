package optim

import (
	"encoding/json"
	"flag"
	"io"
	"math"
	"strings"
	"testing"
)

// TestScheduleAt checks the ends exactly and the way between to 1e-15 of the
// value, a few roundings.
func TestScheduleAt(t *testing.T) {
	for _, test := range []struct {
		text string
		want map[int]float64
	}{
		{"0.5", map[int]float64{-1: .5, 0: .5, 1: .5, 1 << 40: .5}},
		{"linear:1:0.1:5000", map[int]float64{-3: 1, 0: 1, 2500: .55, 4000: .28, 5000: .1, 5001: .1, math.MaxInt: .1}},
		{"linear:0:1:4", map[int]float64{0: 0, 1: .25, 3: .75, 4: 1}},
		{"exp:1:0.25:100", map[int]float64{0: 1, 50: .5, 75: math.Pow(2, -1.5), 100: .25, 101: .25}},
		{"exp:1e300:1e-300:2", map[int]float64{0: 1e300, 1: 1, 2: 1e-300}},
		{"cosine:1:0.2:300", map[int]float64{0: 1, 100: .8, 150: .6, 200: .4, 300: .2, 900: .2}},
		{"linear:-1:1:2", map[int]float64{0: -1, 1: 0, 2: 1}},
		{"warmup:3:2", map[int]float64{-1: .5, 0: .5, 1: 1, 2: 1.5, 3: 2, 99: 2}},
		{"warmup:1:linear:4:0:4", map[int]float64{0: 2, 1: 4, 3: 2, 5: 0, 6: 0}},
	} {
		s, err := Parse(test.text)
		if err != nil {
			t.Error(err)
			continue
		}
		for step, want := range test.want {
			tol := 1e-15 * math.Abs(want)
			if strings.HasPrefix(test.text, "exp:1e300") && step == 1 {
				tol = 1e-13 // powers of 1e150 round by the exponent, 500 in bits
			}
			if got := s.At(step); math.Abs(got-want) > tol+1e-16 {
				t.Errorf("%s at %d: got %v, want %v within %.1g", test.text, step, got, want, tol)
			}
		}
	}
}

// TestAnnealing evaluates the equivalence that Schedule's comment states.
func TestAnnealing(t *testing.T) {
	const floor, steps = .5, 700
	r := math.Log(1/floor) / steps
	s := Schedule{Kind: Exponential, From: 1, To: floor, Steps: steps}
	for step := range 2 * steps {
		if want := math.Max(floor, math.Exp(-r*float64(step))); math.Abs(s.At(step)-want) > 1e-15 {
			t.Fatalf("at %d: got %v, want %v", step, s.At(step), want)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                     `"" is not a number`,
		"fast":                 `"fast" is not a number`,
		"NaN":                  "must be finite",
		"-Inf":                 "must be finite",
		"1e999":                `"1e999" is not a number`,
		"cosin:1:0.1:50":       `unknown kind "cosin"`,
		":1:0.1:50":            `unknown kind ""`,
		"0.5:":                 `unknown kind "0.5"`,
		"linear:1:0.1":         "3 fields instead of 4",
		"linear:1:0.1:5:6":     "5 fields instead of 4",
		"linear:a:0.1:5":       `"a" is not a number`,
		"linear:1:b:5":         `"b" is not a number`,
		"linear:1:inf:5":       "must be finite",
		"linear:1:0.1:0":       `"0" is not a whole number of steps`,
		"linear:1:0.1:-5":      `"-5" is not a whole number of steps`,
		"linear:1:0.1:2.5":     `"2.5" is not a whole number of steps`,
		"exp:1:0:10":           "above 0",
		"exp:-1:1:10":          "above 0",
		"warmup:5":             "warm-up without a schedule",
		"warmup:0:1":           `"0" is not a whole number of steps`,
		"warmup:2:warmup:2:1":  `unknown kind "warmup"`,
		"warmup:2:linear:1:.1": "3 fields instead of 4",
	} {
		s, err := Parse(text)
		if err == nil || s != (Schedule{}) {
			t.Errorf("%q: got %v, %v: want an error", text, s, err)
			continue
		}
		for _, part := range []string{want, `"` + text + `"`, "KIND:FROM:TO:STEPS"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("error %q does not say %q", err, part)
			}
		}
	}
}

// TestParseFor checks that only steps which are left out are those of the run.
func TestParseFor(t *testing.T) {
	for _, test := range []struct {
		text string
		run  int
		want string
	}{
		{"0.5", 100, "0.5"},
		{"0.5", 0, "0.5"},
		{"linear:1:0.1:30", 100, "linear:1:0.1:30"},
		{"linear:1:0.1:30", 0, "linear:1:0.1:30"},
		{"linear:1:0.1", 100, "linear:1:0.1:100"},
		{"exp:1:0.1", 1, "exp:1:0.1:1"},
		{"warmup:40:cosine:1:0.1", 100, "warmup:40:cosine:1:0.1:60"},
		{"warmup:40:0.5", 10, "warmup:40:0.5"},
	} {
		s, err := ParseFor(test.text, test.run)
		if err != nil || s.String() != test.want {
			t.Errorf("%q for %d steps: got %v, %v, want %s", test.text, test.run, s, err, test.want)
		}
	}
	for _, test := range []struct {
		text string
		run  int
		want string
	}{
		{"linear:1:0.1", 0, "a run of 0 steps"},
		{"linear:1:0.1", -1, "a run of -1 steps"},
		{"warmup:10:linear:1:0.1", 10, "a run of 10 steps"},
		{"linear:1", 100, "2 fields"},
		{"linear:1:0.1:5:6", 100, "5 fields"},
		{"linear:1:x", 100, `"x" is not a number`},
		{"linear:1:inf", 100, "must be finite"},
		{"exp:1:0", 100, "above 0"},
		{"wavy:1:2", 100, `unknown kind "wavy"`},
	} {
		s, err := ParseFor(test.text, test.run)
		if err == nil || s != (Schedule{}) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "without :STEPS") {
			t.Errorf("%q for %d steps: got %v, %v: want an error with %q", test.text, test.run, s, err, test.want)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, s := range []Schedule{
		{Kind: -1},
		{Kind: Cosine + 1, Steps: 1},
		{From: math.NaN()},
		{To: 1},
		{Steps: 1},
		{Warmup: -1},
		{Kind: Linear},
		{Kind: Linear, From: 1, To: math.Inf(1), Steps: 1},
		{Kind: Cosine, Steps: -1},
		{Kind: Exponential, From: 1, Steps: 1},
	} {
		if s.Validate() == nil {
			t.Errorf("%#v is no schedule but passes", s)
		}
		if _, err := s.MarshalText(); err == nil {
			t.Errorf("%#v is no schedule but becomes text", s)
		}
	}
	if err := (Schedule{}).Validate(); err != nil {
		t.Errorf("the zero Schedule is the constant 0: %v", err)
	}
}

// TestScheduleAsFlagAndJSON uses a schedule as commands do.
func TestScheduleAsFlagAndJSON(t *testing.T) {
	var config struct{ LR Schedule }
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	fs.TextVar(&config.LR, "lr", Schedule{From: 1e-3}, "learning `rate`")
	if config.LR.At(0) != 1e-3 {
		t.Errorf("default %v: want 0.001", config.LR)
	}
	if err := fs.Parse([]string{"-lr=warmup:10:cosine:0.001:1e-05:200"}); err != nil {
		t.Fatal(err)
	}
	want := Schedule{Kind: Cosine, From: 1e-3, To: 1e-5, Steps: 200, Warmup: 10}
	if config.LR != want {
		t.Errorf("flag gives %#v: want %#v", config.LR, want)
	}
	text, err := json.Marshal(config)
	if err != nil || string(text) != `{"LR":"warmup:10:cosine:0.001:1e-05:200"}` {
		t.Errorf("JSON %s, %v", text, err)
	}
	config.LR = Schedule{}
	if err := json.Unmarshal(text, &config); err != nil || config.LR != want {
		t.Errorf("from JSON: %#v, %v", config.LR, err)
	}
	if err := fs.Parse([]string{"-lr=cosine:1"}); err == nil || config.LR != want {
		t.Errorf("a wrong flag gives error %v and %v", err, config.LR)
	}
}

// FuzzParse holds every accepted text to finite values between its ends and to
// a text form that means the same.
func FuzzParse(f *testing.F) {
	for _, text := range []string{"0.5", "-0", "0x1p-3", "linear:1:0.1:5000", "exp:1:0.5:7", "cosine:-1e308:1e308:3", "warmup:5:exp:2:1:9", "warmup:9223372036854775807:1", "::::"} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, step int) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		if again, err := Parse(s.String()); err != nil || again != s {
			t.Errorf("%q reads as %#v, its text %q as %#v, %v", text, s, s, again, err)
		}
		low, high := min(s.From, s.To), max(s.From, s.To)
		if s.Kind == Constant {
			low, high = s.From, s.From
		}
		if s.Warmup > 0 {
			low, high = min(low, 0), max(high, 0)
		}
		slack := 1e-12 * max(math.Abs(low), math.Abs(high))
		for _, at := range []int{step, 0, s.Warmup, s.Steps, s.Steps - 1, math.MaxInt} {
			if x := s.At(at); !(x >= low-slack && x <= high+slack) {
				t.Errorf("%q at %d is %v, outside [%v, %v]", text, at, x, low, high)
			}
		}
	})
}
