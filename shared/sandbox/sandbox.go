// Package sandbox runs a stranger's work in a process of its own, which can do little
// but compute: no environment, no network, no files but some to read, an end to memory and
// processor time, and a kill for the rest. A process serves one piece of work and is
// never used again, so that nothing of one caller is there for the next.
//
// The process is this program once more, told by its arguments what it is; it limits
// itself with Enter before it reads anything from a stranger.
package sandbox

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"

	"github.com/tarnhq/tarn/shared/fault"
)

// Limits bound a process.
type Limits struct {
	Memory  int64 // bytes of address space beyond what the process has when it enters
	Seconds int   // of processor time, all threads together
	Files   int   // open at a time
}

// ErrEnded is why a conversation ends when the process has died of itself.
var ErrEnded = errors.New("the process ended")

// Process is a started process. It belongs to one caller.
type Process struct {
	command *exec.Cmd
	in      io.WriteCloser
	out     io.ReadCloser
	said    *beginning
	ended   chan struct{}
	err     error // how it ended
	once    sync.Once
}

// start runs a command in an empty environment and a process group of its own, which
// sees no files but the system's and those that are readable.
func start(program string, args, readable []string) (*Process, error) {
	p := &Process{command: exec.Command(program, args...), said: &beginning{}, ended: make(chan struct{})}
	p.command.Env = []string{}
	p.command.Stderr = p.said
	apart(p.command)
	var err error
	if p.in, err = p.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if p.out, err = p.command.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return p, begin(p.command, readable)
}

// End kills the process, if it still runs, and waits until it is gone.
func (p *Process) End() {
	p.once.Do(func() {
		kill(p.command)
		_ = p.in.Close()
		p.err = p.command.Wait()
		close(p.ended)
	})
	<-p.ended
}

// Said returns the beginning of what the process wrote to its standard error: for the log.
func (p *Process) Said() string { return p.said.String() }

// Send writes a frame. When ctx ends first the process is killed.
func (p *Process) Send(ctx context.Context, frame []byte) error {
	return p.until(ctx, func() error { return WriteFrame(p.in, frame) })
}

// Receive reads a frame of at most max bytes. When ctx ends first the process is
// killed.
func (p *Process) Receive(ctx context.Context, max int) (frame []byte, err error) {
	err = p.until(ctx, func() error {
		frame, err = ReadFrame(p.out, max)
		return err
	})
	return frame, err
}

// until does something that ends when the process does.
func (p *Process) until(ctx context.Context, do func() error) error {
	stop := context.AfterFunc(ctx, func() { kill(p.command) })
	defer stop()
	err := do()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.Is(err, fault.Invalid):
		return err
	}
	return fmt.Errorf("%w: %w", ErrEnded, err)
}

// headBytes are those of a frame's length, before it.
const headBytes = 4

// WriteFrame writes a frame: its length in four bytes, then its bytes.
func WriteFrame(w io.Writer, frame []byte) error {
	// #nosec G115 -- frames are of some MB
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(frame)))); err != nil {
		return err
	}
	_, err := w.Write(frame)
	return err
}

// ReadFrame reads a frame of at most max bytes. It believes the length only as far as
// bytes come.
func ReadFrame(r io.Reader, max int) ([]byte, error) {
	var head [headBytes]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if size > int64(max) {
		return nil, fault.New(fault.Invalid, "frame_too_large", "a frame of %d bytes is larger than %d", size, max)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, r, size); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// beginning keeps the first of what is written to it: a runtime that gives up says
// why, then much else.
type beginning struct {
	mu   sync.Mutex
	kept []byte
}

const beginningBytes = 4 << 10

func (b *beginning) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, p[:min(len(p), beginningBytes-len(b.kept))]...)
	return len(p), nil
}

func (b *beginning) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.kept)
}
