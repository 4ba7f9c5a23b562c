package estimator

import (
	"fmt"
	"strings"

	"relaxgo/relax"
)

// All lists the estimators with their default settings, in the order of tables: exact, score function and its control
// variates, coupled samples, control variates through relaxations, biased estimators.
func All() []Estimator {
	return []Estimator{
		Exact{},
		ScoreFunction{},
		ScoreFunction{Baseline: ConstantBaseline},
		ScoreFunction{Baseline: LearnedBaseline},
		MuProp{},
		RLOO{},
		DoubleCV{},
		ARM{},
		DisARM{},
		ARMS{},
		REBAR{},
		RELAX{},
		DLAX{},
		StraightThrough{},
		StraightThrough{Rule: relax.STIdentity},
		STGumbelSoftmax{},
		Decoupled{},
		GumbelRao{},
		ReinMax{},
		GappedST{},
		Relaxation{},
	}
}

// Find returns the estimator of that name with its default settings. An unknown name is an error that lists the known
// ones.
func Find(name string) (Estimator, error) {
	var known []string
	for _, e := range All() {
		if e.Info().Name == name {
			return e, nil
		}
		known = append(known, e.Info().Name)
	}
	return nil, fmt.Errorf("estimator: there is no estimator %q; there are %s", name, strings.Join(known, ", "))
}
