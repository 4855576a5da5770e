package segment

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/tests/fake"
)

// counting counts the range reads of a store.
type counting struct {
	blob.Store
	reads int
}

func (c *counting) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	c.reads++
	return c.Store.Get(ctx, key, offset, length)
}

func written(t testing.TB, batch rows.Batch, order []int32) (*counting, Ref) {
	t.Helper()
	store := &counting{Store: &fake.Blobs{}}
	ref, err := Write(context.Background(), store, origin, batch, order)
	if err != nil {
		t.Fatal(err)
	}
	return store, ref
}

// shownRows shows rows of a batch, for a nil order all of them.
func shownRows(batch rows.Batch, order []int32) []map[string]any {
	var all []map[string]any
	for _, row := range orderOf(batch, order) {
		values := map[string]any{}
		for i := range batch.Columns {
			if c := &batch.Columns[i]; !c.IsNull(int(row)) {
				values[c.Name] = shown(c, int(row))
			}
		}
		all = append(all, values)
	}
	return all
}

var drawnValues = rapid.OneOf(
	rapid.Just(events.Value{}),
	rapid.Map(rapid.Int64(), number),
	rapid.Map(rapid.Int64Range(0, 3), number),
	rapid.Map(rapid.Float64Range(-1e10, 1e10), decimal),
	rapid.Map(rapid.String(), words),
	rapid.Just(events.Value{Kind: events.Bool, Int: 1}),
	rapid.Just(events.Value{Kind: events.JSON, Text: `{"a":[]}`}),
)

// drawBatch draws rows with few kinds of values a column, so that columns of every
// type come about.
func drawBatch(t *rapid.T) rows.Batch {
	schema := dataset.Schema{}
	var all []*events.Event
	short := rapid.Bool().Draw(t, "short ids")
	for i := range rapid.IntRange(1, 60).Draw(t, "rows") {
		e := &events.Event{
			ID: fmt.Sprintf("%08x-0000-4000-8000-000000000000", i), Name: rapid.StringN(1, 5, -1).Draw(t, "name"),
			Time:   rapid.Int64Range(-3e15, 3e15).Draw(t, "time"),
			UserID: rapid.SampledFrom([]string{"", "u"}).Draw(t, "user"), Shape: &events.Shape{},
		}
		if !short {
			e.ID = fmt.Sprint(i)
		}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "A", "b c", "_", "event"}), 0, 3, rapid.ID).Draw(t, "names") {
			e.Shape.Names = append(e.Shape.Names, name)
			e.Values = append(e.Values, drawnValues.Draw(t, "value"))
		}
		schema, _, _ = rows.Resolve(schema, e, dataset.Quarantine)
		all = append(all, e)
	}
	b := rows.NewBuilder(schema, dataset.Quarantine)
	for i, e := range all {
		b.Append(e, int64(i)*1e9)
	}
	return b.View()
}

func TestRowsComeBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch := drawBatch(t)
		order := orderOf(batch, nil)
		order = rapid.Permutation(order).Draw(t, "order")[:rapid.IntRange(1, len(order)).Draw(t, "rows")]
		store := &fake.Blobs{}
		ref, err := Write(context.Background(), store, origin, batch, order)
		if err != nil {
			t.Fatal(err)
		}
		got, err := NewCache(store, 1<<20).ReadRows(context.Background(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(shownRows(batch, order), shownRows(got, nil)); diff != "" {
			t.Fatalf("rows (-want +got):\n%s", diff)
		}
		for i, row := range order {
			when := batch.Columns[rows.Time].Ints[row]
			if _, ok := slices.BinarySearch(ref.Days, DayOf(when)); !ok || when < ref.MinTime || when > ref.MaxTime {
				t.Fatalf("row %d of %d is not in the span of %+v", i, row, ref)
			}
		}
	})
}

