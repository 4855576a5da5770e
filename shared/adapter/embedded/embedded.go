// Package embedded implements the infrastructure ports in one data folder, for a
// server that is a single process: the table and the queues in a SQLite file, the
// blobs as files, the stream as a log of its own (package eventlog), push over the
// process's own WebSocket connections. What any of them acknowledges survives a
// kill -9 and a power cut.
//
//	DIR/lock         held while a process uses the folder
//	DIR/tarn.db      table and queues
//	DIR/stream/      the event log
//	DIR/blobs/       blobs by key
//	DIR/passing/     blobs that are being written; emptied at each start
//	DIR/secrets      sealed values of port secret (package vault)
//	DIR.key          opens them: beside the folder, so that no copy of it has both
package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
	"github.com/tarnhq/tarn/shared/adapter/embedded/eventlog"
	"github.com/tarnhq/tarn/shared/adapter/embedded/vault"
	"github.com/tarnhq/tarn/shared/queue"
	"github.com/tarnhq/tarn/shared/secret"
	"github.com/tarnhq/tarn/shared/table"
)

// Options of a Store. The zero value of each field means its default.
type Options struct {
	Now       func() time.Time                 // time.Now
	Shards    int                              // of the stream when the folder is new: 4
	Retention time.Duration                    // of the stream's records: 7 days
	BaseURL   string                           // where Blobs is served, for presigned URLs; no final slash: http://localhost:8080
	Reserve   uint64                           // bytes of the disk that are left free: 64 MiB
	Free      func(dir string) (uint64, error) // tells how much is free: disk.Free
	KeyFile   string                           // seals the secrets: the name of the folder, followed by .key
	Disk      disk.FS                          // holds blobs, stream and secrets: the machine's. SQLite keeps to the machine's
	Stream    eventlog.Options                 // sizes of the event log; what stands above wins
}

func (o Options) filled() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Free == nil {
		o.Free = disk.Free
	}
	if o.Disk == nil {
		o.Disk = disk.OS{}
	}
	o.BaseURL = cmp.Or(o.BaseURL, "http://localhost:8080")
	o.Reserve = cmp.Or(o.Reserve, 64<<20)
	o.Stream.Now = o.Now
	o.Stream.Shards = cmp.Or(o.Shards, o.Stream.Shards)
	o.Stream.Retention = cmp.Or(o.Retention, o.Stream.Retention)
	return o
}

// Store is an open data folder.
type Store struct {
	lock    *os.File
	db      *database
	items   *items
	blobs   *Blobs
	stream  *eventlog.Log
	secrets *vault.Vault
	sockets Sockets

	mu     sync.Mutex
	queues map[string]*messages

	stop    context.CancelFunc
	sweeper sync.WaitGroup
}

// Open opens a data folder, which it makes if there is none. It fails if another
// process uses the folder, or if the event log is damaged.
func Open(dir string, options Options) (*Store, error) {
	options = options.filled()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := (disk.OS{}).SyncDir(filepath.Dir(dir)); err != nil {
		return nil, err
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{lock: lock, queues: map[string]*messages{}}
	if err := s.open(dir, options); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.sweeper.Go(func() { s.sweep(ctx) })
	return s, nil
}

func (s *Store) open(dir string, options Options) error {
	space := &disk.Space{Dir: dir, Reserve: options.Reserve, Free: options.Free, Now: options.Now}
	var err error
	if s.db, err = openDatabase(filepath.Join(dir, "tarn.db"), space); err != nil {
		return err
	}
	s.items = &items{db: s.db, now: options.Now}
	keys := cmp.Or(options.KeyFile, dir+".key")
	if s.secrets, err = vault.Open(vault.Config{Disk: options.Disk, Space: space, Path: filepath.Join(dir, "secrets"), Key: keys}); err != nil {
		return fmt.Errorf("secrets: %w", err)
	}
	presign, err := loadPresign(s.secrets, options.Disk, dir)
	if err != nil {
		return fmt.Errorf("the key of presigned URLs: %w", err)
	}
	signs := signer{base: options.BaseURL, secret: presign, now: options.Now}
	if s.blobs, err = openBlobs(filepath.Join(dir, "blobs"), filepath.Join(dir, "passing"), options.Disk, space, signs); err != nil {
		return fmt.Errorf("blobs: %w", err)
	}
	options.Stream.Disk, options.Stream.Space = options.Disk, space
	if s.stream, err = eventlog.Open(filepath.Join(dir, "stream"), options.Stream); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	return nil
}

// Table returns the table.
func (s *Store) Table() table.Table { return s.items }

// Changes returns a number that grows with every change of the table, before the one
// who made it is told. Nobody else changes it: the folder is this process's alone.
func (s *Store) Changes() uint64 { return s.db.count.Load() }

// Blob returns the blobs. They serve their presigned URLs under BlobPath.
func (s *Store) Blob() *Blobs { return s.blobs }

// Stream returns the event log.
func (s *Store) Stream() *eventlog.Log { return s.stream }

// Secrets returns the secrets.
func (s *Store) Secrets() secret.Store { return s.secrets }

// RotateKey has the secrets sealed under a new key, which replaces the one in the key file.
func (s *Store) RotateKey() error { return s.secrets.Rotate() }

// Scrub has the table's file hold nothing that was deleted or overwritten.
func (s *Store) Scrub(ctx context.Context) error { return s.db.scrub(ctx) }

// Push returns the WebSocket connections. Their Handler has to be mounted.
func (s *Store) Push() *Sockets { return &s.sockets }

// Queue returns the queue of a name, whose messages fail after so many tries (5
// if tries is 0). All callers of one name share one queue, and the tries of the
// first.
func (s *Store) Queue(name string, tries int) queue.Queue {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queues[name]
	if !ok {
		q = &messages{db: s.db, now: s.items.now, name: name, tries: cmp.Or(tries, 5)}
		s.queues[name] = q
	}
	return q
}

// Close waits for what is under way and gives the folder free. Later calls answer
// fault.Unavailable.
func (s *Store) Close() error {
	var errs []error
	if s.stop != nil {
		s.stop()
		s.sweeper.Wait()
	}
	s.sockets.close()
	if s.stream != nil {
		errs = append(errs, s.stream.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.close())
	}
	return errors.Join(append(errs, s.lock.Close())...)
}

// sweep deletes expired items now and then. A failure waits for the next time:
// nobody sees expired items in the meantime.
func (s *Store) sweep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		_ = s.items.sweep(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
