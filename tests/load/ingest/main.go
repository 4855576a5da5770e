// Command ingest compares what durable ingest costs the server: Tarn to the sealed
// Parquet segment, a server that only checks and syncs (the ceiling), and a server on
// PostgreSQL, without an index and, as Tarn does, refusing ids that came before. They
// take turns within one run; the same client drives them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/tests/load/measure"
)

type options struct {
	binary      string
	connections int
	rounds      int
	slice       time.Duration
}

func main() {
	var o options
	serve, at := "", ""
	flag.StringVar(&o.binary, "tarn", "build/tarnd", "the built server")
	flag.IntVar(&o.connections, "connections", 64, "of the client, the same for all")
	flag.IntVar(&o.rounds, "rounds", 2, "turns of each server at each batch size")
	flag.DurationVar(&o.slice, "slice", 3*time.Second, "how long a turn lasts")
	flag.StringVar(&serve, "serve", "", "for the program itself: be the server of this name")
	flag.StringVar(&at, "at", "", "for the program itself: the server's folder or database")
	flag.Parse()
	switch serve {
	case "":
		measure.Fatal(run(context.Background(), o))
	case ceilingName:
		measure.Fatal(serveCeiling(at))
	case postgresName:
		measure.Fatal(servePostgres(at, o.connections))
	}
}

// cost is what turns of a server added up to.
type cost struct {
	events int64
	cpu    time.Duration // of the server, its children and its database
	wall   time.Duration // while the load lasted
}

func (c cost) perCPUSecond() float64 { return float64(c.events) / c.cpu.Seconds() }
func (c cost) perSecond() float64    { return float64(c.events) / c.wall.Seconds() }

// contender is a server that takes turns.
type contender struct {
	name string
	turn func(ctx context.Context, batch int) (cost, error)
	sums map[int]cost // by batch size
}

var batches = []int{1, 100, 1000}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "tarn-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tarn := &contender{name: "Tarn", turn: tarnTurn(o, dir), sums: map[int]cost{}}
	ceiling := &contender{name: "ceiling", turn: ceilingTurn(o, dir), sums: map[int]cost{}}
	all := []*contender{tarn, ceiling}
	var postgres, unique *contender
	switch db, err := measure.StartPostgres(ctx, filepath.Join(dir, "postgres")); {
	case err == nil:
		defer db.Stop()
		fmt.Println(db.Version)
		postgres = &contender{name: "PostgreSQL", turn: postgresTurn(o, dir, db, false), sums: map[int]cost{}}
		unique = &contender{name: "PostgreSQL, unique ids", turn: postgresTurn(o, dir, db, true), sums: map[int]cost{}}
		all = append(all, postgres, unique)
	case errors.Is(err, measure.ErrNoPostgres):
		fmt.Println("PostgreSQL is not installed: its column stays empty")
	default:
		return err
	}
	for round := range o.rounds {
		for _, batch := range batches {
			for _, c := range all {
				got, err := c.turn(ctx, batch)
				if err != nil {
					return fmt.Errorf("%s, batches of %d: %w", c.name, batch, err)
				}
				sum := c.sums[batch]
				c.sums[batch] = cost{sum.events + got.events, sum.cpu + got.cpu, sum.wall + got.wall}
				fmt.Printf("round %d  batch %4d  %-22s  %9.0f events/CPU-s  %9.0f events/s\n", round+1, batch, c.name, got.perCPUSecond(), got.perSecond())
			}
		}
	}
	report(tarn, ceiling, postgres, unique)
	return nil
}

func report(tarn, ceiling, postgres, unique *contender) {
	costs := [][]string{{"batch", "Tarn", "ceiling", "PostgreSQL", "PostgreSQL, unique ids"}}
	ratios := [][]string{{"batch", "ceiling", "aim", "PostgreSQL", "aim", "PostgreSQL, unique ids"}}
	aims := map[int]string{1: ">= 5", 100: ">= 3", 1000: "-"}
	for _, batch := range batches {
		costs = append(costs, []string{strconv.Itoa(batch), rate(tarn, batch), rate(ceiling, batch), rate(postgres, batch), rate(unique, batch)})
		ratios = append(ratios, []string{strconv.Itoa(batch), ratio(tarn, ceiling, batch), ">= 0.40",
			ratio(tarn, postgres, batch), aims[batch], ratio(tarn, unique, batch)})
	}
	measure.Table("Durable ingest: events per CPU-second of the server; Tarn's includes the sealed segments", costs...)
	measure.Table("Tarn against", ratios...)
}

func rate(c *contender, batch int) string {
	if c == nil {
		return "absent"
	}
	return fmt.Sprintf("%.0f", c.sums[batch].perCPUSecond())
}

func ratio(a, b *contender, batch int) string {
	if b == nil {
		return "absent"
	}
	return fmt.Sprintf("%.2f", a.sums[batch].perCPUSecond()/b.sums[batch].perCPUSecond())
}
