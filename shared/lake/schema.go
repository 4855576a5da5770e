// #nosec G115 -- bits are kept, as Iceberg's single-value form has them

package lake

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/apache/iceberg-go"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
	"github.com/tarnhq/tarn/shared/segment"
)

// types are what Iceberg calls the types of columns. JSON is its text.
var types = map[dataset.Type]iceberg.Type{
	dataset.Bool: iceberg.PrimitiveTypes.Bool, dataset.Int: iceberg.PrimitiveTypes.Int64, dataset.Float: iceberg.PrimitiveTypes.Float64,
	dataset.Text: iceberg.PrimitiveTypes.String, dataset.Time: iceberg.PrimitiveTypes.Timestamp, dataset.JSON: iceberg.PrimitiveTypes.String,
}

// columnUUID holds event ids of files in which all are UUIDs; event_id holds others.
const columnUUID = "event_uuid"

var fieldTime = int(segment.FieldID(rows.Time, dataset.Time))

func field(id int32, name string, t iceberg.Type) iceberg.NestedField {
	return iceberg.NestedField{ID: int(id), Name: name, Type: t}
}

// fixed are the fields that every table has.
func fixed() []iceberg.NestedField {
	var all []iceberg.NestedField
	for place, c := range dataset.Fixed {
		all = append(all, field(segment.FieldID(place, c.Type), c.Name, types[c.Type]))
	}
	return append(all, field(segment.FieldUUID, columnUUID, iceberg.PrimitiveTypes.UUID), field(segment.FieldDay, segment.ColumnDay, iceberg.PrimitiveTypes.Date))
}

// widened returns the fields of a table once some files are in it: those it has, and
// one for each property and type that none of them is. The first type of a property
// has its plain name, a later one its own behind it, for a name never changes what it
// means.
func widened(fields []iceberg.NestedField, schema dataset.Schema, add []located) []iceberg.NestedField {
	all := slices.Clone(fields)
	for _, c := range needed(schema, add) {
		if slices.ContainsFunc(all, func(f iceberg.NestedField) bool { return f.ID == int(c.id) }) {
			continue
		}
		name := segment.PhysicalName(c.column.Name)
		if slices.ContainsFunc(all, func(f iceberg.NestedField) bool { return f.Name == name }) {
			name += "__" + string(c.column.Type) // no property's name is written so
		}
		all = append(all, field(c.id, name, types[c.column.Type]))
	}
	return all
}

type numbered struct {
	id     int32
	column dataset.Column
}

// needed lists the property columns of files by their field ids, in order.
func needed(schema dataset.Schema, add []located) []numbered {
	all := map[int32]dataset.Column{}
	for _, ref := range add {
		for _, c := range ref.Columns {
			all[segment.FieldID(rows.FirstProperty+schema.Find(c.Name), c.Type)] = c
		}
	}
	var list []numbered
	for id, c := range all {
		list = append(list, numbered{id, c})
	}
	slices.SortFunc(list, func(a, b numbered) int { return cmp.Compare(a.id, b.id) })
	return list
}

// Numbers of the ways that files are partitioned in: those that hold several days,
// and those that hold one.
const (
	specMixed = 0
	specDay   = 1
)

const fieldPartition = 1000

// byDay partitions a table by the UTC day of the event time.
var byDay = iceberg.NewPartitionSpecID(specDay, iceberg.PartitionField{SourceIDs: []int{fieldTime}, FieldID: fieldPartition, Name: "time_day", Transform: iceberg.DayTransform{}})

// fileOf describes a merged segment as a data file, from what the manifest knows.
func fileOf(location string, ref segment.Ref) iceberg.DataFile {
	spec, partition, logical := *iceberg.UnpartitionedSpec, map[int]any(nil), map[int]string(nil)
	if len(ref.Days) == 1 {
		spec, partition, logical = byDay, map[int]any{fieldPartition: int32(ref.Days[0])}, map[int]string{fieldPartition: "date"}
	}
	b, err := iceberg.NewDataFileBuilder(spec, iceberg.EntryContentData, location, iceberg.ParquetFile, partition, logical, nil, ref.Rows, ref.Bytes)
	if err != nil {
		panic(fmt.Sprintf("segment %s: %v", ref.Key, err)) // a segment has a name and a row
	}
	b.LowerBoundValues(map[int][]byte{fieldTime: long(ref.MinTime), int(segment.FieldDay): date(ref.Days[0])})
	b.UpperBoundValues(map[int][]byte{fieldTime: long(ref.MaxTime), int(segment.FieldDay): date(ref.Days[len(ref.Days)-1])})
	return b.Build()
}

// long and date write bounds as Iceberg does.
func long(v int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }

func date(d segment.Day) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(d)) }
