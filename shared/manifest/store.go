package manifest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

const (
	snapshotEvery = 64        // entries between two snapshots of the state
	maxInline     = 300 << 10 // bytes of an entry that stays in its item
	MaxSegments   = 90        // segments that one commit may add and remove
	stateFolder   = "state"   // of snapshots, below the dataset's
)

// Store keeps the logs in a table, and snapshots and long entries in blobs.
type Store struct {
	Table table.Table
	Blobs blob.Store
	Now   func() time.Time
}

// Change is what a commit wants to do to a dataset.
type Change struct {
	Commit string // names the attempt: the same change has the same name
	Add    []segment.Ref
	Remove []string
	Schema dataset.Schema // what the added rows need; merged with what others have made of it
	Fresh  bool           // no row stays: Schema is all the schema there is
	Ledger ledger.Delta
	Mark   *MarkMove     // nil for a swap
	Also   []table.Write // further items of the transaction, with their conditions; few
}

// MarkMove is the part of a Change that advances a shard's mark.
type MarkMove struct {
	Shard    stream.Shard
	From, To checkpoint.Mark
}

func logKey(t tenant.ID, d dataset.ID, v Version) table.Key {
	return table.Key{Partition: checkpoint.Partition(t, d), Sort: fmt.Sprintf("log#%020d", v)}
}

func liveKey(t tenant.ID, d dataset.ID, segmentKey string) table.Key {
	return table.Key{Partition: checkpoint.Partition(t, d), Sort: "live#" + segmentKey}
}

func stateKey(t tenant.ID, d dataset.ID) table.Key {
	return table.Key{Partition: checkpoint.Partition(t, d), Sort: "state"}
}

// Load returns the newest state of a dataset, the zero State where nothing was
// ever committed.
func (s Store) Load(ctx context.Context, t tenant.ID, d dataset.ID) (State, error) {
	var st State
	item, err := s.Table.Get(ctx, stateKey(t, d))
	switch {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return State{}, err
	default:
		err := s.readBlob(ctx, item.Attributes["blob"], &st)
		if err != nil && !fault.Is(err, fault.NotFound) { // swept, since there is a newer one: the log tells it all
			return State{}, fmt.Errorf("state of %s: %w", d, err)
		}
	}
	return s.Refresh(ctx, t, d, st)
}

// Refresh returns the state after all entries that follow st.
func (s Store) Refresh(ctx context.Context, t tenant.ID, d dataset.ID, st State) (State, error) {
	q := table.Query{Partition: checkpoint.Partition(t, d), Prefix: "log#", From: logKey(t, d, st.Version+1).Sort}
	for {
		page, err := s.Table.List(ctx, q)
		if err != nil {
			return State{}, err
		}
		for _, item := range page.Items {
			e, err := s.entry(ctx, item)
			if err != nil {
				return State{}, err
			}
			if e.Version != st.Version+1 {
				return State{}, fmt.Errorf("the log of %s skips from %d to %d", d, st.Version, e.Version)
			}
			st = st.Next(e)
		}
		if page.Next == "" {
			return st, nil
		}
		q.Next = page.Next
	}
}

func (s Store) entry(ctx context.Context, item table.Item) (Entry, error) {
	var e Entry
	var err error
	if spilled := item.Attributes["blob"]; spilled != "" {
		err = s.readBlob(ctx, spilled, &e)
	} else {
		err = json.Unmarshal(item.Body, &e)
	}
	if err == nil && e.Format > format {
		err = fmt.Errorf("format %d is newer than this program", e.Format)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("entry %s: %w", item.Key.Sort, err)
	}
	return e, nil
}

