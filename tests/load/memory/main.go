// Command memory reads the resident memory of the server at rest, under load and
// after it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/tarnhq/tarn/tests/load/measure"
)

type options struct {
	binary string
	rate   int
	lasts  time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.binary, "tarn", "build/tarnd", "the built server")
	flag.IntVar(&o.rate, "rate", 50_000, "events per second of the load; 0: as many as the server takes")
	flag.DurationVar(&o.lasts, "for", 30*time.Second, "how long the load lasts")
	flag.Parse()
	ctx := context.Background()
	measure.Fatal(measure.WithTarn(ctx, o.binary, func(t *measure.Tarn) error { return run(ctx, t, o) }))
}

func run(ctx context.Context, t *measure.Tarn, o options) error {
	atRest, err := settled(t)
	if err != nil {
		return err
	}
	sent, most, err := underLoad(ctx, t, o)
	if err != nil {
		return err
	}
	if err := t.Settle(ctx, sent); err != nil {
		return err
	}
	after, err := settled(t)
	if err != nil {
		return err
	}
	measure.Table("Resident memory of the server", []string{"when", "memory"},
		[]string{"at rest, empty", measure.MiB(atRest)},
		[]string{fmt.Sprintf("at most, at %.0f events/s", float64(sent)/o.lasts.Seconds()), measure.MiB(most)},
		[]string{fmt.Sprintf("later, with %d events", sent), measure.MiB(after)})
	return nil
}

// settled reads the memory once the process had a moment to give some back.
func settled(t *measure.Tarn) (int64, error) {
	time.Sleep(3 * time.Second)
	return t.RSS()
}

// underLoad returns the events sent and the most memory that was seen.
func underLoad(ctx context.Context, t *measure.Tarn, o options) (sent, most int64, err error) {
	load := t.Load(32, 100)
	load.Rate = o.rate
	ending, cancel := context.WithTimeout(ctx, o.lasts)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		n, err := load.Run(ending)
		sent = n
		done <- err
	}()
	for {
		select {
		case err := <-done:
			return sent, most, err
		case <-time.After(100 * time.Millisecond):
		}
		now, err := t.RSS()
		if err != nil {
			return 0, 0, errors.Join(err, <-done)
		}
		most = max(most, now)
	}
}
