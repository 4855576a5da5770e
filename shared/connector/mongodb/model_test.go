package mongodb_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// told is a value with what the model knows of it.
type told struct {
	value any
	typ   dataset.Type // of a column that has nothing else; empty: null
	text  string       // in a column of texts, or as JSON
	wide  bool         // an int that no float is
}

func drawInt(n int64) told {
	return told{value: n, typ: dataset.Int, text: fmt.Sprint(n), wide: int64(float64(n)) != n}
}

func drawTime(ms int64) told {
	at := time.UnixMilli(ms).UTC()
	return told{value: bson.DateTime(ms), typ: dataset.Time, text: at.Format(time.RFC3339Nano)}
}

func drawText(text string) told { return told{value: text, typ: dataset.Text, text: text} }

func drawFloat(n int) told {
	f := float64(n) + 0.5
	return told{value: f, typ: dataset.Float, text: strconv.FormatFloat(f, 'f', -1, 64)}
}

// drawDecimal has at most 15 digits.
func drawDecimal(n int64) told {
	return told{value: decimal(fmt.Sprintf("%d.25", n)), typ: dataset.Float, text: fmt.Sprintf("%d.25", n)}
}

func drawArray(all []int32) told {
	text, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return told{value: all, typ: dataset.JSON, text: string(text)}
}

var values = rapid.OneOf(
	rapid.Just(told{}),
	rapid.Map(rapid.Int64Range(-1<<53, 1<<53), drawInt),
	rapid.Map(rapid.Int64Range(1<<53, 1<<62), drawInt),
	rapid.Map(rapid.IntRange(-99_999, 99_999), drawFloat),
	rapid.Map(rapid.Int64Range(0, 99_999), drawDecimal),
	rapid.Map(rapid.Int64Range(-62135596800000, 253402300799999), drawTime),
	rapid.Map(rapid.String(), drawText),
	rapid.Just(told{value: true, typ: dataset.Bool, text: "true"}),
	rapid.Map(rapid.SliceOfN(rapid.Int32(), 0, 3), drawArray),
	rapid.Just(told{value: bson.MaxKey{}, typ: dataset.Text, text: `{"$maxKey":1}`}),
)

// typeOf is the type of a column that has all of some values.
func typeOf(all []told) dataset.Type {
	seen, wide := map[dataset.Type]bool{}, false
	for _, v := range all {
		if v.typ != "" {
			seen[v.typ] = true
			wide = wide || v.wide
		}
	}
	only := func(types ...dataset.Type) bool {
		n := 0
		for _, t := range types {
			if seen[t] {
				n++
			}
		}
		return n == len(seen)
	}
	for _, t := range []dataset.Type{dataset.Bool, dataset.Int, dataset.Float, dataset.Time, dataset.Text, dataset.JSON} {
		if only(t) {
			return t
		}
	}
	switch {
	case seen[dataset.JSON]:
		return dataset.JSON
	case only(dataset.Int, dataset.Float) && !wide:
		return dataset.Float
	}
	return dataset.Text
}

func TestTheRowsOfAnyDocumentsAreThoseOfASlowModel(t *testing.T) {
	s := &shop{}
	source := open(t, s, connector.Config{})
	rapid.Check(t, func(r *rapid.T) {
		s.docs = nil
		fields := map[string][]told{}
		docs := rapid.SliceOfN(rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "_id", "A", "ü"}), values), 1, 12).Draw(r, "documents")
		for i, fieldsOf := range docs {
			doc := bson.D{{Key: "n", Value: int32(i)}}
			for _, name := range []string{"a", "b", "_id", "A", "ü"} {
				v, ok := fieldsOf[name]
				if ok {
					doc = append(doc, bson.E{Key: name, Value: v.value})
				}
				fields[name] = append(fields[name], v)
			}
			s.docs = append(s.docs, raw(r, doc))
		}
		for b, err := range source.Read(t.Context(), connector.Read{Table: whole}) {
			if err != nil {
				r.Fatal(err)
			}
			for name, all := range fields {
				if diff := cmp.Diff(modelled(all), column(b.Rows, name)); diff != "" {
					r.Fatalf("field %s, -want +got:\n%s", name, diff)
				}
			}
		}
	})
}

// modelled is a column as text: its type, and what is in each row.
func modelled(all []told) []string {
	typ, any := typeOf(all), false
	out := []string{string(typ)}
	for _, v := range all {
		text := "null"
		switch {
		case v.typ == "":
		case typ == dataset.JSON && (v.typ == dataset.Text || v.typ == dataset.Time):
			text = "a string " + v.text
		default:
			text = v.text
		}
		any = any || v.typ != ""
		out = append(out, text)
	}
	if !any {
		return nil // no column
	}
	return out
}

// column is a column of a batch as modelled has it.
func column(b rows.Batch, name string) []string {
	for i := range b.Columns {
		c := &b.Columns[i]
		if c.Name != name {
			continue
		}
		out := []string{string(c.Type)}
		for row := range b.Len {
			text := "null"
			if !c.IsNull(row) {
				text = string(c.AppendText(nil, row))
			}
			if c.Type == dataset.JSON && text[0] == '"' {
				var inner string
				if err := json.Unmarshal([]byte(text), &inner); err != nil {
					inner = err.Error()
				}
				text = "a string " + inner
			}
			out = append(out, text)
		}
		return out
	}
	return nil
}
