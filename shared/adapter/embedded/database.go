package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/fault"
)

// database is the SQLite file behind the table and the queues. All changes go
// through one goroutine, which gathers what has come while it committed into the
// next transaction, each change in a savepoint of its own.
//
// What makes a commit durable: in WAL mode with synchronous=FULL, SQLite syncs the
// log (and, when it is new, its folder) before COMMIT returns; after a crash it
// takes over the transactions whose frames are whole by their checksums. In the
// default of WAL mode, synchronous=NORMAL, a power cut could undo commits.
type database struct {
	name    string // for sql.Open
	readers *sql.DB
	queries sync.Map // prepared for readers, by text
	writer  *sql.DB
	space   *disk.Space
	changes chan *change
	count   atomic.Uint64 // of transactions
	closing chan struct{}
	end     sync.Once
	writing sync.WaitGroup
}

// change is a part of a transaction. do may be run for naught: the transaction
// may fail after it.
type change struct {
	size int // bytes it will roughly write
	do   func(*transaction) error
	done chan error
}

// gathered bounds the changes of one transaction.
const gathered = 512

// tables are as any version of Tarn leaves them; versions only add to them.
const tables = `
create table if not exists items (
	partition blob not null, sort blob not null,
	attributes text, counters text, body blob, expires integer,
	primary key (partition, sort)) without rowid;
create index if not exists items_by_expiry on items (expires) where expires is not null;
create table if not exists messages (
	id integer primary key autoincrement, queue text not null, body blob not null,
	visible integer not null, tries integer not null, receptions integer not null);
create index if not exists messages_by_time on messages (queue, visible, id);`

func openDatabase(path string, space *disk.Space) (*database, error) {
	name := "file:" + (&url.URL{Path: path}).EscapedPath() +
		"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)&_pragma=secure_delete(on)"
	writer, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1)
	readers, err := sql.Open("sqlite", name+"&_pragma=query_only(on)")
	if err != nil {
		return nil, err
	}
	readers.SetMaxOpenConns(8)
	readers.SetMaxIdleConns(8)
	if _, err := writer.Exec(tables); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), writer.Close(), readers.Close())
	}
	db := &database{name: name, readers: readers, writer: writer, space: space, changes: make(chan *change, gathered), closing: make(chan struct{})}
	started := make(chan error)
	db.writing.Go(func() { db.write(started) })
	if err := <-started; err != nil {
		return nil, errors.Join(err, db.close())
	}
	return db, nil
}

func (db *database) close() error {
	db.end.Do(func() { close(db.closing) })
	db.writing.Wait()
	return errors.Join(db.readers.Close(), db.writer.Close())
}

var errClosed = fault.New(fault.Unavailable, "store_closed", "the store is closed")

// change runs do in the next transaction and returns its error, or that of the
// transaction. When it returns nil, the change survives a crash.
func (db *database) change(ctx context.Context, size int, do func(*transaction) error) error {
	c := &change{size: size, do: do, done: make(chan error, 1)}
	select {
	case <-db.closing:
		return errClosed
	default:
	}
	select {
	case db.changes <- c:
	case <-db.closing:
		return errClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// write is the writer's goroutine.
func (db *database) write(started chan<- error) {
	tx, err := begin(db.writer)
	started <- err
	if err != nil {
		return
	}
	defer tx.close()
	for {
		select {
		case c := <-db.changes:
			tx.commit(db.space, &db.count, db.gather(c))
		case <-db.closing:
			db.refuse()
			return
		}
	}
}

// gather returns the first change and those that wait behind it.
func (db *database) gather(first *change) []*change {
	batch := []*change{first}
	for len(batch) < gathered {
		select {
		case c := <-db.changes:
			batch = append(batch, c)
		default:
			return batch
		}
	}
	return batch
}

// refuse answers the changes that came while the database was closed.
func (db *database) refuse() {
	for {
		select {
		case c := <-db.changes:
			c.done <- errClosed
		default:
			return
		}
	}
}

// scrub empties the write-ahead log: what was overwritten in the database, where deleted
// bytes are zeros, is in no file then.
func (db *database) scrub(ctx context.Context) error {
	other, err := sql.Open("sqlite", db.name)
	if err != nil {
		return err
	}
	defer other.Close()
	var busy, frames, moved int
	if err := other.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &frames, &moved); err != nil {
		return unavailable(err)
	}
	if busy != 0 {
		return fault.New(fault.Unavailable, "store_busy", "readers keep the write-ahead log from being emptied")
	}
	return nil
}

// query reads what has been committed. Its text is one of a few.
func (db *database) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if s, ok := db.queries.Load(text); ok {
		return s.(*sql.Stmt).QueryContext(ctx, args...)
	}
	s, err := db.readers.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if first, taken := db.queries.LoadOrStore(text, s); taken {
		_ = s.Close()
		s = first.(*sql.Stmt)
	}
	return s.QueryContext(ctx, args...)
}

// unavailable gives an error of SQLite its kind.
func unavailable(err error) error {
	if fault.Is(err, fault.Unavailable) {
		return err
	}
	return fault.Wrap(fault.Unavailable, "store_failed", err)
}
