package env

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Spec is an entry of the registry.
type Spec struct {
	ID       string              // such as "CartPole-v1"
	New      func() (Env, error) // a new environment, without the time limit
	MaxSteps int                 // after which [Make] truncates an episode; zero: never

	// RewardThreshold is the mean return over 100 episodes from which the task counts as solved; nil: not defined.
	RewardThreshold *float64
}

// registry holds the environments of this package, with the limits and thresholds that Gymnasium publishes.
var registry = struct {
	sync.RWMutex
	specs map[string]Spec
}{specs: map[string]Spec{
	"Acrobot-v1":  {"Acrobot-v1", newAcrobot, 500, new(-100.0)},
	"CartPole-v0": {"CartPole-v0", newCartPole, 200, new(195.0)},
	"CartPole-v1": {"CartPole-v1", newCartPole, 500, new(475.0)},
	"Taxi-v3":     {"Taxi-v3", newTaxi, 200, new(8.0)},
	"Taxi-v4":     {"Taxi-v4", newTaxi, 200, new(8.0)},

	// What Gymnasium makes of Taxi-v4 with is_rainy, fickle_passenger, or both. Its threshold is out of reach there.
	"RainyTaxi-v4":       {"RainyTaxi-v4", taxiWith(TaxiOptions{Rainy: true}), 200, nil},
	"FickleTaxi-v4":      {"FickleTaxi-v4", taxiWith(TaxiOptions{Fickle: true}), 200, nil},
	"RainyFickleTaxi-v4": {"RainyFickleTaxi-v4", taxiWith(TaxiOptions{Rainy: true, Fickle: true}), 200, nil},
}}

func newAcrobot() (Env, error)  { return NewAcrobot(), nil }
func newCartPole() (Env, error) { return NewCartPole(), nil }
func newTaxi() (Env, error)     { return NewTaxi(TaxiOptions{}) }

func taxiWith(options TaxiOptions) func() (Env, error) {
	return func() (Env, error) { return NewTaxi(options) }
}

// ErrUnknown is the cause when no environment of a name is registered.
var ErrUnknown = errors.New("env: unknown environment")

// Register adds an environment to the registry. The name must be new, the constructor must not be nil and must work;
// the environment that it returns once here must have a valid space. [Check] tests an environment thoroughly.
func Register(spec Spec) error {
	if spec.ID == "" || strings.ContainsFunc(spec.ID, func(r rune) bool { return r <= ' ' }) {
		return fmt.Errorf("env: registering %q: want a name without blanks", spec.ID)
	}
	if spec.New == nil {
		return fmt.Errorf("env: registering %s: want a constructor, have nil", spec.ID)
	}
	if spec.MaxSteps < 0 {
		return fmt.Errorf("env: registering %s: at most %d steps, want 0 for no limit or more", spec.ID, spec.MaxSteps)
	}
	if _, err := spec.make(); err != nil {
		return fmt.Errorf("env: registering %s: %w", spec.ID, err)
	}
	registry.Lock()
	defer registry.Unlock()
	if _, ok := registry.specs[spec.ID]; ok {
		return fmt.Errorf("env: registering %s: the name is taken", spec.ID)
	}
	registry.specs[spec.ID] = spec
	return nil
}

// Lookup returns the entry of a name. The error wraps [ErrUnknown] and lists the names there are.
func Lookup(id string) (Spec, error) {
	registry.RLock()
	spec, ok := registry.specs[id]
	registry.RUnlock()
	if !ok {
		return Spec{}, fmt.Errorf("%w %q: have %s", ErrUnknown, id, strings.Join(IDs(), ", "))
	}
	return spec, nil
}

// IDs returns the registered names in alphabetical order.
func IDs() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.specs))
}

// Make returns a new environment of a registered name under its time limit.
func Make(id string) (Env, error) {
	spec, err := Lookup(id)
	if err != nil {
		return nil, err
	}
	return spec.make()
}

func (s Spec) make() (Env, error) {
	e, err := s.New()
	if err != nil {
		return nil, err
	}
	if e == nil {
		return nil, errors.New("env: the constructor returned no environment")
	}
	if err := e.Space().validate(); err != nil {
		return nil, err
	}
	if s.MaxSteps == 0 {
		return e, nil
	}
	return NewTimeLimit(e, s.MaxSteps)
}
