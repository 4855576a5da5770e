package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/parquet-go/parquet-go"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/load"
	"github.com/tarnhq/tarn/shared/rows"
)

var flights = dataset.Spec{
	Name: "flights", Kind: dataset.Table,
	Settings: dataset.Settings{Description: "Flights within the United States in the first half of 2001: delay in minutes, distance in miles. " +
		"The time is that of the departure's clocks, written as UTC. From the Bureau of Transportation Statistics, by way of vega-datasets."},
}

// flightColumns are the columns of the file, and what they become.
var flightColumns = []struct {
	from, as string // name in the file; its type or, for any of that kind, kind
	to       dataset.Column
}{
	{"date", "TIMESTAMP(isAdjustedToUTC=false,unit=MICROS)", dataset.Column{Name: dataset.ColumnTime, Type: dataset.Time}},
	{"delay", "INT64", dataset.Column{Name: "delay", Type: dataset.Int}},
	{"distance", "INT64", dataset.Column{Name: "distance", Type: dataset.Int}},
	{"origin", "BYTE_ARRAY", dataset.Column{Name: "origin", Type: dataset.Text}},
	{"destination", "BYTE_ARRAY", dataset.Column{Name: "destination", Type: dataset.Text}},
}

// batchRows bounds the rows that are in memory at a time.
const batchRows = 1_000_000

func (d Deps) loadFlights(ctx context.Context, into dataset.Dataset, path string, p *progress) error {
	file, err := os.Open(path) // #nosec G304 -- a file of the demo data
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	opened, err := parquet.OpenFile(file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return err
	}
	loaded, err := d.Loader.Load(ctx, d.Tenant, into, load.Plan{ID: "vega-datasets", Mode: load.Append, Parts: load.Rows(flightBatches(opened, batchRows, p))})
	if err == nil && !loaded.Before {
		p.finish(loaded.Rows)
	}
	return err
}

// flightBatches reads a file of flights, as many row groups at a time as most rows
// hold, or one.
func flightBatches(file *parquet.File, most int64, p *progress) iter.Seq2[rows.Batch, error] {
	return func(yield func(rows.Batch, error) bool) {
		places, err := flightPlaces(file.Schema())
		if err != nil {
			yield(rows.Batch{}, err)
			return
		}
		p.begin(file.NumRows())
		done, batch := int64(0), newBatch()
		for _, group := range file.RowGroups() {
			if batch.Len > 0 && int64(batch.Len)+group.NumRows() > most {
				if !yield(batch, nil) {
					return
				}
				batch = newBatch()
			}
			if err := appendGroup(&batch, group, places); err != nil {
				yield(rows.Batch{}, err)
				return
			}
			done += group.NumRows()
			p.reach(done)
		}
		yield(batch, nil)
	}
}

func newBatch() rows.Batch {
	batch := rows.Batch{Columns: make([]rows.Column, len(flightColumns))}
	for i := range batch.Columns {
		batch.Columns[i].Column = flightColumns[i].to
	}
	return batch
}

// flightPlaces returns the places of the columns in a file.
func flightPlaces(schema *parquet.Schema) ([]int, error) {
	places := make([]int, len(flightColumns))
	for i, c := range flightColumns {
		leaf, ok := schema.Lookup(c.from)
		if !ok || leaf.Node.Type().String() != c.as && leaf.Node.Type().Kind().String() != c.as {
			return nil, fmt.Errorf("the file has no column %s of type %s", c.from, c.as)
		}
		places[i] = leaf.ColumnIndex
	}
	return places, nil
}

func appendGroup(batch *rows.Batch, group parquet.RowGroup, places []int) error {
	chunks := group.ColumnChunks()
	for i, place := range places {
		if err := appendChunk(&batch.Columns[i], chunks[place]); err != nil {
			return err
		}
	}
	batch.Len += int(group.NumRows())
	return nil
}

func appendChunk(c *rows.Column, chunk parquet.ColumnChunk) (err error) {
	pages := chunk.Pages()
	defer func() { err = errors.Join(err, pages.Close()) }()
	for {
		page, err := pages.ReadPage()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		err = appendValues(c, page.Values())
		parquet.Release(page)
		if err != nil {
			return err
		}
	}
}

func appendValues(c *rows.Column, values parquet.ValueReader) error {
	var buffer [1024]parquet.Value
	for {
		n, err := values.ReadValues(buffer[:])
		for i := range buffer[:n] {
			appendValue(c, &buffer[i])
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func appendValue(c *rows.Column, v *parquet.Value) {
	null := v.IsNull()
	if null && c.Null == nil {
		c.Null = make([]bool, max(len(c.Ints), len(c.Ends)))
	}
	if c.Null != nil {
		c.Null = append(c.Null, null)
	}
	if c.Type == dataset.Text {
		c.Bytes = append(c.Bytes, v.ByteArray()...)
		c.Ends = append(c.Ends, uint32(len(c.Bytes))) // #nosec G115 -- texts of the demo data, some MB
	} else {
		c.Ints = append(c.Ints, v.Int64())
	}
}
