package jobs

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

func TestRun(t *testing.T) {
	odd := errors.New("odd")
	var under, most, calls atomic.Int64
	failures := Run(t.Context(), 100, func(i int) error {
		now := under.Add(1)
		defer under.Add(-1)
		for old := most.Load(); now > old && !most.CompareAndSwap(old, now); old = most.Load() {
		}
		calls.Add(1)
		if i%2 == 1 {
			return odd
		}
		return nil
	})
	if calls.Load() != 100 || len(failures) != 100 {
		t.Errorf("%d calls, %d errors, want 100", calls.Load(), len(failures))
	}
	for i, err := range failures {
		if (i%2 == 1) != (err == odd) {
			t.Errorf("job %d: error %v", i, err)
		}
	}
	if cores := int64(runtime.GOMAXPROCS(0)); most.Load() > cores {
		t.Errorf("%d jobs at a time on %d cores", most.Load(), cores)
	}
	if failures := Run(t.Context(), 0, nil); len(failures) != 0 {
		t.Errorf("no jobs: %v", failures)
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var calls atomic.Int64
	failures := Run(ctx, 1000, func(i int) error {
		if calls.Add(1) == 5 {
			cancel()
		}
		return nil
	})
	// Those under way may end, and one may have been handed over just before.
	if n := int(calls.Load()); n < 5 || n > 5+2*runtime.GOMAXPROCS(0) {
		t.Errorf("%d calls after the fifth has cancelled", n)
	}
	n := slices.IndexFunc(failures, func(err error) bool { return err != nil })
	if n != int(calls.Load()) {
		t.Errorf("the first error is at %d of %d calls", n, calls.Load())
	}
	for _, err := range failures[n:] {
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("error %v, want that of the context", err)
		}
	}
}

// One that waits for a free core when ctx is done is not begun either.
func TestRunStopsWaiting(t *testing.T) {
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		var calls atomic.Int64
		failures := Run(ctx, 100, func(i int) error {
			calls.Add(1)
			if i == 0 {
				time.Sleep(time.Millisecond) // until the others wait
				cancel()
			}
			<-ctx.Done()
			return nil
		})
		for i, err := range failures {
			if begun := i < int(calls.Load()); begun != (err == nil) {
				t.Fatalf("job %d: begun %t, error %v", i, begun, err)
			}
		}
	}
}
