package mysql_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/mysql/mysqltest"
	"github.com/tarnhq/tarn/shared/fault"
)

// source connects to a database.
func (o origin) source(t *testing.T) connector.Source {
	t.Helper()
	s, err := driver(t).Open(t.Context(), connector.Config{DSN: o.DSN()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// numbers reads a table in batches as small as can be, each from where the one before
// ended as if all else were forgotten, and returns the column n of its rows.
func numbers(t *testing.T, s connector.Source, table connector.Table) (all []int64) {
	t.Helper()
	var from json.RawMessage
	for {
		next, got := from, []int64(nil)
		for b, err := range s.Read(t.Context(), connector.Read{Table: table, From: from, Rows: 1}) {
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range b.Rows.Columns {
				if c.Name == "n" {
					got = c.Ints[:b.Rows.Len]
				}
			}
			next = b.Next
			break
		}
		all = append(all, got...)
		if string(next) == string(from) || strings.Contains(string(next), `"through":null`) {
			slices.Sort(all)
			return all
		}
		from = next
	}
}

// looks are texts that collations hold for equal, in part.
const looks = `('a'), ('A'), ('ä'), ('Ä'), ('a '), ('A  '), ('á'), ('b'), ('ss'), ('ß'), (''), (' '), (null)`

func TestTextsThatTheServerHoldsForEqualAreAllRead(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	for i, collation := range []string{
		"utf8mb4_general_ci", "utf8mb4_unicode_520_ci", "utf8mb4_german2_ci", "utf8mb4_bin", "utf8mb4_nopad_bin", "utf8mb4_unicode_nopad_ci",
		"latin1_german1_ci", "latin1_swedish_ci", "utf8mb3_general_ci", "utf16_general_ci",
	} {
		t.Run(collation, func(t *testing.T) {
			charset, _, _ := strings.Cut(collation, "_")
			table := fmt.Sprint("looks", i)
			o.exec(t, fmt.Sprintf("CREATE TABLE %s (n bigint PRIMARY KEY AUTO_INCREMENT, at int DEFAULT 7, k varchar(20) CHARACTER SET %s COLLATE %s, KEY (at, k))", table, charset, collation))
			o.exec(t, fmt.Sprintf("INSERT INTO %s (k) VALUES %s", table, looks))
			s := o.source(t)
			want := []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}
			if diff := cmp.Diff(want, numbers(t, s, connector.Table{Table: table, Cursor: "at", Key: []string{"k"}})); diff != "" {
				t.Errorf("as a key: -want +got:\n%s", diff)
			}
			for _, key := range [][]string{nil, {"n"}} {
				if diff := cmp.Diff(want[:12], numbers(t, s, connector.Table{Table: table, Cursor: "k", Key: key})); diff != "" {
					t.Errorf("as a cursor with key %v: -want +got:\n%s", key, diff)
				}
			}
		})
	}
}

// keyTypes are the types of which keys can be, with values that a literal must meet exactly.
var keyTypes = map[string]string{
	"tinyint":                       "(-128), (0), (127)",
	"bigint unsigned":               "(0), (9007199254740993), (9007199254740992), (18446744073709551615), (18446744073709551614)",
	"bigint":                        "(-9223372036854775808), (9223372036854775807), (9223372036854775806)",
	"year":                          "(0), (1901), (2155)",
	"decimal(65,30)":                "(0.000000000000000000000000000001), (12345678901234567890123456789012345.5), (12345678901234567890123456789012345.4), (-1)",
	"float":                         "(0.1), (0.2), (16777216), (1e-30), (-3.4e38)",
	"double":                        "(0.1), (0.30000000000000004), (0.3), (1e300), (-5e-324)",
	"date":                          "('0000-00-00'), ('2026-00-15'), ('2026-03-29'), ('9999-12-31')",
	"datetime(6)":                   "('0000-00-00'), ('2026-03-29 02:30:00.000001'), ('2026-03-29 02:30:00.000002')",
	"timestamp(6) NULL":             "('0000-00-00'), ('1970-01-01 00:00:01'), ('2026-03-29 02:30:00.000001'), ('2038-01-19 03:14:07.999999')",
	"time(6)":                       "('-838:59:59'), ('-00:00:00.000001'), ('00:00:00.000001'), ('838:59:59')",
	"char(5)":                       "('a'), ('b'), ('')",
	"varchar(9)":                    `('it''s'), ('a\\b'), ('%'), ('😀')`,
	"varchar(700)":                  "(repeat('x', 700)), (concat(repeat('x', 699), 'y')), (concat(repeat('x', 699), 'z'))",
	"binary(3)":                     "(x'00'), (x'0001'), (x'ff')",
	"varbinary(9)":                  "(''), (x'00'), (x'0000'), (x'20'), (x'ff27')",
	"enum('z','a','m')":             "('z'), ('a'), ('m')",
	"set('z','a','m')":              "('z'), ('a,m'), ('')",
	"uuid":                          "('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('00eebc99-9c0b-4ef8-bb6d-6bb9bd380aff')",
	"inet6":                         "('::'), ('2001:db8::1'), ('2001:db8::ffff')",
	"inet4":                         "('0.0.0.0'), ('192.0.2.1')",
	"varchar(9) CHARACTER SET sjis": "('日本'), ('日木')",
}

func TestAKeyOfAnyTypeTellsWhereToGoOn(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	s := o.source(t)
	i := 0
	for typ, values := range keyTypes {
		i++
		table := fmt.Sprint("keys", i)
		o.exec(t, fmt.Sprintf("CREATE TABLE %s (n bigint PRIMARY KEY AUTO_INCREMENT, at int DEFAULT 7, k %s, KEY (at, k))", table, typ))
		o.exec(t, fmt.Sprintf("INSERT INTO %s (k) VALUES %s, (null)", table, values))
		var want []int64
		for n := range int64(strings.Count(values, "), (") + 2) {
			want = append(want, n+1)
		}
		if diff := cmp.Diff(want, numbers(t, s, connector.Table{Table: table, Cursor: "at", Key: []string{"k"}})); diff != "" {
			t.Errorf("%s: -want +got:\n%s", typ, diff)
		}
	}
}

// cursorTypes are the types of cursors, with values in their order. Those before the first
// have no place in it.
var cursorTypes = map[string]struct {
	values []string
	first  int
}{
	"bigint unsigned":      {[]string{"0", "9007199254740992", "9007199254740993", "18446744073709551615"}, 0},
	"decimal(30,10)":       {[]string{"-1.5", "12345678901234567890.0000000001", "12345678901234567890.0000000002"}, 0},
	"date NOT NULL":        {[]string{"'0000-00-00'", "'2026-01-01'", "'2026-02-28'"}, 1},
	"datetime(6) NOT NULL": {[]string{"'0000-00-00'", "'1000-01-01'", "'2026-03-29 02:30:00.000001'", "'2026-03-29 02:30:00.000002'"}, 1},
	"datetime(6)":          {[]string{"null", "'2026-00-00'", "'9999-12-31 23:59:59.999999'"}, 1},
	"timestamp(6) NULL":    {[]string{"null", "'0000-00-00'", "'1970-01-01 00:00:01'", "'2026-03-29 02:30:00.000001'"}, 2},
	"varchar(9)":           {[]string{"null", "''", "'a'", "'b'"}, 1},
}

func TestACursorOfAnyTypeIsGoneOnFromExactly(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	s := o.source(t)
	i := 0
	for typ, c := range cursorTypes {
		i++
		for _, index := range []string{"", ", KEY (c)"} {
			table := fmt.Sprintf("cursors%d_%d", i, len(index))
			o.exec(t, fmt.Sprintf("CREATE TABLE %s (n bigint PRIMARY KEY, c %s%s)", table, typ, index))
			want := []int64{}
			for n, value := range c.values {
				o.exec(t, fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", table, n, value))
				if n >= c.first {
					want = append(want, int64(n))
				}
			}
			for _, key := range [][]string{nil, {"n"}} {
				if diff := cmp.Diff(want, numbers(t, s, connector.Table{Table: table, Cursor: "c", Key: key})); diff != "" {
					t.Errorf("%s%s, key %v: -want +got:\n%s", typ, index, key, diff)
				}
			}
		}
	}
}

func TestWhatRowsCannotBeInOrderOfIsRefused(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	o.exec(t, "CREATE TABLE things (n bigint PRIMARY KEY, at int, a text, b varchar(4000), c json, d blob, e point, f bit(4), g float, h enum('x'))")
	s := o.source(t)
	for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
		for _, table := range []connector.Table{{Table: "things", Cursor: name}, {Table: "things", Cursor: "at", Key: []string{name}}} {
			if table.Cursor == "at" && (name == "g" || name == "h") {
				continue // a key, but no cursor
			}
			for _, err := range s.Read(t.Context(), connector.Read{Table: table}) {
				if !fault.Is(err, fault.Invalid) {
					t.Errorf("%s by %s, %v: %v", name, table.Cursor, table.Key, err)
				}
			}
		}
	}
}
