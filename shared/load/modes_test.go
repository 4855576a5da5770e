package load_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/compact"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

// entry is a row of the model: its key has two columns, of which b may be null.
type entry struct{ a, b, v string }

func (e entry) key() string { return e.a + "\x00" + e.b }

const null = "-"

// tableModel is a table as a list of rows.
type tableModel struct {
	rows        []entry
	stored      int64
	quarantined int
	dropped     int
	note        string
}

// part is a part of a load, as the model has it.
type part struct {
	rows, gone []entry
	types      dataset.Type // of column a
	bad        int
}

// operation is a load.
type operation struct {
	id    load.ID
	mode  load.Mode
	parts []part
}

// apply does what a load must do, one row at a time.
func (m *tableModel) apply(o operation) {
	var fresh []entry
	remove := func(key string) {
		other := func(e entry) bool { return e.key() == key }
		m.rows, fresh = slices.DeleteFunc(m.rows, other), slices.DeleteFunc(fresh, other)
	}
	if o.mode == load.Replace {
		m.rows, m.quarantined, m.dropped = nil, 0, m.dropped+m.quarantined
	}
	for _, p := range o.parts {
		m.quarantined += p.bad
		for _, e := range p.gone {
			remove(e.key())
		}
		for _, e := range p.rows {
			switch {
			case o.mode == load.Upsert && e.b == null:
				m.quarantined++
				continue
			case o.mode == load.Upsert:
				remove(e.key())
			}
			fresh = append(fresh, e)
		}
	}
	m.stored += int64(len(fresh))
	m.rows = append(m.rows, fresh...)
	m.note = string(o.id)
}

// plan is the load itself.
func (o operation) plan() load.Plan {
	p := load.Plan{ID: o.id, Mode: o.mode, Place: "cursor", Note: func() (json.RawMessage, error) { return json.Marshal(o.id) }}
	if o.mode == load.Upsert {
		p.Key = []string{"a", "b"}
	}
	p.Parts = func(yield func(load.Part, error) bool) {
		for _, some := range o.parts {
			out := load.Part{Rows: batchOf(some.rows, some.types, true), Gone: batchOf(some.gone, some.types, false)}
			for n := range some.bad {
				out.Bad = append(out.Bad, load.Bad{Row: fmt.Sprint("line ", n), Code: "ragged", Reason: "too few fields", Raw: []byte("x")})
			}
			if !yield(out, nil) {
				return
			}
		}
	}
	return p
}

func batchOf(all []entry, a dataset.Type, values bool) rows.Batch {
	columns := []rows.Column{{Column: dataset.Column{Name: "a", Type: a}}, {Column: dataset.Column{Name: "b", Type: dataset.Text}, Null: make([]bool, len(all))}}
	if values {
		columns = append(columns, rows.Column{Column: dataset.Column{Name: "v", Type: dataset.Text}})
	}
	text := func(c *rows.Column, s string) {
		c.Bytes = append(c.Bytes, s...)
		c.Ends = append(c.Ends, uint32(len(c.Bytes)))
	}
	for row, e := range all {
		n, _ := strconv.ParseInt(e.a, 10, 64)
		switch a {
		case dataset.Int:
			columns[0].Ints = append(columns[0].Ints, n)
		case dataset.Float:
			columns[0].Float = append(columns[0].Float, float64(n))
		default:
			text(&columns[0], e.a)
		}
		if columns[1].Null[row] = e.b == null; e.b == null {
			text(&columns[1], "")
		} else {
			text(&columns[1], e.b)
		}
		if values {
			text(&columns[2], e.v)
		}
	}
	return rows.Batch{Columns: columns, Len: len(all)}
}

func drawOperation(t *rapid.T, n int) operation {
	o := operation{id: load.ID(fmt.Sprint("load", n)), mode: rapid.SampledFrom([]load.Mode{load.Upsert, load.Upsert, load.Upsert, load.Append, load.Replace}).Draw(t, "mode")}
	draw := func(label string) (all []entry) {
		for i := range rapid.IntRange(0, 6).Draw(t, label) {
			all = append(all, entry{fmt.Sprint(rapid.IntRange(-2, 3).Draw(t, "a")), rapid.SampledFrom([]string{"x", "y", null}).Draw(t, "b"), fmt.Sprint(n, "/", i)})
		}
		return all
	}
	for range rapid.IntRange(0, 3).Draw(t, "parts") {
		p := part{rows: draw("rows"), types: rapid.SampledFrom([]dataset.Type{dataset.Int, dataset.Int, dataset.Float, dataset.Text}).Draw(t, "type"), bad: rapid.IntRange(0, 1).Draw(t, "bad")}
		if o.mode == load.Upsert {
			p.gone = slices.DeleteFunc(draw("gone"), func(e entry) bool { return e.b == null })
		}
		o.parts = append(o.parts, p)
	}
	return o
}

