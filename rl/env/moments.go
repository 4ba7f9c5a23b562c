package env

import (
	"fmt"
	"math"
)

// Moments are running means and variances, one of each for every component, as Gymnasium's RunningMeanStd keeps them:
// they begin at mean 0 and variance 1 with the weight of 10⁻⁴ samples, and a batch is merged by Chan's parallel
// formula. The variance divides by the number of samples.
type Moments struct {
	Mean, Var []float64
	Count     float64
}

// NewMoments returns the moments of size components before any sample.
func NewMoments(size int) Moments {
	m := Moments{Mean: make([]float64, size), Var: make([]float64, size), Count: 1e-4}
	for i := range m.Var {
		m.Var[i] = 1
	}
	return m
}

// Update merges a batch of samples, [n, size] row by row. An empty batch changes nothing.
func (m *Moments) Update(rows []float32) error { return update(m, rows) }

// update merges the rows of a batch into moments.
func update[T float32 | float64](m *Moments, rows []T) error {
	size := len(m.Mean)
	if size == 0 || len(rows)%size != 0 {
		return fmt.Errorf("env: %d values are no rows of %d", len(rows), size)
	}
	n := float64(len(rows) / size)
	if n == 0 {
		return nil
	}
	total := m.Count + n
	for i := range size {
		var mean, square float64
		for j := i; j < len(rows); j += size {
			mean += float64(rows[j])
		}
		mean /= n
		for j := i; j < len(rows); j += size {
			d := float64(rows[j]) - mean
			square += float64(d * d)
		}
		delta := mean - m.Mean[i]
		m.Mean[i] += float64(delta*n) / total
		square += float64(m.Var[i]*m.Count) + float64(float64(float64(delta*delta)*m.Count)*n)/total
		m.Var[i] = square / total
	}
	m.Count = total
	return nil
}

// MarshalBinary returns the moments as bytes.
func (m *Moments) MarshalBinary() ([]byte, error) {
	return encode("moments", new(int64(len(m.Mean))), m.Mean, m.Var, &m.Count)
}

// UnmarshalBinary restores what MarshalBinary returned for moments of the same size.
func (m *Moments) UnmarshalBinary(data []byte) error {
	var size int64
	next := NewMoments(len(m.Mean))
	if err := decode("moments", data, &size, next.Mean, next.Var, &next.Count); err != nil {
		return err
	}
	if size != int64(len(m.Mean)) {
		return fmt.Errorf("%w: %d components, want %d (moments)", errState, size, len(m.Mean))
	}
	*m = next
	return nil
}

// ObservationScaler shifts and scales observations to mean 0 and variance 1 by their running moments:
// (o - mean) / √(var + Epsilon), computed in float64.
type ObservationScaler struct {
	Moments
	Epsilon float64
	Frozen  bool // use the moments without updating them, as in an evaluation
}

// NewObservationScaler returns a scaler for the observations of a space, with Epsilon 10⁻⁸. A discrete observation is
// a name, not a quantity, and an error.
func NewObservationScaler(space Space) (*ObservationScaler, error) {
	if err := space.validate(); err != nil {
		return nil, err
	}
	if space.Discrete() {
		return nil, fmt.Errorf("env: observations are one of %d states, which cannot be normalised", space.States)
	}
	return &ObservationScaler{Moments: NewMoments(space.Size), Epsilon: 1e-8}, nil
}

// Scale updates the moments by one or more observations, [n, size] row by row, and then normalises those in place.
func (s *ObservationScaler) Scale(rows []float32) error {
	if !s.Frozen {
		if err := s.Update(rows); err != nil {
			return err
		}
	}
	return s.apply(rows)
}

// ScaleBatch is Scale for what a [Vector] returned: Obs updates the moments; Next is normalised by the same ones.
func (s *ObservationScaler) ScaleBatch(b *Batch) error {
	if err := s.Scale(b.Obs); err != nil {
		return err
	}
	if len(b.Next) == 0 || &b.Next[0] == &b.Obs[0] {
		return nil
	}
	return s.apply(b.Next)
}

func (s *ObservationScaler) apply(rows []float32) error {
	size := len(s.Mean)
	if size == 0 || len(rows)%size != 0 {
		return fmt.Errorf("env: %d values are no rows of %d", len(rows), size)
	}
	for i := range size {
		deviation := math.Sqrt(s.Var[i] + s.Epsilon)
		for j := i; j < len(rows); j += size {
			rows[j] = float32((float64(rows[j]) - s.Mean[i]) / deviation)
		}
	}
	return nil
}

// RewardScaler scales rewards so that the discounted sum of past rewards keeps variance 1: for each of the
// environments R ← γ·R·(1 - terminated) + r, the R update one common variance, and r becomes r/√(var + Epsilon).
// As in Gymnasium, R goes on after a truncation and after a reset.
type RewardScaler struct {
	Moments Moments   // of R, one component
	R       []float64 // one for each environment
	Gamma   float64
	Epsilon float64
	Frozen  bool // use the variance without updating it, as in an evaluation
}

// NewRewardScaler returns a scaler for n environments and a discount from [0, 1], with Epsilon 10⁻⁸.
func NewRewardScaler(n int, gamma float64) (*RewardScaler, error) {
	if n < 1 {
		return nil, fmt.Errorf("env: rewards of %d environments, want at least 1", n)
	}
	if !(gamma >= 0 && gamma <= 1) {
		return nil, fmt.Errorf("env: discount %v, want one from [0, 1]", gamma)
	}
	return &RewardScaler{Moments: NewMoments(1), R: make([]float64, n), Gamma: gamma, Epsilon: 1e-8}, nil
}

// Scale scales in place the rewards of one step, one for each environment, of which terminated tells which have
// terminated.
func (s *RewardScaler) Scale(rewards []float64, terminated []bool) error {
	if len(rewards) != len(s.R) || len(terminated) != len(s.R) {
		return fmt.Errorf("env: %d rewards and %d flags, want %d of each", len(rewards), len(terminated), len(s.R))
	}
	for i, r := range rewards {
		if terminated[i] {
			s.R[i] = r
		} else {
			s.R[i] = float64(s.R[i]*s.Gamma) + r
		}
	}
	if !s.Frozen {
		if err := update(&s.Moments, s.R); err != nil {
			return err
		}
	}
	deviation := math.Sqrt(s.Moments.Var[0] + s.Epsilon)
	for i := range rewards {
		rewards[i] /= deviation
	}
	return nil
}

// ScaleBatch is Scale for what a [Vector] returned. Its Return remains the sum of the rewards before scaling.
func (s *RewardScaler) ScaleBatch(b *Batch) error { return s.Scale(b.Reward, b.Terminated) }

// MarshalBinary returns variance and discounted sums as bytes.
func (s *RewardScaler) MarshalBinary() ([]byte, error) {
	return encode("rewardscaler", &s.Moments, s.R)
}

// UnmarshalBinary restores what MarshalBinary returned for as many environments.
func (s *RewardScaler) UnmarshalBinary(data []byte) error {
	moments, sums := NewMoments(1), make([]float64, len(s.R))
	if err := decode("rewardscaler", data, &moments, sums); err != nil {
		return err
	}
	s.Moments, s.R = moments, sums
	return nil
}
