package postgres_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/postgres"
	"github.com/tarnhq/tarn/shared/connector/postgres/postgrestest"
)

// followed is a database with a table that is synced by its changes.
type followed struct {
	origin
	*connectortest.World
	t *testing.T
	c connector.Connector
}

func follow(t *testing.T, server postgrestest.Server, setup string, tables ...connector.Table) followed {
	t.Helper()
	o := newOrigin(t, server)
	o.exec(t, "%s", setup)
	w := connectortest.NewWorld(connector.Drivers{postgres.Kind: driver(t)})
	return followed{o, w, t, w.Create(t, connector.Spec{Name: "crm", Kind: postgres.Kind, Tables: tables, DSN: o.DSN()})}
}

// after fails unless the dataset has some rows after statements and a sync.
func (f followed) after(sql string, want ...string) {
	f.t.Helper()
	f.exec(f.t, "%s", sql)
	f.Sync(f.t, f.c, false)
	want = append([]string{}, want...)
	slices.Sort(want)
	if diff := cmp.Diff(want, f.Has(f.t, "a")); diff != "" {
		f.t.Errorf("after %.80q, -want +got:\n%s", sql, diff)
	}
}

var tableA = connector.Table{Table: "a", Dataset: "a", Mode: connector.Changes, Key: []string{"id"}}

func TestChangesAreAppliedWhateverTheyAre(t *testing.T) {
	server := postgrestest.Start(t)
	t.Run("a key that changes moves its row", func(t *testing.T) {
		f := follow(t, server, "CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x'), (2, 'y')", tableA)
		f.after("", `{"id":1,"v":"x"}`, `{"id":2,"v":"y"}`)
		f.after("UPDATE a SET id = 3 WHERE id = 1", `{"id":2,"v":"y"}`, `{"id":3,"v":"x"}`)
		f.after("UPDATE a SET id = id + 10; DELETE FROM a WHERE id = 12; INSERT INTO a VALUES (2, 'z')", `{"id":13,"v":"x"}`, `{"id":2,"v":"z"}`)
	})
	t.Run("a large value that an update leaves alone stays", func(t *testing.T) {
		f := follow(t, server, "CREATE TABLE a (id int PRIMARY KEY, n int, big text); ALTER TABLE a ALTER big SET STORAGE EXTERNAL; INSERT INTO a SELECT 1, 1, repeat('x', 10000)", tableA)
		f.Sync(t, f.c, false)
		before := f.Has(t, "a")
		f.exec(t, "UPDATE a SET n = 2")
		f.Sync(t, f.c, false)
		if after := f.Has(t, "a"); len(after) != 1 || len(after[0]) != len(before[0]) || after[0] == before[0] {
			t.Errorf("the row has %d bytes, before %d", len(after[0]), len(before[0]))
		}
	})
	t.Run("a generated column is there", func(t *testing.T) {
		f := follow(t, server, "CREATE TABLE a (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (2 * id) STORED)", tableA)
		f.after("")
		f.after("INSERT INTO a VALUES (4)", `{"id":4,"twice":8}`)
	})
	t.Run("a column that is added is there from then on, and one that is dropped is not", func(t *testing.T) {
		f := follow(t, server, "CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x')", tableA)
		f.after("", `{"id":1,"v":"x"}`)
		f.after("INSERT INTO a VALUES (2, 'y'); ALTER TABLE a ADD n int; INSERT INTO a VALUES (3, 'z', 7)", `{"id":1,"v":"x"}`, `{"id":2,"v":"y"}`, `{"id":3,"n":7,"v":"z"}`)
		f.after("ALTER TABLE a DROP v; UPDATE a SET n = 8 WHERE id = 3", `{"id":1,"v":"x"}`, `{"id":2,"v":"y"}`, `{"id":3,"n":8}`)
	})
	t.Run("a table that is emptied is empty, and what came after is there", func(t *testing.T) {
		f := follow(t, server, "CREATE TABLE a (id int PRIMARY KEY); INSERT INTO a SELECT generate_series(1, 100)", tableA)
		f.Sync(t, f.c, false)
		f.after("TRUNCATE a; INSERT INTO a VALUES (200)", `{"id":200}`)
		f.after("TRUNCATE a")
		f.after("INSERT INTO a VALUES (1)", `{"id":1}`)
	})
	t.Run("rows of every part of a partitioned table are its rows", func(t *testing.T) {
		f := follow(t, server, `CREATE TABLE a (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
			CREATE TABLE a1 PARTITION OF a FOR VALUES FROM (0) TO (10); CREATE TABLE a2 PARTITION OF a FOR VALUES FROM (10) TO (20)`, tableA)
		f.after("INSERT INTO a VALUES (1, 'x'), (11, 'y')", `{"id":1,"v":"x"}`, `{"id":11,"v":"y"}`)
		f.after("UPDATE a SET id = 12 WHERE id = 1; DELETE FROM a WHERE id = 11", `{"id":12,"v":"x"}`)
	})
	t.Run("keys of several columns and of odd texts tell rows apart", func(t *testing.T) {
		table := tableA
		table.Key = []string{"k", "at"}
		f := follow(t, server, `CREATE TABLE a (k text, at date, v int, PRIMARY KEY (k, at))`, table)
		f.after(`INSERT INTO a VALUES ('a"b\,{}', '2026-01-01', 1), ('', '2026-01-01', 2), ('null', '2026-01-02', 3)`,
			`{"at":"2026-01-01T00:00:00Z","k":"","v":2}`, `{"at":"2026-01-01T00:00:00Z","k":"a\"b\\,{}","v":1}`, `{"at":"2026-01-02T00:00:00Z","k":"null","v":3}`)
		f.after(`UPDATE a SET v = v + 10; DELETE FROM a WHERE k = ''`, `{"at":"2026-01-01T00:00:00Z","k":"a\"b\\,{}","v":11}`, `{"at":"2026-01-02T00:00:00Z","k":"null","v":13}`)
	})
}

