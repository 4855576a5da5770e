// Package duck runs plans in this process on DuckDB: over the Parquet files of
// sealed segments, and over tables in memory that follow the unsealed rows. Every
// value in a statement is a literal that literal.go wrote and every name a quoted
// identifier.
package duck

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// Config sizes an Engine.
type Config struct {
	Files     *local.Files
	Readable  []string         // folders of a store whose blobs are files
	Threads   int              // of all queries together; zero: one per processor
	Memory    int64            // bytes of all queries together; zero: 1 GiB
	Queries   int              // at a time; further ones wait. Zero: twice the threads
	Deadline  time.Duration    // of one query; zero: 25 seconds
	MaxAnswer int              // bytes of one answer; zero: 64 MiB
	Now       func() time.Time // nil: time.Now
}

func (c Config) filled() Config {
	c.Threads = cmp.Or(c.Threads, runtime.GOMAXPROCS(0))
	c.Memory = cmp.Or(c.Memory, 1<<30)
	c.Queries = cmp.Or(c.Queries, 2*c.Threads)
	c.Deadline = cmp.Or(c.Deadline, 25*time.Second)
	c.MaxAnswer = cmp.Or(c.MaxAnswer, 64<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Engine runs plans. It is safe for concurrent use.
type Engine struct {
	config Config
	db     *sql.DB
	tails  *tails
	claims claims
}

// Open starts an engine.
func Open(config Config) (*Engine, error) {
	config = config.filled()
	db, err := openDatabase()
	if err != nil {
		return nil, err
	}
	e := &Engine{config: config, db: db, claims: newClaims()}
	e.db.SetMaxOpenConns(config.Queries + 1) // one is the tails'
	e.db.SetMaxIdleConns(config.Queries + 1)
	if err := e.configure(); err != nil {
		return nil, errors.Join(err, e.db.Close())
	}
	return e, nil
}

// openDatabase opens an empty database in memory.
func openDatabase() (*sql.DB, error) {
	connector, err := duckdb.NewConnector("", func(driver.ExecerContext) error { return nil })
	if err != nil {
		return nil, fmt.Errorf("duckdb: %w", err)
	}
	return sql.OpenDB(connector), nil
}

// settingsOf are those of every database.
func settingsOf(threads int, memory int64) []string {
	return []string{
		"SET TimeZone = 'UTC'",
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		"SET temp_directory = ''",
		fmt.Sprintf("SET threads = %d", threads),
		fmt.Sprintf("SET memory_limit = '%dB'", memory),
	}
}

// configure limits what any statement may do, then locks that.
func (e *Engine) configure() error {
	var folders []string
	for _, folder := range append(slices.Clone(e.config.Readable), e.config.Files.Dir()) {
		if folder != "" {
			folders = append(folders, sqltext.Literal(folder))
		}
	}
	settings := append(settingsOf(e.config.Threads, e.config.Memory),
		"SET parquet_metadata_cache = true",
		"SET enable_external_file_cache = false", // files of fetched columns get more of them
		"SET preserve_insertion_order = false",
		"SET allowed_directories = ["+strings.Join(folders, ", ")+"]",
		"SET enable_external_access = false")
	ctx := context.Background()
	conn, err := e.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("duckdb: %w", err)
	}
	err = errors.Join(execAll(ctx, conn, settings), registerFunctions(conn), execAll(ctx, conn, []string{"SET lock_configuration = true"}))
	if err != nil {
		return errors.Join(err, conn.Close())
	}
	e.tails = newTails(conn, e.config.Now)
	return nil
}

// Release names the release of DuckDB: what it hashes, another may hash differently.
func Release() string { return bindings.LibraryVersion() }

// Close ends the engine. No query may be running.
func (e *Engine) Close() error { return errors.Join(e.tails.close(), e.db.Close()) }

// Run implements engine.Engine.
func (e *Engine) Run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	began := e.config.Now()
	ctx, cancel := context.WithTimeout(ctx, e.config.Deadline)
	defer cancel()
	result, err := e.run(ctx, plan, over)
	if err != nil {
		return query.Result{}, e.faultOf(ctx, err)
	}
	result.Version = over.Version
	result.Stats.Millis = float64(e.config.Now().Sub(began).Microseconds()) / 1000
	return result, nil
}

