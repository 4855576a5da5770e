package manifest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
	"github.com/tarnhq/tarn/shared/tenant"
)

// holds tells of segments that readers go to who know nothing of versions: until when,
// in UTC microseconds; 0 for those that the last Hold listed.
type holds map[string]int64

func holdKey(t tenant.ID, d dataset.ID) table.Key {
	return table.Key{Partition: stateKey(t, d).Partition, Sort: "held"}
}

// Hold keeps segments from being swept, live or not, because they are shown where
// versions do not count. What an earlier Hold listed and this one does not is kept for
// a while longer.
func (s Store) Hold(ctx context.Context, t tenant.ID, d dataset.ID, keys []string, after time.Duration) error {
	for {
		item, held, err := s.held(ctx, t, d)
		if err != nil {
			return err
		}
		next := held.next(keys, s.Now(), after)
		text, err := json.Marshal(next)
		if err != nil {
			return err
		}
		key := contentKey(t, d, stateFolder, text)
		if key == item.Attributes["blob"] {
			return nil
		}
		if err := s.putBlob(ctx, key, text); err != nil {
			return err
		}
		condition := table.Absent
		if was := item.Attributes["blob"]; was != "" {
			condition = table.Equal("blob", was)
		}
		err = s.Table.Commit(ctx, table.Put(table.Item{Key: holdKey(t, d), Attributes: map[string]string{"blob": key}}).If(condition))
		if !fault.Is(err, fault.Conflict) {
			return err
		} // somebody else held others meanwhile
	}
}

func (h holds) next(keys []string, now time.Time, after time.Duration) holds {
	next := holds{}
	for key, until := range h {
		if until == 0 {
			until = now.Add(after).UnixMicro()
		}
		if until > now.UnixMicro() {
			next[key] = until
		}
	}
	for _, key := range keys {
		next[key] = 0
	}
	return next
}

// held reads the last Hold. The item is the zero Item where there was none.
func (s Store) held(ctx context.Context, t tenant.ID, d dataset.ID) (table.Item, holds, error) {
	item, err := s.Table.Get(ctx, holdKey(t, d))
	if fault.Is(err, fault.NotFound) {
		return table.Item{}, nil, nil
	}
	if err != nil {
		return table.Item{}, nil, err
	}
	var h holds
	err = s.readBlob(ctx, item.Attributes["blob"], &h)
	return item, h, err
}

// add marks the segments that are held now.
func (h holds) add(kept map[string]bool, now time.Time) {
	for key, until := range h {
		if until == 0 || until > now.UnixMicro() {
			kept[key] = true
		}
	}
}
