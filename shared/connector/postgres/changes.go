package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pglogrepl"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/fault"
)

var _ connector.Feed = (*Source)(nil)

// mark writes a place in the log so that later ones are greater as text.
func mark(lsn pglogrepl.LSN) connector.Mark { return connector.Mark(fmt.Sprintf("%016x", uint64(lsn))) }

// lsn writes a mark as PostgreSQL does.
func lsn(m connector.Mark) ([]byte, error) {
	n, err := strconv.ParseUint(string(m), 16, 64)
	return []byte(pglogrepl.LSN(n).String()), err
}

// Subscribe implements connector.Feed: a publication says which tables, a replication slot
// keeps their changes. Both have the subscription's name.
func (s *Source) Subscribe(ctx context.Context, name string, tables []connector.Table, must bool) error {
	if level, err := s.one(ctx, "SHOW wal_level"); err != nil {
		return err
	} else if string(level) != "logical" {
		return fault.New(fault.Invalid, "no_changes", "the server's wal_level is %s: its log does not tell what has changed", level).
			WithHint("set wal_level = logical and restart it, or use mode incremental")
	}
	for _, t := range tables {
		if err := s.identified(ctx, t); err != nil {
			return err
		}
	}
	state, err := s.query(ctx, "SELECT wal_status FROM pg_replication_slots WHERE slot_name = $1 AND database = current_database()", []byte(name))
	if err != nil {
		return err
	}
	if lost := len(state) > 0 && string(state[0][0]) == "lost"; lost || len(state) == 0 && must {
		return slotLost(name)
	}
	if err := s.publish(ctx, name, tables); err != nil {
		return err
	}
	if len(state) > 0 {
		return nil
	}
	return s.exec(ctx, "SELECT pg_create_logical_replication_slot("+quoteText(name)+", 'pgoutput')")
}

func slotLost(name string) error {
	return fault.New(fault.NotFound, "slot_lost", "the replication slot %s is gone, or has lost changes", name).
		WithHint(`sync with {"full": true}: everything is copied anew`)
}

// identified returns an error unless the log names the rows of a table by the key.
func (s *Source) identified(ctx context.Context, t connector.Table) error {
	r, err := s.relation(ctx, t.Table)
	if err != nil {
		return err
	}
	key, err := r.find(t.Key...)
	if err != nil {
		return err
	}
	found, err := s.query(ctx, `SELECT a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		LEFT JOIN pg_index i ON i.indrelid = c.oid AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END
		WHERE c.oid = $1::regclass AND (c.relreplident = 'f' OR a.attnum = ANY (i.indkey))`, []byte(table(t.Table)))
	if err != nil {
		return err
	}
	for _, c := range key {
		if c.base.codec().expr != "" {
			return fault.New(fault.Invalid, "bad_key", "column %.80q of type %.80q cannot be part of a key", c.name, c.typ)
		}
		if !slices.ContainsFunc(found, func(row [][]byte) bool { return string(row[0]) == c.name }) {
			return fault.New(fault.Invalid, "bad_key", "the log of changes does not name the rows of table %.80q by %.80q", t.Table, c.name).
				WithHint("use the primary key, or ALTER TABLE %s REPLICA IDENTITY FULL", table(t.Table))
		}
	}
	return nil
}

// publish makes the publication one of exactly the tables. What is read of a table that was
// added must be as new as the publication: transactions that began before it, and whose
// changes are not in it, have to end first.
func (s *Source) publish(ctx context.Context, name string, tables []connector.Table) error {
	found, err := s.query(ctx, "SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = $1", []byte(name))
	if err != nil {
		return err
	}
	exists, err := s.one(ctx, "SELECT 1 FROM pg_publication WHERE pubname = $1", []byte(name))
	if err != nil {
		return err
	}
	list := make([]string, len(tables))
	same := len(found) == len(tables)
	for i, t := range tables {
		list[i] = table(t.Table)
		schema, local := split(t.Table)
		same = same && slices.ContainsFunc(found, func(row [][]byte) bool { return string(row[0]) == schema+"."+local })
	}
	switch all := strings.Join(list, ", "); {
	case exists == nil:
		return s.write(ctx, "CREATE PUBLICATION "+quote(name)+" FOR TABLE "+all+" WITH (publish_via_partition_root = true)")
	case same:
		return nil
	default:
		if err := s.write(ctx, "ALTER PUBLICATION "+quote(name)+" SET TABLE "+all); err != nil {
			return err
		}
	}
	return s.outlast(ctx)
}

// write runs a statement that changes the catalog.
func (s *Source) write(ctx context.Context, sql string) error {
	defer s.end(ctx)
	return s.exec(ctx, "BEGIN READ WRITE; "+sql+"; COMMIT")
}

const (
	patience = 30 * time.Second // with other transactions
	nap      = 50 * time.Millisecond
)

// outlast waits until all transactions that are under way have ended.
func (s *Source) outlast(ctx context.Context) error {
	now, err := s.one(ctx, "SELECT pg_snapshot_xmax(pg_current_snapshot())")
	if err != nil {
		return err
	}
	return s.until(ctx, func() (bool, error) {
		over, err := s.one(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8", now)
		return len(over) > 0 && over[0] == 't', err
	})
}

// until asks now and then whether something is so.
func (s *Source) until(ctx context.Context, so func() (bool, error)) error {
	for begun := time.Now(); time.Since(begun) < patience; {
		if ok, err := so(); ok || err != nil {
			return err
		}
		select {
		case <-time.After(nap):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return fault.New(fault.Unavailable, "source_busy", "a transaction of the source has been open for long").WithHint("end it: pg_stat_activity shows it")
}

// End implements connector.Feed.
func (s *Source) End(ctx context.Context) (connector.Mark, error) {
	text, err := s.one(ctx, "SELECT pg_current_wal_flush_lsn()")
	if err != nil {
		return "", err
	}
	at, err := pglogrepl.ParseLSN(string(text))
	return mark(at), err
}

// Confirm implements connector.Feed.
func (s *Source) Confirm(ctx context.Context, name string, through connector.Mark) error {
	at, err := lsn(through)
	if err != nil {
		return err
	}
	_, err = s.one(ctx, "SELECT pg_replication_slot_advance($1, $2::pg_lsn) FROM pg_replication_slots WHERE slot_name = $1 AND confirmed_flush_lsn < $2::pg_lsn", []byte(name), at)
	return err
}

// Unsubscribe implements connector.Feed.
func (s *Source) Unsubscribe(ctx context.Context, prefix, but string) error {
	pattern := []byte(strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(prefix) + "%")
	if _, err := s.query(ctx, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE $1 AND slot_name <> $2 AND database = current_database()", pattern, []byte(but)); err != nil {
		return err
	}
	old, err := s.query(ctx, "SELECT pubname FROM pg_publication WHERE pubname LIKE $1 AND pubname <> $2", pattern, []byte(but))
	for _, row := range old {
		if err := s.write(ctx, "DROP PUBLICATION IF EXISTS "+quote(string(row[0]))); err != nil {
			return err
		}
	}
	return err
}
