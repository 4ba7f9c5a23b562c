package env

import "fmt"

// Episode is the sum of the rewards of an episode and its number of steps.
type Episode struct {
	Return float64
	Length int
}

// window is how many finished episodes Statistics remembers.
const window = 100

// Statistics records returns and lengths of the episodes of an environment. Wrapped around a normalisation of rewards
// it would record normalised ones, so it belongs inside. A [Vector] keeps such records itself.
type Statistics struct {
	inner    Env
	current  Episode
	recent   []Episode // oldest first
	finished int
}

var _ interface {
	Wrapper
	Saver
} = (*Statistics)(nil)

// NewStatistics records the episodes of e.
func NewStatistics(e Env) *Statistics {
	return &Statistics{inner: e, recent: make([]Episode, 0, window)}
}

// Current returns the episode that is running, or has just ended, up to now.
func (s *Statistics) Current() Episode { return s.current }

// Finished returns how many episodes have ended since the beginning.
func (s *Statistics) Finished() int { return s.finished }

// Recent returns the last finished episodes, 100 at most, oldest first. The slice is valid until the next step.
func (s *Statistics) Recent() []Episode { return s.recent }

// MeanReturn returns the mean return of the recent episodes; it is false if none has ended.
func (s *Statistics) MeanReturn() (mean float64, ok bool) {
	for _, episode := range s.recent {
		mean += episode.Return / float64(len(s.recent))
	}
	return mean, len(s.recent) > 0
}

// Unwrap returns the environment inside.
func (s *Statistics) Unwrap() Env { return s.inner }

// Space returns that of the environment inside.
func (s *Statistics) Space() Space { return s.inner.Space() }

// Seed implements [Env].
func (s *Statistics) Seed(seed uint64) { s.inner.Seed(seed) }

// Reset implements [Env]. An episode that was still running is forgotten.
func (s *Statistics) Reset(obs []float32) error {
	if err := s.inner.Reset(obs); err != nil {
		return err
	}
	s.current = Episode{}
	return nil
}

// Step implements [Env].
func (s *Statistics) Step(action int, obs []float32) (Result, error) {
	r, err := s.inner.Step(action, obs)
	if err != nil {
		return r, err
	}
	s.current.Return += r.Reward
	s.current.Length++
	if r.Done() {
		s.finished++
		if len(s.recent) == window {
			copy(s.recent, s.recent[1:])
			s.recent = s.recent[:window-1]
		}
		s.recent = append(s.recent, s.current)
	}
	return r, nil
}

// savedStatistics is the part of Statistics beyond the environment, in values of fixed size.
type savedStatistics struct {
	Finished, Count int64
	Returns         [window + 1]float64 // of the recent episodes and, last, of the current one
	Lengths         [window + 1]int64
}

// MarshalBinary implements [Saver] if the environment inside does, and fails otherwise.
func (s *Statistics) MarshalBinary() ([]byte, error) {
	saved := savedStatistics{Finished: int64(s.finished), Count: int64(len(s.recent))}
	for i, episode := range s.recent {
		saved.Returns[i], saved.Lengths[i] = episode.Return, int64(episode.Length)
	}
	saved.Returns[window], saved.Lengths[window] = s.current.Return, int64(s.current.Length)
	return encodeAround(s.inner, "statistics", &saved)
}

// UnmarshalBinary implements [Saver].
func (s *Statistics) UnmarshalBinary(data []byte) error {
	saved := savedStatistics{}
	accept := func() error {
		if saved.Count < 0 || saved.Count > window || saved.Finished < saved.Count {
			return fmt.Errorf("%w: %d of %d episodes (statistics)", errState, saved.Count, saved.Finished)
		}
		return nil
	}
	if err := decodeAround(s.inner, "statistics", data, accept, &saved); err != nil {
		return err
	}
	s.finished, s.recent = int(saved.Finished), s.recent[:0]
	for i := range saved.Count {
		s.recent = append(s.recent, Episode{saved.Returns[i], int(saved.Lengths[i])})
	}
	s.current = Episode{saved.Returns[window], int(saved.Lengths[window])}
	return nil
}