func TestAKeyThatTheLogDoesNotNameIsRefusedAndReplicaIdentityFullMendsIt(t *testing.T) {
	f := follow(t, postgrestest.Start(t), "CREATE TABLE a (id int NOT NULL, v text); INSERT INTO a VALUES (1, 'x'), (2, 'y')", tableA)
	connectortest.Wants(t, f.Try(t, f.c, false), "bad_key")
	f.after("ALTER TABLE a REPLICA IDENTITY FULL", `{"id":1,"v":"x"}`, `{"id":2,"v":"y"}`)
	f.after("DELETE FROM a WHERE id = 1; UPDATE a SET v = 'z'", `{"id":2,"v":"z"}`)
}

func TestALostSlotIsToldOfAndAFullSyncBeginsAnew(t *testing.T) {
	f := follow(t, postgrestest.Start(t), "CREATE TABLE a (id int PRIMARY KEY)", tableA)
	f.after("INSERT INTO a VALUES (1), (2)", `{"id":1}`, `{"id":2}`)
	f.exec(t, "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots; DELETE FROM a WHERE id = 1")
	connectortest.Wants(t, f.Try(t, f.c, false), "slot_lost")
	f.Sync(t, f.c, true)
	f.after("INSERT INTO a VALUES (3)", `{"id":2}`, `{"id":3}`)
	f.exec(t, "DO $$ BEGIN IF (SELECT count(*) FROM pg_replication_slots) <> 1 OR (SELECT count(*) FROM pg_publication) <> 1 THEN RAISE 'slots are left'; END IF; END $$")
}

// TestATableThatIsAddedLaterMissesNoTransactionThatWasOpenThen adds one while a transaction
// is open that wrote before and commits after.
func TestATableThatIsAddedLaterMissesNoTransactionThatWasOpenThen(t *testing.T) {
	other := connector.Table{Table: "b", Dataset: "b", Mode: connector.Changes, Key: []string{"id"}}
	f := follow(t, postgrestest.Start(t), "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY)", other)
	f.Sync(t, f.c, false)
	conn, err := pgx.Connect(t.Context(), f.Server.DSN(f.database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	late, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := late.Exec(t.Context(), "INSERT INTO a VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	c, err := f.Store().Update(t.Context(), connectortest.Owner, f.c.Name, connector.Change{Tables: []connector.Table{other, tableA}})
	if err != nil {
		t.Fatal(err)
	}
	f.c = c
	synced := make(chan struct{})
	id := f.Submit(t, f.c, false)
	go func() {
		defer close(synced)
		f.Finish(t, id)
	}()
	f.waits(t)
	if err := late.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-synced
	f.after("", `{"id":1}`)
}

// waits returns once the sync asks whether the transaction has ended.
func (f followed) waits(t *testing.T) {
	t.Helper()
	f.exec(t, `DO $$ BEGIN
		WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'tarn' AND query LIKE '%%pg_snapshot_xmin%%') LOOP
			PERFORM pg_sleep(0.005), pg_stat_clear_snapshot();
		END LOOP; END $$`)
}
