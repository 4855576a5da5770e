package duck

import (
	"slices"
	"sort"
	"strings"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/engine/local"
	"github.com/tarnhq/tarn/shared/engine/sqltext"
	"github.com/tarnhq/tarn/shared/query"
	"github.com/tarnhq/tarn/shared/query/calendar"
	"github.com/tarnhq/tarn/shared/segment"
)

// selection is the segments that a plan reads.
type selection struct {
	refs    []segment.Ref
	within  []bool // all rows of the ref lie in the range
	skipped int
	buckets *calendar.Buckets // that rows are grouped by; nil: by none
}

// prune drops the segments none of whose rows lie in a range.
func prune(refs []segment.Ref, r query.Range) selection {
	var s selection
	for _, ref := range refs {
		if r.From >= r.To || ref.MaxTime < r.From || ref.MinTime >= r.To || !meetsDays(ref.Days, r) {
			s.skipped++
			continue
		}
		s.refs = append(s.refs, ref)
		s.within = append(s.within, r.From <= ref.MinTime && ref.MaxTime < r.To)
	}
	return s
}

// of returns the segments, and their paths, that have rows in a range which a wider
// one was pruned to.
func (s selection) of(r query.Range, paths []string) (selection, []string) {
	narrower, at := prune(s.refs, r), 0
	narrower.buckets = s.buckets
	var kept []string
	for i, ref := range s.refs {
		if at < len(narrower.refs) && narrower.refs[at].Key == ref.Key {
			kept = append(kept, paths[i])
			at++
		}
	}
	return narrower, kept
}

// meetsDays reports whether any of the days meets the range. Late rows of scattered
// days share a segment, whose times then say little.
func meetsDays(days []segment.Day, r query.Range) bool {
	first, last := segment.DayOf(r.From), segment.DayOf(r.To-1)
	at := sort.Search(len(days), func(i int) bool { return days[i] >= first })
	return len(days) == 0 || at < len(days) && days[at] <= last
}

// wants lists what is read of the segments: the fields' columns, and the time where
// the range cuts them.
func (s selection) wants(f fields) []local.Want {
	wants := make([]local.Want, len(s.refs))
	for i, ref := range s.refs {
		wants[i].Ref = ref
		read := f
		if _, known := s.moment(ref); known {
			read = slices.DeleteFunc(slices.Clone(f), func(field query.Field) bool { return field == momentField })
		}
		if !s.within[i] {
			read = slices.Concat(read, fields{timeField})
		}
		for _, field := range read {
			if column, ok := storedIn(ref, field); ok && !slices.Contains(wants[i].Columns, column) {
				wants[i].Columns = append(wants[i].Columns, column)
			}
		}
	}
	return wants
}

// storedIn returns the column of a segment's files that a field is read from.
func storedIn(ref segment.Ref, field query.Field) (string, bool) {
	switch {
	case field.InJSON:
		return dataset.ColumnProperties, true
	case !ref.Table && slices.ContainsFunc(dataset.Fixed, func(c dataset.Column) bool { return c.Name == field.Name }):
		return field.Name, true
	case columnOf(ref, field.Name) >= 0:
		return segment.PhysicalName(field.Name), true
	}
	return "", false
}

func (s selection) stats() query.Stats {
	stats := query.Stats{Segments: len(s.refs), SegmentsPruned: s.skipped}
	for _, ref := range s.refs {
		stats.RowsScanned += ref.Rows
		stats.Bytes += ref.Bytes
	}
	return stats
}

// group is segments that one scan can read: they hold the fields in the same way.
type group struct {
	ref     segment.Ref // any of them
	within  bool
	paths   []string
	moments []int64 // of each, where moments are known
}

// groups gathers segments whose columns, as far as the fields go, are the same.
func (s selection) groups(f fields, paths []string) []*group {
	var out []*group
	byShape := map[string]*group{}
	for i, ref := range s.refs {
		shape := shapeOf(ref, f, s.within[i])
		at, known := s.moment(ref)
		if known {
			shape += "!"
		}
		g := byShape[shape]
		if g == nil {
			g = &group{ref: ref, within: s.within[i]}
			byShape[shape] = g
			out = append(out, g)
		}
		g.paths = append(g.paths, paths[i])
		if known {
			g.moments = append(g.moments, at)
		}
	}
	return out
}

