package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/tarnhq/tarn/shared/fault"
)

// Pointers keep where the metadata of each Iceberg table is, in a file as Iceberg's
// SQL catalogs have it: other programs open it by its path, with the catalog's name
// "tarn".
type Pointers struct{ db *sql.DB }

// catalogTables are those of version 1 of the SQL catalog.
const catalogTables = `
create table if not exists iceberg_tables (
	catalog_name varchar(255) not null, table_namespace varchar(255) not null, table_name varchar(255) not null,
	metadata_location varchar(1000), previous_metadata_location varchar(1000), iceberg_type varchar(5),
	primary key (catalog_name, table_namespace, table_name));
create table if not exists iceberg_namespace_properties (
	catalog_name varchar(255) not null, namespace varchar(255) not null,
	property_key varchar(255) not null, property_value varchar(1000),
	primary key (catalog_name, namespace, property_key));`

// OpenPointers opens the file, which is made where there is none.
func OpenPointers(path string) (*Pointers, error) {
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	if _, err := db.Exec(catalogTables); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return &Pointers{db}, nil
}

// Close closes the file.
func (p *Pointers) Close() error { return p.db.Close() }

// Current returns where a table is, or fault.NotFound.
func (p *Pointers) Current(ctx context.Context, namespace, name string) (location string, err error) {
	err = p.db.QueryRowContext(ctx, `select metadata_location from iceberg_tables where catalog_name = 'tarn' and table_namespace = ? and table_name = ?`,
		namespace, name).Scan(&location)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fault.New(fault.NotFound, "no_iceberg_table", "there is no Iceberg table %s.%s", namespace, name)
	}
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, "iceberg_catalog", err)
	}
	return location, nil
}

// Swap moves a table from one location to another, from an empty one into being. It
// fails with fault.Conflict unless the table is at from.
func (p *Pointers) Swap(ctx context.Context, namespace, name, from, to string) error {
	moved, err := p.swap(ctx, namespace, name, from, to)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "iceberg_catalog", err)
	}
	if moved == 0 {
		return fault.New(fault.Conflict, "iceberg_table_moved", "Iceberg table %s.%s is not at %q", namespace, name, from)
	}
	return nil
}

func (p *Pointers) swap(ctx context.Context, namespace, name, from, to string) (moved int64, err error) {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // after Commit it does nothing
	var result sql.Result
	if from == "" {
		if _, err := tx.ExecContext(ctx, `insert into iceberg_namespace_properties values ('tarn', ?, 'exists', 'true') on conflict do nothing`, namespace); err != nil {
			return 0, err
		}
		result, err = tx.ExecContext(ctx, `insert into iceberg_tables values ('tarn', ?, ?, ?, null, 'TABLE') on conflict do nothing`, namespace, name, to)
	} else {
		result, err = tx.ExecContext(ctx, `update iceberg_tables set metadata_location = ?, previous_metadata_location = ?
			where catalog_name = 'tarn' and table_namespace = ? and table_name = ? and metadata_location = ?`, to, from, namespace, name, from)
	}
	if err != nil {
		return 0, err
	}
	if moved, err = result.RowsAffected(); err != nil {
		return 0, err
	}
	return moved, tx.Commit()
}
