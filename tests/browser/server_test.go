package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

// server is a running server, as its ready.json describes it.
type server struct {
	URL   string `json:"url"`
	Key   string `json:"api_key"`
	Owner struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	} `json:"owner"`
}

// start builds the server from the sources and runs it on empty data until the test
// ends. People can sign in elsewhere, too. Further environment is "NAME=value".
func start(t *testing.T, e *elsewhere, environment ...string) server {
	t.Helper()
	folder := t.TempDir()
	program, data := filepath.Join(folder, "tarnd"), filepath.Join(folder, "data")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./functions/local")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var log bytes.Buffer
	run := exec.Command(program)
	run.Env = append(os.Environ(), "PORT="+freePort(t), "DATA_DIR="+data, "DEMO=0", "PROVIDERS="+e.setting(t), "ALLOW_NETWORKS=127.0.0.0/8")
	run.Env = append(run.Env, environment...)
	e.tell(t, program, run.Env)
	run.Stdout, run.Stderr = &log, &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run.Wait() }()
	t.Cleanup(func() {
		if err := run.Process.Signal(syscall.SIGTERM); err == nil {
			if err := <-ended; err != nil {
				t.Errorf("the server did not stop cleanly: %v", err)
			}
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", log.Bytes())
		}
	})
	s := await(t, filepath.Join(data, "ready.json"), ended)
	e.home.Store(&s.URL)
	return s
}

// await returns what ready.json says once the server has written it.
func await(t *testing.T, path string, ended chan error) server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the server ended before it served: %v", err)
		case <-ctx.Done():
			t.Fatal("the server did not serve within a minute")
		case <-look.C:
			text, err := os.ReadFile(path)
			var s server
			if err == nil && json.Unmarshal(text, &s) == nil {
				return s
			}
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
