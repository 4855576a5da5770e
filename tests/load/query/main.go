// Command query compares how long questions take through the server with how long
// DuckDB takes for the same questions on the same Parquet files: over HTTP, and in
// the process without HTTP. The three take turns.
package main

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/functions/local/server"
	"github.com/tarnhq/tarn/tests/load/measure"
)

type options struct {
	binary string
	events int
	turns  int
}

func main() {
	var o options
	flag.StringVar(&o.binary, "tarn", "build/tarnd", "the built server, which fills the folder")
	flag.IntVar(&o.events, "events", 2_000_000, "click-stream events, in segments of half a million")
	flag.IntVar(&o.turns, "turns", 30, "of each question")
	flag.Parse()
	measure.Fatal(run(context.Background(), o))
}

func run(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp("", "tarn-load-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	data := filepath.Join(dir, "tarn")
	if err := measure.Fill(ctx, o.binary, data, o.events, false); err != nil {
		return err
	}
	tarn, err := open(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tarn.close()) }()
	raw, err := openRaw(data)
	if err != nil {
		return err
	}
	defer raw.db.Close()
	rows := [][]string{{"question", "DuckDB", "in process", "HTTP", "in process/DuckDB", "HTTP/DuckDB", "aim"}}
	for _, q := range questions {
		plain, inside, http, err := compare(q, o.turns, raw, tarn)
		if err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
		rows = append(rows, []string{q.name, measure.Millis(plain), measure.Millis(inside), measure.Millis(http),
			fmt.Sprintf("%.2f", inside.Seconds()/plain.Seconds()), fmt.Sprintf("%.2f", http.Seconds()/plain.Seconds()), "<= 1.2"})
	}
	measure.Table(fmt.Sprintf("Questions about %d sealed events, medians of %d turns", o.events, o.turns), rows...)
	return nil
}

// question asks the same twice: of Tarn, and of DuckDB about the files f.
type question struct{ name, tarn, sql string }

var questions = []question{
	{"count", `{"dataset":"clicks","measures":["count"]}`, `SELECT count(*) FROM f`},
	{"by event", `{"dataset":"clicks","measures":["count"],"dimensions":["event"]}`, `SELECT event, count(*) FROM f GROUP BY 1 ORDER BY 1`},
	{"sum by event", `{"dataset":"clicks","measures":["count",{"op":"sum","column":"revenue"}],"dimensions":["event"]}`, `SELECT event, count(*), sum(p_revenue) FROM f GROUP BY 1 ORDER BY 1`},
	{"by minute", `{"dataset":"clicks","measures":["count"],"time":{"grain":"minute","zone":"UTC"}}`, `SELECT date_trunc('minute', time), count(*) FROM f GROUP BY 1 ORDER BY 1`},
	{"top pages", `{"dataset":"clicks","measures":["count"],"dimensions":["url"],"order":[{"by":"count","desc":true}],"limit":10}`, `SELECT p_url, count(*) FROM f GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10`},
	{"users", `{"dataset":"clicks","measures":[{"op":"count_distinct","column":"user_id"}]}`, `SELECT count(DISTINCT user_id) FROM f`},
	{"95th percentile", `{"dataset":"clicks","measures":[{"op":"quantile","column":"revenue","q":0.95}]}`, `SELECT quantile_cont(p_revenue, 0.95) FROM f`},
	{"one user", `{"dataset":"clicks","measures":["count"],"filter":{"column":"user_id","op":"=","value":"u77"}}`, `SELECT count(*) FROM f WHERE user_id = 'u77'`},
}

// compare returns the medians of turns: DuckDB's, and Tarn's without and with HTTP.
func compare(q question, turns int, raw *rawDuckDB, tarn *instance) (plain, inside, http time.Duration, err error) {
	var took [3][]time.Duration
	for range turns {
		for i, ask := range []func() error{
			func() error { return raw.ask(q.sql) }, func() error { return tarn.askInside(q.tarn) }, func() error { return tarn.askHTTP(q.tarn) },
		} {
			began := time.Now()
			if err := ask(); err != nil {
				return 0, 0, 0, err
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	return measure.Quantile(took[0], 0.5), measure.Quantile(took[1], 0.5), measure.Quantile(took[2], 0.5), nil
}

// instance is a server in this process.
type instance struct {
	server *server.Server
	url    string
	key    string
	stop   context.CancelFunc
	served chan error
}

func open(ctx context.Context, data string) (*instance, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &instance{url: "http://" + l.Addr().String(), served: make(chan error, 1)}
	if t.server, err = server.Open(ctx, server.Options{AskAnew: true, Dir: data, URL: t.url, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	serving, stop := context.WithCancel(ctx)
	t.stop = stop
	go func() { t.served <- t.server.Serve(serving, l) }()
	ready, err := t.server.Ready(ctx)
	t.key = ready.APIKey
	return t, err
}

func (t *instance) close() error {
	t.stop()
	return errors.Join(<-t.served, t.server.Close())
}

func (t *instance) request(body string) (*http.Request, error) {
	r, err := http.NewRequest(http.MethodPost, t.url+"/v1/query", strings.NewReader(body))
	if err == nil {
		r.Header.Set("Authorization", "Bearer "+t.key)
	}
	return r, err
}

func (t *instance) askInside(body string) error {
	r, err := t.request(body)
	if err != nil {
		return err
	}
	w := httptest.NewRecorder()
	t.server.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return fmt.Errorf("status %d: %s", w.Code, w.Body)
	}
	return nil
}

func (t *instance) askHTTP(body string) error {
	r, err := t.request(body)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// rawDuckDB is DuckDB with no more around it than its driver for Go.
type rawDuckDB struct {
	db    *sql.DB
	files string
}

func openRaw(data string) (*rawDuckDB, error) {
	files, err := measure.Segments(data)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec("SET parquet_metadata_cache = true; SET TimeZone = 'UTC'")
	return &rawDuckDB{db, files}, err
}

func (r *rawDuckDB) ask(statement string) error {
	rows, err := r.db.Query(strings.Replace(statement, "FROM f", "FROM "+r.files, 1))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() { // values are fetched; nobody looks at them
	}
	return rows.Err()
}
