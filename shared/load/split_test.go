package load

import (
	"testing"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

func TestSegmentsAreFewAndOfEqualSizeWithinTheirBounds(t *testing.T) {
	for claim, c := range map[string]struct{ rows, bytes, segments int }{
		"one row is a segment":           {1, 8, 1},
		"a million rows are one segment": {1_000_000, 8, 1},
		"one row more makes two":         {1_000_001, 8, 2},
		"three million rows make three":  {3_000_000, 8, 3},
		"long rows make more":            {1000, 1 << 30, 5},
		"a row is never parted":          {1, 512 << 20, 1},
	} {
		t.Run(claim, func(t *testing.T) {
			texts := rows.Column{Column: dataset.Column{Type: dataset.Text}, Bytes: make([]byte, c.bytes), Ends: make([]uint32, c.rows)}
			batch := rows.Batch{Len: c.rows, Columns: []rows.Column{texts}}
			next, all := int32(0), split(batch)
			if len(all) != c.segments {
				t.Fatalf("%d segments, want %d", len(all), c.segments)
			}
			for _, selection := range all {
				if want := (c.rows + c.segments - 1) / c.segments; len(selection) > want || len(selection) < want-c.segments {
					t.Errorf("%d rows in a segment, want about %d", len(selection), want)
				}
				for _, row := range selection {
					if row != next {
						t.Fatalf("row %d where %d was expected", row, next)
					}
					next++
				}
			}
			if int(next) != c.rows {
				t.Errorf("%d rows of %d", next, c.rows)
			}
		})
	}
}
