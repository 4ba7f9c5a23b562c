package run

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLook(t *testing.T) {
	type config struct {
		Epochs int     `json:"epochs"`
		LR     float64 `json:"lr"`
	}
	written := "{\n  \"epochs\": 10, \"lr\": 0.5}\n"
	for _, test := range []struct {
		name       string
		files      map[string]string
		config     config
		want       State
		difference string
		err        string
	}{
		{name: "nothing", want: Vacant},
		{name: "other files", files: map[string]string{"notes.txt": "", SummaryFile: ""}, want: Vacant},
		{name: "begun", files: map[string]string{ConfigFile: written, CheckpointFile: ""}, config: config{10, 0.5}, want: Unfinished},
		{name: "finished", files: map[string]string{ConfigFile: written, SummaryFile: ""}, config: config{10, 0.5}, want: Finished},
		{name: "other settings", files: map[string]string{ConfigFile: written, SummaryFile: ""}, config: config{20, 0.25}, want: Other, difference: "epochs = 10, not 20"},
		{name: "other keys", files: map[string]string{ConfigFile: `{"epochs": 10}`}, config: config{10, 0.5}, want: Other, difference: "lr = absent, not 0.5"},
		{name: "no JSON", files: map[string]string{ConfigFile: "{"}, err: "cannot read"},
		{name: "a configuration that JSON cannot hold", config: config{LR: math.NaN()}, err: "lr is NaN"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if test.files != nil {
				if err := os.Mkdir(dir, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			for name, text := range test.files {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			state, difference, err := Look(dir, test.config)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want it to say %q", err, test.err)
				}
				return
			}
			if err != nil || state != test.want || difference != test.difference {
				t.Errorf("%v, %q, %v, want %v, %q", state, difference, err, test.want, test.difference)
			}
		})
	}
}
