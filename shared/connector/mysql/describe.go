package mysql

import (
	"context"
	"database/sql"
	"strings"

	"github.com/tarnhq/tarn/shared/connector/sqltable"
)

// columns lists the columns that the user may see. MariaDB's type json is a text with a
// check, which other servers are not asked of.
const columns = `
SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME, LOWER(c.DATA_TYPE), c.COLUMN_TYPE, c.IS_NULLABLE = 'YES',
	COALESCE(c.NUMERIC_PRECISION, 0), COALESCE(c.NUMERIC_SCALE, 0), COALESCE(c.CHARACTER_OCTET_LENGTH, 0) /*M! , j.CHECK_CLAUSE IS NOT NULL */
FROM information_schema.COLUMNS c
	/*M! LEFT JOIN information_schema.CHECK_CONSTRAINTS j ON j.CONSTRAINT_SCHEMA = c.TABLE_SCHEMA AND j.TABLE_NAME = c.TABLE_NAME
		AND j.LEVEL = 'Column' AND j.CONSTRAINT_NAME = c.COLUMN_NAME AND j.CHECK_CLAUSE = CONCAT('json_valid(` + "`', c.COLUMN_NAME, '`" + `)') */
WHERE `

const columnsEnd = ` ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.ORDINAL_POSITION`

// keys lists the columns of primary keys.
const keys = `
SELECT c.TABLE_SCHEMA, c.TABLE_NAME, c.COLUMN_NAME FROM information_schema.STATISTICS c
WHERE c.INDEX_NAME = 'PRIMARY' AND `

const keysEnd = ` ORDER BY c.TABLE_SCHEMA, c.TABLE_NAME, c.SEQ_IN_INDEX`

// Describe implements sqltable.System. It lists the database of the connection string; a
// table of another may be named "database.table".
func (s system) Describe(ctx context.Context, tx *sql.Tx, name string) ([]sqltable.Table, error) {
	where, args := "c.TABLE_SCHEMA = ?", []any{s.database}
	if name != "" {
		schema, local := s.split(name)
		where, args = "c.TABLE_SCHEMA = ? AND c.TABLE_NAME = ?", []any{schema, local}
	}
	tables, err := describe(ctx, tx, columns+where+columnsEnd, args)
	if err != nil || len(tables) == 0 {
		return nil, err
	}
	if name != "" {
		tables = s.meant(name, tables)
	}
	return tables, addKeys(ctx, tx, tables, keys+where+keysEnd, args)
}

func (s system) split(name string) (schema, local string) {
	if schema, local, ok := strings.Cut(name, "."); ok {
		return schema, local
	}
	return s.database, name
}

// meant returns which of the tables that are called so, but for case, a name means.
func (s system) meant(name string, tables []sqltable.Table) []sqltable.Table {
	schema, local := s.split(name)
	for _, t := range tables {
		if t.Name == schema+"."+local {
			return []sqltable.Table{t}
		}
	}
	return tables[:1] // of a server to which case makes no difference
}

func describe(ctx context.Context, tx *sql.Tx, statement string, args []any) (all []sqltable.Table, err error) {
	found, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	names, err := found.Columns()
	if err != nil {
		return nil, err
	}
	for found.Next() {
		var schema, table, column string
		var d declared
		into := []any{&schema, &table, &column, &d.data, &d.full, &d.nullable, &d.precision, &d.scale, &d.octets, &d.json}
		if err := found.Scan(into[:len(names)]...); err != nil {
			return nil, err
		}
		if name := schema + "." + table; len(all) == 0 || all[len(all)-1].Name != name {
			all = append(all, sqltable.Table{Name: name, SQL: quote(schema) + "." + quote(table)})
		}
		last := &all[len(all)-1]
		last.Columns = append(last.Columns, sqltable.Column{Name: column, Type: d.full, Nullable: d.nullable, Codec: d.codec()})
	}
	return all, found.Err()
}

func addKeys(ctx context.Context, tx *sql.Tx, tables []sqltable.Table, statement string, args []any) error {
	byName := map[string]*sqltable.Table{}
	for i := range tables {
		byName[tables[i].Name] = &tables[i]
	}
	found, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var schema, table, column string
		if err := found.Scan(&schema, &table, &column); err != nil {
			return err
		}
		if t := byName[schema+"."+table]; t != nil {
			t.Key = append(t.Key, column)
		}
	}
	return found.Err()
}
