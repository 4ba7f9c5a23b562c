package run

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// train is a run of two rows a step that stops after the given step, the rows of
// which may not have been preceded by a checkpoint.
func train(t *testing.T, m *Metrics, from, to int) {
	t.Helper()
	for step := from; step <= to; step++ {
		m.Add(step, step/10, "train", "loss", 1/float64(step))
		m.Add(step, step/10, "test", "elbo", -math.Sqrt(float64(step)))
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

func create(t *testing.T, path string) *Metrics {
	t.Helper()
	m, err := CreateMetrics(path)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// withoutWall drops the third column.
func withoutWall(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if f := strings.Split(line, ","); len(f) == 6 {
			lines[i] = strings.Join(append(f[:2:2], f[3:]...), ",")
		}
	}
	return strings.Join(lines, "\n")
}

func TestMetricsBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), MetricsFile)
	m := create(t, path)
	clock := m.start
	m.now = func() time.Time { return clock }
	m.Add(0, 0, "train", "loss", 0.1)
	clock = clock.Add(1234567 * time.Microsecond)
	m.Add(7, 1, "test", "elbo/x", -1e-9)
	m.Add(7, 1, "test", "bad", math.NaN())
	m.Add(8, 1, "test", "big", 123456789)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	want := `step,epoch,wall_s,split,name,value
0,0,0.000,train,loss,0.1
7,1,1.235,test,elbo/x,-1e-09
7,1,1.235,test,bad,NaN
8,1,1.235,test,big,1.23456789e+08
`
	if got := read(t, path); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	rows, err := ReadMetrics(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 4 || rows[1] != (Row{7, 1, 1.235, "test", "elbo/x", -1e-9}) || !math.IsNaN(rows[2].Value) {
		t.Errorf("rows %+v", rows)
	}
}

