package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
)

const ceilingName = "ceiling"

// serveCeiling is the least that a durable server can do in Go: it checks that the
// body is JSON, appends it to a file, and answers once a sync that all waiting
// requests share has returned.
func serveCeiling(path string) error {
	file, err := disk.OS{}.Create(path)
	if err != nil {
		return err
	}
	log := &groupLog{file: file, next: newGroup()}
	log.wake.L = &log.mu
	go log.write() // for as long as the process lives
	bodies := sync.Pool{New: func() any { return new(bytes.Buffer) }}
	return listen(func(w http.ResponseWriter, r *http.Request) {
		body := bodies.Get().(*bytes.Buffer)
		defer bodies.Put(body)
		body.Reset()
		if _, err := io.Copy(body, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if !json.Valid(body.Bytes()) {
			http.Error(w, "not JSON", http.StatusBadRequest)
			return
		}
		if err := log.append(body.Bytes()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		answer(w)
	})
}

// listen serves on a free port of the loopback address and prints the address.
func listen(h http.HandlerFunc) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, h)
}

func answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"stored":true}`)) // fails when the client has gone
}

// groupLog appends to a file and syncs once for all who wait.
type groupLog struct {
	file disk.File

	mu      sync.Mutex
	wake    sync.Cond
	waiting []byte
	next    *group
	end     int64
}

// group is what shares a sync.
type group struct {
	done chan struct{}
	err  error
}

func newGroup() *group { return &group{done: make(chan struct{})} }

func (l *groupLog) append(body []byte) error {
	l.mu.Lock()
	l.waiting = append(l.waiting, body...)
	g := l.next
	l.wake.Signal()
	l.mu.Unlock()
	<-g.done
	return g.err
}

func (l *groupLog) write() {
	var spare []byte
	for {
		l.mu.Lock()
		for len(l.waiting) == 0 {
			l.wake.Wait()
		}
		data, g := l.waiting, l.next
		l.waiting, l.next = spare[:0], newGroup()
		l.mu.Unlock()
		_, g.err = l.file.WriteAt(data, l.end)
		if g.err == nil {
			g.err = l.file.Sync()
		}
		l.end += int64(len(data))
		spare = data
		close(g.done)
	}
}
