package study_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/study"
)

// points have θ and variance alike.
func points(values ...float64) []study.Point {
	var list []study.Point
	for i, v := range values {
		list = append(list, study.Point{Step: i, Theta: v, Variance: v})
	}
	return list
}

// Means over seeds for losses, medians for variances.
func TestCurve(t *testing.T) {
	var c study.Curve
	for _, v := range [][2]float64{{0, 10}, {3, 50}, {0, 20}} {
		c.Points = append(c.Points, points(v[0], v[1]))
	}
	if m := c.Mean(0, func(p study.Point) float64 { return p.Theta }); m != 1 {
		t.Errorf("mean %v, want 1", m)
	}
	if v := c.MedianVariance(1, 2); v != 20 {
		t.Errorf("median at the second point %v, want 20", v)
	}
	if v := c.MedianVariance(0, 2); v != 6.5 {
		t.Errorf("median of all points %v, want (3+10)/2", v)
	}
	if steps, values := c.LogVariances(); len(steps) != 1 || steps[0] != 1 || len(values) != 1 {
		t.Errorf("logarithms at steps %v, want at 1 only: the median at 0 is 0", steps)
	}
	if end := c.End(); end.Theta != 80./3 || end.Variance != 20 {
		t.Errorf("end %+v, want the means at, and medians from, the second point on", end)
	}
}

// Seeds of a curve are those of single trainings, and curves survive their file but for rounding.
func TestCurveFile(t *testing.T) {
	training := study.Published()
	training.Steps, training.Every, training.Draws, training.Seed = 4, 2, 10, 7
	var curves []study.Curve
	for _, e := range []estimator.Estimator{estimator.RLOO{}, estimator.Exact{}} {
		c, err := training.Curve(t.Context(), e, 2)
		if err != nil {
			t.Fatal(err)
		}
		second := training
		second.Seed = 8
		want, err := second.Run(t.Context(), e)
		if err != nil || !reflect.DeepEqual(c.Points[1], want) {
			t.Errorf("seed 8: %v, want %v, %v", c.Points[1], want, err)
		}
		curves = append(curves, c)
	}
	var file, again bytes.Buffer
	if err := study.WriteCurves(&file, curves); err != nil {
		t.Fatal(err)
	}
	text := file.String()
	read, err := study.ReadCurves(&file)
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != 2 || read[0].Name != "rloo" || !read[0].Unbiased || read[0].Steps != 4 || read[0].Seed != 7 || read[0].T != 0.499 || len(read[1].Points) != 2 || len(read[1].Points[1]) != 3 {
		t.Errorf("read %+v", read)
	}
	if err := study.WriteCurves(&again, read); err != nil || again.String() != text {
		t.Errorf("written again:\n%s\nwant\n%s", again.String(), text)
	}

	lines := strings.SplitAfter(text, "\n")
	for what, bad := range map[string]string{
		"no points":            lines[0],
		"other columns":        strings.Replace(text, "theta", "beta", 1),
		"a number that is not": strings.Replace(text, "0.499", "half", 1),
		"unknown estimator":    strings.ReplaceAll(text, "rloo", "vimco"),
		"another t":            strings.Replace(text, "0.499,8", "0.45,8", 1),
		"a missing step":       strings.Replace(text, lines[2], "", 1),
		"a missing seed":       strings.ReplaceAll(text, "0.499,8", "0.499,9"),
		"a short line":         text[:len(text)-40],
	} {
		if _, err := study.ReadCurves(strings.NewReader(bad)); err == nil {
			t.Errorf("%s: no error for\n%s", what, bad)
		}
	}
}
