package enrich

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
	"github.com/tarnhq/tarn/shared/tenant"
)

// Bounds of a table that is looked up in, and of all that a process holds.
const (
	maxKeys   = 200_000
	maxMemory = 64 << 20
	maxHeld   = 128 << 20
	perKey    = 64 // bytes beside the texts of a row
	perValue  = 48
)

// tableAge is how long a table may have changed before it is looked up anew.
const tableAge = 5 * time.Second

// op adds what the row of the event's key has. An event without the key, or whose key no
// row has, goes on without.
func (l LookUp) op(step int) op {
	key, _ := reader(l.By) // it was checked
	added := make([]string, len(l.Take))
	for i, column := range l.Take {
		added[i] = l.Prefix + column
	}
	return func(r *run) verdict {
		e := r.event
		v := key(e)
		if v.Kind == events.Null {
			return verdict{}
		}
		row, ok := r.tables[step].rows[textOf(&v)]
		if !ok {
			return verdict{}
		}
		for _, name := range added {
			if place(e, name) >= 0 {
				return refuse("field_taken", "the event has a field \""+name+"\" already, which the look-up would write")
			}
		}
		e.Shape = r.shape(step, func() []string { return append(names(e.Shape), added...) })
		e.Values = append(e.Values, row...)
		return verdict{}
	}
}

// lookup is a version of a table as a step wants it. It does not change.
type lookup struct {
	of      dataset.ID
	version manifest.Version
	rows    map[string][]events.Value // by the text of the key
	size    int64
}

// Tables holds the tables that are looked up in, in memory. It is safe for concurrent use
// and must not be copied.
type Tables struct {
	Source   snapshot.Source
	Segments *segment.Cache
	Now      func() time.Time

	mu    sync.Mutex
	known map[string]*held
}

// held is a table in memory.
type held struct {
	mu      sync.Mutex // held while it is read
	table   *lookup
	checked time.Time
	used    time.Time // of Tables.mu
}

// get returns a table as of some seconds ago at most. One that cannot be looked up in now
// is fault.Unavailable: events are rather not taken than left without what they need.
func (s *Tables) get(ctx context.Context, t tenant.ID, l LookUp) (*lookup, error) {
	h := s.held(t, l)
	h.mu.Lock()
	defer h.mu.Unlock()
	now := s.Now()
	if h.table != nil && now.Sub(h.checked) < tableAge {
		return h.table, nil
	}
	table, err := s.read(ctx, t, l, h.table)
	if err != nil {
		return nil, unavailable(l, err)
	}
	h.table, h.checked = table, now
	s.shed(h)
	return table, nil
}

func unavailable(l LookUp, cause error) error {
	if fault.Is(cause, fault.Unavailable) || fault.Is(cause, fault.Throttled) {
		return cause
	}
	e := fault.New(fault.Unavailable, "look_up_unavailable", "the dataset's events are looked up in %q, which cannot be done now: %v", l.Dataset, cause).
		WithHint("mend the table, or change the enrichment; then send the events again").Because(cause)
	e.RetryAfter = tableAge
	return e
}

// held returns the place of a table, made on first use.
func (s *Tables) held(t tenant.ID, l LookUp) *held {
	name, _ := json.Marshal(l) // plain data
	key := string(t) + " " + string(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.known[key]
	if h == nil {
		h = &held{}
		if s.known == nil {
			s.known = map[string]*held{}
		}
		s.known[key] = h
	}
	h.used = s.Now()
	return h
}

// shed forgets the tables that were not used for the longest until the rest, and with it
// the one that was just read, takes no more than maxHeld.
func (s *Tables) shed(kept *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		total, oldest := kept.table.size, ""
		for key, h := range s.known {
			if h == kept || !h.mu.TryLock() { // one that is being read counts once it is
				continue
			}
			if h.table != nil {
				total += h.table.size
				if oldest == "" || h.used.Before(s.known[oldest].used) {
					oldest = key
				}
			}
			h.mu.Unlock()
		}
		if total <= maxHeld || oldest == "" {
			return
		}
		delete(s.known, oldest)
	}
}

// read reads the newest version of a table, unless it is the one that is known.
func (s *Tables) read(ctx context.Context, t tenant.ID, l LookUp, known *lookup) (*lookup, error) {
	snap, err := s.Source.Open(ctx, t, l.Dataset, nil)
	if err != nil {
		return nil, err
	}
	defer snap.Release()
	if known != nil && known.of == snap.Dataset.ID && known.version == snap.Version {
		return known, nil
	}
	if snap.Dataset.Kind != dataset.Table {
		return nil, bad("%q is no table", l.Dataset).WithHint("look up in a dataset of kind table")
	}
	for _, column := range append([]string{l.Key}, l.Take...) {
		if snap.Schema.Find(column) < 0 {
			return nil, bad("dataset %q has no column %q", l.Dataset, column)
		}
	}
	out := &lookup{of: snap.Dataset.ID, version: snap.Version, rows: map[string][]events.Value{}}
	for _, ref := range snap.Segments {
		batch, err := s.Segments.ReadColumns(ctx, ref, append([]string{l.Key}, l.Take...))
		if err != nil {
			return nil, err
		}
		if err := out.add(l, batch); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// add takes the rows of a segment.
func (l *lookup) add(of LookUp, batch rows.Batch) error {
	column := func(name string) *rows.Column {
		i := slices.IndexFunc(batch.Columns, func(c rows.Column) bool { return c.Name == name })
		if i < 0 {
			return nil // all null
		}
		return &batch.Columns[i]
	}
	key, taken := column(of.Key), make([]*rows.Column, len(of.Take))
	for i, name := range of.Take {
		taken[i] = column(name)
	}
	if key == nil {
		return nil
	}
	for row := range batch.Len {
		if key.IsNull(row) {
			continue
		}
		text := string(key.AppendText(nil, row))
		if _, twice := l.rows[text]; twice {
			return bad("column %q of dataset %q holds a value twice", of.Key, of.Dataset).WithHint("look up by a column that tells the rows apart: load the table with mode upsert, by that key")
		}
		values := make([]events.Value, len(taken))
		l.size += int64(len(text)) + perKey + perValue*int64(len(values))
		for i, c := range taken {
			if c != nil && !c.IsNull(row) {
				values[i] = c.Value(row)
				l.size += int64(len(values[i].Text))
			}
		}
		l.rows[text] = values
		if len(l.rows) > maxKeys || l.size > maxMemory {
			return bad("dataset %q is too large to look up in", of.Dataset).WithHint("%s", fmt.Sprintf("at most %d rows and %d MiB of what is taken", maxKeys, maxMemory>>20))
		}
	}
	return nil
}
