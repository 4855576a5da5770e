// Command freshness measures how long it takes until a query sees an acknowledged
// event: it writes a marker and asks for it until it is there, with nothing else to
// do and under a steady load.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
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
	flag.IntVar(&o.rate, "rate", 50_000, "events per second of the load")
	flag.DurationVar(&o.lasts, "for", 20*time.Second, "how long each of the two parts lasts")
	flag.Parse()
	ctx := context.Background()
	measure.Fatal(measure.WithTarn(ctx, o.binary, func(t *measure.Tarn) error { return run(ctx, t, o) }))
}

func run(ctx context.Context, t *measure.Tarn, o options) error {
	if _, err := markers(ctx, t, "warm", time.Second); err != nil {
		return err
	}
	idle, err := markers(ctx, t, "idle", o.lasts)
	if err != nil {
		return err
	}
	busy, sent, err := underLoad(ctx, t, o)
	if err != nil {
		return err
	}
	measure.Table("Acknowledged to visible in a query", []string{"load", "markers", "median", "aim", "p99", "aim"},
		row("none", idle, "<= 10 ms", "-"),
		row(fmt.Sprintf("%.0f events/s", float64(sent)/o.lasts.Seconds()), busy, "-", "< 100 ms"))
	return nil
}

func row(load string, seen []time.Duration, median, p99 string) []string {
	return []string{load, fmt.Sprint(len(seen)), measure.Millis(measure.Quantile(seen, 0.5)), median, measure.Millis(measure.Quantile(seen, 0.99)), p99}
}

// underLoad measures while a client sends at a steady rate in batches of 100.
func underLoad(ctx context.Context, t *measure.Tarn, o options) ([]time.Duration, int64, error) {
	type outcome struct {
		sent int64
		err  error
	}
	load := t.Load(32, 100)
	load.Rate, load.Seed = o.rate, 1
	ending, cancel := context.WithTimeout(ctx, o.lasts)
	defer cancel()
	done := make(chan outcome, 1)
	go func() {
		sent, err := load.Run(ending)
		done <- outcome{sent, err}
	}()
	seen, err := markers(ctx, t, "busy", o.lasts)
	out := <-done
	return seen, out.sent, errors.Join(err, out.err)
}

// markers writes one marker after the other and returns how long each took from its
// acknowledgement until a query saw it.
func markers(ctx context.Context, t *measure.Tarn, name string, lasts time.Duration) (seen []time.Duration, err error) {
	for began := time.Now(); time.Since(began) < lasts; {
		marker := fmt.Sprintf("%s-%d", name, len(seen))
		event := []map[string]any{{"event_id": marker, "event": "marker", "user_id": marker}}
		if err := t.Call(ctx, http.MethodPost, measure.EventsPath, event, nil); err != nil {
			return nil, err
		}
		took, err := visible(ctx, t, marker)
		if err != nil {
			return nil, err
		}
		seen = append(seen, took)
	}
	return seen, nil
}

// visible asks for a marker until it is there.
func visible(ctx context.Context, t *measure.Tarn, marker string) (time.Duration, error) {
	question := map[string]any{"dataset": measure.Dataset, "kind": "aggregate", "measures": []string{"count"},
		"filter": map[string]any{"column": "user_id", "op": "=", "value": marker}}
	began := time.Now()
	for time.Since(began) < 10*time.Second {
		var answer struct{ Rows [][]any }
		if err := t.Call(ctx, http.MethodPost, "/v1/query", question, &answer); err != nil {
			return 0, err
		}
		if len(answer.Rows) == 1 && answer.Rows[0][0] == 1.0 {
			return time.Since(began), nil
		}
	}
	return 0, fmt.Errorf("marker %s does not become visible", marker)
}
