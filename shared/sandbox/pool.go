package sandbox

import (
	"context"
	"sync"

	"github.com/tarnhq/tarn/shared/fault"
)

// Pool starts processes. It keeps one that waits for work, because starting costs
// more than most work does, and bounds how many work at a time. The first process is
// started when the first work comes: who asks for none pays for none.
type Pool struct {
	program  string
	args     []string
	readable []string
	slots    chan struct{}

	mu     sync.Mutex
	spare  *Process
	fill   sync.WaitGroup
	closed bool
}

// NewPool prepares to run a program with arguments, at most some processes at a time.
// Of files they see those in the readable folders, where the system can see to that.
func NewPool(program string, args, readable []string, atOnce int) *Pool {
	return &Pool{program: program, args: args, readable: readable, slots: make(chan struct{}, atOnce)}
}

// Get returns a fresh process; further callers wait for one to end. Release ends it.
func (p *Pool) Get(ctx context.Context) (process *Process, release func(), err error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, fault.New(fault.Unavailable, "busy", "as many statements as may are running").WithHint("ask again in a moment").Because(ctx.Err())
	}
	process, err = p.take()
	if err != nil {
		<-p.slots
		return nil, nil, err
	}
	return process, func() {
		process.End()
		<-p.slots
	}, nil
}

// take returns the process that waits, or a new one, and lets another be started.
func (p *Pool) take() (*Process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, fault.New(fault.Unavailable, "closed", "the server stops")
	}
	taken := p.spare
	p.spare = nil
	if taken == nil {
		var err error
		if taken, err = start(p.program, p.args, p.readable); err != nil {
			return nil, err
		}
	}
	p.fill.Go(p.refill)
	return taken, nil
}

// refill starts a process for later. A failure shows when the next one is needed.
func (p *Pool) refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.spare != nil {
		return
	}
	if next, err := start(p.program, p.args, p.readable); err == nil {
		p.spare = next
	}
}

// Close ends the process that waits. Those that work are their callers'.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	spare := p.spare
	p.spare = nil
	p.mu.Unlock()
	p.fill.Wait()
	if spare != nil {
		spare.End()
	}
}
