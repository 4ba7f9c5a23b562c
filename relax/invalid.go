package relax

import (
	"fmt"

	G "gorgonia.org/gorgonia"

	"relaxgo/relax/noise"
)

// invalid stands for the discrete law of a relaxation whose parameters are mistaken: whatever it is asked for is the
// error. Discrete has no error of its own to return.
type invalid struct{ err error }

// discrete is the result of the Discrete method of the named distribution if there is an error.
func discrete(name string, err error) Distribution {
	return invalid{fmt.Errorf("relax: %s.Discrete: %w", name, err)}
}

func (d invalid) Noise() []noise.Spec              { return nil }
func (d invalid) Rsample(...*G.Node) (Draw, error) { return Draw{}, d.err }
func (d invalid) LogProb(Draw) (*G.Node, error)    { return nil, d.err }