// held reads what the table holds.
func (w *world) held(t *rapid.T) (all []entry) {
	st, err := w.manifest().Load(t.Context(), owner, flights.ID)
	if err != nil {
		t.Fatal(err)
	}
	cache := segment.NewCache(&w.blobs, 1<<20)
	for _, ref := range st.Of(segment.Rows) {
		batch, err := cache.ReadRows(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		for row := range batch.Len {
			e := entry{b: null}
			for i := range batch.Columns {
				c := &batch.Columns[i]
				if c.IsNull(row) {
					continue
				}
				*map[string]*string{"a": &e.a, "b": &e.b, "v": &e.v}[c.Name] = string(c.AppendText(nil, row))
			}
			all = append(all, e)
		}
	}
	return all
}

func (w *world) equals(t *rapid.T, m tableModel) {
	less := func(x, y entry) bool { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) < 0 }
	if diff := cmp.Diff(m.rows, w.held(t), cmp.AllowUnexported(entry{}), cmpopts.SortSlices(less), cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the model (-) and the table (+) differ:\n%s", diff)
	}
	st, err := w.manifest().Load(t.Context(), owner, flights.ID)
	if err != nil {
		t.Fatal(err)
	}
	sum, _ := ledger.Balance(nil, st.Ledger)
	kept := int64(0)
	for _, ref := range st.Of(segment.Quarantine) {
		kept += ref.Rows
	}
	if sum.Stored != m.stored || sum.Pending != 0 || st.Visible() != sum.Stored-st.Ledger.Erased || sum.Quarantined != int64(m.quarantined) || kept != sum.Quarantined || sum.Dropped != int64(m.dropped) {
		t.Fatalf("the ledger has %+v, %d erased, %d visible and %d in quarantine; want %d stored, %d in quarantine, %d dropped",
			sum, st.Ledger.Erased, st.Visible(), kept, m.stored, m.quarantined, m.dropped)
	}
	note, err := w.loader().Note(t.Context(), owner, flights.ID, "cursor")
	if want := strconv.Quote(m.note); err != nil || m.note != "" && string(note) != want {
		t.Fatalf("noted is %s, %v; want %s", note, err, want)
	}
}

// merge merges whatever can be.
func (w *world) merge(t *rapid.T) {
	c := compact.Compactor{Manifest: w.manifest(), Now: func() time.Time { return w.now },
		Policy: compact.Policy{Files: 5, FanIn: 2, Rows: 1 << 20, Bytes: 1 << 30, Own: 2, Quiet: time.Hour}}
	if _, err := c.Step(t.Context(), owner, flights.ID); err != nil {
		t.Fatal(err)
	}
}

func TestLoadsOfEveryModeDoWhatASlowModelDoesWhateverHappensToThem(t *testing.T) {
	misfortunes := []misfortune{refused, lost, dead, dying}
	rapid.Check(t, func(t *rapid.T) {
		w, m := newWorld(), tableModel{}
		for n := range rapid.IntRange(1, 6).Draw(t, "loads") {
			o := drawOperation(t, 2*n)
			p := &process{world: w, at: -1}
			switch what := rapid.IntRange(0, 3).Draw(t, "misfortune"); what {
			case 1:
				p.at, p.what = rapid.IntRange(0, 15).Draw(t, "call"), rapid.SampledFrom(misfortunes).Draw(t, "kind")
			case 2: // a merge is faster
				p.at, p.what = rapid.IntRange(0, 15).Draw(t, "call"), func(op func() error) error { w.merge(t); return op() }
			case 3: // another load is faster
				other := drawOperation(t, 2*n+1)
				p.at, p.what = rapid.IntRange(0, 15).Draw(t, "call"), func(op func() error) error {
					if done, err := w.manifest().Table.Get(t.Context(), loadKey(o.id)); err == nil && done.Body != nil {
						return op() // too late
					}
					if _, err := w.loader().Load(t.Context(), owner, flights, other.plan()); err != nil {
						t.Fatal(err)
					}
					m.apply(other)
					return op()
				}
			}
			if rapid.Bool().Draw(t, "merges") {
				w.merge(t)
			}
			_ = p.load(t.Context(), o.plan())
			if _, err := w.loader().Load(t.Context(), owner, flights, o.plan()); err != nil {
				t.Fatal(err)
			}
			m.apply(o)
			w.equals(t, m)
		}
	})
}

func TestWhatNoPlanIsIsRefused(t *testing.T) {
	for claim, c := range map[string]struct {
		plan load.Plan
		code string
	}{
		"a mode that is none":         {load.Plan{ID: "a", Mode: "merge"}, "bad_mode"},
		"an upsert without a key":     {load.Plan{ID: "a", Mode: load.Upsert}, "bad_key"},
		"a key without an upsert":     {load.Plan{ID: "a", Mode: load.Append, Key: []string{"n"}}, "bad_key"},
		"rows without the key":        {load.Plan{ID: "a", Mode: load.Upsert, Key: []string{"id"}, Parts: load.Rows(counted([]int64{1}))}, "no_key"},
		"the end of rows of no key":   {load.Plan{ID: "a", Mode: load.Append, Parts: parted(load.Part{Gone: batchOf([]entry{{"1", "x", ""}}, dataset.Int, false)})}, "bad_mode"},
		"nothing but rows of no sort": {load.Plan{ID: "a", Mode: load.Append, Parts: parted(load.Part{Bad: make([]load.Bad, 100_001)})}, "too_many_bad_rows"},
	} {
		t.Run(claim, func(t *testing.T) {
			w := newWorld()
			if c.plan.Parts == nil {
				c.plan.Parts = load.Rows(counted([]int64{1}))
			}
			_, err := w.loader().Load(t.Context(), owner, flights, c.plan)
			var refusal *fault.Error
			if !errors.As(err, &refusal) || refusal.Code != c.code {
				t.Errorf("%v, want %s", err, c.code)
			}
			w.check(t)
		})
	}
}

func parted(some ...load.Part) func(func(load.Part, error) bool) {
	return func(yield func(load.Part, error) bool) {
		for _, p := range some {
			if !yield(p, nil) {
				return
			}
		}
	}
}
