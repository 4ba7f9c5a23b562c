package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Parallel calls f on the ranges [0, grain), [grain, 2·grain), … that cover
// [0, n), on as many cores as are free, and returns when all calls have
// returned. The ranges are the same whatever the number of cores, so that a
// caller which keeps one partial result per range gets the same bits
// everywhere. f must be safe to call from several goroutines at once; it may
// call Parallel itself. A grain below 1 counts as n.
func Parallel(n, grain int, f func(lo, hi int)) {
	if n <= 0 {
		return
	}
	if grain < 1 || grain > n {
		grain = n
	}
	pieces := (n + grain - 1) / grain
	helpers := min(runtime.GOMAXPROCS(0), pieces) - 1
	if helpers < 1 {
		for lo := 0; lo < n; lo += grain {
			f(lo, min(lo+grain, n))
		}
		return
	}
	t := tasks.Get().(*task)
	t.f, t.n, t.grain, t.pieces = f, n, grain, int64(pieces)
	t.next.Store(0)
	t.left.Store(int64(pieces))
	t.share(helpers)
}

// task is the work of one call of Parallel. Whoever holds it takes the next
// piece until none is left, and the holder that finishes the last piece signals
// done. The caller works as well and waits only for pieces that a running
// helper has already taken, so calls can nest and none can wait in a circle.
type task struct {
	f       func(lo, hi int)
	n       int
	grain   int
	pieces  int64
	next    atomic.Int64 // first piece that nobody has taken
	left    atomic.Int64 // pieces not finished
	holders atomic.Int64 // goroutines that may still look at the task
	done    chan struct{}
}

var tasks = sync.Pool{New: func() any { return &task{done: make(chan struct{}, 1)} }}

// share offers the task to helpers, works on it and returns when it is done.
func (t *task) share(helpers int) {
	queue := workers()
	t.holders.Store(int64(helpers) + 1)
	for helpers > 0 && offer(queue, t) {
		helpers--
	}
	t.holders.Add(int64(-helpers)) // All others are busy.
	t.work()
	poll(func() bool { return t.left.Load() == 0 })
	<-t.done
	t.release()
}

func offer(queue chan<- *task, t *task) bool {
	select {
	case queue <- t:
		return true
	default:
		return false
	}
}

func (t *task) work() {
	for {
		i := t.next.Add(1) - 1
		if i >= t.pieces {
			return
		}
		lo := int(i) * t.grain
		t.f(lo, min(lo+t.grain, t.n))
		if t.left.Add(-1) == 0 {
			t.done <- struct{}{}
		}
	}
}

// release gives the task back once its last holder lets go of it.
func (t *task) release() {
	if t.holders.Add(-1) == 0 {
		t.f = nil
		tasks.Put(t)
	}
}

// workers starts the helpers at first use, one fewer than there are
// processors, and returns the channel on which they wait.
var workers = sync.OnceValue(func() chan<- *task {
	count := max(runtime.GOMAXPROCS(0)-1, 1)
	queue := make(chan *task, count)
	for range count {
		go func() {
			for {
				var t *task
				if !poll(func() bool {
					select {
					case t = <-queue:
						return true
					default:
						return false
					}
				}) {
					t = <-queue
				}
				t.work()
				t.release()
			}
		}()
	}
	return queue
})

// patience is how long a goroutine looks for work before it sleeps. Waking a
// sleeping processor was measured to take 70 to 100 µs on a virtual machine,
// as long as a matrix product of a training step; waiting for as long as a
// wake-up costs at most doubles the cost of any pause.
const patience = 100 * time.Microsecond

// poll calls ready until it returns true or patience is at an end, and returns
// its last answer. It lets other goroutines run.
func poll(ready func() bool) bool {
	for start := time.Now(); ; runtime.Gosched() {
		for range 20 {
			if ready() {
				return true
			}
		}
		if time.Since(start) > patience {
			return false
		}
	}
}
