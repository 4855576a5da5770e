package load_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

func TestTheTimeColumnIsTheRowsTime(t *testing.T) {
	d := flights
	d.Settings.TimeColumn = "placed"
	times := column("placed", dataset.Time, 5)
	for claim, c := range map[string]struct {
		columns []rows.Column
		want    []any // of column time
		refused string
	}{
		"times are copied":                           {columns: []rows.Column{column("n", dataset.Int, 1), times}, want: []any{int64(5)}},
		"where the column is not, there is none":     {columns: []rows.Column{column("n", dataset.Int, 1)}},
		"a text that is a time is read":              {columns: []rows.Column{column("placed", dataset.Text, "1970-01-02T00:00:00Z")}, want: []any{int64(86_400_000_000)}},
		"a text that is none is no time":             {columns: []rows.Column{column("placed", dataset.Text, "soon")}},
		"numbers are no times":                       {columns: []rows.Column{column("placed", dataset.Int, 5)}, refused: "bad_time_column"},
		"a time of the rows' own is not overwritten": {columns: []rows.Column{times, column("time", dataset.Time, 6)}, refused: "time_twice"},
	} {
		t.Run(claim, func(t *testing.T) {
			w := newWorld()
			_, err := w.loader().Load(t.Context(), owner, d, appending("a", batches(c.columns...)))
			if c.refused != "" {
				if said := (*fault.Error)(nil); !errors.As(err, &said) || said.Code != c.refused {
					t.Errorf("%v, want %s", err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ref := w.state(t).Segments[0]
			batch, err := segment.NewCache(&w.blobs, 0).ReadRows(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			var got []any
			for i := range batch.Columns {
				for row := range batch.Len {
					if c := &batch.Columns[i]; c.Name != dataset.ColumnTime {
						continue
					} else if c.IsNull(row) {
						got = append(got, nil)
					} else {
						got = append(got, c.Ints[row])
					}
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if len(c.want) == 1 && ref.MinTime != c.want[0] {
				t.Errorf("the segment begins at %d", ref.MinTime)
			}
		})
	}
}