func TestSegmentsOfOlderSchemasMergeIntoTheNewest(t *testing.T) {
	at := time.UnixMicro(0)
	old := build(t, with(at, "n gone", number(7), words("x")), with(at, "n", number(-1)))
	young := build(t, with(at, "n more", decimal(0.5), words("y")))
	store := &fake.Blobs{}
	cache := NewCache(store, 1<<20)
	schema := dataset.Schema{Columns: []dataset.Column{{Name: "n", Type: dataset.Float}, {Name: "gone", Type: dataset.Text}, {Name: "more", Type: dataset.Text}}}
	var parts []rows.Batch
	var columns [][]dataset.Column
	for _, batch := range []rows.Batch{old, young} {
		ref, err := Write(t.Context(), store, origin, batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		part, err := cache.ReadRows(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		parts, columns = append(parts, part), append(columns, ref.Columns)
	}
	wantColumns := [][]dataset.Column{
		{{Name: "n", Type: dataset.Int}, {Name: "gone", Type: dataset.Text}},
		{{Name: "n", Type: dataset.Float}, {Name: "more", Type: dataset.Text}},
	}
	if diff := cmp.Diff(wantColumns, columns); diff != "" {
		t.Errorf("columns of the refs (-want +got):\n%s", diff)
	}
	merged, err := rows.Merge(parts, schema)
	if err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	for _, row := range shownRows(merged, nil) {
		got = append(got, map[string]any{"n": row["n"], "gone": row["gone"], "more": row["more"]})
	}
	want := []map[string]any{{"n": 7.0, "gone": "x", "more": nil}, {"n": -1.0, "gone": nil, "more": nil}, {"n": 0.5, "gone": nil, "more": "y"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merged rows (-want +got):\n%s", diff)
	}
	checkDuck(t, merged, nil)
}

func TestLargeSegmentsComeBackAsTheyWereWritten(t *testing.T) {
	batch := clicks(132_000) // two row groups
	store, ref := written(t, batch, nil)
	got, err := NewCache(store, 1<<20).ReadRows(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	for i := range batch.Columns {
		if diff := cmp.Diff(batch.Columns[i].Column, got.Columns[i].Column); diff != "" {
			t.Fatal(diff)
		}
		for row := range batch.Len {
			if want, got := shown(&batch.Columns[i], row), shown(&got.Columns[i], row); want != got {
				t.Fatalf("row %d of %q: %v, want %v", row, batch.Columns[i].Name, got, want)
			}
		}
	}
}

func TestOtherReadersOfParquetReadTheFileToo(t *testing.T) {
	batch := clicks(3000)
	_, body, err := Encode(origin, batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Event   string   `parquet:"event"`
		User    *string  `parquet:"user_id,optional"`
		Session *string  `parquet:"session_id,optional"`
		URL     *string  `parquet:"p_url,optional"`
		Revenue *float64 `parquet:"p_revenue,optional"`
	}
	got, err := parquet.Read[row](bytes.NewReader(body), int64(len(body)))
	if err != nil || len(got) != batch.Len {
		t.Fatalf("%d rows, %v", len(got), err)
	}
	revenue := &batch.Columns[rows.FirstProperty+1]
	for i, r := range got {
		ok := r.Event == string(batch.Columns[rows.Event].Text(i)) && *r.User == string(batch.Columns[rows.UserID].Text(i)) &&
			*r.URL == string(batch.Columns[rows.FirstProperty].Text(i)) && (r.Revenue == nil) == revenue.IsNull(i)
		if !ok || r.Revenue != nil && *r.Revenue != revenue.Float[i] {
			t.Fatalf("row %d differs: %+v", i, r)
		}
	}
}

func TestAnIndexKnowsItsIDsExactly(t *testing.T) {
	short, long := clicks(3000), build(t, &events.Event{ID: "a"}, &events.Event{ID: "0F8FAD5B-D9CB-469F-A165-70867728950E"}, &events.Event{ID: strings.Repeat("é", 128)})
	for claim, batch := range map[string]rows.Batch{"UUIDs": short, "other ids": long} {
		t.Run(claim, func(t *testing.T) {
			store, ref := written(t, batch, nil)
			index, err := NewCache(store, 1<<20).Index(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			for row := range batch.Len {
				id := NewID(string(batch.Columns[rows.EventID].Text(row)))
				if in, err := index.Contains(t.Context(), &id); err != nil || !in || !index.MayContain(&id) {
					t.Fatalf("row %d: Contains = %v, %v; MayContain = %v", row, in, err, index.MayContain(&id))
				}
			}
			wrong := 0
			for i := range 20_000 {
				id := NewID(fmt.Sprint("absent-", i))
				if ref.UUID {
					id = NewID(fmt.Sprintf("%08x-ffff-4000-8000-%012x", i*7919, i))
				}
				if in, err := index.Contains(t.Context(), &id); err != nil || in {
					t.Fatalf("%s: Contains = %v, %v", id.text, in, err)
				}
				if index.MayContain(&id) {
					wrong++
				}
			}
			if wrong > 300 {
				t.Errorf("the filter is wrong about %d of 20000 absent ids", wrong)
			}
			other := NewID("text")
			if index.MayContain(&other) && ref.UUID {
				t.Error("text may be among UUIDs")
			}
			if store.reads > 2 {
				t.Errorf("%d reads of the store, want one of the tail and one of the ids", store.reads)
			}
		})
	}
}

func TestNewIDsDoNotHaveTheIDsKeptThatTheFilterIsWrongAbout(t *testing.T) {
	const n = 3000
	store, ref := written(t, clicks(n), nil)
	cache := NewCache(store, 1<<20)
	index, err := cache.Index(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	before := cache.kept.Used()
	for i := range 20_000 {
		id := NewID(fmt.Sprintf("%08x-ffff-4000-8000-%012x", i*7919, i))
		if in, err := index.Contains(t.Context(), &id); err != nil || in {
			t.Fatalf("Contains = %v, %v", in, err)
		}
	}
	if kept := cache.kept.Used() - before; kept == 0 || kept > 4*n {
		t.Errorf("%d bytes are kept for %d ids, want at most 4 for each", kept, n)
	}
	if store.reads != 2 {
		t.Errorf("%d reads of the store, want one of the tail and one of the ids", store.reads)
	}
}

func TestACacheServesManyReaders(t *testing.T) {
	batch := clicks(2000)
	store := &fake.Blobs{}
	ref, err := Write(t.Context(), store, origin, batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	cache := NewCache(store, 100<<10) // the ids fit sometimes
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			for row := range 50 {
				index, err := cache.Index(t.Context(), ref)
				if err != nil {
					t.Error(err)
					return
				}
				id := NewID(string(batch.Columns[rows.EventID].Text(row)))
				if in, err := index.Contains(t.Context(), &id); err != nil || !in {
					t.Errorf("Contains = %v, %v", in, err)
				}
			}
		})
	}
	readers.Wait()
}

func TestFindTellsTheTimesOfAnEvent(t *testing.T) {
	batch := clicks(3000)
	store, ref := written(t, batch, nil)
	index, err := NewCache(store, 1<<20).Index(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	id := NewID(string(batch.Columns[rows.EventID].Text(1234)))
	got, err := index.Find(t.Context(), &id)
	want := []Found{{Time: batch.Columns[rows.Time].Ints[1234], Received: batch.Columns[rows.Received].Ints[1234]}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Find: %v (-want +got):\n%s", err, diff)
	}
	id = NewID("absent")
	if got, err := index.Find(t.Context(), &id); err != nil || got != nil {
		t.Errorf("Find of an absent id = %v, %v", got, err)
	}
}

func TestEveryDuplicateIsFound(t *testing.T) {
	store := &fake.Blobs{}
	ref, err := WriteDuplicates(t.Context(), store, origin, []DuplicateRow{{"a", 1, 10}, {"b", 2, 20}, {"a", 3, 30}})
	if err != nil {
		t.Fatal(err)
	}
	index, err := NewCache(store, 1<<20).Index(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	id := NewID("a")
	got, err := index.Find(t.Context(), &id)
	if diff := cmp.Diff([]Found{{1, 10}, {3, 30}}, got); err != nil || diff != "" {
		t.Errorf("Find: %v (-want +got):\n%s", err, diff)
	}
}

func TestQuarantineComesBackAsItWasWritten(t *testing.T) {
	want := []QuarantineRow{
		{EventID: "a", Received: 1, Producer: 1<<64 - 1, Code: "no_event_name", Reason: "it has no name", Raw: []byte("{\xff\x00")},
		{EventID: "b", Received: 2, Code: "bad_time", Reason: "ü"},
	}
	store := &fake.Blobs{}
	ref, err := WriteQuarantine(t.Context(), store, origin, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := NewCache(store, 1<<20).ReadQuarantine(t.Context(), ref)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); err != nil || diff != "" {
		t.Errorf("rows: %v (-want +got):\n%s", err, diff)
	}
	if ref.MinReceived != 1 || ref.MaxReceived != 2 || ref.Days != nil || !strings.Contains(ref.Key, "/quarantine/mixed/") {
		t.Errorf("ref %+v", ref)
	}
}

func TestOfTextsInQuarantineIsKnownWhichWereEnriched(t *testing.T) {
	want := []QuarantineRow{{EventID: "a", Received: 1, Raw: []byte("{}")}, {EventID: "b", Received: 2, Raw: []byte("{}"), Enrichment: 3}}
	store := &fake.Blobs{}
	ref, err := WriteQuarantine(t.Context(), store, origin, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := NewCache(store, 1<<20).ReadQuarantine(t.Context(), ref)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("rows: %v (-want +got):\n%s", err, diff)
	}
}

func TestASmallCacheForgetsAndAnswersTheSame(t *testing.T) {
	batch := clicks(2000)
	store, ref := written(t, batch, nil)
	cache := NewCache(store, 1<<10) // less than anything takes
	for row := range 20 {
		index, err := cache.Index(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		id := NewID(string(batch.Columns[rows.EventID].Text(row)))
		if in, err := index.Contains(t.Context(), &id); err != nil || !in {
			t.Fatalf("Contains = %v, %v", in, err)
		}
	}
	if store.reads != 40 {
		t.Errorf("%d reads, want 40: nothing fits", store.reads)
	}
}

// readBroken reads all of a segment whose blob is another body than was written, and
// returns the first error. No read may panic.
func readBroken(ref Ref, body []byte) error {
	store := &fake.Blobs{}
	if err := store.Put(context.Background(), ref.Key, body); err != nil {
		return err
	}
	cache := NewCache(store, 1<<20)
	if _, err := cache.ReadRows(context.Background(), ref); err != nil {
		return err
	}
	index, err := cache.Index(context.Background(), ref)
	if err != nil {
		return err
	}
	id := NewID("id-0")
	_, err = index.Find(context.Background(), &id)
	return err
}

func TestABrokenFileIsAClearError(t *testing.T) {
	ref, body, err := Encode(origin, clicks(2000), nil)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]func([]byte) []byte{
		"cut short":           func(b []byte) []byte { return b[:len(b)-1] },
		"empty":               func(b []byte) []byte { return nil },
		"without its head":    func(b []byte) []byte { return b[1:] },
		"a bit of the footer": func(b []byte) []byte { b[len(b)-20] ^= 1; return b },
		"a bit of the filter": func(b []byte) []byte { b[len(b)-int(ref.Tail)+40] ^= 1; return b },
		"a bit of a page":     func(b []byte) []byte { b[1000] ^= 1; return b },
	}
	for claim, breaks := range cases {
		t.Run(claim, func(t *testing.T) {
			err := readBroken(ref, breaks(bytes.Clone(body)))
			if fault.KindOf(err) != fault.Internal || !strings.Contains(fmt.Sprint(err), ref.Key) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func FuzzABrokenFileIsNoPanic(f *testing.F) {
	ref, body, err := Encode(origin, clicks(300), nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(10, byte(1), 0)
	f.Add(len(body)-10, byte(255), 5)
	f.Fuzz(func(t *testing.T, at int, flip byte, cut int) {
		broken := bytes.Clone(body)
		broken[uint(at)%uint(len(broken))] ^= flip
		readBroken(ref, broken[:len(broken)-int(uint(cut)%uint(len(broken)))])
	})
}

func BenchmarkMayContain(b *testing.B) {
	batch := clicks(100_000)
	store, ref := written(b, batch, nil)
	index, err := NewCache(store, 1<<30).Index(b.Context(), ref)
	if err != nil {
		b.Fatal(err)
	}
	absent := make([]string, 1024)
	ids := make([]ID, len(absent))
	for i := range absent {
		absent[i] = fmt.Sprintf("ffffffff-0000-4000-8000-%012x", i)
		ids[i] = NewID(absent[i])
	}
	b.Run("hash", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			ids[i&1023] = NewID(absent[i&1023])
		}
	})
	b.Run("ask", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			index.MayContain(&ids[i&1023])
		}
	})
	b.Run("contains", func(b *testing.B) {
		id := NewID(string(batch.Columns[rows.EventID].Text(77)))
		for b.Loop() {
			index.Contains(b.Context(), &id)
		}
	})
}
