package postgres_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/postgres"
	"github.com/tarnhq/tarn/shared/connector/postgres/postgrestest"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// The proofs: while pgbench writes, ten syncs, each killed at some call, after which
// every table is what it is at the source.

func TestTenKilledIncrementalSyncsEndInWhatTheSourceHas(t *testing.T) {
	prove(t, proof{mode: connector.Incremental, writes: `
\set aid random(1, 100000 * :scale)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + 1 WHERE tid = 1 + :aid % (10 * :scale);
UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1 + :aid % :scale;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :aid, 1, CURRENT_TIMESTAMP);
COMMIT;
`})
}

func TestTenKilledSyncsOfChangesEndInWhatTheSourceHasDeletesIncluded(t *testing.T) {
	prove(t, proof{mode: connector.Changes, writes: `
\set aid random(1, 100000 * :scale)
\set other random(1, 100000 * :scale)
\set moved 100000000 + :client_id * 10000000 + random(1, 10000000)
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
DELETE FROM pgbench_accounts WHERE aid = :other;
UPDATE pgbench_branches SET bbalance = bbalance + 1 WHERE bid = 1 + :aid % :scale;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :aid, 1, CURRENT_TIMESTAMP);
DELETE FROM pgbench_history WHERE id IN (SELECT id FROM pgbench_history ORDER BY id LIMIT 1) AND :aid % 2 = 0;
COMMIT;
BEGIN;
UPDATE pgbench_accounts SET aid = :moved WHERE aid = :aid AND :aid % 3 = 0;
ROLLBACK;
UPDATE pgbench_accounts SET aid = :moved WHERE aid = :aid AND :aid % 3 = 1;
INSERT INTO pgbench_accounts (aid, bid, abalance, filler) SELECT :other, 1, 7, 'back' WHERE :other % 2 = 0 ON CONFLICT DO NOTHING;
`})
}

type proof struct {
	mode   connector.Mode
	writes string // a script of pgbench
}

// bench are pgbench's tables: their key, and all their columns.
var bench = []struct {
	table   string
	key     string
	columns []string
}{
	{"pgbench_accounts", "aid", []string{"aid", "bid", "abalance", "filler", "updated_at"}},
	{"pgbench_tellers", "tid", []string{"tid", "bid", "tbalance", "filler", "updated_at"}},
	{"pgbench_branches", "bid", []string{"bid", "bbalance", "filler", "updated_at"}},
	{"pgbench_history", "id", []string{"id", "tid", "bid", "aid", "delta", "mtime", "updated_at"}},
}

func prove(t *testing.T, p proof) {
	server := postgrestest.Start(t)
	o := newOrigin(t, server)
	scale := "10"
	if testing.Short() {
		scale = "1"
	}
	o.pgbench(t, "-i", "-q", "-s", scale)
	o.exec(t, "ALTER TABLE pgbench_history ADD COLUMN id bigserial PRIMARY KEY")
	o.exec(t, `CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at = clock_timestamp(); RETURN NEW; END $$`)
	var tables []connector.Table
	for _, b := range bench {
		o.exec(t, "ALTER TABLE %[1]s ADD COLUMN updated_at timestamptz NOT NULL DEFAULT '2026-01-01'", b.table)
		o.exec(t, "CREATE TRIGGER touch BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION touch()", b.table)
		table := connector.Table{Table: "public." + b.table, Dataset: dataset.Name(b.table), Mode: p.mode, Key: []string{b.key}}
		if p.mode == connector.Incremental {
			table.Cursor, table.Window = "updated_at", "20s"
		}
		tables = append(tables, table)
	}
	w := connectortest.NewWorld(connector.Drivers{postgres.Kind: driver(t)})
	w.Rows = 150_000 // of a load: the first takes several
	c := w.Create(t, connector.Spec{Name: "bench", Kind: postgres.Kind, Tables: tables, DSN: o.DSN()})
	stop := o.write(t, p.writes, scale)
	random := rand.New(rand.NewPCG(1, 2))
	killed, calls := 0, 30
	for range 10 {
		w.Kill(1 + random.IntN(calls))
		w.Sync(t, c, false)
		if w.Struck() {
			killed++
		}
		calls = max(20, w.Kill(0)/2)
	}
	stop()
	w.Sync(t, c, false)
	if killed < 8 {
		t.Errorf("%d of 10 syncs were killed", killed)
	}
	for _, b := range bench {
		want, got := o.sum(t, b.table, b.columns), sum(t, w, dataset.Name(b.table), b.columns)
		if t.Logf("%s: %d rows", b.table, want.rows); want != got || want.rows == 0 {
			t.Errorf("%s: %+v, want %+v", b.table, got, want)
		}
	}
}

