package mysql

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/tarnhq/tarn/shared/connector/sqltable"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// declared is the type of a column as the catalog has it.
type declared struct {
	data      string // "decimal"
	full      string // "decimal(10,2) unsigned"
	nullable  bool
	precision int // of numbers
	scale     int
	octets    int64 // of texts and bytes, at most
	json      bool  // MariaDB's type json
}

// longestKey is how many bytes a value of an index can have.
const longestKey = 3072

// Times as the driver writes them.
const (
	dateLayout   = "2006-01-02"
	momentLayout = "2006-01-02 15:04:05.999999"
)

// codecs by the name of the type. What is not here is text as the server writes it: times
// of day, which may have 838 hours, enums, sets, addresses.
var codecs = map[string]sqltable.Codec{
	"tinyint":   whole, // bool and boolean are others of its names: it may be 2
	"smallint":  whole,
	"mediumint": whole,
	"int":       whole,
	"bigint":    whole,
	"year":      {Becomes: dataset.Int, Add: sqltable.AddInt, Literal: asIs},
	"bit":       {Becomes: dataset.Int, Expr: "CAST(%s AS UNSIGNED)", Add: sqltable.AddInt},
	"decimal":   {Becomes: dataset.Float, Add: (*rows.Values).AddDecimal, Literal: asIs, Cursor: &sqltable.Cursor{Back: sqltable.NumberBack}},
	"float":     {Becomes: dataset.Float, Add: sqltable.AddFloat, Literal: single},
	"double":    {Becomes: dataset.Float, Add: sqltable.AddFloat, Literal: asDouble},
	"date":      {Becomes: dataset.Time, Add: sqltable.AddTime(dateLayout), Literal: written("DATE"), Cursor: since("DATE'0001-01-01'", dateLayout)},
	"datetime":  {Becomes: dataset.Time, Add: sqltable.AddTime(momentLayout), Literal: written("TIMESTAMP"), Cursor: since("TIMESTAMP'0001-01-01 00:00:00'", momentLayout)},
	"timestamp": {Becomes: dataset.Time, Add: sqltable.AddTime(momentLayout), Literal: written("TIMESTAMP"), Cursor: since("TIMESTAMP'1970-01-01 00:00:01'", momentLayout)},
	"time":      {Becomes: dataset.Text, Add: (*rows.Values).AddText, Literal: written("TIME")},
	"json":      asJSON,

	"tinyblob": bytes, "blob": bytes, "mediumblob": bytes, "longblob": bytes, "vector": bytes,
	"binary":    {Becomes: dataset.Text, Add: sqltable.AddHex, Literal: asBytes},
	"varbinary": {Becomes: dataset.Text, Add: sqltable.AddHex, Literal: asBytes},

	"geometry": shape, "point": shape, "linestring": shape, "polygon": shape, "multipoint": shape,
	"multilinestring": shape, "multipolygon": shape, "geometrycollection": shape, "geomcollection": shape,

	"uuid": short, "inet4": short, "inet6": short, "enum": short, "set": short,
}

var (
	whole  = sqltable.Codec{Becomes: dataset.Int, Add: sqltable.AddInt, Literal: asIs, Cursor: &sqltable.Cursor{Back: sqltable.NumberBack}}
	truth  = sqltable.Codec{Becomes: dataset.Bool, Expr: "CAST(%s AS UNSIGNED)", Add: sqltable.AddBool}
	asJSON = sqltable.Codec{Becomes: dataset.JSON, Add: (*rows.Values).AddJSON}
	bytes  = sqltable.Codec{Becomes: dataset.Text, Add: sqltable.AddHex}
	shape  = sqltable.Codec{Becomes: dataset.Text, Expr: "ST_AsText(%s)", Add: (*rows.Values).AddText}
	text   = sqltable.Codec{Becomes: dataset.Text, Add: (*rows.Values).AddText}
	short  = sqltable.Codec{Becomes: dataset.Text, Add: (*rows.Values).AddText, Literal: asText}
	ranked = sqltable.Codec{Becomes: dataset.Text, Add: (*rows.Values).AddText, Literal: asText, Cursor: &sqltable.Cursor{Back: sqltable.TextBack}}
)

// codec returns how values of the type are read.
func (d declared) codec() sqltable.Codec {
	switch c, ok := codecs[d.data]; {
	case d.json:
		return asJSON
	case d.data == "bit" && d.precision == 1:
		return truth
	case d.data == "decimal" && d.scale == 0 && d.precision <= 18:
		return whole
	case ok:
		return c
	case (d.data == "char" || d.data == "varchar") && d.octets <= longestKey:
		return ranked
	}
	return text
}

// since is a cursor of times. Those of the day 0000-00-00 have no place: they are what
// MySQL has where it has no time.
func since(first, layout string) *sqltable.Cursor {
	return &sqltable.Cursor{Finite: "%s >= " + first, Back: sqltable.TimeBack(layout)}
}

func asIs(text string) string { return text }

// single writes a number of a column of 32 bits, which the server compares in 64.
func single(text string) string {
	f, err := strconv.ParseFloat(text, 32)
	if err != nil {
		return text // the server's own
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}

// asDouble writes a number so that the server does not take it for a decimal.
func asDouble(text string) string {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text // the server's own
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}

// written writes a time.
func written(typ string) func(string) string {
	return func(text string) string { return fmt.Sprintf("%s'%s'", typ, strings.ReplaceAll(text, "'", "")) }
}

// asText writes a text by its bytes, in which no mode of the server sees anything special.
// The column's collation is that by which it is compared.
func asText(text string) string { return "_utf8mb4 X'" + hex.EncodeToString([]byte(text)) + "'" }

func asBytes(text string) string { return "X'" + hex.EncodeToString([]byte(text)) + "'" }
