package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/tarnhq/tarn/shared/fault"
	"github.com/tarnhq/tarn/shared/table"
)

// items is a table.Table in the database.
type items struct {
	db  *database
	now func() time.Time
}

// The columns of an item, and what makes it alive at a time: expiry counts whole
// milliseconds.
const (
	columns = "partition, sort, attributes, counters, body, expires"
	alive   = "(expires is null or expires > ?)"
)

// Get returns an item.
func (t *items) Get(ctx context.Context, key table.Key) (table.Item, error) {
	if err := checkKey(key); err != nil {
		return table.Item{}, err
	}
	rows, err := t.db.query(ctx, "select "+columns+" from items where partition = ? and sort = ? and "+alive,
		[]byte(key.Partition), []byte(key.Sort), t.now().UnixMilli())
	if err != nil {
		return table.Item{}, unavailable(err)
	}
	found, err := scanItems(rows)
	if err != nil {
		return table.Item{}, err
	}
	if len(found) == 0 {
		return table.Item{}, fault.New(fault.NotFound, "item_not_found", "there is no item %q in %q", key.Sort, key.Partition)
	}
	return found[0], nil
}

// Commit applies all writes or none.
func (t *items) Commit(ctx context.Context, writes ...table.Write) error {
	size, err := checkWrites(writes)
	if err != nil || len(writes) == 0 {
		return err
	}
	return t.db.change(ctx, size, func(tx *transaction) error {
		for _, w := range writes {
			if err := t.apply(tx, w); err != nil {
				return err
			}
		}
		return nil
	})
}

func (t *items) apply(tx *transaction, w table.Write) error {
	var old *table.Item
	if w.Condition.Op != table.OpAlways || w.Verb == table.VerbAdd {
		var err error
		if old, err = t.current(tx, w.Item.Key); err != nil {
			return err
		}
	}
	if !holds(w.Condition, old) {
		return fault.New(fault.Conflict, "condition_failed", "item %q in %q is not as expected", w.Item.Key.Sort, w.Item.Key.Partition)
	}
	switch w.Verb {
	case table.VerbPut:
		return put(tx, w.Item)
	case table.VerbAdd:
		return put(tx, sum(old, w.Item))
	case table.VerbDelete:
		_, err := tx.exec("delete from items where partition = ? and sort = ?", []byte(w.Item.Key.Partition), []byte(w.Item.Key.Sort))
		return unavailable(err)
	default:
		return nil
	}
}

// current returns the item as the transaction sees it; nil: there is none.
func (t *items) current(tx *transaction, key table.Key) (*table.Item, error) {
	rows, err := tx.query("select "+columns+" from items where partition = ? and sort = ? and "+alive,
		[]byte(key.Partition), []byte(key.Sort), t.now().UnixMilli())
	if err != nil {
		return nil, unavailable(err)
	}
	found, err := scanItems(rows)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

func holds(c table.Condition, old *table.Item) bool {
	switch c.Op {
	case table.OpAbsent:
		return old == nil
	case table.OpPresent:
		return old != nil
	case table.OpEqual:
		return old != nil && old.Attributes[c.Attribute] == c.Value
	default:
		return true
	}
}

// sum adds the counters of an addition to the item it meets.
func sum(old *table.Item, add table.Item) table.Item {
	if old == nil {
		return add
	}
	next := *old
	if next.Counters == nil {
		next.Counters = map[string]int64{}
	}
	for name, n := range add.Counters {
		next.Counters[name] += n
	}
	if !add.Expires.IsZero() {
		next.Expires = add.Expires
	}
	return next
}

func put(tx *transaction, item table.Item) error {
	attributes, err := encode(item.Attributes)
	if err != nil {
		return err
	}
	counters, err := encode(item.Counters)
	if err != nil {
		return err
	}
	expires := sql.NullInt64{Int64: item.Expires.UnixMilli(), Valid: !item.Expires.IsZero()}
	_, err = tx.exec("insert or replace into items ("+columns+") values (?, ?, ?, ?, ?, ?)",
		[]byte(item.Key.Partition), []byte(item.Key.Sort), attributes, counters, item.Body, expires)
	return unavailable(err)
}

// encode returns JSON, or nil for an empty map.
func encode[V any](m map[string]V) (any, error) {
	if len(m) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(m)
	return string(text), err
}

// scanItems reads and closes rows of columns.
func scanItems(rows *sql.Rows) (found []table.Item, err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var partition, sort, attributes, counters []byte
		var expires sql.NullInt64
		var item table.Item
		if err := rows.Scan(&partition, &sort, &attributes, &counters, &item.Body, &expires); err != nil {
			return nil, unavailable(err)
		}
		item.Key = table.Key{Partition: string(partition), Sort: string(sort)}
		if expires.Valid {
			item.Expires = time.UnixMilli(expires.Int64)
		}
		if err := errors.Join(decode(attributes, &item.Attributes), decode(counters, &item.Counters)); err != nil {
			return nil, err
		}
		found = append(found, item)
	}
	return found, unavailable(rows.Err())
}

func decode[V any](text []byte, m *map[string]V) error {
	if text == nil {
		return nil
	}
	return json.Unmarshal(text, m)
}

// swept bounds the items that one transaction of sweep deletes.
const swept = 1000

// sweep deletes the items that have expired.
func (t *items) sweep(ctx context.Context) error {
	for gone := int64(swept); gone == swept; {
		err := t.db.change(ctx, 0, func(tx *transaction) error {
			done, err := tx.exec("delete from items where (partition, sort) in (select partition, sort from items where expires <= ? limit ?)",
				t.now().UnixMilli(), swept)
			if err == nil {
				gone, err = done.RowsAffected()
			}
			return unavailable(err)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
