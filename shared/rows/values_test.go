package rows_test

import (
	"fmt"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// TestADecimalIsExactlyWhatItWas reads back what a column of floats, or of texts, holds.
func TestADecimalIsExactlyWhatItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		written := rapid.SliceOfN(rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,20})?`), 1, 8).Draw(t, "decimals")
		b := rows.NewValueBuilder([]dataset.Column{{Name: "n", Type: dataset.Float}})
		for _, text := range written {
			b.Column(0).AddDecimal([]byte(text))
			b.EndRow()
		}
		c := &b.Batch().Columns[0]
		for row, text := range written {
			want, _ := new(big.Rat).SetString(text)
			got, ok := new(big.Rat).SetString(string(c.AppendText(nil, row)))
			if !ok || got.Cmp(want) != 0 {
				t.Fatalf("%s of type %s became %s", text, c.Type, c.AppendText(nil, row))
			}
		}
	})
}

func TestAValueThatDoesNotFitMakesItsColumnOneOfTextsAndChangesNoOther(t *testing.T) {
	b := rows.NewValueBuilder([]dataset.Column{{Name: "i", Type: dataset.Int}, {Name: "t", Type: dataset.Time}, {Name: "b", Type: dataset.Bool}})
	for i := range 3 {
		b.Column(0).AddInt(int64(i))
		b.Column(1).AddTime(int64(i))
		b.Column(2).AddBool(i%2 == 0)
		b.EndRow()
	}
	b.Column(0).Misfit([]byte("NaN"))
	b.Column(1).AddNull()
	b.Column(2).Misfit([]byte("unknown"))
	b.EndRow()
	b.Column(0).AddInt(4)
	b.Column(1).AddTime(4)
	b.Column(2).AddBool(true)
	b.EndRow()
	batch := b.Batch()
	var got []string
	for row := range batch.Len {
		got = append(got, string(batch.AppendJSON(nil, row)))
	}
	want := `[{"i":"0","t":"1970-01-01T00:00:00Z","b":"true"} {"i":"1","t":"1970-01-01T00:00:00.000001Z","b":"false"} ` +
		`{"i":"2","t":"1970-01-01T00:00:00.000002Z","b":"true"} {"i":"NaN","b":"unknown"} {"i":"4","t":"1970-01-01T00:00:00.000004Z","b":"true"}]`
	if fmt.Sprint(got) != want {
		t.Errorf("%v\nwant %s", got, want)
	}
}
