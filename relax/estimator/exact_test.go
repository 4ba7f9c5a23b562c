package estimator_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"

	"relaxgo/internal/op"
	"relaxgo/internal/program"
	"relaxgo/relax/estimator"
	"relaxgo/relax/estimator/meter"
)

// Each row of Exact is what the oracle sums up in plain Go.
func TestExactIsTheOracle(t *testing.T) {
	each(t, []estimator.Estimator{estimator.Exact{}}, func(t *testing.T, e estimator.Estimator, c meter.Case) {
		want, err := c.Exact()
		if err != nil {
			t.Fatal(err)
		}
		const rows = 3
		b := assemble(t, e, c, rows, nil, estimates[float64])
		if got := b.output(t, "value"); !close(got, slices.Repeat([]float64{want.Value}, rows), 1e-13) {
			t.Errorf("value %.15g, want %.15g", got, want.Value)
		}
		if got := b.output(t, "grad"); !close(got, slices.Repeat(want.Grad, rows), 1e-13) {
			t.Errorf("gradient %.15g, want %.15g", got, want.Grad)
		}
	})
}

// close tells whether all numbers lie within tol·(1+|want|); NaN never does.
func close(got, want []float64, tol float64) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if !(math.Abs(got[i]-want[i]) <= tol*(1+math.Abs(want[i]))) {
			return false
		}
	}
	return true
}

func TestStates(t *testing.T) {
	bits, err := estimator.States(estimator.Bernoulli, []int{2}, 4)
	if want := [][]float64{{0, 0}, {0, 1}, {1, 0}, {1, 1}}; err != nil || !slices.EqualFunc(bits, want, slices.Equal) {
		t.Errorf("two bits: %v, %v", bits, err)
	}
	classes, err := estimator.States(estimator.Categorical, []int{2, 2}, 4)
	if want := [][]float64{{1, 0, 1, 0}, {1, 0, 0, 1}, {0, 1, 1, 0}, {0, 1, 0, 1}}; err != nil || !slices.EqualFunc(classes, want, slices.Equal) {
		t.Errorf("two variables of two classes: %v, %v", classes, err)
	}
	for what, f := range map[string]func() ([][]float64, error){
		"many bits":           func() ([][]float64, error) { return estimator.States(estimator.Bernoulli, []int{3}, 7) },
		"very many bits":      func() ([][]float64, error) { return estimator.States(estimator.Bernoulli, []int{5000}, 256) },
		"classes as bits":     func() ([][]float64, error) { return estimator.States(estimator.Bernoulli, []int{2, 2}, 99) },
		"bits as classes":     func() ([][]float64, error) { return estimator.States(estimator.Categorical, []int{2}, 99) },
		"no bits":             func() ([][]float64, error) { return estimator.States(estimator.Bernoulli, []int{0}, 99) },
		"a negative size":     func() ([][]float64, error) { return estimator.States(estimator.Categorical, []int{-1, -2}, 99) },
		"variables, no class": func() ([][]float64, error) { return estimator.States(estimator.Categorical, []int{2, 0}, 99) },
	} {
		if s, err := f(); err == nil || s != nil {
			t.Errorf("%s: %d states, error %v", what, len(s), err)
		}
	}
}

// A space that is too large is an error that says how large it is.
func TestExactRefusesLargeSpaces(t *testing.T) {
	_, err := program.Build(func(g *program.Graph[float64]) error {
		logits, err := g.Input("logits", 1, 9)
		if err != nil {
			return err
		}
		p := estimator.Problem{Logits: logits.Node, F: op.SumEvent}
		eps, err := g.Input("eps", 1, 9)
		if err != nil {
			return err
		}
		_, err = estimator.Exact{}.Build(p, []*G.Node{eps.Node}, nil)
		return err
	})
	if err == nil || !strings.Contains(err.Error(), "512 states") || !strings.Contains(err.Error(), "256") {
		t.Errorf("9 bits: %v", err)
	}
}
