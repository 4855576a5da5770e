package postgres_test

import (
	"fmt"
	"strings"
	"testing"
)

// typed are columns by their type, a value of each and what a dataset has of it. Empty is
// nothing: a null.
var typed = []struct{ typ, value, want string }{
	{"smallint", "-32768", `-32768`},
	{"integer", "2147483647", `2147483647`},
	{"bigint", "-9223372036854775808", `-9223372036854775808`},
	{"oid", "4294967295", `4294967295`},
	{"boolean", "true", `true`},
	{"boolean", "false", `false`},
	{"boolean", "null", ``},
	{"real", "0.1", `0.1`},
	{"double precision", "1e-300", `1e-300`},
	{"double precision", "'NaN'", `"NaN"`},
	{"double precision", "'-Infinity'", `"-Infinity"`},
	{"numeric(10,2)", "12345678.90", `1.23456789e+07`},
	{"numeric(18,0)", "999999999999999999", `999999999999999999`},
	{"numeric", "0.1", `0.1`},
	{"numeric", "123456789.0123456789", `"123456789.0123456789"`},
	{"numeric", "'NaN'", `"NaN"`},
	{"numeric(30,5)", "-12345678901234567890.50000", `"-12345678901234567890.5"`},
	{"money", "'-1234.56'", `-1234.56`},
	{"text", `E'a "quoted" \\ text\nüñ😀'`, `"a \"quoted\" \\ text\nüñ😀"`},
	{"text", "''", `""`},
	{"varchar(5)", "'abc'", `"abc"`},
	{"char(5)", "'abc'", `"abc  "`},
	{`"char"`, "'x'", `"x"`},
	{"name", "'n'", `"n"`},
	{"bytea", `'\x00ff5c'`, `"00ff5c"`},
	{"bytea", `''`, `""`},
	{"uuid", "'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'", `"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"`},
	{"json", `'{"b": 1, "a": [null, 12345678901234567890]}'`, `{"b": 1, "a": [null, 12345678901234567890]}`},
	{"jsonb", `'{"b": 1, "a": "x"}'`, `{"a": "x", "b": 1}`},
	{"jsonb", `'null'`, `null`},
	{"date", "'2024-02-29'", `"2024-02-29T00:00:00Z"`},
	{"date", "'infinity'", `"infinity"`},
	{"date", "'0044-03-15 BC'", `"0044-03-15 BC"`},
	{"timestamp", "'2026-03-29 02:30:00.123456'", `"2026-03-29T02:30:00.123456Z"`},
	{"timestamptz", "'2026-03-29 02:30:00.5+05:45'", `"2026-03-28T20:45:00.5Z"`},
	{"timestamptz", "'-infinity'", `"-infinity"`},
	{"timestamptz", "'12026-01-01 00:00:00+00'", `"12026-01-01 00:00:00+00"`},
	{"time", "'23:59:59.999999'", `"23:59:59.999999"`},
	{"timetz", "'01:02:03+02'", `"01:02:03+02"`},
	{"interval", "'1 year 2 months 3 days 04:05:06.7'", `"P1Y2M3DT4H5M6.7S"`},
	{"integer[]", "'{1,null,3}'", `[1,null,3]`},
	{"text[][]", `'{{a,b},{"c,d",null}}'`, `[["a","b"],["c,d",null]]`},
	{"int4range", "'[1,5)'", `"[1,5)"`},
	{"tstzrange", "'[2026-01-01,)'", `"[\"2026-01-01 00:00:00+00\",)"`},
	{"int4multirange", "'{[1,2),[3,4)}'", `"{[1,2),[3,4)}"`},
	{"mood", "'so so'", `"so so"`},
	{"positive", "7", `7`},
	{"moods", "'{ok}'", `["ok"]`},
	{"pair", "'(1,\"x y\")'", `{"a":1,"b":"x y"}`},
	{"inet", "'10.0.0.1/8'", `"10.0.0.1/8"`},
	{"cidr", "'10.0.0.0/8'", `"10.0.0.0/8"`},
	{"macaddr", "'08:00:2b:01:02:03'", `"08:00:2b:01:02:03"`},
	{"bit(3)", "B'101'", `"101"`},
	{"varbit", "B'10'", `"10"`},
	{"point", "'(1,2)'", `"(1,2)"`},
	{"polygon", "'((0,0),(1,1))'", `"((0,0),(1,1))"`},
	{"xml", "'<a/>'", `"<a/>"`},
	{"tsvector", "'a b'", `"'a' 'b'"`},
	{"pg_lsn", "'16/B374D848'", `"16/B374D848"`},
	{"bigint GENERATED ALWAYS AS (42) STORED", "", `42`},
}

func (o origin) Typed(t *testing.T) (table string, want []string) {
	t.Helper()
	o.exec(t, `CREATE TYPE mood AS ENUM ('ok', 'so so'); CREATE DOMAIN positive AS integer CHECK (VALUE > 0); CREATE DOMAIN moods AS mood[]; CREATE TYPE pair AS (a int, b text)`)
	var columns, names, values, members []string
	for i, c := range typed {
		name := fmt.Sprintf("c%02d", i)
		columns = append(columns, name+" "+c.typ)
		if c.value != "" {
			names, values = append(names, name), append(values, c.value)
		}
		if c.want != "" {
			members = append(members, `"`+name+`":`+c.want)
		}
	}
	o.exec(t, "CREATE TABLE typed (%s)", strings.Join(columns, ", "))
	o.exec(t, "INSERT INTO typed (%s) VALUES (%s)", strings.Join(names, ", "), strings.Join(values, ", "))
	return "typed", []string{"{" + strings.Join(members, ",") + "}"}
}
