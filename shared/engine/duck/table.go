package duck

import (
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

// table is a DuckDB table that holds some columns of the first rows of a part.
type table struct {
	name    string
	columns []int // places in the part's batch, ascending
	rows    int
	days    []segment.Day // of event times, ascending; never changed, but replaced

	appender *duckdb.Appender
	readers  int
	used     time.Time
}

func (t *table) holds(columns []int) bool {
	for _, c := range columns {
		if !slices.Contains(t.columns, c) {
			return false
		}
	}
	return true
}

func (t *table) openAppender(conn any) (err error) {
	t.appender, err = duckdb.NewAppenderFromConn(conn.(driver.Conn), "", t.name)
	return err
}

func (t *table) close() error {
	if t.appender == nil {
		return nil
	}
	err := t.appender.Close()
	t.appender = nil
	return err
}

// append adds the rows of a batch that the table lacks, and makes them visible to
// queries that begin afterwards.
func (t *table) append(batch rows.Batch) error {
	if batch.Len <= t.rows {
		return nil
	}
	row := make([]driver.Value, 1+len(t.columns))
	for i := t.rows; i < batch.Len; i++ {
		for j, c := range t.columns {
			column := &batch.Columns[c]
			row[1+j] = cell(column, i)
			if column.Name == dataset.ColumnTime && column.Type == dataset.Time && !column.IsNull(i) {
				t.note(segment.DayOf(column.Ints[i]))
			}
		}
		if err := t.appender.AppendRow(row...); err != nil {
			return errors.Join(err, t.appender.Clear())
		}
	}
	t.rows = batch.Len
	return t.appender.Flush()
}

// note adds a day to those of the table.
func (t *table) note(day segment.Day) {
	if at, found := slices.BinarySearch(t.days, day); !found {
		t.days = slices.Insert(slices.Clone(t.days), at, day)
	}
}

// cell returns a value as the appender takes it.
func cell(c *rows.Column, row int) driver.Value {
	if c.IsNull(row) {
		return nil
	}
	switch c.Type {
	case dataset.Bool:
		return c.Ints[row] != 0
	case dataset.Int, dataset.Time:
		return c.Ints[row]
	case dataset.Float:
		return c.Float[row]
	}
	return c.Text(row)
}
