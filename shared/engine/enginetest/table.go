package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"github.com/tarnhq/tarn/shared/blob"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/manifest"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
	"github.com/tarnhq/tarn/shared/snapshot"
)

// tableNames are among others the names of an events dataset's own columns.
var tableNames = []string{"time", "event", "event_id", "properties", "URL", "url", "n"}

var types = []dataset.Type{dataset.Bool, dataset.Int, dataset.Float, dataset.Text, dataset.Time, dataset.JSON}

// drawTable makes a table of a few loads, whose columns are of other types from load
// to load, are missing, or hold nulls.
func drawTable(t *rapid.T, store blob.Store, number int) drawn {
	d := drawn{snapshot: snapshot.Snapshot{Dataset: dataset.Dataset{ID: dataset.ID(fmt.Sprintf("t%d", number)), Kind: dataset.Table}, Version: 7, Release: func() {}}}
	var loads []rows.Batch
	for i := range rapid.IntRange(1, 3).Draw(t, "loads") {
		batch := drawLoad(t, i)
		origin := segment.Origin{Tenant: "t", Dataset: d.snapshot.Dataset.ID, Shard: "load", From: "1", Through: "1"}
		ref, err := segment.WriteTable(context.Background(), store, origin, batch, nil)
		if err != nil {
			t.Fatal(err)
		}
		d.snapshot.Segments = append(d.snapshot.Segments, ref)
		d.snapshot.Schema = manifest.MergeSchema(d.snapshot.Schema, dataset.Schema{Columns: columnsOf(batch)})
		loads = append(loads, batch)
	}
	d.all = gather(loads, d.snapshot.Schema)
	return d
}

func drawLoad(t *rapid.T, number int) rows.Batch {
	batch := rows.Batch{Len: rapid.IntRange(1, 12).Draw(t, "rows")}
	for i, name := range tableNames {
		if i > 0 && rapid.IntRange(0, 3).Draw(t, "missing") == 0 {
			continue
		}
		c := rows.Column{Column: dataset.Column{Name: name, Type: types[(i+5)%len(types)]}}
		if i == 0 {
			c.Type = dataset.Time
		}
		if number > 0 && rapid.IntRange(0, 2).Draw(t, "another type") == 0 {
			c.Type = rapid.SampledFrom(types).Draw(t, "type")
		}
		for range batch.Len {
			push(&c, drawCell(t, c.Type), rapid.IntRange(0, 4).Draw(t, "null") == 0)
		}
		batch.Columns = append(batch.Columns, c)
	}
	return batch
}

// drawCell draws a value of a type as query.Value holds it.
func drawCell(t *rapid.T, of dataset.Type) query.Value {
	switch of {
	case dataset.Bool:
		return query.BoolValue(rapid.Bool().Draw(t, "bool"))
	case dataset.Int:
		return query.IntValue(rapid.Int64Range(-1<<53, 1<<53).Draw(t, "int"))
	case dataset.Float:
		return query.FloatValue(floats.Draw(t, "float").Float)
	case dataset.Time:
		return query.TimeValue(instants.Draw(t, "time"))
	case dataset.Text:
		return query.TextValue(rapid.SampledFrom(texts).Draw(t, "text"))
	}
	return query.TextValue(`{"a":[1,"x"]}`)
}

// push appends a value of its type, or a null, to a column.
func push(c *rows.Column, v query.Value, null bool) {
	c.Null = append(c.Null, null)
	if null {
		v = query.Value{}
	}
	switch c.Type {
	case dataset.Float:
		f := 0.0
		if !null {
			f = v.Float()
		}
		c.Float = append(c.Float, f)
	case dataset.Text, dataset.JSON:
		c.Bytes = append(c.Bytes, v.Text()...)
		c.Ends = append(c.Ends, uint32(len(c.Bytes))) // #nosec G115 -- texts of a test
	default:
		c.Ints = append(c.Ints, v.Int())
	}
}

func columnsOf(b rows.Batch) []dataset.Column {
	var all []dataset.Column
	for _, c := range b.Columns {
		all = append(all, c.Column)
	}
	return all
}

// gather brings all rows under one schema, value by value.
func gather(loads []rows.Batch, schema dataset.Schema) rows.Batch {
	var all rows.Batch
	for _, c := range schema.Columns {
		all.Columns = append(all.Columns, rows.Column{Column: c})
	}
	for _, load := range loads {
		for row := range load.Len {
			for i := range all.Columns {
				c := &all.Columns[i]
				v := field(load, row, query.Field{Name: c.Name})
				push(c, widen(v, typeIn(load, c.Name), c.Type), v.IsNull())
			}
		}
		all.Len += load.Len
	}
	return all
}

func typeIn(load rows.Batch, name string) dataset.Type {
	for _, c := range load.Columns {
		if c.Name == name {
			return c.Type
		}
	}
	return ""
}

// widen converts a value from the type of its load to that of the schema.
func widen(v query.Value, from, to dataset.Type) query.Value {
	switch {
	case v.IsNull() || from == to || from == dataset.JSON:
		return v
	case to == dataset.Float:
		return query.FloatValue(float64(v.Int()))
	}
	text := v.Text()
	switch from {
	case dataset.Bool:
		text = strconv.FormatBool(v.Int() != 0)
	case dataset.Int:
		text = strconv.FormatInt(v.Int(), 10)
	case dataset.Float:
		text = dataset.FormatFloat(v.Float())
	case dataset.Time:
		text = time.UnixMicro(v.Int()).UTC().Format(time.RFC3339Nano)
	}
	if to == dataset.JSON && (from == dataset.Text || from == dataset.Time) {
		quoted, err := json.Marshal(text)
		if err != nil {
			panic(err)
		}
		text = string(quoted)
	}
	return query.TextValue(text)
}
