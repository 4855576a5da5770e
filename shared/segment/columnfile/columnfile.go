// Package columnfile writes and reads Parquet files of flat rows, column by column.
// It exists because a row-wise writer costs more than the whole budget of an event:
// columns go from memory to pages with no value boxed on the way. Of parquet-go it
// uses the format, the encodings, the filters and the compression, and any Parquet
// reader reads the files; Open reads those that Encode wrote.
//
// The file ends in the part that is read first, its tail: the Bloom filters of the
// first column, then the footer. The tail is read in one range.
package columnfile

import (
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/tarnhq/tarn/shared/rows"
)

// Form is how a column's values stand in the file.
type Form uint8

// The forms, with the type of the rows.Column that they are made from.
const (
	Bool  Form = iota // Bool
	Int               // Int
	Time              // Time: microseconds of a plain TIMESTAMP
	Date              // Int: days since 1970-01-01
	Float             // Float
	Text              // Text or JSON: UTF-8
	Bytes             // Text: anything
	UUID              // Text: canonical lower-case UUIDs only, as 16 bytes
)

// Column is a column of a file.
type Column struct {
	Name     string
	Form     Form
	Optional bool  // may hold nulls
	Bloom    bool  // has Bloom filters: one for each row group
	ID       int32 // the field id that Iceberg knows the column by; zero: none
	Values   *rows.Column
}

// GroupRows is the number of rows in a row group; the last one may be shorter.
const GroupRows = 128 << 10

// version of the file's layout, for readers of other builds.
const version = "1"

const versionKey = "tarn.columnfile"

type physical struct {
	typ       format.Type
	logical   format.LogicalTypeValue
	converted thrift.Null[deprecated.ConvertedType]
	length    thrift.Null[int32]
}

// A plain TIMESTAMP has no converted type: that one would say UTC, which engines
// show in their session's zone and compute with several times slower.
var forms = [...]physical{
	Bool:  {typ: format.Boolean},
	Int:   {typ: format.Int64},
	Time:  {typ: format.Int64, logical: &format.TimestampType{Unit: format.TimeUnit{Value: &format.MicroSeconds{}}}},
	Date:  {typ: format.Int32, logical: &format.DateType{}, converted: thrift.New(deprecated.Date)},
	Float: {typ: format.Double},
	Text:  {typ: format.ByteArray, logical: &format.StringType{}, converted: thrift.New(deprecated.UTF8)},
	Bytes: {typ: format.ByteArray},
	UUID:  {typ: format.FixedLenByteArray, logical: &format.UUIDType{}, length: thrift.New(int32(16))},
}

func (c *Column) element() format.SchemaElement {
	p := forms[c.Form]
	repetition := format.Required
	if c.Optional {
		repetition = format.Optional
	}
	return format.SchemaElement{
		Type: thrift.New(p.typ), TypeLength: p.length, RepetitionType: thrift.New(repetition),
		Name: c.Name, FieldID: c.ID, ConvertedType: p.converted, LogicalType: format.LogicalType{Value: p.logical},
	}
}

// codec of a column's chunks. UUIDs are random: compressing them is wasted time.
func (f Form) codec() format.CompressionCodec {
	if f == UUID {
		return format.Uncompressed
	}
	return format.Zstd
}
