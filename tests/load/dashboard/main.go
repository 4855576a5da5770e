// Command dashboard compares what questions cost, in processor time of all processes
// that take part: asked for the first time, against DuckDB on the same files; asked
// again after one percent of new data, against DuckDB, ClickHouse and PostgreSQL; and
// as the data grows. Answers are compared, too.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/engine/partial"
	"github.com/tarnhq/tarn/tests/load/measure"
)

type options struct {
	events int
	tail   int
	turns  int
	chdb   string
	sizes  string
	plain  bool
}

func main() {
	var o options
	flag.IntVar(&o.events, "events", 10_000_000, "in 50 segments of a day each")
	flag.IntVar(&o.tail, "tail", 50_000, "more events that are not in segments yet")
	flag.IntVar(&o.turns, "turns", 5, "of each question that is asked for the first time")
	flag.StringVar(&o.chdb, "chdb", "", "a folder in which `npm install chdb` was run; empty: without ClickHouse")
	flag.StringVar(&o.sizes, "sizes", "1,3,10,30", "millions of events to ask the same dashboard about")
	flag.BoolVar(&o.plain, "plain", false, "without PostgreSQL")
	flag.Parse()
	measure.Fatal(run(context.Background(), o))
}

func run(ctx context.Context, o options) error {
	err := with(ctx, o.events, o.tail, func(d *data, inner *duck.Engine, dir string) error {
		if err := first(ctx, o, d, inner); err != nil {
			return err
		}
		return again(ctx, o, d, inner, dir)
	})
	if err != nil || o.sizes == "" {
		return err
	}
	return growth(ctx, o)
}

// with makes data and an engine for the time of use.
func with(ctx context.Context, events, tail int, use func(*data, *duck.Engine, string) error) error {
	return measure.WithStore(func(store *embedded.Store, dir string) (err error) {
		began := time.Now()
		d, err := fill(ctx, store, events, tail)
		if err != nil {
			return err
		}
		fmt.Printf("%d events in %d segments and %d in the tail, made in %v\n", events, len(d.over.Segments), tail, time.Since(began).Round(time.Second))
		files, err := local.New(d.blobs, "", 0)
		if err != nil {
			return err
		}
		inner, err := duck.Open(duck.Config{Files: files, Readable: []string{d.blobs.Folder()}, Memory: 4 << 30, Deadline: time.Minute})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, inner.Close()) }()
		return use(d, inner, dir)
	})
}

// keeping returns an engine that has kept nothing yet.
func keeping(d *data, inner *duck.Engine) tarn {
	return tarn{partial.New(partial.Config{Inner: inner, Memory: 1 << 30, Log: slog.Default()}), d}
}

// cost asks a question and returns its answer and its processor time.
func cost(ctx context.Context, c contender, q question) ([][]string, time.Duration, error) {
	before, err := c.cpu()
	if err != nil {
		return nil, 0, err
	}
	answer, err := c.ask(ctx, q)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", q.name, err)
	}
	after, err := c.cpu()
	return answer, after - before, err
}

// first asks each question of an engine that has kept nothing, and of DuckDB.
func first(ctx context.Context, o options, d *data, inner *duck.Engine) error {
	raw, err := openDuckDB(d)
	if err != nil {
		return err
	}
	defer raw.db.Close()
	table := [][]string{{"question", "DuckDB", "Tarn", "Tarn/DuckDB", "aim"}}
	for _, q := range questions {
		var took [2][]time.Duration
		for range o.turns {
			want, plain, err := cost(ctx, raw, q)
			if err != nil {
				return err
			}
			got, ours, err := cost(ctx, keeping(d, inner), q)
			if err != nil {
				return err
			}
			if err := same(got, want); err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			took[0], took[1] = append(took[0], plain), append(took[1], ours)
		}
		plain, ours := measure.Quantile(took[0], 0.5), measure.Quantile(took[1], 0.5)
		table = append(table, []string{q.name, measure.Millis(plain), measure.Millis(ours), ratio(ours, plain), "<= 1.1"})
	}
	measure.Table(fmt.Sprintf("Asked for the first time about %d events: processor time, medians of %d turns", o.events, o.turns), table...)
	return nil
}

func ratio(a, b time.Duration) string { return fmt.Sprintf("%.2f", a.Seconds()/b.Seconds()) }

