// Package jobs does independent pieces of work on all cores.
package jobs

import (
	"context"
	"runtime"
	"sync"
)

// Run calls f with 0 to n−1, in this order and as many at a time as there are
// cores, and returns their errors at the same places. Once ctx is done no more
// are begun; those that have not been have its error.
func Run(ctx context.Context, n int, f func(i int) error) []error {
	failures := make([]error, n)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				failures[i] = f(i)
			}
		})
	}
	for i := range n {
		if err := ctx.Err(); err != nil { // a free worker must not win against it
			failures[i] = err
			continue
		}
		select {
		case next <- i:
		case <-ctx.Done():
			failures[i] = ctx.Err()
		}
	}
	close(next)
	workers.Wait()
	return failures
}
