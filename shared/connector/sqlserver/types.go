package sqlserver

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tarnhq/tarn/shared/connector/sqltable"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// declared is the type of a column as the catalog has it.
type declared struct {
	name      string // "decimal"
	nullable  bool
	precision int
	scale     int
	bytes     int // of texts and bytes, at most; -1: of any length
	collation string
}

// longestKey is how many bytes a value of an index can have.
const longestKey = 1700

// full writes the type as it is declared.
func (d declared) full() string {
	switch d.name {
	case "decimal", "numeric":
		return fmt.Sprintf("%s(%d,%d)", d.name, d.precision, d.scale)
	case "datetime2", "datetimeoffset", "time":
		return fmt.Sprintf("%s(%d)", d.name, d.scale)
	case "char", "varchar", "nchar", "nvarchar", "binary", "varbinary":
		if d.bytes < 0 {
			return d.name + "(max)"
		}
		n := d.bytes
		if d.name[0] == 'n' {
			n /= 2
		}
		return fmt.Sprintf("%s(%d)", d.name, n)
	}
	return d.name
}

// anything reads a sql_variant: ids and bytes as texts, of the rest what the driver makes of
// the type that the value has.
const anything = `CASE WHEN SQL_VARIANT_PROPERTY(%[1]s, 'BaseType') = 'uniqueidentifier' THEN CONVERT(sql_variant, CONVERT(varchar(36), CONVERT(uniqueidentifier, %[1]s))) ` +
	`WHEN SQL_VARIANT_PROPERTY(%[1]s, 'BaseType') IN ('binary', 'varbinary') THEN CONVERT(sql_variant, CONVERT(varchar(8000), CONVERT(varbinary(4000), %[1]s), 2)) ELSE %[1]s END`

// codecs by the name of the type. Of what is not here, types of the user's own, the bytes.
var codecs = map[string]sqltable.Codec{
	"bit":            {Becomes: dataset.Bool, Add: sqltable.AddBool, Literal: bit},
	"tinyint":        whole,
	"smallint":       whole,
	"int":            whole,
	"bigint":         whole,
	"decimal":        exact,
	"numeric":        exact,
	"money":          exact,
	"smallmoney":     exact,
	"real":           {Becomes: dataset.Float, Add: addSingle, Literal: double},
	"float":          {Becomes: dataset.Float, Add: sqltable.AddFloat, Literal: double},
	"date":           moment("2006-01-02", "date", time.Time{}),
	"datetime":       moment("2006-01-02T15:04:05.000", "datetime", time.Date(1753, 1, 1, 0, 0, 0, 0, time.UTC)),
	"smalldatetime":  moment("2006-01-02T15:04:05", "datetime2(0)", time.Time{}), // which holds what is before its first day, too
	"datetime2":      moment("2006-01-02T15:04:05.0000000", "datetime2(7)", time.Time{}),
	"datetimeoffset": moment("2006-01-02T15:04:05.0000000-07:00", "datetimeoffset(7)", time.Time{}),
	"time":           {Becomes: dataset.Text, Expr: "CONVERT(varchar(16), %s, 121)", Add: plain, Literal: clock},
	"timestamp":      version,
	"rowversion":     version,

	"uniqueidentifier": {Becomes: dataset.Text, Expr: "CONVERT(varchar(36), %s)", Add: plain, Literal: id},
	"text":             {Becomes: dataset.Text, Add: plain},
	"ntext":            {Becomes: dataset.Text, Add: plain},
	"xml":              {Becomes: dataset.Text, Add: plain},
	"json":             {Becomes: dataset.JSON, Expr: "CONVERT(nvarchar(max), %s)", Add: (*rows.Values).AddJSON},
	"vector":           {Becomes: dataset.JSON, Expr: "CONVERT(nvarchar(max), %s)", Add: (*rows.Values).AddJSON},
	"sql_variant":      {Becomes: dataset.Text, Expr: anything, Add: plain},
	"hierarchyid":      {Becomes: dataset.Text, Expr: "%s.ToString()", Add: plain},
	"geometry":         {Becomes: dataset.Text, Expr: "%s.ToString()", Add: plain},
	"geography":        {Becomes: dataset.Text, Expr: "%s.ToString()", Add: plain},
	"image":            {Becomes: dataset.Text, Add: sqltable.AddHex},
}

var (
	whole   = sqltable.Codec{Becomes: dataset.Int, Add: sqltable.AddInt, Literal: number, Cursor: &sqltable.Cursor{Back: sqltable.NumberBack}}
	exact   = sqltable.Codec{Becomes: dataset.Float, Add: (*rows.Values).AddDecimal, Literal: asIs, Cursor: &sqltable.Cursor{Back: sqltable.NumberBack}}
	version = sqltable.Codec{Becomes: dataset.Int, Expr: "CONVERT(bigint, %s)", Add: sqltable.AddInt, Literal: bytes, Cursor: &sqltable.Cursor{Back: versionBack}}
	plain   = (*rows.Values).AddText
)

// codec returns how values of the type are read.
func (d declared) codec() sqltable.Codec {
	short := d.bytes > 0 && d.bytes <= longestKey
	switch d.name {
	case "decimal", "numeric":
		if d.scale == 0 && d.precision <= 18 {
			c := exact
			c.Becomes, c.Add = dataset.Int, sqltable.AddInt
			return c
		}
	case "char", "varchar", "nchar", "nvarchar":
		c := sqltable.Codec{Becomes: dataset.Text, Add: plain}
		if short {
			c.Literal, c.Cursor = d.text(), &sqltable.Cursor{Back: sqltable.TextBack}
		}
		return c
	case "binary", "varbinary":
		c := sqltable.Codec{Becomes: dataset.Text, Add: sqltable.AddHex}
		if short {
			c.Literal = bytes
		}
		return c
	}
	if c, ok := codecs[d.name]; ok {
		return c
	}
	return sqltable.Codec{Becomes: dataset.Text, Expr: "CONVERT(varbinary(max), %s)", Add: sqltable.AddHex}
}

// moment is a type of times, which the driver gives as RFC 3339, a literal of it, and the
// first that the literal's type holds.
func moment(layout, typ string, first time.Time) sqltable.Codec {
	literal := func(text string) string {
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return "NULL" // the driver's own
		}
		if t.Before(first) {
			t = first
		}
		return "CAST('" + t.Format(layout) + "' AS " + typ + ")"
	}
	return sqltable.Codec{Becomes: dataset.Time, Add: sqltable.AddTime(time.RFC3339Nano), Literal: literal, Cursor: &sqltable.Cursor{Back: sqltable.TimeBack(time.RFC3339Nano)}}
}

// addSingle adds a number of 32 bits, which the driver gives with the digits of 64.
func addSingle(v *rows.Values, text []byte) {
	f, err := strconv.ParseFloat(string(text), 32)
	if err != nil {
		v.Misfit(text)
		return
	}
	sqltable.AddFloat(v, strconv.AppendFloat(nil, f, 'g', -1, 32))
}

func asIs(text string) string { return text }

// number writes a whole number so that a column is not converted for its sake.
func number(text string) string {
	if _, err := strconv.ParseInt(text, 10, 64); err != nil {
		return text
	}
	return "CAST(" + text + " AS bigint)"
}

func double(text string) string {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "NULL" // the driver's own
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}

func bit(text string) string {
	if text == "true" {
		return "1"
	}
	return "0"
}

// clock writes a time of day, which the driver gives as one of the first of January.
func clock(text string) string {
	_, text, _ = strings.Cut(text, "T")
	return "CAST('" + strings.TrimSuffix(text, "Z") + "' AS time(7))"
}
