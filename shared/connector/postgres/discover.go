package postgres

import (
	"context"
	"slices"
	"strconv"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

// describe lists the columns of tables, with the type that is behind a domain. A column
// that is part of the primary key has its place in it.
const describe = `
WITH RECURSIVE base(attrelid, attnum, typ, typmod) AS (
	SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod
	FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid IN (SELECT oid FROM wanted)
	UNION ALL
	SELECT b.attrelid, b.attnum, t.typbasetype, CASE WHEN t.typtypmod >= 0 THEN t.typtypmod ELSE b.typmod END
	FROM base b JOIN pg_type t ON t.oid = b.typ WHERE t.typtype = 'd'
), wanted AS (
	SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND `

const describeEnd = `
)
SELECT w.nspname || '.' || w.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
	bt.typname, bt.typtype, bt.typcategory, b.typmod,
	coalesce(array_position(k.conkey, a.attnum), 0)
FROM wanted w JOIN pg_attribute a ON a.attrelid = w.oid JOIN base b ON b.attrelid = w.oid AND b.attnum = a.attnum
	JOIN pg_type bt ON bt.oid = b.typ AND bt.typtype <> 'd'
	LEFT JOIN pg_constraint k ON k.conrelid = w.oid AND k.contype = 'p'
ORDER BY w.nspname, w.relname, a.attnum`

// everywhere are the tables that are not PostgreSQL's own and that may be read.
const everywhere = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND n.nspname NOT LIKE 'pg\_temp\_%' AND NOT c.relispartition
	AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')`

// column is a column of a table.
type column struct {
	name    string
	typ     string // as declared: "numeric(10,2)", "public.mood"
	notNull bool
	base    baseType
	key     int // place in the primary key from 1 on; 0: in none
}

// baseType is a type, or what is behind a domain.
type baseType struct {
	name     string // "int4", "_text"
	typtype  string // b: base, c: composite, e: enum, r: range, m: multirange
	category string // A: array, D: date or time, N: number, …
	typmod   int    // of numeric: precision and scale
}

type relation struct {
	name    string
	columns []column
}

// relations describes the tables that a condition names.
func (s *Source) relations(ctx context.Context, condition string, args ...[]byte) (all []relation, err error) {
	err = s.each(ctx, describe+condition+describeEnd, args, func(v [][]byte) error {
		if name := string(v[0]); len(all) == 0 || all[len(all)-1].name != name {
			all = append(all, relation{name: name})
		}
		typmod, _ := strconv.Atoi(string(v[7])) // the server's own integers
		key, _ := strconv.Atoi(string(v[8]))
		last := &all[len(all)-1]
		last.columns = append(last.columns, column{name: string(v[1]), typ: string(v[2]), notNull: v[3][0] == 't', key: key,
			base: baseType{name: string(v[4]), typtype: string(v[5]), category: string(v[6]), typmod: typmod}})
		return nil
	})
	return all, err
}

// relation describes a table.
func (s *Source) relation(ctx context.Context, name string) (relation, error) {
	schema, local := split(name)
	all, err := s.relations(ctx, "n.nspname = $1 AND c.relname = $2", []byte(schema), []byte(local))
	if err != nil {
		return relation{}, err
	}
	if len(all) == 0 {
		return relation{}, fault.New(fault.NotFound, "unknown_table", "the source has no table %.80q", name).WithHint("GET …/tables lists those there are")
	}
	return all[0], nil
}

// find returns columns by name.
func (r relation) find(names ...string) (all []column, err error) {
	for _, name := range names {
		i := slices.IndexFunc(r.columns, func(c column) bool { return c.name == name })
		if i < 0 {
			return nil, fault.New(fault.Invalid, "unknown_column", "table %.80q has no column %.80q", r.name, name).WithHint("GET …/tables lists the columns")
		}
		all = append(all, r.columns[i])
	}
	return all, nil
}

// key returns the names of the primary key.
func (r relation) key() []string {
	parts := slices.DeleteFunc(slices.Clone(r.columns), func(c column) bool { return c.key == 0 })
	slices.SortFunc(parts, func(a, b column) int { return a.key - b.key })
	var names []string
	for _, c := range parts {
		names = append(names, c.name)
	}
	return names
}

// Discover implements connector.Source.
func (s *Source) Discover(ctx context.Context) ([]connector.Relation, error) {
	found, err := s.relations(ctx, everywhere)
	if err != nil {
		return nil, err
	}
	all := make([]connector.Relation, len(found))
	for i, r := range found {
		all[i] = connector.Relation{Table: r.name, Key: r.key()}
		for _, c := range r.columns {
			all[i].Columns = append(all[i].Columns, connector.Column{Name: c.name, Type: c.typ, Becomes: c.base.codec().becomes, Nullable: !c.notNull})
		}
	}
	return all, nil
}
