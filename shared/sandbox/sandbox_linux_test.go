package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
)

// TestMain is also the process that the tests start: it enters, does what its
// argument names, and says what came of it.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "do" {
		if err := Enter(Limits{Memory: 1 << 30, Seconds: 2, Files: 64}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		said := fmt.Sprint(deeds[os.Args[2]]())
		if err := WriteFrame(os.Stdout, []byte(said)); err != nil {
			os.Exit(1)
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// readable is a folder that the tests' processes may read.
const readable = "/usr/share"

var deeds = map[string]func() error{
	"compute":       func() error { return nil },
	"environment":   func() error { return fmt.Errorf("%d settings", len(os.Environ())) },
	"read":          func() error { _, err := os.ReadFile("/proc/self/stat"); return err },
	"read a folder": func() error { _, err := os.ReadDir(readable); return err },
	"limit": func() error {
		var files syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
			return err
		}
		return fmt.Errorf("%d of %d", files.Cur, files.Max)
	},
	"read others": func() error { _, err := os.ReadFile("/etc/passwd"); return err },
	"list others": func() error { _, err := os.ReadDir("/"); return err },
	"read parent's": func() error {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid()))
		if err == nil {
			return fmt.Errorf("%d bytes", len(b))
		}
		return err
	},
	"threads":       threads,
	"socket":        func() error { _, err := net.Dial("tcp", "127.0.0.1:1"); return err },
	"datagram":      func() error { _, err := net.Dial("udp", "127.0.0.1:1"); return err },
	"unix socket":   func() error { _, err := net.Dial("unix", "/run/x"); return err },
	"listen":        func() error { _, err := net.Listen("tcp", "127.0.0.1:0"); return err },
	"program":       func() error { return exec.Command("/bin/true").Run() },
	"execve":        func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
	"write":         func() error { return os.WriteFile("/tmp/tarn-sandbox", []byte("x"), 0o600) },
	"append":        func() error { _, err := os.OpenFile(os.Args[0], os.O_WRONLY|os.O_APPEND, 0); return err },
	"make a folder": func() error { return os.Mkdir("/tmp/tarn-sandbox", 0o700) },
	"remove":        func() error { return os.Remove(os.Args[0]) },
	"rename":        func() error { return os.Rename(os.Args[0], os.Args[0]+"x") },
	"link":          func() error { return os.Link(os.Args[0], "/tmp/tarn-sandbox") },
	"symlink":       func() error { return os.Symlink(os.Args[0], "/tmp/tarn-sandbox") },
	"mode":          func() error { return os.Chmod(os.Args[0], 0o777) },
	"owner":         func() error { return os.Chown(os.Args[0], 1, 1) },
	"times":         func() error { return os.Chtimes(os.Args[0], time.Time{}, time.Unix(1, 0)) },
	"truncate":      func() error { return os.Truncate(os.Args[0], 0) },
	"signal":        func() error { return syscall.Kill(os.Getppid(), syscall.Signal(0)) },
	"trace":         func() error { return syscall.PtraceAttach(os.Getppid()) },
	"new namespace": func() error { return syscall.Unshare(syscall.CLONE_NEWNS) },
	"limits":        func() error { return syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: 1, Max: 1}) },
	"memory":        func() error { block := make([]byte, 2<<30); runtime.KeepAlive(block); return nil },
	"spin": func() error {
		for n := 0; ; n++ {
			runtime.KeepAlive(n)
		}
	},
}

// threads runs more of them at a time than there were before.
func threads() error {
	done := make(chan struct{})
	for range 20 {
		go func() {
			runtime.LockOSThread()
			syscall.Sync() // leaves Go's scheduler
			done <- struct{}{}
		}()
	}
	for range 20 {
		<-done
	}
	return nil
}

func do(t *testing.T, deed string) (string, *Process, error) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(program, []string{"do", deed}, []string{readable})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.End)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	frame, err := p.Receive(ctx, 1<<10)
	return string(frame), p, err
}

func TestAProcessComputesAndReads(t *testing.T) {
	for deed, want := range map[string]string{"compute": "<nil>", "read": "<nil>", "read a folder": "<nil>", "threads": "<nil>", "environment": "0 settings", "limit": "64 of 64"} {
		if got, p, err := do(t, deed); got != want || err != nil {
			t.Errorf("%s: %s, %v: %s", deed, got, err, p.Said())
		}
	}
}

func TestAProcessDoesNothingElse(t *testing.T) {
	for deed := range deeds {
		switch deed {
		case "compute", "limit", "read", "read a folder", "threads", "environment", "memory", "spin":
			continue
		}
		got, p, err := do(t, deed)
		if err != nil || !strings.Contains(got, "operation not permitted") && !strings.Contains(got, "permission denied") {
			t.Errorf("%s: %s, %v: %s", deed, got, err, p.Said())
		}
	}
}

func TestAProcessThatTakesTooMuchEnds(t *testing.T) {
	_, p, err := do(t, "memory")
	if p.End(); !errors.Is(err, ErrEnded) || !strings.Contains(p.Said(), "out of memory") && !strings.Contains(p.Said(), "address space") {
		t.Errorf("memory: %v, %s", err, p.Said())
	}
	if _, _, err := do(t, "spin"); !errors.Is(err, ErrEnded) {
		t.Errorf("spin: %v", err)
	}
}

func TestAProcessIsKilledWhenItsTimeIsUp(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pool := NewPool(program, []string{"do", "spin"}, nil, 1)
	defer pool.Close()
	p, release, err := pool.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := p.Receive(ctx, 10); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestAPoolBoundsWhatRunsAtATime(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pool := NewPool(program, []string{"do", "compute"}, nil, 1)
	first, release, err := pool.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := pool.Get(ctx); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a second one: %v", err)
	}
	release()
	second, release, err := pool.Get(t.Context())
	if err != nil || second == first {
		t.Errorf("a process serves twice, %v", err)
	}
	release()
	pool.Close()
	if _, _, err := pool.Get(t.Context()); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a closed pool: %v", err)
	}
}

func TestFramesAreReadAsTheyWereWritten(t *testing.T) {
	var b bytes.Buffer
	for _, frame := range []string{"", "x", strings.Repeat("y", 100)} {
		if err := WriteFrame(&b, []byte(frame)); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadFrame(&b, 100); string(got) != frame || err != nil {
			t.Errorf("%q is read as %q, %v", frame, got, err)
		}
	}
	if _, err := ReadFrame(strings.NewReader("\xff\xff\xff\xffxxx"), 1<<20); !fault.Is(err, fault.Invalid) {
		t.Errorf("a frame of 4 GB: %v", err)
	}
	for _, cut := range []string{"", "\x00\x00", "\x00\x00\x00\x05xx"} {
		if _, err := ReadFrame(strings.NewReader(cut), 10); err == nil {
			t.Errorf("%q is a frame", cut)
		}
	}
}