// Commit makes a change visible and returns the state after it. It follows others
// who were faster in the log; it fails with fault.Conflict when the shard's mark
// has moved, when a segment to be removed is not live any more, or when a condition
// of what it writes also does not hold. After
// fault.Unavailable the outcome is unknown; committing the same Change again is safe.
func (s Store) Commit(ctx context.Context, t tenant.ID, d dataset.ID, st State, c Change) (State, error) {
	if len(c.Add)+len(c.Remove) > MaxSegments {
		return State{}, fmt.Errorf("a commit of %d segments", len(c.Add)+len(c.Remove))
	}
	for {
		st, err := s.Refresh(ctx, t, d, st)
		if err != nil {
			return State{}, err
		}
		if done, err := s.applied(ctx, t, d, c); err != nil {
			return State{}, err
		} else if done {
			return s.Refresh(ctx, t, d, st) // its entry may be newer than what was read before the mark
		}
		e := c.entry(st, s.Now())
		writes, err := s.writes(ctx, t, d, c, e)
		if err != nil {
			return State{}, err
		}
		err = s.Table.Commit(ctx, writes...)
		if err == nil {
			next := st.Next(e)
			s.snapshot(ctx, t, d, next)
			return next, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return State{}, err
		}
		if taken, readErr := s.taken(ctx, t, d, e.Version); readErr != nil || !taken {
			return State{}, firstError(readErr, err) // not a race for the version: the mark or a segment is gone
		}
	}
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// applied reports whether the change is in the log already: an earlier attempt
// went through and its answer was lost. It fails with fault.Conflict when the
// shard's mark is neither where the change begins nor where it ends.
func (s Store) applied(ctx context.Context, t tenant.ID, d dataset.ID, c Change) (bool, error) {
	if c.Mark == nil {
		return false, nil
	}
	now, err := checkpoint.Store{Table: s.Table}.Read(ctx, t, d, c.Mark.Shard)
	if err != nil {
		return false, err
	}
	switch {
	case now.Commit != "" && now.Commit == c.Commit:
		return true, nil
	case now.Through != c.Mark.From.Through:
		return false, fault.New(fault.Conflict, "mark_moved", "another worker folded shard %s", c.Mark.Shard.ID)
	}
	return false, nil
}

func (s Store) taken(ctx context.Context, t tenant.ID, d dataset.ID, v Version) (bool, error) {
	_, err := s.Table.Get(ctx, logKey(t, d, v))
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

func (c Change) entry(st State, now time.Time) Entry {
	e := Entry{Format: format, Version: st.Version + 1, Commit: c.Commit, At: now.UnixMicro(), Add: c.Add, Remove: c.Remove, Ledger: c.Ledger}
	next := MergeSchema(st.Schema, c.Schema)
	if c.Fresh {
		next = FreshSchema(st.Schema, c.Schema.Columns)
	}
	if next.Version != st.Schema.Version {
		e.Schema = &next
	}
	if c.Mark != nil {
		e.Shard, e.Through = c.Mark.Shard.ID, c.Mark.To.Through
	}
	return e
}

// writes lists the items of the transaction; docs/commit.md explains each.
func (s Store) writes(ctx context.Context, t tenant.ID, d dataset.ID, c Change, e Entry) ([]table.Write, error) {
	item := table.Item{Key: logKey(t, d, e.Version)}
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	item.Body = text
	if len(text) > maxInline {
		key := contentKey(t, d, "entry", text)
		if err := s.putBlob(ctx, key, text); err != nil {
			return nil, err
		}
		item.Body, item.Attributes = nil, map[string]string{"blob": key}
	}
	writes := []table.Write{table.Put(item).If(table.Absent)}
	if c.Mark != nil {
		writes = append(writes, checkpoint.Store{Table: s.Table}.Swap(t, d, c.Mark.Shard.ID, c.Mark.From, c.Mark.To))
	}
	for _, ref := range c.Add {
		writes = append(writes, table.Put(table.Item{Key: liveKey(t, d, ref.Key)}))
	}
	for _, key := range c.Remove {
		writes = append(writes, table.Delete(liveKey(t, d, key)).If(table.Present))
	}
	return append(writes, c.Also...), nil
}

// snapshot writes the state now and then, so that a reader need not fold the whole
// log. It may fail: the log is what counts.
func (s Store) snapshot(ctx context.Context, t tenant.ID, d dataset.ID, st State) {
	if st.Version%snapshotEvery != 0 {
		return
	}
	text, err := json.Marshal(st)
	if err != nil {
		return
	}
	key := contentKey(t, d, stateFolder, text)
	if s.putBlob(ctx, key, text) == nil {
		_ = s.Table.Commit(ctx, table.Put(table.Item{Key: stateKey(t, d), Attributes: map[string]string{"blob": key}})) // an older one serves as well
	}
}

func contentKey(t tenant.ID, d dataset.ID, what string, text []byte) string {
	sum := sha256.Sum256(text)
	return segment.Prefix(t, d) + what + "/" + hex.EncodeToString(sum[:16]) + ".json"
}

// putBlob stores a blob whose key names its content, so that it may be there already.
func (s Store) putBlob(ctx context.Context, key string, text []byte) error {
	if err := s.Blobs.Put(ctx, key, text); err != nil && !fault.Is(err, fault.Conflict) {
		return err
	}
	return nil
}

func (s Store) readBlob(ctx context.Context, key string, into any) error {
	r, err := s.Blobs.Get(ctx, key, 0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "blob_read", err)
	}
	return json.Unmarshal(text, into)
}
