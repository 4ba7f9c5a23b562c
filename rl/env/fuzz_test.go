package env

import (
	"errors"
	"math"
	"testing"
)

// Any sequence of actions, resets and refused calls keeps an environment within its contract.
func FuzzActions(f *testing.F) {
	f.Add(uint64(0), uint8(0), []byte{0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 250, 0})
	f.Add(uint64(7), uint8(1), []byte{2, 2, 0, 0, 1, 250, 251, 252})
	f.Add(uint64(42), uint8(2), []byte{0, 0, 1, 3, 4, 5, 2, 2, 1, 1, 250, 5})
	f.Add(uint64(1<<63), uint8(3), []byte{4, 4, 5, 253})
	kinds := []string{"CartPole", "Acrobot", "Taxi", "stormy taxi", "short taxi", "all wrappers"}
	f.Fuzz(func(t *testing.T, seed uint64, kind uint8, actions []byte) {
		e := must(constructors[kinds[int(kind)%len(kinds)]]())
		space := e.Space()
		obs := make([]float32, space.Size)
		e.Seed(seed)
		mustReset(t, e, obs)
		running := true
		for _, a := range actions {
			if a >= 250 {
				mustReset(t, e, obs)
				running = true
				continue
			}
			r, err := e.Step(int(a)-1, obs)
			switch valid := a >= 1 && int(a) <= space.Actions; {
			case !running && !errors.Is(err, ErrNeedsReset):
				t.Fatalf("step after the end: %v", err)
			case running && !valid && !errors.Is(err, ErrAction):
				t.Fatalf("action %d: %v", int(a)-1, err)
			case running && valid && err != nil:
				t.Fatalf("action %d: %v", int(a)-1, err)
			}
			if err == nil {
				running = !r.Done()
			}
			for _, x := range obs {
				if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
					t.Fatalf("observation %v", obs)
				}
			}
		}
	})
}

// Any bytes offered as a saved state are refused or leave an environment that can be stepped.
func FuzzRestore(f *testing.F) {
	for _, constructor := range []func() (Env, error){newCartPole, newAcrobot, newTaxi} {
		e := must(constructor())
		mustReset(f, e, make([]float32, e.Space().Size))
		saved, err := e.(Saver).MarshalBinary()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(saved)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, constructor := range constructors {
			e := must(constructor())
			if e.(Saver).UnmarshalBinary(data) != nil {
				continue
			}
			obs := make([]float32, e.Space().Size)
			if _, err := e.Step(1, obs); err != nil && !errors.Is(err, ErrNeedsReset) {
				t.Fatalf("%s: %v", name, err)
			}
			mustReset(t, e, obs)
			mustStep(t, e, 0, obs)
		}
	})
}
