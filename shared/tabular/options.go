package tabular

import (
	"slices"

	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/fault"
)

// Format is how a file holds its rows.
type Format string

// The formats.
const (
	CSV     Format = "csv"
	TSV     Format = "tsv" // CSV whose delimiter is a tab
	JSON    Format = "json"
	NDJSON  Format = "ndjson"
	Parquet Format = "parquet"
	XLSX    Format = "xlsx"
)

// Compression is what a file is packed with.
type Compression string

// The compressions.
const (
	Plain Compression = "none"
	Gzip  Compression = "gzip"
	Zstd  Compression = "zstd"
	Zip   Compression = "zip"
)

// Encoding is how text is written as bytes.
type Encoding string

// The encodings. A mark of the byte order at the beginning is no part of the text.
const (
	UTF8        Encoding = "utf-8"
	UTF16LE     Encoding = "utf-16le"
	UTF16BE     Encoding = "utf-16be"
	Windows1252 Encoding = "windows-1252" // of which Latin-1 is a part
)

// Order is the order of day, month and year in dates that are not as ISO 8601 has them.
type Order string

// The orders. Dates of ISO 8601 are read with any of them, years of two digits with none.
const (
	ISO Order = "iso"
	DMY Order = "dmy"
	MDY Order = "mdy"
	YMD Order = "ymd" // also 2026/1/31
)

// None is the Quote of files that quote nothing.
const None = "none"

// Options say how to read a file. What is left out is found by Detect.
type Options struct {
	Format      Format           `json:"format,omitempty" enum:"csv,tsv,json,ndjson,parquet,xlsx"`
	Compression Compression      `json:"compression,omitempty" enum:"none,gzip,zstd,zip"`
	Encoding    Encoding         `json:"encoding,omitempty" enum:"utf-8,utf-16le,utf-16be,windows-1252"`
	Delimiter   string           `json:"delimiter,omitempty" maxLength:"1" doc:"of CSV: one ASCII character"`
	Quote       string           `json:"quote,omitempty" maxLength:"4" doc:"of CSV: one ASCII character, or none"`
	Escape      string           `json:"escape,omitempty" maxLength:"1" doc:"of CSV: what stands before a quote within quotes; the quote itself, or a backslash"`
	Newline     string           `json:"newline,omitempty" enum:"lf,cr" doc:"of CSV: what ends lines; a CR before an LF is no part of the line"`
	Skip        *int             `json:"skip,omitempty" minimum:"0" maximum:"1000" doc:"lines before the header that hold no rows"`
	Header      *bool            `json:"header,omitempty" doc:"whether the first row names the columns"`
	Decimal     string           `json:"decimal,omitempty" pattern:"^[.,]$" doc:"of CSV: the decimal separator"`
	Dates       Order            `json:"dates,omitempty" enum:"iso,dmy,mdy,ymd" doc:"the order of dates that are not ISO 8601; iso leaves those text"`
	Sheet       string           `json:"sheet,omitempty" maxLength:"31" doc:"of a workbook: the first one, unless named"`
	Nulls       []string         `json:"nulls,omitzero" maxItems:"20" doc:"texts that stand for no value; the empty one, unless given"`
	Columns     []dataset.Column `json:"columns,omitempty" maxItems:"250" doc:"types of columns, in place of those that values suggest; a value that does not fit makes its record bad"`
}

// Check returns fault.Invalid unless what is given makes sense.
func (o Options) Check() error {
	for _, c := range []struct {
		name, value string
		of          []string
	}{
		{"format", string(o.Format), []string{"csv", "tsv", "json", "ndjson", "parquet", "xlsx"}},
		{"compression", string(o.Compression), []string{"none", "gzip", "zstd", "zip"}},
		{"encoding", string(o.Encoding), []string{"utf-8", "utf-16le", "utf-16be", "windows-1252"}},
		{"newline", o.Newline, []string{"lf", "cr"}},
		{"decimal", o.Decimal, []string{".", ","}},
		{"dates", string(o.Dates), []string{"iso", "dmy", "mdy", "ymd"}},
	} {
		if c.value != "" && !slices.Contains(c.of, c.value) {
			return badOption(c.name, "it is one of %q", c.of)
		}
	}
	for _, c := range o.Columns {
		if err := c.Check(dataset.Table); err != nil {
			return err
		}
	}
	return o.checkDialect()
}

func (o Options) checkDialect() error {
	switch {
	case o.Delimiter != "" && !punctuation(o.Delimiter):
		return badOption("delimiter", "it is one ASCII character: no letter, digit, quote, point or end of line")
	case o.Quote != "" && o.Quote != None && !punctuation(o.Quote) && o.Quote != `"` && o.Quote != "'":
		return badOption("quote", "it is one ASCII character that is no letter, digit or point, or %q", None)
	case o.Quote != "" && o.Quote == o.Delimiter:
		return badOption("quote", "it is also the delimiter")
	case o.Escape != "" && o.Escape != `\` && o.Escape != o.Quote:
		return badOption("escape", "it is the quote, or a backslash")
	case o.Escape == `\` && (o.Quote == `\` || o.Delimiter == `\`):
		return badOption("escape", "it is also the delimiter or the quote")
	case o.Skip != nil && (*o.Skip < 0 || *o.Skip > 1000):
		return badOption("skip", "it is 0 to 1000")
	}
	return nil
}

// punctuation reports whether s may stand between fields.
func punctuation(s string) bool {
	if len(s) != 1 {
		return false
	}
	c := s[0]
	letter, digit := c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9'
	return c == '\t' || c > 0 && c < 0x80 && !letter && !digit && c != '"' && c != '\'' && c != '.' && c != '-' && c != '\n' && c != '\r'
}

func badOption(name, format string, args ...any) error {
	return fault.New(fault.Invalid, "bad_option", "the option %s is none that can be used", name).WithHint(format, args...)
}

// types returns the columns whose types are given: the declared ones, then those of the
// options, which bend to them.
func (o Options) types(declared []dataset.Column) map[string]dataset.Column {
	fixed := make(map[string]dataset.Column, len(o.Columns)+len(declared))
	for _, c := range o.Columns {
		fixed[c.Name] = dataset.Column{Name: c.Name, Type: c.Type}
	}
	for _, c := range declared {
		fixed[c.Name] = c
	}
	return fixed
}

// delimiter is that of CSV; of TSV a tab, whatever was given.
func (o Options) delimiter() byte {
	if o.Format == TSV {
		return '\t'
	}
	return o.Delimiter[0]
}
