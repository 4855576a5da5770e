package athena

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// statement is a plan as SQL.
type statement struct {
	sql     string
	columns []query.Column
	buckets *calendar.Buckets // of the first column; nil: there are none
	floats  []int             // places of sums and averages of floats; their magnitudes follow the columns
}

// writer writes one statement. What it reads of a row is gathered while it writes.
type writer struct {
	table  target
	schema dataset.Schema // at the version that is asked, which numbers the columns
	reads  []query.Field
	timed  bool  // the whole seconds are read too
	err    error // why the plan cannot be written
}

var timeField = query.Field{Name: dataset.ColumnTime, Type: dataset.Time}

// secondsColumn holds the whole seconds of the event time.
const secondsColumn = "s"

func (w *writer) fail(err error) string {
	if w.err == nil {
		w.err = err
	}
	return "NULL"
}

// column returns what a field is called in the statement.
func (w *writer) column(f query.Field) string {
	at := slices.Index(w.reads, f)
	if at < 0 {
		at = len(w.reads)
		w.reads = append(w.reads, f)
	}
	return "c" + strconv.Itoa(at)
}

// statementOf writes a plan over some segments of a table. An order and a limit are
// the plan's, or of no order no limit either.
func statementOf(p query.AggregatePlan, t target, schema dataset.Schema, wanted []segment.Ref) (statement, error) {
	w := &writer{table: t, schema: schema}
	out := statement{columns: p.Columns()}
	keys, err := w.keys(p.Keys, wanted, &out)
	if err != nil {
		return out, err
	}
	list := slices.Clone(keys)
	for i, m := range p.Measures {
		list = append(list, w.measure(m))
		if m.Type() == query.Float && (m.Op == query.Sum || m.Op == query.Avg) && m.Field.Type == dataset.Float {
			out.floats = append(out.floats, len(keys)+i)
		}
	}
	for _, place := range out.floats {
		list = append(list, w.magnitude(p.Measures[place-len(keys)]))
	}
	where := ""
	if p.Filter != nil {
		where = "\nWHERE " + w.condition(*p.Filter)
	}
	sql := "SELECT " + named(list) + "\nFROM (" + w.relation(wanted, p.Range) + ") r" + where
	if len(keys) > 0 {
		sql += "\nGROUP BY " + sqltext.Places(len(keys)) + sqltext.Sorted(p.Order, p.Limit)
	}
	out.sql = sql
	return out, w.err
}

// keys writes what rows are grouped by.
func (w *writer) keys(k query.Keys, wanted []segment.Ref, out *statement) ([]string, error) {
	var list []string
	if k.Bucket != nil {
		zone, err := time.LoadLocation(k.Bucket.Zone)
		if err != nil {
			return nil, fmt.Errorf("plan: %w", err)
		}
		out.buckets = &calendar.Buckets{Grain: k.Bucket.Grain, Zone: zone, WeekStart: k.Bucket.WeekStart}
		w.timed = true
		list = append(list, bucketStart(*out.buckets, daysOf(wanted), w.column(timeField), secondsColumn))
	}
	for _, d := range k.Dimensions {
		list = append(list, w.via(d.Via, d.Field))
	}
	return list, nil
}

func daysOf(refs []segment.Ref) []segment.Day {
	lists := make([][]segment.Day, len(refs))
	for i, ref := range refs {
		lists[i] = ref.Days
	}
	return calendar.Union(lists...)
}

// relation writes the rows with what is read of them. All else must be written before.
func (w *writer) relation(wanted []segment.Ref, r query.Range) string {
	list := []string{"1 AS one"}
	for i, f := range w.reads {
		expression, err := w.table.column(f, w.schema)
		if err != nil {
			w.fail(err)
		}
		list = append(list, expression+" AS c"+strconv.Itoa(i))
	}
	if w.timed {
		time, err := w.table.column(timeField, w.schema)
		if err != nil {
			w.fail(err)
		}
		list = append(list, seconds(time)+" AS "+secondsColumn)
	}
	return "SELECT " + strings.Join(list, ", ") + "\nFROM " + w.table.restricted(wanted, r)
}

// named gives the columns of an answer the names that nameOf says.
func named(list []string) string {
	out := make([]string, len(list))
	for i, expression := range list {
		out[i] = expression + " AS v" + strconv.Itoa(i)
	}
	return strings.Join(out, ", ")
}
