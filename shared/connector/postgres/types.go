package postgres

import (
	"math"
	"strconv"
	"time"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// codec is how values of a type are read.
type codec struct {
	becomes dataset.Type
	expr    string // how to select it, with %s for the column; empty: as it is
	add     func(v *rows.Values, text []byte)
}

// codecs by the name of the type. What is not here is text as PostgreSQL writes it: uuid,
// inet, intervals, times of day, ranges, enums, bit strings, XML, geometry.
var codecs = map[string]codec{
	"bool":        {becomes: dataset.Bool, add: func(v *rows.Values, text []byte) { v.AddBool(text[0] == 't') }},
	"int2":        {becomes: dataset.Int, add: addInt},
	"int4":        {becomes: dataset.Int, add: addInt},
	"int8":        {becomes: dataset.Int, add: addInt},
	"oid":         {becomes: dataset.Int, add: addInt},
	"float4":      {becomes: dataset.Float, add: addFloat},
	"float8":      {becomes: dataset.Float, add: addFloat},
	"numeric":     {becomes: dataset.Float, add: (*rows.Values).AddDecimal},
	"money":       {becomes: dataset.Float, expr: "%s::numeric", add: (*rows.Values).AddDecimal}, // as text it has the server's currency
	"json":        {becomes: dataset.JSON, add: (*rows.Values).AddText},
	"jsonb":       {becomes: dataset.JSON, add: (*rows.Values).AddText},
	"bytea":       {becomes: dataset.Text, add: addBytes},
	"date":        {becomes: dataset.Time, add: addTime("2006-01-02")},
	"timestamp":   {becomes: dataset.Time, add: addTime("2006-01-02 15:04:05.999999")},
	"timestamptz": {becomes: dataset.Time, add: addTime("2006-01-02 15:04:05.999999-07")},
}

var (
	plain   = codec{becomes: dataset.Text, add: (*rows.Values).AddText}
	integer = codec{becomes: dataset.Int, add: addInt}
	nested  = codec{becomes: dataset.JSON, expr: "to_json(%s)", add: (*rows.Values).AddText}
)

// codec returns how values of the type are read.
func (b baseType) codec() codec {
	if b.category == "A" || b.typtype == "c" {
		return nested
	}
	if b.name == "numeric" && b.whole() {
		return integer
	}
	if c, ok := codecs[b.name]; ok {
		return c
	}
	return plain
}

// whole reports whether a numeric is declared as a whole number of at most 18 digits. Its
// modifier holds precision and scale in 16 and 11 bits, and 4 more than that.
func (b baseType) whole() bool {
	precision, scale := (b.typmod-4)>>16, (b.typmod-4)&0x7ff
	return b.typmod >= 4 && scale == 0 && precision <= 18
}

func addInt(v *rows.Values, text []byte) {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil { // numeric has NaN
		v.Misfit(text)
		return
	}
	v.AddInt(n)
}

func addFloat(v *rows.Values, text []byte) {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		v.Misfit(text)
		return
	}
	v.AddFloat(f)
}

// addBytes writes bytes as hex digits, without the \x that the session has before them.
func addBytes(v *rows.Values, text []byte) { v.AddText(text[len(`\x`):]) }

// addTime reads a time that is written so. Infinity, years before Christ and those beyond
// 9999 are none that a dataset holds.
func addTime(layout string) func(*rows.Values, []byte) {
	return func(v *rows.Values, text []byte) {
		t, err := time.Parse(layout, string(text))
		if err != nil {
			v.Misfit(text)
			return
		}
		v.AddTime(t.UnixMicro())
	}
}

// builder returns a Builder of columns.
func builder(columns []column) (*rows.ValueBuilder, []codec) {
	names, how := make([]dataset.Column, len(columns)), make([]codec, len(columns))
	for i, c := range columns {
		how[i] = c.base.codec()
		names[i] = dataset.Column{Name: c.name, Type: how[i].becomes}
	}
	return rows.NewValueBuilder(names), how
}

// addRow adds a row in the text format.
func addRow(b *rows.ValueBuilder, how []codec, values [][]byte) {
	for i, text := range values {
		if text == nil {
			b.Column(i).AddNull()
			continue
		}
		how[i].add(b.Column(i), text)
	}
	b.EndRow()
}
