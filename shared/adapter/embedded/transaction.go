package embedded

import (
	"context"
	"database/sql"
	"sync/atomic"

	"github.com/tarnhq/tarn/shared/adapter/embedded/disk"
)

// transaction is the writer's connection with its prepared statements.
type transaction struct {
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
}

func begin(db *sql.DB) (*transaction, error) {
	conn, err := db.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	return &transaction{conn: conn, prepared: map[string]*sql.Stmt{}}, nil
}

func (tx *transaction) close() {
	for _, s := range tx.prepared {
		_ = s.Close()
	}
	_ = tx.conn.Close()
}

// commit runs a batch as one transaction and answers each change.
func (tx *transaction) commit(space *disk.Space, count *atomic.Uint64, batch []*change) {
	outcomes := make([]error, len(batch))
	err := tx.run(space, batch, outcomes)
	count.Add(1) // before anybody is told: who knows of a change finds it counted
	for i, c := range batch {
		if err != nil {
			c.done <- unavailable(err)
			continue
		}
		c.done <- outcomes[i]
	}
}

// run fails if the transaction does; outcomes are those of the changes.
func (tx *transaction) run(space *disk.Space, batch []*change, outcomes []error) error {
	size := 0
	for _, c := range batch {
		size += c.size
	}
	if err := space.Take(size); err != nil {
		return err
	}
	if _, err := tx.exec("begin immediate"); err != nil {
		return err
	}
	for i, c := range batch {
		var err error
		if outcomes[i], err = tx.attempt(c); err != nil {
			tx.abandon()
			return err
		}
	}
	if _, err := tx.exec("commit"); err != nil {
		tx.abandon()
		return err
	}
	return nil
}

// attempt runs one change and undoes it if it fails.
func (tx *transaction) attempt(c *change) (outcome, err error) {
	if _, err := tx.exec("savepoint change"); err != nil {
		return nil, err
	}
	outcome = c.do(tx)
	if outcome != nil {
		if _, err := tx.exec("rollback to change"); err != nil {
			return nil, err
		}
	}
	_, err = tx.exec("release change")
	return outcome, err
}

// abandon ends a transaction that failed. That this may fail says nothing: SQLite
// ends some transactions itself.
func (tx *transaction) abandon() { _, _ = tx.exec("rollback") }

// exec and query use no context: a statement of a shared transaction must not end
// with the request of one of those who share it.
func (tx *transaction) exec(text string, args ...any) (sql.Result, error) {
	s, err := tx.prepare(text)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

func (tx *transaction) query(text string, args ...any) (*sql.Rows, error) {
	s, err := tx.prepare(text)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

func (tx *transaction) prepare(text string) (*sql.Stmt, error) {
	if s, ok := tx.prepared[text]; ok {
		return s, nil
	}
	s, err := tx.conn.PrepareContext(context.Background(), text)
	if err == nil {
		tx.prepared[text] = s
	}
	return s, err
}