// pgbench runs pgbench to its end.
func (o origin) pgbench(t *testing.T, args ...string) {
	t.Helper()
	if out, err := o.command(args...).CombinedOutput(); err != nil {
		t.Fatalf("pgbench: %v: %s", err, out)
	}
}

func (o origin) command(args ...string) *exec.Cmd {
	all := append([]string{"-h", "127.0.0.1", "-p", fmt.Sprint(o.Port), "-U", "postgres"}, args...)
	c := exec.Command(filepath.Join(o.Bin, "pgbench"), append(all, o.database)...)
	c.Env = append(os.Environ(), "PGPASSWORD="+postgrestest.Password)
	return c
}

// write has pgbench write by a script until stop is called.
func (o origin) write(t *testing.T, script, scale string) (stop func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "writes.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	c := o.command("-n", "-c", "2", "-R", "300", "-T", "3600", "-D", "scale="+scale, "-f", file)
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	return func() {
		select {
		case err := <-ended:
			t.Fatalf("pgbench ended: %v: %s", err, said.String())
		default:
			_ = c.Process.Kill()
			<-ended
			o.quiet(t)
		}
	}
}

// quiet waits until the server has ended what pgbench left.
func (o origin) quiet(t *testing.T) {
	t.Helper()
	o.exec(t, `DO $$ BEGIN
		WHILE EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgbench') LOOP
			PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
		END LOOP; END $$`)
}

// checksum is of rows in any order.
type checksum struct {
	rows int
	sum  uint64
}

func (c *checksum) add(row []byte) {
	h := fnv.New64a()
	_, _ = h.Write(row)
	c.rows++
	c.sum += h.Sum64()
}

// sum is the checksum of a table of the source.
func (o origin) sum(t *testing.T, table string, columns []string) (c checksum) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), o.Server.DSN(o.database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var texts []string
	for _, name := range columns {
		if name == "updated_at" || name == "mtime" {
			name = "(extract(epoch FROM " + name + ") * 1000000)::bigint"
		}
		texts = append(texts, name)
	}
	found, err := conn.Query(t.Context(), "SELECT concat_ws('|', "+strings.Join(texts, ", ")+") FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		c.add(found.RawValues()[0])
	}
	if found.Err() != nil {
		t.Fatal(found.Err())
	}
	return c
}

// sum is the checksum of a dataset.
func sum(t *testing.T, w *connectortest.World, name dataset.Name, columns []string) (c checksum) {
	t.Helper()
	var text []byte
	w.Each(t, name, func(batch rows.Batch) {
		for row := range batch.Len {
			text = text[:0]
			for _, name := range columns {
				i := slices.IndexFunc(batch.Columns, func(c rows.Column) bool { return c.Name == name })
				if i < 0 || batch.Columns[i].IsNull(row) {
					continue
				}
				if len(text) > 0 {
					text = append(text, '|')
				}
				if column := &batch.Columns[i]; column.Type == dataset.Time {
					text = fmt.Append(text, column.Ints[row])
				} else {
					text = column.AppendText(text, row)
				}
			}
			c.add(text)
		}
	})
	return c
}
