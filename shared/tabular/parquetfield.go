package tabular

import (
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// parquetField is a node of a Parquet schema, and how records are put together of its
// leaves' values. Source: S. Melnik et al., "Dremel", VLDB 2010; LogicalTypes.md of
// parquet-format for lists and maps.
type parquetField struct {
	column   *column // of the root's fields
	name     string
	kind     fieldKind
	optional bool
	repeated bool
	level    int // definition level from which a value is there
	repeat   int // repetition level of another element
	first    int // of its leaves
	last     int
	leaf     leafReader
	fields   []*parquetField
}

type fieldKind uint8

const (
	leafField fieldKind = iota
	groupField
	listField // whose one field is what is repeated
	mapField  // the same, of keys and values
)

// leaves are the values of a record that were not used yet, by leaf.
type leaves [][]parquet.Value

func (l leaves) fill(row parquet.Row) leaves {
	for i := range l {
		l[i] = nil
	}
	row.Range(func(column int, values []parquet.Value) bool {
		l[column] = values
		return true
	})
	return l
}

// typeOf is the type of a field's values, as far as the schema tells it.
func (f *parquetField) typeOf() dataset.Type {
	if f.kind != leafField || f.repeated {
		return dataset.JSON
	}
	return f.leaf.kind
}

// next uses the next value of a leaf. A record that lacks one is damaged, which panics as
// parquet-go does.
func (l leaves) next(leaf int) parquet.Value {
	v := l[leaf][0]
	l[leaf] = l[leaf][1:]
	return v
}

func newParquetField(c *parquet.Column, depth int) (*parquetField, error) {
	if depth > maxDepth {
		return nil, fault.New(fault.Invalid, "too_deep", "the schema nests deeper than %d levels", maxDepth)
	}
	f := &parquetField{name: c.Name(), optional: c.Optional(), repeated: c.Repeated(), level: c.MaxDefinitionLevel(), repeat: c.MaxRepetitionLevel()}
	if c.Leaf() {
		f.first, f.last, f.leaf = c.Index(), c.Index(), newLeafReader(c.Type())
		return f, nil
	}
	f.kind = groupField
	for _, child := range c.Columns() {
		field, err := newParquetField(child, depth+1)
		if err != nil {
			return nil, err
		}
		f.fields = append(f.fields, field)
	}
	if len(f.fields) == 0 {
		return nil, fault.New(fault.Invalid, "unreadable_file", "the group %q of the schema has no fields", c.Name())
	}
	f.first, f.last = f.fields[0].first, f.fields[len(f.fields)-1].last
	if len(f.fields) == 1 && f.fields[0].repeated {
		f.annotate(c.Type().LogicalType())
	}
	return f, nil
}

// annotate makes a list or a map of a group.
func (f *parquetField) annotate(t *format.LogicalType) {
	if t == nil {
		return
	}
	entry := f.fields[0]
	switch t.Value.(type) {
	case *format.ListType:
		f.kind = listField
		if entry.kind == groupField && len(entry.fields) == 1 && entry.name != "array" && entry.name != f.name+"_tuple" {
			entry.kind = listField // of one element: a wrapper of it
		}
	case *format.MapType:
		if entry.kind == groupField && len(entry.fields) == 2 && entry.fields[0].leaf.kind == dataset.Text {
			f.kind = mapField
		}
	}
}

// cell returns the value that a record has of a field of the root, or what is wrong with it.
func (f *parquetField) cell(values leaves, s *syntax) (v cell, flaw string) {
	if f.kind == leafField && !f.repeated {
		value := values.next(f.first)
		if value.IsNull() {
			return cell{}, ""
		}
		v, flaw = f.leaf.read(value)
		if len(s.nulls) > 0 && (flaw != "" && s.null([]byte(value.String())) || v.kind == dataset.Text && s.null(v.text)) {
			return cell{}, ""
		}
		return v, flaw
	}
	if f.missing(values) {
		return cell{}, ""
	}
	text := f.append(nil, values, &flaw)
	return cell{kind: dataset.JSON, text: text}, flaw
}

// missing passes over the next value of an optional field if it is null.
func (f *parquetField) missing(values leaves) bool {
	if !f.optional || values[f.first][0].DefinitionLevel() >= f.level {
		return false
	}
	f.skip(values)
	return true
}

// skip passes over a value that is not there, which each leaf has a mark of.
func (f *parquetField) skip(values leaves) {
	for leaf := f.first; leaf <= f.last; leaf++ {
		values.next(leaf)
	}
}

// append appends the next value as JSON.
func (f *parquetField) append(dst []byte, values leaves, flaw *string) []byte {
	if f.repeated {
		return f.appendAll(dst, "[]", values, func(dst []byte) []byte { return f.appendOne(dst, values, flaw) })
	}
	if f.missing(values) {
		return append(dst, "null"...)
	}
	return f.appendOne(dst, values, flaw)
}

// appendAll appends the elements of a repeated field.
func (f *parquetField) appendAll(dst []byte, brackets string, values leaves, one func([]byte) []byte) []byte {
	dst = append(dst, brackets[0])
	if values[f.first][0].DefinitionLevel() < f.level {
		f.skip(values)
		return append(dst, brackets[1])
	}
	for {
		dst = one(dst)
		if left := values[f.first]; len(left) == 0 || left[0].RepetitionLevel() != f.repeat {
			return append(dst, brackets[1])
		}
		dst = append(dst, ',')
	}
}

// appendOne appends a value that is there, or an element.
func (f *parquetField) appendOne(dst []byte, values leaves, flaw *string) []byte {
	switch f.kind {
	case leafField:
		return f.leaf.append(dst, values.next(f.first), flaw)
	case listField:
		return f.fields[0].append(dst, values, flaw)
	case mapField:
		entry := f.fields[0]
		return entry.appendAll(dst, "{}", values, func(dst []byte) []byte {
			dst = append(entry.fields[0].append(dst, values, flaw), ':')
			return entry.fields[1].append(dst, values, flaw)
		})
	}
	dst = append(dst, '{')
	for i, field := range f.fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, []byte(field.name)), ':')
		dst = field.append(dst, values, flaw)
	}
	return append(dst, '}')
}