func (e *Engine) run(ctx context.Context, plan query.Plan, over snapshot.Snapshot) (query.Result, error) {
	if p, ok := plan.(query.Follower); ok {
		return e.follow(ctx, p, over)
	}
	pruned := prune(over.Segments, rangeOfPlan(plan, audiencesOf(plan)))
	if err := ctx.Err(); err != nil {
		return query.Result{}, err
	}
	if answer, ok := counted(plan, pruned, over.Tail); ok {
		stats := query.Stats{Segments: len(pruned.refs), SegmentsPruned: pruned.skipped}
		return query.Result{Columns: plan.Columns(), Rows: [][]query.Value{answer}, Stats: stats}, nil
	}
	from, release, err := e.open(ctx, plan, pruned, over)
	if err != nil {
		return query.Result{}, err
	}
	defer release()
	s, err := statementOf(plan, from)
	if err != nil {
		return query.Result{}, err
	}
	result := query.Result{Columns: plan.Columns(), Stats: pruned.stats()}
	for _, part := range from.tail {
		result.Stats.RowsScanned += int64(part.rows)
	}
	if p, ok := plan.(query.TrailPlan); ok {
		result.Trails, err = e.gather(ctx, s, p)
	} else {
		result.Rows, result.Stats.Truncated, err = e.fetch(ctx, s, plan)
	}
	return result, err
}

// open brings what a plan reads to where DuckDB reads it. It stays until release is
// called.
func (e *Engine) open(ctx context.Context, plan query.Plan, pruned selection, over snapshot.Snapshot) (s sources, release func(), err error) {
	if pruned.buckets, err = bucketsOf(plan); err != nil {
		return s, nil, err
	}
	needed := fieldsOf(plan)
	paths, releaseFiles, err := e.config.Files.Open(ctx, pruned.wants(needed))
	if err != nil {
		return s, nil, err
	}
	known, err := e.settle(ctx, plan.Source().Filter, pruned, paths)
	if err != nil {
		releaseFiles()
		return s, nil, err
	}
	tail, releaseTail, err := e.tails.open(ctx, over.Dataset.ID, over.Tail, needed)
	if err != nil {
		releaseFiles()
		if noMemory(err) {
			err = fault.New(fault.Unavailable, "tail_out_of_memory", "the newest rows found no memory beside the queries that run").
				WithHint("ask again in a moment").Because(err)
		}
		return s, nil, err
	}
	return sources{fields: needed, sealed: pruned, paths: paths, tail: tail, settled: known}, func() { releaseTail(); releaseFiles() }, nil
}

// faultOf gives DuckDB's errors their kinds.
func (e *Engine) faultOf(ctx context.Context, err error) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return fault.New(fault.Unavailable, "deadline", "the query took longer than it may").
			WithHint("ask for less: a shorter time range, fewer dimensions, a filter").Because(err)
	case noFile(err):
		return segment.Gone(err)
	case noMemory(err):
		return fault.New(fault.Invalid, "out_of_memory", "the query needs more memory than it may have (%d MiB)", e.config.Memory>>20).
			WithHint("group by fewer distinct values, replace exact distinct counts or quantiles, or shorten the time range").Because(err)
	}
	return fmt.Errorf("duckdb: %w", err)
}

// noFile reports whether a segment was deleted between its being found and its being read.
func noFile(err error) bool {
	var failed *duckdb.Error
	return errors.As(err, &failed) && failed.Type == duckdb.ErrorTypeIO && (strings.Contains(failed.Msg, "No files found") || strings.Contains(failed.Msg, "No such file"))
}

// noMemory reports whether DuckDB ran into its memory limit. The appender's errors
// have no type.
func noMemory(err error) bool {
	var failed *duckdb.Error
	return errors.As(err, &failed) && failed.Type == duckdb.ErrorTypeOutOfMemory || strings.Contains(err.Error(), "could not allocate block")
}
