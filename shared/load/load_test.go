package load_test

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/ledger"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/rows"
)

func TestALoadIsVisibleAsAWholeAndCountsOnce(t *testing.T) {
	w := newWorld()
	parts := counted([]int64{1, 2, 3}, nil, []int64{4})
	want := load.Loaded{Rows: 4, Segments: 2}
	if got := w.append(t, "a", parts); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	w.now = w.now.Add(2 * time.Hour)
	want.Before = true
	if got := w.append(t, "a", counted([]int64{9})); got != want {
		t.Errorf("again: %+v, want %+v", got, want)
	}
	w.append(t, "b", counted([]int64{4}))
	w.check(t, 1, 2, 3, 4, 4)
	if v := w.state(t).Version; v != 2 {
		t.Errorf("version %d, want one for each load", v)
	}
	hour := ledger.HourOf(newWorld().now.UnixMicro())
	lines := []ledger.Line{
		{Account: ledger.Account{Hour: hour}, Counts: ledger.Counts{Stored: 4}},
		{Account: ledger.Account{Hour: hour + 2}, Counts: ledger.Counts{Stored: 1}},
	}
	if diff := cmp.Diff(lines, w.state(t).Ledger.Lines); diff != "" {
		t.Errorf("the hour of loading is the account (-want +got):\n%s", diff)
	}
}

func TestALoadOfNothingIsRemembered(t *testing.T) {
	w := newWorld()
	w.append(t, "a", counted())
	if got := w.append(t, "a", counted([]int64{1})); !got.Before || got.Rows != 0 {
		t.Errorf("%+v", got)
	}
	w.check(t)
}

func TestTheSchemaWidensAsLoadsNeedIt(t *testing.T) {
	w := newWorld()
	w.append(t, "ints", batches(column("x", dataset.Int, 1), column("gone", dataset.Bool, 1)))
	w.append(t, "floats", batches(column("x", dataset.Float, 0.5), column("new", dataset.Text, "a")))
	w.append(t, "wide", batches(column("big", dataset.Int, 1<<53+1)))
	want := dataset.Schema{Version: 3, Columns: []dataset.Column{
		{Name: "x", Type: dataset.Float}, {Name: "gone", Type: dataset.Bool}, {Name: "new", Type: dataset.Text}, {Name: "big", Type: dataset.Int, Wide: true},
	}}
	if diff := cmp.Diff(want, w.state(t).Schema); diff != "" {
		t.Errorf("schema (-want +got):\n%s", diff)
	}
	w.append(t, "text", batches(column("big", dataset.Float, 0.5)))
	if i := w.state(t).Schema.Find("big"); w.state(t).Schema.Columns[i].Type != dataset.Text {
		t.Error("a number that no float holds went into a column of floats")
	}
}

func TestDeclaredColumnsHoldTheDeclaredType(t *testing.T) {
	d := flights
	d.Declared = []dataset.Column{{Name: "x", Type: dataset.Float, Declared: true}, {Name: "at", Type: dataset.Time, Declared: true}}
	for claim, c := range map[string]struct {
		column rows.Column
		want   fault.Kind // Internal: it is loaded
	}{
		"an int is a float":                            {column("x", dataset.Int, 7), fault.Internal},
		"an int that no float holds is refused":        {column("x", dataset.Int, 1<<53+1), fault.Invalid},
		"a text is no float":                           {column("x", dataset.Text, "7"), fault.Invalid},
		"a text that is a time is one":                 {column("at", dataset.Text, "2026-01-02T03:04:05Z"), fault.Internal},
		"another text is refused":                      {column("at", dataset.Text, "yesterday"), fault.Invalid},
		"what is not declared is of the type it is of": {column("y", dataset.Text, "7"), fault.Internal},
	} {
		t.Run(claim, func(t *testing.T) {
			w := newWorld()
			_, err := w.loader().Load(t.Context(), owner, d, appending("a", batches(c.column)))
			if got := fault.KindOf(err); (err == nil) != (c.want == fault.Internal) || err != nil && got != c.want {
				t.Fatalf("%v (%v)", err, got)
			}
			if err != nil {
				w.check(t) // nothing of it
				return
			}
			for _, declared := range d.Declared {
				for _, held := range w.state(t).Segments[0].Columns {
					if held.Name == declared.Name && held.Type != declared.Type {
						t.Errorf("column %s is stored as %s", held.Name, held.Type)
					}
				}
			}
		})
	}
}

