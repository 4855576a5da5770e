package erasure

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tarnhq/tarn/shared/checkpoint"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/stream"
	"github.com/tarnhq/tarn/shared/table"
)

// Shard is that whose records rewritings are, as merges are those of another: each has
// the next sequence in the names of its files, and moves the mark there.
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
	t, d := w.job.Tenant, w.dataset.ID
	mark, err := checkpoint.Store{Table: w.Manifest.Table}.Read(ctx, t, d, stream.Shard{ID: Shard})
	if err != nil {
		return false, err
	}
	st, err := w.Manifest.Load(ctx, t, d)
	if err != nil {
		return false, err
	}
	sequence := mark.Through.Next()
	c := &change{origin: segment.Origin{Tenant: t, Dataset: d, Shard: Shard, From: sequence, Through: sequence}, hasher: w.salt.Hasher(), lines: map[ledger.Account]ledger.Counts{}}
	for _, kinds := range [][]segment.Kind{{segment.Rows, segment.Quarantine}, {segment.Duplicates}} {
		if err := w.gather(ctx, st, kinds, c); err != nil || len(c.record.Old) > 0 {
			return err == nil, errOr(err, func() error { return w.commit(ctx, st, mark, c) })
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
func (w *rewriting) gather(ctx context.Context, st manifest.State, kinds []segment.Kind, c *change) error {
	rows := int64(0)
	for _, ref := range st.Segments {
		if w.clean[ref.Key] || !slices.Contains(kinds, ref.Kind) {
			continue
		}
		if len(c.record.Old) > 0 && (len(c.record.Old) == maxFiles || rows+ref.Rows > maxRows) {
			return nil
		}
		had, err := w.rewrite(ctx, st, ref, c)
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

func (w *rewriting) rewrite(ctx context.Context, st manifest.State, ref segment.Ref, c *change) (had bool, err error) {
	switch ref.Kind {
	case segment.Rows:
		return w.rows(ctx, st, ref, c)
	case segment.Quarantine:
		return w.quarantined(ctx, ref, c)
	default:
		return w.duplicates(ctx, st, ref, c)
	}
}

// change is a commit in the making.
type change struct {
	origin  segment.Origin
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

func recordKey(o segment.Origin, j string) table.Key {
	return table.Key{Partition: checkpoint.Partition(o.Tenant, o.Dataset), Sort: fmt.Sprintf("%s%s#%020s", records, j, o.From)}
}

func (w *rewriting) commit(ctx context.Context, st manifest.State, mark checkpoint.Mark, c *change) error {
	for _, marks := range []struct {
		kind segment.Kind
		all  []segment.DuplicateRow
	}{{segment.Erased, c.erased}, {segment.Dropped, c.dropped}} {
		if len(marks.all) == 0 {
			continue
		}
		ref, err := segment.WriteShort(ctx, w.Manifest.Blobs, c.origin, marks.kind, marks.all)
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
		Also: []table.Write{table.Put(table.Item{Key: recordKey(c.origin, string(w.job.ID)), Body: text})}}
	done.Commit = c.name()
	done.Mark = &manifest.MarkMove{Shard: stream.Shard{ID: Shard}, From: mark, To: mark.Advance(c.origin.From, done.Commit, checkpoint.Seen{})}
	if _, err = w.Manifest.Commit(ctx, w.job.Tenant, w.dataset.ID, st, done); err == nil {
		w.Rows += c.record.Rows
	}
	return err
}

// name names the attempt after what it does, so that it is recognized when the answer
// to its commit is lost.
func (c *change) name() string {
	keys := slices.Clone(c.record.Old)
	for _, ref := range c.added {
		keys = append(keys, ref.Key)
	}
	sum := sha256.Sum256([]byte(strings.Join(keys, "\n")))
	return string(Shard) + " " + string(c.origin.From) + " " + hex.EncodeToString(sum[:8])
}
