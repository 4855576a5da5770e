package sqlserver

import (
	"context"
	"database/sql"
	"strings"

	"github.com/tarnhq/tarn/shared/connector/sqltable"
)

// columns lists the columns that the user may see, with the type that is behind one of the
// user's own. A column that is part of the primary key has its place in it.
const columns = `SELECT s.name, o.name, c.name, COALESCE(b.name, y.name), c.is_nullable, c.precision, c.scale, c.max_length, COALESCE(c.collation_name, ''), COALESCE(k.key_ordinal, 0)
FROM sys.objects o JOIN sys.schemas s ON s.schema_id = o.schema_id JOIN sys.columns c ON c.object_id = o.object_id
	JOIN sys.types y ON y.user_type_id = c.user_type_id LEFT JOIN sys.types b ON b.user_type_id = c.system_type_id
	LEFT JOIN sys.indexes i ON i.object_id = o.object_id AND i.is_primary_key = 1
	LEFT JOIN sys.index_columns k ON k.object_id = o.object_id AND k.index_id = i.index_id AND k.column_id = c.column_id
WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0`

const columnsEnd = ` ORDER BY s.name, o.name, c.column_id`

// Describe implements sqltable.System. A table is named "schema.table", or by itself if it
// is in the schema dbo.
func (system) Describe(ctx context.Context, tx *sql.Tx, name string) (all []sqltable.Table, err error) {
	statement := columns
	if name != "" {
		schema, local := split(name)
		statement += " AND s.name = " + text(schema) + " AND o.name = " + text(local)
	}
	found, err := tx.QueryContext(ctx, statement+columnsEnd)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var schema, table, column string
		var d declared
		var place int
		if err := found.Scan(&schema, &table, &column, &d.name, &d.nullable, &d.precision, &d.scale, &d.bytes, &d.collation, &place); err != nil {
			return nil, err
		}
		if name := schema + "." + table; len(all) == 0 || all[len(all)-1].Name != name {
			all = append(all, sqltable.Table{Name: name, SQL: quote(schema) + "." + quote(table)})
		}
		last := &all[len(all)-1]
		last.Columns = append(last.Columns, sqltable.Column{Name: column, Type: d.full(), Nullable: d.nullable, Codec: d.codec()})
		last.Key = placed(last.Key, place, column)
	}
	return all, found.Err()
}

// placed puts a column of a primary key to its place, which is counted from 1 on; 0 is none.
func placed(key []string, place int, column string) []string {
	for len(key) < place {
		key = append(key, "")
	}
	if place > 0 {
		key[place-1] = column
	}
	return key
}

func split(name string) (schema, local string) {
	if schema, local, ok := strings.Cut(name, "."); ok {
		return schema, local
	}
	return "dbo", name
}
