package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Folder is where copies of chains are, by tenant and the number of their first entry.
const Folder = "audit/"

// maxCopy is how large a copy is, in bytes, give or take an entry.
const maxCopy = 4 << 20

// Copier copies chains to where nobody can change them: entries in their canonical
// encoding, one a line. What was sent is not copied, because it must be erasable; its
// hashes are. Before it copies it verifies that the chain goes on from the last copy.
type Copier struct {
	Log   *Store
	Blobs blob.Store
}

// Copied is what a run did.
type Copied struct {
	Entries uint64 `json:"entries"`
	Broken  int    `json:"broken"` // chains of which the error tells
	More    bool   `json:"more"`   // time ran out
}

// Run copies what is new of all chains, until there is enough. It goes on past a chain
// that is broken or cannot be copied, and returns the errors.
func (c Copier) Run(ctx context.Context, enough func() bool) (Copied, error) {
	var done Copied
	var errs []error
	all := c.Log.walk("", table.Key{Partition: tenants}, "")
	for !enough() {
		item, ok, err := all.next(ctx)
		if err != nil || !ok {
			return done, errors.Join(append(errs, err)...)
		}
		n, err := c.copy(ctx, tenant.ID(item.Key.Sort), enough)
		done.Entries += n
		if err != nil {
			done.Broken++
			errs = append(errs, err)
		}
	}
	done.More = true
	return done, errors.Join(errs...)
}

// copy copies what is new of a chain and returns how many entries that were.
func (c Copier) copy(ctx context.Context, t tenant.ID, enough func() bool) (uint64, error) {
	last, err := c.last(ctx, t)
	if err != nil {
		return 0, err
	}
	report, err := c.Log.Verify(ctx, t, last, enough)
	if err != nil {
		return 0, err
	}
	copied := last
	for copied.Number < report.Through.Number && !enough() {
		if copied, err = c.piece(ctx, t, copied, report.Through); err != nil {
			return copied.Number - last.Number, err
		}
	}
	if report.Broken != nil {
		return copied.Number - last.Number, broken(t, report.Broken.Number, report.Broken.Reason)
	}
	return copied.Number - last.Number, nil
}

func copyKey(t tenant.ID, first uint64) string {
	return fmt.Sprintf("%s%s/%020d.ndjson", Folder, t, first)
}

// last returns the last entry that is copied. Where the table says so is only a hint:
// the copy itself tells.
func (c Copier) last(ctx context.Context, t tenant.ID) (Head, error) {
	hint, err := c.Log.inner.Get(ctx, copiedKey(t))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return Head{}, err
	}
	if first, err := strconv.ParseUint(hint.Attributes["first"], 10, 64); err == nil {
		if head, err := c.end(ctx, copyKey(t, first)); !fault.Is(err, fault.NotFound) {
			return head, err
		}
	}
	key := ""
	for next := ""; ; {
		page, err := c.Blobs.List(ctx, Folder+string(t)+"/", next, 0)
		if err != nil {
			return Head{}, err
		}
		if n := len(page.Blobs); n > 0 {
			key = page.Blobs[n-1].Key
		}
		if next = page.Next; next == "" {
			break
		}
	}
	if key == "" {
		return Head{}, nil
	}
	return c.end(ctx, key)
}

func copiedKey(t tenant.ID) table.Key { return table.Key{Partition: partition(t), Sort: "copied"} }

// end returns the last entry of a copy.
func (c Copier) end(ctx context.Context, key string) (Head, error) {
	text, err := c.read(ctx, key)
	if err != nil {
		return Head{}, err
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	encoded := lines[len(lines)-1]
	e, err := decode(encoded)
	if err != nil {
		return Head{}, fmt.Errorf("copy %s: its last entry %w", key, err)
	}
	return Head{Number: e.Number, Hash: hashOf(encoded), time: e.Time}, nil
}

func (c Copier) read(ctx context.Context, key string) (text []byte, err error) {
	body, err := c.Blobs.Get(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	return io.ReadAll(body)
}

// piece copies entries after the last that is copied, and returns the new last one. A copy
// that is there already must be the same: an earlier run made it and died.
func (c Copier) piece(ctx context.Context, t tenant.ID, last, through Head) (Head, error) {
	var text bytes.Buffer
	first := last.Number + 1
	err := c.Log.Each(ctx, t, first, through.Number+1, func(r Record) (bool, error) {
		text.Write(r.encoded)
		text.WriteByte('\n')
		last = Head{Number: r.Number, Hash: r.Hash, time: r.Time}
		return text.Len() < maxCopy, nil
	})
	if err != nil {
		return last, err
	}
	key := copyKey(t, first)
	err = c.Blobs.Put(ctx, key, text.Bytes())
	if fault.Is(err, fault.Conflict) {
		last, err = c.same(ctx, t, key, first, text.Bytes())
	}
	if err != nil {
		return last, err
	}
	hint := table.Item{Key: copiedKey(t), Attributes: map[string]string{"first": strconv.FormatUint(first, 10)}}
	return last, c.Log.inner.Commit(ctx, table.Put(hint))
}

// same compares the chain with a copy that is there already, which may hold less.
func (c Copier) same(ctx context.Context, t tenant.ID, key string, first uint64, text []byte) (Head, error) {
	was, err := c.read(ctx, key)
	if err != nil {
		return Head{}, err
	}
	if !bytes.HasPrefix(text, was) {
		return Head{}, broken(t, first, "or one after it is not the one that was copied")
	}
	return c.end(ctx, key)
}
