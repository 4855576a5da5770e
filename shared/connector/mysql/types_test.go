package mysql_test

import (
	"fmt"
	"strings"
	"testing"
)

// typed are columns by their type, a value of each and what a dataset has of it. Empty is
// nothing: a null.
var typed = []struct{ typ, value, want string }{
	{"tinyint", "-128", `-128`},
	{"tinyint unsigned", "255", `255`},
	{"tinyint(1)", "2", `2`},
	{"boolean", "true", `1`},
	{"smallint", "-32768", `-32768`},
	{"smallint unsigned", "65535", `65535`},
	{"mediumint", "-8388608", `-8388608`},
	{"mediumint unsigned zerofill", "16777215", `16777215`},
	{"int", "-2147483648", `-2147483648`},
	{"int unsigned", "4294967295", `4294967295`},
	{"bigint", "-9223372036854775808", `-9223372036854775808`},
	{"bigint unsigned", "9223372036854775807", `9223372036854775807`},
	{"bigint unsigned", "18446744073709551615", `"18446744073709551615"`},
	{"bigint", "null", ``},
	{"decimal(10,2)", "12345678.90", `1.23456789e+07`},
	{"decimal(18,0)", "-999999999999999999", `-999999999999999999`},
	{"decimal(10)", "42", `42`},
	{"decimal(65,30)", "12345678901234567890.5", `"12345678901234567890.5"`},
	{"numeric(4,3)", "0.1", `0.1`},
	{"float", "0.1", `0.1`},
	{"float", "16777217", `16777216`},
	{"float", "1.17549435e-38", `1.1754944e-38`},
	{"double", "0.1", `0.1`},
	{"double", "1.7976931348623157e308", `1.7976931348623157e+308`},
	{"double", "2.2250738585072014e-308", `2.2250738585072014e-308`},
	{"double", "123456789.12345679", `1.2345678912345679e+08`},
	{"bit(1)", "b'1'", `true`},
	{"bit(1)", "b'0'", `false`},
	{"bit(12)", "b'101000000001'", `2561`},
	{"bit(64)", "18446744073709551615", `"18446744073709551615"`},
	{"year", "1901", `1901`},
	{"year", "0", `0`},
	{"date", "'2024-02-29'", `"2024-02-29T00:00:00Z"`},
	{"date", "'9999-12-31'", `"9999-12-31T00:00:00Z"`},
	{"date", "'0000-00-00'", `"0000-00-00"`},
	{"date", "'2026-00-15'", `"2026-00-15"`},
	{"datetime", "'2026-03-29 02:30:00'", `"2026-03-29T02:30:00Z"`},
	{"datetime(6)", "'2026-03-29 02:30:00.123456'", `"2026-03-29T02:30:00.123456Z"`},
	{"datetime(3)", "'1000-01-01 00:00:00.001'", `"1000-01-01T00:00:00.001Z"`},
	{"datetime", "'0000-00-00 00:00:00'", `"0000-00-00 00:00:00"`},
	{"timestamp(6)", "'2038-01-19 03:14:07.999999'", `"2038-01-19T03:14:07.999999Z"`},
	{"timestamp", "0", `"0000-00-00 00:00:00"`},
	{"time", "'-838:59:59'", `"-838:59:59"`},
	{"time(6)", "'23:59:59.999999'", `"23:59:59.999999"`},
	{"char(5)", "'abc'", `"abc"`},
	{"varchar(5)", "'ab '", `"ab "`},
	{"varchar(5)", "''", `""`},
	{"varchar(20) CHARACTER SET latin1", "'Zürich €'", `"Zürich €"`},
	{"varchar(20) CHARACTER SET utf16", "'añ😀'", `"añ😀"`},
	{"varchar(20) CHARACTER SET sjis", "'日本'", `"日本"`},
	{"varchar(9) COLLATE utf8mb4_bin", `'a"\\b'`, `"a\"\\b"`},
	{"tinytext", `'a\n\t\0'`, `"a\n\t\u0000"`},
	{"text", "'üñ😀'", `"üñ😀"`},
	{"mediumtext", "'m'", `"m"`},
	{"longtext", "'l'", `"l"`},
	{"enum('ok','so so')", "'so so'", `"so so"`},
	{"enum('ok')", "''", `""`},
	{"set('a','b','c')", "'c,a'", `"a,c"`},
	{"binary(4)", "x'00ff'", `"00ff0000"`},
	{"varbinary(4)", "x'00ff'", `"00ff"`},
	{"varbinary(4)", "''", `""`},
	{"tinyblob", "x'ff'", `"ff"`},
	{"blob", "x'00'", `"00"`},
	{"mediumblob", "x'01'", `"01"`},
	{"longblob", "x'02'", `"02"`},
	{"json", `'{"b": 1, "a": [null, 12345678901234567890]}'`, `{"b": 1, "a": [null, 12345678901234567890]}`},
	{"json", `'null'`, `null`},
	{"point", "ST_GeomFromText('POINT(1.5 -2)')", `"POINT(1.5 -2)"`},
	{"geometry", "ST_GeomFromText('LINESTRING(0 0,1 1)')", `"LINESTRING(0 0,1 1)"`},
	{"polygon", "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 0))')", `"POLYGON((0 0,1 0,1 1,0 0))"`},
	{"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`},
	{"inet6", "'2001:DB8::1'", `"2001:db8::1"`},
	{"inet4", "'192.0.2.1'", `"192.0.2.1"`},
	{"bigint AS (6 * 7) STORED", "", `42`},
	{"bigint INVISIBLE", "8", `8`},
}

func (o origin) Typed(t *testing.T) (table string, want []string) {
	t.Helper()
	var columns, names, values, members []string
	for i, c := range typed {
		name := fmt.Sprintf("c%02d", i)
		null := ""
		if strings.HasPrefix(c.typ, "timestamp") {
			null = " NULL DEFAULT NULL" // the first would change by itself
		}
		columns = append(columns, name+" "+c.typ+null)
		if c.value != "" {
			names, values = append(names, name), append(values, c.value)
		}
		if c.want != "" {
			members = append(members, `"`+name+`":`+c.want)
		}
	}
	o.exec(t, fmt.Sprintf("CREATE TABLE typed (%s)", strings.Join(columns, ", ")))
	o.exec(t, fmt.Sprintf("INSERT INTO typed (%s) VALUES (%s)", strings.Join(names, ", "), strings.Join(values, ", ")))
	return "typed", []string{"{" + strings.Join(members, ",") + "}"}
}
