package measure

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Load sends batches of events by a fixed number of connections, each of which
// waits for an answer before it sends the next batch. It writes its requests by
// hand, to leave the processors to the server.
type Load struct {
	Address     string // host:port
	Path        string
	Key         string // sent as Bearer; may be empty
	Connections int
	Batch       int       // events of a request
	Rate        int       // events per second in all; zero: as many as the server takes
	From        time.Time // the time of the first event
	ShortIDs    bool      // see Clicks
	Events      int64     // to send in all; zero: until ctx ends
	Seed        uint64    // loads with different seeds send different ids
	Header      string    // lines in place of "Content-Type: application/json\r\n"; may be empty

	// Source returns what appends the bodies of a connection, each of n events; nil: Clicks.
	Source func(connection int) func(dst []byte, n int) []byte

	sent atomic.Int64
}

// Run sends until the context ends or all was sent, and returns how many events were
// acknowledged. Whatever was begun is brought to its end.
func (l *Load) Run(ctx context.Context) (int64, error) {
	errs := make(chan error, l.Connections)
	var all sync.WaitGroup
	var begun atomic.Int64
	for i := range l.Connections {
		all.Go(func() { errs <- l.connection(ctx, i, &begun) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return l.sent.Load(), err
		}
	}
	return l.sent.Load(), nil
}

func (l *Load) connection(ctx context.Context, number int, begun *atomic.Int64) error {
	conn, err := net.Dial("tcp", l.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	answers := bufio.NewReaderSize(conn, 64<<10)
	bodies := l.bodies(number)
	pace := pacer{began: time.Now(), every: l.interval()}
	var body, request []byte
	for pace.wait(ctx) && (l.Events == 0 || begun.Add(int64(l.Batch)) <= l.Events) {
		body = bodies(body[:0], l.Batch)
		request = append(l.head(request[:0], len(body)), body...)
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if err := l.answer(answers); err != nil {
			return err
		}
		l.sent.Add(int64(l.Batch))
	}
	return nil
}

func (l *Load) bodies(connection int) func(dst []byte, n int) []byte {
	if l.Source != nil {
		return l.Source(connection)
	}
	clicks := NewClicks(l.Seed<<16|uint64(connection), l.From)
	clicks.ShortIDs = l.ShortIDs
	return clicks.Batch
}

// interval is the time from one batch of a connection to its next.
func (l *Load) interval() time.Duration {
	if l.Rate == 0 {
		return 0
	}
	return time.Duration(float64(l.Connections*l.Batch) / float64(l.Rate) * float64(time.Second))
}

func (l *Load) head(dst []byte, length int) []byte {
	header := l.Header
	if header == "" {
		header = "Content-Type: application/json\r\n"
	}
	dst = fmt.Appendf(dst, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n", l.Path, l.Address, header, length)
	if l.Key != "" {
		dst = fmt.Appendf(dst, "Authorization: Bearer %s\r\n", l.Key)
	}
	return append(dst, "\r\n"...)
}

func (l *Load) answer(from *bufio.Reader) error {
	response, err := http.ReadResponse(from, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// pacer lets steps begin at fixed times. Who is late catches up.
type pacer struct {
	began time.Time
	every time.Duration // zero: at once
	steps int
}

// wait returns false when the context has ended.
func (p *pacer) wait(ctx context.Context) bool {
	left := time.Duration(0)
	if p.every > 0 {
		left = time.Until(p.began.Add(time.Duration(p.steps) * p.every))
	}
	p.steps++
	if left <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
