package rows

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tarnhq/tarn/shared/dataset"
)

func TestColumnsConvertToTypesThatHoldTheirValues(t *testing.T) {
	of := func(t dataset.Type) dataset.Column { return dataset.Column{Name: "x", Type: t, Declared: true} }
	text := func(t dataset.Type, all string, ends ...uint32) Column {
		return Column{Column: of(t), Bytes: []byte(all), Ends: ends}
	}
	for claim, c := range map[string]struct {
		from   Column
		to     dataset.Type
		want   Column
		misfit int
	}{
		"ints are floats":                {Column{Column: of(dataset.Int), Ints: []int64{1, -2}}, dataset.Float, Column{Column: of(dataset.Float), Float: []float64{1, -2}}, -1},
		"an int that no float holds":     {Column{Column: of(dataset.Int), Ints: []int64{1, 1<<53 + 1}}, dataset.Float, Column{}, 1},
		"anything is text":               {Column{Column: of(dataset.Bool), Ints: []int64{1, 0}}, dataset.Text, text(dataset.Text, "truefalse", 4, 9), -1},
		"texts are JSON":                 {text(dataset.Text, `a"b`, 1, 3), dataset.JSON, text(dataset.JSON, `"a""\"b"`, 3, 8), -1},
		"an object is no text":           {text(dataset.JSON, `{}{}`, 2, 4), dataset.Text, Column{}, 0},
		"a text may be a time":           {text(dataset.Text, "1970-01-01T00:00:01Z1970-01-01T00:00:00Z", 20, 40), dataset.Time, Column{Column: of(dataset.Time), Ints: []int64{1_000_000, 0}}, -1},
		"a null fits any type":           {Column{Column: of(dataset.JSON), Null: []bool{true, true}, Ends: []uint32{0, 0}}, dataset.Bool, Column{Column: of(dataset.Bool), Ints: []int64{0, 0}, Null: []bool{true, true}}, -1},
		"a null among values stays null": {Column{Column: of(dataset.Int), Null: []bool{false, true}, Ints: []int64{5, 0}}, dataset.Float, Column{Column: of(dataset.Float), Float: []float64{5, 0}, Null: []bool{false, true}}, -1},
	} {
		t.Run(claim, func(t *testing.T) {
			got, misfit := c.from.Convert(of(c.to), 2)
			if misfit != c.misfit {
				t.Fatalf("misfit %d, want %d", misfit, c.misfit)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("column (-want +got):\n%s", diff)
			}
		})
	}
}
