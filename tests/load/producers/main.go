// Command producers compares what an event costs the server by the protocol that it is
// sent in: processor time from the request to the sealed segment, in requests of a hundred
// events and of one, beside what decoding alone costs. Protocols take turns within one run;
// each turn fills a dataset of its own, whose ledger has to come out exactly.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/tarnhq/tarn/tests/load/measure"
)

type options struct {
	binary      string
	connections int
	turns       int
	slice       time.Duration
	decoding    time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.binary, "tarn", "build/tarnd", "the built server")
	flag.IntVar(&o.connections, "connections", 16, "of the client")
	flag.IntVar(&o.turns, "turns", 5, "of each protocol at each batch size; the median counts")
	flag.DurationVar(&o.slice, "slice", 350*time.Millisecond, "how long a turn sends")
	flag.DurationVar(&o.decoding, "decoding", 200*time.Millisecond, "how long each decoder is measured; 0: not at all")
	flag.Parse()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	measure.Fatal(run(ctx, o))
}

// costs are the processor times of an event, a turn each.
type costs []time.Duration

func run(ctx context.Context, o options) error {
	decoding, err := decoders(ctx, o.decoding)
	if err != nil {
		return err
	}
	spent := map[string]map[int]costs{}
	err = measure.WithTarn(ctx, o.binary, func(t *measure.Tarn) error {
		for number := range o.turns {
			for _, p := range protocols {
				for _, batch := range p.batches() {
					one, err := turn(ctx, o, t, p, batch, number)
					if err != nil {
						return fmt.Errorf("%s, batches of %d: %w", p.name, batch, err)
					}
					if spent[p.name] == nil {
						spent[p.name] = map[int]costs{}
					}
					spent[p.name][batch] = append(spent[p.name][batch], one)
				}
			}
			fmt.Fprintf(os.Stderr, "turn %d of %d\n", number+1, o.turns)
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Print("| protocol | body, bytes an event | CPU-ns an event, 100 a request | 1 a request | decoding alone |\n|---|---:|---:|---:|---:|\n")
	for _, p := range protocols {
		most := slices.Max(p.batches())
		bytes := len(p.body(nil, "key-of-a-dataset", draw(0, 0, most))) / most
		fmt.Printf("| %s | %d | %s | %s | %s |\n", p.name, bytes, spent[p.name][100].median(), spent[p.name][1].median(), decoding[p.decoder].median())
	}
	return nil
}

func (c costs) median() string {
	if len(c) == 0 {
		return "-"
	}
	return fmt.Sprint(measure.Quantile(c, 0.5).Nanoseconds())
}

// turn sends for a while into a fresh dataset, has the server seal all of it, and returns
// the processor time of an event.
func turn(ctx context.Context, o options, t *measure.Tarn, p protocol, batch, number int) (time.Duration, error) {
	into := fmt.Sprintf("d%d", time.Now().UnixNano())
	if err := t.Call(ctx, "POST", "/v1/datasets", map[string]string{"name": into, "kind": "events"}, nil); err != nil {
		return 0, err
	}
	var made struct {
		Key string `json:"key"`
	}
	if err := t.Call(ctx, "POST", "/v1/keys", map[string]string{"name": into, "role": "producer", "dataset": into}, &made); err != nil {
		return 0, err
	}
	load := &measure.Load{Address: t.Address, Path: p.at(into, batch), Key: made.Key, Connections: o.connections, Batch: batch, Header: p.header}
	if p.keyed {
		load.Key = ""
	}
	load.Source = func(connection int) func([]byte, int) []byte {
		next := 0
		return func(dst []byte, n int) []byte {
			next += n
			return p.body(dst, made.Key, draw(connection, next-n, n))
		}
	}
	before, err := t.CPU()
	if err != nil {
		return 0, err
	}
	sending, cancel := context.WithTimeout(ctx, o.slice)
	defer cancel()
	sent, err := load.Run(sending)
	if err != nil {
		return 0, err
	}
	if err := t.SettleIn(ctx, into, sent); err != nil {
		return 0, err
	}
	// Before anything is sent out of quarantine again, which is empty, all is sealed.
	if err := t.Call(ctx, "POST", "/v1/datasets/"+into+"/quarantine/replay", struct{}{}, nil); err != nil {
		return 0, err
	}
	after, err := t.CPU()
	return (after - before) / time.Duration(sent), err
}