// TestMetricsResume interrupts a run at every kind of place and compares the
// resumed file with that of a run that went through.
func TestMetricsResume(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole.csv")
	train(t, create(t, whole), 1, 40)
	want := withoutWall(read(t, whole))

	for _, checkpoint := range []int{1, 17, 30} {
		for _, cut := range []int{0, 1, 9, 25} { // bytes that the crash kept from the disk
			path := filepath.Join(dir, fmt.Sprintf("%d-%d.csv", checkpoint, cut))
			train(t, create(t, path), 1, 33)
			text := read(t, path)
			put(t, dir, map[string]string{filepath.Base(path): text[:len(text)-cut]})
			if m, err := ContinueMetrics(path, checkpoint, 0); err != nil {
				t.Fatal(err)
			} else if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			rows, err := ReadMetrics(path)
			if err != nil {
				t.Fatal(err)
			}
			if last := rows[len(rows)-1]; len(rows) != 2*checkpoint || last.Step != checkpoint {
				t.Errorf("%d rows up to step %d left, want %d up to %d", len(rows), last.Step, 2*checkpoint, checkpoint)
			}
			m, err := ContinueMetrics(path, checkpoint, time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if e := m.Elapsed(); e < time.Hour || e > time.Hour+time.Minute {
				t.Errorf("elapsed %v, want an hour and a little", e)
			}
			train(t, m, checkpoint+1, 40)
			if got := withoutWall(read(t, path)); got != want {
				t.Errorf("checkpoint at %d, %d bytes lost: got\n%s\nwant\n%s", checkpoint, cut, got, want)
			}
			rows, err = ReadMetrics(path)
			if err != nil {
				t.Fatal(err)
			}
			if w := rows[len(rows)-1].Wall; w < 3600 {
				t.Errorf("wall_s ends with %v, want it to go on from 3600", w)
			}
		}
	}
}

func TestMetricsMisuse(t *testing.T) {
	dir := t.TempDir()
	for name, add := range map[string]func(*Metrics){
		"step 3 after step 4":  func(m *Metrics) { m.Add(4, 0, "a", "b", 1); m.Add(3, 0, "a", "b", 1) },
		"step -1 after step 0": func(m *Metrics) { m.Add(-1, 0, "a", "b", 1) },
		"epoch -1":             func(m *Metrics) { m.Add(1, -1, "a", "b", 1) },
		`split "a,b"`:          func(m *Metrics) { m.Add(1, 0, "a,b", "b", 1) },
		`name "b\n"`:           func(m *Metrics) { m.Add(1, 0, "a", "b\n", 1); m.Add(1, 0, "a", "b", 1) },
		`name ""`:              func(m *Metrics) { m.Add(1, 0, "a", "", 1) },
	} {
		m := create(t, filepath.Join(dir, MetricsFile))
		add(m)
		wantError(t, m.Close(), name, "")
	}
	m := create(t, filepath.Join(dir, MetricsFile))
	if err := m.file.Close(); err != nil { // A disk that fails.
		t.Fatal(err)
	}
	m.Add(1, 0, "a", "b", 1)
	wantError(t, m.Flush(), "cannot write "+filepath.Join(dir, MetricsFile)+": ", "")
	_, err := CreateMetrics(filepath.Join(dir, "no", MetricsFile))
	wantError(t, err, "no such file", "")
}

func TestReadMetricsBroken(t *testing.T) {
	const head = metricsHeader + "\n1,0,0.5,train,loss,1\n"
	path := filepath.Join(t.TempDir(), MetricsFile)
	for _, test := range []struct{ text, err string }{
		{"", "line 1 is not step,epoch,wall_s,split,name,value"},
		{metricsHeader, "line 1 is not"},
		{"step,value\n1,2\n", "line 1 is not"},
		{head + "\n", "line 3: 1 columns, want 6"},
		{head + "2,0,0.5,train,loss,1,2\n", "line 3: 7 columns"},
		{head + "x,0,0.5,train,loss,1\n", `line 3: bad step "x"`},
		{head + "-2,0,0.5,train,loss,1\n", `line 3: bad step "-2"`},
		{head + "2,1.5,0.5,train,loss,1\n", `line 3: bad epoch "1.5"`},
		{head + "2,0,NaN,train,loss,1\n", `line 3: bad wall_s "NaN"`},
		{head + "2,0,0.5,,loss,1\n", `line 3: bad split ""`},
		{head + "2,0,0.5,train,\"loss\",1\n", `line 3: bad name`},
		{head + "2,0,0.5,train,loss,one\n", `line 3: bad value "one"`},
		{head + "2,0,0.5,train,loss,1\r\n", `line 3: bad value "1\r"`},
	} {
		put(t, filepath.Dir(path), map[string]string{MetricsFile: test.text})
		_, err := ReadMetrics(path)
		wantError(t, err, "cannot read "+path+": "+test.err, "")
		_, err = ContinueMetrics(path, 5, 0)
		wantError(t, err, test.err, "-force to start again")
		if got := read(t, path); got != test.text {
			t.Errorf("a refused file was changed: %q, was %q", got, test.text)
		}
	}
	// A row that a crash cut short is no row, however well it reads.
	put(t, filepath.Dir(path), map[string]string{MetricsFile: head + "2,0,0.5,train,loss,1"})
	rows, err := ReadMetrics(path)
	if err != nil || len(rows) != 1 {
		t.Errorf("%d rows, %v, want 1", len(rows), err)
	}
	_, err = ReadMetrics(path + "x")
	wantError(t, err, "no such file", "")
}

// FuzzMetrics writes what it could read and reads the same again.
func FuzzMetrics(f *testing.F) {
	f.Add(metricsHeader + "\n1,0,0.5,train,loss,1\n2,3,4,test,elbo,-Inf\n3,")
	f.Add(metricsHeader + "\n01,+0,1e3,a,b,0x1p-2\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		for row, err := range scanMetrics(text) {
			if err != nil {
				return
			}
			line := fmt.Sprintf("%d,%d,%v,%s,%s,%v", row.Step, row.Epoch, row.Wall, row.Split, row.Name, row.Value)
			again, err := parseRow(line)
			if err != nil {
				t.Fatalf("%q was read but not %q: %v", text, line, err)
			}
			same := math.Float64bits(again.Value) == math.Float64bits(row.Value)
			again.Value, row.Value = 0, 0
			if !same || again != row.Row {
				t.Fatalf("%q reads as %+v, want %+v", line, again, row.Row)
			}
			if text[row.end-1] != '\n' {
				t.Fatalf("row ends at %d of %q, not at a line break", row.end, text)
			}
		}
	})
}
