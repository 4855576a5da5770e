package sqlserver

import (
	"testing"

	"github.com/tarnhq/tarn/shared/connector"
)

// TestLiteralsAreOfTheTypeOfTheirColumn holds what is written of values to Transact-SQL:
// ISO 8601 is read alike in every language of a session, and a literal of another type than
// its column would have the column converted, past its index and by other rules.
func TestLiteralsAreOfTheTypeOfTheirColumn(t *testing.T) {
	for _, c := range []struct {
		declared
		value, want string
	}{
		{declared{name: "bigint"}, "-9223372036854775808", "CAST(-9223372036854775808 AS bigint)"},
		{declared{name: "bigint"}, "-9223372036854776808", "-9223372036854776808"}, // a window before all numbers
		{declared{name: "decimal", precision: 10, scale: 2}, "1234.50", "1234.50"},
		{declared{name: "money"}, "-0.0001", "-0.0001"},
		{declared{name: "real"}, "0.10000000149011612", "1.0000000149011612e-01"},
		{declared{name: "bit"}, "true", "1"},
		{declared{name: "bit"}, "false", "0"},
		{declared{name: "date"}, "2026-03-29T00:00:00Z", "CAST('2026-03-29' AS date)"},
		{declared{name: "datetime"}, "2026-03-29T12:00:00.003Z", "CAST('2026-03-29T12:00:00.003' AS datetime)"},
		{declared{name: "datetime"}, "1601-01-01T00:00:00Z", "CAST('1753-01-01T00:00:00.000' AS datetime)"},
		{declared{name: "smalldatetime"}, "1899-12-31T23:50:00Z", "CAST('1899-12-31T23:50:00' AS datetime2(0))"},
		{declared{name: "datetime2", scale: 7}, "2026-03-29T12:00:00.1234567Z", "CAST('2026-03-29T12:00:00.1234567' AS datetime2(7))"},
		{declared{name: "datetimeoffset", scale: 7}, "2026-03-29T12:00:00.1+05:45", "CAST('2026-03-29T12:00:00.1000000+05:45' AS datetimeoffset(7))"},
		{declared{name: "time", scale: 7}, "0001-01-01T23:59:59.9999999Z", "CAST('23:59:59.9999999' AS time(7))"},
		{declared{name: "uniqueidentifier"}, "\x99\xbc\xee\xa0\x0b\x9c\xf8\x4e\xbb\x6d\x6b\xb9\xbd\x38\x0a\x11", "CAST('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11' AS uniqueidentifier)"},
		{declared{name: "nvarchar", bytes: 40}, "it's", "N'it''s'"},
		{declared{name: "varchar", bytes: 20, collation: "Latin1_General_CI_AS"}, "ü", "CAST(N'ü' COLLATE Latin1_General_CI_AS AS varchar(8000))"},
		{declared{name: "varbinary", bytes: 4}, "\x00\xff", "0x00ff"},
		{declared{name: "timestamp"}, "\x00\x00\x00\x00\x00\x00\x07\xd1", "0x00000000000007d1"},
	} {
		if got := c.codec().Literal(c.value); got != c.want {
			t.Errorf("%s %q is written %s, want %s", c.name, c.value, got, c.want)
		}
	}
}

func TestWhatHasNoOrderOrNoIndexIsInNone(t *testing.T) {
	for _, d := range []declared{{name: "text"}, {name: "ntext"}, {name: "image"}, {name: "xml"}, {name: "sql_variant"}, {name: "geography"}, {name: "hierarchyid"},
		{name: "nvarchar", bytes: -1}, {name: "varchar", bytes: 8000}, {name: "varbinary", bytes: -1}, {name: "phone"}} {
		if c := d.codec(); c.Literal != nil || c.Cursor != nil {
			t.Errorf("%s can be a key or a cursor", d.full())
		}
	}
}

func TestAWindowOfRowversionsCountsChanges(t *testing.T) {
	for at, want := range map[string]string{
		"\x00\x00\x00\x00\x00\x01\x00\x00": "\x00\x00\x00\x00\x00\x00\xfc\x18",
		"\x00\x00\x00\x00\x00\x00\x00\x05": "\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		if got, err := versionBack(at, connector.Window("")); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := versionBack("x", ""); err == nil {
		t.Error("a rowversion of one byte has a window")
	}
}
