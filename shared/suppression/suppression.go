// Package suppression knows whose events must not be stored any more: subjects that
// were erased. It keeps no subject, but keyed hashes, in a list for each tenant that
// only grows. Who folds events asks the newest List; what was folded under an older one
// cannot be committed once the dataset's Guard is past it. docs/erasure.md says why.
package suppression

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Edition counts the entries of a tenant's list. Zero is the empty list.
type Edition uint64

// Store keeps the lists in a table.
type Store struct{ Table table.Table }

// List is a tenant's list as of an edition. It does not change. The zero List is empty.
type List struct {
	Edition  Edition
	salt     Salt
	subjects map[Hash][]dataset.ID // the datasets that are meant; an empty one stands for all
}

const entries = "entry#"

func key(t tenant.ID, sort string) table.Key {
	return table.Key{Partition: "suppressions#" + string(t), Sort: sort}
}

func entryKey(t tenant.ID, e Edition) table.Key { return key(t, fmt.Sprintf("%s%020d", entries, e)) }

// Salt returns a tenant's salt, which it makes at the first time.
func (s Store) Salt(ctx context.Context, t tenant.ID) (Salt, error) {
	at := key(t, "salt")
	item, err := s.Table.Get(ctx, at)
	if err == nil {
		return hex.DecodeString(item.Attributes["salt"])
	}
	if !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	fresh := make(Salt, 32)
	_, _ = rand.Read(fresh) // never fails
	err = s.Table.Commit(ctx, table.Put(table.Item{Key: at, Attributes: map[string]string{"salt": hex.EncodeToString(fresh)}}).If(table.Absent))
	if fault.Is(err, fault.Conflict) {
		return s.Salt(ctx, t) // somebody was faster
	}
	return fresh, err
}

// Add suppresses a subject in a dataset, in all for an empty one, and returns the first
// edition that has it. To add the same again changes nothing.
func (s Store) Add(ctx context.Context, t tenant.ID, h Hash, only dataset.ID) (Edition, error) {
	if _, err := s.Salt(ctx, t); err != nil {
		return 0, err
	}
	for {
		there, err := s.edition(ctx, key(t, "subject#"+h.String()+"#"+string(only)))
		if err != nil || there > 0 {
			return there, err
		}
		last, err := s.edition(ctx, key(t, "head"))
		if err != nil {
			return 0, err
		}
		if err := s.append(ctx, t, h, only, last); !fault.Is(err, fault.Conflict) {
			return last + 1, err
		} // another entry was faster
	}
}

func (s Store) append(ctx context.Context, t tenant.ID, h Hash, only dataset.ID, last Edition) error {
	at := func(sort string) table.Item { return numbered(key(t, sort), last+1) }
	entry := table.Item{Key: entryKey(t, last+1), Attributes: map[string]string{"subject": h.String(), "dataset": string(only)}}
	return s.Table.Commit(ctx,
		table.Put(at("head")).If(is(last)),
		table.Put(entry).If(table.Absent),
		table.Put(at("subject#"+h.String()+"#"+string(only))).If(table.Absent))
}

// Newest returns the newest list, of which was is an earlier state.
func (s Store) Newest(ctx context.Context, t tenant.ID, was List) (List, error) {
	next := was
	q := table.Query{Partition: key(t, "").Partition, Prefix: entries, From: entryKey(t, was.Edition+1).Sort}
	for {
		page, err := s.Table.List(ctx, q)
		if err != nil {
			return List{}, err
		}
		if next, err = next.with(page.Items); err != nil {
			return List{}, err
		}
		if q.Next = page.Next; q.Next == "" {
			break
		}
	}
	if next.Edition > 0 && next.salt == nil {
		var err error
		if next.salt, err = s.Salt(ctx, t); err != nil {
			return List{}, err
		}
	}
	return next, nil
}

func (l List) with(items []table.Item) (List, error) {
	if len(items) == 0 {
		return l, nil
	}
	next := List{Edition: l.Edition, salt: l.salt, subjects: maps.Clone(l.subjects)}
	if next.subjects == nil {
		next.subjects = map[Hash][]dataset.ID{}
	}
	for _, item := range items {
		h, err := ParseHash(item.Attributes["subject"])
		if err != nil {
			return List{}, fmt.Errorf("suppression %s: %w", item.Key.Sort, err)
		}
		only := next.subjects[h]
		next.subjects[h] = append(only[:len(only):len(only)], dataset.ID(item.Attributes["dataset"]))
		next.Edition++
	}
	return next, nil
}

// Has reports whether a subject is suppressed in a dataset.
func (l List) Has(d dataset.ID, h Hash) bool {
	only := l.subjects[h]
	return slices.Contains(only, "") || slices.Contains(only, d)
}

// edition reads an item that numbered wrote: zero where there is none.
func (s Store) edition(ctx context.Context, at table.Key) (Edition, error) {
	item, err := s.Table.Get(ctx, at)
	if fault.Is(err, fault.NotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(item.Attributes["edition"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("suppression %s: %w", at.Sort, err)
	}
	return Edition(n), nil
}

func numbered(at table.Key, e Edition) table.Item {
	return table.Item{Key: at, Attributes: map[string]string{"edition": strconv.FormatUint(uint64(e), 10)}}
}

// is holds of an item that numbered wrote; of none for zero.
func is(e Edition) table.Condition {
	if e == 0 {
		return table.Absent
	}
	return table.Equal("edition", strconv.FormatUint(uint64(e), 10))
}