func shapeOf(ref segment.Ref, f fields, within bool) string {
	var b strings.Builder
	if within {
		b.WriteByte('!')
	} else {
		b.WriteString(timeColumn(ref))
	}
	for _, field := range f {
		at := columnOf(ref, field.Name)
		b.WriteString(fileColumn(ref, field))
		if at >= 0 {
			b.WriteString(string(ref.Columns[at].Type)) // one scan would take the type of one file for all
		}
		b.WriteByte(0)
	}
	return b.String()
}

// files writes the table of a group's files.
func (g *group) files() string {
	quoted := make([]string, len(g.paths))
	for i, path := range g.paths {
		quoted[i] = sqltext.Literal(path)
	}
	return "read_parquet([" + strings.Join(quoted, ", ") + "])"
}

// scan writes the SELECT over a group's files.
func (g *group) scan(f fields, r query.Range) string {
	columns := make([]string, len(f))
	for i, field := range f {
		if columns[i] = fileColumn(g.ref, field); field == momentField && g.moments != nil {
			columns[i] = eachFile(g.moments)
		}
	}
	sql := "SELECT " + selected(f, columns) + " FROM " + g.files()
	if g.within {
		return sql
	}
	return sql + rangeOf(timeColumn(g.ref), r, timestamp)
}

// timeColumn writes the column of a segment's files that ranges restrict. In a
// table's there may be none, and a null is in no range.
func timeColumn(ref segment.Ref) string {
	if !ref.Table {
		return sqltext.Identifier(dataset.ColumnTime)
	}
	if at := columnOf(ref, dataset.ColumnTime); at >= 0 && ref.Columns[at].Type == dataset.Time {
		return sqltext.Identifier(segment.PhysicalName(dataset.ColumnTime))
	}
	return "CAST(NULL AS TIMESTAMP)"
}

// selected names expressions for the fields as the statement calls them.
func selected(f fields, expressions []string) string {
	if len(f) == 0 {
		return "1"
	}
	list := make([]string, len(f))
	for i, field := range f {
		list[i] = expressions[i] + " AS " + f.alias(field)
	}
	return strings.Join(list, ", ")
}

func rangeOf(column string, r query.Range, instant func(int64) string) string {
	var conditions []string
	if r.From != query.Unbounded.From {
		conditions = append(conditions, column+" >= "+instant(r.From))
	}
	if r.To != query.Unbounded.To {
		conditions = append(conditions, column+" < "+instant(r.To))
	}
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

// fileColumn writes the expression that reads a field from a segment's files.
func fileColumn(ref segment.Ref, field query.Field) string {
	if mask := field.Mask; mask != "" {
		field.Mask = ""
		return masked(fileColumn(ref, field), mask)
	}
	if field.InJSON {
		return property(sqltext.Identifier(dataset.ColumnProperties), field.Name)
	}
	at := slices.IndexFunc(dataset.Fixed, func(c dataset.Column) bool { return c.Name == field.Name })
	switch {
	case field.Name == dataset.ColumnEventID && ref.UUID:
		return "CAST(" + sqltext.Identifier(field.Name) + " AS VARCHAR)"
	case at >= 0 && !ref.Table:
		return stored(sqltext.Identifier(field.Name), dataset.Fixed[at].Type, field.Type)
	}
	if at = columnOf(ref, field.Name); at < 0 {
		return "CAST(NULL AS " + sqlTypes[field.Type] + ")"
	}
	return stored(sqltext.Identifier(segment.PhysicalName(field.Name)), ref.Columns[at].Type, field.Type)
}

func columnOf(ref segment.Ref, name string) int {
	return slices.IndexFunc(ref.Columns, func(c dataset.Column) bool { return c.Name == name })
}

// stored reads a column of a file as a field of a relation.
func stored(column string, from, to dataset.Type) string {
	if to == instant {
		return column
	}
	if from == dataset.Time {
		column = "epoch_us(" + column + ")"
	}
	return widened(column, from, to)
}
