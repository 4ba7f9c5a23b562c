package env

import "fmt"

// NormalizedObservation is an environment whose observations pass through an [ObservationScaler], those of Reset
// included, as in Gymnasium's NormalizeObservation. For a [Vector], where all copies should share their moments, use
// ScaleBatch on its batches instead.
type NormalizedObservation struct {
	inner  Env
	Scaler *ObservationScaler
}

var _ interface {
	Wrapper
	Enumerator
	Saver
} = (*NormalizedObservation)(nil)

// NewNormalizedObservation normalises the observations of e, which must not be discrete.
func NewNormalizedObservation(e Env) (*NormalizedObservation, error) {
	scaler, err := NewObservationScaler(e.Space())
	if err != nil {
		return nil, err
	}
	return &NormalizedObservation{e, scaler}, nil
}

// Unwrap returns the environment inside.
func (n *NormalizedObservation) Unwrap() Env { return n.inner }

// Space returns that of the environment inside.
func (n *NormalizedObservation) Space() Space { return n.inner.Space() }

// Seed implements [Env].
func (n *NormalizedObservation) Seed(seed uint64) { n.inner.Seed(seed) }

// Reset implements [Env].
func (n *NormalizedObservation) Reset(obs []float32) error {
	if err := n.inner.Reset(obs); err != nil {
		return err
	}
	return n.Scaler.Scale(obs)
}

// Step implements [Env].
func (n *NormalizedObservation) Step(action int, obs []float32) (Result, error) {
	r, err := n.inner.Step(action, obs)
	if err != nil {
		return r, err
	}
	return r, n.Scaler.Scale(obs)
}

// Starts implements [Enumerator] if the environment inside does, and is 0 otherwise.
func (n *NormalizedObservation) Starts() int {
	if e, ok := As[Enumerator](n.inner); ok {
		return e.Starts()
	}
	return 0
}

// Start implements [Enumerator] if the environment inside does, and fails otherwise.
func (n *NormalizedObservation) Start(i int, obs []float32) error {
	e, ok := As[Enumerator](n.inner)
	if !ok {
		return fmt.Errorf("%w: %d of 0", ErrStart, i)
	}
	if err := e.Start(i, obs); err != nil {
		return err
	}
	return n.Scaler.Scale(obs)
}

// MarshalBinary implements [Saver] if the environment inside does, and fails otherwise.
func (n *NormalizedObservation) MarshalBinary() ([]byte, error) {
	return encodeAround(n.inner, "normalizedobservation", n.Scaler)
}

// UnmarshalBinary implements [Saver].
func (n *NormalizedObservation) UnmarshalBinary(data []byte) error {
	next := NewMoments(len(n.Scaler.Mean))
	if err := decodeAround(n.inner, "normalizedobservation", data, acceptAll, &next); err != nil {
		return err
	}
	n.Scaler.Moments = next
	return nil
}

// NormalizedReward is an environment whose rewards pass through a [RewardScaler], as in Gymnasium's NormalizeReward.
// For a [Vector] use ScaleBatch on its batches instead.
type NormalizedReward struct {
	inner      Env
	Scaler     *RewardScaler
	reward     [1]float64
	terminated [1]bool
}

var _ interface {
	Wrapper
	Saver
} = (*NormalizedReward)(nil)

// NewNormalizedReward scales the rewards of e with a discount from [0, 1], usually 0.99.
func NewNormalizedReward(e Env, gamma float64) (*NormalizedReward, error) {
	scaler, err := NewRewardScaler(1, gamma)
	if err != nil {
		return nil, err
	}
	return &NormalizedReward{inner: e, Scaler: scaler}, nil
}

// Unwrap returns the environment inside.
func (n *NormalizedReward) Unwrap() Env { return n.inner }

// Space returns that of the environment inside.
func (n *NormalizedReward) Space() Space { return n.inner.Space() }

// Seed implements [Env].
func (n *NormalizedReward) Seed(seed uint64) { n.inner.Seed(seed) }

// Reset implements [Env].
func (n *NormalizedReward) Reset(obs []float32) error { return n.inner.Reset(obs) }

// Step implements [Env].
func (n *NormalizedReward) Step(action int, obs []float32) (Result, error) {
	r, err := n.inner.Step(action, obs)
	if err != nil {
		return r, err
	}
	n.reward[0], n.terminated[0] = r.Reward, r.Terminated
	if err := n.Scaler.Scale(n.reward[:], n.terminated[:]); err != nil {
		return Result{}, err
	}
	r.Reward = n.reward[0]
	return r, nil
}

// MarshalBinary implements [Saver] if the environment inside does, and fails otherwise.
func (n *NormalizedReward) MarshalBinary() ([]byte, error) {
	return encodeAround(n.inner, "normalizedreward", n.Scaler)
}

// UnmarshalBinary implements [Saver].
func (n *NormalizedReward) UnmarshalBinary(data []byte) error {
	next := *n.Scaler
	if err := decodeAround(n.inner, "normalizedreward", data, acceptAll, &next); err != nil {
		return err
	}
	*n.Scaler = next
	return nil
}

// acceptAll is for wrappers whose own state cannot be wrong once it has been read.
func acceptAll() error { return nil }
