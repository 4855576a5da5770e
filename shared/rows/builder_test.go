package rows

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/events"
	"github.com/tarnhq/tarn/shared/dataset"
)

var values = rapid.OneOf(
	rapid.Just(events.Value{}),
	rapid.Map(rapid.Int64Range(0, 1), boolean),
	rapid.Map(rapid.Int64(), integer),
	rapid.Map(rapid.Int64Range(-10, 10), integer),
	rapid.Map(rapid.Float64Range(-1e300, 1e300), float),
	rapid.Map(rapid.Float64Range(-2, 2), float),
	rapid.Map(rapid.String(), text),
	rapid.Just(big("123456789012345678901234567890")),
	rapid.SampledFrom([]events.Value{jsonOf(`{"a":[1,"x"]}`), jsonOf(`[]`)}),
)

func drawEvents(t *rapid.T) []*events.Event {
	var shapes []*events.Shape
	for range rapid.IntRange(1, 4).Draw(t, "shapes") {
		names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "A", "b", "c", "time", "declared"}), 0, 5)
		shapes = append(shapes, &events.Shape{Names: names.Draw(t, "names")})
	}
	var all []*events.Event
	for i := range rapid.IntRange(0, 30).Draw(t, "events") {
		e := &events.Event{
			ID: fmt.Sprint(i), Name: "n", Time: int64(i),
			UserID: rapid.SampledFrom([]string{"", "u1", "u2"}).Draw(t, "user"),
		}
		if s := rapid.IntRange(-1, len(shapes)-1).Draw(t, "shape"); s >= 0 {
			e.Shape = shapes[s]
			e.Values = rapid.SliceOfN(values, len(e.Shape.Names), len(e.Shape.Names)).Draw(t, "values")
		}
		all = append(all, e)
	}
	return all
}

// table shows a batch as text, one map a row. A JSON string shows as its text:
// whether a number met a column while it was text or JSON is not to matter.
func table(b Batch) []map[string]string {
	all := make([]map[string]string, b.Len)
	for row := range all {
		all[row] = map[string]string{}
		for i := range b.Columns {
			if c := &b.Columns[i]; !c.IsNull(row) {
				v := c.Value(row)
				shown := string(appendText(nil, &v))
				if c.Type == dataset.JSON && shown[0] == '"' {
					if err := json.Unmarshal([]byte(shown), &shown); err != nil {
						panic(err)
					}
				}
				all[row][c.Name] = shown
			}
		}
	}
	return all
}

func TestMergedPartsEqualWhatTheFinalSchemaWouldHaveHeld(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		schema := dataset.Schema{Columns: []dataset.Column{{Name: "declared", Type: dataset.Float, Declared: true}}}
		onConflict := rapid.SampledFrom([]dataset.OnConflict{dataset.Keep, dataset.Quarantine}).Draw(t, "conflict")
		var parts []Batch
		var stored []*events.Event
		b := NewBuilder(schema, onConflict)
		for _, e := range drawEvents(t) {
			if !b.Admits(e) {
				next, changed, refusal := Resolve(schema, e, onConflict)
				if refusal != (events.Refusal{}) {
					continue
				}
				if !changed {
					t.Fatal("neither admitted, nor refused, nor a change of the schema")
				}
				schema, parts = next, append(parts, b.View())
				b = NewBuilder(schema, onConflict)
			}
			b.Append(e, e.Time+1)
			stored = append(stored, e)
		}
		parts = append(parts, b.View())

		whole := NewBuilder(schema, onConflict)
		for _, e := range stored {
			if !whole.Admits(e) {
				t.Fatalf("the final schema does not admit %v", e)
			}
			whole.Append(e, e.Time+1)
		}
		merged, err := Merge(parts, schema)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(table(whole.View()), table(merged)); diff != "" {
			t.Fatalf("merged rows (-want +got):\n%s", diff)
		}
	})
}

func TestNothingOfAnEventIsLost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := NewBuilder(dataset.Schema{}, dataset.Quarantine)
		for row, e := range drawEvents(t) {
			if schema, changed, _ := Resolve(b.Schema(), e, dataset.Quarantine); changed {
				b = NewBuilder(schema, dataset.Quarantine)
			}
			b.Append(e, int64(row))
			view := b.View()
			got := table(view)[view.Len-1]
			rest := map[string]json.RawMessage{}
			if text, ok := got[dataset.ColumnProperties]; ok {
				if err := json.Unmarshal([]byte(text), &rest); err != nil {
					t.Fatalf("properties %s: %v", text, err)
				}
			}
			if e.Shape == nil {
				continue
			}
			for i, name := range e.Shape.Names {
				_, isColumn := got[name]
				_, isRest := rest[name]
				if e.Values[i].Kind != events.Null && !isColumn && !isRest {
					t.Fatalf("%q of %v is nowhere in %v", name, e, got)
				}
			}
		}
	})
}

