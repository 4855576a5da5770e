// Package sqlrun answers a caller's own SQL. Each statement has a process of its own
// (package sandbox), which parses and checks it (package sqlgate) and says what it
// reads; this one decides whether the caller may, pins a version of each dataset, and
// hands over views, unsealed rows and the names of the files beneath. The stranger's
// text is never near the database that serves everybody, and a process that is taken
// over knows no more than its caller may see.
package sqlrun

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine"
	"github.com/tarnhq/tarn/shared/engine/duck"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/sandbox"
	"github.com/tarnhq/tarn/shared/sqlgate"
)

// MaxDatasets is how many datasets a statement may read.
const MaxDatasets = 20

// Config sizes a Runner. Program and Files are needed.
type Config struct {
	Program   string // this one: its main hands Argument to Child
	Files     *local.Files
	Readable  []string         // folders of a store whose blobs are files
	Threads   int              // of one statement; zero: one per processor
	Memory    int64            // bytes that DuckDB may use for one statement; zero: 512 MiB
	AtOnce    int              // statements; further ones wait. Zero: 2
	Deadline  time.Duration    // of one statement; zero: 25 seconds
	MaxAnswer int              // bytes of one answer; zero: 64 MiB
	Now       func() time.Time // nil: time.Now
}

func (c Config) filled() Config {
	c.Threads = cmp.Or(c.Threads, runtime.GOMAXPROCS(0))
	c.Memory = cmp.Or(c.Memory, 512<<20)
	c.AtOnce = cmp.Or(c.AtOnce, 2)
	c.Deadline = cmp.Or(c.Deadline, 25*time.Second)
	c.MaxAnswer = cmp.Or(c.MaxAnswer, 64<<20)
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Runner runs statements. It is safe for concurrent use.
type Runner struct {
	config Config
	pool   *sandbox.Pool
}

// New prepares a runner. It starts nothing before the first statement.
func New(config Config) (*Runner, error) {
	config = config.filled()
	limits, err := json.Marshal(bounds{Threads: config.Threads, Memory: config.Memory, Seconds: int(config.Deadline/time.Second)*config.Threads + spareSeconds})
	if err != nil {
		return nil, fmt.Errorf("sql: %w", err)
	}
	readable := slices.Clone(config.Readable)
	if dir := config.Files.Dir(); dir != "" {
		readable = append(readable, dir)
	}
	return &Runner{config: config, pool: sandbox.NewPool(config.Program, []string{Argument, string(limits)}, readable, config.AtOnce)}, nil
}

// spareSeconds of processor time are for the start of a process.
const spareSeconds = 5

// Close ends the process that waits for work.
func (r *Runner) Close() { r.pool.Close() }

// Run implements engine.SQL. When ctx ends first, or the deadline does, the process is
// killed and the error fault.Unavailable.
func (r *Runner) Run(ctx context.Context, s engine.Statement) (result query.Result, err error) {
	began := r.config.Now()
	err = r.converse(ctx, question{SQL: s.SQL}, func(ctx context.Context, p *sandbox.Process, found checked) error {
		result, err = r.answer(ctx, p, s, found)
		return err
	})
	if err != nil {
		return query.Result{}, err
	}
	result.Stats.Millis = float64(r.config.Now().Sub(began).Microseconds()) / 1000
	return result, nil
}

// converse has a statement checked by a process of its own, then calls do with it. It says
// what became of a statement that fails, and ends with the deadline of one.
func (r *Runner) converse(ctx context.Context, q question, do func(ctx context.Context, p *sandbox.Process, found checked) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.config.Deadline)
	defer cancel()
	process, release, err := r.pool.Get(ctx)
	if err != nil {
		return err
	}
	defer release()
	var found checked
	most := maxMessage
	if q.Tree {
		most = maxTree
	}
	if err = send(ctx, process, q); err == nil {
		err = receiveUpTo(ctx, process, most, &found)
	}
	if err == nil {
		err = found.Refusal.err()
	}
	if err == nil {
		err = do(ctx, process, found)
	}
	if err != nil {
		return faultOf(ctx, process, err)
	}
	return nil
}

