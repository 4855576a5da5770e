package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// process is one run of the server.
type process struct {
	client
	command *exec.Cmd
	output  *bytes.Buffer
	ended   chan error // receives once
}

// start runs the server on a data folder until it is ended or the test is.
func start(t *testing.T, data string) *process {
	t.Helper()
	p := &process{command: exec.Command(program), output: new(bytes.Buffer), ended: make(chan error, 1)}
	p.command.Env = append(os.Environ(), "PORT=0", "DATA_DIR="+data, "DEMO=0")
	p.command.Stdout, p.command.Stderr = p.output, p.output
	before, _ := os.Stat(readyFile(data)) // of the run before, if there was one
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.command.Wait() }()
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // has ended already, most often
		if t.Failed() {
			t.Logf("server %d said:\n%s", p.command.Process.Pid, p.output)
		}
	})
	c, err := p.ready(t.Context(), readyFile(data), before)
	if err != nil {
		t.Fatal(err)
	}
	p.client = c
	return p
}

func readyFile(data string) string { return filepath.Join(data, "ready.json") }

// ready waits for the server to write its file anew, and reads it.
func (p *process) ready(ctx context.Context, path string, before os.FileInfo) (c client, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-p.ended:
			p.ended <- err
			return client{}, fmt.Errorf("the server ended before it served: %w\n%s", err, p.output)
		case <-ctx.Done():
			return client{}, errors.New("the server did not serve within a minute")
		case <-look.C:
		}
		now, err := os.Stat(path)
		if err != nil || before != nil && os.SameFile(before, now) {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return client{}, err
		}
		return c, json.Unmarshal(text, &c)
	}
}

// kill ends the server as a power cut would, between any two instructions.
func (p *process) kill(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Kill(); err != nil {
		t.Fatalf("the server had ended before it was killed: %v\n%s", err, p.output)
	}
	<-p.ended
}

// stop ends the server as Ctrl-C does, and checks that it says so itself.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		if err != nil {
			t.Fatalf("the server did not stop cleanly: %v\n%s", err, p.output)
		}
	case <-time.After(time.Minute):
		t.Fatal("the server did not stop within a minute")
	}
}
