package main

import (
	"bufio"
	"errors"
	"log/slog"
	"os"
	"sync"
	"time"
)

// logFlush is how old a line gets at most before it is written.
const logFlush = 200 * time.Millisecond

// openLog writes the log to a file: the terminal is for people. Lines are written
// together, for there is one of every request.
func openLog(path string) (*slog.Logger, func() error, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600) // #nosec G304 -- the log in the data folder
	if err != nil {
		return nil, nil, err
	}
	lines := &gathered{out: bufio.NewWriterSize(f, 64<<10)}
	return slog.New(slog.NewJSONHandler(lines, nil)), func() error { return errors.Join(lines.flush(), f.Close()) }, nil
}

// gathered writes what it is given a little later. Write is called with a line at a
// time.
type gathered struct {
	mu  sync.Mutex
	out *bufio.Writer
	due bool // a flush is on its way
}

func (g *gathered) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.due {
		g.due = true
		time.AfterFunc(logFlush, func() { _ = g.flush() }) // the next Write tells of the error
	}
	return g.out.Write(line)
}

func (g *gathered) flush() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.due = false
	return g.out.Flush()
}
