package lambda

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sandbox is one process of a function, with the Runtime API and the Extensions API
// that it talks to.
type sandbox struct {
	api     *httptest.Server
	process *exec.Cmd
	output  *output
	began   time.Time
	ready   chan struct{} // closed when the process first asks for work
	ended   chan struct{} // closed when the process has ended

	invocations chan *invocation
	once        sync.Once

	mu       sync.Mutex
	firstAsk time.Time
	running  map[string]*invocation
	extended bool // an extension was registered: Lambda would send SIGTERM
	count    int
}

// invocation is one event on its way through a process.
type invocation struct {
	payload []byte
	ends    time.Time
	answer  chan answer
}

type answer struct {
	body   []byte
	failed bool
}

const (
	runtime   = "/2018-06-01/runtime/"
	extension = "/2020-01-01/extension/"
)

// newSandbox starts a program in an environment of its own.
func newSandbox(program string, env []string) (*sandbox, error) {
	s := &sandbox{output: &output{}, ready: make(chan struct{}), ended: make(chan struct{}),
		invocations: make(chan *invocation), running: map[string]*invocation{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+runtime+"invocation/next", s.next)
	mux.HandleFunc("POST "+runtime+"invocation/{id}/response", s.respond)
	mux.HandleFunc("POST "+runtime+"invocation/{id}/error", s.fail)
	mux.HandleFunc("POST "+runtime+"init/error", s.accept)
	mux.HandleFunc("POST "+extension+"register", s.register)
	mux.HandleFunc("GET "+extension+"event/next", s.wait)
	s.api = httptest.NewServer(mux)
	s.process = exec.Command(program)
	s.process.Env = append(env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(s.api.URL, "http://"))
	s.process.Stdout, s.process.Stderr = s.output, s.output
	endWithParent(s.process)
	s.began = time.Now()
	if err := s.process.Start(); err != nil {
		s.api.Close()
		return nil, err
	}
	go func() {
		_ = s.process.Wait() // how it ended is in its output
		close(s.ended)
	}()
	return s, nil
}

// next hands the process its next event.
func (s *sandbox) next(w http.ResponseWriter, r *http.Request) {
	s.once.Do(func() {
		s.mu.Lock()
		s.firstAsk = time.Now()
		s.mu.Unlock()
		close(s.ready)
	})
	select {
	case i := <-s.invocations:
		s.mu.Lock()
		s.count++
		id := fmt.Sprintf("00000000-0000-4000-8000-%012d", s.count)
		s.running[id] = i
		s.mu.Unlock()
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.ends.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:tarn")
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Sampled=0")
		_, _ = w.Write(i.payload)
	case <-r.Context().Done():
	case <-s.ended:
	}
}

func (s *sandbox) respond(w http.ResponseWriter, r *http.Request) { s.finish(w, r, false) }
func (s *sandbox) fail(w http.ResponseWriter, r *http.Request)    { s.finish(w, r, true) }

// finish takes the process's answer to an event.
func (s *sandbox) finish(w http.ResponseWriter, r *http.Request, failed bool) {
	s.mu.Lock()
	i := s.running[r.PathValue("id")]
	delete(s.running, r.PathValue("id"))
	s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	switch {
	case i == nil || err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case len(body) > maxPayload:
		i.answer <- answer{[]byte("Response payload size exceeded maximum allowed payload size"), true}
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		i.answer <- answer{body, failed}
		w.WriteHeader(http.StatusAccepted)
	}
}

func (s *sandbox) accept(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) }

// register takes an extension. It may only register before the function asks for work.
func (s *sandbox) register(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Lambda-Extension-Name") == "" || !s.firstAsk.IsZero() {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.extended = true
	w.Header().Set("Lambda-Extension-Identifier", "00000000-0000-4000-8000-000000000000")
	_, _ = io.WriteString(w, "{}")
}

// wait never answers an extension: nothing that it listens for happens.
func (s *sandbox) wait(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.ended:
	}
}

// startUp returns how long the process took from its start until it asked for work.
func (s *sandbox) startUp() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.firstAsk.Sub(s.began)
}

// grace is what a process with an internal extension has left after SIGTERM.
const grace = 500 * time.Millisecond

// stop ends the process as Lambda does: one with an extension is told first.
func (s *sandbox) stop() {
	s.mu.Lock()
	told := s.extended
	s.mu.Unlock()
	if told && s.process.Process.Signal(syscall.SIGTERM) == nil {
		select {
		case <-time.After(grace):
		case <-s.ended:
		}
	}
	s.kill()
}

// kill ends the process at once.
func (s *sandbox) kill() {
	_ = s.process.Process.Kill()
	<-s.ended
	s.api.Close()
}

// output keeps the end of what a process writes.
type output struct {
	mu   sync.Mutex
	kept []byte
}

const outputBytes = 16 << 10

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, p...)
	if over := len(o.kept) - outputBytes; over > 0 {
		o.kept = append([]byte(nil), o.kept[over:]...)
	}
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.kept)
}
