package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Record is an entry with what lies beside it.
type Record struct {
	Entry
	Hash   Hash
	Salt   string          // of the payload; empty once that is erased
	Sent   json.RawMessage // the payload; nil once it is erased
	Erased bool

	encoded []byte
}

// Line returns the record as a line of an export: the bytes of "entry" are those of its
// hash, and salt and "sent" those of its payload's.
func (r Record) Line() []byte {
	return append(plain(struct {
		Entry  json.RawMessage `json:"entry"`
		Hash   Hash            `json:"hash"`
		Salt   string          `json:"salt,omitempty"`
		Sent   json.RawMessage `json:"sent,omitempty"`
		Erased bool            `json:"erased,omitempty"`
	}{r.encoded, r.Hash, r.Salt, r.Sent, r.Erased}), '\n')
}

// Between returns the numbers of a tenant's entries from a time on and before another:
// the first, and the one past the last. A zero time is no bound.
func (s *Store) Between(ctx context.Context, t tenant.ID, from, to time.Time) (first, past uint64, err error) {
	head, err := s.head(ctx, t)
	if err != nil {
		return 0, 0, err
	}
	first, past = 1, head.Number+1
	if !from.IsZero() {
		if first, err = s.since(ctx, t, past, from); err != nil {
			return 0, 0, err
		}
	}
	if !to.IsZero() {
		past, err = s.since(ctx, t, past, to)
	}
	return first, max(first, past), err
}

// since returns the first number before past whose entry is not before a time, or past.
// Times never go back along a chain.
func (s *Store) since(ctx context.Context, t tenant.ID, past uint64, at time.Time) (uint64, error) {
	low := uint64(1)
	for low < past {
		middle := low + (past-low)/2
		item, err := s.inner.Get(ctx, entryKey(t, middle))
		if fault.Is(err, fault.NotFound) {
			return 0, broken(t, middle, "is missing")
		}
		if err != nil {
			return 0, err
		}
		e, err := decode(item.Body)
		if err != nil {
			return 0, broken(t, middle, err.Error())
		}
		if e.Time.Before(at) {
			low = middle + 1
		} else {
			past = middle
		}
	}
	return low, nil
}

func broken(t tenant.ID, number uint64, why string) error {
	return fmt.Errorf("the audit log of %s is broken: entry %d %s", t, number, why)
}

// Each calls a function with a tenant's entries, in order of their numbers from first to
// before past, until it wants no more.
func (s *Store) Each(ctx context.Context, t tenant.ID, first, past uint64, do func(Record) (more bool, err error)) error {
	entries := s.walk(t, entryKey(t, first), entryPrefix)
	sent := s.walk(t, payloadKey(t, first), "")
	for number := first; number < past; number++ {
		item, ok, err := entries.next(ctx)
		if err != nil || !ok {
			return err
		}
		r, err := recordOf(item)
		if err != nil {
			return broken(t, number, err.Error())
		}
		if err := r.complete(ctx, sent, t); err != nil {
			return err
		}
		if more, err := do(r); err != nil || !more {
			return err
		}
	}
	return nil
}

func recordOf(item table.Item) (Record, error) {
	e, err := decode(item.Body)
	return Record{Entry: e, Hash: hashOf(item.Body), encoded: item.Body}, err
}

// complete reads what lies beside an entry. A payload that is not there at all is left
// to Verify.
func (r *Record) complete(ctx context.Context, sent *walk, t tenant.ID) error {
	item, ok, err := sent.at(ctx, payloadKey(t, r.Number).Sort)
	if err != nil || !ok {
		return err
	}
	r.Erased = item.Attributes[erasedBy] != ""
	if !r.Erased {
		r.Salt, r.Sent = item.Attributes["salt"], item.Body
	}
	return nil
}

// walk goes over the items of a partition in order.
type walk struct {
	table table.Table
	query table.Query
	items []table.Item
	ended bool
}

func (s *Store) walk(t tenant.ID, from table.Key, prefix string) *walk {
	return &walk{table: s.inner, query: table.Query{Partition: from.Partition, Prefix: prefix, From: from.Sort}}
}

// peek returns the item that is next, and false at the end.
func (w *walk) peek(ctx context.Context) (table.Item, bool, error) {
	for len(w.items) == 0 {
		if w.ended {
			return table.Item{}, false, nil
		}
		page, err := w.table.List(ctx, w.query)
		if err != nil {
			return table.Item{}, false, err
		}
		w.items, w.query.Next, w.ended = page.Items, page.Next, page.Next == ""
	}
	return w.items[0], true, nil
}

func (w *walk) next(ctx context.Context) (table.Item, bool, error) {
	item, ok, err := w.peek(ctx)
	if ok {
		w.items = w.items[1:]
	}
	return item, ok, err
}

// at passes over what is before a sort key and returns the item there, if there is one.
func (w *walk) at(ctx context.Context, sort string) (table.Item, bool, error) {
	for {
		item, ok, err := w.peek(ctx)
		if err != nil || !ok || strings.Compare(item.Key.Sort, sort) > 0 {
			return table.Item{}, false, err
		}
		w.items = w.items[1:]
		if item.Key.Sort == sort {
			return item, true, nil
		}
	}
}
