package oracle

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// patience is how long an emulator may take to answer. A virtual machine for Java
// takes a while on a busy computer.
const patience = 90 * time.Second

// freePort returns one that nothing listens on. Another program could take it
// before the emulator does; the emulator then ends, and the test says so.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return 0
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

// run starts a child that serves HTTP on a port, waits until it answers, and ends
// it after the test. It returns the URL, or "" after it has failed the test: an
// emulator may be started from any goroutine.
func run(t testing.TB, port int, child *exec.Cmd) string {
	t.Helper()
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	client := &http.Client{Timeout: time.Second}
	answers := func() bool {
		answer, err := client.Get(url)
		if err != nil {
			return false
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.Body.Close() == nil
	}
	if !start(t, child, answers) {
		return ""
	}
	return url
}

// start starts a child, waits until it answers with anything at all, and ends it after
// the test. When it does not, the test has failed.
func start(t testing.TB, child *exec.Cmd, answers func() bool) bool {
	t.Helper()
	output := &tail{}
	child.Stdout, child.Stderr = output, output
	endWithParent(child)
	if err := child.Start(); err != nil {
		t.Errorf("%s: %v", child.Path, err)
		return false
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	t.Cleanup(func() {
		_ = child.Process.Kill()
		<-ended
	})
	if err := await(ended, answers); err != nil {
		t.Errorf("%v: %v\n%s", child.Args, err, output)
		return false
	}
	return true
}

// await returns when the child answers.
func await(ended chan error, answers func() bool) error {
	timeout := time.After(patience)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case err := <-ended:
			ended <- err
			return fmt.Errorf("ended early: %w", err)
		case <-timeout:
			return fmt.Errorf("no answer after %s", patience)
		case <-again.C:
			if answers() {
				return nil
			}
		}
	}
}

// nodeScript runs a script of an npm package that will listen on 127.0.0.1 only,
// whatever it asks for.
func nodeScript(path string, args ...string) *exec.Cmd {
	preload := root() + "/tests/oracle/loopback.cjs"
	child := exec.Command("node", append([]string{"--require", preload, installed(path)}, args...)...)
	child.Env = os.Environ()
	return child
}

// tail keeps the end of a child's output, for the report of a failure.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailBytes = 8 << 10

func (o *tail) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, p...)
	if over := len(o.kept) - tailBytes; over > 0 {
		o.kept = bytes.Clone(o.kept[over:])
	}
	return len(p), nil
}

func (o *tail) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.kept)
}
