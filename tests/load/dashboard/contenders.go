package main

import (
	"bufio"
	"context"
	"database/sql"
	_ "embed"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/tests/load/measure"
)

// contender answers questions, and tells what processor time it has used.
type contender interface {
	ask(ctx context.Context, q question) ([][]string, error)
	cpu() (time.Duration, error)
}

// tarn is an engine over the data as it is.
type tarn struct {
	engine engine.Engine
	data   *data
}

func (t tarn) cpu() (time.Duration, error) { return measure.Self() }

func (t tarn) ask(ctx context.Context, q question) ([][]string, error) {
	r, err := query.Decode([]byte(q.tarn))
	if err != nil {
		return nil, err
	}
	program, err := query.Bind(r, query.Whole(t.data.over.Dataset.Kind, t.data.over.Schema), nil)
	if err != nil {
		return nil, err
	}
	result, err := engine.Answer(ctx, t.engine, program, t.data.over)
	if err != nil {
		return nil, err
	}
	return shown(r.Kind, result), nil
}

// shown writes an answer as the others' SQL has it.
func shown(kind query.Kind, result query.Result) (out [][]string) {
	switch kind {
	case query.Funnel: // a row for each step
		line := make([]string, len(result.Rows))
		for i, row := range result.Rows {
			line[i] = row[2].String()
		}
		return [][]string{line}
	case query.Retention: // cohort, period, size, subjects, rate
		for _, row := range result.Rows {
			if row[1].Int() > 0 && row[3].Int() > 0 {
				out = append(out, []string{date(row[0]), row[1].String(), row[3].String()})
			}
		}
		return out
	}
	for _, row := range result.Rows {
		line := make([]string, len(row))
		for i, v := range row {
			if line[i] = string(v.AppendText(nil)); result.Columns[i].Type == query.Timestamp {
				line[i] = date(v)
			}
		}
		out = append(out, line)
	}
	return out
}

func date(v query.Value) string { return time.UnixMicro(v.Int()).UTC().Format(time.DateOnly) }

// written puts the names of rows and days into a statement.
func written(statement, rows, day string) string {
	return strings.NewReplacer("{f}", rows, "{day}", day).Replace(statement)
}

// duckdb is DuckDB with no more around it than its driver for Go. The tail is a table
// in its memory.
type duckdb struct {
	db   *sql.DB
	data *data
}

func openDuckDB(d *data) (*duckdb, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec("SET parquet_metadata_cache = true; SET TimeZone = 'UTC'")
	return &duckdb{db, d}, err
}

func (d *duckdb) cpu() (time.Duration, error) { return measure.Self() }

func (d *duckdb) ask(ctx context.Context, q question) (out [][]string, err error) {
	files := "read_parquet(['" + strings.Join(d.data.files, "', '") + "'])"
	found, err := d.db.QueryContext(ctx, written(q.sql, files, "day"))
	if err != nil {
		return nil, err
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		return nil, err
	}
	values, places := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		places[i] = &values[i]
	}
	for found.Next() {
		if err := found.Scan(places...); err != nil {
			return nil, err
		}
		out = append(out, texts(values))
	}
	return out, found.Err()
}

func texts(values []any) []string {
	line := make([]string, len(values))
	for i, v := range values {
		if at, ok := v.(time.Time); ok {
			line[i] = at.Format(time.DateOnly)
			continue
		}
		line[i] = fmt.Sprint(v)
	}
	return line
}

// clickhouse is ClickHouse as the npm package chdb has it, in a process of Node.
type clickhouse struct {
	*measure.Process
	in   *json.Encoder
	out  *bufio.Reader
	data *data
}

//go:embed chdb.cjs
var chdbScript string

// startClickHouse starts chdb from a folder in which `npm install chdb` was run.
func startClickHouse(folder, log string, d *data) (*clickhouse, error) {
	script := filepath.Join(folder, "tarn-chdb.cjs")
	if err := os.WriteFile(script, []byte(chdbScript), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("node", script)
	cmd.Dir = folder
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, answer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.ExtraFiles = []*os.File{answer}
	process, err := measure.StartProcess(cmd, log)
	if err != nil {
		return nil, err
	}
	c := &clickhouse{Process: process, in: json.NewEncoder(in), out: bufio.NewReaderSize(answers, 1<<20), data: d}
	return c, answer.Close()
}

func (c *clickhouse) cpu() (time.Duration, error) { return c.CPU() }

func (c *clickhouse) ask(_ context.Context, q question) ([][]string, error) {
	statement := q.sql
	if q.clickhouse != "" {
		statement = q.clickhouse
	}
	if strings.Contains(statement, "quantile_cont") {
		statement = strings.Replace(statement, "quantile_cont(p_revenue, 0.95)", "quantileExactInclusive(0.95)(p_revenue)", 1)
	}
	files := "file('" + filepath.Join(filepath.Dir(filepath.Dir(c.data.files[0])), "*", "*.parquet") + "', Parquet)" // a folder for each day
	if err := c.in.Encode(written(statement, files, "toDate(time)")); err != nil {
		return nil, err
	}
	line, err := c.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var answer struct{ Rows, Error string }
	if err := json.Unmarshal(line, &answer); err != nil {
		return nil, err
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("chdb: %s", answer.Error)
	}
	return csv.NewReader(strings.NewReader(answer.Rows)).ReadAll()
}