func TestWhatCannotBeStoredIsRefusedAndNothingIsVisible(t *testing.T) {
	tooMany := make([]rows.Column, dataset.MaxColumns+1)
	for i := range tooMany {
		tooMany[i] = column(fmt.Sprint("c", i), dataset.Int, 1)
	}
	events := flights
	events.Kind = dataset.Events
	for claim, c := range map[string]struct {
		dataset dataset.Dataset
		id      load.ID
		parts   iter.Seq2[rows.Batch, error]
		code    string
	}{
		"events pass the stream":          {events, "a", counted([]int64{1}), "not_a_table"},
		"a load has an id":                {flights, "", counted([]int64{1}), "bad_load_id"},
		"an id is text":                   {flights, "\xff", counted([]int64{1}), "bad_load_id"},
		"names are unique":                {flights, "a", batches(column("x", dataset.Int, 1), column("x", dataset.Text, "a")), "column_twice"},
		"names are not empty":             {flights, "a", batches(column("", dataset.Int, 1)), "bad_column_name"},
		"types are known":                 {flights, "a", batches(column("x", "decimal", 1)), "bad_column_type"},
		"rows have columns":               {flights, "a", batches(), "no_columns"},
		"columns are not too many":        {flights, "a", batches(tooMany...), "too_many_columns"},
		"texts are UTF-8":                 {flights, "a", batches(column("x", dataset.Text, "a\xff")), "bad_value"},
		"floats are numbers":              {flights, "a", batches(column("x", dataset.Float, math.NaN())), "bad_value"},
		"times have four digits of year":  {flights, "a", batches(column("x", dataset.Time, 1<<60)), "bad_value"},
		"JSON is JSON":                    {flights, "a", batches(column("x", dataset.JSON, "{")), "bad_value"},
		"a commit holds so many segments": {flights, "a", counted(slices.Repeat([][]int64{{1}}, 91)...), "load_too_large"},
	} {
		t.Run(claim, func(t *testing.T) {
			w := newWorld()
			_, err := w.loader().Load(t.Context(), owner, c.dataset, appending(c.id, c.parts))
			var refusal *fault.Error
			if !errors.As(err, &refusal) || refusal.Code != c.code {
				t.Fatalf("%v, want %s", err, c.code)
			}
			if w.state(t).Version != 0 {
				t.Error("something is visible")
			}
		})
	}
}

func TestPartsThatFailEndTheLoad(t *testing.T) {
	w := newWorld()
	cut := fault.New(fault.Conflict, "cut", "the file was cut off")
	_, err := w.loader().Load(t.Context(), owner, flights, appending("a", func(yield func(rows.Batch, error) bool) {
		for batch := range counted([]int64{1}) {
			yield(batch, nil)
		}
		yield(rows.Batch{}, cut)
	}))
	if !errors.Is(err, cut) {
		t.Fatal(err)
	}
	w.check(t)
	w.append(t, "a", counted([]int64{2}))
	w.check(t, 2)
}

func batches(columns ...rows.Column) iter.Seq2[rows.Batch, error] {
	return func(yield func(rows.Batch, error) bool) { yield(rows.Batch{Columns: columns, Len: 1}, nil) }
}

// column is a column of one value.
func column(name string, of dataset.Type, value any) rows.Column {
	c := rows.Column{Column: dataset.Column{Name: name, Type: of}}
	switch v := value.(type) {
	case int:
		c.Ints = []int64{int64(v)}
	case float64:
		c.Float = []float64{v}
	case string:
		c.Bytes, c.Ends = []byte(v), []uint32{uint32(len(v))}
	}
	return c
}
