package erasure

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

// Shard is that whose records rewritings are.
const Shard stream.ShardID = "erase"

// Bounds of one rewriting: of what is in memory, and of a commit.
const (
	maxFiles = 30
	maxRows  = 1 << 20
)

// rewriting is what happens to one dataset in one run.
type rewriting struct {
	*run
	dataset dataset.Dataset
	clean   map[string]bool // segments that hold nothing; they never change
}

// all rewrites until nothing is found. Rows go first: the marks that they leave tell
// which duplicates go with them.
func (w *rewriting) all(ctx context.Context) error {
	for {
		more, err := w.step(ctx)
		if fault.Is(err, fault.Conflict) {
			continue // a merge or another erasure was faster: look again
		}
		if err != nil || !more {
			return retried(err)
		}
		if err := w.save(ctx); err != nil {
			return err
		}
	}
}

// step replaces some segments in one commit. It reports false when there are none.
func (w *rewriting) step(ctx context.Context) (more bool, err error) {
	swap, err := w.Manifest.Begin(ctx, w.job.Tenant, w.dataset.ID, Shard)
	if err != nil {
		return false, err
	}
	c := &change{Swap: swap, hasher: w.salt.Hasher(), lines: map[ledger.Account]ledger.Counts{}}
	for _, kinds := range [][]segment.Kind{{segment.Rows, segment.Quarantine}, {segment.Duplicates}} {
		if err := w.gather(ctx, kinds, c); err != nil || len(c.record.Old) > 0 {
			return err == nil, errOr(err, func() error { return w.commit(ctx, c) })
		}
	}
	return false, nil
}

func errOr(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// gather rewrites segments of some kinds into a change, as many as one commit takes.
func (w *rewriting) gather(ctx context.Context, kinds []segment.Kind, c *change) error {
	rows := int64(0)
	for _, ref := range c.State.Segments {
		if w.clean[ref.Key] || !slices.Contains(kinds, ref.Kind) {
			continue
		}
		if len(c.record.Old) > 0 && (len(c.record.Old) == maxFiles || rows+ref.Rows > maxRows) {
			return nil
		}
		had, err := w.rewrite(ctx, ref, c)
		switch {
		case err != nil:
			return err
		case had:
			rows += ref.Rows
		default:
			w.clean[ref.Key] = true
		}
	}
	return nil
}

func (w *rewriting) rewrite(ctx context.Context, ref segment.Ref, c *change) (had bool, err error) {
	switch ref.Kind {
	case segment.Rows:
		return w.rows(ctx, ref, c)
	case segment.Quarantine:
		return w.quarantined(ctx, ref, c)
	default:
		return w.duplicates(ctx, ref, c)
	}
}

// change is a commit in the making.
type change struct {
	manifest.Swap
	hasher  hasher
	record  record
	added   []segment.Ref
	erased  []segment.DuplicateRow // marks
	dropped []segment.DuplicateRow // marks
	lines   map[ledger.Account]ledger.Counts
}

// hasher hashes the ids of events.
type hasher interface {
	Event(d dataset.ID, id string) string
}

// record is what one commit did. It is stored by that commit, so that a certificate
// misses nothing and counts nothing twice.
type record struct {
	Old         []string `json:"old"`
	New         []string `json:"new"`
	Rows        int64    `json:"rows,omitempty"`
	Quarantined int64    `json:"quarantined,omitempty"`
	Duplicates  int64    `json:"duplicates,omitempty"`
}

// replace notes that a segment goes, and what comes in its place, if anything does.
func (c *change) replace(old segment.Ref, now ...segment.Ref) {
	c.record.Old = append(c.record.Old, old.Key)
	for _, ref := range now {
		c.record.New = append(c.record.New, ref.Key)
		c.added = append(c.added, ref)
	}
}

const records = "erasure#"

func (w *rewriting) recordKey(at stream.Sequence) table.Key {
	return table.Key{Partition: checkpoint.Partition(w.job.Tenant, w.dataset.ID), Sort: fmt.Sprintf("%s%s#%020s", records, w.job.ID, at)}
}

func (w *rewriting) commit(ctx context.Context, c *change) error {
	for _, marks := range []struct {
		kind segment.Kind
		all  []segment.DuplicateRow
	}{{segment.Erased, c.erased}, {segment.Dropped, c.dropped}} {
		if len(marks.all) == 0 {
			continue
		}
		ref, err := segment.WriteShort(ctx, w.Manifest.Blobs, c.Next(), marks.kind, marks.all)
		if err != nil {
			return err
		}
		c.added = append(c.added, ref)
	}
	text, err := json.Marshal(c.record)
	if err != nil {
		return err
	}
	done := manifest.Change{Add: c.added, Remove: c.record.Old, Ledger: ledger.Delta{Erased: c.record.Rows, Lines: ledger.Lines(c.lines)},
		Also: []table.Write{table.Put(table.Item{Key: w.recordKey(c.Sequence()), Body: text})}}
	if err = c.Swap.Commit(ctx, done); err == nil {
		w.Rows += c.record.Rows
	}
	return err
}