func TestMergeRefusesToNarrow(t *testing.T) {
	b := NewBuilder(dataset.Schema{Columns: []dataset.Column{{Name: "p", Type: dataset.Text}}}, dataset.Quarantine)
	b.Append(event("p", text("x")), 0)
	narrow := dataset.Schema{Columns: []dataset.Column{{Name: "p", Type: dataset.Int}}}
	if _, err := Merge([]Batch{b.View()}, narrow); err == nil {
		t.Error("a text became an int")
	}
}

func TestViewsStayAsTheyWereWhileRowsAreAppended(t *testing.T) {
	schema := dataset.Schema{Columns: []dataset.Column{{Name: "i", Type: dataset.Int}, {Name: "t", Type: dataset.Text}, {Name: "f", Type: dataset.Float}}}
	shapes := []*events.Shape{{Names: []string{"i"}}, {Names: []string{"t", "f"}}}
	const n = 2000
	var readers sync.WaitGroup
	b := NewBuilder(schema, dataset.Quarantine)
	for i := range n {
		e := &events.Event{ID: strconv.Itoa(i), Name: "n", Shape: shapes[0], Values: []events.Value{integer(int64(i))}}
		if i%3 == 1 {
			e.Shape, e.Values = shapes[1], []events.Value{text(e.ID), float(float64(i))}
		}
		b.Append(e, int64(i))
		if i%50 != 0 {
			continue
		}
		view := b.View()
		readers.Go(func() { checkCount(t, view) })
		readers.Go(func() { checkCount(t, view.View(view.Len/2)) })
	}
	readers.Wait()
}

// checkCount checks the rows that the test above appends.
func checkCount(t *testing.T, view Batch) {
	for row := range view.Len {
		id := strconv.Itoa(row)
		i, s, f := &view.Columns[FirstProperty], &view.Columns[FirstProperty+1], &view.Columns[FirstProperty+2]
		ok := string(view.Columns[EventID].Text(row)) == id && view.Columns[Received].Ints[row] == int64(row)
		if row%3 == 1 {
			ok = ok && i.IsNull(row) && string(s.Text(row)) == id && f.Float[row] == float64(row)
		} else {
			ok = ok && i.Ints[row] == int64(row) && !i.IsNull(row) && s.IsNull(row) && f.IsNull(row)
		}
		if !ok {
			t.Errorf("row %d of %d is not as appended", row, view.Len)
			return
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	all, schema := clicks(1 << 16)
	builder := NewBuilder(schema, dataset.Quarantine)
	begin := processorTime(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if builder.Len() == len(all) {
			builder = NewBuilder(schema, dataset.Quarantine)
		}
		e := all[i&(len(all)-1)]
		if !builder.Admits(e) {
			b.Fatal("not admitted")
		}
		builder.Append(e, e.Time)
	}
	b.ReportMetric(float64(processorTime(b)-begin)/float64(b.N), "cpu-ns/event")
}

// processorTime is what this process has used: wall time lies on a shared machine.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// clicks makes events of about 150 bytes as a web shop sends them.
func clicks(n int) ([]*events.Event, dataset.Schema) {
	shape := &events.Shape{Names: []string{"url", "revenue"}}
	all := make([]*events.Event, n)
	for i := range all {
		all[i] = &events.Event{
			ID:   fmt.Sprintf("%08x-0000-4000-8000-%012x", i*2654435761&0xffffffff, i),
			Name: []string{"page_viewed", "product_viewed", "order_completed"}[i%3],
			Time: 1_767_000_000_000_000 + int64(i)*1000, UserID: fmt.Sprint("user-", i%5000), SessionID: fmt.Sprint("session-", i/8),
			Shape:  shape,
			Values: []events.Value{text(fmt.Sprint("/products/", i%700)), float(float64(i%1000) / 100)},
		}
	}
	schema, _, _ := Resolve(dataset.Schema{}, all[0], dataset.Quarantine)
	return all, schema
}
