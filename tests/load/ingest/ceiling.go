package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
)

const ceilingName = "ceiling"

// serveCeiling is the least that a durable server can do in Go: it finds where the
// events begin and end, appends the body to a file, and answers once a sync that all
// waiting requests share has returned.
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
		n, ok := countEvents(body.Bytes())
		if !ok {
			http.Error(w, "not a JSON array", http.StatusBadRequest)
			return
		}
		if err := log.append(body.Bytes()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		answer(w, n)
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

func answer(w http.ResponseWriter, events int) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(strconv.AppendInt([]byte(`{"accepted":`), int64(events), 10), '}')) // the client has gone
}

// countEvents counts the objects of an array by their brackets and quotes.
func countEvents(body []byte) (n int, ok bool) {
	depth := 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			end := endOfText(body[i+1:])
			if end < 0 {
				return 0, false
			}
			i += end + 1
		case '{', '[':
			depth++
			if depth == 2 {
				n++
			}
		case '}', ']':
			depth--
		}
	}
	return n, depth == 0
}

// endOfText returns the place of the quote that ends a text.
func endOfText(text []byte) int {
	for at := 0; ; {
		end := bytes.IndexByte(text[at:], '"')
		if end < 0 {
			return -1
		}
		at += end
		escapes := 0
		for escapes < at && text[at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at
		}
		at++
	}
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