// answer has a checked statement run.
func (r *Runner) answer(ctx context.Context, p *sandbox.Process, s engine.Statement, found checked) (query.Result, error) {
	args, err := arguments(found.Query.Parameters, s.Parameters)
	if err != nil {
		return query.Result{}, err
	}
	var seen sight
	defer seen.release()
	if err := r.look(ctx, &seen, found.Query, s.Open); err != nil {
		return query.Result{}, err
	}
	if err := send(ctx, p, work{Views: seen.views, Paths: seen.paths, Arguments: args, MaxRows: query.MaxLimit, MaxAnswer: r.config.MaxAnswer}); err != nil {
		return query.Result{}, err
	}
	result, err := receiveAnswer(ctx, p, r.config.MaxAnswer)
	if err != nil {
		return query.Result{}, err
	}
	truncated := result.Stats.Truncated
	result.Stats = seen.stats
	result.Stats.Truncated = truncated
	result.Version, result.Versions = seen.version()
	return result, nil
}

// sight is what a statement sees: pinned versions, and the views of them.
type sight struct {
	views    []duck.View
	paths    []string
	versions map[dataset.Name]manifest.Version
	stats    query.Stats
	pins     []func()
}

func (s *sight) release() {
	for _, unpin := range s.pins {
		unpin()
	}
}

// version returns the version where there is one dataset, and else the versions.
func (s *sight) version() (manifest.Version, map[dataset.Name]manifest.Version) {
	if len(s.versions) == 1 {
		for _, v := range s.versions {
			return v, nil
		}
	}
	return 0, s.versions
}

// look pins every dataset that a statement reads, for as long as the sight lasts.
func (r *Runner) look(ctx context.Context, s *sight, q sqlgate.Query, open func(context.Context, dataset.Name) (engine.Visible, error)) error {
	if len(q.Datasets) > MaxDatasets {
		return fault.New(fault.Invalid, "sql_many_datasets", "a statement reads at most %d datasets", MaxDatasets)
	}
	s.versions = map[dataset.Name]manifest.Version{}
	for _, name := range q.Datasets {
		if err := name.Check(); err != nil {
			return err
		}
		over, err := open(ctx, name)
		if err != nil {
			return err
		}
		s.pins = append(s.pins, over.Release)
		if err := r.view(ctx, s, q, over); err != nil {
			return err
		}
		s.versions[name] = over.Version
	}
	return nil
}

func (r *Runner) view(ctx context.Context, s *sight, q sqlgate.Query, over engine.Visible) error {
	wants := make([]local.Want, len(over.Segments))
	for i, ref := range over.Segments {
		wants[i] = local.Want{Ref: ref, All: true}
		s.stats.RowsScanned += ref.Rows
		s.stats.Bytes += ref.Bytes
	}
	s.stats.Segments += len(wants)
	for _, part := range over.Tail {
		s.stats.RowsScanned += int64(part.Rows.Len)
	}
	paths, release, err := r.config.Files.Open(ctx, wants)
	if err != nil {
		return err
	}
	s.pins = append(s.pins, release)
	s.paths = append(s.paths, paths...)
	s.views = append(s.views, duck.ViewOf(sqlgate.Schema, over, paths, q.Reads))
	return nil
}

// faultOf says what became of a statement without an answer.
func faultOf(ctx context.Context, p *sandbox.Process, err error) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return fault.New(fault.Unavailable, "deadline", "the statement took longer than it may").
			WithHint("ask for less: a shorter time range, fewer groups, no join of everything with everything").Because(err)
	case !errors.Is(err, sandbox.ErrEnded):
		return err
	}
	p.End() // so that all it said is there
	said := p.Said()
	for _, memory := range []string{"out of memory", "cannot allocate memory", "bad_alloc", "Cannot allocate memory"} {
		if strings.Contains(said, memory) {
			return noMemory().Because(fmt.Errorf("%w: %s", err, said))
		}
	}
	return fault.New(fault.Invalid, "sql_crashed", "the statement ended the process that ran it").
		WithHint("it asked for more memory or processor time than there is for one statement; ask for less").Because(fmt.Errorf("%w: %s", err, said))
}

func noMemory() *fault.Error {
	return fault.New(fault.Invalid, "out_of_memory", "the statement needs more memory than it may have").
		WithHint("group by fewer distinct values, select fewer columns, or restrict the time")
}