// same reports how two answers differ. Floats may differ in their last digits.
func same(got, want [][]string) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		for k := range want[i] {
			a, errA := strconv.ParseFloat(got[i][k], 64)
			b, errB := strconv.ParseFloat(want[i][k], 64)
			near := errA == nil && errB == nil && math.Abs(a-b) <= 1e-9*math.Abs(b)
			if !near && got[i][k] != want[i][k] {
				return fmt.Errorf("row %d is %v, want %v", i, got[i], want[i])
			}
		}
	}
	return nil
}

// again asks the dashboard, adds one percent of events, and asks it again.
func again(ctx context.Context, o options, d *data, inner *duck.Engine, dir string) error {
	raw, err := openDuckDB(d)
	if err != nil {
		return err
	}
	defer raw.db.Close()
	names := []string{"Tarn", "DuckDB"}
	all := []contender{keeping(d, inner), raw}
	if o.chdb != "" {
		ch, err := startClickHouse(o.chdb, filepath.Join(dir, "chdb.log"), d)
		if err != nil {
			return err
		}
		defer ch.End(os.Kill)
		names, all = append(names, "ClickHouse (chdb)"), append(all, ch)
	}
	var pg *postgres
	if !o.plain {
		if pg, err = loadPostgres(ctx, dir, o); err != nil {
			return err
		}
		defer pg.server.Stop()
		names, all = append(names, "PostgreSQL"), append(all, pg)
	}
	if _, err := askAll(ctx, all); err != nil {
		return err
	}
	if err := d.seal(ctx, days-1, o.events/100); err != nil {
		return err
	}
	if pg != nil {
		if err := pg.catchUp(ctx, o.events); err != nil {
			return err
		}
	}
	took, err := askAll(ctx, all)
	if err != nil {
		return err
	}
	table := [][]string{append([]string{"question"}, names...)}
	sums := make([]time.Duration, len(all))
	for i, q := range questions[:dashboard] {
		line := []string{q.name}
		for k := range all {
			line = append(line, measure.Millis(took[i][k]))
			sums[k] += took[i][k]
		}
		table = append(table, line)
	}
	total, times := []string{"all"}, []string{"times Tarn"}
	for _, sum := range sums {
		total, times = append(total, measure.Millis(sum)), append(times, ratio(sum, sums[0]))
	}
	measure.Table(fmt.Sprintf("The dashboard asked again after %d new events: processor time (aims: 4 times less than ClickHouse, 15 than PostgreSQL)", o.events/100),
		append(table, total, times)...)
	return nil
}

// askAll asks everybody the dashboard, compares the answers and returns what each took.
func askAll(ctx context.Context, all []contender) (took [][]time.Duration, err error) {
	for _, q := range questions[:dashboard] {
		var want [][]string
		line := make([]time.Duration, len(all))
		for i, c := range all {
			got, t, err := cost(ctx, c, q)
			if err != nil {
				return nil, err
			}
			if i == 0 {
				want = got
			} else if err := same(got, want); err != nil {
				return nil, fmt.Errorf("%s, contender %d: %w", q.name, i, err)
			}
			line[i] = t
		}
		took = append(took, line)
	}
	return took, nil
}

// growth asks the questions that a dashboard of eight would, again after one percent of
// new data, of ever more events.
func growth(ctx context.Context, o options) error {
	eight := append(append([]question{}, questions[:3]...), questions[5], questions[7], questions[8], questions[9], byCountry)
	table := [][]string{{"events", "first", "again, unchanged", "again, 1% of 1 M new"}}
	for size := range strings.SplitSeq(o.sizes, ",") {
		millions, err := strconv.Atoi(size)
		if err != nil {
			return err
		}
		err = with(ctx, millions*1_000_000, 0, func(d *data, inner *duck.Engine, _ string) error {
			line := []string{size + " million"}
			t := keeping(d, inner)
			for turn := range 3 {
				if turn == 2 {
					if err := d.seal(ctx, days-1, 10_000); err != nil {
						return err
					}
				}
				sum := time.Duration(0)
				for _, q := range eight {
					_, took, err := cost(ctx, t, q)
					if err != nil {
						return err
					}
					sum += took
				}
				line = append(line, measure.Millis(sum))
			}
			table = append(table, line)
			return nil
		})
		if err != nil {
			return err
		}
	}
	measure.Table("A dashboard of eight questions as the data grows: processor time", table...)
	return nil
}

var byCountry = question{name: "by country", tarn: `{"dataset":"clicks","measures":["count",{"op":"avg","column":"revenue"}],"dimensions":["country"]}`}
