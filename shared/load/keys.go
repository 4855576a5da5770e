package load

import (
	"encoding/binary"
	"hash/maphash"
	"slices"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
)

// keys are the keys that an upsert has met, and the row that counts of each. A key is
// known by 128 bits of hashes whose seeds nobody can know: two keys are never taken for
// one.
type keys struct {
	names []string
	seeds [2]maphash.Seed
	place map[[2]uint64]place
	text  []byte // memory
}

// place is a row of a segment of the load's own; in no segment: the row is gone.
type place struct{ segment, row int32 }

const nowhere = -1

// maxKeys bounds the memory that they take to some 2 GB.
const maxKeys = 30_000_000

func newKeys(names []string) *keys {
	return &keys{names: names, seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, place: map[[2]uint64]place{}}
}

// columns returns the columns of a batch that are the key, and the name of one that it
// does not have.
func (k *keys) columns(batch rows.Batch) (all []*rows.Column, missing string) {
	for _, name := range k.names {
		i := slices.IndexFunc(batch.Columns, func(c rows.Column) bool { return c.Name == name })
		if i < 0 {
			return nil, name
		}
		all = append(all, &batch.Columns[i])
	}
	return all, ""
}

// needed is columns of rows that must have them.
func (k *keys) needed(batch rows.Batch) ([]*rows.Column, error) {
	all, missing := k.columns(batch)
	if missing != "" {
		return nil, fault.New(fault.Invalid, "no_key", "the rows have no column %q, which is part of the key", missing).
			WithHint("name columns that all rows have")
	}
	return all, nil
}

// of returns the key of a row. A value is its text, so that it is the same whether the
// column has been widened meanwhile or not. It reports false where a part of it is null.
func (k *keys) of(columns []*rows.Column, row int) (key [2]uint64, ok bool) {
	k.text = k.text[:0]
	for _, c := range columns {
		if c.IsNull(row) {
			return key, false
		}
		begin := len(k.text) + 4
		k.text = c.AppendText(append(k.text, 0, 0, 0, 0), row)
		binary.LittleEndian.PutUint32(k.text[begin-4:], uint32(len(k.text)-begin)) // #nosec G115 -- a value of a row
	}
	return [2]uint64{maphash.Bytes(k.seeds[0], k.text), maphash.Bytes(k.seeds[1], k.text)}, true
}

// gone notes that rows are no more.
func (a *attempt) gone(batch rows.Batch) error {
	columns, err := a.keys.needed(batch)
	if err != nil {
		return err
	}
	for row := range batch.Len {
		key, ok := a.keys.of(columns, row)
		if !ok {
			continue // no row has it
		}
		a.bury(key)
		a.keys.place[key] = place{segment: nowhere}
	}
	return a.keys.bounded()
}

// bury ends the row of the load's own that has a key, if there is one.
func (a *attempt) bury(key [2]uint64) {
	if was, ok := a.keys.place[key]; ok && was.segment != nowhere {
		a.own[was.segment].dead = append(a.own[was.segment].dead, was.row)
	}
}

// newest returns those of some rows that are the last with their key, in their order, and
// notes them as the next segment. Rows without a key go to quarantine.
func (a *attempt) newest(batch rows.Batch, selection []int32) ([]int32, error) {
	columns, err := a.keys.needed(batch)
	if err != nil {
		return nil, err
	}
	next := int32(len(a.own)) // #nosec G115 -- a few
	var kept []int32
	var met [][2]uint64
	for _, row := range slices.Backward(selection) {
		key, ok := a.keys.of(columns, int(row))
		if !ok {
			if err := a.bad.add(keyless(batch, row, a.Key)); err != nil {
				return nil, err
			}
			continue
		}
		if was, ok := a.keys.place[key]; ok && was.segment == next {
			continue
		}
		a.bury(key)
		a.keys.place[key] = place{segment: next}
		kept, met = append(kept, row), append(met, key)
	}
	slices.Reverse(kept)
	for i, key := range met {
		a.keys.place[key] = place{next, int32(len(met) - 1 - i)} // #nosec G115 -- a row of a segment
	}
	return kept, a.keys.bounded()
}

func (k *keys) bounded() error {
	if len(k.place) > maxKeys {
		return fault.New(fault.TooLarge, "too_many_keys", "an upsert has at most %d keys", maxKeys).WithHint("load the rows in several loads")
	}
	return nil
}
