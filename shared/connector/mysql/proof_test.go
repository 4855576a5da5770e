package mysql_test

import (
	"database/sql"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tarnhq/tarn/shared/connector"
	"github.com/tarnhq/tarn/shared/connector/connectortest"
	"github.com/tarnhq/tarn/shared/connector/mysql"
	"github.com/tarnhq/tarn/shared/connector/mysql/mysqltest"
	"github.com/tarnhq/tarn/shared/dataset"
	"github.com/tarnhq/tarn/shared/rows"
)

// bank are the tables of the proof: their key, and all their columns. Those of people are
// known by texts that differ in case alone, which the collation tells apart.
var bank = []struct {
	table   string
	create  string
	fill    string
	key     string
	columns []string
}{
	{"accounts", "id bigint PRIMARY KEY, branch int NOT NULL, balance decimal(12,2) NOT NULL, filler char(84) NOT NULL",
		"SELECT seq, seq % 10, 0, 'filler', '2026-01-01' FROM seq_1_to_%d", "id", []string{"id", "branch", "balance", "filler"}},
	{"branches", "id int PRIMARY KEY, total bigint NOT NULL", "SELECT seq, 0, '2026-01-01' FROM seq_0_to_9", "id", []string{"id", "total"}},
	{"people", "name varchar(40) COLLATE utf8mb4_bin PRIMARY KEY, seen int NOT NULL", "SELECT CONCAT(IF(seq % 2, 'p', 'P'), seq DIV 2), 0, '2026-01-01' FROM seq_1_to_1000", "name", []string{"name", "seen"}},
	{"history", "id bigint AUTO_INCREMENT PRIMARY KEY, account bigint NOT NULL, delta double NOT NULL", "SELECT seq, 1, 0.1, '2026-01-01' FROM seq_1_to_10", "id", []string{"id", "account", "delta"}},
}

// TestTenKilledIncrementalSyncsEndInWhatTheSourceHas syncs while others write, ten times,
// each killed at some call; after which every table is what it is at the source.
func TestTenKilledIncrementalSyncsEndInWhatTheSourceHas(t *testing.T) {
	o := newOrigin(t, mysqltest.Start(t))
	accounts := 250_000
	if testing.Short() {
		accounts = 20_000
	}
	var tables []connector.Table
	for _, b := range bank {
		o.exec(t, fmt.Sprintf("CREATE TABLE %s (%s, updated_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), KEY (updated_at))", b.table, b.create))
		o.exec(t, "INSERT INTO "+b.table+" "+strings.Replace(b.fill, "%d", fmt.Sprint(accounts), 1))
		tables = append(tables, connector.Table{Table: b.table, Dataset: dataset.Name(b.table), Cursor: "updated_at", Window: "20s", Key: []string{b.key}})
	}
	w := connectortest.NewWorld(connector.Drivers{mysql.Kind: driver(t)})
	w.Rows = 60_000 // of a load: the first takes several
	c := w.Create(t, connector.Spec{Name: "bank", Kind: mysql.Kind, Tables: tables, DSN: o.DSN()})
	stop := o.write(t, accounts)
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
	for _, b := range bank {
		columns := append(slices.Clone(b.columns), "updated_at")
		want, got := o.sum(t, b.table, columns), sum(t, w, dataset.Name(b.table), columns)
		if t.Logf("%s: %d rows", b.table, want.rows); want != got || want.rows == 0 {
			t.Errorf("%s: %+v, want %+v", b.table, got, want)
		}
	}
}

// pace is how often each of two writers commits.
const pace = 5 * time.Millisecond

// write has others write until stop is called.
func (o origin) write(t *testing.T, accounts int) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var writers sync.WaitGroup
	for n := range uint64(2) {
		writers.Go(func() {
			random, tick := rand.New(rand.NewPCG(3, n)), time.NewTicker(pace)
			defer tick.Stop()
			for count := 0; ; count++ {
				select {
				case <-done:
					t.Logf("%d transactions", count)
					return
				case <-tick.C:
				}
				if err := transaction(o.db, random, accounts); err != nil {
					t.Errorf("a writer: %v", err)
					return
				}
			}
		})
	}
	return func() {
		close(done)
		writers.Wait()
	}
}

func transaction(db *sql.DB, random *rand.Rand, accounts int) error {
	account, prefix := random.IntN(accounts), "p"
	if account%2 == 0 {
		prefix = "P"
	}
	_, err := db.Exec(`START TRANSACTION;
		UPDATE accounts SET balance = balance + 0.25 WHERE id = ?;
		UPDATE people SET seen = seen + 1 WHERE name = ?;
		INSERT INTO people (name, seen) VALUES (?, 1) ON DUPLICATE KEY UPDATE seen = seen + 1;
		INSERT INTO history (account, delta) VALUES (?, 0.1);
		UPDATE branches SET total = total + 1 WHERE id = ?;
		COMMIT`, account, fmt.Sprint(prefix, account%500), fmt.Sprint(prefix, "new", account%5000), account, account%10)
	return err
}

// checksum is of rows in any order.
type checksum struct {
	rows int
	sum  uint64
}

func (c *checksum) add(row []byte) {
	h := fnv.New64a()
	_, _ = h.Write(row) // never fails
	c.rows++
	c.sum += h.Sum64()
}

// sum is the checksum of a table.
func (o origin) sum(t *testing.T, table string, columns []string) (c checksum) {
	t.Helper()
	var texts []string
	for _, name := range columns {
		switch name {
		case "updated_at":
			name = "CAST(UNIX_TIMESTAMP(updated_at) * 1000000 AS SIGNED)"
		case "balance":
			name = "CAST(balance * 100 AS SIGNED)"
		}
		texts = append(texts, name)
	}
	found, err := o.db.QueryContext(t.Context(), "SELECT CONCAT_WS('|', "+strings.Join(texts, ", ")+") FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		var row sql.RawBytes
		if err := found.Scan(&row); err != nil {
			t.Fatal(err)
		}
		c.add(row)
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
				column := &batch.Columns[i]
				if len(text) > 0 {
					text = append(text, '|')
				}
				switch {
				case column.Type == dataset.Time:
					text = fmt.Append(text, column.Ints[row])
				case column.Type == dataset.Float && name == "balance":
					text = fmt.Append(text, int64(column.Float[row]*100))
				default:
					text = column.AppendText(text, row)
				}
			}
			c.add(text)
		}
	})
	return c
}
