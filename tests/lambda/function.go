// Package lambda runs the functions' built binaries as AWS runs them: processes
// that ask the Runtime API for work, behind a gateway that routes by the route table
// and asks the authorizer first, and an event source that reads the stream and
// honours what a consumer reports. The services behind are those of tests/oracle.
package lambda

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/config"
	"github.com/tarnhq/tarn/tests/oracle"
)

// maxPayload is what Lambda takes as an event and as an answer, in bytes.
const maxPayload = 6 << 20

// Function is a deployed function with one process at most. It starts when the
// first event comes, and again when the process before has ended.
type Function struct {
	Name    string
	Timeout time.Duration
	program string
	env     []string

	one sync.Mutex // a process works on one event at a time

	mu     sync.Mutex
	now    *sandbox
	starts int
}

// NewFunction prepares a built program with the environment that it will see. Its
// process ends with the test.
func NewFunction(t testing.TB, name, program string, env []string) *Function {
	f := &Function{Name: name, Timeout: 30 * time.Second, program: program, env: env}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the function %s said:\n%s", name, f.output())
		}
		f.Stop()
	})
	return f
}

// environment is all that a process sees: nothing of the test's own, unless that
// holds the credentials of a real account.
func environment(name string, services *oracle.All, settings map[config.Var]string) []string {
	env := []string{"AWS_LAMBDA_FUNCTION_NAME=" + name, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=1769", "AWS_LAMBDA_LOG_FORMAT=JSON", "TZ=:UTC"}
	if oracle.Real() {
		env = append(os.Environ(), env...)
	}
	if services != nil {
		env = append(env, services.Env()...)
	}
	for _, setting := range slices.Sorted(maps.Keys(settings)) {
		env = append(env, string(setting)+"="+settings[setting])
	}
	return env
}

var (
	errTooLarge = errors.New("the event is larger than Lambda takes")
	errFunction = errors.New("the function failed")
)

// Invoke hands the function an event and returns its answer.
func (f *Function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	if len(payload) > maxPayload {
		return nil, errTooLarge
	}
	f.one.Lock()
	defer f.one.Unlock()
	s, err := f.live()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	ends, _ := ctx.Deadline()
	i := &invocation{payload: payload, ends: ends, answer: make(chan answer, 1)}
	select {
	case s.invocations <- i:
	case <-s.ended:
		return nil, fmt.Errorf("%s: %w: it ended before it asked for work", f.Name, errFunction)
	case <-ctx.Done():
		return nil, fmt.Errorf("%s: %w", f.Name, ctx.Err())
	}
	select {
	case a := <-i.answer:
		if a.failed {
			return nil, fmt.Errorf("%s: %w: %s", f.Name, errFunction, a.body)
		}
		return a.body, nil
	case <-s.ended:
		return nil, fmt.Errorf("%s: %w: its process ended", f.Name, errFunction)
	case <-ctx.Done():
		s.kill() // as Lambda does with who takes too long
		return nil, fmt.Errorf("%s: %w", f.Name, ctx.Err())
	}
}

// live returns the process, starting one where there is none.
func (f *Function) live() (*sandbox, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.now != nil {
		select {
		case <-f.now.ended:
		default:
			return f.now, nil
		}
	}
	s, err := newSandbox(f.program, f.env)
	if err == nil {
		f.now = s
		f.starts++
	}
	return s, err
}

// Kill ends the process in the middle of whatever it does.
func (f *Function) Kill() {
	if s := f.current(); s != nil {
		s.kill()
	}
}

// Stop ends the process as Lambda ends one that it needs no more.
func (f *Function) Stop() {
	f.one.Lock()
	defer f.one.Unlock()
	if s := f.current(); s != nil {
		s.stop()
	}
}

func (f *Function) current() *sandbox {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

// Starts returns how many processes the function has had.
func (f *Function) Starts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts
}

func (f *Function) output() string {
	if s := f.current(); s != nil {
		return s.output.String()
	}
	return "nothing: it was never called"
}
