package segment

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/tests/fake"
)

func times(name string, all ...int64) rows.Column {
	return rows.Column{Column: dataset.Column{Name: name, Type: dataset.Time}, Ints: all}
}

func ints(name string, all ...int64) rows.Column {
	return rows.Column{Column: dataset.Column{Name: name, Type: dataset.Int}, Ints: all}
}

func without(c rows.Column, nulls ...bool) rows.Column { c.Null = nulls; return c }

func TestTableRowsComeBackAsTheyWereWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batch := drawBatch(t)
		batch.Columns = batch.Columns[rows.Event:] // a table's columns are any; here: all but the id
		order := rapid.Permutation(orderOf(batch, nil)).Draw(t, "order")[:rapid.IntRange(1, batch.Len).Draw(t, "rows")]
		store := &fake.Blobs{}
		ref, err := WriteTable(context.Background(), store, origin, batch, order)
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
	})
}

func TestTableFilesHoldTheColumnsOfTheSchemaAlone(t *testing.T) {
	batch := rows.Batch{Len: 2, Columns: []rows.Column{
		ints("event_id", 7, 8), times("time", 0, 1_000_000), without(ints("none", 0, 0), true, true), without(ints("URL", 0, 9), true, false),
	}}
	ref, body, err := EncodeTable(origin, batch, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := duck(t, body)("select * from read_parquet(%s)")
	want := [][]any{{int64(7), time.UnixMicro(0).UTC(), nil}, {int64(8), time.UnixMicro(1_000_000).UTC(), int64(9)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	names := duck(t, body)("select name from parquet_schema(%s) where type is not null")
	if diff := cmp.Diff([][]any{{"p_event_id"}, {"p_time"}, {"p___55__52__4c"}}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if !ref.Table || ref.Kind != Rows || len(ref.Columns) != 3 {
		t.Errorf("%+v", ref)
	}
}

func TestATableIsPrunedByItsColumnOfTimes(t *testing.T) {
	const day = 24 * 60 * 60 * 1_000_000
	for claim, c := range map[string]struct {
		columns     []rows.Column
		least, most int64
		days        []Day
	}{
		"the times of all rows are its span":             {[]rows.Column{times("time", 3*day+5, 1)}, 1, 3*day + 5, []Day{0, 3}},
		"a row without a time is in no range":            {[]rows.Column{without(times("time", 3*day, 0), false, true)}, math.MinInt64, math.MaxInt64, []Day{3}},
		"without a column of times nothing is said":      {[]rows.Column{times("at", 5, 6)}, math.MinInt64, math.MaxInt64, nil},
		"a column time that holds no times is no such":   {[]rows.Column{ints("time", 5, 6)}, math.MinInt64, math.MaxInt64, nil},
		"rows without any value still make a segment":    {[]rows.Column{without(ints("n", 0, 0), true, true)}, math.MinInt64, math.MaxInt64, nil},
		"a time that all rows lack is as good as absent": {[]rows.Column{ints("n", 1, 2), without(times("time", 0, 0), true, true)}, math.MinInt64, math.MaxInt64, nil},
	} {
		t.Run(claim, func(t *testing.T) {
			ref, _, err := EncodeTable(origin, rows.Batch{Len: 2, Columns: c.columns}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if ref.MinTime != c.least || ref.MaxTime != c.most || !cmp.Equal(ref.Days, c.days) || ref.Rows != 2 {
				t.Errorf("%+v", ref)
			}
		})
	}
}
