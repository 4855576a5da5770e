// Command compaction measures what many small segments cost a query, and what is left
// of that once they are merged: 64 clients at a time ask a server about the same
// number of events in a thousand segments, in five, and in what the thousand became.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tarnhq/tarn/tests/load/measure"
)

type options struct {
	small, large int
	events       int
	clients      int
	lasts        time.Duration
}

func main() {
	if dir := os.Getenv("DATA_DIR"); dir != "" && os.Getenv(mode) != "" {
		measure.Fatal(serve(dir, os.Getenv(mode) == merging))
		return
	}
	var o options
	flag.IntVar(&o.small, "small", 1000, "small segments")
	flag.IntVar(&o.large, "large", 5, "large segments")
	flag.IntVar(&o.events, "events", 1_000_000, "events in all of them, of one day")
	flag.IntVar(&o.clients, "clients", 64, "that ask at a time")
	flag.DurationVar(&o.lasts, "for", 15*time.Second, "how long they ask")
	flag.Parse()
	measure.Fatal(run(context.Background(), o))
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "tarn-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	table := [][]string{{"segments", "queries", "p50", "p99", "errors", "memory at most"}}
	many, few := filepath.Join(dir, "small"), filepath.Join(dir, "large")
	for _, c := range []struct {
		name     string
		dir      string
		segments int
		mode     string
	}{
		{fmt.Sprintf("%d small", o.small), many, o.small, idle},
		{"the same, merged", many, 0, merging},
		{fmt.Sprintf("%d large", o.large), few, o.large, idle},
	} {
		if c.segments > 0 {
			if err := fill(ctx, c.dir, c.segments, o.events/c.segments); err != nil {
				return err
			}
		}
		row, err := measured(ctx, c.dir, c.mode, o)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		table = append(table, append([]string{c.name}, row...))
	}
	measure.Table(fmt.Sprintf("%d clients ask for %v about %d events", o.clients, o.lasts, o.events), table...)
	return nil
}

// questions are asked in turn.
var questions = []string{
	`{"dataset":"clicks","measures":["count"],"dimensions":["event"]}`,
	`{"dataset":"clicks","measures":["count",{"op":"sum","column":"revenue"}],"dimensions":["event"]}`,
	`{"dataset":"clicks","measures":["count"],"filter":{"column":"user_id","op":"=","value":"u77"}}`,
	`{"dataset":"clicks","measures":[{"op":"count_distinct","column":"user_id"}]}`,
}

// answers is what all clients were told.
type answers struct {
	mu     sync.Mutex
	took   []time.Duration
	failed int
}

// measured starts a server on a folder and asks it.
func measured(ctx context.Context, dir, how string, o options) (row []string, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	t, err := measure.StartTarn(ctx, self, dir, mode+"="+how)
	if err != nil {
		return nil, err
	}
	defer func() {
		_, stopped := t.Stop()
		err = errors.Join(err, stopped)
	}()
	if how == merging {
		if err := merged(ctx, t, dir); err != nil {
			return nil, err
		}
	}
	var all answers
	until := time.Now().Add(o.lasts)
	var clients sync.WaitGroup
	for client := range o.clients {
		clients.Go(func() { all.ask(ctx, t, client, until) })
	}
	most, err := watch(t, until)
	clients.Wait()
	return []string{fmt.Sprint(len(all.took)), measure.Millis(measure.Quantile(all.took, 0.5)), measure.Millis(measure.Quantile(all.took, 0.99)),
		fmt.Sprint(all.failed), measure.MiB(most)}, err
}

func (a *answers) ask(ctx context.Context, t *measure.Tarn, client int, until time.Time) {
	for n := client; time.Now().Before(until); n++ {
		began := time.Now()
		err := t.Call(ctx, http.MethodPost, "/v1/query", json.RawMessage(questions[n%len(questions)]), nil)
		a.mu.Lock()
		if err != nil {
			a.failed++
		} else {
			a.took = append(a.took, time.Since(began))
		}
		a.mu.Unlock()
	}
}

// watch returns the most memory that the server is seen to hold.
func watch(t *measure.Tarn, until time.Time) (most int64, err error) {
	for time.Now().Before(until) {
		now, err := t.RSS()
		if err != nil {
			return most, err
		}
		most = max(most, now)
		time.Sleep(50 * time.Millisecond)
	}
	return most, nil
}
