package rl

import (
	"math"
	"testing"
)

// All numbers by hand. Returns 1, 2, 3, 10 have the mean 4, the standard deviation √(50/3) = 4.0825, the 97.5 % point of
// Student's t with 3 degrees of freedom 3.182446, hence ± 6.49614, and the middle half 2, 3.
func TestCompare(t *testing.T) {
	summaries := func(returns ...float64) []Summary {
		var list []Summary
		for i, r := range returns {
			s := Summary{Greedy: Evaluation{Return: r, Success: 0.5}, Sampled: Evaluation{Return: r - 1}, Steps: 100 + i, StepsPerSecond: 10, WallSeconds: 2, GradLogVar: new(float64(i))}
			if i > 0 {
				s.ThresholdSteps = new(10 * i)
			}
			list = append(list, s)
		}
		return list
	}
	got := Compare([]string{"none", "a", "b"}, map[string][]Summary{"a": summaries(10, 1, 3, 2), "b": summaries(3)})
	if len(got) != 2 || got[0].Agent != "a" || got[1].Agent != "b" {
		t.Fatalf("%+v", got)
	}
	a, b := got[0], got[1]
	for _, test := range []struct {
		name      string
		got, want float64
	}{
		{"return", a.Return, 4},
		{"low", *a.Low, 4 - 6.49614},
		{"high", *a.High, 4 + 6.49614},
		{"IQM", a.IQM, 2.5},
		{"IQM of one", b.IQM, 3},
		{"sampled", a.Sampled, 3},
		{"success", a.Success, 0.5},
		{"threshold", *a.ThresholdSteps, 20},
		{"reached", float64(a.Reached), 3},
		{"steps", float64(a.Steps), 103},
		{"speed", a.StepsPerSecond, 10},
		{"wall", a.WallSeconds, 2},
		{"logvar", *a.GradLogVar, 1.5},
		{"a beats b", a.Beats["b"], 1.5 / 4},
		{"b beats a", b.Beats["a"], 2.5 / 4},
		{"IQM of six", interquartileMean([]float64{6, 5, 4, 3, 2, 1}), 3.5},
		{"IQM of five", interquartileMean([]float64{0, 1, 2, 3, 100}), (0.75*1 + 2 + 0.75*3) / 2.5},
	} {
		if math.Abs(test.got-test.want) > 1e-4 {
			t.Errorf("%s: %g, want %g", test.name, test.got, test.want)
		}
	}
	if b.Low != nil || b.High != nil || b.ThresholdSteps != nil {
		t.Errorf("a single seed has %+v", b)
	}
}
