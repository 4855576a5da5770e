// Command cached compares how many answers a second of processor time gives, when the
// same question is asked again and nothing has changed: by Tarn over HTTP, by a server
// of ten lines that gives the same bytes, and by Tarn for who has the answer already.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/tarnhq/tarn/tests/load/measure"
)

const question = `{"dataset":"clicks","measures":["count",{"op":"sum","column":"revenue"}],"dimensions":["event"]}`

type options struct {
	binary      string
	events      int64
	connections int
	rounds      int
	slice       time.Duration
}

func main() {
	var o options
	serve := flag.String("serve", "", "for the program itself: give the bytes of this file")
	flag.StringVar(&o.binary, "tarn", "build/tarnd", "the built server")
	flag.Int64Var(&o.events, "events", 200_000, "that are asked about")
	flag.IntVar(&o.connections, "connections", 64, "of the client")
	flag.IntVar(&o.rounds, "rounds", 3, "turns of each")
	flag.DurationVar(&o.slice, "slice", 3*time.Second, "how long a turn lasts")
	flag.Parse()
	if *serve != "" {
		measure.Fatal(tenLines(*serve))
	}
	measure.Fatal(measure.WithTarn(context.Background(), o.binary, func(t *measure.Tarn) error { return run(context.Background(), o, t) }))
}

// tenLines is the least that a server can do in Go: it gives bytes that it holds.
func tenLines(path string) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body) // fails when the client has gone
	}))
}

// contender is a server that is asked.
type contender struct {
	name    string
	process *measure.Process
	address string
	headers string
	answers int64
	cpu     time.Duration
}

func run(ctx context.Context, o options, t *measure.Tarn) error {
	load := t.Load(8, 1000)
	load.Events = o.events
	sent, err := load.Run(ctx)
	if err != nil {
		return err
	}
	if err := t.Settle(ctx, sent); err != nil {
		return err
	}
	key := "Authorization: Bearer " + t.Key + "\r\n"
	tarn := &contender{name: "Tarn", process: t.Process, address: t.Address, headers: key}
	if _, _, err := tarn.once(); err != nil { // the first is computed
		return err
	}
	body, tag, err := tarn.once()
	if err != nil {
		return err
	}
	ten, err := startTenLines(t.Dir, body)
	if err != nil {
		return err
	}
	defer ten.process.End(syscall.SIGKILL)
	known := &contender{name: "Tarn, 304", process: t.Process, address: t.Address, headers: key + "If-None-Match: " + tag + "\r\n"}
	all := []*contender{tarn, ten, known}
	for range o.rounds {
		for _, c := range all {
			if err := c.turn(ctx, o); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	table := [][]string{{"server", "answers a CPU-second", "of the ten lines", "aim"}}
	for _, c := range all {
		aim := ""
		if c == tarn {
			aim = ">= 0.50"
		}
		table = append(table, []string{c.name, fmt.Sprintf("%.0f", c.rate()), fmt.Sprintf("%.2f", c.rate()/ten.rate()), aim})
	}
	measure.Table(fmt.Sprintf("The same question about %d events asked again, an answer of %d bytes", sent, len(body)), table...)
	return nil
}

func (c *contender) rate() float64 { return float64(c.answers) / c.cpu.Seconds() }

// once asks and returns the body and the entity tag.
func (c *contender) once() (body []byte, tag string, err error) {
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		return nil, "", err
	}
	defer conn.Close()
	if _, err := conn.Write(c.request()); err != nil {
		return nil, "", err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return body, response.Header.Get("ETag"), err
}

func (c *contender) request() []byte {
	return fmt.Appendf(nil, "POST /v1/query HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %d\r\n\r\n%s", c.address, c.headers, len(question), question)
}

// turn asks by many connections for a while.
func (c *contender) turn(ctx context.Context, o options) error {
	before, err := c.process.CPU()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, o.slice)
	defer cancel()
	errs := make([]error, o.connections)
	var all sync.WaitGroup
	var answers atomic.Int64
	for i := range o.connections {
		all.Go(func() { errs[i] = c.ask(ctx, &answers) })
	}
	all.Wait()
	after, err := c.process.CPU()
	c.answers += answers.Load()
	c.cpu += after - before
	return errors.Join(append(errs, err)...)
}

func (c *contender) ask(ctx context.Context, answers *atomic.Int64) error {
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	request, from := c.request(), bufio.NewReaderSize(conn, 64<<10)
	for ctx.Err() == nil {
		if _, err := conn.Write(request); err != nil {
			return err
		}
		response, err := http.ReadResponse(from, nil)
		if err != nil {
			return err
		}
		if response.StatusCode >= 400 {
			return errors.New(response.Status)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		answers.Add(1)
	}
	return nil
}

// startTenLines starts this program as the least server.
func startTenLines(dir string, body []byte) (*contender, error) {
	file, log := filepath.Join(dir, "body.json"), filepath.Join(dir, "ten.log")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process, err := measure.StartProcess(exec.Command(program, "-serve", file), log)
	if err != nil {
		return nil, err
	}
	for range 2000 {
		text, err := os.ReadFile(log)
		if err != nil {
			return nil, err
		}
		if address, _, whole := strings.Cut(string(bytes.TrimSpace(text))+" ", " "); whole && address != "" {
			return &contender{name: "ten lines", process: process, address: address}, process.Begin()
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil, errors.New("the server of ten lines does not start")
}
